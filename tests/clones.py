"""Whole clones: ``cloned(name)`` clones a real database once a session into a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.engine import make_url

from dbsynth.dialect import parse_url
from dbsynth.pipeline import clone, events
from dbsynth.pipeline.options import CloneOptions
from dbsynth.testing.embedded import create_database, drop_database

LARGE = ("walmart", "nycflights13", "adventureworks")
"""Cloned with less effort and smaller samples: the tests look at what must hold, not at how well it is learned."""


@dataclass(frozen=True)
class Clone:
    source: str
    target: str
    done: events.RunDone
    events: tuple[events.Event, ...]


def run(source: str, target: str, **options: object) -> Clone:
    seen: list[events.Event] = []
    settings: dict[str, object] = {"seed": 1, **options}
    done = clone.run(CloneOptions(parse_url(source), parse_url(target), **settings), seen.append)  # type: ignore[arg-type]
    return Clone(source, target, done, tuple(seen))


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
