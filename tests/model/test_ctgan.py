"""The strategy ctgan: the critic is asked where there are rows enough, followed where it tells, and left where it does
not help."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from published import same

from dbsynth.model import ctgan
from dbsynth.model.autoregressive import Autoregressive, Trained
from dbsynth.model.base import Budget, FittedModel, TrainingData
from dbsynth.model.critic import Opinion
from dbsynth.model.ctgan import LEAST_UNSEEN, Ctgan
from dbsynth.rng import generator


def data(rows: int, sizes: tuple[int, ...] = (6, 6, 4)) -> TrainingData:
    rng = generator(1)
    a = rng.integers(0, 6, rows)
    b = np.where(rng.random(rows) < 0.9, (a + 1) % 6, rng.integers(0, 6, rows))
    codes = np.column_stack([a, b, rng.integers(0, 4, rows)]).astype(np.int32)
    return TrainingData(codes, sizes, np.zeros((rows, 0), np.int32), (), np.full(rows, -1))


def fit(source: TrainingData, **overrides: object) -> FittedModel:
    return Ctgan().fit(source, seed=2, budget=Budget(0.0, {"steps": 40, **overrides}))


def look(auc: float, fidelity: float, trained: Trained) -> ctgan._Look:
    """What a critic might think of 50 rows."""
    made, of = trained.data.codes[:50], trained.rows[:50]
    return ctgan._Look(Opinion(auc, torch.linspace(-2, 2, 50)), made, of, fidelity)


def critics(*opinions: tuple[float, float]) -> Callable[[Trained, int], ctgan._Look]:
    """One after the other."""
    left = list(opinions)
    return lambda trained, seed: look(*left.pop(0), trained)


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> TrainingData:
    """A small table of which a critic is asked; following it takes few steps, which are felt."""
    monkeypatch.setattr(ctgan, "LEAST_UNSEEN", 50)
    monkeypatch.setattr(ctgan, "STEPS", 10)
    return data(800)


@pytest.mark.parametrize("rows", [40, 500, 10 * LEAST_UNSEEN - 20])
def test_rows_below_the_least_skip_the_critic(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth is held out."""

    def never(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(ctgan, "_look", never)
    source = data(rows)
    model = fit(source)
    assert "critic" not in model.report.stopped
    likelihood = Autoregressive().fit(source, seed=2, budget=Budget(0.0, {"steps": 40}))
    assert model.report.strategy == "ctgan"
    assert same(model, likelihood, source)


def test_rows_enough_are_shown_to_a_critic() -> None:
    assert "critic" in fit(data(10 * LEAST_UNSEEN + 10)).report.stopped


def test_no_rounds_no_critic(enough: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctgan, "_look", critics())
    assert "critic" not in fit(enough, critic=0).report.stopped


def test_a_critic_that_cannot_tell_is_not_followed(enough: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fit(enough, critic=0)
    monkeypatch.setattr(ctgan, "_look", critics((ctgan.TELLS - 0.01, 0.9)))
    model = fit(enough, critic=3)
    assert same(model, plain, enough)
    assert "AUC is 0.520" in model.report.stopped


@pytest.mark.parametrize("after", [(0.71, 0.95), (0.6, 0.9 - 2 * ctgan.LOSS)], ids=["told more easily", "less like it"])
def test_what_does_not_help_is_taken_back(
    after: tuple[float, float], enough: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fit(enough, critic=0)
    monkeypatch.setattr(ctgan, "_look", critics((0.7, 0.9), after))
    followed = []
    follow = ctgan._follow
    monkeypatch.setattr(ctgan, "_follow", lambda *a: (followed.append(1), follow(*a)))
    model = fit(enough, critic=3)
    assert followed == [1]
    assert same(model, plain, enough)


def test_what_helps_is_kept(enough: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fit(enough, critic=0)
    monkeypatch.setattr(ctgan, "_look", critics((0.7, 0.9), (0.6, 0.9), (0.65, 0.9)))
    one = fit(enough, critic=1)
    assert not same(one, plain, enough)
    assert "AUC is 0.600, was 0.700" in one.report.stopped
    monkeypatch.setattr(ctgan, "_look", critics((0.7, 0.9), (0.6, 0.9), (0.65, 0.9)))
    two = fit(enough, critic=2)  # the second round is taken back
    assert same(one, two, enough)


def test_following_moves_rows_to_where_the_critic_says(enough: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that believes in code 0 of the last column gets more of it."""
    monkeypatch.setattr(ctgan, "STEPS", 60)
    monkeypatch.setattr(ctgan, "RATE", 0.5)

    def believer(trained: Trained, seed: int) -> ctgan._Look:
        made, of = trained.data.codes[trained.rows], trained.rows
        logits = torch.from_numpy(np.where(made[:, 2] == 0, 2.0, -2.0).astype(np.float32))
        believer.auc -= 0.1  # type: ignore[attr-defined]
        return ctgan._Look(Opinion(believer.auc, logits), made, of, 0.9)  # type: ignore[attr-defined]

    plain = fit(enough, critic=0)
    believer.auc = 0.9  # type: ignore[attr-defined]
    monkeypatch.setattr(ctgan, "_look", believer)
    followed = fit(enough, critic=1)
    context = np.zeros((4000, 0), np.int32)
    before, after = ((m.sample(context, generator(1))[:, 2] == 0).mean() for m in (plain, followed))
    assert before == pytest.approx(0.25, abs=0.05)
    assert after > before + 0.1
    related = followed.sample(context, generator(1))
    assert ((related[:, 0] + 1) % 6 == related[:, 1]).mean() > 0.7


def test_weights_and_masks_stay_what_they_were_for(enough: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    """Following the critic must not let a column see one that comes after it, nor leave numbers that are none."""
    monkeypatch.setattr(ctgan, "_look", critics((0.7, 0.9), (0.6, 0.9)))
    model = fit(enough, critic=1)
    net = model.net  # type: ignore[attr-defined]
    assert all(bool(torch.isfinite(p).all()) for p in net.parameters())
    assert all(not bool(w[mask == 0].any()) for w, mask in zip(net.first, net.masks(), strict=True))
