"""Databases of every kind: ``places`` are targets and sources beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dbsynth.testing.embedded import drop_database
from tests.e2e.places import Places


@pytest.fixture(scope="session")
def places(
    postgres_url: str,
    real_template: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Places]:
    base = {"postgresql": postgres_url, "duckdb": str(tmp_path_factory.mktemp("duckdb"))}
    base |= {name: request.getfixturevalue(f"{name}_url") for name in ("snowflake", "bigquery")}
    found = Places(base, real_template)
    yield found
    for url in found.made:
        drop_database(url)
