"""Places, companies and web addresses: from the vocabulary of a locale, at the lengths of the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dbsynth.rng import derive
from dbsynth.values.guard import Guard
from dbsynth.values.person import free_pool, weights_by_length
from dbsynth.values.pools import pool
from dbsynth.values.structured import Numbers

KINDS = {"city": "city", "state": "state", "country": "country", "company": "company", "street": "street_name"}


class Places:
    """``role``: city, state, country, company or street (with a house number where the source has one)."""

    def __init__(self, role: str, values: Sequence[str], locale: str | None, k: int, seed: int) -> None:
        counts = Counter(v.casefold() for v in values)
        rare = Guard([v for v, n in counts.items() if n < k], derive(seed, "rare"))
        self.names = free_pool((KINDS[role],), locale, rare, seed)
        self.upper = bool(values) and sum(v.isupper() for v in values[:300]) > 0.8 * len(values[:300])
        self.numbered = 0.0
        self.digits: Numbers | None = None
        lengths = [len(v) for v in values]
        if role == "street" and values:
            first = [v.split()[0] for v in values if v.strip()]
            numbered = [f for f in first if f.rstrip(",").isdigit()]
            self.numbered = len(numbered) / len(values)
            digits = [len(f) for f in numbered] or [3]
            self.digits = Numbers([str(d) for d in digits], k)
            lengths = [n - int(np.mean(digits)) - 1 for n in lengths] if self.numbered > 0.5 else lengths
        self.weights = weights_by_length(self.names, [max(1, n) for n in lengths], k)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        out = self.names[rng.choice(len(self.names), count, p=self.weights)].tolist()
        if self.digits is not None:
            with_number = rng.random(count) < self.numbered
            size = np.array([int(n) for n in self.digits.draw(count, rng)]).clip(1, 5)
            numbers = (rng.random(count) * 9 * 10.0 ** (size - 1) + 10.0 ** (size - 1)).astype(int)
            out = [f"{n} {name}" if w else name for n, name, w in zip(numbers, out, with_number, strict=True)]
        return [v.upper() for v in out] if self.upper else out


class Urls:
    """Addresses below reserved domains, as deep as those of the source."""

    def __init__(self, values: Sequence[str], k: int) -> None:
        self.scheme = "" if values and "://" not in values[0] else "https://"
        self.depths = Numbers([str(v.removeprefix(self.scheme).count("/")) for v in values] or ["1"], k)
        self.words = np.array(pool("word"), object)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        out = []
        for depth in map(int, self.depths.draw(count, rng)):
            parts = self.words[rng.integers(0, len(self.words), min(8, depth) + 1)]
            number = rng.integers(0, 1_000_000)
            path = "/".join([*parts[1:], f"{parts[0]}-{number}"]) if depth else ""
            out.append(f"{self.scheme}www.{parts[0]}{number}.example.com" + (f"/{path}" if path else ""))
        return out
