"""Edges of bins and ticks that people read: round numbers, and whole hours, days, months and years.

Edges are round, so that no bound of a bin tells a value of the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Scale = Literal["number", "whole", "logarithm", "date", "time"]
"""number, whole: values as they are (whole: integers) · logarithm: log10 of positive numbers · date: seconds since
1970 · time: seconds of the day"""

DAY = 86_400.0
CLOCK = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 10_800.0, 21_600.0, DAY, 2 * DAY, 7 * DAY, 14 * DAY)
"""Steps of less than a month, in seconds."""
MONTHS = (1, 3, 6, 12, 24, 60, 120, 300, 600, 1200, 6000, 12_000)
SECONDS_OF_MONTH = 30.436875 * DAY
FIRST_DATE, LAST_DATE = -62_135_596_800.0, 253_402_300_799.0
"""The years 1 to 9999; what lies outside stands for no date."""


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


def bin_edges(low: float, high: float, scale: Scale, bins: int) -> np.ndarray:
    """float64 (about ``bins`` + 1,), increasing, round, from at most ``low`` to beyond ``high``."""
    if scale == "date":
        return _date_edges(low, high, bins)
    if scale == "time":
        step = next((s for s in CLOCK if s >= (high - low) / bins), DAY)
    else:
        step = round_step((high - low) / bins)
        if scale == "whole":
            step = max(1.0, np.ceil(step))
    first = np.floor(low / step)
    count = int(np.floor(high / step) - first) + 1
    edges: np.ndarray = (first + np.arange(count + 1)) * step
    return edges


def round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10ⁿ that is at least ``least``; 1 where that is nothing."""
    if not least > 0 or not np.isfinite(least):
        return 1.0
    power = 10.0 ** np.floor(np.log10(least))
    return float(next((m * power for m in (1.0, 2.0, 2.5, 5.0) if m * power >= least * (1 - 1e-9)), 10.0 * power))


def ticks(low: float, high: float, scale: Scale, most: int = 4) -> list[Tick]:
    """At most about ``most`` + 1 labelled places between ``low`` and ``high``."""
    if scale == "date":
        return _date_ticks(low, high, most)
    if scale == "logarithm":
        powers = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
        if len(powers) >= 2:
            powers = powers[:: int(np.ceil(len(powers) / most))]
            return [Tick(float(p), short(10.0**p)) for p in powers]
        places = np.linspace(low, high, 3)
        return [Tick(float(p), short(float(f"{10.0**p:.2g}"))) for p in places]
    if scale == "time":
        step = next((s for s in CLOCK if s >= (high - low) / most), DAY)
    else:
        step = round_step((high - low) / most)
        if scale == "whole":
            step = max(1.0, np.ceil(step))
    places = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step + 0.0  # no -0
    if scale == "time":
        return [Tick(float(p), _clock(p)) for p in places]
    # A whole number stands in the middle of its bin, where each has its own.
    return [Tick(float(p), short(p, step)) for p in places]


def short(value: float, step: float | None = None) -> str:
    """A number in few characters: 1250, 0.05, 20k, 1.5M. ``step``: what tells neighbours apart."""
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else str(value)
    size = abs(value)
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit and (unit > 1e3 or size >= 1e4):
            digits = _decimals((step or value) / unit)
            return f"{value / unit:,.{min(digits, 3)}f}{letter}" if size < 1e15 else f"{value:.2g}"
    if size < 1e-4:
        return f"{value:.2g}"
    return f"{value:.{min(_decimals(step or value), 6)}f}"


def plain(value: float) -> str:
    """A number as it is: 2013, 12,500, 0.99."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{value:,.6g}"


def _decimals(step: float) -> int:
    """Digits behind the point that ``step`` needs."""
    for digits in range(6):
        if abs(step * 10**digits - round(step * 10**digits)) < 1e-6:
            return digits
    return 6


def _clock(seconds: float) -> str:
    whole = int(seconds)
    tail = f":{whole % 60:02d}" if whole % 60 else ""
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}{tail}"


def _months(low: float, high: float, parts: int) -> np.ndarray | None:
    """Starts of months from at most ``low`` to beyond ``high``, in steps of months or years; None: too near."""
    wanted = (high - low) / parts
    if wanted < 0.75 * SECONDS_OF_MONTH:
        return None
    step = next((m for m in MONTHS if m * SECONDS_OF_MONTH >= wanted * 0.95), MONTHS[-1])
    first, last = (int(np.datetime64(int(v), "s").astype("datetime64[M]").astype(np.int64)) for v in (low, high))
    # Counted from the year 0, so that steps of ten years end at 1990, 2000, ...
    start = (first + 1970 * 12) // step * step - 1970 * 12
    months = np.arange(start, last + step + 1, step)
    return months.astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)


def _date_edges(low: float, high: float, bins: int) -> np.ndarray:
    months = _months(low, high, bins)
    if months is not None:
        return months[: int(np.searchsorted(months, high, "right")) + 1]
    step = next((s for s in CLOCK if s >= (high - low) / bins), CLOCK[-1])
    first = np.floor(low / step)
    edges: np.ndarray = (first + np.arange(int(np.floor(high / step) - first) + 2)) * step
    return edges


def _date_ticks(low: float, high: float, most: int) -> list[Tick]:
    months = _months(low, high, most)
    if months is not None:
        inside = months[(months >= low) & (months <= high)]
        yearly = bool(np.all(inside.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 == 0))
        unit = "Y" if yearly and len(inside) > 1 else "M"
        return [Tick(float(p), str(np.datetime64(int(p), "s").astype(f"datetime64[{unit}]"))) for p in inside]
    step = next((s for s in CLOCK if s >= (high - low) / most), CLOCK[-1])
    places = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    unit = "D" if step >= DAY else "m" if step >= 60 else "s"
    return [
        Tick(float(p), str(np.datetime64(int(p), "s").astype(f"datetime64[{unit}]")).replace("T", " ")) for p in places
    ]
