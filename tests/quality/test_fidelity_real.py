"""Fidelity on the real databases: honest clones show no damage, and halves of the source cannot be told apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality import detection
from dbsynth.quality.fidelity import fidelity
from dbsynth.quality.frames import Frames, half
from dbsynth.quality.pairing import opened
from dbsynth.rng import generator
from tests.clones import Clone
from tests.parallel import REAL_DATABASES

pytestmark = pytest.mark.databases
LEAST_SPLITS, MOST_SPLITS = 5, 40
OFF = 0.006
"""Standard deviation of the mean of rank statistics over the splits: a few hundred rows take many of these."""


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_honest_clones_show_no_damage_and_halves_of_the_source_are_not_told_apart(
    cloned: Callable[[str], Clone], name: str
) -> None:
    made = cloned(name)
    with opened(CloneOptions(parse_url(made.source), parse_url(made.target), seed=1)) as sides:
        found = fidelity(sides)
        frames = Frames(sides, 0)
        there = [t.name for t in sides.schema.tables if all(s.counts[t.name] for s in (sides.real, sides.made))]
        whole = {n: frames.of(n) for n in there if not frames.kept(n)}
        halved = {n: min(f.rows[0] // 2, detection.MOST_ROWS) for n, f in whole.items()}
        witnesses = sum(n for n in halved.values() if n >= detection.LEAST_ROWS)
        told = []
        for split in range(int(np.clip(1.0 / (6.0 * witnesses * OFF**2), LEAST_SPLITS, MOST_SPLITS))):
            for name, frame in whole.items():
                first = half(frame.rows[0], generator(split, "halves", str(name)))
                area = detection.auc(frame.parted(first, ~first), split)
                if area is not None:
                    told.append((area, halved[name]))
    assert [f.says for f in found.findings if f.severity == "failure"] == []
    assert found.score >= 0.85
    areas, rows = np.array(told).T
    assert np.average(areas, weights=rows) == pytest.approx(0.5, abs=0.02)
