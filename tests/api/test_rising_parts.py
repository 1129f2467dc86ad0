"""Keys that rise with a moment over the whole of a table that is made in parts: in the order of the moments of all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.pipeline import parts, renumber
from dbsynth.pipeline.renumber import rising_over_all
from dbsynth.relation.key_facts import Ranked
from dbsynth.synthesizer import Synthesizer

USERS, EVENTS, LIKES = 200, 1_500, 2_500
ROWS = {"users": 800, "events": 6_000, "likes": 10_000}


def schema(*checks: str) -> dict[str, dict[str, object]]:
    events = [{"columns": ["user_id"], "ref_table": "users"}, {"columns": ["parent_id"], "ref_table": "events"}]
    return {
        "users": {"primary_key": ["id"]},
        "events": {"primary_key": ["id"], "foreign_keys": events, "checks": ["id > 0", *checks]},
        "likes": {"primary_key": ["id"], "foreign_keys": [{"columns": ["event_id"], "ref_table": "events"}]},
    }


def feed(*, answers: bool = True) -> dict[str, pa.Table]:
    """Events of users, numbered as they happen; a third answers an earlier one. Their likes are numbered by the day."""
    rng = np.random.default_rng(0)
    at = np.datetime64("2024-01-01T00:00:00", "us") + np.sort(rng.integers(0, 10**13, EVENTS)).astype("m8[us]")
    parent = [int(rng.integers(0, r)) + 1 if answers and r and rng.random() < 0.35 else None for r in range(EVENTS)]
    liked = np.sort(rng.integers(1, EVENTS + 1, LIKES))
    return {
        "users": pa.table({"id": np.arange(1, USERS + 1), "country": rng.choice(["DE", "FR"], USERS)}),
        "events": pa.table(
            {
                "id": np.arange(1, EVENTS + 1),
                "user_id": rng.integers(1, USERS + 1, EVENTS),
                "parent_id": pa.array(parent, pa.int64()),
                "created_at": pa.array(at),
                "kind": rng.choice(["post", "photo", "poll"], EVENTS, p=[0.5, 0.3, 0.2]),
            }
        ),
        "likes": pa.table(
            {
                "id": np.arange(1, LIKES + 1),
                "event_id": rng.permutation(liked),
                "day": pa.array(np.sort(rng.integers(0, 40, LIKES)).astype("datetime64[D]")),
            }
        ),
    }


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    made = dbsynth.fit(
        feed(), schema=schema("parent_id is null or parent_id < id"), seed=1, strategy="independent", device="cpu"
    )
    rising = {str(t.name): f.by for t in made.plan.tables if (f := rising_over_all(made.plan, t)) is not None}
    assert rising == {"public.events": "created_at", "public.likes": "day"}
    assert any(isinstance(f, Ranked) and f.column == "id" for f in made.plan.facts)
    return made


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """The rows of the parts that are dealt keys over all, by table."""
    found: dict[str, list[int]] = {}
    deal = parts.renumber

    def counted(spool: parts.Spool, table: parts.TablePlan, fact: parts.RisingKey, sizes: list[int]) -> None:
        found[table.name.name] = list(sizes)
        deal(spool, table, fact, sizes)

    monkeypatch.setattr(parts, "renumber", counted)
    return found


def rising(rows: pd.DataFrame, by: str) -> bool:
    return bool(rows.sort_values("id")[by].is_monotonic_increasing)


def test_keys_rise_over_all_parts(
    model: Synthesizer, sizes: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.sample(rows=ROWS, seed=3)
    assert sizes == {}
    monkeypatch.setattr(parts, "PART", 700)
    monkeypatch.setattr(renumber, "BLOCK", 250)
    made = model.sample(rows=ROWS, seed=3)
    assert {n: len(s) for n, s in sizes.items()} == {"events": 9, "likes": 15}
    assert max(sizes["events"] + sizes["likes"]) < 900
    assert made["users"].equals(whole["users"])
    for rows in (whole, made):
        events, likes = rows["events"], rows["likes"]
        assert sorted(events["id"]) == list(range(1, 6_001))
        assert sorted(likes["id"]) == list(range(1, 10_001))
        assert rising(events, "created_at")
        assert rising(likes, "day")
        assert likes["event_id"].isin(events["id"]).all()
        answers = events[events["parent_id"].notna()]
        assert 0.2 < len(answers) / len(events) < 0.5
        assert answers["parent_id"].isin(events["id"]).all()
        assert (answers["parent_id"].astype(int) < answers["id"]).all()
        first = events["created_at"].is_monotonic_increasing
        assert not first, "rows stand by user, their keys do not"
    counted = [r["likes"].groupby("event_id").size().value_counts(normalize=True) for r in (whole, made)]
    assert abs(counted[0] - counted[1]).fillna(1).head(3).max() < 0.05
    assert all(model.sample(rows=ROWS, seed=3)[n].equals(t) for n, t in made.items())


def test_likes_stay_with_the_rows_that_they_are_of(model: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which row a key points at is settled without its number: the same rows as without dealing keys out anew."""
    monkeypatch.setattr(parts, "PART", 700)
    made = model.sample(rows=ROWS, seed=3)["events"]
    monkeypatch.setattr(parts, "renumber", lambda *_: None)
    before = model.sample(rows=ROWS, seed=3)["events"]
    assert not before["id"].equals(made["id"])
    assert not rising(before, "created_at")
    same = [c for c in made.columns if c not in ("id", "parent_id")]
    assert made[same].equals(before[same])
    number = dict(zip(before["id"], made["id"], strict=True))
    assert [number[p] for p in before["parent_id"].dropna()] == made["parent_id"].dropna().astype(int).tolist()


@pytest.mark.parametrize(
    "check", ["id < 100 * user_id or user_id > 0", "parent_id is null or parent_id + 1 <= id", "parent_id > 0"]
)
def test_where_the_number_itself_is_told_the_table_is_made_whole(
    check: str, sizes: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = dbsynth.fit(feed(), schema=schema(check), seed=1, strategy="independent", device="cpu")
    monkeypatch.setattr(parts, "PART", 700)
    events = model.sample(rows=ROWS, seed=3)["events"]
    assert "events" not in sizes
    assert rising(events, "created_at")


SMALL = "from dbsynth.pipeline import parts, renumber; parts.PART, renumber.BLOCK = 700, 250"
SCRIPT = """
import dbsynth
from dbsynth.pipeline import parts
from tests.api.test_rising_parts import ROWS, feed, schema
model = dbsynth.fit(feed(), schema=schema(), seed=1, strategy="independent", device="cpu")
one, two = (model.sample(rows=ROWS, seed=3, workers=n) for n in (1, 2))
print(parts.PART, len(one["likes"]), all(one[name].equals(two[name]) for name in one))
"""


def test_workers_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SMALL)  # read by every process as it starts
    root = str(Path(__file__).parents[2])
    paths = ":".join([str(tmp_path), root, *sys.path])
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=300,
                         env={"PYTHONPATH": paths, "PATH": "/usr/bin:/bin"})  # fmt: skip
    assert run.stdout.splitlines()[-1] == "700 10000 True"
