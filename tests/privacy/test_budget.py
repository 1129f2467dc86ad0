"""What is spent is what Opacus says, and never more than was asked for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.accountants import RDPAccountant
from opacus.accountants.analysis import rdp

from dbsynth.privacy.budget import ORDERS, Ask, allocate, default_delta, epsilon_of

ASKS = st.builds(
    Ask,
    histograms=st.integers(1, 60),
    referred=st.integers(0, 8),
    thresholds=st.integers(0, 20),
    steps=st.sampled_from([0, 50, 400]),
    rate=st.floats(0.002, 0.5),
)


def test_mechanisms_cost_what_opacus_says_step_by_step() -> None:
    accountant = RDPAccountant()
    for noise, rate, steps in ((6.0, 1.0, 3), (1.2, 0.03, 50)):
        for _ in range(steps):
            accountant.step(noise_multiplier=noise, sample_rate=rate)
    by_hand = sum(
        rdp.compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=ORDERS)
        for noise, rate, steps in ((6.0, 1.0, 3), (1.2, 0.03, 50))
    )
    ours = epsilon_of([(6.0, 1.0, 3), (1.2, 0.03, 50)], 1e-5)
    assert ours == pytest.approx(accountant.get_epsilon(1e-5, alphas=ORDERS))
    assert ours == pytest.approx(rdp.get_privacy_spent(orders=ORDERS, rdp=by_hand, delta=1e-5)[0])


def test_one_gaussian_costs_what_its_renyi_divergence_says() -> None:
    """α / (2σ²) at order α, turned into ε (Balle et al. 2020, theorem 21)."""
    sigma, delta = 4.0, 1e-6
    closed = min(a / (2 * sigma**2) + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1) for a in ORDERS)
    assert epsilon_of([(sigma, 1.0, 1)], delta) == pytest.approx(closed)


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), ASKS, min_size=1), st.sampled_from([0.3, 1.0, 3.0, 8.0]))
def test_all_tables_together_stay_within_the_budget(asks: dict[str, Ask], epsilon: float) -> None:
    private = allocate(epsilon, 1e-6, asks)
    history = [m for t in private.tables.values() for m in t.mechanisms()]
    left = 5e-7 if any(a.thresholds for a in asks.values()) else 1e-6
    assert private.spent == pytest.approx(epsilon_of(history, left))
    assert 0.97 * epsilon < private.spent <= epsilon * 1.0001
    shown = sum(t.thresholds * t.threshold_delta for t in private.tables.values())
    assert shown <= 5e-7 * 1.0001
    for name, ask in asks.items():
        own = private.tables[name]
        assert (own.multiplier is not None) == (ask.steps > 0)
        if not ask.referred:
            assert own.epsilon <= private.spent * 1.0001


def test_a_small_budget_is_not_left_unspent() -> None:
    """Few steps that see few rows are told best at another order than the one Gaussian that the budget would buy."""
    assert allocate(0.3, 1e-6, {"a": Ask(1, steps=50, rate=0.002)}).spent > 0.29


def test_a_table_that_tells_nothing_costs_nothing() -> None:
    private = allocate(1.0, 1e-6, {"empty": Ask(0), "other": Ask(3)})
    assert private.tables["empty"].mechanisms() == []
    assert private.tables["empty"].epsilon == 0.0
    assert private.spent <= 1.0001


def test_delta_is_far_below_one_in_the_rows() -> None:
    assert default_delta(17_209) == 1e-6
    assert default_delta(0) == default_delta(100) == 1e-3
