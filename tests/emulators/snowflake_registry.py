"""What the stand-in Snowflake knows of its databases: schemas, tables, views, constraints, comments and policies.

DuckDB holds the rows only, in tables with neutral names (``T7``); every declaration is kept here. So names may hold any
character, a rename or swap of schemas moves no row, and a key can be declared without being enforced.
"""

from __future__ import annotations

import datetime
import itertools
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

IDENTIFIER = r'(?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*)'
NAME = rf"{IDENTIFIER}(?:\s*\.\s*{IDENTIFIER}){{0,2}}"


class SnowflakeError(Exception):
    """An error as Snowflake answers it."""

    def __init__(self, code: int, state: str, message: str) -> None:
        super().__init__(message)
        self.code, self.state, self.message = code, state, message


def missing(name: str, kind: str = "Object") -> SnowflakeError:
    """The answer to an unknown or forbidden object; Snowflake does not tell the two apart."""
    state = "42S02" if kind == "Object" else "02000"
    return SnowflakeError(2003, state, f"SQL compilation error:\n{kind} '{name}' does not exist or not authorized.")


def fold(identifier: str) -> str:
    """The stored form of a written identifier: quoted names keep their case, others fold to upper case."""
    if identifier.startswith('"'):
        return identifier[1:-1].replace('""', '"')
    return identifier.upper()


def split_name(text: str) -> tuple[str, ...]:
    """The stored parts of a written name such as ``db."Schema".t``."""
    return tuple(fold(part) for part in re.findall(IDENTIFIER, text))


def quote(name: str) -> str:
    """A quoted identifier, valid in Snowflake and in DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def shown(*parts: str) -> str:
    """A name as error messages show it: quoted only where it must be."""
    return ".".join(part if re.fullmatch(r"[A-Z_][A-Z0-9_$]*", part) else quote(part) for part in parts)


@dataclass
class Column:
    """A declared column; ``kind`` is the DATA_TYPE of INFORMATION_SCHEMA.COLUMNS."""

    name: str
    kind: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    nullable: bool = True
    default: str | None = None
    physical_default: str | None = None
    identity: tuple[int, int] | None = None
    sequence: str | None = None
    collation: str | None = None
    comment: str | None = None
    masking_policy: str | None = None

    @property
    def physical(self) -> str:
        """The DuckDB type that holds the values."""
        if self.kind == "NUMBER":
            return f"DECIMAL({self.precision}, {self.scale})"
        return {
            "FLOAT": "DOUBLE",
            "BOOLEAN": "BOOLEAN",
            "DATE": "DATE",
            "TIME": "TIME",
            "TIMESTAMP_NTZ": "TIMESTAMP",
            "TIMESTAMP_LTZ": "TIMESTAMPTZ",
            "TIMESTAMP_TZ": "TIMESTAMPTZ",
            "BINARY": "BLOB",
            "VARIANT": "JSON",
            "OBJECT": "JSON",
            "ARRAY": "JSON",
        }.get(self.kind, "VARCHAR")


@dataclass(eq=False)
class Constraint:
    """A declared constraint; a foreign key refers to the table itself, so it follows renames and swaps."""

    kind: str
    columns: list[str]
    name: str = ""
    target: Table | None = None
    target_columns: list[str] = field(default_factory=list)
    clause: str | None = None
    physical_clause: str | None = None
    delete_rule: str = "NO ACTION"
    update_rule: str = "NO ACTION"

    def __post_init__(self) -> None:
        # Snowflake names an unnamed constraint SYS_CONSTRAINT_<uuid>.
        self.name = self.name or f"SYS_CONSTRAINT_{uuid.uuid4()}"


@dataclass(eq=False)
class Table:
    """A table, or a view when ``view`` holds its query."""

    name: str
    schema: Schema
    physical: str
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    comment: str | None = None
    clustering: str | None = None
    transient: bool = False
    session: int | None = None  # the session that owns a temporary table
    view: str | None = None
    row_policies: list[tuple[str, list[str]]] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    created: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    @property
    def path(self) -> tuple[str, str, str]:
        return (self.schema.database.name, self.schema.name, self.name)

    def primary_key(self) -> Constraint | None:
        return next((key for key in self.constraints if key.kind == "PRIMARY KEY"), None)

    def column(self, name: str) -> Column:
        if name not in self.columns:
            raise SnowflakeError(904, "42000", f"SQL compilation error:\ninvalid identifier '{shown(name)}'")
        return self.columns[name]


@dataclass(eq=False)
class Schema:
    name: str
    database: Database
    comment: str | None = None
    tables: dict[str, Table] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)  # name -> folder
    sequences: dict[str, str] = field(default_factory=dict)  # name -> DuckDB sequence
    created: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))


@dataclass(eq=False)
class Database:
    name: str
    comment: str | None = None
    schemas: dict[str, Schema] = field(default_factory=dict)


@dataclass
class Place:
    """What a session stands on: unqualified names are completed from here."""

    database: str | None
    schema: str | None
    session: int


class Registry:
    """All databases of the account."""

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        self.temporary: dict[tuple[int, str, str, str], Table] = {}
        self._numbers = itertools.count(1)

    def physical_name(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"

    def create_database(self, name: str, comment: str | None = None) -> Database:
        database = self.databases[name] = Database(name, comment)
        database.schemas["PUBLIC"] = Schema("PUBLIC", database)
        return database

    def database(self, name: str | None) -> Database:
        if name is None:
            raise SnowflakeError(
                90105,
                "22000",
                "Cannot perform operation. This session does not have a current database. "
                "Call 'USE DATABASE', or use a qualified name.",
            )
        if name not in self.databases:
            raise missing(shown(name), "Database")
        return self.databases[name]

    def schema(self, parts: tuple[str, ...], place: Place) -> Schema:
        *before, name = parts
        database = self.database(before[-1] if before else place.database)
        if name not in database.schemas:
            raise missing(shown(database.name, name), "Schema")
        return database.schemas[name]

    def container(self, parts: tuple[str, ...], place: Place) -> Schema:
        """The schema in which an object of this name lives."""
        if len(parts) == 1:
            if place.schema is None:
                self.database(place.database)
                raise SnowflakeError(
                    90106,
                    "22000",
                    "Cannot perform operation. This session does not have a current schema. "
                    "Call 'USE SCHEMA', or use a qualified name.",
                )
            return self.schema((place.schema,), place)
        return self.schema(parts[:-1], place)

    def find(self, parts: tuple[str, ...], place: Place) -> Table | None:
        """The named table; a temporary table of the session hides a permanent one."""
        try:
            schema = self.container(parts, place)
        except SnowflakeError as error:
            if error.code == 2003:
                return None
            raise
        own = (place.session, schema.database.name, schema.name, parts[-1])
        return self.temporary.get(own) or schema.tables.get(parts[-1])

    def table(self, parts: tuple[str, ...], place: Place) -> Table:
        found = self.find(parts, place)
        if found is None:
            raise missing(shown(*parts))
        return found

    def add(self, table: Table) -> None:
        if table.session is None:
            table.schema.tables[table.name] = table
        else:
            self.temporary[(table.session, *table.path)] = table

    def remove(self, table: Table) -> None:
        """Forget a table and, as DROP ... CASCADE does, the foreign keys that refer to it."""
        if table.session is None:
            del table.schema.tables[table.name]
        else:
            del self.temporary[(table.session, *table.path)]
        for other in self.tables():
            other.constraints = [key for key in other.constraints if key.target is not table or other is table]

    def schemas(self) -> Iterator[Schema]:
        for database in self.databases.values():
            yield from database.schemas.values()

    def tables(self, session: int | None = None) -> Iterator[Table]:
        """Permanent tables, and the temporary ones of a session."""
        for schema in self.schemas():
            yield from schema.tables.values()
        yield from (table for (owner, *_), table in self.temporary.items() if owner == session)

    def rename_schema(self, schema: Schema, parts: tuple[str, ...], place: Place) -> None:
        database = self.database(parts[0]) if len(parts) == 2 else schema.database
        if parts[-1] in database.schemas:
            raise SnowflakeError(2002, "42710", f"SQL compilation error:\nObject '{shown(parts[-1])}' already exists.")
        del schema.database.schemas[schema.name]
        schema.name, schema.database = parts[-1], database
        database.schemas[schema.name] = schema

    def swap_schemas(self, one: Schema, other: Schema) -> None:
        """Both schemas change name and database; all they hold goes with them, as in ALTER SCHEMA ... SWAP WITH."""
        one.name, other.name = other.name, one.name
        one.database, other.database = other.database, one.database
        one.database.schemas[one.name] = one
        other.database.schemas[other.name] = other
