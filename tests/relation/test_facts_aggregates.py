"""Columns of parents that their children tell: computed exactly, found where they hold, and only there."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.aggregates import Families, Formula, Told, evaluate, find_aggregates
from dbsynth.relation.facts import Factor
from dbsynth.relation.numbers import Numbers, divided, numbers, product, written

MONEY = pa.decimal128(38, 2)
QUANTITY, PRICE, DISCOUNT = Factor("quantity"), Factor("price"), Factor("discount", complement=True)


def money(cents: np.ndarray) -> pa.Array:
    return written(Numbers(cents.astype(np.int64), 2, np.ones(len(cents), bool)), MONEY)


def lines(seed: int, parents: int = 120) -> tuple[dict[str, pa.Array], np.ndarray]:
    """Order lines under ``parents`` orders, the last ten of which have none."""
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(parents - 10), rng.integers(1, 6, parents - 10))
    n = len(at)
    return {
        "quantity": pa.array(rng.integers(1, 9, n)),
        "price": money(rng.integers(100, 9_000, n)),
        "discount": money(rng.choice([0, 5, 10, 25], n)),
        "day": pa.array(rng.integers(10_000, 19_000, n).astype(np.int32)).cast(pa.date32()),
    }, at


def search(columns: dict[str, pa.Array], at: np.ndarray, **targets: pa.Array) -> dict[str, Told]:
    children = {c: x for c, a in columns.items() if (x := numbers(a)) is not None}
    wanted = {c: x for c, a in targets.items() if (x := numbers(a)) is not None}
    dates = frozenset(c for c, a in [*columns.items(), *targets.items()] if pa.types.is_temporal(a.type))
    parents = len(next(iter(targets.values())))
    told = find_aggregates(children, dates, wanted, dict.fromkeys(wanted, 1e-9), at, parents)
    return {t.column: t for t in told}


def aggregate(
    columns: dict[str, pa.Array], at: np.ndarray, formula: Formula, type_: pa.DataType, parents: int
) -> pa.Array:
    """The column of the parents; 0 where they have no children."""
    scale = type_.scale if pa.types.is_decimal(type_) else None if pa.types.is_floating(type_) else 0
    families = Families.of(at)
    found = evaluate(formula, {c: x for c, a in columns.items() if (x := numbers(a)) is not None}, families, scale)
    values = np.zeros(parents, found.values.dtype)
    values[families.parents] = found.values
    return written(Numbers(values, found.scale, np.ones(parents, bool)), type_)


FORMULAS = {
    "count": (Formula("count"), pa.int64()),
    "sum": (Formula("sum", (QUANTITY,)), pa.int64()),
    "sum of a product": (Formula("sum", (QUANTITY, PRICE)), MONEY),
    "sum with a discount": (Formula("sum", (QUANTITY, PRICE, DISCOUNT)), MONEY),
    "min": (Formula("min", (PRICE,)), MONEY),
    "max": (Formula("max", (PRICE,)), MONEY),
    "mean": (Formula("avg", (PRICE,)), MONEY),
    "float": (Formula("sum", (QUANTITY, PRICE, DISCOUNT)), pa.float64()),
    "text": (Formula("sum", (QUANTITY, PRICE)), pa.string()),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_what_children_tell_is_found(name: str) -> None:
    formula, type_ = FORMULAS[name]
    columns, at = lines(3)
    if type_ == pa.string():
        target = aggregate(columns, at, formula, MONEY, 120).cast(pa.string())
    else:
        target = aggregate(columns, at, formula, type_, 120)
    told = search(columns, at, total=target, noise=pa.array(np.random.default_rng(9).integers(0, 99, 120)))
    assert set(told) == {"total"}
    assert told["total"].formula.function == formula.function
    assert set(told["total"].formula.factors) == set(formula.factors)
    assert told["total"].empty == "zero"
    assert told["total"].exact == (name in ("count", "sum", "sum of a product", "min", "max", "text"))
    assert told["total"].families == 110
    assert told["total"].rows == len(at)


def test_the_first_and_the_last_date_are_found() -> None:
    columns, at = lines(4)
    first = pa.array([min(columns["day"].filter(pa.array(at == i)).to_pylist(), default=None) for i in range(120)])
    told = search(columns, at, first=first)
    assert told["first"].formula == Formula("min", (Factor("day"),))
    assert told["first"].empty == "null"


@pytest.mark.parametrize("broken", [0, 1, 50])
def test_one_row_that_breaks_it_is_enough(broken: int) -> None:
    columns, at = lines(5)
    target = aggregate(columns, at, FORMULAS["sum of a product"][0], MONEY, 120)
    told = search(columns, at, total=target)
    assert "total" in told
    cents = numbers(target)
    assert cents is not None
    cents.values[broken] += 1
    assert "total" not in search(columns, at, total=money(cents.values))


def test_a_constant_number_of_children_is_no_count() -> None:
    at = np.repeat(np.arange(60), 3)
    assert not search({"x": pa.array(np.arange(180))}, at, n=pa.array(np.full(60, 3)))


def test_single_children_tell_no_function() -> None:
    rng = np.random.default_rng(6)
    values = rng.integers(0, 1000, 60)
    assert not search({"x": pa.array(values)}, np.arange(60), x=pa.array(values))


def test_a_count_that_is_not_zero_without_children_is_none() -> None:
    columns, at = lines(7)
    n = np.bincount(at, minlength=120)
    assert search(columns, at, n=pa.array(n))["n"].formula == Formula("count")
    assert search(columns, at, n=pa.array(n, mask=n == 0))["n"].empty == "null"
    n[-1] = 4
    assert not search(columns, at, n=pa.array(n))


decimals = st.decimals(-10_000, 10_000, places=3)


@given(
    st.lists(st.tuples(st.integers(0, 5), decimals, st.integers(-50, 50)), min_size=1, max_size=40),
    st.sampled_from(["sum", "avg", "min", "max"]),
)
def test_the_arithmetic_is_that_of_decimals(rows: list[tuple[int, Decimal, int]], function: str) -> None:
    at = np.array([r[0] for r in rows])
    columns = {"a": pa.array([r[1] for r in rows], pa.decimal128(38, 3)), "b": pa.array([r[2] for r in rows])}
    read = {c: x for c, a in columns.items() if (x := numbers(a)) is not None}
    families = Families.of(at)
    found = evaluate(Formula(function, (Factor("a"), Factor("b"))), read, families, 2)  # type: ignore[arg-type]
    for parent, value in zip(families.parents, written(found, MONEY).to_pylist(), strict=True):
        terms = [r[1] * r[2] for r in rows if r[0] == parent]
        exact = {"sum": sum(terms), "min": min(terms), "max": max(terms), "avg": sum(terms) / len(terms)}[function]
        assert value == Decimal(exact).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_rows_with_a_null_do_not_count() -> None:
    read = {"a": numbers(pa.array([1, None, 3, None]))}
    assert read["a"] is not None
    found = evaluate(Formula("avg", (Factor("a"),)), read, Families.of(np.array([0, 0, 0, 1])), 0)  # type: ignore[arg-type]
    assert written(found, pa.int64()).to_pylist() == [2, None]


def test_what_64_bits_do_not_hold_is_computed_in_floats() -> None:
    big = Numbers(np.array([10**12]), 4, np.ones(1, bool))
    made = product([big, big, big])
    assert made.scale is None
    assert made.floats[0] == pytest.approx(1e24)
    assert divided(made, np.ones(1, np.int64), 2).floats[0] == pytest.approx(1e24)


def test_texts_of_numbers_keep_their_decimals() -> None:
    read = numbers(pa.array(["1.25", None, "-3", "0.5"]))
    assert read is not None
    assert read.scale == 2
    assert written(read, pa.string()).to_pylist() == ["1.25", None, "-3.00", "0.50"]
    assert numbers(pa.array(["one"])) is None
