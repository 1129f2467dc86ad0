"""Sorted runs that together are too large for memory: which place each of their values has in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np


def places(runs: Sequence[np.ndarray], out: Sequence[np.ndarray], block: int) -> None:
    """Set ``out`` (int64, one array for each of ``runs``, of its length) to the places 0, 1, ... that the values of
    ``runs`` (each ascending; arrays may be mapped files) have among all; equal values in the order of the runs.

    Splitters from evenly spaced values of each run cut all runs into blocks (sample sort, Frazer & McKellar 1970).
    Memory holds one, of less than two ``block`` values, or the part of one run that equals a splitter: that needs no
    sorting, however long it is."""
    done, at = 0, np.zeros(len(runs), np.int64)
    for splitter in splitters(runs, block):
        stop = _until(runs, at, splitter, "left")
        done = _sorted(runs, out, at, stop, done)
        at, stop = stop, _until(runs, stop, splitter, "right")
        for own, a, b in zip(out, at, stop, strict=True):
            own[a:b] = np.arange(done, done + b - a)
            done += int(b - a)
        at = stop
    _sorted(runs, out, at, np.array([len(r) for r in runs]), done)


def splitters(runs: Sequence[np.ndarray], block: int) -> np.ndarray:
    """Ascending values, different from each other; less than two ``block`` values of ``runs`` lie between two of them
    (of ``runs``, where these are more than ``block``)."""
    every = max(1, block // max(1, len(runs)))
    sample = np.sort(np.concatenate([r[every - 1 :: every] for r in runs]))
    return np.unique(sample[:: len(runs)])


def _until(runs: Sequence[np.ndarray], at: np.ndarray, value: int, side: Literal["left", "right"]) -> np.ndarray:
    """int64 (runs,): where the values end that are less than ``value`` ("left"), or not more ("right")."""
    return np.array([a + np.searchsorted(r[a:], value, side) for r, a in zip(runs, at, strict=True)])


def _sorted(runs: Sequence[np.ndarray], out: Sequence[np.ndarray], at: np.ndarray, stop: np.ndarray, done: int) -> int:
    """Set the places of the values from ``at`` to ``stop``, ``done`` being the first; gives the one after the last."""
    values = np.concatenate([r[a:b] for r, a, b in zip(runs, at, stop, strict=True)])
    place = np.empty(len(values), np.int64)
    place[np.argsort(values, kind="stable")] = np.arange(done, done + len(values))
    for own, a, b, part in zip(out, at, stop, np.split(place, np.cumsum(stop - at)[:-1]), strict=True):
        own[a:b] = part
    return done + len(values)
