"""Free text: words, digits and lengths of the source together, of words that at least k of its rows use, in an order of
our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dbsynth.values.forms import Forms
from dbsynth.values.lexicon import Lexicon
from dbsynth.values.pools import pool

MOST_WORDS = 1_000_000
"""Words that are drawn at once."""
VOCABULARY = 5000
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
NUMBER = re.compile(r"\d+")
TAG = re.compile(r"<[^>]*>|&\w+;")


class Words:
    """``run``: digits of a number; ``style``: title, upper, lower or sentence; ``markup``: in a paragraph of HTML."""

    def __init__(self, forms: Forms, lexicon: Lexicon, run: float, markup: bool, style: str) -> None:
        self.forms, self.lexicon, self.run, self.markup, self.style = forms, lexicon, run, markup, style

    @classmethod
    def fit(cls, values: Sequence[str], k: int, lexicon: Lexicon | None = None) -> Words:
        some = values[:500]
        markup = sum("<p>" in v or "</" in v for v in some) > 0.3 * max(1, len(some))
        numbers = [n for v in values[:5000] for n in NUMBER.findall(v[:20_000])]
        run = float(np.mean([len(n) for n in numbers])) if numbers else 1.0
        return cls(Forms.fit(values, k), lexicon or vocabulary(values, k), run, markup, _style(some))

    def draw(self, count: int, rng: np.random.Generator, *, invented: bool = False) -> list[str]:
        words, digits, lengths = self.forms.draw(count, rng)
        parts = np.cumsum(words) // MOST_WORDS
        out: list[str] = []
        for part in np.unique(parts):
            rows = parts == part
            out += self._texts(words[rows], digits[rows], lengths[rows], rng, invented)
        return out

    def _texts(
        self, words: np.ndarray, digits: np.ndarray, lengths: np.ndarray, rng: np.random.Generator, invented: bool
    ) -> list[str]:
        tagged = self.markup & (lengths > 12)
        lengths = np.where(tagged, lengths - 7, lengths)
        row = np.repeat(np.arange(len(words)), words)
        start = np.cumsum(words) - words
        numbers = np.where(digits > 0, np.clip(np.ceil(digits / self.run), 1, words), 0).astype(np.int64)
        # a text of several words keeps one of letters; a single word has its digits at its end
        letters_left = lengths - (words - 1) - digits
        numbers = np.where((numbers == words) & (words > 1) & (letters_left > 0), words - 1, numbers)
        rank = _ranks(row, start, numbers, rng)
        numeric = rank < numbers[row]
        share = np.maximum(numbers, 1)
        figures = np.where(numeric, digits[row] // share[row] + (rank < digits[row] % share[row]), 0)
        lettered = ~numeric | (words[row] == 1)
        letters = np.zeros(len(row), np.int64)
        typical = self.lexicon.lengths(int(lettered.sum()), rng)
        letters[lettered] = _allotted(typical, row[lettered], letters_left)
        letters[lettered & ~numeric] = np.maximum(1, letters[lettered & ~numeric])
        texts = self.lexicon.draw(letters, rng, invented=invented)
        where = np.flatnonzero(figures)
        texts[where] += np.array(digits_of(figures[where], rng), object)
        flat = texts.tolist()
        ends = start + words
        made = [" ".join(flat[a:b]) for a, b in zip(start.tolist(), ends.tolist(), strict=True)]
        return [
            f"<p>{self._styled(t)}</p>" if p else self._styled(t) for t, p in zip(made, tagged.tolist(), strict=True)
        ]

    def _styled(self, text: str) -> str:
        match self.style:
            case "title":
                return " ".join(w[:1].upper() + w[1:] for w in text.split(" "))
            case "upper":
                return text.upper()
            case "lower":
                return text.lower()
            case _:
                return text[:1].upper() + text[1:]


def vocabulary(values: Sequence[str], k: int, others: Sequence[str] | None = None) -> Lexicon:
    """Words that k of ``values`` use, as often as they do; of ``others`` (a list of common words) none that fewer
    use."""
    seen: Counter[str] = Counter()
    for value in values:
        seen.update(list(dict.fromkeys(WORD.findall(TAG.sub(" ", value[:20_000])))))  # a set's order is the process's
    rare = {w.casefold() for w, n in seen.items() if n < k}
    known = {w: float(n) for w, n in seen.most_common(VOCABULARY) if n >= k}
    spare = [w for w in (pool("word") if others is None else others) if w.casefold() not in rare]
    return Lexicon.of(known, spare)


def digits_of(sizes: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Numbers of so many digits, none with a zero in front."""
    first = rng.integers(1, 10, len(sizes))
    rest = np.minimum(sizes - 1, 15)
    values = first * 10**rest + (rng.random(len(sizes)) * 10.0**rest).astype(np.int64)
    return [
        t if n <= 16 else t + "".join(map(str, rng.integers(0, 10, n - 16)))
        for t, n in zip(map(str, values.tolist()), sizes.tolist(), strict=True)
    ]


def _style(values: Sequence[str]) -> str:
    if not values:
        return "sentence"
    if sum(v.isupper() for v in values) > 0.8 * len(values):
        return "upper"
    words = [w for v in values for w in WORD.findall(TAG.sub(" ", v[:20_000]))]
    if sum(w[0].isupper() for w in words) > 0.7 * max(1, len(words)):
        return "title"
    return "lower" if sum(v[:1].islower() for v in values) > 0.5 * len(values) else "sentence"


def _ranks(row: np.ndarray, start: np.ndarray, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int (words,): a random order of the words of each row that has numbers; beyond all numbers elsewhere."""
    rank = np.full(len(row), 2**62)
    where = np.flatnonzero(numbers[row] > 0)
    order = where[np.lexsort((rng.random(len(where)), row[where]))]
    rank[order] = where - start[row[where]]
    return rank


def _allotted(typical: np.ndarray, row: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """``typical`` lengths stretched so that those of each row add up to ``wanted``."""
    total = np.bincount(row, typical, len(wanted))
    until = np.cumsum(typical)
    before = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    scale = np.maximum(wanted, 0) / np.maximum(total, 1)
    ends = np.rint((until - before[row]) * scale[row]).astype(np.int64)
    first = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, bool)
    return np.asarray(ends - np.where(first, 0, np.r_[0, ends[:-1]] if len(row) else ends))
