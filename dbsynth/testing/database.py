"""A database full of synthetic rows, for tests: asked, copied in a moment, rolled back."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, Result, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from dbsynth.errors import UsageError
from dbsynth.testing.embedded import conninfo, create_database, drop_database

_numbers = itertools.count(1)


def fresh_name(stem: str) -> str:
    """Of a database: not that of another one of this or of another process."""
    return f"{stem[:30]}_{os.getpid()}_{next(_numbers)}"


class Database:
    """``url``: for any client. ``template``: the database of the same server that ``copy`` copies. ``drift``: where
    tables that were there already differ from those of the model, a line each. ``schemas``: those in which names
    without one are looked for, before public."""

    def __init__(
        self,
        url: str,
        template: str | None = None,
        drift: tuple[str, ...] = (),
        schemas: tuple[str, ...] = (),
        made: list[str] | None = None,
    ) -> None:
        self.url, self.template, self.drift, self.schemas = url, template, drift, schemas
        self._made = made if made is not None else []

    @classmethod
    def of_template(cls, url: str, stem: str, template: str, schemas: tuple[str, ...], made: list[str]) -> Database:
        """A new one of the server of ``url``, a copy of ``template``. Its URL is added to ``made``."""
        made.append(create_database(url, fresh_name(stem), template=template))
        copy = cls(made[-1], template, schemas=schemas, made=made)
        if schemas:  # a setting of the database, which a copy does not inherit
            path = sql.SQL(", ").join(map(sql.Identifier, [*schemas, "public"]))
            with psycopg.connect(conninfo(copy.url), autocommit=True) as connection:
                connection.execute(sql.SQL("ALTER DATABASE {} SET search_path = {}").format(
                    sql.Identifier(copy.name), path))  # fmt: skip
        return copy

    @property
    def name(self) -> str:
        return make_url(self.url).database or ""

    @cached_property
    def engine(self) -> Engine:
        """Keeps no connection open between uses, so that the database can be copied and dropped."""
        return create_engine(self.url, poolclass=NullPool)

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Result[Any]:
        """Run a statement (parameters are written ``:name``), committed; its rows, all fetched."""
        if not isinstance(parameters, Mapping | None):
            raise UsageError(
                f"parameters are a mapping, not a {type(parameters).__name__}",
                hint='write them by name: execute("... where id = :id", {"id": 1})',
            )
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
        return Database.of_template(self.url, self.name.rsplit("_", 2)[0], self.template, self.schemas, self._made)

    def drop(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()
        drop_database(self.url)
        if self.url in self._made:
            self._made.remove(self.url)

    def __repr__(self) -> str:
        return f"<Database {make_url(self.url).render_as_string()}>"
