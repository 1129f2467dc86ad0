"""How near made rows lie to the rows they were learned from, beside rows that were never seen.

share        of made rows that are nearer to the training half than to the hold-out half (ties count half); 0.5 where
             nothing was learned by heart
ratio        median of the distance to the nearest training row, divided by that to the second nearest; ``control``: of
             hold-out rows
copies       made rows that are equal to a training row; ``control``: hold-out rows that are
membership   AUC of telling training rows from hold-out rows by how near the nearest made row is; 0.5: not at all

Distances and equal rows are those of ``dbsynth.quality.disclosure``, which has no hold-out half to compare with.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from dbsynth.quality.disclosure.distances import ratio
from dbsynth.quality.disclosure.nearest import Rows, coded, nearest
from dbsynth.relation.keys import same_ids

MOST_ROWS = 4_000


def figures(train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    n = min(len(train), len(holdout))
    parts = [train.sample(n, random_state=1), holdout.sample(n, random_state=1), made]
    frames = [*parts, made.sample(min(MOST_ROWS, len(made)), random_state=2)]
    seen, unseen, all_made, some = _coded(frames)
    near, near_other = nearest(some, seen, 2)[0], nearest(some, unseen, 2)[0]
    share = (near[:, 0] < near_other[:, 0]).mean() + 0.5 * (near[:, 0] == near_other[:, 0]).mean()
    asked = np.random.default_rng(3).permutation(n)[: MOST_ROWS // 2]
    to_made = [nearest(rows.at(asked), all_made, 1)[0][:, 0] for rows in (seen, unseen)]
    control = nearest(unseen.at(asked), seen, 2)[0]
    return {
        "share": float(share),
        "ratio": float(np.median(ratio(near))),
        "ratio control": float(np.median(ratio(control))),
        "copies": _equal(made, train),
        "copies control": _equal(holdout, train),
        "membership": _auc(-to_made[0], -to_made[1]),
    }


def _coded(frames: list[pd.DataFrame]) -> list[Rows]:
    """Each frame in the same codes; ranks are those among the rows of all."""
    columns = _arrays(pd.concat(frames, ignore_index=True))
    rows, _ = coded(columns, columns)
    ends = np.cumsum([len(f) for f in frames])
    return [rows.at(np.arange(end - len(f), end)) for f, end in zip(frames, ends, strict=True)]


def _equal(rows: pd.DataFrame, others: pd.DataFrame) -> float:
    columns = _arrays(pd.concat([rows, others], ignore_index=True))
    ids, among = same_ids([c[: len(rows)] for c in columns], [c[len(rows) :] for c in columns])
    return float(np.isin(ids, among).mean())


def _arrays(frame: pd.DataFrame) -> list[pa.Array]:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return [column.combine_chunks() for column in table.columns]


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    ranks = pd.Series(np.concatenate([positive, negative])).rank().to_numpy()[: len(positive)]
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))
