"""Intervals as text, in the style '1 year 2 mons -3 days +04:05:06.789' ↔ microseconds.

A month counts 30 days. Back from microseconds, only the parts that the source has are written: with days and times but
no months, 45 days stay '45 days'.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DAY = 86_400_000_000
_MONTH = 30 * _DAY
_TEXT = re.compile(
    r"(?:(?P<years>[+-]?\d+) years? ?)?(?:(?P<mons>[+-]?\d+) mons? ?)?(?:(?P<days>[+-]?\d+) days? ?)?"
    r"(?:(?P<sign>[+-])?(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,6}))?)?"
)


class Parts(NamedTuple):
    """Which parts the intervals of a column have."""

    months: bool = False
    days: bool = False
    time: bool = False


def parse(text: str) -> tuple[int, int, int]:
    """(months, days, microseconds). Raises ValueError for another style."""
    found = _TEXT.fullmatch(text.strip())
    if found is None or not text.strip():
        raise ValueError("a value is not an interval in a known style")
    years, mons, days = (int(found[name] or 0) for name in ("years", "mons", "days"))
    seconds = int(found["h"] or 0) * 3600 + int(found["m"] or 0) * 60 + int(found["s"] or 0)
    micro = seconds * 1_000_000 + int((found["f"] or "").ljust(6, "0"))
    return years * 12 + mons, days, -micro if found["sign"] == "-" else micro


def microseconds(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(int64 microseconds, bool null); each distinct text is parsed once."""
    coded = values.dictionary_encode()
    totals = [m * _MONTH + d * _DAY + t for m, d, t in map(parse, coded.dictionary.to_pylist())]
    null = pc.is_null(values).to_numpy(zero_copy_only=False)
    at = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    table = np.array([*totals, 0], np.int64)
    return np.where(null, 0, table[np.where(null, 0, at)]), null


def parts_of(values: pa.Array) -> Parts:
    found = [parse(text) for text in pc.unique(values).to_pylist()]
    months, days, time = (any(parts[i] for parts in found) for i in range(3))
    return Parts(months, days, time)


def texts(totals: np.ndarray, parts: Parts) -> pa.Array:
    return pa.array([_text(int(total), parts) for total in totals], pa.string())


def _counted(number: int, unit: str, minus: str) -> str:
    return f"{minus}{number} {unit}{'s' if number != 1 or minus else ''}"


def _text(total: int, parts: Parts) -> str:
    minus = "-" if total < 0 else ""
    rest, out = abs(total), []
    if parts.months:
        months, rest = divmod(rest, _MONTH) if parts.days or parts.time else (round(rest / _MONTH), 0)
        years, mons = divmod(months, 12)
        out += [
            f"{minus}{n} {unit}{'s' * (n != 1 or bool(minus))}" for n, unit in ((years, "year"), (mons, "mon")) if n
        ]
    if parts.days:
        days, rest = divmod(rest, _DAY) if parts.time else (round(rest / _DAY), 0)
        if days:
            out.append(_counted(days, "day", minus))
    if rest or not out:
        seconds, micro = divmod(rest, 1_000_000)
        clock = f"{minus}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        out.append(clock + (f".{micro:06d}".rstrip("0") if micro else ""))
    return " ".join(out)
