"""People: names, e-mail addresses and user names that belong together in a row and to nobody in the source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from dbsynth.rng import derive
from dbsynth.values.addresses import Composition, Domains
from dbsynth.values.base import spread
from dbsynth.values.column import MadeColumn, shared_values
from dbsynth.values.guard import Guard
from dbsynth.values.lexicon import Lexicon, split
from dbsynth.values.locales import latin
from dbsynth.values.names import FAMILY, GIVEN, Names, Style
from dbsynth.values.person_columns import (
    AGREED,
    FIT_ROWS,
    OWN_NAMES,
    Person,
    Source,
    are_names,
    company_of,
    full_names,
    local,
)
from dbsynth.values.person_rows import Following, Never, Rows
from dbsynth.values.phrase import Phrase
from dbsynth.values.spelling import ascii_of
from dbsynth.values.who import Who

SHARED_PART = 0.1
"""A word that so many of the names that are built alike have is none of a person."""
OWN_FORM = 0.5
"""So many full names must be built of first and family name; others are built word by word."""
CHUNK = 262_144
"""Rows that are made at once: bounds the memory."""


class Identities:
    """The columns of one ``person``. ``columns``: those that are made; the others are in the row already."""

    guarded = True

    def __init__(
        self,
        table: str,
        person: Person,
        columns: Sequence[str],
        roles: Mapping[str, str],
        values: Mapping[str, Sequence[str | None]],
        *,
        unique: set[str],
        lengths: Mapping[str, int | None],
        k: int,
        seed: int,
        locale: str | None = None,
        guides: Mapping[str, pa.Array] | None = None,
        companies: Mapping[str, Sequence[str | None]] | None = None,
    ) -> None:
        """``values``: the columns of the source, row by row; ``guides``: columns that mean the same in the clone;
        ``companies``: columns with the names of companies."""
        self.person, self.roles = person, {c: roles[c] for c in person.columns}
        self.columns = tuple(c for c in person.columns if c in columns)
        known = {c: [v for v in values[c] if v] for c in person.columns}
        source = Source.of(person, values)
        first, last = ([n for n in names if n] for names in (source.first, source.last))
        self.who = Who.fit(source.first, source.last, guides or {}, k, locale)
        self.first_style, self.last_style = Style.fit(first, k), Style.fit(last, k)
        # names of a column of their own are left out of the pool, not refused when drawn: the address shall match
        rare = _rare([t for name in (*first, *last) for t in name.split()], k)
        taken = [
            Guard([*names, *(t for n in names for t in re.split(r"[ -]", n)), *rare], derive(seed, kind))
            for kind, names in (("first", first), ("last", last))
        ]
        western = latin([*first, *last, *(v for c in known for v in known[c])])
        self.first, self.last = (
            Names.fit(
                self.who.locales, kinds, style, guard, derive(seed, *kinds), shares=self.who.expected, western=western,
                longest=lengths.get(column) if column else None,
            )
            for kinds, style, guard, column in (
                (GIVEN, self.first_style, taken[0], person.first), (FAMILY, self.last_style, taken[1], person.last)
            )
        )  # fmt: skip
        self.how: dict[str, Following] = {}
        for column in person.columns:
            if column in self.columns:
                own = derive(seed, column)
                self.how[column] = (
                    Following(case=case_of(known[column], "as it is"))
                    if roles[column] in OWN_NAMES
                    else self._learned(column, values, k, own, companies or {})
                )
        self.makers = {
            c: MadeColumn(
                table, c, Never(), self._guard(c, known[c], lengths.get(c), seed),
                unique=c in unique, max_length=lengths.get(c), shared=shared_values(values[c]),
            )
            for c in self.columns
        }  # fmt: skip

    def _learned(
        self,
        column: str,
        values: Mapping[str, Sequence[str | None]],
        k: int,
        seed: int,
        companies: Mapping[str, Sequence[str | None]],
    ) -> Following:
        role, own = self.roles[column], values[column]
        domains = company = None
        if role == "email" and _addresses([v for v in own if v]):
            hosts = [v.rpartition("@")[2] if v and "@" in v else "" for v in own]
            company, share = company_of(hosts, companies)
            domains = Domains.fit([h for h in hosts if h], k, derive(seed, "domains"), share)
        user = next((c for c in self.person.columns if self.roles[c] == "user_name" and c != column), None)
        source = Source.of(self.person, values, user)
        rows = spread([i for i, v in enumerate(own) if v], FIT_ROWS)
        texts = [local(v, role) if domains else v for i in rows if (v := own[i])]
        whole = column == self.person.full
        best: tuple[Composition, list[str], str] | None = None
        for kind in source.kinds(role):
            names = [full_names(t) for t in texts] if whole else [source.names(kind, i) for i in rows]
            form, others = Composition.fit([source.text(kind, t) for t in texts], names, k)
            if best is None or form.share > best[0].share + 0.005:
                best = form, others, kind
        assert best is not None
        form, others, kind = best
        if form.share < (OWN_FORM if whole else AGREED) or (whole and not are_names(texts)):
            turned = role == "full_name" and sum("," in t for t in texts) > 0.5 * len(texts)
            return Following(phrase=self._phrase(texts, k, turned), domains=domains, company=company)
        spelling = "title" if kind != "exact" and (case := case_of(texts, "lower")) == "title" else kind
        phrase = self._phrase(others, k, False) if len(others) >= 2 * k else None
        if phrase is None:
            form = replace(form, templates=tuple(t for t in form.templates if t.parts))
        case = case_of(texts, "as it is" if kind == "exact" else "lower")
        return Following(form, phrase, case, spelling, domains, company)

    def _phrase(self, known: Sequence[str], k: int, turned: bool) -> Phrase:
        spell = ascii_of if all(map(str.isascii, known)) else str
        first, last = (split([spell(n) for n in x.texts], x.weights) for x in (self.first, self.last))
        both = Counter(first) + Counter(last)
        lexicons = [Lexicon.of(first), Lexicon.of(last)][:: -1 if turned else 1]
        return Phrase.fit(known, k, words=Lexicon.of(both), first=lexicons[0], last=lexicons[1], least=SHARED_PART)

    def _guard(self, column: str, values: Sequence[str], longest: int | None, seed: int) -> Guard:
        """Empty where the pools themselves hold no name of the column."""
        pools = {self.person.first: self.first, self.person.last: self.last}
        if column in pools:
            whole = longest is None or max(map(len, pools[column].texts)) <= longest
        else:
            how = self.how[column]
            apart = self.person.first is not None or self.person.last is not None  # made, if elsewhere
            whole = self.roles[column] == "full_name" and how.phrase is None and apart
        return Guard([] if whole else values, derive(seed, "guard", column))

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        n = len(next(iter(present.values())))
        parts: dict[str, list[pa.Array]] = {c: [] for c in self.columns}
        seen = {c: row[c] for c in self._seen() if c in row}
        for start in range(0, max(1, n), CHUNK):
            beside = {c: a.slice(start, CHUNK) for c, a in seen.items()}
            people = Rows(self, min(CHUNK, n - start), beside, rng)
            for column in self._in_turn():
                parts[column].append(people.made(column, present[column][start : start + CHUNK], rng))
        return {c: pa.concat_arrays(arrays) for c, arrays in parts.items()}

    def avoid(self, there: Mapping[str, pa.Array]) -> None:
        for maker in self.makers.values():
            maker.avoid(there)

    def _in_turn(self) -> list[str]:
        """Names that may be refused come first, the others last: should an address be taken, the row gets another
        name."""
        refused = [c for c in self.columns if self.makers[c].unique or len(self.makers[c].guard)]
        whole = [c for c in self.person.followers if c in self.columns and self.roles[c] == "full_name"]
        addresses = [c for c in self.person.followers if c in self.columns and c not in whole]
        names = [c for c in self.columns if c not in self.person.followers]
        first = [c for c in names if c in refused or c == self.person.full]
        return [*first, *addresses, *(c for c in names if c not in first), *whole]

    def _seen(self) -> list[str]:
        """The columns of the row that its people go by."""
        told = [self.who.country, self.who.sex, *(h.company for h in self.how.values())]
        return [*(c for c in told if c), *(c for c in self.person.columns if c not in self.columns)]


def case_of(values: Sequence[str], usual: str) -> str:
    """``upper``, ``lower``, else ``title`` if half of them have capitals where the ``usual`` is to have none."""
    some = values[:300]
    if sum(v.isupper() for v in some) > 0.8 * max(1, len(some)):
        return "upper"
    if sum(v.islower() for v in some) > 0.8 * max(1, len(some)):
        return "lower"
    return "title" if usual == "lower" and sum(not v.islower() for v in some) > 0.5 * len(some) else usual


def _rare(tokens: Sequence[str], k: int) -> set[str]:
    counts = Counter(t.casefold() for t in tokens)
    return {t for t, n in counts.items() if n < k}


def _addresses(values: Sequence[str]) -> bool:
    some = values[:300]
    return sum("@" in v for v in some) >= 0.5 * len(some) > 0
