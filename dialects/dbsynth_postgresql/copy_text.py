"""Arrow batches in the text format of COPY, in which no line of data can look like its end."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.sqlbase.csv_text import writable

ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def copy_text(batch: pa.RecordBatch) -> bytes:
    """UTF-8: columns between tabs, nulls as \\N, a row a line."""
    columns = [_text(column) for column in batch.columns]
    lines = pc.binary_join_element_wise(*columns, "\t", null_handling="replace", null_replacement="\\N")
    return ("\n".join(lines.to_pylist()) + "\n").encode()


def _text(column: pa.Array) -> pa.Array:
    column = writable(column)
    if pa.types.is_timestamp(column.type):  # of the session's zone, UTC
        column = column.view(pa.timestamp("us"))
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    for special, written in ESCAPES:
        column = pc.replace_substring(column, special, written)
    return column
