"""The compiled models and tests of a dbt project, as queries on its sources: a model that another one names is put in
its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from dbsynth.errors import UsageError
from dbsynth.grammar import Grammar
from dbsynth.quality.replay.names import normalised, tables_of
from dbsynth.quality.replay.safety import Query, Refused, objection

KINDS = ("model", "test")
LONGEST = 1_000_000
"""Characters of a query in which models stand for their names."""
Relation = tuple[str, str]
"""(schema, name)."""


def read_manifest(path: Path, grammar: Grammar) -> tuple[list[Query], list[Refused]]:
    """UsageError where there is no manifest, or nothing in it is compiled."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        nodes = {name: node for name, node in found["nodes"].items() if node.get("resource_type") in KINDS}
    except OSError as cause:
        raise UsageError(f"{path} cannot be read", hint="run `dbt compile`, then name target/manifest.json") from cause
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as cause:
        raise UsageError(f"{path} is no manifest of dbt", hint="`dbt compile` writes target/manifest.json") from cause
    compiled = {name: sql for name, node in nodes.items() if (sql := _compiled(node))}
    if not compiled:
        raise UsageError(f"{path} holds no compiled SQL", hint="run `dbt compile`: `dbt parse` leaves Jinja as it is")
    relations = {
        (str(nodes[name].get("schema") or ""), str(nodes[name].get("alias") or nodes[name].get("name") or "")): sql
        for name, sql in compiled.items()
        if nodes[name]["resource_type"] == "model"
    }
    queries: list[Query] = []
    refused: list[Refused] = []
    for name in sorted(nodes):
        if name not in compiled:
            refused.append(Refused(name, "not compiled: run `dbt compile`"))
            continue
        why = objection(compiled[name], grammar.sqlglot)
        if why is not None:
            refused.append(Refused(name, why))
            continue
        try:
            sql = _inlined(compiled[name], relations, grammar, ())
        except ValueError as error:
            refused.append(Refused(name, str(error)))
            continue
        queries.append(Query(name, f"dbt {nodes[name]['resource_type']}", sql))
    return queries, refused


def _compiled(node: Mapping[str, Any]) -> str:
    """Python models, and what was only parsed, have none."""
    if node.get("language", "sql") != "sql":
        return ""
    text = node.get("compiled_code") or node.get("compiled_sql") or ""
    return str(text).strip().rstrip(";").rstrip()


def _inlined(sql: str, relations: Mapping[Relation, str], grammar: Grammar, within: tuple[Relation, ...]) -> str:
    """``sql`` with every relation that a model makes replaced by that model's query. ValueError: why not."""
    try:
        tree = parse_one(sql, dialect=grammar.sqlglot)
    except (SqlglotError, RecursionError):
        raise ValueError("names a model whose SQL is not understood") from None
    spans = []
    for node in tables_of(tree, grammar):
        if node.args.get("db") is None:
            continue
        relation = (normalised(node.args["db"], grammar), normalised(node.this, grammar))
        if relation not in relations:
            continue
        if relation in within:
            raise ValueError(f"the models of {relation[0]}.{relation[1]} name each other in a circle")
        if (why := objection(relations[relation], grammar.sqlglot)) is not None:
            raise ValueError(f"names {relation[0]}.{relation[1]}: {why}")
        inner = _inlined(relations[relation], relations, grammar, (*within, relation))
        alias = "" if node.alias else f" AS {exp.to_identifier(relation[1], quoted=True).sql(grammar.sqlglot)}"
        spans.append((node.parts[0].meta["start"], node.parts[-1].meta["end"] + 1, f"(\n{inner}\n){alias}"))
    for start, end, text in sorted(spans, reverse=True):
        sql = sql[:start] + text + sql[end:]
    if len(sql) > LONGEST:
        raise ValueError(f"is longer than {LONGEST:,} characters with the models that it names")
    return sql
