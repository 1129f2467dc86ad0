"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def count(n: int) -> str:
    return f"{n:,}"


def counted(n: int, noun: str) -> str:
    """``1 table``, ``2 tables``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def seeds(seed: int | str, sample_seed: int | None) -> str:
    """``7``, or ``7, of the rows 9`` where rows have a seed of their own."""
    return str(seed) if sample_seed is None or sample_seed == seed else f"{seed}, of the rows {sample_seed}"


def size(n: int) -> str:
    value = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def left(seconds: float) -> str:
    """An estimate: no tenths."""
    whole = max(1, round(seconds))
    return f"{whole} s left" if whole < 60 else f"{duration(whole)} left"


def rate(per_second: float) -> str:
    if per_second >= 10_000:
        return f"{per_second / 1000:,.0f}k rows/s"
    return f"{per_second:,.0f} rows/s"


def privacy(told: Mapping[str, Any]) -> str:
    """``told``: see ``dbsynth.privacy.budget.PrivateTraining.describe``."""
    spent = f"ε = {told['epsilon_spent']:.3g} of {told['epsilon']:g} spent at δ = {told['delta']:.0e}"
    return f"differential privacy: {spent}, accountant {told['accountant']}; the unit is {told['unit']}"
