"""A figure before it has a ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbsynth.quality.figures import Figure


@dataclass(frozen=True)
class Dependence:
    """How strongly something depends on something else. ``real``: on the real side, less what chance adds; ``common``:
    its counterpart between the two sides, or on the made one. ``noise``: standard deviations of both, were there no
    dependence."""

    real: float
    common: float
    noise: tuple[float, float]

    def __add__(self, other: Dependence) -> Dependence:
        noise = tuple(float(np.hypot(a, b)) for a, b in zip(self.noise, other.noise, strict=True))
        return Dependence(self.real + other.real, self.common + other.common, (noise[0], noise[1]))

    @property
    def kept(self) -> float:
        """0..1: how much of it the made rows have too, in the same direction."""
        return float(np.clip(self.common / self.real, 0.0, 1.0)) if self.real > 0 else 1.0

    def certain(self, deviations: float) -> bool:
        return self.real > deviations * self.noise[0]

    def found(self, deviations: float) -> bool:
        """Whether the made rows have any of it, beyond chance."""
        return self.common > deviations * self.noise[1]


@dataclass(frozen=True)
class Measured:
    """``columns`` it is about; ``facet``: what of their values, if not these themselves."""

    name: str
    columns: tuple[str, ...]
    value: float
    facet: str = ""
    dependence: Dependence | None = None
    says: str = ""
    rows: tuple[int, int] | None = None
    """That have a value, where it is about values."""


@dataclass(frozen=True)
class Result:
    """A figure, and what it was made from."""

    figure: Figure
    measured: Measured
