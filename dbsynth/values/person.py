"""People: names, e-mail addresses and user names that belong together in a row and to nobody in the source."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.rng import derive
from dbsynth.values.column import MadeColumn, shared_values
from dbsynth.values.forms import choose, even, quantiles
from dbsynth.values.guard import Guard
from dbsynth.values.lexicon import Lexicon, split
from dbsynth.values.phrase import Phrase
from dbsynth.values.pools import invented, pool
from dbsynth.values.words import digits_of

LEAST_NAMES = 50
"""Fewer make a table of namesakes."""
OWN_TURNS = 4
PERSON_ROLES = ("first_name", "last_name", "full_name", "email", "user_name")
OWN_NAMES = ("first_name", "last_name")
SAFE_DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved for documentation (RFC 2606): mail to them reaches nobody."""
TEMPLATES = (
    "{first}.{last}", "{first}_{last}", "{first}-{last}", "{first}{last}", "{f}{last}", "{f}.{last}", "{f}_{last}",
    "{first}{l}", "{first}.{l}", "{last}.{first}", "{last}_{first}", "{last}{first}", "{last}{f}", "{last}.{f}",
    "{last}", "{first}",
)  # fmt: skip
"""How addresses and user names are made of a name (``f``, ``l``: its initials)."""
FULL = ("{first} {last}", "{last}, {first}", "{last} {first}")
SHARED_PART = 0.1
"""A word that so many of the names that are built alike have is none of a person."""
AGREED = 0.5
"""So many rows must be written as a template says."""


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
    """The person columns of one table. ``templates``: per column how its values are made of the row's name, and how
    often; ``phrases``: instead of it, how they are built where they follow no name; ``numbers`` int (101,): per column
    quantiles of the digits behind; ``styles``: upper, lower or plain; ``domains``: what stands behind the @."""

    guarded = True

    def __init__(
        self,
        table: str,
        roles: Mapping[str, str],
        values: Mapping[str, Sequence[str | None]],
        *,
        unique: set[str],
        lengths: Mapping[str, int | None],
        k: int,
        seed: int,
        locale: str | None,
    ) -> None:
        """``values``: the columns of the source, row by row."""
        self.columns = tuple(roles)
        self.roles = dict(roles)
        known = {c: [v for v in column if v] for c, column in values.items()}
        firsts = [v for c, r in roles.items() if r == "first_name" for v in known[c]]
        lasts = [v for c, r in roles.items() if r == "last_name" for v in known[c]]
        fulls = [v for c, r in roles.items() if r == "full_name" for v in known[c]]
        rare = _rare(firsts + lasts + [t for v in fulls for t in re.findall(r"\w+", v)], k)
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
        self.styles = {c: _style(known[c], r) for c, r in roles.items()}
        self.domains = {c: _domains(known[c], k) for c, r in roles.items() if r == "email" and _addresses(known[c])}
        self.templates: dict[str, list[tuple[str, int]]] = {}
        self.phrases: dict[str, Phrase] = {}
        self.numbers: dict[str, np.ndarray] = {}
        names = _names(roles, values)
        for column in roles:
            self._learn(column, values[column], names, k)
        self._makers = {
            c: MadeColumn(
                table, c, Never(), self._guard(c, known[c], lengths.get(c), seed),
                unique=c in unique, max_length=lengths.get(c), shared=shared_values(values[c]),
            )
            for c in roles
        }  # fmt: skip

    def _learn(self, column: str, values: Sequence[str | None], names: _Names, k: int) -> None:
        role = self.roles[column]
        if role in OWN_NAMES:
            return
        texts = [(v.rsplit("@", 1)[0] if column in self.domains else v) if v else None for v in values]
        known = [t for t in texts if t]
        tried = FULL if role == "full_name" else TEMPLATES
        own = names if role != "full_name" or names.apart else _Names([], [], False)
        found, sizes = own.templates(texts, tried, exact=role == "full_name")
        if sum(found.values()) >= AGREED * max(1, len(known)) and found:
            self.templates[column] = [(t, n) for t, n in found.items() if n >= k] or found.most_common(1)
            self.numbers[column] = np.rint(quantiles(np.array(sizes), k, 101)).astype(np.int64)
        elif role == "full_name" or not len(own.first):
            reversed_ = sum("," in t for t in known) > 0.5 * len(known) and role == "full_name" and all(
                len(t.split()) <= 3 for t in known[:300]
            )  # fmt: skip
            self.phrases[column] = self._phrase(known, k, reversed_)
        else:
            self.templates[column] = [(own.nearest(known), 1)]
            self.numbers[column] = np.zeros(101, np.int64)

    def _phrase(self, known: Sequence[str], k: int, reversed_: bool) -> Phrase:
        first = split(self.first.tolist(), self._first_weights)
        last = split(self.last.tolist(), self._last_weights)
        both = Counter(first) + Counter(last)
        lexicons = [Lexicon.of(first), Lexicon.of(last)][:: -1 if reversed_ else 1]
        return Phrase.fit(known, k, words=Lexicon.of(both), first=lexicons[0], last=lexicons[1], least=SHARED_PART)

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
        # a name of its own making comes first: the addresses follow it
        for column in sorted(self.columns, key=lambda c: self.roles[c] != "full_name" or c not in self.phrases):
            maker = self._makers[column]
            values, where = maker.shares(present[column], rng)
            maker.drawer = Rows(self, column, first[where], last[where])
            texts = maker.values(len(where), rng) if len(where) else []
            maker.drawer = Never()
            values[where] = np.array(texts, object)
            out[column] = pa.array(values, pa.string())
            if self.roles[column] == "full_name" and column in self.phrases:
                for i, text in zip(where.tolist(), texts, strict=True):
                    if words := text.replace(",", " ").split():
                        first[i], last[i] = words[0], words[-1]
        return {c: out[c] for c in self.columns}

    def written(
        self, column: str, first: np.ndarray, last: np.ndarray, rng: np.random.Generator, turn: int
    ) -> list[str]:
        """Values for rows of these names. ``turn``: how often they were drawn before."""
        role, count = self.roles[column], len(first)
        if role in OWN_NAMES:
            texts = self._styled(column, (first if role == "first_name" else last).tolist())
        elif column in self.phrases:
            texts = self.phrases[column].draw(count, rng, invented=turn > 0)
        else:
            texts = self._styled(column, self._from_names(column, first, last, rng))
        if turn and role in ("email", "user_name") and (turn > OWN_TURNS or column not in self.phrases):
            more = rng.integers(1, 10 ** min(turn + 1, 9), count).tolist()
            bare = [turn > OWN_TURNS or not t[-1:].isdigit() for t in texts]
            texts = [f"{t}{m}" if b else t for t, m, b in zip(texts, more, bare, strict=True)]
        if column not in self.domains:
            return texts
        names, weights = self.domains[column]
        limit = self._makers[column].max_length
        out = []
        for text, i in zip(texts, choose(weights, count, rng).tolist(), strict=True):
            out.append(f"{text[: max(1, limit - len(names[i]) - 1)] if limit else text}@{names[i]}")
        return out

    def reworded(
        self, column: str, rows: list[int], values: list[str], rng: np.random.Generator, turn: int
    ) -> list[str]:
        parts = [v.rpartition("@") if column in self.domains else (v, "", "") for v in values]
        texts = self.phrases[column].again(rows, [p[0] for p in parts], rng, turn)
        return [t + at + domain for t, (_, at, domain) in zip(texts, parts, strict=True)]

    def _from_names(self, column: str, first: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> list[str]:
        templates = self.templates[column]
        which = choose(np.array([n for _, n in templates], float), len(first), rng).tolist()
        if self.roles[column] == "full_name":
            return [templates[i][0].format(first=f, last=n) for i, f, n in zip(which, first, last, strict=True)]
        sizes = self.numbers[column][(even(len(first), rng) * 101).astype(np.int64)]
        numbers = np.full(len(first), "", object)
        numbers[sizes > 0] = np.array(digits_of(sizes[sizes > 0], rng), object)
        spelled = {name: plain(name) for name in {*first.tolist(), *last.tolist()}}
        return [
            _filled(templates[i][0], spelled[f], spelled[n]) + d
            for i, f, n, d in zip(which, first.tolist(), last.tolist(), numbers.tolist(), strict=True)
        ]

    def _styled(self, column: str, texts: list[str]) -> list[str]:
        match self.styles[column]:
            case "upper":
                return [t.upper() for t in texts]
            case "lower":
                return [t.lower() for t in texts]
            case _:
                return texts


class Rows:
    """Draws for the rows at hand: their own names; where an address of those is taken, the same with a number; where a
    name is, another. After ``OWN_TURNS`` (a short column has no place for numbers) addresses are of other names too."""

    def __init__(self, people: Identities, column: str, first: np.ndarray, last: np.ndarray) -> None:
        self.people, self.column, self.first, self.last = people, column, first, last

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.people.written(self.column, self.first, self.last, rng, 0)

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        if self.column in self.people.phrases and turn <= OWN_TURNS:
            return self.people.reworded(self.column, rows, values, rng, turn)
        first, last = self.first[rows], self.last[rows]
        if turn > OWN_TURNS or self.people.roles[self.column] not in ("email", "user_name"):
            first = self.people.first[rng.integers(0, len(self.people.first), len(rows))]
            last = self.people.last[rng.integers(0, len(self.people.last), len(rows))]
        return self.people.written(self.column, first, last, rng, turn)


class Never:
    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        raise RuntimeError("names are drawn row by row")


class _Names:
    """The names of the source's rows. ``apart``: first and last name in a column each."""

    def __init__(self, first: Sequence[str | None], last: Sequence[str | None], apart: bool) -> None:
        self.first, self.last, self.apart = first, last, apart

    def templates(
        self, texts: Sequence[str | None], tried: Sequence[str], *, exact: bool
    ) -> tuple[Counter[str], list[int]]:
        """How many of ``texts`` are made by which template, and the digits behind each of them."""
        found: Counter[str] = Counter()
        sizes = []
        for text, first, last in zip(texts, self.first, self.last, strict=False):
            if not (text and first and last):
                continue
            for template in tried:
                made = _filled(template, first, last) if exact else _filled(template, plain(first), plain(last))
                body = text if exact else text.lower()
                if body == made or (not exact and body.startswith(made) and body[len(made) :].isdigit()):
                    found[template] += 1
                    sizes.append(len(body) - len(made))
                    break
        return found, sizes

    def nearest(self, texts: Sequence[str]) -> str:
        """Of the templates with the last name the one whose values are as long as ``texts``."""
        first, last = (_mean_length(names[:2000]) for names in (self.first, self.last))
        wanted = _mean_length(texts[:2000])
        size: dict[str, float] = {"{first}": first, "{last}": last, "{f}": 1.0, "{l}": 1.0}

        def off(template: str) -> float:
            parts = re.findall(r"{\w+}", template)
            return abs(wanted - sum((size[p] for p in parts), 0.0) - len(re.sub(r"{\w+}", "", template)))

        return min((t for t in TEMPLATES if "{last}" in t), key=off)


def _mean_length(texts: Sequence[str | None]) -> float:
    sizes = [len(t) for t in texts if t]
    return sum(sizes) / len(sizes) if sizes else 0.0


def _names(roles: Mapping[str, str], values: Mapping[str, Sequence[str | None]]) -> _Names:
    by_role: dict[str, str] = {}
    for column, role in roles.items():
        by_role.setdefault(role, column)
    if "first_name" in by_role and "last_name" in by_role:
        return _Names(values[by_role["first_name"]], values[by_role["last_name"]], True)
    if "full_name" not in by_role:
        return _Names([], [], False)
    parts = [v.replace(",", " ").split() if v else [] for v in values[by_role["full_name"]]]
    return _Names([p[0] if p else None for p in parts], [p[-1] if p else None for p in parts], False)


def _filled(template: str, first: str, last: str) -> str:
    return template.format(first=first, last=last, f=first[:1], l=last[:1])


def _rare(tokens: Sequence[str], k: int) -> set[str]:
    counts = Counter(t.casefold() for t in tokens)
    return {t for t, n in counts.items() if n < k}


def _addresses(values: Sequence[str]) -> bool:
    some = list(values[:300])
    return sum("@" in v for v in some) >= 0.5 * len(some)


def _style(values: Sequence[str], role: str) -> str:
    some = [v.rsplit("@", 1)[0] if role == "email" else v for v in values[:300]]
    if sum(v.isupper() for v in some) > 0.8 * max(1, len(some)):
        return "upper"
    return "lower" if role != "email" and sum(v.islower() for v in some) > 0.8 * max(1, len(some)) else "plain"


def _domains(values: Sequence[str], k: int) -> tuple[list[str], np.ndarray]:
    """Domains that at least max(k, 1 %) of the rows share; reserved ones stand for the rest."""
    counts = Counter(v.rsplit("@", 1)[1].lower() for v in values if "@" in v)
    total = sum(counts.values())
    kept = {d: n for d, n in counts.items() if n >= max(k, 0.01 * total)}
    rest = total - sum(kept.values())
    names = list(kept) + list(SAFE_DOMAINS)
    weights = np.array([*kept.values(), *[(rest or (0 if kept else 1)) / 3] * 3], float)
    return names, weights / weights.sum()
