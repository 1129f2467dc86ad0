"""The mixture of one column, and codes ↔ mode-specific rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dbsynth.model import mixture
from dbsynth.model.modes import Modes
from dbsynth.rng import generator


def histogram(values: np.ndarray, bins: int = 300) -> tuple[np.ndarray, np.ndarray]:
    counts, edges = np.histogram(values, bins)
    return (edges[1:] + edges[:-1]) / 2, counts


def test_it_finds_the_modes_of_a_column() -> None:
    rng = generator(1)
    values = np.concatenate([rng.normal(-20, 3, 2000), rng.normal(0, 1, 5000), rng.normal(10, 0.5, 3000)])
    found = mixture.fit(*histogram(values))
    for mean, deviation, share in ((-20, 3, 0.2), (0, 1, 0.5), (10, 0.5, 0.3)):
        near = np.abs(found.means - mean) < 2.5
        assert found.shares[near].sum() == pytest.approx(share, abs=0.04)
        assert np.average(found.means[near], weights=found.shares[near]) == pytest.approx(mean, abs=0.5)
        assert np.average(found.deviations[near], weights=found.shares[near]) == pytest.approx(deviation, rel=0.4)
    assert found.shares.sum() == pytest.approx(1.0)
    assert found.shares.min() >= mixture.LEAST_SHARE


def test_counts_weigh_as_repeated_points_do() -> None:
    points, counts = np.array([1.0, 2.0, 3.0, 50.0, 51.0]), np.array([3, 40, 7, 0, 25])
    weighted, repeated = mixture.fit(points, counts), mixture.fit(np.repeat(points, counts), np.ones(75))
    assert weighted.means == pytest.approx(repeated.means)
    assert weighted.shares == pytest.approx(repeated.shares)
    assert len(weighted.means) >= 2


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e15, 1e300])
def test_the_unit_makes_no_difference(scale: float) -> None:
    points, counts = histogram(generator(1).normal(3, 1, 2000), 50)
    here, there = mixture.fit(points, counts), mixture.fit(points * scale, counts)
    assert there.means / scale == pytest.approx(here.means, rel=1e-6)
    assert there.deviations / scale == pytest.approx(here.deviations, rel=1e-6)


@pytest.mark.parametrize(
    "points",
    [[5.0], [0.0], [1.0, 2.0], [-1e307, 1e307], [1e15, 1e15 + 1], [5e-324, 0.0], [7.0] * 4],
    ids=["one", "zero", "two", "the largest", "large and near", "the least", "equal"],
)
def test_few_and_extreme_points(points: list[float]) -> None:
    x = np.array(points)
    found = mixture.fit(x, np.ones(len(x)))
    assert np.isfinite(found.means).all()
    assert ((x.min() <= found.means) & (found.means <= x.max())).all()
    assert (found.deviations > 0).all()
    assert found.posterior(x).sum(1) == pytest.approx(np.ones(len(x)))


SCALES = (None, np.r_[np.nan, np.arange(50.0) ** 2, np.nan], None, np.array([np.nan, 5.0]))
SIZES = (4, 52, 2, 2)


def codes(rows: int = 3000) -> np.ndarray:
    rng = generator(2)
    return np.stack([rng.integers(0, k, rows) for k in SIZES], axis=1).astype(np.int32)


def test_codes_come_back_from_their_rows() -> None:
    source = codes()
    modes = Modes.fit(source, SIZES, SCALES)
    hot, alpha = modes.encode(source, 1)
    assert np.abs(alpha).max() <= 0.99
    vectors = modes.vectors(torch.from_numpy(hot), torch.from_numpy(alpha))
    assert vectors.shape == (3000, modes.width)
    for _, block in modes.one_hots(vectors):
        assert (block.sum(2) == 1).all()
    assert (modes.decode(alpha, vectors.numpy()) == source).mean(0) == pytest.approx(np.ones(4), abs=0.01)
    likeliest = modes.encode(source)[0]
    assert (likeliest == hot).mean() > 0.7
    again = Modes.restore(SIZES, modes.arrays())
    assert (again.encode(source, 1)[0] == hot).all()
    assert again.width == modes.width


def test_a_column_without_a_number_seen_is_a_category() -> None:
    source = np.zeros((10, 4), np.int32)
    modes = Modes.fit(source, SIZES, SCALES)
    assert modes.categories == [0, 1, 2, 3]
    assert modes.width == sum(SIZES)


def test_only_allowed_codes_come_out() -> None:
    source = codes()
    modes = Modes.fit(source, SIZES, SCALES)
    rng = generator(3)
    alpha, scores = rng.uniform(-1, 1, (500, 2)), rng.normal(0, 1, (500, modes.width))
    some = np.isin(np.arange(52), [0, 7, 30])
    made = modes.decode(alpha, scores, [np.arange(4) > 2, some, np.zeros(2, bool), np.array([True, False])])
    assert set(made[:, 0].tolist()) == {3}
    assert set(made[:, 1].tolist()) == {0, 7, 30}
    assert set(made[:, 2].tolist()) == {0, 1}
    assert set(made[:, 3].tolist()) == {0}
    null = modes.decode(alpha, scores, [None, np.arange(52) == 51, None, None])
    assert (null[:, 1] == 51).all()
