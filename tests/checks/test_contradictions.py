"""Which CHECKs contradict each other: proved with the right names, and nothing that can be met is accused."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from by_construction import completed
from checks_corpus import table
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.schema.checks import contradiction, parse_checks
from dbsynth.schema.model import Check, Column, Table
from dbsynth.schema.proof import contradicting

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
MICROS = int(NOW.timestamp()) * 1_000_000


def strict(*texts: str, nullable: bool = False) -> Table:
    columns = tuple(Column(c.name, c.type, c.declared, nullable=nullable) for c in table().columns)
    return Table(table().name, columns, checks=tuple(Check(f"check_{i}", t) for i, t in enumerate(texts)))


def accused(checked: Table) -> list[set[int]]:
    """The numbers of the CHECKs that are named, set by set."""
    found = contradicting(parse_checks(checked, "postgres"), checked, MICROS)
    return [{int(c.check.name.removeprefix("check_")) for c in needed} for needed in found]


CONTRADICTIONS: list[tuple[tuple[str, ...], set[int]]] = [
    (("a > 5", "b < 3", "a < 3"), {0, 2}),
    (("a IN (1, 2)", "a > 2"), {0, 1}),
    (("g", "a > 0", "NOT g"), {0, 2}),
    (("x IS NULL",), {0}),
    (("1 = 2", "a > 1"), {0}),
    (("y = 'far too long for the column'",), {0}),
    (("length(x) > 5", "length(x) < 5"), {0, 1}),
    (("x LIKE 'A%'", "x LIKE 'B%'"), {0, 1}),
    (("x IN ('open', 'closed')", "x ~ '^[0-9]+$'", "length(x) > 2"), {0, 1}),
    (("x ~ '^[a-z]{3}$'", "length(x) >= 5"), {0, 1}),
    (("x LIKE 'abc%'", "length(x) <= 2"), {0, 1}),
    (("a < b", "b < c", "c < a", "a > 0"), {0, 1, 2}),
    (("a < b", "b < a + 1"), {0, 1}),
    (("a + b <= 10", "a >= 6", "b >= 5"), {0, 1, 2}),
    (("a = b + 1", "a <= b"), {0, 1}),
    (("a = 2 * b", "a = 2 * b + 1"), {0, 1}),
    (("p < e", "e <= p - 1"), {0, 1}),
    (("p > '2024-01-01'", "p <= '2023-12-31'"), {0, 1}),
    (("ts2 < ts", "ts < ts2 - '1 day'::interval"), {0, 1}),
    (("d <= ts", "ts < '2020-01-01'::timestamp", "d >= '2020-01-01'"), {0, 1, 2}),
    (("(a > 5 AND g) OR (a > 7 AND h)", "a < 3"), {0, 1}),
    (("(g AND a > 1) OR (NOT g AND a > 3)", "a <= 1"), {0, 1}),
    (("CASE WHEN g THEN a > 5 ELSE a > 6 END", "a < 4"), {0, 1}),
    (("g = (a > 5)", "g", "a < 3"), {0, 1, 2}),
    (("(c = 2) = (a > 5)", "c = 2", "a < 0"), {0, 1, 2}),
    (("num_nonnulls(a, b) = 1",), {0}),
    (("a BETWEEN 5 AND 10", "a NOT BETWEEN 3 AND 12"), {0, 1}),
    (("a * b < 0", "a >= 0", "b >= 0"), {0, 1, 2}),
    (("abs(a) < 0",), {0}),
    (("a % 5 > 5", "a > 0"), {0}),
    (("p BETWEEN '2020-01-01' AND '2021-01-01'", "EXTRACT(month FROM p) > 12"), {0, 1}),
    (("m IN ('sad', 'ok')", "m = 'happy'"), {0, 1}),
    (("n > 1", "n < 1.01"), {0, 1}),
    (("a <> b", "a >= b", "a <= b"), {0, 1, 2}),
    (("upper(x) = x", "x IN ('a', 'b')"), {0, 1}),
    (("a IN (1, 2, 3)", "a <> 1", "a NOT IN (2, 3)"), {0, 1, 2}),
]

POSSIBLE: list[tuple[str, ...]] = [
    ("a > 5", "a < 7"),
    ("a IN (1, 2)", "a >= 2"),
    ("g OR h", "NOT g"),
    ("length(x) > 4", "length(x) < 6"),
    ("x LIKE 'A%'", "x LIKE 'AB%'"),
    ("x LIKE '%A'", "x LIKE 'B%'"),
    ("x ~* '^a'", "x LIKE 'A%'"),
    ("x IN ('open', 'closed')", "x ~ '^[a-z]+$'", "length(x) > 4"),
    ("x ~ '^[a-z]{3}$'", "length(x) >= 3"),
    ("x ~ 'b'", "length(x) = 1"),
    ("a < b", "b < c", "a < c"),
    ("a <= b", "b <= c", "c <= a"),
    ("a < b", "b < a + 2"),
    ("a + b <= 10", "a >= 6", "b >= 4"),
    ("a = 2 * b", "a = b + 1"),
    ("p < e", "e <= p + 1"),
    ("p >= '2024-01-01'", "p <= '2024-01-01'"),
    ("ts2 < ts", "ts <= ts2 + '1 day'::interval"),
    ("d <= ts", "ts < '2020-01-01 12:00'::timestamp", "d >= '2020-01-01'"),
    ("(a > 5 AND g) OR (a > 1 AND h)", "a < 3"),
    ("(g AND a > 1) OR (NOT g AND a > 3)", "a <= 2"),
    ("CASE WHEN g THEN a > 5 ELSE a > 2 END", "a < 4"),
    ("g = (a > 5)", "NOT g", "a < 3"),
    ("a * b < 0", "a >= 0"),
    ("a % 5 > 3", "a > 0"),
    ("n > 1", "n < 1.02"),
    ("a <> b", "a >= b"),
    ("a IN (1, 2, 3)", "a <> 1", "a NOT IN (2)"),
    ("m IN ('sad', 'ok')", "m > 'sad'"),
]


@pytest.mark.parametrize(("texts", "names"), CONTRADICTIONS)
def test_contradictions_are_named(texts: tuple[str, ...], names: set[int]) -> None:
    checked = strict(*texts)
    assert accused(checked) == [names]
    message = contradiction(parse_checks(checked, "postgres"), checked, NOW)
    assert message is not None
    assert "public.samples" in message
    assert all((f"check_{i} ({texts[i]})" in message) == (i in names) for i in range(len(texts)))


@pytest.mark.parametrize("texts", POSSIBLE)
def test_what_can_be_met_is_not_accused(texts: tuple[str, ...]) -> None:
    assert accused(strict(*texts)) == []
    rows, bad = completed(*texts)
    assert 0 <= bad.sum() < rows.num_rows, "and rows show that it can"


@pytest.mark.parametrize("texts", [t for t, _ in CONTRADICTIONS if t[0] not in ("1 = 2", "num_nonnulls(a, b) = 1")])
def test_null_meets_them_where_columns_can_be_null(texts: tuple[str, ...]) -> None:
    assert accused(strict(*texts, nullable=True)) == []


def test_two_contradictions_of_one_table_are_both_told() -> None:
    assert accused(strict("a > 5", "x LIKE 'A%'", "a < 3", "x LIKE 'B%'", "b > 0")) == [{0, 2}, {1, 3}]


def test_nulls_that_a_check_rules_out_do_not_help() -> None:
    assert accused(strict("a > 5", "a < 3", "a IS NOT NULL", nullable=True)) == [{0, 1, 2}]
    assert accused(strict("(a IS NULL) = (b IS NULL)", "a IS NULL", "b > 1", nullable=True)) == []


TERMS = st.sampled_from(["a", "b", "c", "a + b", "a - c", "2 * b", "b + c", "-a", "a * b", "abs(c)", "b % 3"])
ATOMS = st.builds(
    lambda left, op, right: f"{left} {op} {right}",
    TERMS,
    st.sampled_from(["<", "<=", "=", "<>", ">=", ">"]),
    st.one_of(TERMS, st.integers(-4, 4).map(str)),
)
CHECKS = st.one_of(
    ATOMS,
    st.builds(lambda x, y: f"({x}) OR ({y})", ATOMS, ATOMS),
    st.builds(lambda x, y: f"({x}) = ({y})", ATOMS, ATOMS),
    st.builds(lambda x, y: f"NOT (({x}) AND ({y}))", ATOMS, ATOMS),
    st.builds(lambda x, y, z: f"CASE WHEN {x} THEN {y} ELSE {z} END", ATOMS, ATOMS, ATOMS),
)
GRID = np.array(list(itertools.product(range(-6, 7), repeat=3)), dtype=np.int64)
ROWS = pa.RecordBatch.from_arrays([pa.array(GRID[:, i]) for i in range(3)], names=["a", "b", "c"])


@settings(max_examples=250)
@given(st.lists(CHECKS, min_size=1, max_size=4))
def test_no_row_of_a_grid_meets_what_is_accused(texts: list[str]) -> None:
    checked = strict(*texts)
    checks = parse_checks(checked, "postgres")
    for needed in contradicting(checks, checked, MICROS):
        met = np.logical_and.reduce([c.holds(ROWS, NOW) != 0 for c in needed])
        assert not met.any(), [c.check.expression for c in needed]
        for left_out in needed:  # and each is needed for the proof
            fewer = Table(checked.name, checked.columns, checks=tuple(c.check for c in needed if c is not left_out))
            assert contradicting(parse_checks(fewer, "postgres"), fewer, MICROS) == []
