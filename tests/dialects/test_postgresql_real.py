"""The real databases: introspected and read whole, with the numbers that are known of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dbsynth.dialect import Database, ReadRequest, column_types, connect
from dbsynth.schema.model import Schema, TableName
from dbsynth.testing.embedded import create_database, embedded_postgres, restore

pytestmark = pytest.mark.databases


@dataclass(frozen=True)
class Known:
    tables: int
    rows: int
    foreign_keys: int
    composite: int = 0
    to_itself: int = 0
    checks: int = 0
    uniques: int = 0
    on_partitions: int = 0


KNOWN = {
    "chinook": Known(11, 15_607, 11, to_itself=1),
    "northwind": Known(14, 3_362, 13, to_itself=1),
    "pagila17": Known(15, 46_268, 19, on_partitions=3),
    "adventureworks": Known(60, 216_421, 72, checks=67, uniques=1),
    "rossmann": Known(3, 59_412, 2, checks=12, uniques=1),
    "walmart": Known(4, 429_886, 4, composite=1, checks=3),
    "stackexchange_ai": Known(8, 25_971, 14, to_itself=2, checks=11, uniques=2),
    "nycflights13": Known(5, 358_585, 6, composite=1, checks=13, uniques=1),
    "mondial": Known(47, 51_219, 72, composite=21, to_itself=1, checks=36, uniques=2),
    "oracle_hr": Known(7, 216, 10, to_itself=1, checks=2, uniques=1),
    "oracle_co": Known(7, 8_783, 9, checks=3, uniques=4),
}


def known(schema: Schema, rows: int) -> Known:
    keys = [(t.name, fk) for t in schema for fk in t.foreign_keys]
    own = [(name, fk) for name, fk in keys if not fk.on_partitions]
    return Known(
        tables=len(schema.tables),
        rows=rows,
        foreign_keys=len(own),
        composite=sum(len(fk.columns) > 1 for _, fk in own),
        to_itself=sum(fk.ref_table == name for name, fk in own),
        checks=sum(c.domain is None for t in schema for c in t.checks),
        uniques=sum(len(t.uniques) for t in schema),
        on_partitions=len(keys) - len(own),
    )


def rows_read(database: Database, schema: Schema) -> dict[TableName, int]:
    """All rows of all tables, read in one snapshot; the types are those the schema promises."""
    found = {}
    with database.snapshot() as token:
        for t in schema:
            request = ReadRequest(t.name, tuple(c.name for c in t.stored_columns))
            batches = list(database.read(request, token))
            assert all(b.schema.types == column_types(t).types for b in batches)
            found[t.name] = sum(b.num_rows for b in batches)
    return found


@pytest.mark.parametrize("name", list(KNOWN))
def test_numbers(real_database: Callable[[str], str], name: str) -> None:
    database = connect(real_database(name))
    schema = database.introspect()
    database.check_readable(schema)
    rows = rows_read(database, schema)
    assert rows == database.count([t.name for t in schema])
    assert known(schema, sum(rows.values())) == KNOWN[name]
    assert all(t.bytes > 0 for t in schema)
    database.close()


@pytest.fixture
def opened(real_database: Callable[[str], str]) -> Iterator[Callable[[str], tuple[Database, Schema]]]:
    databases: list[Database] = []

    def open_(name: str) -> tuple[Database, Schema]:
        databases.append(connect(real_database(name)))
        return databases[-1], databases[-1].introspect()

    yield open_
    for database in databases:
        database.close()


def test_keys_on_partitions_of_pagila(opened: Callable[[str], tuple[Database, Schema]]) -> None:
    _, schema = opened("pagila17")
    payment = schema[TableName("public", "payment")]
    assert len(payment.partitions) == 8
    assert {(fk.columns, fk.ref_table.name) for fk in payment.foreign_keys} == {
        (("customer_id",), "customer"), (("rental_id",), "rental"), (("staff_id",), "staff"),
    }  # fmt: skip
    assert sum(len(p.foreign_keys) for p in payment.partitions) == 18
    assert payment.primary_key is None


def test_domains_of_adventureworks_come_with_its_five_schemas(opened: Callable[[str], tuple[Database, Schema]]) -> None:
    _, schema = opened("adventureworks")
    assert schema.schemas == ("humanresources", "person", "production", "purchasing", "sales", "public")
    assert [t.kind for t in schema.types] == ["domain"] * 6


def test_a_composite_type_of_mondial(opened: Callable[[str], tuple[Database, Schema]]) -> None:
    _, schema = opened("mondial")
    assert [(t.kind, t.name, t.definition) for t in schema.types] == [
        ("composite", "geocoord", "AS (latitude numeric, longitude numeric)")
    ]


def test_an_older_server_with_xml(other_postgres: Path, real_dump: Callable[[str], Path]) -> None:
    with embedded_postgres(binaries=other_postgres) as url:
        shop = create_database(url, "aw")
        restore(shop, real_dump("adventureworks_xml"))
        database = connect(shop)
        schema = database.introspect()
        families = [getattr(c.type, "family", None) for t in schema for c in t.columns]
        assert families.count("xml") == 5
        assert sum(rows_read(database, schema).values()) == KNOWN["adventureworks"].rows
        database.close()
