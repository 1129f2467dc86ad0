"""Sizes and rates of the network, from what a table is like. Measured on real tables; see benchmarks/RESULTS.md."""

from __future__ import annotations

import math

import numpy as np

from dbsynth.model.base import TrainingData
from dbsynth.model.levels import classes_of
from dbsynth.model.network import Shape, flops_per_row
from dbsynth.model.pace import rows_to_see


def embedding_width(cardinality: int) -> int:
    return int(min(16, max(2, round(2.0 * cardinality**0.45))))


def group_width(rows: int, columns: int) -> int:
    """Hidden units a column."""
    if columns > 64:
        return 16 if columns > 256 else 32
    return 64


def encoder_width(context_columns: int) -> int:
    return 0 if context_columns == 0 else 64


def shape_of(data: TrainingData) -> Shape:
    codes = data.codes
    columns, context = len(data.cardinalities), len(data.context_cardinalities)
    return Shape(
        data.cardinalities,
        data.context_cardinalities,
        tuple(map(embedding_width, data.cardinalities)),
        tuple(map(embedding_width, data.context_cardinalities)),
        group_width(len(data.codes), columns),
        encoder_width(context),
        tuple(classes_of(np.bincount(codes[:, j], minlength=size) + 0.5) for j, size in enumerate(data.cardinalities)),
        tuple(scale is not None for scale in data.scales or [None] * columns),
        data.context_ordered or (False,) * context,
    )


def batch_size(rows: int) -> int:
    """About 32 steps an epoch, within what the processor does well."""
    return int(min(256, max(16, 2 ** round(math.log2(max(rows, 1) / 32 + 1)))))


def learning_rate(batch: int) -> float:
    """High, with a short schedule: in the few epochs that time allows this learns most, and by heart least."""
    return 0.02 * math.sqrt(batch / 256)


def most_steps(rows: int, batch: int) -> int:
    """More epochs than this only teach rows by heart."""
    return max(50, math.ceil(40 * rows / batch))


def evaluations(columns: int) -> int:
    """How often held-out rows are asked: where there are many columns that costs more than the steps in between."""
    return 16 if columns <= 256 else 6


def input_dropout(rows: int) -> float:
    return 0.1 if rows < 5000 else 0.0


def weight_decay(rows: int) -> float:
    """Less where there is more to learn from. With less still, made rows lie nearer to those learned than to others."""
    return float(np.clip(10_000 / max(rows, 1), 0.1, 1.0))


def recommended_flops(data: TrainingData) -> float:
    """What pays: beyond, twice the work improves held-out fidelity by less than a hundredth."""
    return flops_per_row(shape_of(data)) * rows_to_see(len(data.codes))
