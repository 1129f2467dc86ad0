"""The tables of the benchmark, from the dumps that hold them, each split once into a training and a hold-out half.

Left out are surrogate keys; foreign keys stay, as the numbers they are. Every tool gets the same frame: decimals as
float64, dates as timestamps at midnight, timestamps without a time zone (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20
CAP = 50_000
"""Rows a table gives at most, before it is split."""


@dataclass(frozen=True)
class Table:
    dump: str
    target: str
    """The column that ``utility`` predicts from the others."""
    query: str


TABLES = {
    "purchaseorderdetail": Table(
        "adventureworks",
        "unitprice",
        """select purchaseorderid, duedate, orderqty, productid, unitprice::float8, receivedqty::float8,
        rejectedqty::float8, modifieddate from purchasing.purchaseorderdetail order by purchaseorderdetailid""",
    ),
    "rossmann": Table(
        "rossmann",
        "sales",  # without its key (store, date)
        """select day_of_week, sales, customers, open, promo, state_holiday::text, school_holiday
        from train order by store, date""",
    ),
    "rental": Table(
        "pagila17",
        "rental_end",
        """select inventory_id, customer_id, staff_id, lower(rental_period) as rental_start,
        upper(rental_period) as rental_end, last_update from rental order by rental_id""",
    ),
    "walmart": Table(
        "walmart",
        "weekly_sales",
        """select s.store, s.dept, s.date::timestamp, s.weekly_sales::float8, s.is_holiday, temperature::float8,
        fuel_price::float8, markdown1::float8, markdown2::float8, markdown3::float8, markdown4::float8,
        markdown5::float8, cpi::float8, unemployment::float8
        from sales s join features f using (store, date) order by s.store, s.dept, s.date""",
    ),
    "flights": Table(
        "nycflights13",
        "arr_delay",
        """select year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier,
        flight, tailnum, origin, dest, air_time, distance, hour, minute, time_hour at time zone 'UTC' as time_hour
        from flights order by flight_id""",
    ),
}


def split(rows: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Two disjoint random halves of at most CAP of ``rows`` row numbers (an odd one is left out), each in order."""
    drawn = np.random.default_rng(seed).permutation(rows)[:CAP]
    half = len(drawn) // 2
    return np.sort(drawn[:half]), np.sort(drawn[half : 2 * half])


def prepare(dumps: Path, data: Path, names: list[str]) -> None:
    """Restore the dumps on an embedded server and write ``NAME.train.parquet`` and ``NAME.holdout.parquet``."""
    import psycopg
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dbsynth.testing.embedded import conninfo, create_database, embedded_postgres, restore

    data.mkdir(parents=True, exist_ok=True)
    with embedded_postgres() as server:
        for name in names:
            table = TABLES[name]
            database = create_database(server, name)
            restore(database, dumps / f"{table.dump}.sql.gz")
            with psycopg.connect(conninfo(database)) as connection:
                cursor = connection.execute(table.query.encode())
                columns: list[tuple[Any, ...]] = list(zip(*cursor.fetchall(), strict=True))
                fields = [c.name for c in cursor.description or ()]
            whole = pa.table({f: pa.array(c) for f, c in zip(fields, columns, strict=True)})
            whole = whole.replace_schema_metadata({"target": table.target})
            for part, numbers in zip(("train", "holdout"), split(whole.num_rows), strict=True):
                pq.write_table(whole.take(pa.array(numbers)), data / f"{name}.{part}.parquet")
            print(f"{name}: {whole.num_rows:,} rows × {whole.num_columns}, two halves of {len(numbers):,}", flush=True)
