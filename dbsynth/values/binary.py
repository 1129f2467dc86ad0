"""Bytes: of the source's kinds and sizes, otherwise random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dbsynth.values.forms import choose
from dbsynth.values.numbers import Numbers

MOST_BYTES = 65_536
MAGIC = ("89504e470d0a1a0a", "ffd8ffe0", "ffd8ffe1", "ffd8ff", "474946383961", "474946383761", "25504446", "504b0304",
         "1f8b08", "52494646", "49492a00", "4d4d002a", "424d", "7f454c46", "fd377a585a00", "425a68")  # fmt: skip
"""First bytes of files of known kinds: PNG, JPEG, GIF, PDF, ZIP, gzip, RIFF, TIFF, BMP, ELF, xz, bzip2."""
START, LEAST_SHARE = 8, 0.05
"""Digits of other starts that are kept where so many values, and k, share them."""


class Bytes:
    """``starts``: hexadecimal digits that values begin with ("": any), as often as ``weights`` float (starts,) says,
    with the ``sizes`` of each."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        bodies = [t[2:] for t in texts]
        often = Counter(b[:START] for b in bodies if len(b) >= START)
        least = max(k, LEAST_SHARE * len(bodies))
        own = {s for s, n in often.items() if n >= least}
        found = [_start(b, own) for b in bodies]
        counts = Counter(found)
        found = [s if counts[s] >= k else "" for s in found]
        groups: dict[str, list[str]] = {}
        for start, body in zip(found, bodies, strict=True):
            groups.setdefault(start, []).append(str(len(body) // 2))
        self.starts = sorted(groups) or [""]
        self.weights = np.array([len(groups.get(s, "x")) for s in self.starts], float)
        self.sizes = [Numbers(groups.get(s, []), k) for s in self.starts]

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(self.weights, count, rng)
        out = np.empty(count, object)
        for i, (start, sizes) in enumerate(zip(self.starts, self.sizes, strict=True)):
            rows = np.flatnonzero(which == i)
            lengths = np.clip([int(n) for n in sizes.draw(len(rows), rng)], 0, MOST_BYTES)
            for row, n in zip(rows, lengths.tolist(), strict=True):
                out[row] = "\\x" + (start + rng.bytes(n).hex())[: 2 * n]
        return out.tolist()

    def number(self, n: int) -> str:
        """Other bytes for every n: where sizes leave too few."""
        return f"\\x{n:0{2 * (n.bit_length() // 8 + 1)}x}"


def _start(body: str, own: set[str]) -> str:
    known = next((m for m in MAGIC if body.startswith(m)), None)
    return known or (body[:START] if body[:START] in own else "")
