"""PostgreSQL dialect of dbsynth. It is imported when it is first used: who restores a dump needs none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbsynth_postgresql.dialect import PostgresqlDialect

__all__ = ["PostgresqlDialect"]


def __getattr__(name: str) -> Any:
    if name == "PostgresqlDialect":
        from dbsynth_postgresql.dialect import PostgresqlDialect

        return PostgresqlDialect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
