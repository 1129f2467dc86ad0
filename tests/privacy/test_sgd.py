"""One row has no more say in a step than the norm its gradient is clipped to."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from opacus.optimizers import DPOptimizer

from dbsynth.model import sizing
from dbsynth.model.base import TrainingData
from dbsynth.model.independent import marginals
from dbsynth.model.network import ConditionalNet
from dbsynth.model.training import Flat
from dbsynth.privacy.sgd import CLIP, RowGradients, clipped_sum, train_privately

SIZES = (3, 40, 250)
"""Plain, with smooth weights, and in two levels."""


def network(rows: int = 60) -> tuple[ConditionalNet, np.ndarray]:
    rng = np.random.default_rng(3)
    codes = np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1).astype(np.int32)
    scales = (None, np.arange(40.0), np.arange(250.0))
    data = TrainingData(codes, SIZES, np.zeros((rows, 0), np.int32), (), np.arange(rows), scales)
    shape = sizing.shape_of(data)
    assert any(shape.classes)
    shares = marginals(codes, SIZES, smoothing=1.0)
    return ConditionalNet(shape, shares, torch.Generator().manual_seed(5)), codes


def test_the_gradient_of_a_row_is_that_of_its_loss() -> None:
    net, codes = network()
    flat = Flat(net)
    found = RowGradients(net, flat).of(torch.from_numpy(codes[:8].astype(np.int64)))
    for i in range(8):
        row = torch.from_numpy(codes[i : i + 1].astype(np.int64))
        flat.gradients.zero_()
        torch.autograd.backward(net.loss(row, row[:, :0]).sum())
        for part, mask in flat.masked:
            part.mul_(mask)
        torch.testing.assert_close(found[i], flat.gradients, rtol=1e-4, atol=1e-5)


def test_hidden_weights_have_no_gradient_and_do_not_move() -> None:
    net, codes = network()
    hidden = [1 - mask for mask in net.masks()]
    assert any(float(h.sum()) for h in hidden)
    steps = {"steps": 3, "rate": 0.5, "multiplier": 2.0, "learning_rate": 0.1, "decay": 0.0}
    train_privately(net, codes, **steps, seed=1, progress=lambda share: None)  # type: ignore[arg-type]
    for weight, h in zip(net.first, hidden, strict=True):
        assert float((weight.detach() * h).abs().sum()) == 0.0


ROWS = arrays(np.float32, (6, 9), elements=st.floats(-1e6, 1e6, width=32))


@given(ROWS, arrays(np.float32, 9, elements=st.floats(-1e6, 1e6, width=32)), st.integers(0, 5))
def test_one_row_changes_the_clipped_sum_by_a_bound(gradients: np.ndarray, other: np.ndarray, at: int) -> None:
    given_, replaced = torch.from_numpy(gradients), torch.from_numpy(gradients.copy())
    replaced[at] = torch.from_numpy(other)
    without = torch.cat([given_[:at], given_[at + 1 :]])
    whole = clipped_sum(given_, CLIP)
    slack = 1e-5
    assert float((whole - clipped_sum(without, CLIP)).norm()) <= CLIP + slack
    assert float((whole - clipped_sum(replaced, CLIP)).norm()) <= 2 * CLIP + slack


@given(ROWS)
def test_gradients_are_clipped_as_opacus_clips_them(gradients: np.ndarray) -> None:
    weight = torch.nn.Parameter(torch.zeros(9))
    weight.grad_sample = torch.from_numpy(gradients)  # type: ignore[attr-defined]
    optimizer = DPOptimizer(
        torch.optim.SGD([weight], 0.1), noise_multiplier=1.0, max_grad_norm=CLIP, expected_batch_size=1
    )
    optimizer.clip_and_accumulate()
    torch.testing.assert_close(clipped_sum(torch.from_numpy(gradients), CLIP), weight.summed_grad, rtol=1e-4, atol=1e-5)  # type: ignore[attr-defined]


def test_a_step_adds_the_noise_that_was_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nobody sampled, what moves the weights is noise of the multiplier times the norm."""
    net, codes = network()
    seen: list[torch.Tensor] = []

    class Spy:
        def __init__(self, flat: Flat, decay: float) -> None:
            self.flat = flat

        def step(self, rate: float) -> None:
            seen.append(self.flat.gradients.clone())

    monkeypatch.setattr("dbsynth.privacy.sgd.AdamW", Spy)
    steps = SimpleNamespace(steps=4, rate=1e-12, multiplier=7.0, learning_rate=0.01, decay=0.0)
    train_privately(net, codes, **vars(steps), seed=1, progress=lambda share: None)
    moved = torch.stack(seen)
    visible = moved[:, moved.abs().sum(0) > 0]
    assert float(visible.std()) == pytest.approx(7.0 * CLIP, rel=0.02)
    assert float((moved[0] - moved[1]).abs().max()) > 0
