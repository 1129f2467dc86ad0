"""How much noise a budget of differential privacy buys, and what is spent of it.

The unit is a row: the guarantee is for two sources of which one has one row more, in one table or in several at once.
Everything that is told of rows is a Gaussian mechanism: histograms of sensitivity one, and the sums of clipped
gradients of DP-SGD (Abadi et al. 2016). Rényi differential privacy composes them (Mironov 2017; of sampled Gaussians
Mironov et al. 2019) and is turned into (ε, δ) after Balle et al. 2020, all of it by Opacus' accountant. Numbers of rows
and the catalog are taken as known to everybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from dbsynth.errors import UsageError

if TYPE_CHECKING:
    from opacus.accountants import RDPAccountant

MARGINALS = 0.3
"""Of a table's budget, what its histograms get where a network is trained too."""
LEAST_EPSILON, MOST_EPSILON, MOST_DELTA = 0.05, 100.0, 0.1
PRIVATE_STRATEGIES = ("autoregressive", "independent")
ORDERS: list[float] = [1.25, 1.5, 1.75, *range(2, 65), 96, 128, 192, 256, 384, 512, 1024]
"""Of the Rényi divergence. Fractions of whole orders gain little and cost most of the time."""

Mechanism = tuple[float, float, int]
"""Noise multiplier, share of the rows that a step samples, steps: as in ``RDPAccountant.history``."""


@dataclass(frozen=True)
class PrivacyWish:
    """What is asked for. ``delta`` None: see ``default_delta``; ``effort``: how much training, relative to the
    standard."""

    epsilon: float
    delta: float | None
    effort: float


@dataclass(frozen=True)
class Ask:
    """What a table's budget is spent on. ``histograms``: counted over its rows; ``referred``: of which its rows are the
    parents, paid by another table; ``thresholds``: histograms without known values, of which each shows what is above a
    threshold; ``steps`` of training that sample a share of ``rate`` of the rows."""

    histograms: int
    referred: int = 0
    thresholds: int = 0
    steps: int = 0
    rate: float = 0.0


@dataclass(frozen=True)
class TableNoise:
    """``noise``: standard deviation of a count, None where nothing is counted; ``multiplier``: of the noise of
    training, times the norm that gradients are clipped to; ``threshold_delta``: the chance that one threshold shows a
    value that one row has; ``epsilon``: of a row of this table alone, at the δ of the whole."""

    histograms: int
    referred: int
    noise: float | None
    thresholds: int
    threshold_delta: float
    steps: int
    rate: float
    multiplier: float | None
    epsilon: float

    def mechanisms(self, referred: bool = False) -> list[Mechanism]:
        """``referred``: with the histograms in which its rows are the parents."""
        counted = self.histograms + (self.referred if referred else 0)
        found: list[Mechanism] = []
        if self.noise is not None and counted:
            found.append((self.noise, 1.0, counted))
        if self.multiplier is not None and self.steps:
            found.append((self.multiplier, self.rate, self.steps))
        return found

    @property
    def threshold(self) -> float:
        """The noisy count from which a value of an open set is shown."""
        return 1.0 + (self.noise or 0.0) * NormalDist().inv_cdf(1.0 - self.threshold_delta)


@dataclass(frozen=True)
class PrivateTraining:
    """``epsilon``: asked for; ``spent``: what the accountant says of one row in every table at once; both at ``delta``.
    ``tables`` by full name."""

    epsilon: float
    delta: float
    spent: float
    tables: Mapping[str, TableNoise]

    def describe(self) -> dict[str, object]:
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "epsilon_spent": self.spent,
            "accountant": "RDP (Opacus)",
            "unit": UNIT,
            "group": GROUP,
            "tables": {
                name: {
                    "epsilon": t.epsilon,
                    "histograms": t.histograms,
                    "noise_of_a_count": t.noise,
                    "steps": t.steps,
                    "sampled_share": t.rate,
                    "noise_multiplier": t.multiplier,
                }
                for name, t in self.tables.items()
            },
            "not_covered": list(NOT_COVERED),
            "switched_off": list(SWITCHED_OFF),
        }


UNIT = "one row, in each of the tables at once (added or removed)"
GROUP = "who has g rows in a table is protected by g times ε (and a larger δ): nothing limits how many one person has"
NOT_COVERED = (
    "the catalog: names, types, CHECKs, comments, defaults",
    "how many rows each table has",
    "lookup tables that --keep names: declared public, whole, with how often each row is referred to",
)
SWITCHED_OFF = (
    "lookup tables are kept only where --keep names them",
    "meanings of columns are told by the catalog alone, not by values",
    "facts and rules are taken only where they are declared, not looked for",
    "children do not see their parents, siblings or places in time; how many a parent has depends on nothing",
    "parents are told apart by nothing; trees have one level",
    "made values (names, codes, texts, documents) learn no shape, word or length, and may repeat a real one by chance",
    "no rows are held out: training takes a fixed number of steps, fidelity is not measured",
    "rows that are equal to a real one by chance are not looked for",
)


def accountant(mechanisms: Iterable[Mechanism]) -> RDPAccountant:
    """Opacus' accountant with the history of ``mechanisms``. Raises UsageError where Opacus is not installed."""
    try:
        from opacus.accountants import RDPAccountant
    except ModuleNotFoundError as cause:
        raise UsageError(
            f"differential privacy needs the package {cause.name}", hint="pip install 'dbsynth[dp]'"
        ) from cause
    found = RDPAccountant()
    found.history = list(mechanisms)
    return found


def epsilon_of(mechanisms: Iterable[Mechanism], delta: float) -> float:
    return _spent(mechanisms, delta)[0]


def _spent(mechanisms: Iterable[Mechanism], delta: float) -> tuple[float, float]:
    """ε, and the order of the divergence that tells it."""
    history = list(mechanisms)
    if not history:
        return 0.0, ORDERS[0]
    epsilon, order = accountant(history).get_privacy_spent(delta=delta, alphas=ORDERS)
    return float(epsilon), float(order)


def default_delta(rows: int) -> float:
    """A power of ten below one in ten times the ``rows`` of the largest table."""
    return float(10.0 ** -math.ceil(math.log10(10 * max(rows, 100))))


def allocate(epsilon: float, delta: float, asks: Mapping[str, Ask]) -> PrivateTraining:
    """The noise with which all ``asks`` together cost at most ``epsilon`` at ``delta``. Half of δ is for thresholds, if
    there are any. Tables that ask for anything get equal shares of the budget (of the Rényi divergence, which adds up),
    at the order at which the accountant then finds the whole cheapest: at another one, part of ε would be left."""
    thresholds = sum(a.thresholds for a in asks.values())
    left = delta / 2 if thresholds else delta
    each = delta / 2 / thresholds if thresholds else 0.0
    _, order = _spent([(_bisected(lambda s: epsilon_of([(s, 1.0, 1)], left), epsilon), 1.0, 1)], left)
    tables, spent, best = _shared_out(epsilon, left, order, asks, each)
    while spent and best != order:
        order = best
        others, more, best = _shared_out(epsilon, left, order, asks, each)
        if more <= spent:
            break
        tables, spent = others, more
    return PrivateTraining(epsilon, delta, spent, {n: _with_epsilon(t, left) for n, t in tables.items()})


def _shared_out(
    epsilon: float, delta: float, order: float, asks: Mapping[str, Ask], threshold_delta: float
) -> tuple[dict[str, TableNoise], float, float]:
    """The noise with which the whole costs ``epsilon`` at ``order``; its ε at the best order, and that order."""
    asking = sum(1 for a in asks.values() if a.histograms or a.steps)
    # of the divergence at the order, what is left of ε by turning it into (ε, δ) (Balle et al. 2020, theorem 21)
    most = epsilon - math.log1p(-1.0 / order) + (math.log(delta) + math.log(order)) / (order - 1.0)
    own = math.sqrt(max(1, asking) * order / (2.0 * most))
    tables = {}
    for name, ask in asks.items():
        share = (MARGINALS if ask.steps else 1.0) if ask.histograms else 0.0
        noise = own * math.sqrt(ask.histograms / share) if ask.histograms else None
        multiplier = _multiplier(ask, own / math.sqrt(1.0 - share), order) if ask.steps else None
        tables[name] = TableNoise(
            ask.histograms, ask.referred, noise, ask.thresholds, threshold_delta, ask.steps, ask.rate, multiplier, 0.0
        )
    return tables, *_spent((m for t in tables.values() for m in t.mechanisms()), delta)


def _with_epsilon(table: TableNoise, delta: float) -> TableNoise:
    values = {f: getattr(table, f) for f in TableNoise.__dataclass_fields__}
    return TableNoise(**values | {"epsilon": epsilon_of(table.mechanisms(referred=True), delta)})


def _multiplier(ask: Ask, sigma: float, order: float) -> float:
    """Of the noise of training with which it costs what one Gaussian mechanism of ``sigma`` does, at ``order``."""
    from opacus.accountants.analysis.rdp import compute_rdp

    def cost(multiplier: float) -> float:
        return float(compute_rdp(q=ask.rate, noise_multiplier=multiplier, steps=ask.steps, orders=order))

    return _bisected(cost, order / (2.0 * sigma**2))


def _bisected(cost: object, most: float) -> float:
    """The least number (to a ten-thousandth) whose ``cost``, which falls, is at most ``most``."""
    assert callable(cost)
    low, high = 0.05, 1.0
    while cost(high) > most:
        low, high = high, high * 2.0
    while high / low > 1.0001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if cost(middle) > most else (low, middle)
    return high
