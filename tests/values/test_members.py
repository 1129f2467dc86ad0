"""Members of arrays and ranges of multiranges are of their type, whatever it is."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sqlalchemy import types
from sqlalchemy.types import TypeEngine

from dbsynth.rng import generator
from dbsynth.values import fit_noted
from dbsynth.values.members import Multiranges
from dbsynth.values.notations import ArrayText

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.mark.parametrize(
    ("type_", "texts", "pattern"),
    [
        (types.Uuid(), ["{00000000-0000-4000-8000-000000000001}"], rf"\{{{UUID}\}}"),
        (types.Enum("sad", "ok"), ["{sad}", "{ok}"], r"\{(sad|ok)\}"),
        (types.Boolean(), ["{t}", "{f}"], r"\{[tf]\}"),
        (types.Date(), ["{2020-01-01}", "{2020-03-01}", "{infinity}"], r"\{2020-0[123]-\d\d\}"),
        (types.DateTime(), ['{"2020-01-01 10:00:00"}'], r'\{"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"\}'),
        (types.Integer(), ["{1}", "{3}"], r"\{[123]\}"),
        (types.Numeric(), ["{1.5}", "{NaN}"], r"\{([12]\.\d|NaN)\}"),
        (types.Time(), ["{10:00:00}"], r"\{12:00:00\}"),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, TypeEngine) else None,
)
def test_members_are_of_their_type(type_: TypeEngine[object], texts: list[str], pattern: str) -> None:
    rng = generator(1, "members")
    made = fit_noted(ArrayText(type_), texts, types.ARRAY(type_), "a", 5, 1).draw(50, rng)
    assert [m for m in made if not re.fullmatch(pattern, m)] == []


def test_nulls_stay_nulls_and_the_word_stays_a_word() -> None:
    rng = generator(1, "nulls")
    type_ = types.ARRAY(types.Text())
    made = fit_noted(ArrayText(type_.item_type), ['{NULL,"NULL"}'] * 40, type_, "a", 5, 1).draw(100, rng)
    members = {m for text in made for m in text[1:-1].split(",")}
    assert members == {"NULL", '"NULL"'}


def test_lower_ends_of_multiranges_come_first() -> None:
    texts = [f"{{[{i},{i + 2}),[{1000 - i},{1010 - i}]}}" for i in range(100)] + ["{}"]
    assert Multiranges.fits(texts)
    assert not Multiranges.fits(["{1,2}"])
    found = [
        tuple(map(int, ends))
        for text in Multiranges(texts, 5).draw(200, np.random.default_rng(1))
        for ends in re.findall(r"[\[(](-?\d+),(-?\d+)[\])]", text)
    ]
    assert len(found) > 100
    assert all(low <= high for low, high in found)
