"""What dbsynth finds under the name ``snowflake``."""

from __future__ import annotations

from collections.abc import Sequence

import snowflake.connector  # noqa: F401  (missing: dbsynth names the extra to install)
from sqlalchemy.engine import URL

from dbsynth.dialect import Capabilities, Support
from dbsynth_snowflake.connection import parts
from dbsynth_snowflake.database import SnowflakeDatabase
from dbsynth_snowflake.grammar import SnowflakeGrammar

CONSTRAINTS = "https://docs.snowflake.com/en/sql-reference/constraints-overview"
DECLARED = ("primary key", "foreign key", "unique")


class SnowflakeDialect:
    """Snowflake, standard tables."""

    name = "snowflake"
    grammar = SnowflakeGrammar()
    capabilities = Capabilities(
        constraints=dict.fromkeys(DECLARED, Support.NOT_ENFORCED)
        | {"check": Support.ENFORCED, "not null": Support.ENFORCED, "exclusion": Support.NOT_SUPPORTED},
        atomic_publish=False,
        constraints_after_load=True,
        facts={
            "reading": "Arrow result batches, AT(TIMESTAMP) snapshot",
            "loading": "PUT and COPY INTO from Parquet",
            "publishing": "ALTER SCHEMA ... SWAP WITH: each schema at once, several schemas one after the other",
        },
        pages=dict.fromkeys((*DECLARED, "not null", "exclusion"), CONSTRAINTS)
        | {"check": "https://docs.snowflake.com/en/sql-reference/info-schema/check_constraints"},
    )

    def schema_of(self, url: URL) -> str | None:
        return parts(url)[1]

    def connect(self, url: URL, *, schemas: Sequence[str] = ()) -> SnowflakeDatabase:
        """``snowflake://user@account/DATABASE/SCHEMA?warehouse=W&role=R``; every other parameter of the URL goes to the
        connector (``authenticator``, ``private_key_file``, ``token``, ``connection_name`` of connections.toml, ...)."""
        return SnowflakeDatabase(self, url, schemas)
