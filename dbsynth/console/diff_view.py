"""What ``dbsynth diff`` shows: from ``Diff.describe``."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import cells, grid, heading, item

MARKS = {"missing": "+", "added": "−", "changed": "~"}
"""Seen from the source: what it has and the other has not is new."""
MOST_CHANGES = 5
"""Of a table; more are only told with --verbose."""


def show(console: Console, found: dict[str, Any], *, verbose: bool) -> None:
    if not found["drifted"]:
        console.print(Text(f"{found['source']} and {found['against']}: no difference"))
    else:
        _differences(console, found)
        _changes(console, found, verbose)
        _retrain(console, found)
    if found["not_compared"]:
        console.print(Text(f"\nRows were not compared: {found['not_compared']}"))
    if found["remedy"]:
        console.print(Text(f"\nWhat to do: {found['remedy']}"))


def _differences(console: Console, found: dict[str, Any]) -> None:
    if not found["differences"]:
        return
    console.print(heading("Schema"))
    for difference in found["differences"]:
        console.print(item(MARKS[difference["change"]], f"{difference['table']}: {difference['says']}"))
        if difference["sql"]:
            console.print(item(" ", difference["sql"], "dim"))


def _changes(console: Console, found: dict[str, Any], verbose: bool) -> None:
    if not found["changes"]:
        return
    console.print(heading("Rows"))
    tables: dict[str, list[dict[str, Any]]] = {}
    for change in found["changes"]:
        tables.setdefault(change["table"], []).append(change)
    for table, changes in tables.items():
        changes.sort(key=lambda c: 0.0 if c["value"] is None else c["value"])
        shown = changes if verbose else changes[:MOST_CHANGES]
        for change in shown:
            console.print(item("~", f"{table}: {change['says']}"))
        if len(changes) > len(shown):
            console.print(item(" ", f"and {len(changes) - len(shown):,} more: --verbose", "dim"))


def _retrain(console: Console, found: dict[str, Any]) -> None:
    if not found["retrain"]:
        return
    model = found["kind"] == "model"
    console.print(heading("To be learned anew" if model else "To be made anew"))
    table = grid("table", "rows then", "rows now", "because", right=("rows then", "rows now"))
    for name, why in found["retrain"].items():
        rows = found["rows"].get(name, {"then": None, "now": None})
        counts = (words.count(n) if n is not None else "–" for n in (rows["then"], rows["now"]))
        table.add_row(*cells(name, *counts, why))
    console.print(table)
    if model:
        console.print(Text("and the tables that hang on them: see docs/drift.md", style="dim"))
