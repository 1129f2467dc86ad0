"""Who answers for a schema that is made on behalf of someone else: asked before anything is made, and within the
transaction that publishes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.session import Session


class Guard(Protocol):
    """Each method ends the run by raising an error of dbsynth."""

    def before_anything(self, session: Session, ddl: Ddl) -> None:
        """``ddl`` is what will be made, and evaluated by the server with the rights of ``session``."""

    def before_swap(self, session: Session, targets: Sequence[str]) -> None:
        """Within the publishing transaction, before any name changes."""

    def after_swap(self, session: Session, targets: Sequence[str]) -> None:
        """Within the publishing transaction, when the ``targets`` are the new ones."""


class _Free:
    def before_anything(self, session: Session, ddl: Ddl) -> None:
        return None

    def before_swap(self, session: Session, targets: Sequence[str]) -> None:
        return None

    after_swap = before_swap


_guard: ContextVar[Guard] = ContextVar("guard", default=_Free())  # noqa: B039  it has no state


def guard() -> Guard:
    return _guard.get()


@contextmanager
def guarded(by: Guard) -> Iterator[None]:
    """Every target that this thread prepares and publishes inside is asked of ``by``."""
    token = _guard.set(by)
    try:
        yield
    finally:
        _guard.reset(token)
