"""Two tables, part by part: columns, keys, foreign keys, CHECKs, indexes, partitions, comments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import types as sqltypes

from dbsynth.quality.differences import Difference, Frame
from dbsynth.quality.figures import Subject
from dbsynth.quality.sql_texts import canonical
from dbsynth.schema.model import Check, Column, Exclusion, ForeignKey, Index, Key, Partition, Table, TableName

DEFERRED = {(False, False): "not deferrable", (True, False): "deferrable", (True, True): "initially deferred"}


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def counterparts(
    ours: Iterable[N], theirs: Iterable[N], content: Callable[[N], Hashable], content_here: Callable[[N], Hashable]
) -> tuple[list[tuple[N, N]], list[N], list[N]]:
    """Pairs (first of equal content and name, then of equal content, then of equal name), the rest of ``ours`` and of
    ``theirs``. Names alone do not tell: some databases make them up."""
    left, right, pairs = list(ours), list(theirs), []
    alike: tuple[Callable[[N, N], bool], ...] = (
        lambda a, b: a.name == b.name and content(a) == content_here(b),
        lambda a, b: content(a) == content_here(b),
        lambda a, b: a.name == b.name,
    )
    for same in alike:
        for one in list(left):
            other = next((b for b in right if same(one, b)), None)
            if other is not None:
                pairs.append((one, other))
                left.remove(one)
                right.remove(other)
    return pairs, left, right


@dataclass(frozen=True)
class TableComparison:
    """``ours``: of the reference, in the target's dialect; ``here``: as it was found."""

    frame: Frame
    ours: Table
    here: Table

    def differences(self) -> list[Difference]:
        out = [*self._columns(), *self._holder(self.ours, self.here)]
        if self.frame.same:
            out += [*self._exclusions(), *self._partitions()]
        if self.ours.comment != self.here.comment:
            sql = f"COMMENT ON TABLE {self._place} IS {self._literal(self.ours.comment)}"
            out.append(self.frame.comment(self.ours.name, "the table", sql))
        return out

    @property
    def _place(self) -> str:
        return self.frame.place(self.here.name)

    def _quote(self, name: str) -> str:
        return self.frame.target.grammar.quote(name)

    def _literal(self, text: str | None) -> str:
        return "NULL" if text is None else self.frame.target.grammar.literal(text)

    # --- columns ----------------------------------------------------------------------------------------------------

    def _columns(self) -> Iterator[Difference]:
        theirs = self.here.by_name
        for column in self.ours.columns:
            if column.name in theirs:
                yield from self._column(column, theirs[column.name])
            else:
                yield self.frame.missing(
                    self.ours.name, "column", column.name, columns=(column.name,), remedy=self.frame.again
                )
        for column in self.here.columns:
            if column.name not in self.ours.by_name:
                sql = f"ALTER TABLE {self._place} DROP COLUMN {self._quote(column.name)}"
                yield self.frame.added(self.ours.name, "column", column.name, sql, columns=(column.name,))

    def _column(self, ours: Column, here: Column) -> Iterator[Difference]:
        frame, name = self.frame, self.ours.name
        alter = f"ALTER TABLE {self._place} ALTER COLUMN {self._quote(ours.name)}"

        def changed(what: str, one: str, other: str, sql: str, remedy: str = "") -> Difference:
            told = f"of column {ours.name}"
            return frame.changed(name, what, told, one, other, sql, columns=(ours.name,), remedy=remedy)

        if not self._same_type(ours, here):
            yield changed("type", ours.declared, here.declared, f"{alter} TYPE {frame.written(ours.declared)}")
        listed = isinstance(here.type, sqltypes.ARRAY) and not frame.same  # not every database has lists that are null
        if ours.nullable != here.nullable and not listed:
            words = {True: "allowed", False: "forbidden"}
            sql = f"{alter} {'DROP' if ours.nullable else 'SET'} NOT NULL"
            yield changed("null", words[ours.nullable], words[here.nullable], sql)
        yield from self._value(ours, here, alter, changed)
        if frame.same and frame.text(ours.collation) != frame.text_here(here.collation):
            told = ours.collation or "the default", here.collation or "the default"
            yield changed("collation", *told, f"{alter} TYPE {frame.written(ours.declared)} COLLATE {told[0]}")
        if ours.comment != here.comment:
            sql = f"COMMENT ON COLUMN {self._place}.{self._quote(ours.name)} IS {self._literal(ours.comment)}"
            yield frame.comment(name, f"column {ours.name}", sql, (ours.name,))

    def _same_type(self, ours: Column, here: Column) -> bool:
        if _closed(self.frame.text(ours.declared)) == _closed(self.frame.text_here(here.declared)):
            return True
        return not self.frame.same and repr(ours.type) == repr(here.type)

    def _value(
        self, ours: Column, here: Column, alter: str, changed: Callable[..., Difference]
    ) -> Iterator[Difference]:
        """Default, identity, generation expression."""
        frame = self.frame
        if _counts(ours) != _counts(here):
            words = {True: "counts up by itself", False: "does not"}
            sql = f"{alter} ADD GENERATED {'ALWAYS' if ours.identity and ours.identity.always else 'BY DEFAULT'}"
            if ours.identity is None:
                sql = f"{alter} SET DEFAULT {frame.written(ours.default)}" if ours.default else f"{alter} DROP IDENTITY"
            else:
                sql += " AS IDENTITY"
            yield changed("identity", words[_counts(ours)], words[_counts(here)], sql)
        elif frame.same and ours.identity and here.identity and ours.identity.always != here.identity.always:
            words = {True: "always", False: "by default"}
            sql = f"{alter} SET GENERATED {words[ours.identity.always].upper()}"
            yield changed("identity", words[ours.identity.always], words[here.identity.always], sql)
        if frame.text(ours.generated) != frame.text_here(here.generated) and frame.same:
            told = [f"generated as {g}" if g else "not generated" for g in (ours.generated, here.generated)]
            yield changed("expression", told[0], told[1], "", frame.again)
        if _counts(ours) or _counts(here):
            return
        if frame.same:
            equal = frame.text(ours.default) == frame.text_here(here.default)
        else:  # every database prints an expression in its own way
            equal = (ours.default is None) == (here.default is None)
        if not equal:
            default = frame.written(ours.default) if ours.default else None
            sql = f"{alter} SET DEFAULT {default}" if default else f"{alter} DROP DEFAULT"
            yield changed("default", ours.default or "none", here.default or "none", sql)

    # --- keys, foreign keys, CHECKs, indexes ------------------------------------------------------------------------

    def _holder(self, ours: Table | Partition, here: Table | Partition) -> Iterator[Difference]:
        """Of the table, or of one of its partitions."""
        place = self.frame.place(here.name)
        if self.frame.declares("primary key"):
            one = (ours.primary_key,) if ours.primary_key and not ours.primary_key.virtual else ()
            yield from self._keys("primary key", one, (here.primary_key,) if here.primary_key else (), place)
        if self.frame.declares("unique"):
            declared = tuple(u for u in ours.uniques if not u.virtual)
            yield from self._keys("unique constraint", declared, here.uniques, place)
        if self.frame.declares("foreign key"):
            yield from self._foreign_keys(ours, here, place)
        if self.frame.declares("check"):
            yield from self._checks(ours.checks, here.checks, place)
        if self.frame.same:
            yield from self._indexes(ours.indexes, here.indexes, here.name)

    def _rest(
        self, what: str, left: Iterable[Key | ForeignKey | Check | Exclusion], right: Iterable[_Named], place: str
    ) -> Iterator[Difference]:
        """Constraints without a counterpart."""
        for one in left:
            sql = f"ALTER TABLE {place} ADD CONSTRAINT {self._quote(one.name)} {self._definition(one)}"
            told = f"{one.name} ({', '.join(one.columns)})"
            yield self.frame.missing(self.ours.name, what, told, sql, columns=one.columns, constraint=one.name)
        for other in right:
            sql = f"ALTER TABLE {place} DROP CONSTRAINT {self._quote(other.name)}"
            yield self.frame.added(self.ours.name, what, other.name, sql, constraint=other.name)

    def _definition(self, constraint: Key | ForeignKey | Check | Exclusion) -> str:
        if constraint.definition:
            return self.frame.written(constraint.definition)
        columns = ", ".join(map(self._quote, constraint.columns))
        match constraint:
            case Check():
                return f"CHECK ({self.frame.written(constraint.expression)})"
            case ForeignKey():
                ref = ", ".join(map(self._quote, constraint.ref_columns))
                place = self.frame.place(self.frame.here(constraint.ref_table))
                return f"FOREIGN KEY ({columns}) REFERENCES {place} ({ref})"
        primary = self.ours.primary_key
        kind = "PRIMARY KEY" if primary is not None and primary.name == constraint.name else "UNIQUE"
        return f"{kind} ({columns})"

    def _replaced(self, what: str, one: Key | ForeignKey | Check, other: _Named, told: str, place: str) -> Difference:
        quote = self._quote
        sql = f"ALTER TABLE {place} DROP CONSTRAINT {quote(other.name)}, "
        sql += f"ADD CONSTRAINT {quote(one.name)} {self._definition(one)}"
        said = f"{what} {one.name} ({', '.join(one.columns)}) {told}"
        subject = Subject(self.ours.name, one.columns, "", one.name)
        return Difference("changed", what, subject, said, sql)

    def _keys(self, what: str, ours: Iterable[Key], here: Iterable[Key], place: str) -> Iterator[Difference]:
        pairs, left, right = counterparts(
            ours, here, lambda k: tuple(sorted(k.columns)), lambda k: tuple(sorted(k.columns))
        )
        for one, other in pairs:
            if sorted(one.columns) != sorted(other.columns):
                told = f"is over ({', '.join(other.columns)}) in {self.frame.labels.theirs}"
                yield self._replaced(what, one, other, told, place)
            elif self.frame.same and self.frame.text(one.definition) != self.frame.text_here(other.definition):
                told = f"is {other.definition} in {self.frame.labels.theirs}"
                yield self._replaced(what, one, other, told, place)
        yield from self._rest(what, left, right, place)

    def _foreign_keys(self, ours: Table | Partition, here: Table | Partition, place: str) -> Iterator[Difference]:
        frame, own = self.frame, isinstance(ours, Partition)

        def content(fk: ForeignKey, ref: TableName) -> Hashable:
            return tuple(sorted(zip(fk.columns, fk.ref_columns, strict=True))), ref

        declared = [k for k in ours.foreign_keys if k.enforced and not k.virtual and (own or not k.on_partitions)]
        declared = [k for k in declared if k.ref_table in frame.parents]  # others are created nowhere
        there = [k for k in here.foreign_keys if own or not k.on_partitions]
        pairs, left, right = counterparts(
            declared, there, lambda k: content(k, k.ref_table), lambda k: content(k, frame.ours(k.ref_table))
        )
        for one, other in pairs:
            told = []
            if content(one, one.ref_table) != content(other, frame.ours(other.ref_table)):
                told.append(f"leads from ({', '.join(other.columns)}) to {other.ref_table.name}")
            elif frame.same:
                told += [
                    f"{word} {theirs} and not {mine}"
                    for word, mine, theirs in (
                        ("ON DELETE", one.on_delete, other.on_delete),
                        ("ON UPDATE", one.on_update, other.on_update),
                        ("MATCH", one.match, other.match),
                        ("is", _deferred(one), _deferred(other)),
                    )
                    if mine != theirs
                ]
                if one.validated and not other.validated:
                    told.append("is not validated")
            if told:
                said = f"{', '.join(told)} in {frame.labels.theirs}"
                yield self._replaced("foreign key", one, other, said, place)
        yield from self._rest("foreign key", left, right, place)

    def _checks(self, ours: Iterable[Check], here: Iterable[Check], place: str) -> Iterator[Difference]:
        """Those of domains are told with the domain. Of another dialect, which prints conditions in its own way, one is
        known by its name, or by its columns."""
        frame = self.frame

        def content(check: Check) -> Hashable:
            return frame.text(check.expression) if frame.same else frozenset(check.columns)

        def content_here(check: Check) -> Hashable:
            return frame.text_here(check.expression) if frame.same else frozenset(check.columns)

        declared = [c for c in ours if c.domain is None]
        pairs, left, right = counterparts(declared, [c for c in here if c.domain is None], content, content_here)
        for one, other in pairs:
            if frame.same and content(one) != content_here(other):
                told = f"is {other.expression} in {frame.labels.theirs}, {one.expression} in {frame.labels.ours}"
                yield self._replaced("CHECK", one, other, told, place)
            elif one.validated and not other.validated:
                told = f"is not validated in {frame.labels.theirs}"
                yield self._replaced("CHECK", one, other, told, place)
        yield from self._rest("CHECK", left, right, place)

    def _indexes(self, ours: Iterable[Index], here: Iterable[Index], table: TableName) -> Iterator[Difference]:
        frame, name = self.frame, self.ours.name

        def content(index: Index) -> Hashable:
            return _index(frame.text(index.definition), index)

        def content_here(index: Index) -> Hashable:
            return _index(frame.text_here(index.definition), index)

        pairs, left, right = counterparts(ours, here, content, content_here)
        for one, other in pairs:
            if content(one) != content_here(other):
                drop = f"DROP INDEX {frame.place(TableName(table.schema, other.name))}"
                yield frame.changed(
                    name, "index", one.name, f"{one.definition}", f"{other.definition}",
                    f"{drop}; {frame.written(one.definition)}", constraint=one.name,
                )  # fmt: skip
        for one in left:
            what = "unique index" if one.unique else "index"
            columns = tuple(c for c in one.columns if c is not None)
            told = f"{one.name} ({', '.join(one.parts or columns)})"
            sql = frame.written(one.definition)
            yield frame.missing(name, what, told, sql, columns=columns, constraint=one.name)
        for other in right:
            sql = f"DROP INDEX {frame.place(TableName(table.schema, other.name))}"
            yield frame.added(name, "unique index" if other.unique else "index", other.name, sql, constraint=other.name)

    # --- of one dialect only ----------------------------------------------------------------------------------------

    def _exclusions(self) -> Iterator[Difference]:
        frame = self.frame
        pairs, left, right = counterparts(
            self.ours.exclusions,
            self.here.exclusions,
            lambda e: frame.text(e.definition),
            lambda e: frame.text_here(e.definition),
        )
        for one, other in pairs:
            if frame.text(one.definition) != frame.text_here(other.definition):
                drop = f"ALTER TABLE {self._place} DROP CONSTRAINT {self._quote(other.name)}, "
                sql = f"{drop}ADD CONSTRAINT {self._quote(one.name)} {self._definition(one)}"
                yield frame.changed(
                    self.ours.name, "exclusion constraint", one.name, one.definition, other.definition, sql,
                    columns=one.columns, constraint=one.name,
                )  # fmt: skip
        yield from self._rest("exclusion constraint", left, right, self._place)

    def _partitions(self) -> Iterator[Difference]:
        frame, name = self.frame, self.ours.name
        if frame.text(self.ours.partition_key) != frame.text_here(self.here.partition_key):
            told = [k or "none" for k in (self.ours.partition_key, self.here.partition_key)]
            yield frame.changed(name, "partition key", "of the table", told[0], told[1], remedy=frame.again)
        theirs = {frame.ours(p.name): p for p in self.here.partitions}
        for part in self.ours.partitions:
            other = theirs.pop(part.name, None)
            place = frame.place(frame.here(part.name))
            if other is None:
                sql = f"CREATE TABLE {place} PARTITION OF {frame.place(frame.here(part.parent))} "
                yield frame.missing(name, "partition", part.name.name, sql + frame.written(part.bound))
                continue
            if frame.text(part.bound) != frame.text_here(other.bound) or frame.text(part.key) != frame.text_here(
                other.key
            ):
                yield frame.changed(name, "partition", part.name.name, part.bound, other.bound, remedy=frame.again)
            yield from self._holder(part, other)
        for other in theirs.values():
            yield frame.added(name, "partition", other.name.name, f"DROP TABLE {frame.place(other.name)}")


def _closed(text: str) -> str:
    """``numeric(10, 2)`` and ``NUMERIC(10,2)`` are one type."""
    return text if '"' in text else text.replace(" ", "").lower()


def _counts(column: Column) -> bool:
    return column.identity is not None or "nextval(" in (column.default or "").lower()


def _deferred(fk: ForeignKey) -> str:
    return DEFERRED[fk.deferrable, fk.deferrable and fk.initially_deferred]


def _index(definition: str, index: Index) -> Hashable:
    """What an index is over and how, without its name and table."""
    _, using, rest = definition.partition(" USING ")
    if using:
        return index.unique, index.nulls_not_distinct, rest
    return index.unique, index.nulls_not_distinct, index.parts or index.columns, canonical(index.predicate, {})
