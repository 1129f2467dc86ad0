"""A schema of one database as one of another: names, types, keys, CHECKs, defaults; and what is lost, said table by
table before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import types as sqltypes

from dbsynth.errors import UnsupportedSource
from dbsynth.grammar import Declared, Grammar
from dbsynth.schema import graph
from dbsynth.schema.model import Check, Column, ForeignKey, Identity, Key, Schema, Table, TableName
from dbsynth.schema.predicate import Expression, parse_expression
from dbsynth.translate.expressions import Untranslatable, default_of, translate
from dbsynth.translate.names import folded


@dataclass(frozen=True)
class TranslatedTable:
    """``columns``: the name of each column in the target. ``computed``: generated columns of the source, which are
    ordinary ones in the target. ``notes``: what changes or is lost."""

    source: Table
    target: Table
    columns: Mapping[str, str]
    computed: Mapping[str, Expression] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation:
    """``schema`` is the target's; its tables lie in schemas that are called as in the source."""

    schema: Schema
    tables: Mapping[TableName, TranslatedTable]

    def __getitem__(self, name: TableName) -> TranslatedTable:
        return self.tables[name]


def translated(schema: Schema, source: Grammar, target: Grammar) -> Translation:
    """Raises UnsupportedSource, naming table and column, for what has no counterpart and cannot be left out."""
    tables = {t.name: _Table(schema, t, source, target).translated() for t in schema.tables}
    seen: dict[tuple[str, str], TableName] = {}
    for name, table in tables.items():
        folded_name = table.target.name
        other = seen.setdefault((name.schema, _same(folded_name.name, target)), name)
        if other != name:
            raise UnsupportedSource(
                f"{name} and {other} would have the same name in the target", hint=f"leave one out: --exclude {name}"
            )
    for child, key, why in _only_tested(schema, target):
        tables[child] = _undeclared(tables[child], key, why)
    return Translation(Schema(tuple(t.target for t in tables.values())), tables)


def _same(name: str, grammar: Grammar) -> str:
    """Names that are the same have the same text: databases that keep letters do not tell them apart."""
    return name.lower() if grammar.folds == "keep" else name


def _only_tested(schema: Schema, target: Grammar) -> Iterator[tuple[TableName, str, str]]:
    """Foreign keys that the target cannot declare: table, name, why."""
    cut = (
        {} if target.cyclic_keys else graph.order(schema, {t.name: 1 for t in schema}, constraints_after_load=True).cut
    )
    for table, key in cut:
        yield table, key, "closes a cycle"
    if not target.keys_across_schemas:
        for t in schema:
            for fk in t.foreign_keys:
                if fk.ref_table.schema != t.name.schema and (t.name, fk.name) not in cut:
                    yield t.name, fk.name, "leads to another schema"


def _undeclared(table: TranslatedTable, key: str, why: str) -> TranslatedTable:
    position = [fk.name for fk in table.source.foreign_keys].index(key)
    keys = list(table.target.foreign_keys)
    keys[position] = replace(keys[position], enforced=False)
    said = f"foreign key {key} {why}, which the target cannot declare: only tested"
    return replace(table, target=replace(table.target, foreign_keys=tuple(keys)), notes=(*table.notes, said))


class _Table:
    def __init__(self, schema: Schema, table: Table, source: Grammar, target: Grammar) -> None:
        self.schema, self.table, self.source, self.to = schema, table, source, target
        self.notes: list[str] = []
        self.checks: list[Check] = []
        self.columns = {c.name: folded(c.name, source, target) for c in table.columns}
        self.computed: dict[str, Expression] = {}

    def translated(self) -> TranslatedTable:
        table = self.table
        self._check_names()
        columns = tuple(self._column(c) for c in table.columns)
        primary = self._key(table.primary_key, "PRIMARY KEY") if table.primary_key else None
        for check in table.checks:
            self._check(check)
        self._say_what_goes()
        made = Table(
            name=self._named(table.name),
            columns=columns,
            primary_key=primary,
            uniques=tuple(self._uniques()),
            foreign_keys=tuple(self._foreign_key(fk) for fk in table.foreign_keys),
            checks=tuple(self.checks),
            comment=table.comment,
            estimated_rows=table.estimated_rows,
        )
        return TranslatedTable(table, made, self.columns, self.computed, tuple(dict.fromkeys(self.notes)))

    def _named(self, name: TableName) -> TableName:
        return TableName(name.schema, folded(name.name, self.source, self.to))

    def _check_names(self) -> None:
        names = [("table", self._named(self.table.name).name), *(("column", n) for n in self.columns.values())]
        for kind, name in names:
            if why := self.to.allows_name(name, kind):
                raise UnsupportedSource(
                    f"{self.table.name}: the {kind} name {name!r} cannot be used in the target: {why}",
                    hint=f"leave the table out: --exclude {self.table.name.name}",
                )
        texts = [_same(n, self.to) for n in self.columns.values()]
        if twice := sorted({t for t in texts if texts.count(t) > 1}):
            raise UnsupportedSource(
                f"{self.table.name}: two columns would both be called {twice[0]} in the target",
                hint=f"leave the table out: --exclude {self.table.name.name}",
            )

    # --- columns ----------------------------------------------------------------------------------------------------

    def _column(self, column: Column) -> Column:
        name = self.columns[column.name]
        declared = self._declared(column)
        if declared.note:
            self.notes.append(f"{column.name}: {declared.note}")
        if declared.check:
            condition = declared.check.format(self.to.quote(name))
            self._add_check(f"{self.table.name.name}_{column.name}_check", condition, (name,))
        counts = column.identity is not None or column.serial is not None or "nextval(" in (column.default or "")
        counts = counts and isinstance(column.type, sqltypes.Integer | sqltypes.Numeric) and self.to.identities
        if column.generated is not None:
            self._compute(column)
        return Column(
            name=name,
            type=declared.type,
            declared=declared.sql,
            nullable=column.nullable,
            default=None if counts or column.generated is not None else self._default(column),
            identity=Identity(always=False) if counts else None,
            comment=column.comment,
        )

    def _declared(self, column: Column) -> Declared:
        """Where keys must have one type, that of the key at the end of the references (of the numbers among them)."""
        if self.to.keys_of_one_type:
            return self.to.declare(_referred(self.schema, self.table, column).type)
        return self.to.declare(column.type)

    def _compute(self, column: Column) -> None:
        assert column.generated is not None
        expression = parse_expression(column.generated, self.table, self.source.sqlglot)
        if expression.node is None:
            raise UnsupportedSource(
                f"{self.table.name}: the generated column {column.name} cannot be computed outside its database "
                f"({expression.reason})",
                hint=f"leave the table out: --exclude {self.table.name.name}",
            )
        self.computed[column.name] = expression
        self.notes.append(f"{column.name}: generated in the source, an ordinary column with the same values here")

    def _default(self, column: Column) -> str | None:
        text = column.default
        if text is None or "nextval(" in text:
            return None
        try:
            return default_of(text, column, self.source, self.to)
        except Untranslatable as reason:
            self.notes.append(f"{column.name}: the default is left out: {reason}")
            return None

    # --- constraints ------------------------------------------------------------------------------------------------

    def _name(self, name: str) -> str:
        """Of a constraint: only letters that every database takes."""
        plain = "".join(c if c.isalnum() or c == "_" else "_" for c in name).strip("_") or "constraint"
        plain = folded(plain, self.source, self.to)
        while len(plain.encode()) > self.to.longest_name:
            plain = plain[:-1]
        return plain

    def _quoted(self, columns: tuple[str, ...]) -> str:
        return ", ".join(self.to.quote(self.columns[c]) for c in columns)

    def _key(self, key: Key, kind: str) -> Key:
        columns = tuple(self.columns[c] for c in key.columns)
        return Key(self._name(key.name), columns, f"{kind} ({self._quoted(key.columns)})", virtual=key.virtual)

    def _uniques(self) -> list[Key]:
        found = [self._key(u, "UNIQUE") for u in self.table.uniques]
        for index in self.table.indexes:
            columns = tuple(c for c in index.columns if c is not None)
            plain = len(columns) == len(index.columns) and index.predicate is None
            if index.unique and plain and not any(k.columns == columns for k in self.table.uniques):
                found.append(self._key(Key(index.name, columns, ""), "UNIQUE"))
            elif index.unique and not plain:
                self.notes.append(f"unique index {index.name} is left out (its rows keep it)")
        return found

    def _foreign_key(self, fk: ForeignKey) -> ForeignKey:
        parent = self.schema.by_name.get(fk.ref_table)
        fk = _in_key_order(fk, parent)
        ref = self._named(fk.ref_table)
        ref_columns = tuple(folded(c, self.source, self.to) for c in fk.ref_columns)
        quoted = ", ".join(map(self.to.quote, ref_columns))
        place = f"{self.to.quote(ref.schema)}.{self.to.quote(ref.name)}"
        definition = f"FOREIGN KEY ({self._quoted(fk.columns)}) REFERENCES {place} ({quoted})"
        definition += f" MATCH {fk.match}" if fk.match != "SIMPLE" else ""
        definition += f" ON UPDATE {fk.on_update}" if fk.on_update != "NO ACTION" else ""
        definition += f" ON DELETE {fk.on_delete}" if fk.on_delete != "NO ACTION" else ""
        reason = "" if fk.virtual else self._why_not(fk, parent)
        if reason:
            self.notes.append(f"foreign key {fk.name} is not declared, only tested: {reason}")
        return ForeignKey(
            name=self._name(fk.name),
            columns=tuple(self.columns[c] for c in fk.columns),
            ref_table=ref,
            ref_columns=ref_columns,
            definition=definition,
            on_delete=fk.on_delete,
            on_update=fk.on_update,
            enforced=fk.enforced and not reason,
            virtual=fk.virtual,
        )

    def _why_not(self, fk: ForeignKey, parent: Table | None) -> str:
        if parent is None:
            return ""
        keys = [parent.primary_key.columns] if parent.primary_key else []
        if not self.to.keys_to_primary_only:
            keys += parent.unique_keys
        if fk.ref_columns not in keys:
            return "it refers to columns that are no key there"
        if self.to.keys_of_one_type:
            for a, b in zip(fk.columns, fk.ref_columns, strict=True):
                own = self.to.declare(_referred(self.schema, self.table, self.table.column(a)).type).sql
                other = self.to.declare(_referred(self.schema, parent, parent.column(b)).type).sql
                if own != other:
                    return f"{a} is {own}, {b} is {other}"
        return ""

    def _check(self, check: Check) -> None:
        if not check.enforced:
            return
        columns = tuple(self.columns[c] for c in check.columns if c in self.columns)
        if any(c in self.computed for c in check.columns):
            self.notes.append(f"CHECK {check.name} is left out: it is over a generated column")
            return
        try:
            text = translate(check.expression, self.table, self.source, self.to, self.columns)
        except Untranslatable as reason:
            self.notes.append(f"CHECK {check.name} is left out: {reason}")
            return
        self._add_check(check.name, text, columns)

    def _add_check(self, name: str, text: str, columns: tuple[str, ...]) -> None:
        plain, taken = self._name(name), {c.name for c in self.checks}
        unique, n = plain, 1
        while unique in taken:
            n += 1
            unique = f"{plain[: self.to.longest_name - 4]}_{n}"
        self.checks.append(Check(unique, text, columns, f"CHECK ({text})"))

    def _say_what_goes(self) -> None:
        table = self.table
        if table.partitions:
            self.notes.append("its partitions become one table")
        for e in table.exclusions:
            self.notes.append(f"exclusion constraint {e.name} is left out")
        for fk in table.foreign_keys:
            if fk.deferrable:
                self.notes.append(f"foreign key {fk.name} is not deferrable in the target")


def _in_key_order(fk: ForeignKey, parent: Table | None) -> ForeignKey:
    """``fk`` with its columns in the order of the key they refer to: some databases ask for it."""
    for key in parent.unique_keys if parent else ():
        if sorted(key) == sorted(fk.ref_columns):
            own = dict(zip(fk.ref_columns, fk.columns, strict=True))
            return replace(fk, columns=tuple(own[c] for c in key), ref_columns=key)
    return fk


def _referred(schema: Schema, table: Table, column: Column) -> Column:
    """The column at the end of the foreign keys that start at ``column``, as long as they lead through integers."""
    seen = {(table.name, column.name)}
    while isinstance(column.type, sqltypes.Integer):
        keys = [fk for fk in table.foreign_keys if column.name in fk.columns and fk.ref_table in schema.by_name]
        if not keys:
            break
        parent = schema[keys[0].ref_table]
        above = parent.column(keys[0].ref_columns[keys[0].columns.index(column.name)])
        if not isinstance(above.type, sqltypes.Integer) or (parent.name, above.name) in seen:
            break
        table, column = parent, above
        seen.add((table.name, column.name))
    return column
