"""Open the two sides of a comparison: which table of the target stands for which of the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from dbsynth.dialect import Database, Dialect, connect
from dbsynth.errors import UsageError
from dbsynth.pipeline.clone import limited, plan_of, read_catalog, target_names
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.sides import SAMPLE_ROWS, Side, Sides
from dbsynth.schema.model import Schema, TableName
from dbsynth.translate.names import folded

Names = Mapping[TableName, TableName]


@contextmanager
def opened(options: CloneOptions, limit: int = SAMPLE_ROWS) -> Iterator[Sides]:
    """The source of a clone and its target, both read-only, in one snapshot each, planned as the clone is. ``limit``:
    rows of a sample. Raises UsageError where the target lacks all tables, and what planning raises."""
    options = limited(options)
    assert options.target_url is not None
    with ExitStack() as stack:
        source, target = connect(options.source_url), connect(options.target_url)
        stack.callback(source.close)
        stack.callback(target.close)
        options, schema = read_catalog(options, source)
        mapping = target_names(options, schema, source, target)
        made = target.introspect(schemas_of(schema, mapping, source.dialect, target.dialect))
        target.bind(made)
        snapshot, snapshot_made = stack.enter_context(source.snapshot()), stack.enter_context(target.snapshot())
        plan = plan_of(options, source, target, schema, mapping, snapshot, options.seed or 0)
        yield pair(plan, source, target, made, (snapshot, snapshot_made), limit)


def schemas_of(schema: Schema, mapping: Mapping[str, str], source: Dialect, target: Dialect) -> tuple[str, ...]:
    """The schemas of a target, by their names there: of another dialect those of tables, for types go with those."""
    named = {t.name.schema for t in schema.tables} if source.name != target.name else set(mapping)
    return tuple(dict.fromkeys(here for ours, here in mapping.items() if ours in named))


def pair(
    plan: Plan, source: Database, target: Database, made: Schema, snapshots: tuple[str, str], limit: int = SAMPLE_ROWS
) -> Sides:
    """``made``: the catalog of the target, to which ``target`` is bound, as ``source`` is to that of the plan."""
    names = table_names(plan.schema, plan.mapping, source, target, made)
    if not names:
        raise UsageError(
            f"{plan.target} has none of the tables of {plan.source}",
            hint="name the schema that was made: TARGET#SCHEMA",
        )
    schema = replace(plan.schema, tables=tuple(t for t in plan.schema.tables if t.name in names))
    columns = {t.name: column_names(schema, t.name, made, names[t.name], source, target) for t in schema.tables}
    ours = {n: n for n in names}
    own = {t.name: {c.name: c.name for c in t.stored_columns} for t in schema.tables}
    counts = source.count(list(ours), snapshots[0])
    found = target.count(list(names.values()), snapshots[1])
    return Sides(
        schema,
        Side(source, schema, ours, own, counts, snapshots[0], limit),
        Side(target, schema, names, columns, {n: found[h] for n, h in names.items()}, snapshots[1], limit),
        plan,
        made,
    )


def table_names(
    schema: Schema, mapping: Mapping[str, str], source: Database, target: Database, made: Schema
) -> dict[TableName, TableName]:
    """By table of the source that of the target, those that are there."""
    ours, theirs = source.dialect.grammar, target.dialect.grammar
    there = {t.name for t in made.tables}
    names = {t.name: TableName(mapping[t.name.schema], folded(t.name.name, ours, theirs)) for t in schema.tables}
    return {name: here for name, here in names.items() if here in there}


def column_names(
    schema: Schema, name: TableName, made: Schema, here: TableName, source: Database, target: Database
) -> dict[str, str]:
    """By stored column of the source that of the target, those that are there."""
    ours, theirs = source.dialect.grammar, target.dialect.grammar
    names = {c.name: folded(c.name, ours, theirs) for c in schema[name].stored_columns}
    there = {c.name for c in made[here].stored_columns}
    return {name: found for name, found in names.items() if found in there}
