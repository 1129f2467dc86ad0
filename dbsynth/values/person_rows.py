"""The people of the rows at hand: their names, and the columns that are made of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.addresses import Composition, Domains
from dbsynth.values.column import placed
from dbsynth.values.person_columns import full_names, host_of, spelled
from dbsynth.values.phrase import Phrase
from dbsynth.values.who import as_text

if TYPE_CHECKING:
    from dbsynth.values.person import Identities

NEW_NAMES = 2
"""Turns in which a row whose address is taken gets another name, if nothing was made of it yet."""
OWN_TURNS = 4
ANY_LENGTH = 2**31
LONGEST_LOCAL = 64
"""Before the @ (RFC 5321)."""


@dataclass(frozen=True)
class Following:
    """How one column is made. ``form``: of the row's names; ``phrase``: how values of no name are built; ``case``:
    lower, upper, title or as it is; ``spelling``: of the names, as in ``SPELLINGS``; ``domains``: what stands behind
    the @; ``company``: the column with the company after which the domain is called."""

    form: Composition | None = None
    phrase: Phrase | None = None
    case: str = "as it is"
    spelling: str = "exact"
    domains: Domains | None = None
    company: str | None = None


class Rows:
    """``names``: per field of the templates a text for each row; ``row``: the columns that tell of the people."""

    def __init__(self, people: Identities, count: int, row: Mapping[str, pa.Array], rng: np.random.Generator) -> None:
        self.people, self.row, self.count = people, row, count
        self.locale, self.female = people.who.draw(row, count, rng)
        person, everyone = people.person, np.arange(count)
        fields = {f for h in people.how.values() if h.form for t in h.form.templates for f in t.fields}
        drawn = ["first", "last"] + ["middle"] * (person.middle is not None or any("middle" in f for f in fields))
        self.names = {f: self.drawn(f, everyone, rng) for f in drawn}
        self.open = set(self.names) - {"middle"}
        """The fields that nothing was made of yet."""
        for field, column in (("first", person.first), ("last", person.last), ("middle", person.middle)):
            if column is not None and column in row:
                self.names[field] = pc.coalesce(as_text(row[column]), self.names[field])
                self.open.discard(field)
        if person.full is not None and person.full in row:
            self._follow(as_text(row[person.full]), everyone)
            self.open.clear()
        for column in person.followers:
            if people.roles[column] == "user_name" and column in row:
                self.names.setdefault("user", pc.coalesce(as_text(row[column]), ""))

    def drawn(self, field: str, rows: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """Names for ``rows``: of their language and sex, two in one as often as in the source."""
        people = self.people
        pool, style = (people.last, people.last_style) if field == "last" else (people.first, people.first_style)
        out = pool.draw(self.locale[rows], self.female[rows], rng)
        chance, done = rng.random(len(rows)), 0.0
        for joint, share in style.double if field != "middle" else ():
            two = np.flatnonzero((chance >= done) & (chance < done + share))
            other = pool.draw(self.locale[rows[two]], self.female[rows[two]], rng)
            out = placed(out, two, pc.binary_join_element_wise(out.take(pa.array(two)), other, joint))
            done += share
        return out

    def made(self, column: str, present: np.ndarray, rng: np.random.Generator) -> pa.Array:
        maker = self.people.makers[column]
        shared, where = maker.shares(present, rng)
        if not len(where):
            return shared
        texts = maker.texts(len(where), rng, Column(self, column, where))
        if self.people.roles[column] == "user_name" and "user" not in self.names:
            self.names["user"] = placed(pa.array([""] * self.count, pa.string()), where, texts)
        if column == self.people.person.full:
            self._follow(texts, where)
        field = self.people.person.field(column)
        self.open -= {field} if field else {"first", "last"}
        return placed(shared, where, texts)

    def _follow(self, texts: pa.Array, rows: np.ndarray) -> None:
        """Take the names of ``rows`` from full names."""
        encoded = texts.dictionary_encode()
        found = [full_names(t or "") for t in encoded.dictionary.to_pylist()]
        for field in ("first", "last"):
            own = pa.array([f.get(field) for f in found], pa.string()).take(encoded.indices)
            self.names[field] = placed(
                self.names[field], rows, pc.coalesce(own, self.names[field].take(pa.array(rows)))
            )

    def spelled(self, rows: np.ndarray, kind: str, fields: set[str]) -> dict[str, pa.Array]:
        """``fields`` of templates for ``rows``."""
        out = {}
        for field, texts in self.names.items():
            asked = {f for f in fields if f.partition("_")[0] == field}
            if not asked:
                continue
            encoded = texts.take(pa.array(rows)).dictionary_encode()
            own = [
                (t or "").lower() if field == "user" else spelled(t or "", kind) for t in encoded.dictionary.to_pylist()
            ]
            whole = pa.array(own, pa.string())
            for name in asked:
                size = name.partition("_")[2]
                part = pc.utf8_slice_codeunits(whole, 0, int(size)) if size else whole
                out[name] = part.take(encoded.indices)
        return out


class Column:
    """Draws a column for the rows ``where``, of their own names; where an address of those is taken, of another name or
    the same with a number; where a name is, another. After ``OWN_TURNS`` (a short column has no place for numbers)
    addresses are of other names too."""

    def __init__(self, rows: Rows, column: str, where: np.ndarray) -> None:
        self.rows, self.column, self.where = rows, column, where
        self.role, self.how = rows.people.roles[column], rows.people.how[column]
        self.field = rows.people.person.field(column)
        self.limit = rows.people.makers[column].max_length
        self.which = np.zeros(0, np.int64)
        self.domain: pa.Array | None = None
        self.cut: np.ndarray | None = None

    def draw(self, count: int, rng: np.random.Generator) -> pa.Array:
        if self.how.form is not None:
            self.which = self.how.form.choose(count, rng)
            if self.how.form.cut is not None:
                self.cut = np.where(rng.random(count) < self.how.form.cut_share, self.how.form.cut, ANY_LENGTH)
        if self.how.domains is not None:
            self.domain = self._domains(self.how.domains, count, rng)
        return self._texts(np.arange(count), rng, 0)

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> pa.Array:
        at = np.array(rows, np.int64)
        first = bool(self.rows.open) and turn <= NEW_NAMES and self.how.form is not None
        whole = self.role == "full_name" and self.how.form is not None
        if self.field is not None or whole or first or turn > OWN_TURNS:
            self._rename(self.where[at], rng, turn)
        elif self.how.form is None and self.how.phrase is not None:
            locals_ = [v.rpartition("@")[0] if self.domain is not None else v for v in values]
            texts = pa.array(self.how.phrase.again(rows, locals_, rng, turn), pa.string())
            return self._addressed(texts, _empty(len(at)), at)
        return self._texts(at, rng, turn)

    def _rename(self, rows: np.ndarray, rng: np.random.Generator, turn: int) -> None:
        fields = [self.field] if self.field else sorted(self.rows.open) or ["first", "last"]
        if self.field is None and self.column != self.rows.people.person.full and not self.rows.open:
            # the row's own names stand elsewhere: only this value is of others
            self.rows = copy.copy(self.rows)
            self.rows.names = dict(self.rows.names)
        for field in fields:
            fresh = self.rows.drawn(field, rows, rng)
            for _ in range((turn - 1) // OWN_TURNS if self.field is not None else 0):  # there are too few single ones
                fresh = pc.binary_join_element_wise(fresh, self.rows.drawn(field, rows, rng), " ")
            self.rows.names[field] = placed(self.rows.names[field], rows, fresh)

    def _texts(self, at: np.ndarray, rng: np.random.Generator, turn: int) -> pa.Array:
        """Values of the rows ``where[at]``. ``turn``: how often they were drawn before."""
        rows, how = self.where[at], self.how
        if self.field is not None:
            return _cased(self.rows.names[self.field].take(pa.array(rows)), how.case)
        body, tail = _empty(len(rows)), _empty(len(rows))
        other = np.arange(len(rows))
        if how.form is not None:
            which = self.which[at]
            fields = {f for i in np.unique(which).tolist() for f in how.form.templates[i].fields}
            body, tail = how.form.written(which, self.rows.spelled(rows, how.spelling, fields), rng)
            other = np.flatnonzero(np.array([not t.parts for t in how.form.templates])[which])
        if len(other) and how.phrase is not None:
            texts = how.phrase.draw(len(other), rng, invented=turn > 0)
            body = placed(body, other, pa.array(texts, pa.string()))
        body = _cased(body, how.case) if how.form is not None else body
        if turn and self.role != "full_name" and not (self.rows.open and turn <= NEW_NAMES):
            more = pa.array(rng.integers(1, 10 ** min(turn + 1, 9), len(rows))).cast(pa.string())
            tail = pc.binary_join_element_wise(tail, more, "")
        return self._addressed(body, tail, at)

    def _addressed(self, body: pa.Array, tail: pa.Array, at: np.ndarray) -> pa.Array:
        """``body`` and ``tail`` with the domain, short enough: the body is cut."""
        domain = self.domain.take(pa.array(at)) if self.domain is not None else None
        room = np.full(len(at), self.limit if self.limit is not None else ANY_LENGTH, np.int64)
        if domain is not None:
            room = np.minimum(room - _sizes(domain) - 1, LONGEST_LOCAL)
        if self.cut is not None:
            room = np.minimum(room, self.cut[at])
        long = np.flatnonzero(_sizes(body) + _sizes(tail) > room)
        if len(long):
            left = np.maximum(1, room[long] - _sizes(tail.take(pa.array(long))))
            texts = body.take(pa.array(long)).to_pylist()
            cut = [t[:n].rstrip("._- ") or t[:1] for t, n in zip(texts, left.tolist(), strict=True)]
            body = placed(body, long, pa.array(cut, pa.string()))
        body = pc.binary_join_element_wise(body, tail, "")
        return body if domain is None else pc.binary_join_element_wise(body, domain, "@")

    def _domains(self, domains: Domains, count: int, rng: np.random.Generator) -> pa.Array:
        found = domains.draw(count, rng)
        company = self.rows.row.get(self.how.company or "")
        if company is None or not domains.company:
            return found
        encoded = as_text(company).take(pa.array(self.where)).dictionary_encode()
        hosts = [h + ".example" if (h := host_of(v)) else None for v in encoded.dictionary.to_pylist()]
        own = pa.array(hosts, pa.string()).take(encoded.indices)
        follows = pa.array(rng.random(count) < domains.company)
        return pc.coalesce(pc.if_else(follows, own, pa.scalar(None, pa.string())), found)


class Never:
    def draw(self, count: int, rng: np.random.Generator) -> pa.Array:
        raise RuntimeError("names are drawn row by row")


def _empty(count: int) -> pa.Array:
    return pa.array([""] * count, pa.string())


def _sizes(texts: pa.Array) -> np.ndarray:
    return np.asarray(pc.utf8_length(texts).to_numpy(zero_copy_only=False), np.int64)


def _cased(texts: pa.Array, case: str) -> pa.Array:
    return pc.utf8_upper(texts) if case == "upper" else pc.utf8_lower(texts) if case == "lower" else texts
