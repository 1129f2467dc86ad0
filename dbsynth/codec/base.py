"""Column ↔ codes. A codec turns each value of a column into one or more small integers (codes) that the model learns,
and codes back into values that the column's type, length, precision, domain and CHECK bounds accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from sqlalchemy.types import TypeEngine

Kind = Literal["number", "moment", "category", "presence", "code"]
"""number: integers, decimals, floats · moment: dates, timestamps, times, intervals · category: a limited set of values
(text, enum, boolean) · presence: only null or not is modelled, the value comes from ``dbsynth.values`` · code: the
column already holds codes 0..cardinality-1 (int64; relations use it)"""


@dataclass(frozen=True)
class ColumnSpec:
    """How one column is to be coded.

    ``low``/``high``: inclusive bounds that CHECKs and domains imply (numbers as float, moments as int64 in the Arrow
    unit), None if open. ``allowed``: the only values a category may take (enum labels, IN lists), None if open.
    ``max_length``: of text. ``cardinality``: of kind "code". ``reference``: every value may be emitted however rare
    (it stands in a kept lookup table, or the catalog itself declares it).
    """

    name: str
    type: TypeEngine[Any] | None
    kind: Kind
    nullable: bool = True
    low: float | int | None = None
    high: float | int | None = None
    allowed: tuple[Any, ...] | None = None
    max_length: int | None = None
    cardinality: int | None = None
    reference: bool = False


@dataclass(frozen=True)
class State:
    """What a fitted object needs to come back: JSON-able ``config`` and named ``arrays`` (saved as safetensors)."""

    config: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


class ColumnCodec(Protocol):
    spec: ColumnSpec

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each code column; its length is the codec's width."""

    @property
    def scales(self) -> tuple[np.ndarray | None, ...]:
        """Per code column None (its codes have no order) or float64 (cardinality,): the number each code stands for,
        NaN where it stands for none."""

    def encode(self, values: pa.Array) -> np.ndarray:
        """int32 (rows, width). Never raises on a value of the column's type: unseen ones map to the nearest code."""

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """Values for int32 (rows, width), of ``arrow_type(spec.type)`` (kind presence: bool, True = not null)."""

    def state(self) -> State: ...
