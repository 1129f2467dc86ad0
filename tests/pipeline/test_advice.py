"""What a plan leaves to a person: told when it is so, with lines that dbsynth.toml takes; silent when it is not."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import types as sa

from dbsynth.config import load_config
from dbsynth.dialect import Sample
from dbsynth.pipeline.advice import FEW_ROWS, Advice, advise
from dbsynth.pipeline.plan import ColumnPlan, Kept, Plan, TablePlan
from dbsynth.relation.fills import KeyPlan
from dbsynth.schema.model import Column, ForeignKey, Key, Schema, Table, TableName

HOSTILE = TableName("s", 'we;ird "name"')
KIND = Table(
    HOSTILE,
    (Column("code", sa.Text(), nullable=False, declared="text"), Column("label", sa.Text(), declared="text")),
    primary_key=Key("pk", ("code",), "primary key (code)"),
)
ITEM = Table(
    TableName("s", "item"),
    (
        Column("id", sa.Integer(), nullable=False, declared="integer"),
        Column("kind", sa.Text(), declared="text"),
        Column("note", sa.Text(), declared="text"),
    ),
    primary_key=Key("pk_item", ("id",), "primary key (id)"),
    foreign_keys=(ForeignKey("item_kind", ("kind",), HOSTILE, ("code",)),),
)


def planned(kinds: int = 40, items: int = 2000, kept: int = 30) -> Plan:
    label = ColumnPlan("label", "made", "presence", "label", confidence=0.9, evidence="1 word a value")
    code = ColumnPlan("code", "made", "presence", "code", confidence=0.9, evidence="3 characters")
    rows = pa.table({"code": [str(i) for i in range(kept)], "label": ["x"] * kept})
    kind = TablePlan(KIND, 0, kinds, kinds, kinds, None, (), (code, label), kept=Kept(rows, "") if kept else None)
    item = TablePlan(
        ITEM,
        1,
        items,
        items,
        items,
        None,
        (KeyPlan(ITEM.foreign_keys[0], "category", "", ("kind",)),),
        (
            ColumnPlan("id", "serial", "number", "surrogate key"),
            ColumnPlan("kind", "foreign key", role="foreign key"),
            ColumnPlan("note", "modelled", "category", "category", confidence=0.9, evidence="3 values"),
        ),
    )
    return Plan(Schema((KIND, ITEM)), (kind, item), {"s": "dev"}, "db", "db#dev")


def changed(plan: Plan, table: int, **fields: object) -> Plan:
    tables = list(plan.tables)
    tables[table] = replace(tables[table], **fields)  # type: ignore[arg-type]
    return replace(plan, tables=tuple(tables))


def topics(plan: Plan) -> list[str]:
    return [a.topic for a in advise(plan)]


def only(plan: Plan, topic: str) -> Advice:
    (found,) = [a for a in advise(plan) if a.topic == topic]
    return found


def test_a_plan_without_doubts_leaves_nothing_to_decide() -> None:
    assert topics(planned(kinds=40, kept=40)) == []


def test_rows_of_a_lookup_table_that_are_not_all_kept_are_told() -> None:
    told = only(planned(), "lookup")
    assert 's.we;ird "name" (30 of 40 kept)' in told.says
    assert tomllib.loads(told.toml) == {"tables": {str(HOSTILE): {"keep": True}}}


def test_a_table_about_people_is_no_reference_data() -> None:
    plan = planned()
    person = replace(plan.tables[0].columns[1], role="full_name", personal=True)
    assert "lookup" not in topics(changed(plan, 0, columns=(plan.tables[0].columns[0], person)))


@pytest.mark.parametrize(("confidence", "told"), [(0.5, True), (0.95, False)])
def test_a_personal_column_by_little_evidence_is_told(confidence: float, told: bool, tmp_path: Path) -> None:
    plan = planned(kept=40)
    guess = ColumnPlan("note", "made", "presence", "iban", True, confidence, "column name note; 0% of the values pass")
    plan = changed(plan, 1, columns=(*plan.tables[1].columns[:2], guess))
    assert ("role" in topics(plan)) is told
    if told:
        advice = only(plan, "role")
        assert "s.item.note for iban (column name note; 0% of the values pass)" in advice.says
        file = tmp_path / "dbsynth.toml"
        file.write_text(advice.toml)
        settings = load_config(file).settings
        assert settings.tables["s.item"].columns["note"].role == "iban"


def test_undeclared_keys_and_tables_without_one_are_told() -> None:
    bare = Table(
        TableName("s", "event"),
        (
            Column("item_id", sa.Integer(), declared="integer"),
            Column("happened", sa.Date(), declared="date"),
        ),
    )
    plan = planned(kept=40)
    columns = (
        ColumnPlan("item_id", "modelled", "number", "number"),
        ColumnPlan("happened", "modelled", "moment", "moment"),
    )
    event = TablePlan(bare, 0, 500, 500, 500, None, (), columns)
    plan = replace(plan, tables=(*plan.tables, event))
    undeclared, keyless = (a.says for a in advise(plan) if a.topic == "keys")
    assert "s.event.item_id" in undeclared
    assert "s.event" in keyless
    assert "keys" not in topics(changed(plan, 2, source_rows=0)), "an empty table has nothing to join"


def test_small_and_sampled_tables_are_told() -> None:
    assert f"s.item ({FEW_ROWS - 1})" in only(planned(items=FEW_ROWS - 1, kept=40), "few rows").says
    assert "few rows" not in topics(planned(items=FEW_ROWS, kept=40))
    sampled = changed(planned(kept=40), 1, sample=Sample(("kind",), 0.5), train_rows=1000)
    assert "s.item (1,000 of 2,000)" in only(sampled, "sampled").says
