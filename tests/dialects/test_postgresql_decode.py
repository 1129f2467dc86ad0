"""The arithmetic of dates that Python's own types cannot hold."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from dbsynth_postgresql.constraints import on_column
from dbsynth_postgresql.decode import CsvDecoder, days_since_epoch, moment
from hypothesis import given
from hypothesis import strategies as st

EPOCH = dt.date(1970, 1, 1)


@given(st.dates())
def test_days_agree_with_those_of_python(day: dt.date) -> None:
    assert days_since_epoch(day.year, day.month, day.day) == (day - EPOCH).days


@given(st.dates(), st.integers(-20, 20))
def test_the_calendar_repeats_every_400_years(day: dt.date, eras: int) -> None:
    shifted = days_since_epoch(day.year + 400 * eras, day.month, day.day)
    assert shifted == (day - EPOCH).days + 146_097 * eras


@given(st.datetimes())
def test_the_slow_path_reads_what_the_fast_path_reads(at: dt.datetime) -> None:
    text = at.isoformat(sep=" ")
    decoder = CsvDecoder(pa.schema([("a", pa.timestamp("us"))]))
    fast = decoder(f"{text}\n".encode()).column(0).view(pa.int64())[0].as_py()
    assert fast == moment(text, days=False)


def test_one_odd_moment_in_a_chunk() -> None:
    decoder = CsvDecoder(pa.schema([("d", pa.date32()), ("s", pa.string())]))
    batch = decoder(b'2000-01-01,infinity\ninfinity,\n,""\n0044-03-15 BC,x\n')
    assert batch.column(0).view(pa.int32()).to_pylist() == [10_957, 2**31 - 1, None, -735_160]
    assert batch.column(1).to_pylist() == ["infinity", None, "", "x"]


def test_what_is_no_moment_is_an_error() -> None:
    decoder = CsvDecoder(pa.schema([("d", pa.date32())]))
    with pytest.raises(pa.ArrowInvalid):
        decoder(b"tomorrow\n")


@pytest.mark.parametrize(
    ("domain", "column"),
    [
        ("(VALUE > 0)", '("a" > 0)'),
        ("((VALUE)::text <> 'VALUE'::text)", "((\"a\")::text <> 'VALUE'::text)"),
        ("((VALUE)::text ~ E'it''s \\\\ VALUE'::text)", "((\"a\")::text ~ E'it''s \\\\ VALUE'::text)"),
        ('"VALUE".f(VALUE) OR VALUES_ IS NULL', '"VALUE".f("a") OR VALUES_ IS NULL'),
    ],
)
def test_value_is_replaced_outside_strings_and_names(domain: str, column: str) -> None:
    assert on_column(domain, "a") == column
