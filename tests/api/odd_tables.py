"""Tables that nobody means to have, drawn from a seed: for tests that whatever comes is learned."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Rng = np.random.Generator
Maker = Callable[[Rng, int], pa.Array]

LEAST, MOST = -(2**63), 2**63 - 1
NAMES = (
    "select", 'a"b', "drop table x; --", " ", "ä/ö", "#orders.fk", "@context", "→fk", "a\nb", "{x}", "%s", "__class__",
    "index", "x" * 200, "😀", "'", "\\", "a.b", "NULL", "e-mail", "🇩🇪 name", "ctid", "Total ($)", "table",
)  # fmt: skip
RECORD = pa.struct([("a", pa.int64()), ("b", pa.string())])
DAYS = (date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 10), date(1970, 1, 1), date(2024, 2, 29))
TEXTS = ("", " ", "  x ", "NULL", "null", "'", "a,b", "é", "e\u0301", "\u202eabc", "0", "true", "\t", "\n", "𝔘", "-")


def _some(rng: Rng, rows: int, values: Sequence[Any], share: float) -> list[Any]:
    """One of ``values`` in about ``share`` of the rows, None elsewhere."""
    return [values[int(rng.integers(len(values)))] if rng.random() < share else None for _ in range(rows)]


def _with_nulls(rng: Rng, values: Sequence[Any], share: float) -> list[Any]:
    return [None if rng.random() < share else v for v in values]


def _whole(rng: Rng, rows: int, low: int, high: int) -> list[int]:
    return [int(v) for v in rng.integers(low, high, rows, dtype=np.int64, endpoint=True)]


def _days(rng: Rng, rows: int) -> list[date]:
    return [date(1, 1, 1) + timedelta(days=d) for d in _whole(rng, rows, 0, 3_652_058)]


def _moments(rng: Rng, rows: int) -> list[datetime]:
    return [datetime(1, 1, 1) + timedelta(microseconds=m) for m in _whole(rng, rows, 0, 315_537_897_599_999_999)]


def _decimals(rng: Rng, rows: int, digits: int, scale: int) -> list[Decimal]:
    signs = rng.integers(0, 2, rows)
    drawn = rng.integers(0, 10, (rows, digits))
    return [Decimal((int(s), tuple(map(int, d)), -scale)) for s, d in zip(signs, drawn, strict=True)]


def _magnitudes(rng: Rng, rows: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], rows) * 10.0 ** rng.uniform(-300, 300, rows)


def _specials(rng: Rng, rows: int) -> np.ndarray:
    x = rng.normal(0, 3, rows)
    kind = rng.integers(0, 8, rows)
    return np.select([kind == 0, kind == 1, kind == 2], [np.inf, -np.inf, np.nan], x)


def _outlier(rng: Rng, rows: int) -> np.ndarray:
    x = np.round(rng.gamma(2, 10, rows), 2)
    x[rng.random(rows) < 0.4] = 0.0
    if rows:
        x[int(rng.integers(rows))] = 1.7e308
    return x


def _documents(rng: Rng, rows: int) -> list[str]:
    return [json.dumps({"n": n, "of": ["a"] * (n % 3), "ä": None}) for n in _whole(rng, rows, 0, 50)]


def _long(rng: Rng, rows: int) -> list[str]:
    return ["lorem ipsum dolor " * int(n) for n in rng.integers(0, 600, rows)]


def _labels(rng: Rng, rows: int) -> pa.Array:
    codes = pa.array(_with_nulls(rng, _whole(rng, rows, 0, 2), 0.1), pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(["low", "mid", "high", "never"]))


def _once(rng: Rng, rows: int) -> pa.Array:
    odd = int(rng.integers(max(rows, 1)))
    return pa.array([i == odd for i in range(rows)]).cast(pa.int64() if rng.random() < 0.5 else pa.bool_())


KINDS: dict[str, Maker] = {
    "constant": lambda g, n: pa.array([int(g.integers(-9, 9))] * n, pa.int32()),
    "constant text": lambda g, n: pa.array(["same"] * n, pa.string()),
    "constant float": lambda g, n: pa.array([0.1 + 0.2] * n, pa.float64()),
    "null number": lambda g, n: pa.array([None] * n, pa.float64()),
    "null text": lambda g, n: pa.array([None] * n, pa.string()),
    "null date": lambda g, n: pa.array([None] * n, pa.date32()),
    "null bool": lambda g, n: pa.array([None] * n, pa.bool_()),
    "untyped null": lambda g, n: pa.nulls(n),
    "few": lambda g, n: pa.array(_with_nulls(g, _whole(g, n, 0, 4), 0.1), pa.int64()),
    "one odd": _once,
    "huge whole": lambda g, n: pa.array(_whole(g, n, LEAST + 1, MOST - 1), pa.int64()),
    "ends of int64": lambda g, n: pa.array(_some(g, n, (LEAST, MOST, 0), 0.9), pa.int64()),
    "small int": lambda g, n: pa.array(_whole(g, n, -128, 127), pa.int8()),
    "unsigned": lambda g, n: pa.array([2**64 - 1 - v for v in _whole(g, n, 0, 2**62)], pa.uint64()),
    "steps": lambda g, n: pa.array([v * 10**12 + 7 for v in _whole(g, n, -500, 500)], pa.int64()),
    "squares": lambda g, n: pa.array([v**5 for v in _whole(g, n, 0, 6000)], pa.int64()),
    "normal": lambda g, n: pa.array(g.normal(5, 2, n)),
    "float32": lambda g, n: pa.array(np.round(g.gamma(2, 9, n), 1).astype(np.float32)),
    "specials": lambda g, n: pa.array(_specials(g, n), from_pandas=False),
    "infinite": lambda g, n: pa.array(_some(g, n, (np.inf, -np.inf), 0.7), pa.float64()),
    "only nan": lambda g, n: pa.array([np.nan] * n, pa.float64(), from_pandas=False),
    "magnitudes": lambda g, n: pa.array(_magnitudes(g, n)),
    "tiny": lambda g, n: pa.array(g.choice([5e-324, -5e-324, 0.0, -0.0, 2e-308, 1e-300], n)),
    "largest": lambda g, n: pa.array(g.choice([1.7976931348623157e308, -1.7976931348623157e308, 1e300], n)),
    "outlier": lambda g, n: pa.array(_outlier(g, n)),
    "price": lambda g, n: pa.array([Decimal(v * 100 - 1).scaleb(-2) for v in _whole(g, n, 1, 90)], pa.decimal128(9, 2)),
    "38 digits": lambda g, n: pa.array(_decimals(g, n, 38, 10), pa.decimal128(38, 10)),
    "38 whole digits": lambda g, n: pa.array(_with_nulls(g, _decimals(g, n, 38, 0), 0.1), pa.decimal128(38, 0)),
    "all fraction": lambda g, n: pa.array(_decimals(g, n, 38, 38), pa.decimal128(38, 38)),
    "70 digits": lambda g, n: pa.array(_decimals(g, n, 70, 20), pa.decimal256(76, 20)),
    "bool": lambda g, n: pa.array(_some(g, n, (True, False), 0.8), pa.bool_()),
    "labels": _labels,
    "every day": lambda g, n: pa.array(_with_nulls(g, _days(g, n), 0.1), pa.date32()),
    "odd days": lambda g, n: pa.array(_some(g, n, DAYS, 0.9), pa.date32()),
    "mondays": lambda g, n: pa.array([date(2020, 1, 6) + timedelta(7 * w) for w in _whole(g, n, 0, 150)], pa.date32()),
    "moments": lambda g, n: pa.array(_with_nulls(g, _moments(g, n), 0.1), pa.timestamp("us")),
    "last moments": lambda g, n: pa.array(
        [datetime.combine(d, time.max) for d in _some(g, n, DAYS, 2)], pa.timestamp("us")
    ),
    "zoned": lambda g, n: pa.array([m.replace(tzinfo=UTC) for m in _moments(g, n)], pa.timestamp("us", "Asia/Tokyo")),
    "times": lambda g, n: pa.array(_some(g, n, (time.min, time.max, time(12, 30)), 0.9), pa.time64("us")),
    "every time": lambda g, n: pa.array(_whole(g, n, 0, 86_399_999_999), pa.int64()).cast(pa.time64("us")),
    "spans": lambda g, n: pa.array([timedelta(seconds=s) for s in _whole(g, n, -(10**8), 10**8)], pa.duration("us")),
    "texts": lambda g, n: pa.array(_some(g, n, TEXTS, 0.9), pa.string()),
    "each its own": lambda g, n: pa.array([f"v{i:05}" for i in g.permutation(n)], pa.string()),
    "long": lambda g, n: pa.array(_long(g, n), pa.string()),
    "json": lambda g, n: pa.array(_documents(g, n), pa.string()),
    "numbers as text": lambda g, n: pa.array([str(v) for v in _whole(g, n, 0, 10**6)], pa.string()),
    "uuid": lambda g, n: pa.array([f"{v:08x}-0000-4000-8000-{v:012x}" for v in _whole(g, n, 0, 2**31)], pa.string()),
    "mail": lambda g, n: pa.array([f"p{v}@example.org" for v in _whole(g, n, 0, 10**6)], pa.string()),
    "bytes": lambda g, n: pa.array([bytes(_whole(g, k % 9, 0, 255)) for k in range(n)], pa.binary()),
    "list": lambda g, n: pa.array([_whole(g, k % 4, 0, 5) for k in range(n)], pa.list_(pa.int64())),
    "struct": lambda g, n: pa.array([{"a": v, "b": "x"} for v in _whole(g, n, 0, 5)], RECORD),
}  # fmt: skip
SIZES = (0, 1, 2, 3, 5, 7, 11, 24, 29, 33, 60, 61, 150, 400, 1100)


@dataclass(frozen=True)
class OddTable:
    """``kinds``: of each column; ``schema``: as ``fit_table`` takes it."""

    frame: pa.Table
    kinds: tuple[str, ...]
    schema: dict[str, Any] | None

    def as_pandas(self) -> pd.DataFrame:
        return self.frame.to_pandas(ignore_metadata=True)

    def __str__(self) -> str:
        return f"{self.frame.num_rows} rows of {', '.join(dict.fromkeys(self.kinds))}"


def draw(seed: int) -> OddTable:
    """The table of a seed. The first are those that are known to be hard; the others are drawn."""
    rng = np.random.default_rng([20240229, seed])
    schema = None
    if seed == 0:
        return _table(rng, 60, [list(KINDS)[i % len(KINDS)] for i in range(300)], None)
    if seed == 1:
        return _table(rng, 10_000, ["each its own", "few", "squares"], None)
    if seed == 2:
        return OddTable(pa.table({"id": range(80), "other": range(80, 0, -1)}), ("key", "key"),
                        {"primary_key": ["id"], "unique": [["other"]]})  # fmt: skip
    if seed == 3:
        return _table(rng, 120, list(KINDS), None)
    rows = int(rng.choice(SIZES))
    kinds = [str(k) for k in rng.choice(list(KINDS), int(rng.integers(1, 9)))]
    table = _table(rng, rows, kinds, schema)
    if rng.random() < 0.3:
        twice = table.frame.column(0)
        table = OddTable(table.frame.append_column("twice", twice), (*table.kinds, table.kinds[0]), None)
    if rng.random() < 0.3:
        key = pa.array(rng.permutation(rows) * int(rng.choice([1, 10**9])) - 5, pa.int64())
        table = OddTable(table.frame.append_column("key", key), (*table.kinds, "key"), {"primary_key": ["key"]})
    return table


def _table(rng: Rng, rows: int, kinds: Sequence[str], schema: dict[str, Any] | None) -> OddTable:
    hostile = rng.permutation(NAMES) if rng.random() < 0.5 else np.array([], str)
    names = [str(hostile[i]) if i < len(hostile) else f"c{i}" for i in range(len(kinds))]
    return OddTable(pa.table([KINDS[k](rng, rows) for k in kinds], names=names), tuple(kinds), schema)
