"""Large parents as some hundred kinds at most: a child learns which kind of parent it points to, and a member of the
kind is drawn for it. Kinds are k-means clusters (Lloyd 1982, k-means++ seeding of Arthur & Vassilvitskii 2007) of the
parents' attributes, ranked numbers and one-hot categories, in two levels (Nistér & Stewénius 2006): kinds that are next
to each other in number are alike, which is what the model takes codes that are next to each other for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.privacy.smoothing import smoothed
from dbsynth.relation.keys import combined

MOST_KINDS = 192
FLAT_KINDS = 24
"""Up to so many kinds are found in one level."""
MOST_LABELS, MOST_KEYS = 12, 32
"""Frequent values of a category, and of a key to a kept table, that are told apart."""


@dataclass(frozen=True)
class Feature:
    """How one column becomes numbers: ``knots`` (sorted float64) for ranks, or ``labels`` for one-hot columns."""

    name: str
    knots: np.ndarray | None = None
    labels: tuple[str, ...] = ()


def _as_float(array: pa.Array) -> np.ndarray | None:
    kind = array.type
    if pt.is_boolean(kind):
        array = array.cast(pa.int8())
    elif pt.is_date32(kind):
        array = array.cast(pa.int32())
    elif pt.is_timestamp(kind) or pt.is_time(kind):
        array = array.cast(pa.int64())
    elif pt.is_string(kind):
        return None
    values: np.ndarray = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values


@dataclass(frozen=True)
class Clusters:
    """``centres`` float32 (clusters, dimensions). Assignment needs only the features and centres: no row is kept."""

    features: tuple[Feature, ...]
    centres: np.ndarray

    @property
    def count(self) -> int:
        return len(self.centres)

    def assign(self, rows: pa.Table) -> np.ndarray:
        """The cluster of each row, int64."""
        if self.count == 1:
            return np.zeros(rows.num_rows, np.int64)
        return _nearest(_matrix(self.features, rows), self.centres)

    @classmethod
    def fit(
        cls,
        rows: pa.Table,
        columns: list[str],
        weights: np.ndarray,
        k: int,
        rng: np.random.Generator,
        *,
        keys: Collection[str] = (),
        most: int = MOST_KINDS,
    ) -> Clusters:
        """Cluster ``rows`` by ``columns``, each row counting ``weights`` times, into at most ``most`` kinds of at least
        k rows that each stand for enough children (sum of weights >= 8 k on average). ``keys``: columns that are names,
        whatever their type."""
        found = (_feature(c, combined(rows.column(c)), k, c in keys) for c in columns)
        features = tuple(f for f in found if f is not None)
        wanted = int(min(most, rows.num_rows // (2 * k), weights.sum() // (8 * k)))
        if not features or wanted < 2:
            return cls((), np.zeros((1, 0), np.float32))
        x = _matrix(features, rows)
        return cls(features, _large_enough(x, _tree(x, weights + 1e-3, wanted, rng), k))


def _feature(name: str, array: pa.Array, k: int, is_key: bool) -> Feature | None:
    values = _as_float(array)
    if values is None or is_key or pt.is_boolean(array.type):
        counts = sorted(
            ((v["counts"], str(v["values"])) for v in array.cast(pa.string()).drop_null().value_counts().to_pylist()),
            key=lambda p: (-p[0], p[1]),
        )
        labels = tuple(label for n, label in counts[: MOST_KEYS if is_key else MOST_LABELS] if n >= k)
        return Feature(name, labels=labels) if len(labels) > 1 else None
    finite = values[np.isfinite(values)]
    knots = np.unique(np.quantile(smoothed(finite, k), np.linspace(0.02, 0.98, 33))) if len(finite) else finite
    return Feature(name, knots=knots) if len(knots) > 1 else None


def _matrix(features: tuple[Feature, ...], rows: pa.Table) -> np.ndarray:
    parts = []
    for f in features:
        array = combined(rows.column(f.name))
        if f.knots is not None:
            values = _as_float(array)
            assert values is not None
            rank = np.interp(np.nan_to_num(values, nan=f.knots[0]), f.knots, np.linspace(0, 1, len(f.knots)))
            parts.append(np.where(np.isnan(values), -0.5, rank)[:, None])
        else:
            at = pc.index_in(array.cast(pa.string()), value_set=pa.array(f.labels))
            codes = pc.fill_null(at, len(f.labels)).to_numpy(zero_copy_only=False)
            parts.append(np.eye(len(f.labels) + 1)[codes] * 0.7)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _nearest(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    norm = (centres**2).sum(1)
    return np.concatenate(
        [np.argmin(norm - 2 * part @ centres.T, axis=1) for part in np.array_split(x, max(1, len(x) // 50_000))]
    ).astype(np.int64)


def _tree(x: np.ndarray, weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """About ``count`` centres: those of a few kinds, each cut again into as many as its weight (and number of rows)
    says. Both levels stand in the order of their first principal axis."""
    if count <= FLAT_KINDS:
        return _in_line(_kmeans(x, weights, count, rng))
    above = _in_line(_kmeans(x, weights, round(count**0.5), rng))
    label = _nearest(x, above)
    share = np.bincount(label, weights, len(above)) / weights.sum() + np.bincount(label, minlength=len(above)) / len(x)
    parts = []
    for i, centre in enumerate(above):
        members = label == i
        wanted = min(round(count * share[i] / 2), int(members.sum()) // 2)
        parts.append(_in_line(_kmeans(x[members], weights[members], wanted, rng)) if wanted > 1 else centre[None])
    return np.concatenate(parts)


def _in_line(centres: np.ndarray) -> np.ndarray:
    centred = centres - centres.mean(0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    axis = axis * (np.sign(axis[np.abs(axis).argmax()]) or 1)  # the sign of an axis is open
    return centres[np.argsort(centred @ axis, kind="stable")]


def _large_enough(x: np.ndarray, centres: np.ndarray, k: int) -> np.ndarray:
    """Only centres that at least ``k`` rows are nearest to: the smallest goes until all others are."""
    while len(centres) > 1:
        size = np.bincount(_nearest(x, centres), minlength=len(centres))
        small = np.flatnonzero(size < k)
        if len(small) == 0:
            break
        gone = small[np.argsort(size[small], kind="stable")][: (len(small) + 1) // 2]
        centres = np.delete(centres, gone, axis=0)
    return centres


def _kmeans(x: np.ndarray, weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    if len(x) > 20_000:
        chosen = rng.choice(len(x), 20_000, replace=False)
        x, weights = x[chosen], weights[chosen]
    centres = [x[rng.choice(len(x), p=weights / weights.sum())]]
    distance = ((x - centres[0]) ** 2).sum(1)
    while len(centres) < count and (score := distance * weights).sum() > 0:
        centres.append(x[rng.choice(len(x), p=score / score.sum())])
        distance = np.minimum(distance, ((x - centres[-1]) ** 2).sum(1))
    c = np.stack(centres)
    for _ in range(10):
        label = _nearest(x, c)
        mass = np.bincount(label, weights, len(c))
        total = np.stack([np.bincount(label, weights * x[:, j], len(c)) for j in range(x.shape[1])], axis=1)
        c = np.where(mass[:, None] > 0, total / np.maximum(mass, 1e-12)[:, None], c).astype(np.float32)
    return c
