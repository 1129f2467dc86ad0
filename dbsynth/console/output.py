"""The console of results (standard output) and the look that all tables share."""

from __future__ import annotations

import json
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dbsynth.console.redact import redact

PIPED_WIDTH = 160
"""Columns where there is no terminal: wide enough that a pipe is not wrapped."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1, which here means something else


def stdout_console() -> Console:
    console = _Console(highlight=False)
    return console if console.is_terminal else _Console(highlight=False, width=PIPED_WIDTH)


def grid(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """A table with a header and no lines but one below it. The cells are Text: names in brackets are no markup."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def cells(*values: object) -> list[Text]:
    return [v if isinstance(v, Text) else Text(redact(str(v))) for v in values]


def heading(text: str) -> Text:
    return Text("\n" + redact(text), style="bold")


def bullet(text: str, style: str = "") -> Text:
    return Text("  " + redact(text), style=style)


def item(mark: str, text: str, style: str = "") -> Padding:
    """A paragraph with its mark in front; lines after the first stand below the text, not below the mark."""
    row = Table.grid(padding=(0, 1))
    if mark:
        row.add_column(no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(*([Text(mark)] if mark else []), Text(redact(text), style=style))
    return Padding(row, (0, 0, 0, 2), expand=False)


def print_json(event: str, data: dict[str, Any]) -> None:
    """One object on one line, in the form of the events of a run."""
    print(redact(json.dumps({"v": 1, "event": event, **data}, default=str)), flush=True)
