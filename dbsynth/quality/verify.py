"""The whole verification: constraints, the plan's promises, likeness to the source, privacy, gates. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import URL

from dbsynth import __version__
from dbsynth.dialect import connect
from dbsynth.errors import UsageError
from dbsynth.pipeline import events
from dbsynth.pipeline.clone import Built
from dbsynth.pipeline.filling import Emit, created
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.catalog import compare
from dbsynth.quality.constraints import check_constraints
from dbsynth.quality.fidelity import fidelity
from dbsynth.quality.figures import Finding, Verification
from dbsynth.quality.gates import DEFAULTS, Thresholds, findings_of, judged
from dbsynth.quality.pairing import opened, pair
from dbsynth.quality.privacy import privacy
from dbsynth.quality.promises import check_promises
from dbsynth.quality.sides import SAMPLE_ROWS, Sides
from dbsynth.quality.verify_model import opened_with_model, verified_with_model
from dbsynth.schema.model import Schema
from dbsynth.sqlbase.building import is_scratch

T = TypeVar("T")
SEVERITIES = ("failure", "warning", "note")


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
    if options.model is not None:
        return _with_model(options, options.model, steps, look)
    if options.against is None:
        return _alone(options, steps, look)
    with _timed_open(options, steps) as sides:
        found = compared(sides, options, steps)
        _look(steps, look, found, sides)
        return found


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
    made = building.database.introspect(tuple(dict.fromkeys(building.schemas.values())))
    building.database.bind(made)
    plan = replace(built.plan, mapping=building.schemas)
    with building.database.snapshot() as snapshot:
        snapshots = (built.snapshot, snapshot)
        sides = pair(plan, built.source, building.database, made, snapshots, options.sample_rows)
        found = compared(sides, options, steps, built.plan.target, building.declared)
        _look(steps, look, found, sides)
        return found


def compared(
    sides: Sides, options: VerifyOptions, steps: Steps, target: str | None = None, declared: Schema | None = None
) -> Verification:
    """Of a target with its source. Tables go by their names in the source. ``declared``: what the target's catalog is
    going to say; None: it does."""
    back = {here: name for name, here in sides.made.names.items()}
    rows = {n: (sides.real.counts[n], sides.made.counts[n]) for n in sides.made.names}
    catalog = sides.catalog if declared is None else declared
    mine = replace(catalog, tables=tuple(t for t in catalog.tables if t.name in back))
    differences = steps.run("catalog", lambda: _differences(sides)) if declared is None else []
    kept = steps.run("constraints", lambda: check_constraints(sides.made.database, mine, back))
    promised, untested = steps.run("rules and facts", lambda: check_promises(sides))
    likeness = steps.run("fidelity", lambda: fidelity(sides, options.seed))
    disclosed = steps.run("privacy", lambda: privacy(sides, options.seed, options.thresholds.copies))
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
        found = verified_with_model(model, sides, options.thresholds, options.seed, steps.run, str(path))
        found = replace(found, seconds=dict(steps.seconds))
        look(found, None)
        return found


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
    findings += [f for part in (found.fidelity, found.privacy) if part is not None for f in part.findings]
    findings.sort(key=lambda f: SEVERITIES.index(f.severity))
    return replace(
        found,
        findings=tuple(findings),
        gates=judged(options.thresholds, found.constraints, found.fidelity, found.privacy, findings),
        seconds=dict(steps.seconds),
        about={"dbsynth": __version__, "seed": options.seed, "sample rows": options.sample_rows},
    )
