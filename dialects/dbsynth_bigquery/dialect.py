"""What dbsynth finds under the name ``bigquery``."""

from __future__ import annotations

from collections.abc import Sequence

import google.cloud.bigquery  # noqa: F401  (missing: dbsynth names the extra to install)
from sqlalchemy.engine import URL

from dbsynth.dialect import Capabilities, Support
from dbsynth_bigquery.database import BigqueryDatabase
from dbsynth_bigquery.grammar import BigqueryGrammar

KEYS = "https://cloud.google.com/bigquery/docs/primary-foreign-keys"
DDL = "https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_table_statement"


class BigqueryDialect:
    """BigQuery, standard tables."""

    name = "bigquery"
    grammar = BigqueryGrammar()
    capabilities = Capabilities(
        constraints={
            "primary key": Support.NOT_ENFORCED,
            "foreign key": Support.NOT_ENFORCED,
            "unique": Support.NOT_SUPPORTED,
            "check": Support.NOT_SUPPORTED,
            "not null": Support.ENFORCED,
            "exclusion": Support.NOT_SUPPORTED,
        },
        atomic_publish=False,
        constraints_after_load=True,
        bills_bytes=True,
        facts={
            "reading": "Storage Read API, else REST; FOR SYSTEM_TIME AS OF snapshot; bytes told before, --max-bytes",
            "loading": "load jobs from Parquet",
            "publishing": "CREATE OR REPLACE TABLE ... COPY: each table at once, the tables one after the other",
        },
        pages=dict.fromkeys(("primary key", "foreign key"), KEYS)
        | dict.fromkeys(("not null", "unique", "check", "exclusion"), DDL),
    )

    def schema_of(self, url: URL) -> str | None:
        return url.database or None

    def connect(self, url: URL, *, schemas: Sequence[str] = ()) -> BigqueryDatabase:
        """``bigquery://project/dataset?location=EU``; ``credentials_path`` names a service account file,
        ``impersonate`` a service account to act as; otherwise application-default credentials."""
        return BigqueryDatabase(self, url, schemas)
