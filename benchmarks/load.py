"""How fast rows get in and out: our load path against the server reading the same rows from a csv file by itself.

    python benchmarks/load.py [--rows N] [--repeat N]

Prints a Markdown table. Every ratio is within one repetition, because the speed of a shared machine changes from one
to the next; the table shows the median of the repetitions and their range.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv

from dbsynth.dialect import Database, ReadRequest, RunInfo, connect
from dbsynth.schema.model import Schema, TableName
from dbsynth.testing.embedded import conninfo, embedded_postgres

TABLE = TableName("public", "mixed")
COLUMNS = """
    id bigint not null, quantity integer, price double precision, amount numeric(12, 2), name text,
    note varchar(60), day date, at timestamp, ok boolean, score bigint"""
BATCH = 65_536


def rows(n: int, seed: int = 1) -> pa.Table:
    """Ten columns: int, float, numeric, text with NULL, date, timestamp, bool; about 140 bytes a row as csv."""
    draw = np.random.default_rng(seed)
    words = np.array([f"some name {i:05d} and more" for i in range(5_000)], object)
    notes = np.array([f"note {i} with words, a comma" for i in range(20_000)], object)
    return pa.table(
        {
            "id": pa.array(np.arange(n)),
            "quantity": pa.array(draw.integers(0, 1_000, n)),
            "price": pa.array(draw.random(n) * 1_000),
            "amount": pa.array(draw.integers(0, 10**8, n)).cast(pa.decimal128(38, 2)),
            "name": pa.array(words[draw.integers(0, 5_000, n)], mask=draw.random(n) < 0.1),
            "note": pa.array(notes[draw.integers(0, 20_000, n)], mask=draw.random(n) < 0.2),
            "day": pa.array(draw.integers(10_000, 19_000, n).astype("datetime64[D]")),
            "at": pa.array(draw.integers(10**15, 16 * 10**14, n).astype("datetime64[us]")),
            "ok": pa.array(draw.random(n) < 0.5),
            "score": pa.array(draw.integers(0, 10**9, n), mask=draw.random(n) < 0.1),
        }
    )


def server_copy(connection: psycopg.Connection, path: Path) -> float:
    """COPY FROM a file that lies on the server: nothing crosses a socket."""
    connection.execute(f"drop table if exists copied; create table copied ({COLUMNS})".encode())
    start = time.perf_counter()
    connection.execute(f"copy copied from '{path}' (format csv)".encode())
    return time.perf_counter() - start


def our_load(database: Database, schema: Schema, table: pa.Table, run: str) -> float:
    """From batches to committed rows in the building schema."""
    target = database.target()
    with contextlib.closing(target):
        info = RunInfo(run, "benchmark", 1, database.describe(), source_identity=database.identity())
        target.prepare(schema, {"public": "dev"}, info, replace=False)
        start = time.perf_counter()
        target.load(TABLE, table.to_batches(BATCH))
        taken = time.perf_counter() - start
        target.discard()
    return taken


def raw_read(connection: psycopg.Connection) -> float:
    """COPY TO STDOUT, bytes thrown away: the floor of every extraction."""
    start = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy("copy public.mixed to stdout (format csv)") as copy:
        for _ in copy:
            pass
    return time.perf_counter() - start


def our_read(database: Database, table: pa.Table) -> float:
    start = time.perf_counter()
    n = sum(batch.num_rows for batch in database.read(ReadRequest(TABLE, tuple(table.schema.names))))
    assert n == table.num_rows
    return time.perf_counter() - start


def repetitions(url: str, table: pa.Table, path: Path, repeat: int) -> Iterator[dict[str, float]]:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(f"create table mixed ({COLUMNS})".encode())
        connection.execute(f"copy mixed from '{path}' (format csv); ".encode())
        connection.execute(b"vacuum analyze mixed")
        with contextlib.closing(connect(url)) as database:
            schema = database.introspect(["public"])
            schema = Schema(tuple(t for t in schema if t.name == TABLE))
            for number in range(repeat + 1):
                seconds = {
                    "server-side COPY FROM csv file": server_copy(connection, path),
                    "dbsynth load": our_load(database, schema, table, f"run{number}"),
                    "COPY TO STDOUT csv, bytes only": raw_read(connection),
                    "dbsynth extraction": our_read(database, table),
                }
                if number:  # the first warms everything up
                    yield seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    table = rows(options.rows)
    with tempfile.TemporaryDirectory() as folder, embedded_postgres() as url:
        Path(folder).chmod(0o755)  # the server may run as another user
        path = Path(folder) / "rows.csv"
        pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(include_header=False))
        path.chmod(0o644)
        done = list(repetitions(url, table, path, options.repeat))
    against = "server-side COPY FROM csv file"
    print(f"{options.rows:,} rows of 10 columns, median of {options.repeat} repetitions (least to most)\n")
    print("| path | rows/s | ratio to server-side COPY |")
    print("|---|---|---|")
    for name in done[0]:
        speeds = [options.rows / d[name] for d in done]
        ratios = [d[against] / d[name] for d in done]
        print(
            f"| {name} | {statistics.median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"
            f" | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )


if __name__ == "__main__":
    main()
