"""Markdown of the results of ``relational.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SCORES = (
    "shapes", "trends", "cardinality", "1-hop", "2-hop", "3-hop", "join", "parents", "autocorrelation", "transitions",
)  # fmt: skip
AUC = ("join", "parents")
HEAD = (*(f"C2ST {m}" if m in AUC else m for m in SCORES), "seconds", "CPU seconds")
TOLD_APART = 0.85


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(text.replace("|", r"\|") for text in line) + " |" for line in lines] + [""]


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else re.sub(r"^(-?)0\.", r"\1.", f"{value:.{digits}f}")


def cell(metric: str, summary: dict[str, float | None] | None) -> str:
    if summary is None or summary["mean"] is None:
        return "–"
    beside = summary["ceiling"] if metric in AUC else summary["relative"]
    return number(summary["mean"]) + (f" ({number(beside)})" if beside is not None else "")


def means(results: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Over databases, each as heavy as another."""
    out: dict[str, dict[str, float | None]] = {}
    for metric in SCORES:
        found = [r["summary"][metric] for r in results if metric in r["summary"]]
        values = {part: [f[part] for f in found if f[part] is not None] for part in ("mean", "ceiling", "relative")}
        out[metric] = {part: sum(v) / len(v) if v else None for part, v in values.items()}
    return out


def told_apart(name: str, result: dict[str, Any]) -> list[list[str]]:
    """Keys whose AUC is over the bound, with that of the two real halves."""
    return [
        [name, result["tool"], key, metric, number(score), number(result["ceiling"].get(metric, {}).get(key))]
        for metric in AUC
        for key, score in sorted(result["scores"].get(metric, {}).items(), key=lambda kv: -(kv[1] or 0))
        if score is not None and score > TOLD_APART
    ]


def report(folder: Path) -> str:
    found = {(file.parent.name, file.stem): json.loads(file.read_text()) for file in sorted(folder.glob("*/*.json"))}
    results = dict(sorted(found.items(), key=lambda kv: (kv[0][0], kv[0][1] != "dbsynth", kv[0][1])))
    done = {pair: r for pair, r in results.items() if "failed" not in r}
    lines = ["### By database", ""]
    lines += markdown(("database", "tool", *HEAD), ([name, tool, *_cells([r])] for (name, tool), r in done.items()))
    lines += ["### Means", ""]
    averages = []
    for tool in dict.fromkeys(tool for _, tool in done):
        finished = {name for name, t in done if t == tool}
        averages.append([tool, str(len(finished)), *_cells([done[name, tool] for name in finished])])
        ours = [r for (name, t), r in done.items() if t == "dbsynth" and name in finished]
        if tool != "dbsynth" and ours:
            averages.append(["dbsynth on the same", str(len(ours)), *_cells(ours)])
    lines += markdown(("tool", "databases", *HEAD), averages)
    lines += [f"### Keys told apart with an AUC over {number(TOLD_APART, 2)}", ""]
    apart = [row for (name, _), r in done.items() for row in told_apart(name, r)]
    lines += markdown(("database", "tool", "key", "C2ST", "AUC", "of two real halves"), apart) if apart else ["None."]
    notes = [f"- {name}, {tool}: {note}" for (name, tool), r in results.items() for note in _notes(r)]
    return "\n".join([*lines, *(["### Failures and notes", "", *notes] if notes else [])])


def _notes(result: dict[str, Any]) -> list[str]:
    failed = [f"{result['failed']} ({result['seconds']:.0f} s)"] if "failed" in result else []
    return [*failed, *result.get("notes", ())]


def _cells(results: list[dict[str, Any]]) -> list[str]:
    average = means(results)
    sums = (sum(r[of] for r in results) for of in ("seconds", "cpu"))
    return [*(cell(metric, average[metric]) for metric in SCORES), *(f"{x:,.0f}" for x in sums)]
