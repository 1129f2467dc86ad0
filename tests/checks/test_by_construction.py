"""CHECKs met by what they say: rows drawn from bounds and lists of single columns, and completed backwards from there.

A CHECK counts where it is true of all of 500 such rows before anything is redrawn or repaired; null, which lets it pass
as well, does not count where columns cannot be null.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from by_construction import NOW, ROWS, constructed, drawn_from_domains, of
from checks_schemas import SCHEMA_CHECKS
from checks_texts import TEXT_CHECKS
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.schema.checks import implications, parse_checks
from dbsynth.schema.repair import construct
from dbsynth.schema.satisfy import regexes

SHARE = 0.9
IMPOSSIBLE = {"r = 0.1", "k LIKE 'a'", "k ~ '^a$'", "NULL::boolean"}
"""No value meets them: a real is never 0.1, a char(3) never as short as 'a'."""


def test_nine_of_ten_checks_are_met_by_construction() -> None:
    texts = [t for t in (*TEXT_CHECKS, *SCHEMA_CHECKS) if t not in IMPOSSIBLE]
    missed = [t for t in texts if not constructed(t)]
    assert len(texts) >= 500
    assert len(missed) <= (1 - SHARE) * len(texts), missed


@pytest.mark.parametrize(
    "texts",
    [
        ("d < p", "p <= d + 30"),
        ("a + b <= c", "a >= 0", "b >= 0"),
        ("a + b <= 10", "a >= 6", "b >= 4"),
        ("b = a * c", "a BETWEEN 1 AND 5", "c > 0", "b <= 6"),
        ("a % 5 = 0", "a > 0"),
        ("num_nonnulls(a, b, x) = 1",),
        ("(g AND a > 1) OR (h AND b > 1)", "NOT (g AND h)"),
        ("x ~ '^[A-Z]{2}-[0-9]{4}$'", "length(x) = 7", "left(x, 2) = upper(y)", "length(y) = 2"),
        ("c = EXTRACT(isodow FROM p)", "p >= '2020-01-01'", "c <= 3"),
        ("ts2 <= ts", "EXTRACT(hour FROM ts2) BETWEEN 8 AND 17", "date_trunc('day', ts) = ts OR isfinite(ts)"),
        ("CASE WHEN m = 'ok' THEN a > 0 WHEN m = 'sad' THEN a = 0 ELSE a < 0 END",),
    ],
)
def test_checks_that_share_columns_are_met_together(texts: tuple[str, ...]) -> None:
    assert constructed(*texts)


def test_rows_that_are_valid_stay_and_fixed_columns_too() -> None:
    checked = of("a < b", "x LIKE 'ab%'")
    checks = parse_checks(checked, "postgres")
    implied = implications(checks, checked, NOW)
    rng = np.random.default_rng(3)
    drawn = drawn_from_domains(checked, implied, rng)
    made, bad = construct(drawn, checks, implied, rng, {"a"})
    assert made.column("a").equals(drawn.column("a"))
    assert not bad.any()
    valid = ~np.logical_or.reduce([c.violations(drawn, NOW) for c in checks])
    assert 0 < valid.sum() < ROWS
    for name in made.schema.names:
        kept = [made.column(name)[int(i)].equals(drawn.column(name)[int(i)]) for i in np.flatnonzero(valid)]
        assert all(kept), name


REGEXES = st.recursive(
    st.sampled_from(["a", "b", "7", r"\d", r"\w", "[a-z]", "[^a-z]", "[0-9A-F]", ".", r"\.", "-", "(?:x|yz)"]),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: f"(?:{a}|{b})", inner, inner),
        st.builds(lambda a, n, m: f"(?:{a}){{{n},{n + m}}}", inner, st.integers(0, 3), st.integers(0, 3)),
        st.builds(lambda a, q: f"(?:{a}){q}", inner, st.sampled_from("*+?")),
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(REGEXES, st.integers(0, 10_000))
def test_texts_drawn_from_a_pattern_match_it(pattern: str, seed: int) -> None:
    regex = rf"\A{pattern}\Z"
    texts = regexes.drawn([regex], 20, np.random.default_rng(seed))
    assert all(t is not None and re.search(regex, t) for t in texts)


def test_a_pattern_gives_many_texts_within_length() -> None:
    texts = regexes.drawn([r"\A[A-Z]{3}\d+\Z", r"\A[^0]*\Z"], 500, np.random.default_rng(1), least=5, most=6)
    assert all(t is not None and 5 <= len(t) <= 6 and "0" not in t for t in texts)
    assert len(set(texts)) > 400
