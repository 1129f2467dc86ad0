"""What a run shows while it goes on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dbsynth.console import words
from dbsynth.console.progress import LiveWatcher, PlainWatcher
from dbsynth.console.state import RunState
from dbsynth.pipeline import events

STARTED = events.RunStarted("r1", 7, "db/shop", "db/shop#dev", ("s.a", "s.b"))
PLANNED = [
    events.TablePlanned("s.a", 0, 1000, 1000, 1000, False, None),
    events.TablePlanned("s.b", 1, 10, 10, 10, True, "s.a"),
]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> RunState:
    state = RunState(clock)
    for event in (STARTED, *PLANNED):
        state.see(event)
    return state


def test_rate_and_time_left_of_a_step(state: RunState, clock: Clock) -> None:
    state.see(events.StepStarted("s.a", "generate"))
    running = state.tables["s.a"].running
    assert running is not None
    assert (running.share, running.rows_per_second(101), running.seconds_left(101)) == (None, None, None)
    clock.now = 110
    state.see(events.StepProgress("s.a", "generate", 250, 1000))
    assert running.share == 0.25
    assert running.rows_per_second(clock.now) == 25.0
    assert running.seconds_left(clock.now) == pytest.approx(30.0)


def test_training_has_a_share_but_no_rows(state: RunState, clock: Clock) -> None:
    state.see(events.StepStarted("s.a", "train"))
    clock.now += 10
    state.see(events.StepProgress("s.a", "train", 500, 1000))
    running = state.tables["s.a"].running
    assert running is not None
    assert running.rows_per_second(clock.now) is None
    assert running.seconds_left(clock.now) == pytest.approx(10.0)


def test_a_report_that_comes_after_the_end_of_its_step_changes_nothing(state: RunState) -> None:
    state.see(events.StepStarted("s.a", "train"))
    state.see(events.StepDone("s.a", "train", 1.0, 1000))
    state.see(events.StepProgress("s.a", "train", 999, 1000))
    assert state.tables["s.a"].running is None
    state.see(events.StepStarted("s.a", "generate"))
    state.see(events.StepProgress("s.a", "train", 1000, 1000))
    running = state.tables["s.a"].running
    assert running is not None
    assert running.share is None


def test_the_whole_run_is_done_when_every_table_is_loaded(state: RunState) -> None:
    assert state.share == 0.0
    shares = []
    for table in ("s.a", "s.b"):
        for step in ("extract", "train", "generate", "load"):
            state.see(events.StepStarted(table, step))
            state.see(events.StepDone(table, step, 1.0, 5))
            shares.append(state.share)
    assert shares == sorted(shares)
    assert state.share == pytest.approx(1.0)
    assert [t.finished_rows for t in state.to_make] == [5, 5]


def test_steps_of_the_whole_run_and_warnings_of_no_table(state: RunState) -> None:
    state.see(events.StepStarted(None, "finish"))
    state.see(events.StepProgress(None, "finish: indexes", 0, 0))
    assert state.step is not None
    assert state.step.step == "finish: indexes"
    state.see(events.StepDone(None, "finish", 1.0, 0))
    assert state.step is None
    state.see(events.Warned("s.a", None, "of a table"))
    state.see(events.Warned(None, None, "of none"))
    assert [w.message for w in state.notes] == ["of none"]


def test_plain_lines(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    watch = PlainWatcher()
    watch.state.clock = clock
    for event in (STARTED, *PLANNED, events.StepStarted("s.a", "train")):
        watch(event)
    clock.now += 5
    watch(events.StepProgress("s.a", "train", 100, 1000))  # too early to be told
    clock.now += 15
    watch(events.StepProgress("s.a", "train", 500, 1000))
    watch(events.StepProgress("s.a", "train", 510, 1000))  # told a moment ago
    watch(events.StepDone("s.a", "train", 61.0, 1000))
    watch(events.StepDone(None, "publish", 0.1, 0))
    assert capsys.readouterr().err.splitlines() == [
        "db/shop → db/shop#dev  2 tables  seed 7",
        "s.a  train  50%, 20 s left",
        "s.a  train  1,000 rows  1:01 min",
        "publish  0.1 s",
    ]


def test_the_live_display_has_a_line_for_each_table_at_work(clock: Clock) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    watch = LiveWatcher(console)
    watch.state.clock = clock
    for event in (STARTED, *PLANNED, events.StepStarted("s.a", "generate"), events.StepStarted("s.b", "train")):
        watch(event)
    clock.now += 10
    watch(events.StepProgress("s.a", "generate", 500, 1000))
    console.print(watch.render())
    shown = text.getvalue()
    assert "s.a  generate" in shown
    assert "50 rows/s" in shown
    assert "10 s left" in shown
    assert "s.b  train" in shown
    assert "0 of 2 tables  10.0 s" in shown
    watch(events.StepDone("s.b", "load", 0.5, 10))
    assert "✓ s.b  10 rows  0.5 s  kept" in text.getvalue()


def test_names_with_brackets_are_no_markup(clock: Clock) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    watch = LiveWatcher(console)
    watch(events.RunStarted("r1", 7, "db/[red]x", "db/x#[/dev]", ("s.[bold]t",)))
    watch(events.StepStarted("s.[bold]t", "load"))
    console.print(watch.render())
    watch(events.StepDone("s.[bold]t", "load", 0.1, 1))
    for name in ("[red]x", "#[/dev]", "s.[bold]t"):
        assert name in text.getvalue()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (words.size(0), "0 B"), (words.size(999), "999 B"), (words.size(1500), "1.5 kB"), (words.size(2.5e9), "2.5 GB"),
        (words.size(5e12), "5,000 GB"), (words.duration(0.04), "0.0 s"), (words.duration(75), "1:15 min"),
        (words.duration(3661), "1:01:01 h"), (words.left(0.2), "1 s left"), (words.left(59.9), "1:00 min left"),
        (words.counted(1, "row"), "1 row"), (words.counted(2000, "row"), "2,000 rows"),
        (words.rate(12_345), "12k rows/s"),
    ],
)  # fmt: skip
def test_numbers_as_people_read_them(said: str, text: str) -> None:
    assert said == text
