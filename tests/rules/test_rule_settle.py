"""Every kind of rule makes itself hold in any rows, leaves those in which it holds as they are, and does it once."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.relation.facts import Factor
from dbsynth.relation.families import same
from dbsynth.rules.arithmetic import Formula, Term
from dbsynth.rules.compose import composed, in_order
from dbsynth.rules.dates import DatePart
from dbsynth.rules.determined import Combination, Determined
from dbsynth.rules.order import AtLeast
from dbsynth.rules.presence import OneOf, Present
from dbsynth.rules.rule import Rule
from dbsynth.rules.texts import Joined, Piece, formed
from dbsynth.rules.view import DAY
from dbsynth.schema.model import TableName

T = TableName("s", "we;ird")
DAYS = st.dates(min_value=date(1600, 1, 1))
COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "a": (pa.int64(), st.integers(-10_000, 10_000)),
    "b": (pa.decimal128(12, 2), st.decimals(-10_000, 10_000, places=2)),
    "c": (pa.decimal128(18, 2), st.decimals(-10_000, 10_000, places=2)),
    "d": (pa.float64(), st.floats(-1e6, 1e6)),
    "e": (pa.float64(), st.floats(-1e6, 1e6)),
    "kind": (pa.string(), st.sampled_from(["x", "y", "z"])),
    "mode": (pa.string(), st.sampled_from(["on", "off", "⌀"])),
    "text": (pa.string(), st.text(max_size=12)),
    "other": (pa.string(), st.text(max_size=12)),
    "from": (pa.date32(), DAYS),
    "until": (pa.date32(), DAYS),
    "part": (pa.int64(), st.integers(0, 3000)),
    "yes": (pa.bool_(), st.booleans()),
    "no": (pa.int64(), st.integers(0, 1)),
    "maybe": (pa.bool_(), st.booleans()),
}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, pa.Array]:
    n = draw(st.integers(0, 12))
    return {
        name: pa.array(draw(st.lists(st.none() | values, min_size=n, max_size=n)), type_)
        for name, (type_, values) in COLUMNS.items()
    }


def common(column: str, share: float = 1.0) -> tuple[Any, ...]:
    return (f"t.{column} = it", T, column, 100, 10, share, False)


PAIRS = pa.table({"kind": ["x", "y"], "mode": ["on", "off"]})
NONE = PAIRS.slice(0, 0).rename_columns(["text", "other"])
COUNTED = pa.table({"kind": ["x", "x", "y"], "mode": ["on", "off", "off"], "#": pa.array([9, 1, 5], pa.int64())})
RULES: dict[str, Rule] = {
    "formula": Formula(
        *common("c"), (Term((Factor("a"), Factor("b"))), Term((Factor("b"),), "-0.5")), "1.25", None, 1, 2, False, True
    ),
    "quotient": Formula(*common("e"), (Term((Factor("d"),)),), "0", "a", 1, None, False, False),
    "span": Formula(
        *common("a"), (Term((Factor("until"),)), Term((Factor("from"),), "-1")), "0", None, DAY, 0, True, True
    ),
    "part": DatePart(*common("part"), "from", "ISO day of week", True),
    "text": Joined(*common("other"), (Piece("text", "slug"), Piece("/"), Piece("kind", "upper")), True),
    "determined": Determined(*common("mode"), ("kind",), PAIRS),
    "determined by made values": Determined(*common("other"), ("text",), NONE),
    "combination": Combination(*common("mode"), "kind", COUNTED),
    "order": AtLeast(*common("until"), ("from",)),
    "order of numbers": AtLeast(*common("c"), ("b", "a")),
    "null": Present(*common("until"), "null", "kind", "value", ("x",), ()),
    "zero": Present(*common("d"), "zero", "a", "sign", ("0", "-1"), ()),
    "one of": OneOf(*common("a"), ("text", "until"), False),
    "one flag": OneOf(*common("yes"), ("no", "maybe"), True),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=40)
@given(columns=rows())
def test_a_rule_makes_itself_hold(name: str, columns: dict[str, pa.Array]) -> None:
    rule = RULES[name]
    settled = rule.settle(columns)
    assert set(settled) == set(rule.columns)
    assert all(array.type == columns[c].type for c, array in settled.items())
    after = columns | settled
    if (
        not name.startswith("one") or not rule.broken(columns).all()
    ):  # of rows none of which is right there is nothing to take
        assert not rule.broken(after).any()
    right = ~rule.broken(columns)
    for c, array in settled.items():
        assert same(array, columns[c])[right].all()


@settings(max_examples=40)
@given(columns=rows(), share=st.floats(0, 1))
def test_exceptions_stay_as_many_as_there_may_be(columns: dict[str, pa.Array], share: float) -> None:
    rule = AtLeast(*common("until", share), ("from",))
    before, allowed = rule.broken(columns), int((1 - share) * len(columns["from"]))
    if share == 1:
        allowed = 0
    after = columns | rule.kept_by(columns)
    assert rule.broken(after).sum() == min(before.sum(), allowed)
    assert not (rule.broken(after) & ~before).any()


def test_a_row_that_has_to_have_a_value_gets_that_of_a_like_one() -> None:
    rule = Present(*common("until"), "null", "kind", "value", ("x",), ("y", "z"))
    columns = {
        "kind": pa.array(["x", "y", "y", "z", "z"]),
        "until": pa.array(["a", None, "of y", "of z", None]),
    }
    assert rule.settle(columns)["until"].to_pylist() == [None, "of y", "of y", "of z", "of z"]
    assert rule.settle({c: v.slice(1, 1) for c, v in columns.items()})["until"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("form", "text", "told"),
    [
        ("slug", "Ein  neuer_Anfang!", "ein-neuer-anfang"),
        ("initials", "Ada de la Cruz", "ADLC"),
        ("left 3", "αβγδ", "αβγ"),
        ("right 2", "αβγδ", "γδ"),
        ("pad 5", "42", "00042"),
        ("domain", "a@b@c.example", "c.example"),
        ("domain", "nobody", None),
        ("md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
        ("length", "añ", "2"),
    ],
)
def test_forms_of_texts(form: str, text: str, told: str | None) -> None:
    assert formed(form, pa.array([text, None])).to_pylist() == [told, None]


def test_rules_stand_in_the_order_in_which_they_read_each_other() -> None:
    total = Formula(*common("c"), (Term((Factor("b"), Factor("a"))),), "0", None, 1, 2, False, True)
    back = Formula(*common("b"), (Term((Factor("c"),)),), "0", "a", 1, 2, False, True)
    first = Formula(*common("b"), (Term((Factor("a"),), "2"),), "0", None, 1, 2, False, True)
    assert composed([back, total]) == [total]
    assert in_order(composed([total, first])) == [first, total]
    there = Present(*common("until"), "null", "kind", "value", ("x",), ())
    assert composed([AtLeast(*common("until"), ("from",)), there])[0] == there


def test_what_no_row_can_be_is_not_told_of_an_empty_table() -> None:
    empty = {name: pa.array([], type_) for name, (type_, _) in COLUMNS.items()}
    for rule in RULES.values():
        assert all(len(array) == 0 for array in rule.settle(empty).values())
        assert np.array_equal(rule.broken(empty), np.zeros(0, bool))
