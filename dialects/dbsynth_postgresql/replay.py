"""Run somebody's queries: each in a read-only transaction of its own, through a cursor, rolled back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import numpy as np
import psycopg
from psycopg.pq import Format
from sqlalchemy.engine import Engine

from dbsynth.errors import UsageError
from dbsynth.queries import RESULT_BYTES, RESULT_ROWS, Failure, PlanNode, Ran, ResultColumn, Statement
from dbsynth_postgresql.connection import connected, driver, explain
from dbsynth_postgresql.names import ident, literal
from dbsynth_postgresql.read import snapshot_gone

FIRST, FETCHED, FETCHED_BYTES = 20, 1000, 4 << 20
"""Rows at first; then as many as fit, by the size of those before: rows may be megabytes long."""
NUMBERS = frozenset({20, 21, 23, 26, 700, 701, 1700})
"""Oids of int8, int2, int4, oid, float4, float8, numeric."""
MOMENTS = frozenset({1082, 1114, 1184})
"""Oids of date, timestamp, timestamptz."""
EPOCH = datetime(1970, 1, 1)

SESSION = {
    # What the planner thinks of a cursor is what it thinks of the query.
    "cursor_tuple_fraction": "1",
    # A query that waits for a lock waits for a writer that is none of ours.
    "lock_timeout": "5s",
}


@contextmanager
def opened(
    engine: Engine, schemas: Sequence[str], seconds: float, snapshot: str | None = None
) -> Iterator[PostgresqlRunner]:
    with connected(engine) as connection:
        below = driver(connection)
        try:
            yield PostgresqlRunner(engine, below, schemas, seconds, snapshot)
        finally:
            if not below.closed:
                below.rollback()
            # Session state that a query left behind (a lock, a setting) ends with the session.
            connection.invalidate()


class PostgresqlRunner:
    def __init__(
        self,
        engine: Engine,
        connection: psycopg.Connection[Any],
        schemas: Sequence[str],
        seconds: float,
        snapshot: str | None = None,
    ) -> None:
        self._engine, self._connection, self._seconds, self._snapshot = engine, connection, seconds, snapshot
        self._path = ", ".join(map(ident, schemas)) or "''"

    def run(self, sql: str) -> Ran | Failure:
        if self._connection.closed:
            raise explain(psycopg.OperationalError("the connection is closed"), self._engine.url, "lost")
        began = time.monotonic()
        try:
            self._begin(began)
            rows, columns = self._result(sql, began)
            # Both again from the start: what the query set for its transaction is gone.
            self._connection.rollback()
            self._begin(time.monotonic())
            plan = self._plan(sql)
            return Ran(rows, columns, plan, time.monotonic() - began)
        except psycopg.Error as error:
            if self._connection.closed:
                raise explain(error, self._engine.url, "replaying queries: lost the connection to") from error
            return Failure(failure(error), isinstance(error, psycopg.errors.QueryCanceled))
        except UnicodeDecodeError:
            return Failure("a result that is no valid text")
        finally:
            if not self._connection.closed:
                self._connection.rollback()

    def _begin(self, began: float) -> None:
        self._do("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if self._snapshot is not None:
            try:
                self._do(f"SET TRANSACTION SNAPSHOT {literal(self._snapshot)}")
            except psycopg.Error as error:
                raise snapshot_gone(error, self._engine.url) from error
        self._do(f"SET LOCAL search_path = {self._path}")
        for name, value in SESSION.items():
            self._do(f"SET LOCAL {name} = {literal(value)}")
        self._limit(began)

    def _limit(self, began: float) -> None:
        """So that all statements of a query together take no longer than it may."""
        left = max(1, int(1000 * (self._seconds - (time.monotonic() - began))))
        self._do(f"SET LOCAL statement_timeout = {left}")

    def _do(self, sql: str) -> psycopg.Cursor[Any]:
        # Prepared: the server takes a single statement then, however many a parser of ours may have overlooked.
        return self._connection.execute(sql.encode(), prepare=True)

    def _result(self, sql: str, began: float) -> tuple[int, tuple[ResultColumn, ...]]:
        # DECLARE takes a query that only reads, and no other statement.
        self._do(f"DECLARE dbsynth_replay NO SCROLL CURSOR FOR {sql}\n")
        texts: list[list[str | None]] = []
        names: list[tuple[str, int]] = []
        rows = size = 0
        asked = FIRST
        while True:
            self._limit(began)
            result = self._do(f"FETCH {asked} FROM dbsynth_replay").pgresult
            assert result is not None
            if not names:
                names = [((result.fname(i) or b"").decode(), result.ftype(i)) for i in range(result.nfields)]
                texts = [[] for _ in names]
            for i, column in enumerate(texts):
                assert result.fformat(i) == Format.TEXT
                values = [result.get_value(row, i) for row in range(result.ntuples)]
                size += sum(len(v) for v in values if v is not None)
                column.extend(None if v is None else v.decode() for v in values)
            rows += result.ntuples
            if result.ntuples < asked:
                break
            if rows >= RESULT_ROWS or size >= RESULT_BYTES:
                self._limit(began)
                moved = self._do("MOVE FORWARD ALL FROM dbsynth_replay").statusmessage or ""
                rows += int(moved.rpartition(" ")[2] or 0)
                break
            asked = max(1, min(FETCHED, FETCHED_BYTES * rows // max(size, 1), RESULT_ROWS - rows))
        return rows, tuple(_column(name, oid, values) for (name, oid), values in zip(names, texts, strict=True))

    def _plan(self, sql: str) -> PlanNode:
        result = self._do(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}\n").pgresult
        assert result is not None
        told = result.get_value(0, 0)
        assert told is not None
        return node_of(json.loads(told)[0]["Plan"])


def _column(name: str, oid: int, texts: list[str | None]) -> ResultColumn:
    if oid in NUMBERS:
        return ResultColumn(name, True, np.array([np.nan if t is None else float(t) for t in texts], dtype=np.float64))
    if oid in MOMENTS:
        return ResultColumn(name, True, np.array([_seconds(t) for t in texts], dtype=np.float64))
    return ResultColumn(name, False, np.array(texts, dtype=object))


def _seconds(text: str | None) -> float:
    """Since 1970; those that Python has no moment for count as one far away."""
    if text is None:
        return np.nan
    if text.startswith("-") or text.endswith("BC"):
        return -1e12
    try:
        if len(text) == 10:
            return (date.fromisoformat(text) - EPOCH.date()).days * 86_400.0
        return (datetime.fromisoformat(text).replace(tzinfo=None) - EPOCH).total_seconds()
    except ValueError:
        return 1e12


def node_of(told: Mapping[str, Any]) -> PlanNode:
    loops = int(told.get("Actual Loops", 1))
    kind = str(told["Node Type"])
    if kind == "Aggregate" and told.get("Strategy") == "Sorted":
        kind = "Sorted Aggregate"  # gives a group as soon as it is complete
    return PlanNode(
        kind,
        str(told.get("Alias") or told.get("CTE Name") or ""),
        float(told.get("Actual Rows", 0)) * loops,
        float(told.get("Plan Rows", 0)),
        loops,
        tuple(node_of(below) for below in told.get("Plans", ())),
    )


def failure(error: psycopg.Error) -> str:
    """The class of the error in words, e.g. ``undefined table``: the message itself may quote values."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return "stopped at the time limit" if isinstance(error, psycopg.errors.QueryCanceled) else words


STATEMENTS = """
SELECT s.query, sum(s.calls)::bigint
FROM {schema}.pg_stat_statements s
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND s.query ~* '^[[:space:]]*(--[^\\n]*\\n|/\\*.*\\*/|[[:space:]]|\\()*(select|with|values)'
GROUP BY s.query
ORDER BY sum({time}) DESC, s.query
LIMIT {most}
"""


def statements(engine: Engine, most: int) -> list[Statement]:
    """What the extension pg_stat_statements has counted in this database, of the current user's view."""
    with connected(engine) as connection:
        below = driver(connection)
        try:
            found = below.execute(
                "SELECT n.nspname FROM pg_catalog.pg_extension e"
                " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'"
            ).fetchone()
            if found is None:
                raise UsageError(
                    "the source does not have the extension pg_stat_statements",
                    hint="CREATE EXTENSION pg_stat_statements (with shared_preload_libraries = 'pg_stat_statements'), "
                    "let the workload run, then replay; or give the queries in a file: --queries FILE",
                )
            time_column = "s.total_exec_time"  # since PostgreSQL 13, the oldest that is read
            sql = STATEMENTS.format(schema=ident(found[0]), time=time_column, most=int(most))
            return [Statement(query, int(calls)) for query, calls in below.execute(sql.encode()).fetchall()]
        except psycopg.errors.ObjectNotInPrerequisiteState as error:
            raise UsageError(
                "pg_stat_statements is created in the source but not loaded by its server",
                hint="shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, and a restart; "
                "or give the queries in a file: --queries FILE",
            ) from error
        finally:
            if not below.closed:
                below.rollback()
