"""The network: what it learns, what it leaves alone, and that it is the same every time."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

from dbsynth.codec.base import State
from dbsynth.errors import ConfigError
from dbsynth.model import fidelity, sizing, training
from dbsynth.model.autoregressive import Autoregressive
from dbsynth.model.base import Budget, FittedModel, TrainingData
from dbsynth.model.registry import load_strategy
from dbsynth.model.training import split
from dbsynth.rng import generator


def data(rows: int = 2000, *, noise: int = 0) -> TrainingData:
    """b follows a nine times in ten, c follows the context; ``noise`` columns follow nothing."""
    rng = generator(1)
    context = rng.integers(0, 4, (rows, 1))
    a = rng.integers(0, 6, rows)
    b = np.where(rng.random(rows) < 0.9, (a * 5 + 1) % 6, rng.integers(0, 6, rows))
    c = np.where(rng.random(rows) < 0.9, context[:, 0], rng.integers(0, 4, rows))
    rest = rng.integers(0, 60, (rows, noise))
    codes = np.column_stack([a, b, c, rest]).astype(np.int32)
    sizes = (6, 6, 4, *[60] * noise)
    return TrainingData(codes, sizes, context.astype(np.int32), (4,), np.full(rows, -1))


def fitted(given: TrainingData, seed: int = 1, **overrides: object) -> FittedModel:
    budget = Budget(sizing.recommended_flops(given), dict(overrides))
    return Autoregressive().fit(given, seed=seed, budget=budget)


def test_it_learns_what_depends_on_what() -> None:
    source = data()
    made = fitted(source).sample(source.context, generator(5))
    assert ((made[:, 0] * 5 + 1) % 6 == made[:, 1]).mean() > 0.8
    assert (made[:, 2] == source.context[:, 0]).mean() > 0.8
    assert fidelity.shapes(source.codes, made, source.cardinalities) > 0.95
    assert fidelity.trends(source.codes, made, source.cardinalities) > 0.9


def test_columns_of_noise_do_not_keep_it_from_learning_the_others() -> None:
    source = data(1200, noise=8)
    made = fitted(source).sample(source.context, generator(5))
    assert ((made[:, 0] * 5 + 1) % 6 == made[:, 1]).mean() > 0.7


def test_the_same_seed_gives_the_same_rows() -> None:
    source = data(400)
    one, two, other = (fitted(source, seed).sample(source.context, generator(5)) for seed in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


def test_rows_do_not_depend_on_how_they_are_cut() -> None:
    source = data(600)
    model = fitted(source)
    u = generator(5)
    whole = model.sample(source.context, u)
    assert whole.shape == (600, 3)
    assert model.sample(source.context[:0], generator(5)).shape == (0, 3)
    assert (model.sample(source.context, generator(5)) == whole).all()


def test_given_codes_stay_and_only_allowed_ones_are_drawn() -> None:
    source = data()
    model = fitted(source)
    given = np.full((500, 3), -1, np.int32)
    given[:, 0] = 3
    allowed = [None, np.array([True, False, False, False, True, False]), None]
    made = model.sample(source.context[:500], generator(5), given=given, allowed=allowed)
    assert (made[:, 0] == 3).all()
    assert set(made[:, 1].tolist()) <= {0, 4}


@pytest.mark.parametrize("rows", [1, 5, 31])
def test_few_rows(rows: int) -> None:
    source = data(rows)
    made = fitted(source).sample(np.zeros((50, 1), np.int32), generator(1))
    assert made.shape == (50, 3)
    assert (made >= 0).all()
    assert (made < np.array(source.cardinalities)).all()


def test_a_saved_model_samples_alike_and_is_arrays_and_json_only() -> None:
    source = data(400)
    model = fitted(source)
    state = model.state()
    assert all(isinstance(a, np.ndarray) and a.dtype != object for a in state.arrays.values())
    config = json.loads(json.dumps(dict(state.config)))
    again = Autoregressive().restore(State(config, dict(state.arrays)), model.report)
    rows = model.sample(source.context, generator(5))
    assert (again.sample(source.context, generator(5)) == rows).all()


def test_what_travels_between_processes_is_as_large_as_its_weights() -> None:
    """torch writes the whole storage behind each view of it: models were a hundred times their size."""
    model = fitted(data(400))
    weights = sum(a.nbytes for a in model.state().arrays.values())
    assert len(pickle.dumps(model)) < 1.5 * weights + 20_000


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="colour"):
        fitted(data(100), colour="red")


def test_children_of_one_parent_are_held_out_together() -> None:
    groups = np.repeat(np.arange(200), 5)
    train, held = split(groups, 1)
    assert not set(groups[train]) & set(groups[held])
    assert 80 <= len(held) <= 120


def test_children_of_few_parents_are_held_out_one_by_one() -> None:
    train, held = split(np.repeat(np.arange(3), 200), 1)
    assert 55 <= len(held) <= 60
    assert len(train) + len(held) == 600


@pytest.mark.parametrize("name", ["autoregressive", "independent"])
def test_strategies_are_found_by_name(name: str) -> None:
    assert load_strategy(name).name == name


def test_a_better_sample_has_the_higher_fidelity() -> None:
    source = data()
    shuffled = source.codes.copy()
    shuffled[:, 1] = generator(1).permutation(shuffled[:, 1])
    uniform = generator(1).integers(0, 4, shuffled.shape).astype(np.int32)
    scores = [fidelity.trends(source.codes, made, source.cardinalities) for made in (source.codes, shuffled, uniform)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0


def test_half_precision_as_on_a_graphics_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """What CUDA does with bfloat16, done by the processor: types agree, and what is learned is no worse."""
    monkeypatch.setattr(training, "autocast", lambda device: torch.autocast("cpu", dtype=torch.bfloat16))
    rng = generator(1)
    a = rng.integers(0, 300, 3000)
    codes = np.stack([a, (a + rng.integers(0, 3, 3000)) % 300], axis=1).astype(np.int32)
    given = TrainingData(codes, (300, 300), np.zeros((3000, 0), np.int32), (), np.arange(3000))
    model = Autoregressive().fit(given, seed=1, budget=Budget(0.0, {"steps": 300}))
    made = model.sample(np.zeros((2000, 0), np.int32), generator(2))
    assert np.mean((made[:, 1] - made[:, 0]) % 300 < 3) > 0.3  # by chance 0.01
    assert model.report.strategy == "autoregressive"
