"""From the csv of COPY to Arrow: typed without loss, and without Python in the work per row."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)

MICROSECONDS_A_DAY = 86_400_000_000
ODD = r"infinity|BC$|^\d{5}|^24"
"""The texts of moments that Arrow does not read: no end, before Christ, years of five digits, the end of a day."""
MOMENT = re.compile(
    r"(?:(?P<year>\d{4,})-(?P<month>\d\d)-(?P<day>\d\d))? ?"
    r"(?:(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?(?:\+00)?(?P<bc> BC)?"
)


class CsvDecoder:
    """Whole lines of ``COPY ... TO STDOUT (FORMAT csv)`` in, record batches of ``schema`` out."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        # Columns are told by their place: names may be anything.
        self._names = [f"c{i}" for i in range(len(schema))]
        # A line of one column that is NULL is empty.
        self._parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
        self._plain = self._conversion({})
        # Twice as slow, and needed only where there are moments that Arrow's own parser refuses.
        moments_as_text = {
            name: pa.string()
            for name, field in zip(self._names, schema, strict=True)
            if pa.types.is_temporal(field.type)
        }
        self._careful = self._conversion(moments_as_text) if moments_as_text else None
        self._found_odd = False

    def _conversion(self, instead: Mapping[str, pa.DataType]) -> csv.ConvertOptions:
        return csv.ConvertOptions(
            column_types={n: instead.get(n, field.type) for n, field in zip(self._names, self.schema, strict=True)},
            # COPY writes NULL as nothing and the empty string as "".
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        )

    def empty(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in self.schema], schema=self.schema)

    def __call__(self, lines: bytes | memoryview) -> pa.RecordBatch:
        """Raises ArrowInvalid for what is no value of the type (a text that is not UTF-8, for example)."""
        if not self._found_odd:
            try:
                return self._decode(lines, self._plain)
            except pa.ArrowInvalid:
                if self._careful is None:
                    raise
                self._found_odd = True
        return self._decode(lines, self._careful)

    def _decode(self, lines: bytes | memoryview, conversion: csv.ConvertOptions) -> pa.RecordBatch:
        options = csv.ReadOptions(use_threads=False, column_names=self._names, block_size=len(lines) + 1)
        table = csv.read_csv(pa.BufferReader(lines), options, self._parse, conversion)
        arrays = [
            column if column.type == field.type else moments(column, field.type)
            for column, field in zip((c.combine_chunks() for c in table.columns), self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def moments(texts: pa.StringArray, type_: pa.DataType) -> pa.Array:
    """Dates, times and timestamps from their ISO text; exact also for those that Python's types cannot hold."""
    if pa.types.is_time(type_):
        dated = pc.binary_join_element_wise("1970-01-01", texts, " ")
        odd = pc.fill_null(pc.starts_with(texts, "24"), False)
        return _parsed(dated, texts, odd, pa.timestamp("us")).view(pa.int64()).view(type_)
    try:
        return pc.cast(texts, type_)
    except pa.ArrowInvalid:
        return _parsed(texts, texts, pc.fill_null(pc.match_substring_regex(texts, ODD), False), type_)


def _parsed(readable: pa.StringArray, texts: pa.StringArray, odd: pa.BooleanArray, type_: pa.DataType) -> pa.Array:
    """Cast ``readable`` but where ``odd``: there read ``texts`` one by one, each different one once."""
    usual = pc.cast(pc.if_else(odd, pa.scalar(None, pa.string()), readable), type_)
    if not pc.any(odd).as_py():
        return usual
    storage = pa.int32() if pa.types.is_date32(type_) else pa.int64()
    encoded = texts.filter(odd).dictionary_encode()
    values = pa.array(
        [moment(text, days=pa.types.is_date32(type_)) for text in encoded.dictionary.to_pylist()], storage
    )
    numbers = pc.replace_with_mask(usual.view(storage), odd, values.take(encoded.indices))
    return numbers.view(type_)


def moment(text: str, *, days: bool) -> int:
    """A date as days since 1970-01-01 or a timestamp (in UTC) or time as microseconds since then."""
    if text == "infinity":
        return DATE_INFINITY if days else TIMESTAMP_INFINITY
    if text == "-infinity":
        return DATE_MINUS_INFINITY if days else TIMESTAMP_MINUS_INFINITY
    match = MOMENT.fullmatch(text)
    if match is None:
        raise pa.ArrowInvalid("a value is no date or time in ISO form")
    part: Mapping[str, str | None] = match.groupdict()
    day = 0
    if part["year"]:
        year = int(part["year"])
        day = days_since_epoch(1 - year if part["bc"] else year, int(part["month"] or 1), int(part["day"] or 1))
    if days:
        return day
    seconds = int(part["hour"] or 0) * 3600 + int(part["minute"] or 0) * 60 + int(part["second"] or 0)
    micros = day * MICROSECONDS_A_DAY + seconds * 1_000_000 + int((part["fraction"] or "0").ljust(6, "0"))
    # PostgreSQL counts from 2000, and so gets 30 years further; what is made of such ends a day before infinity
    return min(micros, TIMESTAMP_INFINITY - MICROSECONDS_A_DAY)


def days_since_epoch(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the proleptic Gregorian calendar, where year 0 is 1 BC. (Years are counted from March, so
    that the leap day is the last of its year, and in eras of 400 years, which all have as many days.)"""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
