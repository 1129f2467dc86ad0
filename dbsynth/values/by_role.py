"""Generators that a role asks for, whatever the values' outer form: checked identifiers, addresses, tokens, listed
codes. Where the values do not follow what the role promises, there is none, and the form decides."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.rng import derive
from dbsynth.schema.identifiers import bare, recognise
from dbsynth.schema.model import Column, Table
from dbsynth.schema.types import Structured, arrow_type
from dbsynth.values.agents import UserAgents
from dbsynth.values.base import ValueGenerator
from dbsynth.values.between import fit_numbers
from dbsynth.values.column import Drawer
from dbsynth.values.formats import Colours, Dates, Versions, WebDomains
from dbsynth.values.guard import Guard
from dbsynth.values.identifiers import fit_identifiers
from dbsynth.values.listed import SYSTEMS, Listed
from dbsynth.values.networks import fit_addresses, fit_hardware
from dbsynth.values.numbered import Numbered
from dbsynth.values.phones import Phones
from dbsynth.values.tokens import JWT, Tokens, UniqueIds, WebTokens

IDENTIFIERS = ("iban", "card", "national_id", "tax_id", "account", "isbn", "ean", "bic")
OF_PERSONS = ("phone", "card", "national_id", "tax_id", "account", "postcode")
LOOKED_AT = 2000
FIT_ROWS = 50_000


def generator_by_role(
    table: Table, column: Column, role: str, data: pa.Table, *, unique: bool, k: int, seed: int
) -> ValueGenerator | None:
    """A generator of a column of its own, None where its values' form decides."""
    type_ = column.type
    text = isinstance(type_, sqltypes.String) and not isinstance(type_, sqltypes.Enum)
    if isinstance(type_, Structured) and type_.family == "network":
        text, role = True, "mac" if type_.declared.startswith("mac") else "ip"
    whole = not text and _whole(type_) and role in (*IDENTIFIERS, *OF_PERSONS)
    if not (whole or (text and role in (*IDENTIFIERS, "ip", "cidr", "mac"))):
        return None
    known = data.column(column.name).drop_null()
    texts: list[str] = pc.cast(pc.cast(known, pa.int64()) if whole else known, pa.string()).to_pylist()
    values = [t for t in texts if t]
    if not values:
        return None
    empty = 1 - len(values) / len(texts)
    distinct = max(len(set(values)) / len(values), 1e-3)
    name, owner, key = column.name, str(table.name), derive(seed, "guard")
    if role in ("ip", "cidr", "mac"):
        fit = fit_hardware if role == "mac" else fit_addresses
        guard = Guard(set(values), key)
        return fit(owner, name, values[:FIT_ROWS], guard, unique=unique, k=k, distinct=distinct, empty=empty)
    if role in IDENTIFIERS:
        made = _identifiers(table, column, role, values, data, unique=unique, k=k, key=key, whole=whole,
                            distinct=distinct, empty=empty)  # fmt: skip
        if made is not None:
            return made
    if whole:
        guard = Guard(set(values), key)
        return fit_numbers(owner, name, values, guard, arrow_type(type_), unique=unique, k=k, distinct=distinct)
    return None


def _identifiers(
    table: Table, column: Column, role: str, values: Sequence[str], data: pa.Table, *, unique: bool, k: int, key: int,
    whole: bool, distinct: float, empty: float,
) -> Numbered | None:  # fmt: skip
    families = recognise(values[:LOOKED_AT], numbers=whole)
    akin = {role} | ({"national_id", "tax_id", "account"} if role in ("national_id", "tax_id", "account") else set())
    family = next((f for f in families if f.role in akin), None)
    if family is None:
        return None
    length = getattr(column.type, "length", None)
    return fit_identifiers(
        str(table.name),
        column.name,
        values[:FIT_ROWS],
        family.schemes,
        Guard({bare(v) for v in values}, key),
        data=data,
        unique=unique,
        k=k,
        whole=arrow_type(column.type) if whole else None,
        distinct=distinct,
        empty=empty,
        max_length=int(length) if length else None,
    )


def drawer_by_role(role: str, values: Sequence[str], k: int, words: Sequence[str], *, unique: bool) -> Drawer | None:
    """A drawer of texts, None where the form of ``values`` decides. ``words``: those that domains are made of."""
    if not values:
        return None
    if role in SYSTEMS:
        found = Listed.fit(role, values, k, unique=unique)
        if found is not None or role != "colour":
            return found
    match role:
        case "phone":
            return Phones.fit(values, k)
        case "uuid":
            return UniqueIds(values, k)
        case "token" | "password" | "hash":
            web = sum(JWT.fullmatch(v) is not None for v in values[:LOOKED_AT])
            return WebTokens(values, k) if web > 0.5 * len(values[:LOOKED_AT]) else Tokens.fit(values, k)
        case "colour":
            return Colours(values, k) if _mostly(values, ("#", "rgb")) else None
        case "version":
            return Versions(values, k)
        case "user_agent":
            return UserAgents(values, k) if _mostly(values, ("Mozilla/",)) else None
        case "domain":
            return WebDomains(values, k, words)
        case "moment" | "birth_date":
            return Dates.fit(values, k)
        case _:
            return None


def _mostly(values: Sequence[str], starts: tuple[str, ...]) -> bool:
    some = values[:LOOKED_AT]
    return sum(v.startswith(starts) for v in some) >= 0.5 * len(some)


def _whole(type_: object) -> bool:
    if isinstance(type_, sqltypes.Integer):
        return True
    return isinstance(type_, sqltypes.Numeric) and not isinstance(type_, sqltypes.Float) and type_.scale == 0
