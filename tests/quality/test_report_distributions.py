"""What is drawn of the source is at least k rows at a time, and where it says."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types

from dbsynth.quality.report.association import association, cramers_v
from dbsynth.quality.report.axis import bin_edges, round_step, short, ticks
from dbsynth.quality.report.distribution import (
    Bars,
    Distribution,
    Histogram,
    Untold,
    distribution,
    merged,
)
from dbsynth.schema.model import Column

K = 5


def drawn(
    real: pa.Array, made: pa.Array | None = None, type_: object = None, *, personal: bool = False
) -> Distribution:
    column = Column("c", type_ or types.Text(), "text")  # type: ignore[arg-type]
    return distribution(column, real, real if made is None else made, K, personal=personal)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_bins_hold_no_row_or_at_least_k(counts: list[int]) -> None:
    edges = np.arange(len(counts) + 1, dtype=np.float64)
    kept = merged(edges, np.array(counts), K)
    assert kept[0] == edges[0]
    assert kept[-1] == edges[-1]
    held = [sum(counts[int(a) : int(b)]) for a, b in itertools.pairwise(kept)]
    assert sum(held) == sum(counts)
    if sum(counts) >= K:
        assert all(n == 0 or n >= K for n in held)


@given(
    st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=K, max_size=300),
    st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=300),
)
def test_shares_of_numbers_are_of_at_least_k_rows(real: list[float], made: list[float]) -> None:
    found = drawn(pa.array(real), pa.array(made), types.Float())
    if isinstance(found, Histogram):
        assert found.real is not None
        counts = np.round(found.real * len(real))
        assert np.all((counts == 0) | (counts >= K))
        assert found.real.sum() == pytest.approx(1)
        assert found.made.sum() == pytest.approx(1)
        assert np.all(np.diff(found.edges) > 0)
    elif isinstance(found, Bars):
        assert np.all(found.real * len(real) >= K - 1e-9)


def test_extremes_are_in_no_edge() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(50.3, 9.1, 500), [98_765.432]])
    found = drawn(pa.array(values), type_=types.Float())
    assert isinstance(found, Histogram)
    assert found.edges[-1] < 200
    assert not np.isin(found.edges, values).any()


def test_few_numbers_are_bars_in_their_order() -> None:
    found = drawn(pa.array([3] * 10 + [1] * 20 + [2] * 30), type_=types.Integer())
    assert isinstance(found, Bars)
    assert found.labels == ("1", "2", "3")
    assert found.real.tolist() == pytest.approx([1 / 3, 1 / 2, 1 / 6])


def test_rare_texts_are_one_bar_without_names() -> None:
    found = drawn(pa.array(["a"] * 50 + ["b"] * 40 + ["rare"] * 4 + ["rarer"] * 2), pa.array(["a"] * 9 + ["rare"]))
    assert isinstance(found, Bars)
    assert found.labels == ("a", "b")
    assert found.others == 2
    assert found.rest == (pytest.approx(6 / 96), pytest.approx(0.1))


def test_a_rest_of_fewer_than_k_rows_cannot_be_subtracted() -> None:
    found = drawn(pa.array(["a"] * 50 + ["b"] * 46 + ["rare"] * 4))
    assert isinstance(found, Bars)
    assert found.rest[0] is None
    assert found.real.sum() == pytest.approx(1)


def test_of_personal_columns_lengths_are_drawn() -> None:
    names = pa.array(["Anna", "Bert", "Christina"] * 30)
    found = drawn(names, personal=True)
    assert isinstance(found, Bars)
    assert found.what == "length"
    assert found.labels == ("4", "9")


def test_texts_that_do_not_repeat_are_drawn_by_length() -> None:
    found = drawn(pa.array([f"{'x' * (i % 60)}{i:05d}" for i in range(600)]))
    assert isinstance(found, Histogram)
    assert found.what == "length"


def test_digits_in_a_text_column_are_no_number() -> None:
    found = drawn(pa.array([f"{i:05d}" for i in range(100)]))
    assert isinstance(found, Bars)
    assert (found.what, found.labels) == ("length", ("5",))


@pytest.mark.parametrize(
    "real",
    [
        pa.array([], pa.int64()),
        pa.array([None] * 50, pa.int64()),
        pa.array([1, 2, 3], pa.int64()),
        pa.array([None] * 50, pa.string()),
        pa.array(["x"], pa.string()),
    ],
    ids=["empty", "null", "three rows", "null text", "one row"],
)
def test_too_few_rows_are_not_drawn(real: pa.Array) -> None:
    assert isinstance(drawn(real, type_=types.Integer() if pa.types.is_integer(real.type) else types.Text()), Untold)


def test_shares_of_null_of_fewer_than_k_rows_are_not_told() -> None:
    assert drawn(pa.array([None] * 3 + ["a"] * 97)).presence.real is None
    assert drawn(pa.array([None] * 97 + ["a"] * 3)).presence.real is None
    assert drawn(pa.array([None] * 30 + ["a"] * 70)).presence.real == pytest.approx(0.3)


def test_dates_without_end_are_left_aside() -> None:
    days = np.concatenate([np.arange(17_000, 17_730), [2**31 - 1, -(2**31)]]).astype(np.int32)
    found = drawn(pa.array(days, pa.int32()).cast(pa.date32()), type_=types.Date())
    assert isinstance(found, Histogram)
    assert found.scale == "date"
    assert str(np.datetime64(int(found.edges[0]), "s").astype("datetime64[D]")) == "2016-07-01"


def test_money_over_several_powers_of_ten_gets_a_logarithmic_axis() -> None:
    found = drawn(pa.array(np.random.default_rng(0).lognormal(4, 2.5, 2000)), type_=types.Float())
    assert isinstance(found, Histogram)
    assert found.scale == "logarithm"


@given(st.floats(1e-9, 1e12))
def test_steps_are_round(least: float) -> None:
    step = round_step(least)
    assert step >= least * (1 - 1e-6)
    assert step <= 2.6 * least
    assert f"{step:.1e}"[:3] in ("1.0", "2.0", "2.5", "5.0")


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.sampled_from(["number", "whole"]))
def test_edges_enclose_the_range(low: float, span: float, scale: str) -> None:
    edges = bin_edges(low, low + span, scale, 24)  # type: ignore[arg-type]
    assert edges[0] <= low + 1e-6 * abs(low)
    assert edges[-1] >= low + span - 1e-6 * abs(low)
    assert 2 <= len(edges) <= 28


@given(st.integers(-62_000_000_000, 200_000_000_000), st.integers(0, 30_000_000_000))
def test_dates_have_edges_and_ticks(low: int, span: int) -> None:
    edges = bin_edges(float(low), float(low + span), "date", 24)
    assert edges[0] <= low
    assert edges[-1] > low + span
    assert len(edges) <= 40
    labels = [t.label for t in ticks(float(edges[0]), float(edges[-1]), "date")]
    assert len(labels) <= 8
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0"), (1250, "1250"), (20_000, "20k"), (1_500_000, "1.5M"), (0.05, "0.05"), (-3, "-3"), (2.5e-7, "2.5e-07")],
)
def test_numbers_in_few_characters(value: float, told: str) -> None:
    assert short(value) == told


def test_nothing_is_no_less_than_nothing() -> None:
    assert next(t.label for t in ticks(0.0, 1.0, "number")) == "0"
    assert str(ticks(0.0, 1.0, "number")[0].at) == "0.0"


def test_cramers_v_is_one_for_a_function_and_nothing_for_chance() -> None:
    assert cramers_v(np.eye(4) * 500) == pytest.approx(1.0, abs=1e-3)
    assert cramers_v(np.full((4, 4), 100.0)) == 0.0
    assert cramers_v(np.array([[5.0, 3.0]])) == 0.0


def test_a_lost_dependence_is_seen() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    real = pa.table({"x": x, "y": x + 0.1 * rng.normal(size=2000), "z": rng.normal(size=2000)})
    made = real.set_column(1, "y", pa.array(rng.permutation(real.column("y").to_numpy())))
    columns = [Column(n, types.Float(), "double") for n in real.column_names]
    found = association(columns, real, made)
    assert found is not None
    assert found.pairs()[0][:2] == ("y", "x")
    assert found.difference[1, 0] < -0.6
    assert abs(found.difference[2, 0]) < 0.1
    assert association(columns, real.slice(0, 50), made) is None
