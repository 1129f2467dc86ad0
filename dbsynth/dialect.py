"""What dbsynth asks of a database: the Dialect protocol and the registry of installed dialects.

A dialect is a package found by the entry-point group ``dbsynth.dialects``. The engine knows nothing of any database
beyond these protocols. Rows travel as Arrow record batches in the types of ``dbsynth.schema.types.arrow_type``.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from dbsynth.errors import UsageError
from dbsynth.grammar import Grammar
from dbsynth.schema.model import Schema, Table, TableName


class Support(Enum):
    """What a database does with one kind of constraint."""

    ENFORCED = "enforced"
    NOT_ENFORCED = "declared, not enforced"
    NOT_SUPPORTED = "not supported"


@dataclass(frozen=True)
class Capabilities:
    """``constraints``: support per kind (primary key, foreign key, unique, check, not null, exclusion).
    ``atomic_publish``: a target of several schemas is swapped in one transaction.
    ``constraints_after_load``: foreign keys can be created after the rows are in (so any cycle can be loaded)."""

    constraints: Mapping[str, Support]
    atomic_publish: bool
    constraints_after_load: bool
    bills_bytes: bool = False
    """Reading costs by the byte: see ``Database.billed``."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What people want to know beyond that (how rows get out and in, what is atomic), a line each."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """The vendor's page for each kind of constraint."""


@dataclass(frozen=True)
class Sample:
    """Keep the rows whose hash of ``columns`` falls below ``fraction`` (0..1) of its range. The hash is taken of the
    text of the values: equal values share one fate in every table, so sampled parents bring all their children.
    No ``columns``: the hash of the row's physical place. Rows where every one of ``columns`` is null are one group."""

    columns: tuple[str, ...]
    fraction: float
    salt: int = 0


@dataclass(frozen=True)
class ReadRequest:
    """Read ``columns`` of ``table``, optionally only a sample, in the order of ``order_by`` (nulls last)."""

    table: TableName
    columns: tuple[str, ...]
    sample: Sample | None = None
    order_by: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class RunInfo:
    """Provenance written into the target: no credentials, no rows. ``source_identity`` (``Database.identity()`` of the
    source) is what tells a target that is the source itself; without it ``source`` has to."""

    run_id: str
    version: str
    seed: int
    source: str
    details: Mapping[str, Any] = field(default_factory=dict)
    source_identity: str = ""


@dataclass(frozen=True)
class Verified:
    """A constraint that was tested by a query after the load. ``violations``: rows (of keys: values) that break it."""

    table: str
    kind: str
    name: str
    violations: int


@dataclass(frozen=True)
class Count:
    """``sql``: a SELECT of one number, the rows (of keys: the values) that break the constraint ``name``. ``where``: of
    a constraint on single rows, the condition that is true of those that break it: many are counted in one pass.
    ``says``: what is asked for, where the name does not tell."""

    kind: str
    name: str
    sql: str
    columns: tuple[str, ...] = ()
    where: str = ""
    says: str = ""

    def verified(self, table: Table, violations: int) -> Verified:
        return Verified(str(table.name), self.kind, self.name, violations)


@dataclass(frozen=True)
class Building:
    """``schemas``: source schema name -> name of the schema of ``database`` in which it is built. ``declared``: what
    publishing is going to declare, in the names of these schemas; None: the catalog has it all already."""

    database: Database
    schemas: Mapping[str, str]
    declared: Schema | None = None


class Attached(Protocol):
    """Tables that another process made, as a worker sees them."""

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        """Join the building schemas that another process prepared (same arguments); of an Appender: the targets."""

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        """Let the database evaluate boolean SQL ``expressions`` on the rows of ``batch`` (it computes the generated
        columns); bool array (rows, expressions), True where an expression is false (null passes)."""

    def close(self) -> None: ...


class Target(Attached, Protocol):
    """Where rows go. Between ``prepare`` and ``publish`` everything happens in building schemas beside the target."""

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        """Remove what dead runs left behind, refuse a target that may not be written (TargetRefused: it is the source,
        or exists and was not made by dbsynth and ``replace`` is False), create the building schemas with types,
        sequences and tables (columns, defaults, NOT NULL, CHECKs, partitions; no keys or indexes yet).
        ``mapping``: source schema name -> target schema name."""

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk-insert batches (columns by name; generated columns absent) in one transaction; returns rows written."""

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        """Create primary keys, uniques, exclusion constraints, indexes, foreign keys (validated), move sequences past
        the last key, write comments, ANALYZE. Gives the constraints that the database does not enforce, each tested by
        a query; GateFailed where one does not hold."""

    def building(self) -> Building:
        """Where to read what was built, between ``finish`` and ``publish``."""

    def publish(self) -> None:
        """Swap the building schemas in for the targets in one transaction, grants of replaced schemas kept."""

    def discard(self) -> None:
        """Drop the building schemas of this run (used on failure and interruption)."""


class Appender(Attached, Protocol):
    """Where rows go beside those that are there: in the schemas of a target that dbsynth made."""

    def hold(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> dict[str, str | None]:
        """``attach``, and keep other runs of dbsynth from writing the target schemas until ``close`` (TargetRefused
        where one does). Gives what stands in each of them of where it comes from (None: nothing), by name."""

    def append(
        self,
        order: Sequence[TableName],
        batches: Callable[[TableName], Iterable[pa.RecordBatch]],
        marks: Mapping[str, str],
        progress: Callable[[TableName, int], None],
    ) -> tuple[Verified, ...]:
        """In one transaction: the ``batches`` of the tables in ``order`` (``progress`` is told of each and of its
        rows), with every constraint of the database; sequences moved past the last key; ``marks`` written by schema.
        Gives what the database does not enforce, each tested by a query; GateFailed where one does not hold."""


@runtime_checkable
class Appends(Protocol):
    """A Database into whose targets rows can be appended."""

    def appender(self) -> Appender: ...


class Database(Protocol):
    """One open database. Used from one process; cheap to reopen in another from the same URL."""

    dialect: Dialect

    def describe(self) -> str:
        """``host:port/database`` for people: never credentials."""

    def identity(self) -> str:
        """Equal for two connections exactly if they reach the same physical database."""

    def introspect(self, schemas: Sequence[str] | None = None) -> Schema:
        """The catalog of ``schemas`` (None: every user schema that holds a table, dbsynth's own and building schemas
        left out). Raises UsageError for a schema that is not there, with the nearest name."""

    def measured(self, schema: Schema) -> Schema:
        """``schema`` with what only the rows tell (that a NUMBER(38, 0) holds 64-bit integers)."""

    def bind(self, schema: Schema) -> None:
        """What later calls of ``read`` and ``degrees`` are about: introspected before, perhaps in another process."""

    def billed(self, schema: Schema) -> int | None:
        """Bytes that learning from ``schema`` will be billed for; None where reading costs nothing by the byte."""

    def check_readable(self, schema: Schema) -> None:
        """Raises PermissionDenied naming every table (and column) that may not be read."""

    def snapshot(self) -> AbstractContextManager[str]:
        """Hold one consistent read-only snapshot open; gives a token that ``read`` in any process accepts."""

    def count(self, tables: Sequence[TableName], snapshot: str | None = None) -> dict[TableName, int]: ...

    def read(self, request: ReadRequest, snapshot: str | None = None) -> Iterator[pa.RecordBatch]:
        """Stream rows in a read-only transaction. Yields at least one (possibly empty) batch."""

    def place(self, name: TableName) -> str:
        """The table's full name in SQL."""

    def numbers(self, sql: str, about: str) -> list[int]:
        """The one row of a SELECT of counts, e.g. those of ``dbsynth.sqlbase.verify``; ``about`` for errors."""

    def schema_names(self) -> list[tuple[str, bool]]:
        """Every user schema, and whether dbsynth made it."""

    def own_counts(self, schema: Schema) -> Mapping[TableName, tuple[Count, ...]]:
        """What only this database can be asked of the tables of ``schema``: sequences that are behind the last key,
        indexes that are not valid, exclusion constraints."""

    def degrees(
        self,
        table: TableName,
        columns: tuple[str, ...],
        sample: Sample | None = None,
        snapshot: str | None = None,
    ) -> pa.Table:
        """Rows of ``table`` per distinct non-null value of ``columns``: those columns and ``n`` (int64), ordered."""

    def target(self) -> Target: ...

    def close(self) -> None: ...


class Dialect(Protocol):
    name: str

    @property
    def grammar(self) -> Grammar: ...

    capabilities: Capabilities

    def connect(self, url: URL, *, schemas: Sequence[str] = ()) -> Database:
        """Raises ConnectionFailed (host, password, database missing) with a remedy and without credentials."""


ENTRY_POINT_GROUP = "dbsynth.dialects"


def installed() -> dict[str, str]:
    """Names of the installed dialects and where each comes from (module:attribute); loads none of them."""
    return {e.name: e.value for e in sorted(entry_points(group=ENTRY_POINT_GROUP))}


def load_dialect(name: str) -> Dialect:
    """The dialect called ``name``, loaded from its entry point; UsageError names the nearest one or a missing extra."""
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        if entry.name == name:
            try:
                dialect: Dialect = entry.load()()
            except ModuleNotFoundError as cause:
                raise UsageError(
                    f"the {name} dialect needs the package {cause.name}",
                    hint=f"pip install 'dbsynth[{name}]'",
                ) from cause
            return dialect
    near = difflib.get_close_matches(name, installed(), 1)
    raise UsageError(
        f"no dialect is installed for {name!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(installed())}",
    )


ALIASES = {"postgres": "postgresql"}


def parse_url(text: str) -> URL:
    """An SQLAlchemy URL; UsageError (that does not repeat the text: it may hold a password) if it is none."""
    url: URL | None = None
    # ValueError: the port is no number. Not chained: it may repeat a part of the password.
    with contextlib.suppress(ArgumentError, ValueError):
        url = make_url(text)
    # A second @, of a password that is not escaped: what follows the first would be taken, and told, as the host.
    if url is None or re.split(r"\?\w+=", text)[0].count("@") > 1:
        raise UsageError(
            "the database URL cannot be parsed",
            hint="write dialect://user@host:port/database, e.g. postgresql://localhost/shop; "
            "write /, : and @ in a password as %2F, %3A and %40",
        )
    return url


def connect(url: str | URL) -> Database:
    """Open the database behind ``url`` with the dialect that its scheme names."""
    parsed = parse_url(url) if isinstance(url, str) else url
    return load_dialect(dialect_name(parsed)).connect(parsed)


def dialect_name(url: URL) -> str:
    name = url.get_backend_name()
    return ALIASES.get(name, name)


def named_schema(url: URL) -> str | None:
    """The schema that ``url`` itself names, of a dialect whose URLs can (its ``schema_of``)."""
    of = getattr(load_dialect(dialect_name(url)), "schema_of", None)
    return None if of is None else of(url)


def column_types(table: Table) -> pa.Schema:
    """The Arrow schema in which the stored columns of ``table`` travel."""
    from dbsynth.schema.types import arrow_type

    return pa.schema([(c.name, arrow_type(c.type)) for c in table.stored_columns])
