"""Implications: an open order has no closing date, a part-time contract no car, of three owners one is set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.families import Columns
from dbsynth.relation.keys import group_ids, take
from dbsynth.rules.rule import CHANCES, LEAST_SHARE, PRESENCE, Rule, donors, listed
from dbsynth.rules.view import FEW, View

State = Literal["null", "zero"]
By = Literal["value", "null", "sign"]
NULL = "null"
LEAST_TOLD = 0.1
"""That a number is zero in fewer rows is left to the model."""
SURE = 12.0
"""Rows of one value that would break a rule at least, were the columns independent, for it to speak of this value."""
MOST_BY = 3
"""Rules that may say of one column whether it is there."""


@dataclass(frozen=True)
class Present(Rule):
    """``column`` is null (``state`` zero: zero) where ``by``, seen as its value, as null or not, or by its sign, is one
    of ``empty``, and is not where that is one of ``full``."""

    state: State
    by: str
    seen: By
    empty: tuple[str | None, ...]
    full: tuple[str | None, ...]

    decides = PRESENCE

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.by,)

    def describe(self) -> str:
        shown = {"value": self.by, "null": f"whether {self.by} is null", "sign": f"the sign of {self.by}"}[self.seen]
        told = "null" if self.state == "null" else "zero"
        parts = [f"is {told} for {_count(self.empty)}" if self.empty else ""]
        parts += [f"is not {told} for {_count(self.full)}" if self.full else ""]
        return f"{self.column} {' and '.join(p for p in parts if p)} of {shown}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        own, by = columns[self.column], seen_as(columns[self.by], self.seen)
        state = in_state(own, self.state)
        must, must_not = _one_of(by, self.empty), _one_of(by, self.full)
        index = np.arange(len(own))
        index[must & ~state] = len(own)
        lacking = np.flatnonzero(must_not & state)
        if len(lacking):
            groups = group_ids([by])[0]
            index[lacking] = _lenders(lacking, groups, np.flatnonzero(~state))
        nothing = pa.nulls(1, own.type) if self.state == "null" else _zero(own.type)
        return {self.column: take(pa.concat_arrays([own, nothing]), index)}


def _zero(type_: pa.DataType) -> pa.Array:
    value: Any = Decimal(0) if pt.is_decimal(type_) else "0" if pt.is_string(type_) else 0
    return pa.array([value], type_)


def _count(values: Sequence[str | None]) -> str:
    return "one value" if len(values) == 1 else f"{len(values)} values"


def _lenders(rows: np.ndarray, groups: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """For each of ``rows`` one of ``pool``, of the same group if there is one; itself if there is none at all."""
    if not len(pool):
        return rows
    out = donors(rows, pool)
    for group in np.unique(groups[rows]):
        alike = pool[groups[pool] == group]
        if len(alike):
            mine = groups[rows] == group
            out[mine] = donors(rows[mine], alike)
    return out


def seen_as(array: pa.Array, seen: By) -> pa.Array:
    """Texts; null where ``array`` is, seen as values or signs."""
    if seen == "null":
        return pc.if_else(array.is_null(), pa.scalar(NULL), pa.scalar("there"))
    if seen == "sign":
        return pc.sign(_floats(array)).cast(pa.int64()).cast(pa.string())
    return array.cast(pa.string())


def in_state(array: pa.Array, state: State) -> np.ndarray:
    """bool (rows,): True where it is null, or zero."""
    if state == "null":
        found: np.ndarray = array.is_null().to_numpy(zero_copy_only=False)
        return found
    zero: np.ndarray = pc.fill_null(pc.equal(_floats(array), 0.0), False).to_numpy(zero_copy_only=False)
    return zero


def _floats(array: pa.Array) -> pa.Array:
    return array.cast(pa.float64(), safe=False)


def _one_of(by: pa.Array, values: Sequence[str | None]) -> np.ndarray:
    found: np.ndarray = pc.is_in(by, value_set=pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    return found


@dataclass(frozen=True)
class OneOf(Rule):
    """Of ``column`` and ``others`` exactly one is not null (``flags``: is true, or 1); ``column`` is the first of them,
    all are decided."""

    others: tuple[str, ...]
    flags: bool

    decides = PRESENCE

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *self.others)

    @property
    def reads(self) -> tuple[str, ...]:
        return self.columns

    def describe(self) -> str:
        return f"of {listed(self.columns)} one is {'true' if self.flags else 'not null'}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        there = np.stack([is_set(columns[c], self.flags) for c in self.columns], axis=1)
        wrong = np.flatnonzero(there.sum(axis=1) != 1)
        right = np.flatnonzero(there.sum(axis=1) == 1)
        if not len(wrong) or not len(right):
            return {c: columns[c] for c in self.columns}
        out = {}
        lender = donors(wrong, right)
        keep = np.where(there[wrong].any(axis=1), np.argmax(there[wrong], axis=1), -1)
        for i, name in enumerate(self.columns):
            index = np.arange(len(there))
            index[wrong] = np.where(keep < 0, lender, np.where(keep == i, wrong, len(there)))
            type_ = columns[name].type
            nothing = pa.array([False]).cast(type_) if self.flags else pa.nulls(1, type_)
            out[name] = take(pa.concat_arrays([columns[name], nothing]), index)
        return out


def is_set(array: pa.Array, flags: bool) -> np.ndarray:
    """bool (rows,): not null, or, of flags, true."""
    told = pc.fill_null(array.cast(pa.bool_()), False) if flags else array.is_valid()
    found: np.ndarray = told.to_numpy(zero_copy_only=False)
    return found


@dataclass(frozen=True)
class _Target:
    """``column`` may be in ``state``: ``mask`` bool (rows,), in the share ``chance`` of them."""

    column: str
    state: State
    mask: np.ndarray
    chance: float


@dataclass(frozen=True)
class _Found:
    """A rule, how many rows would break it by chance, whether it asks a column after the one that it decides, and
    float64 (rows,): how likely each of which it tells would break it."""

    rule: Present
    surprise: float
    place: int
    later: bool
    weights: np.ndarray


def find_presence(view: View) -> Iterator[Present]:
    """For each open column what says whether it is null or zero: categories before what is null itself."""
    targets = list(_targets(view)) if view.n >= view.least else []
    found: list[list[_Found]] = [[] for _ in targets]
    for place, side in enumerate(_sides(view)) if targets else ():
        for j, target in enumerate(targets):
            if side[0] != target.column:
                found[j] += _told_by(view, target, side, place)
    for rules in found:
        if rules:
            yield from _additional(rules)


def _targets(view: View) -> Iterator[_Target]:
    for c in view.open:
        if c in view.nullable and _varies(view, mask := view.null(c)):
            yield _Target(c, "null", mask, float(mask.mean()))
        if view.numbers(c) is not None and not view.moment(c):
            mask = in_state(view.rows[c], "zero")
            if _varies(view, mask):
                yield _Target(c, "zero", mask, float(mask.mean()))


def _told_by(
    view: View, target: _Target, side: tuple[str, By, np.ndarray, list[str | None]], place: int
) -> Iterator[_Found]:
    """What holds without exception, and what nearly does: two rules, so that the exceptions stay where they are."""
    by, seen, codes, values = side
    size, shares = [], []
    for half in (view.first_half, ~view.first_half):
        size.append(np.bincount(codes[half], minlength=len(values)))
        there = np.bincount(codes[half], target.mask[half].astype(np.float64), len(values))
        shares.append(there / np.maximum(size[-1], 1))
    rows, chance = size[0] + size[1], target.chance
    enough = (np.minimum(*size) > 0) & (rows >= view.k)
    if seen == "sign":
        enough[-1] = False  # null has none
    empty = enough & (np.minimum(*shares) >= LEAST_SHARE)
    full = enough & (np.maximum(*shares) <= 1 - LEAST_SHARE)
    if not (empty | full)[rows >= view.k].all():  # not of all values: of those of which it is sure
        empty &= (rows * (1 - chance) >= SURE) | (chance > 0.5)  # or which are as most rows are
        full &= (rows * chance >= SURE) | (chance < 0.5)
    exact = (np.minimum(*shares) == 1.0) | (np.maximum(*shares) == 0.0)
    later = seen != "value" and view.all.index(by) > view.all.index(target.column)
    for mostly, own in (("", exact), ("mostly ", ~exact)):
        nothing, something = empty & own, full & own
        told = int(rows[nothing | something].sum())
        surprise = float(rows[nothing].sum() * (1 - chance) + rows[something].sum() * chance)
        if surprise < CHANCES or told < view.least:
            continue
        if target.state == "zero" and rows[nothing].sum() < LEAST_TOLD * view.n:
            continue
        broken = (nothing[codes] & ~target.mask) | (something[codes] & target.mask)
        rule = Present(
            f"{view.label}.{target.column} is {mostly}{target.state} by {by}", view.table, target.column, told,
            int((nothing | something).sum()), 1.0 - float(broken.sum()) / told, False, target.state, by, seen,
            tuple(values[i] for i in np.flatnonzero(nothing)), tuple(values[i] for i in np.flatnonzero(something)),
        )  # fmt: skip
        weights = (nothing * (1 - chance) + something * chance)[codes]
        yield _Found(rule, surprise, place, later, weights)


def _additional(found: list[_Found]) -> Iterator[Present]:
    """The rule that tells most, and others that tell of rows of which those before it do not."""
    if not all(f.later for f in found):  # else two columns would wait for each other
        found = [f for f in found if not f.later]
    known = np.zeros(len(found[0].weights), bool)
    taken = 0
    most = max(f.surprise for f in found)
    kinds = ("value", "null", "sign")
    found.sort(key=lambda f: (f.rule.share < 1, -int(20 * f.surprise / most), kinds.index(f.rule.seen), f.place))
    for f in found:
        if taken < MOST_BY and f.weights[~known].sum() >= CHANCES:
            yield f.rule
            taken += 1
            known |= f.weights > 0


def _varies(view: View, mask: np.ndarray) -> bool:
    return max(10, view.k) <= int(mask.sum()) <= view.n - max(10, view.k)


def _sides(view: View) -> Iterator[tuple[str, By, np.ndarray, list[str | None]]]:
    """What may say so: column, how it is seen, int64 (rows,) codes and the text of each."""
    for c in view.all:
        size = view.size(c)
        if size < 2:
            continue
        if size <= FEW and c not in view.private and c not in view.made and c not in view.renamed:
            yield (c, "value", *_coded(view.rows[c], "value"))
        elif c in view.nullable and _varies(view, view.null(c)):
            yield (c, "null", *_coded(view.rows[c], "null"))
        signed = size > FEW and view.numbers(c) is not None and not view.moment(c) and c not in view.renamed
        if signed and _varies(view, in_state(view.rows[c], "zero")):
            yield (c, "sign", *_coded(view.rows[c], "sign"))


def _coded(array: pa.Array, seen: By) -> tuple[np.ndarray, list[str | None]]:
    encoded = pc.dictionary_encode(seen_as(array, seen))
    values: list[str | None] = [*encoded.dictionary.to_pylist(), None]
    return pc.fill_null(encoded.indices.cast(pa.int64()), len(values) - 1).to_numpy(zero_copy_only=False), values


def find_one_of(view: View) -> Iterator[OneOf]:
    """Three or more open columns of which each row has exactly one, and flags of which exactly one is set."""
    names = [c for c in view.open if c in view.nullable and _varies(view, view.null(c))]
    yield from _groups(view, names, flags=False)
    yield from _groups(view, [c for c in view.open if _flag(view, c)], flags=True)


def _flag(view: View, column: str) -> bool:
    type_ = view.rows[column].type
    if not (pt.is_boolean(type_) or pt.is_integer(type_)) or view.size(column) != 2 or view.null(column).any():
        return False
    values = pc.unique(view.rows[column]).cast(pa.int64()).to_pylist()
    return set(values) == {0, 1} and _varies(view, is_set(view.rows[column], True))


def _groups(view: View, names: list[str], *, flags: bool) -> Iterator[OneOf]:
    there = {c: is_set(view.rows[c], flags) for c in names}
    while len(names) >= 3:
        group, taken = [names[0]], there[names[0]].copy()
        for c in names[1:]:
            if not (taken & there[c]).any():
                group.append(c)
                taken |= there[c]
        if len(group) >= 3 and taken.all() and view.n >= view.least:
            yield OneOf(
                f"{view.label}.{group[0]} or {', '.join(group[1:])}", view.table, group[0], view.n, len(group), 1.0,
                False, tuple(group[1:]), flags,
            )  # fmt: skip
            names = [c for c in names if c not in group]
        else:
            names = names[1:]
