"""Rules that the user declares: ``rules`` of a section ``[tables.*]`` of dbsynth.toml, conditions in the source's SQL.

    [tables."public.orders"]
    rules = ["qty * unit_price = line_total", "status <> 'open' or closed_at is null"]

They are kept as CHECKs are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlglot import exp

from dbsynth.errors import ConfigError
from dbsynth.schema.model import Check, Schema, Table
from dbsynth.schema.predicate import ParsedCheck, parse_check, parse_expression


def with_declared_rules(schema: Schema, overrides: Mapping[str, Any], sqlglot_dialect: str) -> Schema:
    """``overrides``: sections by the full name of their table. ConfigError for a rule that cannot be read, is no
    condition, or names a column that the table does not have."""
    tables = []
    for table in schema.tables:
        texts = (overrides.get(str(table.name)) or {}).get("rules") or ()
        tables.append(replace(table, rules=tuple(_rules(table, texts, sqlglot_dialect))) if texts else table)
    return replace(schema, tables=tuple(tables))


def _rules(table: Table, texts: Iterable[str], sqlglot_dialect: str) -> Iterable[Check]:
    for number, text in enumerate(texts, 1):
        parsed = parse_check(Check(f"rule {number}", text), table, sqlglot_dialect)
        if parsed.tree is None or not text.strip():
            raise _wrong(table, text, "it cannot be read as a condition in SQL")
        _known_columns(table, text, parsed)
        whole = parse_expression(text, table, sqlglot_dialect)
        if whole.node is not None and whole.node.type.family != "bool":
            raise _wrong(table, text, "it is no condition")
        yield replace(parsed.check, columns=parsed.columns)


def _known_columns(table: Table, text: str, parsed: ParsedCheck) -> None:
    assert parsed.tree is not None
    lower = {c.lower() for c in table.by_name}
    for column in parsed.tree.find_all(exp.Column):
        if column.name not in table.by_name and (column.this.args.get("quoted") or column.name.lower() not in lower):
            near = difflib.get_close_matches(column.name, table.by_name, 1)
            raise ConfigError(
                f"dbsynth.toml: [tables.{table.name}] rules: {text!r}: there is no column {column.name}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(table.by_name)}",
            )


def _wrong(table: Table, text: str, why: str) -> ConfigError:
    return ConfigError(
        f"dbsynth.toml: [tables.{table.name}] rules: {text!r}: {why}",
        hint='write a condition over the columns of a row: "closed_at >= opened_at"',
    )
