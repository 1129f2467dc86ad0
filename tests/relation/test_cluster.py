import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.relation.cluster import Clusters
from dbsynth.rng import generator


def table(n: int, seed: int) -> pa.Table:
    rng = generator(seed)
    kind = rng.integers(0, 6, n)
    return pa.table(
        {"kind": kind, "price": kind * 10 + rng.normal(size=n), "label": np.array(list("abcdef"))[kind % 3]}
    )


@settings(max_examples=20)
@given(st.integers(20, 3000), st.integers(2, 8), st.integers(0, 2**32))
def test_every_kind_stands_for_k_rows(n, k, seed):
    rows = table(n, seed)
    found = Clusters.fit(rows, ["price", "label"], np.full(n, 9.0), k, generator(seed))
    size = np.bincount(found.assign(rows), minlength=found.count)
    assert size.min() >= k


def test_many_kinds_stand_in_an_order_in_which_neighbours_are_alike():
    rows = table(4000, 1)
    found = Clusters.fit(rows, ["price", "label"], np.full(4000, 50.0), 5, generator(1))
    assert found.count > 100
    label, price = found.assign(rows), rows.column("price").to_numpy()
    mean = np.bincount(label, price) / np.bincount(label)
    far = np.abs(mean[:, None] - mean[None]).mean()
    assert np.abs(np.diff(mean)).mean() < far / 3


def test_a_key_of_whole_numbers_is_a_name_not_a_number():
    rng = generator(3)
    key = rng.permutation(np.repeat([3, 900, 901], 300))
    found = Clusters.fit(pa.table({"key": key}), ["key"], np.full(900, 9.0), 5, generator(2), keys={"key"}, most=3)
    label = found.assign(pa.table({"key": key}))
    assert len(set(zip(key.tolist(), label.tolist(), strict=True))) == 3
