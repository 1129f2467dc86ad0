"""Sequences of five words that fewer than k texts hold, known only "perhaps": none of them is written again."""

from __future__ import annotations

import numpy as np

from dbsynth.values.guard import Filter

LENGTH = 5
BITS = 16
"""Bits a sequence: one in so many of those that were never there is taken for one that was."""
BREAK = np.uint64(0)
STEP = np.uint64(0x9E3779B97F4A7C15)


class Grams:
    """A filter over the hashes of sequences of words that could be written again; others cannot be."""

    def __init__(self, filter: Filter) -> None:
        self.filter = filter

    @classmethod
    def of(cls, words: np.ndarray, rows: np.ndarray, known: np.ndarray, k: int, key: int) -> Grams:
        """``words`` uint64: hashes of the words of all texts one after another; ``known`` bool: those that can be
        written again; ``rows``: whose they are."""
        n = len(words) - LENGTH + 1
        if n <= 0:
            return cls(Filter(np.zeros(0, np.uint8), key))
        inside = rows[:n] == rows[LENGTH - 1 :]
        held = np.lib.stride_tricks.sliding_window_view(known, LENGTH).all(axis=1)
        at = np.flatnonzero(inside & held)
        windows = np.lib.stride_tricks.sliding_window_view(words, LENGTH)[at]
        hashes = hashed(windows)
        distinct, place = np.unique(hashes, return_inverse=True)
        count = int(rows.max(initial=0)) + 1
        pairs = np.unique(place * count + rows[at])
        rare = np.bincount(pairs // count, minlength=len(distinct)) < k
        return cls(Filter.of(distinct[rare], BITS, key))

    def word(self, text: str) -> int:
        return self.filter.word(text.casefold().encode("utf-8", "surrogatepass"))

    def completed(self, window: np.ndarray, word: np.ndarray) -> np.ndarray:
        """bool (n,): ``word`` after the four words of ``window`` uint64 (n, 4) makes such a sequence, perhaps."""
        if not len(self.filter):
            return np.zeros(len(word), bool)
        full = (window != BREAK).all(axis=1) & (word != BREAK)
        return np.asarray(full & self.filter.perhaps(hashed(np.column_stack([window, word]))))


def hashed(windows: np.ndarray) -> np.ndarray:
    """uint64 (n,) of uint64 (n, words), in their order."""
    out = np.zeros(len(windows), np.uint64)
    for column in windows.T:
        out = (out ^ column) * STEP
        out ^= out >> np.uint64(29)
    return out
