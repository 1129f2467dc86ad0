"""The tasks of a run and what each waits for. Ready tasks start in an order that keeps the workers busy; the result
does not depend on it."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from dbsynth.model.base import FitReport
from dbsynth.model.pace import rows_to_see
from dbsynth.pipeline import work
from dbsynth.pipeline.borrowed import lenders
from dbsynth.pipeline.executor import Executor
from dbsynth.pipeline.facts import late_needs
from dbsynth.pipeline.plan import TablePlan
from dbsynth.schema.model import TableName


@dataclass
class Outcome:
    """What became of one table."""

    rows: int = 0
    seconds: float = 0.0
    report: FitReport | None = None
    violations: Mapping[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


Key = tuple[str, TableName]


STEPS = ("prepare", "train", "generate", "patch", "load")
FIT, MAKE = STEPS[:2], STEPS[2:4]


@dataclass
class Tasks:
    """Runs ``steps`` for every table of the job's plan.

    ``given``: tables that are learned already, with what was learned; ``said``: where a run goes on, what was said of
    them. ``prepared(table, codes)`` is called with a digest of how the rows of a table are coded, ``learned(table,
    what)`` for each table that is not given. ``load(name)`` writes a finished table to the target (on one thread of
    this process); ``extracted`` is called when the source is no longer needed; ``step(table, step, seconds, rows)``
    after each task.
    """

    job: work.Job
    executor: Executor
    steps: Collection[str] = STEPS
    given: Mapping[TableName, bytes] = field(default_factory=dict)
    said: Mapping[TableName, Sequence[str]] = field(default_factory=dict)
    prepared: Callable[[TableName, str], None] = lambda name, codes: None
    learned: Callable[[TableName, bytes], None] = lambda name, blob: None
    load: Callable[[TableName], int] = lambda name: 0
    started: Callable[[TableName, str], None] = lambda name, step: None
    step: Callable[[TableName, str, float, int], None] = lambda name, step, seconds, rows: None
    extracted: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.blob = pickle.dumps(self.job)
        self.outcome = {t.name: Outcome(warnings=list(self.said.get(t.name, ()))) for t in self.job.plan.tables}
        self.codes: dict[TableName, str] = {}
        self.own: dict[TableName, bytes] = {}
        self.shared: dict[tuple[TableName, TableName], bytes] = {}
        self.models = dict(self.given)
        self.size: dict[TableName, float] = {}
        self.waiting: dict[Key, set[Key]] = {}
        for plan in self.job.plan.tables:
            self._plan(plan)

    def _plan(self, plan: TablePlan) -> None:
        name, all_plans = plan.name, self.job.plan
        if plan.source_rows == 0 or plan.rows == 0:
            return  # created with the schema, stays empty
        ancestors = work.lineage(all_plans, plan)
        if name not in self.given:
            self.waiting["train", name] = {("prepare", t.name) for t in (plan, *ancestors)}
            self.waiting |= {("prepare", t.name): set() for t in (plan, *ancestors)}
        if "generate" not in self.steps:
            return
        parents = {k.key.ref_table for k in plan.keys if k.fill not in ("self", "cycle", "dropped")}
        parents |= {a.name for a in ancestors} | set(lenders(all_plans, plan))
        self.waiting["generate", name] = {("train", name)} | {("generate", p) for p in parents}
        last = "generate"
        cycles = [k.key.ref_table for k in plan.keys if k.fill == "cycle"]
        late = late_needs(all_plans.facts, name)
        if cycles or late:
            last = "patch"
            self.waiting["patch", name] = {("generate", t) for t in (name, *cycles, *late)}
            self.waiting["patch", name] |= {("patch", t) for t in late if t != name}
        if "load" in self.steps:
            self.waiting["load", name] = {(last, name)}

    def _arguments(self, key: Key) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        step, name = key
        if step == "prepare":
            return work.prepare_table, (self.blob, name)
        if step == "train":
            chain, child, codes = [], name, [self.codes[name]]
            for ancestor in work.lineage(self.job.plan, self.job.plan[name]):
                if (ancestor.name, child) not in self.shared:
                    break
                chain.append(self.shared[ancestor.name, child])
                child = ancestor.name
                codes.append(self.codes[child])
            return work.train_table, (self.blob, self.own[name], chain, " ".join(codes))
        if step == "generate":
            return work.generate_table, (self.blob, self.models[name])
        return work.patch_table, (self.blob, name)

    def _priority(self, key: Key) -> tuple[int, float, str]:
        """What others wait for first: patches and generation, then preparation, then the longest training."""
        step, name = key
        return {"patch": 0, "generate": 1, "prepare": 2, "train": 3}[step], -self.size.get(name, 0), str(name)

    def run(self) -> dict[TableName, Outcome]:
        """Returns when every step of every table is done; raises the first error of any task."""
        running: dict[Future[Any], tuple[Key, float]] = {}
        preparing = {k for k in self.waiting if k[0] == "prepare"}
        done: set[Key] = {(s, t.name) for t in self.job.plan.tables for s in STEPS if (s, t.name) not in self.waiting}
        with ThreadPoolExecutor(1, thread_name_prefix="dbsynth-load") as loader:
            try:
                while self.waiting or running:
                    ready = sorted(
                        (k for k, needs in self.waiting.items() if needs <= done and k[0] != "load"), key=self._priority
                    )
                    busy = sum(k[0] != "load" for k, _ in running.values())
                    for key in ready[: max(0, self.executor.workers - busy)]:
                        del self.waiting[key]
                        self.started(key[1], key[0])
                        task, arguments = self._arguments(key)
                        running[self.executor.submit(task, *arguments)] = (key, time.monotonic())
                    for key in [k for k, needs in self.waiting.items() if k[0] == "load" and needs <= done]:
                        del self.waiting[key]
                        self.started(key[1], "load")
                        running[loader.submit(self.load, key[1])] = (key, time.monotonic())
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        key, since = running.pop(future)
                        self._settle(key, future.result(), time.monotonic() - since)
                        done.add(key)
                        preparing.discard(key)
                        if key[0] == "prepare" and not preparing:
                            self.extracted()
            except BaseException:
                for future in running:
                    future.cancel()
                raise
        return self.outcome

    def _settle(self, key: Key, result: Any, seconds: float) -> None:
        step, name = key
        outcome = self.outcome[name]
        outcome.seconds += seconds
        rows = 0
        if step == "prepare":
            rows = result.rows
            self.codes[name] = result.codes
            self.prepared(name, result.codes)
            if ("train", name) in self.waiting:
                self.own[name] = result.own
            self.size[name] = rows_to_see(result.rows) * (result.columns + 1)
            for child, blob in result.shared.items():
                self.shared[name, child] = blob
            if name not in self.said:
                outcome.warnings += result.warnings
        elif step == "train":
            self.models[name], outcome.report = result
            outcome.warnings += outcome.report.warnings
            self.learned(name, self.models[name])
            del self.own[name]
            if "generate" not in self.steps:
                del self.models[name]
            rows = self.job.plan[name].train_rows
        elif step in ("generate", "patch"):
            rows = outcome.rows = result.rows
            outcome.warnings += result.warnings
            outcome.violations = {**outcome.violations, **result.violations}
            self.models.pop(name, None)
        else:
            rows = outcome.rows = result
        self.step(name, step, seconds, rows)
