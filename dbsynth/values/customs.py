"""How postcodes are written in a country and what its phone numbers begin with: for countries of which the source has
too few rows to tell, where its other rows keep to such customs. The country is read off the row that is made: nothing
of the source is held here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.column import Drawer, Follower
from dbsynth.values.locales import country_of
from dbsynth.values.pattern import DIGITS, UPPER, Pattern, Shape, shape_of
from dbsynth.values.who import as_text

POSTCODES = {
    "AR": "9999", "AT": "9999", "AU": "9999", "BE": "9999", "BR": "99999-999", "CA": "A9A 9A9", "CH": "9999",
    "CL": "9999999", "CN": "999999", "CZ": "999 99", "DE": "99999", "DK": "9999", "ES": "99999", "FI": "99999",
    "FR": "99999", "GB": "AA9 9AA", "GR": "999 99", "HR": "99999", "HU": "9999", "IL": "9999999", "IN": "999999",
    "IT": "99999", "JP": "999-9999", "KR": "99999", "LT": "99999", "MX": "99999", "NL": "9999 AA", "NO": "9999",
    "NZ": "9999", "PL": "99-999", "PT": "9999-999", "RO": "999999", "RU": "999999", "SE": "999 99", "SI": "9999",
    "SK": "999 99", "TR": "99999", "UA": "99999", "US": "99999", "ZA": "9999",
}  # fmt: skip
"""The usual form (Universal Postal Union), A a letter, 9 a digit."""
DIAL = {
    "AR": "54", "AT": "43", "AU": "61", "BE": "32", "BR": "55", "CA": "1", "CH": "41", "CL": "56", "CN": "86",
    "CZ": "420", "DE": "49", "DK": "45", "ES": "34", "FI": "358", "FR": "33", "GB": "44", "GR": "30", "HR": "385",
    "HU": "36", "IE": "353", "IL": "972", "IN": "91", "IT": "39", "JP": "81", "KR": "82", "LT": "370", "MX": "52",
    "NL": "31", "NO": "47", "NZ": "64", "PL": "48", "PT": "351", "RO": "40", "RU": "7", "SE": "46", "SI": "386",
    "SK": "421", "TR": "90", "UA": "380", "US": "1", "VE": "58", "ZA": "27",
}  # fmt: skip
"""Country codes (ITU-T E.164)."""
KEPT = 0.6
"""Of the rows with a country that is known so many must keep to its custom."""
LEAST_ROWS = 20
CODE = re.compile(r"^(\+|00)\d+")


@dataclass
class Customs:
    """``inner``, and for rows of no group of it the custom of the country in ``column``. ``role``: postcode or
    phone."""

    inner: Drawer
    column: str
    role: str

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.inner.draw(count, rng)

    def beside(self, row: Mapping[str, pa.Array], where: np.ndarray) -> Drawer:
        inner = self.inner.beside(row, where) if isinstance(self.inner, Follower) else self.inner
        countries = self._countries(row, where)
        countries[self._inside(row, where) >= 0] = None
        return _Kept(inner, self.role, countries)

    def groups(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        inside = self._inside(row, where)
        _, own = np.unique([c or "" for c in self._countries(row, where).tolist()], return_inverse=True)
        return np.where(inside < 0, -1 - own, inside)

    def _inside(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        if isinstance(self.inner, Follower):
            return self.inner.groups(row, where)
        return np.full(len(where), -1, np.int64)

    def _countries(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        """object (where,): ISO codes, None where there is none."""
        if self.column not in row:
            return np.full(len(where), None, object)
        return codes(as_text(row[self.column]).take(pa.array(where)))


class _Kept:
    """``countries`` object (rows,): those whose custom is kept, None: none."""

    def __init__(self, inner: Drawer, role: str, countries: np.ndarray) -> None:
        self.inner, self.role, self.countries = inner, role, countries
        number = getattr(inner, "number", None)
        if number is not None:
            self.number = number

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self._kept(np.arange(count), list(self.inner.draw(count, rng)), rng)

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        again = getattr(self.inner, "again", None)
        drawn = self.inner.draw(len(rows), rng) if again is None else again(rows, values, rng, turn)
        return self._kept(np.array(rows, np.int64), list(drawn), rng)

    def _kept(self, rows: np.ndarray, drawn: list[str], rng: np.random.Generator) -> list[str]:
        own = self.countries[rows]
        for country in sorted({c for c in own.tolist() if c}):
            at = np.flatnonzero(own == country).tolist()
            if self.role == "postcode" and country in POSTCODES:
                made = written(POSTCODES[country]).draw(len(at), rng)
            elif self.role == "phone" and country in DIAL:
                made = [CODE.sub(rf"\g<1>{DIAL[country]}", drawn[i]) for i in at]
            else:
                continue
            for i, text in zip(at, made, strict=True):
                drawn[i] = text
        return drawn


def written(form: str) -> Pattern:
    places = ({"A": UPPER, "9": DIGITS}.get(c, c) for c in form)
    return Pattern([Shape(1.0, (*(DIGITS[1:] if i == 0 and p == DIGITS else p for i, p in enumerate(places)),))])


def codes(values: pa.Array) -> np.ndarray:
    """object (values,): ISO codes of countries, None for other texts."""
    encoded = values.dictionary_encode()
    known = np.array([*(country_of(v) for v in encoded.dictionary.to_pylist()), None], object)
    at = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return np.asarray(known[at], object)


def with_customs(role: str, values: pa.Array, guides: Mapping[str, pa.Array], inner: Drawer) -> Drawer:
    """``inner``, that keeps to the customs of the country that one of the ``guides`` names, where the source does."""
    for name, array in guides.items():
        if not pa.types.is_string(array.type):
            continue
        texts, own = values.to_pylist(), codes(array)
        told = [_keeps(role, t, c) for t, c in zip(texts, own.tolist(), strict=True) if t and c]
        known = [x for x in told if x is not None]
        if len(known) >= LEAST_ROWS and sum(known) >= KEPT * len(known) and _several(own):
            return Customs(inner, name, role)
    return inner


def _several(countries: np.ndarray) -> bool:
    return len({c for c in countries.tolist() if c}) > 1


def _keeps(role: str, text: str, country: str) -> bool | None:
    if role == "postcode":
        return shape_of(text) == POSTCODES[country] if country in POSTCODES else None
    return text.startswith(("+" + DIAL[country], "00" + DIAL[country])) if country in DIAL else None
