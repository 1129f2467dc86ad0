"""Rows with an inner structure, and keys that are declared but do not hold, in warehouses and files."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.dialect import ReadRequest, RunInfo, connect, parse_url
from dbsynth.pipeline import clone
from dbsynth.pipeline.options import CloneOptions
from dbsynth.schema.model import Column, Schema, Table, TableName
from dbsynth.schema.types import Structured
from dbsynth.testing.dialect_suite import batch_of

PLACES = ("Rome", "Oslo", "Lima")
ITEM = Structured("", "document", fields=(
    ("sku", sqltypes.Text()), ("qty", sqltypes.BigInteger()), ("price", sqltypes.Numeric(38, 9)),
    ("on_day", sqltypes.Date())))  # fmt: skip
HOME = Structured("", "document", fields=(("city", sqltypes.Text()),))
CUSTOMER = Structured("", "document", fields=(("name", sqltypes.Text()), ("age", sqltypes.BigInteger()), ("at", HOME)))
NESTED = {
    "bigquery": {
        "id": (sqltypes.BigInteger(), "INT64"),
        "customer": (CUSTOMER, "STRUCT<name STRING, age INT64, at STRUCT<city STRING>>"),
        "items": (Structured("", "document", element=ITEM),
                  "ARRAY<STRUCT<sku STRING, qty INT64, price NUMERIC, on_day DATE>>"),
        "tags": (sqltypes.ARRAY(sqltypes.Text()), "ARRAY<STRING>"),
        "payload": (sqltypes.JSON(), "JSON"),
    },
    "duckdb": {
        "id": (sqltypes.BigInteger(), "BIGINT"),
        "customer": (CUSTOMER, "STRUCT(\"name\" VARCHAR, age BIGINT, \"at\" STRUCT(city VARCHAR))"),
        "items": (Structured("", "document", element=ITEM),
                  "STRUCT(sku VARCHAR, qty BIGINT, price DECIMAL(38,9), on_day DATE)[]"),
        "tags": (sqltypes.ARRAY(sqltypes.Text()), "VARCHAR[]"),
        "payload": (sqltypes.JSON(), "JSON"),
    },
    "snowflake": {
        "id": (sqltypes.BigInteger(), "NUMBER(19,0)"),
        "customer": (sqltypes.JSON(), "OBJECT"),
        "items": (sqltypes.JSON(), "ARRAY"),
        "tags": (sqltypes.JSON(), "ARRAY"),
        "payload": (sqltypes.JSON(), "VARIANT"),
    },
}  # fmt: skip


def rows(dialect: str, count: int = 300) -> list[dict[str, Any]]:
    rng = random.Random(1)

    def tags() -> str:
        chosen = [rng.choice(["a", "b", "cd"]) for _ in range(rng.randint(0, 3))]
        return json.dumps(chosen) if dialect == "snowflake" else "{" + ",".join(chosen) + "}"

    return [
        {
            "id": i,
            "customer": json.dumps(
                {"name": f"N{i} Real", "age": rng.randint(18, 80), "at": {"city": rng.choice(PLACES)}}
            ),
            "items": json.dumps([
                {"sku": f"SKU-{rng.randint(100, 130)}", "qty": rng.randint(1, 5), "price": rng.randint(100, 999) / 100,
                 "on_day": f"2024-0{rng.randint(1, 9)}-15"}
                for _ in range(rng.randint(0, 3))
            ]),
            "tags": tags(),
            "payload": json.dumps({"kind": rng.choice(["x", "y"]), "n": [1, rng.randint(2, 9)]}),
        }
        for i in range(1, count + 1)
    ]  # fmt: skip


@pytest.fixture(params=["duckdb", "snowflake", "bigquery"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path}/nested.duckdb"
    return str(request.getfixturevalue(f"{request.param}_url"))


def fill(url: str, schema: Schema, place: str, batches: dict[str, Sequence[dict[str, Any]]]) -> None:
    database = connect(url)
    target = database.target()
    target.prepare(schema, {place: place}, RunInfo("5eed0001", "t", 1, "the test"), replace=True)
    for table in schema:
        target.load(table.name, [batch_of(table, batches[table.name.name])])
    target.finish(lambda what: None)
    target.publish()
    target.close()
    database.close()


def test_documents_and_lists_are_cloned_with_their_structure(url: str) -> None:
    dialect = parse_url(url).get_backend_name()
    columns = tuple(Column(n, t, declared, nullable=n != "id") for n, (t, declared) in NESTED[dialect].items())
    table = Table(TableName("nested", "orders"), columns)
    made_of = rows(dialect)
    fill(url, Schema((table,)), "nested", {"orders": made_of})
    options = CloneOptions(
        parse_url(url), parse_url(url), source_schemas=("nested",), target_schema="nested_dev", seed=1,
        replace=True, workers=1, effort="quick",
    )  # fmt: skip
    clone.run(options, lambda event: None)
    database = connect(url)
    [found] = database.introspect(["nested_dev"])
    assert [c.declared for c in found.columns] == [c.declared for c in columns]
    names = tuple(c.name for c in found.columns)
    made = [r for b in database.read(ReadRequest(found.name, names)) for r in b.to_pylist()]
    database.close()
    assert len(made) == len(made_of)
    real = {json.loads(r["customer"])["name"] for r in made_of}
    for row in made:
        customer, items = json.loads(row["customer"]), json.loads(row["items"] or "[]")
        assert set(customer) == {"name", "age", "at"}
        assert customer["name"] not in real
        assert 18 <= customer["age"] <= 80
        assert customer["at"]["city"] in PLACES
        assert len(items) <= 3
        for item in items:
            assert set(item) == {"sku", "qty", "price", "on_day"}
            assert 1 <= item["qty"] <= 5
            assert str(item["on_day"])[:4] == "2024"
        assert set(json.loads(row["payload"])) == {"kind", "n"}


def test_keys_that_do_not_hold_in_the_source_hold_in_the_clone(request: pytest.FixtureRequest) -> None:
    url = str(request.getfixturevalue("snowflake_url"))
    database: Any = connect(url)
    for sql in (
        "CREATE OR REPLACE SCHEMA BROKEN",
        "CREATE TABLE BROKEN.PARENT (ID NUMBER(9,0) NOT NULL, NAME VARCHAR(20), CONSTRAINT P_PK PRIMARY KEY (ID))",
        "CREATE TABLE BROKEN.CHILD (ID NUMBER(9,0) NOT NULL PRIMARY KEY, PARENT_ID NUMBER(9,0),"
        " CONSTRAINT C_FK FOREIGN KEY (PARENT_ID) REFERENCES BROKEN.PARENT (ID))",
        "INSERT INTO BROKEN.PARENT SELECT column1, 'n' || column1 FROM VALUES (1),(2),(3),(3),(4),(5),(6)",
        "INSERT INTO BROKEN.CHILD SELECT column1, column2 FROM VALUES"
        " (1,1),(2,1),(3,2),(4,99),(5,NULL),(6,3),(6,4),(7,98)",
    ):
        database.query(sql)
    database.close()
    from dbsynth.console.inspection import inspect

    checked = inspect(parse_url(url), ["BROKEN"], (), (), check_keys=True)["broken_keys"]
    assert {(k["table"], k["kind"]): k["violations"] for k in checked} == {
        ("BROKEN.CHILD", "primary key"): 1,
        ("BROKEN.CHILD", "foreign key"): 2,
        ("BROKEN.PARENT", "primary key"): 1,
    }
    options = CloneOptions(
        parse_url(url), parse_url(url), source_schemas=("BROKEN",), target_schema="BROKEN_DEV", seed=1,
        replace=True, workers=1, effort="quick",
    )  # fmt: skip
    done = clone.run(options, lambda event: None)
    assert {r.table: r.rows for r in done.results} == {"BROKEN.PARENT": 7, "BROKEN.CHILD": 8}
    keys = [v for v in done.verified if v.kind in ("primary key", "foreign key")]
    assert len(keys) == 3
    assert [v for v in keys if v.violations] == []
