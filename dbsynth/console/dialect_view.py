"""Which dialects are installed, and what each database does with constraints."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from dbsynth.console.output import bullet, cells, grid, heading
from dbsynth.dialect import Support, installed, load_dialect
from dbsynth.errors import UsageError

KINDS = ("not null", "primary key", "unique", "foreign key", "check", "exclusion")
SHORT = {
    Support.ENFORCED.value: "enforced",
    Support.NOT_ENFORCED.value: "declared",
    Support.NOT_SUPPORTED.value: "tested only",
}
"""What the database does with a constraint of a clone; those it does not enforce dbsynth tests by query."""


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
        "pages": dict(capabilities.pages),
        "facts": dict(capabilities.facts),
        "atomic_publish": capabilities.atomic_publish,
        "constraints_after_load": capabilities.constraints_after_load,
        "bills_bytes": capabilities.bills_bytes,
    }


def promises(name: str) -> list[str]:
    """What a plan says of a target in a database called ``name``: how a clone appears, what nobody else enforces."""
    capabilities = load_dialect(name).capabilities
    lines = []
    if not capabilities.atomic_publish:
        lines.append(f"it changes in steps: {capabilities.facts.get('publishing', 'one schema after the other')}")
    for support, what in ((Support.NOT_ENFORCED, "declared, not enforced"), (Support.NOT_SUPPORTED, "not declared")):
        kinds = [k for k in KINDS if k != "exclusion" and capabilities.constraints.get(k) is support]
        if kinds:
            lines.append(f"{what} there: {', '.join(kinds)}; rows keep them by construction, a query counts each")
    return lines


def _support(dialect: dict[str, Any], kind: str) -> str:
    """An exclusion constraint has no counting query: where the database has none, a clone has none."""
    if not dialect["constraints"]:
        return "–"
    support = dialect["constraints"][kind]
    return "–" if (kind, support) == ("exclusion", Support.NOT_SUPPORTED.value) else SHORT[support]


def show(console: Console, dialects: list[dict[str, Any]]) -> None:
    overview = grid("dialect", *KINDS, "publishes")
    for dialect in dialects:
        kinds = [_support(dialect, kind) for kind in KINDS]
        atomic = "at once" if dialect.get("atomic_publish") else "in steps"
        overview.add_row(*cells(dialect["name"], *kinds, (dialect["problem"] and "–") or atomic))
    console.print(overview)
    for dialect in dialects:
        console.print(heading(f"{dialect['name']}  ({dialect['from']})"))
        if dialect["problem"]:
            console.print(bullet(dialect["problem"], "yellow"))
        for name, fact in dialect.get("facts", {}).items():
            console.print(bullet(f"{name}: {fact}"))
        for page in dict.fromkeys(dialect.get("pages", {}).values()):
            console.print(bullet(page, "dim"))


def markdown(dialects: list[dict[str, Any]]) -> str:
    """The table of ``docs/dialects.md``, which a test compares with it."""
    head = ["", *(d["name"] for d in dialects)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for kind in KINDS:
        cells_ = []
        for d in dialects:
            text, page = _support(d, kind), d["pages"].get(kind)
            cells_.append(f"[{text}]({page})" if page else text)
        lines.append("| " + " | ".join([kind, *cells_]) + " |")
    for fact in ("reading", "loading", "publishing"):
        lines.append("| " + " | ".join([fact, *(d["facts"].get(fact, "") for d in dialects)]) + " |")
    lines.append(
        "| "
        + " | ".join(["a clone appears", *("at once" if d["atomic_publish"] else "in steps" for d in dialects)])
        + " |"
    )
    return "\n".join(lines) + "\n"
