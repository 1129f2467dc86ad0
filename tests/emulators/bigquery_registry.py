"""What CREATE TABLE and ALTER TABLE declare and bqemulator forgets: exact types, defaults, descriptions, keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp

Name = tuple[str, str, str]
"""Project, dataset, table."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Key:
    """``ref``: the table that a foreign key refers to; its own table for a primary key."""

    kind: str
    name: str
    columns: tuple[str, ...]
    ref: Name
    ref_columns: tuple[str, ...]


@dataclass
class Table:
    columns: list[Column] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    description: str | None = None
    partitioned: tuple[str, ...] = ()
    clustered: tuple[str, ...] = ()


TABLES: dict[Name, Table] = {}

NAME = r"(`[^`]+`(?:\.`[^`]+`)*|[\w.-]+)"
LIST = r"\(([^)]*)\)"
HEAD = re.compile(
    rf"\s*(CREATE(?:\s+OR\s+REPLACE)?\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?|ALTER\s+TABLE|DROP\s+TABLE(?:\s+IF\s+EXISTS)?)"
    rf"\s+{NAME}",
    re.IGNORECASE,
)
COPIED = re.compile(rf"^(\s*CREATE\s+OR\s+REPLACE\s+TABLE\s+{NAME}\s+)(?:COPY|CLONE)\s+{NAME}\s*$", re.IGNORECASE)
NAMED = rf",?\s*(?:ADD\s+)?(?:CONSTRAINT\s+{NAME}\s+)?"
PRIMARY = re.compile(rf"{NAMED}PRIMARY\s+KEY\s*{LIST}\s*NOT\s+ENFORCED", re.IGNORECASE)
FOREIGN = re.compile(rf"{NAMED}FOREIGN\s+KEY\s*{LIST}\s*REFERENCES\s+{NAME}\s*{LIST}\s*NOT\s+ENFORCED", re.IGNORECASE)


def full(name: str, project: str, dataset: str) -> Name:
    parts = name.replace("`", "").split(".")
    whole = [project, dataset, ""][: 3 - len(parts)] + parts
    return whole[0], whole[1], whole[2]


def _split(text: str) -> tuple[str, ...]:
    return tuple(c.strip(" `") for c in text.split(","))


def declare(sql: str, project: str, dataset: str) -> str:
    """Remember what ``sql`` declares; gives the statement that the emulator runs in its place."""
    if copied := COPIED.match(sql):
        own, other = full(copied[2], project, dataset), full(copied[3], project, dataset)
        if other in TABLES:
            TABLES[own] = replace(TABLES[other], keys=[])  # a copy has no keys
        # the emulator refuses to replace a table by a clone
        return f"DROP TABLE IF EXISTS {copied[2]}; CREATE TABLE {copied[2]} CLONE {copied[3]}"
    head = HEAD.match(sql)
    if head is None:
        return sql
    verb, name = head[1].split()[0].upper(), full(head[2], project, dataset)
    if verb == "DROP":
        TABLES.pop(name, None)
        return sql
    plain, keys = _without_keys(sql, name, project, dataset)
    if verb == "ALTER":
        TABLES.setdefault(name, Table()).keys.extend(keys)
        return "SELECT 1" if keys else sql
    tree = sqlglot.parse_one(plain, "bigquery")
    if isinstance(tree.this, exp.Schema):
        TABLES[name] = _table(tree, keys)
        return _held(tree).sql("bigquery")
    return plain


def _without_keys(sql: str, name: Name, project: str, dataset: str) -> tuple[str, list[Key]]:
    found: list[Key] = []

    def primary(match: re.Match[str]) -> str:
        found.append(Key("PRIMARY KEY", f"{name[2]}.pk$", _split(match[2]), name, _split(match[2])))
        return ""

    def foreign(match: re.Match[str]) -> str:
        own = (match[1] or f"fk${len(found) + len(TABLES.get(name, Table()).keys) + 1}").strip("`")
        ref = full(match[3], project, dataset)
        found.append(Key("FOREIGN KEY", f"{name[2]}.{own}", _split(match[2]), ref, _split(match[4])))
        return ""

    return re.sub(r"\(\s*,", "(", PRIMARY.sub(primary, FOREIGN.sub(foreign, sql))), found


def _table(tree: exp.Expression, keys: list[Key]) -> Table:
    columns = [_column(c) for c in tree.this.expressions if isinstance(c, exp.ColumnDef)]
    properties = tree.args.get("properties")
    partitioned: tuple[str, ...] = ()
    clustered: tuple[str, ...] = ()
    description = None
    for p in properties.expressions if properties else ():
        if isinstance(p, exp.PartitionedByProperty):
            partitioned = tuple(c.name for c in p.find_all(exp.Column)) or (p.this.name,)
        elif type(p).__name__.startswith("Cluster"):
            clustered = tuple(e.name for e in p.expressions)
        elif isinstance(p, exp.Property) and p.name.lower() == "description":
            description = p.args["value"].name
    return Table(columns, keys, description, partitioned, clustered)


def _column(tree: exp.ColumnDef) -> Column:
    kinds = [c.kind for c in tree.constraints]
    default = next((k.this.sql("bigquery") for k in kinds if isinstance(k, exp.DefaultColumnConstraint)), None)
    described = [e.args["value"].name for k in kinds for e in k.find_all(exp.Property) if e.name == "description"]
    described += [e.expression.name for k in kinds for e in k.find_all(exp.EQ) if e.name == "description"]
    return Column(
        tree.name,
        printed(tree.args["kind"]),
        not any(isinstance(k, exp.NotNullColumnConstraint) for k in kinds),
        default,
        described[0] if described else None,
    )


def printed(kind: exp.DataType) -> str:
    """As INFORMATION_SCHEMA.COLUMNS prints a type: ``STRUCT<a INT64, b ARRAY<STRING>>``, ``NUMERIC(10, 2)``."""
    return kind.sql("bigquery").replace("`", "")


def _held(tree: exp.Expression) -> exp.Expression:
    """The statement with the types that DuckDB has: ranges as text."""
    for kind in tree.find_all(exp.DataType):
        if kind.sql("bigquery").upper().startswith("RANGE"):
            kind.replace(exp.DataType.build("STRING", dialect="bigquery"))
    return tree


def of_dataset(project: str, dataset: str) -> Iterator[tuple[str, Table]]:
    for (p, d, name), table in sorted(TABLES.items()):
        if (p, d) == (project, dataset):
            yield name, table
