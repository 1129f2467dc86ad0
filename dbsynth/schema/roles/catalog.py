"""The roles: what a column can mean, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

On = Literal["text", "number", "moment", "flag", "uuid", "structured"]
"""text: also enums · moment: dates, times, intervals · structured: JSON, arrays, bytes and the database's own types"""


@dataclass(frozen=True)
class Role:
    """``personal``: points at a person or an organisation. ``made``: its values are never learned, but made anew.
    ``on``: the types of columns that can have it."""

    name: str
    on: tuple[On, ...] = ("text",)
    personal: bool = False
    made: bool = False


def _roles(names: str, *on: On, personal: bool = False, made: bool = False) -> list[Role]:
    return [Role(name, on or ("text",), personal, made) for name in names.split()]


_ALL = (
    *_roles("first_name last_name full_name user_name email company street", personal=True, made=True),
    *_roles("password token plate iban", personal=True, made=True),
    *_roles("phone postcode card national_id tax_id account", "text", "number", personal=True, made=True),
    *_roles("ip mac", "text", "structured", personal=True, made=True),
    *_roles("cidr", "text", "structured"),
    *_roles("uuid", "text", "uuid", made=True),
    *_roles("url", made=True),
    *_roles("city state country country_code currency language locale time_zone bic domain user_agent slug path"),
    *_roles("colour version isbn ean sku", "text", "number"),
    *_roles("hash initials salutation text html markdown source_code label code"),
    *_roles("json xml", "text", "structured"),
    *_roles("natural_key", "text", "number"),
    *_roles("category", "text", "number", "flag", "structured"),
    *_roles("sex", "text", "number", "flag"),
    *_roles("birth_date", "moment", "text", personal=True),
    *_roles("moment", "moment", "text"),
    *_roles("latitude longitude", "number", "text"),
    *_roles("coordinates", "text", "structured"),
    *_roles("number money measure percentage year age ordinal count date_part", "number"),
    *_roles("flag", "flag", "number", "text"),
    *_roles("surrogate_key foreign_key identifier", "number", "text", "uuid"),
    *_roles("structured", "structured"),
)  # fmt: skip
CATALOG: dict[str, Role] = {r.name: r for r in _ALL}

PERSONAL = frozenset(r.name for r in _ALL if r.personal)
"""Roles that point at a person or an organisation. Where they are made, no value is the source's."""
DIRECT = frozenset(r.name for r in CATALOG.values() if r.made)
"""Roles whose values are always made."""
AREAS = frozenset(["postcode"])
"""Personal where they are those of few rows; what k rows share is a place."""
ROLES = frozenset(CATALOG)
