"""How well rows belong together across tables; two sides of rows in, numbers out.

cardinality   1 − KS of the children per parent
hops          trends between a child's columns and those of the row 1, 2 or 3 foreign keys above it
join          C2ST (AUC) on children joined with their parents
parents       C2ST (AUC) on parents with aggregates of their children: count; mean, std, min, max; distinct
sequences     children of a parent in the order of their date: 1 − |difference| / 2 of the lag-1 autocorrelation (of
              ranks, so that one outlier is not all of it) of numbers and of the gaps between dates; 1 − TVD of the
              transitions of categories

A *family* is a parent with its children. Every metric takes for either side the families that it is to look at, so that
the same code compares real with made rows and one half of the real families with the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from single.metrics import Kinds, agreement, bins, c2st, kolmogorov_smirnov, trends

from relations.frames import Both, Key, Side

AGGREGATED = 15
"""Columns of a child that are."""
BELOW = "↓"
COUNT = BELOW + "n"
LEVELS = 30
"""Most categories of a column that has transitions."""
FAMILIES = 20
"""Fewest with two rows that have a sequence."""
SMALLEST = 20
"""Fewest rows that are compared."""


@dataclass(frozen=True)
class Half:
    """A side and which rows of the table at the top take part: bool, (rows,)."""

    side: Side
    top: np.ndarray


def rows_below(half: Half, path: tuple[Key, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the lowest children on ``path`` (from below upwards) whose top row takes part, and of that row."""
    at = half.side.links[path[0]]
    for key in path[1:]:
        at = np.where(at >= 0, half.side.links[key][at], -1) if len(half.side.links[key]) else np.full(len(at), -1)
    children = np.flatnonzero((at >= 0) & half.top[at] if len(half.top) else np.zeros(len(at), bool))
    return children, at[children]


def children_per_parent(half: Half, key: Key) -> np.ndarray:
    _, parents = rows_below(half, (key,))
    return np.bincount(parents, minlength=len(half.top))[half.top].astype(float)


def cardinality(real: Half, made: Half, key: Key) -> float:
    return 1 - kolmogorov_smirnov(children_per_parent(real, key), children_per_parent(made, key))


def joined(half: Half, path: tuple[Key, ...]) -> pd.DataFrame:
    children, tops = rows_below(half, path)
    below = half.side.frames[path[0].child].iloc[children].reset_index(drop=True).add_prefix("c.")
    above = half.side.frames[path[-1].parent].iloc[tops].reset_index(drop=True).add_prefix("p.")
    return pd.concat([below, above], axis=1)


def joined_kinds(both: Both, path: tuple[Key, ...]) -> tuple[Kinds, Kinds]:
    below, above = both.kinds[path[0].child], both.kinds[path[-1].parent]
    return {f"c.{c}": k for c, k in below.items()}, {f"p.{c}": k for c, k in above.items()}


def hops(both: Both, real: Half, made: Half, path: tuple[Key, ...]) -> float | None:
    below, above = joined_kinds(both, path)
    frames = joined(real, path), joined(made, path)
    if not below or not above or len(frames[0]) < SMALLEST:
        return None
    if len(frames[1]) < SMALLEST:
        return 0.0 if len(frames[1]) < len(frames[0]) / 4 else None
    return float(np.mean(list(trends(*frames, below | above, [(a, b) for a in below for b in above]).values())))


def join(both: Both, real: Half, made: Half, key: Key) -> float | None:
    below, above = joined_kinds(both, (key,))
    return _told_apart(joined(real, (key,)), joined(made, (key,)), below | above) if below and above else None


def _told_apart(real: pd.DataFrame, made: pd.DataFrame, kinds: Kinds) -> float | None:
    """1 for a tool that made none or hardly any; None where there is too little to tell."""
    return 1.0 if len(made) < SMALLEST <= len(real) / 4 else c2st(real, made, kinds)


def with_aggregates(both: Both, half: Half, key: Key) -> tuple[pd.DataFrame, Kinds]:
    children, parents = rows_below(half, (key,))
    kinds = dict(list(both.kinds[key.child].items())[:AGGREGATED])
    groups = half.side.frames[key.child].iloc[children].groupby(parents)
    columns: dict[str, pd.Series] = {COUNT: groups.size().astype(float)}
    for name, kind in kinds.items():
        if kind == "num":
            for of in ("mean", "std", "min", "max"):
                columns[f"{BELOW}{of} {name}"] = getattr(groups[name], of)()
        else:
            columns[f"{BELOW}distinct {name}"] = groups[name].nunique().astype(float)
    whole = half.side.frames[key.parent].join(pd.DataFrame(columns))
    whole[COUNT] = whole[COUNT].fillna(0)
    return whole[half.top], both.kinds[key.parent] | dict.fromkeys(columns, "num")


def parents(both: Both, real: Half, made: Half, key: Key) -> float | None:
    (a, kinds), (b, _) = with_aggregates(both, real, key), with_aggregates(both, made, key)
    return _told_apart(a, b, kinds)


def _successive(half: Half, key: Key) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers of children before and after each other in a family, and seconds between them."""
    children, family = rows_below(half, (key,))
    when = half.side.order[key.child][children]
    order = np.lexsort([children, when, family])
    children, family, when = children[order], family[order], when[order]
    same = family[1:] == family[:-1]
    return children[:-1][same], children[1:][same], np.diff(when)[same]


def _autocorrelation(before: np.ndarray, after: np.ndarray) -> float | None:
    """Of ranks; None where either does not vary."""
    known = ~(np.isnan(before) | np.isnan(after))
    a, b = (pd.Series(x[known]).rank().to_numpy() for x in (before, after))
    if known.sum() < FAMILIES or not a.std() or not b.std():
        return None
    return float(np.corrcoef(a, b)[0, 1])


def sequences(both: Both, real: Half, made: Half, key: Key) -> dict[str, float]:
    """By column; empty where children have no date or are too few. A column that varies on the real side only scores
    0.5, as if it were not correlated where it should be entirely."""
    if key.child not in real.side.order or (children_per_parent(real, key) >= 2).sum() < FAMILIES:
        return {}
    steps = [_successive(half, key) for half in (real, made)]
    frames = [half.side.frames[key.child] for half in (real, made)]
    scores = {}
    gaps = [_gap_pairs(before, after, gap) for before, after, gap in steps]
    measured = {"gaps": [_autocorrelation(*pair) for pair in gaps]}
    for name, kind in both.kinds[key.child].items():
        values = [frame[name].to_numpy() for frame in frames]
        if kind == "num":
            measured[name] = [_autocorrelation(v[b], v[a]) for v, (b, a, _) in zip(values, steps, strict=True)]
        elif frames[0][name].nunique() <= LEVELS:
            codes = bins(frames[0][name], frames[1][name], "cat")
            before, after = ([c[step[i]] for c, step in zip(codes, steps, strict=True)] for i in (0, 1))
            scores[f"transitions of {name}"] = agreement(before, after)
    for name, (a, b) in measured.items():
        if a is not None:
            scores[f"autocorrelation of {name}"] = 0.5 if b is None else 1 - abs(a - b) / 2
    return scores


def _gap_pairs(before: np.ndarray, after: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaps that follow each other in a family."""
    follows = after[:-1] == before[1:]
    return gap[:-1][follows], gap[1:][follows]
