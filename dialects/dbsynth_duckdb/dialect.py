"""What dbsynth finds under the name ``duckdb``."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb  # noqa: F401  (missing: dbsynth names the extra to install)
from sqlalchemy.engine import URL

from dbsynth.dialect import Capabilities, Support
from dbsynth_duckdb.database import DuckdbDatabase
from dbsynth_duckdb.grammar import DuckdbGrammar

CONSTRAINTS = "https://duckdb.org/docs/stable/sql/constraints"
ENFORCED = ("primary key", "foreign key", "unique", "check", "not null")


class DuckdbDialect:
    """DuckDB files, by version 2.0 of the library or a later one."""

    name = "duckdb"
    grammar = DuckdbGrammar()
    capabilities = Capabilities(
        constraints=dict.fromkeys(ENFORCED, Support.ENFORCED) | {"exclusion": Support.NOT_SUPPORTED},
        atomic_publish=True,
        constraints_after_load=True,  # rows are built without keys, and copied in the order of their keys
        facts={
            "reading": "Arrow; the file is locked against writers while it is read",
            "loading": "Arrow into a file beside the target",
            "publishing": "one transaction: schemas dropped, created and filled",
        },
        pages=dict.fromkeys((*ENFORCED, "exclusion"), CONSTRAINTS),
    )

    def connect(self, url: URL, *, schemas: Sequence[str] = ()) -> DuckdbDatabase:
        """Open the file of ``duckdb:///path`` (four slashes: an absolute path). A target may be a file that is not
        there yet."""
        return DuckdbDatabase(self, url, schemas)
