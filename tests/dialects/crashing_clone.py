"""A clone in a process of its own that says where it is, to be killed there: URL, run id, version of the rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pyarrow as pa
from postgresql_targets import opened, run_info, target_of

from dbsynth.dialect import Database
from dbsynth.schema.model import Schema, Table

ROWS = 20_000


def rows(table: Table, version: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, ROWS, 2_000):
        ids = pa.array(range(start, start + 2_000), pa.int64())
        columns = {"id": ids, "version": pa.array([version] * 2_000, pa.int64())}
        if "parent" in table.by_name:
            columns["parent"] = ids
        yield pa.RecordBatch.from_pydict(columns)
        say(f"load {table.name.name}")
        time.sleep(0.01)


def say(where: str) -> None:
    print(where, flush=True)


def run(url: str, run_id: str, version: int) -> None:
    with opened(url) as source, target_of(url) as target:
        database: Database = source
        schema: Schema = database.introspect(["public"])
        say("prepare")
        target.prepare(schema, {"public": "dev"}, run_info(run_id, database), replace=False)
        for table in schema:
            target.load(table.name, rows(table, version))
        target.finish(lambda message: say(f"finish {message}"))
        say("publish")
        target.publish()
        say("done")


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
