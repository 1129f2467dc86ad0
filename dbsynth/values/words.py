"""Free text: lengths of the source, words that at least k of its rows use, in an order of our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dbsynth.values.pools import pool

CORPUS = 60_000
"""Words of the running text from which values are cut."""
LEAST_VOCABULARY = 60
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
TAG = re.compile(r"<[^>]*>|&\w+;")


class Words:
    """``lengths``: quantiles of the characters of a value; ``corpus``: running text of random words, so that no
    sequence of the source's words survives."""

    def __init__(self, lengths: Sequence[int], corpus: str, markup: bool, titled: bool) -> None:
        self.lengths, self.corpus, self.markup, self.titled = np.asarray(lengths, np.int64), corpus, markup, titled
        self._starts = np.array([m.start() for m in re.finditer(r"(?<= )\S|^\S", corpus)], np.int64)
        self._ends = np.array([m.start() for m in re.finditer(r" |$", corpus)], np.int64)

    @classmethod
    def fit(cls, values: Sequence[str], k: int, rng: np.random.Generator) -> Words:
        markup = sum("<p>" in v or "</" in v for v in values[:500]) > 0.3 * max(1, len(values[:500]))
        seen: Counter[str] = Counter()
        initial = total = 0
        for value in values:
            words = WORD.findall(TAG.sub(" ", value[:20_000]))
            seen.update(list(dict.fromkeys(words)))  # not a set: its order differs from process to process
            initial += sum(w[0].isupper() for w in words)
            total += len(words)
        vocabulary = [(w, n) for w, n in seen.most_common(5000) if n >= k and len(w) <= 24]
        if len(vocabulary) < LEAST_VOCABULARY:
            share = 1 + sum(n for _, n in vocabulary) / LEAST_VOCABULARY
            vocabulary += [(w, int(share)) for w in pool("word")[:400] if w not in seen]
        known = np.array([w for w, _ in vocabulary], object)
        weights = np.array([n for _, n in vocabulary], float)
        sizes = np.sort([len(v) for v in values]) if len(values) else np.array([12])
        long = int(sizes[-1]) if len(sizes) else 12
        count = int(min(CORPUS, max(2000, 40 * long)))
        drawn = known[rng.choice(len(known), count, p=weights / weights.sum())]
        return cls(_quantiles(sizes, k), " ".join(drawn), markup, total > 0 and initial > 0.7 * total)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        at = rng.random(count) * (len(self.lengths) - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, len(self.lengths) - 1)
        lengths = np.round(self.lengths[low] + (at - low) * (self.lengths[high] - self.lengths[low])).astype(int)
        starts = self._starts[rng.integers(0, len(self._starts), count)]
        return [self._cut(int(s), int(n)) for s, n in zip(starts, lengths, strict=True)]

    def _cut(self, start: int, length: int) -> str:
        if length <= 0:
            return ""
        inner = length - 7 if self.markup and length > 12 else length
        parts: list[str] = []
        while (left := inner - sum(map(len, parts)) - len(parts)) > 0:
            end = self._whole_words(start, left)
            parts.append(self.corpus[start:end])
            if end < len(self.corpus):
                break
            start = 0
        text = " ".join(parts)
        text = text.title() if self.titled else text[:1].upper() + text[1:]
        return f"<p>{text}</p>" if inner != length else text

    def _whole_words(self, start: int, length: int) -> int:
        """The end of a word that is nearest to ``length`` characters after ``start``, beyond it by at most three."""
        wanted = start + length
        i = int(np.searchsorted(self._ends, wanted))
        after = int(self._ends[min(i, len(self._ends) - 1)])
        before = int(self._ends[i - 1]) if i else 0
        if after - wanted <= min(3, wanted - before) or before <= start:
            return after
        return before


def _quantiles(sizes: np.ndarray, k: int) -> list[int]:
    """101 quantiles; the ends are those that k values reach."""
    inner = min(k - 1, (len(sizes) - 1) // 2)
    clipped = np.clip(sizes, sizes[inner], sizes[len(sizes) - 1 - inner])
    return [int(v) for v in np.quantile(clipped, np.linspace(0, 1, 101), method="nearest")]
