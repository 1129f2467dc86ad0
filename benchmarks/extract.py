"""Speed of extraction: rows read into Arrow, against the server's own COPY FROM of a csv file with the same rows.

python benchmarks/extract.py [--rows 1000000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from dbsynth.dialect import ReadRequest, connect
from dbsynth.schema.model import TableName
from dbsynth.testing.embedded import conninfo, embedded_postgres

TABLE = """create table t as
select i::integer as id, i::bigint * 7919 as big, random() as ratio, (random() * 1000)::numeric(10, 2) as price,
       'text ' || md5(i::text) as body, case when i % 5 <> 0 then 'v' || i % 100 end as kind,
       date '2000-01-01' + i % 9000 as day, timestamp '2000-01-01' + i * interval '1.234567 s' as at,
       i % 2 = 0 as flag, (i % 32000)::smallint as small
from generate_series(1, {rows}) i"""
"""Ten mixed columns, 125 bytes a row."""


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(rows: int, repeat: int, folder: Path) -> list[tuple[float, float]]:
    """(rows/s of COPY FROM, rows/s of extraction), side by side."""
    found = []
    with embedded_postgres() as url, psycopg.connect(conninfo(url), autocommit=True) as server:
        server.execute(TABLE.format(rows=rows).encode())
        server.execute("vacuum analyze t")
        server.execute(f"copy t to '{folder / 't.csv'}' (format csv)".encode())
        database = connect(url)
        columns = tuple(c.name for c in database.introspect().tables[0].columns)
        request = ReadRequest(TableName("public", "t"), columns)
        for _ in range(repeat):
            server.execute("create table copied (like t)")
            copied = seconds(lambda: server.execute(f"copy copied from '{folder / 't.csv'}' (format csv)".encode()))
            server.execute("drop table copied")
            read = seconds(lambda: sum(batch.num_rows for batch in database.read(request)))
            found.append((rows / copied, rows / read))
        database.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # the server, which may be another user, writes and reads the file
        found = measure(options.rows, options.repeat, Path(folder))
    print("| run | COPY FROM, rows/s | extraction, rows/s | ratio |\n|---|---|---|---|")
    for i, (copied, read) in enumerate(found, 1):
        print(f"| {i} | {copied:,.0f} | {read:,.0f} | {read / copied:.2f} |")
    print(f"\nmedian ratio {statistics.median(read / copied for copied, read in found):.2f}")


if __name__ == "__main__":
    main()
