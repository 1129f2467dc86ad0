"""What every dialect has to do, as tests that a new one subclasses:

    class TestMyDatabase(DialectSuite):
        @pytest.fixture
        def url(self): return "mydb://..."          # a database the tests may fill

        notyet = {"test_cycle": "foreign keys are declared with their table"}

The schema is written in a neutral SQL and translated, so names, types, keys and CHECKs go the way that a clone from
another database goes. ``native`` adds columns in the database's own types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.dialect import RunInfo, Sample, Support, connect, parse_url
from dbsynth.errors import DbsynthError, GateFailed, TargetRefused
from dbsynth.pipeline import clone
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.constraints import check_constraints
from dbsynth.quality.gates import Thresholds
from dbsynth.quality.replay import ReplayOptions, replay
from dbsynth.quality.replay.workloads import Asked
from dbsynth.quality.verify import VerifyOptions, verify_built
from dbsynth.queries import Failure, Ran, Replays
from dbsynth.schema.model import Check, Column, ForeignKey, Key, Schema, Table, TableName
from dbsynth.testing.dialect_fixtures import DialectFixtures, new_run
from dbsynth.testing.dialect_world import HOSTILE, ROWS, TYPES, Native, Neutral, batch_of, shop
from dbsynth.translate.names import folded
from dbsynth.translate.target import TranslatingTarget

__all__ = ["DialectSuite", "Native", "batch_of"]


class DialectSuite(DialectFixtures):
    """Subclass it; see the module."""

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
        target.prepare(Schema((table,)), {place: place}, new_run(), replace=False)
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
        target.prepare(shop(), {"shop": place}, new_run(), replace=False)
        target.load(shop().tables[0].name, [batch_of(shop().tables[0], ROWS["customer"])])
        target.discard()
        target.close()
        database.close()
        assert schemas_of(url) == before

    def test_the_database_judges_rows(self, url: str, place: str) -> None:
        database = connect(url)
        target = TranslatingTarget(database.target(), Neutral(), database.dialect.grammar)
        schema = shop()
        target.prepare(schema, {"shop": place}, new_run(), replace=False)
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
            asked = VerifyOptions(
                options.source_url, thresholds=Thresholds(fail_on=()), workload=Asked("generated", seconds=60)
            )
            seen.append(verify_built(built, asked))
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
        assert found.workload is not None
        assert len(found.workload.queries) > 10
        assert [q.says for q in found.workload.queries if q.q_error is None] == [], "every query runs where it is built"

    def test_a_clone_within_the_database(self, url: str, place: str, write: Callable[..., str]) -> None:
        write(shop(), ROWS)
        options = CloneOptions(
            parse_url(url), parse_url(url), source_schemas=(place,), target_schema=f"{place}_dev", seed=1, workers=1,
            effort="quick",
        )  # fmt: skip
        seen: list[clone.Built] = []
        done = clone.run(options, lambda event: None, seen.append)
        assert [built.plan.mapping for built in seen] == [{place: f"{place}_dev"}], "looked at before it appears"
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


def schemas_of(url: str) -> set[str]:
    """Of any database: the names that introspection finds, building schemas among them."""
    database = connect(url)
    try:
        return {name for name, _ in database.schema_names()}
    finally:
        database.close()
