"""DDL of the stand-in Snowflake: databases, schemas, tables, views, sequences, comments and policies."""

from __future__ import annotations

import copy
import re

import pyarrow as pa
from snowflake_queries import Result, Runner, status
from snowflake_registry import (
    IDENTIFIER,
    NAME,
    Column,
    Place,
    Registry,
    Schema,
    SnowflakeError,
    Table,
    fold,
    missing,
    quote,
    shown,
    split_name,
)
from snowflake_tables import LONGEST_BINARY, LONGEST_TEXT, Declaration, identifier, parts, physical_ddl, read_properties
from sqlglot import exp


def _exists(name: str) -> SnowflakeError:
    return SnowflakeError(2002, "42710", f"SQL compilation error:\nObject '{shown(name)}' already exists.")


def _comment(text: str) -> str | None:
    found = re.search(r"comment\s*=\s*'((?:[^']|'')*)'", text, re.I)
    return found[1].replace("''", "'") if found else None


class Definitions:
    """Changes the registry, and the DuckDB tables behind it."""

    def __init__(self, registry: Registry, runner: Runner, place: Place) -> None:
        self.registry, self.runner, self.place = registry, runner, place

    # Databases and schemas

    def create_container(self, text: str) -> Result:
        """CREATE DATABASE and CREATE SCHEMA; the new one becomes the current one, as in Snowflake."""
        pattern = (
            rf"create\s+(or\s+replace\s+)?(?:transient\s+)?(database|schema)\s+(if\s+not\s+exists\s+)?({NAME})(.*)$"
        )
        found = re.match(pattern, text, re.I | re.S)
        if not found:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nsyntax error: {text[:80]}")
        replace, kind, lenient, path = found[1], found[2].lower(), found[3], split_name(found[4])
        name = path[-1]
        if kind == "database":
            there: dict[str, object] = dict(self.registry.databases)
        else:
            database = self.registry.database(path[0] if len(path) == 2 else self.place.database)
            there = dict(database.schemas)
        if name in there:
            if lenient:
                return status(f"{shown(name)} already exists, statement succeeded.")
            if not replace:
                raise _exists(name)
            self.drop_container(kind, path)
        if kind == "database":
            self.registry.create_database(name, _comment(found[5]))
            self.place.database, self.place.schema = name, "PUBLIC"
        else:
            database.schemas[name] = Schema(name, database, _comment(found[5]))
            self.place.database, self.place.schema = database.name, name
        return status(f"{kind.capitalize()} {shown(name)} successfully created.")

    def drop_container(self, kind: str, path: tuple[str, ...], lenient: bool = False) -> Result:
        try:
            database = self.registry.database(path[0] if kind == "database" or len(path) == 2 else self.place.database)
            schemas = (
                list(database.schemas.values()) if kind == "database" else [self.registry.schema(path, self.place)]
            )
        except SnowflakeError:
            if lenient:
                return status("Drop statement executed successfully.")
            raise
        for schema in schemas:
            owned = [t for t in self.registry.temporary.values() if t.schema is schema]
            for table in [*owned, *schema.tables.values()]:
                self._forget(table)
            del database.schemas[schema.name]
            if (self.place.database, self.place.schema) == (database.name, schema.name):
                self.place.schema = None
        if kind == "database":
            del self.registry.databases[database.name]
            if self.place.database == database.name:
                self.place.database = None
        return status(f"{shown(path[-1])} successfully dropped.")

    def alter_schema(self, path: tuple[str, ...], action: str) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/alter-schema"""
        schema = self.registry.schema(path, self.place)
        here = self.registry.databases.get(self.place.database or "")
        current = here and here.schemas.get(self.place.schema or "")
        if found := re.match(rf"rename\s+to\s+({NAME})", action, re.I):
            self.registry.rename_schema(schema, split_name(found[1]), self.place)
            if current is schema:
                self.place.schema = schema.name
        elif found := re.match(rf"swap\s+with\s+({NAME})", action, re.I):
            self.registry.swap_schemas(schema, self.registry.schema(split_name(found[1]), self.place))
        elif re.match(r"set\b", action, re.I):
            schema.comment = _comment(action) or schema.comment
        elif re.match(r"unset\s+comment", action, re.I):
            schema.comment = None
        return status()

    # Tables

    def create_table(self, tree: exp.Create) -> Result:
        """CREATE TABLE with a definition, LIKE, CLONE or AS SELECT."""
        defined = tree.this if isinstance(tree.this, exp.Schema) else None
        path = parts(tree.this.this if defined else tree.this)
        properties = tree.args.get("properties")
        temporary = properties is not None and properties.find(exp.TemporaryProperty) is not None
        schema = self.registry.container(path, self.place)
        session = self.place.session if temporary else None
        table = Table(path[-1], schema, self.registry.physical_name("T"), session=session)
        own = (self.place.session, *table.path)
        old = self.registry.temporary.get(own) if temporary else schema.tables.get(table.name)
        if old and tree.args.get("exists"):
            return status(f"{shown(table.name)} already exists, statement succeeded.")
        if old and not tree.args.get("replace"):
            raise _exists(table.name)
        read_properties(table, tree)
        like = properties.find(exp.LikeProperty) if properties else None
        source = like.this if like else tree.args["clone"].this if tree.args.get("clone") else None
        rows: Result | None = None
        if defined and defined.expressions and isinstance(defined.expressions[0], exp.ColumnDef):
            Declaration(table, self.registry, self.place).read(defined)
        if source is not None:
            self._copy(self.registry.table(parts(source), self.place), table)
        elif tree.expression:
            rows = self.runner.run(tree.expression)
            names = [identifier(name) for name in defined.expressions] if defined else rows.rows.column_names
            rows.rows = rows.rows.rename_columns(names)
            if not table.columns:
                table.columns = {column.name: column for column in described(rows)}
        if old:
            self._forget(old)
        for statement in physical_ddl(table):
            self.runner.duck(statement)
        if tree.args.get("clone"):
            self.runner.duck(
                f"INSERT INTO {table.physical} FROM {self.registry.table(parts(source), self.place).physical}"
            )
        self.registry.add(table)
        if rows is not None:
            self._fill(table, rows.rows)
        return status(f"Table {shown(table.name)} successfully created.")

    def _fill(self, table: Table, rows: pa.Table) -> None:
        with self.runner.registered({"_filling": rows}):
            listed = ", ".join(quote(name) for name in rows.column_names)
            self.runner.duck(f"INSERT INTO {table.physical} ({listed}) SELECT * FROM _filling")

    def _copy(self, source: Table, table: Table) -> None:
        """The definition of another table: LIKE and CLONE keep columns, defaults, comments and constraints."""
        table.columns = {name: copy.copy(column) for name, column in source.columns.items()}
        for column in table.columns.values():
            column.sequence = column.sequence and self.registry.physical_name("Q")
        for constraint in source.constraints:
            own = copy.copy(constraint)
            own.target = table if own.target is source else own.target
            table.constraints.append(own)
        table.clustering, table.comment = source.clustering, table.comment or source.comment

    def create_view(self, tree: exp.Create) -> Result:
        defined = tree.this if isinstance(tree.this, exp.Schema) else None
        path = parts(tree.this.this if defined else tree.this)
        schema = self.registry.container(path, self.place)
        if path[-1] in schema.tables:
            if tree.args.get("exists"):
                return status(f"{shown(path[-1])} already exists, statement succeeded.")
            if not tree.args.get("replace"):
                raise _exists(path[-1])
        result = self.runner.run(exp.select("*").from_(tree.expression.copy().subquery("v")).limit(0))
        view = Table(path[-1], schema, "", view=tree.expression.sql("snowflake"))
        names = [identifier(name) for name in defined.expressions] if defined else result.rows.column_names
        result.rows = result.rows.rename_columns(names)
        view.columns = {column.name: column for column in described(result)}
        read_properties(view, tree)
        self.registry.add(view)
        return status(f"View {shown(view.name)} successfully created.")

    def create_sequence(self, text: str) -> Result:
        found = re.match(
            rf"create\s+(?:or\s+replace\s+)?sequence\s+(?:if\s+not\s+exists\s+)?({NAME})(.*)$", text, re.I | re.S
        )
        if not found:
            raise SnowflakeError(1003, "42000", "SQL compilation error:\nsyntax error in CREATE SEQUENCE.")
        path, rest = split_name(found[1]), found[2]
        start = re.search(r"start\s*(?:with)?\s*=?\s*(-?\d+)", rest, re.I)
        step = re.search(r"increment\s*(?:by)?\s*=?\s*(-?\d+)", rest, re.I)
        name = self.registry.physical_name("Q")
        self.runner.duck(f"CREATE SEQUENCE {name} START {start[1] if start else 1} INCREMENT {step[1] if step else 1}")
        self.registry.container(path, self.place).sequences[path[-1]] = name
        return status(f"Sequence {shown(path[-1])} successfully created.")

    def drop_table(self, path: tuple[str, ...], lenient: bool) -> Result:
        table = self.registry.find(path, self.place)
        if table is None:
            if lenient:
                return status("Drop statement executed successfully.")
            raise missing(shown(*path))
        self._forget(table)
        return status(f"{shown(path[-1])} successfully dropped.")

    def _forget(self, table: Table) -> None:
        self.registry.remove(table)
        if table.view is None:
            self.runner.duck(f"DROP TABLE IF EXISTS {table.physical}")

    def truncate(self, path: tuple[str, ...], lenient: bool) -> Result:
        if lenient and self.registry.find(path, self.place) is None:
            return status()
        table = self.registry.table(path, self.place)
        self.runner.duck(f"DELETE FROM {table.physical}")
        table.loaded.clear()  # TRUNCATE also empties the load history
        return status()

    def alter_table(self, text: str, path: tuple[str, ...], action: str) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/alter-table"""
        if re.match(r"alter\s+table\s+if\s+exists", text, re.I) and self.registry.find(path, self.place) is None:
            return status()
        table = self.registry.table(path, self.place)
        if found := re.match(rf"swap\s+with\s+({NAME})", action, re.I):
            self._swap(table, self.registry.table(split_name(found[1]), self.place))
        elif found := re.match(rf"rename\s+to\s+({NAME})", action, re.I):
            self._rename(table, split_name(found[1]))
        elif found := re.match(rf"add\s+row\s+access\s+policy\s+({NAME})\s+on\s*\((.*?)\)", action, re.I | re.S):
            table.row_policies.append((split_name(found[1])[-1], list(split_name(found[2]))))
        elif re.match(r"drop\s+(all\s+row|row)\s+access\s+polic", action, re.I):
            table.row_policies.clear()
        elif re.match(r"(set|unset)\b", action, re.I):
            table.comment = None if action[:5].lower() == "unset" else _comment(action) or table.comment
        elif found := re.match(r"cluster\s+by\s*\((.*)\)", action, re.I | re.S):
            table.clustering = f"LINEAR({found[1]})"
        elif found := re.match(rf"(?:modify|alter)\s+(?:column\s+)?({IDENTIFIER})\s+(.*)$", action, re.I | re.S):
            self._alter_column(table, table.column(fold(found[1])), found[2])
        elif found := re.match(rf"rename\s+column\s+({IDENTIFIER})\s+to\s+({IDENTIFIER})", action, re.I):
            self._rename_column(table, fold(found[1]), fold(found[2]))
        elif found := re.match(rf"drop\s+constraint\s+({IDENTIFIER})", action, re.I):
            self._rebuild(table, lambda new: _without(new, fold(found[1])))
        elif re.match(r"drop\s+primary\s+key", action, re.I) and (key := table.primary_key()):
            self._rebuild(table, lambda new: _without(new, key.name))
        elif found := re.match(rf"drop\s+(?:column\s+)?(?:if\s+exists\s+)?({IDENTIFIER})", action, re.I):
            table.column(fold(found[1]))
            self._rebuild(table, lambda new: new.columns.pop(fold(found[1])))
        elif found := re.match(r"add\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?(.*)$", action, re.I | re.S):
            self._add(table, found[1])
        else:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nstand-in: unknown ALTER TABLE {action[:60]}")
        return status()

    def _add(self, table: Table, definition: str) -> None:
        """ADD COLUMN and ADD CONSTRAINT share the grammar of CREATE TABLE."""
        tree = exp.maybe_parse(f"CREATE TABLE x ({definition})", dialect="snowflake")
        self._rebuild(table, lambda new: Declaration(new, self.registry, self.place).read(tree.this))

    def _rebuild(self, table: Table, change: object) -> None:
        """Changes the declaration, then makes the DuckDB table anew: rows that break a new rule stop the change."""
        draft = copy.copy(table)
        draft.columns = {name: copy.copy(column) for name, column in table.columns.items()}
        draft.constraints = list(table.constraints)
        change(draft)  # type: ignore[operator]
        draft.physical = self.registry.physical_name("T")
        try:
            for statement in physical_ddl(draft):
                self.runner.duck(statement)
            kept = ", ".join(quote(name) for name in draft.columns if name in table.columns)
            self.runner.duck(f"INSERT INTO {draft.physical} ({kept}) SELECT {kept} FROM {table.physical}")
        except SnowflakeError:
            self.runner.duck(f"DROP TABLE IF EXISTS {draft.physical}")
            raise
        self.runner.duck(f"DROP TABLE {table.physical}")
        for key in draft.constraints:
            key.target = table if key.target is draft else key.target
        table.columns, table.constraints, table.physical = draft.columns, draft.constraints, draft.physical

    def _alter_column(self, table: Table, column: Column, action: str) -> None:
        name = column.name
        if found := re.match(rf"set\s+masking\s+policy\s+({NAME})", action, re.I):
            column.masking_policy = split_name(found[1])[-1]
        elif re.match(r"unset\s+masking\s+policy", action, re.I):
            column.masking_policy = None
        elif found := re.match(r"(?:set\s+)?comment\s+'((?:[^']|'')*)'", action, re.I):
            column.comment = found[1].replace("''", "'")
        elif found := re.match(r"(set|drop)\s+not\s+null", action, re.I):
            self._rebuild(table, lambda new: setattr(new.columns[name], "nullable", found[1].lower() == "drop"))
        elif re.match(r"drop\s+default", action, re.I):

            def drop(new: Table) -> None:
                new.columns[name].default = new.columns[name].physical_default = None

            self._rebuild(table, drop)
        elif found := re.match(r"(?:set\s+data\s+)?type\s+(.*)$", action, re.I | re.S):
            tree = exp.maybe_parse(f"CREATE TABLE x ({quote(name)} {found[1]})", dialect="snowflake")
            scratch = Table("", table.schema, "")
            wider = Declaration(scratch, self.registry, self.place).column(tree.this.expressions[0])

            def widen(new: Table) -> None:
                new.columns[name].length, new.columns[name].precision = wider.length, wider.precision

            self._rebuild(table, widen)
        else:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nstand-in: unknown ALTER COLUMN {action[:60]}")

    def _rename_column(self, table: Table, old: str, new: str) -> None:
        table.column(old)
        self.runner.duck(f"ALTER TABLE {table.physical} RENAME COLUMN {quote(old)} TO {quote(new)}")
        table.columns = {new if name == old else name: column for name, column in table.columns.items()}
        table.columns[new].name = new
        for each in self.registry.tables(self.place.session):
            for key in each.constraints:
                if each is table:
                    key.columns = [new if name == old else name for name in key.columns]
                if key.target is table:
                    key.target_columns = [new if name == old else name for name in key.target_columns]

    def _swap(self, one: Table, other: Table) -> None:
        one.name, other.name = other.name, one.name
        one.schema, other.schema = other.schema, one.schema
        self.registry.add(one)
        self.registry.add(other)

    def _rename(self, table: Table, path: tuple[str, ...]) -> None:
        schema = self.registry.container(path, self.place) if len(path) > 1 else table.schema
        if path[-1] in schema.tables:
            raise _exists(path[-1])
        del table.schema.tables[table.name]
        table.name, table.schema = path[-1], schema
        schema.tables[table.name] = table

    def comment(self, text: str) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/comment"""
        name = rf"{IDENTIFIER}(?:\s*\.\s*{IDENTIFIER}){{0,3}}"
        pattern = rf"comment\s+(?:if\s+exists\s+)?on\s+(\w+)\s+({name})\s+is\s+'((?:[^']|'')*)'"
        found = re.match(pattern, text, re.I)
        if not found:
            raise SnowflakeError(1003, "42000", "SQL compilation error:\nsyntax error in COMMENT.")
        kind, path, words = found[1].upper(), split_name(found[2]), found[3].replace("''", "'")
        if kind == "COLUMN":
            self.registry.table(path[:-1], self.place).column(path[-1]).comment = words
        elif kind == "SCHEMA":
            self.registry.schema(path, self.place).comment = words
        elif kind == "DATABASE":
            self.registry.database(path[0]).comment = words
        elif kind in ("TABLE", "VIEW"):
            self.registry.table(path, self.place).comment = words
        return status()


def _without(table: Table, name: str) -> None:
    table.constraints = [key for key in table.constraints if key.name != name]


def described(result: Result) -> list[Column]:
    """Columns for the rows of a query: as declared where known, else from the values' types."""
    columns = []
    for index, item in enumerate(result.rows.schema):
        known = result.declared[index] if result.declared else None
        if known is not None:
            columns.append(Column(item.name, known.kind, known.length, known.precision, known.scale, known.nullable))
        else:
            columns.append(_from_arrow(item.name, item.type))
    return columns


def _from_arrow(name: str, kind: pa.DataType) -> Column:
    if pa.types.is_decimal(kind):
        return Column(name, "NUMBER", precision=kind.precision, scale=kind.scale)
    if pa.types.is_integer(kind):
        return Column(name, "NUMBER", precision=38, scale=0)
    if pa.types.is_timestamp(kind):
        return Column(name, "TIMESTAMP_TZ" if kind.tz else "TIMESTAMP_NTZ", scale=9)
    if pa.types.is_time(kind):
        return Column(name, "TIME", scale=9)
    if pa.types.is_binary(kind):
        return Column(name, "BINARY", length=LONGEST_BINARY)
    for test, word in ((pa.types.is_boolean, "BOOLEAN"), (pa.types.is_date, "DATE"), (pa.types.is_floating, "FLOAT")):
        if test(kind):
            return Column(name, word)
    return Column(name, "TEXT", length=LONGEST_TEXT)
