"""Arrays, composites, ranges, hstore and XML: read and written again they are what they were, and what is made is as
they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types
from sqlalchemy.types import TypeEngine

from dbsynth.schema.arrays import literal_of, values_of
from dbsynth.schema.types import Structured
from dbsynth.values import fit_noted
from dbsynth.values.notations import ArrayText, HstoreText, Notation, RangeText, notation_of
from dbsynth.values.scalars import NO_DOCUMENT, loads
from dbsynth.values.xmltext import XmlText, is_xml

K = 5
PAIR = Structured("pair", "composite", fields=(("x", types.Integer()), ("y", types.Text()), ("ok", types.Boolean())))


def drawn(notation: Notation, texts: Sequence[str], type_: TypeEngine[object], count: int = 1000) -> list[str]:
    return fit_noted(notation, texts, type_, "column", K, 1).draw(count, np.random.default_rng(1))


def array(type_: TypeEngine[object], texts: Sequence[str], count: int = 1000) -> list[str]:
    return drawn(ArrayText(type_), texts, types.ARRAY(type_), count)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (types.ARRAY(types.Text()), '{a,"b c","NULL",NULL,"","\\"","\\\\"}'),
        (types.ARRAY(types.Integer()), "{{1,2},{3,NULL}}"),
        (types.ARRAY(types.Numeric()), "{1.50,NaN,-3}"),
        (types.ARRAY(types.Boolean()), "{t,f,NULL}"),
        (types.ARRAY(types.JSON()), '{"{\\"a\\": [1, 2.50]}",[]}'),
        (types.ARRAY(PAIR), '{"(1,\\"a,b\\",t)",NULL}'),
        (PAIR, '(1,"a ""b"" \\\\ c",t)'),
        (PAIR, "(,,)"),
        (Structured("hstore", "hstore"), '"a"=>"1", "k \\" y"=>NULL'),
        (Structured("int4range", "range"), "[1,5)"),
        (Structured("numrange", "range"), "(1.50,2.25]"),
        (Structured("daterange", "range"), "[2024-02-28,2024-03-01)"),
        (Structured("tsrange", "range"), '["2024-02-28 23:59:59.5","2024-03-01 00:00:00")'),
        (Structured("tstzrange", "range"), '["2024-02-28 00:00:00+00",)'),
        (Structured("int4range", "range"), "(,)"),
        (Structured("int4range", "range"), "(,7]"),
        (Structured("int4range", "range"), "empty"),
    ],
)
def test_what_is_read_is_written_as_it_was(type_: TypeEngine[object], text: str) -> None:
    notation = notation_of(type_)
    assert notation is not None
    assert notation.write(notation.parse(text)) == text


@given(st.lists(st.none() | st.text(), max_size=6))
def test_arrays_of_any_text(values: list[str | None]) -> None:
    notation = ArrayText(types.Text())
    text = literal_of(values)
    assert values_of(notation.write(notation.parse(text)), types.Text()) == values


@given(st.dictionaries(st.text(), st.none() | st.text(), max_size=5))
def test_hstore_of_any_text(value: dict[str, str | None]) -> None:
    assert HstoreText().parse(HstoreText().write(value)) == value


@pytest.mark.parametrize("text", ["[0044-03-15 BC,)", "x", "[a,b]", "[2024-02-31,)"])
def test_what_no_range_is_read_from(text: str) -> None:
    assert RangeText().parse(text) is NO_DOCUMENT


def test_two_dimensions_stay_two_dimensions() -> None:
    made = array(types.Integer(), [literal_of([[i, i + 1, 7], [2, 3, i % 5]]) for i in range(200)] + ["{}"] * 50)
    found = [values_of(v, types.Integer()) for v in made]
    assert {(len(v), *map(len, v)) for v in found} == {(2, 3, 3), (0,)}
    assert abs(sum(not v for v in found) - 200) <= 20


def test_lengths_and_nulls_of_arrays_are_as_frequent_as_in_the_source() -> None:
    source = ["{" + ",".join("NULL" if (i + j) % 9 == 0 else f"w{j}" for j in range(i % 4)) + "}" for i in range(900)]
    sides = [[values_of(v, types.Text()) for v in side] for side in (source, array(types.Text(), source, 900))]
    sizes = [np.bincount([len(v) for v in side], minlength=4) / 900 for side in sides]
    assert np.abs(sizes[0] - sizes[1]).max() < 0.02
    nulls = [np.mean([m is None for v in side for m in v]) for side in sides]
    assert abs(nulls[0] - nulls[1]) < 0.02


def test_a_member_that_few_arrays_have_does_not_come_out() -> None:
    source = ["{red,green}", "{green}", "{blue,red}"] * 100 + ["{secret}"]
    assert "secret" not in "".join(array(types.Text(), source))


def test_ranges_keep_their_bounds_and_never_run_backwards() -> None:
    source = [f"[{i},{i + i % 7})" for i in range(1, 600)] + ["empty"] * 100 + [f"(,{i})" for i in range(100)]
    made = drawn(RangeText(), source, Structured("int4range", "range", element=types.Integer()), 799)
    ends = [m.groups() for v in made if (m := re.fullmatch(r"\[(\d+),(\d+)\)", v))]
    assert all(int(low) <= int(high) for low, high in ends)
    assert max(int(high) - int(low) for low, high in ends) <= 6
    kinds = [Counter(re.sub(r"-?\d+", "#", v) for v in side) for side in (source, made)]
    assert kinds[0].keys() == kinds[1].keys()
    assert max(abs(kinds[0][key] - kinds[1][key]) for key in kinds[0]) <= 16


def test_fields_of_composites_are_of_their_types_and_null_together() -> None:
    source = [f"({i % 9},v{i % 3},{'tf'[i % 2]})" if i % 4 else "(,,)" for i in range(400)]
    made = [PAIR_TEXT.parse(v) for v in drawn(PAIR_TEXT, source, PAIR, 400)]
    assert {type(v["x"]) for v in made} == {int, type(None)}
    assert {v["y"] for v in made} == {"v0", "v1", "v2", None}
    empty = [v for v in made if v["x"] is None]
    assert all(v == {"x": None, "y": None, "ok": None} for v in empty)
    assert abs(len(empty) - 100) <= 8


PAIR_TEXT = notation_of(PAIR) or HstoreText()


def survey(i: int) -> str:
    yes = f"<Brands>{'AW' if i % 3 else '2'}</Brands>" if i % 5 else ""
    lines = "".join(f'<Line no="{j + 1}">{j * 1.5 + i % 7:.2f}</Line>' for j in range(1 + i % 3))
    head = f'<Survey xmlns="urn:survey" id="{i}"><Annual>{i * 1000 + 300}</Annual>'
    return f"{head}{yes}<Lines>{lines}</Lines><Note>person number {i} said so</Note></Survey>"


def test_xml_keeps_elements_attributes_names_spaces_and_numbers() -> None:
    source = [survey(i) for i in range(600)]
    assert is_xml(source)
    roots = [ElementTree.fromstring(v) for v in drawn(XmlText.of(source), source, types.Text(), 600)]
    assert {r.tag for r in roots} == {"{urn:survey}Survey"}
    assert not {e.text for r in roots for e in r.iter("{urn:survey}Note")} & {
        f"person number {i} said so" for i in range(600)
    }
    lines = [e for r in roots for e in r.iter("{urn:survey}Line")]
    assert all(re.fullmatch(r"\d+\.\d\d", e.text or "") and e.get("no") in ("1", "2", "3") for e in lines)
    assert all(re.fullmatch(r"\d+", r[0].text or "") for r in roots)
    brands = Counter(len(list(r.iter("{urn:survey}Brands"))) for r in roots)
    assert abs(brands[0] - 120) <= 12
    assert set(Counter(len(list(r.iter("{urn:survey}Line"))) for r in roots)) == {1, 2, 3}


def test_xml_is_written_as_it_was_read() -> None:
    text = '<a xmlns="urn:x" k="&quot;1&quot;"><b/><c>&lt;&amp;</c><d>1.50</d><d>2</d></a>'
    notation = XmlText.of([text])
    assert notation.write(notation.parse(text)) == text.replace('k="&quot;1&quot;"', "k='\"1\"'")


def test_marked_up_text_is_no_xml_document() -> None:
    assert not is_xml(["<p>some text</p>"] * 10)
    assert loads('{"a": 1}') == {"a": 1}
