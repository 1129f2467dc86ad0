"""CHECK constraints as vectorised predicates.

    (latitude >= ('-90'::integer)::numeric)
    ((gender)::text = ANY ((ARRAY['M'::character varying, 'F'::character varying])::text[]))
    ((post_type_id = 2) = (parent_id IS NOT NULL))

A CHECK that cannot be parsed or evaluated keeps its text and the reason: the database judges it later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.handlers import Compiler, parse
from dbsynth.schema.expression.logic import boolean
from dbsynth.schema.expression.moments import micros_of
from dbsynth.schema.expression.nodes import Context, Node
from dbsynth.schema.expression.values import NotEvaluable, SqlType, sql_type
from dbsynth.schema.model import Check, Table


@dataclass(frozen=True, eq=False)
class ParsedCheck:
    """``columns``: those the check reads (of a generated column, what it is computed from). ``tree``: sqlglot's, None
    if it did not parse. ``node``: the compiled predicate, None where ``reason`` says why there is none."""

    check: Check
    columns: tuple[str, ...]
    tree: exp.Expression | None = None
    node: Node | None = None
    reason: str = ""

    @property
    def evaluable(self) -> bool:
        return self.node is not None

    def evaluate(self, context: Context) -> np.ndarray:
        """int8 for each row: 1 true, 0 false (or an error of the database), -1 null, which passes."""
        if self.node is None:
            raise NotEvaluable(f"CHECK {self.check.name}: {self.reason}")
        if context.rows == 0:  # a constant has one element, whatever it is compared with
            return np.zeros(0, dtype=np.int8)
        vec = self.node.run(context).expand(context.rows)
        result = np.where(vec.valid, vec.values.astype(np.int8), np.int8(-1)).astype(np.int8)
        if vec.bad is not None:
            result[vec.bad] = 0
        return result

    def holds(self, batch: pa.RecordBatch | pa.Table, now: datetime | None = None) -> np.ndarray:
        """``evaluate`` on a batch; ``now`` is what now() gives, the clock's time if None."""
        return self.evaluate(Context(batch, micros_of(now or datetime.now(UTC))))

    def violations(self, batch: pa.RecordBatch | pa.Table, now: datetime | None = None) -> np.ndarray:
        """True for rows on which the check is false."""
        return np.asarray(self.holds(batch, now) == 0)


def parse_check(check: Check, table: Table, sqlglot_dialect: str) -> ParsedCheck:
    """``sqlglot_dialect`` is the name under which sqlglot knows the database's SQL."""
    try:
        tree = parse(check.expression, sqlglot_dialect)
    except SqlglotError as error:
        return ParsedCheck(check, check.columns, reason=f"not parsed: {str(error).splitlines()[0]}")
    compiler = Compiler(_columns(table, sqlglot_dialect), sqlglot_dialect)
    mentioned = dict.fromkeys(compiler.name(c.this) for c in tree.find_all(exp.Column))
    try:
        node = boolean(compiler.compile(tree))
    except NotEvaluable as error:
        columns = tuple(c for c in mentioned if c in table.by_name)
        return ParsedCheck(check, columns, tree, reason=str(error))
    in_order = [c.name for c in table.columns if c.name in node.columns]
    return ParsedCheck(check, tuple(in_order), tree, node)


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled scalar expression over the columns of a table; ``node`` None where ``reason`` says why."""

    text: str
    columns: tuple[str, ...]
    node: Node | None = None
    reason: str = ""

    def values(self, batch: pa.RecordBatch | pa.Table, now: datetime) -> pa.Array:
        """Its value on each row, null where the database gives null or an error."""
        if self.node is None:
            raise NotEvaluable(f"{self.text}: {self.reason}")
        vec = self.node.run(Context(batch, micros_of(now))).expand(batch.num_rows)
        known = vec.valid if vec.bad is None else vec.valid & ~vec.bad
        return pa.array(np.where(known, vec.values, vec.values[:1] if len(vec.values) else 0).tolist(), mask=~known)

    def column(self, batch: pa.RecordBatch | pa.Table, now: datetime, type_: pa.DataType) -> pa.Array:
        """As ``values``, in the Arrow type of a column. ArrowInvalid where a value does not fit it."""
        if self.node is None:
            raise NotEvaluable(f"{self.text}: {self.reason}")
        vec = self.node.run(Context(batch, micros_of(now))).expand(batch.num_rows)
        known = vec.valid if vec.bad is None else vec.valid & ~vec.bad
        values = vec.values.tolist()
        if vec.type.family == "numeric":
            values = [Decimal(int(v)).scaleb(-vec.scale) if k else None for v, k in zip(values, known, strict=True)]
        if pa.types.is_temporal(type_):
            raw = pa.int32() if pa.types.is_date32(type_) else pa.int64()
            return pa.array(values, raw, mask=~known).cast(type_)
        if pa.types.is_decimal(type_):
            quantum = Decimal(1).scaleb(-type_.scale)
            values = [
                Decimal(str(v)).quantize(quantum, ROUND_HALF_UP) if k else None
                for v, k in zip(values, known, strict=True)
            ]
        elif pa.types.is_string(type_):
            values = [str(v) if k else None for v, k in zip(values, known, strict=True)]
        return pa.array(values, mask=~known).cast(type_)


def parse_expression(text: str, table: Table, sqlglot_dialect: str) -> Expression:
    """``text``: a column or any expression that CHECKs may hold."""
    try:
        tree = parse(text, sqlglot_dialect)
        node = Compiler(_columns(table, sqlglot_dialect), sqlglot_dialect).compile(tree)
    except (SqlglotError, NotEvaluable) as error:
        return Expression(text, (), reason=str(error).splitlines()[0])
    return Expression(text, tuple(c.name for c in table.columns if c.name in node.columns), node)


def parse_checks(table: Table, sqlglot_dialect: str) -> tuple[ParsedCheck, ...]:
    return tuple(parse_check(c, table, sqlglot_dialect) for c in table.conditions if c.enforced)


def _columns(table: Table, dialect: str) -> dict[str, SqlType | Callable[[], Node]]:
    """Types of the stored columns; a generated column stands for its expression, since batches do not carry it."""
    columns: dict[str, SqlType | Callable[[], Node]] = {}
    for column in table.columns:
        type_ = sql_type(column.type)
        if column.generated is None:
            columns[column.name] = type_
            continue

        def generated(text: str = column.generated, type_: SqlType = type_) -> Node:
            try:
                return cast(Compiler(columns, dialect).compile(parse(text, dialect)), type_)
            except SqlglotError as error:
                raise NotEvaluable(f"the generated column {text!r}") from error

        columns[column.name] = generated
    return columns
