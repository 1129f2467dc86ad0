"""What a plan and the summary of a run say of the training."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from dbsynth.console import plan_view, summary, words
from dbsynth.console.progress import PlainWatcher, heading
from dbsynth.pipeline import events

TABLE = {
    "table": "s.a", "level": 0, "source_rows": 10, "train_rows": 10, "rows": 10, "kept_rows": 0, "kept_reason": None,
    "strategy": "tvae", "training": {"epochs": 5, "rate": 0.01}, "context_parent": None, "foreign_keys": [],
    "columns": [], "warnings": [],
}  # fmt: skip
TRAINING: dict[str, Any] = {"effort": "quick", "train_minutes": None, "device": "cpu", "sample_seed": None}


def planned(**training: Any) -> str:
    text = io.StringIO()
    plan = {"source": "db", "target": "db#dev", "seed": 3, "privacy_k": 5, "tables": [TABLE], "warnings": [],
            "facts": [], "advice": [], "training": TRAINING | training}  # fmt: skip
    plan_view.show(Console(file=text, width=120, color_system=None), plan, verbose=False)
    return text.getvalue()


def summed_up(verbose: bool, **done: Any) -> str:
    text = io.StringIO()
    result = events.TableResult("s.a", 3, 1.5, "ctgan", 0.9, False, (), "budget; a critic's AUC is 0.504")
    run = events.RunDone((result,), 2.0, 7, **done)
    summary.show(Console(file=text, width=120, color_system=None), run, [], target="db#dev", verbose=verbose)
    return text.getvalue()


def test_a_plan_says_how_much_where_and_by_what_it_trains() -> None:
    assert "seed 3, k = 5, quick effort\n" in planned()
    assert "k = 5, 2.5 min of training on auto\n" in planned(train_minutes=2.5, effort=None, device="auto")
    assert "seed 3, of the rows 4, k = 5" in planned(sample_seed=4)
    assert "tvae" in planned()
    assert "s.a: epochs = 5, rate = 0.01" in planned()


def test_why_training_stopped_is_told_to_those_who_ask() -> None:
    assert "s.a: budget; a critic's AUC is 0.504" in summed_up(verbose=True)
    assert "critic" not in summed_up(verbose=False)


def test_a_sample_seed_of_its_own_is_told() -> None:
    assert "seed 7, of the rows 9" in summed_up(verbose=False, sample_seed=9)
    assert words.seeds(7, 7) == words.seeds(7, None) == "7"
    started = events.RunStarted("r1", 7, "db", "db#dev", ("s.a",), 9)
    assert heading(started) == "db → db#dev  1 table  seed 7, of the rows 9"


def test_progress_names_the_strategy_that_trains(capsys: pytest.CaptureFixture[str]) -> None:
    watch = PlainWatcher()
    watch(events.RunStarted("r1", 7, "db", "db#dev", ("s.a",)))
    watch(events.TablePlanned("s.a", 0, 9, 9, 9, False, None, "tvae"))
    for step in ("train", "load"):
        watch(events.StepStarted("s.a", step))
        watch(events.StepDone("s.a", step, 1.0, 9))
    assert capsys.readouterr().err.splitlines()[1:] == ["s.a  train (tvae)  9 rows  1.0 s", "s.a  load  9 rows  1.0 s"]
