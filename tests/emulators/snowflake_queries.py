"""Queries and DML of the stand-in Snowflake: real names become DuckDB's, functions that differ are put right."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import snowflake_catalog as catalog
from fakesnow.conn import FakeSnowflakeConnection
from snowflake.connector.errors import Error
from snowflake_registry import Column, Place, Registry, SnowflakeError, Table, missing, shown
from snowflake_tables import column_type, identifier, parts
from sqlglot import exp

DATABASE = "FS"  # the one DuckDB database, in which all physical tables live
MACROS = """
-- The last 8 bytes read as one number: https://docs.snowflake.com/en/sql-reference/functions/md5_number_lower64
CREATE OR REPLACE MACRO sf_md5_lower(x) AS CAST(CAST('0x' || substr(md5(x), 17) AS UBIGINT) AS DECIMAL(38, 0));
CREATE OR REPLACE MACRO sf_md5_upper(x) AS CAST(CAST('0x' || substr(md5(x), 1, 16) AS UBIGINT) AS DECIMAL(38, 0));
CREATE OR REPLACE MACRO sf_hex(x) AS hex(x);
-- The output formats of the session parameters' defaults: https://docs.snowflake.com/en/sql-reference/parameters
CREATE OR REPLACE MACRO sf_text_ntz(x) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g');
CREATE OR REPLACE MACRO sf_text_tz(x) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g +0000');
CREATE OR REPLACE MACRO sf_text_time(x) AS left(CAST(x AS VARCHAR), 8);
CREATE OR REPLACE MACRO sf_text_float(x) AS regexp_replace(CAST(x AS VARCHAR), '\\.0$', '');
CREATE OR REPLACE MACRO sf_text_json(x) AS
    CASE json_type(x) WHEN 'VARCHAR' THEN x ->> '$' WHEN 'NULL' THEN NULL ELSE CAST(x AS VARCHAR) END;
CREATE OR REPLACE MACRO sf_format(x, f) AS strftime(x, f);
CREATE OR REPLACE MACRO sf_format_time(x, f) AS strftime(DATE '1970-01-01' + x, f);
CREATE OR REPLACE MACRO sf_nextval(name) AS nextval(name);
CREATE OR REPLACE MACRO sf_try_json(x) AS TRY_CAST(x AS JSON);
"""
TEXT_MACROS = {
    "BINARY": "sf_hex",
    "TIMESTAMP_NTZ": "sf_text_ntz",
    "TIMESTAMP_LTZ": "sf_text_tz",
    "TIMESTAMP_TZ": "sf_text_tz",
    "TIME": "sf_text_time",
    "FLOAT": "sf_text_float",
    "VARIANT": "sf_text_json",
    "OBJECT": "sf_text_json",
    "ARRAY": "sf_text_json",
}
# Geography is stored as its text, so these functions hand it through.
AS_TEXT = {
    "ST_ASWKT", "ST_ASTEXT", "ST_ASEWKT", "ST_ASGEOJSON", "TO_GEOGRAPHY", "TRY_TO_GEOGRAPHY", "TO_GEOMETRY",
    "ST_GEOGRAPHYFROMWKT", "ST_GEOGFROMWKT", "ST_GEOGRAPHYFROMTEXT",
}  # fmt: skip
# https://docs.snowflake.com/en/sql-reference/date-time-input-output
FORMATS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MON": "%b", "MM": "%m", "DD": "%d", "HH24": "%H", "HH12": "%I",
    "MI": "%M", "SS": "%S", "FF9": "%n", "FF6": "%f", "FF3": "%g", "FF": "%n", "TZH:TZM": "+00:00", "TZHTZM": "+0000",
    "AM": "%p", "PM": "%p",
}  # fmt: skip


@dataclass
class Result:
    """The rows of a statement; ``declared`` holds what is known of their columns' types."""

    rows: pa.Table
    declared: list[Column | None] = field(default_factory=list)


def status(text: str = "Statement executed successfully.") -> Result:
    return Result(pa.table({"status": [text]}))


class Outputs:
    """Finds the declared column behind an expression, as far as names lead."""

    def columns(self, query: exp.Expression | None) -> list[tuple[str, Column | None]] | None:
        """The columns that a query gives, or None where that cannot be told."""
        while isinstance(query, exp.SetOperation | exp.Subquery):
            query = query.this
        if not isinstance(query, exp.Select):
            return None
        found: list[tuple[str, Column | None]] = []
        for item in query.expressions:
            star = item.this if isinstance(item, exp.Column) else item
            if isinstance(star, exp.Star):
                dropped = {identifier(name) for name in star.args.get("except_") or []}
                wanted = identifier(item.args["table"]) if item.args.get("table") else None
                for alias, columns in self.sources(query).items():
                    if columns is None:
                        return None
                    if wanted in (None, alias):
                        found += [pair for pair in columns.items() if pair[0] not in dropped]
            else:
                found.append((item.alias_or_name, self.declared(item.unalias())))
        return found

    def sources(self, select: exp.Expression) -> dict[str, dict[str, Column | None] | None]:
        clauses = [select.args.get("from_"), *(select.args.get("joins") or [])]
        found: dict[str, dict[str, Column | None] | None] = {}
        for source in (clause.this for clause in clauses if clause is not None):
            alias = source.args.get("alias")
            name = identifier(alias) if alias else source.name
            if isinstance(declared := source.meta.get("declared"), Table):
                found[name] = dict(declared.columns)
            else:
                columns = self.columns(source if isinstance(source, exp.Subquery) else self._cte(source))
                found[name] = dict(columns) if columns is not None else None
        return found

    def _cte(self, source: exp.Expression) -> exp.Expression | None:
        for cte in source.root().find_all(exp.CTE):
            if isinstance(source, exp.Table) and identifier(cte.args["alias"]) == source.name:
                return None if source.find_ancestor(exp.CTE) is cte else cte.this
        return None

    def declared(self, node: exp.Expression) -> Column | None:
        if isinstance(node, exp.Paren):
            return self.declared(node.this)
        if isinstance(node, exp.Cast):
            return None if node.to.this == exp.DType.TEXT else _known_type(node.to)
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return None
        select = node.find_ancestor(exp.Select)
        if select is None:
            return None
        name, owner = identifier(node.this), node.args.get("table")
        for alias, columns in self.sources(select).items():
            if columns and name in columns and (owner is None or identifier(owner) == alias):
                return columns[name]
        return None


def _known_type(kind: exp.DataType) -> Column | None:
    try:
        return column_type("", kind)
    except SnowflakeError:
        return None


class Runner:
    """Runs the queries and DML of one session."""

    def __init__(self, registry: Registry, connection: FakeSnowflakeConnection, place: Place) -> None:
        self.registry, self.connection, self.place = registry, connection, place
        self.context: dict[str, str | None] = {}
        self.forbidden = False
        self.outputs = Outputs()

    def run(
        self,
        tree: exp.Expression,
        parameters: list[object] | None = None,
        given: dict[str, pa.Table] | None = None,
    ) -> Result:
        """Answers a SELECT, INSERT, UPDATE, DELETE or MERGE; ``given`` holds tables that it may name besides."""
        tree = tree.copy()
        name_results(tree)
        views = dict(given or {})
        self.resolve(tree, self.place, views)
        if isinstance(tree, exp.Update):
            for pair in tree.expressions:
                pair.this.set("table", None)  # DuckDB takes no qualified name on the left of SET
        declared = self._declared(tree)
        tree = tree.transform(self.rewrite)
        with self.registered(views):
            if isinstance(tree, exp.Insert) and tree.args.get("overwrite"):  # what was there goes
                tree.set("overwrite", False)
                self.execute(f"DELETE FROM {tree.find(exp.Table).sql('snowflake')}", None)
            rows = self.execute(tree.sql("snowflake"), parameters)
        return Result(rows, declared if len(declared) == rows.num_columns else [])

    def _declared(self, tree: exp.Expression) -> list[Column | None]:
        return [column for _, column in self.outputs.columns(tree) or []]

    @contextmanager
    def registered(self, tables: dict[str, pa.Table]) -> Iterator[None]:
        """Makes Arrow tables readable by name for one statement."""
        duck = self.connection._duck_conn
        for name, table in tables.items():
            duck.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                duck.unregister(name)

    def execute(self, sql: str, parameters: list[object] | None = None) -> pa.Table:
        """Runs Snowflake SQL through fakesnow, whose translation serves for all that is not put right here."""
        cursor = self.connection.cursor()
        with self.translated(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # DuckDB warns of the way in which fakesnow reads Arrow
            cursor.execute(sql, binding_params=parameters, server=True)
        # fakesnow keeps every result for RESULT_SCAN; a long test run would hold them all in memory.
        self.connection.results_cache.clear()
        return cursor._arrow_table

    def duck(self, sql: str) -> list[tuple]:
        """Runs DuckDB SQL."""
        with self.translated():
            return self.connection._duck_conn.execute(sql).fetchall()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns errors of DuckDB and fakesnow into Snowflake's."""
        try:
            yield
        except Error as error:
            cause = error.__cause__ if isinstance(error.__cause__, duckdb.Error) else None
            raise self.error(str(cause or error.msg), cause, error.errno, error.sqlstate) from error
        except duckdb.Error as error:
            raise self.error(str(error), error) from error

    def error(self, text: str, cause: object, code: int = 1003, state: str | None = None) -> SnowflakeError:
        names = {table.physical: shown(*table.path) for table in self.registry.tables(self.place.session)}
        text = re.sub(r"\bT\d+\b", lambda match: names.get(match[0], match[0]), text)
        if isinstance(cause, duckdb.ConstraintException):
            if "len(" in text:
                return SnowflakeError(100078, "22000", f"String is too long and would be truncated: {text}")
            if "NOT NULL" in text:
                return SnowflakeError(100072, "22000", f"NULL result in a non-nullable column: {text}")
            # The code for a CHECK is not documented; 100072 would be an IntegrityError in the client.
            return SnowflakeError(100078, "22000", f"CHECK constraint violated: {text}")
        if isinstance(cause, duckdb.BinderException) and (found := re.search(r'column "?([^"]+?)"? not found', text)):
            return SnowflakeError(904, "42000", f"SQL compilation error:\ninvalid identifier '{shown(found[1])}'")
        if isinstance(cause, duckdb.ConversionException | duckdb.InvalidInputException):
            return SnowflakeError(100038, "22018", text)
        if isinstance(cause, duckdb.OutOfRangeException):
            return SnowflakeError(100039, "22003", f"Number out of representable range: {text}")
        return SnowflakeError(code, state or "42000", text)

    def resolve(self, tree: exp.Expression, place: Place, views: dict[str, pa.Table]) -> None:
        """Puts the physical tables, the catalog views and the queries of views in place of names."""
        named = {identifier(cte.args["alias"]) for cte in tree.find_all(exp.CTE)} | set(views)
        for node in list(tree.find_all(exp.Table)):
            if not isinstance(node.this, exp.Identifier):
                continue
            path = parts(node)
            node.set("when", None)  # AT and BEFORE: no history is kept, today's rows answer
            if len(path) == 1 and path[0] in named:
                node.this.replace(exp.to_identifier(path[0], quoted=True))
                continue
            target = tree.this if isinstance(tree, exp.Insert) else None
            is_target = node is target or (isinstance(target, exp.Schema) and node is target.this)
            if not is_target and not node.args.get("alias"):
                node.set("alias", exp.TableAlias(this=exp.to_identifier(path[-1], quoted=True)))
            if (rows := catalog.view(path, self.registry, place)) is not None:
                # Every use gets its own name: two databases have their own view of the same name.
                name = f"_catalog_{len(views)}"
                views[name] = rows
                _point(node, name)
                continue
            self._point_to_table(node, path, place, views)
        for column in list(tree.find_all(exp.Column)):
            if column.name.upper() == "NEXTVAL" and column.args.get("table"):
                path = tuple(identifier(part) for part in column.parts[:-1])
                sequences = self.registry.container(path, place).sequences
                if path[-1] not in sequences:
                    raise missing(shown(*path), "Sequence")
                name = exp.Literal.string(sequences[path[-1]])
                column.replace(exp.Anonymous(this="sf_nextval", expressions=[name]))
            for part in ("db", "catalog"):
                column.set(part, None)

    def _point_to_table(self, node: exp.Table, path: tuple[str, ...], place: Place, views: dict[str, pa.Table]) -> None:
        table = self.registry.table(path, place)
        if self.forbidden:
            message = f"SQL access control error:\nInsufficient privileges to operate on table '{shown(table.name)}'"
            raise SnowflakeError(3001, "42501", message)
        if table.view is None:
            node.meta["declared"] = table
            _point(node, table.physical, "PUBLIC", DATABASE)
            return
        inner = exp.maybe_parse(table.view, dialect="snowflake")
        self.resolve(inner, Place(table.schema.database.name, table.schema.name, place.session), views)
        columns = [exp.to_identifier(name, quoted=True) for name in table.columns]
        alias = exp.TableAlias(this=node.args["alias"].this, columns=columns)
        subquery = exp.Subquery(this=inner, alias=alias, joins=node.args.get("joins"))
        node.replace(subquery)
        subquery.meta["declared"] = table

    def rewrite(self, node: exp.Expression) -> exp.Expression:
        """One node of a query, where fakesnow errs."""
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name() if isinstance(node, exp.Func) else ""
        name = name.upper()
        first = node.expressions[0] if isinstance(node, exp.Anonymous) and node.expressions else node.args.get("this")
        if name in self.context:
            value = self.context[name]
            return exp.Null() if value is None else exp.Literal.string(value)
        if name in AS_TEXT or (isinstance(node, exp.Func) and name.removeprefix("TRY_") in AS_TEXT):
            return exp.cast(first, "TEXT")
        if isinstance(node, exp.MD5NumberLower64):
            return exp.Anonymous(this="sf_md5_lower", expressions=[_hashable(first)])
        if isinstance(node, exp.MD5NumberUpper64):
            return exp.Anonymous(this="sf_md5_upper", expressions=[_hashable(first)])
        if name in ("OCTET_LENGTH", "BYTE_LENGTH"):
            return exp.Anonymous(this="strlen", expressions=[first])
        if isinstance(node, exp.Hex):
            return exp.Anonymous(this="sf_hex", expressions=[first])
        if name == "TRY_PARSE_JSON" or (isinstance(node, exp.ParseJSON) and node.args.get("safe")):
            return exp.Anonymous(this="sf_try_json", expressions=[first])
        if isinstance(node, exp.ToChar) and node.args.get("format"):
            return self._formatted(node)
        if isinstance(node, exp.Cast) and node.to.this in (exp.DType.GEOGRAPHY, exp.DType.GEOMETRY):
            return exp.cast(first, "TEXT")
        to_text = isinstance(node, exp.ToChar) or (
            isinstance(node, exp.Cast) and node.to.this in (exp.DType.VARCHAR, exp.DType.TEXT)
        )
        if to_text and (column := self.outputs.declared(first)) and column.kind in TEXT_MACROS:
            return exp.Anonymous(this=TEXT_MACROS[column.kind], expressions=[first])
        return node

    def _formatted(self, node: exp.ToChar) -> exp.Expression:
        column = self.outputs.declared(node.this)
        words = "|".join(sorted(FORMATS, key=len, reverse=True))
        text = re.sub(words, lambda match: FORMATS[match[0].upper()], node.args["format"].name, flags=re.I)
        function = "sf_format_time" if column and column.kind == "TIME" else "sf_format"
        return exp.Anonymous(this=function, expressions=[node.this, exp.Literal.string(text.replace('"', ""))])


def _point(node: exp.Table, name: str, schema: str | None = None, database: str | None = None) -> None:
    node.set("this", exp.to_identifier(name, quoted=True))
    node.set("db", schema and exp.to_identifier(schema, quoted=True))
    node.set("catalog", database and exp.to_identifier(database, quoted=True))


def _hashable(node: exp.Expression) -> exp.Expression:
    return node if isinstance(node, exp.Column | exp.Literal) else exp.cast(node, "TEXT")


def name_results(tree: exp.Expression) -> None:
    """Names a result column without alias by its text in upper case, as Snowflake does."""
    while isinstance(tree, exp.SetOperation | exp.Subquery):
        tree = tree.this
    if not isinstance(tree, exp.Select):
        return
    for item in list(tree.expressions):
        if not isinstance(item, exp.Alias | exp.Column | exp.Star):
            item.replace(exp.alias_(item.copy(), item.sql("snowflake").upper(), quoted=True))
