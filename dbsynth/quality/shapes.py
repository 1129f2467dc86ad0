"""Figures of one column, and of which columns of a row are null."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dbsynth.quality import measures
from dbsynth.quality.measured import Measured
from dbsynth.quality.variables import DAY, Frame, Variable

EXPECTED = 25
"""A value that so many made rows should hold, and that so many real rows do, cannot be missing by chance (e⁻²⁵)."""
COMMON = 5
"""Real rows that share a common value."""
DIGITS = 7
"""Places after the point that count."""
ZEROS = 5
"""Places before the point that count, where zeros stand in them."""
STEADY = 2.5
"""A displacement is one where it is so many times as large as it varies from quantile to quantile."""
CHANCE = 2.5
"""Standard errors of the difference of two means that a displacement exceeds."""
MOMENT_STEPS = (1, 1_000_000, 60_000_000, 3_600_000_000, DAY)
"""Microseconds of what moments may be rounded to: second, minute, hour, day."""


def shapes(frame: Frame) -> list[Measured]:
    blank = {v.column: blanks(v) for v in frame.variables if v.facet == "spaces"}
    found = []
    for v in frame.variables:
        real, made = there(v)
        rows = (real - blank.get(v.column, 0), made)
        found.append(Measured("shape", (v.column,), shape(v), v.facet, rows=rows))
    return found


def blanks(spaces: Variable) -> int:
    """Real texts of nothing but blanks, which none is made of: it would be the source's but for blanks."""
    return int((spaces.real == 1.0).sum())


def there(v: Variable) -> tuple[int, int]:
    return len(measures.present(v.real)), len(measures.present(v.made))


def shape(variable: Variable) -> float:
    measure = measures.ks if variable.number else measures.tv
    return measure(variable.real, variable.made)


def nulls(frame: Frame) -> list[Measured]:
    """By column, and of all nullable columns together: 1 − total variation of which of them are null."""
    found = []
    gaps = []
    for v in frame.main:
        real, made = (np.isnan(x) if v.number else x < 0 for x in (v.real, v.made))
        if real.any() or made.any():
            found.append(Measured("nulls", (v.column,), measures.alike(mean(real), mean(made))))
            gaps.append((v.column, real, made))
    if len(gaps) > 1:
        patterns = np.zeros(sum(frame.rows), np.int64)
        for _, real, made in gaps:
            _, patterns = np.unique(patterns * 2 + np.concatenate([real, made]), return_inverse=True)
        together = measures.tv(patterns[: frame.rows[0]], patterns[frame.rows[0] :])
        found.append(Measured("null patterns", tuple(g[0] for g in gaps), together))
    return found


def precisions(frame: Frame) -> list[Measured]:
    """How finely values are told: 1 − total variation of the place of the last digit that is no zero; and 1 − how many
    more of the made values end in zeros at some place than of the real ones."""
    found = []
    for v in frame.variables:
        if v.number and not v.facet:
            real, made = places(v.real, v.moment), places(v.made, v.moment)
            found.append(Measured("precision", (v.column,), measures.tv(real, made), rows=there(v)))
            found.append(Measured("fine digits", (v.column,), 1.0 - coarser(real, made), rows=there(v)))
    return found


def common_values(frame: Frame) -> list[Measured]:
    """By number and moment: 1 − how many fewer of the made rows than of the real ones have a value that is common among
    the real ones (prices, round hours)."""
    found = []
    for v in frame.variables:
        if v.number and not v.facet:
            real, made = measures.present(v.real), measures.present(v.made)
            values, count = np.unique(real, return_counts=True)
            common = values[count >= COMMON]
            if len(common) and len(made):
                less = float(count[count >= COMMON].sum() / len(real)) - mean(np.isin(made, common))
                found.append(Measured("common values", (v.column,), 1.0 - max(0.0, less), rows=there(v)))
    return found


def coarser(real: np.ndarray, made: np.ndarray) -> float:
    """The most by which the share of made places of at least any rank exceeds that of the real ones."""
    a, b = measures.present(real), measures.present(made)
    if not len(a) or not len(b):
        return 0.0
    size = int(max(a.max(), b.max())) + 1
    at_least = [np.cumsum(measures.shares(x, size)[::-1]) for x in (a, b)]
    return float((at_least[1] - at_least[0]).max())


def places(values: np.ndarray, moment: bool) -> np.ndarray:
    """int64 (rows,): 0 is the finest place. -1 where there is no finite value."""
    finite = np.isfinite(values) & (values != 0)
    x = np.abs(np.where(finite, values, 1.0))
    place = np.zeros(len(x), np.int64)
    if moment:
        for step in MOMENT_STEPS[1:]:
            place += np.fmod(x, step) == 0
    else:
        fine = np.ones(len(x), bool)
        for digit in range(DIGITS, -ZEROS - 1, -1):
            scaled = x * 10.0 ** (digit - 1)
            fine &= np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(1.0, scaled) * 10
            place += fine
    return np.where(finite, place, -1)


def ranges(frame: Frame, keys: Collection[str] = ()) -> list[Measured]:
    """Share of the made numbers and moments that lie between the smallest and the largest real one (SDMetrics'
    BoundaryAdherence). ``keys``: columns whose numbers only tell rows apart."""
    found = []
    for v in frame.variables:
        if v.number and not v.facet and v.column not in keys:
            real, made = measures.present(v.real), measures.present(v.made)
            if len(real) and len(made):
                inside = mean((made >= real.min()) & (made <= real.max()))
                found.append(Measured("range", (v.column,), inside, rows=there(v)))
    return found


def displaced(frame: Frame) -> list[Measured]:
    """Whether all quantiles of a column are multiplied, or moved, by the same: 1 where they are not, else how much the
    smaller is of the larger, or what the move leaves of the spread of the real values."""
    found = []
    for v in frame.variables:
        if v.number and not v.facet:
            real, made = (x[np.isfinite(x)] for x in (v.real, v.made))
            if min(len(real), len(made)) >= EXPECTED:
                value, says = displacement(real, made, v.moment)
                found.append(Measured("displacement", (v.column,), value, says=says))
    return found


def displacement(real: np.ndarray, made: np.ndarray, moment: bool) -> tuple[float, str]:
    """Of finite values. A factor leaves zero where it is: it shows in the others."""
    at = np.linspace(0.05, 0.95, 19)
    if not moment and min(real.min(), made.min()) >= 0 and (real > 0).sum() >= EXPECTED and (made > 0).any():
        rate = np.log(np.quantile(made[made > 0], at) / np.quantile(real[real > 0], at))
        if steady(rate, off(np.log(real[real > 0]), np.log(made[made > 0]))):
            return float(np.exp(-abs(np.median(rate)))), f"{np.exp(np.median(rate)):.2f} times as large throughout"
    a, b = np.quantile(real, at), np.quantile(made, at)
    move, width = b - a, float(a[-1] - a[0])
    if steady(move, off(real, made)) and width > 0:
        by = float(np.median(move))
        told = f"{by / DAY:+,.0f} days" if moment else f"{by:+.4g}"
        return max(0.0, 1.0 - abs(by) / width), f"moved by {told} throughout"
    return 1.0, ""


def off(real: np.ndarray, made: np.ndarray) -> float:
    """By how much two samples of these sizes may differ throughout by chance. Half of what lies between the 16 % and
    the 84 % quantile is the standard deviation, of a normal one."""
    low, high = np.quantile(real, (0.16, 0.84))
    return CHANCE * float(high / 2.0 - low / 2.0) * float(np.sqrt(1.0 / len(real) + 1.0 / len(made)))


def steady(by_quantile: np.ndarray, chance: float) -> bool:
    low, middle, high = np.quantile(by_quantile, (0.1, 0.5, 0.9))
    return bool(abs(middle) > max(STEADY * (high - low), chance, 1e-12))


def coverage(frame: Frame) -> list[Measured]:
    """Of the categories that ``EXPECTED`` made rows should hold, the share that any does."""
    found = []
    for v in frame.variables:
        if v.number:
            continue
        size = int(max(v.real.max(initial=-1), v.made.max(initial=-1))) + 1
        real, made = (np.bincount(x[x >= 0], minlength=size) for x in (v.real, v.made))
        due = (real >= EXPECTED) & (real * (frame.rows[1] / max(1, frame.rows[0])) >= EXPECTED)
        if due.sum() > 1:
            found.append(Measured("categories", (v.column,), mean(made[due] > 0)))
    return found


def mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
