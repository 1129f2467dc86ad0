"""A world in which all kinds of rules are planted, one that holds in 99.7 % of the rows, and some that hold by chance.

``RULES``: by the name of a table the rules as a function of its rows, bool (rows,): where the rule holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

ROWS = 3_000
SCHEMA: dict[str, dict[str, Any]] = {
    "clerk": {"primary_key": ["id"]},
    "entry": {"primary_key": ["id"], "foreign_keys": [{"columns": ["clerk_id"], "ref_table": "clerk"}]},
    "tiny": {"primary_key": ["id"]},
}
TOWNS = [
    ("10115", "Berlin", "BE"), ("10117", "Berlin", "BE"), ("20095", "Hamburg", "HH"), ("80331", "München", "BY"),
    ("80333", "München", "BY"), ("90402", "Nürnberg", "BY"), ("50667", "Köln", "NW"), ("44135", "Dortmund", "NW"),
]  # fmt: skip
SUBJECTS = ("Über Kraut & Rüben", "Ein  neuer Anfang", "Zahlung, die zweite", "Rücksendung: defekt", "Dank an alle")
CENT = Decimal("0.01")


def rounded(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def world(seed: int = 0, rows: int = ROWS) -> dict[str, pa.Table]:
    rng = np.random.default_rng(seed)
    entry: dict[str, list[Any]] = {}
    qty = rng.integers(1, 12, rows).tolist()
    price = [Decimal(int(p)) / 100 for p in rng.integers(150, 90_000, rows)]
    off = [Decimal(int(d)) / 100 for d in rng.choice([0, 5, 10, 25], rows, p=[0.6, 0.2, 0.1, 0.1])]
    net = [rounded(q * p * (1 - d)) for q, p, d in zip(qty, price, off, strict=True)]
    tax = [rounded(n * Decimal("0.19")) for n in net]
    moment = [datetime(2023, 1, 1) + timedelta(minutes=int(m)) for m in np.sort(rng.integers(0, 1_000_000, rows))]
    days = rng.integers(0, 40, rows).tolist()
    status = rng.choice(["open", "paid", "void"], rows, p=[0.3, 0.6, 0.1]).tolist()
    town = [TOWNS[i] for i in rng.choice(len(TOWNS), rows, p=[0.3, 0.1, 0.2, 0.1, 0.1, 0.05, 0.1, 0.05])]
    kind, sort = rng.integers(0, 3, rows), rng.integers(0, 3, rows)
    low = rng.normal(50, 20, rows).round(1)
    subject = [f"{SUBJECTS[i]} {n}" for i, n in zip(rng.integers(0, 5, rows), rng.integers(1, 400, rows), strict=True)]
    late = rng.random(rows) < 0.003
    entry = {
        "id": list(range(1, rows + 1)),
        "clerk_id": (rng.integers(0, 40, rows) + 1).tolist(),
        "booked_at": moment,
        "code": [f"E-{i:06d}" for i in range(1, rows + 1)],
        "booked_on": [m.date() for m in moment],
        "booked_year": [m.year for m in moment],
        "booked_weekday": [m.isoweekday() for m in moment],
        "weekend": [m.isoweekday() > 5 for m in moment],
        "quarter": [(m.month + 2) // 3 for m in moment],
        "qty": qty,
        "price": price,
        "off": off,
        "net": net,
        "tax": tax,
        "gross": [n + t for n, t in zip(net, tax, strict=True)],
        "days": days,
        "due_on": [m.date() + timedelta(days=d) for m, d in zip(moment, days, strict=True)],
        "status": status,
        "closed_at": [
            m + timedelta(hours=int(h)) if s != "open" else None
            for m, h, s in zip(moment, rng.integers(1, 900, rows), status, strict=True)
        ],
        "zip": [t[0] for t in town],
        "town": [t[1] for t in town],
        "state": [t[2] for t in town],
        "shop_no": np.where(kind == 0, rng.integers(1, 90, rows), None).tolist(),
        "web_no": np.where(kind == 1, rng.integers(1, 900, rows), None).tolist(),
        "phone_no": np.where(kind == 2, rng.integers(1, 30, rows), None).tolist(),
        "is_new": (sort == 0).tolist(),
        "is_used": (sort == 1).astype(int).tolist(),
        "is_lost": (sort == 2).tolist(),
        "low": low.tolist(),
        "high": (low + rng.exponential(15, rows).round(1)).tolist(),
        "subject": subject,
        "subject_upper": [s.upper() for s in subject],
        "subject_md5": [hashlib.md5(s.encode()).hexdigest() for s in subject],
        "subject_length": [len(s) for s in subject],
        "remind_on": [m.date() + timedelta(days=30 if not x else 45) for m, x in zip(moment, late, strict=True)],
    }
    few = rng.integers(1, 4, 8)
    return {
        "clerk": pa.table({"id": np.arange(40) + 1, "desk": rng.integers(1, 9, 40)}),
        "entry": pa.table(entry),
        "tiny": pa.table({"id": np.arange(8) + 1, "a": few, "b": few * 2, "c": few + rng.integers(0, 2, 8)}),
    }


def _where(test: Callable[[dict[str, Any]], bool]) -> Callable[[pa.Table], np.ndarray]:
    return lambda rows: np.array([test(r) for r in rows.to_pylist()], bool)


def _day(value: datetime | date) -> date:
    return value.date() if isinstance(value, datetime) else value


RULES: dict[str, Callable[[pa.Table], np.ndarray]] = {
    "net": _where(lambda r: r["net"] == rounded(r["qty"] * r["price"] * (1 - r["off"]))),
    "tax": _where(lambda r: r["tax"] == rounded(r["net"] * Decimal("0.19"))),
    "gross": _where(lambda r: r["gross"] == r["net"] + r["tax"]),
    "booked_on": _where(lambda r: _day(r["booked_on"]) == _day(r["booked_at"])),
    "booked_year": _where(lambda r: r["booked_year"] == r["booked_at"].year),
    "booked_weekday": _where(lambda r: r["booked_weekday"] == r["booked_at"].isoweekday()),
    "weekend": _where(lambda r: r["weekend"] == (r["booked_at"].isoweekday() > 5)),
    "quarter": _where(lambda r: r["quarter"] == (r["booked_at"].month + 2) // 3),
    "due_on": _where(lambda r: _day(r["due_on"]) == _day(r["booked_on"]) + timedelta(days=r["days"])),
    "closed_at is null": _where(lambda r: (r["closed_at"] is None) == (r["status"] == "open")),
    "closed_at": _where(lambda r: r["closed_at"] is None or r["closed_at"] >= r["booked_at"]),
    "town": _where(lambda r: (r["zip"], r["town"], r["state"]) in TOWNS),
    "one of": _where(lambda r: sum(r[c] is not None for c in ("shop_no", "web_no", "phone_no")) == 1),
    "one flag": _where(lambda r: sum(map(int, (r["is_new"], r["is_used"], r["is_lost"]))) == 1),
    "high": _where(lambda r: r["high"] >= r["low"]),
    "subject_upper": _where(lambda r: r["subject_upper"] == r["subject"].upper()),
    "subject_md5": _where(lambda r: r["subject_md5"] == hashlib.md5(r["subject"].encode()).hexdigest()),
    "subject_length": _where(lambda r: r["subject_length"] == len(r["subject"])),
    "code": _where(lambda r: r["code"] == f"E-{r['id']:06d}"),
}


def reminded(rows: pa.Table) -> np.ndarray:
    """What holds in 99.7 % of the rows."""
    return _where(lambda r: _day(r["remind_on"]) == _day(r["booked_on"]) + timedelta(days=30))(rows)
