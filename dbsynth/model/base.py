"""The strategy protocol of the training core: a model learns the joint distribution of code columns given a context.

Strategies register under the entry-point group ``dbsynth.models``. They see only codes (see ``dbsynth.codec``), never
values, and so hold no row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from dbsynth.codec.base import State
from dbsynth.model.settings import Allowed


@dataclass(frozen=True)
class TrainingData:
    """``codes`` int32 (rows, columns) with ``cardinalities``; ``context`` int32 (rows, context columns) with
    ``context_cardinalities`` (both may have no column); ``groups`` int64 (rows,): rows of one group (children of one
    parent) fall into the same part of the train/held-out split. ``scales``: per code column None (its codes have no
    order) or float64 (cardinality,), the number each code stands for, NaN where it stands for none (null);
    ``context_ordered``: whether the codes of a context column have one. () where nothing is known of them."""

    codes: np.ndarray
    cardinalities: tuple[int, ...]
    context: np.ndarray
    context_cardinalities: tuple[int, ...]
    groups: np.ndarray
    scales: tuple[np.ndarray | None, ...] = ()
    context_ordered: tuple[bool, ...] = ()


Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Budget:
    """How much work training may do: floating-point operations, not seconds, so that results do not depend on how
    busy the machine is. ``seconds``: of wall-clock time instead, where the user asked for that. ``overrides`` come from
    [tables.<name>.training]."""

    flops: float
    overrides: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    device: Device = "cpu"


class Checkpoint(Protocol):
    """Where a training puts what it needs to go on after a kill. What is read must be what was last written whole."""

    def read(self) -> State | None:
        """None where nothing was written."""

    def write(self, state: State) -> None:
        """Replaces what was written before, at once or not at all."""


@dataclass(frozen=True)
class FitReport:
    """``fidelity`` 0..1 on held-out rows (mean of column shapes and pair trends; None where too few rows)."""

    strategy: str
    fidelity: float | None
    steps: int
    epochs: float
    flops: float
    stopped: str
    warnings: tuple[str, ...] = ()


class FittedModel(Protocol):
    report: FitReport

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """Codes int32 (rows, columns) for int32 ``context`` (rows, context columns).

        ``given`` int32 (rows, columns): a code >= 0 is kept, -1 is drawn; columns are drawn in order 0, 1, ..., each
        conditioned on all before it. ``allowed``: per column None or a bool array (cardinality,) of drawable codes.
        The result depends on rng, context and given only; rows may depend on each other as numbers drawn without
        replacement do, so that shares come out as they were learned.
        """

    def state(self) -> State: ...


class Strategy(Protocol):
    name: str
    settings: Allowed
    """What ``budget.overrides`` may hold: checked before anything is trained."""

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        """Never returns a model with NaN weights or collapsed output. ``progress`` gets the share done, 0..1.

        With a ``checkpoint`` that holds the state of an interrupted call with the same arguments, the result is
        byte for byte that of a call that was not interrupted."""

    def restore(self, state: State, report: FitReport) -> FittedModel: ...
