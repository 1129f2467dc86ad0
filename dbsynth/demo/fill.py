"""``python -m dbsynth.demo.fill URL``: put the demo's shop into a database that does not have it yet."""

from __future__ import annotations

import sys

import psycopg

from dbsynth.demo.__main__ import fill
from dbsynth.testing.embedded import conninfo


def main(url: str) -> None:
    with psycopg.connect(conninfo(url)) as connection:
        there = connection.execute("select to_regclass('order_line') is not null").fetchone()
    if there == (True,):
        print("the shop is there already")
    else:
        print(f"the shop: {fill(url):,} rows")


if __name__ == "__main__":
    main(sys.argv[1])
