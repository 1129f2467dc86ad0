"""What a target says of where it comes from, in the comment on its schema: by which run of which model, and what was
appended since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbsynth.dialect import RunInfo

MARKER = "dbsynth"
LONGEST_HISTORY = 50
"""So many appends are told one by one, the last ones; all are counted."""


@dataclass(frozen=True)
class Provenance:
    """``facts``: as they are written."""

    facts: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The beginning of the digest of the model's files; "" for none that was saved."""
        return str(self.facts.get("model") or "")

    @property
    def appends(self) -> int:
        return int(self.facts.get("appends") or 0)

    def appended(self, run: RunInfo, rows: int) -> str:
        """The mark of the target when ``run`` has appended ``rows`` rows to it."""
        told = {"run": run.run_id, "seed": run.seed, "version": run.version, "rows": rows, **run.details}
        history = [*(self.facts.get("appended") or []), told][-LONGEST_HISTORY:]
        return json.dumps({MARKER: {**self.facts, "appends": self.appends + 1, "appended": history}}, default=str)


def origin_of(mark: str | None) -> Provenance | None:
    """None for a mark that is not of dbsynth."""
    try:
        facts = json.loads(mark or "")[MARKER]
    except (ValueError, KeyError, TypeError):
        return None
    return Provenance(facts) if isinstance(facts, dict) else None
