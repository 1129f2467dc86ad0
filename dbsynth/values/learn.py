"""Documents are learned: paths, kinds, shapes, leaves, and which paths become columns of the table's model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.rng import derive
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import ColumnRole, infer_roles
from dbsynth.schema.types import Structured
from dbsynth.values.base import ValueGenerator
from dbsynth.values.document import Document, Path, states_of
from dbsynth.values.leaves import MOSTLY, Drawer, Lengths, MomentSteps, Typed, Written, numbers_leaf, strings_choice
from dbsynth.values.lists import Entries, Items
from dbsynth.values.notations import dumps
from dbsynth.values.scalars import MomentForm, NumberForm
from dbsynth.values.shapes import MOST_STATES, TELLING, Shapes, telling
from dbsynth.values.trie import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    DEEPEST,
    KINDS,
    MOST_KEYS,
    NUMBER,
    OBJECT,
    STRING,
    Found,
    gathered,
    kind_of,
)

MOST_PATHS = 200
"""Paths of a document that are told apart."""
MOST_MEMBERS, MOST_ENTRIES = 50_000, 20_000
"""Members of arrays and entries of maps that are looked at."""
LEAST_SHARE = 0.05
"""A path in fewer of the documents is no column of the model."""
MAP_SHARE, LEAST_MAP = 0.5, 20
"""An object is a map where more of its entries have keys that fewer than k objects share."""
MOST_TAGS = 30
MOST_ARRAYS = 500
"""Arrays that are kept as they are, at most."""
INFERRED = 20_000
"""Rows by which the role of a string is told."""

SPECIAL = frozenset(["NaN", "Infinity", "-Infinity"])
"""Numbers that JSON does not have."""

Makers = Callable[[Table, pa.Table, dict[str, ColumnRole], list[str], int], list[ValueGenerator]]
"""Generators for columns of a table, given its rows, their roles, and a seed."""
Typer = Callable[[TypeEngine[Any], Sequence[str]], Drawer | None]
"""A drawer for the texts of a type that does not take any text."""


@dataclass(frozen=True)
class Setting:
    """What does not change from path to path. ``owner``: what the strings of the root are called; ``column``: the name
    before those of the model's columns; ``most``: how many of these there may be at most."""

    k: int
    makers: Makers
    typer: Typer
    owner: str
    column: str = ""
    most: int = 0


def learn(
    documents: Sequence[Any],
    setting: Setting,
    seed: int,
    type_: TypeEngine[Any] | None = None,
    depth: int = 0,
) -> Document:
    """``type_``: the declared type of the documents, where it says what is in them."""
    k = setting.k
    documents = documents or [None]
    root = gathered(documents, DEEPEST - depth)
    found, paths, types = _paths(root, k, type_)
    states = np.zeros((len(documents), len(paths)), np.int64)
    for i, at in enumerate(found):
        states[at.rows, i] = _common(states_of((), at.values), k)
    for i, tags in _tags(found, states, k).items():
        paths[i].tags = tags
        codes = states_of(tags, found[i].values)
        states[found[i].rows, i] = np.where(codes >= len(KINDS), codes, states[found[i].rows, i])
    shapes = Shapes.fit(states, k)
    for i, path in enumerate(paths):
        _leaf(path, found[i], types[i], setting, derive(seed, i), depth)
        here = states[states[:, path.parent] == OBJECT, i] if path.parent >= 0 else states[:, i]
        kinds, counts = np.unique(here, return_counts=True)
        if len(kinds):
            path.states, path.shares = kinds, counts / counts.sum()
    made = Document(paths, shapes)
    made.makers = _makers(made, found, setting, types, derive(seed, "strings"))
    if setting.most:
        _choose(made, found, states, setting, len(documents))
    return made


def _paths(
    root: Found, k: int, type_: TypeEngine[Any] | None
) -> tuple[list[Found], list[Path], list[TypeEngine[Any] | None]]:
    """What stands at each path, parents first; keys that fewer than k objects have are left out."""
    found, paths, types = [root], [_path("", -1)], [type_]
    i = 0
    while i < len(found):
        at = found[i]
        declared = dict(types[i].fields) if isinstance(types[i], Structured) else {}  # type: ignore[union-attr]
        objects = sum(type(v) is dict for v in at.values)
        least = min(k, objects)
        known = {key: at.below.get(key, Found()) for key in declared} if declared else at.below
        if not declared and _is_map(at, k):
            known = {}
        for key, child in known.items():
            if (declared or len(child.rows) >= least) and len(found) < MOST_PATHS:
                found.append(child)
                paths.append(_path(key, i))
                paths[-1].always = bool(declared)
                types.append(declared.get(key))
        i += 1
    return found, paths, types


def _path(key: str, parent: int) -> Path:
    return Path(key, parent, np.zeros(1, np.int64), np.ones(1))


def _is_map(at: Found, k: int) -> bool:
    entries = sum(len(c.rows) for c in at.below.values())
    rare = sum(len(c.rows) for c in at.below.values() if len(c.rows) < k)
    return len(at.below) > MOST_KEYS or (len(at.below) > LEAST_MAP and rare > MAP_SHARE * entries)


def _common(kinds: np.ndarray, k: int) -> np.ndarray:
    """``kinds`` with those that fewer than k have as the commonest."""
    if not len(kinds):
        return kinds
    counts = np.bincount(kinds, minlength=len(KINDS))
    return np.where(counts[kinds] >= min(k, counts.max()), kinds, counts.argmax())


def _tags(found: Sequence[Found], states: np.ndarray, k: int) -> dict[int, tuple[str, ...]]:
    """Paths whose values, of few kinds, tell which other paths there are."""
    out: dict[int, tuple[str, ...]] = {}
    for i, at in enumerate(found):
        if not len(at.rows) or not all(isinstance(v, str | bool) for v in at.values[:100]):
            continue
        counts = Counter(json.dumps(v, ensure_ascii=False) for v in at.values if isinstance(v, str | bool))
        if not 2 <= len(counts) <= MOST_TAGS or min(counts.values()) < k:
            continue
        tags = tuple(sorted(counts))
        codes = np.zeros(len(states), np.int64)
        codes[at.rows] = states_of(tags, at.values)
        others = np.delete(states, i, axis=1)
        if telling(codes, others) >= TELLING:
            out[i] = tags
    return out


def _leaf(path: Path, at: Found, type_: TypeEngine[Any] | None, setting: Setting, seed: int, depth: int) -> None:
    """What is drawn at the path: numbers, strings that are no maker's, arrays, maps."""
    k = setting.k
    numbers = [v for v in at.values if kind_of(v) == NUMBER]
    if numbers:
        path.number_form, path.numbers = NumberForm.of(numbers), numbers_leaf(numbers, k)
    truths = [v for v in at.values if type(v) is bool]
    path.true = sum(truths) / max(1, len(truths))
    arrays = [v for v in at.values if type(v) is list]
    inner = replace(setting, owner=path.key or setting.owner, column="", most=0)
    if arrays:
        path.items = _items(arrays, inner, seed, _element(type_), depth)
    strings = [v for v in at.values if type(v) is str]
    if strings:
        _strings(path, strings, type_, setting)
    if _is_map(at, k) and not getattr(type_, "fields", ()):
        path.entries = _entries([v for v in at.values if type(v) is dict], inner, seed, _element(type_), depth)


def _element(type_: TypeEngine[Any] | None) -> TypeEngine[Any] | None:
    """The type of the members; a further dimension has those of the first."""
    if isinstance(type_, sqltypes.ARRAY):
        return type_.item_type
    return type_.element if isinstance(type_, Structured) else type_


def _strings(path: Path, strings: list[str], type_: TypeEngine[Any] | None, setting: Setting) -> None:
    form = MomentForm.of(strings)
    if form is not None:
        column = form.column(strings)
        path.moment_form, path.strings = form, MomentSteps.of(form, column, setting.k)
    elif isinstance(type_, sqltypes.Numeric) and SPECIAL.issuperset(strings):
        path.strings = strings_choice(strings, setting.k)
    elif type_ is not None and (drawer := setting.typer(type_, strings)) is not None:
        path.strings = Typed(drawer)


def _items(arrays: list[list[Any]], setting: Setting, seed: int, type_: TypeEngine[Any] | None, depth: int) -> Items:
    lengths = Lengths.of([len(a) for a in arrays], setting.k)
    if whole := _shared_arrays(arrays, setting.k):
        return Items(lengths, learn([], setting, seed, None, depth + 1), whole=whole)
    dimensions = [_dimensions(a) for a in arrays]
    common = Counter(len(d) for d in dimensions if d).most_common(1)
    grid = common[0][0] if common and all(dimensions) else 1
    if grid > 1:  # an array of fewer dimensions is an empty one, or from a column of several kinds
        arrays = [_members(a, grid) for a, d in zip(arrays, dimensions, strict=True) if len(d) == grid]
        inner = Counter(d[1:] for d in dimensions if len(d) == grid)
        known = [(d, n) for d, n in inner.most_common(100) if n >= min(setting.k, max(inner.values()))]
    flat: list[Any] = []
    for array in arrays:
        flat += array
        if len(flat) >= MOST_MEMBERS:
            break
    member = learn(flat, setting, derive(seed, "members"), type_, depth + 1)
    if grid > 1:
        grids, weights = tuple(d for d, _ in known), np.array([n for _, n in known], float)
        return Items(lengths, member, grids=grids, weights=weights)
    long = [a for a in arrays if len(a) > 1]
    if len(long) < setting.k:
        return Items(lengths, member)
    kinds = {kind_of(v) for a in long[:1000] for v in a}
    if kinds not in ({NUMBER}, {STRING}):
        return Items(lengths, member)
    numeric = kinds == {NUMBER}
    keys = [[float(v) for v in a] if numeric else a for a in long if {kind_of(v) for v in a} == kinds]
    distinct = all(len(set(a)) == len(a) for a in keys)
    order = 1 if all(a == sorted(a) for a in keys) else -1 if all(a == sorted(a, reverse=True) for a in keys) else 0
    constant = all(len(set(a)) == 1 for a in keys)
    return Items(lengths, member, distinct, 0 if constant else order, numeric)


def _shared_arrays(arrays: list[list[Any]], k: int) -> dict[int, Written]:
    """By length the arrays that at least k documents share; {} where more than a few are others."""
    counts = Counter(dumps(a) for a in arrays)
    shared = {text for text, n in counts.items() if n >= k}
    if len(shared) > MOST_ARRAYS or sum(counts[t] for t in shared) < MOSTLY * len(arrays):
        return {}
    groups: dict[int, list[str]] = {}
    for array in arrays:
        if (text := dumps(array)) in shared:
            groups.setdefault(len(array), []).append(text)
    return {size: Written.of(texts, k) for size, texts in groups.items()}


def _dimensions(array: list[Any]) -> tuple[int, ...]:
    """The length along each dimension; () for lists that are not all of one length, or not all lists."""
    if not any(type(v) is list for v in array):
        return (len(array),)
    inner = {_dimensions(v) if type(v) is list else () for v in array}
    return (len(array), *inner.pop()) if len(inner) == 1 and () not in inner else ()


def _members(array: list[Any], depth: int) -> list[Any]:
    return array if depth == 1 else [m for inner in array for m in _members(inner, depth - 1)]


def _entries(
    objects: list[dict[str, Any]], setting: Setting, seed: int, type_: TypeEngine[Any] | None, depth: int
) -> Entries:
    keys = [key for o in objects for key in o][:MOST_ENTRIES]
    values = [v for o in objects for v in o.values()][:MOST_ENTRIES]
    table = _table(setting.owner, ["key"])
    data = pa.table({"key": pa.array(keys, pa.string())})
    roles = infer_roles(table, data.slice(0, INFERRED), setting.k)
    makers = setting.makers(table, data, roles, ["key"], derive(seed, "keys"))
    member = learn(values, setting, derive(seed, "values"), type_, depth + 1)
    return Entries(Lengths.of([len(o) for o in objects], setting.k), makers[0], member)


def _makers(
    document: Document, found: Sequence[Found], setting: Setting, types: Sequence[object], seed: int
) -> list[tuple[dict[str, int], list[ValueGenerator]]]:
    """Of each object generators for its strings, those that belong together (a first name, an e-mail) in one. Where k
    documents share most of the strings, they need none."""
    out = []
    groups: dict[int, list[int]] = {}
    for i, path in enumerate(document.paths):
        if path.strings is None and any(type(v) is str for v in found[i].values):
            groups.setdefault(path.parent, []).append(i)
    for parent, members in groups.items():
        owner = (document.paths[parent].key if parent >= 0 else "") or setting.owner
        names = {document.paths[i].key if parent >= 0 else owner: i for i in members}
        rows = found[parent].rows if parent >= 0 else found[0].rows
        data = pa.table({name: _texts(found[i], rows) for name, i in names.items()})
        table = _table(owner, list(names))
        roles = infer_roles(table, data.slice(0, INFERRED), setting.k)
        for name, i in list(names.items()):
            if roles[name].kind == "category":
                document.paths[i].strings = strings_choice([v for v in found[i].values if type(v) is str], setting.k)
                del names[name]
        if names:
            out.append((names, setting.makers(table, data, roles, list(names), derive(seed, parent))))
    return out


def _texts(at: Found, rows: Sequence[int]) -> pa.Array:
    held = {r: v for r, v in zip(at.rows, at.values, strict=True) if type(v) is str}
    return pa.array([held.get(r) for r in rows], pa.string())


def _table(name: str, columns: Sequence[str]) -> Table:
    return Table(TableName("", name), tuple(Column(c, sqltypes.Text(), "text", True) for c in columns))


def _choose(document: Document, found: Sequence[Found], states: np.ndarray, setting: Setting, count: int) -> None:
    """Name the columns of the model: the shape, the scalars at the paths that most documents have, and what stands at
    paths that are in no shape."""
    paths, shaped = document.paths, set(document.shapes.parts.tolist())
    if len(document.shapes.weights) > 1:
        document.shape_column = f"{setting.column}\0keys"
    order = sorted(range(len(paths)), key=lambda i: -len(found[i].rows))
    left = setting.most
    for i in order:
        path = paths[i]
        if len(found[i].rows) < LEAST_SHARE * count or not left:
            break
        path.kind = _kind(path, found[i], setting.k)
        if path.kind != ABSENT:
            path.column = f"{setting.column}\0{i} {_name(paths, i)}"
            left -= 1
    for i in order:
        path = paths[i]
        simple = path.column is not None and path.kind in path.states and len(path.states) == 2
        if i in shaped or not 1 < len(path.states) <= MOST_STATES or simple or not left:
            continue
        path.state_column = f"{setting.column}\0{i} {_name(paths, i)}?"
        left -= 1


def _kind(path: Path, at: Found, k: int) -> int:
    """The kind of scalar that is learned at a path, or ARRAY for lengths; ABSENT where nothing varies or can be."""
    counts = Counter(kind_of(v) for v in at.values)
    kind = next((kind for kind, _ in counts.most_common() if kind in (NUMBER, STRING, BOOLEAN, ARRAY)), ABSENT)
    if path.tags and kind in (STRING, BOOLEAN):
        return ABSENT
    if kind == STRING and (path.strings is None or isinstance(path.strings, Typed)):
        return ABSENT
    values = [len(v) if kind == ARRAY else v for v in at.values if kind_of(v) == kind]
    return kind if len(values) >= 2 * k and len(set(values)) > 1 else ABSENT


def _name(paths: Sequence[Path], at: int) -> str:
    keys = []
    while at > 0:
        keys.append(paths[at].key)
        at = paths[at].parent
    return ".".join(reversed(keys))
