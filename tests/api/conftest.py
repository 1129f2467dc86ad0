"""One fit of the shop for all tests that only look at it."""

from __future__ import annotations

import pandas as pd
import pytest

import dbsynth
from dbsynth.synthesizer import Synthesizer
from tests.api import shop


@pytest.fixture(scope="session")
def shop_frames() -> dict[str, pd.DataFrame]:
    return shop.frames()


@pytest.fixture(scope="session")
def fitted(shop_frames: dict[str, pd.DataFrame]) -> Synthesizer:
    return dbsynth.fit(shop_frames, schema=shop.SCHEMA, seed=7, effort="quick", keep=("none",))
