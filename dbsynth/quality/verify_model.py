"""``verify --against MODEL``: everything that can be told of a target without its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from sqlalchemy.engine import URL

from dbsynth import __version__
from dbsynth.dialect import Database, connect, load_dialect
from dbsynth.pipeline.filling import created
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.catalog import Labels, compare
from dbsynth.quality.constraints import check_constraints
from dbsynth.quality.figures import Finding, Verification, worst_first
from dbsynth.quality.gates import Thresholds, findings_of, judged
from dbsynth.quality.of_model import fidelity_of_statistics, privacy_of_model
from dbsynth.quality.pairing import made_side, schemas_of
from dbsynth.quality.promises import check_promises
from dbsynth.quality.sides import Sides
from dbsynth.schema.model import Schema, TableName
from dbsynth.translate.names import folded
from dbsynth.translate.target import source_grammar

if TYPE_CHECKING:
    from dbsynth.synthesizer import Synthesizer

T = TypeVar("T")
MADE_AGAIN = "make it again: dbsynth generate"


class Run(Protocol):
    def __call__(self, name: str, action: Callable[[], T], /) -> T: ...


def mapping_of(model: Synthesizer, wish: str | None, database: Database) -> dict[str, str]:
    """Schema of the model -> schema of the target, as ``generate`` names them."""
    names = model.plan.schema.schemas
    if wish is not None:
        return {names[0]: wish} if len(names) == 1 else {n: f"{wish}_{n}" for n in names}
    ours, theirs = source_grammar(model.dialect), database.dialect.grammar
    return {n: folded(n, ours, theirs) for n in names}


@contextmanager
def opened_with_model(model: Synthesizer, url: URL, schema: str | None, limit: int) -> Iterator[Sides]:
    """The target, read-only in one snapshot. What would be the real side stands for the target too: nothing of the
    source is there. Raises UsageError where the target has none of the model's tables."""
    with ExitStack() as stack:
        target = connect(url)
        stack.callback(target.close)
        mapping = mapping_of(model, schema, target)
        source = load_dialect(model.dialect) if model.dialect is not None else None
        here = schemas_of(model.plan.schema, mapping, source or target.dialect, target.dialect)
        made = target.introspect(here)
        target.bind(made)
        snapshot = stack.enter_context(target.snapshot())
        place = f"{target.describe()}#{','.join(dict.fromkeys(mapping.values()))}"
        yield sides_of(model, replace(model.plan, mapping=mapping, target=place), target, made, snapshot, limit)


def sides_of(model: Synthesizer, plan: Plan, target: Database, made: Schema, snapshot: str, limit: int) -> Sides:
    reference, grammar = f"the model of {plan.source}", source_grammar(model.dialect)
    schema, side = made_side(plan, reference, grammar, target, made, snapshot, limit)
    return Sides(schema, side, side, plan, made)


def verified_with_model(
    model: Synthesizer,
    sides: Sides,
    thresholds: Thresholds,
    seed: int,
    run: Run,
    name: str,
    declared: Schema | None = None,
) -> Verification:
    """``name``: of the model, for people. ``declared``: what the target's catalog is going to say; None: it does."""
    plan = sides.plan
    labels = Labels("the model", "the target")
    dialect = load_dialect(model.dialect) if model.dialect is not None else None
    database = sides.made.database
    findings: list[Finding] = []
    if declared is None:
        differences = run(
            "catalog",
            lambda: compare(created(plan), sides.catalog, plan.mapping, dialect, database.dialect, labels, MADE_AGAIN),
        )
        findings += [d.finding() for d in differences]
    back = {here: ours for ours, here in sides.made.names.items()}
    catalog = sides.catalog if declared is None else declared
    mine = replace(catalog, tables=tuple(t for t in catalog.tables if t.name in back))
    kept = run("constraints", lambda: check_constraints(database, mine, back))
    promised, untested = run("rules and facts", lambda: check_promises(sides))
    constraints = (*kept, *promised)
    counts = dict(sides.made.counts)
    findings += [*untested, *findings_of(constraints, counts)]
    fidelity = privacy = None
    if "quality" in thresholds.fail_on:
        fidelity = run("fidelity", lambda: fidelity_of_statistics(model.statistics, sides.made, plan))
        findings += fidelity.findings
    if "privacy" in thresholds.fail_on:
        privacy = run("privacy", lambda: privacy_of_model(plan, model.learned, sides.made, thresholds.copies))
        findings += privacy.findings
    rows: Mapping[TableName, tuple[int | None, int]] = {n: (plan[n].source_rows, made) for n, made in counts.items()}
    return Verification(
        target=plan.target,
        against=f"{name}, a model of {plan.source}",
        rows=rows,
        constraints=constraints,
        fidelity=fidelity,
        privacy=privacy,
        findings=worst_first(findings),
        gates=judged(thresholds, constraints, fidelity, privacy, findings),
        kept={t.name: t.kept.reason for t in plan.tables if t.kept is not None},
        seconds={},
        about={"dbsynth": __version__, "seed": seed, "model": model.digest[:32]},
    )
