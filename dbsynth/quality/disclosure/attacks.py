"""Attacks of somebody who has the made rows: singling out, linking, inferring (Giomi, Boenisch, Wehmeyer, Tasnádi 2023,
"A Unified Framework for Quantifying Privacy Risk in Synthetic Data", PoPETs 2023(2)).

How often an attack succeeds says little: who knows what is true of all knows much of each. The paper compares with the
same attack on rows that the model never saw. A verification has none; here the other half of the source takes the place
of the made rows, and says what anybody learns from rows of the same kind that are no copies. Against rows of one half
(the targets) attackers are sent with made rows, and with as many rows of the other half. The risk is what the made rows
give beyond that, over what there was left to gain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.plan import Plan
from dbsynth.quality.disclosure.chance import wilson
from dbsynth.quality.disclosure.counters import step
from dbsynth.quality.disclosure.distances import both, comparable
from dbsynth.quality.disclosure.nearest import NULL, Rows, apart, coded, nearest, numeric
from dbsynth.quality.disclosure.seen import Seen
from dbsynth.quality.figures import Finding, PrivacyFigure, Subject, past
from dbsynth.quality.numbered import without_told
from dbsynth.rng import generator

LEAST_COLUMNS, LEAST_ROWS = 4, 100
ATTACKS, AMONG = 500, 5_000
"""Attacks of each kind, and rows that each side of the comparison has."""
NEIGHBOURS = 5
"""Of a target over what the attacker knows, among which the same row has to be found twice to link."""
TOGETHER = 3
"""Columns of a predicate that singles out."""
CLOSE = 0.05
"""A number is inferred if no more than that share of the rows lies between it and the guess."""
RISKY = 0.15
"""What the least likely value of a risk (95 %) has to pass."""
AROUND = 8
"""Different values below and above one that lie about as high."""
BLOCK = 64
INFERENCE = "inference"
"""Informs and does not gate: made rows that keep a rule (a date counted from another) give it away without noise, and
so tell more of a column than real rows do."""


@dataclass(frozen=True)
class Risk:
    """``hits`` of ``tries`` with made rows, ``base_hits`` of ``base_tries`` with real ones. ``alike``, ``base_alike``:
    so many of the attacks tell as much as one that stands by itself (``repeated``)."""

    hits: int
    tries: int
    base_hits: int
    base_tries: int
    alike: float = 1.0
    base_alike: float = 1.0

    @property
    def rates(self) -> tuple[float, float]:
        return self.hits / max(1, self.tries), self.base_hits / max(1, self.base_tries)

    def at_least(self, hits: int, tries: int) -> Risk:
        """Beside another attacker who knows no row, where that one has more success than the one beside whom it is."""
        better = hits * self.base_tries > self.base_hits * tries
        return replace(self, base_hits=hits, base_tries=tries, base_alike=1.0) if better else self

    @property
    def value(self) -> float:
        """0 .. 1: (r - b) / (1 - b)."""
        made, base = self.rates
        return max(0.0, (made - base) / (1 - base)) if base < 1 else 0.0

    @property
    def least(self) -> float:
        """Where the interval of 95 % of the risk begins: those of both rates (Wilson), carried over."""
        if not self.tries or not self.base_tries:
            return 0.0
        made, wide = wilson(self.hits / self.alike, self.tries / self.alike)
        base, wide_base = wilson(self.base_hits / self.base_alike, self.base_tries / self.base_alike)
        if base >= 1:
            return 0.0
        risk = (made - base) / (1 - base)
        spread = math.hypot(wide / (1 - base), wide_base * (1 - made) / (1 - base) ** 2)
        return max(0.0, risk - spread)


@dataclass(frozen=True)
class Scene:
    """Rows over the same columns: ``targets`` and ``others``, two halves of the source, and ``made`` ones. ``grids``:
    of the columns that are ordered. ``shared``: codes of a column's values that are no single row's."""

    targets: Rows
    others: Rows
    made: Rows
    columns: tuple[str, ...]
    grids: Mapping[int, Grid] = field(default_factory=dict)
    shared: Mapping[int, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """Values of a column of the source, each once and in order: their codes, and where they lie, in steps that all
    differences are multiples of."""

    codes: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, values: np.ndarray) -> Grid:
        numbers, first = np.unique(values, return_index=True)
        return cls(codes[first], (numbers - numbers[0]) / step(numbers))

    def blind(self, single: np.ndarray, code: np.float32) -> float:
        """The chance to hit a value of which ``single`` (codes) is true by naming any that lies about as high as
        ``code``, without knowing which there are."""
        at = int(np.searchsorted(self.codes, code))
        low, high = max(0, at - AROUND), min(len(self.codes), at + AROUND + 1)
        width = float(self.places[high - 1] - self.places[low]) + 1.0
        return float(single[low:high].sum()) / width


def scene(
    rows: Seen, plan: Plan, rng: np.random.Generator, lent: Mapping[str, np.ndarray] = MappingProxyType({})
) -> Scene | None:
    """None where there is too little to attack. What rules tell of other columns is left out: who knows these knows it
    of rows that are made and of others. ``lent``: bool (real rows,), where a column's value is one that k rows of
    another table show."""
    columns = without_told(plan, rows.name, comparable(rows))
    n, m = rows.real.num_rows, rows.made.num_rows
    if len(columns) < LEAST_COLUMNS or min(n // 2, m) < LEAST_ROWS:
        return None
    pairs = [both(rows, c) for c in columns]
    real, made = coded([a for a, _ in pairs], [b for _, b in pairs])
    size = min(AMONG, n // 2, m)
    shared = {j: np.unique(real.codes[j][lent[c]]) for j, c in enumerate(columns) if c in lent}
    drawn = rng.permutation(n)
    targets, others = real.at(drawn[:size]), real.at(drawn[size : 2 * size])
    some = made.at(rng.permutation(m)[:size])
    return Scene(targets, others, some, tuple(columns), grids(real, [a for a, _ in pairs]), shared)


def grids(real: Rows, values: Sequence[pa.Array]) -> dict[int, Grid]:
    """By place of the column; none of those that hold a single value, or next to none that are finite."""
    found = {}
    for j in np.flatnonzero(real.ordered).tolist():
        numbers = numeric(values[j])
        use = np.isfinite(numbers)
        if len(np.unique(numbers[use])) > 1:
            found[j] = Grid.of(real.codes[j][use], numbers[use])
    return found


def attacked(
    rows: Seen, plan: Plan, seed: int, lent: Mapping[str, np.ndarray] = MappingProxyType({})
) -> tuple[list[PrivacyFigure], list[Finding]]:
    """``lent``: as ``scene`` takes it."""
    found = scene(rows, plan, generator(seed, "attacked", str(rows.name)), lent)
    if found is None:
        return [], []
    figures, findings = [], []
    for name, columns, risk, what in _attacks(found, seed, str(rows.name)):
        made, base = risk.rates
        subject = Subject(rows.name, columns)
        gates = name != INFERENCE
        failed = gates and risk.least > RISKY
        figures.append(
            PrivacyFigure(
                name, subject, risk.value, 0.0, (not failed) if gates else None,
                f"{what}: {made:.1%} of {risk.tries:,} attacks with made rows succeed, {base:.1%} of "
                f"{risk.base_tries:,} with real rows that are no copies; the risk is at least {risk.least:.3f} (95 %)",
            )
        )  # fmt: skip
        if failed:
            says = (
                f"{rows.name}: {what} succeeds in {made:.1%} of attacks with made rows, in {base:.1%} with other rows "
                "of the source: the made rows tell of single ones"
            )
            far = past(risk.least, RISKY)
            findings.append(Finding("failure", "privacy", subject, says, f"make {rows.name} anew", far))
    return figures, findings


def _attacks(found: Scene, seed: int, table: str) -> Iterator[tuple[str, tuple[str, ...], Risk, str]]:
    whom = found.targets.at(np.arange(min(ATTACKS, len(found.targets))))
    for name, predicates in (("univariate", partial(univariate, shared=found.shared)), ("multivariate", multivariate)):
        asked, beside = (predicates(bridge, generator(seed, name, table)) for bridge in (found.made, found.others))
        who, by_others = singled_out(found.targets, asked), singled_out(found.targets, beside)
        risk = Risk(len(who), len(asked), len(by_others), len(beside), repeated(who), repeated(by_others))
        if name == "univariate":
            risk = risk.at_least(blindly(found, asked), len(asked))
        yield f"singling_out_{name}", (), risk, f"singling out by {name} predicates"
    hits, base_hits = linked(whom, found.made), linked(whom, found.others)
    loose = linked(whom, pieced(found.others, generator(seed, "pieced", table)))
    risk = Risk(hits, len(whom), base_hits, len(whom)).at_least(loose, len(whom))
    yield "linkability", (), risk, "linking two halves of a row's columns"
    made, base = (inferred(whom, bridge) for bridge in (found.made, found.others))
    risks = [Risk(int(a), len(whom), int(b), len(whom)) for a, b in zip(made, base, strict=True)]
    worst = max(range(len(risks)), key=lambda j: (risks[j].least, risks[j].value))
    column = found.columns[worst]
    yield INFERENCE, (column,), risks[worst], f"inferring {column}, the worst of {len(risks)} columns, from the others"


def singled_out(targets: Rows, asked: Sequence[Predicate]) -> np.ndarray:
    """int64 (hits,): the target of which alone a predicate is true, for each of which there is one."""
    found = (np.flatnonzero(_matching(targets, p)) for p in asked)
    return np.array([int(at[0]) for at in found if len(at) == 1], np.int64)


def repeated(hits: np.ndarray) -> float:
    """How many hits tell as much as one: few rows lie at the ends of several columns, and most predicates that single
    out meet those. The design effect of clusters, Σn² / Σn (Kish 1965, "Survey sampling")."""
    times = np.bincount(hits) if len(hits) else np.ones(1, np.int64)
    return float(times @ times) / float(times.sum())


def blindly(found: Scene, asked: Sequence[Predicate]) -> int:
    """Of ``asked``, how many would single out if each named any value about as high as its own that the column's steps
    allow: where values stand close on a grid, whoever guesses meets one."""
    single = {j: times_in(found.targets.codes[j], grid.codes) == 1 for j, grid in found.grids.items()}
    named = [p[0] for p in asked if p[0][1] == "==" and p[0][0] in single and p[0][2] != NULL]
    return round(sum(found.grids[j].blind(single[j], code) for j, _, code in named))


def times_in(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """int64 (values,): how often each of these sorted values is there."""
    ordered = np.sort(codes)
    return np.asarray(np.searchsorted(ordered, values, side="right") - np.searchsorted(ordered, values, side="left"))


def pieced(rows: Rows, rng: np.random.Generator) -> Rows:
    """Each column's values dealt out anew."""
    return Rows(np.stack([codes[rng.permutation(len(codes))] for codes in rows.codes]), rows.ordered)


Predicate = tuple[tuple[int, str, np.float32], ...]
"""Column, relation ("==", "<=", ">="), code: of all of which the conjunction is meant."""


def univariate(
    rows: Rows, rng: np.random.Generator, shared: Mapping[int, np.ndarray] = MappingProxyType({})
) -> list[Predicate]:
    """Values that one row has, but for those ``shared``, and what lies beyond the ends of a column."""
    found: list[Predicate] = []
    for j, number in enumerate(rows.ordered):
        values, times = np.unique(rows.codes[j], return_counts=True)
        single = values[(times == 1) & ~np.isin(values, shared.get(j, ()))]
        found += [((j, "==", v),) for v in single]
        known = values[values != NULL]
        if number and len(known):
            found += [((j, "<=", known[0]),), ((j, ">=", known[-1]),)]
    return [found[i] for i in rng.permutation(len(found))[:ATTACKS]]


def multivariate(rows: Rows, rng: np.random.Generator) -> list[Predicate]:
    """Of some columns of a row, numbers on the far side of its own, that are true of this row only."""
    middle = [np.median(c[c != NULL]) if (c != NULL).any() else NULL for c in rows.codes]
    found: list[Predicate] = []
    for at in rng.integers(0, len(rows), 2 * ATTACKS):
        picked = rng.permutation(len(rows.codes))[:TOGETHER]
        predicate = tuple((int(j), _side(rows, int(j), int(at), middle), rows.codes[j, at]) for j in picked)
        if int(_matching(rows, predicate).sum()) == 1:
            found.append(predicate)
        if len(found) == ATTACKS:
            break
    return found


def _side(rows: Rows, j: int, at: int, middle: list[np.float32]) -> str:
    value = rows.codes[j, at]
    if not rows.ordered[j] or value == NULL:
        return "=="
    return ">=" if value > middle[j] else "<="


def _matching(rows: Rows, predicate: Predicate) -> np.ndarray:
    out = np.ones(len(rows), bool)
    for j, relation, value in predicate:
        codes = rows.codes[j]
        if relation == "==":
            out &= codes == value
        else:
            out &= (codes >= value if relation == ">=" else codes <= value) & (codes != NULL)
    return out


def linked(targets: Rows, bridge: Rows) -> int:
    """How many targets find one row of ``bridge`` among the nearest over both halves of the columns."""
    width = len(targets.codes)
    near = [
        nearest(targets.columns(half), bridge.columns(half), NEIGHBOURS)[1]
        for half in (range(0, width, 2), range(1, width, 2))
    ]
    return int((near[0][:, :, None] == near[1][:, None, :]).any(axis=(1, 2)).sum())


def inferred(targets: Rows, bridge: Rows) -> np.ndarray:
    """int64 (columns,): targets whose value of a column is that of the row of ``bridge`` nearest in all others."""
    hits = np.zeros(len(targets.codes), np.int64)
    for begin in range(0, len(targets), BLOCK):
        some = slice(begin, begin + BLOCK)
        each = [apart(targets, bridge, j, some) for j in range(len(hits))]
        total = np.sum(each, axis=0)
        for j, own in enumerate(each):
            guess = bridge.codes[j, np.argmin(total - own, axis=1)]
            wrong = np.abs(guess - targets.codes[j, some])
            hits[j] += int((wrong <= (CLOSE if targets.ordered[j] else 0)).sum())
    return hits
