"""What a model keeps of its source to verify rows by: counts of k rows, and nothing that fewer share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dbsynth
from dbsynth.artifact.encode import Decoder, Encoder
from dbsynth.errors import UsageError
from dbsynth.quality.levels import LISTED, Feature, Levels, learned, observed
from dbsynth.quality.of_model import beyond_chance, fidelity_of_statistics
from dbsynth.quality.sides import Side
from dbsynth.quality.statistics import Statistics, likeness, rounded, together
from dbsynth.quality.without_source import figures_of
from dbsynth.synthesizer import Synthesizer

NUMBER, CATEGORY = Feature("c", "", "number", False), Feature("c", "", "category", False)
numbers = arrays.arrays(
    np.float64, st.integers(0, 300), elements=st.floats(width=64, allow_infinity=False) | st.integers(0, 9).map(float)
)
texts = st.lists(st.none() | st.sampled_from("abcdefgh") | st.text(max_size=3), max_size=300)


def parts(levels: Levels, values: object) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(values, np.ndarray | pa.Array)
    code = levels.encode(values)
    return code, np.bincount(code[code >= 0], minlength=levels.size)


@given(numbers, st.integers(1, 8))
@settings(max_examples=200)
def test_every_level_of_a_number_has_k_rows_or_none(values: np.ndarray, k: int) -> None:
    values = np.nan_to_num(values, nan=np.nan)
    levels = learned(NUMBER, values, k)
    code, counts = parts(levels, values)
    assert (np.diff(levels.edges) > 0).all()
    assert ((code < 0) == np.isnan(values)).all()
    if len(levels.edges):
        assert (counts >= k).all()
        assert (levels.counts == counts).all()
    else:
        assert levels.counts[0] == (counts[0] if counts[0] >= k else 0)
    assert levels.missing == (missing if (missing := int(np.isnan(values).sum())) >= k else 0)


@given(texts, st.integers(1, 8))
@settings(max_examples=200)
def test_a_category_tells_only_what_k_rows_share(values: list[str | None], k: int) -> None:
    array = pa.array(values, pa.string())
    levels = learned(CATEGORY, array, k)
    assert all(values.count(v) >= k for v in levels.values)
    assert len(levels.values) == min(LISTED, len({v for v in values if v is not None and values.count(v) >= k}))
    assert ((levels.counts == 0) | (levels.counts >= k)).all()
    assert [v is None for v in values] == (parts(levels, array)[0] < 0).tolist()


def test_no_edge_is_a_value_of_a_row() -> None:
    values = np.random.default_rng(0).lognormal(3.0, 2.0, 5_000)
    edges = learned(NUMBER, values, 5).edges
    assert len(edges) == 31
    assert not np.isin(edges, values).any()
    assert edges.max() < np.sort(values)[-100]


@given(arrays.arrays(np.int64, (4, 5), elements=st.integers(0, 60)), st.integers(1, 6))
def test_equal_tables_of_pairs_have_no_distance_however_they_are_rounded(table: np.ndarray, k: int) -> None:
    if table.sum():
        assert together(rounded(table, k), int(table.sum()), k, table) == pytest.approx(1.0)
        assert together(rounded(table, 1), int(table.sum()), 1, np.roll(table, 1)) <= 1.0


def test_likeness_is_of_kolmogorov_smirnov_and_of_total_variation() -> None:
    number = Levels(NUMBER, np.array([1.0, 2.0]), (), np.array([10, 10, 0]), 0)
    assert likeness(number, number.counts, np.array([0, 10, 10])) == pytest.approx(0.5)
    category = Levels(CATEGORY, np.zeros(0), ("a", "b"), np.array([10, 10, 0]), 0)
    assert likeness(category, category.counts, np.array([10, 5, 5])) == pytest.approx(0.75)
    assert likeness(category, category.counts, np.zeros(3)) == 0.0


def test_what_a_text_is_seen_by() -> None:
    values = pa.array(["Ab 1", None, ""])
    assert observed(Feature("c", "length", "number", False), values)[[0, 2]].tolist() == [4.0, 0.0]
    assert observed(Feature("c", "capitals", "number", False), values)[0] == 0.25
    assert np.isnan(observed(Feature("c", "length", "number", False), values)[1])
    assert np.isnan(observed(NUMBER, pa.array(["x", "1.5", None]))).tolist() == [True, False, True]


def test_the_last_digit_of_any_number() -> None:
    precision = Feature("c", "precision", "category", False)
    values = pa.array([0.5, 100.0, 1e308, float("inf"), None], pa.float64())
    assert observed(precision, values).is_null().to_pylist()[4]
    assert len(set(observed(precision, values).to_pylist()[:2])) == 2


@pytest.mark.parametrize(("hits", "rows", "expected"), [(0, 100, 0.0), (10, 100, 0.0), (100, 100, 0.89), (0, 0, 0.0)])
def test_matches_of_a_filter_beyond_chance(hits: int, rows: int, expected: float) -> None:
    assert beyond_chance(hits, rows, 1 / 16) == pytest.approx(expected, abs=0.02)


# --- of a model -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> dict[str, pa.Table]:
    rng = np.random.default_rng(7)
    kind = rng.choice(["retail", "trade", "public"], 400, p=[0.7, 0.2, 0.1])
    number = rng.poisson(np.where(kind == "retail", 2, 6))
    parent = np.repeat(np.arange(1, 401), number)
    amount = rng.gamma(2.0, np.where(kind[parent - 1] == "retail", 10.0, 80.0))
    return {
        "customers": pa.table(
            {
                "id": np.arange(1, 401),
                "kind": kind,
                "note": [None if i % 3 else f"Called on day {i} about {rng.integers(10**9)}" for i in range(400)],
                "empty": pa.nulls(400, pa.string()),
            }
        ),
        "orders": pa.table({"id": np.arange(1, len(parent) + 1), "customer_id": parent, "amount": amount.round(2)}),
        "nothing": pa.table({"x": pa.array([], pa.int64())}),
        "one": pa.table({"x": [5]}),
    }


KEYS = {
    "customers": {"primary_key": ["id"]},
    "orders": {"primary_key": ["id"], "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}]},
}


@pytest.fixture(scope="module")
def model(shop: dict[str, pa.Table]) -> Synthesizer:
    return dbsynth.fit(shop, schema=KEYS, seed=1, effort="quick")


def side(rows: dict[str, pa.Table], model: Synthesizer) -> Side:
    from dbsynth.frames.database import FramesDatabase

    schema = model.plan.schema
    held = {t.name: rows[t.name.name] for t in schema.tables}
    return Side.of(FramesDatabase(schema, held), schema)  # type: ignore[arg-type]


def test_the_source_is_like_its_own_statistics(shop: dict[str, pa.Table], model: Synthesizer) -> None:
    assert model.statistics is not None
    figures = figures_of(model.statistics, side(shop, model), model.plan)
    assert {f.name for f in figures} >= {"shape", "trend", "cardinality", "big parents", "siblings", "1-hop trend"}
    for figure in figures:
        assert figure.value == pytest.approx(1.0), figure
    assert model.statistics.by_name[model.plan.tables[0].name].rows in (400, 1, 0)


def test_statistics_are_saved_and_read(model: Synthesizer, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    found = Synthesizer.load(tmp_path / "model").statistics
    first, second = Encoder(), Encoder()
    assert first.encode(model.statistics) == second.encode(found)
    assert all((first.tensors[n] == second.tensors[n]).all() for n in first.tensors)
    assert isinstance(Decoder(first.tensors).decode(first.encode(model.statistics)), Statistics)


def test_nothing_of_one_row_is_in_them(shop: dict[str, pa.Table], model: Synthesizer) -> None:
    assert model.statistics is not None
    customers = next(t for t in model.statistics.tables if t.table.name == "customers")
    told = {v for values in customers.group.values for v in values}
    assert told == {"retail", "trade", "public"}
    amounts = set(shop["orders"].column("amount").to_pylist())
    orders = next(t for t in model.statistics.tables if t.table.name == "orders")
    shared = [a for a in orders.group.edges if a in amounts]
    assert not [a for a in shared if shop["orders"].column("amount").to_pylist().count(a) < 5]
    assert all(
        v.counts[v.counts > 0].min() >= 5 for t in model.statistics.tables for v in t.group.levels if v.counts.any()
    )


def test_what_one_parent_has_is_not_told_for_its_many_children() -> None:
    titles = ["owner", "buyer"] * 30 + ["owner of the only lighthouse"]
    rows = {
        "people": pa.table({"id": range(61), "title": titles, "age": [20.0 + i % 40 for i in range(60)] + [97.25]}),
        "calls": pa.table(
            {
                "id": range(500),
                "person": [60 if i < 200 else i % 60 for i in range(500)],
                "n": [i % 7 for i in range(500)],
            }
        ),
    }
    keys = {
        "people": {"primary_key": ["id"]},
        "calls": {"primary_key": ["id"], "foreign_keys": [{"columns": ["person"], "ref_table": "people"}]},
    }
    found = dbsynth.fit(rows, schema=keys, seed=1, effort="quick", keep=["none"]).statistics
    assert found is not None
    (key,) = found.keys
    groups = [key.left, key.right, *(t.group for t in found.tables)]
    assert {v for g in groups for values in g.values for v in values if len(v) > 3} == {"owner", "buyer"}
    assert max(v.edges.max(initial=0) for v in key.right.levels if v.feature.column == "age") < 59


def test_damage_is_named(shop: dict[str, pa.Table], model: Synthesizer) -> None:
    orders = shop["orders"]
    ruined = {
        **shop,
        "orders": orders.set_column(2, "amount", pa.array(orders.column("amount").to_numpy() * 3)),
        "customers": shop["customers"].set_column(2, "note", pa.nulls(400, pa.string())),
    }
    found = fidelity_of_statistics(model.statistics, side(ruined, model), model.plan)
    told = {(f.subject.table.name, f.subject.columns) for f in found.findings if f.subject}
    assert ("orders", ("amount",)) in told
    assert ("customers", ("note",)) in told
    honest = fidelity_of_statistics(model.statistics, side(shop, model), model.plan)
    assert honest.findings == ()
    assert honest.score == pytest.approx(1.0)


def test_a_model_without_statistics_says_so(model: Synthesizer, shop: dict[str, pa.Table]) -> None:
    with pytest.raises(UsageError, match=r"holds no statistics.*earlier version"):
        fidelity_of_statistics(None, side(shop, model), model.plan)


def test_none_are_kept_under_differential_privacy(shop: dict[str, pa.Table]) -> None:
    pytest.importorskip("opacus")
    private = dbsynth.fit(
        {"customers": shop["customers"]}, schema={"customers": KEYS["customers"]}, seed=1, dp_epsilon=3.0
    )
    assert private.statistics is None
    with pytest.raises(UsageError, match="differential privacy"):
        fidelity_of_statistics(private.statistics, side(shop, private), private.plan)
