"""A workload for a schema that brings none: what people and tools ask of such tables, a few forms for each.

Queries are written in PostgreSQL's SQL and translated to the source's. Their literals are those of ``literals``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, zip_longest

import sqlglot
from sqlglot.errors import SqlglotError

from dbsynth.grammar import Grammar
from dbsynth.quality.replay.literals import ColumnValues, TableValues
from dbsynth.quality.replay.safety import Query
from dbsynth.rng import generator
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName

CANONICAL = "postgres"
MOST_QUERIES = 200
FEW_GROUPS = 50
"""Categories of a column by which tables are joined and grouped."""
TOP = 10


def generate(schema: Schema, values: Mapping[TableName, TableValues], grammar: Grammar, seed: int) -> list[Query]:
    """At most MOST_QUERIES, every form in turn, so that small schemas have them all and large ones some of each."""
    asked = _Schema(schema, values)
    by_form = []
    for form in FORMS:
        found = [Query(f"{name}", form.__name__.replace("_", " "), sql) for name, sql in form(asked)]
        order = generator(seed, "replay", form.__name__).permutation(len(found))
        by_form.append([found[i] for i in order])
    chosen = [q for turn in zip_longest(*by_form) for q in turn if q is not None][:MOST_QUERIES]
    if grammar.sqlglot == CANONICAL:
        return chosen
    translated = []
    for query in chosen:
        try:
            [sql] = sqlglot.transpile(query.sql, read=CANONICAL, write=grammar.sqlglot)
        except SqlglotError:
            continue  # a form that this database has no words for
        translated.append(Query(query.name, query.kind, sql))
    return translated


@dataclass(frozen=True)
class _Schema:
    schema: Schema
    values: Mapping[TableName, TableValues]

    def __iter__(self) -> Iterator[tuple[Table, TableValues]]:
        for table in self.schema.tables:
            if self.values[table.name].rows:
                yield table, self.values[table.name]

    def columns(self, table: TableName) -> Iterator[tuple[str, ColumnValues]]:
        """Those whose values say something: of no key."""
        yield from ((c, v) for c, v in self.values[table].columns.items() if not v.key)

    def relations(self) -> Iterator[tuple[Table, ForeignKey]]:
        """Of tables with rows, between tables of the schema."""
        for table, _ in self:
            for key in table.foreign_keys:
                if key.ref_table in self.values:
                    yield table, key

    def category(self, table: TableName) -> str | None:
        """The column with the fewest groups, two at least."""
        found = [(len(v.categories), c) for c, v in self.columns(table) if 2 <= len(v.categories) <= FEW_GROUPS]
        return min(found)[1] if found else None

    def number(self, table: TableName) -> str | None:
        return next((c for c, v in self.columns(table) if v.quantiles and not v.moment and not v.categories), None)

    def moment(self, table: TableName) -> str | None:
        return next((c for c, v in self.columns(table) if v.moment and v.quantiles), None)


Form = Callable[[_Schema], Iterator[tuple[str, str]]]


def join(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, key in asked.relations():
        joined = f"{_place(table.name)} c JOIN {_place(key.ref_table)} p ON {_on('c', key, 'p')}"
        yield _told(table, key), f"SELECT count(*) AS n FROM {joined}"
        group = asked.category(key.ref_table)
        if group:
            yield f"{_told(table, key)} by {group}", _grouped(f"p.{_q(group)}", joined)
        group = asked.category(table.name)
        if group:
            distinct = f"count(DISTINCT p.{_q(key.ref_columns[0])}) AS parents"
            by = f"c.{_q(group)}"
            yield (
                f"{_told(table, key)}, parents by {group}",
                f"SELECT {by}, count(*) AS n, {distinct} FROM {joined} GROUP BY {by}",
            )


def two_joins(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, key in asked.relations():
        parent = asked.schema[key.ref_table]
        for above in parent.foreign_keys:
            if above.ref_table in asked.values:
                joined = (
                    f"{_place(table.name)} c JOIN {_place(parent.name)} p ON {_on('c', key, 'p')}"
                    f" JOIN {_place(above.ref_table)} g ON {_on('p', above, 'g')}"
                )
                name = f"{_told(table, key)} > {above.ref_table}({', '.join(above.columns)})"
                by = ", ".join(f"g.{_q(c)}" for c in above.ref_columns)
                yield name, f"SELECT {by}, count(*) AS n FROM {joined} GROUP BY {by}"


def siblings(asked: _Schema) -> Iterator[tuple[str, str]]:
    """Two foreign keys of one table: both parents of its rows."""
    for table, _ in asked:
        keys = [k for k in table.foreign_keys if k.ref_table in asked.values]
        for one, other in pairwise(keys):
            joined = (
                f"{_place(table.name)} c JOIN {_place(one.ref_table)} a ON {_on('c', one, 'a')}"
                f" JOIN {_place(other.ref_table)} b ON {_on('c', other, 'b')}"
            )
            group, group_b = asked.category(one.ref_table), asked.category(other.ref_table)
            by = ", ".join([*([f"a.{_q(group)}"] if group else ()), *([f"b.{_q(group_b)}"] if group_b else ())])
            name = f"{_told(table, one)} and {', '.join(other.columns)}"
            yield name, _grouped(by, joined) if by else f"SELECT count(*) AS n FROM {joined}"


def left_join(asked: _Schema) -> Iterator[tuple[str, str]]:
    """How many parents have 0, 1, 2, … children."""
    for table, key in asked.relations():
        by = ", ".join(f"p.{_q(c)}" for c in key.ref_columns)
        counted = (
            f"SELECT {by}, count(c.{_q(key.columns[0])}) AS children FROM {_place(key.ref_table)} p"
            f" LEFT JOIN {_place(table.name)} c ON {_on('c', key, 'p')} GROUP BY {by}"
        )
        sql = f"SELECT children, count(*) AS parents FROM ({counted}) x GROUP BY children ORDER BY children"
        yield f"children of each: {_told(table, key)}", sql


def not_exists(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, key in asked.relations():
        sql = (
            f"SELECT {', '.join(f'p.{_q(c)}' for c in key.ref_columns)} FROM {_place(key.ref_table)} p"
            f" WHERE NOT EXISTS (SELECT 1 FROM {_place(table.name)} c WHERE {_on('c', key, 'p')})"
        )
        yield f"without children: {_told(table, key)}", sql


def having(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, key in asked.relations():
        most = asked.values[table.name].children.get(key.name, 0)
        if most > 1:
            by = ", ".join(map(_q, key.columns))
            sql = f"SELECT {by}, count(*) AS n FROM {_place(table.name)} GROUP BY {by} HAVING count(*) >= {most}"
            yield f"many children: {_told(table, key)}", sql


def group_by(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        number = asked.number(table.name)
        for column, known in asked.columns(table.name):
            if known.categories:
                mean = f", avg({_q(number)}) AS mean" if number and number != column else ""
                yield (
                    f"{table.name} by {column}",
                    f"SELECT {_q(column)}, count(*) AS n{mean} FROM {_place(table.name)} GROUP BY {_q(column)}",
                )


def two_groups(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        few = [c for c, v in asked.columns(table.name) if 2 <= len(v.categories) <= FEW_GROUPS]
        for one, other in pairwise(few):
            yield f"{table.name} by {one}, {other}", _grouped(f"{_q(one)}, {_q(other)}", _place(table.name))


def time_histogram(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        for column, known in asked.columns(table.name):
            if known.moment:
                for unit in ("year", "month"):
                    by = f"date_trunc('{unit}', {_q(column)})"
                    sql = f"SELECT {by} AS at, count(*) AS n FROM {_place(table.name)} GROUP BY {by} ORDER BY {by}"
                    yield f"{table.name} a {unit} of {column}", sql


def category_filter(asked: _Schema) -> Iterator[tuple[str, str]]:
    """The most frequent value and one in the middle."""
    for table, _ in asked:
        for column, known in asked.columns(table.name):
            for nth in sorted({0, len(known.categories) // 2}) if known.categories else ():
                where = f"{_q(column)} = {known.categories[nth]}"
                yield f"{table.name} where {column} is its value {nth + 1}", _counted(table, where)


def quantile_filter(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        for column, known in asked.columns(table.name):
            if known.quantiles:
                at = {q: f"{_q(column)} {{}} {v}" for q, v in known.quantiles.items()}
                yield f"{table.name} where {column} is low", _counted(table, at[0.1].format("<="))
                yield f"{table.name} where {column} is high", _counted(table, at[0.9].format(">"))
                between = f"{at[0.25].format('>')} AND {at[0.75].format('<=')}"
                yield f"{table.name} where {column} is between quartiles", _counted(table, between)


def two_filters(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        measured = [(c, v) for c, v in asked.columns(table.name) if v.quantiles]
        for column, known in asked.columns(table.name):
            for other, bounds in measured[:2]:
                if known.categories and other != column:
                    where = f"{_q(column)} = {known.categories[0]} AND {_q(other)} > {bounds.quantiles[0.5]}"
                    yield (
                        f"{table.name} where {column} is its value 1 and {other} above its median",
                        _counted(table, where),
                    )
        for (one, a), (other, b) in pairwise(measured):
            where = f"{_q(one)} > {a.quantiles[0.5]} AND {_q(other)} <= {b.quantiles[0.5]}"
            yield f"{table.name} where {one} above and {other} below its median", _counted(table, where)


def join_filter(asked: _Schema) -> Iterator[tuple[str, str]]:
    """Children of the parents that have a property."""
    for table, key in asked.relations():
        for column, known in asked.columns(key.ref_table):
            where, says = "", ""
            if known.categories:
                where, says = f"p.{_q(column)} = {known.categories[0]}", "is its value 1"
            elif known.quantiles:
                where, says = f"p.{_q(column)} > {known.quantiles[0.75]}", "is in its upper quarter"
            if where:
                joined = f"{_place(table.name)} c JOIN {_place(key.ref_table)} p ON {_on('c', key, 'p')}"
                yield f"{_told(table, key)} where {column} {says}", f"SELECT count(*) AS n FROM {joined} WHERE {where}"


def top_n(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        for column, known in asked.columns(table.name):
            if known.quantiles:
                sql = (
                    f"SELECT {_q(column)} FROM {_place(table.name)} WHERE {_q(column)} IS NOT NULL"
                    f" ORDER BY {_q(column)} DESC LIMIT {TOP}"
                )
                yield f"{table.name}, largest {column}", sql
    for table, key in asked.relations():
        by = ", ".join(map(_q, key.columns))
        sql = f"SELECT {by}, count(*) AS n FROM {_place(table.name)} GROUP BY {by} ORDER BY n DESC, {by} LIMIT {TOP}"
        yield f"most children: {_told(table, key)}", sql


def window(asked: _Schema) -> Iterator[tuple[str, str]]:
    """The second row of each parent, by time or size; and the largest share of each group."""
    for table, key in asked.relations():
        order = asked.moment(table.name) or asked.number(table.name)
        by = ", ".join(map(_q, key.columns))
        if order:
            numbered = (
                f"SELECT {by}, row_number() OVER (PARTITION BY {by} ORDER BY {_q(order)}) AS place"
                f" FROM {_place(table.name)} WHERE {_q(key.columns[0])} IS NOT NULL"
            )
            yield f"second by {order}: {_told(table, key)}", f"SELECT * FROM ({numbered}) x WHERE place = 2"
    for table, _ in asked:
        group, number = asked.category(table.name), asked.number(table.name)
        if group and number:
            ranked = f"SELECT {_q(group)}, rank() OVER (PARTITION BY {_q(group)} ORDER BY {_q(number)} DESC) AS place"
            sql = f"SELECT * FROM ({ranked} FROM {_place(table.name)}) x WHERE place <= 3"
            yield f"{table.name}, first three by {number} of each {group}", sql


def distinct(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, key in asked.relations():
        by = ", ".join(map(_q, key.columns))
        yield f"different parents: {_told(table, key)}", f"SELECT DISTINCT {by} FROM {_place(table.name)}"
    for table, _ in asked:
        for column, known in asked.columns(table.name):
            if known.categories or known.quantiles:
                name = f"different values of {table.name}.{column}"
                yield name, f"SELECT count(DISTINCT {_q(column)}) AS n FROM {_place(table.name)}"


def nulls(asked: _Schema) -> Iterator[tuple[str, str]]:
    for table, _ in asked:
        for column in table.stored_columns:
            if column.nullable:
                yield f"{table.name} where {column.name} is null", _counted(table, f"{_q(column.name)} IS NULL")


FORMS: tuple[Form, ...] = (
    join, two_joins, siblings, left_join, not_exists, having, group_by, two_groups, time_histogram, category_filter,
    quantile_filter, two_filters, join_filter, top_n, window, distinct, nulls,
)  # fmt: skip


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _place(name: TableName) -> str:
    return f"{_q(name.schema)}.{_q(name.name)}"


def _on(child: str, key: ForeignKey, parent: str) -> str:
    pairs = zip(key.columns, key.ref_columns, strict=True)
    return " AND ".join(f"{child}.{_q(c)} = {parent}.{_q(p)}" for c, p in pairs)


def _told(table: Table, key: ForeignKey) -> str:
    return f"{table.name}({', '.join(key.columns)}) > {key.ref_table}"


def _grouped(by: str, tables: str) -> str:
    return f"SELECT {by}, count(*) AS n FROM {tables} GROUP BY {by}"


def _counted(table: Table, where: str) -> str:
    return f"SELECT count(*) AS n FROM {_place(table.name)} WHERE {where}"
