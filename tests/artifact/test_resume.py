"""A fit that is killed goes on where it was, and ends with the same bytes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import dbsynth
from dbsynth.artifact.checkpoint import TrainingCheckpoint
from dbsynth.artifact.resume import FitCheckpoint
from dbsynth.codec.base import State
from dbsynth.errors import ArtifactError, UsageError
from dbsynth.schema.model import TableName
from tests.api import shop

SCRIPT = """
import sys, torch, dbsynth, dbsynth.api
from dbsynth.model import training
from tests.api import shop
training.SAVE_SECONDS = 0.05
frames = shop.frames(400)
print("begun", flush=True)
dbsynth.fit(frames, schema=shop.SCHEMA, seed=3, checkpoint=sys.argv[1], keep=("none",)).save(sys.argv[2])
"""


def contents(path: Path) -> dict[str, bytes]:
    """All but when it was made."""
    return {p.name: p.read_bytes() for p in path.iterdir() if p.name != "manifest.json"}


def await_training(checkpoint: Path, process: subprocess.Popen[str]) -> None:
    """Until the training of a table has kept something, or the fit is over."""

    def kept() -> set[int]:
        return {p.stat().st_mtime_ns for p in checkpoint.glob("training-*")}

    before = kept()
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError):  # replaced at this moment
            if kept() - before:
                return
        time.sleep(0.01)


def test_a_fit_that_is_killed_five_times_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole, checkpoint, result = tmp_path / "whole", tmp_path / "checkpoint", tmp_path / "result"
    began = time.monotonic()
    dbsynth.fit(shop.frames(400), schema=shop.SCHEMA, seed=3, keep=("none",)).save(whole)
    needed = time.monotonic() - began
    chance, kills = random.Random(5), 0
    half_done = 0
    command = [sys.executable, "-c", SCRIPT, str(checkpoint), str(result)]
    paths = [os.environ.get("PYTHONPATH", ""), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    for turn in range(40):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            if kills < 5:
                if turn % 2:  # while a table is trained
                    await_training(checkpoint, process)
                else:
                    time.sleep(chance.uniform(0.0, needed * 0.15))
                process.send_signal(signal.SIGKILL)
                assert process.wait() in (0, -signal.SIGKILL)
                kills += 1
                half_done += any(checkpoint.glob("training-*"))
            else:
                assert process.wait() == 0
        if result.exists():
            break
    assert kills >= 3  # a kill that comes too late ends the test, not the fit
    assert half_done >= 1
    assert contents(result) == contents(whole)


def test_a_finished_table_is_not_learned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"schema": shop.SCHEMA, "seed": 3, "effort": "quick", "checkpoint": tmp_path / "c"}
    first = dbsynth.fit(shop.frames(), **arguments)  # type: ignore[arg-type]
    from dbsynth.pipeline import work

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(work, "train_table", never)
    monkeypatch.setattr(work, "prepare_table", never)
    again = dbsynth.fit(shop.frames(), **arguments)  # type: ignore[arg-type]
    one, two = first.sample(seed=1), again.sample(seed=1)
    assert all(one[name].equals(two[name]) for name in one)
    assert again.report()["tables"] == first.report()["tables"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 4}, "another seed"),
        ({"effort": "standard"}, "another effort"),
        ({"privacy_k": 6}, "another privacy_k"),
        ({"strategy": "independent"}, "another strategy"),
        ({"schema": {}}, "another schema"),
    ],
)
def test_other_arguments_are_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    frame = {"t": pd.DataFrame({"id": range(40), "v": [1, 2] * 20})}
    arguments: dict[str, object] = {
        "schema": {"t": {"primary_key": ["id"]}}, "seed": 3, "effort": "quick", "checkpoint": tmp_path / "c",
    }  # fmt: skip
    dbsynth.fit(frame, **arguments)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said) as error:
        dbsynth.fit(frame, **{**arguments, **change})  # type: ignore[arg-type]
    assert "another folder" in error.value.hint
    grown = {"t": pd.concat([frame["t"], frame["t"].assign(id=range(40, 80))])}
    with pytest.raises(UsageError, match="numbers of rows"):
        dbsynth.fit(grown, **arguments)  # type: ignore[arg-type]


def test_the_seed_that_was_drawn_is_that_of_the_interrupted_fit(tmp_path: Path) -> None:
    frame = {"t": pd.DataFrame({"v": [1, 2] * 20})}
    first = dbsynth.fit(frame, checkpoint=tmp_path / "c")
    assert dbsynth.fit(frame, checkpoint=tmp_path / "c").seed == first.seed


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="no checkpoint"):
        FitCheckpoint(tmp_path, {}).begun(1)
    with pytest.raises(ArtifactError, match="no checkpoint"):
        FitCheckpoint(tmp_path / "thesis.txt", {}).begun(1)
    dbsynth.fit({"t": pd.DataFrame({"v": [1, 2] * 20})}, checkpoint=tmp_path / "c")
    with pytest.raises(ArtifactError, match="holds a checkpoint"):
        dbsynth.load(tmp_path / "c" / "fit")


def test_what_a_training_kept_is_what_it_reads(tmp_path: Path) -> None:
    import numpy as np

    kept = TrainingCheckpoint.of(tmp_path, TableName("public", "orders"))
    assert kept.read() is None
    for step in (1, 2):
        kept.write(State({"step": step, "best": (0.5, None)}, {"weights": np.arange(step * 3, dtype=np.float32)}))
    back = TrainingCheckpoint.of(tmp_path, TableName("public", "orders")).read()
    assert back is not None
    assert back.config == {"step": 2, "best": (0.5, None)}
    assert back.arrays["weights"].dtype == np.float32
    assert len(back.arrays["weights"]) == 6
    assert TrainingCheckpoint.of(tmp_path, TableName("public", "notes")).read() is None
