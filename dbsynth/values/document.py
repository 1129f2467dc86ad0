"""JSON documents, learned: which keys they have together, of which types, arrays of which lengths, and what their
scalars are. Scalars at the paths of objects can be columns of the table's model; the rest is drawn here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.codec.base import ColumnSpec
from dbsynth.schema.types import arrow_type
from dbsynth.values.base import ValueGenerator
from dbsynth.values.forms import choose
from dbsynth.values.leaves import Leaf
from dbsynth.values.lists import Entries, Items
from dbsynth.values.scalars import NO_DOCUMENT, MomentForm, NumberForm, json_strings
from dbsynth.values.shapes import Shapes
from dbsynth.values.trie import ABSENT, ARRAY, BOOLEAN, KINDS, NULL, NUMBER, OBJECT, STRING, Known, kind_of, placed


@dataclass
class Path:
    """``key`` under the path ``parent`` (-1: the root). ``states`` int, ``shares`` float: what stands there where the
    parent is an object: a kind (see ``trie``), or, from ``len(KINDS)`` on, one of ``tags``, JSON texts on which other
    paths depend. ``always``: of a declared type that has the key in every object. ``strings`` None: made by a generator
    that serves the object."""

    key: str
    parent: int
    states: np.ndarray
    shares: np.ndarray
    tags: tuple[str, ...] = ()
    always: bool = False
    number_form: NumberForm | None = None
    numbers: Leaf | None = None
    moment_form: MomentForm | None = None
    strings: Leaf | None = None
    true: float = 0.0
    items: Items | None = None
    entries: Entries | None = None
    column: str | None = None
    """Of the model: the scalars of ``kind``, or the lengths of arrays."""
    kind: int = ABSENT
    copied: str | None = None
    """The column of the row that the scalars of ``kind`` repeat."""
    state_column: str | None = None
    """Of the model: what stands there, as a number in ``states``."""


@dataclass
class Document:
    """``paths``: parents first. ``shape_column``: of the model, None where it has none. ``makers``: generators of the
    strings of an object, with the path of each of their columns. ``compact``: no blanks are written."""

    paths: list[Path]
    shapes: Shapes
    makers: list[tuple[dict[str, int], list[ValueGenerator]]] = field(default_factory=list)
    shape_column: str | None = None
    compact: bool = False

    @property
    def columns(self) -> list[str]:
        found = [self.shape_column, *(c for p in self.paths for c in (p.state_column, p.column))]
        return [c for c in found if c is not None]

    def specs(self) -> list[ColumnSpec]:
        """How the columns of the model are coded."""
        out = []
        if self.shape_column is not None:
            size = len(self.shapes.weights) + 1
            out.append(ColumnSpec(self.shape_column, None, "code", nullable=False, cardinality=size))
        for path in self.paths:
            if path.state_column is not None:
                size = len(path.states) + 1
                out.append(ColumnSpec(path.state_column, None, "code", nullable=False, cardinality=size))
            if path.column is not None:
                out.append(_spec(path))
        return out

    def unfold(self, documents: Sequence[Any]) -> dict[str, pa.Array]:
        """Columns of the model, a row a document; ``None``: there is none, all its columns are null or 0."""
        if not self.columns:
            return {}
        there = np.array([d is not NO_DOCUMENT for d in documents], bool)
        found = placed([None if d is NO_DOCUMENT else d for d in documents], self._known(), len(self.paths))
        states = np.zeros((len(documents), len(self.paths)), np.int64)
        for i, (path, at) in enumerate(zip(self.paths, found, strict=True)):
            states[at.rows, i] = states_of(path.tags, at.values)
        out: dict[str, pa.Array] = {}
        if self.shape_column is not None:
            out[self.shape_column] = pa.array(np.where(there, 1 + self.shapes.of(states), 0))
        for i, (path, at) in enumerate(zip(self.paths, found, strict=True)):
            if path.state_column is not None:
                place = (states[:, i][:, None] == path.states[None, :]).argmax(axis=1)
                out[path.state_column] = pa.array(np.where(there, 1 + place, 0))
            if path.column is not None:
                rows = [r for r, v in zip(at.rows, at.values, strict=True) if kind_of(v) == path.kind and there[r]]
                values = [
                    at.values[i] for i, v in enumerate(at.values) if kind_of(v) == path.kind and there[at.rows[i]]
                ]
                out[path.column] = spread(_column(path, values), np.array(rows, np.int64), len(documents))
        return out

    def scalars(self, documents: Sequence[Any]) -> dict[int, tuple[int, pa.Array]]:
        """Per path with scalars of one kind: the kind and its values, a row a document."""
        found = placed([None if d is NO_DOCUMENT else d for d in documents], self._known(), len(self.paths))
        out = {}
        for i, (path, at) in enumerate(zip(self.paths, found, strict=True)):
            kinds = {kind for v in at.values if (kind := kind_of(v)) != NULL}
            if len(kinds) == 1 and (kind := kinds.pop()) in (NUMBER, STRING, BOOLEAN) and not path.tags:
                path.kind = kind
                own = [(r, v) for r, v in zip(at.rows, at.values, strict=True) if v is not None]
                values = _column(path, [v for _, v in own])
                out[i] = (kind, spread(values, np.array([r for r, _ in own], np.int64), len(documents)))
        return out

    def copy(self, at: int, name: str) -> None:
        """The scalars at the path ``at`` repeat the column ``name`` of the row."""
        path = self.paths[at]
        if path.column is not None and at not in self.shapes.parts and len(path.states) > 1:
            path.state_column = path.state_column or path.column + "?"
        path.copied, path.column = name, None

    def _known(self) -> Known:
        nodes = [Known(i) for i in range(len(self.paths))]
        for i, path in enumerate(self.paths):
            if path.parent >= 0:
                nodes[path.parent].below[path.key] = nodes[i]
        return nodes[0]

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        texts: list[str] = self.fold(count, {}, rng).to_pylist()
        return texts

    def fold(self, count: int, given: Mapping[str, pa.Array], rng: np.random.Generator) -> pa.Array:
        """JSON texts. ``given``: the columns of the model, each of ``count`` rows; what is not given or null though its
        path is there is drawn."""
        states = self._states(count, given, rng)
        made: dict[int, pa.Array] = {}
        for columns, makers in self.makers:
            present = {key: states[:, i] == STRING for key, i in columns.items()}
            for maker in makers:
                fresh = maker.generate({c: present[c] for c in maker.columns}, {}, rng)
                made |= {columns[c]: json_strings(v) for c, v in fresh.items()}
        texts: dict[int, pa.Array] = {}
        for i in reversed(range(len(self.paths))):
            inner = [j for j, p in enumerate(self.paths) if p.parent == i]
            texts[i] = self._texts(i, states[:, i], inner, texts, made, given, rng)
            for j in inner:
                del texts[j]
        return texts[0]

    def _states(self, count: int, given: Mapping[str, pa.Array], rng: np.random.Generator) -> np.ndarray:
        """int (count, paths)."""
        shape = np.zeros(0, np.int64)
        if self.shape_column is not None and self.shape_column in given:
            shape = given[self.shape_column].to_numpy() - 1
        if len(shape) != count or (shape < 0).any():
            drawn = choose(self.shapes.weights, count, rng)
            shape = np.where(shape >= 0, shape, drawn) if len(shape) == count else drawn
        states = np.zeros((count, len(self.paths)), np.int64)
        states[:, self.shapes.parts] = self.shapes.states[shape]
        shaped = set(self.shapes.parts.tolist())
        for i, path in enumerate(self.paths):
            if i not in shaped:
                states[:, i] = self._free(path, count, given, rng)
            if path.parent >= 0:
                states[states[:, path.parent] != OBJECT, i] = ABSENT
        return states

    def _free(self, path: Path, count: int, given: Mapping[str, pa.Array], rng: np.random.Generator) -> np.ndarray:
        if len(path.states) == 1:
            return np.full(count, path.states[0])
        if path.state_column is not None and path.state_column in given:
            place = given[path.state_column].to_numpy() - 1
            if (place >= 0).all():
                return np.asarray(path.states[place])
            drawn = path.states[choose(path.shares, count, rng)]
            return np.asarray(np.where(place >= 0, path.states[place], drawn))
        if path.column is not None and path.column in given and path.kind in path.states and len(path.states) == 2:
            other = int(path.states[path.states != path.kind][0])
            return np.where(given[path.column].is_null().to_numpy(zero_copy_only=False), other, path.kind)
        return np.asarray(path.states[choose(path.shares, count, rng)])

    def _texts(
        self,
        at: int,
        states: np.ndarray,
        inner: Sequence[int],
        texts: Mapping[int, pa.Array],
        made: Mapping[int, pa.Array],
        given: Mapping[str, pa.Array],
        rng: np.random.Generator,
    ) -> pa.Array:
        """What stands at a path, null where there is nothing."""
        path, parts = self.paths[at], [(np.zeros(0, np.int64), pa.array([], pa.string()))]
        for state in np.unique(states):
            rows = np.flatnonzero(states == state)
            column = _given(path, given) if state == path.kind else None
            known = column.take(pa.array(rows)) if column is not None else None
            if state == ABSENT:
                part = pa.array([None if not path.always else "null"], pa.string()).take(pa.array(rows * 0))
            elif state == NULL:
                part = _same("null", len(rows))
            elif state >= len(KINDS):
                part = _same(path.tags[state - len(KINDS)], len(rows))
            elif state == OBJECT:
                part = self._objects(path, rows, inner, texts, rng)
            elif state == ARRAY:
                part = path.items.texts(len(rows), known, rng, self.compact) if path.items else _same("[]", len(rows))
            elif state == STRING and at in made and known is None:
                part = made[at].take(pa.array(rows))
            else:
                part = _scalars(path, int(state), len(rows), known, rng)
            parts.append((rows, part))
        order = np.argsort(np.concatenate([r for r, _ in parts]), kind="stable")
        return parts[1][1] if len(parts) == 2 else pa.concat_arrays([p for _, p in parts]).take(pa.array(order))

    def _objects(
        self,
        path: Path,
        rows: np.ndarray,
        inner: Sequence[int],
        texts: Mapping[int, pa.Array],
        rng: np.random.Generator,
    ) -> pa.Array:
        if path.entries is not None:
            return path.entries.texts(len(rows), rng, self.compact)
        colon, comma = (":", ",") if self.compact else (": ", ", ")
        pieces = []
        for j in inner:
            head = comma + json.dumps(self.paths[j].key, ensure_ascii=False) + colon
            part = texts[j] if len(rows) == len(texts[j]) else texts[j].take(pa.array(rows))
            # a null for what is absent makes the piece null; pyarrow's null_handling="skip" loses rows of nulls only
            pieces.append(pc.fill_null(pc.binary_join_element_wise(head, part, ""), ""))
        if not pieces:
            return _same("{}", len(rows))
        body = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*pieces, ""), len(comma))
        return pc.binary_join_element_wise("{", body, "}", "")


def _given(path: Path, given: Mapping[str, pa.Array]) -> pa.Array | None:
    if path.copied in given:
        type_ = arrow_type(_type(path))
        return pc.cast(given[path.copied], type_, safe=False) if path.copied is not None else None
    return given.get(path.column) if path.column is not None else None


def states_of(tags: Sequence[str], values: Sequence[Any]) -> np.ndarray:
    """int64 (values,): see ``Path``."""
    kinds = np.array([kind_of(v) for v in values], np.int64)
    if not tags:
        return kinds
    place = {t: len(KINDS) + i for i, t in enumerate(tags)}
    tagged = [
        place.get(json.dumps(v, ensure_ascii=False), kind) if kind in (STRING, BOOLEAN) else kind
        for v, kind in zip(values, kinds.tolist(), strict=True)
    ]
    return np.array(tagged, np.int64)


def spread(values: pa.Array, rows: np.ndarray, count: int) -> pa.Array:
    """``values`` at ``rows`` of ``count``, null elsewhere."""
    at = np.full(count, -1, np.int64)
    at[rows] = np.arange(len(rows))
    return values.take(pa.array(at, mask=at < 0))


def _spec(path: Path) -> ColumnSpec:
    assert path.column is not None
    if path.kind == ARRAY:
        return ColumnSpec(path.column, sqltypes.BigInteger(), "number", low=0)
    category = path.kind == BOOLEAN or (path.kind == STRING and path.moment_form is None)
    return ColumnSpec(
        path.column, _type(path), "category" if category else "number" if path.kind == NUMBER else "moment"
    )


def _type(path: Path) -> TypeEngine[Any]:
    """Of the scalars of ``kind``."""
    if path.kind == NUMBER:
        assert path.number_form is not None
        return path.number_form.type
    if path.kind == BOOLEAN:
        return sqltypes.Boolean()
    return path.moment_form.type if path.moment_form is not None else sqltypes.Text()


def _column(path: Path, values: Sequence[Any]) -> pa.Array:
    if path.kind == ARRAY:
        return pa.array([len(v) for v in values], pa.int64())
    if path.kind == NUMBER:
        assert path.number_form is not None
        return path.number_form.column(values)
    if path.kind == BOOLEAN:
        return pa.array(values, pa.bool_())
    return path.moment_form.column(values) if path.moment_form is not None else pa.array(values, pa.string())


def _scalars(path: Path, kind: int, count: int, known: pa.Array | None, rng: np.random.Generator) -> pa.Array:
    written = _written(path, kind, known) if known is not None else pa.nulls(count, pa.string())
    open_ = np.flatnonzero(written.is_null().to_numpy(zero_copy_only=False))
    if not len(open_):
        return written
    fresh = _drawn(path, kind, len(open_), rng)
    return fresh if len(open_) == count else pc.coalesce(written, spread(fresh, open_, count))


def _written(path: Path, kind: int, known: pa.Array) -> pa.Array:
    if kind == NUMBER:
        assert path.number_form is not None
        return path.number_form.written(known)
    if kind == BOOLEAN:
        return pc.if_else(known, "true", "false")
    return json_strings(path.moment_form.written(known) if path.moment_form is not None else known)


def _drawn(path: Path, kind: int, count: int, rng: np.random.Generator) -> pa.Array:
    if kind == BOOLEAN:
        return pc.if_else(pa.array(rng.random(count) < path.true), "true", "false")
    leaf = path.numbers if kind == NUMBER else path.strings
    return leaf.texts(count, rng) if leaf is not None else _same('""' if kind == STRING else "0", count)


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)
