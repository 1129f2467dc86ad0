"""The dialect suite on BigQuery: on the stand-in, and on a real project where DBSYNTH_TEST_BIGQUERY_URL names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.schema.types import Structured
from dbsynth.testing.dialect_suite import DialectSuite, Native

PERSON = "STRUCT<name STRING, born DATE, spots ARRAY<STRUCT<x INT64, y FLOAT64>>>"


class TestBigquery(DialectSuite):
    outlives = True
    native: ClassVar[Mapping[str, Native]] = {
        "exact": Native("NUMERIC(10, 2)", sqltypes.Numeric(10, 2), ()),
        "person": Native(
            PERSON,
            Structured("", "document", fields=(
                ("name", sqltypes.Text()), ("born", sqltypes.Date()),
                ("spots", Structured("", "document", element=Structured("", "document", fields=(
                    ("x", sqltypes.BigInteger()), ("y", sqltypes.Double()))))),
            )),
            ('{"name":"A","born":"2000-01-31","spots":[{"x":1,"y":2.5}]}',),
        ),
        "days": Native("ARRAY<DATE>", sqltypes.ARRAY(sqltypes.Date()), ("{2024-01-31,2024-02-29}", "{}")),
        "free": Native("JSON", sqltypes.JSON(), ('{"a":[1,2]}', None)),
        "spot": Native("GEOGRAPHY", Structured("GEOGRAPHY", "geometry"), ("POINT(1 2)", None)),
    }  # fmt: skip

    @pytest.fixture
    def url(self, request: pytest.FixtureRequest) -> str:
        return os.environ.get("DBSYNTH_TEST_BIGQUERY_URL") or str(request.getfixturevalue("bigquery_url"))

    def same(self, column: str, got: Any, wanted: Any) -> bool:
        if column in ("a_list", "a_words", "days") and (wanted is None or "NULL" in wanted):
            return bool(got == "{}")  # an array is never null and holds none
        if column == "spot" and wanted is not None:
            return bool(got.replace(" (", "(") == wanted)
        return super().same(column, got, wanted)
