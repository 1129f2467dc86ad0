"""Shared runs of words, persons, and the attacks of Giomi et al., on tables made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.pipeline.plan import Kept
from dbsynth.quality.disclosure.attacks import (
    Risk,
    Scene,
    inferred,
    linked,
    multivariate,
    repeated,
    singled_out,
    univariate,
)
from dbsynth.quality.disclosure.nearest import NULL, Rows, coded, distances, half_ranks, nearest
from dbsynth.quality.disclosure.taken_over import kept_rows
from dbsynth.quality.disclosure.texts import LONG, RUN, runs_of
from dbsynth.quality.figures import Privacy
from dbsynth.quality.privacy import privacy
from dbsynth.quality.sides import Sides
from dbsynth.relation.facts import Copy
from tests.quality.in_memory import named, sides, table

WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in ("ra", "tisch", "lor", "quen", "vix")]


def texts(n: int, seed: int, length: int = 30) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, length)) for _ in range(n)]


def of_texts(real: list[str | None], made: list[str | None]) -> Privacy:
    both = [pa.table({"id": np.arange(len(t)), "note": pa.array(t, pa.string())}) for t in (real, made)]
    return privacy(sides([table("t", both[0])], {"t": both[0]}, {"t": both[1]}))


def failed(found: Privacy) -> set[str]:
    return {f.name for f in found.figures if f.passed is False}


def test_texts_of_the_same_words_pass() -> None:
    found = of_texts(texts(400, 0), texts(400, 1))
    assert failed(found) == set()
    assert {"shared_runs", "long_shared_runs"} <= {f.name for f in found.figures}


def test_sentences_of_the_source_inside_made_texts_fail() -> None:
    real, made = texts(400, 0), texts(400, 1)
    for i in range(20):
        made[i] = f"Well, {real[i][:120].upper()}! And so on."
    found = of_texts(real, made)
    assert {"shared_runs", "long_shared_runs"} <= failed(found)
    assert "5.0% of the texts of note (20 of 400)" in found.findings[0].says
    assert not [w for w in WORDS if w in found.findings[0].says.lower()]


def test_what_many_texts_say_is_no_secret() -> None:
    common = "to whom it may concern we hereby confirm that your letter has been received with great thanks"
    real, made = ([f"{common} {t}" for t in texts(200, s, 8)] for s in (0, 1))
    assert failed(of_texts(real, made)) == set()


def test_runs_stay_within_a_text_and_numbers_are_no_words() -> None:
    found = runs_of(pa.array(["one two three four five six", "seven eight", "1 2 3 4 5 6 7 8", "", "a b c d e f g"]))
    assert len(found.runs) == 1
    assert found.texts == 1
    same = runs_of(pa.array(["x", "One, two; three (four) 5 five six seven"]))
    assert same.runs[0] == found.runs[0]
    assert len(same.runs) == 2
    assert RUN < LONG


def people(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    firsts = [f"First{c}" for c in "abcdefghijklmnopqrstuvwxyz"]
    lasts = [f"Last{a}{b}" for a in "abcdefgh" for b in "abcdefghijklmnop"]
    return pa.table(
        {
            "id": np.arange(n),
            "first": rng.choice(firsts, n),
            "last": rng.choice(lasts, n),
            "born": pa.array(rng.integers(0, 20_000, n).astype(np.int32), pa.date32()),
        }
    )


def persons(real: pa.Table, made: pa.Table) -> Privacy:
    roles = {"first": "first_name", "last": "last_name", "born": "birth_date"}
    found = sides([table("t", real)], {"t": real}, {"t": made}, personal=list(roles))
    (plan,) = found.plan.tables
    columns = tuple(replace(c, role=roles.get(c.name, "")) for c in plan.columns)
    return privacy(replace(found, plan=replace(found.plan, tables=(replace(plan, columns=columns),))))


def test_a_person_is_all_columns_together() -> None:
    real = people(2000, 0)
    found = persons(real, people(2000, 1))
    assert failed(found) == set()
    assert next(f for f in found.figures if f.name == "persons").subject.columns == ("first", "last", "born")
    some = pa.concat_tables([real.slice(0, 100), people(1900, 1)]).set_column(0, "id", pa.array(np.arange(2000)))
    found = persons(real, some)
    assert "persons" in failed(found)
    assert "first, last, born of a row of the source" in "\n".join(f.says for f in found.findings)


def measures(n: int, seed: int, copied: pa.Table | None = None) -> pa.Table:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 3))
    found = pa.table(
        {
            "id": np.arange(n),
            "a": base[:, 0],
            "b": base[:, 0] + base[:, 1] / 3,
            "c": base[:, 2],
            "d": base[:, 1] + base[:, 2] / 5,
            "e": rng.choice(["x", "y", "z"], n),
        }
    )
    return found if copied is None else copied


@pytest.mark.parametrize("n", [200, 3000])
def test_attacks_succeed_with_the_real_rows_and_not_with_others(n: int) -> None:
    real = measures(n, 0)
    names = {"singling_out_univariate", "singling_out_multivariate", "linkability", "inference"}

    def told(made: pa.Table) -> tuple[Privacy, dict[str, float]]:
        found = privacy(sides([table("t", real)], {"t": real}, {"t": made}))
        return found, {f.name: f.value for f in found.figures if f.name in names}

    honest, risks = told(measures(n, 1))
    assert failed(honest) == set()
    assert set(risks) == names
    assert max(risks.values()) < 0.2
    copied, risks = told(real)
    assert {"singling_out_univariate", "linkability"} <= failed(copied)
    assert min(risks.values()) > 0.1


def rows_of(*columns: list[float], ordered: list[bool]) -> Rows:
    return Rows(np.array(columns, np.float32), np.array(ordered))


def test_predicates_are_true_of_one_row() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(
        np.stack([rng.random(300), rng.choice(3, 300), rng.random(300)]).astype(np.float32),
        np.array([True, False, True]),
    )
    for predicates in (univariate(rows, rng), multivariate(rows, rng)):
        assert predicates
        for predicate in predicates:
            hits = np.ones(300, bool)
            for j, relation, value in predicate:
                codes = rows.codes[j]
                hits &= {"==": codes == value, "<=": codes <= value, ">=": codes >= value}[relation]
            assert hits.sum() == 1


def test_a_row_links_to_itself_and_gives_itself_away() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.random((4, 50)).astype(np.float32), np.ones(4, bool))
    assert linked(rows, rows) == 50
    assert inferred(rows, rows).tolist() == [50] * 4
    assert isinstance(Scene(rows, rows, rows, ("a", "b", "c", "d")).made, Rows)


@pytest.mark.parametrize(
    ("risk", "value", "sure"),
    [
        (Risk(500, 500, 10, 500), 1.0, True),
        (Risk(10, 500, 10, 500), 0.0, False),
        (Risk(5, 500, 400, 500), 0.0, False),
        (Risk(0, 0, 0, 0), 0.0, False),
        (Risk(3, 3, 3, 3), 0.0, False),
        (Risk(275, 500, 50, 500), 0.5, True),
        (Risk(275, 500, 50, 500, 20.0, 20.0), 0.5, True),
        (Risk(275, 500, 50, 500, 100.0, 20.0), 0.5, False),
    ],
)
def test_a_risk_is_what_is_beyond_the_control(risk: Risk, value: float, sure: bool) -> None:
    assert risk.value == pytest.approx(value)
    assert (risk.least > 0.15) is sure
    assert risk.least <= risk.value


def test_hits_of_one_row_tell_as_much_as_one() -> None:
    assert repeated(np.arange(9)) == repeated(np.zeros(0, np.int64)) == 1.0
    assert repeated(np.full(9, 4)) == 9.0
    targets = rows_of([1.0, 2.0, 3.0], ordered=[True])
    least, most, high = (((0, relation, np.float32(v)),) for relation, v in (("<=", 1.0), (">=", 3.0), (">=", 2.0)))
    assert singled_out(targets, [least, high, most, least]).tolist() == [0, 2, 0]


@pytest.mark.parametrize("copied", [True, False])
def test_a_value_that_children_show_singles_nobody_out(copied: bool) -> None:
    """Prices that only one product has, and six order lines repeat."""

    def products(seed: int, prices: np.ndarray) -> pa.Table:
        rng = np.random.default_rng(seed)
        own = {c: rng.choice(["a", "b", "c"], len(prices)) for c in ("x", "y", "z")}
        return pa.table({"id": np.arange(len(prices)), "price": prices, **own})

    prices = np.round(np.random.default_rng(5).lognormal(8, 2, 600), 3)
    item = pa.table({"id": np.arange(3600), "product": np.arange(3600) % 600, "price": np.tile(prices, 6)})
    tables = [table("product", products(0, prices)), table("item", item, parents={"product": "product"})]
    real, made = ({"product": products(s, p), "item": item} for s, p in ((0, prices), (1, prices[::-1])))
    given_ = sides(tables, real, made)
    of, over = (named(n) for n in ("item", "product"))
    fact = Copy(of, "item_product_fkey", over, ("price",), ("price",), "item", "product", 3600, 600, 1.0, True)
    found = privacy(replace(given_, plan=replace(given_.plan, facts=(fact,) if copied else ())))
    about = {f.name: f for f in found.figures if f.subject.table == over}
    assert about["singling_out_univariate"].passed is copied


def test_distances_are_those_of_gower() -> None:
    real = pa.table({"x": [1.0, 2.0, 3.0, None], "k": ["a", "b", None, None]})
    made = pa.table({"x": [2.0, None, 9.0], "k": ["b", None, "a"]})
    a, b = coded([c.combine_chunks() for c in real.columns], [c.combine_chunks() for c in made.columns])
    assert a.codes[0].tolist()[3] == NULL
    found = distances(b, a, slice(0, 3))
    assert found[0].tolist() == pytest.approx([1 / 3 + 1, 0.0, 1 / 3 + 1, 2.0])
    assert found[1].tolist() == pytest.approx([2.0, 2.0, 1.0, 0.0])
    assert found[2].tolist() == pytest.approx([5 / 6, 1 + 0.5, 1 + 1 / 6, 2.0])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=3, max_size=40),
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=3, max_size=40),
)
def test_the_nearest_are_the_least_of_all_distances(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    columns = [[pa.array([r[j] for r in side]) for j in (0, 1)] for side in (a, b)]
    columns = [[c[0], c[1].cast(pa.string())] for c in columns]
    real, made = coded(*columns)
    whole = distances(made, real, slice(0, len(b)))
    near, where = nearest(made, real, 2)
    assert np.allclose(near, np.sort(whole, axis=1)[:, :2])
    assert np.allclose(np.take_along_axis(whole, where, axis=1), near)
    own = np.arange(len(a))
    left_out = nearest(real, real, 2, own=own)[1]
    assert not (left_out == own[:, None]).any()


@settings(max_examples=100)
@given(st.lists(st.none() | st.integers(-3, 20), min_size=3, max_size=40), st.data())
def test_what_is_left_out_has_no_rank_among_the_others(values: list[int | None], data: st.DataObject) -> None:
    column, at = pa.array(values, pa.int64()), data.draw(st.integers(0, len(values) - 1))
    rest = np.delete(np.arange(len(values)), at)
    real, _ = coded([column], [column])
    found = distances(real, real, slice(at, at + 1), half_ranks(real))[0, rest]
    others, alone = coded([column.take(pa.array(rest))], [column.slice(at, 1)])
    told = distances(alone, others, slice(0, 1))[0]
    known = len(values) - column.null_count
    assert np.allclose(found, np.where(told < 1, told * (known - 1) / max(1, known), told), atol=1e-6)


def planned(refs: list[int], reason: str = "lookup table") -> Sides:
    rows = pa.table({"id": np.arange(len(refs)), "label": [f"label {i}" for i in range(len(refs))]})
    found = sides([table("t", rows)], {"t": rows}, {"t": rows})
    (plan,) = found.plan.tables
    kept = Kept(rows.append_column("#public.o.fk", pa.array(refs, pa.int64())), reason)
    return replace(found, plan=replace(found.plan, tables=(replace(plan, kept=kept),)))


@pytest.mark.parametrize(
    ("refs", "least", "passed"),
    [([5, 9, 70], 5, True), ([4, 900], 4, None), ([0, 0], 0, None)],
)
def test_kept_rows_are_told_with_the_fewest_that_refer_to_them(
    refs: list[int], least: int, passed: bool | None
) -> None:
    found = planned(refs)
    figures, findings = kept_rows(found.plan.tables[0], 5)
    assert [(f.value, f.passed) for f in figures] == [(least, passed)]
    assert [f.severity for f in findings] == ([] if passed else ["note"])
    assert failed(privacy(found)) == set()


@pytest.mark.parametrize("nothing", [lambda t: t.slice(0, 0), lambda t: t.slice(0, 1)])
def test_tables_of_no_row_and_of_one(nothing: Callable[[pa.Table], pa.Table]) -> None:
    real, made = measures(300, 0), measures(300, 1)
    for a, b in ((nothing(real), made), (real, nothing(made)), (nothing(real), nothing(made))):
        assert failed(privacy(sides([table("t", real)], {"t": a}, {"t": b}))) == set()
