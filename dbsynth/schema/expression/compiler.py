"""From SQL text to a compiled expression: sqlglot parses, this walks its tree.

A tree node may carry arguments that change its meaning (``Like(negate=True)``, ``Trim(position=...)``). Each handler
says which it reads; one that it does not know makes the expression not evaluable instead of wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from dbsynth.schema.expression import functions, logic
from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.dialects import in_one_dialect
from dbsynth.schema.expression.nodes import Node, constant
from dbsynth.schema.expression.ranges import RANGES
from dbsynth.schema.expression.registry import FUNCTIONS
from dbsynth.schema.expression.values import (
    BITS,
    BOOL,
    BYTES,
    DATE,
    FLOAT,
    INET,
    INT,
    INTERVAL,
    JSON,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    NotEvaluable,
    SqlType,
)

TYPES: dict[str, SqlType] = {
    "BOOLEAN": BOOL, "TINYINT": INT, "SMALLINT": INT, "INT": INT, "BIGINT": INT, "DECIMAL": NUMERIC,
    "BIGDECIMAL": NUMERIC, "FLOAT": SqlType("float", single=True), "DOUBLE": FLOAT, "TEXT": TEXT, "VARCHAR": TEXT,
    "NVARCHAR": TEXT, "NAME": SqlType("text", length=63), "CHAR": SqlType("bpchar", length=1),
    "NCHAR": SqlType("bpchar", length=1), "BPCHAR": SqlType("bpchar"), "DATE": DATE, "TIME": TIME,
    "TIMESTAMP": TIMESTAMP, "TIMESTAMPNTZ": TIMESTAMP, "TIMESTAMPTZ": TIMESTAMPTZ, "INTERVAL": INTERVAL, "JSON": JSON,
    "JSONB": JSON, "UUID": SqlType("uuid"), "INET": INET, "CIDR": INET, "VARBINARY": BYTES, "BINARY": BYTES,
    "BIT": BITS, **{name.upper(): type_ for name, type_ in RANGES.items()},
}  # fmt: skip

OLD_POSITION = re.compile(r'"position"\(')
"""How older servers print POSITION(b IN a): a function named "position"(a, b). sqlglot reads its arguments the other
way round; strpos(a, b) is the same function."""


def parse(text: str, dialect: str) -> exp.Expression:
    """The tree of a boolean expression; sqlglot's errors pass through."""
    select = sqlglot.parse_one(f"SELECT ({OLD_POSITION.sub('strpos(', text)})", read=dialect)
    if not isinstance(select, exp.Select) or len(select.selects) != 1 or set(_set(select)) - {"expressions"}:
        raise sqlglot.ParseError("not a single expression")
    tree = select.selects[0]
    return tree if dialect == "postgres" else in_one_dialect(tree)


def _set(tree: exp.Expression) -> list[str]:
    return [k for k, v in tree.args.items() if v not in (None, False, []) and not k.startswith("_")]


HARMLESS = {
    "safe", "typed", "single_replace", "zero_is_msb", "coalesce", "ignore_nulls", "value_constructor", "nested", "copy",
    "is_string", "quoted",
}  # fmt: skip
"""Arguments that say how sqlglot would write the expression for another database."""


def need_no(tree: exp.Expression, *read: str) -> None:
    extra = set(_set(tree)) - set(read) - HARMLESS
    if extra:
        raise NotEvaluable(f"{tree.sql()} ({', '.join(sorted(extra))})")


BINARY: dict[type[exp.Expression], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
}  # fmt: skip

SIMPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "Length": ("length", ("this",)), "Lower": ("lower", ("this",)), "Upper": ("upper", ("this",)),
    "Substring": ("substr", ("this", "start", "length")), "Left": ("left", ("this", "expression")),
    "Right": ("right", ("this", "expression")), "Abs": ("abs", ("this",)), "Neg": ("negative", ("this",)),
    "Round": ("round", ("this", "decimals")), "Floor": ("floor", ("this",)), "Ceil": ("ceil", ("this",)),
    "Trunc": ("trunc", ("this", "decimals")), "Sign": ("sign", ("this",)), "Sqrt": ("sqrt", ("this",)),
    "Pow": ("power", ("this", "expression")), "Ln": ("ln", ("this",)), "Exp": ("exp", ("this",)),
    "Nullif": ("nullif", ("this", "expression")), "StrPosition": ("strpos", ("this", "substr")),
    "StartsWith": ("starts_with", ("this", "expression")),
    "Replace": ("replace", ("this", "expression", "replacement")),
    "Repeat": ("repeat", ("this", "times")), "Reverse": ("reverse", ("this",)), "Ascii": ("ascii", ("this",)),
    "Unicode": ("ascii", ("this",)), "MD5": ("md5", ("this",)),
    "SplitPart": ("split_part", ("this", "delimiter", "part_index")),
    "DPipe": ("||", ("this", "expression")), "ArraySize": ("array_length", ("this", "expression")),
    "BitLength": ("bit_length", ("this",)), "Concat": ("concat", ("expressions",)),
    "ConcatWs": ("concat_ws", ("expressions",)), "Translate": ("translate", ("this", "from_", "to")),
    "Overlay": ("overlay", ("this", "expression", "from_", "for_")), "Chr": ("chr", ("expressions",)),
    "Encode": ("encode", ("this", "charset")), "Getbit": ("get_bit", ("this", "expression")),
    "ArrayPosition": ("array_position", ("this", "expression")), "Host": ("host", ("this",)),
    "ArrayRemove": ("array_remove", ("this", "expression")), "ArrayAppend": ("array_append", ("this", "expression")),
    "ArrayToString": ("array_to_string", ("this", "expression")), "Cbrt": ("cbrt", ("this",)),
    "RegexpCount": ("regexp_count", ("this", "expression")), "IntDiv": ("div", ("this", "expression")),
    "Log": ("log10", ("this",)),
}  # fmt: skip
"""Tree classes that are plain functions: name in ``functions`` and the arguments in order."""


class Compiler:
    """Compiles expressions over one set of columns: name to type, or to the expression of a generated column."""

    def __init__(self, columns: Mapping[str, SqlType | Callable[[], Node]], dialect: str) -> None:
        self.columns, self.dialect = columns, Dialect.get_or_raise(dialect)

    def compile(self, tree: exp.Expression) -> Node:
        handler = HANDLERS.get(type(tree))
        if handler is not None:
            return handler(self, tree)
        if type(tree) in BINARY:
            return self._binary(tree)
        simple = SIMPLE.get(type(tree).__name__)
        if simple is None:
            raise NotEvaluable(f"{type(tree).__name__}: {tree.sql()}")
        name, read = simple
        need_no(tree, *read)
        args: list[Any] = []
        for key in read:
            value = tree.args.get(key)
            args += value if isinstance(value, list) else [] if value is None else [value]
        return self.function(name, args)

    def function(self, name: str, args: list[exp.Expression]) -> Node:
        builder = FUNCTIONS.get(name)
        if builder is None:
            raise NotEvaluable(f"the function {name}")
        nodes = [self.compile(a) for a in args]
        try:
            return builder(*nodes)
        except TypeError as error:  # too few or too many arguments for the builder
            raise NotEvaluable(f"{name} with {len(nodes)} arguments") from error

    def name(self, identifier: exp.Expression) -> str:
        return str(self.dialect.normalize_identifier(identifier.copy()).name)

    def _binary(self, tree: exp.Expression) -> Node:
        need_no(tree, "this", "expression")
        name, left, right = BINARY[type(tree)], tree.this.unnest(), tree.expression.unnest()
        if name not in logic.COMPARISONS:
            return functions.arithmetic(name, self.compile(left), self.compile(right))
        if isinstance(right, exp.Any) or _called(right, "ALL", "ANY", "SOME"):
            return self._quantified(name, left, right)
        if isinstance(left, exp.Tuple) or _called(left, "ROW"):
            if not (isinstance(right, exp.Tuple) or _called(right, "ROW")):
                raise NotEvaluable("a comparison of a row with a value")
            a, b = ([self.compile(e) for e in side.expressions] for side in (left, right))
            return logic.row_compare(name, a, b)
        return logic.compare(name, self.compile(left), self.compile(right))

    def _quantified(self, name: str, left: exp.Expression, right: exp.Expression) -> Node:
        """= ANY (ARRAY[...]): an IN list if the elements are spelled out, else an array value."""
        every = _called(right, "ALL")
        operand = (right.this if isinstance(right, exp.Any) else right.expressions[0]).unnest()
        if isinstance(operand, (exp.Tuple, exp.Subquery, exp.Select)):
            raise NotEvaluable(operand.sql())
        node = self.compile(left)
        items = self._items(operand)
        if items is None:
            return logic.quantified(name, node, self.compile(operand), every)
        if name == "=" and not every:
            return logic.member(node, items)
        if name == "<>" and every:
            return logic.negate(logic.member(node, items))
        parts = [logic.compare(name, node, item) for item in items]
        return logic.both(*parts) if every else logic.either(*parts)

    def _items(self, operand: exp.Expression) -> list[Node] | None:
        """The elements of an array that is spelled out, cast to the type the array is cast to."""
        if isinstance(operand, exp.Cast):
            to = self.type(operand.to)
            inner = self._items(operand.this.unnest())
            if to.family != "array" or to.element is None:
                return None
            if inner is not None:
                return [cast(i, to.element) if to.element != UNKNOWN else i for i in inner]
            array = self.compile(operand)
            if not array.constant:
                return None
            texts = array.scalar(0)
            element = to.element
            return None if texts is None else [
                constant(TEXT, t) if element.family in ("text", "bpchar") else cast(constant(UNKNOWN, t), element)
                if element != UNKNOWN else constant(UNKNOWN, t) for t in texts
            ]  # fmt: skip
        if isinstance(operand, exp.Array) and operand.expressions:
            return [self.compile(e) for e in operand.expressions]
        return None

    def type(self, to: exp.DataType) -> SqlType:
        kind = to.this
        name = getattr(kind, "name", str(kind))
        if isinstance(kind, exp.Interval):
            raise NotEvaluable(f"the type {to.sql()}")
        if name == "ARRAY":
            return SqlType("array", element=self.type(to.expressions[0]) if to.expressions else TEXT)
        if name == "USERDEFINED":
            return UNKNOWN
        if name not in TYPES:
            raise NotEvaluable(f"the type {to.sql()}")
        base = TYPES[name]
        sizes = [int(p.name) for p in to.expressions]
        if not sizes:
            return base
        if base.family == "numeric":
            return SqlType("numeric", precision=sizes[0], scale=sizes[1] if len(sizes) > 1 else 0)
        if base.family in ("text", "bpchar"):
            return SqlType(base.family, length=sizes[0])
        raise NotEvaluable(f"the type {to.sql()}")


def _called(tree: exp.Expression, *names: str) -> bool:
    return isinstance(tree, exp.Anonymous) and str(tree.this).upper() in names


Handler = Callable[..., Node]
H = TypeVar("H", bound=Handler)
HANDLERS: dict[type[exp.Expression], Handler] = {}


def handles(*classes: str) -> Callable[[H], H]:
    """Registers a handler for those tree classes that the installed sqlglot has."""

    def register(handler: H) -> H:
        HANDLERS.update({getattr(exp, c): handler for c in classes if hasattr(exp, c)})
        return handler

    return register
