"""What is asked of the training, checked before anything is read."""

from __future__ import annotations

from dbsynth.errors import ConfigError, UsageError
from dbsynth.model.device import check_device
from dbsynth.model.registry import check_strategy, load_strategy
from dbsynth.model.settings import check
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import DEFAULT_STRATEGY


def check_training(options: CloneOptions) -> None:
    """Raises UsageError for a strategy that is not installed and a device that is not there, ConfigError for a section
    ``[tables.*]`` whose strategy has no such setting or does not take such a value. Strategies are loaded (and torch
    with them) only where a section sets something."""
    if options.strategy is not None:
        check_strategy(options.strategy)
    check_device(options.device)
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
