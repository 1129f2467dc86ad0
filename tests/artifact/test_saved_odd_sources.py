"""Every type and every oddity of the test databases survives saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import dbsynth
from dbsynth.synthesizer import Synthesizer

SCRIPTS = Path(__file__).parents[1] / "e2e"


def rows_of(model: Synthesizer) -> dict[str, list[pa.RecordBatch]]:
    found: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in model.sample_batches(seed=2):
        found.setdefault(name, []).append(batch)
    return found


@pytest.mark.parametrize("script", ["types.sql", "more_types.sql", "odd.sql", "odd_keys.sql"])
def test_the_saved_model_makes_the_same_rows_and_frames(
    database: str, execute: Callable[..., object], tmp_path: Path, script: str
) -> None:
    execute((SCRIPTS / script).read_text())
    model = dbsynth.fit(database, seed=1, effort="quick", device="cpu")
    model.save(tmp_path / "model")
    loaded = dbsynth.load(tmp_path / "model")
    one, two = rows_of(model), rows_of(loaded)
    assert one.keys() == two.keys()
    for name in one:  # NaN is not equal to itself, its bytes are
        assert [b.serialize().to_pybytes() for b in one[name]] == [b.serialize().to_pybytes() for b in two[name]]
    frames = loaded.sample(seed=2)
    counted = {name: sum(b.num_rows for b in one.get(name, [])) for name in frames}
    assert {name: len(frame) for name, frame in frames.items()} == counted
    assert sum(counted.values()) > 0
