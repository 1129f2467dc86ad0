"""What a codec promises of every kind of column, whatever values it holds and whatever codes a model draws."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.codec import bin_fitting, interval
from dbsynth.codec.base import ColumnSpec, State
from dbsynth.codec.bin_fitting import fit_bins
from dbsynth.codec.bins import Bins
from dbsynth.codec.gaps import find_gaps
from dbsynth.codec.number import NumberCodec
from dbsynth.codec.table import TableCodec
from dbsynth.model.base import Budget, TrainingData
from dbsynth.model.independent import Independent
from dbsynth.rng import generator
from dbsynth.schema.types import arrow_type

K = 5
BIG = 2**63 - 1
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Case:
    """A column: its spec, what values it holds, and which of them its type and bounds accept. ``ordered``: its values
    can be compared."""

    spec: ColumnSpec
    values: st.SearchStrategy[Any]
    accepts: Callable[[Any], bool]
    ordered: bool = True

    @property
    def arrow(self) -> pa.DataType:
        assert self.spec.type is not None
        return arrow_type(self.spec.type)

    def array(self, values: list[Any]) -> pa.Array:
        return pa.array(values, self.arrow, from_pandas=False)


def case(
    kind: str,
    type_: sqltypes.TypeEngine[Any],
    values: st.SearchStrategy[Any],
    accepts: Callable[[Any], bool] = lambda v: True,
    *,
    ordered: bool = True,
    **more: Any,
) -> Case:
    return Case(ColumnSpec("c", type_, kind, **more), values, accepts, ordered)  # type: ignore[arg-type]


def within(digits: int, scale: int) -> Callable[[Decimal], bool]:
    return lambda v: v.adjusted() < digits - scale and v.as_tuple().exponent == -scale  # type: ignore[operator]


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
INTERVALS = st.timedeltas(timedelta(days=-9000), timedelta(days=9000))
SPAN = interval.Parts(days=True, time=True)
CASES = {
    "bigint": case("number", sqltypes.BigInteger(), st.integers(-BIG - 1, BIG)),
    "integer": case("number", sqltypes.Integer(), st.integers(-(2**31), 2**31 - 1), lambda v: -(2**31) <= v < 2**31),
    "smallint": case(
        "number", sqltypes.SmallInteger(), st.integers(-(2**15), 2**15 - 1), lambda v: -(2**15) <= v < 2**15
    ),
    "bounded integer": case(
        "number", sqltypes.Integer(), st.integers(10, 40), lambda v: 10 <= v <= 40, low=10, high=40
    ),
    "decimal(5,2)": case("number", sqltypes.Numeric(5, 2), st.decimals("-999.99", "999.99", places=2), within(5, 2)),
    "bounded decimal": case(
        "number",
        sqltypes.Numeric(9, 2),
        st.decimals("0.01", "9.99", places=2),
        lambda v: CENT <= v <= 10,
        low=0.01,
        high=10,
    ),
    "decimal(38,10)": case(
        "number", sqltypes.Numeric(38, 10), st.decimals(-(10**27), 10**27, places=10), within(38, 10)
    ),
    "double": case("number", sqltypes.Double(), FLOATS),
    "bounded double": case(
        "number", sqltypes.Double(), st.floats(0.25, 0.75), lambda v: 0.25 <= v <= 0.75, low=0.25, high=0.75
    ),
    "real": case(
        "number",
        sqltypes.REAL(),
        st.floats(width=32),
        lambda v: not np.isfinite(v) or abs(v) <= np.finfo(np.float32).max,
    ),
    "numeric text": case(
        "number",
        sqltypes.Numeric(),
        st.decimals(-(10**30), 10**30, allow_nan=False).map(lambda d: format(d, "f")),
        is_number,
    ),
    "date": case("moment", sqltypes.Date(), st.dates(), lambda v: isinstance(v, date)),
    "bounded date": case(
        "moment",
        sqltypes.Date(),
        st.dates(date(2020, 1, 1), date(2020, 3, 1)),
        lambda v: date(2020, 1, 1) <= v <= date(2020, 3, 1),
        low=18_262,
        high=18_322,
    ),
    "timestamp": case("moment", sqltypes.DateTime(), st.datetimes(), lambda v: isinstance(v, datetime)),
    "midnights": case(
        "moment",
        sqltypes.DateTime(),
        st.dates().map(lambda d: datetime.combine(d, time.min)),
        lambda v: v.time() == time.min,
    ),
    "timestamptz": case(
        "moment", sqltypes.DateTime(timezone=True), st.datetimes(timezones=st.just(UTC)), lambda v: v.tzinfo is not None
    ),
    "time": case("moment", sqltypes.Time(), st.times(), lambda v: isinstance(v, time)),
    "interval": case(
        "moment",
        sqltypes.Interval(),
        INTERVALS.map(lambda t: interval.texts(np.array([t // timedelta(microseconds=1)]), SPAN)[0].as_py()),
        lambda v: interval.parse(v) is not None,
        ordered=False,
    ),
    "text": case("category", sqltypes.Text(), st.text(max_size=3), ordered=False),
    "enum": case(
        "category",
        sqltypes.Enum("a", "b", "c"),
        st.sampled_from("abc"),
        lambda v: v in "abc",
        ordered=False,
        allowed=("a", "b", "c"),
    ),
    "listed text": case(
        "category",
        sqltypes.Text(),
        st.sampled_from(["x", "y"]),
        lambda v: v in ("x", "y", "z"),
        ordered=False,
        allowed=("x", "y", "z"),
    ),
    "listed integer": case(
        "category", sqltypes.Integer(), st.sampled_from([1, 2, 3]), lambda v: v in (1, 2, 3), allowed=("1", "2", "3")
    ),
    "boolean": case("category", sqltypes.Boolean(), st.booleans(), ordered=False),
}


@st.composite
def columns(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> list[Any]:
    """Some values that several rows share, some that do not, some nulls, in any order."""
    shared = draw(st.lists(st.tuples(values, st.integers(2, 2 * K)), max_size=4))
    alone = draw(st.lists(values, max_size=25))
    nulls = draw(st.integers(0, 1)) * draw(st.integers(0, K))
    rows = [v for v, n in shared for _ in range(n)] + alone + [None] * nulls
    return [rows[i] for i in generator(draw(st.integers(0, 9))).permutation(len(rows))]


def fitted(case: Case, values: list[Any], k: int = K) -> tuple[TableCodec, np.ndarray]:
    table = pa.table({"c": case.array(values)})
    codec = TableCodec.fit(table, [case.spec], k=k, seed=1)
    return codec, codec.encode(table)


def same(value: Any) -> str:
    """Equal for equal values: NaN is one, zeros have no sign, 0.10 is 0.1."""
    if isinstance(value, str) and value[-1:].isdigit() and is_number(value):
        return str(Decimal(value).normalize())
    return repr(value + 0.0 if isinstance(value, float) else value)


def any_codes(codec: TableCodec, rows: int = 200) -> np.ndarray:
    rng = generator(7)
    return np.stack([rng.integers(0, size, rows) for size in codec.cardinalities], axis=1).astype(np.int32)


def decoded(codec: TableCodec, codes: np.ndarray) -> pa.Array:
    return codec.decode(codes, generator(3))["c"]


def known(values: list[Any] | pa.Array) -> list[Any]:
    return [v for v in (values.to_pylist() if isinstance(values, pa.Array) else values) if v is not None]


EVERY = pytest.mark.parametrize("name", CASES)
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@EVERY
@QUICK
@given(st.data())
def test_whatever_is_drawn_is_a_value_of_the_column(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(columns(case.values))
    codec, codes = fitted(case, values)
    assert codes.shape == (len(values), len(codec.cardinalities))
    assert ((codes >= 0) & (codes < np.array(codec.cardinalities))).all()
    if codec.kinds["c"] == "presence":
        assert decoded(codec, codes).to_pylist() == [v is not None for v in values]
        return
    for made in (decoded(codec, codes), decoded(codec, any_codes(codec))):
        assert made.type == case.arrow
        assert all(case.accepts(v) for v in known(made))
        if not any(isinstance(v, float) and not np.isfinite(v) for v in values):
            assert not any(isinstance(v, float) and not np.isfinite(v) for v in known(made))


@EVERY
@QUICK
@given(st.data())
def test_nulls_are_where_nulls_were(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(columns(case.values))
    codec, codes = fitted(case, values)
    if codec.kinds["c"] != "presence" and any(v is not None for v in values):
        assert [v is None for v in decoded(codec, codes).to_pylist()] == [v is None for v in values]
        if None not in values:
            assert decoded(codec, any_codes(codec)).null_count == 0


@EVERY
@QUICK
@given(st.data())
def test_what_k_rows_share_comes_back(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(columns(case.values))
    codec, codes = fitted(case, values)
    if codec.kinds["c"] == "presence" or len(codec.cardinalities) > 1:
        return  # the day and the time of day of a timestamp are shared by themselves
    made, counts = decoded(codec, codes).to_pylist(), Counter(map(same, case.array(values).to_pylist()))
    for before, after in zip(case.array(values).to_pylist(), made, strict=True):
        if counts[same(before)] >= K:
            assert same(after) == same(before)


@EVERY
@QUICK
@given(st.data())
def test_extremes_that_fewer_rows_share_are_never_reached(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(columns(case.values))
    codec, _ = fitted(case, values)
    source = known(case.array(values))
    source = [v for v in source if not isinstance(v, float) or np.isfinite(v)]
    if codec.kinds["c"] not in ("number", "moment") or not case.ordered or len(source) < 2 * K:
        return
    own = codec.codecs["c"]
    if isinstance(own, NumberCodec) and own.grid.shift:
        return  # of 38 digits, 18 are told apart
    as_number: Callable[[Any], Any] = Decimal if name == "numeric text" else lambda v: v
    if len(codec.cardinalities) > 1:
        as_number = datetime.date
    source = sorted(map(as_number, source))
    made = [as_number(v) for v in known(decoded(codec, any_codes(codec))) if not isinstance(v, float) or np.isfinite(v)]
    for end, inside in (
        (source[0], all(v >= source[0] for v in made)),
        (source[-1], all(v <= source[-1] for v in made)),
    ):
        assert inside
        assert end not in made or source.count(end) >= K


@pytest.mark.parametrize("name", ["text", "boolean", "integer", "date", "interval", "numeric text"])
@QUICK
@given(st.data())
def test_rare_categories_never_come_out(name: str, data: st.DataObject) -> None:
    """Neither for any codes, nor from a model that has learned them."""
    case = CASES[name]
    case = Case(ColumnSpec("c", case.spec.type, "category"), case.values, case.accepts)
    values = data.draw(columns(case.values))
    codec, codes = fitted(case, values)
    if codec.kinds["c"] != "category":
        return
    counts = Counter(case.array(values).to_pylist())
    learned = TrainingData(codes, codec.cardinalities, np.zeros((len(codes), 0), np.int32), (), np.full(len(codes), -1))
    model = Independent().fit(learned, seed=1, budget=Budget(0.0))
    drawn = model.sample(np.zeros((200, 0), np.int32), generator(2))
    for made in (decoded(codec, codes), decoded(codec, any_codes(codec)), decoded(codec, drawn)):
        if name == "boolean" and max((n for v, n in counts.items() if v is not None), default=0) < K:
            continue  # True and False are known to everybody
        assert all(counts[v] >= K for v in known(made))


@EVERY
@QUICK
@given(st.data())
def test_a_codec_that_is_restored_decodes_alike_and_its_scales_ascend(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    codec, codes = fitted(case, data.draw(columns(case.values)))
    state = codec.state()
    stored = State(json.loads(json.dumps(dict(state.config))), {n: a.copy() for n, a in state.arrays.items()})
    again = TableCodec.restore(stored, {"c": case.spec})
    for some in (codes, any_codes(codec)):
        assert repr(decoded(again, some).to_pylist()) == repr(decoded(codec, some).to_pylist())
    assert again.cardinalities == codec.cardinalities
    assert len(codec.scales) == len(codec.cardinalities)
    for scale, other, size in zip(codec.scales, again.scales, codec.cardinalities, strict=True):
        if scale is not None and other is not None:
            assert scale.shape == (size,)
            assert np.array_equal(scale, other, equal_nan=True)
            assert (np.diff(scale[~np.isnan(scale)]) >= 0).all()


@QUICK
@given(st.lists(st.tuples(st.dates(), st.integers(0, 40)), min_size=20, max_size=60), st.integers(0, 9))
def test_gaps_restore_and_stay_in_the_calendar(rows: list[tuple[date, int]], nulls: int) -> None:
    specs = [ColumnSpec(n, sqltypes.Date(), "moment") for n in ("ordered", "shipped")]
    last = date.max.toordinal()
    ordered = [d for d, _ in rows]
    shipped = [date.fromordinal(min(last, d.toordinal() + n)) if i >= nulls else None for i, (d, n) in enumerate(rows)]
    table = pa.table({"ordered": pa.array(ordered, pa.date32()), "shipped": pa.array(shipped, pa.date32())})
    codec = TableCodec.fit(table, specs, k=K, seed=1, gaps=find_gaps(table, specs))
    restored = TableCodec.restore(codec.state(), {s.name: codec.moments.get(s.name, s) for s in specs})
    made = codec.decode(any_codes(codec), generator(3))
    assert all(isinstance(v, date) for column in made.values() for v in known(column))
    assert all(made[n].equals(restored.decode(any_codes(codec), generator(3))[n]) for n in made)
    back = codec.decode(codec.encode(table), generator(3))["shipped"].to_pylist()
    if codec.kinds["shipped"] != "presence":
        assert [v is None for v in back] == [v is None for v in shipped]


def shaped(shape: str, rng: np.random.Generator, rows: int) -> np.ndarray:
    match shape:
        case "whole":
            return rng.integers(0, 400, rows)
        case "wide":
            return rng.integers(-(2**62), 2**62, rows)
        case "skewed":
            return np.floor(rng.gamma(0.3, 300, rows)).astype(np.int64)
        case "steps":
            return rng.integers(0, 300, rows) * 100 + 7
        case "spikes":
            return np.where(rng.random(rows) < 0.5, rng.integers(0, 3, rows) * 50, rng.integers(0, 5000, rows))
        case "floats":
            return rng.normal(0, 1, rows)
        case _:
            return np.where(rng.random(rows) < 0.3, 0.0, rng.lognormal(0, 4, rows))


SHAPES = ("whole", "wide", "skewed", "steps", "spikes", "floats", "zeros and tails")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [2 * K, 37, 200, 1500, 6000])
@pytest.mark.parametrize("fine", [0, 10**9])
def test_no_code_and_no_segment_stands_for_fewer_than_k_rows(
    shape: str, rows: int, fine: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bin_fitting, "FINE_ROWS", fine)
    values = shaped(shape, generator(rows), rows)
    fit = fit_bins(values, k=K)
    counts = np.bincount(fit.encode(values), minlength=fit.size)
    assert counts.min() >= K
    outside = rows - np.isin(values, fit.spikes).sum()
    segments = np.diff(fit.cumulative) * outside
    assert (segments > K - 1e-6).all()
    check_bins(fit, values)


@pytest.mark.parametrize("rows", [200, 3000])
def test_days_keep_their_weekdays_in_codes_of_k_rows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bin_fitting, "FINE_ROWS", 0)
    days = generator(1).integers(0, 4000, rows)
    days = days[days % 7 < 5]
    fit = fit_bins(days, k=K, weekly=True)
    assert np.bincount(fit.encode(days), minlength=fit.size).min() >= K
    made = fit.decode(generator(2).integers(0, fit.size, 5000), generator(3).random(5000))
    assert (made % 7 < 5).all()
    check_bins(fit, days)


def check_bins(fit: Bins, values: np.ndarray) -> None:
    """What is decoded is encoded as what it was decoded from, and lies inside the outermost k rows."""
    items = np.repeat(np.arange(fit.size), 20)
    made = fit.decode(items, generator(4).random(len(items)))
    ordered = np.sort(values)
    assert made.min() >= ordered[0]
    assert made.max() <= ordered[-1]
    for end, count in ((ordered[0], (ordered == ordered[0]).sum()), (ordered[-1], (ordered == ordered[-1]).sum())):
        assert count >= K or end not in made
    back = fit.encode(made)
    on_spike = np.isin(made, fit.spikes)
    assert (np.abs(back - items)[~on_spike] <= 1).all()
