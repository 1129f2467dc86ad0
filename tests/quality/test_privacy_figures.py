"""What the privacy figures find, and what they leave alone, on tables made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.pipeline.plan import Kept
from dbsynth.quality.disclosure.chance import surprising, tail, wilson
from dbsynth.quality.disclosure.distances import near_rows
from dbsynth.quality.disclosure.seen import seen
from dbsynth.quality.figures import Privacy
from dbsynth.quality.privacy import privacy
from dbsynth.quality.sides import Sides
from tests.quality.in_memory import named, sides, table


def rows(n: int, seed: int, first: int = 0) -> pa.Table:
    """Measures that depend on each other, a category, a text and an address that no two rows share."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(3, 1, n)
    return pa.table(
        {
            "id": pa.array(np.arange(first, first + n)),
            "size": np.round(size, 3),
            "weight": np.round(size * rng.normal(2, 0.1, n), 3),
            "day": pa.array(rng.integers(0, 5_000, n).astype(np.int32), pa.date32()),
            "kind": rng.choice(["a", "b", "c"], n),
            "email": [f"person{int(i)}@example.org" for i in rng.integers(0, 10**12, n)],
            "note": [f"note {int(i):x} of a kind" for i in rng.integers(0, 10**12, n)],
        }
    )


def looked(real: pa.Table, made: pa.Table, *, k: int = 5, role: str = "email") -> Privacy:
    return privacy(compared(real, made, role=role))


def compared(real: pa.Table, made: pa.Table, *, role: str = "email") -> Sides:
    found = sides([table("t", real)], {"t": real}, {"t": made}, personal=["email"])
    (plan,) = found.plan.tables
    columns = tuple(replace(c, role=role) if c.name == "email" else c for c in plan.columns)
    return replace(found, plan=replace(found.plan, tables=(replace(plan, columns=columns),)))


def failed(found: Privacy) -> set[str]:
    return {f.name for f in found.figures if f.passed is False}


def said(found: Privacy) -> str:
    return "\n".join(f.says for f in found.findings)


def mixed(made: pa.Table, other: pa.Table, share: float, columns: list[str]) -> pa.Table:
    """``made`` with the values of ``other`` in ``columns`` of the first rows."""
    n = round(share * made.num_rows)
    for name in columns:
        column = pa.concat_arrays([other.column(name).combine_chunks()[:n], made.column(name).combine_chunks()[n:]])
        made = made.set_column(made.schema.get_field_index(name), name, column)
    return made


OWN = ["size", "weight", "day", "kind", "email", "note"]


def test_rows_of_the_same_kind_pass() -> None:
    found = looked(rows(2000, 0), rows(2000, 1))
    assert failed(found) == set()
    assert found.findings == ()
    names = {"exact_copies", "copies_of_unique_rows", "personal_values", "rare_values", "near_rows"}
    assert names <= {f.name for f in found.figures}
    assert found.proves


@pytest.mark.parametrize("n", [300, 2000, 20_000])
def test_two_percent_of_copied_rows_fail(n: int) -> None:
    real = rows(n, 0)
    found = looked(real, mixed(rows(n, 1, first=n), real, 0.02, OWN))
    assert "exact_copies" in failed(found)
    assert "public.t: 2.0% of the rows" in said(found)
    assert "copied" in said(found)


def test_one_copied_row_among_thousands_passes() -> None:
    real = rows(2000, 0)
    assert failed(looked(real, mixed(rows(2000, 1), real, 0.0005, OWN))) == set()


def test_the_real_rows_themselves_fail() -> None:
    real = rows(500, 0)
    assert failed(looked(real, real)) >= {
        "exact_copies", "copies_of_unique_rows", "personal_values", "rare_values", "near_rows", "linkability"
    }  # fmt: skip


def test_rows_that_were_changed_a_little_are_near() -> None:
    real = rows(2000, 0)
    made = mixed(rows(2000, 1), real, 0.5, ["weight", "day", "kind"])
    sizes = np.array(made.column("size").to_pylist())
    sizes[:1000] = np.array(real.column("size"))[:1000] + 0.001
    made = made.set_column(1, "size", pa.array(sizes))
    found = looked(real, made)
    assert failed(found) == {"near_rows"}
    assert "changed a little" in said(found)


@pytest.mark.parametrize("seed", range(3))
def test_moments_that_follow_closely_on_each_other_are_no_nearer_than_those_of_real_rows(seed: int) -> None:
    """The nearest are a few ranks apart in all columns: there it counts that a real value has a rank of its own."""

    def sent(n: int, seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        ordered = rng.integers(0, 10**8, n)
        shipped = ordered + (rng.gamma(2, 100_000, n)).astype(np.int64)
        times = {"ordered": ordered, "shipped": shipped, "delivered": shipped + rng.integers(0, 300_000, n)}
        moments = {c: pa.array(1_000_000 * t).cast(pa.timestamp("us")) for c, t in times.items()}
        return pa.table({"id": np.arange(n), **moments, "kind": rng.choice(["a", "b"], n)})

    real = sent(3000, 2 * seed)
    for made, passes in ((sent(3000, 2 * seed + 1), True), (nudged(real, sent(3000, 2 * seed + 1), 0.15), False)):
        figures, _ = near_rows(seen(sides([table("t", real)], {"t": real}, {"t": made}), named("t")), seed)
        near = next(f for f in figures if f.name == "near_rows")
        assert near.passed is passes, near
        assert not passes or near.value == pytest.approx(near.baseline, abs=0.05)


def nudged(real: pa.Table, made: pa.Table, share: float) -> pa.Table:
    """``made`` with so many rows of ``real`` in the place of its first, each moment later by up to a minute."""
    n, rng = round(share * made.num_rows), np.random.default_rng(0)
    copied = {"id": real.column("id").combine_chunks()[:n], "kind": real.column("kind").combine_chunks()[:n]}
    for name in ("ordered", "shipped", "delivered"):
        moments = real.column(name).combine_chunks()[:n].cast(pa.int64()).to_numpy()
        copied[name] = pa.array(moments + 1_000_000 * rng.integers(0, 60, n)).cast(pa.timestamp("us"))
    return pa.concat_tables([pa.table({c: copied[c] for c in made.column_names}), made.slice(n)])


def test_equal_rows_of_few_kinds_are_chance() -> None:
    def few(seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        return pa.table({"id": np.arange(3000), "a": rng.choice(4, 3000), "b": rng.choice(["x", "y"], 3000)})

    real, made = few(0), few(1)
    found = privacy(sides([table("t", real)], {"t": real}, {"t": made}))
    copies = next(f for f in found.figures if f.name == "exact_copies")
    assert copies.value == copies.baseline == 1.0
    assert failed(found) == set()


@pytest.mark.parametrize("change", [str, str.upper, lambda v: f"  {v} "])
def test_personal_values_of_the_source_fail_whatever_their_case(change: object) -> None:
    real = rows(200, 0)
    emails = pa.array([change(v) for v in real.column("email").to_pylist()])  # type: ignore[operator]
    made = rows(200, 1).set_column(5, "email", emails)
    found = looked(real, made)
    assert failed(found) == {"personal_values"}
    assert "100.0% of the values of email (200 of 200) are the source's" in said(found)


def test_names_that_many_share_may_meet_and_those_of_few_may_not() -> None:
    rng = np.random.default_rng(0)
    common = [f"Common{c}" for c in "abcdefgh"]
    real = rows(1000, 0).set_column(5, "email", pa.array(rng.choice(common, 1000)))
    made = rows(1000, 1).set_column(5, "email", pa.array(rng.choice(common, 1000)))
    assert failed(looked(real, made, role="last_name")) == set()
    seldom = pa.array([f"Seldom{i}" for i in range(1000)])
    real, made = (t.set_column(5, "email", seldom) for t in (real, made))
    assert failed(looked(real, made, role="last_name")) == {"personal_values"}


def test_texts_of_the_source_fail_and_name_the_column() -> None:
    real = rows(1000, 0)
    found = looked(real, mixed(rows(1000, 1), real, 0.02, ["note"]))
    assert failed(found) == {"rare_values"}
    assert "values of note (20 of 1,000)" in said(found)


def test_a_value_that_many_rows_of_another_table_share_is_no_secret() -> None:
    real = rows(100, 0)
    places = pa.table({"id": np.arange(800), "place": pa.array(real.column("note").to_pylist() * 8)})
    made = mixed(rows(100, 1), real, 1.0, ["note"])
    tables = [table("t", real), table("place", places)]
    found = privacy(sides(tables, {"t": real, "place": places}, {"t": made, "place": places}))
    note = next(f for f in found.figures if f.subject.columns == ("note",))
    assert note.value == 0.0


def test_places_in_a_tree_are_counted_by_everybody() -> None:
    paths = pa.array([f"/{i // 10}/{i % 10}/" for i in range(200)])
    real, made = (rows(200, s).set_column(6, "note", paths) for s in (0, 1))
    assert failed(looked(real, made)) == set()


def test_kept_rows_are_left_out() -> None:
    real = rows(50, 0)
    given_ = compared(real, real)
    (plan,) = given_.plan.tables
    kept = replace(given_, plan=replace(given_.plan, tables=(replace(plan, kept=Kept(real, "lookup table")),)))
    assert {f.name for f in privacy(kept).figures} == {"kept_references"}
    half = replace(plan, kept=Kept(real.slice(0, 25), "lookup table"))
    found = privacy(replace(given_, plan=replace(given_.plan, tables=(half,))))
    assert "without 25 rows that are kept on purpose" in next(f.says for f in found.figures if f.name == "exact_copies")
    assert "exact_copies" in failed(found)


def test_a_made_table_without_a_column_is_looked_at_without_it() -> None:
    real, made = rows(300, 0), rows(300, 1).drop_columns(["note"])
    given_ = compared(real, rows(300, 1))
    given_.made.database.rows[named("t")] = made  # type: ignore[attr-defined]
    given_.made = replace(given_.made, columns={named("t"): {c: c for c in made.column_names}})
    found = privacy(given_)
    assert failed(found) == set()
    assert all(f.subject.columns != ("note",) for f in found.figures)


def test_no_value_of_the_source_is_told() -> None:
    real = rows(500, 0)
    found = looked(real, real)
    told = " ".join([*(f.says for f in found.figures), *(f.says + f.remedy for f in found.findings)])
    assert not [v for v in real.column("email").to_pylist() + real.column("note").to_pylist() if v in told]


HOSTILE = st.sampled_from(['we;ird "name"', "Ünïcødé 漢字", "'; drop table t --", "a\nb", "<script>", " ", "%s{0}"])
CELLS = st.one_of(st.none(), st.text(max_size=8), HOSTILE)
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, NUMBERS), max_size=12), st.lists(st.tuples(CELLS, NUMBERS), max_size=12), HOSTILE)
def test_any_rows_give_figures(a: list[tuple[str | None, float | None]], b: list[tuple[str | None, float | None]],
                               name: str) -> None:  # fmt: skip
    def of(cells: list[tuple[str | None, float | None]]) -> pa.Table:
        texts, numbers = [c[0] for c in cells], [c[1] for c in cells]
        columns = [pa.array(range(len(cells)), pa.int64()), pa.array(texts, pa.string()),
                   pa.array(numbers, pa.float64()), pa.nulls(len(cells), pa.string())]  # fmt: skip
        return pa.table(columns, names=["id", name, "x", "empty"])

    real, made = of(a), of(b)
    for personal in ([], [name]):
        found = privacy(sides([table("t", real)], {"t": real}, {"t": made}, personal=personal))
        for figure in found.figures:
            assert 0.0 <= figure.value <= 1.0
            assert figure.baseline is None or 0.0 <= figure.baseline <= 1.0
            if len(a) + len(b) == 0:
                raise AssertionError("figures of nothing")


def test_the_same_seed_gives_the_same_figures() -> None:
    given_ = compared(rows(3000, 0), rows(3000, 1))
    assert privacy(given_, seed=3) == privacy(given_, seed=3)


@given(st.integers(0, 60), st.floats(0.01, 40))
def test_the_tail_is_a_chance_and_falls(hits: int, expected: float) -> None:
    assert 0.0 <= tail(hits + 1, expected) <= tail(hits, expected) + 1e-12 <= 1.0 + 1e-9


def test_chance() -> None:
    assert tail(0, 3.0) == 1.0
    assert tail(1, 0.5) == pytest.approx(1 - np.exp(-0.5))
    assert tail(1200, 1100.0) == pytest.approx(0.0015, rel=0.3)
    assert not surprising(3, 300, 0, 300)
    assert surprising(6, 300, 0, 300)
    assert not surprising(30, 100, 30, 100)
    centre, width = wilson(0, 100)
    assert centre - width == pytest.approx(0.0, abs=1e-9)
    assert 0.03 < centre + width < 0.04


def test_codes_and_days_that_count_are_nobodys() -> None:
    def numbered(n: int, first: int) -> pa.Table:
        return pa.table(
            {
                "id": np.arange(n),
                "code": [f"INV-{first + i:06d}/a" for i in range(n)],
                "day": pa.array(np.arange(first, first + n, dtype=np.int32), pa.date32()),
            }
        )

    assert failed(looked_at(numbered(500, 1), numbered(500, 1))) == set()
    rng = np.random.default_rng(0)
    drawn = [f"INV-{i:09d}/a" for i in rng.integers(0, 10**9, 500)]
    real = numbered(500, 1).set_column(1, "code", pa.array(drawn))
    assert {"rare_values", "exact_copies"} <= failed(looked_at(real, real))


def looked_at(real: pa.Table, made: pa.Table) -> Privacy:
    return privacy(sides([table("t", real)], {"t": real}, {"t": made}))


def test_numbers_that_fill_their_range_single_nobody_out() -> None:
    def drawn(seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        counted = rng.permutation(1500)[:1000].astype(float)
        counted[::9] = np.nan
        others = {f"x{i}": rng.choice(5, 1000) for i in range(4)}
        return pa.table({"id": np.arange(1000), "counted": counted, **others})

    assert failed(looked_at(drawn(0), drawn(1))) == set()
