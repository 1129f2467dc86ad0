"""Randomness comes only from generators derived from the seed by name, so that the same seed gives the same rows
whatever the number of workers and the order in which they run."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called ``names`` under ``seed``; stable across processes and versions. Capitals make
    no difference: ORDERS of one database and orders of another get the same rows."""
    text = "\x1f".join([str(seed), *map(str, names)]).lower()
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """An independent generator (Philox) for the stream called ``names`` under ``seed``."""
    return np.random.Generator(np.random.Philox(derive(seed, *names)))
