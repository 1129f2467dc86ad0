"""From one database's schema to another's: names, types, CHECKs, defaults, and what is said to be lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.dialect import load_dialect
from dbsynth.errors import UnsupportedSource
from dbsynth.grammar import Grammar
from dbsynth.schema.arrays import literal_of, values_of
from dbsynth.schema.model import Check, Column, ForeignKey, Index, Key, Schema, Table, TableName
from dbsynth.schema.types import Structured
from dbsynth.translate.expressions import Untranslatable, default_of, translate
from dbsynth.translate.names import folded
from dbsynth.translate.schema import translated

PG, DUCK, SNOW, BIG = (load_dialect(n).grammar for n in ("postgresql", "duckdb", "snowflake", "bigquery"))
TABLE = Table(
    TableName("s", "t"),
    (
        Column("a", sqltypes.Integer(), "integer"),
        Column("n", sqltypes.Numeric(10, 2), "numeric(10,2)"),
        Column("s", sqltypes.String(20), "character varying(20)"),
        Column("d", sqltypes.Date(), "date"),
        Column("j", sqltypes.JSON(), "jsonb"),
    ),
)
SAME = {c.name: c.name for c in TABLE.columns}


@pytest.mark.parametrize(
    ("text", "target", "wanted"),
    [
        ("((n >= (0)::numeric) AND (n <= (100)::numeric))", DUCK, '("n" >= 0) AND ("n" <= 100)'),
        ("(n > ('-180'::integer)::numeric)", DUCK, '"n" > (-180)'),
        ("((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))", SNOW,
         "\"s\" IN ('a', 'b')"),
        ("(s = ANY (ARRAY['a'::bpchar]))", BIG, "`s` IN ('a')"),
        ("((a)::numeric = EXTRACT(isodow FROM d))", DUCK, '"a" = EXTRACT(ISODOW FROM "d")'),
        ("((a)::numeric = EXTRACT(isodow FROM d))", SNOW, '"a" = DAYOFWEEKISO("d")'),
        ("((a)::numeric = EXTRACT(isodow FROM d))", BIG, "`a` = (MOD(EXTRACT(DAYOFWEEK FROM `d`) + 5, 7) + 1)"),
        ("(d >= '2020-01-01'::date)", BIG, "`d` >= CAST('2020-01-01' AS DATE)"),
        ("((s IS NOT NULL) OR (a IS NULL))", SNOW, '("s" IS NOT NULL) OR ("a" IS NULL)'),
    ],
)  # fmt: skip
def test_checks(text: str, target: Grammar, wanted: str) -> None:
    assert translate(text, TABLE, PG, target, SAME) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "(a / 2 > 1)",
        "(j ? 'x')",
        "(d < now())",
        "(pg_column_size(s) > 3)",
        "((j ->> 'a') = 'b')",
        "(a > (SELECT 1))",
        "(x > 1)",
    ],
)
def test_what_may_mean_something_else_is_not_translated(text: str) -> None:
    for target in (DUCK, SNOW, BIG):
        with pytest.raises(Untranslatable):
            translate(text, TABLE, PG, target, SAME)


@pytest.mark.parametrize(
    ("text", "column", "target", "wanted"),
    [
        ("'x'::character varying", "s", SNOW, "'x'"),
        ("4.99", "n", DUCK, "4.99"),
        ("'-1'::integer", "a", DUCK, "CAST('-1' AS INTEGER)"),
        ("CURRENT_DATE", "d", SNOW, "CURRENT_DATE"),
        ("now()", "d", BIG, "CURRENT_DATE"),
        ("'it''s'::text", "s", BIG, "'it\\'s'"),
    ],
)
def test_defaults(text: str, column: str, target: Grammar, wanted: str) -> None:
    assert default_of(text, TABLE.column(column), PG, target) == wanted


def test_a_default_that_is_no_constant_is_not_translated() -> None:
    with pytest.raises(Untranslatable):
        default_of("nextval('x'::regclass)", TABLE.column("a"), PG, DUCK)


@pytest.mark.parametrize(
    ("name", "source", "target", "wanted"),
    [
        ("ALBUM", SNOW, PG, "album"),
        ("Album", SNOW, PG, "Album"),
        ("album", SNOW, PG, "album"),
        ("album", PG, SNOW, "ALBUM"),
        ("AlbumId", PG, SNOW, "AlbumId"),
        ("AlbumId", DUCK, PG, "albumid"),
        ("AlbumId", DUCK, BIG, "AlbumId"),
        ("my table", PG, SNOW, "my table"),
        ("ALBUM", SNOW, DUCK, "album"),
    ],
)
def test_names(name: str, source: Grammar, target: Grammar, wanted: str) -> None:
    assert folded(name, source, target) == wanted


@pytest.mark.parametrize(
    ("type_", "declared"),
    [
        (sqltypes.Numeric(12, 2), ("numeric(12,2)", "DECIMAL(12, 2)", "NUMBER(12,2)", "NUMERIC(12, 2)")),
        (sqltypes.Numeric(38, 20), ("numeric(38,20)", "DECIMAL(38, 20)", "NUMBER(38,20)", "BIGNUMERIC(38, 20)")),
        (sqltypes.Numeric(60, 2), ("numeric(60,2)", "VARCHAR", "VARCHAR", "STRING")),
        (sqltypes.Numeric(5, -2), ("numeric(7,0)", "DECIMAL(7, 0)", "NUMBER(7,0)", "NUMERIC(7, 0)")),
        (sqltypes.Numeric(), ("numeric", "DECIMAL(38, 9)", "NUMBER(38,9)", "NUMERIC(38, 9)")),
        (sqltypes.String(20), ("character varying(20)", "VARCHAR", "VARCHAR(20)", "STRING(20)")),
        (sqltypes.JSON(), ("jsonb", "JSON", "VARIANT", "JSON")),
        (sqltypes.ARRAY(sqltypes.Integer()), ("integer[]", "INTEGER[]", "VARIANT", "ARRAY<INT64>")),
        (sqltypes.Uuid(), ("uuid", "UUID", "VARCHAR(36)", "STRING(36)")),
        (Structured("tsrange", "range"), ("text", "VARCHAR", "VARCHAR", "STRING")),
        (Structured("STRUCT<a INT64>", "document"), ("jsonb", "JSON", "VARIANT", "JSON")),
        (sqltypes.DateTime(timezone=True),
         ("timestamp with time zone", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_TZ(6)", "TIMESTAMP")),
    ],
)  # fmt: skip
def test_types(type_: TypeEngine[object], declared: tuple[str, ...]) -> None:
    assert tuple(g.declare(type_).sql for g in (PG, DUCK, SNOW, BIG)) == declared


def test_what_is_lost_is_said() -> None:
    table = replace(
        TABLE,
        columns=(*TABLE.columns, Column("r", Structured("tsrange", "range"), "tsrange", default="now()"),
                 Column("e", sqltypes.Enum("x", "y"), "mood"),
                 Column("g", sqltypes.Integer(), "integer", generated="(a + 1)")),
        indexes=(Index("only_some", ("s",), "", unique=True, predicate="a > 1"), Index("all", ("s",), "", unique=True)),
        checks=(Check("odd", "(pg_column_size(s) > 3)", ("s",)),),
    )  # fmt: skip
    found = translated(Schema((table,)), PG, SNOW)[table.name]
    told = " | ".join(found.notes)
    for text in ("r: tsrange kept as text", "CHECK odd is left out", "unique index only_some", "g: generated"):
        assert text in told
    assert [u.columns for u in found.target.uniques] == [("S",)]
    assert [c.expression for c in found.target.checks] == ["\"E\" IN ('x', 'y')"]
    assert found.target.column("G").generated is None


def test_tables_that_would_share_a_name_are_refused() -> None:
    two = tuple(Table(TableName("s", n), (Column("a", sqltypes.Integer(), ""),)) for n in ("Item", "item"))
    with pytest.raises(UnsupportedSource, match="same name"):
        translated(Schema(two), PG, DUCK)
    columns = (Column("A", sqltypes.Integer(), ""), Column("a", sqltypes.Integer(), ""))
    with pytest.raises(UnsupportedSource, match="two columns"):
        translated(Schema((Table(TableName("s", "t"), columns),)), PG, BIG)


def test_keys_follow_what_the_target_can_declare() -> None:
    parent = Table(
        TableName("s", "p"),
        (Column("a", sqltypes.Integer(), ""), Column("b", sqltypes.SmallInteger(), "")),
        primary_key=Key("pk", ("a", "b"), ""),
    )
    child = Table(
        TableName("s", "c"),
        (Column("x", sqltypes.SmallInteger(), ""), Column("y", sqltypes.BigInteger(), "")),
        foreign_keys=(ForeignKey("fk", ("x", "y"), parent.name, ("b", "a"), on_delete="CASCADE"),),
    )
    duck = translated(Schema((parent, child)), PG, DUCK)[child.name].target
    assert duck.foreign_keys[0].columns == ("y", "x")
    assert duck.foreign_keys[0].enforced
    assert [c.declared for c in duck.columns] == ["SMALLINT", "INTEGER"]
    back = translated(Schema((parent, child)), DUCK, PG)[child.name].target
    assert back.foreign_keys[0].definition.endswith("ON DELETE CASCADE")


@given(st.lists(st.one_of(st.none(), st.text()), max_size=6))
def test_arrays_of_texts_come_back(values: list[str | None]) -> None:
    assert values_of(literal_of(values), sqltypes.Text()) == values


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=6))
def test_arrays_of_numbers_come_back(values: list[int | None]) -> None:
    assert values_of(literal_of(values), sqltypes.BigInteger()) == values
