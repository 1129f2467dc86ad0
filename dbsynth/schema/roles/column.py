"""What is known of a column's meaning, and how sure and why."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from dbsynth.codec.base import Kind
from dbsynth.errors import ConfigError
from dbsynth.schema.roles.catalog import CATALOG, DIRECT, PERSONAL, ROLES, On

_TYPES: dict[On, str] = {
    "text": "text", "number": "numbers", "moment": "dates or times", "flag": "booleans", "uuid": "UUIDs",
    "structured": "structured values",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnRole:
    """``kind``: how the column is coded (``dbsynth.codec.base.Kind``). ``confidence`` 0..1 of ``role``. ``on``: what
    the column's type holds."""

    role: str
    personal: bool
    confidence: float
    evidence: str
    kind: Kind
    on: On = "text"

    def with_role(self, role: str, where: str = "") -> ColumnRole:
        """The role that the user declared; ConfigError for one that does not exist or is of another type. ``where``:
        the column, for the message."""
        place = f"{where}: " if where else ""
        if role not in ROLES:
            near = difflib.get_close_matches(role.lower(), ROLES, 1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(f"{place}there is no role {role!r}", hint=meant + "roles: " + ", ".join(sorted(ROLES)))
        known = CATALOG[role]
        if self.on not in known.on:
            fitting = ", ".join(sorted(r for r in ROLES if self.on in CATALOG[r].on))
            raise ConfigError(
                f"{place}the role {role!r} is for {' or '.join(_TYPES[on] for on in known.on)}, the column holds "
                f"{_TYPES[self.on]}",
                hint=f"roles for it: {fitting}",
            )
        return replace(
            self, role=role, personal=role in PERSONAL, confidence=1.0, evidence="declared", kind=self._kind(role)
        )

    def _kind(self, role: str) -> Kind:
        if role == self.role:
            return self.kind
        match self.on:
            case "flag":
                return "category"
            case "moment":
                return "moment"
            case "number":
                return "presence" if role in DIRECT else "number"
            case "text" if role in ("category", "flag", "sex"):
                return "category"
            case "text" if self.kind == "category" and role not in DIRECT | PROSE:
                return "category"
            case "structured" if role == "category":
                return "category"
            case _:
                return "presence"


PROSE = frozenset(["text", "html", "markdown", "source_code", "json", "xml", "label", "code"])
"""Roles that say: made anew, though few different values are seen."""
