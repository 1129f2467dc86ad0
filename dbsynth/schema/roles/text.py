"""What a column of texts means."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.schema.model import Column, Table
from dbsynth.schema.roles.catalog import AREAS, DIRECT, PERSONAL
from dbsynth.schema.roles.column import ColumnRole
from dbsynth.schema.roles.names import (
    COMPANY_TABLES,
    NAME_WORDS,
    PERSON_TABLES,
    PLACE_TABLES,
    meaning,
    speaks_of,
    tokens,
)
from dbsynth.schema.roles.shapes import (
    CLEAR,
    COUNTRY,
    Likeness,
    by_values,
    checked,
    flag,
    has_letters,
    possible,
    sample,
    share,
)
from dbsynth.schema.roles.terms import TEXT_TERMS

MOST_CATEGORIES = 5000
"""A text column with more values that may be kept is made, not learned."""
CATEGORY_SHARE = 0.6
"""A text column is categorical if values that k rows share make up at least this share of its rows."""
LOOKED_AT = 5000
WORD = r"^\p{Lu}?\p{Ll}{2,}$"
"""A word of some language, no code: Horror, horror."""
SHORT_COMMENT = 3
"""Words; a longer comment tells a story, and speaks of much that the column is not."""
WORDY = frozenset(
    ("first_name", "last_name", "full_name", "user_name", "company", "street", "city", "state", "country", "language")
) | {"path", "colour", "sku"}
"""Roles that nearly any text can be of: a comment is not enough for them."""
CODED = {"country": "country_code", "country_code": "country_code", "currency": "currency", "language": "language"}
"""What the keys of tables of such things can be codes of."""
_AKIN = {
    "hash": ("password", "token"),
    "uuid": ("token",),
    "tax_id": ("national_id",),
    "national_id": ("tax_id",),
    "html": ("html",),
    "moment": ("birth_date",),
    "colour": ("colour",),
    "json": (),
}
"""Where the values speak for the one and the name for the other, the name is right."""


def text_role(table: Table, column: Column, values: pa.Array, k: int) -> ColumnRole:
    """``values``: texts, some of them null."""
    known = values.drop_null()
    filled = known.filter(pc.not_equal(known, ""))  # empty texts tell nothing of the others
    if len(known) and not len(filled):
        return ColumnRole("category", False, 1.0, "empty texts only", "category")
    shared, kept = categories(filled, k)
    limited = shared >= CATEGORY_SHARE and 0 < kept <= MOST_CATEGORIES
    often = f"{kept} values that >= {k} of the rows seen share make up {shared:.0%}"
    different = sample(filled.slice(0, LOOKED_AT).to_pylist())
    if limited and flag(different):
        return ColumnRole("flag", False, 0.9, f"two answers: {often}", "category")
    found = _found(table, column, different, limited)
    if found is not None:
        role, confidence, why = found
        if role in DIRECT and not (limited and role in AREAS):
            return ColumnRole(role, role in PERSONAL, confidence, why, "presence")
        if limited:
            return ColumnRole(role, False, confidence, f"{why}; {often}", "category")
        return ColumnRole(role, role in PERSONAL, confidence, why, "presence")
    if limited:
        return ColumnRole("category", False, 0.9, often, "category")
    return _shape(table, column, filled)


def categories(values: pa.Array, k: int) -> tuple[float, int]:
    """Share of the rows whose value occurs in at least k of them, and the number of such values."""
    known = values.drop_null()
    if len(known) == 0:
        return 0.0, 0
    counts = pc.value_counts(known).field("counts")
    common = counts.filter(pc.greater_equal(counts, k))
    return (pc.sum(common).as_py() or 0) / len(known), len(common)


def named_roles(table: Table, column: Column) -> list[tuple[str, str]]:
    """Roles that the catalog speaks of, with where it does: the column's name, its comment, its table's name."""
    found = [(role, f"column name {column.name}") for role in meaning(column.name, TEXT_TERMS)]
    if not found and set(tokens(column.name)[-1:]) & NAME_WORDS:
        whose = tokens(column.name)[:-1]
        owner = "_".join(whose) if whose else table.name.name
        said = f"{column.name} of {table.name.name}" if not whose else f"column name {column.name}"
        for role, of in (("full_name", PERSON_TABLES), ("company", COMPANY_TABLES), *PLACE_TABLES.items()):
            if speaks_of(owner, of):
                found.append((role, said))
    if tokens(column.name) == ("code",):
        things = [r for r in CODED if speaks_of(table.name.name, PLACE_TABLES.get(r, frozenset()))]
        found += [(CODED[r], f"code of {table.name.name}") for r in things]
    if tokens(column.name)[-1:] == ("id",):  # a code of a standard can be a key
        found += [(CODED[r], f"column name {column.name}") for r in meaning(column.name[:-2], TEXT_TERMS) if r in CODED]
    if not found and column.comment:
        short = len(column.comment.split()) <= SHORT_COMMENT
        found = [
            (role, f"comment {column.comment[:60]!r}")
            for role in meaning(column.comment, TEXT_TERMS)
            if short or role not in WORDY
        ]
    return found


def _found(table: Table, column: Column, values: list[str], limited: bool) -> tuple[str, float, str] | None:
    """Role, confidence and evidence; None where neither name nor values tell."""
    named = named_roles(table, column)
    if not values:
        return (named[0][0], 0.75, f"{named[0][1]}; no values") if named else None
    clear = by_values(values)
    if clear is not None:
        names = dict(named)
        same = next((r for r in (clear.role, *_AKIN.get(clear.role, ())) if r in names), None)
        if same is not None:
            return same, 0.98, f"{_said(clear, values)}; {names[same]}"
        return clear.role, round(0.6 + 0.3 * clear.share, 2), _said(clear, values)
    for role, where in named:
        sure = checked(role, values)
        if sure is not None:
            return role, 0.98, f"{_said(sure, values)}; {where}"
        if role == "country" and share(COUNTRY.fullmatch, values) >= CLEAR:
            role = "country_code"
        likely = possible(role, values)
        if likely is None and role == "full_name" and share(has_letters, values) >= CLEAR:
            role, likely = "user_name", possible("user_name", values)
        if likely is None or (role == "email" and limited and not any("@" in v for v in values)):
            continue
        return role, round(0.5 + 0.4 * likely.share, 2), f"{where}; {_said(likely, values)}"
    return None


def _said(found: Likeness, values: list[str]) -> str:
    n = round(found.share * len(values))
    return f"{n} of {len(values)} values {found.says}"


def _shape(table: Table, column: Column, values: pa.Array) -> ColumnRole:
    known = values.slice(0, 2000)
    if len(known) == 0:
        return ColumnRole("label", False, 0.3, "no values", "presence")
    length = pc.mean(pc.utf8_length(known)).as_py()
    blanks = pc.mean(pc.count_substring_regex(known, r"\s")).as_py()
    digits = pc.mean(pc.count_substring_regex(known, r"\d")).as_py()
    if blanks >= 5 or length > 80:
        return ColumnRole("text", False, 0.8, f"{blanks + 1:.0f} words a value", "presence")
    spelled = pc.mean(pc.match_substring_regex(known, WORD).cast(pa.float64())).as_py()
    if blanks < 0.3 and spelled < CLEAR and (digits > 0.2 * length or length <= 8):
        built = f"{length:.0f} characters, {digits:.0f} digits"
        if (column.name,) in table.unique_keys:
            return ColumnRole("natural_key", False, 0.8, f"a key; {built}", "presence")
        return ColumnRole("code", False, 0.7, built, "presence")
    return ColumnRole("label", False, 0.6, f"{blanks + 1:.0f} words a value", "presence")
