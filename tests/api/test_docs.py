"""The example of docs/python.md runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dbsynth.api import fit
from dbsynth.synthesizer import Synthesizer
from tests.api import shop

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_first_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [example, *_] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    frames = shop.frames(40)
    names: dict[str, Any] = {"customers": frames["customers"], "orders": frames["orders"]}
    exec(compile(example, str(PAGE), "exec"), names)
    assert set(names["made"]) == {"customers", "orders"}
    assert len(names["made"]["customers"]) == 80
    assert (tmp_path / "shop.model" / "manifest.json").is_file()


def test_every_argument_is_described() -> None:
    text = PAGE.read_text()
    for function in (fit, Synthesizer.sample):
        for name in function.__annotations__:
            assert f"`{name}`" in text or name in ("source", "return"), name
