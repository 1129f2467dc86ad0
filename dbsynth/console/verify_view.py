"""How a verification reads. Takes what ``dbsynth.quality.outputs.as_data`` gives."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import bullet, cells, grid, heading, item

MOST_FINDINGS = 15
"""More are only told with --verbose."""
MARKS = {"failure": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "dim")}
GRID_KINDS = ("primary key", "foreign key", "unique", "not null", "check")


def show(console: Console, found: dict[str, Any], *, verbose: bool) -> None:
    """The verdict, the gates, what is worst and what to do about it, then the tables."""
    against = f" against {found['against']}" if found["against"] else ""
    rows = sum(t["rows"] for t in found["tables"])
    console.print(Text(f"{found['target']}{against}  {_tables(found)}, {words.counted(rows, 'row')}"))
    console.print()
    verdict = found["verdict"][:1].upper() + found["verdict"][1:]
    console.print(Text(verdict, style="bold green" if found["passed"] else "bold red"))
    _gates(console, found["gates"])
    _findings(console, found["findings"], verbose)
    _overview(console, found)
    if verbose:
        _constraints(console, found["constraints"])
    seconds = sum(found["seconds"].values())
    console.print(Text(f"\nverified in {words.duration(seconds)}", style="dim"))


def _tables(found: dict[str, Any]) -> str:
    return words.counted(len(found["tables"]), "table")


def _gates(console: Console, gates: list[dict[str, Any]]) -> None:
    console.print()
    table = grid("gate", "", "")
    for gate in gates:
        mark = Text("✓ passed", style="green") if gate["passed"] else Text("✗ failed", style="red")
        table.add_row(*cells(gate["gate"], mark, gate["says"]))
    console.print(table)


def _findings(console: Console, findings: list[dict[str, Any]], verbose: bool) -> None:
    told = findings if verbose else [f for f in findings if f["severity"] != "note"]
    if not told:
        return
    console.print(heading("Findings"))
    shown = told if verbose else told[:MOST_FINDINGS]
    for finding in shown:
        mark, style = MARKS[finding["severity"]]
        console.print(item(mark, finding["says"], style))
        if finding["remedy"]:
            console.print(item(" ", f"→ {finding['remedy']}", "dim"))
    if len(shown) < len(told):
        console.print(bullet(f"and {len(told) - len(shown)} more: --verbose or --json tells them all", "dim"))


def _overview(console: Console, found: dict[str, Any]) -> None:
    """A row for each table: constraints that hold of those there are, by kind."""
    total: Counter[tuple[str, str]] = Counter()
    held: Counter[tuple[str, str]] = Counter()
    for result in found["constraints"]:
        key = result["subject"]["table"], _column(result)
        total[key] += 1
        held[key] += result["holds"]
    kinds = [k for k in (*GRID_KINDS, "rules and facts", "others") if any(c == k for _, c in total)]
    scored = any(t["score"] is not None for t in found["tables"])
    right = ("rows", "source rows", "score", *kinds)
    against = ("source rows",) if found["against"] else ()
    table = grid("table", "rows", *against, *(("score",) if scored else ()), *kinds, right=right)
    for row in found["tables"]:
        name = row["table"]
        counts = []
        for kind in kinds:
            n, good = total[name, kind], held[name, kind]
            counts.append(Text("") if not n else Text(f"{n}") if good == n else Text(f"{good} of {n}", style="red"))
        source = [words.count(row["source_rows"]) if row["source_rows"] is not None else "–"] if against else []
        score = [f"{row['score']:.3f}" if row["score"] is not None else "–"] if scored else []
        table.add_row(*cells(name, words.count(row["rows"]), *source, *score, *counts))
    console.print(heading("Tables, and how many constraints of each kind hold"))
    console.print(table)


def _column(result: dict[str, Any]) -> str:
    if result["origin"] in ("rule", "fact") or result["kind"] == "rule":
        return "rules and facts"
    kind = result["kind"].removeprefix("virtual ")
    kind = {"key": "primary key", "unique index": "unique", "match full": "foreign key"}.get(kind, kind)
    return kind if kind in GRID_KINDS else "others"


def _constraints(console: Console, constraints: list[dict[str, Any]]) -> None:
    table = grid("table", "kind", "what is asked", "violations", right=("violations",))
    for result in constraints:
        style = "" if not result["violations"] else "yellow" if result["holds"] else "red"
        number = Text(words.count(result["violations"]), style=style)
        table.add_row(*cells(result["subject"]["table"], result["kind"], result["says"], number))
    console.print(heading("Constraints"))
    console.print(table)
