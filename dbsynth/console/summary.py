"""What a clone did: the table at its end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import bullet, cells, grid, heading
from dbsynth.pipeline import events

MOST_WARNINGS = 12
"""More are only told with --verbose."""


def show(console: Console, done: events.RunDone, notes: Sequence[events.Warned], *, target: str, verbose: bool) -> None:
    """``notes``: the warnings that belong to no table."""
    table = grid("table", "rows", "time", "strategy", "fidelity", "notes", right=("rows", "time", "fidelity"))
    for result in done.results:
        table.add_row(
            *cells(
                result.table,
                words.count(result.rows),
                words.duration(result.seconds),
                result.strategy,
                f"{result.fidelity:.3f}" if result.fidelity is not None else "–",
                _notes(result),
            )
        )
    console.print()
    console.print(table)
    if verbose:
        _bullets(console, "Why training stopped", [f"{r.table}: {r.stopped}" for r in done.results if r.stopped])
    warnings = [w.message for w in notes] + [f"{r.table}: {w}" for r in done.results for w in r.warnings]
    _warnings(console, list(dict.fromkeys(warnings)), verbose)
    if done.verified:
        tables = len({v.table for v in done.verified})
        broken = sum(v.violations for v in done.verified)
        console.print()
        console.print(
            Text(
                f"{words.counted(len(done.verified), 'constraint')} of {words.counted(tables, 'table')} tested by "
                f"query in the target: {words.counted(broken, 'violation')}"
            )
        )
    if done.differential_privacy is not None:
        console.print()
        console.print(Text(words.privacy(done.differential_privacy)))
    rows = sum(r.rows for r in done.results)
    console.print()
    console.print(
        Text(
            f"{words.counted(rows, 'row')} in {words.counted(len(done.results), 'table')} of {target}, "
            f"{words.duration(done.seconds)}, seed {words.seeds(done.seed, done.sample_seed)}"
        )
    )


def _bullets(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(heading(title))
        for line in lines:
            console.print(bullet(line))


def _notes(result: events.TableResult) -> Text:
    text = Text()
    if result.kept:
        text.append("kept rows", style="cyan")
    if result.warnings:
        text.append(", " if text else "").append(words.counted(len(result.warnings), "warning"), style="yellow")
    return text


def _warnings(console: Console, warnings: Sequence[str], verbose: bool) -> None:
    if not warnings:
        return
    console.print(heading("Warnings"))
    shown = warnings if verbose else warnings[:MOST_WARNINGS]
    for warning in shown:
        console.print(bullet(warning, "yellow"))
    if len(shown) < len(warnings):
        console.print(bullet(f"and {len(warnings) - len(shown)} more: --verbose or --json tells them all", "dim"))
