"""How far apart a query's two runs are.

q-error: max(a/b, b/a) of two numbers of rows, 1 where they are equal. Below a floor θ numbers count as θ: q-errors of a
few rows are chance (Moerkotte, Neumann, Steidl: Preventing Bad Plans by Bounding the Impact of Cardinality Estimation
Errors, VLDB 2009; θ,q-acceptability: Moerkotte et al., Exploiting Ordered Dictionaries to Efficiently Construct
Histograms with Q-Error Guarantees in SAP HANA, SIGMOD 2014).
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from dbsynth.queries import ResultColumn

MOST = 3.0
FLOOR = 5.0
"""θ. Two samples of one truth (Poisson counts of one mean) have a q-error above 3 by chance in 12 of 100 pairs at the
worst mean with θ = 1, in 0.8 with θ = 5, in 0.04 with θ = 10: with 5, chance stays below the 5 of 100 that may be
unlike."""


def q_error(real: float, made: float, ratio: float, *, scales: bool = True) -> float:
    """``ratio``: rows of the made tables for one of the real ones. What ``scales`` with the tables is compared with
    ``real * ratio``; what may or may not (groups, a LIMIT), with the nearest number between ``real`` and that."""
    wanted = real * ratio
    if not scales:
        wanted = float(np.clip(made, min(real, wanted), max(real, wanted)))
    a, b = max(wanted, FLOOR), max(made, FLOOR)
    return max(a / b, b / a)


def distance(real: ResultColumn, made: ResultColumn) -> float | None:
    """0 (alike) .. 1: Kolmogorov-Smirnov's D of numbers, total variation of few different texts, D of the lengths of
    many; at least the difference of the shares of nulls. None where a side has no rows."""
    if not len(real.values) or not len(made.values):
        return None
    if real.number and made.number:
        ours, theirs = _finite(real.values), _finite(made.values)
        nulls = abs(np.isnan(real.values).mean() - np.isnan(made.values).mean())
        return float(max(nulls, _kolmogorov(ours, theirs)))
    texts, others = ([None if v is None else str(v) for v in side.values] for side in (real, made))
    nulls = abs(texts.count(None) / len(texts) - others.count(None) / len(others))
    known, known_others = [t for t in texts if t is not None], [t for t in others if t is not None]
    if not known or not known_others:
        return float(nulls)
    if len(set(known)) <= 0.5 * len(known):
        return float(max(nulls, _total_variation(known, known_others)))
    lengths = (np.array([len(t) for t in side], dtype=np.float64) for side in (known, known_others))
    return float(max(nulls, _kolmogorov(*lengths)))


def _finite(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.nan_to_num(values[~np.isnan(values)]))


def _kolmogorov(a: np.ndarray, b: np.ndarray) -> float:
    if not len(a) or not len(b):
        return 0.0
    points = np.unique(np.concatenate([a, b]))
    ours = np.searchsorted(np.sort(a), points, side="right") / len(a)
    theirs = np.searchsorted(np.sort(b), points, side="right") / len(b)
    return float(np.abs(ours - theirs).max())


def _total_variation(a: list[str], b: list[str]) -> float:
    ours, theirs = Counter(a), Counter(b)
    return 0.5 * sum(abs(ours[v] / len(a) - theirs[v] / len(b)) for v in ours.keys() | theirs.keys())
