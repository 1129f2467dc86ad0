"""The shop of ``make demo``, cloned as the README says: what verifies it finds nothing."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from dbsynth.cli import main
from dbsynth.demo.__main__ import fill
from dbsynth.testing.embedded import conninfo

SEEDS = (1, 2)
LATE = "select avg((ordered_at > (select max(ordered_at) from public.orders))::int)::float from {}.orders"
LEAD = """select percentile_cont(0.5) within group (order by extract(epoch from first - signed_up) / 86400) from (
    select min(ordered_at) as first, min(signed_up_at at time zone 'UTC') as signed_up
    from {0}.orders join {0}.customer using (customer_id) group by customer_id) families"""
"""Days from a customer's entry, which has a time zone, to his first order, which has none."""


def test_the_demo_is_verified(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(database)
    monkeypatch.chdir(tmp_path)
    for seed in SEEDS:
        command = ["clone", database, "--to", f"dev_{seed}", "--seed", str(seed), "--effort", "quick", "--verify"]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
    with psycopg.connect(conninfo(database)) as connection:
        (_, lead), *made = (
            [connection.execute(query.format(schema).encode()).fetchall()[0][0] for query in (LATE, LEAD)]
            for schema in ("public", *(f"dev_{seed}" for seed in SEEDS))
        )
    assert [days for _, days in made] == [pytest.approx(lead, rel=0.3)] * len(SEEDS)
    assert max(late for late, _ in made) < 0.005
