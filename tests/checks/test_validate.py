"""What is told of a single CHECK."""

from __future__ import annotations

import pytest
from by_construction import NOW
from checks_corpus import table
from checks_schemas import DATABASE_CHECKS, SCHEMA_CHECKS
from checks_texts import TEXT_CHECKS

from dbsynth.schema.checks import validate_check
from dbsynth.schema.validate import DATABASE, HERE, UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "implied"),
    [
        ("a > 0 AND a < 10", ("a ≥ 1", "a ≤ 9")),
        ("d <= now() - '18 years'::interval", ("d ≤ 2006-06-01",)),
        ("y IN ('A', 'B')", ("y ∈ {'A', 'B'}",)),
        ("(p <= e) AND (x IS NOT NULL)", ("x is not null", "p ≤ e")),
        ("n = a * n2", ("n is computed from a, n2",)),
        ("x LIKE 'a%'", (r"x matches \Aa[\s\S]*\Z",)),
        ("length(y) > 2", ("length of y ≥ 3",)),
        ("a > 1 OR g", ()),
    ],
)
def test_what_is_implied(text: str, implied: tuple[str, ...]) -> None:
    report = validate_check(text, table(), "postgres", NOW)
    assert (report.parsed, report.evaluated, report.implied) == (True, HERE, implied)


@pytest.mark.parametrize(
    ("text", "evaluated", "word"),
    [
        ("public.fits(x)", DATABASE, "fits"),
        ("j @? '$.a'", DATABASE, "JSONBPathExists"),
        ("x ~ a::text", DATABASE, "not constant"),
        ("(SELECT 1) > 0", UNSUPPORTED, "SELECT 1"),
        ("count(*) > 1", UNSUPPORTED, "COUNT"),
        ("nosuch > 1", UNSUPPORTED, "nosuch"),
        ("(a > 1", UNSUPPORTED, ""),
        ("x = 'open", UNSUPPORTED, ""),
    ],
)
def test_what_cannot_be_evaluated_here(text: str, evaluated: str, word: str) -> None:
    report = validate_check(text, table(), "postgres", NOW)
    assert report.evaluated == evaluated
    assert word in report.reason
    assert text in str(report)


def test_the_whole_corpus_is_evaluated_here() -> None:
    reports = [validate_check(text, table(), "postgres", NOW) for text in (*TEXT_CHECKS, *SCHEMA_CHECKS)]
    assert [str(r) for r in reports if not (r.parsed and r.evaluated == HERE)] == []


def test_what_is_left_to_the_database() -> None:
    reports = [validate_check(text, table(), "postgres", NOW) for text in DATABASE_CHECKS]
    assert [r.evaluated for r in reports] == [DATABASE] * len(DATABASE_CHECKS)
    assert all(r.reason for r in reports)
