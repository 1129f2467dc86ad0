"""Numbers that are spread evenly: each 2^k of them stratified, columns of their own."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
import torch

from dbsynth.model.levels import classes_of
from dbsynth.model.network import ConditionalNet, Shape
from dbsynth.model.uniforms import spread
from dbsynth.rng import generator


@pytest.mark.parametrize("rows", [1, 2, 3, 64, 100, 1000, 4096])
def test_any_aligned_power_of_two_of_rows_lies_in_as_many_parts(rows: int) -> None:
    u = spread(generator(rows), rows, 5)
    assert u.shape == (rows, 5)
    assert ((u >= 0) & (u < 1)).all()
    for k in range(rows.bit_length()):
        size = 2**k
        for begin in range(0, rows - size + 1, size):
            parts = np.sort((u[begin : begin + size] * size).astype(int), axis=0)
            assert (parts == np.arange(size)[:, None]).all()


def test_what_is_left_over_at_the_end_lies_in_different_parts_too() -> None:
    rows = 1000
    last = spread(generator(1), rows, 4)[992:]
    assert len(np.unique((last * 8).astype(int), axis=0)) == 8


@pytest.mark.parametrize("sizes", [(8, 2, 1, 5, 2, 20), (2, 2, 2, 2, 2, 2), (3, 250, 4, 1, 2, 3), (4, 256, 4)])
@pytest.mark.parametrize("rows", [300, 1024, 4096])
def test_columns_that_have_nothing_to_do_with_each_other_come_out_so(sizes: tuple[int, ...], rows: int) -> None:
    """Given to rows that are sorted by what was drawn for them before, every two and every three columns meet as often
    as their shares say, and nearer to that than chance would be: also with a column of many codes, a few rows each,
    between them."""
    shares = [np.full(k, 1.0 / k) for k in sizes]
    if len(sizes) > 3:
        shares = [generator(j, "shares").dirichlet(np.full(k, 3.0)) * 0.9 + 0.1 / k for j, k in enumerate(sizes)]
    net, surprises = unrelated(shares), []
    for seed in range(8):
        made = net.sample_codes(np.zeros((rows, 0), np.int32), generator(seed), None, [None] * len(sizes))
        for count in (2, 3):
            for columns in itertools.combinations([j for j, k in enumerate(sizes) if 1 < k < 100], count):
                joint = np.ravel_multi_index(made[:, columns].T, [sizes[j] for j in columns])
                expected = functools.reduce(np.outer, [shares[j] for j in columns]).ravel() * rows
                seen = np.bincount(joint, minlength=len(expected))
                freedom = len(expected) - 1
                surprises.append((((seen - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))
    assert max(surprises) < 4
    assert np.mean(surprises) < (-0.2 if len(sizes) > 3 else 1.2)


def test_neighbours_in_an_order_do_not_repeat_it() -> None:
    """The place of a row among its neighbours says nothing of its number: as little in one column as between two."""
    u = spread(generator(2), 4096, 3).reshape(1024, 4, 3)
    quarters = (u * 4).astype(int)
    for column in range(3):
        for place in range(4):
            assert np.abs(np.bincount(quarters[:, place, column], minlength=4) / 1024 - 0.25).max() < 0.06
    assert np.abs(np.corrcoef(u.reshape(4096, 3).T) - np.eye(3)).max() < 0.06


def unrelated(shares: list[np.ndarray]) -> ConditionalNet:
    sizes = tuple(map(len, shares))
    n = len(sizes)
    shape = Shape(sizes, (), (3,) * n, (), 8, 0, tuple(classes_of(s) for s in shares), (False,) * n, ())
    net = ConditionalNet(shape, shares, torch.Generator().manual_seed(1))
    with torch.no_grad():
        for j in range(n):
            net.head(j).weight.zero_()
    return net


def test_each_number_is_uniform_over_the_seeds() -> None:
    drawn = np.array([spread(generator(seed), 5, 3) for seed in range(800)])
    assert np.abs(drawn.mean(0) - 0.5).max() < 0.05
    assert np.abs(drawn.var(0) - 1 / 12).max() < 0.012


def test_shares_come_out_as_they_are() -> None:
    u = spread(generator(3), 4096, 3)
    for share in (0.01, 0.2, 0.77):
        assert np.abs((u < share).mean(0) - share).max() < 1 / 4096 + 1e-12


def test_the_seed_decides() -> None:
    assert np.array_equal(spread(generator(1), 100, 2), spread(generator(1), 100, 2))
    assert not np.array_equal(spread(generator(1), 100, 2), spread(generator(2), 100, 2))
    assert spread(generator(1), 0, 3).shape == (0, 3)
