"""People: names, e-mail addresses and user names that belong together in a row and to nobody in the source."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.rng import derive
from dbsynth.values.column import MadeColumn
from dbsynth.values.guard import Guard
from dbsynth.values.pools import invented, pool

LEAST_NAMES = 50
"""Fewer make a table of namesakes."""
OWN_TURNS = 4
PERSON_ROLES = ("first_name", "last_name", "full_name", "email", "user_name")
OWN_NAMES = ("first_name", "last_name")
SAFE_DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved for documentation (RFC 2606): mail to them reaches nobody."""


def plain(text: str) -> str:
    """``Núñez`` -> ``nunez``: letters and digits of ASCII, lower case."""
    spread = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in spread.lower() if c.isalnum())


def free_pool(
    kinds: Sequence[str], locale: str | None, taken: Guard, seed: int, longest: int | None = None
) -> np.ndarray:
    """Names of the pools that are not ``taken``, invented ones where too few are left. ``longest``: shorter names only,
    if there are enough. The guard's false hits leave some names out by chance: what is missing from the pool tells
    nothing of the source."""
    names = [n for kind in kinds for n in pool(kind, locale) if n not in taken]
    if len(names) < LEAST_NAMES:
        names += [n for n in invented(500, seed) if n not in taken]
    short = [n for n in names if longest is None or len(n) <= longest]
    return np.array(list(dict.fromkeys(short if len(short) >= LEAST_NAMES else names)), object)


def weights_by_length(names: np.ndarray, lengths: Sequence[int], k: int) -> np.ndarray:
    """Weights under which the lengths of ``names`` follow ``lengths`` as far as they can; the shortest and the longest
    are those that ``k`` reach."""
    own = np.array([len(n) for n in names])
    if len(lengths) == 0:
        return np.full(len(names), 1.0 / len(names))
    ordered = np.sort(np.asarray(lengths))
    inner = min(k - 1, (len(ordered) - 1) // 2)
    lengths = np.clip(ordered, ordered[inner], ordered[len(ordered) - 1 - inner]).tolist()
    size = int(max(own.max(), max(lengths))) + 1
    have, want = np.bincount(own, minlength=size), np.bincount(np.asarray(lengths), minlength=size)
    weights = (want[own] + 0.01 * len(lengths) / size) / have[own]
    return np.asarray(weights / weights.sum())


class Identities:
    """The person columns of one table. ``styles``: per column how its values are written."""

    guarded = True

    def __init__(
        self,
        table: str,
        roles: Mapping[str, str],
        values: Mapping[str, Sequence[str]],
        *,
        unique: set[str],
        lengths: Mapping[str, int | None],
        k: int,
        seed: int,
        locale: str | None,
    ) -> None:
        self.columns = tuple(roles)
        self.roles = dict(roles)
        firsts = [v for c, r in roles.items() if r == "first_name" for v in values[c]]
        lasts = [v for c, r in roles.items() if r == "last_name" for v in values[c]]
        fulls = [v for c, r in roles.items() if r == "full_name" for v in values[c]]
        rare = _rare(firsts + lasts + [t for v in fulls for t in v.replace(",", " ").split()], k)
        # names of a column of their own are left out of the pool, not refused when drawn: the address shall match
        short = {r: min((n for c, n in lengths.items() if n and roles[c] == r), default=None) for r in OWN_NAMES}
        first, last = Guard([*firsts, *rare], derive(seed, "first")), Guard([*lasts, *rare], derive(seed, "last"))
        self.first = free_pool(("first_female", "first_male"), locale, first, seed, short["first_name"])
        self.last = free_pool(("last_name",), locale, last, seed + 1, short["last_name"])
        parts = [v.split() for v in fulls]
        self._first_weights = weights_by_length(
            self.first, [len(v) for v in firsts] or [len(p[0]) for p in parts if p], k
        )
        self._last_weights = weights_by_length(
            self.last, [len(v) for v in lasts] or [len(p[-1]) for p in parts if len(p) > 1], k
        )
        self.styles = {c: _style(self.roles[c], values[c]) for c in roles}
        self.domains = {c: _domains(values[c], k) for c, r in roles.items() if r == "email"}
        self._makers = {
            c: MadeColumn(
                table, c, Never(), self._guard(c, values[c], lengths.get(c), seed),
                unique=c in unique, max_length=lengths.get(c),
            )
            for c in roles
        }  # fmt: skip

    def _guard(self, column: str, values: Sequence[str], longest: int | None, seed: int) -> Guard:
        """Empty where the pool itself holds no name of the column."""
        names = {"first_name": self.first, "last_name": self.last}.get(self.roles[column])
        whole = names is not None and (longest is None or max(map(len, names)) <= longest)
        return Guard([] if whole else values, derive(seed, "guard", column))

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        n = len(next(iter(present.values())))
        first = self.first[rng.choice(len(self.first), n, p=self._first_weights)]
        last = self.last[rng.choice(len(self.last), n, p=self._last_weights)]
        out = {}
        for column in self.columns:
            maker = self._makers[column]
            maker.drawer = Rows(self, column, first[where := np.flatnonzero(present[column])], last[where])
            values = np.full(n, None, object)
            if len(where):
                values[where] = maker.values(len(where), rng)
            maker.drawer = Never()
            out[column] = pa.array(values, pa.string())
        return out

    def write(self, column: str, first: str, last: str, rng: np.random.Generator, number: int) -> str:
        role, style = self.roles[column], self.styles[column]
        if role in ("first_name", "last_name"):
            text = first if role == "first_name" else last
        elif role == "full_name":
            text = f"{last}, {first}" if style == "reversed" else f"{first} {last}"
        elif role == "email" and style != "login":
            local = f"{plain(first)}.{plain(last)}{number or ''}"
            names, weights = self.domains[column]
            domain = names[int(rng.choice(len(names), p=weights))]
            limit = self._makers[column].max_length
            return f"{local[: max(1, limit - len(domain) - 1)] if limit else local}@{domain}"
        else:
            text = f"{plain(first)[:1]}{plain(last)}{number or ''}"
        return text.upper() if style == "upper" or (style == "login" and role == "email") else text


class Rows:
    """Draws for the rows at hand: their own names; where an address of those is taken, the same with a number; where a
    name is, another. After ``OWN_TURNS`` (a short column has no place for numbers) addresses are of other names too."""

    def __init__(self, people: Identities, column: str, first: np.ndarray, last: np.ndarray) -> None:
        self.people, self.column, self.first, self.last, self.turn = people, column, first, last, 0

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self._written(self.first, self.last, np.zeros(count, int), rng)

    def again(self, rows: list[int], rng: np.random.Generator) -> list[str]:
        self.turn += 1
        first, last = self.first[rows], self.last[rows]
        if self.turn > OWN_TURNS or self.people.roles[self.column] not in ("email", "user_name"):
            first = self.people.first[rng.integers(0, len(self.people.first), len(rows))]
            last = self.people.last[rng.integers(0, len(self.people.last), len(rows))]
        return self._written(first, last, rng.integers(1, 10 ** min(self.turn + 1, 9), len(rows)), rng)

    def _written(self, first: np.ndarray, last: np.ndarray, numbers: np.ndarray, rng: np.random.Generator) -> list[str]:
        rows = zip(first, last, numbers, strict=True)
        return [self.people.write(self.column, one, two, rng, int(n)) for one, two, n in rows]


class Never:
    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        raise RuntimeError("names are drawn row by row")


def _rare(tokens: Sequence[str], k: int) -> set[str]:
    counts = Counter(t.casefold() for t in tokens)
    return {t for t, n in counts.items() if n < k}


def _style(role: str, values: Sequence[str]) -> str:
    some = list(values[:300])
    if not some:
        return "plain"
    if role == "email" and sum("@" in v for v in some) < 0.5 * len(some):
        return "login"
    if role == "full_name" and sum("," in v for v in some) > 0.5 * len(some):
        return "reversed"
    return "upper" if sum(v.isupper() for v in some) > 0.8 * len(some) else "plain"


def _domains(values: Sequence[str], k: int) -> tuple[list[str], np.ndarray]:
    """Domains that at least max(k, 1 %) of the rows share; reserved ones stand for the rest."""
    counts = Counter(v.rsplit("@", 1)[1].lower() for v in values if "@" in v)
    total = sum(counts.values())
    kept = {d: n for d, n in counts.items() if n >= max(k, 0.01 * total)}
    rest = total - sum(kept.values())
    names = list(kept) + list(SAFE_DOMAINS)
    weights = np.array([*kept.values(), *[(rest or (0 if kept else 1)) / 3] * 3], float)
    return names, weights / weights.sum()
