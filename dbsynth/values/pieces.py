"""Texts as pieces that stand one after the other: which words lie before and after each, and what they complete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbsynth.values.grams import BREAK, LENGTH, Grams


@dataclass
class Plan:
    """Pieces in the order of their texts: ``row`` of each, ``path``, and how many ``blanks``, ``digits`` and characters
    (``sizes``) it shall have. ``rows``: how many texts."""

    rows: int
    row: np.ndarray
    path: np.ndarray
    blanks: np.ndarray
    digits: np.ndarray
    sizes: np.ndarray

    def joined(self, texts: np.ndarray, joints: np.ndarray) -> list[str]:
        """``joints`` object (paths + 1, paths + 1): what stands between pieces."""
        last = len(joints) - 1
        fresh = np.r_[True, self.row[1:] != self.row[:-1]]
        before = np.where(fresh, last, np.r_[last, self.path[:-1]])
        flat = (joints[before, self.path] + texts).tolist()
        starts = np.flatnonzero(fresh)
        ends = np.r_[starts[1:], len(self.row)]
        tails = joints[self.path[ends - 1], last].tolist()
        return ["".join(flat[a:b]) + t for a, b, t in zip(starts.tolist(), ends.tolist(), tails, strict=True)]

    @property
    def place(self) -> np.ndarray:
        """int (pieces,): of each in its text."""
        return np.arange(len(self.row)) - np.searchsorted(self.row, self.row, "left")

    def before(self, windows: np.ndarray, first: np.ndarray, told: np.ndarray) -> np.ndarray:
        """uint64 (pieces, 4): the words before each, where they are known. ``windows``, ``first`` uint64 (pieces, 4):
        the last and the first words of each piece; ``told``: how many it has, up to 4."""
        place = self.place
        out = np.full((len(self.row), LENGTH - 1), BREAK, np.uint64)
        for i in range(1, int(place.max(initial=0)) + 1):
            now = np.flatnonzero(place == i)
            last = now - 1
            short = told[last] < LENGTH - 1
            out[now] = np.where(short[:, None], shifted(out[last], first[last]), windows[last])
        return np.asarray(out)

    def after(self, first: np.ndarray) -> np.ndarray:
        """uint64 (pieces, 4): the first words of the next piece, where they are known."""
        out = np.full((len(self.row), LENGTH - 1), BREAK, np.uint64)
        inside = np.flatnonzero(self.row[1:] == self.row[:-1])
        out[inside] = first[inside + 1]
        return np.asarray(out)

    def crossed(self, windows: np.ndarray, first: np.ndarray, told: np.ndarray, grams: Grams) -> np.ndarray:
        """Pieces whose first words complete a sequence begun in the pieces before."""
        return np.flatnonzero(completed(grams, self.before(windows, first, told), first))


def shifted(window: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """The windows uint64 (n, 4) after the words of ``hashes`` uint64 (n, words), of which BREAK are none."""
    window = window.copy()
    for part in hashes.T:
        told = np.flatnonzero(part != BREAK)
        if len(told):
            window[told] = np.column_stack([window[told, 1:], part[told]])
    return window


def completed(grams: Grams, window: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """bool (n,): whether one of the words of ``hashes`` uint64 (n, words) completes a sequence of the source."""
    out = np.zeros(len(window), bool)
    for i in range(hashes.shape[1]):
        some = np.flatnonzero(hashes[:, i] != BREAK)
        if len(some):
            out[some] |= grams.completed(shifted(window[some], hashes[some, :i]), hashes[some, i])
    return out


def shared_out(totals: np.ndarray, weights: np.ndarray, row: np.ndarray) -> np.ndarray:
    """int: the ``totals`` of the rows, whole, in proportion to ``weights``; ``row`` rises."""
    until = np.cumsum(weights)
    start = np.searchsorted(row, row, "left")
    end = np.searchsorted(row, row, "right") - 1
    before = np.where(start > 0, until[start - 1], 0.0)
    all_ = until[end] - before
    high = np.rint((until - before) / all_ * totals[row]).astype(np.int64)
    low = np.rint((until - weights - before) / all_ * totals[row]).astype(np.int64)
    return np.asarray(high - low)
