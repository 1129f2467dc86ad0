"""The same query on both sides: each table that it names gets its full name there, in the SQL of that database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from dbsynth.grammar import Grammar
from dbsynth.schema.model import TableName
from dbsynth.translate.names import folded

CATALOGS = frozenset({"information_schema", "pg_catalog", "account_usage"})
CATALOG_TABLES = ("pg_", "sqlite_", "duckdb_", "pragma_")
"""What their names begin with where no schema is named."""


@dataclass(frozen=True)
class Placed:
    """``sql``: what is run, None where it cannot be: ``why``. ``tables``: by the alias under which they are read."""

    sql: str | None
    tables: Mapping[str, TableName] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Names:
    """``places``: by table of the source its full name in SQL here. ``path``: schemas of the source, in the order in
    which names without one are looked for. ``schemas``: schema of the source -> schema here, for types."""

    source: Grammar
    here: Grammar
    places: Mapping[TableName, str]
    path: Sequence[str]
    schemas: Mapping[str, str]
    complete: bool
    """A name that is no table of ``places`` is missing here; else it is the database's own affair (a view)."""
    also: Mapping[str, str] = field(default_factory=dict)
    """Other names, of queries that were written for the target: -> schema of the source."""

    def placed(self, sql: str) -> Placed:
        """``sql`` is of the source's dialect and was read before (``safety``)."""
        tree = parse_one(sql, dialect=self.source.sqlglot)
        found = [(node, self.resolve(node)) for node in tables_of(tree, self.source)]
        missing = sorted({str(node.sql(dialect=self.source.sqlglot)) for node, name in found if name is None})
        if missing and self.complete:
            return Placed(None, why=f"names {_bare(missing[0])}, which is no table of the target")
        known = [(node, name) for node, name in found if name is not None]
        aliases = {normalised(_alias(node), self.source): name for node, name in known}
        if self.source.sqlglot == self.here.sqlglot:
            return Placed(self._spliced(sql, tree, known), aliases)
        try:
            return Placed(self._translated(tree, known), aliases)
        except SqlglotError:
            return Placed(None, aliases, f"cannot be written in the SQL of {self.here.sqlglot}")

    def resolve(self, node: exp.Table) -> TableName | None:
        name = normalised(node.this, self.source)
        if node.args.get("db") is not None:
            full = TableName(self._schema(node.args["db"]), name)
            return full if full in self.places else None
        options = (TableName(schema, name) for schema in self.path)
        return next((o for o in options if o in self.places), None)

    def reads_catalog(self, sql: str) -> bool:
        """Whether it reads what databases tell of themselves."""
        tree = parse_one(sql, dialect=self.source.sqlglot)
        others = [node for node in tables_of(tree, self.source) if self.resolve(node) is None]
        functions = (node for node in tree.find_all(exp.Table) if isinstance(node.this, exp.Func))
        return any(map(_of_catalog, (*others, *functions)))

    def _schema(self, identifier: exp.Expr | str) -> str:
        name = normalised(identifier, self.source)
        return self.also.get(name, name)

    def _spliced(self, sql: str, tree: exp.Expr, known: Sequence[tuple[exp.Table, TableName]]) -> str:
        """Only the names are replaced: everything else stays as it was written."""
        spans = [(*_span(node.parts), self.places[name]) for node, name in known]
        for column in tree.find_all(exp.Column):
            if column.args.get("db") is not None:  # schema.table.column: the table's own name is enough
                start, end = _span(column.parts[:-2])
                spans.append((start, end + sql[end:].index(".") + 1, ""))
        for kind in tree.find_all(exp.DataType):
            schema = _schema_of_type(kind)
            if schema is not None and (here := self.schemas.get(self._schema(schema))) is not None:
                spans.append((*_span([schema]), self.here.quote(here)))
        for start, end, text in sorted(spans, reverse=True):
            sql = sql[:start] + text + sql[end:]
        return sql

    def _translated(self, tree: exp.Expr, known: Sequence[tuple[exp.Table, TableName]]) -> str:
        parts = {id(part) for node, _ in known for part in node.parts}
        for identifier in list(tree.find_all(exp.Identifier)):
            if id(identifier) not in parts:
                name = normalised(identifier, self.source)
                identifier.set("this", folded(name, self.source, self.here))
                identifier.set("quoted", True)
        for node, table in known:
            full = exp.to_table(self.places[table], dialect=self.here.sqlglot)
            for key in ("catalog", "db", "this"):
                node.set(key, full.args.get(key))
            if not node.alias:
                node.set(
                    "alias", exp.TableAlias(this=exp.to_identifier(folded(table.name, self.source, self.here), True))
                )
        return str(tree.sql(dialect=self.here.sqlglot))


def normalised(identifier: exp.Expr | str, grammar: Grammar) -> str:
    """The name that an identifier stands for in a database."""
    if isinstance(identifier, str):
        return identifier
    name = str(identifier.name)
    if identifier.args.get("quoted") or grammar.folds == "keep":
        return name
    return name.upper() if grammar.folds == "upper" else "".join(c.lower() if c.isascii() else c for c in name)


def tables_of(tree: exp.Expr, grammar: Grammar) -> Iterator[exp.Table]:
    """What a query reads: no names of its own WITH, and no functions."""
    for node in tree.find_all(exp.Table):
        if isinstance(node.this, exp.Identifier) and not _is_own(node, grammar):
            yield node


def _of_catalog(node: exp.Table) -> bool:
    """A table or view of the catalog, or a function that gives one, by its name."""
    if isinstance(node.this, exp.Identifier):
        parts = ".".join(part.name for part in node.parts).lower().split(".")
        return not CATALOGS.isdisjoint(parts[:-1]) or (len(parts) == 1 and parts[0].startswith(CATALOG_TABLES))
    return str(node.this.name).lower().startswith(CATALOG_TABLES)


def _is_own(node: exp.Table, grammar: Grammar) -> bool:
    """Whether the name is one that a WITH around it has made before."""
    if node.args.get("db") is not None:
        return False
    wanted = normalised(node.this, grammar)
    below: exp.Expr = node
    above = node.parent
    while above is not None:
        if isinstance(above, exp.With):
            recursive = bool(above.args.get("recursive"))
            for cte in above.expressions:
                if cte is below and not recursive:
                    break
                if normalised(cte.args["alias"].this, grammar) == wanted:
                    return True
        else:
            own = above.args.get("with_")
            others = () if own is None or own is below else own.expressions
            if any(normalised(cte.args["alias"].this, grammar) == wanted for cte in others):
                return True
        below, above = above, above.parent
    return False


def _alias(node: exp.Table) -> exp.Expr:
    alias = node.args.get("alias")
    return alias.this if alias is not None and alias.this is not None else node.this


def _span(parts: Sequence[exp.Expr]) -> tuple[int, int]:
    """Where identifiers stand in the text: (first character, one past the last)."""
    return parts[0].meta["start"], parts[-1].meta["end"] + 1


def _schema_of_type(kind: exp.DataType) -> exp.Identifier | None:
    named = kind.args.get("kind")
    if isinstance(named, exp.Dot) and isinstance(named.this, exp.Identifier):
        return named.this
    return None


def _bare(name: str) -> str:
    return name.split(" AS ")[0]
