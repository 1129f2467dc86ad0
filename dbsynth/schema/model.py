"""What a database looks like: pure data, no I/O.

Column lists are ordered tuples, so a composite key cannot be scrambled. SQL texts (``declared``, ``default``,
``definition``, ...) are kept exactly as the catalog prints them, with every user object schema-qualified, so that a
dialect can write them back after renaming schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy.types import TypeEngine


@dataclass(frozen=True, order=True)
class TableName:
    """A table of a schema. ``str()`` gives ``schema.name`` for people; a dialect quotes it for SQL."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Identity:
    """``always``: GENERATED ALWAYS AS IDENTITY, else BY DEFAULT. ``options``: the sequence options as SQL text."""

    always: bool
    options: str = ""


@dataclass(frozen=True)
class Column:
    """``type`` is an SQLAlchemy type (a domain's base type); ``declared`` the exact SQL type text of the catalog.

    ``generated`` is the expression of a generated column, ``generated_stored`` whether it is stored.
    ``serial`` names the sequence ("schema.sequence") the column owns, if any. ``domain`` names the column's domain.
    """

    name: str
    type: TypeEngine[Any]
    declared: str
    nullable: bool = True
    default: str | None = None
    identity: Identity | None = None
    generated: str | None = None
    generated_stored: bool = True
    collation: str | None = None
    comment: str | None = None
    domain: str | None = None
    serial: str | None = None


@dataclass(frozen=True)
class Key:
    """A primary key or a unique constraint; ``definition`` is what follows CONSTRAINT <name>. ``virtual``: of the
    configuration, not of the catalog: kept and tested, not declared."""

    name: str
    columns: tuple[str, ...]
    definition: str
    nulls_not_distinct: bool = False
    comment: str | None = None
    virtual: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """``on_partitions``: declared on partitions only; the engine treats it as a key of the root table. ``enforced``
    False: kept and tested, but not declared in the target, which cannot. ``virtual``: as of ``Key``."""

    name: str
    columns: tuple[str, ...]
    ref_table: TableName
    ref_columns: tuple[str, ...]
    definition: str = ""
    match: str = "SIMPLE"
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferrable: bool = False
    initially_deferred: bool = False
    validated: bool = True
    on_partitions: bool = False
    enforced: bool = True
    comment: str | None = None
    virtual: bool = False

    @property
    def stream(self) -> str:
        """What random streams about the key are named after: not its name, which some databases make up."""
        return f"{','.join(self.columns)}>{self.ref_table.name}"


@dataclass(frozen=True)
class Check:
    """``expression`` is the boolean SQL without CHECK(...). ``domain``: the domain it comes from, for the column in
    ``columns``; the expression then already names the column instead of VALUE."""

    name: str
    expression: str
    columns: tuple[str, ...] = ()
    definition: str = ""
    validated: bool = True
    enforced: bool = True
    domain: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Exclusion:
    name: str
    definition: str
    columns: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True)
class Index:
    """A secondary index (none that belongs to a constraint). A ``None`` in ``columns`` stands for an expression;
    ``parts`` are the key's columns and expressions as SQL."""

    name: str
    columns: tuple[str | None, ...]
    definition: str
    unique: bool = False
    nulls_not_distinct: bool = False
    predicate: str | None = None
    comment: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partition:
    """One partition of a partitioned table, or of one of its partitions. Constraints and indexes it inherits are
    not repeated; what it has of its own is."""

    name: TableName
    parent: TableName
    bound: str
    key: str | None = None
    primary_key: Key | None = None
    uniques: tuple[Key, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Table:
    name: TableName
    columns: tuple[Column, ...]
    primary_key: Key | None = None
    uniques: tuple[Key, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    indexes: tuple[Index, ...] = ()
    partition_key: str | None = None
    partitions: tuple[Partition, ...] = ()
    comment: str | None = None
    estimated_rows: int = 0
    bytes: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What dbsynth will not carry over (triggers, policies, ...), each a sentence."""
    rules: tuple[Check, ...] = ()
    """Of the configuration: the rows that are made keep them as they keep CHECKs; no target declares them."""

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns}

    @property
    def conditions(self) -> tuple[Check, ...]:
        """CHECKs and rules."""
        return (*self.checks, *self.rules)

    def column(self, name: str) -> Column:
        return self.by_name[name]

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that are written: all but the generated ones."""
        return tuple(c for c in self.columns if c.generated is None)

    @property
    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """Tuples of stored columns that are unique over the whole table: primary key, unique constraints, and unique
        indexes over plain columns without a predicate. What is unique in each partition only counts too: rows that keep
        it over the whole table keep it in every partition."""
        computed = set(self.computed_keys)
        return tuple(key for key in self._all_keys if key not in computed)

    @property
    def computed_keys(self) -> tuple[tuple[str, ...], ...]:
        """Those over a generated column: unique expressions, in fact."""
        generated = {c.name for c in self.columns if c.generated is not None}
        return tuple(key for key in self._all_keys if generated & set(key))

    @property
    def _all_keys(self) -> tuple[tuple[str, ...], ...]:
        keys: list[tuple[str, ...]] = []
        parts: tuple[Table | Partition, ...] = (self, *self.partitions)
        for part in parts:
            keys += [part.primary_key.columns] if part.primary_key else []
            keys += [u.columns for u in part.uniques]
            keys += [
                tuple(c for c in i.columns if c is not None)
                for i in part.indexes
                if i.unique and i.predicate is None and None not in i.columns
            ]
        return tuple(dict.fromkeys(keys))


@dataclass(frozen=True)
class UserType:
    """An enum, domain or composite type. ``definition`` is what follows the name in CREATE TYPE/DOMAIN;
    ``constraints`` are a domain's CHECKs as (name, CHECK (...))."""

    schema: str
    name: str
    kind: str
    definition: str
    constraints: tuple[tuple[str, str], ...] = ()
    comment: str | None = None


@dataclass(frozen=True)
class Sequence:
    """``owned_by`` is (table, column) for a serial column."""

    schema: str
    name: str
    definition: str
    owned_by: tuple[TableName, str] | None = None


@dataclass(frozen=True)
class Schema:
    """The selected part of a database. ``tables`` holds root tables only; partitions hang below them."""

    tables: tuple[Table, ...]
    types: tuple[UserType, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    extensions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[TableName, Table]:
        return {t.name: t for t in self.tables}

    def __getitem__(self, name: TableName) -> Table:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    @property
    def schemas(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([t.name.schema for t in self.tables] + [t.schema for t in self.types]))
