"""What two catalogs differ in: what a target is expected to look like against what it looks like.

The catalogs are those that the dialects read, which know more than the reflection that Alembic compares (predicates and
expressions of indexes, exclusion constraints, domains, partitions, what is deferrable), and of databases for which
Alembic has no dialect; so Alembic's comparison is not used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dbsynth.dialect import Dialect
from dbsynth.quality.catalog_tables import TableComparison
from dbsynth.quality.differences import Difference, Frame, Labels
from dbsynth.quality.figures import Subject
from dbsynth.schema.model import Schema, TableName, UserType
from dbsynth.translate.schema import translated
from dbsynth.translate.target import source_grammar

__all__ = ["Difference", "Labels", "compare"]
SOURCE_AND_TARGET = Labels()
AGAIN = "make it again: dbsynth clone or dbsynth generate"


def compare(
    reference: Schema,
    found: Schema,
    mapping: Mapping[str, str],
    source: Dialect | None,
    target: Dialect,
    labels: Labels = SOURCE_AND_TARGET,
    again: str = AGAIN,
) -> tuple[Difference, ...]:
    """``reference``: the catalog of ``source`` (None: of tables in memory); ``found``: that of the target, in its own
    names; ``mapping``: by schema of the source that of the target. Of another dialect, the reference is what
    translating makes of it: what the plan says is not carried over is no difference. Virtual keys and rules are
    declared nowhere and not compared. ``again``: the remedy where no single statement is one."""
    same = source is not None and source.name == target.name
    grammar = source_grammar(source.name if source is not None else None)
    wanted = reference if same else translated(reference, grammar, target.grammar).schema
    frame = Frame(mapping, target, wanted, same, labels, again)
    out: list[Difference] = []
    there = {t.name: t for t in found.tables}
    names = {t.name: frame.here(t.name) for t in wanted.tables}
    for table in wanted.tables:
        here = there.get(names[table.name])
        if here is None:
            out.append(frame.missing(table.name, "table", str(table.name.name), remedy=again))
        else:
            out += TableComparison(frame, table, here).differences()
    ours = {n.schema for n in names.values()}
    for table in found.tables:
        if table.name.schema in ours and table.name not in names.values():
            sql = f"DROP TABLE {frame.place(table.name)}"
            back = TableName(frame.back.get(table.name.schema, table.name.schema), table.name.name)
            out.append(frame.added(back, "table", table.name.name, sql))
    if same:
        out += _types(frame, wanted, found)
        out += _sequences(frame, wanted, found)
    return tuple(out)


@dataclass(frozen=True)
class _Named:
    """A user type or a sequence under the name by which it is compared."""

    schema: str
    name: str


def _types(frame: Frame, wanted: Schema, found: Schema) -> list[Difference]:
    here = {_Named(frame.back.get(t.schema, t.schema), t.name): t for t in found.types}
    out: list[Difference] = []
    for type_ in wanted.types:
        if type_.schema not in frame.mapping:
            continue
        other = here.get(_Named(type_.schema, type_.name))
        about = TableName(type_.schema, type_.name)
        if other is None:
            out.append(frame.missing(about, type_.kind, type_.name, remedy=frame.again))
        elif frame.text(type_.definition) != frame.text_here(other.definition) or _conditions(
            frame.text, type_
        ) != _conditions(frame.text_here, other):
            told = f"{frame.labels.theirs} has another {type_.kind} {type_.name} than {frame.labels.ours}"
            out.append(Difference("changed", type_.kind, Subject(about), told, "", frame.again))
        elif type_.comment != other.comment:
            out.append(frame.comment(about, f"{type_.kind} {type_.name}", ""))
    return out


def _conditions(text: Callable[[str], str], type_: UserType) -> list[str]:
    return sorted(text(condition) for _, condition in type_.constraints)


def _sequences(frame: Frame, wanted: Schema, found: Schema) -> list[Difference]:
    """Those whose definition the catalog tells (of the others, the columns' defaults)."""
    here = {_Named(frame.back.get(s.schema, s.schema), s.name) for s in found.sequences}
    out = []
    for sequence in wanted.sequences:
        if sequence.definition and sequence.schema in frame.mapping:
            about = TableName(sequence.schema, sequence.name)
            if _Named(sequence.schema, sequence.name) not in here:
                sql = f"CREATE SEQUENCE {frame.place(frame.here(about))} {sequence.definition}"
                out.append(frame.missing(about, "sequence", sequence.name, sql))
    return out
