"""Rules within a row, from the rows to the rules to the rows: of a world in which they are planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.api import frames_database
from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.planner import Wishes, make_plan
from dbsynth.relation.facts import FactWishes
from dbsynth.rules.determined import Determined
from dbsynth.rules.rule import Rule
from dbsynth.schema.model import TableName
from dbsynth.synthesizer import Synthesizer
from tests.rules.ledger import RULES, SCHEMA, reminded, world

ENTRY = TableName("public", "entry")
PLANTED = {
    "entry.booked_on = date of booked_at",
    "entry.booked_year = year of booked_at",
    "entry.booked_weekday = ISO day of week of booked_at",
    "entry.weekend = weekend of booked_at",
    "entry.quarter = quarter of booked_at",
    "entry.code = 'E-' || pad 6(id)",
    "entry.subject_upper = upper(subject)",
    "entry.subject_md5 = md5(subject)",
    "entry.subject_length = length(subject)",
    "entry.net = qty * price * (1 - off)",
    "entry.tax = net * 0.19",
    "entry.gross = net * 1.19",
    "entry.due_on = booked_on + days * 1 day",
    "entry.town by zip",
    "entry.state by town",
    "entry.shop_no or web_no, phone_no",
    "entry.is_new or is_used, is_lost",
    "entry.closed_at is null by status",
    "entry.closed_at >= booked_at",
    "entry.high >= low",
    "entry.remind_on = booked_on + 30 days",
}


def planned(tables: dict[str, pa.Table], schema: dict[str, dict[str, Any]] = SCHEMA, **wishes: Any) -> Plan:
    database, *_ = frames_database(tables, schema, CloneOptions(parse_url("memory://"), keep_none=True))
    return make_plan(
        database, database.schema, Wishes(keep_none=True, **wishes), mapping={}, source="s", target="t",
        constraints_after_load=True, sqlglot_dialect="postgres", snapshot=None, seed=1,
    )  # fmt: skip


def rules(plan: Plan, table: str = "entry") -> dict[str, Rule]:
    return {f.id: f for f in plan.facts if isinstance(f, Rule) and f.table.name == table}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(world())


def test_the_world_is_what_it_says() -> None:
    rows = world()["entry"]
    assert all(rule(rows).all() for rule in RULES.values())
    assert 0.99 < reminded(rows).mean() < 1


def test_every_planted_rule_is_found_and_little_else(plan: Plan) -> None:
    found = rules(plan)
    assert set(found) >= PLANTED
    assert set(found) - PLANTED <= {"entry.remind_on >= booked_at"}
    assert all(found[name].share == 1.0 for name in PLANTED - {"entry.remind_on = booked_on + 30 days"})
    assert found["entry.remind_on = booked_on + 30 days"].share == pytest.approx(reminded(world()["entry"]).mean())


def test_what_is_told_by_others_is_not_learned(plan: Plan) -> None:
    how = {c.name: c.how for c in plan[ENTRY].columns}
    computed = {"code", "booked_on", "booked_year", "booked_weekday", "weekend", "quarter", "net", "tax", "gross",
                "due_on", "subject_upper", "subject_md5", "subject_length"}  # fmt: skip
    assert {c for c, h in how.items() if h == "computed"} == computed
    assert how["remind_on"] == "modelled"


def test_what_holds_by_chance_in_a_few_rows_is_no_rule(plan: Plan) -> None:
    assert rules(plan, "tiny") == {}
    few = planned({n: t.slice(0, 40) if n == "entry" else t for n, t in world().items()})
    assert rules(few) == {}


def test_rules_are_described_with_their_support(plan: Plan) -> None:
    [told] = [f for f in plan.describe()["facts"] if f["id"] == "entry.net = qty * price * (1 - off)"]
    assert told["within"]
    assert told["taken"]
    assert told["rows"] == 3_000
    assert told["says"] == "net = qty * price * (1 - off), rounded to 2 decimals"


def test_a_refused_rule_is_learned_instead() -> None:
    plan = planned(world(), facts=FactWishes(refuse=("entry.tax*", "entry.gross*", "entry.net*", "entry.town*")))
    assert not {"entry.tax = net * 0.19", "entry.town by zip"} & set(rules(plan))
    assert plan[ENTRY].by_column["tax"].how == "modelled"
    assert not [w for w in plan.warnings if "no fact is called" in w]


def test_dictionaries_hold_nothing_that_fewer_than_k_rows_share() -> None:
    tables = world()
    rows = tables["entry"].to_pydict()
    rows["zip"][7], rows["town"][7], rows["state"][7] = "99999", "Nirgendwo", "XX"
    plan = planned(tables | {"entry": pa.table(rows)})
    [known] = [r for r in rules(plan).values() if isinstance(r, Determined) and r.column == "town"]
    assert known.share == 1.0
    assert "Nirgendwo" not in known.pairs.column("town").to_pylist()
    assert known.pairs.num_rows == 8


def test_keys_of_the_clone_and_personal_values_have_no_dictionary() -> None:
    rng = np.random.default_rng(1)
    mails = [f"u{i}.{n}@mail.example" for i, n in enumerate(rng.integers(0, 99, 60))]
    who = rng.integers(0, 60, 1_500)
    desk = rng.integers(1, 400, 60)
    frame = pa.table(
        {"id": np.arange(1_500), "email": [mails[w] for w in who], "desk": desk[who], "x": rng.random(1_500)}
    )
    plan = planned({"visit": frame}, {"visit": {"primary_key": ["id"]}})
    found = [r for r in rules(plan, "visit").values() if isinstance(r, Determined)]
    assert [(r.by, r.column) for r in found] == [(("email",), "desk")]
    assert found[0].pairs.num_rows == 0


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return dbsynth.fit(world(), schema=SCHEMA, seed=3, effort="quick", keep=("none",))


def entries(made: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pandas(made["entry"], preserve_index=False)


def check(rows: pa.Table) -> None:
    assert {name: int((~rule(rows)).sum()) for name, rule in RULES.items()} == dict.fromkeys(RULES, 0)
    expected = (~reminded(world()["entry"])).mean() * rows.num_rows
    assert (~reminded(rows)).sum() <= expected + 2 * expected**0.5, "as many as in the source, but for chance"


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_rules_hold_in_every_row_that_is_made(fitted: Synthesizer, scale: float) -> None:
    check(entries(fitted.sample(scale=scale, seed=1)))


def test_exceptions_stay_at_their_rate(fitted: Synthesizer) -> None:
    rate = float((~reminded(entries(fitted.sample(scale=2.0, seed=1)))).mean())
    assert 0.001 < rate <= 1 - 0.9966


def test_what_is_determined_keeps_its_variety(fitted: Synthesizer) -> None:
    made, real = entries(fitted.sample(seed=1)), world()["entry"]
    assert set(made.column("zip").to_pylist()) == set(real.column("zip").to_pylist())
    assert len(set(made.column("net").to_pylist())) > 2_000


def test_a_saved_model_keeps_them_with_any_number_of_workers(fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = Synthesizer.load(tmp_path / "model")
    assert loaded.plan.facts == fitted.plan.facts
    again = loaded.sample(seed=1, workers=2)
    check(entries(again))
    assert all(again[n].equals(t) for n, t in fitted.sample(seed=1).items())


def test_checks_go_before_rules() -> None:
    """A rule that no row can keep together with a CHECK gives way, and a warning says so."""
    schema = {**SCHEMA, "entry": {**SCHEMA["entry"], "checks": ["net <= 20000", "high <= 60 or high >= low + 10"]}}
    tables = world()
    keep = np.array(
        [n <= 20_000 and (h <= 60 or h >= w + 10) for n, h, w in zip(
            tables["entry"].column("net").to_pylist(), tables["entry"].column("high").to_pylist(),
            tables["entry"].column("low").to_pylist(), strict=True)]
    )  # fmt: skip
    tables["entry"] = tables["entry"].filter(pa.array(keep))
    model = dbsynth.fit(tables, schema=schema, seed=3, effort="quick", keep=("none",))
    made = entries(model.sample(seed=1))
    assert max(made.column("net").to_pylist()) <= 20_000
    check(made)
