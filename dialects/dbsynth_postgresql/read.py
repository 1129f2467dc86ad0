"""Stream the rows of a SELECT into Arrow: COPY's csv in chunks, parsed beside the reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO

import psycopg
import pyarrow as pa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from dbsynth.errors import ConnectionFailed, PermissionDenied, UnsupportedSource
from dbsynth_postgresql.connection import connected, driver, explain, one_line
from dbsynth_postgresql.decode import CsvDecoder
from dbsynth_postgresql.names import literal

CHUNK_BYTES, CHUNK_ROWS = 4 << 20, 65_536
"""A batch is cut when it reaches either; a single row may be larger."""


@contextmanager
def read_transaction(engine: Engine, snapshot: str | None = None) -> Iterator[Connection]:
    """A read-only transaction that sees one state of the database: that of ``snapshot``, else that of its start."""
    with connected(engine) as connection, _ended(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if snapshot is not None:
            try:
                connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")
            except DBAPIError as error:
                raise snapshot_gone(error.orig or error, engine.url) from error
        # Without an order rows come as they lie in the table, not as in whatever index holds all that is asked for.
        connection.exec_driver_sql("SET LOCAL enable_indexscan = off")
        connection.exec_driver_sql("SET LOCAL enable_indexonlyscan = off")
        yield connection


def snapshot_gone(error: BaseException, url: URL) -> ConnectionFailed:
    return ConnectionFailed(
        f"the snapshot that all readers share is gone: {one_line(error, url)}",
        hint="the connection that held it was cut: run again",
        transient=True,
    )


@contextmanager
def _ended(connection: Connection) -> Iterator[None]:
    """Roll back at the end, for there is nothing to commit; but not on a connection that was cut: the complaint about
    that would take the place of the error that says what was being read."""
    try:
        yield
    finally:
        if driver(connection).closed:
            connection.invalidate()
        else:
            connection.rollback()


def copied(connection: Connection, select: str, schema: pa.Schema, about: str) -> Iterator[pa.RecordBatch]:
    """The rows of ``select`` as batches of ``schema``, at least one. ``about`` names the table in errors."""
    decoder = CsvDecoder(schema)
    if not schema.names:
        yield decoder.empty()
        return
    found = False
    try:
        for batch in _decoded(_chunks(connection, select), decoder):
            found = True
            yield batch
    except psycopg.errors.InsufficientPrivilege as error:
        raise PermissionDenied(
            f"table {about} may not be read: {one_line(error, connection.engine.url)}",
            hint=f"GRANT SELECT ON {about} and USAGE on its schema to this user; past row-level security BYPASSRLS",
        ) from error
    except psycopg.OperationalError as error:
        raise explain(error, connection.engine.url, f"reading table {about}: lost the connection to") from error
    except psycopg.Error as error:
        raise UnsupportedSource(
            f"table {about} cannot be read: {one_line(error, connection.engine.url)}",
            hint="leave the table out (--exclude), or repair the value the server complains about",
        ) from error
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        # The cause is not chained: its text holds a value of the source.
        place = re.search(r"CSV column #(\d+)", str(error))
        column = f", column {schema.names[int(place[1])]}" if place else ""
        raise UnsupportedSource(
            f"table {about}{column}: a value does not fit {'its type' if place else 'the text form of the database'}",
            hint="is there text that is not valid in the encoding of the database? Repair it, or leave the table out",
        ) from None
    if not found:
        yield decoder.empty()


def _chunks(connection: Connection, select: str) -> Iterator[memoryview]:
    """COPY's output, cut between rows."""
    # Each row is copied out of libpq's memory at once: to keep many of these small blocks costs more than the copy.
    lines, rows, size = BytesIO(), 0, 0
    with driver(connection).cursor() as cursor, cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT csv)".encode()) as copy:
        for line in copy:
            size += lines.write(line)
            rows += 1
            if size >= CHUNK_BYTES or rows >= CHUNK_ROWS:
                yield lines.getbuffer()
                lines, rows, size = BytesIO(), 0, 0
    if rows:
        yield lines.getbuffer()


def _decoded(chunks: Iterator[memoryview], decoder: CsvDecoder) -> Iterator[pa.RecordBatch]:
    """Batches in the order of their chunks. One chunk is parsed (Arrow needs no interpreter lock for that) while the
    next one is read."""
    pending: Future[pa.RecordBatch] | None = None
    with ThreadPoolExecutor(1, "csv") as parser:
        for chunk in chunks:
            following = parser.submit(decoder, chunk)
            if pending is not None:
                yield pending.result()
            pending = following
        if pending is not None:
            yield pending.result()
