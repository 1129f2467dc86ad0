"""The whole replay: both sides opened, the queries gathered, each run on both and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dbsynth.dialect import Database, connect
from dbsynth.errors import UsageError
from dbsynth.pipeline.clone import limited, names_in_target, read_catalog
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.figures import Finding, QueryFigure, Workload
from dbsynth.quality.pairing import table_names
from dbsynth.quality.replay.compare import FLOOR, MOST
from dbsynth.quality.replay.generate import generate
from dbsynth.quality.replay.literals import look
from dbsynth.quality.replay.manifest import read_manifest
from dbsynth.quality.replay.names import Names
from dbsynth.quality.replay.parameters import filled
from dbsynth.quality.replay.safety import Query, Refused, objection, read_queries
from dbsynth.quality.replay.verdict import Compared, compared, ratios_of
from dbsynth.queries import Failure, Ran, RemembersStatements, Replays, Runner
from dbsynth.rng import generator
from dbsynth.schema.model import Schema, TableName

SECONDS = 30.0
MIN_SHARE = 0.95
MOST_STATEMENTS = 500
"""Of pg_stat_statements, those that took most time."""
Workloads = Literal["file", "pg_stat_statements", "dbt", "generated"]


@dataclass(frozen=True)
class ReplayOptions:
    """``clone``: source and target, as of the clone. ``path``: the file of queries, or dbt's manifest.json.
    ``seconds``: a query may take on a side."""

    clone: CloneOptions
    workload: Workloads = "generated"
    path: Path | None = None
    seconds: float = SECONDS
    min_share: float = MIN_SHARE
    seed: int = 0


@dataclass(frozen=True)
class Asked:
    """A workload by itself: see ``ReplayOptions``."""

    kind: Workloads
    path: Path | None = None
    seconds: float = SECONDS

    def of(self, clone: CloneOptions, min_share: float, seed: int) -> ReplayOptions:
        return ReplayOptions(clone, self.kind, self.path, self.seconds, min_share, seed)


@dataclass(frozen=True)
class Replay:
    """``compared`` in the order in which the queries were run."""

    target: str
    against: str
    workload: Workload
    compared: tuple[Compared, ...]
    min_share: float
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return bool(self.workload.queries) and self.workload.share >= self.min_share

    @property
    def same_joins(self) -> tuple[int, int]:
        """Of the queries that join, and whose plans both databases told: how many have one join order; how many."""
        told = [c.joins_alike for c in self.compared if c.joins_alike is not None]
        return sum(told), len(told)

    def describe(self) -> dict[str, Any]:
        """No literal of a query, no value of a row."""
        return {
            "version": 1,
            "target": self.target,
            "against": self.against,
            "passed": self.passed,
            "share": round(self.workload.share, 4),
            "min_share": self.min_share,
            "most_q_error": self.workload.most,
            "floor": FLOOR,
            "about": dict(self.about),
            "queries": [c.describe() for c in self.compared],
            "skipped": dict(self.workload.skipped),
            "findings": [{"severity": f.severity, "says": f.says, "remedy": f.remedy} for f in self.workload.findings],
        }


def replay(options: ReplayOptions, emit: Callable[[QueryFigure], None] = lambda _: None) -> Replay:
    """Nothing is written on either side. UsageError where there is no workload, or nothing of the source in the
    target; the errors of connecting and reading."""
    with _opened(options) as sides:
        queries, refused = _queries(options, sides)
        done = []
        with sides.runners(options.seconds) as (ours, theirs):
            for query in queries:
                result = _both(query, ours, theirs, sides)
                emit(result.figure)
                done.append(result)
        skipped = {r.name: r.says for r in refused}
        workload = workload_of(tuple(c.figure for c in done), skipped, options.min_share)
        about = {
            "workload": options.workload,
            "seed": options.seed,
            "limit_seconds": options.seconds,
            "plans": sides.told_plans,
            "tables": len(sides.schema.tables),
        }
        return Replay(sides.target.describe(), sides.source.describe(), workload, tuple(done), options.min_share, about)


def workload_of(queries: tuple[QueryFigure, ...], skipped: Mapping[str, str], min_share: float) -> Workload:
    """``share`` 0 where no query was run."""
    alike = sum(q.alike for q in queries)
    share = alike / len(queries) if queries else 0.0
    findings = [
        Finding("warning", "workload", None, f"{q.query}: {q.says}", _remedy(q)) for q in queries if not q.alike
    ]
    if not queries:
        says = f"no query was run, {len(skipped):,} were refused or skipped"
        findings.insert(0, Finding("failure", "workload", None, says, "see why each was"))
    elif share < min_share:
        says = f"{alike:,} of {len(queries):,} queries behave alike on both sides ({share:.1%}, {min_share:.0%} asked)"
        findings.insert(0, Finding("failure", "workload", None, says, "see why each of the others does not"))
    return Workload(share, MOST, queries, dict(skipped), tuple(findings))


def _remedy(query: QueryFigure) -> str:
    if query.q_error is None:
        return "run it there by hand: what it names has to be in both"
    return "train longer (--effort thorough), or tell dbsynth of the rule or fact that the query relies on"


# --- both sides ---------------------------------------------------------------------------------------------------


@dataclass
class _Sides:
    schema: Schema
    source: Database
    target: Database
    ours: Names
    theirs: Names
    real: Mapping[TableName, int]
    made: Mapping[TableName, int]
    paths: tuple[Sequence[str], Sequence[str]]
    snapshot: str
    told_plans: bool = False

    @contextmanager
    def runners(self, seconds: float) -> Iterator[tuple[Runner, Runner]]:
        for database in (self.source, self.target):
            if not isinstance(database, Replays):
                raise UsageError(
                    f"the {database.dialect.name} dialect does not replay queries",
                    hint="its Database lacks the method runner (dbsynth/queries.py)",
                )
        source, target = self.source, self.target
        assert isinstance(source, Replays)
        assert isinstance(target, Replays)
        with source.runner(self.paths[0], seconds) as ours, target.runner(self.paths[1], seconds) as theirs:
            yield ours, theirs


@contextmanager
def _opened(options: ReplayOptions) -> Iterator[_Sides]:
    asked = limited(options.clone)
    assert asked.target_url is not None
    with ExitStack() as stack:
        source, target = connect(asked.source_url), connect(asked.target_url)
        stack.callback(source.close)
        stack.callback(target.close)
        asked, schema = read_catalog(asked, source)
        mapping = names_in_target(asked, schema, source, target)
        made = target.introspect(tuple(dict.fromkeys(mapping.values())))
        target.bind(made)
        names = table_names(schema, mapping, source.dialect.grammar, target.dialect.grammar, made)
        if not names:
            raise UsageError(
                f"{target.describe()} has none of the tables of {source.describe()}",
                hint="name the schema that was made: TARGET#SCHEMA",
            )
        snapshot = stack.enter_context(source.snapshot())
        real = source.count([t.name for t in schema.tables], snapshot)
        found = target.count(list(names.values()))
        path = sorted(schema.schemas, key=lambda s: (s != "public", s))
        places = {t.name: source.place(t.name) for t in schema.tables}
        places |= {p.name: source.place(p.name) for t in schema.tables for p in t.partitions}
        there = {name: target.place(here) for name, here in names.items()}
        parts = {p.name for t in made.tables for p in t.partitions}
        for part in (p.name for t in schema.tables for p in t.partitions):
            if (here := TableName(mapping.get(part.schema, part.schema), part.name)) in parts:
                there[part] = target.place(here)
        ours, theirs = source.dialect.grammar, target.dialect.grammar
        same = {s: s for s in schema.schemas}
        yield _Sides(
            schema,
            source,
            target,
            Names(ours, ours, places, path, same, complete=False),
            Names(ours, theirs, there, path, mapping, complete=True),
            real,
            {name: found[here] for name, here in names.items()},
            (_with_public(path), _with_public([mapping[s] for s in path])),
            snapshot,
        )


def _with_public(path: Sequence[str]) -> tuple[str, ...]:
    """Functions and types of extensions lie there mostly; tables are named in full."""
    return tuple(dict.fromkeys([*path, "public"]))


def _both(query: Query, ours: Runner, theirs: Runner, sides: _Sides) -> Compared:
    here, there = sides.ours.placed(query.sql), sides.theirs.placed(query.sql)
    real: Ran | Failure = Failure(here.why) if here.sql is None else ours.run(here.sql)
    made: Ran | Failure = Failure(there.why) if there.sql is None else theirs.run(there.sql)
    if isinstance(real, Ran) and isinstance(made, Ran):
        sides.told_plans = real.plan is not None and made.plan is not None
    ratios = ratios_of(here.tables, sides.real, sides.made)
    return compared(query, real, made, ratios, sides.ours.source.sqlglot)


# --- the queries --------------------------------------------------------------------------------------------------


def _queries(options: ReplayOptions, sides: _Sides) -> tuple[list[Query], list[Refused]]:
    grammar = sides.source.dialect.grammar
    match options.workload:
        case "file":
            assert options.path is not None
            try:
                text = options.path.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as cause:
                raise UsageError(f"{options.path} cannot be read as text", hint="check the path") from cause
            queries, refused = read_queries(text, grammar.sqlglot, "file", options.path.name)
        case "dbt":
            assert options.path is not None
            queries, refused = read_manifest(options.path, grammar)
        case "pg_stat_statements":
            queries, refused = _remembered(options, sides)
        case "generated":
            values = look(sides.source, sides.schema, sides.real, sides.snapshot, options.clone.privacy_k)
            queries, refused = generate(sides.schema, values, grammar, options.seed), []
    if not queries and not refused and options.workload == "generated":
        raise UsageError(
            f"no query can be made for {sides.source.describe()}: its tables are empty",
            hint="give your own: --queries FILE",
        )
    if not queries and not refused:
        raise UsageError("the workload holds no query", hint="a file of SELECT statements, each ended by a semicolon")
    return queries, refused


def _remembered(options: ReplayOptions, sides: _Sides) -> tuple[list[Query], list[Refused]]:
    if not isinstance(sides.source, RemembersStatements):
        raise UsageError(
            f"--pg-stat-statements: {sides.source.dialect.name} has no such thing", hint="give a file: --queries FILE"
        )
    dialect = sides.source.dialect.grammar.sqlglot
    statements = sides.source.statements(MOST_STATEMENTS)
    values = look(sides.source, sides.schema, sides.real, sides.snapshot, options.clone.privacy_k)
    queries, refused = [], []
    for number, statement in enumerate(statements, 1):
        name = f"pg_stat_statements #{number}"
        rng: np.random.Generator = generator(options.seed, "replay", statement.sql)
        sql, why = filled(statement.sql, sides.ours, values, rng)
        why = why or (objection(sql, dialect) if sql is not None else "") or ""
        if sql is None or why:
            refused.append(Refused(name, why))
        elif not sides.ours.placed(sql).tables:
            refused.append(Refused(name, "reads none of the tables"))
        else:
            queries.append(Query(name, f"{statement.calls:,} calls", sql))
    return queries, refused
