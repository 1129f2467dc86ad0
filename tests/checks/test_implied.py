"""What CHECKs imply for the making of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from checks_corpus import batch, days, rows, stamps, table
from checks_schemas import SCHEMA_CHECKS
from checks_texts import TEXT_CHECKS

from dbsynth.schema.checks import Implied, Ordered, contradiction, implications, parse_checks
from dbsynth.schema.model import Check, Column, Table, TableName

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def implied(*texts: str) -> Implied:
    checked = table(*texts)
    return implications(parse_checks(checked, "postgres"), checked, NOW)


def bounds(column: str, *texts: str) -> tuple[Any, Any]:
    result = implied(*texts)
    return result.low.get(column), result.high.get(column)


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("a", "((a >= 0) AND (a <= 120))", (0, 120)),
        ("a", "a > 0 AND a < 10", (1, 9)),
        ("a", "a > 0.5 AND a < 9.5", (1, 9)),
        ("a", "0 < a", (1, None)),
        ("a", "a BETWEEN SYMMETRIC 9 AND 3", (3, 9)),
        ("a", "NOT (a < 3)", (3, None)),
        ("a", "abs(a) <= 5", (-5, 5)),
        ("a", "(a > 3) OR (a IS NULL)", (4, None)),
        ("a", "(a > 3) OR g", (None, None)),
        ("a", "(g AND a > 3 AND a < 9) OR (h AND a > 5)", (4, None)),
        ("a", "a = 5", (5, 5)),
        ("a", "a <> 5", (None, None)),
        ("n", "(n > (0)::numeric)", (Decimal("0.01"), None)),
        ("n", "n < 2.505", (None, Decimal("2.50"))),
        ("n", "n >= 0.001", (Decimal("0.01"), None)),
        ("u", "(u >= ('-90'::integer)::numeric)", (Decimal("-90"), None)),
        ("u", "u > 0", (Decimal("0.000001"), None)),
        ("f", "f >= 0.1", (0.1, None)),
        ("f", "f > (0)::double precision", (float(np.nextafter(0, 1)), None)),
        ("d", "d > '2000-01-01'::date", (days("2000-01-02")[0], None)),
        ("d", "d <= (now() - '18 years'::interval)", (None, days("2006-06-01")[0])),
        ("d", "d < CURRENT_DATE", (None, days("2024-05-31")[0])),
        ("d", "d <= 'infinity'::date", (None, None)),
        ("ts", "ts > '2000-01-01 00:00:00'::timestamp", (stamps("2000-01-01 00:00:00.000001")[0], None)),
        ("t", "t < '08:00:00'::time", (None, 28_799_999_999)),
        ("(geo).latitude", "a > 0", (None, None)),
        ("a", "(a > 1) AND ((a < 8) OR (a < 5))", (2, 7)),
    ],
)
def test_bounds(column: str, text: str, expected: tuple[Any, Any]) -> None:
    assert bounds(column, text) == expected


def test_bounds_of_two_checks_meet() -> None:
    assert bounds("a", "a > 0", "a > 5", "a <= 9") == (6, 9)


def test_bounds_of_a_composites_field() -> None:
    fields = implied("((geo).latitude >= ('-90'::integer)::numeric) AND ((geo).latitude <= (90)::numeric)").fields
    assert (fields["geo", "latitude"].low, fields["geo", "latitude"].high) == (-90, 90)


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("y", "((y)::text = ANY ((ARRAY['A'::character varying, 'B'::character varying])::text[]))", ("A", "B")),
        ("y", "y IN ('A', 'this one is far too long')", ("A",)),
        ("k", "k = ANY (ARRAY['a'::bpchar, 'b'::bpchar])", ("a", "b")),
        ("k", "(upper((k)::text) = ANY (ARRAY['M'::text, 'F'::text])) OR (k IS NULL)", ("M", "F", "m", "f")),
        ("a", "a = ANY (ARRAY[1, 3])", (1, 3)),
        ("a", "a IN (1, 3) AND a < 3", (1,)),
        ("a", "a = 1 OR a = 3", (1, 3)),
        ("m", "m = ANY (ARRAY['sad'::mood, 'ok'::mood])", ("sad", "ok")),
        ("g", "g", (True,)),
        ("g", "NOT g", (False,)),
        ("a", "a IN (1, NULL)", None),
        ("y", "y <> ALL (ARRAY['A'])", None),
    ],
)
def test_allowed(column: str, text: str, expected: tuple[Any, ...] | None) -> None:
    assert implied(text).allowed.get(column) == expected


def test_lengths_and_patterns() -> None:
    result = implied(
        "char_length(x) >= 3", "length((x)::text) < 9", "y <> ''", r"x ~ '^\w+$'", "y LIKE 'a%'", "upper(y) = y"
    )
    assert (result.min_length, result.max_length) == ({"x": 3, "y": 1}, {"x": 8})
    assert result.pattern == {"x": [r"(?s)\A\w+\Z"], "y": [r"\Aa[\s\S]*\Z", r"\A[^a-z]*\Z"]}


def test_not_null() -> None:
    assert implied("(x IS NOT NULL) AND (a > 0)", "(y IS NOT NULL) OR (b IS NOT NULL)").not_null == {"x"}


def test_ordered_pairs_are_those_that_always_hold() -> None:
    result = implied("(e >= d) OR (e IS NULL)", "p < e", "(ts < ts2) OR g", "a < n")
    assert result.ordered == (Ordered("d", "e", False), Ordered("p", "e", True))


def test_linked_columns_are_connected_through_checks() -> None:
    result = implied("a > b", "b > c", "x <> y", "f > 0", "unknown_function(x, g)")
    assert set(result.linked) == {frozenset("abc"), frozenset("xyg"), frozenset("f")}


def computed(text: str, fixed: tuple[str, ...] = ()) -> list[str]:
    return [c.column for c in implied(text).computable(fixed)]


def test_computed_columns() -> None:
    assert computed("g = (x IS NOT NULL)") == ["g"]
    assert computed("((c)::numeric = EXTRACT(isodow FROM p))") == ["c"]
    assert computed("(n = ((a)::numeric * n2))") == ["n"]
    assert computed("(n IS NULL) OR (n = a * n2)") == ["n"]
    assert computed("(c = 2) = (b IS NOT NULL)") == []
    assert computed("a = a + 1") == []


def test_of_two_equal_columns_the_one_that_is_free_is_computed() -> None:
    assert (computed("a = b"), computed("a = b", fixed=("a",)), computed("a = b", fixed=("a", "b"))) == (
        ["a"],
        ["b"],
        [],
    )


def test_computed_columns_never_go_round_in_circles() -> None:
    result = implied("a = b + 1", "b = c + 1", "c = a - 2")
    assert [c.column for c in result.computable()] == ["b", "a"]


def test_computed_values_keep_the_type_and_fill_only_where_known() -> None:
    (column,) = implied("(n = ((a)::numeric * n2))").computable()
    names = ["a", "n2", "n"]
    data = pa.RecordBatch.from_arrays(
        [pa.array([2, None]), pa.array([Decimal("1.255000000")] * 2, pa.decimal128(38, 9)),
         pa.array([None, Decimal("7.00")], pa.decimal128(38, 2))], names=names,
    )  # fmt: skip
    assert column.compute(data).to_pylist() == [Decimal("2.51"), Decimal("7.00")]
    assert column.compute(data).type == pa.decimal128(38, 2)


def strict_table(*texts: str) -> Table:
    columns = table().columns
    return Table(
        TableName("public", "samples"),
        tuple(Column(c.name, c.type, c.declared, nullable=False) for c in columns),
        checks=tuple(Check(f"check_{i}", t) for i, t in enumerate(texts)),
    )


@pytest.mark.parametrize(
    "texts",
    [("a > 5 AND a < 3",), ("a > 5", "a < 3"), ("a IN (1, 2)", "a > 2"), ("a IN (1, 2)", "a = 3"), ("x IS NULL",),
     ("length(x) > 5", "length(x) < 5"), ("g", "NOT g"), ("y = 'far too long for the column'",), ("1 = 2",)],
)  # fmt: skip
def test_contradictions_are_found_before_anything_runs(texts: tuple[str, ...]) -> None:
    checked = strict_table(*texts)
    message = contradiction(parse_checks(checked, "postgres"), checked, NOW)
    assert message is not None
    assert "public.samples" in message
    assert "check_0" in message


def test_null_resolves_a_contradiction_of_a_nullable_column() -> None:
    result, checked = implied("a > 5", "a < 3"), table("a > 5", "a < 3")
    assert contradiction(parse_checks(checked, "postgres"), checked, NOW) is None
    assert (result.always_null, dict(result.low)) == ({"a"}, {})


def test_no_row_that_passes_lies_outside_what_is_implied() -> None:
    data = batch(rows(300, seed=3))
    for text in (*TEXT_CHECKS, *SCHEMA_CHECKS):
        checked = table(text)
        (check,) = parse_checks(checked, "postgres")
        result = implications([check], checked, NOW)
        passing = data.filter(pa.array(~check.violations(data, NOW)))
        for name in check.columns:
            values = passing.column(name).drop_null()
            if name in result.low:
                assert all(v >= result.low[name] for v in _numbers(values)), text
            if name in result.high:
                assert all(v <= result.high[name] for v in _numbers(values)), text
            if name in result.allowed:
                listed = {v.rstrip() if isinstance(v, str) else v for v in values.to_pylist()}
                assert not pa.types.is_string(values.type) or listed <= set(result.allowed[name]), text
            if name in result.always_null:
                assert len(values) == 0, text
            for ordered in result.ordered:
                first, second = (passing.column(c) for c in (ordered.first, ordered.second))
                wrong = (pc.greater_equal if ordered.strict else pc.greater)(first, second)
                assert not pc.any(wrong).as_py(), text


def _numbers(values: pa.Array) -> list[Any]:
    if pa.types.is_date32(values.type):
        return values.view(pa.int32()).to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_timestamp(values.type) or pa.types.is_time64(values.type):
        return values.view(pa.int64()).to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_string(values.type):
        return [None if v is None else Decimal(v) if v != "NaN" else Decimal("Infinity") for v in values.to_pylist()]
    return values.to_pylist()  # type: ignore[no-any-return]
