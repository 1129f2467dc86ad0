"""Dates, times and intervals: their text forms, calendar arithmetic, fields. The session's time zone is UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

from dbsynth.schema.expression.values import (
    DATE,
    INT,
    INTERVAL,
    NUMERIC,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    NotEvaluable,
    SqlType,
    Vec,
    strict,
)
from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)

DAY = 86_400_000_000
ENDLESS = 2**61
"""µs of an infinite interval: larger than any finite one."""

UNITS = {
    "microsecond": (0, 0, 1), "millisecond": (0, 0, 1000), "second": (0, 0, 1_000_000), "minute": (0, 0, 60_000_000),
    "hour": (0, 0, 3_600_000_000), "day": (0, 1, 0), "week": (0, 7, 0), "month": (1, 0, 0), "quarter": (3, 0, 0),
    "year": (12, 0, 0), "decade": (120, 0, 0), "century": (1200, 0, 0), "millennium": (12000, 0, 0),
}  # fmt: skip
ALIASES = {
    "us": "microsecond", "usec": "microsecond", "usecs": "microsecond", "ms": "millisecond", "msec": "millisecond",
    "s": "second", "sec": "second", "secs": "second", "m": "minute", "min": "minute", "mins": "minute", "h": "hour",
    "hr": "hour", "hrs": "hour", "d": "day", "w": "week", "mon": "month", "mons": "month", "y": "year", "yr": "year",
    "yrs": "year", "c": "century", "centuries": "century", "millennia": "millennium",
}  # fmt: skip
CLOCK = re.compile(r"([+-])?(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?")
AMOUNT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([a-z]+)")
MOMENT = re.compile(
    r"(?P<y>\d{4,})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"
    r"(?:[ T](?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(?P<zone>Z|UTC|[+-]\d{1,2}(?::?\d{2})?(?::\d{2})?)?"
    r"(?P<bc> BC)?"
)
INFINITIES = {"infinity": 1, "-infinity": -1, "+infinity": 1}


def _clock(text: str) -> int:
    match = CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text!r}")
    sign, hours, minutes, seconds = match.groups()
    micros = (int(hours) * 3600 + int(minutes) * 60) * 1_000_000 + round(Fraction(seconds or 0) * 1_000_000)
    return -micros if sign == "-" else micros


def parse_interval(text: str) -> tuple[int, int, int]:
    """(months, days, µs) of '1 year 2 days 03:04:05', '18 years', '-1 day', '1 day ago'."""
    rest, total = text.strip().lower(), [Fraction(0), Fraction(0), Fraction(0)]
    if rest in INFINITIES:
        return 0, 0, INFINITIES[rest] * ENDLESS
    ago = rest.endswith(" ago")
    rest = rest.removesuffix(" ago").removeprefix("@ ")
    while rest := rest.strip():
        if match := CLOCK.match(rest):
            total[2] += _clock(match.group())
        elif match := AMOUNT.match(rest):
            name = ALIASES.get(match[2], match[2].removesuffix("s"))
            if name not in UNITS:
                raise ValueError(f"not an interval: {text!r}")
            for i, factor in enumerate(UNITS[name]):
                total[i] += Fraction(match[1]) * factor
        else:
            raise ValueError(f"not an interval: {text!r}")
        rest = rest[match.end() :]
    whole_months = int(total[0])
    days = total[1] + (total[0] - whole_months) * 30
    whole_days = int(days)
    micros = round(total[2] + (days - whole_days) * DAY)
    sign = -1 if ago else 1
    return sign * whole_months, sign * whole_days, sign * micros


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, any proleptic Gregorian year; refuses a day that does not exist."""
    first = int(np.datetime64(0, "M").astype(np.int64)) + (year - 1970) * 12 + month - 1
    start = int(np.datetime64(first, "M").astype("M8[D]").astype(np.int64))
    end = int(np.datetime64(first + 1, "M").astype("M8[D]").astype(np.int64))
    if not 1 <= month <= 12 or not 1 <= day <= end - start:
        raise ValueError("date out of range")
    return start + day - 1


def parse_moment(text: str, family: str, now: int) -> int:
    """A date in days, a timestamp in µs, from its text; ``now`` (µs) is what 'now' and 'today' mean."""
    text = text.strip()
    word = text.lower()
    if word in INFINITIES:
        low, high = limits(family)
        return high if INFINITIES[word] > 0 else low
    today = now // DAY
    words = {"now": now, "epoch": 0, "today": today * DAY}
    words |= {"yesterday": (today - 1) * DAY, "tomorrow": (today + 1) * DAY}
    if word in words:
        micros = words[word]
        return micros // DAY if family == "date" else micros
    match = MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a date: {text!r}")
    year = int(match["y"])
    days = _days(1 - year if match["bc"] else year, int(match["m"]), int(match["d"]))
    if family == "date":
        return days
    micros = days * DAY + (_clock(match["clock"]) if match["clock"] else 0)
    zone = match["zone"]
    if family == "timestamptz" and zone and zone not in ("Z", "UTC"):
        hours, minutes = re.fullmatch(r"[+-](\d{1,2}):?(\d{2})?.*", zone).groups()  # type: ignore[union-attr]
        offset = (int(hours) * 60 + int(minutes or 0)) * 60_000_000
        micros -= -offset if zone[0] == "-" else offset
    return micros


def parse_time(text: str) -> int:
    micros = _clock(text.strip())
    if not 0 <= micros <= DAY:
        raise ValueError(f"not a time: {text!r}")
    return micros


def micros_of(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def limits(family: str) -> tuple[int, int]:
    """The values that stand for -infinity and infinity."""
    if family == "date":
        return DATE_MINUS_INFINITY, DATE_INFINITY
    return TIMESTAMP_MINUS_INFINITY, TIMESTAMP_INFINITY


def infinite(vec: Vec) -> tuple[np.ndarray, np.ndarray]:
    low, high = limits(vec.type.family)
    return vec.values == low, vec.values == high


def to_micros(vec: Vec) -> np.ndarray:
    """The µs of a date or timestamp, infinities kept."""
    if vec.type.family != "date":
        return vec.values
    low, high = infinite(vec)
    micros = np.where(low | high, 0, vec.values) * DAY
    return np.where(low, TIMESTAMP_MINUS_INFINITY, np.where(high, TIMESTAMP_INFINITY, micros))


def to_days(vec: Vec) -> np.ndarray:
    low, high = infinite(vec)
    return np.where(low, DATE_MINUS_INFINITY, np.where(high, DATE_INFINITY, vec.values // DAY))


def span(vec: Vec) -> np.ndarray:
    """The length of intervals by which the database compares them: months of 30 days of 24 hours."""
    return np.asarray((vec.values[:, 0] * 30 + vec.values[:, 1]) * DAY + vec.values[:, 2])


def plus_interval(moment: Vec, interval: Vec, sign: int) -> Vec:
    """timestamp ± interval: months first (day of month clamped), then days, then time."""
    rows = max(len(moment), len(interval))
    at = np.broadcast_to(to_micros(moment), rows)
    parts = np.broadcast_to(interval.values, (rows, 3)) * sign
    fixed = (at == TIMESTAMP_INFINITY) | (at == TIMESTAMP_MINUS_INFINITY)
    safe = np.where(fixed, 0, at)
    days, clock = safe // DAY, safe % DAY
    if parts[:, 0].any():
        month = days.astype("M8[D]").astype("M8[M]")
        day = days - month.astype("M8[D]").astype(np.int64)
        target = month + parts[:, 0]
        length = (target + 1).astype("M8[D]").astype(np.int64) - target.astype("M8[D]").astype(np.int64)
        days = np.where(parts[:, 0] == 0, days, target.astype("M8[D]").astype(np.int64) + np.minimum(day, length - 1))
    moved = (days + parts[:, 1]) * DAY + clock + parts[:, 2]
    type_ = TIMESTAMPTZ if moment.type.family == "timestamptz" else TIMESTAMP
    return strict(type_, np.where(fixed, at, moved), moment, interval)


def difference(a: Vec, b: Vec) -> Vec:
    """timestamp - timestamp: days and time, no months. Infinity less a finite moment is endless."""
    x, y = to_micros(a), to_micros(b)
    low_x, low_y = x == TIMESTAMP_MINUS_INFINITY, y == TIMESTAMP_MINUS_INFINITY
    high_x, high_y = x == TIMESTAMP_INFINITY, y == TIMESTAMP_INFINITY
    micros = np.where(low_x | high_x, 0, x) - np.where(low_y | high_y, 0, y)
    days = np.where(micros < 0, -(-micros // DAY), micros // DAY)
    rest = micros - days * DAY
    endless = np.where(high_x | low_y, ENDLESS, np.where(low_x | high_y, -ENDLESS, 0))
    parts = np.stack(
        [np.zeros_like(days), np.where(endless == 0, days, 0), np.where(endless == 0, rest, endless)], axis=1
    )
    return strict(INTERVAL, parts, a, b, bad=(low_x & low_y) | (high_x & high_y))


def age(a: Vec, b: Vec) -> Vec:
    """age(a, b): the difference in years, months, days and time as a person counts it."""
    rows = max(len(a), len(b))
    x, y = (np.broadcast_to(to_micros(v), rows) for v in (a, b))
    endless = np.isin(x, limits("timestamp")) | np.isin(y, limits("timestamp"))
    later = np.where(endless, 0, np.maximum(x, y))
    earlier = np.where(endless, 0, np.minimum(x, y))
    fields = []
    for micros in (later, earlier):
        day = (micros // DAY).astype("M8[D]")
        month = day.astype("M8[M]")
        fields.append((month.astype(np.int64), (day - month.astype("M8[D]")).astype(np.int64), micros % DAY))
    (m1, d1, t1), (m2, d2, t2) = fields
    months, days, time = m1 - m2, d1 - d2, t1 - t2
    days, time = np.where(time < 0, days - 1, days), np.where(time < 0, time + DAY, time)
    borrow = m2.astype("M8[M]")
    length = ((borrow + 1).astype("M8[D]") - borrow.astype("M8[D]")).astype(np.int64)
    months, days = np.where(days < 0, months - 1, months), np.where(days < 0, days + length, days)
    sign = np.where(x < y, -1, 1)
    parts = np.stack([sign * months, sign * days, sign * time], axis=1)
    parts[endless] = 0
    parts[endless, 2] = np.where(x[endless] > y[endless], ENDLESS, -ENDLESS)
    return strict(INTERVAL, parts, a, b, bad=endless & (x == y))


def _iso_year_week(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    thursday = days - (days + 3) % 7 + 3
    year = thursday.astype("M8[D]").astype("M8[Y]")
    start = year.astype("M8[D]").astype(np.int64)
    return year.astype(np.int64) + 1970, (thursday - start) // 7 + 1


FIELDS_FOREVER = {"year", "isoyear", "decade", "century", "millennium", "epoch", "julian"}
"""Fields that grow with time: of infinity they are infinite; the others are null."""


def extract(field: str, vec: Vec) -> Vec:
    """EXTRACT(field FROM vec), a numeric."""
    name = ALIASES.get(field.lower(), field.lower())
    name = name if name in ("milliseconds", "microseconds") else name.removesuffix("s")
    if vec.type.family == "interval":
        return _extract_interval(name, vec)
    if vec.type.family == "time":
        low = high = np.zeros(len(vec), dtype=bool)
        micros = vec.values
    else:
        micros = to_micros(vec)
        low, high = micros == TIMESTAMP_MINUS_INFINITY, micros == TIMESTAMP_INFINITY
        micros = np.where(low | high, 0, micros)
    values, scale = _field(name, micros, vec.type)
    if not (low.any() or high.any()):
        return strict(NUMERIC, values, vec, scale=scale)
    if name in FIELDS_FOREVER:
        special = np.where(high, 1, np.where(low, -1, 0)).astype(np.int8)
        return strict(NUMERIC, values, vec, scale=scale, special=special)
    return strict(NUMERIC, values, vec, scale=scale, null=low | high)


CLOCK_FIELDS = {"hour", "minute", "second", "millisecond", "milliseconds", "microsecond", "microseconds", "epoch"}


def _field(name: str, micros: np.ndarray, type_: SqlType) -> tuple[np.ndarray, int]:
    of_time, of_date = type_.family == "time", type_.family == "date"
    if (of_time and name not in CLOCK_FIELDS) or (of_date and name in CLOCK_FIELDS - {"epoch"}):
        raise NotEvaluable(f"EXTRACT({name} FROM {type_})")
    days, clock = (micros // DAY, micros % DAY) if type_.family != "time" else (micros * 0, micros)
    match name:
        case "hour":
            return clock // 3_600_000_000, 0
        case "minute":
            return clock // 60_000_000 % 60, 0
        case "second":
            return clock % 60_000_000, 6
        case "millisecond" | "milliseconds":
            return clock % 60_000_000, 3
        case "microsecond" | "microseconds":
            return clock % 60_000_000, 0
        case "epoch":
            return (micros // 1_000_000, 0) if type_.family == "date" else (micros, 6)
        case "dow":
            return (days + 4) % 7, 0
        case "isodow":
            return (days + 3) % 7 + 1, 0
        case "week":
            return _iso_year_week(days)[1], 0
    date = days.astype("M8[D]")
    months = date.astype("M8[M]").astype(np.int64)
    year = _iso_year_week(days)[0] if name == "isoyear" else months // 12 + 1970
    match name:
        case "day":
            return (date - date.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1, 0
        case "doy":
            return (date - date.astype("M8[Y]").astype("M8[D]")).astype(np.int64) + 1, 0
        case "month":
            return months % 12 + 1, 0
        case "quarter":
            return months % 12 // 3 + 1, 0
        case "year" | "isoyear":
            return np.where(year <= 0, year - 1, year), 0  # there is no year 0
        case "decade":
            return year // 10, 0
        case "century":
            return np.where(year > 0, (year + 99) // 100, -((99 - (year - 1)) // 100)), 0
        case "millennium":
            return np.where(year > 0, (year + 999) // 1000, -((999 - (year - 1)) // 1000)), 0
    raise NotEvaluable(f"EXTRACT({name})")


def _extract_interval(name: str, vec: Vec) -> Vec:
    months, days, micros = vec.values[:, 0], vec.values[:, 1], vec.values[:, 2]
    sign = np.where(micros < 0, -1, 1)
    clock = np.abs(micros)
    years = np.where(months < 0, -(-months // 12), months // 12)
    simple: dict[str, tuple[np.ndarray, int]] = {
        "year": (years, 0),
        "month": (months - years * 12, 0),
        "day": (days, 0),
        "hour": (sign * (clock // 3_600_000_000), 0),
        "minute": (sign * (clock // 60_000_000 % 60), 0),
        "second": (sign * (clock % 60_000_000), 6),
        # a year counts 365.25 days here, and a month 30
        "epoch": (years * 31_557_600_000_000 + (months - years * 12) * 30 * DAY + days * DAY + micros, 6),
    }
    if name not in simple:
        raise NotEvaluable(f"EXTRACT({name} FROM interval)")
    values, scale = simple[name]
    return strict(NUMERIC, values, vec, scale=scale)


def truncate(unit: str, vec: Vec) -> Vec:
    """date_trunc: of a date it is a timestamp with time zone."""
    name = ALIASES.get(unit.lower(), unit.lower().removesuffix("s"))
    micros = to_micros(vec)
    fixed = (micros == TIMESTAMP_INFINITY) | (micros == TIMESTAMP_MINUS_INFINITY)
    safe = np.where(fixed, 0, micros)
    days = safe // DAY
    months = days.astype("M8[D]").astype("M8[M]").astype(np.int64)
    if name in ("year", "quarter", "month"):
        size = UNITS[name][0]
        result = (months // size * size).astype("M8[M]").astype("M8[D]").astype(np.int64) * DAY
    elif name == "week":
        result = (days - (days + 3) % 7) * DAY
    elif name == "day":
        result = days * DAY
    elif name in UNITS and UNITS[name][2]:
        result = safe // UNITS[name][2] * UNITS[name][2]
    else:
        raise NotEvaluable(f"date_trunc({unit!r}, ...)")
    type_ = TIMESTAMP if vec.type.family == "timestamp" else TIMESTAMPTZ
    return strict(type_, np.where(fixed, micros, result), vec)


def add_days(date: Vec, days: Vec, sign: int) -> Vec:
    low, high = infinite(date)
    moved = date.values + sign * days.values
    return strict(DATE, np.where(low | high, date.values, moved), date, days)


def days_between(a: Vec, b: Vec) -> Vec:
    low_a, high_a = infinite(a)
    low_b, high_b = infinite(b)
    return strict(INT, a.values - b.values, a, b, bad=low_a | high_a | low_b | high_b)


def time_plus(time: Vec, interval: Vec, sign: int) -> Vec:
    return strict(TIME, (time.values + sign * interval.values[:, 2]) % DAY, time, interval)


def time_difference(a: Vec, b: Vec) -> Vec:
    micros = a.values - b.values
    return strict(INTERVAL, np.stack([micros * 0, micros * 0, micros], axis=1), a, b)


def times(interval: Vec, factor: Vec) -> Vec:
    """interval * number: what is left of months becomes days, what is left of days becomes time."""
    months, days, micros = (interval.values[:, i] * factor.values for i in range(3))
    whole_months, whole_days = np.trunc(months), np.trunc(days)
    more_days = np.round((months - whole_months) * 30, 6)
    whole_more = np.trunc(more_days)
    seconds = np.round((days - whole_days + more_days - whole_more) * 86_400, 6)
    parts = np.stack([whole_months, whole_days + whole_more, np.rint(micros + seconds * 1e6)], axis=1)
    return strict(INTERVAL, parts.astype(np.int64), interval, factor)
