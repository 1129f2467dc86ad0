"""What a run is doing right now, kept from its events. Pure: the clock is a parameter, nothing is printed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dbsynth.pipeline import events

STEP_SHARES = {"extract": 0.05, "train": 0.70, "generate": 0.15, "load": 0.10}
"""Rough shares of the steps in the time of a table: only the estimate of the time left rests on them."""
STEADY_SECONDS, STEADY_SHARE = 3.0, 0.05
"""Before a step is so old and so far, its time left is not worth telling."""
ROW_STEPS = ("extract", "generate", "load")
"""Steps whose progress is counted in rows; training reports thousandths of its budget."""


@dataclass
class Running:
    """A step that runs. ``done`` of ``total``: 0 of 0 until it reports."""

    step: str
    since: float
    done: int = 0
    total: int = 0

    @property
    def share(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None

    def rows_per_second(self, now: float) -> float | None:
        elapsed = now - self.since
        return self.done / elapsed if self.step in ROW_STEPS and self.done and elapsed > 0 else None

    def seconds_left(self, now: float) -> float | None:
        return _left(self.share, now - self.since)


@dataclass
class TableState:
    name: str
    train_rows: int = 0
    rows: int = 0
    strategy: str = ""
    kept: bool = False
    running: Running | None = None
    passed: float = 0.0
    """Share of the work in steps that are done."""
    seconds: float = 0.0
    finished: bool = False
    finished_rows: int = 0

    def named(self, step: str) -> str:
        """A step with what is worth knowing of it: ``train (ctgan)``."""
        return f"{step} ({self.strategy})" if step == "train" and self.strategy else step

    @property
    def weight(self) -> float:
        return 500.0 + self.train_rows + 0.5 * self.rows if self.rows else 0.0

    @property
    def share(self) -> float:
        if self.finished:
            return 1.0
        running = self.running
        return self.passed + (STEP_SHARES.get(running.step, 0.0) * (running.share or 0.0) if running else 0.0)


@dataclass
class RunState:
    clock: Callable[[], float] = time.monotonic
    started: events.RunStarted | None = None
    since: float = 0.0
    tables: dict[str, TableState] = field(default_factory=dict)
    step: Running | None = None
    """A step of the whole run: finish, publish."""
    notes: list[events.Warned] = field(default_factory=list)
    """Warnings that belong to no table."""

    def __post_init__(self) -> None:
        self.since = self.clock()

    def see(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self.started, self.since = event, self.clock()
                self.tables = {name: TableState(name) for name in event.tables}
            case events.TablePlanned():
                table = self._table(event.table)
                table.train_rows, table.rows, table.kept = event.train_rows, event.rows, event.kept
                table.strategy = event.strategy
            case events.Resumed():
                for name in event.learned:
                    self._table(name).passed = STEP_SHARES["extract"] + STEP_SHARES["train"]
                    self._table(name).finished = self.last == "train"
            case events.StepStarted():
                self._start(event.table, event.step)
            case events.StepProgress():
                self._progress(event)
            case events.StepDone():
                self._finish(event)
            case events.Warned(table=None):
                self.notes.append(event)

    def _table(self, name: str) -> TableState:
        return self.tables.setdefault(name, TableState(name))

    def _start(self, table: str | None, step: str) -> None:
        running = Running(step, self.clock())
        if table is None:
            self.step = running
        else:
            self._table(table).running = running

    def _progress(self, event: events.StepProgress) -> None:
        if event.table is None:
            if self.step is not None:  # "finish: indexes of public.orders" is a part of "finish"
                self.step.step, self.step.done, self.step.total = event.step, event.done, event.total
            return
        table = self._table(event.table)
        # Reports come from another thread, some after the end of their step.
        if table.running is not None and table.running.step == event.step:
            table.running.done, table.running.total = event.done, event.total

    def _finish(self, event: events.StepDone) -> None:
        if event.table is None:
            self.step = None
            return
        table = self._table(event.table)
        table.running = None
        table.seconds += event.seconds
        table.passed = min(1.0, table.passed + STEP_SHARES.get(event.step, 0.0))
        if event.step == self.last:
            table.finished, table.finished_rows = True, event.rows

    @property
    def last(self) -> str:
        """The step with which a table is finished."""
        return self.started.steps[-1] if self.started else "load"

    @property
    def active(self) -> list[TableState]:
        return [t for t in list(self.tables.values()) if t.running is not None]

    @property
    def to_make(self) -> list[TableState]:
        return [t for t in list(self.tables.values()) if t.rows]

    @property
    def share(self) -> float:
        weight = sum(t.weight for t in self.tables.values())
        return sum(t.weight * t.share for t in self.tables.values()) / weight if weight else 0.0

    def seconds_left(self) -> float | None:
        return _left(self.share, self.clock() - self.since)


def _left(share: float | None, elapsed: float) -> float | None:
    if share is None or not STEADY_SHARE <= share < 1 or elapsed < STEADY_SECONDS:
        return None
    return elapsed * (1 - share) / share
