"""What replaying a workload asks of a database: to run somebody's query read-only, for a limited time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

RESULT_ROWS = 20_000
"""Of a result, so many are looked at; all are counted."""
RESULT_BYTES = 32 << 20


@dataclass(frozen=True)
class ResultColumn:
    """``values`` (rows,): float64, NaN for null, of numbers and moments (``number``); object, None for null, of texts
    and of everything else in its text form."""

    name: str
    number: bool
    values: np.ndarray


@dataclass(frozen=True)
class PlanNode:
    """A node of a plan that was run. ``relation``: the alias that a scan reads under. ``rows``: that it gave in all its
    ``loops``; ``estimated``: that the planner expected of one."""

    kind: str
    relation: str
    rows: float
    estimated: float
    loops: int
    inputs: tuple[PlanNode, ...] = ()

    def walk(self) -> Iterator[PlanNode]:
        yield self
        for below in self.inputs:
            yield from below.walk()


@dataclass(frozen=True)
class Failure:
    """``kind``: the database's name for the error, without anything that a row holds. ``timeout``: it was stopped."""

    kind: str
    timeout: bool = False


@dataclass(frozen=True)
class Ran:
    """``rows``: of the result, all of them; ``columns`` hold the first ones. ``plan`` None: the database tells none."""

    rows: int
    columns: tuple[ResultColumn, ...]
    plan: PlanNode | None
    seconds: float


class Runner(Protocol):
    def run(self, sql: str) -> Ran | Failure:
        """Run one query in a read-only transaction of its own that is rolled back. Failures of the query are given
        back; raises the errors of dbsynth where the connection is lost."""


@runtime_checkable
class Replays(Protocol):
    """A database that can. A dialect's ``Database`` has this method if it does."""

    def runner(
        self, schemas: Sequence[str], seconds: float, snapshot: str | None = None
    ) -> AbstractContextManager[Runner]:
        """``schemas``: where names without one are looked for. ``seconds``: a query may take. ``snapshot``: that
        queries see, where the database can show one to a query as it is written; else they see what is there now."""


@dataclass(frozen=True)
class Statement:
    """A query that the database has seen before, its literals written as $1, $2, …"""

    sql: str
    calls: int


@runtime_checkable
class RemembersStatements(Protocol):
    def statements(self, most: int) -> list[Statement]:
        """The queries of this database that took most time. UsageError with a remedy where it does not keep them."""
