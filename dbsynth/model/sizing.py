"""Sizes and rates of the network, from what a table is like. Measured on real tables; see benchmarks/RESULTS.md."""

from __future__ import annotations

import math

from dbsynth.model.base import TrainingData
from dbsynth.model.network import Shape


def embedding_width(cardinality: int) -> int:
    return int(min(24, max(2, round(2.0 * cardinality**0.45))))


def group_width(rows: int, columns: int) -> int:
    """Hidden units a column."""
    if columns > 64:
        return 16 if columns > 256 else 32
    return 64


def encoder_width(context_columns: int) -> int:
    return 0 if context_columns == 0 else 64


def shape_of(data: TrainingData) -> Shape:
    columns, context = len(data.cardinalities), len(data.context_cardinalities)
    return Shape(
        data.cardinalities,
        data.context_cardinalities,
        tuple(map(embedding_width, data.cardinalities)),
        tuple(map(embedding_width, data.context_cardinalities)),
        group_width(len(data.codes), columns),
        encoder_width(context),
    )


def batch_size(rows: int) -> int:
    """At least 16 steps an epoch; large batches use the processor better."""
    return int(min(512, max(16, 2 ** math.floor(math.log2(max(rows, 1) / 16 + 1)))))


def learning_rate(batch: int) -> float:
    return 0.003 * math.sqrt(batch / 256)


def most_steps(rows: int, batch: int) -> int:
    """More epochs than this only teach rows by heart."""
    return max(50, math.ceil(100 * rows / batch))


def input_dropout(rows: int) -> float:
    return 0.1 if rows < 5000 else 0.0


def weight_decay(rows: int) -> float:
    return 0.05 if rows < 5000 else 0.01


def recommended_flops(data: TrainingData) -> float:
    """A good fidelity for the time: 20 epochs of a small table, fewer of a large one."""
    return 1e12
