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
differential_privacy    None, or what ``dbsynth.privacy.budget.PrivateTraining.describe`` gives
facts             id, table, columns, says, rows, families, share, taken (False: too few rows speak for it),
                  within (a row)
advice            of ``dbsynth.pipeline.advice``: topic, says, toml, option
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.output import bullet, cells, grid, heading, item

FILLS = {
    "category": "points at copied rows: which one is learned directly",
    "cluster": "points at made rows: which kind of parent is learned, then one of them drawn, popular ones more often",
    "matched": "drawn among the parents that agree with what other keys have set",
    "determined": "set by another key of the row",
    "self": "rows of the same table, level by level",
    "cycle": "circular reference: filled last, when all rows are there",
    "dropped": "the parent is not part of the clone: an ordinary column, the key is not created",
}
"""How a key is filled, for people; see ``dbsynth.relation.fills.Fill``."""
Rows = list[dict[str, Any]]


def show(console: Console, plan: dict[str, Any], *, verbose: bool) -> None:
    """What matters first: the whole in a few sentences, what a person should decide, then the details. With ``verbose``
    also every column, every reason and the ids of facts."""
    seed = plan["seed"] if plan["seed"] is not None else "drawn when it runs"
    told = f"seed {words.seeds(seed, plan['training']['sample_seed'])}, k = {plan['privacy_k']}"
    console.print(Text(f"{plan['source']} → {plan['target']}  {told}, {_effort(plan['training'])}"))
    tables = plan["tables"]
    _section(console, "In short", _in_short(plan))
    _advice(console, plan["advice"])
    _overview(console, tables)
    _kept(console, tables)
    _children(console, tables, plan.get("differential_privacy") is not None)
    _pointers(console, tables)
    _facts(console, plan["facts"], verbose)
    _section(console, "Training settings", [f"{t['table']}: {_settings(t)}" for t in tables if t["training"]])
    personal = [f"{t['table']}: {_personal(t)}" for t in tables if _personal(t)]
    _section(console, "Personal columns: every value is made up, none is the source's", personal)
    learned = [f"{t['table']}: {_personal(t, 'modelled')}" for t in tables if _personal(t, "modelled")]
    _section(
        console, "Personal columns that are learned: values between those of k rows, none of a single one", learned
    )
    if (private := plan.get("differential_privacy")) is not None:
        _privacy(console, private)
    _section(console, "The target", plan.get("promises", []))
    if verbose:
        _reasons(console, tables)
        for table in tables:
            _columns(console, table)
    warnings = list(plan["warnings"]) + [f"{t['table']}: {w}" for t in tables for w in t["warnings"]]
    _section(console, "Warnings", warnings, "yellow")


def _in_short(plan: dict[str, Any]) -> list[str]:
    tables = plan["tables"]
    kept = [t for t in tables if t["kept_rows"]]
    made = sum(t["rows"] - t["kept_rows"] for t in tables)
    lines = [
        f"{words.counted(len(tables), 'table')} in {words.counted(len({t['level'] for t in tables}), 'step')},"
        f" parents before their children: {words.counted(made, 'row')} to make, of"
        f" {words.count(sum(t['source_rows'] for t in tables))} in the source."
    ]
    empty = [t["table"] for t in tables if not t["rows"]]
    if empty:
        lines.append(f"{words.counted(len(empty), 'table')} without rows: {', '.join(empty)}.")
    if kept:
        rows = words.counted(sum(t["kept_rows"] for t in kept), "row")
        lines.append(
            f"{rows} of {words.counted(len(kept), 'lookup table')} copied (keys and labels): code refers to them."
        )
    personal = Counter(
        c["role"].replace("_", " ") for t in tables for c in t["columns"] if c["personal"] and c["how"] != "modelled"
    )
    if personal:
        n = words.counted(sum(1 for t in tables if _personal(t)), "table")
        lines.append(f"Personal data in {n}, made up: {', '.join(sorted(personal))}.")
    ranges = [
        f"{t['table']}.{c['name']}" for t in tables for c in t["columns"] if c["personal"] and c["how"] == "modelled"
    ]
    if ranges:
        lines.append(f"Personal, but learned as ranges: {', '.join(ranges)}.")
    if not personal and not ranges:
        lines.append("No column looks personal.")
    taken = [f for f in plan["facts"] if f["taken"]]
    whole = [f for f in taken if f["share"] == 1]
    if whole:
        lines.append(f"{words.counted(len(whole), 'rule')} kept in every row; below.")
    if len(taken) > len(whole):
        rest = words.counted(len(taken) - len(whole), "rule")
        lines.append(f"{rest} of most rows, kept at the share that the source has.")
    if plan["advice"]:
        lines.append(f"{words.counted(len(plan['advice']), 'decision')} for you, none of them needed.")
    return lines


def _advice(console: Console, advice: Rows) -> None:
    if not advice:
        return
    console.print(heading("Decisions for you (optional)"))
    for i, a in enumerate(advice, 1):
        console.print(item(f"{i}.", a["says"]))
        for line in a["toml"].splitlines():
            console.print(bullet(f"     {line}", "cyan"))
        if a["option"]:
            console.print(bullet(f"   {a['option']}", "cyan"))


def _effort(training: dict[str, Any]) -> str:
    minutes = training["train_minutes"]
    much = f"{training['effort']} effort" if minutes is None else f"{minutes:g} min of training"
    return much if training["device"] == "cpu" else f"{much} on {training['device']}"


def _settings(table: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in table["training"].items())


def _overview(console: Console, tables: Rows) -> None:
    sampled = any(t["train_rows"] < t["source_rows"] for t in tables)
    strategies = {t["strategy"] for t in tables}
    numbers = ("step", "rows now", *(["learn from"] if sampled else []), "make", "keep")
    learned = f", each learned by {strategies.pop()}" if len(strategies) == 1 else ""
    console.print(heading(f"Tables, in the order in which they are made{learned}"))
    overview = grid("table", *numbers, "children of", *([] if learned else ["learned by"]), right=numbers)
    for t in tables:
        overview.add_row(
            *cells(
                t["table"],
                t["level"] + 1,
                words.count(t["source_rows"]),
                *([words.count(t["train_rows"])] if sampled else []),
                words.count(t["rows"] - t["kept_rows"]),
                words.count(t["kept_rows"]) if t["kept_rows"] else "",
                t["context_parent"] or "",
                *([] if learned else [t["strategy"] if t["rows"] > t["kept_rows"] else ""]),
            )
        )
    console.print(overview)


def _kept(console: Console, tables: Rows) -> None:
    lines = [f"{t['table']}: {t['kept_reason'].removeprefix('lookup table: ')}" for t in tables if t["kept_rows"]]
    title = "Lookup tables without personal columns: rows that are copied: keys and labels (to copy none: --keep none)"
    _section(console, title, lines, "cyan")


def _children(console: Console, tables: Rows, private: bool) -> None:
    """By parent, the tables whose rows are made as its children."""
    by_parent: dict[str, list[str]] = {}
    for t in tables:
        for k in t["foreign_keys"]:
            if k["fill"] == "context":
                by_parent.setdefault(k["ref_table"], []).append(t["table"])
    title = "Children: their number and their values depend on the parent row"
    if private:
        title = "Children: how many rows have how many is learned, each like any other"
    _section(console, title, [f"{parent} → {', '.join(children)}" for parent, children in by_parent.items()])


def _pointers(console: Console, tables: Rows) -> None:
    """The other keys, by how they are filled."""
    for fill, meaning in FILLS.items():
        lines = []
        for t in tables:
            keys = [k for k in t["foreign_keys"] if k["fill"] == fill]
            if keys:
                told = ", ".join(f"{' + '.join(k['columns'])} → {k['ref_table']}" for k in keys)
                lines.append(f"{t['table']}: {told}")
        _section(console, f"Other keys: {meaning}", lines)


def _facts(console: Console, facts: Rows, verbose: bool) -> None:
    hint = "" if verbose else "; --verbose: with their ids"
    title = f"Rules that are kept, at the share that is told (to refuse or add some: [facts] in dbsynth.toml{hint})"
    _by_table(console, title, [f for f in facts if f["taken"]], lambda f: _fact(f, verbose))
    title = "Seen in too few rows or groups to be taken"
    _by_table(console, title, [f for f in facts if not f["taken"]], lambda f: _fact(f, verbose))


def _by_table(console: Console, title: str, facts: Rows, told: Callable[[dict[str, Any]], str]) -> None:
    if facts:
        console.print(heading(title))
        for table, own in groupby(sorted(facts, key=lambda f: str(f["table"])), key=lambda f: str(f["table"])):
            console.print(bullet(table))
            for fact in own:
                console.print(item("  ·", told(fact)))


def _fact(fact: dict[str, Any], verbose: bool) -> str:
    if not fact["rows"]:
        support = "declared"
    else:
        share = "all" if fact["share"] == 1 else f"{min(fact['share'], 0.9999):.2%}".replace(".00%", "%")
        support = f"{share} of {fact['rows']:,} rows"
        if fact["families"] != fact["rows"] and not fact["within"]:
            support += " in 1 group" if fact["families"] == 1 else f" in {fact['families']:,} groups"
    return f"{fact['says']} ({support})" + (f"  id: {fact['id']}" if verbose else "")


def _personal(table: dict[str, Any], how: str = "made") -> str:
    found = [c for c in table["columns"] if c["personal"] and (c["how"] == "modelled") == (how == "modelled")]
    return ", ".join(f"{c['name']} ({c['role'].replace('_', ' ')})" for c in found)


def _reasons(console: Console, tables: Rows) -> None:
    lines = [
        f"{t['table']}({', '.join(k['columns'])}) → {k['ref_table']}  {k['fill']}: {k['reason']}"
        for t in tables
        for k in t["foreign_keys"]
    ]
    _section(console, "Why foreign keys are filled so", lines)


def _columns(console: Console, table: dict[str, Any]) -> None:
    console.print(heading(table["table"]))
    columns = grid("column", "how", "kind", "role", "sure", "because", right=("sure",))
    for c in table["columns"]:
        sure = f"{c['confidence']:.0%}" if c["role"] else ""
        columns.add_row(*cells(c["name"], c["how"], c["kind"] or "", c["role"], sure, c["evidence"]))
    console.print(columns)


def _section(console: Console, title: str, lines: list[str], style: str = "") -> None:
    if lines:
        console.print(heading(title))
        for line in lines:
            console.print(item("", line, style))


def _privacy(console: Console, private: dict[str, Any]) -> None:
    spent = [
        f"ε = {private['epsilon_spent']:.3g} at δ = {private['delta']:.0e}, for {private['unit']}",
        private["group"],
        "each run spends anew; the noise depends on no seed, so that no run repeats another",
    ]
    tables = [f"{name}: ε = {t['epsilon']:.3g} for its rows alone" for name, t in private["tables"].items()]
    _section(console, "Differential privacy", [*spent, *tables])
    _section(console, "Not covered by it: taken as known to everybody", private["not_covered"])
    _section(console, "Switched off by it", private["switched_off"])
