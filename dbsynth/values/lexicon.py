"""Words by their length: those that may be shown, and invented ones where there are none of a length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

LONGEST = 24
"""Longer words are put together from shorter ones."""
ENOUGH = 40
"""So many words of one length need no others beside them."""
CONSONANTS = np.array(list("bcdfghklmnprstvw"))
VOWELS = np.array(list("aeiou"))


class Lexicon:
    """``words`` object (n,), sorted by length, and ``weights`` float (n,), how often each is taken."""

    def __init__(self, words: np.ndarray, weights: np.ndarray) -> None:
        self.words, self.weights = words, weights
        self._sizes = np.array([len(w) for w in words], np.int64)
        self._until = np.concatenate([[0.0], np.cumsum(weights)])
        self._starts = np.searchsorted(self._sizes, np.arange(LONGEST + 2))

    @classmethod
    def of(cls, known: Mapping[str, float], others: Iterable[str] = ()) -> Lexicon:
        """``known`` words by weight; ``others`` only at lengths of which few are known, at the weight of rare ones."""
        chosen = {w: float(n) for w, n in known.items() if 0 < len(w) <= LONGEST}
        count = np.bincount([len(w) for w in chosen], minlength=LONGEST + 1)
        rare = min(chosen.values(), default=1.0)
        spare = [w for w in dict.fromkeys(others) if 0 < len(w) <= LONGEST and w not in chosen]
        chosen |= {w: rare for w in spare if count[len(w)] < ENOUGH}
        ordered = sorted(chosen, key=len)
        return cls(np.array(ordered, object), np.array([chosen[w] for w in ordered], float))

    def lengths(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """int (count,): lengths of words as they come."""
        if not len(self.words):
            return rng.integers(2, 9, count)
        at = np.searchsorted(self._until[1:-1], rng.random(count) * self._until[-1], side="right")
        return np.asarray(self._sizes[at])

    def draw(self, lengths: np.ndarray, rng: np.random.Generator, *, invented: bool = False) -> np.ndarray:
        """object (n,): a word of each of ``lengths``; ``invented``: words of no list."""
        at = np.full(len(lengths), -1) if invented else self.places(lengths, rng)
        out = np.full(len(lengths), "", object)
        known = at >= 0
        out[known] = self.words[at[known]]
        out[~known] = pseudo(np.clip(lengths[~known], 0, LONGEST), rng)
        for i in np.flatnonzero(lengths > LONGEST):  # texts without blanks: other scripts, addresses
            pieces = self.draw(np.full(-(-int(lengths[i]) // 6), 6), rng, invented=invented)
            out[i] = "".join(pieces)[: int(lengths[i])]
        return out

    def places(self, lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int (n,): the place of a word of each of ``lengths``, -1 where there is none."""
        whole = np.clip(lengths, 0, LONGEST)
        start, end = self._starts[whole], self._starts[whole + 1]
        low, high = self._until[start], self._until[end]
        at = np.searchsorted(self._until, low + rng.random(len(whole)) * (high - low), side="right") - 1
        return np.where(start < end, np.clip(at, start, end - 1), -1)

    @property
    def sizes(self) -> np.ndarray:
        """int: the lengths that there are words of."""
        return np.unique(self._sizes)


def pseudo(lengths: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Pronounceable words of no language."""
    if not len(lengths):
        return []
    size = int(lengths.max())
    chars = np.empty((len(lengths), size), "U1")
    chars[:, ::2] = CONSONANTS[rng.integers(0, len(CONSONANTS), chars[:, ::2].shape)]
    chars[:, 1::2] = VOWELS[rng.integers(0, len(VOWELS), chars[:, 1::2].shape)]
    return ["".join(row[:n]) for row, n in zip(chars.tolist(), lengths.tolist(), strict=True)]


def split(names: Sequence[str], weights: Sequence[float] | np.ndarray | None = None) -> dict[str, float]:
    """The words of ``names`` by weight."""
    out: dict[str, float] = {}
    for name, weight in zip(names, [1.0] * len(names) if weights is None else weights, strict=True):
        for word in name.split():
            if word.isalpha():
                out[word] = out.get(word, 0.0) + float(weight)
    return out
