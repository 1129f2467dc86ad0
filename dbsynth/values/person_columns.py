"""The columns of a table that speak of people: which of them are of one person, and what names its rows have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dbsynth.schema.roles import words
from dbsynth.values.addresses import Composition
from dbsynth.values.base import spread
from dbsynth.values.distinct import hashes, texts_of
from dbsynth.values.locales import known_first_names
from dbsynth.values.pools import invented
from dbsynth.values.spelling import ascii_of, plain, plain_umlauts

PERSON_ROLES = ("first_name", "last_name", "full_name", "email", "user_name")
OWN_NAMES = ("first_name", "last_name")
AGREED = 0.3
"""So many rows must follow a name; fewer may do so by chance."""
FIT_ROWS = 20_000
SOME_ROWS = 5_000
MIDDLE = re.compile(r"middle|second_(first|given)|zweiter_vor")
NO_NAMES = frozenset(
    ("mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "mme", "sir", "madame", "sr", "sra", "jr", "ii", "iii",
     "phd", "md", "dipl", "ing")
)  # fmt: skip
NAME = re.compile(r"[^\W\d_][^\W\d_'’-]*")
LEGAL = re.compile(
    r"\b(inc|ltd|limited|llc|llp|gmbh|ag|kg|ohg|sa|sas|srl|spa|bv|nv|ab|as|oy|co|corp|corporation|company|group|plc|"
    r"und|and|the|s\.?a\.?|l\.?t\.?d\.?a\.?)\b\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Person:
    """Columns of one person. ``first``, ``last``, ``middle`` or else ``full`` hold the name; ``followers`` are made of
    it, or of each other where there is none."""

    first: str | None = None
    last: str | None = None
    middle: str | None = None
    full: str | None = None
    followers: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(c for c in (self.first, self.last, self.middle, self.full) if c) + self.followers

    def field(self, column: str) -> str | None:
        """What the forms call the name that stands in ``column``."""
        return {self.first: "first", self.last: "last", self.middle: "middle"}.get(column)


def persons(roles: Mapping[str, str], values: Mapping[str, Sequence[str | None]]) -> list[Person]:
    """The people of a row, by the ``roles`` of its columns and the ``values`` of the source, row by row: names that
    are called alike belong together, and what follows a name does so in the source."""
    of = {r: [c for c in roles if roles[c] == r and not MIDDLE.search(words(c))] for r in PERSON_ROLES}
    middle = [c for c in roles if roles[c] == "first_name" and MIDDLE.search(words(c))]
    lasts = list(of["last_name"])
    found = []
    for first in of["first_name"]:
        last = _nearest(first, lasts)
        if last:
            lasts.remove(last)
        found.append(Person(first=first, last=last, middle=_nearest(first, middle) if len(middle) == 1 else None))
        middle = [] if len(middle) == 1 else middle
    found += [Person(last=c) for c in lasts] + [Person(first=c) for c in middle]
    for full in of["full_name"]:
        if (at := _followed(full, roles[full], found, values)) is not None:
            found[at] = _with(found[at], full)
        else:
            found.append(Person(full=full))
    for column in (*of["user_name"], *of["email"]):
        at = _followed(column, roles[column], found, values)
        if at is None:
            alike = [i for i, p in enumerate(found) if not any(roles[c] == roles[column] for c in p.columns)]
            at = alike[0] if alike and not any(r in roles.values() for r in (*OWN_NAMES, "full_name")) else None
        if at is None:
            found.append(Person(followers=(column,)))
        else:
            found[at] = _with(found[at], column)
    return found


def _with(person: Person, column: str) -> Person:
    return Person(person.first, person.last, person.middle, person.full, (*person.followers, column))


def _nearest(column: str, others: Sequence[str]) -> str | None:
    """The one that is called alike: ``ship_first`` and ``ship_last``."""

    def alike(other: str) -> int:
        a, b = words(column).split("_"), words(other).split("_")
        return len(set(a) & set(b)) * 10 - abs(len(a) - len(b))

    return max(others, key=alike, default=None)


def _followed(
    column: str, role: str, people: Sequence[Person], values: Mapping[str, Sequence[str | None]]
) -> int | None:
    """The person whose names the values of ``column`` are made of, if there is one."""
    best: tuple[float, int | None] = (AGREED, None)
    for i, person in enumerate(people):
        source = Source.of(person, values)
        rows = spread([j for j, v in enumerate(values[column]) if v], SOME_ROWS)
        if not rows:
            continue
        for kind in source.kinds(role):
            texts = [source.text(kind, local(values[column][j] or "", role)) for j in rows]
            form, _ = Composition.fit(texts, [source.names(kind, j) for j in rows], 1)
            if form.share > best[0]:
                best = form.share, i
    return best[1]


def local(value: str, role: str) -> str:
    """What stands before the @."""
    return value.rpartition("@")[0] or value if role == "email" else value


@dataclass(frozen=True)
class Source:
    """The names of a person in the rows of the source, and the user name where one was chosen."""

    first: Sequence[str | None]
    last: Sequence[str | None]
    middle: Sequence[str | None] | None
    user: Sequence[str | None] | None = None

    @classmethod
    def of(cls, person: Person, values: Mapping[str, Sequence[str | None]], user: str | None = None) -> Source:
        chosen = values[user] if user else None
        middle = values[person.middle] if person.middle else None
        if person.full and not (person.first or person.last):
            parts = [full_names(v or "") for v in values[person.full]]
            return cls([p.get("first") for p in parts], [p.get("last") for p in parts], middle, chosen)
        rows = len(next(iter(values.values())))
        first, last = (values[c] if c else [None] * rows for c in (person.first, person.last))
        return cls(first, last, middle, chosen)

    @staticmethod
    def kinds(role: str) -> tuple[str, ...]:
        return ("exact",) if role == "full_name" else ("plain", "umlauts")

    @staticmethod
    def text(kind: str, value: str) -> str:
        """``value`` in the spelling of ``names``."""
        return value if kind == "exact" else ascii_of(value).lower()

    def names(self, kind: str, row: int) -> dict[str, str]:
        """The fields of templates for a row."""
        spell = SPELLINGS[kind]
        columns = {"first": self.first, "last": self.last, "middle": self.middle}
        out = {f: spell(v) for f, c in columns.items() if c is not None and (v := c[row])}
        if self.user is not None and (user := self.user[row]) and len(user) > 2 and kind != "exact":
            out["user"] = ascii_of(user).lower()
        return {f: v for f, v in out.items() if v}


@lru_cache(maxsize=100_000)
def _plain(name: str) -> str:
    return plain(name)


@lru_cache(maxsize=100_000)
def _umlauts(name: str) -> str:
    return plain_umlauts(name)


def _title(name: str) -> str:
    return "".join(filter(str.isalnum, ascii_of(name)))


SPELLINGS: Mapping[str, Callable[[str], str]] = {"exact": str, "plain": _plain, "umlauts": _umlauts, "title": _title}


def spelled(name: str, kind: str) -> str:
    """``name`` as addresses of ``kind`` spell it; one in another script as a name of Latin letters that stands for
    it."""
    found = SPELLINGS[kind](name)
    if found or not name:
        return found
    return SPELLINGS[kind](_stand_ins()[int(hashes(texts_of([name]), 0)[0] % len(_stand_ins()))])


@lru_cache(maxsize=1)
def _stand_ins() -> tuple[str, ...]:
    return invented(2000, 0)


def full_names(text: str) -> dict[str, str]:
    """``first``, ``last``, ``middle`` of a full name: the last word is the family's unless a comma follows the
    first."""
    tokens = [(m.group(), text[m.end() : m.end() + 1]) for m in NAME.finditer(text)]
    initials = [t for t, after in tokens if len(t) == 1 and after in (".", " ")]
    named = [(t, after) for t, after in tokens if len(t) > 1 and after != "." and t.casefold() not in NO_NAMES]
    if not named:
        return {}
    if len(named) == 1:
        return {"first": named[0][0]}
    turned = named[0][1] == ","
    first, last = (named[1][0], named[0][0]) if turned else (named[0][0], named[-1][0])
    between = named[2:] if turned else named[1:-1]
    out = {"first": first, "last": last}
    if initials and not between:
        out["middle"] = initials[0]
    elif len(between) == 1:
        out["middle"] = between[0][0]
    return out


def are_names(texts: Sequence[str]) -> bool:
    """Whether they begin, or end, with first names of some language."""
    some = [f["first"] for t in texts[:2000] if len(f := full_names(t)) > 1]
    return len(some) >= 0.5 * len(texts[:2000]) and sum(plain(n) in known_first_names() for n in some) >= 0.3 * len(
        some
    )


def host_of(company: str) -> str:
    """What a company would call its domain: ``Müller & Söhne GmbH`` -> ``mullersohne``."""
    return plain(LEGAL.sub(" ", company))[:40]


def company_of(domains: Sequence[str], companies: Mapping[str, Sequence[str | None]]) -> tuple[str | None, float]:
    """The column with the companies after which the ``domains`` of the same rows are called, and in which share of
    them."""
    best: tuple[str | None, float] = None, 0.0
    for column, names in companies.items():
        rows = [(plain(d.split(".")[0]), host_of(n)) for d, n in zip(domains, names, strict=True) if d and n][
            :SOME_ROWS
        ]
        share = sum(d == h for d, h in rows) / max(1, len(rows))
        if share > max(AGREED, best[1]):
            best = column, share
    return best
