"""The strategy ctgan-2019: what it learns, what is given and allowed, checkpoints, odd tables, failure."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from published import NULL_SHARE, ODD, Memory, check_codes, fitted, related, resumed, same

from dbsynth.codec.base import State
from dbsynth.errors import ConfigError
from dbsynth.model import fidelity
from dbsynth.model.adam import Adam
from dbsynth.model.base import Budget, FittedModel, TrainingData
from dbsynth.model.conditions import Conditions, RowSampler
from dbsynth.model.ctgan2019 import Ctgan2019
from dbsynth.model.gan2019 import Critic
from dbsynth.model.registry import load_strategy
from dbsynth.rng import generator


@pytest.fixture(scope="module")
def learned() -> tuple[TrainingData, FittedModel]:
    source = related()
    return source, fitted(Ctgan2019(), source, epochs=60, batch=100, rate=5e-4, pac=5)


def test_it_learns_what_depends_on_what(learned: tuple[TrainingData, FittedModel]) -> None:
    source, model = learned
    made = model.sample(source.context, generator(5))
    check_codes(made, 2000, source)
    assert ((made[:, 0] + 1) % 3 == made[:, 1]).mean() > 0.65
    assert (made[:, 4] == source.context[:, 0]).mean() > 0.65
    number = made[:, 2] > 0
    assert np.corrcoef(made[number, 0], made[number, 2])[0, 1] > 0.8
    assert np.corrcoef(made[number, 3], made[number, 2])[0, 1] > 0.8
    assert 1.0 - number.mean() == pytest.approx(NULL_SHARE, abs=0.1)
    assert fidelity.shapes(source.codes, made, source.cardinalities) > 0.75
    assert fidelity.trends(source.codes, made, source.cardinalities) > 0.65
    report = model.report
    assert (report.strategy, report.stopped, report.warnings) == ("ctgan-2019", "budget", ())
    assert report.fidelity is not None
    assert report.fidelity > 0.65


def test_only_allowed_codes_are_drawn(learned: tuple[TrainingData, FittedModel]) -> None:
    source, model = learned
    category, null, tens = np.array([True, False, True]), np.arange(41) == 0, np.arange(50) % 10 == 0
    made = model.sample(source.context, generator(5), allowed=[category, None, ~null, tens, None])
    assert set(made[:, 0].tolist()) == {0, 2}
    assert made[:, 2].min() > 0
    assert set(made[:, 3].tolist()) <= {0, 10, 20, 30, 40}
    made = model.sample(source.context, generator(5), allowed=[np.zeros(3, bool), None, null, None, None])
    assert set(made[:, 0].tolist()) == {0, 1, 2}
    assert (made[:, 2] == 0).all()


def test_a_row_depends_on_its_own_context_and_given_codes_only(learned: tuple[TrainingData, FittedModel]) -> None:
    source, model = learned
    given = np.full((200, 5), -1, np.int32)
    plain = model.sample(source.context[:200], generator(5), given=given)
    given[100:, 0] = 1
    mixed = model.sample(source.context[:200], generator(5), given=given)
    assert (mixed[:100] == plain[:100]).mean() > 0.999  # a sum in another order may tip a tie
    assert (plain == model.sample(source.context[:200], generator(5))).all()


def test_a_saved_model_samples_alike_and_is_arrays_and_json_only(learned: tuple[TrainingData, FittedModel]) -> None:
    source, model = learned
    state = model.state()
    assert all(a.dtype != object for a in state.arrays.values())
    saved = State(json.loads(json.dumps(dict(state.config))), dict(state.arrays))
    assert same(model, Ctgan2019().restore(saved, model.report), source)
    assert same(model, pickle.loads(pickle.dumps(model)), source)
    weights = sum(a.nbytes for a in state.arrays.values())
    assert len(pickle.dumps(model)) < 1.2 * weights + 20_000


def test_the_same_seed_gives_the_same_model_with_and_without_checkpoints() -> None:
    source = related(400)
    one, two, other = (fitted(Ctgan2019(), source, seed, epochs=4, batch=100) for seed in (1, 1, 2))
    assert same(one, two, source)
    assert not same(one, other, source)
    checkpoint = Memory()
    assert same(one, fitted(Ctgan2019(), source, checkpoint=checkpoint, epochs=4, batch=100), source)
    assert checkpoint.writes >= 4


@pytest.mark.parametrize("kill_after", [1, 3, 10])
def test_a_killed_training_goes_on_to_the_same_bytes(kill_after: int) -> None:
    source = related(400)
    settings = {"epochs": 5, "batch": 60}
    assert same(fitted(Ctgan2019(), source, **settings), resumed(Ctgan2019(), source, kill_after, **settings), source)


def test_the_checkpoint_of_another_strategy_is_not_taken() -> None:
    source, checkpoint = related(200), Memory()
    checkpoint.write(State({"strategy": "autoregressive"}))
    model = fitted(Ctgan2019(), source, checkpoint=checkpoint, epochs=1)
    assert same(model, fitted(Ctgan2019(), source, epochs=1), source)


@pytest.mark.parametrize("source", ODD)
def test_odd_tables(source: TrainingData) -> None:
    model = fitted(Ctgan2019(), source, epochs=1, batch=100)
    check_codes(model.sample(np.zeros((50, 0), np.int32), generator(1)), 50, source)
    check_codes(model.sample(np.zeros((0, 0), np.int32), generator(1)), 0, source)
    assert all(np.isfinite(a).all() for n, a in model.state().arrays.items() if not n.startswith("scale"))


def test_where_it_diverges_at_every_rate_columns_are_independent_and_the_report_says_why() -> None:
    source, checkpoint = related(300), Memory()
    model = fitted(Ctgan2019(), source, checkpoint=checkpoint, epochs=6, rate=1e30)
    assert model.report.strategy == "independent"
    assert len(model.report.warnings) == 4
    assert "1e+30" in model.report.warnings[0]
    assert "independent" in model.report.warnings[-1]
    check_codes(model.sample(source.context, generator(1)), 300, source)
    assert Ctgan2019().restore(model.state(), model.report).report.strategy == "independent"


def test_it_ends_when_its_time_is_over() -> None:
    source = related(300)
    seen: list[float] = []
    budget = Budget(0.0, {"epochs": 100_000}, seconds=0.3)
    model = Ctgan2019().fit(source, seed=1, budget=budget, progress=seen.append)
    assert model.report.stopped == "time is up"
    assert 0 < model.report.steps < 100_000
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(("wrong", "says"), [({"colour": "red"}, "colour"), ({"epochs": 0}, "whole number from 1 on")])
def test_wrong_settings_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        fitted(Ctgan2019(), related(50), **wrong)


def test_it_is_found_by_name() -> None:
    assert load_strategy("ctgan-2019").name == "ctgan-2019"


def test_given_codes_stay_and_a_given_category_is_the_condition(learned: tuple[TrainingData, FittedModel]) -> None:
    source, model = learned
    given = np.full((2000, 5), -1, np.int32)
    given[:1000, 0], given[1000:, 3] = 2, 5
    made = model.sample(source.context, generator(5), given=given)
    free = model.sample(source.context, generator(5))
    assert (made[given >= 0] == given[given >= 0]).all()
    assert (made[:1000, 1] == 0).mean() > (free[:, 1] == 0).mean() + 0.3


def test_the_penalty_is_that_of_a_second_pass_through_the_critic() -> None:
    critic = Critic(6, (), 2, torch.Generator().manual_seed(1))
    packed = torch.randn(30, 12, generator=torch.Generator().manual_seed(2), requires_grad=True)
    scores = critic(packed, torch.Generator().manual_seed(3))
    (gradient,) = torch.autograd.grad(scores.sum(), packed, create_graph=True)
    by_autograd = ((gradient.norm(dim=1) - 1.0) ** 2).mean()
    by_product = critic.penalty(packed.detach(), torch.Generator().manual_seed(3))
    assert by_product.item() == pytest.approx(by_autograd.item(), rel=1e-5)
    weights = [critic.first.weight, critic.second.weight, critic.last.weight]
    for one, other in zip(
        torch.autograd.grad(by_autograd, weights), torch.autograd.grad(by_product, weights), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-6)


def test_its_adam_is_that_of_torch() -> None:
    def weights() -> list[torch.Tensor]:
        starts = torch.Generator().manual_seed(1)
        return [torch.randn(4, 3, generator=starts, requires_grad=True), torch.ones(3, requires_grad=True)]

    own, theirs = weights(), weights()
    adam = Adam(own, rate=0.01, betas=(0.5, 0.9), decay=0.1)
    reference = torch.optim.Adam(theirs, lr=0.01, betas=(0.5, 0.9), weight_decay=0.1)
    for step in range(1, 6):
        adam.minimise(((own[0] * own[1]) ** 2).sum(), step)
        reference.zero_grad()
        torch.autograd.backward(((theirs[0] * theirs[1]) ** 2).sum())
        reference.step()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(own, theirs, strict=True))


def test_rows_are_drawn_for_training_by_the_logarithm_of_their_frequency() -> None:
    codes = np.repeat(np.array([[0, 1], [2, 1], [3, 0]], np.int32), [900, 90, 10], axis=0)
    conditions = Conditions.fit(codes, [0, 1], (5, 2))
    sampler = RowSampler(conditions, codes, torch.device("cpu"))
    places, rows = sampler.draw(20_000, torch.Generator().manual_seed(1))
    first = places < 5
    share = np.bincount(places[first].numpy(), minlength=5) / first.sum().item()
    expected = np.log1p([900, 0, 90, 10, 0])
    assert share == pytest.approx(expected / expected.sum(), abs=0.02)
    assert first.float().mean().item() == pytest.approx(0.5, abs=0.02)
    column = np.where(first, 0, 1)
    assert (codes[rows.numpy(), column] == places.numpy() - 5 * column).all()
    assert (np.bincount(rows[first].numpy(), minlength=1000)[990:] > 0).all()


def test_conditions_for_new_rows_have_the_frequencies_of_the_table() -> None:
    codes = np.repeat(np.array([[0, 1], [2, 1], [3, 0]], np.int32), [900, 90, 10], axis=0)
    conditions = Conditions.fit(codes, [0, 1], (5, 2))
    u = generator(1).random((20_000, 2))
    places = conditions.drawn(u, None, None)
    assert np.bincount(places[places < 5], minlength=5) / (places < 5).sum() == pytest.approx(
        [0.9, 0, 0.09, 0.01, 0], abs=0.01
    )
    only = conditions.drawn(u, [np.array([False, True, True, True, True]), None], None)
    assert set(only[only < 5].tolist()) == {2, 3}
    given = np.tile(np.array([[-1, 0]], np.int32), (20_000, 1))
    assert (conditions.drawn(u, None, given) == 5).all()
