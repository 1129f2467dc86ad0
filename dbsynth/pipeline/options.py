"""What a user asks of a clone, checked and resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.engine import URL

from dbsynth.limits import MAX_BYTES
from dbsynth.model.base import Device
from dbsynth.relation.facts import NO_WISHES, FactWishes
from dbsynth.schema.virtual import VirtualKey

Effort = Literal["quick", "standard", "thorough"]


@dataclass(frozen=True)
class CloneOptions:
    """``source_schemas`` None: every user schema. ``target_schema`` None: the source's schema names are kept.
    ``overrides``: the ``[tables.*]`` sections of the configuration. ``seed``: of the fit, and of the rows too unless
    ``sample_seed`` says another. ``target_url`` None: nothing is written. The URLs print without passwords."""

    source_url: URL
    target_url: URL | None = None
    source_schemas: tuple[str, ...] | None = None
    target_schema: str | None = None
    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    scale: float = 1.0
    rows: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None
    sample_seed: int | None = None
    sample_rows: int = 100_000
    effort: Effort = "standard"
    train_minutes: float | None = None
    """Of wall-clock time for training, instead of ``effort``: the result then depends on the machine."""
    device: Device = "cpu"
    strategy: str | None = None
    """For tables that the configuration names none for; None: the default."""
    workers: int | None = None
    keep: tuple[str, ...] = ()
    keep_none: bool = False
    replace: bool = False
    privacy_k: int = 5
    dp_epsilon: float | None = None
    """The budget of differential privacy for all that is learned; None: none is asked for."""
    dp_delta: float | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    virtual_keys: tuple[VirtualKey, ...] = ()
    """Keys that the configuration declares because the database does not."""
    facts: FactWishes = NO_WISHES
    max_bytes: int = MAX_BYTES
    """Where reading is billed by the byte: refuse to read more."""
