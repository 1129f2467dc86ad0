"""CHECK constraints: parsed, evaluated, and what they imply. The public names of ``predicate`` and ``implied``."""

from dbsynth.schema.implied import Computed, Implied, Ordered, contradiction, implications
from dbsynth.schema.predicate import ParsedCheck, parse_check, parse_checks

__all__ = [
    "Computed",
    "Implied",
    "Ordered",
    "ParsedCheck",
    "contradiction",
    "implications",
    "parse_check",
    "parse_checks",
]
