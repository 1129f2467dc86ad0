"""Check digits over all digits of a code, whatever stands between them: recognised in values, computed for others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from dbsynth.schema.identifiers import checks

SURE = 0.99
LEAST = 20
SHORTEST = 5


def _mod97(d: np.ndarray) -> np.ndarray:
    """ISO/IEC 7064 mod 97,10: two digits."""
    zeros = np.zeros((len(d), 2), np.int64)
    return np.asarray(98 - checks.mod97(np.hstack([d, zeros]) + ord("0")))


_METHODS: Final[dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]]] = {
    "luhn": (1, checks.luhn),
    "ean": (1, checks.ean),
    "mod 97,10": (2, _mod97),
    "mod 11,10": (1, checks.mod11_10),
    "verhoeff": (1, checks.verhoeff),
}
CHECKS = tuple(_METHODS)


def proved_by(values: Sequence[str], name: str) -> bool:
    """Whether nearly all of ``values`` end with the right digits, in both halves."""
    if len(values) < LEAST:
        return False
    right = np.array([a == b for a, b in zip(values, completed(values, name), strict=True)])
    right &= np.array([sum(map(str.isdecimal, v)) >= SHORTEST for v in values])
    return bool(min(right[::2].mean(), right[1::2].mean()) >= SURE)


def completed(values: Sequence[str], name: str) -> list[str]:
    """``values`` with their last digits replaced by the right ones; those with too few digits as they are."""
    size, method = _METHODS[name]
    digits = [re.sub(r"[^0-9]", "", v) for v in values]
    counts = np.array([len(d) for d in digits], np.int64)
    out = list(values)
    for count in np.unique(counts[counts > size]).tolist():
        rows = np.flatnonzero(counts == count).tolist()
        d = np.array([[int(c) for c in digits[i][:-size]] for i in rows], np.int64)
        for i, check in zip(rows, method(d).tolist(), strict=True):
            out[i] = _ending(values[i], f"{check:0{size}}")
    return out


def _ending(value: str, check: str) -> str:
    """``value`` with ``check`` for its last digits."""
    places = [m.start() for m in re.finditer("[0-9]", value)][-len(check) :]
    chars = list(value)
    for place, digit in zip(places, check, strict=True):
        chars[place] = digit
    return "".join(chars)
