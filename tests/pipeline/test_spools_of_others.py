"""The folders of runs beside each other: those of dead runs go, those of living ones and of runs that begin stay."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import pytest

from dbsynth.pipeline.spool import OWNERLESS_SECONDS, PREFIX, Spool


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_run_that_has_not_said_whose_it_is_yet_keeps_its_folder(base: Path) -> None:
    beginning, half, forgotten = (base / f"{PREFIX}{name}" for name in ("beginning", "half", "forgotten"))
    for folder in (beginning, half, forgotten):
        folder.mkdir()
    (half / "owner.json").write_text('{"pid": ')
    long_ago = time.time() - OWNERLESS_SECONDS - 1
    os.utime(forgotten, (long_ago, long_ago))
    spool = Spool.create("x")
    assert beginning.exists()
    assert half.exists()
    assert not forgotten.exists()
    spool.remove()


def test_folders_of_dead_runs_go_and_of_living_ones_stay(base: Path) -> None:
    living = Spool.create("living")
    dead = base / f"{PREFIX}dead"
    dead.mkdir()
    (dead / "owner.json").write_text(json.dumps({"pid": os.getpid(), "start": "another process of that number"}))
    gone = base / f"{PREFIX}gone"
    gone.mkdir()
    (gone / "owner.json").write_text(json.dumps({"pid": 2**22 + 1, "start": "1"}))
    Spool.create("other").remove()
    assert living.folder.exists()
    assert not dead.exists()
    assert not gone.exists()
    living.remove()
