"""One session of the stand-in Snowflake: takes each statement to the part that answers it."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import snowflake_catalog as catalog
import sqlglot
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.statement_type import statement_type_id
from snowflake_definitions import Definitions
from snowflake_queries import Result, Runner, status
from snowflake_registry import NAME, Place, Registry, SnowflakeError, Table, shown, split_name
from snowflake_stages import Stages
from sqlglot import exp
from sqlglot.errors import SqlglotError

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that this module reads by itself
SELECT, USE, SHOW, TRANSACTION, DDL, COPY, SESSION = 0x1000, 0x4300, 0x4400, 0x5000, 0x6000, 0x3600, 0x4000
BLANKS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|//[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.S)
ACCOUNT, REGION, VERSION = "FAKESNOW", "AWS_US_WEST_2", "9.40.1"
COUNTED = {
    exp.Insert: ["number of rows inserted"],
    exp.Update: ["number of rows updated", "number of multi-joined rows updated"],
    exp.Delete: ["number of rows deleted"],
}


@dataclass
class Answer:
    """The result of a statement with the type that clients tell statements apart by."""

    result: Result
    kind: int = SELECT
    upload: dict[str, Any] | None = None
    binds: int = 0


class Session:
    """What one client is logged in to."""

    def __init__(self, registry: Registry, connection: FakeSnowflakeConnection, number: int, user: str) -> None:
        self.registry, self.connection, self.number, self.user = registry, connection, number, user
        self.place = Place(None, None, number)
        self.runner = Runner(registry, connection, self.place)
        self.definitions = Definitions(registry, self.runner, self.place)
        self.stages = Stages(registry, user, self.place)
        self.role, self.warehouse = "ACCOUNTADMIN", None
        self.parameters: dict[str, str] = {"TIMEZONE": "UTC", "AUTOCOMMIT": "true"}
        self.in_transaction = False

    def enter(self, database: str, schema: str | None) -> None:
        """The database and schema of the connection; unknown ones leave the session without, as in Snowflake."""
        if found := self.registry.databases.get(database):
            self.place.database = database
            wanted = schema or "PUBLIC"
            self.place.schema = wanted if wanted in found.schemas or wanted == "INFORMATION_SCHEMA" else None

    def info(self) -> dict[str, str | None]:
        names = {"databaseName": self.place.database, "schemaName": self.place.schema}
        return {**names, "warehouseName": self.warehouse, "roleName": self.role}

    def final(self) -> dict[str, str | None]:
        return {f"final{name[0].upper()}{name[1:]}": value for name, value in self.info().items()}

    def client_parameters(self) -> list[dict[str, object]]:
        autocommit = self.parameters["AUTOCOMMIT"].lower() != "false"
        return [
            {"name": "TIMEZONE", "value": self.parameters["TIMEZONE"]},
            {"name": "AUTOCOMMIT", "value": autocommit},
            {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},  # 0: bound rows come inline, without a stage
        ]

    def close(self) -> None:
        """Temporary tables end with the session, an open transaction is rolled back."""
        self._end("ROLLBACK")
        for table in [t for (owner, *_), t in self.registry.temporary.items() if owner == self.number]:
            self.definitions._forget(table)
        self.connection.close()

    def run(self, text: str, values: list[Any], describe: bool = False) -> Answer:
        text = BLANKS.sub("", text).rstrip().rstrip(";").rstrip()
        self.runner.context = self._context()
        self.runner.forbidden = self.role == "NOBODY"
        word = (re.match(r"\w*", text) or [""])[0].upper()
        match word:
            case "BEGIN" | "START" | "COMMIT" | "ROLLBACK":
                return self._transaction(word)
            case "SHOW":
                return Answer(self._show(text), SHOW)
            case "USE":
                return Answer(self._use(text), USE)
            case "PUT":
                return Answer(status(), upload=self.stages.put(_bound(text, values)))
            case "LIST" | "LS":
                return Answer(self.stages.list(_bound(text, values).split(None, 1)[1]), SHOW)
            case "REMOVE" | "RM":
                return Answer(self.stages.remove(_bound(text, values).split(None, 1)[1]))
            case "COPY":
                self._implicit_begin()
                return Answer(self.stages.copy(_bound(text, values), self.runner), COPY)
            case "CREATE" | "ALTER" | "DROP" | "COMMENT" | "TRUNCATE" | "GRANT" | "REVOKE" | "SET" | "UNSET":
                return self._define(word, *_named(text, values))
            case "DESCRIBE" | "DESC":
                return Answer(self._describe(text), 0x4500)
            case _:
                return self._query(*_named(text, values), describe)

    def _context(self) -> dict[str, str | None]:
        return {
            "CURRENT_ACCOUNT": ACCOUNT,
            "CURRENT_ACCOUNT_NAME": ACCOUNT,
            "CURRENT_ORGANIZATION_NAME": "FAKE",
            "CURRENT_DATABASE": self.place.database,
            "CURRENT_CATALOG": self.place.database,
            "CURRENT_SCHEMA": self.place.schema,
            "CURRENT_ROLE": self.role,
            "CURRENT_WAREHOUSE": self.warehouse,
            "CURRENT_REGION": REGION,
            "CURRENT_VERSION": VERSION,
            "CURRENT_USER": self.user,
            "CURRENT_SESSION": str(self.number),
        }

    # Transactions

    def _transaction(self, word: str) -> Answer:
        if word in ("BEGIN", "START"):
            if not self.in_transaction:
                self.runner.duck("BEGIN TRANSACTION")
                self.in_transaction = True
        else:
            self._end(word)
        return Answer(status(), TRANSACTION)

    def _end(self, word: str) -> None:
        if self.in_transaction:
            self.in_transaction = False
            self.runner.duck(word)

    def _implicit_begin(self) -> None:
        if self.parameters["AUTOCOMMIT"].lower() == "false":
            self._transaction("BEGIN")

    # Session statements

    def set_parameters(self, given: dict[str, str]) -> None:
        for name, value in given.items():
            if name.upper() == "AUTOCOMMIT" and value.lower() != self.parameters["AUTOCOMMIT"].lower():
                self._end("COMMIT")
            self.parameters[name.upper()] = value

    def _use(self, text: str) -> Result:
        found = re.match(rf"use\s+(?:(database|schema|role|warehouse|secondary\s+roles)\s+)?({NAME})\s*$", text, re.I)
        if not found:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nsyntax error: {text[:80]}")
        kind, path = (found[1] or "").lower(), split_name(found[2])
        if kind == "role":
            self.role = path[-1]
        elif kind == "warehouse":
            self.warehouse = path[-1]
        elif kind == "schema" or len(path) == 2:
            if path[-1] == "INFORMATION_SCHEMA":
                self.place.schema = path[-1]
                return status()
            schema = self.registry.schema(path, self.place)
            self.place.database, self.place.schema = schema.database.name, schema.name
        elif not kind.startswith("secondary"):
            database = self.registry.database(path[0])
            self.place.database, self.place.schema = path[0], "PUBLIC" if "PUBLIC" in database.schemas else None
        return status()

    def _show(self, text: str) -> Result:
        if found := re.match(r"show\s+(primary|unique|imported|exported)\s+keys\b(.*)$", text, re.I | re.S):
            tables = self._scope(found[2])
            return Result(catalog.show_keys(found[1].upper(), tables))
        if found := re.match(r"show\s+(?:terse\s+)?(databases|schemas|tables|views)\b(.*)$", text, re.I | re.S):
            wanted, schemas = found[2], list(self.registry.schemas())
            scope = re.search(rf"\bin\s+(account|database|schema)?\s*({NAME})?", wanted, re.I)
            if scope and scope[2]:
                path = split_name(scope[2])
                if (scope[1] or "").lower() == "database" or (found[1].lower() == "schemas" and not scope[1]):
                    schemas = [each for each in schemas if each.database.name == path[-1]]
                else:
                    schemas = [self.registry.schema(path, self.place)]
            elif not scope and self.place.database:
                schemas = [each for each in schemas if each.database.name == self.place.database]
                if found[1].lower() in ("tables", "views") and self.place.schema:
                    schemas = [each for each in schemas if each.name == self.place.schema]
            return Result(catalog.show_objects(found[1].upper(), self.registry, schemas, self.number))
        if re.match(r"show\s+parameters", text, re.I):
            names = list(self.parameters)
            return Result(pa.table({"key": names, "value": [self.parameters[name] for name in names]}))
        raise SnowflakeError(1003, "42000", f"SQL compilation error:\nstand-in: unknown {text[:60]}")

    def _scope(self, text: str) -> list[Table]:
        """The tables of ``IN ACCOUNT | DATABASE d | SCHEMA s | TABLE t``; without, those of the current place."""
        tables = list(self.registry.tables(self.number))
        found = re.match(rf"\s*in\s+(?:(account|database|schema|table)\b)?\s*({NAME})?", text, re.I)
        kind, path = ((found[1] or "").lower(), split_name(found[2] or "")) if found else ("", ())
        if kind == "account":
            return tables
        if kind == "table" or (found and not kind and path):
            return [self.registry.table(path, self.place)]
        if kind == "schema" or (not found and self.place.schema):
            schema = self.registry.schema(path or (str(self.place.schema),), self.place)
            return [table for table in tables if table.schema is schema]
        database = self.registry.database(path[0] if path else self.place.database)
        return [table for table in tables if table.schema.database is database]

    def _describe(self, text: str) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/desc-table"""
        found = re.match(rf"desc(?:ribe)?\s+(?:table|view)?\s*({NAME})", text, re.I)
        columns = self.registry.table(split_name(found[1]), self.place).columns.values() if found else []
        rows = [(c.name, c.kind, "COLUMN", "Y" if c.nullable else "N", c.default, c.comment) for c in columns]
        names = ["name", "type", "kind", "null?", "default", "comment"]
        return Result(pa.table([pa.array([row[i] for row in rows], pa.string()) for i in range(6)], names=names))

    # DDL

    def _define(self, word: str, text: str, values: list[Any]) -> Answer:
        if found := re.match(r"alter\s+session\s+(set|unset)\s+(.*)$", text, re.I | re.S):
            if found[1].lower() == "set":
                given = re.findall(r"(\w+)\s*=\s*('(?:[^']|'')*'|[^\s,]+)", found[2])
                self.set_parameters({name: value.strip("'") for name, value in given})
            else:
                for name in re.findall(r"\w+", found[2].upper()):
                    default = {"TIMEZONE": "UTC", "AUTOCOMMIT": "true"}.get(name)
                    self.parameters.pop(name, None)
                    self.parameters |= {name: default} if default else {}
            return Answer(status(), SESSION)
        self._end("COMMIT")  # DDL commits an open transaction: https://docs.snowflake.com/en/sql-reference/transactions
        try:
            return Answer(self._change(word, text), DDL)
        except SqlglotError as error:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nsyntax error: {error}") from error

    def _change(self, word: str, text: str) -> Result:
        make = self.definitions
        if word == "COMMENT":
            return make.comment(text)
        if word == "TRUNCATE":
            found = re.match(rf"truncate\s+(?:table\s+)?(if\s+exists\s+)?({NAME})", text, re.I)
            return make.truncate(split_name(found[2]), bool(found[1])) if found else status()
        if word == "DROP":
            return self._drop(text)
        if word == "ALTER":
            pattern = rf"alter\s+(\w+)\s+(?:if\s+exists\s+)?({NAME})\s+(.*)$"
            if found := re.match(pattern, text, re.I | re.S):
                if found[1].lower() == "schema":
                    return make.alter_schema(split_name(found[2]), found[3])
                if found[1].lower() == "table":
                    return make.alter_table(text, split_name(found[2]), found[3])
            return status()
        if word != "CREATE":
            return status()  # grants and variables are accepted and forgotten
        modifier = r"(?:or\s+replace\s+|transient\s+|temporary\s+|temp\s+|local\s+|global\s+|volatile\s+|secure\s+)*"
        kind = re.match(rf"create\s+{modifier}(\w+)", text, re.I)
        match kind[1].lower() if kind else "":
            case "database" | "schema":
                return make.create_container(text)
            case "stage":
                return status(self.stages.create(text))
            case "sequence":
                return make.create_sequence(text)
            case "table":
                return make.create_table(_parsed(text))
            case "view":
                return make.create_view(_parsed(text))
            case "masking" | "row" | "role" | "warehouse" | "user" | "file" | "tag":
                return status()  # policies and the like are known by their uses only
        raise SnowflakeError(1003, "42000", f"SQL compilation error:\nstand-in: unknown {text[:60]}")

    def _drop(self, text: str) -> Result:
        found = re.match(rf"drop\s+(\w+)\s+(if\s+exists\s+)?({NAME})", text, re.I)
        if not found:
            return status()
        kind, lenient, path = found[1].lower(), bool(found[2]), split_name(found[3])
        if kind in ("schema", "database"):
            return self.definitions.drop_container(kind, path, lenient)
        if kind in ("table", "view"):
            return self.definitions.drop_table(path, lenient)
        if kind == "stage":
            self.stages.drop(path, lenient)
        return status(f"{shown(path[-1])} successfully dropped.")

    # Queries and DML

    def _query(self, text: str, values: list[Any], describe: bool) -> Answer:
        try:
            tree = _parsed(text)
        except SqlglotError as error:
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nsyntax error: {error}") from error
        if isinstance(tree, exp.Command | exp.Alias | exp.Column):
            raise SnowflakeError(1003, "42000", f"SQL compilation error:\nsyntax error: unexpected '{text[:40]}'.")
        kind = SELECT if isinstance(tree, exp.Query) else statement_type_id(tree)
        binds = len(list(tree.find_all(exp.Placeholder)))
        if describe:
            return self._described(tree, kind, binds)
        if kind != SELECT:
            self._implicit_begin()
        if any(isinstance(value, list) for value in values):
            return Answer(_counted(tree, self._batch(tree, values)), kind)
        result = self.runner.run(tree, values or None)
        return Answer(_counted(tree, result), kind)

    def _described(self, tree: exp.Expression, kind: int, binds: int) -> Answer:
        if kind == SELECT:
            empty = tree.transform(lambda node: exp.Null() if isinstance(node, exp.Placeholder) else node)
            result = self.runner.run(empty)
            return Answer(Result(result.rows.slice(0, 0), result.declared), kind, binds=binds)
        zero = pa.table({name: pa.array([], pa.int64()) for name in COUNTED.get(type(tree), ["status"])})
        return Answer(Result(zero), kind, binds=binds)

    def _batch(self, tree: exp.Expression, values: list[list[Any]]) -> Result:
        """INSERT ... VALUES (?, ?) with many bound rows: one INSERT from a table of the values."""
        rows = tree.find(exp.Values)
        if rows is None or not isinstance(tree, exp.Insert):
            raise SnowflakeError(
                1003, "42000", "SQL compilation error:\nstand-in: rows are bound to INSERT ... VALUES only."
            )
        source = pa.table({f"P{index}": pa.array(column) for index, column in enumerate(values)})
        numbers = iter(range(len(values)))
        row = rows.expressions[0].transform(
            lambda node: (
                exp.column(exp.to_identifier(f"P{next(numbers)}", quoted=True), table="_BOUND")
                if isinstance(node, exp.Placeholder)
                else node
            )
        )
        bound = exp.select(*row.expressions).from_(exp.to_table("_BOUND"))
        tree = tree.copy()
        tree.set("expression", bound)
        return self.runner.run(tree, given={"_BOUND": source})


def _parsed(text: str) -> exp.Expression:
    tree = sqlglot.parse_one(text, read="snowflake")
    if tree is None:
        raise SnowflakeError(900, "42000", "SQL compilation error:\nEmpty SQL statement.")
    return tree


def _counted(tree: exp.Expression, result: Result) -> Result:
    """Row counts under Snowflake's names."""
    names = COUNTED.get(type(tree))
    return Result(result.rows.rename_columns(names)) if names and len(names) == result.rows.num_columns else result


def _bound(text: str, values: list[Any]) -> str:
    """PUT and COPY with their bound values written in."""
    remaining = iter(values)
    return re.sub(r"\?", lambda match: str(next(remaining, match[0])), text) if values else text


def _named(text: str, values: list[Any]) -> tuple[str, list[Any]]:
    """IDENTIFIER(?) and IDENTIFIER('...') stand for the name they hold."""
    text = re.sub(r"\bidentifier\s*\(\s*'([^']*)'\s*\)", lambda match: match[1], text, flags=re.I)
    while values and (found := re.search(r"\bidentifier\s*\(\s*\?\s*\)", text, re.I)):
        before = text[: found.start()].count("?")
        text = text[: found.start()] + str(values[before]) + text[found.end() :]
        values = values[:before] + values[before + 1 :]
    return text, values
