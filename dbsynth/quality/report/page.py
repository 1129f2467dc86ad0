"""The report as one file that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dbsynth.quality.figures import Verification
from dbsynth.quality.files import write_text
from dbsynth.quality.report import charts, text
from dbsynth.quality.report.views import MARKS, View, view
from dbsynth.quality.sides import Sides

DEFAULT_K = 5
"""Rows in whose steps figures are told where no source is at hand to say how many."""
BYTES_OF_TABLE, FEW_TABLES = 50_000, 60
"""A page of up to 60 tables has at most 3 MB, a larger one as much as that a table."""


Clean = Callable[[str], str]
"""What is done to every text of a verification before it is shown."""


def write_report(path: Path, verification: Verification, sides: Sides | None, clean: Clean = str) -> None:
    """Write the page to ``path``, whole or not at all. ``sides``: what its pictures are drawn from; None: no pictures
    and no rows. ``clean`` takes passwords out. Raises UsageError where the file cannot be written, and what reading the
    sides raises."""
    write_text(path, render(verification, sides, clean))


def render(verification: Verification, sides: Sides | None, clean: Clean = str) -> str:
    shown = view(verification, sides)
    most = BYTES_OF_TABLE * max(FEW_TABLES, len(shown.tables))
    page = _rendered(verification, shown, clean)
    while len(page.encode()) > most and (smaller := shown.smaller()) != shown:
        shown = smaller
        page = _rendered(verification, shown, clean)
    return page


def _rendered(verification: Verification, shown: View, clean: Clean) -> str:
    style, script = _static("style.css"), _static("script.js")
    return (
        _environment(clean, shown.k or DEFAULT_K)
        .get_template("report.html")
        .render(
            v=verification,
            view=shown,
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
            marks=MARKS,
            about=_about(verification),
        )
    )


def _environment(clean: Clean, k: int) -> Environment:
    environment = Environment(
        loader=FunctionLoader(_static),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: _shown(value, clean),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bucket=charts.bucket,
        count=lambda n: "–" if n is None else f"{n:,}",
        figure=text.figure,
        limit=text.limit,
        meter=charts.meter,
        seconds=text.seconds,
        share=text.percent,
        told=lambda value, rows: text.told(value, rows, k),
    )
    environment.globals.update(duration=charts.duration)
    return environment


def _shown(value: Any, clean: Clean) -> str:
    """Of every expression in the templates: what cannot be seen is made visible; escaping follows."""
    return value if isinstance(value, Markup) else text.visible(clean(str(value)))


def _static(name: str) -> str:
    return files("dbsynth.quality.report").joinpath("templates", name).read_text("utf-8")


def _hash(content: str) -> str:
    """Of the only script, and of the only style sheet, that the page lets run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _about(verification: Verification) -> list[tuple[str, str]]:
    """Facts as lines, without the command, which has a place of its own."""
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        for key, value in verification.about.items()
        if key != "command"
    ]
