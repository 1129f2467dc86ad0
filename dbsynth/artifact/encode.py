"""Objects ↔ JSON and named arrays, by structure. Only classes of ``registry`` are written and read; reading sets the
declared fields of such a class to values of the declared types, and calls nothing that the file names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.artifact.registry import BY_CLASS, BY_NAME, SQL_NAMES, SQL_TYPES
from dbsynth.codec.units import arrow_name, arrow_named
from dbsynth.errors import InternalError

TAG = "$"


class Unreadable(ValueError):
    """A document does not say what it should: what and where."""


class Encoder:
    """``tensors`` collects the arrays of all that ``encode`` was given."""

    def __init__(self) -> None:
        self.tensors: dict[str, np.ndarray] = {}

    def encode(self, value: Any) -> Any:
        """JSON for ``value``; InternalError for an object of a class that is not registered."""
        match value:
            case None | bool() | str():
                return str(value) if isinstance(value, str) else value
            case np.bool_() | np.integer() | np.floating() | np.str_():
                return self.encode(value.item())
            case int():
                return value
            case float():
                return value if math.isfinite(value) else {TAG: "float", "v": repr(value)}
            case list():
                return [self.encode(v) for v in value]
            case tuple():
                return {TAG: "tuple", "v": [self.encode(v) for v in value]}
            case Set():
                return {TAG: "set", "v": [self.encode(v) for v in sorted(value)]}
            case Mapping():
                return {TAG: "map", "v": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
            case Decimal():
                return {TAG: "decimal", "v": str(value)}
            case datetime():
                return {TAG: "moment", "v": value.isoformat()}
            case np.ndarray():
                return self._array(value)
            case pa.DataType():
                return {TAG: "arrow type", "v": arrow_name(value)}
            case pa.Table():
                columns = [self._arrow(c.combine_chunks()) for c in value.columns]
                return {TAG: "rows", "names": list(value.column_names), "v": columns}
            case TypeEngine():
                return self._sql_type(value)
        name = BY_CLASS.get(type(value))
        if name is None:
            raise InternalError(f"a {type(value).__name__} cannot be saved", hint="please report it")
        written = {f: self.encode(getattr(value, f)) for f in BY_NAME[name].fields}
        return {TAG: "object", "class": name, "v": written}

    def _put(self, array: np.ndarray) -> str:
        name = str(len(self.tensors))
        self.tensors[name] = array
        return name

    def _array(self, array: np.ndarray) -> Any:
        if array.dtype == object:
            return {TAG: "texts", "v": [None if v is None else str(v) for v in array]}
        return {TAG: "array", "name": self._put(array), "dtype": str(array.dtype), "shape": list(array.shape)}

    def _arrow(self, array: pa.Array) -> Any:
        """The values as they are in memory, those of nulls set to zero, and which of them count."""
        valid = np.asarray(array.is_valid())
        out: dict[str, Any] = {TAG: "column", "type": arrow_name(array.type), "length": len(array)}
        if array.null_count:
            out["valid"] = self._array(valid)
        if pa.types.is_string(array.type):
            texts = [(v or "").encode("utf-8", "surrogatepass") for v in array.to_pylist()]
            out["ends"] = self._array(np.cumsum([len(t) for t in texts], dtype=np.int64))
            out["values"] = self._array(np.frombuffer(b"".join(texts), np.uint8))
        else:
            out["values"] = self._array(_fixed(array, valid))
        return out

    def _sql_type(self, type_: TypeEngine[Any]) -> Any:
        known = next((c for c in type(type_).__mro__ if c in SQL_TYPES), None)
        if known is None:
            raise InternalError(f"a column type {type_!r} cannot be saved", hint="please report it")
        written = {name: self.encode(getattr(type_, name)) for name in SQL_TYPES[known]}
        return {TAG: "type", "class": known.__name__, "v": written}


class Decoder:
    """The inverse, over the arrays of the same file. Raises Unreadable."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.tensors = tensors

    def decode(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.decode(v) for v in tree]
        if not isinstance(tree, dict):
            return tree
        try:
            return self._tagged(tree)
        except (
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
            InvalidOperation,
            OverflowError,
            pa.ArrowException,
        ) as e:
            raise Unreadable(f"something of kind {tree.get(TAG)!r} is incomplete") from e

    def _tagged(self, tree: Mapping[str, Any]) -> Any:
        match tree[TAG]:
            case "float":
                return float(tree["v"])
            case "tuple":
                return tuple(self.decode(v) for v in _list(tree["v"]))
            case "set":
                return frozenset(self.decode(v) for v in _list(tree["v"]))
            case "map":
                return {self.decode(k): self.decode(v) for k, v in _list(tree["v"])}
            case "decimal":
                return Decimal(_text(tree["v"]))
            case "moment":
                return datetime.fromisoformat(_text(tree["v"]))
            case "texts":
                return np.array([None if v is None else _text(v) for v in _list(tree["v"])], object)
            case "array":
                return self._array(tree)
            case "arrow type":
                return arrow_named(_text(tree["v"]))
            case "rows":
                columns = [self._arrow(c) for c in _list(tree["v"])]
                return pa.table(columns, names=[_text(n) for n in _list(tree["names"])])
            case "type":
                return self._sql_type(tree)
            case "object":
                return self._object(tree)
        raise Unreadable(f"it holds something of an unknown kind {tree[TAG]!r}")

    def _object(self, tree: Mapping[str, Any]) -> Any:
        entry = BY_NAME.get(_text(tree["class"]))
        if entry is None:
            raise Unreadable(f"it holds an object of an unknown class {tree['class']!r}")
        return entry.build(self._fields(tree, entry.fields))

    def _fields(self, tree: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        if set(tree["v"]) != set(wanted):
            raise Unreadable(f"{tree['class']} has other fields than it should")
        found = {name: self.decode(tree["v"][name]) for name in wanted}
        for name, hint in wanted.items():
            if not fits(found[name], hint):
                raise Unreadable(f"{tree['class']}.{name} is of another type than it should be")
        return found

    def _array(self, tree: Mapping[str, Any]) -> np.ndarray:
        array = self.tensors[tree["name"]]
        if str(array.dtype) != tree["dtype"] or list(array.shape) != tree["shape"]:
            raise Unreadable(f"array {tree['name']!r} has another type or shape than it should")
        return array

    def _arrow(self, tree: Mapping[str, Any]) -> pa.Array:
        if tree[TAG] != "column":
            raise Unreadable("a table holds something that is no column")
        type_, length = arrow_named(_text(tree["type"])), int(tree["length"])
        valid = self._array(tree["valid"]) if "valid" in tree else np.ones(length, bool)
        values = self._array(tree["values"])
        if len(valid) != length or valid.dtype != bool:
            raise Unreadable("a column has other values than rows")
        mask = pa.array(valid).buffers()[1] if not valid.all() else None
        if pa.types.is_string(type_):
            ends = self._array(tree["ends"])
            if len(ends) != length or ends.dtype != np.int64 or values.dtype != np.uint8 or len(values) >= 2**31:
                raise Unreadable("a column of texts is incomplete")
            starts = np.concatenate([[0], ends])
            if (np.diff(starts) < 0).any() or starts[-1] != len(values):
                raise Unreadable("a column of texts has ends outside of it")
            buffers = [mask, pa.py_buffer(starts.astype(np.int32).tobytes()), pa.py_buffer(values.tobytes())]
        else:
            if pa.types.is_boolean(type_):
                values = np.packbits(values, bitorder="little")
                wanted = -(-length // 8)
            else:
                wanted = length * type_.bit_width // 8
            if values.nbytes != wanted:
                raise Unreadable("a column has other values than rows")
            buffers = [mask, pa.py_buffer(values.tobytes())]
        array = pa.Array.from_buffers(type_, length, buffers)
        array.validate(full=not pa.types.is_time64(type_))  # Arrow knows no 24:00, which travels all the same
        return array

    def _sql_type(self, tree: Mapping[str, Any]) -> TypeEngine[Any]:
        cls = SQL_NAMES.get(_text(tree["class"]))
        if cls is None:
            raise Unreadable(f"it holds a column type of an unknown class {tree['class']!r}")
        arguments = self._fields(tree, SQL_TYPES[cls])
        if cls is sqltypes.Enum:
            return sqltypes.Enum(*arguments["enums"], name=arguments["name"], schema=arguments["schema"])
        return cls(**arguments)


def _fixed(array: pa.Array, valid: np.ndarray) -> np.ndarray:
    """The values of an array of fixed width, zero where they are null: bool (rows,), or 8-byte words (rows, words)."""
    if pa.types.is_boolean(array.type):
        return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), bool)
    width = array.type.bit_width // 8
    buffer = array.buffers()[1]
    raw = np.frombuffer(buffer, np.uint8)[array.offset * width : (array.offset + len(array)) * width]
    rows = raw.reshape(len(array), width).copy()
    rows[~valid] = 0
    return rows


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("it holds something else where a list should be")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("it holds something else where a text should be")
    return value


def fits(value: Any, hint: Any) -> bool:
    """Whether ``value`` is of the annotated type. Of a protocol: whether its class is registered."""
    if hint is Any:
        return True
    if hint is str:
        return isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is None or hint is NoneType:
        return value is None
    if origin in (Union, UnionType):
        return any(fits(value, a) for a in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return all(fits(v, arguments[0]) for v in value)
        return len(value) == len(arguments) and all(fits(v, a) for v, a in zip(value, arguments, strict=True))
    kind: Any = origin or hint
    if getattr(kind, "_is_protocol", False) and kind.__module__.startswith("dbsynth"):
        return type(value) in BY_CLASS
    if not isinstance(kind, type) or not isinstance(value, kind):
        return False
    if isinstance(value, Mapping) and arguments:
        return all(fits(k, arguments[0]) and fits(v, arguments[1]) for k, v in value.items())
    if isinstance(value, Sequence | Set) and arguments:
        return all(fits(v, arguments[0]) for v in value)
    return True
