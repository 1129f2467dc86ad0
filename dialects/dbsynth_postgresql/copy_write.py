"""Write Arrow batches by COPY, encoded while the server works on the batch before.

Tables whose columns all have a type that ``binary_write`` knows go in binary form, the others as csv by Arrow's own
writer: strings always in quotes and nulls never, which keeps '' and NULL apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pyarrow as pa

from dbsynth.sqlbase.csv_text import csv_text
from dbsynth_postgresql.binary_write import HEADER, TRAILER, encode
from dbsynth_postgresql.names import idents

CHUNK_ROWS, CHUNK_BYTES = 32_768, 4 << 20
"""A buffer on its way to the server holds at most about so much."""
AHEAD = 4
"""Buffers that may wait for the server: what is encoded ahead of it."""


Kinds = Mapping[str, str]
"""The server's name of each column's type, as ``binary_write`` takes them."""


def send(
    connection: psycopg.Connection[Any],
    place: str,
    columns: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    kinds: Kinds | None = None,
) -> int:
    """COPY ``batches`` (of ``columns``, in their order) into the table ``place``, in binary form if ``kinds`` is given;
    gives the number of rows. The caller holds the transaction. ``batches`` is consumed in this thread, the server is
    fed from another."""
    form = "FORMAT csv, ENCODING 'UTF8'" if kinds is None else "FORMAT binary"
    statement = f"COPY {place} ({idents(columns)}) FROM STDIN ({form})"
    rows = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
        ThreadPoolExecutor(1, "dbsynth-copy") as sender,
    ):
        waiting: deque[Future[None]] = deque()

        def write(buffer: memoryview | bytes) -> None:
            waiting.append(sender.submit(copy.write, buffer))
            if len(waiting) > AHEAD:
                waiting.popleft().result()

        if kinds is not None:
            write(HEADER)
        for batch in batches:
            rows += batch.num_rows
            for buffer in encoded(batch, kinds):
                write(buffer)
        if kinds is not None:
            write(TRAILER)
        for future in waiting:
            future.result()
    return rows


def encoded(batch: pa.RecordBatch, kinds: Kinds | None = None) -> Iterator[memoryview]:
    """``batch`` as csv or binary, in pieces of bounded size."""
    if batch.num_rows == 0:
        return
    share = max(1, batch.nbytes // batch.num_rows)
    step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // share))
    for start in range(0, batch.num_rows, step):
        part = batch.slice(start, step)
        yield csv_text(part) if kinds is None else encode(part, kinds)
