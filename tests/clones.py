"""Whole clones: ``cloned(name)`` clones a real database once a session into a database of its own."""

from __future__ import annotations

import io
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.engine import make_url

from dbsynth.artifact import model as artifact
from dbsynth.console import logs
from dbsynth.dialect import connect, parse_url
from dbsynth.pipeline import clone, events
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.fitting import statistics_of
from dbsynth.pipeline.generation import Origin
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.schedule import Tasks
from dbsynth.schema.model import TableName
from dbsynth.synthesizer import Synthesizer
from dbsynth.testing.embedded import create_database, drop_database

LARGE = ("walmart", "nycflights13", "adventureworks")
"""Cloned with less effort and smaller samples: the tests look at what must hold, not at how well it is learned."""


@dataclass(frozen=True)
class Clone:
    """``log``: all that was written on the standard error, the workers' too, with --verbose; ``learned``: what the rows
    were made from, pickled, by table; ``plan``: what was planned."""

    source: str
    target: str
    done: events.RunDone
    events: tuple[events.Event, ...]
    log: str
    plan: Plan
    learned: Mapping[TableName, bytes]

    def save(self, folder: Path) -> None:
        """As ``dbsynth train`` writes a model."""
        database = connect(self.source)
        database.bind(self.plan.schema)
        with database.snapshot() as snapshot:
            statistics = statistics_of(database, self.plan, snapshot)
        database.close()
        artifact.save(folder, artifact.Model(self.plan, self._found(), {"versions": {}}, {}, statistics=statistics))

    def model(self) -> Synthesizer:
        """What the rows were made from, to make others."""
        origin = Origin("postgresql", "")
        return Synthesizer(
            self.plan, self._found(), seed=1, warnings={}, dtypes={}, versions={}, made_at="", origin=origin
        )

    def _found(self) -> dict[TableName, Learned]:
        return {name: pickle.loads(blob) for name, blob in self.learned.items()}


def run(source: str, target: str, **options: object) -> Clone:
    seen: list[events.Event] = []
    jobs: list[Tasks] = []
    settle, start = Tasks._settle, Tasks.__post_init__
    learned: dict[TableName, bytes] = {}

    def kept(self: Tasks, key: tuple[str, TableName], result: Any, seconds: float) -> None:
        if key[0] == "train":
            learned[key[1]] = result[0]
        settle(self, key, result, seconds)

    def begun(self: Tasks) -> None:
        jobs.append(self)
        start(self)

    settings: dict[str, object] = {"seed": 1, **options}
    with pytest.MonkeyPatch.context() as patch, logged() as log:
        patch.setattr(Tasks, "_settle", kept)
        patch.setattr(Tasks, "__post_init__", begun)
        done = clone.run(CloneOptions(parse_url(source), parse_url(target), **settings), seen.append)  # type: ignore[arg-type]
    return Clone(source, target, done, tuple(seen), log(), jobs[0].job.plan, learned)


@contextmanager
def logged() -> Iterator[Callable[[], str]]:
    """What is written to the standard error of this process and of those that it starts."""
    logs.set_up(verbose=True, quiet=False)
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        stderr, sys.stderr = sys.stderr, io.TextIOWrapper(os.fdopen(os.dup(file.fileno()), "wb"), line_buffering=True)
        os.dup2(file.fileno(), 2)
        text = ""
        try:
            yield lambda: text
        finally:
            sys.stderr.close()
            os.dup2(before, 2)
            os.close(before)
            sys.stderr = stderr
            structlog.reset_defaults()
            file.seek(0)
            text = file.read().decode(errors="replace")


@pytest.fixture(scope="session")
def cloned(postgres_url: str, real_template: Callable[[str], str]) -> Iterator[Callable[[str], Clone]]:
    clones: dict[str, Clone] = {}

    def get(name: str) -> Clone:
        if name not in clones:
            source = make_url(postgres_url).set(database=real_template(name)).render_as_string(hide_password=False)
            target = create_database(postgres_url, f"clone_of_{name}")
            small = {"effort": "quick", "sample_rows": 20_000} if name in LARGE else {}
            clones[name] = run(source, target, **small)
        return clones[name]

    yield get
    for made in clones.values():
        drop_database(made.target)
