"""Values that are made, not modelled: which generator serves which column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.rng import derive, generator
from dbsynth.schema.model import Column, Table
from dbsynth.schema.roles import AREAS, DIRECT, PROSE
from dbsynth.schema.types import Structured, arrow_type
from dbsynth.values.base import ValueGenerator
from dbsynth.values.binary import Bytes
from dbsynth.values.by_role import drawer_by_role, generator_by_role
from dbsynth.values.codes import Codes
from dbsynth.values.column import Drawer, MadeColumn, shared_values
from dbsynth.values.document import Document
from dbsynth.values.folded import Noted
from dbsynth.values.guard import Guard
from dbsynth.values.hidden import without
from dbsynth.values.learn import Setting, learn
from dbsynth.values.listed import Listed
from dbsynth.values.members import Choice, Moments, Multiranges, Shared
from dbsynth.values.notations import ArrayText, JsonText, Notation, notation_of, readable
from dbsynth.values.numbers import NUMBER, Numbers
from dbsynth.values.pattern import Pattern
from dbsynth.values.person import Identities
from dbsynth.values.person_columns import PERSON_ROLES, persons
from dbsynth.values.phrase import TOKEN, Phrase
from dbsynth.values.place import FOLLOWING, KINDS, Urls, following, places
from dbsynth.values.pools import pool
from dbsynth.values.scalars import NO_DOCUMENT
from dbsynth.values.special import (
    Bits,
    Composite,
    Money,
    Plain,
    Ranges,
    SearchVectors,
    ZonedTimes,
)
from dbsynth.values.structured import Networks, Template, Uuids
from dbsynth.values.tokens import UniqueIds
from dbsynth.values.voices import Voices
from dbsynth.values.xmltext import XmlText, is_xml

__all__ = ["fit_document", "fit_generators"]

WORDED = PROSE - {"code"} | {"path", "slug", "language", "user_agent"}
"""Roles of texts that are made of words; the others are built as codes."""
CODED = frozenset(["code", "label", "natural_key", "sku"])
"""Roles of texts that may be built from other columns of their row."""
SENTENCES = frozenset(["text", "html", "markdown"])
"""Roles of running text."""

FIT_ROWS = 50_000
"""Values that are looked at to learn a shape; the guard knows all of them."""


class Role(Protocol):
    @property
    def role(self) -> str: ...


def fit_generators(
    table: Table,
    data: pa.Table,
    roles: Mapping[str, Role],
    columns: Sequence[str],
    *,
    unique: Collection[str],
    k: int,
    seed: int,
    locale: str | None = None,
    guides: Sequence[str] | None = None,
    beside: Mapping[str, pa.Array] | None = None,
    hidden: Set[str] = frozenset(),
) -> list[ValueGenerator]:
    """Generators for ``columns`` of ``table``, in an order in which they can run. ``data``: rows of the source.
    ``guides``: columns that are in the row before and mean the same in source and clone; all others, if not given.
    ``beside``: columns of other rows that are too, row by row (their ``roles`` are given). ``hidden``: words
    that stand for a person or a firm somewhere in the source (``hidden.py``): never words of a text."""
    beside = beside or {}
    before = [c.name for c in table.stored_columns if c.name not in columns] if guides is None else guides
    known = [c for c in (*columns, *before) if _is_text(table.column(c))]
    known += [c for c, array in beside.items() if pa.types.is_string(array.type)]
    people = {c: roles[c].role for c in known if roles[c].role in PERSON_ROLES}
    firms = [c for c in columns if roles[c].role == "company" and c not in people]
    columns_ = {c: data.column(c).combine_chunks() for c in (*columns, *before)} | dict(beside)
    values = {c: columns_[c].to_pylist() for c in (*people, *firms)}
    told = {c: columns_[c] for c in (*before, *beside) if c not in people}
    made: list[ValueGenerator] = [
        Identities(
            str(table.name),
            person,
            columns,
            people,
            values,
            unique=set(unique) & set(people),
            lengths={c: _length(table.column(c)) for c in people if c not in beside},
            k=k,
            seed=derive(seed, "people", *person.columns),
            locale=locale,
            guides=told,
            companies={c: values[c] for c in firms},
        )
        for person in persons(people, values)
        if set(person.columns) & set(columns)
    ]
    tongue = locale or next((m.who.locale for m in made if isinstance(m, Identities)), None)
    named = {w.casefold() for c in people for v in values[c] if v for w in TOKEN.findall(v)}
    others = [c.name for c in table.stored_columns if c.name not in columns and (guides is None or guides)]
    for name in columns:
        if name not in people:
            column, role = table.column(name), roles[name].role
            shown = data
            if hidden and _is_text(column):
                at = data.schema.get_field_index(name)
                shown = data.set_column(at, data.schema.field(at), without(data.column(name), hidden))
            own = _single(
                table, column, role, shown, name in unique, k, derive(seed, name), tongue, named, told, others
            )
            made.insert(0, own) if name in firms else made.append(own)  # addresses may be called after the company
    return made


def fit_document(
    texts: Sequence[str],
    type_: TypeEngine[Any],
    owner: str,
    k: int,
    seed: int,
    *,
    notation: Notation | None = None,
    column: str = "",
    most: int = 0,
) -> Document:
    """What is in the documents ``texts`` (JSON, if no ``notation`` is given) of a column of ``type_``. ``owner``: what
    their strings are called. ``column``, ``most``: the name before those of the columns of a model, and how many of
    these there may be."""

    def makers(table: Table, data: pa.Table, roles: Mapping[str, Role], columns: Sequence[str], seed: int) -> list[Any]:
        return fit_generators(table, data, roles, columns, unique=(), k=k, seed=seed, guides=())

    def typer(inner: TypeEngine[Any], known: Sequence[str]) -> Drawer | None:
        return _member(inner, known, k, generator(seed, "member"))

    families = ("document", "composite")
    typed = isinstance(type_, sqltypes.ARRAY) or (isinstance(type_, Structured) and type_.family in families)
    declared = type_ if typed else None
    documents = [d for d in map((notation or JsonText()).parse, texts) if d is not NO_DOCUMENT]
    return learn(documents, Setting(k, makers, typer, owner, column, most), seed, declared)


def fit_noted(notation: Notation, texts: Sequence[str], type_: TypeEngine[Any], owner: str, k: int, seed: int) -> Noted:
    """A drawer for texts in ``notation``."""
    return Noted(notation, fit_document(texts, type_, owner, k, seed, notation=notation))


def _is_text(column: Column) -> bool:
    return isinstance(column.type, sqltypes.String) and not isinstance(column.type, sqltypes.Enum)


def _length(column: Column) -> int | None:
    length = getattr(column.type, "length", None)
    return int(length) if length else None


def _known(data: pa.Table, name: str) -> list[str]:
    values: list[str] = data.column(name).drop_null().to_pylist()
    return values


def _single(
    table: Table,
    column: Column,
    role: str,
    data: pa.Table,
    unique: bool,
    k: int,
    seed: int,
    locale: str | None,
    named: Set[str],
    guides: Mapping[str, pa.Array],
    others: Sequence[str],
) -> ValueGenerator:
    """``guides``: columns that the values may follow; ``named``: words of the names of the table's people, which are no
    words for other columns; ``others``: columns that stand in the row before."""
    own_kind = generator_by_role(table, column, role, data, unique=unique, k=k, seed=seed)
    if own_kind is not None:
        return own_kind
    type_ = arrow_type(column.type)
    if not pa.types.is_string(type_):
        array = data.column(column.name).combine_chunks().drop_null()
        if pa.types.is_date32(type_):
            array = array.cast(pa.int32())
        elif pa.types.is_boolean(type_):
            array = array.cast(pa.int8())
        elif not pa.types.is_floating(type_) and not pa.types.is_decimal(type_):
            array = array.cast(pa.int64())
        numbers = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return Plain(column.name, type_, numbers[np.isfinite(numbers)], k, unique=unique)
    known = _known(data, column.name)
    codes = _codes(column, data, others, k) if role in CODED and _is_text(column) else None
    if isinstance(codes, Codes):
        guard = Guard([] if codes.told and not codes.chosen else known, derive(seed, "guard"))
        kept, longest = shared_values(known), _length(column)
        return MadeColumn(str(table.name), column.name, codes, guard, unique=unique, max_length=longest, shared=kept)
    # what a person's row says of them, and free text, is never the source's, however many say the same
    own = unique or bool(named) or role in DIRECT | PROSE - {"label", "code"} or not _is_text(column)
    kept = shared_values(known, None if own else k)
    shared = {v for v, _ in kept}
    everything = [v for v in known if v not in shared]
    values = everything[:FIT_ROWS]
    rng = generator(seed, "fit")
    distinct = len(set(values)) / len(values) if values else 1.0
    guarded = set(everything) if not isinstance(column.type, Structured | sqltypes.JSON | sqltypes.ARRAY) else set()
    drawer = _drawer(column, role, values, k, rng, seed, locale, named, unique)
    if role in FOLLOWING and _is_text(column):
        if role in AREAS:  # what k rows share is a place
            guarded, distinct = {v for v, n in Counter(everything).items() if n < k}, 1.0
        source = data.column(column.name).combine_chunks()
        drawer = following(role, source, guides, drawer, locale=locale, k=k, seed=seed, named=named)
    if isinstance(drawer, Ranges | Bits) or (isinstance(drawer, Listed) and drawer.open):
        guarded = set()
    return MadeColumn(
        str(table.name),
        column.name,
        drawer,
        Guard(guarded, derive(seed, "guard")),
        unique=unique,
        max_length=_length(column) if _is_text(column) else None,
        distinct=max(distinct, 1e-3),
        shared=kept,
    )


def _codes(column: Column, data: pa.Table, others: Sequence[str], k: int) -> Codes | Pattern:
    """What the values of ``column`` say of their rows; a Pattern where they say nothing."""
    own = data.column(column.name).combine_chunks()
    at = pc.indices_nonzero(pc.fill_null(pc.not_equal(own, ""), False)).slice(0, FIT_ROWS)
    beside = {c: data.column(c).combine_chunks().take(at) for c in others}
    return Codes.fit(own.take(at).to_pylist(), beside, k, _length(column))


def _drawer(
    column: Column,
    role: str,
    values: list[str],
    k: int,
    rng: np.random.Generator,
    seed: int,
    locale: str | None,
    named: Set[str],
    unique: bool,
) -> Drawer:
    type_ = column.type
    if isinstance(type_, sqltypes.Uuid):
        return UniqueIds(values, k)
    if isinstance(type_, sqltypes.JSON) or (role == "json" and values):
        return fit_document(values, type_, column.name, k, seed)
    if isinstance(type_, sqltypes.ARRAY):
        return fit_noted(ArrayText(type_.item_type), values, type_, column.name, k, seed)
    if isinstance(type_, sqltypes.LargeBinary):
        return Bytes(values, k)
    if isinstance(type_, Structured):
        return _structured(type_, values, k, rng)
    if role in KINDS:
        return places(role, values, locale, k, seed, named)
    common = [w for w in pool("word") if w.casefold() not in named]
    by_role = drawer_by_role(role, values, k, common, unique=unique)
    if by_role is not None:
        return by_role
    if role == "url":
        return Urls(values, k, common)
    if role in WORDED and values:
        if is_xml(values):
            return fit_noted(XmlText.of(values), values, type_, column.name, k, seed)
        if role in SENTENCES:
            return Voices.fit(values, k, seed=derive(seed, "text"), named=named)
        return Phrase.fit(values, k, others=common)
    return Pattern.fit(values, k, _length(column))


def _member(type_: TypeEngine[Any], values: Sequence[str], k: int, rng: np.random.Generator) -> Drawer | None:
    """For the members of an array whose type does not take any text or number."""
    match type_:
        case sqltypes.Uuid():
            return Uuids()
        case sqltypes.JSON():
            return fit_document(values, type_, "", k, int(rng.integers(2**63)))
        case sqltypes.LargeBinary():
            return Bytes(values, k)
        case Structured():
            return _structured(type_, values, k, rng)
        case sqltypes.Enum():
            return Choice(values, type_.enums)
        case sqltypes.Boolean():
            return Choice(values, ("t", "f"))
        case sqltypes.Date() | sqltypes.DateTime():
            return Moments(values, k)
        case sqltypes.Time():
            return Shared(values, k, "12:00:00")
        case sqltypes.Interval():
            return Shared(values, k, "1 day")
        case sqltypes.Numeric() | sqltypes.Integer():
            return Numbers([v for v in values if NUMBER.fullmatch(v)] or ["0"], k)
        case _:
            return None


def _structured(type_: Structured, values: Sequence[str], k: int, rng: np.random.Generator) -> Drawer:
    notation = XmlText.of(values) if type_.family == "xml" else notation_of(type_)
    if notation is not None and readable(notation, values):
        return fit_noted(notation, values, type_, type_.declared, k, int(rng.integers(2**63)))
    match type_.family:
        case "range":
            return Ranges(values, k)
        case "composite":
            return Composite(values, k)
        case "network":
            return Networks(values, k)
        case "bits":
            return Bits(values, k)
        case "money":
            return Money(values, k)
        case "tsvector":
            return SearchVectors(values, k)
        case "timetz":
            return ZonedTimes(values, k)
        case _ if Multiranges.fits(values):
            return Multiranges(values, k)
        case _:
            return Template(values, k) if Template.fits(values) else Pattern.fit(values, k)
