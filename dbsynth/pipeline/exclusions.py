"""Exclusion constraints of generated rows: ranges of one group that overlap are moved apart, lengths kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsatisfiableConstraint, UnsupportedSource
from dbsynth.pipeline.draft import Draft
from dbsynth.relation.enforce import repeated
from dbsynth.relation.intervals import BETWEEN, FIRST, LAST, overlapping, placed, pushed
from dbsynth.relation.keys import combined, group_ids, take
from dbsynth.schema.exclusion import Apart, understood
from dbsynth.schema.expression.casts import convert, from_text
from dbsynth.schema.expression.moments import infinite
from dbsynth.schema.expression.nodes import read_column, write_column
from dbsynth.schema.expression.numbers import decimal
from dbsynth.schema.expression.texts import parse_range
from dbsynth.schema.expression.values import TEXT, SqlType, Vec, sql_type, vector
from dbsynth.schema.model import Table

ROUNDS = 6
"""Moving the rows of one constraint can make those of another overlap."""
FAR = 2**62
STEPS = 1_000
"""A row without both ends gets a length among those of so many others."""


def apart_of(table: Table, sqlglot_dialect: str) -> list[Apart]:
    """The exclusion constraints of ``table``. Raises UnsupportedSource for one that is not understood."""
    found = []
    for exclusion in table.exclusions:
        rule = understood(exclusion, table, sqlglot_dialect)
        if isinstance(rule, str):
            raise UnsupportedSource(
                f"{table.name}: exclusion constraint {exclusion.name}: rows that keep it cannot be made: {rule}",
                hint=f"leave the table out: --exclude {table.name}, or give it no rows: --rows {table.name}=0",
            )
        found.append(rule)
    return found


def keep_apart(draft: Draft) -> None:
    """Move what overlaps, and let the other columns follow where CHECKs tie them to it. Raises UnsatisfiableConstraint
    where too many rows have no place."""
    rules = [r for r in apart_of(draft.table.table, draft.plan.sqlglot_dialect) if r.span is not None]
    if not rules or not draft.n:
        return
    spans = {c for r in rules if r.span is not None for c in r.span.columns}
    held = spans | {c for r in rules for g in r.groups for c in g.columns}
    held |= {c for k in draft.table.keys if k.fill != "dropped" for c in k.key.columns}
    for turn in range(ROUNDS):
        moved = np.zeros(draft.n, bool)
        for rule in rules:
            moved |= _move(draft, rule, turn)
        if turn >= ROUNDS // 2:
            moved |= _push(draft, rules)
        if turn and not moved.any():
            break
        rows = np.flatnonzero(moved & draft.rules.broken(draft.batch()))
        if len(rows):
            better, _ = draft.rules.repair(draft.batch(rows), draft.rng("apart", turn), held)
            for name in better.schema.names:
                draft.set(name, rows, better.column(name))
    lost = _overlapping(draft, rules) | draft.rules.broken(draft.batch())
    for unique in draft.table.table.unique_keys:
        if set(unique) & spans:
            lost |= repeated(unique, draft.columns, draft.kept_table())
    if lost.any():
        names = ", ".join(r.exclusion.name for r in rules)
        draft.drop(lost, f"exclusion constraint {names} leaves no place for them that the CHECKs allow")


def drop_overlapping(draft: Draft) -> None:
    """Leave only rows that overlap no earlier one, and count the others."""
    rules = apart_of(draft.table.table, draft.plan.sqlglot_dialect)
    lost = _overlapping(draft, [r for r in rules if r.span is not None])
    if lost.any():
        draft.violations["exclusion constraints"] = int(lost.sum())
        draft.keep(np.flatnonzero(~lost))


@dataclass
class _Line:
    """Ranges in whole steps of their type, int64 (rows,): [start, end). ``there``: neither null nor empty; ``place``:
    FIRST where the start is open, LAST where the end is; FIRST + LAST is between, so ``whole`` tells of both."""

    there: np.ndarray
    start: np.ndarray
    end: np.ndarray
    place: np.ndarray
    whole: np.ndarray
    scale: int = 0
    lower_in: np.ndarray | None = None
    upper_in: np.ndarray | None = None


def _overlapping(draft: Draft, rules: Sequence[Apart]) -> np.ndarray:
    out = np.zeros(draft.n, bool)
    for rule in rules:
        line, group, kept = _lines(draft, rule)
        out |= overlapping(group, *_ends(line))[kept:]
    return out


def _ends(line: _Line) -> tuple[np.ndarray, np.ndarray]:
    low = np.where((line.place == FIRST) | line.whole, -FAR, line.start)
    return low, np.where((line.place == LAST) | line.whole, FAR, line.end)


def _lines(draft: Draft, rule: Apart) -> tuple[_Line, np.ndarray, int]:
    """Ranges and groups of the kept rows and those of the draft; how many are kept."""
    rows = pa.Table.from_batches([draft.batch()])
    kept = draft.kept_table()
    count = kept.num_rows if kept is not None else 0
    if kept is not None and count:
        rows = pa.concat_tables([kept.select(rows.column_names).cast(rows.schema), rows])
    line = _read(rows, rule, draft.table.table)
    group = np.zeros(rows.num_rows, np.int64)
    if rule.groups:
        group, _ = group_ids([g.values(rows, draft.rules.now) for g in rule.groups])
    if rule.predicate is not None:
        group = np.where(rule.predicate.holds(rows, draft.rules.now) == 1, group, -1)
    return line, np.where(line.there, group, -1), count


def _move(draft: Draft, rule: Apart, turn: int) -> np.ndarray:
    """True for the rows that were moved."""
    assert rule.span is not None
    line, group, kept = _lines(draft, rule)
    turned = line.there & (line.place == BETWEEN) & ~line.whole & (line.end < line.start)
    crowded = np.unique(group[overlapping(group, *_ends(line))])
    mine = np.isin(group, crowded) & (group >= 0)
    mine[:kept] = False
    moved = mine | turned
    if not moved.any():
        return np.zeros(draft.n, bool)
    rng = draft.rng("apart", rule.exclusion.name, turn)
    line.start, line.end = (
        np.where(turned, np.minimum(line.start, line.end), line.start),
        np.where(turned, np.maximum(line.start, line.end), line.end),
    )
    before = replace(line)
    _close(line, group, mine, rng)
    window = _window(draft, rule, line, group, kept)
    at = np.flatnonzero(mine)
    length = np.where(line.place == BETWEEN, np.maximum(line.end - line.start, 1), 0)
    anchor = np.where(line.place == FIRST, line.end, line.start)
    finite = line.there & (line.place == BETWEEN)
    step = _step(line.start[finite], length[finite])
    new = placed(group[at], line.place[at], anchor[at], length[at], (window[0][at], window[1][at]), step)
    line.start[at] = np.where(line.place[at] == FIRST, line.start[at], new)
    line.end[at] = np.where(line.place[at] == FIRST, new, new + length[at])
    changed = turned | (line.start != before.start) | (line.end != before.end) | (line.place != before.place)
    changed |= line.whole != before.whole
    rows = np.flatnonzero(changed[kept:])
    if len(rows):
        _write(draft, rule, line, rows, kept)
    return np.asarray(changed[kept:])


def _push(draft: Draft, rules: Sequence[Apart]) -> np.ndarray:
    """Rows under several constraints over the same columns, which undo what is done for one of them."""
    moved = np.zeros(draft.n, bool)
    for first in rules:
        same = [
            r for r in rules if r.span is not None and first.span is not None and r.span.columns == first.span.columns
        ]
        if len(same) < 2 or first is not same[0] or not _overlapping(draft, same).any():
            continue
        found = [_lines(draft, rule) for rule in same]
        (line, _, kept), groups = found[0], [group for _, group, _ in found]
        length = np.where(line.place == BETWEEN, np.maximum(line.end - line.start, 1), 0)
        anchor = np.where(line.place == FIRST, line.end, line.start)
        new = pushed(groups, np.where(np.arange(len(anchor)) < kept, 2 * FIRST, line.place), anchor, length)
        line.start = np.where(line.place == FIRST, line.start, new)
        line.end = np.where(line.place == FIRST, new, new + length)
        rows = np.flatnonzero((new != anchor)[kept:])
        if len(rows):
            _write(draft, first, line, rows, kept)
            moved[rows] = True
    return moved


def _close(line: _Line, group: np.ndarray, mine: np.ndarray, rng: np.random.Generator) -> None:
    """One row of a group may be without end and one without beginning; the others get a length that occurs."""
    finite = line.there & (line.place == BETWEEN) & ~line.whole
    lengths = (line.end - line.start)[finite]
    lengths = lengths[lengths > 0][:STEPS]
    drawn = rng.choice(lengths, len(group)) if len(lengths) else np.ones(len(group), np.int64)
    starts = line.start[finite]
    line.start, line.end, line.place = line.start.copy(), line.end.copy(), line.place.copy()
    whole = line.whole & mine
    line.whole = line.whole & ~mine
    line.start[whole] = rng.choice(starts, int(whole.sum())) if len(starts) else 0
    line.place[whole] = LAST
    line.lower_in = None if line.lower_in is None else line.lower_in | whole
    for place, key in ((LAST, line.start), (FIRST, -line.end)):
        rows = np.flatnonzero((group >= 0) & (line.place == place))
        order = rows[np.lexsort((-key[rows], ~mine[rows] * -1, group[rows]))]  # those that cannot move come first
        first = np.concatenate([[True], group[order][1:] != group[order][:-1]]) if len(order) else np.zeros(0, bool)
        extra = order[~first]
        extra = extra[mine[extra]]
        if place == LAST:
            line.end[extra] = line.start[extra] + drawn[extra]
        else:
            line.start[extra] = line.end[extra] - drawn[extra]
            line.lower_in = None if line.lower_in is None else line.lower_in | np.isin(np.arange(len(group)), extra)
        line.place[extra] = BETWEEN


def _window(draft: Draft, rule: Apart, line: _Line, group: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
    """Per row the least start and greatest end: what the rows span, within what CHECKs allow, behind kept rows."""
    span = rule.span
    assert span is not None
    finite = line.there & (line.place == BETWEEN)
    low = int(line.start[finite].min()) if finite.any() else int(line.start[line.there].min(initial=0))
    high = int(line.end[finite].max()) if finite.any() else low + 1
    if span.start:
        low = max(low, draft.rules.least(span.start) or low)
        high = min(high, draft.rules.most(span.end) or high)
    least = np.full(len(group), low, np.int64)
    for row in np.flatnonzero(group[:kept] >= 0):
        behind = int(line.end[row]) if line.place[row] != LAST and not line.whole[row] else None
        if behind is None:
            raise UnsatisfiableConstraint(
                f"{draft.table.name}: a row that is kept fills the line of exclusion constraint {rule.exclusion.name}",
                hint=f'do not keep the table: [tables."{draft.table.name}"] keep = false',
            )
        same = group == group[row]
        least[same] = np.maximum(least[same], behind)
    return least, np.full(len(group), high, np.int64)


def _step(starts: np.ndarray, lengths: np.ndarray) -> int:
    """The greatest step on which all of them lie."""
    if not len(starts):
        return 1
    return max(1, int(np.gcd.reduce(np.concatenate([starts - starts[0], lengths]))))


def _read(rows: pa.Table, rule: Apart, table: Table) -> _Line:
    span = rule.span
    assert span is not None
    if not span.column:
        start, end = (
            read_column(combined(rows.column(c)), sql_type(table.column(c).type)) for c in (span.start, span.end)
        )
        return _line(start, end, np.full(rows.num_rows, span.bounds[1] == "]"))
    texts = combined(rows.column(span.column)).to_pylist()
    parsed = [(True, None, None, False, False) if t is None else parse_range(t) for t in texts]
    element = sql_type(table.column(span.column).type).element
    assert element is not None
    low, high = (from_text(vector(TEXT, [p[i] for p in parsed]), element, 0) for i in (1, 2))
    lower_in, upper_in = (np.array([p[i] for p in parsed]) for i in (3, 4))
    line = _line(low, high, upper_in)
    line.there = line.there & np.array([not p[0] for p in parsed])
    line.lower_in, line.upper_in = lower_in, upper_in
    return line


def _line(low: Vec, high: Vec, upper_in: np.ndarray) -> _Line:
    scale = max(low.scale, high.scale)
    start = (low.values * 10 ** (scale - low.scale)).astype(np.int64)
    end = (high.values * 10 ** (scale - high.scale)).astype(np.int64) + upper_in
    open_low, open_high = ~low.valid | _infinite(low), ~high.valid | _infinite(high)
    place = np.where(open_low, FIRST, BETWEEN) + np.where(open_high, LAST, BETWEEN)
    whole = open_low & open_high
    start, end = np.where(open_low, end, start), np.where(open_high, start, end)
    start, end = np.where(whole, 0, start), np.where(whole, 0, end)
    there = whole | open_low | open_high | (start != end)
    return _Line(there, start, end, place, whole, scale)


def _infinite(vec: Vec) -> np.ndarray:
    if vec.special is not None:
        return np.asarray(vec.special != 0)
    if vec.type.family in ("date", "timestamp", "timestamptz"):
        return np.asarray(np.logical_or(*infinite(vec)))
    return np.zeros(len(vec), bool)


def _write(draft: Draft, rule: Apart, line: _Line, rows: np.ndarray, kept: int) -> None:
    span, table = rule.span, draft.table.table
    assert span is not None
    at = rows + kept
    start, end, place = line.start[at], line.end[at], line.place[at]
    if span.column:
        element = sql_type(table.column(span.column).type).element
        assert element is not None
        assert line.lower_in is not None
        assert line.upper_in is not None
        low, high = _texts(start, element, line.scale), _texts(end - line.upper_in[at], element, line.scale)
        kinds = zip(low, high, line.lower_in[at], line.upper_in[at], place, strict=True)
        made = [
            f"{'[' if i and p != FIRST else '('}{'' if p == FIRST else a},{'' if p == LAST else b}"
            f"{']' if j and p != LAST else ')'}"
            for a, b, i, j, p in kinds
        ]
        draft.set(span.column, rows, pa.array(made, pa.string()))
        return
    inclusive = int(span.bounds[1] == "]")
    for name, values, gone in ((span.start, start, place == FIRST), (span.end, end - inclusive, place == LAST)):
        type_ = sql_type(table.column(name).type)
        array = write_column(Vec(type_, values, ~gone, scale=line.scale), draft.columns[name].type)
        old = take(draft.columns[name], rows)
        draft.set(name, rows, pa.compute.if_else(pa.array(gone), old, array))


def _texts(values: np.ndarray, type_: SqlType, scale: int) -> list[str]:
    if type_.family == "numeric":
        return [format(decimal(int(v), scale), "f") for v in values]
    made = convert(Vec(type_, values, np.ones(len(values), bool)), TEXT, 0)
    return [f'"{t}"' if " " in t else t for t in made.values]
