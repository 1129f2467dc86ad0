"""All numbers below a size in an order that looks like chance: distinct values without remembering any.

A Feistel network over Z_a × Z_b (Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains", the generalised
network), with a mixing function for a round function: no secret, an order. Every number is met once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dbsynth.values.distinct import mixed

ROUNDS = 6
MOST = 2**60
"""Sizes beyond it are cut to it: parts that are left out of the count are drawn."""
_HALF = 2**31


def _mixed(values: np.ndarray, key: int) -> np.ndarray:
    """uint64: of each of ``values`` under ``key``."""
    return mixed(values.astype(np.uint64) + np.uint64(key % 2**64))


def counted(sizes: Sequence[int]) -> list[int]:
    """Of parts of ``sizes`` those that count: the largest ones, as long as their halves fit the network."""
    halves = [1, 1]
    chosen = []
    for i in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        side = int(halves[1] < halves[0])
        if halves[side] * sizes[i] < _HALF and halves[0] * halves[1] * sizes[i] < MOST:
            halves[side] *= sizes[i]
            chosen.append(i)
    return sorted(chosen)


def capacity(sizes: Sequence[int]) -> int:
    """How many values the counted parts of ``sizes`` have."""
    out = 1
    for i in counted(sizes):
        out *= sizes[i]
    return out


def permuted(index: np.ndarray, sizes: Sequence[int], key: int) -> np.ndarray:
    """int64 (n, len(sizes)): the values of all parts for ``index`` (n,) in 0..capacity-1; parts that do not count are
    drawn from the index. ``sizes``: each below 2**31."""
    chosen = counted(sizes)
    sides: tuple[list[int], list[int]] = ([], [])
    halves = [1, 1]
    for i in sorted(chosen, key=lambda i: (-sizes[i], i)):
        side = int(halves[1] < halves[0])
        halves[side] *= sizes[i]
        sides[side].append(i)
    a, b = (np.uint64(h) for h in halves)
    left: np.ndarray = index.astype(np.uint64) % a
    right: np.ndarray = index.astype(np.uint64) // a
    for turn in range(ROUNDS):
        left = (left + _mixed(right, key + 2 * turn) % a) % a
        right = (right + _mixed(left, key + 2 * turn + 1) % b) % b
    out = np.empty((len(index), len(sizes)), np.int64)
    for half, side_parts in ((left, sides[0]), (right, sides[1])):
        rest = half
        for i in side_parts:
            out[:, i] = rest % np.uint64(sizes[i])
            rest = rest // np.uint64(sizes[i])
    for i in set(range(len(sizes))) - set(chosen):
        out[:, i] = _mixed(index, key + 1000 + i) % np.uint64(sizes[i])
    return out
