"""Open the two sides of a comparison: which table of the target stands for which of the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from dbsynth.dialect import Database, Dialect, connect
from dbsynth.errors import UsageError
from dbsynth.grammar import Grammar
from dbsynth.pipeline.clone import limited, names_in_target, plan_of, read_catalog
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.sides import SAMPLE_ROWS, Side, Sides
from dbsynth.schema.model import Schema, Table, TableName
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
        mapping = names_in_target(options, schema, source, target)
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
    schema, side = made_side(plan, plan.source, source.dialect.grammar, target, made, snapshots[1], limit)
    return Sides(schema, Side.of(source, schema, snapshots[0], limit), side, plan, made)


def made_side(
    plan: Plan, reference: str, grammar: Grammar, target: Database, made: Schema, snapshot: str, limit: int
) -> tuple[Schema, Side]:
    """The target by the names of the plan, and what of the plan's schema is there. ``grammar``: of the source;
    ``reference``: what the target is compared with, for people. Raises UsageError where no table is there."""
    names = table_names(plan.schema, plan.mapping, grammar, target.dialect.grammar, made)
    if not names:
        raise UsageError(
            f"{plan.target} has none of the tables of {reference}",
            hint="name the schema that was made: TARGET#SCHEMA",
        )
    schema = replace(plan.schema, tables=tuple(t for t in plan.schema.tables if t.name in names))
    columns = {t.name: column_names(t, made[names[t.name]], grammar, target.dialect.grammar) for t in schema.tables}
    found = target.count(list(names.values()), snapshot)
    counts = {name: found[here] for name, here in names.items()}
    return schema, Side(target, schema, names, columns, counts, snapshot, limit)


def table_names(
    schema: Schema, mapping: Mapping[str, str], ours: Grammar, theirs: Grammar, made: Schema
) -> dict[TableName, TableName]:
    """By table of the source that of the target, those that are there."""
    there = {t.name for t in made.tables}
    names = {t.name: TableName(mapping[t.name.schema], folded(t.name.name, ours, theirs)) for t in schema.tables}
    return {name: here for name, here in names.items() if here in there}


def column_names(table: Table, here: Table, ours: Grammar, theirs: Grammar) -> dict[str, str]:
    """By stored column of the source that of the target, those that are there."""
    names = {c.name: folded(c.name, ours, theirs) for c in table.stored_columns}
    there = {c.name for c in here.stored_columns}
    return {name: found for name, found in names.items() if found in there}
