"""Keys, foreign keys, CHECKs and indexes of one table from the rows of the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dbsynth.schema.model import Check, Exclusion, ForeignKey, Index, Key, TableName
from dbsynth_postgresql.names import ident
from dbsynth_postgresql.types import Row, TypeResolver

ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
MATCHES = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}


@dataclass(frozen=True)
class Constraints:
    """The constraints of one table, by kind."""

    primary_key: Key | None
    uniques: tuple[Key, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    exclusions: tuple[Exclusion, ...]


def constraints_of(rows: Iterable[Row]) -> Constraints:
    """``rows``: those of ``constraints.sql`` for one table."""
    by_kind: dict[str, list[Row]] = {kind: [] for kind in "pufcx"}
    for row in rows:
        by_kind[row["kind"]].append(row)
    primary = [_key(row) for row in by_kind["p"]]
    return Constraints(
        primary_key=primary[0] if primary else None,
        uniques=tuple(_key(row) for row in by_kind["u"]),
        foreign_keys=tuple(_foreign_key(row) for row in by_kind["f"]),
        checks=tuple(_check(row) for row in by_kind["c"]),
        exclusions=tuple(
            Exclusion(row["name"], row["definition"], tuple(row["columns"]), row["comment"]) for row in by_kind["x"]
        ),
    )


def _key(row: Row) -> Key:
    return Key(row["name"], tuple(row["columns"]), row["definition"], row["nulls_not_distinct"], row["comment"])


def _foreign_key(row: Row) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        columns=tuple(row["columns"]),
        ref_table=TableName(row["ref_schema"], row["ref_table"]),
        ref_columns=tuple(row["ref_columns"]),
        definition=row["definition"],
        match=MATCHES[row["match"]],
        on_delete=ACTIONS[row["on_delete"]],
        on_update=ACTIONS[row["on_update"]],
        deferrable=row["deferrable"],
        initially_deferred=row["deferred"],
        validated=row["validated"],
        comment=row["comment"],
    )


def _check(row: Row) -> Check:
    return Check(
        name=row["name"],
        expression=row["expression"],
        columns=tuple(row["columns"]),
        definition=row["definition"],
        validated=row["validated"],
        enforced=row["enforced"],
        comment=row["comment"],
    )


def index_of(row: Row) -> Index:
    """``row``: one of ``indexes.sql``."""
    return Index(
        name=row["name"],
        columns=tuple(row["columns"]),
        definition=row["definition"],
        unique=row["is_unique"],
        nulls_not_distinct=row["nulls_not_distinct"],
        predicate=row["predicate"],
        comment=row["comment"],
        parts=tuple(row["parts"]),
    )


def with_partition_keys(
    own: Sequence[ForeignKey], partitions: Iterable[Sequence[ForeignKey]]
) -> tuple[ForeignKey, ...]:
    """The foreign keys of a partitioned table: its own, and once each those that only partitions have."""
    found = {(fk.columns, fk.ref_table, fk.ref_columns): fk for fk in own}
    for keys in partitions:
        for fk in keys:
            found.setdefault((fk.columns, fk.ref_table, fk.ref_columns), replace(fk, on_partitions=True))
    return tuple(found.values())


VALUE = re.compile(
    r"""
      '(?:[^']|'')*'     # strings: a backslash is printed doubled, in E'...', so a quote ends them here too
    | "(?:[^"]|"")*"
    | \bVALUE\b          # the keyword is printed in capitals; a name like that would be in quotes
    """,
    re.VERBOSE,
)


def on_column(expression: str, column: str) -> str:
    """The CHECK of a domain as one on a column: ``(VALUE >= 1901)`` becomes ``("year" >= 1901)``."""
    return VALUE.sub(lambda m: ident(column) if m.group() == "VALUE" else m.group(), expression)


def domain_checks(column: str, type_: int, resolver: TypeResolver, checks: dict[int, list[Row]]) -> list[Check]:
    """What the domains of a column ask of its values, NOT NULL included."""
    found = []
    for domain in resolver.domains(type_):
        if domain["not_null"]:
            found.append(
                Check(
                    name=f"{domain['name']}_not_null",
                    expression=f"({ident(column)} IS NOT NULL)",
                    columns=(column,),
                    domain=domain["declared"],
                )
            )
        found += [
            Check(
                name=row["name"],
                expression=on_column(row["expression"], column),
                columns=(column,),
                validated=row["validated"],
                domain=domain["declared"],
            )
            for row in checks.get(domain["oid"], ())
        ]
    return found
