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
SPLITS = 5


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_honest_clones_show_no_damage_and_halves_of_the_source_are_not_told_apart(
    cloned: Callable[[str], Clone], name: str
) -> None:
    made = cloned(name)
    with opened(CloneOptions(parse_url(made.source), parse_url(made.target), seed=1)) as sides:
        found = fidelity(sides)
        frames = Frames(sides, 0)
        told = []
        for table in sides.schema.tables:
            if frames.kept(table.name) or not all(s.counts[table.name] for s in (sides.real, sides.made)):
                continue
            frame = frames.of(table.name)
            for split in range(SPLITS):
                first = half(frame.rows[0], generator(split, "halves", str(table.name)))
                area = detection.auc(frame.parted(first, ~first), split)
                if area is not None:
                    told.append((area, min(frame.rows[0] // 2, detection.MOST_ROWS)))
    assert [f.says for f in found.findings if f.severity == "failure"] == []
    assert found.score >= 0.85
    areas, rows = np.array(told).T
    chance = 2.0 * np.sqrt(1.0 / (6.0 * rows.sum()))  # two standard deviations of a rank statistic; oracle_hr: 107 rows
    assert np.average(areas, weights=rows) == pytest.approx(0.5, abs=0.02 + chance)
