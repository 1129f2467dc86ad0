"""CHECKs and defaults from one SQL to another: only what means the same in every database, the rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import types as sqltypes
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.errors import ErrorLevel, SqlglotError

from dbsynth.grammar import Grammar
from dbsynth.schema.expression.handlers import parse
from dbsynth.schema.model import Column, Table
from dbsynth.schema.types import Structured

SAME = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Null,
    exp.Boolean, exp.Literal, exp.Neg, exp.In, exp.Between, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Coalesce,
    exp.Length, exp.Lower, exp.Upper, exp.Trim, exp.Abs, exp.Identifier, exp.Column, exp.DataType, exp.Cast, exp.DPipe,
    exp.Case, exp.If, exp.DataTypeParam, exp.Concat, exp.Nullif,
)  # fmt: skip
"""Nodes that mean the same everywhere."""
CASTS = (
    exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.DATETIME, exp.DataType.Type.TIMESTAMPNTZ,
    exp.DataType.Type.INT, exp.DataType.Type.BIGINT, exp.DataType.Type.SMALLINT, exp.DataType.Type.DOUBLE,
)  # fmt: skip
NUMBERS = (exp.DataType.Type.DECIMAL, exp.DataType.Type.INT, exp.DataType.Type.BIGINT, exp.DataType.Type.SMALLINT,
           exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT)  # fmt: skip
TEXTS = (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.BPCHAR)
PARTS = ("year", "month", "day", "hour", "minute", "quarter", "isodow")


class Untranslatable(Exception):
    """Says what of an expression has no counterpart."""


def translate(text: str, table: Table, source: Grammar, target: Grammar, columns: Mapping[str, str]) -> str:
    """``text``, a boolean expression over the columns of ``table``, in the SQL of ``target``; ``columns``: their names
    there. Raises Untranslatable."""
    try:
        tree = parse(text, source.sqlglot)
    except SqlglotError as error:
        raise Untranslatable("it cannot be parsed") from error
    if tree is None:
        raise Untranslatable("it is empty")
    rewritten = _Rewriter(table, source, target, columns)(tree.copy())
    return written(rewritten.unnest(), target)


def default_of(text: str, column: Column, source: Grammar, target: Grammar) -> str:
    """A default that is a constant, the time, or a new UUID. Raises Untranslatable."""
    try:
        tree = parse(text, source.sqlglot)
    except SqlglotError as error:
        raise Untranslatable("it cannot be parsed") from error
    bare = tree
    while isinstance(bare, exp.Paren | exp.Cast):
        bare = bare.this
    if isinstance(bare, exp.Anonymous) and bare.name.lower() in ("now", "statement_timestamp", "clock_timestamp"):
        bare = exp.CurrentTimestamp()
    match bare:
        case exp.Literal() if bare.is_string:
            return _text_default(bare, column, target)
        case exp.Literal() | exp.Boolean() | exp.Null():
            return written(bare.copy(), target)
        case exp.Neg(this=exp.Literal()):
            return written(bare.copy(), target)
        case exp.CurrentDate():
            return "CURRENT_DATE"
        case exp.CurrentTimestamp():
            return _time_default(column, target)
        case exp.Uuid():
            return written(bare.copy(), target)
    raise Untranslatable("it is no constant")


def _text_default(literal: exp.Literal, column: Column, target: Grammar) -> str:
    if isinstance(column.type, sqltypes.String | sqltypes.Uuid):
        return target.literal(literal.name)
    if isinstance(column.type, sqltypes.Date | sqltypes.DateTime | sqltypes.Numeric | sqltypes.Integer):
        return f"CAST({target.literal(literal.name)} AS {target.declare(column.type).sql})"
    raise Untranslatable("it is a constant of a type that is written otherwise")


def _time_default(column: Column, target: Grammar) -> str:
    type_ = column.type
    if isinstance(type_, sqltypes.DateTime) and not type_.timezone:
        return f"CAST(CURRENT_TIMESTAMP AS {target.declare(type_).sql})"
    if isinstance(type_, sqltypes.Date):
        return "CURRENT_DATE"
    return "CURRENT_TIMESTAMP"


def written(tree: exp.Expression, target: Grammar) -> str:
    try:
        return str(tree.sql(dialect=target.sqlglot, identify=True, unsupported_level=ErrorLevel.RAISE))
    except SqlglotError as error:
        raise Untranslatable("it has no counterpart") from error


class _Rewriter:
    """Rewrites a tree bottom-up into nodes of ``SAME``."""

    def __init__(self, table: Table, source: Grammar, target: Grammar, columns: Mapping[str, str]) -> None:
        self.table, self.source, self.target, self.columns = table, source, target, columns
        self.dialect = SqlglotDialect.get_or_raise(source.sqlglot)

    def __call__(self, tree: exp.Expression) -> exp.Expression:
        match tree:
            case exp.Column():
                return exp.column(self._name(tree), quoted=True)
            case exp.Cast():
                return self._cast(tree)
            case exp.EQ() if isinstance(tree.expression.unnest(), exp.Any):
                return self._any(tree)
            case exp.Extract():
                return self._part(tree.name.lower(), tree.expression)
            case exp.RegexpLike():
                return self._regexp(tree)
        if not isinstance(tree, SAME):
            raise Untranslatable(f"{tree.sql(dialect=self.source.sqlglot)[:60]} has no counterpart")
        if isinstance(tree, exp.In) and not tree.expressions:
            raise Untranslatable("it holds a query")
        for key, value in list(tree.args.items()):
            if isinstance(value, exp.Expression):
                tree.set(key, self(value))
            elif isinstance(value, list):
                tree.set(key, [self(v) if isinstance(v, exp.Expression) else v for v in value])
        return tree

    def _column(self, tree: exp.Column) -> Column:
        name = str(self.dialect.normalize_identifier(tree.this.copy()).name)
        if name in self.table.by_name:
            return self.table.by_name[name]
        same = [c for c in self.table.columns if c.name.lower() == tree.name.lower()]
        if len(same) == 1 and (self.source.folds == "keep" or not tree.this.args.get("quoted")):
            return same[0]
        raise Untranslatable(f"it names {tree.name}, which is no column of the table")

    def _name(self, tree: exp.Column) -> str:
        column = self._column(tree)
        if isinstance(column.type, Structured | sqltypes.ARRAY | sqltypes.JSON):
            raise Untranslatable(f"the column {column.name} has an inner structure")
        return self.columns[column.name]

    def _cast(self, tree: exp.Cast) -> exp.Expression:
        """Casts that only say what a value is anyway go; those between kinds of values stay where all know them."""
        inner, kind = tree.this.unnest(), tree.to.this
        if isinstance(inner, exp.Cast) and kind in TEXTS and isinstance(inner.this.unnest(), exp.Literal):
            return self(inner)
        if isinstance(inner, exp.Literal) and inner.is_string and kind in NUMBERS:
            number = inner.name.strip()
            negative = number.startswith("-")
            literal = exp.Literal.number(number.lstrip("+-"))
            return exp.Neg(this=literal) if negative else literal
        if isinstance(inner, exp.Literal | exp.Neg) and kind in NUMBERS:
            return self(inner)
        if isinstance(inner, exp.Literal) and inner.is_string and (kind in TEXTS or not isinstance(kind, Kind)):
            return self(inner)
        if isinstance(inner, exp.Literal) and inner.is_string and kind == exp.DataType.Type.USERDEFINED:
            return self(inner)  # a label of an enum
        if isinstance(inner, exp.Column):
            type_ = self._column(inner).type
            if kind in TEXTS and isinstance(type_, sqltypes.String):
                return self(inner)
            if kind in NUMBERS and isinstance(type_, sqltypes.Numeric | sqltypes.Integer) and _widens(type_, kind):
                return self(inner)
        if kind in (exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE) and isinstance(
            inner, exp.Extract | exp.Add | exp.Sub | exp.Mul | exp.Cast | exp.Length
        ):
            return self(tree.this)
        if kind not in CASTS or tree.to.expressions:
            raise Untranslatable(f"a cast to {tree.to.sql(dialect=self.source.sqlglot)}")
        return exp.cast(self(tree.this), tree.to)

    def _any(self, tree: exp.EQ) -> exp.Expression:
        members = tree.expression.unnest().this.unnest()
        while isinstance(members, exp.Cast):
            members = members.this.unnest()
        if not isinstance(members, exp.Array):
            raise Untranslatable("ANY of something that is no list")
        return exp.In(this=self(tree.this), expressions=[self(m) for m in members.expressions])

    def _part(self, part: str, of: exp.Expression) -> exp.Expression:
        if part not in PARTS:
            raise Untranslatable(f"the {part} of a moment")
        value = self(of)
        if part == "isodow":
            return self._isodow(value)
        return exp.Extract(this=exp.var(part.upper()), expression=value)

    def _isodow(self, value: exp.Expression) -> exp.Expression:
        match self.target.sqlglot:
            case "snowflake":
                return exp.Anonymous(this="DAYOFWEEKISO", expressions=[value])
            case "bigquery":  # 1 is Sunday there
                sunday_first = exp.Extract(this=exp.var("DAYOFWEEK"), expression=value)
                shifted = exp.Add(this=sunday_first, expression=exp.Literal.number(5))
                seven = exp.Literal.number(7)
                rest = exp.Anonymous(this="MOD", expressions=[shifted, seven])
                return exp.Paren(this=exp.Add(this=rest, expression=exp.Literal.number(1)))
            case _:
                return exp.Extract(this=exp.var("ISODOW"), expression=value)

    def _regexp(self, tree: exp.RegexpLike) -> exp.Expression:
        if tree.args.get("flag") or not (isinstance(tree.expression, exp.Literal | exp.Cast)):
            raise Untranslatable("a regular expression with flags")
        value, pattern = self(tree.this), self(tree.expression)
        if self.target.sqlglot == "snowflake":  # REGEXP_LIKE matches the whole text there
            found = exp.Anonymous(this="REGEXP_INSTR", expressions=[value, pattern])
            return exp.GT(this=found, expression=exp.Literal.number(0))
        return exp.RegexpLike(this=value, expression=pattern)


Kind = exp.DataType.Type


def _widens(type_: Any, kind: Any) -> bool:
    """Whether the cast of a number to ``kind`` keeps its value, so that comparisons come out the same without it."""
    if kind in (exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE):
        return True
    return isinstance(type_, sqltypes.Integer)
