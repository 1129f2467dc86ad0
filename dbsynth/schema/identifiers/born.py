"""Dates of birth, and sex, inside national numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dbsynth.schema.identifiers.parts import Part, ascii_of, digits_of

Style = Literal["yymmdd", "ddmmyy", "yyyymmdd", "pesel", "czech", "italian", "french"]
PIVOT = 30
"""Years of two digits below it are of this century."""
MONTHS = "ABCDEHLMPRST"
"""In the Italian tax code."""
_PESEL = {18: 80, 19: 0, 20: 20, 21: 40, 22: 60}
_REGEX: dict[Style, str] = {
    "yymmdd": r"\d\d[01]\d[0-3]\d",
    "ddmmyy": r"[0-3]\d[01]\d\d\d",
    "yyyymmdd": r"(?:18|19|20)\d\d[01]\d[0-3]\d",
    "pesel": r"\d\d\d\d[0-3]\d",
    "czech": r"\d\d[0156]\d[0-3]\d",
    "italian": rf"\d\d[{MONTHS}][0-7]\d",
    "french": r"[12]\d\d[01]\d",
}


@dataclass(frozen=True)
class Born:
    """``low``, ``high``: days since 1970 (months, of the French number, which has no day)."""

    style: Style
    low: int = -14_610
    high: int = 12_784

    @property
    def width(self) -> int:
        return {"yyyymmdd": 8, "italian": 5, "french": 5}.get(self.style, 6)

    @property
    def regex(self) -> str:
        return _REGEX[self.style]

    @property
    def sexed(self) -> bool:
        return self.style in ("czech", "italian", "french")

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.high - self.low + 1, 2) if self.sexed else (self.high - self.low + 1,)

    def over(self, units: np.ndarray, k: int) -> Born:
        """The same over the range that at least ``k`` of ``units`` reach at both ends."""
        usual = (-240, 420) if self.style == "french" else (self.low, self.high)
        ordered = np.sort(units)
        low, high = (int(ordered[k - 1]), int(ordered[-k])) if len(units) >= 2 * k else usual
        return Born(self.style, max(low, high - self.longest), high)

    @property
    def longest(self) -> int:
        """Years of two digits come again after a hundred years."""
        return 1199 if self.style == "french" else 36_499

    def unit(self, days: np.ndarray) -> np.ndarray:
        """Days since 1970 as the units of the codes."""
        if self.style != "french":
            return days
        return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))

    def write(self, codes: np.ndarray) -> np.ndarray:
        """``codes``: unit − ``low``, and 1 for a man where the style tells."""
        units = codes[:, 0] + self.low
        unit = "datetime64[M]" if self.style == "french" else "datetime64[D]"
        months = units.astype(unit).astype("datetime64[M]")
        year = months.astype("datetime64[Y]").astype(np.int64) + 1970
        month = months.astype(np.int64) % 12 + 1
        day = (units.astype(unit).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
        female = codes[:, 1] == 0 if self.sexed else np.zeros(len(codes), bool)
        yy = digits_of(year % 100, 2)
        match self.style:
            case "yymmdd":
                return np.hstack([yy, digits_of(month, 2), digits_of(day, 2)])
            case "ddmmyy":
                return np.hstack([digits_of(day, 2), digits_of(month, 2), yy])
            case "yyyymmdd":
                return np.hstack([digits_of(year, 4), digits_of(month, 2), digits_of(day, 2)])
            case "pesel":
                more = np.array([_PESEL.get(c, 0) for c in range(100)])[year // 100]
                return np.hstack([yy, digits_of(month + more, 2), digits_of(day, 2)])
            case "czech":
                return np.hstack([yy, digits_of(month + 50 * female, 2), digits_of(day, 2)])
            case "italian":
                return np.hstack([yy, ascii_of(MONTHS).reshape(-1, 1)[month - 1], digits_of(day + 40 * female, 2)])
            case "french":
                return np.hstack([digits_of(1 + female, 1), yy, digits_of(month, 2)])

    def read(self, chars: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Units, bool: a man (False where the style does not tell), bool: there is such a date."""
        d = chars.astype(np.int64) - 48
        female = np.zeros(len(chars), bool)

        def number(start: int, width: int) -> np.ndarray:
            return np.asarray(d[:, start : start + width] @ 10 ** np.arange(width - 1, -1, -1))

        if self.style == "yyyymmdd":
            year, month, day = number(0, 4), number(4, 2), number(6, 2)
        elif self.style == "ddmmyy":
            year, month, day = number(4, 2), number(2, 2), number(0, 2)
        elif self.style == "french":
            female = d[:, 0] == 2
            year, month, day = number(1, 2), number(3, 2), np.ones(len(d), np.int64)
        elif self.style == "italian":
            letter = np.full(128, 0)
            letter[ascii_of(MONTHS).ravel()] = np.arange(1, 13)
            year, month, day = number(0, 2), letter[chars[:, 2]], number(3, 2)
            female = day > 40
            day = day - 40 * female
        else:
            year, month, day = number(0, 2), number(2, 2), number(4, 2)
        if self.style == "czech":
            female = month > 50
            month = month - 50 * female
        if self.style == "pesel":
            century = np.array([19, 20, 21, 22, 18])[month // 20 % 5]
            year, month = 100 * century + year, month % 20
        elif self.style != "yyyymmdd":
            year = year + np.where(year < PIVOT, 2000, 1900)
        real = (month >= 1) & (month <= 12) & (day >= 1)
        months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
        start = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        real &= day <= after - start
        return (months if self.style == "french" else start + day - 1), ~female, real


@dataclass(frozen=True)
class Parity:
    """A digit that is odd for men."""

    width: int = 1
    regex: str = r"\d"

    @property
    def sizes(self) -> tuple[int, ...]:
        return (5, 2)

    def write(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(48 + 2 * codes[:, :1] + codes[:, 1:]).astype(np.uint8)


def means(part: Part) -> tuple[str, ...]:
    """What the codes of a part tell of a person: born, sex or nothing ("")."""
    if isinstance(part, Born):
        return ("born", "sex") if part.sexed else ("born",)
    if isinstance(part, Parity):
        return ("", "sex")
    return ("",) * len(part.sizes)
