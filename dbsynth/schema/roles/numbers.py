"""What a column of numbers means."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.schema.model import Column, Table
from dbsynth.schema.roles.column import ColumnRole
from dbsynth.schema.roles.names import PERSON_TABLES, meaning, number_meaning, speaks_of, tokens
from dbsynth.schema.roles.shapes import checked, sample
from dbsynth.schema.roles.terms import TEXT_TERMS

CHECKED = ("card", "national_id", "tax_id", "isbn", "ean")
PERSONS = ("phone", "card", "national_id", "tax_id", "account")
"""Numbers that point at a person: made anew, never learned."""
LEAST_DIGITS = 6
"""A shorter number is no phone, card or tax number."""
RANGES: dict[str, tuple[float, float]] = {
    "latitude": (-90, 90), "longitude": (-180, 360), "percentage": (-100, 1000), "rate": (0, 1),
    "year": (1500, 2200), "age": (0, 150),
    "date_part": (0, 1000),
}  # fmt: skip
OF_PEOPLE = frozenset(["first_name", "last_name", "full_name", "email", "user_name"])


def number_role(table: Table, column: Column, values: pa.Array) -> ColumnRole:
    """``values``: whole numbers, decimals or floats, some of them null."""
    role, personal, confidence, why = _found(table, column, values)
    kind = "presence" if personal and role in PERSONS else "number"
    return ColumnRole(role, personal, confidence, why, kind, "number")  # type: ignore[arg-type]


def _found(table: Table, column: Column, values: pa.Array) -> tuple[str, bool, float, str]:
    name, whole = f"column name {column.name}", _is_whole(column)
    typed = f"type {column.declared}"
    if table.primary_key is not None and table.primary_key.columns == (column.name,) and whole:
        return "surrogate_key", False, 0.9, "whole-number key"
    if any(column.name in fk.columns for fk in table.foreign_keys):
        fk = next(fk for fk in table.foreign_keys if column.name in fk.columns)
        return "foreign_key", False, 1.0, f"points at {fk.ref_table}"
    known = values.drop_null()
    if whole and len(known):
        personal = _person_number(column, known)
        if personal is not None:
            return personal
    numbers = _finite(known)
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
    last = tokens(column.name)[-1:]
    if last in (("id",), ("key",)) and whole:
        return "identifier", False, 0.7, name
    for terms in (("latitude", "longitude"), None):
        found = meaning(column.name, TEXT_TERMS) if terms else number_meaning(column.name)
        for role in found:
            if terms and role not in terms:
                continue
            least, most = RANGES.get(role, (low, high))
            if least <= low and high <= most and (role not in ("year", "date_part", "ordinal") or _integral(numbers)):
                said = f"{name}; {low:g} to {high:g}" if role in RANGES and len(numbers) else name
                role = "percentage" if role == "rate" else role
                return role, bool(terms) and _of_person(table), 0.85, said
    if whole and len(known) and low >= 0 and high <= 1 and pc.count_distinct(known).as_py() == 2:
        return "flag", False, 0.8, "0 and 1 only"
    return "number", False, 0.6, typed


def _person_number(column: Column, values: pa.Array) -> tuple[str, bool, float, str] | None:
    """A number that is the address, the card or the identity of somebody, or of a book or product: checked, or named
    and of so many digits."""
    digits = pc.cast(pc.cast(values, pa.int64(), safe=False), pa.string())
    texts = [t for t in sample(digits.slice(0, 5000).to_pylist()) if t.isdigit()]
    named = [role for role in meaning(column.name, TEXT_TERMS) if role in {*PERSONS, "isbn", "ean"}]
    long_ = [t for t in texts if len(t) >= LEAST_DIGITS]
    if len(long_) < 0.9 * max(1, len(texts)) or len(texts) < 2:
        return None
    for role in dict.fromkeys((*named, *CHECKED)):
        sure = checked(role, texts, numbers=True) if role in CHECKED else None
        telling = sure is not None and sure.share >= 0.95 and len(texts) >= 20 and "pass" in sure.says
        if sure is not None and (role in named or telling):
            n = round(sure.share * len(texts))
            why = f"{n} of {len(texts)} values {sure.says}" + (f"; column name {column.name}" if role in named else "")
            return role, role in PERSONS, 0.98 if role in named else 0.8, why
    if named and named[0] in PERSONS:
        size = f"{min(map(len, texts))} to {max(map(len, texts))} digits"
        return named[0], True, 0.8, f"column name {column.name}; {size}"
    return None


def _is_whole(column: Column) -> bool:
    return isinstance(column.type, sqltypes.Integer) or (
        isinstance(column.type, sqltypes.Numeric)
        and not isinstance(column.type, sqltypes.Float)
        and _scale(column) == 0
    )


def _scale(column: Column) -> int | None:
    scale = getattr(column.type, "scale", None)
    return int(scale) if scale is not None else None


def _finite(values: pa.Array) -> np.ndarray:
    """float64: ``values`` that are no infinity and no NaN; a numeric of any precision travels as text."""
    numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers[np.isfinite(numbers)])


def _integral(numbers: np.ndarray) -> bool:
    return bool((numbers == np.round(numbers)).all())


def _of_person(table: Table) -> bool:
    """Whether a row of the table is a person's."""
    return speaks_of(table.name.name, PERSON_TABLES) or any(
        OF_PEOPLE & set(meaning(c.name, TEXT_TERMS)) for c in table.columns
    )
