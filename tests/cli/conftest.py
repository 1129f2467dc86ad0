"""A working directory without a configuration above it, and a command line that is run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from dbsynth.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [n for n in os.environ if n.startswith("DBSYNTH_") and not n.startswith("DBSYNTH_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def written(folder: Path) -> Callable[[str], Path]:
    """Write ``dbsynth.toml`` into the working directory."""

    def write(text: str) -> Path:
        path = folder / "dbsynth.toml"
        path.write_text(text)
        return path

    return write


Run = Callable[..., click.testing.Result]


@pytest.fixture
def run() -> Run:
    """``run("clone", ...)``: exit code, standard output and error."""
    return lambda *arguments: click.testing.CliRunner().invoke(main, list(arguments))
