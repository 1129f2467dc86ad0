"""How a plan reads. Takes what ``dbsynth.pipeline.plan.Plan.describe`` gives:

source, target    for people              schemas     {source schema: target schema}
seed, privacy_k   seed None: drawn later  warnings    of the whole plan
training      effort (None where minutes count), train_minutes, device, sample_seed (None: the seed)
promises      how the target appears and what it does not enforce, if there is something to say
tables            in the order in which they are made; each
    table, level, source_rows, train_rows, rows, strategy, training (its settings), warnings
    kept_rows, kept_reason    rows that keep their key and labels (0, None)
    context_parent            the table in whose context rows are made, or None
    foreign_keys              name, columns, ref_table, fill, reason
    columns                   name, how, kind, role, personal, confidence, evidence
facts             across rows: id, table, columns, says, rows, families, share, taken (False: too few rows speak for it)
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import bullet, cells, grid, heading


def show(console: Console, plan: dict[str, Any], *, verbose: bool) -> None:
    """The tables, what is kept and why, how keys are filled; with ``verbose`` also every column."""
    seed = plan["seed"] if plan["seed"] is not None else "drawn when it runs"
    told = f"seed {words.seeds(seed, plan['training']['sample_seed'])}, k = {plan['privacy_k']}"
    console.print(Text(f"{plan['source']} → {plan['target']}  {told}, {_effort(plan['training'])}\n"))
    tables = plan["tables"]
    _overview(console, tables)
    _kept(console, tables)
    _keys(console, tables)
    _facts(console, plan["facts"])
    _section(console, "Training settings", [f"{t['table']}: {_settings(t)}" for t in tables if t["training"]])
    personal = [f"{t['table']}: {_personal(t)}" for t in tables if _personal(t)]
    _section(console, "Personal columns, whose values are made up", personal)
    _section(console, "The target", plan.get("promises", []))
    if verbose:
        for table in tables:
            _columns(console, table)
    warnings = list(plan["warnings"]) + [f"{t['table']}: {w}" for t in tables for w in t["warnings"]]
    _section(console, "Warnings", warnings, "yellow")


def _effort(training: dict[str, Any]) -> str:
    minutes = training["train_minutes"]
    much = f"{training['effort']} effort" if minutes is None else f"{minutes:g} min of training"
    return much if training["device"] == "cpu" else f"{much} on {training['device']}"


def _settings(table: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in table["training"].items())


def _overview(console: Console, tables: list[dict[str, Any]]) -> None:
    numbers = ("level", "rows now", "learn from", "make", "keep")
    overview = grid("table", *numbers, "in the context of", "strategy", right=numbers)
    for t in tables:
        overview.add_row(
            *cells(
                t["table"],
                t["level"],
                words.count(t["source_rows"]),
                words.count(t["train_rows"]),
                words.count(t["rows"] - t["kept_rows"]),
                words.count(t["kept_rows"]) if t["kept_rows"] else "",
                t["context_parent"] or "",
                t["strategy"] if t["rows"] > t["kept_rows"] else "",
            )
        )
    console.print(overview)


def _kept(console: Console, tables: list[dict[str, Any]]) -> None:
    lines = [f"{t['table']}: {t['kept_reason']}" for t in tables if t["kept_rows"]]
    _section(console, "Rows that keep their key and labels (--keep none: no rows)", lines, "cyan")


def _keys(console: Console, tables: list[dict[str, Any]]) -> None:
    lines = [
        f"{t['table']}({', '.join(k['columns'])}) → {k['ref_table']}  {k['fill']}: {k['reason']}"
        for t in tables
        for k in t["foreign_keys"]
    ]
    _section(console, "How foreign keys are filled", lines)


def _facts(console: Console, facts: list[dict[str, Any]]) -> None:
    taken = [_fact(f) for f in facts if f["taken"]]
    _section(console, "Facts across rows that are kept (to refuse or add some: [facts] in dbsynth.toml)", taken)
    doubtful = [_fact(f) for f in facts if not f["taken"]]
    _section(console, "Seen in too few rows to be taken (to confirm them: [facts] in dbsynth.toml)", doubtful)


def _fact(fact: dict[str, Any]) -> str:
    if not fact["rows"]:
        return f"{fact['id']}: {fact['says']}; declared"
    share = "all" if fact["share"] == 1 else f"{fact['share']:.0%}"
    return f"{fact['id']}: {fact['says']}; {share} of {fact['rows']:,} rows in {fact['families']:,} families"


def _personal(table: dict[str, Any]) -> str:
    return ", ".join(f"{c['name']} ({c['role']})" for c in table["columns"] if c["personal"])


def _columns(console: Console, table: dict[str, Any]) -> None:
    console.print(heading(table["table"]))
    columns = grid("column", "how", "kind", "role", "because")
    for c in table["columns"]:
        columns.add_row(*cells(c["name"], c["how"], c["kind"] or "", c["role"], c["evidence"]))
    console.print(columns)


def _section(console: Console, title: str, lines: list[str], style: str = "") -> None:
    if lines:
        console.print(heading(title))
        for line in lines:
            console.print(bullet(line, style))
