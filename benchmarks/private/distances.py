"""How near made rows lie to the rows they were learned from, beside rows that were never seen.

share        of made rows that are nearer to the training half than to the hold-out half (ties count half); 0.5 where
             nothing was learned by heart
ratio        median of the distance to the nearest training row, divided by that to the second nearest; ``control``: of
             hold-out rows
copies       made rows that are equal to a training row; ``control``: hold-out rows that are
membership   AUC of telling training rows from hold-out rows by how near the nearest made row is; 0.5: not at all

Gower's distance: ranks of numbers and moments, equality of all else, a null is far from all but null.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_ROWS = 4_000


def figures(train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    n = min(len(train), len(holdout))
    parts = [train.sample(n, random_state=1), holdout.sample(n, random_state=1), made]
    some = made.sample(min(MOST_ROWS, len(made)), random_state=2)
    matrices, ordered = _coded([*parts, some])
    seen, unseen, _, rows = matrices
    near, near_other = _nearest(rows, seen, ordered), _nearest(rows, unseen, ordered)
    share = (near[:, 0] < near_other[:, 0]).mean() + 0.5 * (near[:, 0] == near_other[:, 0]).mean()
    asked = np.random.default_rng(3).permutation(n)[: MOST_ROWS // 2]
    to_made = [_nearest(m[asked], matrices[2], ordered)[:, 0] for m in (seen, unseen)]
    control = _nearest(unseen[asked], seen, ordered)
    return {
        "share": float(share),
        "ratio": _ratio(near),
        "ratio control": _ratio(control),
        "copies": _equal(made, train),
        "copies control": _equal(holdout, train),
        "membership": _auc(-to_made[0], -to_made[1]),
    }


def _coded(frames: list[pd.DataFrame]) -> tuple[list[np.ndarray], np.ndarray]:
    """float32 (rows, columns) of each frame: ranks 0..1 of numbers, codes of others, -9 for null."""
    columns, ordered = [], []
    lengths = np.cumsum([len(f) for f in frames])[:-1]
    for name in frames[0].columns:
        whole = pd.concat([f[name] for f in frames], ignore_index=True)
        known = whole.notna().to_numpy()
        numeric = frames[0][name].dtype.kind in "iufM"
        ordered.append(numeric)
        if numeric:
            values = whole[known].astype("int64") if whole.dtype.kind == "M" else whole[known].astype(float)
            code = np.full(len(whole), -9.0, np.float32)
            code[known] = values.rank(method="average").to_numpy() / max(1, known.sum())
        else:
            code = np.where(known, pd.factorize(whole.astype(str))[0], -9).astype(np.float32)
        columns.append(np.split(code, lengths))
    return [np.stack([c[i] for c in columns], axis=1) for i in range(len(frames))], np.array(ordered)


def _nearest(rows: np.ndarray, others: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """float32 (rows, 2): the distances to the nearest and the second nearest."""
    out = np.empty((len(rows), 2), np.float32)
    for begin in range(0, len(rows), 64):
        some = rows[begin : begin + 64]
        total = np.zeros((len(some), len(others)), np.float32)
        for j, number in enumerate(ordered):
            apart = np.abs(some[:, j, None] - others[None, :, j])
            total += np.minimum(apart, 1.0) if number else apart > 0
        out[begin : begin + 64] = np.partition(total, 1, axis=1)[:, :2]
    return out


def _ratio(nearest: np.ndarray) -> float:
    return float(np.median((nearest[:, 0] + 1e-9) / (nearest[:, 1] + 1e-9)))


def _equal(rows: pd.DataFrame, others: pd.DataFrame) -> float:
    known = set(map(tuple, others.astype(object).where(others.notna(), None).to_numpy()))
    return float(np.mean([tuple(r) in known for r in rows.astype(object).where(rows.notna(), None).to_numpy()]))


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    ranks = pd.Series(np.concatenate([positive, negative])).rank().to_numpy()[: len(positive)]
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))
