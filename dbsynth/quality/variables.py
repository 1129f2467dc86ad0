"""Columns of both sides as arrays that figures are computed from: numbers, or codes of categories.

A text that is no category is seen by its shape (how long, how many digits, capitals, words, ...): what it says is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.plan import ColumnPlan, TablePlan
from dbsynth.schema.model import TableName

LEVELS = 10
"""Of a number in pairs: tenths of the real rows."""
COMMON = 14
"""Of a category in pairs: its commonest real values, and one level for all others."""
LEAST = 20
"""Real rows of a level: of fewer nothing certain can be said."""
CATEGORIES = 60
"""A text with so few different values in the real rows, most of them repeated, is a category whatever the plan says."""
INNER = ("structured", "json", "xml", "ip", "mac")
"""Roles of values with an inner structure: how long they are, and of which letters, says little of what they hold."""
ADDRESSES = ("ip", "mac")
"""Of which none is the source's: where it has one for all rows, the made rows have another one for all."""
AROUND = r"\s*([:,{}\[\]])\s*"
"""Blanks of a JSON text that mean nothing."""
DAY = 86_400_000_000
SEEN = 400
"""Letters of a text that are counted by class."""
FACETS = {
    "digits": r"\p{Nd}",
    "capitals": r"\p{Lu}",
    "small letters": r"\p{Ll}",
    "spaces": r"\s",
    "other signs": r"[^\p{L}\p{Nd}\s]",
}


@dataclass(frozen=True)
class Variable:
    """What is compared of one column. ``facet``: "" for its values, else what is counted in each of them. ``real``,
    ``made``: float64 (NaN: no value) or int64 codes (-1: none). ``levels``: the same as few int64 codes ≥ 0, for pairs;
    ``size`` of them, the last one for what is missing. ``alone``: it says nothing of other columns, be it how values
    with an inner structure are written or what numbers the rows; ``constant``: the same in all real rows."""

    column: str
    facet: str
    moment: bool
    real: np.ndarray
    made: np.ndarray
    levels: tuple[np.ndarray, np.ndarray]
    size: int
    alone: bool = False
    constant: bool = False

    @property
    def number(self) -> bool:
        return self.real.dtype.kind == "f"

    def taken(self, real: np.ndarray, made: np.ndarray) -> Variable:
        """Of the rows at these positions (or where these masks are true)."""
        levels = (self.levels[0][real], self.levels[1][made])
        return replace(self, real=self.real[real], made=self.made[made], levels=levels)

    def parted(self, first: np.ndarray, second: np.ndarray) -> Variable:
        """Real rows where one mask is true against those of the other."""
        levels = (self.levels[0][first], self.levels[0][second])
        return replace(self, real=self.real[first], made=self.real[second], levels=levels)


@dataclass(frozen=True)
class Frame:
    """A table's variables. ``rows``: real, made."""

    table: TableName
    variables: tuple[Variable, ...]
    rows: tuple[int, int]

    def parted(self, first: np.ndarray, second: np.ndarray) -> Frame:
        rows = (int(first.sum()), int(second.sum()))
        return Frame(self.table, tuple(v.parted(first, second) for v in self.variables), rows)

    def taken(self, real: np.ndarray, made: np.ndarray) -> Frame:
        rows = tuple(int(x.sum()) if x.dtype == bool else len(x) for x in (real, made))
        return Frame(self.table, tuple(v.taken(real, made) for v in self.variables), (rows[0], rows[1]))

    @property
    def main(self) -> tuple[Variable, ...]:
        """One or two for each column: its values, or how long its texts are."""
        return tuple(v for v in self.variables if v.facet in ("", "length"))

    @property
    def paired(self) -> tuple[Variable, ...]:
        """Those of them that may have to do with others."""
        return tuple(v for v in self.main if not v.alone and not v.constant)


def frame(
    plan: TablePlan, columns: Iterable[str], real: pa.Table, made: pa.Table, alone: frozenset[str] = frozenset()
) -> Frame:
    """Of those of ``columns`` that both tables have."""
    found: list[Variable] = []
    for name in columns:
        if name in real.column_names and name in made.column_names:
            sides = (flat(real.column(name)), flat(made.column(name)))
            own = variables(name, plan.by_column.get(name), *sides)
            found += [replace(v, alone=v.alone or name in alone, constant=same(v.levels[0])) for v in own]
    return Frame(plan.name, tuple(found), (real.num_rows, made.num_rows))


def same(levels: np.ndarray) -> bool:
    return not len(levels) or bool((levels == levels[0]).all())


def variables(name: str, plan: ColumnPlan | None, real: pa.Array, made: pa.Array) -> list[Variable]:
    if real.type != made.type:
        real, made = as_text(real), as_text(made)
    if pa.types.is_temporal(real.type) or pa.types.is_integer(real.type) or _fractional(real.type):
        moment = pa.types.is_temporal(real.type)
        if not moment and plan is not None and plan.kind == "category":
            return [categorical(name, real, made)]
        return [numeric(name, "", as_numbers(real), as_numbers(made), moment)]
    if pa.types.is_boolean(real.type):
        return [categorical(name, real, made)]
    real, made = as_text(real), as_text(made)
    if plan is not None and plan.kind == "number":  # of numeric without precision, which travels as text
        return [numeric(name, "", as_numbers(real), as_numbers(made))]
    if is_category(plan, real):
        return [categorical(name, real, made)]
    role = plan.role if plan is not None and plan.how == "made" else ""
    found = textual(name, told(real, role), told(made, role))
    found = found[:1] if role in ADDRESSES else found
    return [replace(v, alone=True) for v in found] if role in INNER else found


def told(texts: pa.Array, role: str) -> pa.Array:
    """What of made texts can be as in the source: of an e-mail address what stands before the @, since what follows are
    names that nobody can have; of JSON all but the blanks."""
    if role == "email":
        return pc.replace_substring_regex(texts, r"(.)@[^@]*$", r"\1")
    return pc.replace_substring_regex(texts, AROUND, r"\1") if role == "json" else texts


def is_category(plan: ColumnPlan | None, texts: pa.Array) -> bool:
    """By the plan's word, or since few different texts recur; never where the values are made."""
    if plan is not None and (plan.personal or plan.how == "made"):
        return False
    if plan is not None and plan.kind == "category":
        return True
    different = int(pc.count_distinct(texts).as_py())
    return different <= CATEGORIES and different * 4 <= len(texts) - int(texts.null_count)


def numeric(name: str, facet: str, real: np.ndarray, made: np.ndarray, moment: bool = False) -> Variable:
    known = real[~np.isnan(real)]
    parts = min(LEVELS, max(2, len(known) // LEAST))
    edges = np.unique(np.quantile(known, np.arange(1, parts) / parts, method="higher")) if len(known) else known
    missing = len(edges) + 1
    levels = tuple(np.where(np.isnan(x), missing, np.searchsorted(edges, x, side="left")) for x in (real, made))
    return Variable(name, facet, moment, real, made, (levels[0], levels[1]), missing + 1)


def categorical(name: str, real: pa.Array, made: pa.Array) -> Variable:
    a, b = coded(real, made)
    count = np.bincount(a[a >= 0], minlength=int(max(a.max(initial=-1), b.max(initial=-1))) + 1)
    common = np.argsort(-count, kind="stable")[:COMMON]
    common = common[count[common] >= LEAST]
    level = np.full(len(count) + 1, len(common))
    level[common] = np.arange(len(common))
    level[-1] = len(common) + 1  # code -1
    return Variable(name, "", False, a, b, (level[a], level[b]), len(common) + 2)


def textual(name: str, real: pa.Array, made: pa.Array) -> list[Variable]:
    lengths = [as_numbers(pc.utf8_length(x)) for x in (real, made)]
    found = [numeric(name, "length", lengths[0], lengths[1])]
    seen = [pc.utf8_slice_codeunits(x, 0, SEEN) for x in (real, made)]
    size = [np.clip(length, 1, SEEN) for length in lengths]
    for facet, pattern in FACETS.items():
        counts = [as_numbers(pc.count_substring_regex(x, pattern)) / n for x, n in zip(seen, size, strict=True)]
        found.append(numeric(name, facet, counts[0], counts[1]))
    return found


def coded(real: pa.Array, made: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The same int64 codes for the same values of both; -1 for null."""
    both = pa.chunked_array([real, made]).combine_chunks()
    codes = pc.dictionary_encode(flat(both)).indices
    filled = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return filled[: len(real)], filled[len(real) :]


def row_codes(sides: Sequence[Sequence[pa.Array]]) -> tuple[np.ndarray, ...]:
    """One int64 code a row for the values of several columns of two tables: ``sides[i][j]`` is column j of table i; -1
    where one of them is null."""
    lengths = [len(columns[0]) for columns in sides]
    total = np.zeros(sum(lengths), np.int64)
    missing = np.zeros(len(total), bool)
    for columns in zip(*sides, strict=True):
        if len({c.type for c in columns}) > 1:
            columns = tuple(as_text(c) for c in columns)
        codes = np.concatenate(coded(*columns))
        missing |= codes < 0
        _, total = np.unique(total * (codes.max(initial=0) + 2) + codes + 1, return_inverse=True)
    total[missing] = -1
    return tuple(np.split(total, np.cumsum(lengths)[:-1]))


def as_numbers(values: pa.Array) -> np.ndarray:
    """float64; NaN where null. Moments in microseconds, since 1970 or midnight."""
    if pa.types.is_date32(values.type):
        values = pc.multiply(pc.cast(pc.cast(values, pa.int32()), pa.float64()), float(DAY))
    elif pa.types.is_temporal(values.type):
        values = pc.cast(values, pa.int64())
    numbers = pc.cast(values, pa.float64(), safe=False)
    return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy(zero_copy_only=False), np.float64)


def as_text(values: pa.Array) -> pa.Array:
    return values if pa.types.is_string(values.type) else pc.cast(values, pa.string())


def flat(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if isinstance(values, pa.ChunkedArray):  # no chunk at all
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values


def _fractional(type_: pa.DataType) -> bool:
    return bool(pa.types.is_floating(type_) or pa.types.is_decimal(type_))
