"""The whole replay: both sides opened, the queries gathered, each run on both and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from dbsynth.pipeline.clone import Built
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.figures import Finding, QueryFigure, Workload, past, worst_first
from dbsynth.quality.replay.both import Both, of_built, opened
from dbsynth.quality.replay.compare import FLOOR, MOST
from dbsynth.quality.replay.safety import Query
from dbsynth.quality.replay.verdict import Compared, compared, ratios_of
from dbsynth.quality.replay.workloads import SECONDS, Asked, Workloads, gathered
from dbsynth.queries import Failure, Ran, Runner
from dbsynth.schema.model import Schema

MIN_SHARE = 0.95


@dataclass(frozen=True)
class ReplayOptions:
    """``clone``: source and target, as of the clone. ``path``: the file of queries, or dbt's manifest.json.
    ``seconds``: a query may take on a side."""

    clone: CloneOptions
    workload: Workloads = "generated"
    path: Path | None = None
    seconds: float = SECONDS
    min_share: float = MIN_SHARE
    seed: int = 0

    @property
    def asked(self) -> Asked:
        return Asked(self.workload, self.path, self.seconds)


@dataclass(frozen=True)
class Replay:
    """``compared`` in the order in which the queries were run."""

    target: str
    against: str
    workload: Workload
    compared: tuple[Compared, ...]
    min_share: float
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return bool(self.workload.queries) and self.workload.share >= self.min_share

    @property
    def same_joins(self) -> tuple[int, int]:
        """Of the queries that join, and whose plans both databases told: how many have one join order; how many."""
        told = [c.joins_alike for c in self.compared if c.joins_alike is not None]
        return sum(told), len(told)

    def describe(self) -> dict[str, Any]:
        """No literal of a query, no value of a row."""
        return {
            "version": 1,
            "target": self.target,
            "against": self.against,
            "passed": self.passed,
            "share": round(self.workload.share, 4),
            "min_share": self.min_share,
            "most_q_error": self.workload.most,
            "floor": FLOOR,
            "about": dict(self.about),
            "queries": [c.describe() for c in self.compared],
            "skipped": dict(self.workload.skipped),
            "findings": [{"severity": f.severity, "says": f.says, "remedy": f.remedy} for f in self.workload.findings],
        }


def replay(options: ReplayOptions, emit: Callable[[QueryFigure], None] = lambda _: None) -> Replay:
    """Nothing is written on either side. UsageError where there is no workload, or nothing of the source in the
    target; the errors of connecting and reading."""
    with opened(options.clone) as both:
        return _replayed(both, options.asked, options.min_share, options.seed, emit)


def replay_built(built: Built, made: Schema, asked: Asked, min_share: float, seed: int) -> Workload:
    """Of what is not published yet, whose catalog is ``made``: the queries read it where it is built."""
    return _replayed(of_built(built, made), asked, min_share, seed).workload


def _replayed(
    both: Both, asked: Asked, min_share: float, seed: int, emit: Callable[[QueryFigure], None] = lambda _: None
) -> Replay:
    queries, refused = gathered(asked, both, seed)
    done: list[Compared] = []
    told_plans = False
    with both.runners(asked.seconds) as (ours, theirs):
        for query in queries:
            result, told = _compared(query, ours, theirs, both)
            told_plans = told_plans if told is None else told
            emit(result.figure)
            done.append(result)
    skipped = {r.name: r.says for r in refused}
    workload = workload_of(tuple(c.figure for c in done), skipped, min_share)
    about = {
        "workload": asked.kind,
        "seed": seed,
        "limit_seconds": asked.seconds,
        "plans": told_plans,
        "tables": len(both.schema.tables),
    }
    return Replay(both.target.describe(), both.source.describe(), workload, tuple(done), min_share, about)


def _compared(query: Query, ours: Runner, theirs: Runner, both: Both) -> tuple[Compared, bool | None]:
    """And whether both databases told their plans, None where it did not run on both."""
    here, there = both.ours.placed(query.sql), both.theirs.placed(query.sql)
    real: Ran | Failure = Failure(here.why) if here.sql is None else ours.run(here.sql)
    made: Ran | Failure = Failure(there.why) if there.sql is None else theirs.run(there.sql)
    told = real.plan is not None and made.plan is not None if isinstance(real, Ran) and isinstance(made, Ran) else None
    ratios = ratios_of(here.tables, both.real, both.made)
    return compared(query, real, made, ratios, both.ours.source.sqlglot), told


def workload_of(queries: tuple[QueryFigure, ...], skipped: Mapping[str, str], min_share: float) -> Workload:
    """``share`` 0 where no query was run."""
    alike = sum(q.alike for q in queries)
    share = alike / len(queries) if queries else 0.0
    findings = [
        Finding("warning", "workload", None, f"{q.query}: {q.says}", _remedy(q), _weight(q))
        for q in queries
        if not q.alike
    ]
    if not queries:
        says = f"no query was run, {len(skipped):,} were refused or skipped"
        findings.append(Finding("failure", "workload", None, says, "see why each was", inf))
    elif share < min_share:
        says = f"{alike:,} of {len(queries):,} queries behave alike on both sides ({share:.1%}, {min_share:.0%} asked)"
        far = past(1.0 - share, 1.0 - min_share)
        findings.append(Finding("failure", "workload", None, says, "see why each of the others does not", far))
    return Workload(share, MOST, queries, dict(skipped), worst_first(findings))


def _weight(query: QueryFigure) -> float:
    """A query that does not run, or a test that fails on one side, is worse than any number of rows."""
    return inf if query.q_error is None or query.q_error <= MOST else past(query.q_error, MOST)


def _remedy(query: QueryFigure) -> str:
    if query.q_error is None:
        return "run it there by hand: what it names has to be in both"
    return "train longer (--effort thorough), or tell dbsynth of the rule or fact that the query relies on"
