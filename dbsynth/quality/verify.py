"""The whole verification: constraints, the plan's promises, likeness to the source, privacy, gates. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.engine import URL

from dbsynth import __version__
from dbsynth.dialect import Building, connect
from dbsynth.errors import GateFailed, UsageError
from dbsynth.pipeline import events
from dbsynth.pipeline.clone import Built
from dbsynth.pipeline.filling import Emit, created
from dbsynth.pipeline.generation import Check
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.catalog import compare
from dbsynth.quality.constraints import check_constraints
from dbsynth.quality.fidelity import fidelity
from dbsynth.quality.figures import Finding, Gate, Verification, Workload, worst_first
from dbsynth.quality.gates import DEFAULTS, Thresholds, findings_of, judged, verdict
from dbsynth.quality.of_model import check_statistics
from dbsynth.quality.pairing import opened, pair
from dbsynth.quality.privacy import privacy
from dbsynth.quality.promises import check_promises
from dbsynth.quality.replay.run import ReplayOptions, replay, replay_built
from dbsynth.quality.replay.workloads import Asked
from dbsynth.quality.sides import SAMPLE_ROWS, Sides
from dbsynth.quality.verify_model import opened_with_model, sides_of, verified_with_model
from dbsynth.schema.model import Schema
from dbsynth.sqlbase.building import is_scratch

if TYPE_CHECKING:
    from dbsynth.synthesizer import Synthesizer

T = TypeVar("T")
JUST_MADE: dict[Gate, str] = {
    "quality": "train the model longer (dbsynth train --effort thorough) or on more rows (--sample-rows)",
    "privacy": "nothing was published; make others (--seed), and if they fail too train with a larger [privacy] k",
}
"""What to do about rows that nobody can have changed after they were made."""


@dataclass(frozen=True)
class VerifyOptions:
    """``target_url``, ``target_schemas`` (None: all): what is verified. ``against``: the clone that would make it from
    its source; None: its own constraints only. ``sample_rows``: of each table that figures are computed from."""

    target_url: URL
    target_schemas: tuple[str, ...] | None = None
    against: CloneOptions | None = None
    model: Path | None = None
    """That the rows were made from: instead of the source, in ``model_schema`` (None: as the model calls them)."""
    model_schema: str | None = None
    thresholds: Thresholds = DEFAULTS
    sample_rows: int = SAMPLE_ROWS
    seed: int = 0
    workload: Asked | None = None
    """What is to be replayed on the source and on the target; None: nothing."""


@dataclass
class Steps:
    """Each step is told of, and timed."""

    emit: Emit
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, name: str, action: Callable[[], T]) -> T:
        self.emit(events.StepStarted(None, name))
        began = time.monotonic()
        result = action()
        self.seconds[name] = time.monotonic() - began
        self.emit(events.StepDone(None, name, self.seconds[name], 0))
        return result


Look = Callable[[Verification, Sides | None], None]
"""What a report draws from: while the sides are open."""


def nothing(verification: Verification, sides: Sides | None) -> None:
    return None


def verify(options: VerifyOptions, emit: Emit = lambda event: None, look: Look = nothing) -> Verification:
    """The same options on the same rows give the same figures. Raises UsageError where there is nothing to verify, and
    what connecting, reading and planning raise."""
    steps = Steps(emit)
    check_workload(options, with_source=options.against is not None)
    if options.model is not None:
        return _with_model(options, options.model, steps, look)
    if options.against is None:
        return _alone(options, steps, look)
    workload = _replayed(options, options.against, steps)
    with _timed_open(options, steps) as sides:
        found = compared(sides, options, steps, workload=lambda: workload)
        _look(steps, look, found, sides)
        return found


def check_workload(options: VerifyOptions, *, with_source: bool) -> None:
    """Raises UsageError, before anything is read, for queries that have no two databases to run on, and for a gate of
    queries without any."""
    if options.workload is not None and not with_source:
        why = "a model answers no queries" if options.model is not None else "there is nothing to compare them with"
        raise UsageError(f"queries are replayed on a source and on its target: {why}", hint="say --against SOURCE")
    if options.workload is None and options.thresholds.fail_on == ("workload",):
        raise UsageError(
            "the gate workload alone is to count, and no queries are named: nothing would be tested",
            hint="name other gates too, or queries: verify --replay, --queries, --pg-stat-statements, --dbt",
        )


def _replayed(options: VerifyOptions, against: CloneOptions, steps: Steps) -> Workload | None:
    """Before the sides are opened: a runner of queries may close a file to all else that has it open."""
    asked = options.workload
    if asked is None:
        return None
    wish = ReplayOptions(against, asked.kind, asked.path, asked.seconds, options.thresholds.share, options.seed)
    return steps.run("workload", lambda: replay(wish)).workload


def _look(steps: Steps, look: Look, found: Verification, sides: Sides | None) -> None:
    if look is not nothing:
        steps.run("report", lambda: look(found, sides))


@contextmanager
def _timed_open(options: VerifyOptions, steps: Steps) -> Iterator[Sides]:
    assert options.against is not None
    context = opened(options.against, options.sample_rows)
    sides = steps.run("plan", context.__enter__)
    try:
        yield sides
    finally:
        context.__exit__(None, None, None)


def verify_built(
    built: Built, options: VerifyOptions, emit: Emit = lambda event: None, look: Look = nothing
) -> Verification:
    """What a clone has built and not published yet."""
    steps, building = Steps(emit), built.building
    plan = replace(built.plan, mapping=building.schemas)
    with _opened_building(building) as (made, snapshot):
        snapshots = (built.snapshot, snapshot)
        sides = pair(plan, built.source, building.database, made, snapshots, options.sample_rows)
        asked, share = options.workload, options.thresholds.share

        def replayed() -> Workload | None:
            if asked is None:
                return None
            return steps.run("workload", lambda: replay_built(built, made, asked, share, options.seed))

        found = compared(sides, options, steps, built.plan.target, building.declared, replayed)
        _look(steps, look, found, sides)
        return found


def verify_generated(
    model: Synthesizer, plan: Plan, building: Building, options: VerifyOptions, name: str, look: Look = nothing
) -> Verification:
    """What was made of a model, by ``plan``, and is not published yet. ``name``: of the model, for people."""
    steps = Steps(lambda event: None)
    with _opened_building(building) as (made, snapshot):
        here = replace(plan, mapping=building.schemas)
        sides = sides_of(model, here, building.database, made, snapshot, options.sample_rows)
        found = _of_model(model, sides, options, steps, name, building.declared)
        told = [replace(f, remedy=JUST_MADE.get(f.gate, f.remedy)) for f in found.findings if f.severity == "failure"]
        found = replace(found, findings=(*told, *(f for f in found.findings if f.severity != "failure")))
        _look(steps, look, found, None)
        return found


def check_of_model(
    model: Synthesizer,
    options: VerifyOptions,
    name: str,
    judge: Callable[[Verification], None],
    look: Look = nothing,
) -> Check:
    """What to call with rows of ``model`` before they are published; ``judge`` raises what is to stop that. UsageError
    where the model holds nothing to judge likeness by."""
    if "quality" in options.thresholds.fail_on:
        check_statistics(model.statistics, model.plan)
    return lambda plan, building: judge(verify_generated(model, plan, building, options, name, look))


def raise_if_failed(verification: Verification) -> None:
    """GateFailed, with what closed the gates."""
    if verification.passed:
        return
    failures = [f.says for f in verification.findings if f.severity == "failure"]
    closed = [g.says for g in verification.gates if not g.passed]
    more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
    told = "; ".join(failures[:3] or closed) + more
    remedies = [f.remedy for f in verification.findings if f.severity == "failure" and f.remedy]
    raise GateFailed(f"{verdict(verification)}: {told}", hint=remedies[0] if remedies else "")


@contextmanager
def _opened_building(building: Building) -> Iterator[tuple[Schema, str]]:
    """Its catalog, to which its database is bound, and a snapshot."""
    made = building.database.introspect(tuple(dict.fromkeys(building.schemas.values())))
    building.database.bind(made)
    with building.database.snapshot() as snapshot:
        yield made, snapshot


def compared(
    sides: Sides,
    options: VerifyOptions,
    steps: Steps,
    target: str | None = None,
    declared: Schema | None = None,
    workload: Callable[[], Workload | None] = lambda: None,
) -> Verification:
    """Of a target with its source. Tables go by their names in the source. ``declared``: what the target's catalog is
    going to say; None: it does. ``workload``: gives what came of the queries that were replayed; called when all else
    is read, for a runner of queries may close a file to all else."""
    back = {here: name for name, here in sides.made.names.items()}
    rows = {n: (sides.real.counts[n], sides.made.counts[n]) for n in sides.made.names}
    catalog = sides.catalog if declared is None else declared
    mine = replace(catalog, tables=tuple(t for t in catalog.tables if t.name in back))
    differences = steps.run("catalog", lambda: _differences(sides)) if declared is None else []
    kept = steps.run("constraints", lambda: check_constraints(sides.made.database, mine, back))
    promised, untested = steps.run("rules and facts", lambda: check_promises(sides))
    likeness = steps.run("fidelity", lambda: fidelity(sides, options.seed))
    disclosed = steps.run("privacy", lambda: privacy(sides, options.seed, options.thresholds.copies))
    replayed = workload()
    return _judged(
        options,
        steps,
        Verification(
            target=target or sides.plan.target,
            against=sides.plan.source,
            rows=rows,
            constraints=(*kept, *promised),
            fidelity=likeness,
            privacy=disclosed,
            findings=(*differences, *untested),
            gates=(),
            kept={t.name: t.kept.reason for t in sides.plan.tables if t.kept is not None},
            workload=replayed,
        ),
    )


def _differences(sides: Sides) -> list[Finding]:
    """What the target's catalog lacks or has otherwise than a clone of the source."""
    source, target = sides.real.database.dialect, sides.made.database.dialect
    found = compare(created(sides.plan), sides.catalog, sides.plan.mapping, source, target)
    return [d.finding() for d in found]


def _with_model(options: VerifyOptions, path: Path, steps: Steps, look: Look) -> Verification:
    from dbsynth.synthesizer import Synthesizer

    model = steps.run("model", lambda: Synthesizer.load(path))
    with opened_with_model(model, options.target_url, options.model_schema, options.sample_rows) as sides:
        found = _of_model(model, sides, options, steps, str(path))
        _look(steps, look, found, None)
        return found


def _of_model(
    model: Synthesizer, sides: Sides, options: VerifyOptions, steps: Steps, name: str, declared: Schema | None = None
) -> Verification:
    found = verified_with_model(model, sides, options.thresholds, options.seed, steps.run, name, declared)
    return replace(found, seconds=dict(steps.seconds))


def _alone(options: VerifyOptions, steps: Steps, look: Look) -> Verification:
    database = connect(options.target_url)
    try:
        schemas = options.target_schemas or tuple(n for n, _ in database.schema_names() if not is_scratch(n))
        catalog = steps.run("catalog", lambda: database.introspect(schemas) if schemas else Schema(()))
        if not catalog.tables:
            raise UsageError(
                f"there is no table in {database.describe()}" + (f"#{','.join(schemas)}" if schemas else ""),
                hint="name the schema that was made: TARGET#SCHEMA",
            )
        database.check_readable(catalog)
        database.bind(catalog)
        counts = database.count([t.name for t in catalog.tables])
        constraints = steps.run("constraints", lambda: check_constraints(database, catalog))
        found = _judged(
            options,
            steps,
            Verification(
                target=f"{database.describe()}#{','.join(catalog.schemas)}",
                against=None,
                rows={n: (None, made) for n, made in counts.items()},
                constraints=constraints,
                fidelity=None,
                privacy=None,
                findings=(),
                gates=(),
            ),
        )
        _look(steps, look, found, None)
        return found
    finally:
        database.close()


def _judged(options: VerifyOptions, steps: Steps, found: Verification) -> Verification:
    """``found`` with all findings, the worst first, and its gates."""
    findings = [*found.findings, *findings_of(found.constraints, {n: made for n, (_, made) in found.rows.items()})]
    parts = (found.fidelity, found.privacy, found.workload)
    findings += [f for part in parts if part is not None for f in part.findings]
    about: dict[str, object] = {"dbsynth": __version__, "seed": options.seed, "sample rows": options.sample_rows}
    if found.workload is not None and options.workload is not None:
        about |= {"queries": options.workload.kind, "seconds a query": options.workload.seconds}
    return replace(
        found,
        findings=worst_first(findings),
        gates=judged(options.thresholds, found.constraints, found.fidelity, found.privacy, findings, found.workload),
        seconds=dict(steps.seconds),
        about=about,
    )
