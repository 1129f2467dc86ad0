"""What a saved model is: for people, from ``Synthesizer.report`` and the facts of its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from dbsynth.artifact import manifest
from dbsynth.console import words
from dbsynth.console.output import cells, grid, heading, item
from dbsynth.synthesizer import Synthesizer


def inspect_model(path: Path) -> dict[str, Any]:
    """Plain data (JSON-able). Raises ArtifactError for what is no whole model."""
    about = manifest.about(path)
    return {"model": str(path), "bytes": about["bytes"], **Synthesizer.load(path).report()}


def show(console: Console, found: dict[str, Any], *, verbose: bool) -> None:
    tables = found["tables"]
    rows = sum(t["source_rows"] for t in tables.values())
    made = " ".join(f"{name} {number}" for name, number in found["versions"].items())
    console.print(
        Text(
            f"{found['model']}  {words.counted(len(tables), 'table')}, learned from {words.counted(rows, 'row')} of"
            f" {found['source']} ({found['dialect'] or 'tables in memory'})\n"
            f"made {found['made_at']} with {made}; {words.size(found['bytes'])}, {found['digest'][:16]}\n"
            f"seed {found['seed']}, k = {found['privacy_k']}: it holds what at least {found['privacy_k']} rows share,"
            " and of rows only those that the table below calls kept"
        )
    )
    if found["differential_privacy"] is not None:
        console.print(Text(words.privacy(found["differential_privacy"])))
    overview = grid("table", "rows of the source", "learned from", "kept", "learned by", "fidelity",
                    right=("rows of the source", "learned from", "kept", "fidelity"))  # fmt: skip
    for name, t in tables.items():
        overview.add_row(
            *cells(
                name,
                words.count(t["source_rows"]),
                words.count(t["train_rows"]),
                words.count(t["kept_rows"]) if t["kept_rows"] else "",
                t["strategy"],
                f"{t['fidelity']:.3f}" if t["fidelity"] is not None else "–",
            )
        )
    console.print()
    console.print(overview)
    if verbose:
        for name, t in tables.items():
            if t["holds"]:
                console.print(heading(f"{name} holds"))
                for column, sentence in t["holds"].items():
                    console.print(item("", f"{column}: {sentence}"))
    else:
        console.print(Text("\nWhat it holds of each column: --verbose"))
    nothing = "nothing: differential privacy and bills by the byte allow none, older versions of dbsynth kept none"
    console.print(Text(f"\nTo verify rows by, it holds {found['statistics'] or nothing}"))
    warnings = [*found["warnings"], *(f"{n}: {w}" for n, t in tables.items() for w in t["warnings"])]
    if warnings:
        console.print(heading("Said while it was learned"))
        for warning in dict.fromkeys(warnings):
            console.print(item("", warning, "yellow"))


def show_updated(console: Console, path: Path, model: Synthesizer, *, changed: bool) -> None:
    """At the end of ``dbsynth train --update``."""
    if not changed:
        console.print(Text(f"{path}: the source has not drifted, the model is as it was"))
        return
    if model.anew:
        table = grid("learned anew", "because")
        for name, why in model.anew.items():
            table.add_row(*cells(name, why))
        console.print()
        console.print(table)
    kept = len(model.learned) - len([n for n in model.learned if str(n) in model.anew])
    console.print(Text(f"\n{words.counted(kept, 'table')} kept as learned before"))
    show_trained(console, path, model)


def show_trained(console: Console, path: Path, model: Synthesizer) -> None:
    """At the end of ``dbsynth train``."""
    report = model.report()
    learned = grid(
        "table", "learned from", "kept", "learned by", "fidelity", right=("learned from", "kept", "fidelity")
    )
    for name, t in report["tables"].items():
        fidelity = f"{t['fidelity']:.3f}" if t["fidelity"] is not None else "–"
        kept = words.count(t["kept_rows"]) if t["kept_rows"] else ""
        learned.add_row(*cells(name, words.count(t["train_rows"]), kept, t["strategy"], fidelity))
    console.print()
    console.print(learned)
    if report["differential_privacy"] is not None:
        console.print(Text("\n" + words.privacy(report["differential_privacy"])))
    warnings = [*report["warnings"], *(f"{n}: {w}" for n, t in report["tables"].items() for w in t["warnings"])]
    if warnings:
        console.print(heading("Warnings"))
        for warning in dict.fromkeys(warnings):
            console.print(item("", warning, "yellow"))
    size = words.size(int(manifest.about(path)["bytes"]))
    console.print(Text(f"\n{path}  {words.counted(len(report['tables']), 'table')}, {size}, seed {report['seed']}"))
