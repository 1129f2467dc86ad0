"""Labels that are cut stay apart: of two categories it can be seen which is which."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types

from dbsynth.quality.report.charts import bars
from dbsynth.quality.report.distribution import Bars, distribution
from dbsynth.quality.report.text import all_capped, all_fitted, capped, fitted
from dbsynth.schema.model import Column

WORDS = st.text("ab…", min_size=0, max_size=40)


@pytest.mark.parametrize(
    ("texts", "cut"),
    [
        (["short", "a text that is too long"], ["short", "a text tha…"]),
        (["insurance 2019", "insurance 2020"], ["insur… 2019", "insur… 2020"]),
        (["the first kind of a thing", "the other kind of a thing"], ["the first …", "the other …"]),
        (["prefix 1234567890 ending", "prefix 1234567891 ending"], ["pre…0 endi…", "pre…1 endi…"]),
        (["of a length, \x00", "of a length, ␀"], ["of a lengt…", "of a len… 2"]),
        (["same", "same"], ["same", "same"]),
    ],
)
def test_what_tells_them_apart_is_shown(texts: list[str], cut: list[str]) -> None:
    assert all_capped(texts, 11) == cut


@given(st.lists(WORDS, min_size=1, max_size=12), st.integers(4, 30))
def test_different_texts_stay_different(texts: list[str], most: int) -> None:
    found = all_capped(texts, most)
    assert all(len(label) <= most for label in found)
    assert len(set(zip(texts, found, strict=True))) == len(set(texts)) == len(set(found))
    if len({capped(t, most) for t in texts}) == len(set(texts)):
        assert found == [capped(t, most) for t in texts]


@given(st.lists(st.text(max_size=90), min_size=1, max_size=12))
def test_so_do_those_of_pictures(texts: list[str]) -> None:
    found = all_fitted(texts, 84.0)
    assert len(set(found)) == len(set(texts))
    if len({fitted(t, 84.0) for t in texts}) == len(set(texts)):
        assert found == [fitted(t, 84.0) for t in texts]


def test_bars_of_long_categories() -> None:
    names = [
        f"Department of Administrative Affairs and Services, branch {i} of the northern district" for i in range(4)
    ]
    values = pa.array([n for n in names for _ in range(50)])
    drawn = distribution(Column("c", types.Text(), "text"), values, values, 5, personal=False)
    assert isinstance(drawn, Bars)
    assert len(set(drawn.labels)) == 4
    shown = re.findall(r"<text[^>]*>([^<]*…[^<]*)</text>", bars(drawn, "c"))
    assert len(set(shown)) == len(shown) == 4
