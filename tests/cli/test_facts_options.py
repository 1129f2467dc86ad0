"""``[facts]`` of dbsynth.toml, and how a plan shows facts across rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from dbsynth.config import load_config
from dbsynth.console import plan_view
from dbsynth.errors import ConfigError
from dbsynth.pipeline.advice import advise
from dbsynth.pipeline.plan import Plan
from dbsynth.relation.facts import Aggregate, Copy, FactWishes
from dbsynth.schema.model import Schema, TableName

ORDERS, ITEMS = TableName("public", "orders"), TableName("public", "items")
TOTAL = Aggregate(
    ORDERS, "n", ITEMS, "items_order", "count", (), "zero", 0, "orders", "items", rows=1_234, families=400
)  # fmt: skip
PRICE = Copy(
    ITEMS,
    "items_order",
    ORDERS,
    ("a", "b"),
    ("c", "d"),
    "items",
    "orders",
    rows=12,
    families=9,
    share=0.75,
    whole=False,
)


def test_the_section_is_read(written: Callable[[str], Path]) -> None:
    path = written('[facts]\nrefuse = ["orders.*"]\nconfirm = ["a.b = c.d"]\ndeclare = ["a.n = count(b.*)"]\n')
    assert load_config(path).settings.facts.wishes == FactWishes(("orders.*",), ("a.b = c.d",), ("a.n = count(b.*)",))
    assert load_config(written("")).settings.facts.wishes == FactWishes()


def test_a_misspelt_key_is_told(written: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigError, match=r"unknown key facts\.refused") as told:
        load_config(written('[facts]\nrefused = ["x"]\n'))
    assert told.value.hint == "did you mean 'refuse'?"


def test_a_plan_lists_facts_with_their_support() -> None:
    declared = Aggregate(
        ORDERS, "m", ITEMS, "items_order", "count", (), "zero", 0, "orders", "items", rows=0, families=0
    )  # fmt: skip
    plan = Plan(Schema(()), (), {}, "db", "db#dev", facts=(TOTAL, declared), doubtful=(PRICE,))
    training = {"effort": "quick", "train_minutes": None, "device": "cpu", "sample_seed": None}
    text = io.StringIO()
    described = plan.describe() | {"training": training, "advice": [a.describe() for a in advise(plan)]}
    plan_view.show(Console(file=text, width=300, color_system=None), described, verbose=True)
    kept, doubtful = text.getvalue().split("Seen in too few rows")
    assert "n is the number of the rows of items (items_order) (all of 1,234 rows in 400 groups)" in kept
    assert "id: orders.n = count(items.*)" in kept
    assert "(declared)  id: orders.m = count(items.*)" in kept
    assert "a, b are often copied from c, d of orders (items_order)" in doubtful
    assert "id: items(a, b) = orders(c, d)" in doubtful
    assert 'confirm = [\n           "items(a, b) = orders(c, d)",' in kept, "to paste"
    assert "75% of 12 rows in 9 groups" in doubtful
