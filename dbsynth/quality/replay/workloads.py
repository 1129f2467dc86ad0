"""Where the queries of a replay are from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from sqlalchemy.engine import URL

from dbsynth.dialect import Database, connect, dialect_name, load_dialect
from dbsynth.errors import UsageError
from dbsynth.grammar import Grammar
from dbsynth.quality.replay.both import Both, replays
from dbsynth.quality.replay.generate import generate
from dbsynth.quality.replay.literals import look
from dbsynth.quality.replay.manifest import read_manifest
from dbsynth.quality.replay.parameters import filled
from dbsynth.quality.replay.safety import Query, Refused, objection, read_queries
from dbsynth.queries import RemembersStatements, Statement
from dbsynth.rng import generator

SECONDS = 30.0
MOST_STATEMENTS = 500
"""Of pg_stat_statements, those that took most time."""
OF_CATALOG = "reads the catalog, not compared"
"""Which tells of the whole database, not of what was cloned."""
Workloads = Literal["file", "pg_stat_statements", "dbt", "generated"]


@dataclass(frozen=True)
class Asked:
    """``path``: the file of queries, or dbt's manifest.json. ``seconds``: a query may take on a side."""

    kind: Workloads
    path: Path | None = None
    seconds: float = SECONDS


def check_asked(asked: Asked, source: URL) -> None:
    """Before hours of work that end with a replay. UsageError for what could not be run then, whatever is made:
    files that cannot be read or of which no statement is a query, a source without statistics of its statements."""
    if asked.kind in ("file", "dbt"):
        queries, refused = _read(asked, load_dialect(dialect_name(source)).grammar)
        _some(queries, refused)
        if not queries:
            raise UsageError(
                f"no statement of {asked.path} can be replayed: {refused[0].name}: {refused[0].says}",
                hint="a file of SELECT statements, each ended by a semicolon",
            )
        return
    database = connect(source)
    try:
        replays(database)
        if asked.kind == "pg_stat_statements":
            _statements(database, 1)
    finally:
        database.close()


def gathered(asked: Asked, both: Both, seed: int) -> tuple[list[Query], list[Refused]]:
    """What is run, and what is not, with why. UsageError where there is neither."""
    grammar = both.source.dialect.grammar
    match asked.kind:
        case "file" | "dbt":
            queries, refused = _read(asked, grammar)
        case "pg_stat_statements":
            queries, refused = _remembered(both, seed)
        case "generated":
            values = look(both.source, both.schema, both.real, both.snapshot, both.k)
            queries, refused = generate(both.schema, values, grammar, seed), []
            if not queries:
                raise UsageError(
                    f"no query can be made for {both.source.describe()}: its tables are empty",
                    hint="give your own: --queries FILE",
                )
    _some(queries, refused)
    of_catalog = [q for q in queries if both.ours.reads_catalog(q.sql)]
    refused += [Refused(q.name, OF_CATALOG) for q in of_catalog]
    return [q for q in queries if q not in of_catalog], refused


def _some(queries: list[Query], refused: list[Refused]) -> None:
    if not queries and not refused:
        raise UsageError("the workload holds no query", hint="a file of SELECT statements, each ended by a semicolon")


def _read(asked: Asked, grammar: Grammar) -> tuple[list[Query], list[Refused]]:
    assert asked.path is not None
    if asked.kind == "dbt":
        return read_manifest(asked.path, grammar)
    try:
        text = asked.path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        raise UsageError(f"{asked.path} cannot be read as text", hint="check the path") from cause
    return read_queries(text, grammar.sqlglot, "file", asked.path.name)


def _statements(source: Database, most: int) -> list[Statement]:
    if not isinstance(source, RemembersStatements):
        raise UsageError(
            f"--pg-stat-statements: {source.dialect.name} has no such thing", hint="give a file: --queries FILE"
        )
    return source.statements(most)


def _remembered(both: Both, seed: int) -> tuple[list[Query], list[Refused]]:
    """What a target in the same database was asked, by its schema, is none of the source's."""
    names = replace(both.ours, also={})
    dialect = both.source.dialect.grammar.sqlglot
    statements = _statements(both.source, MOST_STATEMENTS)
    values = look(both.source, both.schema, both.real, both.snapshot, both.k)
    queries, refused = [], []
    for number, statement in enumerate(statements, 1):
        name = f"pg_stat_statements #{number}"
        rng: np.random.Generator = generator(seed, "replay", statement.sql)
        sql, why = filled(statement.sql, names, values, rng)
        why = why or (objection(sql, dialect) if sql is not None else "") or ""
        if sql is None or why:
            refused.append(Refused(name, why))
        elif not names.placed(sql).tables:
            refused.append(Refused(name, "reads none of the tables"))
        else:
            queries.append(Query(name, f"{statement.calls:,} calls", sql))
    return queries, refused
