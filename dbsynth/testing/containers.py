"""testcontainers: a PostgreSQL container that is full of a model's rows when it has started.

with DbsynthPostgresContainer("models/shop", scale=0.1, seed=1) as postgres:
    engine = create_engine(postgres.get_connection_url())
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

from testcontainers.community.postgres import PostgresContainer

from dbsynth.testing.server import IMAGE, fill

__all__ = ["DbsynthPostgresContainer", "fill"]


class DbsynthPostgresContainer(PostgresContainer):  # type: ignore[misc,unused-ignore]
    """``options``: those of ``testcontainers.community.postgres.PostgresContainer``."""

    def __init__(
        self,
        model: str | PathLike[str],
        *,
        scale: float = 1.0,
        rows: Mapping[str, int] | None = None,
        seed: int = 0,
        schema: str | None = None,
        image: str = IMAGE,
        **options: Any,
    ) -> None:
        super().__init__(image, **{"driver": "psycopg", **options})
        self._model = model
        self._wishes = {"scale": scale, "rows": rows, "seed": seed, "schema": schema}

    def start(self) -> Self:
        super().start()
        try:
            fill(self, self._model, **self._wishes)
        except BaseException:
            self.stop()
            raise
        return self
