"""Whether texts are the same but for case, accents and blanks: as 64-bit numbers, so that ten million of them take
80 MB to remember."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def texts_of(values: Sequence[str | None] | pa.Array) -> pa.Array:
    """As an array; half characters (of JSON, ``"\\ud800"``) become question marks."""
    if isinstance(values, pa.Array):
        return values
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([v and v.encode("utf-8", "replace").decode() for v in values], pa.string())


def folded(texts: pa.Array) -> pa.Array:
    """Lower case, without accents, blanks inside as one and none around."""
    if not pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        spread = pc.utf8_normalize(texts, form="NFKD")
        texts = pc.replace_substring(pc.replace_substring_regex(spread, r"\pM", ""), "ß", "ss")
    texts = pc.utf8_lower(texts)
    if pc.any(pc.match_substring_regex(texts, r"^\s|\s$|\s\s|[^\S ]"), min_count=0).as_py():
        texts = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"\s+", " ")
    return texts


def hashes(texts: pa.Array, key: int) -> np.ndarray:
    """uint64 (texts,) under ``key``; of none of them null. Eight bytes at a time."""
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, 8 * texts.offset)
    starts, sizes = ends[:-1], np.diff(ends)
    raw = np.zeros(int(ends[-1]) + 8, np.uint8)
    if data is not None:
        raw[:-8] = np.frombuffer(data, np.uint8, int(ends[-1]))
    eights = np.ndarray((len(raw) - 7,), "<u8", raw, 0, (1,))  # at every byte, overlapping
    out = mixed(sizes.astype(np.uint64) ^ np.uint64(key % 2**64))
    rows, at = np.arange(len(texts)), 0
    while len(rows):
        left = sizes[rows] - at
        rows, left = rows[left > 0], left[left > 0]
        word = eights[starts[rows] + at]
        short = left < 8
        word[short] &= (np.uint64(1) << (8 * left[short]).astype(np.uint64)) - np.uint64(1)
        out[rows] = mixed(out[rows] ^ word)
        at += 8
    return out


def mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele et al. 2014) after a step of it: spreads every bit over the whole word."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: np.ndarray = x ^ (x >> np.uint64(31))
    return out


class Seen:
    """Numbers that were seen, in sorted runs each at least twice as long as the next (a log-structured merge, O'Neil
    et al. 1996)."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def fresh(self, numbers: np.ndarray) -> np.ndarray:
        """bool (numbers,): True for the first of each that was not seen before; those are seen now."""
        known, first = np.unique(numbers, return_index=True)
        new = np.ones(len(known), bool)
        for run in self._runs:
            at = np.searchsorted(run, known)
            new &= run[np.minimum(at, len(run) - 1)] != known
        out = np.zeros(len(numbers), bool)
        out[first[new]] = True
        self._add(known[new])
        return out

    def _add(self, run: np.ndarray) -> None:
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)
