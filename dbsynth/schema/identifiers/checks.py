"""Check characters, for a whole column at once. ``d`` is int64 (rows, digits), from the left; each gives int64 (rows,).

Sources: Luhn (US patent 2,950,048), ISO/IEC 7064 (mod 11,10; mod 97,10), Verhoeff (1969), GS1 General Specifications,
ISO 2108 (ISBN), ISO 13616 (IBAN), and what the issuers of the national numbers publish.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NONE = 10
"""What a check modulo 11 gives where the number has no check digit: such numbers are not issued."""


def weighted(d: np.ndarray, weights: Sequence[int]) -> np.ndarray:
    return np.asarray(d @ np.asarray(weights, np.int64))


def luhn(d: np.ndarray) -> np.ndarray:
    doubled = d.copy()
    doubled[:, ::-2] *= 2
    return np.asarray(-(doubled // 10 + doubled % 10).sum(axis=1) % 10)


def ean(d: np.ndarray) -> np.ndarray:
    """Also of UPC, GTIN and ISBN-13: weights 3 and 1 from the right."""
    return np.asarray(-(d.sum(axis=1) + 2 * d[:, ::-2].sum(axis=1)) % 10)


def mod11_10(d: np.ndarray) -> np.ndarray:
    """ISO 7064, hybrid system mod 11, 10."""
    carry = np.full(len(d), 10)
    for column in d.T:
        total = (column + carry) % 10
        carry = np.where(total == 0, 10, total) * 2 % 11
    return np.asarray((11 - carry) % 10)


def mod97(chars: np.ndarray) -> np.ndarray:
    """The remainder of uint8 (rows, places) ASCII digits and capitals, read as a number with A = 10 ... Z = 35."""
    rest = np.zeros(len(chars), np.int64)
    for column in chars.T.astype(np.int64):
        letter = column >= ord("A")
        value = np.where(letter, column - 55, column - 48)
        rest = (rest * np.where(letter, 100, 10) + value) % 97
    return rest


def _pentagon() -> np.ndarray:
    """The multiplication table of its dihedral group: 0..4 turn, 5..9 turn and reflect."""
    i, j = np.meshgrid(np.arange(10), np.arange(10), indexing="ij")
    turn = np.where(i < 5, i + j, i - j) % 5
    return np.asarray(turn + 5 * ((i < 5) != (j < 5)))


_PENTAGON = _pentagon()
_TURN = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])
_INVERSE = np.array([0, 4, 3, 2, 1, 5, 6, 7, 8, 9])


def verhoeff(d: np.ndarray) -> np.ndarray:
    """By the dihedral group of the pentagon."""
    turned = np.arange(10)
    rest = np.zeros(len(d), np.int64)
    for column in d.T[::-1]:
        turned = _TURN[turned]
        rest = _PENTAGON[rest, turned[column]]
    return np.asarray(_INVERSE[rest])
