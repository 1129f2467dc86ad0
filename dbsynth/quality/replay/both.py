"""A source and what was cloned from it, opened for queries: which table of each a name stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dbsynth.dialect import Database, connect
from dbsynth.errors import UsageError
from dbsynth.pipeline.clone import Built, limited, names_in_target, read_catalog
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.pairing import table_names
from dbsynth.quality.replay.names import Names
from dbsynth.queries import Replays, Runner
from dbsynth.schema.model import Schema, TableName


@dataclass
class Both:
    """``schema``: of the source. ``real``, ``made``: rows by table of the source. ``paths``: of each side the schemas
    in which names without one are looked for. ``snapshot``: of the source. ``k``: rows of the source share a value that
    a query may be made with."""

    schema: Schema
    source: Database
    target: Database
    ours: Names
    theirs: Names
    real: Mapping[TableName, int]
    made: Mapping[TableName, int]
    paths: tuple[Sequence[str], Sequence[str]]
    snapshot: str
    k: int

    @contextmanager
    def runners(self, seconds: float) -> Iterator[tuple[Runner, Runner]]:
        source, target = replays(self.source), replays(self.target)
        ours = source.runner(self.paths[0], seconds, self.snapshot)
        with ours as here, target.runner(self.paths[1], seconds) as there:
            yield here, there


def replays(database: Database) -> Replays:
    """UsageError where it runs no queries."""
    if not isinstance(database, Replays):
        raise UsageError(
            f"the {database.dialect.name} dialect does not replay queries",
            hint="its Database lacks the method runner (dbsynth/queries.py)",
        )
    return database


@contextmanager
def opened(clone: CloneOptions) -> Iterator[Both]:
    """Both as they stand. UsageError where nothing of the source is in the target; the errors of connecting and
    reading."""
    asked = limited(clone)
    assert asked.target_url is not None
    with ExitStack() as stack:
        source, target = connect(asked.source_url), connect(asked.target_url)
        stack.callback(source.close)
        stack.callback(target.close)
        asked, schema = read_catalog(asked, source)
        mapping = names_in_target(asked, schema, source, target)
        made = target.introspect(tuple(dict.fromkeys(mapping.values())))
        target.bind(made)
        snapshot = stack.enter_context(source.snapshot())
        yield _both((source, target), (schema, made), mapping, mapping, snapshot, asked.privacy_k)


def of_built(built: Built, made: Schema) -> Both:
    """What is built and not published yet, whose catalog is ``made``, with the source as it was learned from."""
    plan, building = built.plan, built.building
    databases = (built.source, building.database)
    return _both(databases, (plan.schema, made), building.schemas, plan.mapping, built.snapshot, plan.privacy_k)


def _both(
    databases: tuple[Database, Database],
    schemas: tuple[Schema, Schema],
    mapping: Mapping[str, str],
    published: Mapping[str, str],
    snapshot: str,
    k: int,
) -> Both:
    """``mapping``: schema of the source -> where its tables are made; ``published``: -> as the target is called."""
    (source, target), (schema, made) = databases, schemas
    names = table_names(schema, mapping, source.dialect.grammar, target.dialect.grammar, made)
    if not names:
        raise UsageError(
            f"{target.describe()} has none of the tables of {source.describe()}",
            hint="name the schema that was made: TARGET#SCHEMA",
        )
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
    also = _also(published, source, target)
    return Both(
        schema,
        source,
        target,
        Names(ours, ours, places, path, same, complete=False, also=also),
        Names(ours, theirs, there, path, mapping, complete=True, also=also),
        source.count([t.name for t in schema.tables], snapshot),
        {name: found[here] for name, here in names.items()},
        (_with_public(path), _with_public([mapping[s] for s in path])),
        snapshot,
        k,
    )


def _also(published: Mapping[str, str], source: Database, target: Database) -> dict[str, str]:
    """Schema of the target -> that of the source which it stands for, in queries that were written for the target; not
    where the source's database has another schema of that name."""
    others = {name: ours for ours, name in published.items() if name not in published}
    if not others or source.identity() == target.identity():
        return others
    taken = {name for name, _ in source.schema_names()}
    return {name: ours for name, ours in others.items() if name not in taken}


def _with_public(path: Sequence[str]) -> tuple[str, ...]:
    """Functions and types of extensions lie there mostly; tables are named in full."""
    return tuple(dict.fromkeys([*path, "public"]))
