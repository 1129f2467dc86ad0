"""Parts of an identifier. Each can be read (a regular expression) and written: ``sizes`` says how many values its codes
can take, ``write`` turns int64 (rows, codes) into uint8 (rows, width) ASCII characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
AT_ONCE = 4
"""Digits a code: a number of many digits is several codes, so that codes can be shuffled apart."""


class Part(Protocol):
    @property
    def width(self) -> int: ...

    @property
    def regex(self) -> str: ...

    @property
    def sizes(self) -> tuple[int, ...]: ...

    def write(self, codes: np.ndarray) -> np.ndarray: ...


def ascii_of(texts: Sequence[str]) -> np.ndarray:
    """uint8 (texts, width): texts of one width."""
    width = len(texts[0]) if texts else 0
    joined = "".join(texts).encode("ascii")
    return np.frombuffer(joined, np.uint8).reshape(len(texts), width).copy()


def digits_of(numbers: np.ndarray, width: int) -> np.ndarray:
    """uint8 (rows, width): ``numbers`` with leading zeros."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return np.asarray(48 + numbers[:, None] // powers % 10).astype(np.uint8)


@dataclass(frozen=True)
class Digits:
    """``first``: the least first digit."""

    width: int
    first: int = 0

    @property
    def regex(self) -> str:
        head = f"[{self.first}-9]" if self.first else r"\d"
        return head + (rf"\d{{{self.width - 1}}}" if self.width > 1 else "")

    @cached_property
    def _widths(self) -> tuple[int, ...]:
        rest = self.width - 1 if self.first else self.width
        whole = [AT_ONCE] * (rest // AT_ONCE) + ([rest % AT_ONCE] if rest % AT_ONCE else [])
        return tuple([1] * bool(self.first) + whole)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(10**w - (self.first if i == 0 else 0) for i, w in enumerate(self._widths))

    def write(self, codes: np.ndarray) -> np.ndarray:
        columns = [digits_of(codes[:, i] + (self.first if i == 0 else 0), w) for i, w in enumerate(self._widths)]
        return np.hstack(columns)


@dataclass(frozen=True)
class Letters:
    """``width`` characters of ``alphabet`` (digits too)."""

    width: int
    alphabet: str = UPPER

    @property
    def regex(self) -> str:
        return f"[{self.alphabet}]{{{self.width}}}"

    @property
    def sizes(self) -> tuple[int, ...]:
        return (len(self.alphabet),) * self.width

    def write(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(np.frombuffer(self.alphabet.encode("ascii"), np.uint8)[codes])


@dataclass(frozen=True)
class Choice:
    """One of ``texts``, which are of one width."""

    texts: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.texts[0])

    @property
    def regex(self) -> str:
        return "(?:" + "|".join(self.texts) + ")"

    @property
    def sizes(self) -> tuple[int, ...]:
        return (len(self.texts),)

    def write(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(ascii_of(self.texts)[codes[:, 0]])


@dataclass(frozen=True)
class Check:
    """Places that follow from the others; written as zeros, then filled. ``place``: what can stand in one."""

    width: int
    place: str = r"\d"

    @property
    def regex(self) -> str:
        return self.place * self.width

    @property
    def sizes(self) -> tuple[int, ...]:
        return ()

    def write(self, codes: np.ndarray) -> np.ndarray:
        return np.full((len(codes), self.width), 48, np.uint8)


@dataclass(frozen=True)
class OneTwice:
    """Ten digits of which one stands twice and one is missing (the first ten of the German tax number)."""

    @property
    def width(self) -> int:
        return 10

    @property
    def regex(self) -> str:
        return r"[1-9]\d{9}"

    @property
    def sizes(self) -> tuple[int, ...]:
        return (10, 9, 45, 40320)

    def write(self, codes: np.ndarray) -> np.ndarray:
        twice, missing, pair, order = codes.T
        missing = missing + (missing >= twice)
        n = len(codes)
        rows = np.arange(n)
        left = np.tile(np.arange(10), (n, 1))  # the digits that stand once, in rising order, come first
        left = left[(left != twice[:, None]) & (left != missing[:, None])].reshape(n, 8)
        once = np.empty((n, 8), np.int64)
        for i in range(8):  # the order by its number in the factorial system
            size = int(np.prod(np.arange(1, 8 - i)))
            at = order // size % (8 - i)
            once[:, i] = left[rows, at]
            keep = np.ones(left.shape, bool)
            keep[rows, at] = False
            left = left[keep].reshape(n, 7 - i)
        first, second = np.array([(i, j) for i in range(10) for j in range(i + 1, 10)])[pair].T
        out = np.full((n, 10), -1)
        out[rows, first] = twice
        out[rows, second] = twice
        out[out < 0] = once.ravel()
        return (48 + out).astype(np.uint8)
