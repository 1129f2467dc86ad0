"""Somebody's queries on a database that is reached by SQL alone: rows only, no plans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.errors import ConnectionFailed, DbsynthError, PermissionDenied
from dbsynth.queries import RESULT_BYTES, RESULT_ROWS, Failure, Ran, ResultColumn


class SqlRunner:
    """``stream``: the batches of a query's result. What stops a query that takes too long is the dialect's affair; one
    that gives rows for too long is stopped here."""

    def __init__(self, stream: Callable[[str], Iterator[pa.RecordBatch]], seconds: float) -> None:
        self._stream, self._seconds = stream, seconds

    def run(self, sql: str) -> Ran | Failure:
        began = time.monotonic()
        rows = size = 0
        held: list[pa.RecordBatch] = []
        batches = self._stream(sql)
        try:
            for batch in batches:
                if not held or (rows < RESULT_ROWS and size < RESULT_BYTES):
                    held.append(batch.slice(0, RESULT_ROWS - rows))
                    size += batch.nbytes
                rows += batch.num_rows
                if time.monotonic() - began > self._seconds:
                    return Failure("stopped at the time limit", timeout=True)
        except DbsynthError as error:
            # A missing right is one of the query's; what it names may not be there (warehouses say the same of both).
            if isinstance(error, ConnectionFailed) and not isinstance(error, PermissionDenied):
                raise
            stopped = time.monotonic() - began >= self._seconds
            return Failure("stopped at the time limit" if stopped else failure(error), timeout=stopped)
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()
        return Ran(rows, _columns(held), None, time.monotonic() - began)


def failure(error: DbsynthError) -> str:
    """The driver's name for the error: its text may quote values."""
    return type(error.__cause__ or error).__name__


def _columns(batches: list[pa.RecordBatch]) -> tuple[ResultColumn, ...]:
    if not batches:
        return ()
    table = pa.Table.from_batches(batches)
    return tuple(
        _column(name, column.combine_chunks()) for name, column in zip(table.column_names, table.columns, strict=True)
    )


def _column(name: str, array: pa.Array) -> ResultColumn:
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return ResultColumn(name, True, _numbers(array.cast(pa.float64(), safe=False)))
    if pa.types.is_date(kind):
        return ResultColumn(name, True, 86_400 * _numbers(array.cast(pa.date32()).cast(pa.int32()).cast(pa.float64())))
    if pa.types.is_timestamp(kind):
        micros = array.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
        return ResultColumn(name, True, _numbers(pc.divide(micros.cast(pa.float64(), safe=False), 1e6)))
    texts = [None if v is None else str(v) for v in array.to_pylist()]
    return ResultColumn(name, False, np.array(texts, dtype=object))


def _numbers(array: pa.Array) -> np.ndarray:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)
