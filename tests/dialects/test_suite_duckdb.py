"""The dialect suite on DuckDB files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.schema.types import Structured
from dbsynth.testing.dialect_suite import DialectSuite, Native


class TestDuckdb(DialectSuite):
    native: ClassVar[Mapping[str, Native]] = {
        "tiny": Native("TINYINT", sqltypes.SmallInteger(), (1, -128, None)),
        "huge": Native("HUGEINT", sqltypes.Numeric(38, 0), ()),
        "bits": Native("BIT", Structured("BIT", "bits"), ("101", None)),
        "span": Native("INTERVAL", sqltypes.Interval(), ("1 year 2 months 3 days 04:05:06", None)),
        "label": Native("ENUM('a', 'it''s')", sqltypes.Enum("a", "it's"), ("a", "it's", None)),
        "person": Native(
            'STRUCT(x INTEGER, "y z" VARCHAR[])', Structured("", "document"), ('{"x":1,"y z":["a"]}', None)
        ),
        "people": Native("STRUCT(x INTEGER)[]", Structured("", "document"), ('[{"x":1},{"x":2}]', "[]", None)),
        "pairs": Native("MAP(VARCHAR, INTEGER)", Structured("", "document"), ('{"a":1}', None)),
        "numbers": Native("INTEGER[]", sqltypes.ARRAY(sqltypes.Integer()), ("{1,NULL}", "{}", None)),
    }

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"duckdb:///{tmp_path}/suite.duckdb"
