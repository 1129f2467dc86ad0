"""``rules`` of ``[tables.*]``: conditions of the user's, read before anything else is, kept in every row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbsynth.dialect import parse_url
from dbsynth.errors import ConfigError
from dbsynth.pipeline.clone import plan_only
from dbsynth.pipeline.clone import run as clone
from dbsynth.pipeline.options import CloneOptions

Execute = Callable[..., list[tuple[object, ...]]]
TABLE = '"we;ird ""orders"""'
SHOP = f"""
create table {TABLE} (id int primary key, qty int not null, price numeric(8, 2) not null,
    total numeric(10, 2) not null, state text not null, closed date, "Not E" int);
insert into {TABLE} select i, 1 + i % 7, 1 + i % 13,
    case when i = 9 then 0 else (1 + i % 7) * (1 + i % 13) end,
    case when i % 3 = 0 then 'open' else 'done' end,
    case when i % 3 = 0 then null else date '2024-01-01' + i % 90 end, i % 5
    from generate_series(1, 400) i;
"""
RULES = ["qty * price = total", "state <> 'open' or closed is null", '"Not E" >= 0']


def options(database: str, rules: list[str]) -> CloneOptions:
    name = 'public.we;ird "orders"'
    return CloneOptions(
        parse_url(database), parse_url(database), target_schema="dev", seed=1, effort="quick",
        overrides={name: {"rules": rules}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("qty * prize = total", "did you mean 'price'"),
        ("qty *", "cannot be read"),
        ("qty + 1", "no condition"),
        ("select 1; drop table x", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_told_before_anything_is_read(
    database: str, execute: Execute, rule: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(SHOP)
    monkeypatch.setattr("dbsynth.pipeline.clone.make_plan", lambda *a, **k: pytest.fail("the source was read"))
    with pytest.raises(ConfigError) as told:
        plan_only(options(database, [rule]), lambda event: None)
    assert says in f"{told.value} {told.value.hint}"


def test_declared_rules_are_told_and_kept(database: str, execute: Execute) -> None:
    execute(SHOP)
    plan = plan_only(options(database, RULES), lambda event: None)
    assert [f["says"] for f in plan.describe()["facts"] if not f["rows"]] == RULES
    [warning] = [w for w in plan.warnings if "break it" in w]
    assert "1 of 400 rows" in warning
    clone(options(database, RULES), lambda event: None)
    broken = " or ".join(f"not ({rule})" for rule in RULES)
    assert execute(f"select count(*), count(*) filter (where {broken}) from dev.{TABLE}") == [(400, 0)]
    made = "select count(*) from pg_constraint where contype = 'c' and connamespace = 'dev'::regnamespace"
    assert execute(made) == [(0,)]
