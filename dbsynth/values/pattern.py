"""Codes: the shape of the values, position by position. ``ORD-2024-000123`` keeps ``ORD-2024-`` if enough rows share it
and gets new digits; letters stay letters of their case, digits digits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UPPER, LOWER, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
MOST_SHAPES = 400
COVERED = 0.9
"""Where the most frequent shapes are those of fewer values, letters and digits stand in any place (base64)."""
OWN_SHARE = 0.02
LITERAL_SHARE = 0.95
"""A letter or digit that so many values of a shape have in one place is part of the pattern."""


def shape_of(value: str) -> str:
    """``Ab-12`` -> ``Aa-99``; letters beyond ASCII count as letters."""
    if value.isascii():
        return value.translate(_ASCII)
    return "".join("9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in value)


_ASCII = str.maketrans(UPPER + LOWER + DIGITS, "A" * 26 + "a" * 26 + "9" * 10)


@dataclass(frozen=True)
class Shape:
    """``places``: the characters each place can take, of one character where it is fixed; those that are more frequent
    stand there more often."""

    weight: float
    places: tuple[str, ...]

    @property
    def capacity(self) -> int:
        out = 1
        for place in self.places:
            out = min(out * len(set(place)), 2**62)
        return out

    def number(self, index: int) -> str:
        """The value at ``index`` of all values of this shape (0..capacity-1)."""
        chars = []
        for place in reversed(self.places):
            known = sorted(set(place))
            index, digit = divmod(index, len(known))
            chars.append(known[digit])
        return "".join(reversed(chars))


class Pattern:
    """Draws values of learned shapes. Shapes that fewer than k rows have are kept only as their classes, never with a
    character of the source in it that is no punctuation."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = tuple(shapes) or (Shape(1.0, (UPPER,) * 6),)

    @classmethod
    def fit(cls, values: Sequence[str], k: int, max_length: int | None = None) -> Pattern:
        groups: dict[str, list[str]] = {}
        for value in values:
            groups.setdefault(shape_of(value), []).append(value)
        common = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
        if sum(len(members) for _, members in common[:MOST_SHAPES]) < COVERED * len(values):
            common = _coarser(common, max(k, OWN_SHARE * len(values)))
        common = common[:MOST_SHAPES]
        return cls([Shape(float(len(members)), _places(shape, members, k)) for shape, members in common])

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        weights = np.array([s.weight for s in self.shapes])
        which = rng.choice(len(self.shapes), count, p=weights / weights.sum())
        out = np.empty(count, object)
        for i in np.unique(which):
            rows = np.flatnonzero(which == i)
            out[rows] = _fill(self.shapes[i], len(rows), rng)
        return out.tolist()

    @property
    def capacity(self) -> int:
        return min(sum(s.capacity for s in self.shapes), 2**62)

    def number(self, index: int) -> str | None:
        """The value at ``index`` of all values, largest shapes first, then of the same shapes with every character of
        the class in each place, then with letters and digits in each; None beyond the last. Later ones repeat some of
        the earlier."""
        for widen in (lambda place: place, _class_of, _letters_or_digits):
            for shape in sorted(self.shapes, key=lambda s: -s.capacity):
                wide = Shape(shape.weight, tuple(widen(place) for place in shape.places))
                if index < wide.capacity:
                    return wide.number(index)
                index -= wide.capacity
        return None


def _coarser(groups: list[tuple[str, list[str]]], least: float) -> list[tuple[str, list[str]]]:
    """Shapes that fewer than ``least`` values have, with letters and digits as one class, ``x``."""
    out: dict[str, list[str]] = {}
    for shape, members in groups:
        wide = shape if len(members) >= least else shape.translate(_ANY)
        out.setdefault(wide, []).extend(members)
    return sorted(out.items(), key=lambda g: (-len(g[1]), g[0]))


_ANY = str.maketrans("Aa9", "xxx")


def _places(shape: str, members: list[str], k: int) -> tuple[str, ...]:
    places = []
    for i, kind in enumerate(shape):
        if kind not in "Aa9x":
            places.append(kind)
            continue
        alphabet = {"A": UPPER, "a": LOWER, "9": DIGITS, "x": UPPER + LOWER + DIGITS}[kind]
        if len(members) >= k:
            seen = Counter(m[i] for m in members)
            top, n = seen.most_common(1)[0]
            if n >= max(k, LITERAL_SHARE * len(members)):
                places.append(top)
                continue
            shared = "".join(sorted(c for c, n in seen.items() if n >= k and c in alphabet))
            if len(shared) >= 2 and sum(seen[c] for c in shared) >= 0.9 * len(members):
                # so many times as a hundred rows have it
                often = {c: max(1, round(100 * seen[c] / len(members))) for c in shared}
                places.append("".join(c * n for c, n in often.items()) if kind == "x" else shared)
                continue
            # hexadecimal digits stay hexadecimal
            if kind in "Aa" and all(c in "abcdefABCDEF" for c in seen) and re.search(r"9", shape) and len(shape) >= 8:
                alphabet = alphabet[:6]
        elif kind == "9" and i == 0 and len(shape) > 1:
            alphabet = DIGITS[1:]
        places.append(alphabet)
    return tuple(places)


def _class_of(place: str) -> str:
    return "".join(known for known in (UPPER, LOWER, DIGITS) if any(c in known for c in place)) or place


def _letters_or_digits(place: str) -> str:
    known = _class_of(place)
    if len(known) == 1 or (DIGITS in known and known != DIGITS):
        return known
    return LOWER + DIGITS if known == LOWER else UPPER + DIGITS


def _fill(shape: Shape, count: int, rng: np.random.Generator) -> list[str]:
    if not shape.places:
        return [""] * count
    columns = []
    for place in shape.places:
        if len(place) == 1:
            columns.append(np.full(count, place))
        else:
            columns.append(np.array(list(place))[rng.integers(0, len(place), count)])
    return ["".join(row) for row in zip(*(c.tolist() for c in columns), strict=True)]
