"""Paths of documents that repeat a column of their row (``payload.customer_id`` and ``customer_id``): they are written
from it, not learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.keys import combined
from dbsynth.values.folded import Folded
from dbsynth.values.trie import BOOLEAN, NUMBER, STRING

LEAST_ROWS, LEAST_VALUES = 50, 2
"""Rows that bear witness, and different values in them: fewer may agree by chance."""


def find_copies(folded: Folded, frame: pa.Table, names: Sequence[str]) -> None:
    """Note of each path of ``folded`` the column of ``names`` that it repeats in all rows of ``frame``."""
    document, column = folded.document, combined(frame.column(folded.columns[0]))
    scalars = document.scalars(folded.documents(column))
    for at, (kind, values) in scalars.items():
        there = values.is_valid()
        if pc.sum(there).as_py() < LEAST_ROWS or len(values.unique().drop_null()) < LEAST_VALUES:
            continue
        for name in names:
            own = combined(frame.column(name))
            if _comparable(kind, own.type) and _same(values, own, there):
                document.copy(at, name)
                break


def _comparable(kind: int, type_: pa.DataType) -> bool:
    if kind == BOOLEAN:
        return bool(pa.types.is_boolean(type_))
    number = pa.types.is_integer(type_) or pa.types.is_decimal(type_) or pa.types.is_floating(type_)
    moment = pa.types.is_date(type_) or pa.types.is_timestamp(type_)
    return bool(number if kind == NUMBER else kind == STRING and (moment or pa.types.is_string(type_)))


def _same(values: pa.Array, own: pa.Array, there: pa.Array) -> bool:
    try:
        other = own.cast(values.type)
    except pa.ArrowInvalid:  # numbers or moments that the path cannot hold
        return False
    equal = pc.fill_null(pc.equal(values, other), False)
    return bool(np.asarray(pc.or_(equal, pc.invert(there))).all())
