"""The user types of the catalog as objects of the schema model, in an order in which they can be created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from dbsynth.schema.model import UserType
from dbsynth_postgresql.names import literal
from dbsynth_postgresql.types import Row, TypeResolver

KINDS = {"d": "domain", "e": "enum", "c": "composite", "r": "range"}


def user_types(resolver: TypeResolver, domain_checks: Iterable[Row], schemas: Sequence[str]) -> tuple[UserType, ...]:
    """The types that users made in ``schemas``: what each is made of comes before it."""
    checks: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for check in domain_checks:
        checks[check["type"]].append((check["name"], check["definition"]))
    rows = resolver.rows
    order = TopologicalSorter({oid: _parts(row) & rows.keys() for oid, row in rows.items()}).static_order()
    return tuple(
        UserType(
            schema=row["schema"],
            name=row["name"],
            kind=KINDS[row["kind"]],
            definition=definition(row),
            constraints=tuple(checks[row["oid"]]),
            comment=row["comment"],
        )
        for row in (rows[oid] for oid in order)
        if row["standalone"] and not row["extension"] and row["schema"] in schemas
    )


def _parts(row: Row) -> set[int]:
    """What a type is made of. An array is made of its element, so a composite with a field of its own array type would
    be a circle: PostgreSQL refuses to make one."""
    parts = {row["subtype"], *row["field_types"]}
    if row["kind"] == "d":
        parts.add(row["base"])
    if row["is_array"]:
        parts.add(row["element"])
    return parts - {None, 0}


def definition(row: Row) -> str:
    """What follows the name in CREATE TYPE or CREATE DOMAIN; a domain without its CHECKs."""
    match row["kind"]:
        case "e":
            return f"AS ENUM ({', '.join(literal(label).strip() for label in row['labels'])})"
        case "c":
            return f"AS ({', '.join(row['fields'])})"
        case "d":
            parts = [f"AS {row['base_declared']}"]
            if row["collation"]:
                parts.append(f"COLLATE {row['collation']}")
            if row["domain_default"] is not None:
                parts.append(f"DEFAULT {row['domain_default']}")
            if row["not_null"]:
                parts.append("NOT NULL")
            return " ".join(parts)
        case _:
            options = {
                "SUBTYPE": row["subtype_declared"],
                "SUBTYPE_OPCLASS": row["subtype_opclass"],
                "COLLATION": row["subtype_collation"],
                "SUBTYPE_DIFF": row["subtype_diff"],
                "MULTIRANGE_TYPE_NAME": row["multirange"],
            }
            # CANONICAL is left out: its function takes the range type itself, which must exist before it.
            return f"AS RANGE ({', '.join(f'{name} = {value}' for name, value in options.items() if value)})"
