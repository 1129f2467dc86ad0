"""Postcodes, phone numbers and streets are of the city and the country of their row."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from dbsynth.rng import generator
from dbsynth.values.guided import Guided, Often, guided
from dbsynth.values.pattern import Pattern
from tests.values.customers import CITIES, DIAL, Cloned, cloned, customers

ROWS = 3000
SHAPES = {
    "Germany": r"\d{5}",
    "France": r"\d{5}",
    "Poland": r"\d{2}-\d{3}",
    "United Kingdom": r"(E|LS)\d \d[A-Z]{2}",
}


@pytest.fixture(scope="module")
def world() -> Cloned:
    return cloned(customers(ROWS), rows=ROWS)


def test_postcodes_are_those_of_the_city(world: Cloned) -> None:
    rows = world.rows("country", "city", "postcode")
    assert [r for r in rows if not re.fullmatch(SHAPES[r[0]], r[2])] == []
    assert (
        np.mean([code.startswith(CITIES[country][city]) for country, city, code in rows]) > 0.95
    )  # half of what a city has is the source's


def test_phone_numbers_are_of_the_country(world: Cloned) -> None:
    rows = world.rows("country", "phone")
    assert [r for r in rows if not r[1].startswith(DIAL[r[0]])] == []
    known = {p for (p,) in world.real("phone")}
    assert not [p for _, p in rows if p in known]


def test_postcodes_that_few_share_are_none_of_the_sources(world: Cloned) -> None:
    codes = [c for (c,) in world.real("postcode")]
    rare = {c for c in codes if codes.count(c) < 5}
    assert not [c for (c,) in world.rows("postcode") if c in rare]


def test_what_does_not_follow_is_not_made_to() -> None:
    source = customers(ROWS)
    mixed = source.column("phone").take(pa.array(generator(1, "mixed").permutation(ROWS)))
    source = source.set_column(source.column_names.index("phone"), "phone", mixed)
    made = cloned(source, rows=ROWS)
    german = [phone.startswith("+49") for country, phone in made.rows("country", "phone") if country == "Germany"]
    assert np.mean(german) == pytest.approx(0.4, abs=0.06)


def test_groups_of_few_rows_tell_nothing() -> None:
    values = pa.array([f"{i % 4}{i:04}" for i in range(400)])
    few = pa.array([f"g{i // 4 % 100}-{i % 4}" for i in range(400)])
    assert isinstance(guided(values, {"few": few}, 5, 1, lambda own: Pattern.fit(own, 5)), Pattern)
    four = pa.array([f"g{i % 4}" for i in range(400)])
    found = guided(values, {"few": few, "four": four}, 5, 1, lambda own: Pattern.fit(own, 5))
    assert isinstance(found, Guided)
    assert found.columns == ("four",)


def test_a_group_that_is_used_up_takes_of_the_others() -> None:
    """A row of a small group gets a value of the larger one that it is part of."""
    one, larger, rest = (Pattern.fit([letter + "1"] * 9, 5) for letter in "ABC")
    row = {"country": pa.array(["x", "x", None]), "city": pa.array(["a", "b", None])}
    drawer = Guided(("country", "city"), ({"x": 0}, {"a": 1}), (larger, one), rest).beside(row, np.arange(3))
    assert drawer.draw(3, generator(1)) == ["A1", "B1", "C1"]
    assert drawer.again([0], ["A1"], generator(1), 6) == ["B1"]  # type: ignore[attr-defined]


def test_rows_of_a_group_share_values_as_often_as_in_the_source() -> None:
    """Each of three hundred towns has ten rows."""
    rng = generator(1, "towns")
    owners = rng.integers(0, 300, ROWS)
    names = ["".join(rng.choice(list("abdefgilmnorst"), 7)).capitalize() for _ in range(300)]
    source = pa.table(
        {
            "country": [list(DIAL)[i % 4] for i in owners],
            "city": [names[i] for i in owners],
            "street": [f"{names[i]}weg {i}" for i in owners],
        }
    )
    made = cloned(source, rows=ROWS, name="places")
    assert made.roles["street"].kind == "presence"
    streets = [s for (s,) in made.rows("street")]
    assert len(set(streets)) == pytest.approx(300, rel=0.1)
    of = {}
    for country, street in made.rows("country", "street"):
        assert of.setdefault(street, country) == country


def test_countries_of_few_rows_keep_to_their_customs() -> None:
    few = {"Italy": ("0{:04}", "+39 06 {}"), "Sweden": ("1{:02} 5{}", "+46 8 {}"), "Canada": ("K{}A {}B1", "+1 613 {}")}
    source = customers(300).select(["country", "postcode", "phone"])
    rows = [r for r in source.to_pylist() if r["country"] != "United Kingdom"]
    for i in range(8):
        for country, (code, phone) in few.items():
            numbers = (i,) if country == "Italy" else (10 + i, i) if country == "Sweden" else (i, i)
            rows.append({"country": country, "postcode": code.format(*numbers), "phone": phone.format(10**6 + i)})
    made = cloned(pa.Table.from_pylist(rows), rows=ROWS, name="few")
    assert made.roles["country"].kind == "category"
    customs = {
        "Italy": (r"\d{5}", "+39"),
        "Sweden": (r"\d{3} \d\d", "+46"),
        "Canada": (r"[A-Z]\d[A-Z] \d[A-Z]\d", "+1"),
    }
    told = [r for r in made.rows("country", "postcode", "phone") if r[0] in customs]
    assert len(told) > 50
    assert all(re.fullmatch(customs[c][0], code) and phone.startswith(customs[c][1]) for c, code, phone in told)


def test_values_that_k_rows_share_stay_as_often() -> None:
    texts = ["10115"] * 60 + [f"2{i:04}" for i in range(40)]
    drawer = Often.of(texts, 5, lambda own: Pattern.fit(own, 5))
    made = drawer.draw(1000, generator(1))
    assert made.count("10115") == pytest.approx(600, abs=2)
    assert all(m == "10115" or m.startswith("2") for m in made)
