"""A limited set of values: text, enums, booleans, small whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.codec import units
from dbsynth.codec.base import ColumnSpec, State
from dbsynth.errors import DbsynthError
from dbsynth.schema.types import arrow_type


class NoCategories(DbsynthError):
    """Every value of the column is seen in fewer than k rows: it cannot be a category."""

    code = "DBS-430"


class CategoryCodec:
    """Codes: null (if one was seen), the values that may be emitted by falling frequency, then 'rare' (if there are
    rarer ones), which only helps to learn: it decodes to one of the values that may be emitted.

    ``weights`` (values,): share of each value, by which 'rare' and unseen codes are drawn.
    """

    def __init__(
        self, spec: ColumnSpec, values: pa.Array, weights: np.ndarray, has_null: bool, has_rare: bool, only_null: bool
    ) -> None:
        self.spec, self.values, self.weights = spec, values, weights
        self.has_null, self.has_rare, self.only_null = has_null, has_rare, only_null
        self.listed = values if not only_null else values[:0]

    @staticmethod
    def fit(values: pa.Array, spec: ColumnSpec, *, k: int, seed: int) -> CategoryCodec:
        """Raises NoCategories where no value may be emitted though some were seen."""
        arrow = arrow_type(spec.type) if spec.type is not None else values.type
        values = values.cast(arrow)
        allowed = _as_array(spec.allowed, arrow)
        counted = pc.value_counts(values.drop_null())
        seen, counts = counted.field("values"), counted.field("counts").to_numpy(zero_copy_only=False)
        order = np.lexsort((pc.rank(seen).to_numpy(zero_copy_only=False), -counts)) if len(seen) else np.zeros(0, int)
        seen, counts = seen.take(pa.array(order)), counts[order]
        if allowed is not None:
            emitted = pc.is_in(seen, value_set=allowed).to_numpy(zero_copy_only=False)
        else:
            emitted = counts >= (1 if spec.reference else k)
        has_null = values.null_count > 0
        kept, share = seen.filter(pa.array(emitted)), counts[emitted].astype(np.float64)
        rare = bool((~emitted).any())
        if not len(kept):
            kept, share = _stand_ins(allowed, arrow, spec, bool(len(seen)), has_null)
            return CategoryCodec(spec, kept, share, has_null, rare, True)
        return CategoryCodec(spec, kept, share / share.sum(), has_null, rare, False)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return (max(1, int(self.has_null) + len(self.listed) + int(self.has_rare)),)

    @property
    def scales(self) -> tuple[np.ndarray | None, ...]:
        return (None,)

    def encode(self, values: pa.Array) -> np.ndarray:
        at = pc.index_in(values.cast(self.values.type), value_set=self.listed).fill_null(-1)
        codes = at.to_numpy(zero_copy_only=False).astype(np.int32)
        first = int(self.has_null)
        unseen = first + len(self.listed) if self.has_rare else first
        codes = np.where(codes < 0, unseen, codes + first)
        null = pc.is_null(values).to_numpy(zero_copy_only=False)
        codes = np.where(null, 0 if self.has_null else unseen, codes)
        return np.minimum(codes, self.cardinalities[0] - 1).astype(np.int32)[:, None]

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        u = rng.random(len(codes))
        at = codes[:, 0].astype(np.int64) - int(self.has_null)
        drawn = (
            np.searchsorted(np.cumsum(self.weights), u * self.weights.sum(), side="right") if len(self.weights) else 0
        )
        at = np.where(at >= len(self.listed), np.minimum(drawn, max(len(self.values) - 1, 0)), at)
        null = (codes[:, 0] == 0) if self.has_null else np.zeros(len(codes), bool)
        if not len(self.values):
            null = np.ones(len(codes), bool)
        return self.values.take(pa.array(np.maximum(at, 0), mask=null))

    def state(self) -> State:
        config = {
            "arrow": units.arrow_name(self.values.type),
            "values": [None if v is None else str(v) for v in self.values.cast(pa.string()).to_pylist()],
            "has_null": self.has_null,
            "has_rare": self.has_rare,
            "only_null": self.only_null,
        }
        return State(config, {"weights": self.weights})

    @staticmethod
    def restore(state: State, spec: ColumnSpec) -> CategoryCodec:
        c = state.config
        values = pa.array(c["values"], pa.string()).cast(units.arrow_named(c["arrow"]))
        return CategoryCodec(
            spec, values, np.asarray(state.arrays["weights"]), c["has_null"], c["has_rare"], c["only_null"]
        )


def _as_array(allowed: tuple[Any, ...] | None, arrow: pa.DataType) -> pa.Array | None:
    if not allowed:
        return None
    try:
        return pa.array([v for v in allowed if v is not None], arrow)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # 1 for a text column, '1' for a whole number
        return pa.array([str(v) for v in allowed if v is not None], pa.string()).cast(arrow)


def _stand_ins(
    allowed: pa.Array | None, arrow: pa.DataType, spec: ColumnSpec, seen: bool, has_null: bool
) -> tuple[pa.Array, np.ndarray]:
    """What a column without a value that may be emitted decodes to where it is not null."""
    if allowed is not None and len(allowed):
        return allowed, np.full(len(allowed), 1.0 / len(allowed))
    if pa.types.is_boolean(arrow):
        return pa.array([False, True]), np.array([0.5, 0.5])
    if seen:
        raise NoCategories(
            f"no value of column {spec.name} is seen often enough to be emitted",
            hint="generate its values (kind presence) instead",
        )
    return pa.array([], arrow), np.zeros(0)
