"""How an inspection reads. Takes what ``dbsynth.console.inspection.inspect`` gives."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import bullet, cells, grid, heading

MOST_TEXT = 110
"""Longer expressions are cut; --json has them whole."""


def show(console: Console, found: dict[str, Any]) -> None:
    tables = found["tables"]
    rows = sum(t["rows"] for t in tables)
    about = "" if all(t["rows_exact"] for t in tables) else "about "
    schemas = words.counted(len(found["schemas"]), "schema")
    console.print(
        Text(
            f"{found['source']}  {schemas}, {words.counted(len(tables), 'table')}, "
            f"{about}{words.counted(rows, 'row')}, {words.size(sum(t['bytes'] for t in tables))}\n"
        )
    )
    _overview(console, tables)
    _foreign_keys(console, tables)
    _checks(console, tables)
    _section(console, "Exclusion constraints", [f"{t['table']}: {e['name']}  {_cut(e['definition'])}"
                                                for t in tables for e in t["exclusions"]])  # fmt: skip
    _section(console, "Types", [f"{t['kind']} {t['name']}  {_cut(t['definition'])}" for t in found["types"]])
    notes = list(found["notes"]) + [f"{t['table']}: {n}" for t in tables for n in t["notes"]]
    _section(console, "Not carried over", notes, "yellow")
    _section(console, "Cannot be cloned as it is", found["obstacles"], "red")
    if found.get("broken_keys") is not None:
        _broken_keys(console, found["broken_keys"])
    if found.get("suggested_keys") is not None:
        _suggested_keys(console, found["suggested_keys"])


def _broken_keys(console: Console, keys: list[dict[str, Any]]) -> None:
    broken = [k for k in keys if k["violations"]]
    lines = [
        f"{k['table']}: {k['kind']} {k['name']}  "
        + words.counted(k["violations"], "orphaned row" if k["kind"] == "foreign key" else "repeated value")
        for k in broken
    ]
    _section(console, "Declared keys that do not hold", lines, "yellow")
    console.print(Text(f"\n{words.counted(len(keys), 'declared key')} checked, {len(broken)} do not hold"))
    if broken:
        console.print(Text("The clone's keys hold all the same: they are made to."))


def _suggested_keys(console: Console, keys: list[dict[str, Any]]) -> None:
    if not keys:
        console.print(Text("\nNo undeclared key was found."))
        return
    console.print(heading("Keys that may be missing (for dbsynth.toml; nothing acts on them until they are there)"))
    for key in keys:
        console.print(Text(f"# {key['evidence']}\n{key['toml']}\n"), soft_wrap=True)


def _overview(console: Console, tables: list[dict[str, Any]]) -> None:
    numbers = ("rows", "size", "columns", "foreign keys", "CHECKs", "indexes")
    overview = grid("table", "rows", "size", "columns", "primary key", *numbers[3:], right=numbers)
    for t in tables:
        overview.add_row(
            *cells(
                t["table"] + (f"  ({words.counted(t['partitions'], 'partition')})" if t["partitions"] else ""),
                ("" if t["rows_exact"] else "~") + words.count(t["rows"]),
                words.size(t["bytes"]),
                len(t["columns"]),
                ", ".join(t["primary_key"] or ()) or "–",
                len(t["foreign_keys"]) or "",
                len(t["checks"]) or "",
                len(t["indexes"]) or "",
            )
        )
    console.print(overview)


def _foreign_keys(console: Console, tables: list[dict[str, Any]]) -> None:
    lines = [
        f"{t['table']}({', '.join(k['columns'])}) → {k['ref_table']}({', '.join(k['ref_columns'])})"
        + ("  deferrable" if k["deferrable"] else "")
        for t in tables
        for k in t["foreign_keys"]
    ]
    _section(console, "Foreign keys", lines)


def _checks(console: Console, tables: list[dict[str, Any]]) -> None:
    lines = [
        f"{t['table']}: {c['name']}  {_cut(c['expression'])}"
        + ("" if c["evaluated_by"] == "dbsynth" else f"  (left to the database: {c['reason']})")
        for t in tables
        for c in t["checks"]
    ]
    _section(console, "CHECKs", lines)


def _section(console: Console, title: str, lines: list[str], style: str = "") -> None:
    if lines:
        console.print(heading(title))
        for line in lines:
            console.print(bullet(line, style))


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_TEXT else flat[: MOST_TEXT - 1] + "…"
