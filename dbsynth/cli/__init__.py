"""The command line: verbs and their options. What they need is imported when they run, so that --help is quick."""

from dbsynth.cli import dbt, models, service, source, trust  # each adds its verbs to ``main``
from dbsynth.cli.root import main

__all__ = ["dbt", "main", "models", "service", "source", "trust"]
