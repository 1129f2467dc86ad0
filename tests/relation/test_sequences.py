"""Facts among siblings: found in data made with them, not in noise, and made to hold in any rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.codec.gaps import ticks
from dbsynth.relation.find_sequences import consistent, find_rising_key, find_sequences
from dbsynth.relation.look import Look
from dbsynth.relation.not_before import NotBefore, find_not_before
from dbsynth.relation.running import Running
from dbsynth.relation.sequences import Chain, Constant, Current, Monotone, Regular, RisingKey, Sequence
from dbsynth.relation.states import States
from dbsynth.schema.model import TableName

NAME = TableName("public", "t")
DAY = np.timedelta64(1, "D")
START = dt.date(2020, 1, 1)


def dates(days: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    return pa.array((days + 18_262).astype(np.int32), mask=missing).cast(pa.date32())


def money(cents: np.ndarray) -> pa.Array:
    return pa.array([Decimal(int(c)) / 100 for c in cents], pa.decimal128(12, 2))


def look(
    columns: dict[str, pa.Array], order: tuple[str, ...] = ("day", "id"), family: tuple[str, ...] = ("f",)
) -> Look:
    exact = [c for c in columns if not pa.types.is_string(columns[c].type) and not pa.types.is_boolean(columns[c].type)]
    open_ = [c for c in columns if c not in ("f", "id") and not c.startswith("↑")]
    return Look(NAME, "t", columns, family, [("day", "id"), ("id",)], open_, [], exact, k=5)


def found(columns: dict[str, pa.Array], kind: type) -> list[Sequence]:
    return [f for f in find_sequences(look(columns)) if isinstance(f, kind)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def base(rng: np.random.Generator) -> dict[str, pa.Array]:
    """200 rows in 40 families of five, dated at random, in an order that has nothing to do with them."""
    family = rng.permutation(np.repeat(np.arange(40), 5))
    return {
        "f": pa.array(family),
        "id": pa.array(rng.permutation(200)),
        "day": dates(rng.integers(0, 2_000, 200)),
        "x": pa.array(rng.integers(0, 1_000, 200)),
        "word": pa.array(rng.choice(["a", "b", "c"], 200)),
        "amount": money(rng.integers(100, 10_000, 200)),
    }


def places(columns: dict[str, pa.Array], *order: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows by family and ``order``, and their ranks."""
    keys = [columns[c].cast(pa.int32() if c == "day" else pa.int64()).to_numpy() for c in (*reversed(order), "f")]
    at = np.lexsort(keys)
    return at, np.tile(np.arange(5), 40)


def put(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    out = np.empty(len(at), values.dtype)
    out[at] = values
    return out


def test_nothing_is_found_in_noise(base: dict[str, pa.Array]) -> None:
    assert find_sequences(look(base)) == []
    assert list(find_rising_key(look(base, family=()), "id")) == []


def test_regular_dates(base: dict[str, pa.Array], rng: np.random.Generator) -> None:
    at, rank = places(base, "day", "id")
    base["day"] = dates(put(at, np.repeat(rng.integers(0, 50, 40) * 7, 5) + 7 * rank))
    (fact,) = found(base, Regular)
    assert isinstance(fact, Regular)
    assert (fact.column, fact.step, fact.months, fact.first) == ("day", 7, False, None)
    assert fact.phase == 18_262 % 7, "families start on one weekday"
    broken = dict(base, day=dates(put(at, np.repeat(rng.integers(0, 50, 40) * 7, 5) + 7 * rank + (rank == 4) * 7)))
    assert found(broken, Regular) == []


@pytest.mark.parametrize(("day", "told"), [(1, 1), (31, 31), (15, 15)])
def test_regular_months(base: dict[str, pa.Array], day: int, told: int) -> None:
    at, rank = places(base, "day", "id")
    first = (np.datetime64("2019-01", "M") + rank + 3).astype("M8[D]")
    days = first + (day - 1) if day < 31 else (np.datetime64("2019-01", "M") + rank + 4).astype("M8[D]") - 1
    base["day"] = pa.array(put(at, days.astype(np.int64)).astype(np.int32)).cast(pa.date32())
    (fact,) = found(base, Regular)
    assert isinstance(fact, Regular)
    assert (fact.months, fact.day, fact.step) == (True, told, 1)
    assert fact.first is not None, "all families start in the same month"


def test_line_numbers(base: dict[str, pa.Array]) -> None:
    at, rank = places(base, "day", "id")
    base["x"] = pa.array(put(at, rank + 1))
    regular, rising = consistent(find_sequences(look(base)))
    assert isinstance(regular, Regular)
    assert (regular.column, regular.first, regular.step) == ("x", 1, 1)
    assert isinstance(rising, Monotone)
    assert rising.strict
    shuffled = dict(base, x=pa.array(np.random.default_rng(1).permutation(200) % 7))
    for fact in consistent([regular, rising]):
        shuffled |= fact.settle(shuffled, {})
    assert shuffled["x"].to_numpy()[at].tolist() == (rank + 1).tolist()


@pytest.mark.parametrize("end", ["null", "value", "own"])
@pytest.mark.parametrize("lag", [0, 1])
def test_chains(base: dict[str, pa.Array], rng: np.random.Generator, end: str, lag: int) -> None:
    start = put(np.lexsort([base["f"].to_numpy()]), np.cumsum(rng.integers(2, 90, (40, 5)), axis=1).ravel())
    base["day"] = dates(start)
    at, rank = places(base, "day", "id")
    ordered = start[at]
    until = np.append(ordered[1:] - lag, 0)
    until[rank == 4] = 2_914_634 if end == "value" else ordered[rank == 4] + rng.integers(1, 50, 40)
    gone = (rank == 4) & (end == "null") | (rank == 4) & (end == "own") & (np.arange(200) % 2 == 0)
    base["until"] = dates(put(at, until), put(at, gone))
    (fact,) = found(base, Chain)
    assert isinstance(fact, Chain)
    assert (fact.start, fact.end, fact.lag, fact.open) == ("day", "until", lag, end)
    if end == "value":
        assert fact.far == 2_932_896, "9999-12-31"


def test_intervals_that_do_not_overlap(base: dict[str, pa.Array], rng: np.random.Generator) -> None:
    gaps = rng.integers(10, 90, (40, 5))
    start = put(np.lexsort([base["f"].to_numpy()]), np.cumsum(gaps, axis=1).ravel())
    base["day"] = dates(start)
    at, _ = places(base, "day", "id")
    room = np.append(np.diff(start[at]), 50)
    room = np.where(room < 0, 50, room)
    base["until"] = dates(put(at, start[at] + (room * rng.uniform(0.5, 0.95, 200)).astype(int)))
    (fact,) = found(base, Chain)
    assert isinstance(fact, Chain)
    assert (fact.lag, fact.slack, fact.open) == (None, 1, "own")
    short = dict(base, until=dates(put(at, start[at] + 1)))
    assert found(short, Chain) == [], "rows that last a day do not overlap by chance"


def test_current(base: dict[str, pa.Array]) -> None:
    at, rank = places(base, "day", "id")
    base["is_current"] = pa.array(put(at, rank == 4))
    (fact,) = found(base, Current)
    assert isinstance(fact, Current)
    assert (fact.column, fact.value, fact.place) == ("is_current", "true", "last")


def test_current_where_open(base: dict[str, pa.Array]) -> None:
    at, rank = places(base, "day", "id")
    gone = put(at, (rank == 4) & (np.arange(200) % 3 > 0))
    base["closed"] = dates(np.arange(200), gone)
    base["state"] = pa.array(np.where(gone, "open", np.where(np.arange(200) % 2 > 0, "done", "void")))
    (fact,) = found(base, Current)
    assert isinstance(fact, Current)
    assert (fact.value, fact.place, fact.of) == ("open", "open", "closed")


@pytest.mark.parametrize("opening", [True, False])
@pytest.mark.parametrize("by", ["", "word"])
def test_running_balance(base: dict[str, pa.Array], opening: bool, by: str) -> None:
    at, rank = places(base, "day", "id")
    amount = np.array([int(a * 100) for a in base["amount"].to_pylist()])[at]
    sign = np.where(base["word"].to_numpy(zero_copy_only=False)[at] == "b", -1, 1) if by else np.full(200, -1)
    first = np.repeat(np.arange(40) * 1_000 + 50_000, 5)
    path = np.where((rank == 0) & (not opening), first, amount * sign)
    total = np.concatenate([np.cumsum(p) for p in path.reshape(40, 5)])
    base["balance"] = money(put(at, total))
    (fact,) = found(base, Running)
    assert isinstance(fact, Running)
    assert (fact.column, fact.amount, fact.by, fact.opening, fact.scale) == ("balance", "amount", by, opening, 2)
    assert fact.plus == (() if not by else ("a", "c") if fact.plus == ("a", "c") else ("c", "a"))
    off = dict(base, balance=money(put(at, total + (np.arange(200) == 77))))
    assert found(off, Running) == []


def test_counter_of_floats(base: dict[str, pa.Array], rng: np.random.Generator) -> None:
    at, _ = places(base, "day", "id")
    step = rng.integers(1, 500, 200)
    base["amount"] = pa.array(put(at, step) / 10)
    base["total"] = pa.array(put(at, np.concatenate([np.cumsum(p) for p in step.reshape(40, 5)])) / 10)
    (fact,) = found(base, Running)
    assert isinstance(fact, Running)
    assert (fact.column, fact.scale, fact.opening, fact.floor) == ("total", 1, True, 0)


@pytest.mark.parametrize(("rising", "strict"), [(True, True), (True, False), (False, True), (False, False)])
def test_monotone(base: dict[str, pa.Array], rng: np.random.Generator, rising: bool, strict: bool) -> None:
    at, _ = places(base, "day", "id")
    steps = rng.integers(1 if strict else 0, 4, (40, 5)) * 10
    if not strict:
        steps[0] = 0
    values = np.cumsum(steps, axis=1).ravel() * (1 if rising else -1)
    base["x"] = pa.array(put(at, values))
    (fact,) = found(base, Monotone)
    assert isinstance(fact, Monotone)
    assert (fact.column, fact.rising, fact.strict, fact.step) == ("x", rising, strict, 10)


def test_numbers_that_travel_as_text_are_numbers(base: dict[str, pa.Array]) -> None:
    """As those of a numeric column without precision do."""
    at, rank = places(base, "day", "id")
    base["word"] = pa.array([f"{v}.5" for v in put(at, rank * 40 + 2)])
    seen = look(base)
    fact = next(f for f in find_sequences(replace(seen, exact=[*seen.exact, "word"])) if isinstance(f, Monotone))
    assert (fact.column, fact.rising) == ("word", True)
    shuffled = base | {"word": pa.array([f"{v}.25" for v in np.random.default_rng(2).integers(0, 200, 200)])}
    dealt = fact.settle(shuffled, {})["word"].cast(pa.float64()).to_numpy()[at].reshape(40, 5)
    assert (np.diff(dealt) > 0).all()


def test_rising_key(base: dict[str, pa.Array], rng: np.random.Generator) -> None:
    base["day"] = dates(base["id"].to_numpy() // 3)
    (fact,) = find_rising_key(look(base, family=()), "id")
    assert isinstance(fact, RisingKey)
    assert (fact.column, fact.by) == ("id", "day")


def test_constant(base: dict[str, pa.Array]) -> None:
    base["word"] = pa.array(np.array(["a", "b", "c", None])[base["f"].to_numpy() % 4])
    (fact,) = found(base, Constant)
    assert isinstance(fact, Constant)
    assert fact.column == "word"


def test_status_machine(base: dict[str, pa.Array]) -> None:
    at, rank = places(base, "day", "id")
    turn = np.array(["new", "paid", "sent", "done", "done"])[rank]
    turn = np.where((rank == 3) & (np.arange(200) % 2 == 0), "sent", turn)
    base["word"] = pa.array(put(at, turn))
    base = {c: pa.concat_arrays([a, a]) for c, a in base.items()}
    base["f"] = pa.array(base["f"].to_numpy() + 40 * (np.arange(400) // 200))
    (fact,) = found(base, States)
    assert isinstance(fact, States)
    share = {s: dict(zip(fact.states, row, strict=True)) for s, row in zip(fact.states, fact.follows, strict=True)}
    assert share["new"]["paid"] > 0
    assert share["done"]["new"] == share["paid"]["new"] == share["sent"]["new"] == 0
    assert dict(zip(fact.states, fact.starts, strict=True))["done"] == 0


def test_not_before_the_parent(base: dict[str, pa.Array], rng: np.random.Generator) -> None:
    since = rng.integers(0, 1_000, 40)[base["f"].to_numpy()]
    base["↑since"] = pa.array((since + 18_262) * 86_400_000_000).cast(pa.timestamp("us"))
    base["↑born"] = dates(since - 500)
    assert list(find_not_before(look(base))) == [], "days at random"
    base["day"] = dates(since + rng.integers(0, 50, 200))
    (fact,) = find_not_before(look(base))
    assert (fact.column, fact.above) == ("day", "↑since")


def test_families_that_begin_too_early_end_no_later_than_others() -> None:
    family, since = np.repeat(np.arange(60), 3), np.repeat(np.arange(60) * 10, 3)
    day = since + 5 * (family % 40) + np.tile([0, 4, 9], 60)  # up to 195 days later, if not
    day = np.where(family % 4 == 3, np.tile([0, 4, 9], 60), np.minimum(day, 600 + np.tile([0, 4, 9], 60)))
    made = {"f": pa.array(family), "day": dates(day), "↑since": dates(since)}
    fact = NotBefore(id="after", column="day", above="↑since", **C | {"order": ("day",)})  # type: ignore[arg-type]
    settled = ticks(fact.settle(made, {})["day"]) - 18_262
    assert (settled >= since).all()
    assert settled.max() == 609
    assert (np.diff(settled.reshape(60, 3), axis=1) == [4, 5]).all(), "the gaps stay"
    assert (settled == day)[family % 4 != 3].all(), "others stay where they are"
    crowded = made | {"day": dates(np.tile([0, 4, 200], 60)), "↑since": dates(np.where(family, since + 600, 0))}
    late = ticks(fact.settle(crowded, {})["day"]) - 18_262
    assert (late.reshape(60, 3)[1:, 0] == 10 * np.arange(1, 60) + 600).all(), "nobody's lead is as short: the shortest"


def test_what_a_date_tells_has_no_states(base: dict[str, pa.Array]) -> None:
    base["day"] = dates(np.tile(np.arange(5), 40)[np.argsort(np.argsort(base["f"].to_numpy(), kind="stable"))])
    base["word"] = pa.array(np.array(["a", "b", "a", "b", "a"])[base["day"].cast(pa.int32()).to_numpy() - 18_262])
    assert found(base, States) == []


def test_one_fact_decides_a_column_and_what_is_read_comes_first(base: dict[str, pa.Array]) -> None:
    common = {"table": NAME, "rows": 100, "families": 20}
    rising = Monotone(id="a", family=("f",), order=("day",), column="x", rising=True, strict=False, step=1, **common)  # type: ignore[arg-type]
    same = Constant(id="b", family=("f",), order=("day",), column="x", **common)  # type: ignore[arg-type]
    weekly = Regular(
        id="c", family=("f",), order=("day",), column="day", step=7, months=False, day=0, first=None, phase=None,
        low=0, high=0, **common,  # type: ignore[arg-type]
    )  # fmt: skip
    assert consistent([rising, same, weekly]) == [weekly, rising]


# --- application -------------------------------------------------------------------------------------------------


@st.composite
def rows(draw: st.DrawFn) -> dict[str, pa.Array]:
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    none = rng.random(n) < 0.2
    return {
        "f": pa.array(rng.integers(0, 6, n), mask=none & (rng.random(n) < 0.3)),
        "id": pa.array(rng.permutation(n)),
        "day": dates(rng.integers(0, 30, n)),
        "until": dates(rng.integers(0, 40, n), none),
        "↑since": dates(rng.integers(0, 40, n), rng.permutation(none)),
        "x": pa.array(rng.integers(-5, 6, n), mask=rng.permutation(none)),
        "flag": pa.array(rng.random(n) < 0.5, mask=rng.permutation(none)),
        "word": pa.array(rng.choice(["a", "b", "c", "d"], n)),
        "amount": money(rng.integers(1, 50, n)),
        "balance": money(rng.integers(-100, 100, n)),
    }


C = {"table": NAME, "rows": 100, "families": 20, "family": ("f",), "order": ("day", "id")}
REGULAR = Regular(
    id="regular", column="day", step=7, months=False, day=0, first=None, phase=3, low=18_262, high=18_300,
    **C,  # type: ignore[arg-type]
)  # fmt: skip
MONTHLY = replace(REGULAR, step=3, months=True, day=31, phase=None, low=600, high=602)
LINES = replace(REGULAR, column="id", step=1, first=1, phase=None)
CHAIN = Chain(
    id="chain", start="day", end="until", lag=1, slack=1, step=2, open="null", far=None, least=1,
    **C,  # type: ignore[arg-type]
)  # fmt: skip
APART = replace(CHAIN, lag=None, slack=0, open="own", step=1)
FAR = replace(CHAIN, open="value", far=2_932_896, lag=0, slack=0, step=1)
CURRENT = Current(id="current", column="flag", value="true", other="false", place="last", of="", **C)  # type: ignore[arg-type]
OPEN = replace(CURRENT, column="word", value="a", other="b", place="open", of="until")
RUNNING = Running(
    id="running", column="balance", amount="amount", sign=1, by="word", plus=("a", "b"), opening=True, opener="a",
    floor=0, least=1, scale=2, **C,  # type: ignore[arg-type]
)  # fmt: skip
FREE = replace(RUNNING, by="", plus=(), opener="", sign=-1, opening=False, least=0)
MONOTONE = Monotone(id="monotone", column="x", rising=True, strict=True, step=1, **C)  # type: ignore[arg-type]
FALLING = replace(MONOTONE, rising=False, strict=False)
RISING = RisingKey(id="rising", column="id", by="day", **(C | {"family": ()}))  # type: ignore[arg-type]
CONSTANT = Constant(id="constant", column="until", **C)  # type: ignore[arg-type]
STATES = States(
    id="states", column="word", states=("a", "b", "c", "d"), starts=(1.0, 0.0, 0.0, 0.0),
    follows=((0.0, 0.6, 0.4, 0.0), (0.0, 0.5, 0.5, 0.0), (0.0, 0.5, 0.0, 0.5), (0.0, 0.0, 0.0, 0.0)),
    **C,  # type: ignore[arg-type]
)  # fmt: skip
AFTER = NotBefore(id="after", column="day", above="↑since", **C)  # type: ignore[arg-type]
EACH = replace(AFTER, column="until")
FACTS = [
    REGULAR, MONTHLY, LINES, CHAIN, APART, FAR, CURRENT, OPEN, RUNNING, FREE, MONOTONE, FALLING, RISING, CONSTANT,
    STATES, AFTER, EACH,
]  # fmt: skip


@pytest.mark.parametrize("fact", FACTS, ids=lambda f: f"{f.id}-{FACTS.index(f)}")
@settings(max_examples=60)
@given(columns=rows())
def test_settling_keeps_types_is_idempotent_and_leaves_strangers(fact: Sequence, columns: dict[str, pa.Array]) -> None:
    settled = fact.settle(columns, {})
    for name, array in settled.items():
        assert array.type == columns[name].type
        assert len(array) == len(columns[name])
        if fact.family:
            alone = columns["f"].is_null()
            assert array.filter(alone).equals(columns[name].filter(alone)), "rows of no family stay"
    after = columns | settled
    assert not fact.broken(after, {}).any()
    assert all(array.equals(after[name]) for name, array in fact.settle(after, {}).items())


def families(columns: dict[str, pa.Array], *order: str) -> list[pa.Table]:
    table = pa.table(columns).filter(pa.array(columns["f"].is_valid()))
    table = table.sort_by([(c, "ascending") for c in ("f", *order)])
    groups = table.column("f").to_numpy()
    return [table.filter(pa.array(groups == g)) for g in np.unique(groups)]


@given(columns=rows())
@settings(max_examples=60)
def test_regular_holds(columns: dict[str, pa.Array]) -> None:
    for family in families(columns | REGULAR.settle(columns, {}), "day"):
        days = family.column("day").cast(pa.int32()).to_numpy()
        assert (np.diff(days) == 7).all()
        assert days[0] % 7 == 3
    for family in families(columns | LINES.settle(columns, {}), "id"):
        assert family.column("id").to_pylist() == list(range(1, family.num_rows + 1))
    for family in families(columns | MONTHLY.settle(columns, {}), "day"):
        next_day = family.column("day").to_numpy().astype("M8[D]") + DAY
        assert (next_day.astype("M8[M]").astype("M8[D]") == next_day).all(), "the last day of its month"
        assert (np.diff(next_day.astype("M8[M]").astype(int)) == 3).all()


@given(columns=rows())
@settings(max_examples=60)
def test_chains_hold(columns: dict[str, pa.Array]) -> None:
    for fact in (CHAIN, APART, FAR):
        for family in families(columns | fact.settle(columns, {}), "day"):
            start, end = (family.column(c).to_pylist() for c in ("day", "until"))
            closed = [e for e in end[:-1] if e is not None]
            assert len(closed) == len(end) - 1
            assert all(e >= s + dt.timedelta(fact.least) for s, e in zip(start, end, strict=True) if e is not None)
            if fact is CHAIN:
                assert closed == [s - dt.timedelta(1) for s in start[1:]]
                assert end[-1] is None
            elif fact is FAR:
                assert closed == start[1:]
                assert end[-1] == dt.date(9999, 12, 31)
            else:
                assert all(e <= s for e, s in zip(closed, start[1:], strict=True))


@given(columns=rows())
@settings(max_examples=60)
def test_one_row_is_current(columns: dict[str, pa.Array]) -> None:
    for family in families(columns | CURRENT.settle(columns, {}), "day", "id"):
        flags = family.column("flag").to_pylist()
        assert flags[-1] is True
        assert True not in flags[:-1]
    for family in families(columns | OPEN.settle(columns, {}), "day"):
        marked = [w == "a" for w in family.column("word").to_pylist()]
        assert marked == [u is None for u in family.column("until").to_pylist()]


@given(columns=rows(), low=st.integers(-50, 50))
@settings(max_examples=100)
def test_balances_run_and_stay_above_their_floor(columns: dict[str, pa.Array], low: int) -> None:
    for fact in (RUNNING, FREE):
        made = columns | fact.settle(columns, {"balance": (low, None)})
        for family in families(made, "day", "id"):
            balance, amount = (family.column(c).to_pylist() for c in ("balance", "amount"))
            sign = [1 if w in fact.plus else -1 for w in family.column("word").to_pylist()] if fact.by else [-1] * 99
            moved = [a * s for a, s in zip(amount, sign, strict=False)]
            assert all(b == a + m for a, b, m in zip(balance, balance[1:], moved[1:], strict=False))
            assert min(balance) >= Decimal(max(low, 0)) / 100
            assert min(amount) >= (Decimal("0.01") if fact is RUNNING else 0)
            if fact.opening:
                assert balance[0] == moved[0]


@given(columns=rows())
@settings(max_examples=60)
def test_monotone_deals_out_the_values_that_are_there(columns: dict[str, pa.Array]) -> None:
    made = columns | FALLING.settle(columns, {})
    before = {f.column("f")[0].as_py(): sorted(f.column("x").drop_null().to_pylist()) for f in families(columns)}
    for family in families(made, "day", "id"):
        values = family.column("x").drop_null().to_pylist()
        assert values == sorted(values, reverse=True)
        assert sorted(values) == before[family.column("f")[0].as_py()]
    for family in families(columns | MONOTONE.settle(columns, {}), "day", "id"):
        values = family.column("x").drop_null().to_pylist()
        assert all(a < b for a, b in pairwise(values))


@given(columns=rows())
@settings(max_examples=60)
def test_keys_rise_with_time(columns: dict[str, pa.Array]) -> None:
    made = columns | RISING.settle(columns, {})
    assert sorted(made["id"].to_pylist()) == sorted(columns["id"].to_pylist())
    days = pa.table(made).sort_by("id").column("day").to_pylist()
    assert days == sorted(days)


@given(columns=rows())
@settings(max_examples=60)
def test_states_follow_each_other_as_they_may(columns: dict[str, pa.Array]) -> None:
    allowed = {"a": "bc", "b": "bc", "c": "bd", "d": ""}
    for family in families(columns | STATES.settle(columns, {}), "day", "id"):
        words = family.column("word").to_pylist()
        assert words[0] == "a"
        assert all(b in allowed[a] for a, b in pairwise(words))


@given(columns=rows())
@settings(max_examples=60)
def test_nothing_comes_before_the_parent(columns: dict[str, pa.Array]) -> None:
    start = dict(zip(columns["f"].to_pylist(), columns["↑since"].to_pylist(), strict=True))
    columns["↑since"] = pa.array([start[f] for f in columns["f"].to_pylist()], pa.date32())
    before = {f.column("f")[0].as_py(): f.column("day").cast(pa.int32()).to_numpy() for f in families(columns, "day")}
    for family in families(columns | AFTER.settle(columns, {}), "day"):
        since, days = family.column("↑since")[0].as_py(), family.column("day")
        assert since is None or days[0].as_py() >= since
        own = before[family.column("f")[0].as_py()]
        assert np.diff(days.cast(pa.int32()).to_numpy()).tolist() == np.diff(own).tolist(), "gaps stay"
    for family in families(columns | EACH.settle(columns, {})):
        pairs = zip(family.column("↑since").to_pylist(), family.column("until").to_pylist(), strict=True)
        assert all(until >= since for since, until in pairs if since is not None and until is not None)


@given(columns=rows())
@settings(max_examples=60)
def test_constant_holds(columns: dict[str, pa.Array]) -> None:
    for family in families(columns | CONSTANT.settle(columns, {})):
        assert len(set(family.column("until").to_pylist())) == 1
