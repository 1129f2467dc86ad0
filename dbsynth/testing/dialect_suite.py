"""What every dialect has to do, as tests that a new one subclasses:

    class TestMyDatabase(DialectSuite):
        @pytest.fixture
        def url(self): return "mydb://..."          # a database the tests may fill

        notyet = {"test_cycle": "foreign keys are declared with their table"}

The schema is written in a neutral SQL and translated, so names, types, keys and CHECKs go the way that a clone from
another database goes. ``native`` adds columns in the database's own types.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.dialect import ReadRequest, RunInfo, Sample, Support, connect, load_dialect, parse_url
from dbsynth.errors import DbsynthError, GateFailed, TargetRefused
from dbsynth.grammar import Grammar
from dbsynth.pipeline import clone
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.constraints import check_constraints
from dbsynth.quality.gates import Thresholds
from dbsynth.quality.replay import ReplayOptions, replay
from dbsynth.quality.verify import VerifyOptions, verify_built
from dbsynth.queries import Failure, Ran, Replays
from dbsynth.schema.model import Check, Column, ForeignKey, Key, Schema, Table, TableName
from dbsynth.schema.types import arrow_type
from dbsynth.translate.names import folded
from dbsynth.translate.target import TranslatingTarget

_runs = itertools.count(1)
HOSTILE = "we;ird \"name' -- %s {x} é"


class Neutral(Grammar):
    """The SQL in which the suite writes its schema."""

    sqlglot = "postgres"
    folds = "lower"


@dataclass(frozen=True)
class Native:
    """A column in a type of the database: its SQL, the type that introspection gives, and values as they travel."""

    declared: str
    type: TypeEngine[Any]
    values: tuple[Any, ...]


TYPES: Mapping[str, tuple[TypeEngine[Any], tuple[Any, ...]]] = {
    "a_small": (sqltypes.SmallInteger(), (1, -32768, None)),
    "a_whole": (sqltypes.Integer(), (1, -(2**31), None)),
    "a_big": (sqltypes.BigInteger(), (2**62, -(2**62), None)),
    "a_decimal": (sqltypes.Numeric(12, 2), (Decimal("1.50"), Decimal("-9999999999.99"), None)),
    "a_fine_decimal": (sqltypes.Numeric(30, 15), (Decimal("0.000000000000001"), Decimal("123456789012345.5"), None)),
    "a_double": (sqltypes.Double(), (1.5, -1e300, None)),
    "a_flag": (sqltypes.Boolean(), (True, False, None)),
    "a_text": (sqltypes.Text(), ("", "a 'quoted' \"text\"\\ with\nlines, ünïcode \U0001f600", None)),
    "a_limited": (sqltypes.String(10), ("ten chars.", "", None)),
    "a_code": (sqltypes.Enum("new", "paid"), ("new", "paid", None)),
    "a_date": (sqltypes.Date(), (date(2024, 2, 29), date(1900, 1, 1), None)),
    "a_time": (sqltypes.Time(), (time(23, 59, 59, 123456), time(0, 0), None)),
    "a_moment": (sqltypes.DateTime(), (datetime(2024, 2, 29, 1, 2, 3, 456789), datetime(9999, 12, 31), None)),
    "a_zoned": (sqltypes.DateTime(timezone=True), (datetime(2024, 2, 29, 1, 2, 3, 4, UTC), None, None)),
    "a_uuid": (sqltypes.Uuid(as_uuid=False), ("00000000-0000-4000-8000-00000000abcd", None, None)),
    "a_blob": (sqltypes.LargeBinary(), ("\\x00ff10", "\\x", None)),
    "a_document": (sqltypes.JSON(), ('{"a":1}', "[1,2]", None)),
    "a_list": (sqltypes.ARRAY(sqltypes.Integer()), ("{1,2,3}", "{}", None)),
    "a_words": (sqltypes.ARRAY(sqltypes.Text()), ('{a,"b c","x\\"y"}', "{NULL}", None)),
}
"""Columns of the table in which every type occurs, with three values each."""
LISTS: Mapping[str, list[Any]] = {
    "{1,2,3}": [1, 2, 3], "{}": [], '{a,"b c","x\\"y"}': ["a", "b c", 'x"y'], "{NULL}": [None]
}  # fmt: skip


def shop() -> Schema:
    """Composite keys, a reference to oneself, a unique key, CHECKs."""
    customer, order, line = TableName("shop", "customer"), TableName("shop", "orders"), TableName("shop", "order_line")
    whole, text = sqltypes.Integer(), sqltypes.String(40)
    return Schema(
        (
            Table(
                customer,
                (
                    Column("id", whole, "integer", nullable=False),
                    Column("email", text, "varchar(40)", nullable=False),
                    Column("invited_by", whole, "integer"),
                    Column("level", text, "varchar(40)", default="'basic'"),
                ),
                primary_key=Key("customer_pkey", ("id",), "PRIMARY KEY (id)"),
                uniques=(Key("customer_email_key", ("email",), "UNIQUE (email)"),),
                foreign_keys=(ForeignKey("customer_invited_by_fkey", ("invited_by",), customer, ("id",)),),
                checks=(
                    Check("level_check", "((level)::text = ANY (ARRAY['basic'::text, 'gold'::text]))", ("level",)),
                ),
                comment="who buys",
            ),
            Table(
                order,
                (
                    Column("customer_id", whole, "integer", nullable=False),
                    Column("number", whole, "integer", nullable=False),
                    Column("total", sqltypes.Numeric(10, 2), "numeric(10,2)", nullable=False),
                ),
                primary_key=Key("orders_pkey", ("customer_id", "number"), ""),
                foreign_keys=(ForeignKey("orders_customer_id_fkey", ("customer_id",), customer, ("id",)),),
                checks=(Check("orders_total_check", "(total >= (0)::numeric)", ("total",)),),
            ),
            Table(
                line,
                (
                    Column("customer_id", whole, "integer", nullable=False),
                    Column("number", whole, "integer", nullable=False),
                    Column("position", whole, "integer", nullable=False),
                    Column("quantity", whole, "integer"),
                ),
                primary_key=Key("order_line_pkey", ("customer_id", "number", "position"), ""),
                foreign_keys=(
                    ForeignKey("order_line_fkey", ("customer_id", "number"), order, ("customer_id", "number")),
                ),
            ),
        )
    )


ROWS: Mapping[str, list[dict[str, Any]]] = {
    "customer": [
        {"id": i, "email": f"c{i}@example.com", "invited_by": i // 2 or None, "level": "gold" if i % 3 else "basic"}
        for i in range(1, 41)
    ],
    "orders": [
        {"customer_id": c, "number": n, "total": Decimal(10 * c + n)} for c in range(1, 41) for n in range(1, c % 4 + 1)
    ],
    "order_line": [
        {"customer_id": c, "number": n, "position": p, "quantity": p if p < 3 else None}
        for c in range(1, 41)
        for n in range(1, c % 4 + 1)
        for p in range(1, 4)
    ],
}


def batch_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    columns = table.stored_columns
    arrays = [pa.array([r.get(c.name) for r in rows], arrow_type(c.type)) for c in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(c.name, arrow_type(c.type)) for c in columns]))


class DialectSuite:
    """Subclass it; see the module."""

    notyet: ClassVar[Mapping[str, str]] = {}
    """Test -> why it fails for now. It has to fail: what passes must be taken out."""
    never: ClassVar[Mapping[str, str]] = {}
    """Test -> why the database cannot do it."""
    native: ClassVar[Mapping[str, Native]] = {}
    rows_of_many: ClassVar[int] = 100_000
    outlives: ClassVar[bool] = False
    """The database is there after the tests: they drop what they made (``SqlTarget.drop_schema``)."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError("a subclass gives the URL of a database that its tests may fill")

    @pytest.fixture(autouse=True)
    def _gaps(self, request: pytest.FixtureRequest) -> None:
        name = request.node.originalname
        if reason := {**self.notyet, **self.never}.get(name):
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture
    def place(self, url: str) -> Iterator[str]:
        """The name of a schema that is not there yet."""
        name = f"suite_{uuid4().hex[:8]}"
        yield name
        if self.outlives:
            database = connect(url)
            target: Any = database.target()
            for made in (name, f"{name}_dev"):
                target.drop_schema(made)
            target.close()
            database.close()

    # --- helpers ----------------------------------------------------------------------------------------------------

    def grammar(self, url: str) -> Grammar:
        return connect_grammar(url)

    @pytest.fixture
    def write(self, url: str, place: str) -> Callable[..., str]:
        """``write(schema, rows)``: as a clone is written, up to its publishing; gives the target's name."""

        def write(
            schema: Schema, rows: Mapping[str, Sequence[Mapping[str, Any]]], *, publish: bool = True, **options: Any
        ) -> str:
            database = connect(url)
            target = TranslatingTarget(database.target(), Neutral(), database.dialect.grammar)
            mapping = dict.fromkeys(schema.schemas, place)
            run = RunInfo(f"{next(_runs):08x}", "test", 1, "the suite")
            target.prepare(schema, mapping, run, replace=options.get("replace", False))
            try:
                for table in schema:
                    target.load(table.name, [batch_of(table, rows.get(table.name.name, []))])
                target.finish(lambda what: None)
                if publish:
                    target.publish()
            except BaseException:
                target.discard()
                raise
            finally:
                target.close()
                database.close()
            return place

        return write

    def read(self, url: str, name: TableName, **request: Any) -> list[dict[str, Any]]:
        database = connect(url)
        try:
            table = next(t for t in database.introspect([name.schema]) if t.name == name)
            columns = tuple(c.name for c in table.stored_columns)
            rows = pa.Table.from_batches(list(database.read(ReadRequest(name, columns, **request))))
            return list(rows.to_pylist())
        finally:
            database.close()

    def own(self, url: str, name: str) -> str:
        """A name of the neutral schema as the database writes it."""
        return folded(name, Neutral(), self.grammar(url))

    def named(self, url: str, place: str, table: str) -> TableName:
        return TableName(place, folded(table, Neutral(), self.grammar(url)))

    # --- what has to hold -------------------------------------------------------------------------------------------

    def test_every_type_comes_back_as_it_went_in(self, url: str, place: str, write: Callable[..., str]) -> None:
        grammar = self.grammar(url)
        columns = tuple(Column(n, t, "", nullable=True) for n, (t, _) in TYPES.items())
        table = Table(TableName("s", "every_type"), (Column("id", sqltypes.Integer(), "", nullable=False), *columns),
                      primary_key=Key("every_type_pkey", ("id",), ""))  # fmt: skip
        rows = [{"id": i, **{n: values[i] for n, (_, values) in TYPES.items()}} for i in range(3)]
        write(Schema((table,)), {"every_type": rows})
        name, key = self.named(url, place, "every_type"), folded("id", Neutral(), grammar)
        found = self.read(url, name, order_by=(key,))
        assert len(found) == 3
        for made, wanted in zip(found, rows, strict=True):
            for column, value in wanted.items():
                got = made[folded(column, Neutral(), grammar)]
                assert self.same(column, got, value), (column, got, value)

    def same(self, column: str, got: Any, wanted: Any) -> bool:
        """A dialect whose database cannot keep a value says here what it keeps in its place."""
        if column in ("a_list", "a_words") and isinstance(got, str) and got.startswith("["):  # kept as documents
            return bool(json.loads(got) == LISTS[wanted])
        if column == "a_document" and got is not None and wanted is not None:
            return bool(got.replace(" ", "").replace("\n", "") == wanted)
        return bool(got == wanted)

    def test_native_types_come_back(self, url: str, place: str) -> None:
        if not self.native:
            pytest.skip("the database has no types beyond the common ones")
        declared = self.grammar(url).declare(sqltypes.BigInteger()).sql
        table = Table(
            TableName(place, "native"),
            (
                Column("id", sqltypes.BigInteger(), declared, nullable=False),
                *(Column(n, c.type, c.declared) for n, c in self.native.items()),
            ),
        )
        count = max(len(c.values) for c in self.native.values())
        rows = [
            {"id": i, **{n: c.values[i] if i < len(c.values) else None for n, c in self.native.items()}}
            for i in range(count)
        ]
        database = connect(url)
        target = database.target()
        target.prepare(Schema((table,)), {place: place}, RunInfo(f"{next(_runs):08x}", "t", 1, "suite"), replace=False)
        target.load(table.name, [batch_of(table, rows)])
        target.finish(lambda what: None)
        target.publish()
        target.close()
        database.close()
        database = connect(url)
        [found] = database.introspect([place]).tables
        database.close()
        for n, c in self.native.items():
            assert found.column(n).declared == c.declared
            assert type(found.column(n).type) is type(c.type)
        made = self.read(url, table.name, order_by=("id",))
        for row, wanted in zip(made, rows, strict=True):
            for n in self.native:
                assert self.same(n, row[n], wanted[n]), (n, row[n], wanted[n])

    def test_keys_and_checks_are_declared_as_far_as_the_database_takes_them(
        self, url: str, place: str, write: Callable[..., str]
    ) -> None:
        write(shop(), ROWS)
        database = connect(url)
        found = database.introspect([place])
        constraints = database.dialect.capabilities.constraints
        database.close()

        def upper(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(self.own(url, n) for n in names)

        by_name = {t.name.name: t for t in found}
        assert set(by_name) == set(upper(["customer", "orders", "order_line"]))
        for table in shop():
            made = by_name[upper([table.name.name])[0]]
            assert [c.name for c in made.columns] == list(upper(c.name for c in table.columns))
            assert [c.nullable for c in made.columns] == [c.nullable for c in table.columns]
            if constraints["primary key"] is not Support.NOT_SUPPORTED:
                assert made.primary_key is not None
                assert table.primary_key is not None
                assert made.primary_key.columns == upper(table.primary_key.columns)
            if constraints["foreign key"] is not Support.NOT_SUPPORTED:
                wanted = {
                    (upper(k.columns), upper([k.ref_table.name]), upper(k.ref_columns)) for k in table.foreign_keys
                }
                got = {(k.columns, (k.ref_table.name,), k.ref_columns) for k in made.foreign_keys}
                assert got == wanted
                assert all(k.ref_table.schema == place for k in made.foreign_keys)
            if constraints["unique"] is not Support.NOT_SUPPORTED:
                assert {u.columns for u in made.uniques} == {upper(u.columns) for u in table.uniques}
            if constraints["check"] is not Support.NOT_SUPPORTED:
                assert len(made.checks) >= len(table.checks)

    @pytest.mark.parametrize("count", [0, 1])
    def test_few_rows(self, url: str, place: str, write: Callable[..., str], count: int) -> None:
        rows = {"customer": [{"id": 1, "email": "a", "invited_by": None, "level": "gold"}][:count]}
        write(shop(), rows)
        name = self.named(url, place, "customer")
        assert len(self.read(url, name)) == count
        database = connect(url)
        assert database.count([name]) == {name: count}
        database.close()

    def test_many_rows(self, url: str, place: str, write: Callable[..., str]) -> None:
        n = self.rows_of_many
        one = replace(shop().tables[0], foreign_keys=())
        rows = [{"id": i, "email": f"{i}@x", "invited_by": None, "level": "gold"} for i in range(n)]
        write(Schema((one,)), {"customer": rows})
        name, key = self.named(url, place, "customer"), folded("id", Neutral(), self.grammar(url))
        found = self.read(url, name, order_by=(key,))
        assert [r[key] for r in found] == list(range(n))

    def test_order_limit_and_counts_by_key(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        own = partial(self.own, url)
        name = self.named(url, place, "customer")
        found = self.read(url, name, order_by=(own("invited_by"), own("id")), limit=3)
        assert [(r[own("invited_by")], r[own("id")]) for r in found] == [(1, 2), (1, 3), (2, 4)]
        last = self.read(url, name, order_by=(own("invited_by"), own("id")))[-1]
        assert last[own("invited_by")] is None, "nulls come last"
        database = connect(url)
        degrees = database.degrees(self.named(url, place, "orders"), (own("customer_id"),)).to_pylist()
        database.close()
        wanted = {c: c % 4 for c in range(1, 41) if c % 4}
        assert {r[own("customer_id")]: r["n"] for r in degrees} == wanted

    def test_a_sample_takes_children_with_their_parents(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        own = partial(self.own, url)
        parents = self.read(url, self.named(url, place, "customer"), sample=Sample((own("id"),), 0.5))
        children = self.read(url, self.named(url, place, "orders"), sample=Sample((own("customer_id"),), 0.5))
        chosen = {r[own("id")] for r in parents}
        assert 5 < len(chosen) < 35
        assert {r[own("customer_id")] for r in children} == {c for c in chosen if c % 4}
        rows = self.read(url, self.named(url, place, "order_line"), sample=Sample((), 0.5))
        assert 0.2 < len(rows) / len(ROWS["order_line"]) < 0.8

    def test_hostile_names(self, url: str, place: str, write: Callable[..., str]) -> None:
        column = Column(HOSTILE, sqltypes.Text(), "text", comment=HOSTILE)
        table = Table(TableName("s", HOSTILE), (Column("id", sqltypes.Integer(), "", nullable=False), column),
                      primary_key=Key(HOSTILE, ("id",), ""))  # fmt: skip
        grammar = self.grammar(url)
        if grammar.allows_name(HOSTILE, "column"):
            with pytest.raises(DbsynthError, match="cannot be used in the target"):
                write(Schema((table,)), {HOSTILE: [{"id": 1, HOSTILE: HOSTILE}]})
            return
        write(Schema((table,)), {HOSTILE: [{"id": 1, HOSTILE: HOSTILE}]})
        [row] = self.read(url, TableName(place, HOSTILE))
        assert row[HOSTILE] == HOSTILE

    def test_a_cycle_of_foreign_keys(self, url: str, place: str, write: Callable[..., str]) -> None:
        a, b = TableName("s", "a"), TableName("s", "b")
        whole = sqltypes.Integer()

        def table(name: TableName, other: TableName) -> Table:
            columns = (Column("id", whole, "", nullable=False), Column("other", whole, "", nullable=False))
            key = ForeignKey(f"{name.name}_other", ("other",), other, ("id",))
            return Table(name, columns, Key(f"{name.name}_pkey", ("id",), ""), foreign_keys=(key,))

        rows = [{"id": i, "other": 3 - i} for i in (1, 2)]
        write(Schema((table(a, b), table(b, a))), {"a": rows, "b": rows})
        assert len(self.read(url, self.named(url, place, "b"))) == 2

    @pytest.mark.parametrize("broken", ["duplicate", "orphan", "check", "null"])
    def test_rows_that_break_a_constraint_are_never_published(
        self, url: str, place: str, write: Callable[..., str], broken: str
    ) -> None:
        good = ROWS["customer"]
        bad: dict[str, dict[str, Any]] = {
            "duplicate": {**good[0], "email": "another"},
            "orphan": {"id": 99, "email": "z", "invited_by": 12345, "level": "gold"},
            "check": {"id": 99, "email": "z", "invited_by": None, "level": "platinum"},
            "null": {"id": 99, "email": None, "invited_by": None, "level": "gold"},
        }
        with pytest.raises(DbsynthError):
            write(shop(), {**ROWS, "customer": [*good, bad[broken]]})
        database = connect(url)
        with pytest.raises(DbsynthError, match="no schema"):
            database.introspect([place])
        database.close()

    def test_a_target_is_replaced_whole_and_only_if_it_is_ours(
        self, url: str, place: str, write: Callable[..., str]
    ) -> None:
        write(shop(), ROWS)
        small = Schema((replace(shop().tables[0], foreign_keys=()),))
        write(small, {"customer": ROWS["customer"][:3]})
        database = connect(url)
        assert [t.name for t in database.introspect([place])] == [self.named(url, place, "customer")]
        database.close()
        assert len(self.read(url, self.named(url, place, "customer"))) == 3

    def test_the_source_is_never_a_target(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        database = connect(url)
        schema = database.introspect([place])
        run = RunInfo("0badc0de", "t", 1, database.describe(), source_identity=database.identity())
        target = database.target()
        with pytest.raises(TargetRefused):
            target.prepare(schema, {place: place}, run, replace=True)
        target.close()
        database.close()
        assert len(self.read(url, self.named(url, place, "customer"))) == 40

    def test_what_is_discarded_leaves_nothing(self, url: str, place: str) -> None:
        database = connect(url)
        before = schemas_of(url)
        target = TranslatingTarget(database.target(), Neutral(), database.dialect.grammar)
        target.prepare(shop(), {"shop": place}, RunInfo(f"{next(_runs):08x}", "t", 1, "suite"), replace=False)
        target.load(shop().tables[0].name, [batch_of(shop().tables[0], ROWS["customer"])])
        target.discard()
        target.close()
        database.close()
        assert schemas_of(url) == before

    def test_the_database_judges_rows(self, url: str, place: str) -> None:
        database = connect(url)
        target = TranslatingTarget(database.target(), Neutral(), database.dialect.grammar)
        schema = shop()
        target.prepare(schema, {"shop": place}, RunInfo(f"{next(_runs):08x}", "t", 1, "suite"), replace=False)
        try:
            rows = [{"id": 1, "email": "a", "invited_by": None, "level": "gold"},
                    {"id": 2, "email": "bb", "invited_by": 7, "level": None}]  # fmt: skip
            batch = batch_of(schema.tables[0], rows)
            tests = ["(length((email)::text) > 1)", "(invited_by > id)", "(level = 'x')"]
            made = target.rejected(schema.tables[0].name, tests, batch)
        finally:
            target.discard()
            target.close()
            database.close()
        assert made.tolist() == [[True, False, True], [False, False, False]]

    def test_what_breaks_a_constraint_is_counted(self, url: str, place: str, write: Callable[..., str]) -> None:
        """Of what is declared nothing is broken; of what the rows do not keep all that is."""
        write(shop(), ROWS)
        database = connect(url)
        found = database.introspect([place])
        database.bind(found)
        own, quote = partial(self.own, url), database.dialect.grammar.quote
        broken = [c for c in check_constraints(database, found) if c.violations]
        customer = found[self.named(url, place, "customer")]
        level, inviter = own("level"), own("invited_by")
        claimed = replace(
            customer,
            columns=tuple(
                replace(c, nullable=False) if c.name == inviter else replace(c, type=sqltypes.String(14))
                if c.name == own("email") else c
                for c in customer.columns
            ),
            uniques=(Key("one_of_a_level", (level,), ""),),
            foreign_keys=(ForeignKey("odd", (own("id"),), customer.name, (inviter,)),),
            checks=(Check("small", f"({quote(own('id'))} < 31)"),),
        )  # fmt: skip
        counts = {
            (c.subject.table.name, c.kind, c.subject.constraint): c.violations
            for c in check_constraints(database, Schema((claimed,)))
            if c.violations
        }
        database.close()
        assert broken == []
        table = customer.name.name
        assert counts == {
            (table, "not null", ""): 1,
            (table, "unique", "one_of_a_level"): 2,
            (table, "check", "small"): 10,
            (table, "foreign key", "odd"): 20,
            (table, "length", ""): 31,
        }

    def test_what_is_built_is_verified_before_it_appears(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        before = schemas_of(url)
        options = CloneOptions(
            parse_url(url), parse_url(url), source_schemas=(place,), target_schema=f"{place}_dev", seed=1, workers=1,
            effort="quick",
        )  # fmt: skip
        seen = []

        def refused(built: clone.Built) -> None:
            seen.append(verify_built(built, VerifyOptions(options.source_url, thresholds=Thresholds(fail_on=()))))
            raise GateFailed("seen")

        with pytest.raises(GateFailed, match="seen"):
            clone.run(options, lambda event: None, refused)
        [found] = seen
        assert schemas_of(url) == before, "nothing is left"
        assert {n.name: rows for n, rows in found.rows.items()} == {
            self.named(url, place, n).name: (len(rows), len(rows)) for n, rows in ROWS.items()
        }
        assert found.constraints
        assert [f.says for f in found.findings if f.severity == "failure" and f.gate == "violations"] == []

    def test_a_clone_within_the_database(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        options = CloneOptions(
            parse_url(url), parse_url(url), source_schemas=(place,), target_schema=f"{place}_dev", seed=1, workers=1,
            effort="quick",
        )  # fmt: skip
        done = clone.run(options, lambda event: None)
        assert {r.rows for r in done.results} == {len(rows) for rows in ROWS.values()}
        assert all(v.violations == 0 for v in done.verified)
        database = connect(url)
        constraints = database.dialect.capabilities.constraints
        declared = {kind for table in database.introspect([place]) for kind in kinds_of(table)}
        database.close()
        unenforced = {kind for kind in declared if constraints[kind] is not Support.ENFORCED}
        assert unenforced <= {v.kind for v in done.verified}, "what the database does not enforce is tested by query"
        replayed = replay(ReplayOptions(options))
        assert len(replayed.compared) > 10
        assert [c.figure.says for c in replayed.compared if c.figure.q_error is None] == [], "every query runs"

    def test_queries_run_read_only(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        database = connect(url)
        assert isinstance(database, Replays)
        customer = database.place(self.named(url, place, "customer"))
        with database.runner([place], 60.0) as runner:
            found = runner.run(f"SELECT * FROM {customer}")
            missing = runner.run(f"SELECT * FROM {database.place(self.named(url, place, 'no_such_table'))}")
            again = runner.run(f"SELECT COUNT(*) FROM {customer}")
        database.close()
        assert isinstance(found, Ran)
        assert found.rows == len(ROWS["customer"])
        assert len(found.columns) == 4
        assert isinstance(missing, Failure)
        assert isinstance(again, Ran)
        assert again.columns[0].values.tolist() == [len(ROWS["customer"])]


def kinds_of(table: Table) -> set[str]:
    """The kinds of constraint that a table has."""
    found = {
        "primary key": table.primary_key,
        "unique": table.uniques,
        "foreign key": table.foreign_keys,
        "check": table.checks,
        "exclusion": table.exclusions,
    }
    return {kind for kind, constraints in found.items() if constraints}


def connect_grammar(url: str) -> Grammar:
    from dbsynth.dialect import dialect_name, parse_url

    return load_dialect(dialect_name(parse_url(url))).grammar


def schemas_of(url: str) -> set[str]:
    """Of any database: the names that introspection finds, building schemas among them."""
    database = connect(url)
    try:
        return {name for name, _ in database.schema_names()}
    finally:
        database.close()
