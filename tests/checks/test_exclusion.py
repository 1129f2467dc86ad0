"""Exclusion constraints as the catalog prints them: what is understood, and why the rest is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import types as sa

from dbsynth.schema.exclusion import Apart, understood
from dbsynth.schema.model import Column, Exclusion, ForeignKey, Table, TableName
from dbsynth.schema.types import Structured

COLUMNS = (
    Column("room", sa.Integer(), "integer"),
    Column("we;ird", sa.Text(), "text"),
    Column("during", Structured("tsrange", "range", sa.DateTime()), "tsrange"),
    Column("spot", Structured("box", "other"), "box"),
    Column("starts", sa.DateTime(timezone=True), "timestamptz"),
    Column("ends", sa.DateTime(timezone=True), "timestamptz"),
    Column("day", sa.Date(), "date"),
    Column("owner_from", sa.Integer(), "integer"),
    Column("gone", sa.Boolean(), "boolean"),
)
TABLE = Table(
    TableName("public", "booking"),
    COLUMNS,
    foreign_keys=(ForeignKey("f", ("owner_from",), TableName("public", "owner"), ("id",)),),
)


def of(definition: str) -> Apart | str:
    return understood(Exclusion("apart", definition), TABLE, "postgres")


@pytest.mark.parametrize(
    ("definition", "groups", "span", "condition"),
    [
        ("EXCLUDE USING gist (during WITH &&)", (), ("during",), None),
        (
            "EXCLUDE USING gist (room WITH =, during WITH &&) WHERE ((room > 0))",
            ("room",),
            ("during",),
            "(room > 0)",
        ),
        (
            'EXCLUDE USING gist (room WITH =, "we;ird" WITH =, tstzrange(starts, ends) WITH &&)',
            ("room", '"we;ird"'),
            ("starts", "ends"),
            None,
        ),
        (
            "EXCLUDE USING gist (room gist_int4_ops WITH OPERATOR(public.=), tstzrange(starts, COALESCE(ends,"
            " 'infinity'::timestamp with time zone), '[]'::text) WITH &&) WHERE ((NOT gone)) DEFERRABLE",
            ("room",),
            ("starts", "ends"),
            "(NOT gone)",
        ),
        ("EXCLUDE USING btree (room WITH =, lower(\"we;ird\") WITH =)", ("room", 'lower("we;ird")'), None, None),
    ],
)  # fmt: skip
def test_what_is_understood(
    definition: str, groups: tuple[str, ...], span: tuple[str, ...] | None, condition: str | None
) -> None:
    found = of(definition)
    assert isinstance(found, Apart), found
    assert found.parts == groups
    assert (found.span.columns if found.span else None) == span
    assert found.condition == condition


@pytest.mark.parametrize(
    ("definition", "word"),
    [
        ("EXCLUDE USING gist (spot WITH &&)", "spot"),
        ("EXCLUDE USING gist (room WITH <>, during WITH &&)", "<>"),
        ("EXCLUDE USING gist (during WITH -|-)", "-|-"),
        ("EXCLUDE USING gist (tsrange(starts, ends + '01:00:00'::interval) WITH &&)", "overlap"),
        ("EXCLUDE USING gist (int4range(owner_from, room) WITH &&)", "owner_from"),
        ("EXCLUDE USING gist (public.odd(room) WITH =, during WITH &&)", "odd"),
        ("EXCLUDE USING gist (during WITH &&, tstzrange(starts, ends) WITH &&)", "more than one"),
        ("EXCLUDE something", "not understood"),
    ],
)
def test_what_is_refused(definition: str, word: str) -> None:
    found = of(definition)
    assert isinstance(found, str)
    assert word in found
