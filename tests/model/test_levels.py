"""Columns of many codes in two levels: what is drawn, what is learned, what is allowed."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from dbsynth.codec.base import State
from dbsynth.model.autoregressive import Autoregressive
from dbsynth.model.base import Budget, TrainingData
from dbsynth.model.levels import FLAT, OUT, Embedding, classes_of, even_classes
from dbsynth.model.network import ConditionalNet, Shape, draw
from dbsynth.model.sizing import embedding_width, recommended_flops
from dbsynth.rng import generator

CODES = 2000


def net_of(size: int, share: np.ndarray, *, ordered: bool) -> ConditionalNet:
    """A column of five codes, then one of ``size``, with weights that are not those of the start."""
    classes = ((), classes_of(share))
    shape = Shape((5, size), (), (3, embedding_width(size)), (), 16, 0, classes, (False, ordered), ())
    torch.manual_seed(1)
    net = ConditionalNet(shape, [np.full(5, 0.2), share], torch.Generator().manual_seed(1))
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(2)))
    return net


def shares(kind: str, size: int) -> np.ndarray:
    rng = generator(size)
    weights = {
        "even": np.ones(size),
        "skewed": 1.0 / np.arange(1.0, size + 1),
        "random": rng.gamma(0.2, 1, size) + 1e-9,
    }
    return weights[kind] / weights[kind].sum()


@pytest.mark.parametrize("kind", ["even", "skewed", "random"])
@pytest.mark.parametrize("size", [FLAT, FLAT + 1, 700, CODES, 20_000])
def test_classes_hold_every_code_once(kind: str, size: int) -> None:
    first = classes_of(shares(kind, size))
    if size <= FLAT:
        assert first == ()
        return
    assert first[0] == 0
    assert first[-1] == size
    assert all(a < b for a, b in itertools.pairwise(first))
    assert max(b - a for a, b in itertools.pairwise(first)) < size / 8


@pytest.mark.parametrize("kind", ["even", "skewed"])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("size", [50, FLAT + 5, 900])
def test_the_probabilities_of_all_codes_sum_to_one(kind: str, size: int, ordered: bool) -> None:
    net = net_of(size, shares(kind, size), ordered=ordered)
    for before in (0, 4):
        rows = torch.stack([torch.full((size,), before), torch.arange(size)], dim=1)
        with torch.no_grad():
            both = net.row_loss(rows, torch.zeros(size, 0, dtype=torch.int64))
            first = net.row_loss(rows[:1], torch.zeros(1, 0, dtype=torch.int64)) - own_loss(net, rows[:1])
        assert torch.exp(-(both - first)).sum().item() == pytest.approx(1.0, abs=1e-4)


def own_loss(net: ConditionalNet, rows: torch.Tensor) -> torch.Tensor:
    """Of the last column."""
    return net.loss(rows, torch.zeros(len(rows), 0, dtype=torch.int64))[-1:]


def test_the_losses_of_columns_and_of_rows_are_the_same_ones() -> None:
    net = net_of(700, shares("skewed", 700), ordered=True)
    rows = torch.from_numpy(np.column_stack([generator(1).integers(0, 5, 64), generator(2).integers(0, 700, 64)]))
    context = torch.zeros(64, 0, dtype=torch.int64)
    assert net.loss(rows, context).sum().item() == pytest.approx(net.row_loss(rows, context).sum().item(), rel=1e-5)


@pytest.mark.parametrize("size", [50, 900])
def test_codes_are_drawn_as_often_as_their_probabilities_say(size: int) -> None:
    net, n = net_of(size, shares("skewed", size), ordered=False), 20_000
    given = np.column_stack([np.full(n, 2), np.full(n, -1)]).astype(np.int32)
    made = net.sample_codes(np.zeros((n, 0), np.int32), generator(1), given, [None, None])
    rows = torch.stack([torch.full((size,), 2), torch.arange(size)], dim=1)
    with torch.no_grad():
        losses = net.row_loss(rows, torch.zeros(size, 0, dtype=torch.int64))
    expected = torch.softmax(-losses, 0).numpy()
    assert 0.5 * np.abs(np.bincount(made[:, 1], minlength=size) / n - expected).sum() < 0.02


def test_a_place_that_no_member_has_is_never_drawn() -> None:
    net = net_of(900, shares("random", 900), ordered=False)
    members = net.members_of(1)
    assert members is not None
    classes = torch.arange(len(members.first))
    logits = members.logits(torch.randn(len(classes), 16), classes)
    there = torch.arange(members.widest) < members.count[:, None]
    assert (logits[~there] == OUT).all()
    assert (
        members.code(classes, torch.full_like(classes, members.widest)).tolist()
        == (members.first + members.count - 1).tolist()
    )


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("size", [50, 900])
@pytest.mark.parametrize("allow", ["one", "some", "first", "last", "none"])
def test_only_allowed_codes_are_drawn(allow: str, size: int, ordered: bool) -> None:
    net = net_of(size, shares("skewed", size), ordered=ordered)
    masks: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "one": lambda c: c == size // 3,
        "some": lambda c: c % 7 == 3,
        "first": lambda c: c == 0,
        "last": lambda c: c == size - 1,
        "none": lambda c: c < 0,
    }
    mask = masks[allow](np.arange(size))
    made = net.sample_codes(np.zeros((3000, 0), np.int32), generator(1), None, [None, torch.from_numpy(mask)])
    drawn = np.unique(made[:, 1])
    assert ((drawn >= 0) & (drawn < size)).all()
    assert mask[drawn].all() if mask.any() else len(drawn) > 1


def test_a_number_that_rounds_to_one_draws_an_allowed_code() -> None:
    """float32 makes 1 of what is a little less; the last code may not be allowed, or have no share."""
    u = torch.tensor([0.0, 0.5, 1.0 - 2.0**-24, 1.0])
    codes, left = draw(torch.zeros(4, 3), u, torch.tensor([True, True, False]))
    assert codes.tolist() == [0, 1, 1, 1]
    assert ((left >= 0) & (left <= 1)).all()
    net = net_of(900, shares("even", 900), ordered=False)
    mask = torch.arange(900) % 9 == 1
    context, order = torch.zeros(4, 0, dtype=torch.int64), torch.arange(4)
    made = net.sample(context, u.unsqueeze(1).repeat(1, 2), order, None, [None, mask])
    assert mask[made[:, 1]].all()


def test_neighbours_of_an_ordered_column_are_alike_from_the_start() -> None:
    start = torch.Generator().manual_seed(1)
    near, far = [], []
    with torch.no_grad():
        for ordered in (True, False):
            vectors = Embedding(400, 8, (), ordered, start)(torch.arange(400))
            near.append(float((vectors[1:] - vectors[:-1]).norm(dim=1).mean()))
            far.append(float((vectors[200:] - vectors[:-200]).norm(dim=1).mean()))
    assert near[0] < 0.7 * far[0]
    assert near[1] > 0.8 * far[1]


def dependent(rows: int = 5000) -> TrainingData:
    """The second column says which half of the hundred-codes the first, of 2,000 codes, lies in."""
    rng = generator(1)
    many = rng.integers(0, CODES, rows)
    half = np.where(rng.random(rows) < 0.95, many // 500, rng.integers(0, 4, rows))
    codes = np.column_stack([half, many]).astype(np.int32)
    return TrainingData(
        codes, (4, CODES), np.zeros((rows, 0), np.int32), (), np.full(rows, -1), (None, np.arange(2000.0))
    )


def test_a_column_of_2000_codes_learns_a_dependence_and_is_restored() -> None:
    source = dependent()
    model = Autoregressive().fit(source, seed=1, budget=Budget(recommended_flops(source)))
    made = model.sample(np.zeros((4000, 0), np.int32), generator(2))
    assert (made[:, 0] == made[:, 1] // 500).mean() > 0.85
    assert len(np.unique(made[:, 1])) > 1200
    state = model.state()
    again = Autoregressive().restore(State(dict(state.config), dict(state.arrays)), model.report)
    assert np.array_equal(again.sample(np.zeros((4000, 0), np.int32), generator(2)), made)


def test_even_classes_are_even() -> None:
    first = np.array(even_classes(1000))
    assert np.ptp(np.diff(first)) <= 1
    assert even_classes(FLAT) == ()
