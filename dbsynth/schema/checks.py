"""CHECK constraints: parsed, evaluated, and what they imply. The public names of ``predicate``, ``implied``,
``proof`` and ``validate``."""

from dbsynth.schema.implied import Computed, Implied, Ordered, implications
from dbsynth.schema.predicate import ParsedCheck, parse_check, parse_checks
from dbsynth.schema.proof import contradiction
from dbsynth.schema.validate import CheckReport, validate_check

__all__ = [
    "CheckReport",
    "Computed",
    "Implied",
    "Ordered",
    "ParsedCheck",
    "contradiction",
    "implications",
    "parse_check",
    "parse_checks",
    "validate_check",
]
