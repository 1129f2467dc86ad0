"""Tables in memory as a source: what is inferred of them, what may be given, and what is refused with a remedy."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes

import dbsynth
from dbsynth.api import frames_database
from dbsynth.dialect import ReadRequest, Sample, parse_url
from dbsynth.errors import UnsupportedSource, UsageError
from dbsynth.frames.database import FramesDatabase
from dbsynth.pipeline.options import CloneOptions
from dbsynth.schema.model import Column, Key, Schema, Table, TableName
from tests.api import shop

N = 60
RNG = np.random.default_rng(3)
ODD: dict[str, Any] = {
    "int8": np.arange(N, dtype=np.int8),
    "uint32": np.arange(N, dtype=np.uint32),
    "uint64": np.arange(N, dtype=np.uint64) + np.uint64(2**63),
    "float32": RNG.normal(size=N).astype(np.float32),
    "float": RNG.normal(size=N),
    "gaps": np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N)),
    "bool": np.arange(N) % 3 == 0,
    "nullable_bool": pd.array([True, None, False] * 20, dtype="boolean"),
    "Int64": pd.array([1, None, 3] * 20, dtype="Int64"),
    "Float64": pd.array([1.5, None, 3.25] * 20, dtype="Float64"),
    "text": [f"K{i % 4}" for i in range(N)],
    "category": pd.Categorical(["low", "high"] * 30),
    "rare_category": pd.Categorical([f"only {i}" for i in range(N)]),
    "number_category": pd.Categorical([1, 2, 3] * 20),
    "stamp": pd.date_range("2024-01-01", periods=N, freq="h"),
    "stamp_ns": pd.Series(pd.date_range("2024-01-01", periods=N, freq="h")).astype("datetime64[ns]"),
    "zoned": pd.date_range("2024-01-01", periods=N, freq="D", tz="Europe/Berlin"),
    "delta": pd.to_timedelta(np.arange(N) * 90, unit="s"),
    "decimal": [Decimal("1.25") * i for i in range(N)],
    "date": [dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(N)],
    "time": [dt.time(i % 24, i % 60) for i in range(N)],
    "bytes": [bytes([i, 1, 2]) for i in range(N)],
    "list": [[i, i + 1] for i in range(N)],
    "dict": [{"a": i, "b": "x"} for i in range(N)],
    "nothing": [None] * N,
}


def database(frames: dict[str, Any], schema: Any = None, **options: Any) -> FramesDatabase:
    return frames_database(frames, schema, CloneOptions(parse_url("memory://"), **options))[0]


@pytest.mark.parametrize("name", ODD)
def test_every_dtype_survives(name: str) -> None:
    frame = pd.DataFrame({"x": ODD[name], "other": np.arange(N) % 4})
    made = dbsynth.fit_table(frame, seed=1, strategy="independent").sample(rows=40, seed=1)["table"]
    assert len(made) == 40
    assert made.dtypes["other"] == frame.dtypes["other"]
    if not name.endswith("category"):
        assert made.dtypes["x"] == frame.dtypes["x"]
    else:
        assert made.dtypes["x"].name == "category"
    known, told = frame["x"].dropna(), made["x"].dropna()
    assert bool(len(told)) == bool(len(known))
    if frame.dtypes["x"].kind == "O" and frame.dtypes["x"].name == "object" and len(known):
        assert {type(v) for v in told} <= {type(v) for v in known}


def test_a_whole_odd_table_and_only_keys_and_one_row() -> None:
    frame = pd.DataFrame(ODD)
    made = dbsynth.fit_table(frame, seed=1, effort="quick").sample(seed=1)["table"]
    assert made.shape == frame.shape
    keys = pd.DataFrame({"id": range(9)})
    assert dbsynth.fit_table(keys, schema={"primary_key": ["id"]}, seed=1).sample(seed=1)["table"]["id"].is_unique
    assert len(dbsynth.fit_table(frame[:1], seed=1).sample(seed=1)["table"]) == 1
    assert len(dbsynth.fit_table(frame[:0], seed=1).sample(seed=1)["table"]) == 0


def test_arrow_tables_are_learned_from_too() -> None:
    table = pa.table({"id": range(50), "u": [uuid.UUID(int=i).bytes for i in range(50)], "v": ["a", "b"] * 25})
    made = dbsynth.fit_table(table, seed=1).sample(seed=1)["table"]
    assert made.shape == (50, 3)
    assert set(made["v"]) == {"a", "b"}


def test_types_and_nulls_are_inferred() -> None:
    table = database({"t": pd.DataFrame(ODD)}).schema.tables[0]
    types = {c.name: type(c.type) for c in table.columns}
    assert types["int8"] is sqltypes.SmallInteger
    assert types["category"] is sqltypes.Enum
    assert types["rare_category"] is sqltypes.Text  # the labels of an enum would be taken for public
    assert types["number_category"] is sqltypes.BigInteger
    assert types["decimal"] is sqltypes.Numeric
    assert types["list"] is sqltypes.ARRAY
    nullable = {c.name for c in table.columns if c.nullable}
    assert nullable == {"gaps", "nullable_bool", "Int64", "Float64", "nothing"}


def test_rare_categories_are_never_emitted_nor_held(tmp_path: Any) -> None:
    names = ["common"] * 40 + [f"secret {i}" for i in range(20)]
    model = dbsynth.fit_table(pd.DataFrame({"c": pd.Categorical(names), "n": np.arange(60) % 5}), seed=1)
    assert not any("secret" in v for v in model.sample(rows=500, seed=1)["table"]["c"])
    model.save(tmp_path / "m")
    assert not any(b"secret" in p.read_bytes() for p in (tmp_path / "m").iterdir())


def test_a_schema_object_gives_types_and_keys() -> None:
    table = Table(
        TableName("main", "t"),
        (Column("id", sqltypes.Integer(), "integer", nullable=False), Column("v", sqltypes.Numeric(6, 2), "numeric")),
        primary_key=Key("t_pkey", ("id",), ""),
    )
    frame = pd.DataFrame({"id": range(30), "v": np.arange(30) / 4, "not in the schema": 1})
    made = dbsynth.fit({"t": frame}, schema=Schema((table,)), seed=1).sample(seed=1)["t"]
    assert list(made.columns) == ["id", "v"]
    assert made["id"].is_unique


@pytest.mark.parametrize(
    ("schema", "said", "remedy"),
    [
        ({"order": {}}, "no table 'order'", "orders"),
        ({"orders": {"primary": ["id"]}}, "'primary'", "primary_key"),
        ({"orders": {"primary_key": ["di"]}}, "no column 'di'", "id"),
        ({"orders": {"primary_key": "id"}}, "is a text", "['id']"),
        ({"orders": {"primary_key": ["qty"]}}, "no key", "remove"),
        ({"customers": {"unique": [["kind"]]}}, "no key", "remove"),
        ({"orders": {"checks": ["qqty > 0"]}}, "cannot be evaluated", "PostgreSQL"),
        ({"orders": {"checks": ["qty >"]}}, "cannot be evaluated", "PostgreSQL"),
        ({"orders": {"foreign_keys": [{"columns": ["customer_id"]}]}}, "lacks", "ref_table"),
        (
            {"orders": {"foreign_keys": [{"columns": ["customer_id"], "ref_table": "custmers"}]}},
            "custmers",
            "customers",
        ),
        (
            {"orders": {"foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}]}},
            "no key of it",
            "give",
        ),
        ({"orders": {"foreign_keys": [{"columns": ["customer_id"], "ref_tabel": "x"}]}}, "ref_tabel", "ref_table"),
    ],
)
def test_a_schema_that_does_not_fit_is_told_with_the_nearest_name(
    shop_frames: dict[str, pd.DataFrame], schema: dict[str, Any], said: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=said) as error:
        database(shop_frames, schema)
    assert remedy in error.value.hint


def test_rows_that_refer_to_nothing_are_told() -> None:
    frames = shop.frames()
    frames["orders"].loc[:4, "customer_id"] = 10_000
    with pytest.raises(UsageError, match="5 rows refer"):
        database(frames, shop.SCHEMA)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "no table"),
        ({"t": [1, 2]}, "no table"),
        ({"t": pd.DataFrame()}, "no columns"),
        ({"t": pd.DataFrame([[1, 2]], columns=["a", "a"])}, "different texts"),
        ({"t": pd.DataFrame([[1, 2]])}, "different texts"),
        (5, "no source"),
    ],
)
def test_what_is_no_source_is_told(source: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        dbsynth.fit(source)
    assert error.value.hint


def test_a_column_that_cannot_be_learned_is_named() -> None:
    for values in ([1, "a", None], [object()] * 3, pd.period_range("2024", periods=3, freq="M")):
        frame = pd.DataFrame({"fine": [1, 2, 3], "odd": values})
        with pytest.raises(UnsupportedSource, match=r"things\.odd") as error:
            dbsynth.fit_table(frame, name="things", seed=1)
        assert error.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"effort": "fast"}, {"device": "tpu"}, {"privacy_k": 0}, {"sample_rows": 0}, {"seed": -1},
        {"train_minutes": 0}, {"tables": "orders"}, {"exclude": ["ordrs"]}, {"strategy": "ctgam"},
    ],
)  # fmt: skip
def test_wrong_options_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        dbsynth.fit({"orders": pd.DataFrame({"a": range(40)})}, **options)
    assert error.value.hint


def test_reading_orders_samples_and_counts_as_a_database_does(shop_frames: dict[str, pd.DataFrame]) -> None:
    source = database(shop_frames, shop.SCHEMA)
    orders, notes = TableName("public", "orders"), TableName("public", "notes")
    read = lambda table, *columns, **request: pa.Table.from_batches(  # noqa: E731
        list(source.read(ReadRequest(table, columns, **request)))
    ).to_pydict()
    frame = shop_frames["orders"]
    assert (
        read(orders, "id", order_by=("qty", "id"), limit=5)["id"] == frame.sort_values(["qty", "id"])["id"][:5].tolist()
    )
    sampled = read(orders, "id", "customer_id", sample=Sample(("customer_id",), 0.5))
    assert 0.3 < len(sampled["id"]) / len(frame) < 0.7
    assert set(sampled["id"]) == set(frame[frame["customer_id"].isin(sampled["customer_id"])]["id"])  # whole families
    everyone = Sample((), 0.5)
    assert 0.3 < len(read(orders, "id", sample=everyone)["id"]) / len(frame) < 0.7
    counts = source.degrees(notes, ("order_id",)).to_pydict()
    assert counts["order_id"] == sorted(shop_frames["notes"]["order_id"])
    assert set(counts["n"]) == {1}
    assert read(notes, "text", sample=Sample((), 0.0)) == {"text": []}


def test_large_frames_are_learned_from_a_sample() -> None:
    model = dbsynth.fit(shop.frames(600), schema=shop.SCHEMA, seed=1, sample_rows=300, effort="quick", keep=("none",))
    made = model.sample(scale=0.5, seed=1)
    assert len(made["customers"]) == 300
    assert set(made["orders"]["customer_id"]) <= set(made["customers"]["id"])
