"""Markdown of all results: a table of each table, means, and dbsynth beside its peers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from single.tables import TABLES

PEERS = ("sdv-ctgan", "sdv-tvae", "mostlyai")
COLUMNS = (
    "tool", "shapes", "trends", "of ceiling", "C2ST", "on hold-out", "DCR share", "copies", "utility",
    "fit CPU s", "fit wall s", "rows/s", "peak MB",
)  # fmt: skip


def _markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def _score(value: float | None) -> str:
    return "–" if value is None else re.sub(r"^(-?)0\.", r"\1.", f"{value:.3f}")


def _cells(result: dict[str, Any]) -> list[str]:
    phases = result.get("phases", {})
    fit, sample = phases.get("fit"), phases.get("sample")
    if "failed" in result:
        return [result["tool"], f"{result['failed']} ({result['cpu']:,.0f} CPU-s)", *["–"] * (len(COLUMNS) - 2)]
    m = result["metrics"]
    return [
        result["tool"],
        _score(m["shapes"]),
        _score(m["trends"]),
        f"{_score(m['relative']['shapes'])} / {_score(m['relative']['trends'])}",
        _score(m["c2st"]),
        f"{_score(m['holdout']['trends'])} / {_score(m['holdout']['c2st'])}",
        _score(m["dcr"]["share"]),
        f"{m['copies']['share']:.2%}",
        _score(m["utility"]["synthetic"]),
        f"{fit['cpu']:,.1f}",
        f"{fit['wall']:,.1f}",
        f"{result['rows'] / sample['cpu']:,.0f}",
        f"{sample['peak_mb']:,}",
    ]


def _of_table(name: str, results: list[dict[str, Any]]) -> list[str]:
    lines = [f"### {name}", ""]
    judged = next((r["metrics"] for r in results if "metrics" in r), None)
    if judged:
        c, u, halves = judged["ceiling"], judged["utility"], judged["copies"]["halves"]
        lines += [
            f"{judged['rows'][0]:,} rows a half. Between the real halves: shapes {_score(c['shapes'])}, trends "
            f"{_score(c['trends'])}, C2ST {_score(c['c2st'])}, copies {halves:.2%}; "
            f"`{u['target']}` predicted from real rows: {_score(u['real'])}.",
            "",
        ]
    return lines + _markdown(COLUMNS, [_cells(r) for r in results])


def _means(names: list[str], tools: list[str], found: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    rows = []
    for tool in tools:
        done = [found[n, tool] for n in names if "metrics" in found.get((n, tool), {})]
        if not done:
            continue
        metrics = [r["metrics"] for r in done]
        relative = (np.mean([m["relative"][k] for m in metrics]) for k in ("shapes", "trends"))
        means = [np.mean([m[k] for m in metrics]) for k in ("shapes", "trends", "c2st")]
        dcr = np.mean([m["dcr"]["share"] for m in metrics])
        cpu = sum(r["phases"]["fit"]["cpu"] for r in done)
        speed = sum(r["rows"] for r in done) / sum(r["phases"]["sample"]["cpu"] for r in done)
        scores = [*map(_score, means[:2]), " / ".join(map(_score, relative)), _score(means[2]), _score(dcr)]
        rows.append([tool, f"{len(done)} of {len(names)}", *scores, f"{cpu:,.0f}", f"{speed:,.0f}"])
    head = ("tool", "tables", "shapes", "trends", "of ceiling", "C2ST", "DCR share", "fit CPU s, all", "rows/s")
    return ["### Means over the tables that a tool finished", "", *_markdown(head, rows)]


def _beside(name: str, ours: dict[str, Any], peer: dict[str, Any]) -> str:
    """CPU seconds of the peer's training over ours, and how much better we are in trends and C2ST."""
    own = ours["phases"]["fit"]["cpu"]
    if "metrics" not in peer:  # all it used is the least that it needs
        return f"> {peer['cpu'] / own:,.0f}×" if "did not finish" in peer["failed"] else "failed"
    cpu = peer["phases"]["fit"]["cpu"] / own
    a, b = ours["metrics"], peer["metrics"]
    return f"{cpu:,.1f}×, {a['trends'] - b['trends']:+.3f}, {b['c2st'] - a['c2st']:+.3f}"


def _ratios(names: list[str], tools: list[str], found: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    lines = []
    peers = [p for p in PEERS if p in tools]
    for tool in tools:
        own = [n for n in names if "metrics" in found.get((n, tool), {})]
        if tool in PEERS or not own or not peers:
            continue
        rows = [[n, *(_beside(n, found[n, tool], found[n, p]) if (n, p) in found else "–" for p in peers)] for n in own]
        lines += [f"### {tool} beside its peers", ""]
        lines += [
            "Peer's training CPU seconds / ours; our lead in trends; our lead in C2ST (positive: ours is better).",
            "",
        ]
        lines += _markdown(["table", *peers], rows)
    return lines


def _circumstances(results: Iterable[dict[str, Any]]) -> list[str]:
    lines = set()
    for r in results:
        if "versions" in r:
            versions = ", ".join(f"{k} {v}" for k, v in r["versions"].items())
            machine = f"{r['machine']['processor']}, 1 core, nice {r['machine']['nice']}"
            lines.add(f"- {r['tool']}: {versions}; {machine}; {r['date']}")
    return sorted(lines)


def report(folders: list[Path]) -> str:
    """Of the results of several runs, of which a later one replaces an earlier one of the same table and tool."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for folder in folders:
        for file in sorted(folder.glob("*/*.json")):
            result = json.loads(file.read_text())
            found[result["table"], result["tool"]] = result
    names = [n for n in TABLES if any(n == table for table, _ in found)]
    tools = sorted({tool for _, tool in found}, key=lambda t: (t in PEERS, t))
    lines = _means(names, tools, found) + _ratios(names, tools, found)
    for name in names:
        lines += _of_table(name, [found[name, tool] for tool in tools if (name, tool) in found])
    return "\n".join(lines + _circumstances(found.values()))
