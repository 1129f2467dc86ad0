"""Which schemes the values of a column follow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.schema.identifiers.parts import ascii_of
from dbsynth.schema.identifiers.schemes import SCHEMES, Scheme

LABEL = re.compile(r"(?:ISBN|EAN|UPC|GTIN|IBAN|BIC|SWIFT|SSN)(?:-1[03])?[:\s]+", re.IGNORECASE)
"""What may stand before an identifier."""
_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{4,44}")
_OTHER = re.compile(r"[^A-Za-z0-9]+")
LEAST_SHARE = 0.8
MOST_CHANCE = 0.35
LUCK = 1e-6
_BY_WIDTH: dict[int, list[Scheme]] = {}
for _scheme in SCHEMES.values():
    _BY_WIDTH.setdefault(_scheme.width, []).append(_scheme)


@dataclass(frozen=True)
class Family:
    """``valid`` of ``seen`` different values follow ``schemes``, each by ``chance`` if it were none of them."""

    role: str
    title: str
    schemes: tuple[str, ...]
    valid: int
    seen: int
    chance: float

    @property
    def share(self) -> float:
        return self.valid / self.seen

    @property
    def telling(self) -> bool:
        """Whether the values alone say what they are: so many do not follow a check by chance."""
        return self.chance <= MOST_CHANCE and self.chance**self.valid < LUCK


def bare(text: str) -> str:
    """The characters of an identifier without label and separators, in capitals."""
    label = LABEL.match(text)
    return _OTHER.sub("", text[label.end() :] if label else text).upper()


def follows(scheme: Scheme, bares: Sequence[str]) -> np.ndarray:
    """bool (texts,): which bare texts are valid in ``scheme``."""
    out = np.zeros(len(bares), bool)
    rows = [i for i, b in enumerate(bares) if len(b) == scheme.width and scheme.build.fullmatch(b)]
    if rows:
        out[rows] = scheme.valid(ascii_of([bares[i] for i in rows]))
    return out


def padded(numbers: Sequence[str], scheme: Scheme) -> list[str]:
    """Numbers that lost their leading zeros."""
    return [n.zfill(scheme.width) for n in numbers] if scheme.digits_only else list(numbers)


def recognise(values: Sequence[str], *, numbers: bool = False) -> list[Family]:
    """Families that most of ``values`` follow, the least likely by chance first. ``numbers``: the texts of whole
    numbers, which have lost leading zeros."""
    known = list(dict.fromkeys(values))
    shaped = [v for v in known if _SHAPE.fullmatch(LABEL.sub("", v))]
    if len(shaped) < LEAST_SHARE * len(known) or not known:
        return []
    bares = [bare(v) for v in shaped]
    tried: dict[str, Scheme] = {}
    widths = {len(b) for b in bares}
    for width in range(max(widths), max(widths) + 3) if numbers else widths:
        tried |= {s.name: s for s in _BY_WIDTH.get(width, []) if s.digits_only or not numbers}
    valid: dict[str, np.ndarray] = {}
    members: dict[str, list[Scheme]] = {}
    for scheme in tried.values():
        mask = follows(scheme, padded(bares, scheme) if numbers else bares)
        if mask.any():
            family = scheme.family
            valid[family] = valid.get(family, np.zeros(len(bares), bool)) | mask
            members.setdefault(family, []).append(scheme)
    found = []
    for family, mask in valid.items():
        n = int(mask.sum())
        if n >= LEAST_SHARE * len(known):
            schemes = members[family]
            best = max(schemes, key=lambda s: follows(s, padded(bares, s) if numbers else bares).sum())
            title = _TITLES.get(family, best.title)
            found.append(Family(best.role, title, tuple(s.name for s in schemes), n, len(known), _chance(schemes)))
    return sorted(found, key=lambda f: (-f.valid, f.chance))


_TITLES = {"iban": "IBAN", "card": "payment card", "vat": "VAT number", "isbn": "ISBN", "ean": "EAN/UPC"}


def _chance(schemes: Sequence[Scheme]) -> float:
    """Of a text that is built as one of ``schemes``: those of one width are alternatives."""
    by_width: dict[int, float] = {}
    for s in schemes:
        by_width[s.width] = max(by_width.get(s.width, 0.0), s.chance)
    return max(by_width.values())
