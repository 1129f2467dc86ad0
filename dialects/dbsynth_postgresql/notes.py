"""What the catalog holds and a clone does not carry over, said in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbsynth_postgresql.types import Row


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def table_notes(
    table: Row, constraints: Iterable[Row], indexes: Iterable[Row], functions: Iterable[Row]
) -> Iterator[str]:
    """Sentences about one table, from the rows of the catalog for it."""
    if table["triggers"]:
        yield f"Triggers are not carried over and do not run while rows are written: {_listed(table['triggers'])}."
    if table["rules"]:
        yield f"Rewrite rules are not carried over: {_listed(table['rules'])}."
    if table["row_security"] or table["policies"]:
        policies = f" (policies {_listed(table['policies'])})" if table["policies"] else ""
        yield f"Row-level security is not carried over{policies}: the clone shows all its rows to whoever may read it."
    if table["inherits"]:
        yield (
            f"It inherits from {_listed(table['inherits'])}: cloned as a table of its own with all its columns and "
            "only its own rows, the inheritance is not carried over."
        )
    if table["persistence"] == "u":
        yield "It is unlogged; the clone is an ordinary table."
    if table["kind"] == "f":
        yield "This partition is a foreign table; the clone has an ordinary partition in its place."
    if table["statistics"]:
        yield f"Extended statistics are not carried over: {_listed(table['statistics'])}."
    for row in constraints:
        if row["period"]:
            yield f"Constraint {row['name']} is about periods (WITHOUT OVERLAPS, PERIOD), which dbsynth does not model."
        if row["ref_is_partition"]:
            yield (
                f"Foreign key {row['name']} refers to {row['ref_schema']}.{row['ref_table']}, a partition and no "
                "table of its own, which dbsynth does not model."
            )
        if row["kind"] == "x" and table["parent"] is not None:
            yield f"Exclusion constraint {row['name']} of the partition alone is not carried over."
    for row in indexes:
        if not row["valid"]:
            yield f"Index {row['name']} is invalid (its creation failed or runs) and is not carried over."
    yield from function_notes(functions)


def function_notes(functions: Iterable[Row]) -> Iterator[str]:
    """Functions are code, not data: a clone in the same database calls those of the source."""
    for row in functions:
        yield f"{row['caller'][0].upper()}{row['caller'][1:]} calls {row['function']}, a function, which is not cloned."


def schema_notes(others: Iterable[Row], types: Iterable[Row], functions: Iterable[Row]) -> Iterator[str]:
    """Sentences about what is no table of the selection. ``types``: those of schemas that are not selected."""
    for row in others:
        name = f"{row['schema']}.{row['name']}"
        match row["kind"]:
            case "extension":
                yield f"Table {name} belongs to the extension {row['extension']} and is not cloned."
            case "partition":
                if row["root"]:
                    yield f"Table {name} is a partition of {row['root']}, whose schema is not selected: not cloned."
            case kind:
                yield f"The {kind} {name} is not cloned."
    for row in types:
        yield f"Type {row['declared']} lies in a schema that is not selected: the clone uses it where it is."
    yield from function_notes(functions)
