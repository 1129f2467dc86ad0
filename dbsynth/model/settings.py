"""What ``[tables.<name>.training]`` may set, by strategy: names, types and bounds, so that a slip is told before
anything is trained. Imported by the parent process too, so it must not import torch."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbsynth.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """A number in ``low``..``high``, a whole one if ``whole``, not ``low`` itself if ``above``; or one of
    ``choices``."""

    low: float = 0.0
    high: float = math.inf
    whole: bool = False
    above: bool = False
    choices: tuple[str, ...] = ()

    def allows(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.low <= value <= self.high and math.isfinite(value) and not (self.above and value == self.low)

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        kind = "a whole number" if self.whole else "a number"
        begin = f"above {self.low:g}" if self.above else f"from {self.low:g} on"
        return f"{kind} {begin}" if self.high == math.inf else f"{kind} {begin}, at most {self.high:g}"


Allowed = Mapping[str, Setting]

DEVICE = Setting(choices=("auto", "cpu", "cuda"))
COUNT = Setting(low=1, whole=True)
RATE = Setting(above=True)
NETWORK: Allowed = {
    "group": Setting(low=1, high=4096, whole=True),
    "batch": COUNT,
    "rate": RATE,
    "drop": Setting(high=0.9),
    "decay": Setting(),
    "steps": COUNT,
    "device": DEVICE,
}
WITH_CRITIC: Allowed = {**NETWORK, "critic": Setting(whole=True, high=100)}
EPOCHS: Allowed = {"epochs": COUNT, "batch": COUNT, "rate": RATE, "device": DEVICE}
PACKED: Allowed = {**EPOCHS, "pac": COUNT}
PRIVATE: Allowed = {n: NETWORK[n] for n in ("group", "rate", "steps")}
"""What differential privacy can account for."""
NONE: Allowed = {}


def check(strategy: str, known: Allowed, given: Mapping[str, Any], where: str = "training") -> None:
    """Raises ConfigError that tells all that is wrong with ``given``. ``where``: what the message calls it."""
    wrong, hints = [], []
    for name, value in given.items():
        if name not in known:
            wrong.append(f"unknown setting {name} of the strategy {strategy}")
            near = difflib.get_close_matches(name, known, 1)
            hints.append(f"did you mean {near[0]!r}?" if near else _known(strategy, known))
        elif not known[name].allows(value):
            wrong.append(f"{name} = {value!r} is not {known[name]}")
    if wrong:
        hint = " ".join(dict.fromkeys(hints)) or "leave out what need not be set"
        raise ConfigError(f"{where}: {'; '.join(wrong)}", hint=hint)


def _known(strategy: str, known: Allowed) -> str:
    return f"known: {', '.join(known)}" if known else f"{strategy} has no settings"
