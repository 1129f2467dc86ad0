"""Scalars of JSON documents: the way in which a path writes its numbers and moments, and columns to and from it."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.schema.types import arrow_type

MOST_EXACT, MOST_DECIMALS = 6, 15
"""Decimals up to which numbers are learned exactly, and up to which they are written as often as in the source."""
ODD_SHARE = 0.01
"""So many numbers may be written in another way than the rest."""


class Digits(str):
    """A number that is no whole one, as it was written."""

    __slots__ = ()


LONE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a character: UTF-8 has none."""
NO_DOCUMENT: Any = object()
"""In the place of a document that a row does not have."""


def loads(text: str) -> Any:
    """A document with ``Digits`` for its fractions; NO_DOCUMENT for a text that is none. NaN and Infinity, which JSON
    does not have, are None."""
    if "\\ud" in text or "\\uD" in text:
        text = LONE.sub(r"\\ufffd", text)
    try:
        return json.loads(text, parse_float=Digits, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return NO_DOCUMENT


def json_strings(values: pa.Array) -> pa.Array:
    """Texts in quotes and with escapes, null where null."""
    encode = json.encoder.encode_basestring
    return pa.array([None if v is None else encode(v) for v in values.to_pylist()], pa.string())


@dataclass(frozen=True)
class NumberForm:
    """``type``: in which the numbers are learned; written with ``least`` to ``most`` decimals, none of them a zero
    beyond ``least``. ``most`` -1: as many as it takes."""

    type: TypeEngine[Any]
    least: int
    most: int

    @classmethod
    def of(cls, values: Sequence[int | Digits]) -> NumberForm:
        fractions = [v for v in values if isinstance(v, Digits)]
        largest = max((abs(v) for v in values if not isinstance(v, Digits)), default=0)
        if not fractions and largest < 2**62:
            return cls(sqltypes.BigInteger(), 0, 0)
        if not fractions:
            return cls(sqltypes.Numeric(38, 0) if largest < 10**37 else sqltypes.Float(), 0, 0)
        written = [v.partition(".")[2] if isinstance(v, Digits) else "" for v in values]
        places, telling = np.sort([len(d) for d in written]), np.sort([len(d.rstrip("0")) for d in written])
        odd = int(ODD_SHARE * len(places))
        most = int(telling[len(places) - 1 - odd])
        least = int(places[odd])
        least, most = (least, max(least, most)) if least <= MOST_EXACT else (most, most)  # 1.370000000000
        exponents = sum("e" in v.lower() for v in fractions) > odd
        wide = max(max(abs(float(v)) for v in fractions), float(min(largest, 10**300))) >= 10.0**30
        if exponents or wide or most > MOST_DECIMALS:
            return cls(sqltypes.Float(), 0, -1)
        return cls(sqltypes.Numeric(38, most) if most <= MOST_EXACT else sqltypes.Float(), least, most)

    def column(self, values: Sequence[int | Digits]) -> pa.Array:
        """Of ``arrow_type(type)``."""
        arrow = arrow_type(self.type)
        if pa.types.is_int64(arrow):
            limit = 2**63 - 1
            return pa.array([max(-limit, min(limit, round(float(v)))) for v in values], arrow) if any(
                isinstance(v, Digits) or abs(v) > limit for v in values
            ) else pa.array(values, arrow)  # fmt: skip
        if pa.types.is_floating(arrow):
            return pa.array([_float(v) for v in values], arrow)
        limit = 10 ** (37 - arrow.scale)
        with localcontext(prec=60):
            return pa.array([_within(v, limit, arrow.scale) for v in values], arrow)

    def written(self, column: pa.Array) -> pa.Array:
        """JSON texts, null where null."""
        if pa.types.is_floating(column.type):
            places = self.most
            values = column.to_pylist()
            if places < 0:
                return pa.array([None if v is None else repr(float(v)) for v in values], pa.string())
            text = pa.array([None if v is None else f"{v:.{places}f}" for v in values], pa.string())
        else:
            text = column.cast(pa.string())
        if self.most <= self.least:
            return text
        text = pc.replace_substring_regex(text, rf"^(-?\d+)\.(\d{{{self.least}}}\d*?)0*$", r"\1.\2")
        return pc.replace_substring_regex(text, r"\.$", "") if self.least == 0 else text


def _float(value: int | Digits) -> float:
    number = float(value) if isinstance(value, Digits) or abs(value) < 10**300 else math.copysign(1e300, value)
    return max(-1e300, min(1e300, number))


def _within(value: int | Digits, limit: int, scale: int) -> Decimal:
    number = Decimal(value) if abs(_float(value)) < limit else Decimal(limit).copy_sign(Decimal(value))
    return number.quantize(Decimal(1).scaleb(-scale))


MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d)?(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::?\d\d)?)?)?")
MOMENT_SHARE = 0.99


@dataclass(frozen=True)
class MomentForm:
    """ISO 8601: ``mark`` between day and time ("" without time), ``seconds``, decimals of a second (-1: none or six, as
    Python writes them) and the zone, one for all."""

    mark: str
    seconds: bool
    decimals: int
    zone: str

    @classmethod
    def of(cls, texts: Sequence[str]) -> MomentForm | None:
        """None for texts that are no moments, or in several forms."""
        if not texts or not MOMENT.fullmatch(texts[0]):
            return None
        found = [m.groups() for t in texts if (m := MOMENT.fullmatch(t)) is not None]
        if len(found) < MOMENT_SHARE * len(texts):
            return None
        forms = Counter((mark or "", bool(seconds), zone or "") for mark, seconds, _, zone in found)
        (form, many), digits = forms.most_common(1)[0], Counter(len(d or "") for _, _, d, _ in found)
        if many < MOMENT_SHARE * len(texts):
            return None
        decimals = digits.most_common(1)[0][0]
        mixed = digits[decimals] < MOMENT_SHARE * len(found)
        made = cls(form[0], form[1], -1 if mixed else decimals, form[2])
        known = made.column(texts)
        return made if known.null_count <= (1 - MOMENT_SHARE) * len(texts) else None

    @property
    def type(self) -> TypeEngine[Any]:
        return sqltypes.DateTime() if self.mark else sqltypes.Date()

    def column(self, texts: Sequence[str]) -> pa.Array:
        """date32 or timestamp[us], null for what is no moment of this form; the zone is left aside."""
        plain = pa.array(
            [t[: len(t) - len(self.zone)] if self.zone and t.endswith(self.zone) else t for t in texts], pa.string()
        )
        fits = pc.match_substring_regex(
            plain,
            r"^[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)?$",
        )
        days = pc.utf8_slice_codeunits(plain, 0, 10)
        good = np.asarray(fits.to_numpy(zero_copy_only=False), bool)
        filled = np.where(good, days.to_numpy(zero_copy_only=False), "2000-01-01").astype("U10")
        months = filled.astype("U7").astype("datetime64[M]")
        length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
        good &= np.array([d[8:] for d in filled], np.int64) <= length
        texts_of = np.where(good, plain.to_numpy(zero_copy_only=False), "2000-01-01").astype(str)
        moments = texts_of.astype("datetime64[us]")
        array = pa.array(moments, mask=~good)
        return array if self.mark else array.cast(pa.date32())

    def written(self, column: pa.Array) -> pa.Array:
        """Texts without quotes, null where null."""
        missing = np.asarray(column.is_null())
        if not self.mark:
            days = column.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype("datetime64[D]")
            return pa.array(np.datetime_as_string(days), mask=missing)
        values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        if not self.seconds:
            text = np.datetime_as_string(values.astype("datetime64[us]"), unit="m")
        elif self.decimals < 0:
            fine = values % 1_000_000 != 0
            moments = values.astype("datetime64[us]")
            text = np.where(fine, np.datetime_as_string(moments), np.datetime_as_string(moments, unit="s"))
        else:
            text = np.datetime_as_string(values.astype("datetime64[us]"), unit="us" if self.decimals else "s")
            if self.decimals:
                text = text.astype(f"U{20 + self.decimals}")
        out = pa.array(text, pa.string(), mask=missing)
        if self.mark != "T":
            out = pc.replace_substring(out, "T", self.mark)
        return pc.binary_join_element_wise(out, self.zone, "") if self.zone else out
