"""What CHECK texts accept and refuse, and what is not evaluated here and why."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks_corpus import COLUMNS, NAME, batch, rows, table, to_arrow
from checks_texts import TEXT_CHECKS
from sqlalchemy import types as sa

from dbsynth.schema.checks import ParsedCheck, parse_check, parse_checks
from dbsynth.schema.model import Check, Column, Table
from dbsynth.schema.types import arrow_type

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
TYPES: dict[str, Any] = {
    "age": sa.Integer(), "qty": sa.Integer(),
    "price": sa.Numeric(10, 2), "total": sa.Numeric(12, 2), "email": sa.Text(),
    "status": sa.String(20), "code": sa.CHAR(4), "born": sa.Date(), "starts": sa.Date(), "ends": sa.Date(),
    "made": sa.DateTime(timezone=True), "active": sa.Boolean(), "ratio": sa.Double(), "opens": sa.Time(),
}  # fmt: skip
PEOPLE = Table(NAME, tuple(Column(n, t, "?") for n, t in TYPES.items()))


def parsed(text: str) -> ParsedCheck:
    return parse_check(Check("c", text), PEOPLE, "postgres")


def outcome(text: str, row: dict[str, Any]) -> int:
    check = parsed(text)
    assert check.evaluable, check.reason
    one = pa.RecordBatch.from_arrays([_value(row.get(n), arrow_type(t)) for n, t in TYPES.items()], names=list(TYPES))
    return int(check.holds(one, NOW)[0])


def _value(text: str | None, type_: pa.DataType) -> pa.Array:
    if pa.types.is_time64(type_):  # pyarrow does not read it from text
        return pa.array([None if text is None else time.fromisoformat(text)], type=type_)
    return pa.array([text], type=pa.string()).cast(type_)


def validate_check(text: str, ok: dict[str, Any], bad: dict[str, Any], null: dict[str, Any] | None = None) -> None:
    """``ok`` passes as true, ``bad`` is false, ``null`` is neither (and passes). Values are given as text."""
    assert outcome(text, ok) == 1
    assert outcome(text, bad) == 0
    if null is not None:
        assert outcome(text, null) == -1


def test_ranges() -> None:
    validate_check("age BETWEEN 0 AND 150", ok={"age": "3"}, bad={"age": "-1"}, null={})
    validate_check("((age >= 0) AND (age <= 150))", ok={"age": "150"}, bad={"age": "151"}, null={})
    validate_check("(price >= (0)::numeric)", ok={"price": "0.00"}, bad={"price": "-0.01"}, null={})
    validate_check("(ratio >= ('-90'::integer)::double precision)", ok={"ratio": "-90"}, bad={"ratio": "-90.5"})


def test_the_catalogs_lists_of_values() -> None:
    text = "((status)::text = ANY ((ARRAY['OPEN'::character varying, 'PAID'::character varying])::text[]))"
    validate_check(text, ok={"status": "PAID"}, bad={"status": "paid"}, null={})
    validate_check("(upper((code)::text) = ANY (ARRAY['M'::text, 'F'::text]))", ok={"code": "m"}, bad={"code": "x"})
    validate_check("(code = ANY (ARRAY['a'::bpchar, 'b'::bpchar]))", ok={"code": "a   "}, bad={"code": "c"})


def test_between_columns() -> None:
    validate_check(
        "((ends >= starts) OR (ends IS NULL))",
        ok={"starts": "2020-01-01"},
        bad={"starts": "2020-01-02", "ends": "2020-01-01"},
    )
    validate_check(
        "(active OR (qty = 0))", ok={"qty": "0"}, bad={"active": "false", "qty": "1"}, null={"active": "false"}
    )
    validate_check("((qty = 2) = (email IS NOT NULL))", ok={"qty": "1"}, bad={"qty": "2"}, null={})
    validate_check(
        "(total = ((qty)::numeric * price))",
        ok={"total": "3", "qty": "2", "price": "1.5"},
        bad={"total": "3", "qty": "1", "price": "1.5"},
    )
    validate_check("num_nonnulls(email, status) = 1", ok={"email": "x"}, bad={})


def test_moments() -> None:
    validate_check("(born <= (now() - '18 years'::interval))", ok={"born": "2006-06-01"}, bad={"born": "2006-06-02"})
    validate_check(
        "((qty)::numeric = EXTRACT(isodow FROM born))",
        ok={"qty": "7", "born": "2024-06-02"},
        bad={"qty": "1", "born": "2024-06-02"},
    )
    validate_check(
        "made <= CURRENT_TIMESTAMP", ok={"made": "2024-06-01T12:00:00Z"}, bad={"made": "2024-06-01T12:00:00.000001Z"}
    )
    validate_check(
        "((opens >= '08:00:00'::time without time zone))", ok={"opens": "08:00:00"}, bad={"opens": "07:59:59"}
    )


def test_patterns() -> None:
    validate_check("(email ~~ '%@%'::text)", ok={"email": "a@b"}, bad={"email": "ab"}, null={})
    validate_check(
        r"(email ~ '^[^@]+@[^@]+\.[[:alpha:]]{2,}$'::text)", ok={"email": "a@b.de"}, bad={"email": "a@b.de\n"}
    )
    validate_check("(char_length(btrim(email)) > 0)", ok={"email": " x"}, bad={"email": "  "})


def test_an_old_servers_position_reads_its_arguments_in_order() -> None:
    validate_check("(\"position\"(email, '@'::text) > 1)", ok={"email": "a@b"}, bad={"email": "ab"})


def test_division_by_zero_is_a_violation_unless_guarded() -> None:
    validate_check("age / qty > 1", ok={"age": "4", "qty": "2"}, bad={"age": "4", "qty": "0"})
    validate_check("(qty = 0) OR (age / qty > 1)", ok={"age": "4", "qty": "0"}, bad={"age": "2", "qty": "2"})


def test_decimals_are_exact() -> None:
    wide = Table(NAME, (Column("n", sa.Numeric(38, 10), "numeric(38,10)"),))
    check = parse_check(Check("c", "n > 9007199254740993.0000000001"), wide, "postgres")
    values = pa.array(["9007199254740993.0000000001", "9007199254740993.0000000002"]).cast(pa.decimal128(38, 10))
    assert check.holds(pa.RecordBatch.from_arrays([values], names=["n"]), NOW).tolist() == [0, 1]


def test_a_slice_of_a_batch_reads_its_own_rows() -> None:
    check = parse_check(Check("c", "price > 1"), PEOPLE, "postgres")
    prices = pa.array(["0.50", "1.50", None, "2.50"]).cast(pa.decimal128(38, 2))
    assert check.holds(pa.RecordBatch.from_arrays([prices], names=["price"]).slice(1, 2), NOW).tolist() == [1, -1]


def test_a_table_of_several_chunks_and_an_empty_one() -> None:
    check = parse_check(Check("c", "a > 0 AND x <> ''"), table(), "postgres")
    one = batch(rows(20))
    assert check.holds(pa.Table.from_batches([one, one]), NOW).tolist() == check.holds(one, NOW).tolist() * 2
    assert check.holds(one.slice(0, 0), NOW).tolist() == []


def test_a_long_batch_is_evaluated_as_a_short_one() -> None:
    one = batch(rows())
    many = pa.Table.from_batches([one] * 8)
    for text in TEXT_CHECKS:
        check = parse_check(Check("c", text), table(), "postgres")
        assert check.holds(many, NOW).tolist() == check.holds(one, NOW).tolist() * 8, text


def test_text_that_is_no_value_of_its_column_is_a_violation_not_a_crash() -> None:
    broken = {"arr": "{1", "i": "soon", "u": "ten", "geo": "(1)", "j": "{", "rng": "1-5"}
    texts = [
        "cardinality(arr) >= 0",
        "i > '1 day'",
        "u > 1",
        "(geo).longitude > 1",
        "jsonb_typeof(j) = 'object'",
        "isempty(rng)",
    ]
    for (name, value), text in zip(broken.items(), texts, strict=True):
        check = parse_check(Check("c", text), table(), "postgres")
        one = pa.RecordBatch.from_arrays([pa.array([value, None])], names=[name])
        assert check.holds(one, NOW).tolist() == [0, -1], text


def test_a_generated_column_is_read_through_its_expression() -> None:
    columns = (Column("a", sa.Integer(), "integer"), Column("b", sa.Integer(), "integer", generated="(a * 2)"))
    check = parse_check(Check("c", "(b > 10)"), Table(NAME, columns), "postgres")
    assert check.columns == ("a",)
    assert check.holds(pa.RecordBatch.from_arrays([pa.array([5, 6])], names=["a"]), NOW).tolist() == [0, 1]


def test_a_check_that_is_not_enforced_is_left_out() -> None:
    held = Table(NAME, PEOPLE.columns, checks=(Check("a", "age > 0"), Check("b", "age > 1", enforced=False)))
    assert [p.check.name for p in parse_checks(held, "postgres")] == ["a"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("is_valid(email)", "the function is_valid"),
        ("public.is_valid(email)", "is_valid"),
        ("(email)::public.address IS NOT NULL", "the type public.address"),
        ("nowhere > 1", "the column nowhere"),
        ("email > 1", "a comparison of text with int"),
        ("qty", "int where a boolean is needed"),
        ("email ~ status", "not constant"),
        ("email ~ '***:a'", "director"),
        ("(email COLLATE \"de_DE\") > 'a'", "the collation de_DE"),
        ("made AT TIME ZONE 'Europe/Berlin' > '2020-01-01'", "Europe/Berlin"),
        ("to_char(born, 'Day') = 'Monday'", "to_char with"),
        ("current_user = 'x'", "CurrentUser"),
        ("sqrt(price) > 1", "sqrt of numeric"),
        ("EXTRACT(hour FROM born) > 1", "EXTRACT(hour FROM date)"),
        ("length(email, status) > 1", "LENGTH(email, status)"),
        ("jsonb_typeof(email, status) = 'a'", "arguments"),
    ],
)
def test_what_is_not_evaluated_says_so_when_parsed(text: str, reason: str) -> None:
    check = parsed(text)
    assert not check.evaluable
    assert reason in check.reason


def test_what_does_not_parse_keeps_its_columns_and_a_reason() -> None:
    check = parse_check(Check("c", "age >", columns=("age",)), PEOPLE, "postgres")
    assert (check.evaluable, check.columns, check.tree) == (False, ("age",), None)
    assert check.reason.startswith("not parsed")


def test_every_kind_of_column_reads_back_as_null_or_not() -> None:
    values = rows(30)
    data = pa.RecordBatch.from_arrays([to_arrow(n, v) for n, v in values.items()], names=list(values))
    for name in COLUMNS:
        if name == "geo":  # a composite is null where all its fields are: refused
            continue
        check = parse_check(Check("c", f"({name} IS NULL)"), table(), "postgres")
        assert np.array_equal(check.holds(data, NOW) == 1, [v is None for v in values[name]]), name


def test_a_check_of_many_different_texts() -> None:
    # more than are worth collecting first (values.REPEATED), no two of them equal
    check = parse_check(Check("c", "code LIKE 'k%'"), Table(NAME, (Column("code", sa.Text(), "text"),)), "postgres")
    texts = [f"k{i}" for i in range(1500)] + ["other", None]
    assert check.holds(pa.RecordBatch.from_pydict({"code": texts}), NOW).tolist() == [1] * 1500 + [0, -1]
