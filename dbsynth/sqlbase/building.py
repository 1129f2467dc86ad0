"""Schemas that a run builds beside its target: their names, the marks on them, and which of them are dead."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from dbsynth.dialect import RunInfo

BUILDING = "__dbsynth_building_"
OLD = "__dbsynth_old_"
MARKER = "dbsynth"


def scratch_name(target: str, run_id: str, longest: int, kind: str = BUILDING) -> str:
    """The name of a schema beside ``target``, unique to the run even where it has to be cut."""
    name = f"{target}{kind}{run_id}"
    if len(name.encode()) <= longest:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
    room = longest - len(kind) - len(digest)
    return f"{target.encode()[:room].decode(errors='ignore')}{kind}{digest}"


def is_scratch(name: str) -> bool:
    folded = name.lower()
    return BUILDING in folded or OLD in folded


def target_mark(run: RunInfo) -> str:
    """What says later that dbsynth made the schema, and from what."""
    made = {"version": run.version, "run": run.run_id, "seed": run.seed, "source": run.source, **run.details}
    return json.dumps({MARKER: made}, default=str)


def is_ours(mark: str | None) -> bool:
    try:
        return isinstance(json.loads(mark or ""), dict) and MARKER in json.loads(mark or "")
    except ValueError:
        return False


@dataclass(frozen=True)
class Builder:
    """The process that builds a schema. There are no session locks to ask: a schema is dead if its process, on this
    machine, is gone."""

    run: str
    target: str
    host: str
    pid: int
    started: float

    @classmethod
    def here(cls, run: RunInfo, target: str) -> Builder:
        return cls(run.run_id, target, socket.gethostname(), os.getpid(), _started(os.getpid()) or 0.0)

    def mark(self, target: str | None = None) -> str:
        """``target``: the mark of the schema that this one is to become, or was, if it is one of dbsynth's."""
        became = json.loads(target) if target is not None and is_ours(target) else {}
        return json.dumps({**became, "dbsynth_building": self.__dict__})

    @classmethod
    def of(cls, mark: str | None) -> Builder | None:
        try:
            found = json.loads(mark or "")["dbsynth_building"]
            return cls(**found)
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def local(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether the process is there still (of another machine: nobody can tell, so yes)."""
        if not self.local:
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        began = _started(self.pid)
        return began is None or abs(began - self.started) < 1.0


def _started(pid: int) -> float | None:
    """When a process began, in clock ticks since boot: tells it from a later one with its number. None where the system
    does not say (no /proc)."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    return float(stat.read_text().rpartition(")")[2].split()[19])
