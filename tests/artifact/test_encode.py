"""Objects as JSON and arrays: what comes back is what went in, and nothing else can come back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects.postgresql import JSONB

from dbsynth.artifact.encode import Decoder, Encoder, Unreadable, fits
from dbsynth.artifact.registry import BY_NAME
from dbsynth.errors import InternalError
from dbsynth.rng import generator
from dbsynth.schema.model import Check, Column, Key, Schema, Table, TableName
from dbsynth.schema.types import Structured
from dbsynth.values import fit_generators
from dbsynth.values.guard import Guard


def through(value: Any) -> Any:
    encoder = Encoder()
    tree = json.loads(json.dumps(encoder.encode(value), allow_nan=False))
    return Decoder(encoder.tensors).decode(tree)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(plain)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    assert repr(through(value)) == repr(value)


def test_moments_sets_and_odd_numbers_come_back() -> None:
    value = {
        "now": datetime(2024, 1, 2, tzinfo=UTC),
        "lines": frozenset({"b", "a"}),
        "$": float("inf"),
        "n": np.int64(3),
    }
    back = through(value)
    assert back == value
    assert type(back["n"]) is int
    assert np.isnan(through(float("nan")))


@given(
    st.sampled_from(["int8", "int64", "uint64", "float32", "float64", "bool"]),
    st.lists(st.integers(0, 100), max_size=12),
)
def test_arrays_keep_type_and_shape(dtype: str, values: list[int]) -> None:
    array = np.array(values).astype(dtype).reshape(-1, 1)
    back = through([array])[0]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert (back == array).all()


def test_rows_come_back_with_their_nulls() -> None:
    rows = pa.table(
        {
            "i": pa.array([1, None, -(2**63)]),
            "s": pa.array(["ä", None, ""]),
            "b": pa.array([True, None, False]),
            "d": pa.array([Decimal("1.25"), None, Decimal("-9.00")], pa.decimal128(38, 2)),
            "t": pa.array([2**63 - 1, None, 0], pa.int64()).cast(pa.timestamp("us")),
            "z": pa.array([1, 2, None], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "day": pa.array([2**31 - 1, None, 3], pa.int32()).cast(pa.date32()),
            "f": pa.array([1.5, None, float("inf")]),
        }
    )
    back = through(rows.slice(0, 3))
    assert back.schema == rows.schema
    assert back.equals(rows)
    assert through(rows.slice(1, 1)).equals(rows.slice(1, 1))
    assert np.isnan(through(pa.table({"f": [float("nan")]})).column("f")[0].as_py())
    assert through(rows.slice(0, 0)).schema == rows.schema


TYPES = [
    sqltypes.Boolean(), sqltypes.SmallInteger(), sqltypes.Integer(), sqltypes.BigInteger(), sqltypes.REAL(),
    sqltypes.Double(), sqltypes.Float(24), sqltypes.Numeric(), sqltypes.Numeric(10, 2), sqltypes.CHAR(3),
    sqltypes.Text(), sqltypes.String(9), sqltypes.Enum("a", "b", name="kind", schema="s"), sqltypes.LargeBinary(),
    sqltypes.Date(), sqltypes.DateTime(timezone=True), sqltypes.Time(), sqltypes.Interval(),
    sqltypes.Uuid(as_uuid=False), sqltypes.JSON(), sqltypes.ARRAY(sqltypes.Numeric(4, 1), dimensions=1),
]  # fmt: skip


@pytest.mark.parametrize("type_", TYPES, ids=lambda t: repr(t))
def test_column_types_come_back(type_: Any) -> None:
    back = through(type_)
    assert type(back) is type(type_)
    assert repr(back) == repr(type_)


def test_types_of_a_dialect_become_the_nearest_that_is_known() -> None:
    assert type(through(JSONB())) is sqltypes.JSON
    inner = Structured("STRUCT<a INT>", "document", fields=(("a", sqltypes.Integer()),))
    back = through(Structured("x[]", "document", element=inner))
    assert back.declared == "x[]"
    assert type(back.element.fields[0][1]) is sqltypes.Integer


def test_a_schema_comes_back() -> None:
    table = Table(
        TableName("s", "t"),
        (Column("a", sqltypes.Integer(), "integer", nullable=False), Column("b", sqltypes.Text(), "text")),
        primary_key=Key("t_pkey", ("a",), ""),
        checks=(Check("c", "a > 0"),),
        options={"fillfactor": "70"},
    )
    back = through(Schema((table,)))
    assert repr(back) == repr(Schema((table,)))


VALUES: dict[str, tuple[Any, list[str]]] = {
    "code": (sqltypes.String(12), [f"ORD-{i:05}" for i in range(60)]),
    "note": (sqltypes.Text(), [f"some words about number {i} and what else there is to say" for i in range(60)]),
    "document": (sqltypes.JSON(), [json.dumps({"n": i % 9, "s": "xy"[i % 2], "l": [1, 2]}) for i in range(60)]),
    "list": (sqltypes.ARRAY(sqltypes.Integer()), ["{1,2}", "{3}"] * 30),
    "kinds": (sqltypes.ARRAY(sqltypes.Enum("p", "q")), ["{p,q}", "{q}"] * 30),
    "days": (sqltypes.ARRAY(sqltypes.Date()), ["{2024-01-01,2024-02-03}"] * 60),
    "body": (sqltypes.LargeBinary(), ["\\x89504e47" + f"{i:08x}" for i in range(60)]),
    "key": (sqltypes.Uuid(as_uuid=False), [f"00000000-0000-4000-8000-{i:012}" for i in range(60)]),
    "host": (Structured("inet", "network"), [f"10.0.0.{i}/24" for i in range(60)]),
    "xml": (Structured("xml", "xml"), [f"<a><b>{i}</b><c>t{i}</c></a>" for i in range(60)]),
    "span": (Structured("int4range", "range"), [f"[{i},{i + 5})" for i in range(60)]),
    "spans": (Structured("int4multirange", "other"), ["{[1,3),[5,9)}", "{}"] * 30),
    "pair": (Structured("p", "composite"), [f'({i},"x y",)' for i in range(60)]),
    "bits": (Structured("bit(3)", "bits"), ["010", "111"] * 30),
    "price": (Structured("money", "money"), ["$1.25", "$9.00"] * 30),
    "words": (Structured("tsvector", "tsvector"), ["'a':1 'b':2"] * 60),
    "tags": (Structured("hstore", "hstore"), ['"k"=>"v", "l"=>"w"'] * 60),
    "clock": (Structured("timetz", "timetz"), ["12:00:00+02"] * 60),
    "point": (Structured("point", "geometry"), [f"({i},{i}.5)" for i in range(60)]),
    "inner": (
        Structured("d", "document", fields=(("a", sqltypes.Integer()), ("b", sqltypes.ARRAY(sqltypes.Text())))),
        [json.dumps({"a": i, "b": ["u", "v"]}) for i in range(60)],
    ),
    "city": (sqltypes.Text(), ["Bern", "Lyon", "Turin"] * 20),
    "street": (sqltypes.Text(), [f"{i} High Street" for i in range(60)]),
    "site": (sqltypes.Text(), [f"https://x.example/{i}/a" for i in range(60)]),
    "ean": (sqltypes.Text(), [f"{96385070 + i}" for i in (4, 11, 28, 35, 42, 59, 66, 73, 80, 97)] * 6),
    "isbn": (sqltypes.Text(), ["978-3-16-148410-0", "978-0-306-40615-7", "0-306-40615-2"] * 20),
    "mobile": (sqltypes.BigInteger(), [4915112345000 + 7 * i for i in range(60)]),
    "ip": (sqltypes.Text(), [f"10.1.{i}.7" for i in range(60)] + [f"2001:4860::{i:x}" for i in range(60)]),
    "phone": (sqltypes.Text(), [f"+49 (0)30 5551{i}" for i in range(60)]),
    "mac": (sqltypes.Text(), [f"52:54:00:12:34:{i:02x}" for i in range(60)]),
    "token": (sqltypes.Text(), [f"sk_live_{i * 7919:024d}" for i in range(60)]),
    "jwt": (sqltypes.Text(), [f"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.s{i}" for i in range(60)]),
    "identity": (sqltypes.Text(), [f"{i:08X}-1111-4111-8111-{i:012X}" for i in range(60)]),
    "currency": (sqltypes.Text(), ["EUR", "USD", "CHF"] * 20),
    "agent": (sqltypes.Text(), [f"Mozilla/5.0 (Windows NT 10.0) Chrome/{i}.0" for i in range(60, 120)]),
    "version": (sqltypes.Text(), [f"{i // 9}.{i % 9}.0" for i in range(60)]),
    "born": (sqltypes.Text(), [f"19{40 + i}-05-0{1 + i % 9}" for i in range(60)]),
    "colour": (sqltypes.Text(), [f"#{i * 271:06x}" for i in range(60)]),
    "domain": (sqltypes.Text(), [f"host{i}.firm.com" for i in range(60)]),
}
ROLES = {
    "city": "city", "street": "street", "site": "url", "note": "text", "mobile": "phone", "jwt": "token",
    "identity": "uuid", "agent": "user_agent", "born": "birth_date",
    **{n: n for n in ("ean", "isbn", "ip", "phone", "mac", "token", "currency", "version", "colour", "domain")},
}  # fmt: skip


class Role:
    def __init__(self, role: str) -> None:
        self.role = role


def columns_of(*names: str) -> Table:
    return Table(TableName("public", "t"), tuple(Column(n, VALUES[n][0], "") for n in names))


@pytest.mark.parametrize("name", VALUES)
def test_generators_draw_the_same_after_coming_back(name: str) -> None:
    data = pa.table({name: VALUES[name][1]})
    roles = {name: Role(ROLES.get(name, "code"))}
    [made] = fit_generators(columns_of(name), data, roles, [name], unique=(), k=5, seed=3)
    back = through(made)
    present = {name: np.ones(50, bool)}
    first, second = (m.generate(present, {}, generator(9))[name] for m in (made, back))
    assert first.equals(second)
    assert first.null_count == 0


def test_people_draw_the_same_after_coming_back() -> None:
    columns = ("first_name", "last_name", "email")
    table = Table(TableName("public", "t"), tuple(Column(n, sqltypes.String(40), "") for n in columns))
    data = pa.table({"first_name": ["Ann", "Bob"] * 20, "last_name": [f"N{i}" for i in range(40)],
                     "email": [f"n{i}@x.test" for i in range(40)]})  # fmt: skip
    roles = {n: Role(n) for n in columns}
    [made] = fit_generators(table, data, roles, columns, unique=("email",), k=5, seed=3)
    back = through([made])[0]
    present = dict.fromkeys(columns, np.ones(50, bool))
    first, second = (m.generate(present, {}, generator(9)) for m in (made, back))
    assert all(first[c].equals(second[c]) for c in columns)


def test_every_class_of_the_list_has_its_fields() -> None:
    for name, entry in BY_NAME.items():
        assert all(isinstance(f, str) for f in entry.fields), name
        assert set(entry.fields).isdisjoint(entry.fresh), name


def test_a_class_that_is_not_listed_is_neither_written_nor_read() -> None:
    with pytest.raises(InternalError, match="object"):
        Encoder().encode(object())
    for name in ("os.system", "Synthesizer", "Popen", "builtins.eval"):
        with pytest.raises(Unreadable, match="unknown class"):
            Decoder({}).decode({"$": "object", "class": name, "v": {}})
        with pytest.raises(Unreadable, match="unknown class"):
            Decoder({}).decode({"$": "type", "class": name, "v": {}})
    with pytest.raises(Unreadable, match="unknown kind"):
        Decoder({}).decode({"$": "call", "v": ["os.system", "true"]})


def test_fields_of_another_type_or_name_are_refused() -> None:
    encoder = Encoder()
    tree = encoder.encode(Guard(["a"], 1))
    odd = replace_field(tree, ["filter", "key"], "text")
    with pytest.raises(Unreadable, match=r"Filter\.key"):
        Decoder(encoder.tensors).decode(odd)
    with pytest.raises(Unreadable, match="other fields"):
        Decoder(encoder.tensors).decode(replace_field(tree, ["__class__"], "text"))
    with pytest.raises(Unreadable, match=r"Guard\.filter"):
        Decoder(encoder.tensors).decode(replace_field(tree, ["filter"], {"$": "tuple", "v": []}))


def replace_field(tree: Any, path: list[str], value: Any) -> Any:
    copy = json.loads(json.dumps(tree))
    at = copy
    for name in path[:-1]:
        at = at["v"][name]
    at["v"][path[-1]] = value
    return copy


def test_an_array_of_another_type_shape_or_name_is_refused() -> None:
    encoder = Encoder()
    tree = encoder.encode(np.arange(4))
    for change in ({"dtype": "object"}, {"dtype": "int32"}, {"shape": [2, 2]}, {"shape": None}, {"name": "other"}):
        with pytest.raises(Unreadable):
            Decoder(encoder.tensors).decode({**tree, **change})


def test_columns_with_ends_outside_of_their_text_are_refused() -> None:
    encoder = Encoder()
    tree = encoder.encode(pa.table({"s": ["ab", "c"]}))
    ends = tree["v"][0]["ends"]["name"]
    for hostile in ([2, 10**9], [2, -5], [3, 2], [2]):
        tensors = {**encoder.tensors, ends: np.array(hostile, np.int64)}
        shaped = json.loads(json.dumps(tree))
        shaped["v"][0]["ends"]["shape"] = [len(hostile)]
        with pytest.raises(Unreadable):
            Decoder(tensors).decode(shaped)
    values = tree["v"][0]["values"]["name"]
    with pytest.raises(Unreadable):  # no UTF-8
        Decoder({**encoder.tensors, values: np.array([255, 255, 255], np.uint8)}).decode(tree)


def test_annotations_are_checked_deeply() -> None:
    assert fits((1, 2), tuple[int, ...])
    assert not fits((1, "2"), tuple[int, ...])
    assert not fits(True, int)
    assert fits({"a": (0.5, 1)}, dict[str, tuple[float, int]])
    assert not fits({"a": (0.5, None)}, dict[str, tuple[float, int]])
    assert fits(None, int | None)
    assert not fits(replace(Key("k", (), "")), Check)
