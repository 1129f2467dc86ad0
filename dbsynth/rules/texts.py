"""Texts that are made of other columns: a slug, initials, a digest, a code of a prefix and a number, names joined."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.families import Columns, same
from dbsynth.rules.rule import CHANCES, LEAST_SHARE, Rule, chosen
from dbsynth.rules.view import View

Form = Callable[[pa.Array], pa.Array]
LITERAL = "literal"
LEAST_PROBED = 8
MOST_SOURCES = 40
"""So many columns are tried as what others are made of."""
WORD = re.compile(r"[^\W_]+")


def _each(function: Callable[[str], str | None]) -> Form:
    """Called once for each different text."""

    def form(array: pa.Array) -> pa.Array:
        encoded = pc.dictionary_encode(array)
        values = pa.array([function(v) for v in encoded.dictionary.to_pylist()], pa.string())
        return pc.take(values, encoded.indices)

    return form


def _digest(name: str) -> Form:
    return _each(lambda v: hashlib.new(name, v.encode(), usedforsecurity=False).hexdigest())


def _initial(array: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(array, 0, 1)


FORMS: Mapping[str, Form] = {
    "text": lambda a: a,
    "upper": pc.utf8_upper,
    "lower": pc.utf8_lower,
    "initcap": pc.utf8_title,
    "reverse": pc.utf8_reverse,
    "trim": pc.utf8_trim_whitespace,
    "length": lambda a: pc.utf8_length(a).cast(pa.string()),
    "initial": _initial,
    "upper initial": lambda a: pc.utf8_upper(_initial(a)),
    "lower initial": lambda a: pc.utf8_lower(_initial(a)),
    "initials": _each(lambda v: "".join(w[0] for w in WORD.findall(v)).upper()),
    "slug": _each(lambda v: "-".join(WORD.findall(v)).lower()),
    "slug with _": _each(lambda v: "_".join(WORD.findall(v)).lower()),
    "first word": _each(lambda v: v.split(" ")[0]),
    "last word": _each(lambda v: v.split(" ")[-1]),
    "domain": _each(lambda v: v.rpartition("@")[2] if "@" in v else None),
    "name before @": _each(lambda v: v.rpartition("@")[0] if "@" in v else None),
    "md5": _digest("md5"),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
}
JOINED = ("text", "lower", "upper", "initial", "lower initial", "upper initial")
"""Forms of columns that are joined with others."""


def formed(form: str, array: pa.Array) -> pa.Array:
    """``left 3``, ``right 3``, ``pad 8`` take a number."""
    texts = array if pt.is_string(array.type) else array.cast(pa.string())
    name, _, size = form.partition(" ")
    if name == "left":
        return pc.utf8_slice_codeunits(texts, 0, int(size))
    if name == "right":
        return pc.utf8_slice_codeunits(texts, -int(size))
    if name == "pad":
        return pc.utf8_lpad(texts, width=int(size), padding="0")
    return FORMS[form](texts)


@dataclass(frozen=True)
class Piece:
    """A literal text, or a column in a form."""

    text: str
    form: str = LITERAL


@dataclass(frozen=True)
class Joined(Rule):
    """``column`` is the ``pieces`` one after another; null if one is null. ``strict`` False: there, and where it is
    null itself, the column has a value of its own."""

    pieces: tuple[Piece, ...]
    strict: bool

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.text for p in self.pieces if p.form != LITERAL))

    def describe(self) -> str:
        return f"{self.column} = {self.told}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        old = columns[self.column]
        fresh = joined(self.pieces, columns).cast(old.type)
        if self.strict:
            return {self.column: fresh}
        stay = fresh.is_null().to_numpy(zero_copy_only=False) | old.is_null().to_numpy(zero_copy_only=False)
        return {self.column: chosen(fresh, old, np.flatnonzero(stay))}


def joined(pieces: Sequence[Piece], columns: Columns) -> pa.Array:
    parts = [pa.scalar(p.text) if p.form == LITERAL else formed(p.form, columns[p.text]) for p in pieces]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "")


def find_texts(view: View) -> Iterator[Joined]:
    sources = _Sources(view)
    for column in view.open:
        whole = bool(pt.is_integer(view.rows[column].type))
        if not (view.texts(column) or whole) or view.size(column) < 3 or column in view.private:
            continue
        best: Joined | None = None
        tries = _Tries(sources, column)
        for pieces in tries.lengths() if whole else tries.all():
            found = _confirmed(view, column, pieces)
            if found is not None and (best is None or found.share > best.share):
                best = found
                if best.share == 1.0:
                    break
        if best is not None:
            yield best


class _Sources:
    """Columns that texts may be made of, on the rows of the probe, each form of them once."""

    def __init__(self, view: View) -> None:
        self.view = view
        names = [c for c in view.all if view.texts(c) or pt.is_integer(view.rows[c].type)]
        self.names = [c for c in names if not view.constant(c)][:MOST_SOURCES]
        self.forms: dict[tuple[str, str], list[str | None]] = {}

    def told(self, column: str, form: str) -> list[str | None]:
        if (column, form) not in self.forms:
            array = self.view.rows[column].take(pa.array(self.view.probe))
            self.forms[column, form] = formed(form, array).to_pylist()
        return self.forms[column, form]

    def whole(self, column: str) -> bool:
        return bool(pt.is_integer(self.view.rows[column].type))


class _Tries:
    """Pieces that agree with ``column`` on the rows of the probe in which it is not null."""

    def __init__(self, sources: _Sources, column: str) -> None:
        view = sources.view
        wanted = view.rows[column].take(pa.array(view.probe)).cast(pa.string()).to_pylist()
        self.rows = [i for i, w in enumerate(wanted) if w is not None]
        self.wanted: list[str] = [w for w in wanted if w is not None]
        self.sources, self.names = sources, [c for c in sources.names if c != column]
        self.before = set(view.all[: view.all.index(column)])

    def told(self, column: str, form: str) -> list[str | None]:
        known = self.sources.told(column, form)
        return [known[i] for i in self.rows]

    def all(self) -> Iterator[tuple[Piece, ...]]:
        if len(self.wanted) < LEAST_PROBED:
            return
        yield from self._single()
        yield from self._with_literals()

    def lengths(self) -> Iterator[tuple[Piece, ...]]:
        for c in self.names:
            if not self.sources.whole(c) and self._agree(c, "length"):
                yield (Piece(c, "length"),)

    def _agree(self, column: str, form: str) -> bool:
        """In nine of ten of the rows in which it is told, of which there are enough."""
        known, allowed = 0, len(self.wanted) // 10
        for told, wanted in zip(self.told(column, form), self.wanted, strict=True):
            if told is not None:
                known += 1
                if told != wanted:
                    allowed -= 1
                    if allowed < 0:
                        return False
        return known >= LEAST_PROBED

    def _single(self) -> Iterator[tuple[Piece, ...]]:
        """One column in some form. Forms that lose nothing count only where they read a column before."""
        sizes = {len(w) for w in self.wanted}
        for c in self.names:
            forms = ["text"] if self.sources.whole(c) else list(FORMS)
            if len(sizes) == 1:
                forms += [f"{f} {size}" for f in ("left", "right", "pad") for size in sizes]
            for form in forms:
                if form in ("text", "reverse", "trim") and c not in self.before:
                    continue
                if self._agree(c, form):
                    yield (Piece(c, form),)
                    break

    def _with_literals(self) -> Iterator[tuple[Piece, ...]]:
        """A prefix, one or two columns with something between them, a suffix."""
        prefix, suffix = _common(self.wanted)
        for head in dict.fromkeys((prefix, "")):
            for tail in dict.fromkeys((suffix, "")):
                rest = [w[len(head) : len(w) - len(tail)] for w in self.wanted]
                if min(map(len, rest)) == 0:
                    continue
                starts, ends = self._meeting(rest)
                if head or tail:
                    yield from (_pieces(head, p, tail) for p in starts if p in ends)
                for first in starts:
                    for last in ends:
                        if first.text != last.text and (between := self._between(rest, first, last)) is not None:
                            yield _pieces(head, first, tail, between, last)

    def _meeting(self, rest: list[str]) -> tuple[list[Piece], list[Piece]]:
        """Columns, in their forms, with which all of ``rest`` begin, and with which they end."""
        starts, ends = [], []
        sizes = {len(r) for r in rest}
        for c in self.names:
            forms: list[str] = list(JOINED)
            if self.sources.whole(c):
                forms = ["text"] + [f"pad {size}" for size in sizes if len(sizes) == 1]
            for form in forms:
                told = self.told(c, form)
                if not all(told):
                    continue
                starts += (
                    [Piece(c, form)] if all(r.startswith(t or "") for r, t in zip(rest, told, strict=True)) else []
                )
                ends += [Piece(c, form)] if all(r.endswith(t or "") for r, t in zip(rest, told, strict=True)) else []
        return starts, ends

    def _between(self, rest: list[str], first: Piece, last: Piece) -> str | None:
        a, b = self.told(first.text, first.form), self.told(last.text, last.form)
        found = {
            r[len(x or "") : len(r) - len(y or "")] if len(r) >= len(x or "") + len(y or "") else None
            for r, x, y in zip(rest, a, b, strict=True)
        }
        return found.pop() if len(found) == 1 else None


def _pieces(head: str, first: Piece, tail: str, between: str = "", last: Piece | None = None) -> tuple[Piece, ...]:
    found = [Piece(head), first, Piece(between), *([last] if last else []), Piece(tail)]
    return tuple(p for p in found if p.text)


def _common(texts: Sequence[str]) -> tuple[str, str]:
    """What all begin and end with, but for digits."""
    head = texts[0]
    for text in texts:
        while not text.startswith(head):
            head = head[:-1]
    head = head.rstrip("0123456789")
    tail = texts[0][len(head) :]
    for text in texts:
        while not text[len(head) :].endswith(tail):
            tail = tail[1:]
    return head, tail.lstrip("0123456789")


def _confirmed(view: View, column: str, pieces: tuple[Piece, ...]) -> Joined | None:
    wanted = view.rows[column]
    told = joined(pieces, view.rows).cast(wanted.type)
    both = pc.and_(told.is_valid(), wanted.is_valid()).to_numpy(zero_copy_only=False)
    alike = same(told, wanted)
    shares = [alike[both & half].mean() for half in (view.first_half, ~view.first_half) if (both & half).any()]
    if both.sum() < view.least or min(shares) < LEAST_SHARE:
        return None
    reads = list(dict.fromkeys(p.text for p in pieces if p.form != LITERAL))
    for name in reads:
        others = {**view.rows, name: view.rows[name].take(pa.array(view.shuffled))}
        strange = same(joined(pieces, others).cast(wanted.type), wanted)
        if (~strange & both).sum() < CHANCES + (~alike & both).sum():
            return None
    strict = bool((told.is_null().to_numpy(zero_copy_only=False) == view.null(column)).all())
    certain = column in view.nullable or not any(c in view.nullable for c in reads)
    share = float(alike[both].mean())
    rule = Joined(
        f"{view.label}.{column} = {_written(pieces)}", view.table, column, int(both.sum()), view.size(column), share,
        strict and share == 1.0 and certain, pieces, strict,
    )  # fmt: skip
    return rule if column not in view.made or strict else replace(rule, whole=False)


def _written(pieces: Sequence[Piece]) -> str:
    told = []
    for p in pieces:
        if p.form == LITERAL:
            told.append(f"'{p.text}'")
        else:
            told.append(p.text if p.form == "text" else f"{p.form}({p.text})")
    return " || ".join(told)
