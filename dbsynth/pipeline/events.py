"""What happens during a run, for whoever watches: plain records, also as JSON (one object a line, ``v`` is 1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from dbsynth.dialect import Verified

VERSION = 1


@dataclass(frozen=True)
class Event:
    def to_json(self) -> str:
        return json.dumps({"v": VERSION, "event": type(self).__name__, **asdict(self)}, default=str)


@dataclass(frozen=True)
class RunStarted(Event):
    run_id: str
    seed: int
    source: str
    target: str
    tables: tuple[str, ...]
    sample_seed: int | None = None
    """None: the same as ``seed``."""
    steps: tuple[str, ...] = ("extract", "train", "generate", "load")
    """Of each table, in their order."""


@dataclass(frozen=True)
class TablePlanned(Event):
    table: str
    level: int
    source_rows: int
    train_rows: int
    rows: int
    kept: bool
    context: str | None
    strategy: str = ""


@dataclass(frozen=True)
class Resumed(Event):
    """A run that was interrupted goes on. ``learned``: tables that are not learned again; ``begun``: those whose
    training goes on where it was."""

    learned: tuple[str, ...]
    begun: tuple[str, ...]


@dataclass(frozen=True)
class StepStarted(Event):
    """``table`` None: a step of the whole run. Steps: extract, train, generate, load, finish, publish."""

    table: str | None
    step: str


@dataclass(frozen=True)
class StepProgress(Event):
    table: str | None
    step: str
    done: int
    total: int


@dataclass(frozen=True)
class StepDone(Event):
    table: str | None
    step: str
    seconds: float
    rows: int


@dataclass(frozen=True)
class Warned(Event):
    table: str | None
    column: str | None
    message: str


@dataclass(frozen=True)
class TableResult:
    """``fidelity`` 0..1 on held-out rows, None where there are too few; ``stopped``: why training ended."""

    table: str
    rows: int
    seconds: float
    strategy: str
    fidelity: float | None
    kept: bool
    warnings: tuple[str, ...]
    stopped: str = ""


@dataclass(frozen=True)
class RunDone(Event):
    results: tuple[TableResult, ...]
    seconds: float
    seed: int
    verified: tuple[Verified, ...] = ()
    """Constraints that the target does not enforce, tested by query."""
    sample_seed: int | None = None
    differential_privacy: Mapping[str, object] | None = None
    """What was asked for and is spent, see ``privacy.budget.PrivateTraining.describe``; None: none was asked for."""
