"""A clone that is ruined by hand is red, and the findings name what was done; an honest one is green, and an untouched
copy of the real rows is not private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy.engine import make_url

from dbsynth.dialect import Database, connect, parse_url
from dbsynth.pipeline.clone import plan_of, read_catalog, target_names
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.figures import Finding, Verification
from dbsynth.quality.pairing import pair
from dbsynth.quality.sides import SAMPLE_ROWS
from dbsynth.quality.verify import Steps, VerifyOptions, compared
from dbsynth.testing.embedded import create_database, drop_database
from tests.clones import Clone
from tests.quality.sabotages import SABOTAGES, Sabotage

pytestmark = pytest.mark.databases


@dataclass(frozen=True)
class Known:
    """A source as it is planned; the plan does not depend on what is done to a target."""

    clone: Clone
    source: Database
    plan: Plan
    snapshot: str


@pytest.fixture(scope="module")
def known(cloned: Callable[[str], Clone]) -> Iterator[Callable[[str], Known]]:
    found: dict[str, Known] = {}
    with ExitStack() as stack:

        def get(name: str) -> Known:
            if name not in found:
                made = cloned(name)
                options = CloneOptions(parse_url(made.source), parse_url(made.target), seed=1)
                source, target = connect(made.source), connect(made.target)
                stack.callback(source.close)
                options, schema = read_catalog(options, source)
                mapping = target_names(options, schema, source, target)
                snapshot = stack.enter_context(source.snapshot())
                plan = plan_of(options, source, target, schema, mapping, snapshot, 1)
                target.close()
                found[name] = Known(made, source, plan, snapshot)
            return found[name]

        yield get


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    name = make_url(url).database
    copy = create_database(url.rsplit("/", 1)[0] + "/postgres", f"{name}_ruined", template=name)
    try:
        yield copy
    finally:
        drop_database(copy)


def verified(known: Known, target: str) -> Verification:
    database = connect(target)
    try:
        made = database.introspect(tuple(dict.fromkeys(known.plan.mapping.values())))
        database.bind(made)
        with database.snapshot() as snapshot:
            sides = pair(known.plan, known.source, database, made, (known.snapshot, snapshot), SAMPLE_ROWS)
            return compared(sides, VerifyOptions(parse_url(target)), Steps(lambda event: None))
    finally:
        database.close()


def failures(found: Verification) -> list[Finding]:
    return [f for f in found.findings if f.severity == "failure"]


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=[s.name for s in SABOTAGES])
def test_what_was_done_is_found_and_named(known: Callable[[str], Known], sabotage: Sabotage) -> None:
    about = known(sabotage.database)
    with copy_of(about.clone.target) as target:
        sabotage.do(about.clone.source, target)
        found = verified(about, target)
    assert not found.passed
    told = failures(found)
    named = [f for f in told if sabotage.gate in ("", f.gate) and f.subject is not None and names(f, sabotage)]
    assert named, "\n".join(f"{f.gate}: {f.says}" for f in told)


def names(finding: Finding, sabotage: Sabotage) -> bool:
    subject = finding.subject
    assert subject is not None
    here = subject.table.name == sabotage.table or f".{sabotage.table}" in str(subject)
    columns = not sabotage.columns or any(c in subject.columns or c in finding.says for c in sabotage.columns)
    return here and columns


@pytest.mark.parametrize("name", ["chinook", "pagila17", "northwind"])
def test_an_honest_clone_is_green(known: Callable[[str], Known], name: str) -> None:
    about = known(name)
    found = verified(about, about.clone.target)
    assert [f.says for f in failures(found)] == []
    assert found.passed, [g.says for g in found.gates]


@pytest.mark.parametrize("name", ["chinook", "pagila17", "northwind"])
def test_the_real_rows_themselves_are_not_private(known: Callable[[str], Known], name: str) -> None:
    about = known(name)
    found = verified(about, about.clone.source)
    assert [g for g in found.gates if g.gate == "privacy" and not g.passed]
    assert [g for g in found.gates if g.gate == "violations" and g.passed]
