"""Values of the source that must not come out again: known by keyed hashes, in memory, for the length of a run."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

import numpy as np


class Guard:
    """A set of case-folded values that can be asked but not read. The key is drawn anew for every guard and leaves the
    process only with the guard itself, between processes of one run."""

    def __init__(self, values: Iterable[str]) -> None:
        self._key = secrets.token_bytes(16)
        self._known = {self._digest(v) for v in values}

    def _digest(self, value: str) -> bytes:
        text = " ".join(value.casefold().split())
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest()

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, value: str) -> bool:
        return bool(self._known) and self._digest(value) in self._known

    def hits(self, values: Iterable[str]) -> np.ndarray:
        """True where a value is one of the source's."""
        if not self._known:
            return np.zeros(len(list(values)), bool)
        return np.fromiter((self._digest(v) in self._known for v in values), bool)
