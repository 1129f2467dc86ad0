"""What is asked of the training, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbsynth.errors import ConfigError, UsageError
from dbsynth.model.device import check_device
from dbsynth.model.registry import check_strategy, load_strategy
from dbsynth.model.settings import PRIVATE, check
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import DEFAULT_STRATEGY, PRIVATE_STRATEGY
from dbsynth.privacy.budget import LEAST_EPSILON, MOST_DELTA, MOST_EPSILON, PRIVATE_STRATEGIES, epsilon_of


def check_training(options: CloneOptions, checkpoint: Path | None = None) -> None:
    """Raises UsageError for a strategy that is not installed and a device that is not there, ConfigError for a section
    ``[tables.*]`` whose strategy has no such setting or does not take such a value. Strategies are loaded (and torch
    with them) only where a section sets something."""
    if options.strategy is not None:
        check_strategy(options.strategy)
    check_device(options.device)
    if options.dp_epsilon is not None or options.dp_delta is not None:
        check_private(options)
    if options.dp_epsilon is not None and checkpoint is not None:
        raise UsageError(
            "a checkpoint does not go with differential privacy: a fit that goes on elsewhere pays anew",
            hint="leave out --checkpoint",
        )
    for table, section in options.overrides.items():
        where = f'dbsynth.toml: [tables."{table}"]'
        try:
            if section.get("strategy"):
                check_strategy(section["strategy"])
            if training := section.get("training"):
                strategy = section.get("strategy") or options.strategy or DEFAULT_STRATEGY
                check(strategy, load_strategy(strategy).settings, training)
                check_device(str(training.get("device")), "device = 'cuda'")
        except UsageError as error:
            raise ConfigError(f"{where}: {error}", hint=error.hint) from error


def check_private(options: CloneOptions) -> None:
    """Raises UsageError for what differential privacy cannot account for, and where what it needs is not installed."""
    epsilon, delta = options.dp_epsilon, options.dp_delta
    if epsilon is None:
        raise UsageError("--dp-delta without --dp-epsilon", hint="say how much may be spent: --dp-epsilon 3")
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise UsageError(
            f"--dp-epsilon {epsilon:g}: not in {LEAST_EPSILON:g}..{MOST_EPSILON:g}",
            hint="1 to 3 is usual; the smaller, the more is hidden, and the less is learned",
        )
    if delta is not None and not 0.0 < delta < MOST_DELTA:
        raise UsageError(
            f"--dp-delta {delta:g}: not above 0 and below {MOST_DELTA:g}",
            hint="far below one in the number of rows; leave it out: it is told by the largest table",
        )
    if options.train_minutes is not None:
        raise UsageError(
            "--train-minutes does not go with --dp-epsilon: how many steps are paid for is fixed beforehand",
            hint="use --effort",
        )
    if options.device == "cuda":
        raise UsageError("--dp-epsilon trains on the processor only", hint="leave out --device")
    named: list[tuple[str, str | None, Mapping[str, Any]]] = [("--strategy", options.strategy, {})]
    named += [
        (f'dbsynth.toml: [tables."{table}"] strategy', section.get("strategy"), section.get("training") or {})
        for table, section in options.overrides.items()
    ]
    for where, strategy, training in named:
        if strategy is not None and strategy not in PRIVATE_STRATEGIES:
            raise UsageError(
                f"{where} {strategy}: it cannot be trained with differential privacy",
                hint=f"one of {', '.join(PRIVATE_STRATEGIES)}, or leave it out",
            )
        check(f"{PRIVATE_STRATEGY}, with differential privacy", PRIVATE, training, where)
    epsilon_of([(1.0, 1.0, 1)], 1e-5)  # the accountant is installed
