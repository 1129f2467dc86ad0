"""What the catalog says, and what comes of it in the Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.dialect import connect
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.schema.types import Structured
from dbsynth.testing.embedded import create_database, drop_database, embedded_postgres, restore

EVIL = 'Übel "Schema"'
Execute = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def torture(postgres_url: str) -> Iterator[Schema]:
    url = create_database(postgres_url, "torture")
    restore(url, Path(__file__).with_name("torture.sql"))
    database = connect(url)
    yield database.introspect()
    database.close()
    drop_database(url)


def test_another_version_of_the_server_says_the_same(torture: Schema, other_postgres: Path) -> None:
    with embedded_postgres(binaries=other_postgres) as server:
        url = create_database(server, "torture")
        restore(url, Path(__file__).with_name("torture.sql"))
        database = connect(url)
        found = database.introspect()
        database.close()
    for here, there in zip(torture, found, strict=True):
        assert repr(here) == repr(there)
    assert (found.types, found.sequences, found.notes) == (torture.types, torture.sequences, torture.notes)


def table(schema: Schema, name: str) -> Table:
    return schema[TableName(EVIL, name)]


def test_tables_are_the_root_tables(torture: Schema) -> None:
    assert [t.name.name for t in torture] == [
        "base", "child", "derived", "left_", "no columns", "parent", "parted", "right_", "select", "types",
    ]  # fmt: skip
    assert torture.schemas == (EVIL,)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("int2", sqltypes.SmallInteger()),
        ("int4", sqltypes.Integer()),
        ("int8", sqltypes.BigInteger()),
        ("float4", sqltypes.REAL()),
        ("float8", sqltypes.Double()),
        ("numeric", sqltypes.Numeric()),
        ("numeric(38,10)", sqltypes.Numeric(38, 10)),
        ("numeric(3,-2)", sqltypes.Numeric(3, -2)),
        ("boolean", sqltypes.Boolean()),
        ("text", sqltypes.Text()),
        ("varchar", sqltypes.String()),
        ("varchar(7)", sqltypes.String(7)),
        ("char(3)", sqltypes.CHAR(3)),
        ("char", sqltypes.String(1)),
        ("date", sqltypes.Date()),
        ("time", sqltypes.Time()),
        ("timestamp(3)", sqltypes.DateTime()),
        ("timestamptz", sqltypes.DateTime(timezone=True)),
        ("interval", sqltypes.Interval()),
        ("uuid", sqltypes.Uuid(as_uuid=False)),
        ("json", sqltypes.JSON()),
        ("bytea", sqltypes.LargeBinary()),
        ("small", sqltypes.Integer()),
        ("Code", sqltypes.String(8)),
        ("citext", sqltypes.Text()),
    ],
)
def test_plain_types(torture: Schema, column: str, expected: sqltypes.TypeEngine[object]) -> None:
    found = table(torture, "types").column(column).type
    assert type(found) is type(expected)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("column", "family"),
    [
        ("pair", "composite"), ("box3", "composite"), ("floats", "range"), ("int4range", "range"), ("inet", "network"),
        ("macaddr", "network"), ("bit(4)", "bits"), ("varbit", "bits"), ("money", "money"), ("tsvector", "tsvector"),
        ("point", "geometry"), ("polygon", "geometry"), ("hstore", "hstore"), ("timetz", "timetz"),
        ("tsquery", "other"), ("datemultirange", "other"), ("int2vector", "other"), ("pg_lsn", "other"),
    ],
)  # fmt: skip
def test_structured_types(torture: Schema, column: str, family: str) -> None:
    found = table(torture, "types").column(column)
    assert isinstance(found.type, Structured)
    assert found.type.family == family
    assert found.type.declared == found.declared


def test_enums_arrays_ranges_and_composites_say_what_they_are_made_of(torture: Schema) -> None:
    types = table(torture, "types")
    mood = types.column("mood").type
    assert isinstance(mood, sqltypes.Enum)
    assert (mood.enums, mood.name, mood.schema) == (["sad", "it's ok", "back\\slash"], "mood", EVIL)
    moods = types.column("moods").type
    assert isinstance(moods, sqltypes.ARRAY)
    assert isinstance(moods.item_type, sqltypes.Enum)
    matrix = types.column("matrix").type
    assert isinstance(matrix, sqltypes.ARRAY)
    assert (matrix.dimensions, type(matrix.item_type)) == (2, sqltypes.Integer)
    codes = types.column("codes").type
    assert isinstance(codes, sqltypes.ARRAY)
    assert (type(codes.item_type), codes.item_type.length) == (sqltypes.String, 8)
    floats = types.column("floats").type
    assert isinstance(floats, Structured)
    assert isinstance(floats.element, sqltypes.Double)
    box = types.column("box3").type
    assert isinstance(box, Structured)
    assert [name for name, _ in box.fields] == ["corner", "codes"]
    corner = box.fields[0][1]
    assert isinstance(corner, Structured)
    assert [(name, type(of)) for name, of in corner.fields] == [("x", sqltypes.Numeric), ("Mood", sqltypes.Enum)]


def test_declared_types_are_exact_and_qualified(torture: Schema) -> None:
    declared = {c.name: c.declared for c in table(torture, "types").columns}
    prefix = '"Übel ""Schema"""'
    assert declared["small"] == f"{prefix}.small"
    assert declared["moods"] == f"{prefix}.mood[]"
    assert declared["hstore"] == "public.hstore"
    assert declared["timestamp(3)"] == "timestamp(3) without time zone"
    assert declared["varchar(7)"] == "character varying(7)"
    assert declared["char"] == '"char"'


def test_user_types_come_after_what_they_are_made_of(torture: Schema) -> None:
    made = {t.name: t for t in torture.types}
    order = list(made)
    assert set(order) == {"mood", "positive", "small", "Code", "pair", "box3", "floats"}
    assert order.index("mood") < order.index("pair") < order.index("box3")
    assert order.index("positive") < order.index("small")
    assert order.index("Code") < order.index("box3")
    prefix = '"Übel ""Schema"""'
    assert made["mood"].definition == "AS ENUM ('sad', 'it''s ok', E'back\\\\slash')"
    assert made["positive"].definition == "AS integer DEFAULT 1"
    assert made["positive"].constraints == (("above_zero", "CHECK ((VALUE > 0))"),)
    assert made["small"].definition == f"AS {prefix}.positive DEFAULT 1 NOT NULL"
    assert made["Code"].definition == 'AS character varying(8) COLLATE pg_catalog."C"'
    assert made["pair"].definition == f'AS (x numeric(4,1), "Mood" {prefix}.mood)'
    assert made["floats"].definition == (
        "AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = float8mi, "
        f"MULTIRANGE_TYPE_NAME = {prefix}.floats_multirange)"
    )


def test_checks_of_domains_stand_at_the_column(torture: Schema) -> None:
    checks = {(c.name, c.columns): c for c in table(torture, "types").checks}
    assert checks[("above_zero", ("small",))].expression == '("small" > 0)'
    assert checks[("above_zero", ("small",))].domain == '"Übel ""Schema""".positive'
    assert checks[("small_not_null", ("small",))].expression == '("small" IS NOT NULL)'
    own = checks[("small_check", ("small",))].expression
    assert "'VALUE'" in own, "a string that says VALUE stays"
    assert '("small")::text' in own
    assert checks[("no_blank", ("Code",))].expression == """(("Code")::text !~ '\\s'::text)"""


def test_columns_with_difficult_names(torture: Schema) -> None:
    columns = table(torture, "select").by_name
    assert list(columns)[:3] == ["from", "Größe in €", 'a "quoted" name']
    assert columns["Größe in €"].default == "1.5"
    assert not columns["Größe in €"].nullable
    quoted = columns['a "quoted" name']
    assert (quoted.default, quoted.collation) == ("'it''s'::text", 'pg_catalog."C"')
    assert columns["an_identifier_of_exactly_sixty_three_bytes_which_is_the_longest"].nullable
    assert columns["from"].comment == "its key"
    assert table(torture, "select").comment == "a 'table'"


def test_identity_serial_and_generated_columns(torture: Schema) -> None:
    columns = table(torture, "select").by_name
    always, by_default = columns["from"].identity, columns["by_default"].identity
    assert always is not None
    assert always.always
    assert always.options.startswith("START WITH 100 INCREMENT BY 10 ")
    assert by_default is not None
    assert not by_default.always
    assert columns["from"].serial is None
    sequence = '"Übel ""Schema""".select_serial_one_seq'
    assert columns["serial_one"].serial == sequence
    assert columns["serial_one"].default == f"nextval('{sequence}'::regclass)"
    assert columns["doubled"].generated == '("Größe in €" * (2)::numeric)'
    assert columns["doubled"].generated_stored
    assert columns["doubled"].default is None
    assert [c.name for c in table(torture, "select").stored_columns if c.name == "doubled"] == []


def test_sequences_are_those_of_serial_columns_and_free_ones(torture: Schema) -> None:
    found = {s.name: s for s in torture.sequences}
    assert set(found) == {"lonely", "select_serial_one_seq", "select_small_one_seq"}
    assert found["lonely"].definition == (
        "AS smallint START WITH 10 INCREMENT BY 5 MINVALUE 1 MAXVALUE 32767 CACHE 1 CYCLE"
    )
    assert found["lonely"].owned_by is None
    assert found["select_small_one_seq"].owned_by == (TableName(EVIL, "select"), "small_one")


def test_keys_keep_the_order_of_their_columns(torture: Schema) -> None:
    parent = table(torture, "parent")
    assert parent.primary_key is not None
    assert (parent.primary_key.name, parent.primary_key.columns) == ("parent_pk", ("b", "a"))
    assert parent.primary_key.definition == "PRIMARY KEY (b, a)"
    uniques = {u.name: u for u in parent.uniques}
    assert uniques["parent_u"].columns == ("d", "c")
    assert uniques["parent_u"].nulls_not_distinct
    assert uniques["parent_u"].definition == "UNIQUE NULLS NOT DISTINCT (d, c) INCLUDE (a)"
    assert uniques["parent_c_key"].definition == "UNIQUE (c) DEFERRABLE INITIALLY DEFERRED"
    assert not uniques["parent_c_key"].nulls_not_distinct
    assert parent.options == {"fillfactor": "70", "autovacuum_enabled": "false"}


def test_foreign_keys(torture: Schema) -> None:
    keys = {fk.name: fk for fk in table(torture, "child").foreign_keys}
    pair = keys["child_parent"]
    assert (pair.columns, pair.ref_table, pair.ref_columns) == (("y", "x"), TableName(EVIL, "parent"), ("a", "b"))
    assert (pair.match, pair.on_delete, pair.on_update) == ("FULL", "CASCADE", "CASCADE")
    itself = keys["child_self_fkey"]
    assert (itself.ref_table.name, itself.on_delete, itself.deferrable) == ("child", "SET NULL", False)
    late = keys["unchecked"]
    assert (late.deferrable, late.initially_deferred, late.validated) == (True, True, False)
    assert late.definition == (
        'FOREIGN KEY (room) REFERENCES "Übel ""Schema"""."select"("from") DEFERRABLE INITIALLY DEFERRED NOT VALID'
    )
    circle = [fk for name in ("left_", "right_") for fk in table(torture, name).foreign_keys]
    assert [fk.ref_table.name for fk in circle] == ["right_", "left_"]


def test_checks_are_boolean_expressions(torture: Schema) -> None:
    checks = {c.name: c for c in table(torture, "select").checks}
    sizes = checks["größer als null"]
    assert (sizes.expression, sizes.columns) == ('("Größe in €" > (0)::numeric)', ("Größe in €",))
    assert (sizes.definition, sizes.comment) == ('CHECK (("Größe in €" > (0)::numeric))', "sizes")
    assert set(checks["pair_of_columns"].columns) == {'a "quoted" name', "from"}
    assert not checks["calls_ours"].validated
    assert checks["calls_ours"].definition.endswith("NOT VALID")
    assert all(c.enforced for c in checks.values())


def test_exclusion_constraints_and_indexes(torture: Schema) -> None:
    child = table(torture, "child")
    (exclusion,) = child.exclusions
    assert (exclusion.name, exclusion.columns) == ("no_overlap", ("room", "during"))
    assert exclusion.definition == "EXCLUDE USING gist (room WITH =, during WITH &&) WHERE ((room > 0))"
    indexes = {i.name: i for i in child.indexes}
    assert set(indexes) == {"child_lower_y_room_idx", "part_unique", "whole_unique"}
    assert indexes["child_lower_y_room_idx"].columns == (None, "y")
    assert indexes["child_lower_y_room_idx"].definition == (
        'CREATE INDEX child_lower_y_room_idx ON "Übel ""Schema""".child '
        "USING btree (lower(x), y DESC NULLS LAST) INCLUDE (room)"
    )
    partial = indexes["part_unique"]
    assert (partial.unique, partial.predicate, partial.comment) == (True, "(x IS NOT NULL)", "partial")
    assert (indexes["whole_unique"].nulls_not_distinct, indexes["whole_unique"].predicate) == (True, None)
    assert child.unique_keys == (("id",), ("x", "y"))


def test_partitions_hang_below_their_root_with_what_is_theirs_alone(torture: Schema) -> None:
    parted = table(torture, "parted")
    assert parted.partition_key == "RANGE (at)"
    assert [(p.name.name, p.parent.name) for p in parted.partitions] == [
        ("parted_1", "parted"), ("parted_2", "parted"), ("parted_1_a", "parted_1"), ("parted_1_rest", "parted_1"),
    ]  # fmt: skip
    parts = {p.name.name: p for p in parted.partitions}
    assert parts["parted_1"].bound == "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
    assert parts["parted_1"].key == "LIST (kind)"
    assert (parts["parted_2"].bound, parts["parted_2"].key) == ("DEFAULT", None)
    assert all(p.primary_key is None for p in parted.partitions), "inherited keys are not repeated"
    assert [c.name for c in parts["parted_1_a"].checks] == ["only_a"]
    assert [fk.name for fk in parts["parted_2"].foreign_keys] == ["only_here"]
    assert [i.name for i in parts["parted_2"].indexes] == ["parted_2_owner_idx"]
    assert [i.name for i in parts["parted_1"].indexes] == []
    (index,) = parted.indexes
    assert index.definition == 'CREATE INDEX parted_kind ON "Übel ""Schema""".parted USING btree (kind)'


def test_foreign_keys_of_partitions_are_keys_of_the_root_once(torture: Schema) -> None:
    found = [(fk.columns, fk.ref_table.name, fk.on_partitions) for fk in table(torture, "parted").foreign_keys]
    assert found == [(("owner",), "select", False), (("id",), "left_", True)]
    assert all(not fk.on_partitions for p in table(torture, "parted").partitions for fk in p.foreign_keys)


def test_inherited_columns_and_checks_are_the_childs_own(torture: Schema) -> None:
    derived = table(torture, "derived")
    assert [c.name for c in derived.columns] == ["id", "v", "extra"]
    assert [c.expression for c in derived.checks] == ["(v <> ''::text)"]


def test_a_table_may_have_no_columns(torture: Schema) -> None:
    assert table(torture, "no columns").columns == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("base", "Triggers are not carried over and do not run while rows are written: on_base."),
        ("base", "Rewrite rules are not carried over: no_delete."),
        ("base", "Row-level security is not carried over (policies mine)"),
        ("derived", f"It inherits from {EVIL}.base"),
        ("no columns", "It is unlogged"),
        ("child", "Extended statistics are not carried over: stats_of_child."),
        ("select", f"Constraint calls_ours calls {EVIL}.twice, a function, which is not cloned."),
    ],
)
def test_what_is_not_carried_over_is_said(torture: Schema, name: str, words: str) -> None:
    assert any(note.startswith(words) for note in table(torture, name).notes), table(torture, name).notes


def test_ordinary_tables_have_no_notes(torture: Schema) -> None:
    assert [t.name.name for t in torture if t.notes] == ["base", "child", "derived", "no columns", "select"]


def test_views_are_notes_of_the_schema(torture: Schema) -> None:
    assert torture.notes == (
        f"The materialized view {EVIL}.a_matview is not cloned.",
        f"The view {EVIL}.a_view is not cloned.",
    )
    assert torture.extensions == ("btree_gist", "citext", "hstore")
