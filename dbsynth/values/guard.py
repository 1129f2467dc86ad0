"""What of the source must not come out again, known only "perhaps": a filter that says yes to everything that was
there and, by chance, to some of what was not. So a fitted model that holds it is no list of members: whoever asks it
for a value and hears yes has learned nothing that cannot be denied.

The filter is that of Bloom (1970, "Space/Time Trade-offs in Hash Coding with Allowable Errors") with one hash function
and a bitmap that is deliberately small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.values.distinct import folded, hashes, texts_of

VALUE_BITS = 16
"""Bits a value: one in so many of the values that were never there is taken for one that was."""


class Filter:
    """``bits`` uint8 (bytes,): the bitmap, 8 places a byte; empty: nothing was put in. ``key``: of the hash."""

    def __init__(self, bits: np.ndarray, key: int) -> None:
        self.bits, self.key = bits, key

    @classmethod
    def of(cls, hashes: np.ndarray, bits_each: int, key: int) -> Filter:
        """``hashes`` uint64, of the distinct members."""
        places = len(hashes) * bits_each
        bits = np.zeros(-(-places // 8), np.uint8)
        at = _places(hashes, len(bits))
        np.bitwise_or.at(bits, at >> 3, np.left_shift(1, at & 7).astype(np.uint8))
        return cls(bits, key)

    def __len__(self) -> int:
        """Places, 0 where nothing was put in."""
        return 8 * len(self.bits)

    def perhaps(self, hashes: np.ndarray) -> np.ndarray:
        """bool (hashes,): False for what was never put in, with a few exceptions."""
        if not len(self.bits):
            return np.zeros(len(hashes), bool)
        at = _places(hashes, len(self.bits))
        return np.asarray((self.bits[at >> 3] >> (at & 7).astype(np.uint8)) & 1, bool)

    def word(self, value: bytes) -> int:
        """The 64-bit hash of ``value`` under the key."""
        key = self.key.to_bytes(8, "little")
        return int.from_bytes(hashlib.blake2b(value, digest_size=8, key=key).digest(), "little")


def _places(hashes: np.ndarray, size: int) -> np.ndarray:
    if not size:
        return np.zeros(0, np.int64)
    return np.asarray(hashes % np.uint64(8 * size)).astype(np.int64)


class Guard:
    """Texts of the source, whatever their case, accents and blanks, in a filter. ``key``: derived from the seed of the
    fit, so that the same seed gives the same rows."""

    def __init__(self, values: Iterable[str], key: int) -> None:
        texts = folded(texts_of(list(values)))
        self.filter = Filter.of(np.unique(hashes(texts, key)), VALUE_BITS, key)

    def __len__(self) -> int:
        return len(self.filter)

    def perhaps(self, words: np.ndarray) -> np.ndarray:
        """bool (words,): of texts as ``words`` has them, True for every value of the source, and for one in
        ``VALUE_BITS`` of the others."""
        return self.filter.perhaps(words)

    def words(self, texts: pa.Array) -> np.ndarray:
        """uint64 (texts,): equal for texts that are the same but for case, accents and blanks."""
        return hashes(folded(texts), self.filter.key)

    def free(self, values: Sequence[str]) -> list[str]:
        """Those of ``values`` that are none of the source's."""
        if not len(self) or not values:
            return list(values)
        taken = self.perhaps(self.words(texts_of(values)))
        return [v for v, t in zip(values, taken.tolist(), strict=True) if not t]

    def __contains__(self, value: str) -> bool:
        return not self.free([value])
