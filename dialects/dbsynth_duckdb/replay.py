"""Somebody's queries on a DuckDB file: opened read-only, without access to other files, stopped by a timer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from dbsynth.errors import CannotClone
from dbsynth_duckdb.database import BATCH_ROWS

CLOSED = "SET enable_external_access = false"
"""No query reads or writes another file; nothing takes this back while the file is open.
https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview"""


class Stream:
    def __init__(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds

    def __call__(self, sql: str) -> Iterator[pa.RecordBatch]:
        stop = threading.Timer(self._seconds, self._connection.interrupt)
        stop.start()
        try:
            # One statement, however many a parser of ours may have overlooked.
            [statement] = self._connection.extract_statements(sql)
            if statement.type != duckdb.StatementType.SELECT:
                raise CannotClone("not a query")
            yield from self._connection.sql(statement.query).to_arrow_reader(BATCH_ROWS)
        except (duckdb.Error, pa.ArrowException, ValueError) as error:
            # Each as the query's own: the file itself was open before.
            raise CannotClone("the query failed") from error
        finally:
            stop.cancel()
            stop.join()
