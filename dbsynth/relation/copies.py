"""Which columns of a child repeat columns of its parent: always, or in a large part of the rows.

A pair of columns is proposed on the children of one half of the parents and confirmed on those of the other. It has to
be more than chance: two columns that were independent would agree in the share Σ p(v) q(v) of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.relation.keys import combined, group_ids, take
from dbsynth.schema.model import Column
from dbsynth.schema.types import Structured, arrow_type

MIN_SURPRISE = 10.0
"""Families that would have broken an exact copy, were the columns independent."""
MIN_SHARE = 0.5
MIN_EXCESS = 0.3
"""A partial copy: this share of the rows, and so much more than chance."""
MIN_VALUES = 10
"""A partial copy: different values that are copied; the model learns the agreement of fewer by itself."""
TOGETHER = 0.9
"""Columns are one group if of the rows in which one of them is copied the other is too in this share."""
PROBE = 1_000


@dataclass(frozen=True)
class Match:
    """``columns`` of the child equal ``sources`` of the parent in the share ``share`` of ``rows`` rows, which have
    ``families`` parents. ``null_too``: in rows without a parent the columns are null."""

    columns: tuple[str, ...]
    sources: tuple[str, ...]
    rows: int
    families: int
    share: float
    null_too: bool


def find_copies(child: pa.Table, parent: pa.Table, at: np.ndarray, pairs: Sequence[tuple[str, str]]) -> Iterable[Match]:
    """``at`` int64 (rows of child,): the row of ``parent`` that each row of ``child`` points at, -1 for none; ``pairs``
    of columns of one Arrow type. Exact copies come one column at a time, partial ones in groups that are copied
    together."""
    rows = np.flatnonzero(at >= 0)
    if len(rows) == 0:
        return
    members = at[rows]
    probe = np.linspace(0, len(rows) - 1, min(len(rows), PROBE)).astype(np.int64)
    halves = members % 2 == 0
    families = len(np.unique(members))
    partial: list[tuple[str, str, np.ndarray, bool]] = []
    for own, theirs in pairs:
        if equal(child, own, rows[probe], parent, theirs, members[probe]).mean() < 0.8 * MIN_SHARE:
            continue
        same = equal(child, own, rows, parent, theirs, members)
        shares = [same[half].mean() for half in (halves, ~halves) if half.any()]
        if min(shares) < MIN_SHARE:
            continue
        chance = agreement(take(child.column(own), rows), take(parent.column(theirs), members))
        null_too = (
            pc.is_valid(take(child.column(own), np.flatnonzero(at < 0))).to_numpy(zero_copy_only=False).sum() == 0
        )
        if same.all():
            if families * (1 - chance) >= MIN_SURPRISE:
                yield Match((own,), (theirs,), len(rows), families, 1.0, null_too)
        elif min(shares) - chance >= MIN_EXCESS and distinct(child, own, rows[same]) >= MIN_VALUES:
            partial.append((own, theirs, same, null_too))
    yield from _grouped(partial, families)


def _grouped(found: list[tuple[str, str, np.ndarray, bool]], families: int) -> Iterable[Match]:
    """Columns that are copied in the same rows, best first; each column and each source once in a group."""
    waiting = sorted(found, key=lambda f: -f[2].mean())
    while waiting:
        first, *rest = waiting
        group, left, together = [first], [], first[2]
        for other in rest:
            both = together & other[2]
            used = {g[0] for g in group} | {g[1] for g in group}
            fits = min(both.sum() / together.sum(), both.sum() / other[2].sum()) >= TOGETHER
            if fits and both.mean() >= MIN_SHARE and not used & {other[0], other[1]}:
                group.append(other)
                together = both
            else:
                left.append(other)
        yield Match(
            tuple(g[0] for g in group),
            tuple(g[1] for g in group),
            len(together),
            families,
            float(together.mean()),
            all(g[3] for g in group),
        )
        waiting = [other for other in left if other[0] not in {g[0] for g in group}]


def equal(
    child: pa.Table, own: str, rows: np.ndarray, parent: pa.Table, theirs: str, members: np.ndarray
) -> np.ndarray:
    """bool (rows,): whether the columns agree; two nulls do."""
    a, b = take(child.column(own), rows), take(parent.column(theirs), members)
    same = pc.fill_null(pc.equal(a, b), False).to_numpy(zero_copy_only=False)
    empty = pc.and_(pc.is_null(a), pc.is_null(b)).to_numpy(zero_copy_only=False)
    found: np.ndarray = same | empty
    return found


def agreement(a: pa.Array, b: pa.Array) -> float:
    """The share of rows in which two columns with these values would agree by chance."""
    ids, others = group_ids([a], [b])
    size = int(max(ids.max(initial=-1), others.max(initial=-1))) + 2
    p, q = (np.bincount(codes + 1, minlength=size) / len(codes) for codes in (ids, others))
    return float(p @ q)


def distinct(table: pa.Table, column: str, rows: np.ndarray) -> int:
    return len(pc.unique(combined(take(table.column(column), rows)).drop_null()))


def comparable(own: Column, theirs: Column) -> bool:
    """Whether a value of ``theirs`` can be one of ``own``: the same kind of value, in the same form."""
    type_ = arrow_type(own.type)
    if type_ != arrow_type(theirs.type):
        return False
    if pt.is_string(type_):
        return _family(own) == _family(theirs)
    return True


def _family(column: Column) -> str:
    """What the text of a column means: texts of different kinds do not compare."""
    if isinstance(column.type, sqltypes.Enum):
        return "text"
    return "text" if isinstance(column.type, sqltypes.String) else column.declared.split("(")[0].lower()


def plain(column: Column) -> bool:
    """Whether values of ``column`` can be compared as they travel."""
    return not isinstance(column.type, sqltypes.JSON | sqltypes.ARRAY | sqltypes.LargeBinary | Structured)


def always_fits(own: Column, theirs: Column) -> bool:
    """Whether every value of ``theirs`` is one of ``own`` too, as far as their types tell."""
    if theirs.nullable and not own.nullable:
        return False
    a, b = own.type, theirs.type
    if isinstance(a, sqltypes.Enum):
        return isinstance(b, sqltypes.Enum) and set(b.enums) <= set(a.enums)
    if isinstance(a, sqltypes.String):
        return a.length is None or (getattr(b, "length", None) or a.length + 1) <= a.length
    if isinstance(a, sqltypes.Integer):
        return _width(a) >= _width(b)
    if isinstance(a, sqltypes.Numeric) and isinstance(b, sqltypes.Numeric) and not isinstance(a, sqltypes.Float):
        return a.precision is None or (b.precision is not None and b.precision <= a.precision)
    return True


def _width(type_: object) -> int:
    return 2 if isinstance(type_, sqltypes.SmallInteger) else 8 if isinstance(type_, sqltypes.BigInteger) else 4


def fitting(values: pa.Array, own: Column) -> np.ndarray:
    """bool (rows,): which ``values`` of a comparable column the column ``own`` can hold."""
    fits = np.ones(len(values), bool)
    if not own.nullable:
        fits &= pc.is_valid(values).to_numpy(zero_copy_only=False)
    type_ = own.type
    if isinstance(type_, sqltypes.Enum):
        held = pc.is_in(values, pa.array(type_.enums, pa.string()))
        fits &= pc.or_(held, pc.is_null(values)).to_numpy(zero_copy_only=False)
    elif isinstance(type_, sqltypes.String) and type_.length is not None:
        lengths = pc.fill_null(pc.utf8_length(values), 0).to_numpy(zero_copy_only=False)
        fits &= lengths <= type_.length
    elif isinstance(type_, sqltypes.Integer):
        most = 2.0 ** (8 * _width(type_) - 1)
        numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False).astype(np.float64)
        fits &= np.abs(numbers) < most
    elif pt.is_decimal(values.type) and isinstance(type_, sqltypes.Numeric) and type_.precision is not None:
        numbers = np.abs(pc.fill_null(pc.cast(values, pa.float64()), 0).to_numpy(zero_copy_only=False))
        fits &= numbers < 10.0 ** (type_.precision - (type_.scale or 0))
    return fits
