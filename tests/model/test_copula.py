"""The copula: what it finds in few rows, what it leaves alone, what is given and allowed, and that it is the same."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from dbsynth.codec.base import State
from dbsynth.model import fidelity
from dbsynth.model.base import Budget, FittedModel, TrainingData
from dbsynth.model.copula import Copula, CopulaModel
from dbsynth.model.latent import cdf, correlations, quantile
from dbsynth.model.noise import uniforms
from dbsynth.rng import generator

SIZES = (2, 3, 10, 60)


def table(rows: int, *, noise: int = 0, seed: int = 1) -> np.ndarray:
    """Cuts of hidden normal variables that correlate at 0.8; ``noise`` columns follow nothing."""
    rng = generator(seed, "table")
    common = rng.standard_normal((rows, 1))
    hidden = np.sqrt(0.8) * common + np.sqrt(0.2) * rng.standard_normal((rows, len(SIZES)))
    uniform = cdf(np.concatenate([hidden, rng.standard_normal((rows, noise))], axis=1))
    return (uniform**1.5 * np.array([*SIZES, *[20] * noise])).astype(np.int32)


def data(codes: np.ndarray, sizes: tuple[int, ...], *, context: int = 0) -> TrainingData:
    scales = tuple(np.arange(k, dtype=np.float64) for k in sizes[context:])
    alone = np.full(len(codes), -1)
    return TrainingData(codes[:, context:], sizes[context:], codes[:, :context], sizes[:context], alone, scales)


def fitted(source: TrainingData) -> FittedModel:
    return Copula().fit(source, seed=1, budget=Budget(0.0))


def sampled(model: FittedModel, rows: int, **how: object) -> np.ndarray:
    return model.sample(np.zeros((rows, 0), np.int32), generator(5), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("noise", [0, 20])
def test_the_hidden_correlation_is_found_whatever_the_number_of_codes(noise: int) -> None:
    sizes = (*SIZES, *[20] * noise)
    model = fitted(data(table(300, noise=noise), sizes))
    assert isinstance(model, CopulaModel)
    found = model.correlation[:4, :4][np.triu_indices(4, 1)]
    assert np.abs(found - 0.8).max() < 0.15
    assert np.abs(model.correlation[4:, :4]).sum() <= 0.05 * 4 * noise


def test_rows_resemble_the_whole_more_than_the_rows_it_learned_from() -> None:
    codes, whole = table(100), table(20_000, seed=2)
    made = sampled(fitted(data(codes, SIZES)), 20_000)
    repeated = codes[generator(1).integers(0, 100, 20_000)]
    assert fidelity.trends(whole, made, SIZES) > fidelity.trends(whole, repeated, SIZES) + 0.02
    assert fidelity.shapes(codes, made, SIZES) > 0.97


def test_children_follow_their_context() -> None:
    codes = table(400)
    made = fitted(data(codes, SIZES, context=1)).sample(codes[:, :1], generator(5))
    both = np.concatenate([codes[:, :1], made], axis=1)
    assert fidelity.trends(codes, both, SIZES) > 0.85
    assert np.corrcoef(codes[:, 0], made[:, 2])[0, 1] == pytest.approx(np.corrcoef(codes[:, [0, 3]].T)[0, 1], abs=0.1)


def test_given_codes_stay_and_count_for_columns_before_and_after_them() -> None:
    model = fitted(data(table(500), SIZES))
    given = np.full((2000, 4), -1, np.int32)
    given[:1000, 2], given[1000:, 2] = 9, 0
    made = sampled(model, 2000, given=given)
    assert (made[:, 2] == given[:, 2]).all()
    for j in (0, 1, 3):
        assert made[:1000, j].mean() > made[1000:, j].mean() + 0.2 * SIZES[j]


def test_a_row_depends_on_its_own_pattern_of_given_codes_only() -> None:
    model = fitted(data(table(200), SIZES))
    given = np.full((50, 4), -1, np.int32)
    plain = sampled(model, 50)
    given[10:, 3] = 5
    given[20:, 1] = 2
    mixed = sampled(model, 50, given=given)
    assert (mixed[:10] == plain[:10]).all()
    assert (mixed[10:] != plain[10:]).any()


def test_only_allowed_codes_are_drawn_and_the_others_still_follow() -> None:
    model = fitted(data(table(500), SIZES))
    high = np.arange(10) >= 8
    made = sampled(model, 3000, allowed=[None, None, high, None])
    free = sampled(model, 3000)
    assert set(made[:, 2].tolist()) == {8, 9}
    assert made[:, 3].mean() == pytest.approx(free[free[:, 2] >= 8, 3].mean(), rel=0.1)


def test_where_nothing_allowed_was_ever_seen_one_of_the_allowed_is_drawn() -> None:
    codes = np.column_stack([np.arange(20) % 3, np.arange(20) % 2]).astype(np.int32)
    made = sampled(fitted(data(codes, (6, 2))), 100, allowed=[np.arange(6) >= 4, np.zeros(2, bool)])
    assert set(made[:, 0].tolist()) == {4, 5}
    assert set(made[:, 1].tolist()) == {0, 1}


def nominal(codes: np.ndarray, sizes: tuple[int, ...]) -> TrainingData:
    none = np.zeros((len(codes), 0), np.int32)
    return TrainingData(codes, sizes, none, (), np.full(len(codes), -1), (None,) * len(sizes))


def test_categories_that_nothing_depends_on_are_placed_by_frequency() -> None:
    rng = generator(1)
    codes = np.stack([rng.choice([2, 0, 1], 200, p=[0.6, 0.3, 0.1]), rng.integers(0, 9, 200)], axis=1)
    model = fitted(nominal(codes.astype(np.int32), (3, 9)))
    assert isinstance(model, CopulaModel)
    assert model.cuts[0].order.tolist() == [2, 0, 1]
    assert model.correlation[0, 1] == 0.0


def test_categories_are_placed_by_what_depends_on_them() -> None:
    """Numbered at random, so that neither numbers nor frequencies rise with anything."""
    shuffles = [generator(3, j).permutation(k) for j, k in enumerate(SIZES)]
    codes, whole = (
        np.stack([s[t[:, j]] for j, s in enumerate(shuffles)], axis=1).astype(np.int32)
        for t in (table(300), table(20_000, seed=2))
    )
    made = sampled(fitted(nominal(codes, SIZES)), 20_000)
    unrelated = np.stack([generator(4, j).permutation(whole[:, j]) for j in range(len(SIZES))], axis=1)
    assert fidelity.trends(whole, made, SIZES) > fidelity.trends(whole, unrelated, SIZES) + 0.1
    back = [s.argsort()[made[:, j]] for j, s in enumerate(shuffles)]
    assert np.corrcoef(back)[2, 3] == pytest.approx(np.corrcoef(table(300).T)[2, 3], abs=0.1)


def test_the_same_seed_gives_the_same_rows_before_and_after_it_was_saved() -> None:
    source = data(table(50), SIZES, context=1)
    model = fitted(source)
    state = model.state()
    assert all(a.dtype != object for a in state.arrays.values())
    saved = State(json.loads(json.dumps(dict(state.config))), dict(state.arrays))
    rows = model.sample(source.context, generator(5))
    for again in (Copula().restore(saved, model.report), pickle.loads(pickle.dumps(model)), fitted(source)):
        assert again.sample(source.context, generator(5)).tobytes() == rows.tobytes()
    assert (model.sample(source.context, generator(6)) != rows).any()


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (1, (3, 2)),
        (2, (3, 2)),
        (2, (1, 2000)),
        (40, (1, 1)),
        (30, (2,) * 300),
        (12, (2000, 1, 5)),
        (0, (4, 2)),
        (7, ()),
    ],
    ids=["one row", "two rows", "two of 2000", "constant", "300 columns", "2000 categories", "no row", "no column"],
)
def test_odd_tables(rows: int, sizes: tuple[int, ...]) -> None:
    rng = generator(1)
    columns = [rng.integers(0, k, rows) for k in sizes]
    codes = np.stack(columns, axis=1).astype(np.int32) if sizes else np.zeros((rows, 0), np.int32)
    alone = np.full(rows, -1)
    model = fitted(TrainingData(codes, sizes, np.zeros((rows, 0), np.int32), (), alone))
    made = sampled(model, 40)
    assert made.shape == (40, len(sizes))
    assert made.dtype == np.int32
    assert ((made >= 0) & (made < np.array(sizes, np.int32))).all()
    if rows:
        assert all(set(made[:, j].tolist()) <= set(codes[:, j].tolist()) for j in range(len(sizes)))


def test_columns_that_repeat_each_other_keep_the_matrix_definite() -> None:
    codes = np.repeat(table(30), 3, axis=1)
    model = fitted(data(codes, tuple(np.repeat(SIZES, 3).tolist())))
    assert isinstance(model, CopulaModel)
    assert np.linalg.eigvalsh(model.correlation)[0] > 0
    made = sampled(model, 500)
    assert (made[:, 0] == made[:, 1]).mean() > 0.85


def test_fidelity_is_told_where_enough_rows_are_held_out() -> None:
    report = fitted(data(table(2000), SIZES)).report
    assert report.fidelity is not None
    assert report.fidelity > 0.8
    assert fitted(data(table(200), SIZES)).report.fidelity is None


def test_without_rows_there_is_no_correlation() -> None:
    assert (correlations(np.zeros((1, 3), np.int64), []) == np.eye(3)).all()


def test_derived_uniforms_are_uniform_and_belong_to_their_row() -> None:
    u = generator(1).random((4000, 2))
    more = uniforms(u, 50)
    assert ((more > 0) & (more < 1)).all()
    assert more.mean() == pytest.approx(0.5, abs=0.005)
    assert np.abs(np.corrcoef(np.concatenate([u, more], axis=1).T) - np.eye(52)).max() < 0.08
    assert np.abs(np.corrcoef(more[1:, 0], more[:-1, 0])[0, 1]) < 0.08
    assert (uniforms(u[7:9], 50) == more[7:9]).all()
    assert quantile(np.array([0.5])) == 0.0
