"""What chance, arithmetic and the plan's own rules make of little tables is held against nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from dbsynth.quality import relations, shapes
from dbsynth.quality.disclosure.attacks import Grid
from dbsynth.quality.disclosure.counters import is_counter, step
from dbsynth.quality.fidelity import fidelity
from dbsynth.quality.figures import Privacy, Subject
from dbsynth.quality.numbered import numbered, without_told
from dbsynth.quality.privacy import privacy
from dbsynth.quality.variables import Frame, told, variables
from dbsynth.rules.determined import Determined
from dbsynth.rules.texts import Joined, Piece
from tests.quality.in_memory import named, sides, table

HOUR = 3_600_000_000
NUMBERS = np.arange(1, 301)


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        (NUMBERS * 10_000_000_000, True),
        (NUMBERS / 7.0, True),
        (1e6 + NUMBERS * 0.01, True),
        (pa.array(NUMBERS * HOUR).cast(pa.timestamp("us")), True),
        (pa.array(NUMBERS * 2, pa.int32()).cast(pa.date32()), True),
        (np.sqrt(NUMBERS), False),
        (np.random.default_rng(0).normal(size=300), False),
        (np.random.default_rng(0).choice(10**6, 300, replace=False), False),
        (NUMBERS // 2, False),
    ],
)
def test_values_count_in_steps_of_any_size(values: object, counts: bool) -> None:
    assert is_counter(values if isinstance(values, pa.Array) else pa.array(values), 1.0) is counts


@pytest.mark.parametrize(("numbers", "size"), [([0, 6, 10, 25], 1.0), ([0.3, 0.6, 1.2], 0.3), ([5, 25, 45], 20.0)])
def test_a_step_divides_all_differences(numbers: list[float], size: float) -> None:
    assert step(np.array(numbers, float)) == pytest.approx(size)


def attacks(real: pa.Table, made: pa.Table) -> Privacy:
    return privacy(sides([table("t", real)], {"t": real}, {"t": made}))


def on_a_grid(seed: int) -> pa.Table:
    """Every day of 300 four times, each row with three more columns: nobody copies anybody."""
    rng = np.random.default_rng(seed)
    days = np.arange(1200) % 300 if seed == 0 else rng.integers(0, 300, 1200)
    return pa.table(
        {
            "id": np.arange(1200),
            "day": pa.array(days.astype(np.int32), pa.date32()),
            **{c: rng.choice(["a", "b", "c"], 1200) for c in ("x", "y", "z")},
        }
    )


def univariate_of(found: Privacy) -> bool:
    (figure,) = (f for f in found.figures if f.name == "singling_out_univariate")
    return bool(figure.passed)


def test_a_guess_on_a_grid_singles_nobody_out() -> None:
    assert univariate_of(attacks(on_a_grid(0), on_a_grid(1)))


def test_a_value_that_nobody_guesses_still_does() -> None:
    rng = np.random.default_rng(0)
    real = on_a_grid(0).append_column("sum", pa.array(rng.random(1200)))
    assert not univariate_of(attacks(real, real))


def test_a_blind_guess_hits_as_often_as_the_grid_is_full() -> None:
    codes = np.arange(100, dtype=np.float32)
    single = np.ones(100, bool)
    assert Grid(codes, codes * 4.0).blind(single, np.float32(50)) == pytest.approx(0.25, abs=0.02)
    assert Grid(codes, codes * 1e9).blind(single, np.float32(50)) < 1e-6


def test_families_are_counted_by_what_they_weigh() -> None:
    assert relations.effective(np.full(20, 3.0)) == 20
    assert relations.effective(np.array([100.0, 1.0, 1.0])) == 1
    assert relations.effective(np.zeros(4)) == 0


def test_a_displacement_exceeds_what_few_rows_are_off_by() -> None:
    some, many = (np.arange(n) * 50.0 / n + 10.0 for n in (50, 5_000))
    assert shapes.displacement(some, some + 2.0, True) == (1.0, "")
    value, says = shapes.displacement(many, many + 2.0, True)
    assert value < 0.96
    assert says


def test_of_made_texts_counts_what_can_be_as_it_was() -> None:
    mails = pa.array(["joe1@x.com", "no address", None, "a@b@c.org"])
    assert told(mails, "email").to_pylist() == ["joe1", "no address", None, "a@b"]
    assert told(pa.array(['{"a" : 1, "b": [2 , 3]}']), "json").to_pylist() == ['{"a":1,"b":[2,3]}']
    assert told(mails, "") is mails


def test_texts_of_blanks_are_no_evidence() -> None:
    real, made = pa.array([" " * i for i in range(1, 21)]), pa.array(["a sentence"] * 20)
    (found, *_) = shapes.shapes(Frame(named("t"), tuple(variables("c", None, real, made)), (20, 20)))
    assert (found.facet, found.rows) == ("length", (0, 20))


def test_what_rules_tell_is_told_by_others() -> None:
    rows = pa.table(
        {"id": NUMBERS, "code": [f"A{i}" for i in NUMBERS], "kind": NUMBERS % 4, "name": [f"n{i % 4}" for i in NUMBERS]}
    )
    found = sides([table("t", rows)], {"t": rows}, {"t": rows})
    (plan,) = found.plan.tables
    code = Joined("t.code", named("t"), "code", 300, 300, 1.0, True, (Piece("A"), Piece("id", "text")), True)
    name = Determined("t.name", named("t"), "name", 300, 4, 1.0, False, ("kind",), rows.select(["kind", "name"]))
    columns = tuple(replace(c, how="computed") if c.name == "code" else c for c in plan.columns)
    told_by = replace(found.plan, tables=(replace(plan, columns=columns),), facts=(code, name))
    assert numbered(told_by, told_by.tables[0]) == {"code"}
    assert without_told(told_by, named("t"), ["kind", "name", "other"]) == ["kind", "other"]


def load_of(big: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Parents and their children: one has ``big`` of them, of the first load, the others four, of the second."""
    owner = np.r_[np.ones(big, int), np.repeat(np.arange(2, 62), 4)]
    loaded = pa.array(np.where(owner == 1, 7_000, 8_000), pa.int32()).cast(pa.date32())
    children = pa.table({"id": np.arange(len(owner)), "owner": owner, "loaded": loaded})
    x = np.random.default_rng(seed).normal(size=61)
    return pa.table({"id": np.arange(1, 62), "x": x}), children


def test_shares_that_one_big_family_makes_out_are_no_damage() -> None:
    (above, real), (others, made) = load_of(260, 1), load_of(40, 2)
    owners = table("owner", above)
    rows = {"owner": above, "t": real}, {"owner": others, "t": made}
    alone, of_families = (
        fidelity(sides([owners, table("t", real, parents=keys)], *rows)).findings for keys in ({}, {"owner": "owner"})
    )
    loaded = Subject(named("t"), ("loaded",))
    assert [f.severity for f in alone if f.subject == loaded] == ["failure"]
    assert [f for f in of_families if f.subject == loaded] == []
