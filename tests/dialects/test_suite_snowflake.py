"""The dialect suite on Snowflake: on the stand-in, and on a real account where DBSYNTH_TEST_SNOWFLAKE_URL names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.schema.types import Structured
from dbsynth.testing.dialect_suite import DialectSuite, Native


class TestSnowflake(DialectSuite):
    outlives = True
    native: ClassVar[Mapping[str, Native]] = {
        "number": Native("NUMBER(38,10)", sqltypes.Numeric(38, 10), ()),
        "anything": Native("VARIANT", sqltypes.JSON(), ('{"a":[1,{"b":"c"}]}', "3", None)),
        "thing": Native("OBJECT", sqltypes.JSON(), ('{"a":1}', None)),
        "things": Native("ARRAY", sqltypes.JSON(), ("[1,2]", "[]", None)),
        "spot": Native("GEOGRAPHY", Structured("GEOGRAPHY", "geometry"), ("POINT(1 2)", None)),
        "nanos": Native("TIMESTAMP_NTZ(9)", sqltypes.DateTime(), ()),
        "local": Native("TIMESTAMP_LTZ(9)", sqltypes.DateTime(timezone=True), ()),
    }

    @pytest.fixture
    def url(self, request: pytest.FixtureRequest) -> str:
        return os.environ.get("DBSYNTH_TEST_SNOWFLAKE_URL") or str(request.getfixturevalue("snowflake_url"))

    def same(self, column: str, got: Any, wanted: Any) -> bool:
        if column in ("anything", "thing", "things") and wanted is not None:
            return bool(got.replace(" ", "") == wanted)
        return super().same(column, got, wanted)
