"""Which dialects are installed, and what each database does with constraints."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from dbsynth.console.output import bullet, cells, grid, heading
from dbsynth.dialect import installed, load_dialect
from dbsynth.errors import UsageError


def describe() -> list[dict[str, Any]]:
    """Each installed dialect; ``problem`` says why one cannot be used."""
    return [_described(name, module) for name, module in installed().items()]


def _described(name: str, module: str) -> dict[str, Any]:
    try:
        capabilities = load_dialect(name).capabilities
    except UsageError as error:
        return {"name": name, "from": module, "problem": f"{error.message}: {error.hint}", "constraints": {}}
    return {
        "name": name,
        "from": module,
        "problem": None,
        "constraints": {kind: support.value for kind, support in capabilities.constraints.items()},
        "atomic_publish": capabilities.atomic_publish,
        "constraints_after_load": capabilities.constraints_after_load,
    }


def show(console: Console, dialects: list[dict[str, Any]]) -> None:
    overview = grid("dialect", "from", "state")
    for dialect in dialects:
        overview.add_row(*cells(dialect["name"], dialect["from"], dialect["problem"] or "ready"))
    console.print(overview)
    for dialect in dialects:
        if dialect["constraints"]:
            console.print(heading(f"{dialect['name']}: constraints"))
            for kind, support in dialect["constraints"].items():
                console.print(bullet(f"{kind}: {support}"))
