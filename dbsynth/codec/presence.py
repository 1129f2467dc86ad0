"""Kinds presence (null or not) and code (already a code)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.codec.base import ColumnSpec, State


class PresenceCodec:
    """Codes: 0 null, 1 present. Decodes to bool, True = present."""

    cardinalities = (2,)
    scales: tuple[np.ndarray | None, ...] = (None,)

    def __init__(self, spec: ColumnSpec) -> None:
        self.spec = spec

    @staticmethod
    def fit(values: pa.Array, spec: ColumnSpec, *, k: int, seed: int) -> PresenceCodec:
        return PresenceCodec(spec)

    def encode(self, values: pa.Array) -> np.ndarray:
        return np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False), np.int32)[:, None]

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        return pa.array(codes[:, 0] == 1)

    def state(self) -> State:
        return State({})

    @staticmethod
    def restore(state: State, spec: ColumnSpec) -> PresenceCodec:
        return PresenceCodec(spec)


class CodeCodec:
    """Codes pass through; one outside 0..cardinality-1 becomes the nearest."""

    scales: tuple[np.ndarray | None, ...] = (None,)

    def __init__(self, spec: ColumnSpec, cardinality: int) -> None:
        self.spec, self.cardinality = spec, cardinality

    @staticmethod
    def fit(values: pa.Array, spec: ColumnSpec, *, k: int, seed: int) -> CodeCodec:
        """``spec.cardinality``, or where it is None the largest code + 1."""
        largest = pc.max(values).as_py() if len(values) else None
        return CodeCodec(spec, max(1, spec.cardinality or (largest or 0) + 1))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return (self.cardinality,)

    def encode(self, values: pa.Array) -> np.ndarray:
        codes = values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return np.asarray(np.clip(codes, 0, self.cardinality - 1), np.int32)[:, None]

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        return pa.array(codes[:, 0].astype(np.int64))

    def state(self) -> State:
        return State({"cardinality": self.cardinality})

    @staticmethod
    def restore(state: State, spec: ColumnSpec) -> CodeCodec:
        return CodeCodec(spec, int(state.config["cardinality"]))
