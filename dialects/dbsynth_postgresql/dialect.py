"""What dbsynth finds under the name ``postgresql``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import URL

from dbsynth.dialect import Capabilities, Support
from dbsynth_postgresql.database import PostgresqlDatabase
from dbsynth_postgresql.dump import DumpTarget, ScriptTarget
from dbsynth_postgresql.grammar import PostgresqlGrammar

PAGE = "https://www.postgresql.org/docs/current/ddl-constraints.html"
KINDS = ("primary key", "foreign key", "unique", "check", "not null", "exclusion")


class PostgresqlDialect:
    """PostgreSQL 13 and later."""

    name = "postgresql"
    grammar = PostgresqlGrammar()
    capabilities = Capabilities(
        constraints=dict.fromkeys(KINDS, Support.ENFORCED),
        # DDL is transactional: any number of schemas is renamed at once.
        atomic_publish=True,
        constraints_after_load=True,
        facts={
            "reading": "COPY TO, one exported snapshot",
            "loading": "COPY FROM, binary where all types have an encoder",
            "publishing": "one transaction of schema renames, grants kept",
        },
        pages=dict.fromkeys(KINDS, PAGE),
    )

    def connect(self, url: URL, *, schemas: Sequence[str] = ()) -> PostgresqlDatabase:
        """Open the database; ``schemas`` are those that ``introspect`` takes if it is asked for none."""
        return PostgresqlDatabase(self, url, schemas)

    def script(self, path: Path) -> ScriptTarget:
        """A target that writes a script for psql."""
        return ScriptTarget(path)

    def dump(self, path: Path) -> DumpTarget:
        """A target that writes a folder for ``dbsynth_postgresql.restore.restore``."""
        return DumpTarget(path)
