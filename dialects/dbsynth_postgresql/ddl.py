"""Write a ``Schema`` as DDL: what stands before the rows (types, sequences, tables with CHECKs, partitions) and what
follows them (keys, indexes, foreign keys, comments)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from dbsynth.errors import UnsupportedSource
from dbsynth.schema.model import Check, Column, ForeignKey, Index, Key, Partition, Schema, Table, TableName, UserType
from dbsynth_postgresql.names import ident, literal, qualified
from dbsynth_postgresql.requalify import Name, Reference, Requalifier, references, tokens


class Statement(NamedTuple):
    """``about`` says for people what the statement makes, in the names of the source."""

    sql: str
    about: str


KIND_WORDS = {"domain": "DOMAIN"}


@dataclass(frozen=True)
class Ddl:
    """``building``: source schema -> schema to write into; ``final``: what each of those will be called in the end."""

    schema: Schema
    building: Mapping[str, str]
    final: Mapping[str, str]

    @cached_property
    def moved(self) -> dict[Name, str]:
        names: list[Name] = [(t.name.schema, t.name.name) for t in self.schema]
        names += [(p.name.schema, p.name.name) for t in self.schema for p in t.partitions]
        names += [(t.schema, t.name) for t in self.schema.types] + [(s.schema, s.name) for s in self.schema.sequences]
        names += self._multiranges
        return {name: self.building[name[0]] for name in names if name[0] in self.building}

    @cached_property
    def _multiranges(self) -> list[Name]:
        """A range type makes a second type, which its definition names at the end."""
        mark = "MULTIRANGE_TYPE_NAME = "
        ends = [t.definition.rpartition(mark)[2] for t in self.schema.types if mark in t.definition]
        return [(r.schema, r.name) for end in ends for r in references(end)]

    @cached_property
    def requalify(self) -> Requalifier:
        ranges = [(t.schema, t.name) for t in self.schema.types if t.kind == "range"] + self._multiranges
        return Requalifier(self.moved, self.final, frozenset(self.moved.keys() & set(ranges)))

    def place(self, name: TableName) -> str:
        """The quoted name of a table of the source, where it is being built."""
        if name.schema not in self.building:
            raise UnsupportedSource(
                f"table {name} lies in a schema that has no target schema", hint=f"select the schema {name.schema} too"
            )
        return qualified(TableName(self.building[name.schema], name.name))

    # --- before the rows ------------------------------------------------------------------------------------------

    def before_rows(self) -> Iterator[Statement]:
        """Types, sequences and tables, each after what it needs."""
        for s in self.schema.sequences:
            if s.schema in self.building:
                where = qualified(TableName(self.building[s.schema], s.name))
                yield Statement(f"CREATE SEQUENCE {where} {s.definition}", f"sequence {s.schema}.{s.name}")
        types = {(t.schema, t.name): t for t in self.schema.types if t.schema in self.building}
        tables = {(t.name.schema, t.name.name): t for t in self.schema}
        for name in self._creation_order(types, tables):
            if name in types:
                yield from self._type(types[name])
            else:
                yield from self._table(tables[name])
        for s in self.schema.sequences:
            if s.owned_by and s.schema in self.building and s.owned_by[0] in self.schema.by_name:
                table, column = s.owned_by
                where = qualified(TableName(self.building[s.schema], s.name))
                yield Statement(
                    f"ALTER SEQUENCE {where} OWNED BY {self.place(table)}.{ident(column)}",
                    f"sequence {s.schema}.{s.name}",
                )

    def _creation_order(self, types: Mapping[Name, UserType], tables: Mapping[Name, Table]) -> list[Name]:
        """A composite type may hold a domain, a domain's CHECK may cast to an enum, a column may have the row type of
        another table. Tables keep their order otherwise."""
        known = {**dict.fromkeys(types), **dict.fromkeys(tables)}
        needs: dict[Name, list[Name]] = {}
        for name in known:
            if name in types:
                t = types[name]
                texts = [t.definition, *(text for _, text in t.constraints)]
            else:
                texts = [text for text, _ in self._table_texts(tables[name])]
            found = {(r.schema, r.name) for text in texts for r in references(text)}
            needs[name] = [n for n in known if n in found and n != name]
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            circle = ", ".join(".".join(n) for n in error.args[1])
            raise UnsupportedSource(
                f"types and tables whose definitions need each other cannot be created: {circle}",
                hint="leave one of the tables out (--exclude)",
            ) from error

    def _type(self, t: UserType) -> Iterator[Statement]:
        where = qualified(TableName(self.building[t.schema], t.name))
        about = f"{t.kind} {t.schema}.{t.name}"
        yield Statement(f"CREATE {KIND_WORDS.get(t.kind, 'TYPE')} {where} {self.requalify(t.definition)}", about)
        for name, text in t.constraints:  # by themselves: CREATE DOMAIN takes none that is NOT VALID
            yield Statement(f"ALTER DOMAIN {where} ADD CONSTRAINT {ident(name)} {self.requalify(text)}", about)

    def _table(self, table: Table) -> Iterator[Statement]:
        own = [c for c in table.checks if c.domain is None]
        parts = [self._column(c) for c in table.columns] + [self._check(c) for c in own if c.validated]
        sql = f"CREATE TABLE {self.place(table.name)} ({', '.join(parts)})"
        if table.partition_key:
            sql += f" PARTITION BY {self.requalify(table.partition_key)}"
        if table.options:
            sql += f" WITH ({', '.join(f'{name}={literal(value)}' for name, value in table.options.items())})"
        yield Statement(sql, f"table {table.name}")
        yield from self._late_checks(table.name, own)
        for p in table.partitions:
            inside = ", ".join(self._check(c) for c in p.checks if c.domain is None and c.validated)
            sql = f"CREATE TABLE {self.place(p.name)} PARTITION OF {self.place(p.parent)}"
            sql += f" ({inside})" if inside else ""
            sql += f" {self.requalify(p.bound)}"
            sql += f" PARTITION BY {self.requalify(p.key)}" if p.key else ""
            yield Statement(sql, f"partition {p.name}")
            yield from self._late_checks(p.name, [c for c in p.checks if c.domain is None])

    def _late_checks(self, table: TableName, checks: list[Check]) -> Iterator[Statement]:
        """NOT VALID means nothing in CREATE TABLE (the server makes it valid), so these are added by themselves."""
        for c in checks:
            if not c.validated:
                yield Statement(
                    f"ALTER TABLE {self.place(table)} ADD {self._check(c)}", f"constraint {c.name} of table {table}"
                )

    def _column(self, c: Column) -> str:
        parts = [ident(c.name), self.requalify(c.declared)]
        if c.collation:
            parts.append(f"COLLATE {self.requalify(c.collation)}")
        if c.generated is not None:
            parts.append(f"GENERATED ALWAYS AS ({self.requalify(c.generated)})")
            parts.append("STORED" if c.generated_stored else "VIRTUAL")
        elif c.identity is not None:
            parts.append(f"GENERATED {'ALWAYS' if c.identity.always else 'BY DEFAULT'} AS IDENTITY")
            if c.identity.options:
                parts.append(f"({self.requalify(c.identity.options)})")
        elif c.default is not None:
            parts.append(f"DEFAULT {self.requalify(c.default)}")
        if not c.nullable:
            parts.append("NOT NULL")
        return " ".join(parts)

    def _check(self, c: Check) -> str:
        return f"CONSTRAINT {ident(c.name)} {self.requalify(c.definition or f'CHECK ({c.expression})')}"

    # --- after the rows -------------------------------------------------------------------------------------------

    def keys_and_indexes(self, table: Table) -> Iterator[Statement]:
        """Everything of one table but its foreign keys. What partitions have of their own comes first: names that the
        server then makes up for the parts of an index of the whole table cannot collide with them."""
        for p in table.partitions:
            yield from self._keys(p.name, p)
            yield from self._indexes(p.name, p.indexes)
        yield from self._keys(table.name, table)
        for e in table.exclusions:
            yield self._constraint(table.name, e.name, e.definition)
        yield from self._indexes(table.name, table.indexes)

    def _keys(self, name: TableName, holder: Table | Partition) -> Iterator[Statement]:
        keys: tuple[Key, ...] = (*((holder.primary_key,) if holder.primary_key else ()), *holder.uniques)
        for key in (k for k in keys if not k.virtual):
            yield self._constraint(name, key.name, key.definition)

    def _indexes(self, table: TableName, indexes: tuple[Index, ...]) -> Iterator[Statement]:
        for i in indexes:
            yield Statement(self.requalify(_without_only(i.definition)), f"index {i.name} of table {table}")

    def foreign_keys(self, table: Table) -> Iterator[Statement]:
        for name, keys in ((table.name, table.foreign_keys), *((p.name, p.foreign_keys) for p in table.partitions)):
            for fk in keys:
                # The root table lists those that sit on partitions only, for the generator; they are created there.
                if (name == table.name and fk.on_partitions) or not fk.enforced:
                    continue
                yield self._constraint(name, fk.name, self._foreign_key(name, fk))

    def _foreign_key(self, table: TableName, fk: ForeignKey) -> str:
        if (fk.ref_table.schema, fk.ref_table.name) not in self.moved:
            raise UnsupportedSource(
                f"foreign key {fk.name} of table {table} refers to {fk.ref_table}, which is not cloned",
                hint=f"select {fk.ref_table} too, or leave {table} out",
            )
        return fk.definition

    def _constraint(self, table: TableName, name: str, definition: str) -> Statement:
        return Statement(
            f"ALTER TABLE {self.place(table)} ADD CONSTRAINT {ident(name)} {self.requalify(definition)}",
            f"constraint {name} of table {table}",
        )

    def comments(self) -> Iterator[Statement]:
        for t in self.schema.types:
            if t.comment is not None and t.schema in self.building:
                where = qualified(TableName(self.building[t.schema], t.name))
                sql = f"COMMENT ON {KIND_WORDS.get(t.kind, 'TYPE')} {where} IS {literal(t.comment)}"
                yield Statement(sql, f"comment on {t.kind} {t.schema}.{t.name}")
        for table in self.schema:
            where, about = self.place(table.name), f"comment in table {table.name}"
            if table.comment is not None:
                yield Statement(f"COMMENT ON TABLE {where} IS {literal(table.comment)}", about)
            for c in table.columns:
                if c.comment is not None:
                    yield Statement(f"COMMENT ON COLUMN {where}.{ident(c.name)} IS {literal(c.comment)}", about)
            keys = (table.primary_key,) if table.primary_key else ()
            fks = tuple(fk for fk in table.foreign_keys if not fk.on_partitions)
            checks = tuple(c for c in table.checks if c.domain is None)
            for k in (*keys, *table.uniques, *fks, *checks, *table.exclusions):
                if k.comment is not None:
                    yield Statement(f"COMMENT ON CONSTRAINT {ident(k.name)} ON {where} IS {literal(k.comment)}", about)
            for i in table.indexes:
                if i.comment is not None:
                    index = qualified(TableName(self.building[table.name.schema], i.name))
                    yield Statement(f"COMMENT ON INDEX {index} IS {literal(i.comment)}", about)

    # --- what has to be there already -----------------------------------------------------------------------------

    def outside(self) -> dict[Reference, str]:
        """Objects that the definitions use and that are not cloned (functions, types of extensions, ...), each with
        the first place that uses it, for people."""
        found: dict[Reference, str] = {}
        for t in self.schema.types:
            for text in (t.definition, *(text for _, text in t.constraints)):
                for r in self.requalify.outside(text):
                    found.setdefault(r, f"{t.kind} {t.schema}.{t.name}")
        for table in self.schema:
            for text, about in self._table_texts(table):
                for r in self.requalify.outside(text):
                    found.setdefault(r, about)
        return found

    def evaluated(self) -> Iterator[tuple[str, str]]:
        """The texts that the server evaluates while rows are loaded and keys and indexes built, each with its place for
        people. Not among them: defaults, for every column that has one is given a value."""
        for t in self.schema.types:
            for text in (t.definition, *(text for _, text in t.constraints)):
                yield text, f"{t.kind} {t.schema}.{t.name}"
        for table in self.schema:
            yield from self._table_texts(table, defaults=False)
            for p in table.partitions:
                yield f"{p.bound} {p.key or ''}", f"partition {p.name}"

    def _table_texts(self, table: Table, *, defaults: bool = True) -> Iterator[tuple[str, str]]:
        """The texts that CREATE TABLE and its keys and indexes are made of. Foreign keys are dealt with elsewhere."""
        for c in table.columns:
            for text in (c.declared, c.default if defaults else None, c.generated, c.collation):
                if text is not None:
                    yield text, f"column {table.name}.{c.name}"
        yield table.partition_key or "", f"the partition key of table {table.name}"
        holders: tuple[Table | Partition, ...] = (table, *table.partitions)
        for holder in holders:
            for check in holder.checks:
                if check.domain is None:
                    yield check.definition or check.expression, f"constraint {check.name} of table {holder.name}"
            for i in holder.indexes:
                yield i.definition, f"index {i.name} of table {holder.name}"
        for e in table.exclusions:
            yield e.definition, f"constraint {e.name} of table {table.name}"


def _without_only(definition: str) -> str:
    """``CREATE INDEX i ON ONLY t`` is how the catalog prints the index of a partitioned table, whose parts it lists
    separately; without ONLY they are made with it."""
    parts = [t.text for t in tokens(definition)]
    for at, text in enumerate(parts[:-2]):
        if text == "ON":
            if parts[at + 2] == "ONLY":
                del parts[at + 2 : at + 4]
            break
    return "".join(parts)
