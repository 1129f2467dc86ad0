"""Single values that made rows have and real ones have not: what is found, and what chance may do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dbsynth.quality.oddities import MORE_CATEGORY, MORE_NUMBER, beyond, drawn, heaped, never_null, repeated

RNG = np.random.default_rng(0)
REAL = RNG.normal(100.0, 10.0, 1_000)
CATEGORIES = RNG.integers(0, 20, 1_000)


def test_a_new_value_in_a_tenth_of_the_rows_is_found() -> None:
    made = RNG.normal(100.0, 10.0, 1_000)
    assert heaped(REAL, made, MORE_NUMBER) is None
    made[::10] = 100.0
    found = heaped(REAL, made, MORE_NUMBER)
    assert found is not None
    assert found.says == "10% of the rows have one value that 0.0% of the source's have"


def test_a_category_that_takes_from_others_is_found() -> None:
    made = RNG.integers(0, 20, 1_000)
    assert heaped(CATEGORIES, made, MORE_CATEGORY) is None
    made[::5] = 3
    assert heaped(CATEGORIES, made, MORE_CATEGORY) is not None


def test_what_is_copied_from_a_parent_is_drawn_once_a_family() -> None:
    """One product in eight order lines of a hundred: its price is in as many."""
    product = np.where(np.arange(1_000) % 100 < 8, 0, 1 + np.arange(1_000) % 90)
    lines = pa.table({"product": product})
    assert drawn(REAL, lines, ()) == drawn(REAL, lines, ("sold",)) == 1_000
    assert 40 < drawn(REAL, lines, ("product",)) < 90
    assert drawn(np.where(product, np.nan, REAL), lines, ("product",)) == 1
    made = RNG.normal(100.0, 10.0, 91)[product]
    assert heaped(REAL, made, MORE_NUMBER, draws=(1_000, 1_000)) is not None
    draws = drawn(REAL, lines, ("product",)), drawn(made, lines, ("product",))
    assert heaped(REAL, made, MORE_NUMBER, draws=draws) is None
    made[::2] = 100.0
    assert heaped(REAL, made, MORE_NUMBER, draws=draws) is not None


def test_what_lies_far_outside_is_found_and_what_lies_near_is_not() -> None:
    made = RNG.normal(100.0, 10.0, 1_000)
    made[:20] = REAL.max() + 5.0
    assert beyond(REAL, made, moment=False) is None
    made[:10] = 1e6
    assert beyond(REAL, made, moment=False) is None
    made[:11] = 1e6
    assert beyond(REAL, made, moment=False) is not None


def test_a_sign_counts_of_numbers_and_not_of_moments() -> None:
    made = np.where(np.arange(1_000) % 50 == 0, -1.0, 100.0)
    assert beyond(REAL, made, moment=False) is not None
    assert beyond(np.abs(REAL), made, moment=True) is None
    assert beyond(np.full(100, 1.0), made, moment=False) is None  # of a constant nothing tells what is far


def test_null_where_the_source_never_is() -> None:
    some = np.arange(1_000) % 50 == 0
    none = np.zeros(1_000, bool)
    assert never_null(none, some) == ("null in 20 of 1,000 rows, and in none of the source", 2.0)
    assert never_null(some, some) is None
    assert never_null(none, np.arange(1_000) % 200 == 0) is None
    assert never_null(none[:50], some[:50]) is None


def test_a_made_text_that_stands_in_many_rows_is_found() -> None:
    real = pa.array([f"text {i}" for i in range(500)])
    assert repeated(real, pa.array([f"other {i}" for i in range(500)])) is None
    assert repeated(real, pa.array([f"other {i if i % 4 else 0}" for i in range(500)])) is not None
    assert repeated(real[:50], pa.array(["x"] * 50)) is None
