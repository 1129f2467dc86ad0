"""Repair ends, meets what can be met, says what cannot, and leaves fixed columns alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks_corpus import COLUMNS, batch, days, rows, table, to_arrow
from checks_schemas import SCHEMA_CHECKS
from checks_texts import TEXT_CHECKS
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.schema.checks import implications, parse_checks
from dbsynth.schema.repair import apply_computed, repair

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def repaired(
    data: pa.RecordBatch, *texts: str, fixed: Sequence[str] = (), seed: int = 1
) -> tuple[pa.RecordBatch, np.ndarray]:
    """Repairs, and checks what must hold of every repair."""
    checked = table(*texts)
    checks = parse_checks(checked, "postgres")
    result, bad = repair(data, checks, implications(checks, checked, NOW), np.random.default_rng(seed), set(fixed))
    assert result.schema == data.schema
    assert result.num_rows == data.num_rows
    violated = np.zeros(data.num_rows, dtype=bool)
    untouched = np.ones(data.num_rows, dtype=bool)
    for check in checks:
        violated |= check.violations(result, NOW)
        untouched &= ~check.violations(data, NOW)
    assert np.array_equal(violated, bad), "the mask names exactly the rows that break a CHECK"
    for name in fixed:
        assert result.column(name).equals(data.column(name))
    assert result.filter(pa.array(untouched)).equals(data.filter(pa.array(untouched))), "valid rows stay as they are"
    return result, bad


def columns(**values: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([to_arrow(n, v) for n, v in values.items()], names=list(values))


def test_computed_columns_are_computed() -> None:
    result, bad = repaired(columns(g=[False, True, None], x=["a", None, "b"]), "g = (x IS NOT NULL)")
    assert not bad.any()
    assert result.column("g").to_pylist() == [True, False, None]


def test_apply_computed_leaves_fixed_columns() -> None:
    checked = table("a = b")
    implied = implications(parse_checks(checked, "postgres"), checked, NOW)
    data = columns(a=[1], b=[2])
    assert apply_computed(data, implied).to_pydict() == {"a": [2], "b": [2]}
    assert apply_computed(data, implied, {"a"}).to_pydict() == {"a": [1], "b": [1]}
    assert apply_computed(data, implied, {"a", "b"}).to_pydict() == {"a": [1], "b": [2]}


def test_a_pair_in_the_wrong_order_is_swapped() -> None:
    result, bad = repaired(columns(d=days("2020-01-05", "2020-01-01"), p=days("2020-01-01", "2020-01-02")), "d <= p")
    assert not bad.any()
    assert result.column("d").cast("string").to_pylist() == ["2020-01-01", "2020-01-01"]
    assert result.column("p").cast("string").to_pylist() == ["2020-01-05", "2020-01-02"]


def test_a_chain_of_three_is_sorted() -> None:
    result, bad = repaired(columns(a=[3, 1], b=[2, 2], c=[1, 3]), "a <= b", "b <= c")
    assert not bad.any()
    assert [result.column(n)[0].as_py() for n in "abc"] == [1, 2, 3]


def test_one_of_a_pair_follows_the_fixed_other_at_a_known_distance() -> None:
    start, end = days("2020-01-01", "2020-02-01", "2024-01-01"), days("2020-01-11", "2020-02-11", "2021-01-01")
    result, bad = repaired(columns(d=start, p=end), "d < p", fixed=["d"])
    assert not bad.any()
    assert result.column("p")[2].as_py() == datetime(2024, 1, 11).date()


def test_equal_values_are_parted_where_the_order_is_strict() -> None:
    result, bad = repaired(columns(d=days("2020-01-01"), p=days("2020-01-01")), "d < p")
    assert not bad.any()
    assert result.column("d")[0].as_py() < result.column("p")[0].as_py()


def test_values_beyond_bounds_come_to_the_bound() -> None:
    data = columns(a=[500, -3, 7], n=[Decimal("-1.00"), Decimal("2.50"), None], y=["ok", "much longer", "b"])
    result, bad = repaired(data, "a BETWEEN 0 AND 150", "n > 0", "length(y) <= 3")
    assert not bad.any()
    assert result.to_pydict() == {
        "a": [150, 0, 7],
        "n": [Decimal("0.01"), Decimal("2.50"), None],
        "y": ["ok", "muc", "b"],
    }


def test_a_value_off_the_list_becomes_one_of_the_list_that_the_batch_has() -> None:
    result, bad = repaired(columns(y=["A", "x", "A", "z"]), "y IN ('A', 'B')")
    assert not bad.any()
    assert result.column("y").to_pylist() == ["A"] * 4


def test_linked_columns_change_together_with_a_row_whose_fixed_part_is_alike() -> None:
    data = columns(c=[2, 1, 1, 2], b=[7, None, 3, None])
    result, bad = repaired(data, "((c = 2) = (b IS NOT NULL))", fixed=["b"])
    assert not bad.any()
    assert result.column("c").to_pylist() == [2, 1, 2, 1]


def test_null_where_nothing_else_passes() -> None:
    data = columns(a=[3], b=[3])
    result, bad = repaired(data, "a <> a")
    assert not bad.any()
    assert result.column("a").to_pylist() == [None]


def test_without_any_valid_row_the_checks_own_constants_help() -> None:
    data = columns(a=[5, 6], c=[3, 3], n=[Decimal("7.00")] * 2, b=[1, 1])
    text = "(((b IS NULL) AND (c = 0) AND (n = 1.00)) OR ((b IS NOT NULL) AND (c >= 1) AND (n = 2.50)))"
    result, bad = repaired(data, text, fixed=["b"])
    assert not bad.any()
    assert result.column("n").to_pylist() == [Decimal("2.50")] * 2


def test_what_cannot_be_met_is_reported() -> None:
    _, bad = repaired(columns(a=[1, 3], b=[2, 2]), "a > b", fixed=["a", "b"])
    assert bad.tolist() == [True, False]
    _, bad = repaired(columns(a=[1, 3]), "1 = 2")
    assert bad.tolist() == [True, True]


def test_an_empty_batch() -> None:
    _, bad = repaired(columns(a=[], b=[]), "a > b", "a > 3")
    assert bad.tolist() == []


def test_infinite_dates_do_not_overflow() -> None:
    data = batch(rows(80)).select(["d", "e", "ts", "ts2"])
    _, bad = repaired(data, "d <= e", "ts < ts2")
    assert not bad.any()


def test_the_same_generator_gives_the_same_rows() -> None:
    data = batch(rows(200, seed=5))
    texts = ("a > b", "(g OR (c = 0))", "d <= e", "upper(x) = ANY (ARRAY['A'::text])")
    assert repaired(data, *texts, seed=3)[0].equals(repaired(data, *texts, seed=3)[0])


SATISFIABLE = (
    "a BETWEEN 0 AND 150", "a > b", "a <> b", "(g OR (c = 0))", "((c = 2) = (b IS NOT NULL))", "g = (x IS NOT NULL)",
    "d <= e", "e < p", "ts < ts2", "n <= n2", "n = a * 2",
    "num_nonnulls(x, y) = 1", "(x IS NOT NULL) OR (y IS NOT NULL)",
    "upper(y) = ANY (ARRAY['A'::text, 'B'::text])", "length(x) < 3", "k = ANY (ARRAY['a'::bpchar, 'abc'::bpchar])",
    "x LIKE 'a%'", "((c)::numeric = EXTRACT(dow FROM p))", "CASE WHEN g THEN a > 1 ELSE c < 2 END", "t < t2",
    "p <= (now() - '18 years'::interval)", "m = 'ok'", "(((a IS NULL) AND (c = 0)) OR ((a IS NOT NULL) AND (c >= 1)))",
    "(geo).latitude > (0)::numeric", "u BETWEEN 0 AND 90", "f >= 0", "(a % 2) = 0", "big >= 0", "cardinality(arr) > 0",
)  # fmt: skip


@settings(max_examples=60)
@given(
    texts=st.lists(st.sampled_from(SATISFIABLE), min_size=1, max_size=5, unique=True),
    fixed=st.sets(st.sampled_from(["a", "b", "c", "x", "d", "e", "g", "p"]), max_size=4),
    seed=st.integers(0, 1000),
    count=st.integers(0, 40),
)
def test_any_mix_of_checks_ends_with_valid_or_reported_rows(
    texts: list[str], fixed: set[str], seed: int, count: int
) -> None:
    data = batch({n: v[:count] for n, v in rows(40, seed=seed).items()})
    repaired(data, *texts, fixed=sorted(fixed))


@pytest.mark.parametrize("text", SATISFIABLE)
def test_each_single_check_is_met_when_all_columns_are_free(text: str) -> None:
    _, bad = repaired(batch(rows(60, seed=11)), text)
    assert not bad.any()
    assert set(COLUMNS) == set(batch(rows(2)).schema.names)


@pytest.mark.parametrize("which", [slice(0, 0), slice(1, 2), slice(3, 4)], ids=["no row", "all null", "one row"])
def test_small_batches_of_the_whole_corpus(which: slice) -> None:
    data = batch(rows(10, seed=5)).slice(which.start, which.stop - which.start)
    for text in (*TEXT_CHECKS, *SCHEMA_CHECKS):
        checked = table(text)
        checks = parse_checks(checked, "postgres")
        result, bad = repair(data, checks, implications(checks, checked, NOW), np.random.default_rng(1), ())
        assert bad.tolist() == checks[0].violations(result, NOW).tolist(), text
