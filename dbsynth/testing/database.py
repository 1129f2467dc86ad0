"""A database full of synthetic rows, for tests: asked, copied in a moment, rolled back."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, Result, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from dbsynth.testing.embedded import create_database, drop_database

_numbers = itertools.count(1)


def fresh_name(stem: str) -> str:
    """Of a database: not that of another one of this or of another process."""
    return f"{stem[:30]}_{os.getpid()}_{next(_numbers)}"


class Database:
    """``url``: for any client. ``template``: the database of the same server that ``copy`` copies. ``drift``: where
    tables that were there already differ from those of the model, a line each."""

    def __init__(self, url: str, template: str | None = None, drift: tuple[str, ...] = ()) -> None:
        self.url, self.template, self.drift = url, template, drift

    @property
    def name(self) -> str:
        return make_url(self.url).database or ""

    @cached_property
    def engine(self) -> Engine:
        """Keeps no connection open between uses, so that the database can be copied and dropped."""
        return create_engine(self.url, poolclass=NullPool)

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Result[Any]:
        """Run a statement (parameters are written ``:name``), committed; its rows, all fetched."""
        with self.engine.begin() as connection:
            found = connection.execute(text(statement), dict(parameters or {}))
            if not found.returns_rows:
                return found
            rows: Result[Any] = found.freeze()()
            return rows

    def connect(self) -> Connection:
        return self.engine.connect()

    @contextmanager
    def rollback(self) -> Iterator[Connection]:
        """A connection whose work, also what it commits to savepoints, is undone at the end."""
        with self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()

    def copy(self) -> Database:
        """Another database with the rows that this one had when it was loaded."""
        if self.template is None:
            raise ValueError(f"{self.name} was not made from a template: load a model to get one that can be copied")
        url = create_database(self.url, fresh_name(self.name.rsplit("_", 2)[0]), template=self.template)
        return Database(url, self.template, self.drift)

    def drop(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()
        drop_database(self.url)

    def __repr__(self) -> str:
        return f"<Database {make_url(self.url).render_as_string()}>"
