"""First and family names to draw from: by language and sex, none of the source's, as long and as varied as its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.rng import derive
from dbsynth.values.guard import Guard
from dbsynth.values.pools import DEFAULT_LOCALE, blended, invented, kin, names_of, romanized
from dbsynth.values.spelling import ascii_of

LEAST_NAMES = 50
"""Fewer make a table of namesakes."""
MOST_NAMES = 20_000
GIVEN, FAMILY = ("male", "female"), ("last_male", "last_female")


@dataclass(frozen=True)
class Style:
    """How the names of a column are: ``lengths`` int: those that they have, the extreme ones those of k rows;
    ``spectrum`` float, falling: how often the commonest name occurs, the next, ..., k neighbours alike; ``double``:
    what stands between two names in one, and in which share of the rows; ``ascii``: none has an accent."""

    lengths: np.ndarray
    spectrum: np.ndarray
    double: tuple[tuple[str, float], ...]
    ascii: bool

    @classmethod
    def fit(cls, names: Sequence[str], k: int) -> Style:
        pairs: Counter[str] = Counter()
        single = []
        for name in names:
            joint = next((j for j in (" ", "-") if name.count(j) == 1), None)
            left, _, right = name.partition(joint) if joint else (name, "", "")
            if joint and len(left) >= 3 and len(right) >= 3 and left.isalpha() and right.isalpha():
                pairs[joint] += 1
                single += [left, right]
            else:
                single.append(name)
        double = tuple((j, n / len(names)) for j, n in sorted(pairs.items()) if n >= k)
        own = single if double else list(names)
        lengths = np.sort([len(n) for n in own]) if own else np.zeros(0, np.int64)
        inner = min(k - 1, (len(lengths) - 1) // 2)
        if len(lengths):
            lengths = np.clip(lengths, lengths[inner], lengths[len(lengths) - 1 - inner])
        spectrum = np.sort(np.array(list(Counter(n.casefold() for n in own).values()), float))[::-1]
        starts = np.arange(0, len(spectrum), k)
        if len(spectrum):
            means = np.add.reduceat(spectrum, starts) / np.diff([*starts, len(spectrum)])
            spectrum = np.repeat(means, np.diff([*starts, len(spectrum)]))
        return cls(lengths, spectrum, double, len(own) >= LEAST_NAMES and all(n.isascii() for n in own))


@dataclass(frozen=True)
class Names:
    """``texts`` object, ``weights`` float how often each of them is; ``starts``, ``ends`` int (locales, 2): the places
    of those of men and of women of each locale."""

    texts: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def fit(
        cls,
        locales: Sequence[str],
        kinds: tuple[str, str],
        style: Style,
        taken: Guard,
        seed: int,
        *,
        shares: np.ndarray,
        western: bool,
        longest: int | None = None,
    ) -> Names:
        """``kinds``: of men and of women. None is ``taken``. ``shares`` float (locales,): of the rows; ``western``: in
        Latin letters; ``longest``: shorter names only, if there are enough."""
        texts: list[np.ndarray] = []
        weights: list[np.ndarray] = []
        places: dict[tuple[str, ...], tuple[int, int]] = {}
        spans = []
        for locale, share in zip(locales, shares.tolist(), strict=True):
            wanted = min(MOST_NAMES, max(LEAST_NAMES, math.ceil(share * len(style.spectrum))))
            for kind in kinds:
                known = vocabulary(locale, kind, western)
                if known not in places:
                    own = _free(locale, kind, known, style, taken, derive(seed, locale, kind), wanted, western, longest)
                    start = sum(map(len, texts))
                    places[known] = start, start + len(own[0])
                    texts.append(own[0])
                    weights.append(own[1])
                spans.append(places[known])
        bounds = np.array(spans, np.int64).reshape(len(locales), 2, 2)
        return cls(np.concatenate(texts), np.concatenate(weights), bounds[:, :, 0], bounds[:, :, 1])

    def draw(self, locale: np.ndarray, female: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """A name for each row: ``locale`` int (rows,), ``female`` bool (rows,)."""
        out = np.zeros(len(locale), np.int64)
        cells = 2 * locale + female
        for cell in np.unique(cells).tolist():
            start, end = self.starts.flat[cell], self.ends.flat[cell]
            rows = np.flatnonzero(cells == cell)
            until = np.cumsum(self.weights[start:end])
            at = np.searchsorted(until, rng.random(len(rows)) * until[-1], "right")
            out[rows] = start + np.minimum(at, end - start - 1)
        return pa.array(self.texts, pa.string()).take(pa.array(out))


def vocabulary(locale: str, kind: str, western: bool) -> tuple[str, ...]:
    """The names of a locale; ``western``: in Latin letters, those of the default where it has none of those."""
    known = names_of(locale)[kind]
    if western and not _latin(known):
        return (romanized(locale) or names_of(DEFAULT_LOCALE))[kind]
    return known


def _latin(names: Sequence[str]) -> bool:
    return all(ord(c) < 0x250 or c in " '’-" for n in names[:50] for c in n)


def _free(
    locale: str,
    kind: str,
    known: Sequence[str],
    style: Style,
    taken: Guard,
    seed: int,
    wanted: int,
    western: bool,
    longest: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Names, ``wanted`` if there are as many, and their weights."""
    rng = np.random.Generator(np.random.Philox(seed))

    def fitting(names: Sequence[str]) -> list[str]:
        spelled = [_spelled(n, style) for n in names]
        return taken.free([n for n in dict.fromkeys(spelled) if n and (longest is None or len(n) <= longest)])

    names = fitting(known)
    for other in kin(locale):
        if len(names) >= wanted:
            break
        names = list(dict.fromkeys([*names, *fitting(vocabulary(other, kind, western))]))
    if len(names) < LEAST_NAMES:
        names += fitting(blended([_spelled(n, style) for n in known], 4 * LEAST_NAMES, seed))
    if len(names) < LEAST_NAMES:
        names += taken.free([n[:longest] for n in invented(500, seed)])
    chosen = np.array(list(dict.fromkeys(names)), object)
    own = np.array([len(n) for n in chosen])
    if len(chosen) > wanted:
        chance = _by_length(own, np.ones(len(own)), style.lengths)
        some = rng.choice(len(chosen), wanted, replace=False, p=chance / chance.sum())
        chosen, own = chosen[some], own[some]
    else:
        order = rng.permutation(len(chosen))
        chosen, own = chosen[order], own[order]
    often = np.ones(len(chosen))
    if len(style.spectrum):
        often = np.interp(np.linspace(0, 1, len(chosen)), np.linspace(0, 1, len(style.spectrum)), style.spectrum)
    return chosen, _by_length(own, often, style.lengths)


def _by_length(own: np.ndarray, weights: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """``weights`` of names of the lengths ``own``, so that the lengths drawn follow ``lengths`` as far as they can."""
    if not len(lengths):
        return np.asarray(weights / weights.sum())
    size = int(max(own.max(), lengths.max())) + 1
    have, want = np.bincount(own, weights, size), np.bincount(lengths, minlength=size)
    out = weights * (want[own] + 0.01 * len(lengths) / size) / have[own]
    return np.asarray(out / out.sum())


def _spelled(name: str, style: Style) -> str:
    return ascii_of(name) if style.ascii else name
