"""The dialect suite on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.schema.types import Structured
from dbsynth.testing.dialect_suite import DialectSuite, Native


class TestPostgresql(DialectSuite):
    native: ClassVar[Mapping[str, Native]] = {
        "range": Native("int4range", Structured("int4range", "range"), ("[1,5)", "empty", None)),
        "address": Native("inet", Structured("inet", "network"), ("10.0.0.1/8", None)),
        "span": Native("interval", sqltypes.Interval(), ("1 day 02:00:00", None)),
        "bits": Native("bit(3)", Structured("bit(3)", "bits"), ("101", None)),
        "point": Native("point", Structured("point", "geometry"), ("(1,2)", None)),
    }

    @pytest.fixture
    def url(self, database: str) -> str:
        return database
