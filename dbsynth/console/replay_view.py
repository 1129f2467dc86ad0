"""How a replay reads. Takes what ``dbsynth.quality.replay`` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import cells, grid, heading, item
from dbsynth.console.redact import redact
from dbsynth.quality.figures import QueryFigure
from dbsynth.quality.replay import Replay
from dbsynth.quality.replay.compare import FLOOR

MOST_LISTED = 30
"""More queries that are unlike, or skipped, are only told with --verbose, and all in --json."""


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watch]:
    """On a terminal, how many queries were run; elsewhere nothing."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Watch()
        return
    with console.status("looking at both sides") as status:
        watch = Watch()
        watch.tell = lambda: status.update(Text(f"{words.counted(watch.queries, 'query')} run, {watch.alike:,} alike"))
        yield watch


class Watch:
    def __init__(self) -> None:
        self.queries = self.alike = 0
        self.tell: Callable[[], None] = lambda: None

    def __call__(self, figure: QueryFigure) -> None:
        self.queries += 1
        self.alike += figure.alike
        self.tell()


def show(console: Console, done: Replay, *, verbose: bool) -> None:
    workload = done.workload
    console.print(Text(redact(f"{done.target} against {done.against}: {_source(done)}")))
    table = grid(
        "queries", "run", "alike", "q-error, median", "largest", right=("run", "alike", "q-error, median", "largest")
    )
    for kind in dict.fromkeys(q.kind for q in workload.queries):
        told = [q for q in workload.queries if q.kind == kind]
        errors = [q.q_error for q in told if q.q_error is not None]
        table.add_row(
            *cells(
                kind,
                words.count(len(told)),
                words.count(sum(q.alike for q in told)),
                f"{median(errors):.2f}" if errors else "–",
                f"{max(errors):.2f}" if errors else "–",
            )
        )
    if workload.queries:
        console.print()
        console.print(table)
    _listed(console, "Not alike", [f"{q.query}: {q.says}" for q in workload.queries if not q.alike], verbose)
    _listed(console, "Not run", [f"{name}: {why}" for name, why in workload.skipped.items()], verbose)
    console.print()
    console.print(Text(_verdict(done), style="" if done.passed else "bold"))


def _source(done: Replay) -> str:
    told = {
        "generated": f"queries generated for {words.counted(done.about['tables'], 'table')}, seed {done.about['seed']}",
        "file": "queries of a file",
        "dbt": "compiled models and tests of a dbt project",
        "pg_stat_statements": f"statements of pg_stat_statements, values drawn with seed {done.about['seed']}",
    }
    return told[done.about["workload"]]


def _verdict(done: Replay) -> str:
    workload = done.workload
    alike = sum(q.alike for q in workload.queries)
    same, joins = done.same_joins
    parts = [
        f"{alike:,} of {len(workload.queries):,} queries ({workload.share:.1%}) run on both sides with a q-error of at "
        f"most {workload.most:g} (fewer than {FLOOR:g} rows count as {FLOOR:g})"
    ]
    if not done.about["plans"]:
        parts.append("compared are results only, for not both databases tell their plans")
    elif joins:
        parts.append(f"{same:,} of {joins:,} that join do so in one order")
    return "; ".join(parts)


def _listed(console: Console, title: str, lines: list[str], verbose: bool) -> None:
    if not lines:
        return
    console.print(heading(title))
    shown = lines if verbose else lines[:MOST_LISTED]
    for line in shown:
        console.print(item("•", line))
    if len(shown) < len(lines):
        console.print(item("•", f"{len(lines) - len(shown):,} more (--verbose, --json)"))
