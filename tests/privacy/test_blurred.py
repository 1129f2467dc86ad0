"""Of rows that are kept only what is kept is held: what is made anew leaves no value behind."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.pipeline.lookups import blurred
from dbsynth.schema.model import Column, Table, TableName

TABLE = Table(
    TableName("s", "t"),
    tuple(
        Column(name, type_, str(type_))
        for name, type_ in {
            "note": sqltypes.Text(),
            "price": sqltypes.Numeric(10, 2),
            "rate": sqltypes.Numeric(),
            "size": sqltypes.Float(),
            "since": sqltypes.Date(),
            "moment": sqltypes.DateTime(timezone=True),
            "on": sqltypes.Boolean(),
        }.items()
    ),
)


def test_values_that_are_made_anew_are_not_held() -> None:
    first = datetime.datetime(2001, 3, 7, 3, 4, 5, 77)
    prices = [None if i == 5 else Decimal(i * i * 7 + 1001) / 100 for i in range(20)]
    moments = [first + datetime.timedelta(microseconds=i**3 * 7919) for i in range(20)]
    rows = pa.table(
        {
            "code": [f"c{i}" for i in range(20)],
            "note": [None if i == 3 else f"a note of {i}" for i in range(20)],
            "price": pa.array(prices, pa.decimal128(38, 2)),
            "rate": [None if i == 7 else f"{i * i + 0.125:.3f}" for i in range(20)],
            "size": [1.5**i for i in range(20)],
            "since": pa.array([first.date() + datetime.timedelta(97 * i * i) for i in range(20)]),
            "moment": pa.array(moments, pa.timestamp("us", "UTC")),
            "on": [i % 2 == 0 for i in range(20)],
        }
    )
    out = blurred(TABLE, rows, ("note", "price", "rate", "size", "since", "moment", "on"), 5)
    assert out.schema == rows.schema
    assert out.column("code") == rows.column("code")
    for name in ("note", "price", "rate", "size", "since", "moment"):
        before, after = rows.column(name).to_pylist(), out.column(name).to_pylist()
        assert [v is None for v in before] == [v is None for v in after]
        assert not {v for v in before if v is not None} & {v for v in after if v is not None}
    near = [abs(a - b) for a, b in zip(prices, out["price"].to_pylist(), strict=True) if a is not None]
    assert max(near) < 10
    assert all(float(v) >= 0 and len(v.split(".")[1]) == 3 for v in out["rate"].to_pylist() if v is not None)


def test_a_single_row_is_told_to_its_first_digit() -> None:
    rows = pa.table({"price": pa.array([Decimal("48213.55")], pa.decimal128(38, 2)), "note": ["only one"]})
    out = blurred(TABLE, rows, ("price", "note"), 5)
    assert out.to_pylist() == [{"price": Decimal("50000.00"), "note": ""}]
    assert blurred(TABLE, rows.slice(0, 0), ("price", "note"), 5).num_rows == 0
