"""Facts among siblings found by test: what holds in every family of the source, with support, and not by chance.

"By chance" is judged by how often the same rows would break it if they were dealt out at random: it has to be often
enough (``CHANCES``) that none breaking it tells something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.families import Families, sort_key
from dbsynth.relation.find_running import find_running
from dbsynth.relation.look import CHANCES, Look, few, moment
from dbsynth.relation.sequences import Chain, Constant, Current, Monotone, Open, Place, Regular, RisingKey, month
from dbsynth.relation.sequences import Sequence as Fact
from dbsynth.relation.states import MOST_STATES, MOST_STEPS, States

LEAST_PAIRS = 20
"""Rows that follow another one, for a fact to be looked for at all."""
STATE_CHANCES = 10.0
"""As ``CHANCES``, for one transition between two states: there are many, and to bar one too many does little."""
DAY = 86_400_000_000


def find_sequences(look: Look) -> list[Fact]:
    """All facts of the families, the strongest kinds first; each holds in every row of ``look``."""
    if len(look.families(()).later) < LEAST_PAIRS:
        return []
    finders = [_regular, _chains, _constant]
    if look.orders:
        finders = [_regular, _chains, find_running, _constant, _current, _monotone, _states]
    found = [fact for finder in finders for fact in finder(look)]
    machines = {f.column for f in found if isinstance(f, States) and len(f.states) > 2}
    found = [f for f in found if not (isinstance(f, Current) and f.place == "first" and f.column in machines)]
    return [f for f in found if not _open(f).broken(look.rows, {}).any()]


def find_rising_key(look: Look, key: str) -> Iterator[Fact]:
    """Moments and numbers that never fall with the key of the table: over the whole of it, or within families."""
    families = look.families((key,))
    for column in look.learned:
        x = look.numbers(column)
        if x is None or not x.present.all() or not (look.family or moment(look, column)):
            continue
        step = np.diff(x.values[families.at])[families.later - 1]
        if (step >= 0).all() and (step > 0).sum() >= CHANCES:
            yield RisingKey(**look.common("rising", key, (column,)), column=key, by=column)
            return


def _open(fact: Fact) -> Fact:
    """Without the window that only k families reach: the outermost ones of the source lie beyond it."""
    return replace(fact, low=-(2**62), high=2**62) if isinstance(fact, Regular) else fact


def _regular(look: Look) -> Iterator[Fact]:
    for column in look.full:
        kind, x = look.rows[column].type, look.numbers(column)
        assert x is not None
        families = look.families((column,))
        later = families.later
        value = x.values[families.at]
        step = np.diff(value)[later - 1]
        moment = pt.is_date32(kind) or pt.is_timestamp(kind)
        if not look.family and not moment:
            continue
        chosen: tuple[int, bool, int] | None = None
        if step[0] > 0 and (step == step[0]).all():
            chosen = int(step[0]), False, 0
        elif moment and (days := _days(value, kind)) is not None:
            chosen = _monthly(value, days, later, kind)
        if chosen is None:
            continue
        width, months, day = chosen
        place = month(value, kind) if months else value
        heads, ends = np.sort(place[families.first]), np.sort(place[families.last])
        inner = min(look.k, len(heads)) - 1
        alike = len(heads) >= look.k and bool((heads == heads[0]).all())
        phase = int(heads[0] % width) if width > 1 and bool((heads % width == heads[0] % width).all()) else None
        if not look.family and len(value) < 50:
            continue
        if look.family and not moment and not alike and width != 1:
            continue
        yield Regular(
            **look.common("regular", column, (column,)),
            column=column, step=width, months=months, day=day, first=int(heads[0]) if alike else None,
            phase=None if alike else phase, low=int(heads[inner]), high=int(ends[-1 - inner]),
        )  # fmt: skip


def _days(value: np.ndarray, kind: pa.DataType) -> np.ndarray | None:
    if pt.is_date32(kind):
        return value
    return value // DAY if (value % DAY == 0).all() else None


def _monthly(value: np.ndarray, days: np.ndarray, later: np.ndarray, kind: pa.DataType) -> tuple[int, bool, int] | None:
    months = month(value, kind)
    step = np.diff(months)[later - 1]
    if step[0] <= 0 or (step != step[0]).any():
        return None
    start = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    end = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - 1
    if (days == end).all():
        return int(step[0]), True, 31
    of = days - start + 1
    return (int(step[0]), True, int(of[0])) if (of == of[0]).all() else None


def _chains(look: Look) -> Iterator[Fact]:
    if not look.family:
        return
    taken: set[str] = set()
    for start in look.full:
        if not moment(look, start):
            continue
        families = look.families((start,))
        later, begin = families.later, look.numbers(start)
        assert begin is not None
        following = begin.values[families.at][later]
        for end in look.learned:
            x = look.numbers(end)
            if end == start or end in taken or x is None or look.rows[end].type != look.rows[start].type:
                continue
            value, known = x.values[families.at], x.present[families.at]
            own = begin.values[families.at]
            if not known[later - 1].all() or (value < own)[known].any():
                continue
            gap = following - value[later - 1]
            exact = bool((gap == gap[0]).all()) and len(np.unique(following)) > 1
            if not exact and (gap.min() < 0 or _overlaps(families, own, value, known) < CHANCES):
                continue
            how = _last(value[families.last], known[families.last], look.k)
            closed = known & ~(families.last & (how[0] == "value"))
            least = min(1, int((value - own)[closed].min()))
            slack = int(gap[0]) if exact else min(int(gap.min()), 1)
            if gap.min() < 0 or least + slack < 0:
                continue
            taken.add(end)
            yield Chain(
                **look.common("chain", end, (start,)),
                start=start, end=end, lag=slack if exact else None, slack=slack, step=least + slack,
                open=how[0], far=how[1], least=least,
            )  # fmt: skip
            break


def _overlaps(families: Families, start: np.ndarray, end: np.ndarray, known: np.ndarray) -> float:
    """How many rows would last into the next one, did durations not depend on it: each row gets that of another."""
    lasting = np.where(known, end - start, 0)[families.later - 1]
    room = np.diff(start)[families.later - 1]
    turns = [max(1, round(len(room) * share)) for share in (0.21, 0.47, 0.71)]
    return float(np.mean([(np.roll(lasting, t) > room).sum() for t in turns]))


def _last(value: np.ndarray, known: np.ndarray, k: int) -> tuple[Open, int | None]:
    if not known.any():
        return "null", None
    if known.all() and len(value) >= k and (value == value[0]).all():
        return "value", int(value[0])
    return "own", None


def _constant(look: Look) -> Iterator[Fact]:
    if not look.family:
        return
    families = look.families(look.main)
    later = families.later
    for column in look.decidable:
        code = sort_key(look.rows[column])[families.at]
        share = np.bincount(code) / len(code)
        if len(later) * (1 - (share**2).sum()) >= CHANCES and (code[later] == code[later - 1]).all():
            yield Constant(**look.common("constant", column, look.main), column=column)


def _current(look: Look) -> Iterator[Fact]:
    if not look.family:
        return
    families = look.families(look.main)
    count = int(families.number[-1]) + 1
    opens = [c for c in look.learned if (x := look.numbers(c)) is not None and moment(look, c) and not x.present.all()]
    for column in look.learned:
        if not _labels(look, column):
            continue
        labels = look.rows[column].cast(pa.string())
        tally = sorted(pc.value_counts(labels.drop_null()).to_pylist(), key=lambda v: (-v["counts"], v["values"]))
        for value in [str(t["values"]) for t in tally]:
            here = pc.fill_null(pc.equal(labels, value), False).to_numpy(zero_copy_only=False)[families.at]
            if np.bincount(families.number, here, count).max() > 1 or here.sum() < CHANCES:
                continue
            place = _where_marked(look, families, here, opens)
            other = next(str(t["values"]) for t in tally if str(t["values"]) != value)
            if place is not None:
                yield Current(
                    **look.common("current", column, look.main),
                    column=column, value=value, other=other, place=place[0], of=place[1],
                )  # fmt: skip
                break


def _where_marked(look: Look, families: Families, here: np.ndarray, opens: Sequence[str]) -> tuple[Place, str] | None:
    lone = families.size == 1
    for place, marked in (("last", families.last), ("first", families.first)):
        if (here == marked).all() and not lone.all():
            return place, ""  # type: ignore[return-value]
    for column in opens:
        x = look.numbers(column)
        if x is not None and (here == ~x.present[families.at]).all():
            return "open", column
    return None


def _monotone(look: Look) -> Iterator[Fact]:
    if not look.family:
        return
    order = look.main
    families = look.families(order)
    for column in look.learned:
        x = look.numbers(column)
        if column in order or x is None or int(x.present.sum()) < LEAST_PAIRS:
            continue
        known = families.only(x.present)
        step = np.diff(x.values[known.at])[known.later - 1] if len(known.later) else np.zeros(0, np.int64)
        for rising, turned in ((True, step), (False, -step)):
            if (turned >= 0).all() and (turned > 0).sum() >= CHANCES:
                yield Monotone(
                    **look.common("monotone", column, order),
                    column=column, rising=rising, strict=bool((turned > 0).all()),
                    step=int(np.gcd.reduce(turned)) or 1,
                )  # fmt: skip


def _labels(look: Look, column: str) -> bool:
    kind = look.rows[column].type
    return bool(pt.is_string(kind) or pt.is_boolean(kind) or pt.is_integer(kind)) and few(look, column)


def _states(look: Look) -> Iterator[Fact]:
    """Transitions that never occur, though they would often, were the rows of each family shuffled."""
    if not look.family or not moment(look, look.main[0]):
        return
    families = look.families(look.main)
    if families.rank.max(initial=0) >= MOST_STEPS:
        return
    later = families.later
    for column in look.learned:
        if look.rows[column].null_count or not _labels(look, column) or _told_by(look, families, column):
            continue
        kind = look.rows[column].cast(pa.string()).dictionary_encode()
        code = kind.indices.to_numpy(zero_copy_only=False)[families.at]
        size = len(kind.dictionary)
        if size > MOST_STATES:
            continue
        pairs = np.zeros((size, size))
        np.add.at(pairs, (code[later - 1], code[later]), 1)
        has = np.zeros((int(families.number[-1]) + 1, size))
        np.add.at(has, (families.number, code), 1)
        rows = has.sum(axis=1, keepdims=True)
        expected = (has / rows).T @ has - np.diag((has / rows).sum(axis=0))
        if not _never(pairs, expected).any():
            continue
        # there is a machine; now also what no family could show, as it never holds both states
        drawn = np.outer(pairs.sum(1), pairs.sum(0)) / max(1.0, pairs.sum())
        never = _never(pairs, expected) | _never(pairs, drawn)
        first = np.bincount(code[families.first], minlength=size).astype(np.float64)
        barred = (first == 0) & ((has / rows).sum(axis=0) >= STATE_CHANCES)
        # what was not seen, but is not barred either, stays possible
        after = np.where(never, 0.0, np.maximum(pairs, 0.5))
        starts = np.where(barred, 0.0, np.maximum(first, 0.5))
        yield States(
            **look.common("states", column, look.main),
            column=column, states=tuple(kind.dictionary.to_pylist()), starts=_shares(starts),
            follows=tuple(_shares(row) for row in after),
        )  # fmt: skip


def _never(pairs: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Transitions that never occur, though ``expected`` to: each for itself, all from a state, all to one."""
    out: np.ndarray = (pairs == 0) & (expected >= STATE_CHANCES)
    out |= ((pairs.sum(1) == 0) & (expected.sum(1) >= STATE_CHANCES))[:, None]
    out |= ((pairs.sum(0) == 0) & (expected.sum(0) >= STATE_CHANCES))[None, :]
    return out


def _told_by(look: Look, families: Families, column: str) -> bool:
    """The moment by which rows are ordered tells the column, as it does a weekday or a holiday: it has no states."""
    time = sort_key(look.rows[look.main[0]])
    pairs = np.unique(np.stack([time, sort_key(look.rows[column])]), axis=1).shape[1]
    return bool(pairs == len(np.unique(time)) < len(time))


def _shares(weights: np.ndarray) -> tuple[float, ...]:
    return tuple(np.round(weights / max(weights.sum(), 1e-9), 6).tolist())


def consistent(facts: Sequence[Fact]) -> list[Fact]:
    """Those of ``facts`` that can hold together, in an order in which each comes after what it reads: one fact decides
    a column, the earlier one in ``facts``; only the order of a regular column may be another's."""
    chosen: list[Fact] = []
    for fact in facts:
        rivals = [f for f in chosen if f.columns == fact.columns]
        ordered = isinstance(fact, Monotone) and all(isinstance(f, Regular) and f.family == fact.family for f in rivals)
        if (not rivals or ordered) and not any(_circular(f, fact) for f in chosen):
            chosen.append(fact)
    out: list[Fact] = []
    while len(out) < len(chosen):
        left = [f for f in chosen if f not in out]
        free = [f for f in left if not any(set(o.columns) & set(f.reads) for o in left if o is not f)]
        out += [(free or left)[0]]
    return out


def _circular(a: Fact, b: Fact) -> bool:
    return bool(set(a.columns) & set(b.reads)) and bool(set(b.columns) & set(a.reads))
