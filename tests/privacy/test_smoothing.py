"""No number that fewer than k rows have is stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.codec.bin_fitting import fit_bins
from dbsynth.privacy.smoothing import centre, smoothed
from dbsynth.relation.unique import Lattice

K = 5
NUMBERS = st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), min_size=1, max_size=60)


@given(NUMBERS)
def test_ends_move_inwards_and_what_k_rows_share_stays(values: list[float]) -> None:
    ordered, out = np.sort(values), smoothed(np.array(values), K)
    assert (np.diff(out) >= 0).all()
    if len(values) >= K:
        assert out[0] >= ordered[0]
        assert out[-1] <= ordered[-1]
        assert (out[0] > ordered[0]) or (ordered[0] == ordered[K - 1]) or np.isclose(out[0], ordered[0])
    assert set(smoothed(np.array([7.25] * K + values), K)) & {7.25}


def test_the_one_value_of_few_rows_is_told_to_its_first_digit() -> None:
    assert centre(np.array([48_213.5]), K) == 50_000
    assert centre(np.array([48_213.5] * 4), K) == 50_000
    assert centre(np.array([48_213.5] * 5), K) == 48_213.5
    assert smoothed(np.array([0.00371]), K).tolist() == [0.004]
    assert centre(np.zeros(0), K) == 0.0


@settings(max_examples=200)
@given(
    st.lists(st.integers(-(10**7), 10**7).map(lambda x: x * 1009), min_size=6, max_size=80, unique=True), st.booleans()
)
def test_bins_hold_no_extreme_and_no_border_that_is_a_row(values: list[int], floats: bool) -> None:
    """Values far apart, so that equality cannot be chance."""
    real = np.array(values, np.float64 if floats else np.int64)
    bins = fit_bins(real, k=K)
    held = np.concatenate([bins.spikes, bins.edges, bins.low, bins.high, bins.bounds])
    assert not np.isin([real.min(), real.max()], held).any()
    assert not np.isin(bins.edges, real).any()
    again = bins.encode(np.sort(real))
    assert (np.diff(again) >= 0).all()


@pytest.mark.parametrize("values", [[48_213], [48_213, 99_998], list(range(48_213, 1_048_213, 1000))])
def test_a_lattice_ends_at_no_key_of_the_source(values: list[int]) -> None:
    lattice = Lattice.of(np.array(values), K)
    assert not {lattice.low, lattice.high} & {min(values), max(values)}
    assert lattice.low < lattice.high
