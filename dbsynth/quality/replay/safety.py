"""Which statements are replayed: queries that only read. Everything else is refused before a database sees it.

This is the first of three locks. The second is the database's own parser (a cursor is declared for the text, which only
a query can be), the third a read-only transaction that is rolled back.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from sqlglot import exp, parse_one, tokenize
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokens import Token, TokenType

BEGINS = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "FROM", "("})
QUERIES = (exp.Select, exp.SetOperation, exp.Values, exp.Subquery)
WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.DDL, exp.Command, exp.Copy, exp.Set, exp.Drop, exp.Alter)
OUTWARD = re.compile(
    r"""
    pg_(read|ls|stat_file|stat_reset|terminate|cancel|reload|rotate|promote|switch|create|drop|logical|replication
      |export|import|backup|start|stop|wal_replay|notify|log|advisory|try_advisory|copy|sync|get_wal|walinspect
      |file|execute|sleep_until)\w*
    | lo_\w+ | loread | lowrite | dblink\w* | set_config | setval | nextval | txid_current | pg_current_xact_id
    | (query|cursor|table|schema|database)_to_xml\w*
    | load_file | getenv | glob | sniff_csv | (read|parquet|sqlite|postgres|mysql)_\w+ | st_read\w* | iceberg_\w+
    | delta_scan | query | query_table | external_query | system\$\w* | result_scan | http_\w+
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Functions that reach outside of the tables (files, other servers, other sessions, settings, texts run as SQL), which
a read-only transaction does not stop."""


@dataclass(frozen=True)
class Query:
    """``name`` tells it from the others and holds no literal; ``kind``: where it is from, or what it does. ``tables``
    that it is about, where the name does not say."""

    name: str
    kind: str
    sql: str


@dataclass(frozen=True)
class Refused:
    name: str
    says: str


def read_queries(text: str, dialect: str, kind: str, place: str) -> tuple[list[Query], list[Refused]]:
    """The statements of a file, apart: those that only read, and the others, each with its line."""
    queries: list[Query] = []
    refused: list[Refused] = []
    try:
        chunks = statements(text, dialect)
    except TokenError as error:
        line = re.search(r"from (\d+):", str(error.__cause__ or error))
        where = f"{place}:{line[1]}" if line else place
        return [], [Refused(where, "a quote or comment is not closed: nothing of the file is run")]
    seen: Counter[int] = Counter()
    for line_number, sql in chunks:
        seen[line_number] += 1
        name = f"{place}:{line_number}" + (f" ({seen[line_number]})" if seen[line_number] > 1 else "")
        why = objection(sql, dialect)
        if why is None:
            queries.append(Query(name, kind, sql))
        else:
            refused.append(Refused(name, why))
    return queries, refused


def statements(text: str, dialect: str) -> list[tuple[int, str]]:
    """(line, statement) for each that holds more than comments. TokenError for text that cannot be split."""
    found: list[tuple[int, str]] = []
    held: list[Token] = []
    for token in [*tokenize(text, dialect=dialect), None]:
        if token is not None and token.token_type != TokenType.SEMICOLON:
            held.append(token)
        elif held:
            found.append((held[0].line, text[held[0].start : held[-1].end + 1]))
            held = []
    return found


def objection(sql: str, dialect: str) -> str | None:
    """Why ``sql`` is not run, None if it may be."""
    try:
        first = next(iter(tokenize(sql, dialect=dialect)), None)
        if first is None:
            return "an empty statement"
        word = first.text.upper() if first.token_type != TokenType.L_PAREN else "("
        if word not in BEGINS:
            return f"{word[:20]} is no query: only queries (SELECT, WITH, VALUES) are replayed"
        tree = parse_one(sql, dialect=dialect)
    except ParseError as error:
        at = error.errors[0] if error.errors else {}
        return f"not understood{_at(at)}: only queries that can be parsed are replayed"
    except (SqlglotError, RecursionError):
        return "not understood: only queries that can be parsed are replayed"
    if not isinstance(tree, QUERIES):
        return f"{tree.key.upper()} is no query: only queries (SELECT, WITH, VALUES) are replayed"
    for node in tree.walk():
        if isinstance(node, WRITES):
            return f"writes ({node.key.upper()}): only queries that read are replayed"
        if isinstance(node, exp.Into):
            return "SELECT INTO makes a table: only queries that read are replayed"
        if isinstance(node, exp.Lock):
            return "locks rows (FOR UPDATE, FOR SHARE): leave the clause out"
        if isinstance(node, exp.Func) and OUTWARD.fullmatch(_called(node)):
            return f"calls {_called(node)}, which reaches outside of the tables: leave it out"
    return None


def _called(node: exp.Func) -> str:
    return str(node.name if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) else node.sql_name()).lower()


def _at(error: dict[str, object]) -> str:
    return f" (line {error['line']}, column {error['col']} of the statement)" if error.get("line") else ""
