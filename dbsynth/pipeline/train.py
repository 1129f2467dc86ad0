"""From codes to a model: the context of each row is joined, and the strategy fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dbsynth.model.base import Budget, Checkpoint, Device, FittedModel, TrainingData
from dbsynth.model.clock import Clock
from dbsynth.model.registry import load_strategy
from dbsynth.model.sizing import recommended_flops
from dbsynth.pipeline.draft import shown
from dbsynth.pipeline.plan import TablePlan, degree_column
from dbsynth.pipeline.prepare import Encoded, Prepared
from dbsynth.privacy.budget import TableNoise
from dbsynth.relation.context import Above, context_codes, context_order
from dbsynth.relation.keys import row_index
from dbsynth.rng import derive


@dataclass
class Ancestor:
    """A prepared ancestor, reduced to what its descendants see."""

    plan: TablePlan
    cardinalities: tuple[int, ...]
    ordered: tuple[bool, ...]
    encoded: Encoded

    @classmethod
    def of(cls, prepared: Prepared, child: TablePlan) -> Ancestor:
        """``prepared`` as the context parent of ``child``: of its rows, those that the child's sample needs."""
        assert child.context is not None
        extra = prepared.extra.get(degree_column(child.name, child.context.key))
        encoded, columns = extra or prepared.encoded, shown(prepared.codec, prepared.steps)
        scales, cardinalities = prepared.codec.scales, prepared.codec.cardinalities
        return cls(
            prepared.plan,
            tuple(cardinalities[j] for j in columns),
            tuple(scales[j] is not None for j in columns),
            replace(encoded, codes=encoded.codes[:, columns]),
        )

    def above(self) -> Above:
        kept = self.plan.kept.count if self.plan.kept else 0
        return Above(self.encoded.codes, self.cardinalities, self.encoded.kept, kept, self.ordered)


def training_data(prepared: Prepared, ancestors: list[Ancestor]) -> TrainingData:
    """``ancestors``: the context parent, then its own context parent (as far as there is one)."""
    generations: list[tuple[Above, np.ndarray]] = []
    at = np.arange(len(prepared.encoded.codes))
    own, plan = prepared.encoded, prepared.plan
    for ancestor in ancestors:
        assert plan.context is not None
        key = plan.context.key
        step = row_index([own.context[c] for c in key.columns], [ancestor.encoded.keys[c] for c in key.ref_columns])
        at = np.where(at >= 0, step[at], -1)
        generations.append((ancestor.above(), at))
        own, plan = ancestor.encoded, ancestor.plan
    position = prepared.position if ancestors else None
    context, sizes = context_codes(len(prepared.encoded.codes), generations, position)
    ordered = context_order(generations, position is not None)
    if prepared.siblings is not None:
        context = np.concatenate([context, prepared.state], axis=1)
        sizes, ordered = sizes + prepared.siblings.sizes, ordered + prepared.siblings.order
    return TrainingData(
        codes=prepared.encoded.codes,
        cardinalities=prepared.codec.cardinalities,
        context=context,
        context_cardinalities=sizes,
        groups=prepared.groups,
        scales=prepared.codec.scales,
        context_ordered=ordered,
    )


def train_privately(
    prepared: Prepared, noise: TableNoise, *, seed: int, secret: int, progress: Callable[[float], None]
) -> FittedModel:
    from dbsynth.privacy.model import fit

    assert prepared.public is not None
    secret = derive(secret, str(prepared.plan.name))
    data, own = training_data(prepared, []), derive(seed, "model")
    return fit(data, prepared.public, noise, prepared.plan.training, seed=own, secret=secret, progress=progress)


def train(
    prepared: Prepared,
    ancestors: list[Ancestor],
    *,
    seed: int,
    effort: float,
    seconds: float | None = None,
    device: Device = "cpu",
    progress: Callable[[float], None] = lambda share: None,
    checkpoint: Checkpoint | None = None,
) -> FittedModel:
    """``seconds``: of wall-clock time, instead of the work that ``effort`` stands for."""
    clock = Clock(seconds)
    data = training_data(prepared, ancestors)
    chosen = load_strategy(prepared.plan.strategy)
    flops = effort * recommended_flops(data)
    budget = Budget(flops, dict(prepared.plan.training), clock.limit(), device)
    return chosen.fit(data, seed=derive(seed, "model"), budget=budget, progress=progress, checkpoint=checkpoint)
