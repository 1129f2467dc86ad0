"""Texts of several languages in one column: each is written in one of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set

import numpy as np

from dbsynth.rng import derive
from dbsynth.values.forms import choose
from dbsynth.values.language import language_of
from dbsynth.values.prose import Prose

LEAST = 8
"""Times k: fewer texts are no voice of their own."""
LEAST_SHARE = 0.03
SCRIPTS = (
    ("cyrillic", "\u0400-\u052f"), ("greek", "\u0370-\u03ff"), ("arabic", "\u0600-\u06ff"), ("hebrew", "\u0590-\u05ff"),
    ("thai", "\u0e00-\u0e7f"), ("indic", "\u0900-\u0dff"), ("japanese", "\u3040-\u30ff"), ("korean", "\uac00-\ud7af"),
    ("chinese", "\u3400-\u9fff"),
)  # fmt: skip
_SCRIPTS = [(name, re.compile(f"[{span}]")) for name, span in SCRIPTS]
LATIN = "latin"


class Voices:
    """``weights`` float (voices,): how many texts are written in each."""

    def __init__(self, voices: Sequence[Prose], weights: np.ndarray) -> None:
        self.voices, self.weights = tuple(voices), weights

    @classmethod
    def fit(cls, values: Sequence[str], k: int, *, seed: int, named: Set[str] = frozenset()) -> Voices:
        """``named``: case-folded words that are no words of a text."""
        kinds = [_kind(v) for v in values]
        counts = Counter(kinds)
        least = max(LEAST * k, LEAST_SHARE * len(values))
        own = [name for name, n in counts.most_common() if n >= least and name != LATIN] or [LATIN]
        latin = next((name for name in own if name.startswith(LATIN)), own[0])
        groups: dict[str, list[str]] = {name: [] for name in own}
        for value, kind in zip(values, kinds, strict=True):
            groups[kind if kind in groups else latin].append(value)
        known = [(name, group) for name, group in groups.items() if group]
        return cls(
            [Prose.fit(group, k, seed=derive(seed, name), named=named, column=values) for name, group in known],
            np.array([float(len(group)) for _, group in known]),
        )

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(self.weights, count, rng)
        out = np.empty(count, object)
        for i in np.unique(which):
            rows = np.flatnonzero(which == i)
            out[rows] = np.array(self.voices[i].draw(len(rows), rng), object)
        return out.tolist()

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        """``values`` with another last word."""
        at = choose(self.weights, len(values), rng).tolist()
        return [self.voices[i].reworded(v, rng) for i, v in zip(at, values, strict=True)]


def _kind(value: str) -> str:
    some = value[:2000]
    letters = sum(map(str.isalpha, some))
    name, most = max(((n, len(span.findall(some))) for n, span in _SCRIPTS), key=lambda found: found[1])
    if most > 0.4 * max(1, letters):
        return "japanese" if name == "chinese" and _SCRIPTS[6][1].search(some) else name
    return f"{LATIN} {language_of([some]) or ''}".strip()
