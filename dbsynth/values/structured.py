"""Values with an inner structure, in the text form of the database: JSON, arrays, ranges, composites, bytes, XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from dbsynth.values.column import MadeColumn
from dbsynth.values.guard import Guard
from dbsynth.values.numbers import NUMBER, Numbers
from dbsynth.values.pattern import Pattern
from dbsynth.values.phrase import Phrase

MOST_TEMPLATES = 50


class Draws(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


class Strings:
    """Values that k rows share as they are, by their frequency; the others by pattern or as text, none as it was."""

    def __init__(self, texts: Sequence[str], k: int, rng: np.random.Generator) -> None:
        counts = Counter(texts)
        self.common = [(t, n) for t, n in counts.most_common(500) if n >= k]
        self.share = sum(n for _, n in self.common) / len(texts) if texts else 0.0
        rest = [t for t in texts if counts[t] < k] or ["x"]
        drawer = Pattern.fit(rest, k) if coded(rest) else Phrase.fit(rest, k)
        self.other = MadeColumn(
            "a structured value", "text", drawer, Guard(rest, int(rng.integers(2**63))), unique=False
        )

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        out = np.full(count, "", object)
        take = rng.random(count) < self.share
        out[~take] = np.array(self.other.values(int((~take).sum()), rng), object)
        if take.any():
            weights = np.array([n for _, n in self.common], float)
            chosen = rng.choice(len(self.common), int(take.sum()), p=weights / weights.sum())
            out[take] = np.array([t for t, _ in self.common], object)[chosen]
        return [str(t) for t in out]


def coded(texts: Sequence[str]) -> bool:
    """Whether ``texts`` are codes, not words: short or full of digits, without blanks."""
    length = sum(map(len, texts)) / max(1, len(texts))
    blanks = sum(t.count(" ") for t in texts) / max(1, len(texts))
    digits = sum(map(str.isdigit, "".join(texts))) / max(1, len(texts))
    return blanks < 0.3 and (digits > 0.2 * length or length <= 8)


class Template:
    """Punctuation of the source with new numbers in it: points, boxes, composites of numbers. ``<(1,2),3>`` -> new
    ones, each place of a template with its own quantiles."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        found = [(NUMBER.sub("#", t), NUMBER.findall(t)) for t in texts]
        # numbers of one text are written with as many decimals, mostly: not each as it comes
        written = [(template, tuple(len(n.partition(".")[2]) for n in numbers)) for template, numbers in found]
        counts = Counter(written)
        groups: dict[tuple[str, tuple[int, ...]], list[list[str]]] = {}
        for (template, numbers), way in zip(found, written, strict=True):
            groups.setdefault(way if counts[way] >= 2 * k else (template, ()), []).append(numbers)
        common = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))[:MOST_TEMPLATES]
        self.templates = [t for (t, _), _ in common] or ["#"]
        self.weights = np.array([len(m) for _, m in common] or [1], float)
        self.places = [
            [Numbers([m[i] for m in members], k) for i in range(len(members[0]))] for _, members in common
        ] or [[Numbers([], k)]]

    @staticmethod
    def fits(texts: Sequence[str]) -> bool:
        return bool(texts) and not any(re.search(r"[^\W\d_]", NUMBER.sub("", t)) for t in texts)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = rng.choice(len(self.templates), count, p=self.weights / self.weights.sum())
        out = np.empty(count, object)
        for i in np.unique(which):
            rows = np.flatnonzero(which == i)
            columns = [place.draw(len(rows), rng) for place in self.places[i]]
            pieces = self.templates[i].split("#")
            for r, values in zip(rows, zip(*columns, strict=True) if columns else [()] * len(rows), strict=True):
                out[r] = pieces[0] + "".join(v + p for v, p in zip(values, pieces[1:], strict=True))
        return out.tolist()


class Uuids:
    """Version 4, drawn from the given generator."""

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        raw = rng.integers(0, 256, (count, 16), dtype=np.uint8)
        raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
        raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
        texts = [r.tobytes().hex() for r in raw]
        return [f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in texts]


class Networks:
    """Addresses of networks that are reserved for documentation (RFC 5737, RFC 3849) and random hardware addresses."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        self.mac = bool(texts) and all(re.fullmatch(r"([0-9a-f]{2}:){5,7}[0-9a-f]{2}", t) for t in texts)
        masks = Counter(t.partition("/")[2] for t in texts)
        self.masks = [(m, n) for m, n in masks.items() if n >= k] or [("", 1)]
        self.width = len(texts[0].split(":")) if self.mac else 0

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        if self.mac:
            return [":".join(f"{b:02x}" for b in row) for row in rng.integers(0, 256, (count, self.width))]
        weights = np.array([n for _, n in self.masks], float)
        masks = [self.masks[i][0] for i in rng.choice(len(self.masks), count, p=weights / weights.sum())]
        nets = ("192.0.2", "198.51.100", "203.0.113")
        hosts = rng.integers(0, [3, 256], (count, 2))
        return [
            f"{nets[a]}.0/24" if m and int(m) < 32 else f"{nets[a]}.{b}" for (a, b), m in zip(hosts, masks, strict=True)
        ]
