"""q-errors, distances of results, and which nodes of two plans are one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.quality.replay.compare import FLOOR, distance, q_error
from dbsynth.quality.replay.plans import NodePair, join_tree, matched
from dbsynth.quality.replay.safety import Query
from dbsynth.quality.replay.verdict import compared, shape
from dbsynth.queries import Failure, PlanNode, Ran, ResultColumn

COUNTS = st.floats(0, 1e9)
RATIOS = st.floats(0.01, 100)


@given(COUNTS, COUNTS)
def test_a_q_error_is_at_least_one_and_takes_sides_alike(a: float, b: float) -> None:
    assert q_error(a, b, 1.0) >= 1
    assert q_error(a, b, 1.0) == q_error(b, a, 1.0)
    assert q_error(a, a, 1.0) == 1


@given(COUNTS, RATIOS)
def test_what_scales_is_compared_with_its_share(a: float, ratio: float) -> None:
    assert q_error(a, a * ratio, ratio) == pytest.approx(1)
    assert q_error(a, a * ratio, ratio, scales=False) == pytest.approx(1)
    assert q_error(a, a, ratio, scales=False) == pytest.approx(1)


def test_few_rows_are_chance_and_many_are_not() -> None:
    assert q_error(0, FLOOR, 1.0) == 1
    assert q_error(0, 3 * FLOOR, 1.0) == 3
    assert q_error(10, 31, 1.0) > 3
    assert q_error(1000, 100, 0.1) == 1
    assert q_error(1000, 1000, 0.1) == 10


def column(*values: object) -> ResultColumn:
    if all(isinstance(v, float) for v in values):
        return ResultColumn("x", True, np.array(values, dtype=np.float64))
    return ResultColumn("x", False, np.array(values, dtype=object))


def test_distances_of_result_columns() -> None:
    assert distance(column(1.0, 2.0, 3.0), column(1.0, 2.0, 3.0)) == 0
    assert distance(column(1.0, 2.0), column(8.0, 9.0)) == 1
    assert distance(column("a", "a", "b", "b"), column("a", "a", "a", "b")) == pytest.approx(0.25)
    assert distance(column(np.nan, 1.0), column(1.0, 1.0)) == pytest.approx(0.5)
    assert distance(column(None, "a"), column(None, None)) == pytest.approx(0.5)
    assert distance(column("one", "two", "six"), column("zzz", "xxx", "yyy")) == 0  # texts of one length
    assert distance(column(), column("a")) is None
    assert distance(column(np.inf, 1.0), column(-np.inf, 1.0)) == pytest.approx(0.5)
    assert distance(column(1.0), column("a")) == 1


@given(st.lists(st.one_of(st.none(), st.text(max_size=3))), st.lists(st.one_of(st.none(), st.text(max_size=3))))
def test_a_distance_is_a_share(a: list[str | None], b: list[str | None]) -> None:
    found = distance(column(*a, None), column(*b, None))
    assert found is not None
    assert 0 <= found <= 1


def scan(alias: str, rows: float, loops: int = 1, kind: str = "Seq Scan") -> PlanNode:
    return PlanNode(kind, alias, rows, rows, loops)


def node(kind: str, rows: float, *inputs: PlanNode, loops: int = 1) -> PlanNode:
    return PlanNode(kind, "", rows, rows, loops, inputs)


def test_a_join_of_the_same_tables_is_the_same_join() -> None:
    real = node("Hash Join", 50, scan("a", 100), node("Hash", 10, scan("b", 10)))
    made = node("Nested Loop", 60, scan("b", 10), scan("a", 60, loops=10, kind="Index Scan"))
    assert matched(real, made) == (
        NodePair("join", ("a", "b"), (50, 60), (50, 60)),
        NodePair("scan", ("b",), (10, 10), (10, 10)),
    )
    assert join_tree(real) == join_tree(made) == frozenset({"a", "b"})


def test_what_was_stopped_early_tells_nothing() -> None:
    early = node("Limit", 5, scan("a", 5, kind="Index Scan"))
    whole = node("Limit", 5, node("Sort", 5, scan("a", 1000)))
    assert matched(early, whole) == ()
    assert [pair.rows for pair in matched(whole, whole)] == [(1000, 1000)]
    merged = node("Merge Join", 5, scan("a", 5, kind="Index Scan"), node("Sort", 9, scan("b", 9)))
    assert {pair.relations for pair in matched(merged, merged)} == {("a", "b"), ("b",)}
    never = node("Hash Join", 0, scan("a", 0, loops=0), node("Hash", 0, scan("b", 0)))
    assert {pair.relations for pair in matched(never, never)} == {("a", "b"), ("b",)}


def test_partitions_are_one_table() -> None:
    two = node("Append", 30, scan("p_1", 10), scan("p_2", 20))
    one = scan("p", 33)
    assert matched(two, one) == (NodePair("scan", ("p",), (30, 33), (30, 33)),)
    assert join_tree(node("Hash Join", 1, two, scan("a", 1))) == frozenset({"p", "a"})


def test_join_orders_differ_by_what_is_joined_first() -> None:
    one = node("Hash Join", 1, node("Hash Join", 1, scan("a", 1), scan("b", 1)), scan("c", 1))
    other = node("Hash Join", 1, scan("a", 1), node("Hash Join", 1, scan("c", 1), scan("b", 1)))
    assert join_tree(one) != join_tree(other)
    assert join_tree(scan("a", 1)) == "a"
    assert join_tree(node("Result", 1)) is None


def test_a_scan_with_a_subquery_reads_both() -> None:
    filtered = PlanNode("Seq Scan", "p", 5, 5, 1, (node("Aggregate", 1, scan("c", 9, loops=7), loops=7),))
    assert [pair.relations for pair in matched(filtered, filtered)] == [("c", "p")]


def ran(rows: int, *columns: ResultColumn) -> Ran:
    return Ran(rows, columns, None, 0.1)


def test_a_verdict_names_the_cause() -> None:
    query = Query("q", "file", "select count(*) from t")
    ratios = {"t": (1000, 1000)}
    many, few = ran(1, column(900.0)), ran(1, column(90.0))
    assert compared(query, many, many, ratios, "postgres").figure.alike
    found = compared(query, many, few, ratios, "postgres").figure
    assert not found.alike
    assert found.q_error == 10
    assert found.says == "the counts of column 1: 900 rows on the source, 90 on the target"
    assert compared(query, many, few, {"t": (1000, 100)}, "postgres").figure.alike
    failed = compared(query, many, Failure("undefined table"), ratios, "postgres").figure
    assert (failed.alike, failed.says) == (False, "fails on the target: undefined table")
    both = compared(query, Failure("syntax error"), Failure("syntax error"), ratios, "postgres").figure
    assert (both.alike, both.says) == (False, "fails on both sides: syntax error")


def test_a_test_of_dbt_passes_or_fails() -> None:
    query = Query("not_null_id", "dbt test", "select * from t where id is null")
    assert compared(query, ran(0), ran(0), {}, "postgres").figure.alike
    found = compared(query, ran(0), ran(3), {}, "postgres").figure
    assert (found.alike, found.says) == (False, "passes on the source, fails on the target (3 rows)")
    assert compared(query, ran(2), ran(3), {}, "postgres").figure.alike


def test_columns_are_told_by_names_never_by_literals() -> None:
    one = ran(1, *(ResultColumn("secret", True, np.array([1.0])) for _ in range(4)))
    told = compared(Query("q", "file", "select 'secret', a, b as n, c as n from t"), one, one, {}, "duckdb")
    assert list(told.distances) == ["column 1", "a", "n (3)", "n (4)"]
    star = compared(Query("q", "file", "select *, 'secret' from t"), one, one, {}, "duckdb")
    assert "secret" not in str(star.distances)
    union = compared(Query("q", "file", "select 'secret' union select 'x'"), one, one, {}, "duckdb")
    assert list(union.distances) == ["column 1", "column 2", "column 3", "column 4"]


def test_no_literal_is_told() -> None:
    sql = "select 'secret', 4711, E'se\\'cret', x'cafe', $$secret$$ from t /* secret */ where a in ('secret') -- secret"
    told = shape(sql, "postgres")
    assert "FROM t" in told
    for word in ("secret", "4711", "cafe"):
        assert word not in told
