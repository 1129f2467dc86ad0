"""Values of columns of which nothing but the catalog is known: by the role that name and type tell, by the type, and
so that CHECKs hold. Examples of the roles are Faker's; generators learn from them as they do from a source."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from faker import Faker
from sqlalchemy import types as sqltypes

from dbsynth.errors import UnsatisfiableConstraint, UnsupportedSource
from dbsynth.rng import derive, generator
from dbsynth.schema.implied import implications
from dbsynth.schema.model import Column, Table
from dbsynth.schema.predicate import parse_checks
from dbsynth.schema.repair import repair
from dbsynth.schema.roles import DIRECT, ColumnRole, infer_roles
from dbsynth.schema.types import Structured, arrow_type
from dbsynth.values import fit_generators

EXAMPLES = 400
LEAST_ROWS = 5
"""k of the generators; the examples are nobody's, so it protects nobody."""
DAYS = {"birth_date": (date(1945, 1, 1), date(2006, 12, 31))}
LATELY = (date(2020, 1, 1), date(2024, 12, 31))
NUMBERS = {
    "age": (18, 90), "year": (1990, 2025), "percentage": (0, 100), "latitude": (-90, 90), "longitude": (-180, 180)
}  # fmt: skip
OTHERWISE = (1, 1000)
CONSTANTS = {"xml": "<row/>", "range": "empty", "money": "0"}
"""By the families of ``Structured``."""
FAKED = {
    "company": "company", "street": "street_address", "city": "city", "state": "state", "country": "country",
    "country_code": "country_code", "postcode": "postcode", "currency": "currency_code", "language": "language_code",
    "locale": "locale", "time_zone": "timezone", "url": "url", "domain": "domain_name", "ip": "ipv4",
    "mac": "mac_address", "iban": "iban", "card": "credit_card_number", "bic": "swift", "uuid": "uuid4",
    "user_agent": "user_agent", "slug": "slug", "path": "file_path", "colour": "hex_color", "isbn": "isbn13",
    "ean": "ean13", "hash": "sha256", "token": "sha1", "password": "password", "salutation": "prefix",
    "text": "sentence", "html": "sentence", "markdown": "sentence", "source_code": "sentence", "label": "word",
    "plate": "license_plate", "national_id": "ssn", "tax_id": "ssn", "account": "bban", "birth_date": "date",
    "moment": "date",
}  # fmt: skip
"""Role -> provider method of Faker."""
PATTERNS = {
    "cidr": "10.%#.#.0/24", "code": "??###", "sku": "???-####", "natural_key": "??####", "identifier": "??####",
    "version": "%.#.#", "initials": "??", "flag": "#", "coordinates": "%#.####, %#.####",
}  # fmt: skip
AREA_CODES = ("202", "312", "415", "617", "713")


def made_up(
    table: Table, columns: Sequence[str], rows: int, *, unique: Collection[str], seed: int, sqlglot: str
) -> tuple[pa.RecordBatch, dict[str, str]]:
    """``columns`` of ``table``, without nulls, for ``rows`` rows, so that each of ``unique`` has no value twice and the
    CHECKs that read nothing else hold; and the role that each was given. ``sqlglot``: the name of the database's SQL.

    Raises UnsupportedSource for a type that cannot be made up, UnsatisfiableConstraint where there are too few values
    or none that meet the CHECKs; both name the column."""
    roles = infer_roles(table, _nothing(table))
    texts = [c for c in columns if _is_text(table.column(c))]
    made = _texts(table, texts, roles, rows, set(unique), seed)
    for name in columns:
        if name not in made:
            rng = generator(seed, "unseen", str(table.name), name)
            values = _values(table, table.column(name), roles[name], rows, name in unique, rng)
            made[name] = pa.array(values, arrow_type(table.column(name).type))
    batch = pa.RecordBatch.from_pydict({c: made[c] for c in columns})
    met = _meeting_checks(table, batch, generator(seed, "unseen checks", str(table.name)), sqlglot)
    return met, {c: roles[c].role for c in columns}


def _nothing(table: Table) -> pa.Table:
    return pa.schema([(c.name, arrow_type(c.type)) for c in table.stored_columns]).empty_table()


def _is_text(column: Column) -> bool:
    type_ = column.type
    network = isinstance(type_, Structured) and type_.family == "network"
    return network or (isinstance(type_, sqltypes.String) and not isinstance(type_, sqltypes.Enum | sqltypes.ARRAY))


def _texts(
    table: Table, columns: Sequence[str], roles: dict[str, ColumnRole], rows: int, unique: set[str], seed: int
) -> dict[str, pa.Array]:
    """What is personal, or must be unique, is made as it is from a source; of the rest the examples will do."""
    if not columns:
        return {}
    shown = _examples(table, columns, roles, seed)
    made_anew = [c for c in columns if roles[c].role in DIRECT or c in unique]
    made: dict[str, pa.Array] = {}
    data = _nothing(table)
    blank = {c.name: pa.nulls(EXAMPLES, arrow_type(c.type)) for c in table.stored_columns}
    data = pa.table(blank | shown, schema=data.schema)
    there = {c: np.ones(rows, bool) for c in columns}
    rng = generator(seed, "unseen texts", str(table.name))
    for maker in fit_generators(
        table, data, roles, made_anew, unique=unique & set(made_anew), k=LEAST_ROWS, seed=seed, guides=()
    ):
        made |= maker.generate(there, made, rng)
    for name in columns:
        if name not in made:
            made[name] = shown[name].take(pa.array(rng.integers(0, EXAMPLES, rows)))
    return {c: made[c] for c in columns}


def _examples(table: Table, columns: Sequence[str], roles: dict[str, ColumnRole], seed: int) -> dict[str, pa.Array]:
    """EXAMPLES texts of each column; those of one row belong to one person."""
    fake = Faker("en_US")
    fake.seed_instance(derive(seed, "examples", str(table.name)))
    found: dict[str, list[str]] = {c: [] for c in columns}
    for _ in range(EXAMPLES):
        first, last = fake.first_name(), fake.last_name()
        person = {
            "first_name": first,
            "last_name": last,
            "full_name": f"{first} {last}",
            "user_name": f"{first[0]}{last}".lower(),
            "email": f"{first}.{last}@example.com".lower(),
            "phone": f"+1 {fake.random_element(AREA_CODES)}-555-{fake.numerify('####')}",
            "sex": fake.random_element(("f", "m")),
        }
        for name in columns:
            role = roles[name].role
            length = getattr(table.column(name).type, "length", None)
            text = person.get(role) or (
                fake.bothify(PATTERNS[role]).upper()
                if role in PATTERNS
                else str(getattr(fake, FAKED.get(role, "word"))())
            )
            found[name].append(text[:length] if length else text)
    return {name: pa.array(texts, pa.string()) for name, texts in found.items()}


def _values(
    table: Table, column: Column, role: ColumnRole, rows: int, unique: bool, rng: np.random.Generator
) -> list[Any]:
    """As ``pa.array`` takes them for the column's Arrow type."""
    match column.type:
        case sqltypes.Uuid():
            return [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(rows)]
        case sqltypes.Boolean():
            if not unique:
                return [False] * rows  # a flag that came later is not set in rows that know nothing of it
            return [bool(v) for v in _steps(table, column, 0, 1, rows, unique, rng)]
        case sqltypes.Enum(enums=labels):
            return [labels[i] for i in _steps(table, column, 0, len(labels) - 1, rows, unique, rng)]
        case sqltypes.Integer():
            low, high = NUMBERS.get(role.role, OTHERWISE)
            most = 2**15 - 1 if isinstance(column.type, sqltypes.SmallInteger) else 2**31 - 1
            whole: list[Any] = _steps(table, column, low, high, rows, unique, rng, most).tolist()
            return whole
        case sqltypes.Float():
            low, high = NUMBERS.get(role.role, OTHERWISE)
            return [v / 100 for v in _steps(table, column, 100 * low, 100 * high, rows, unique, rng, 2**31).tolist()]
        case sqltypes.Numeric(precision=precision, scale=scale):
            return _decimals(table, column, role, rows, unique, rng, precision, scale)
        case sqltypes.Date() | sqltypes.DateTime():
            return _moments(table, column, role, rows, unique, rng)
        case sqltypes.Time():
            seconds = _steps(table, column, 0, 86_399, rows, unique, rng).tolist()
            return [time(s // 3600, s // 60 % 60, s % 60) for s in seconds]
        case sqltypes.Interval():
            return [f"{n} days" for n in _steps(table, column, 1, 365, rows, unique, rng, 2**31 - 1)]
        case sqltypes.JSON():
            constant: str | None = "{}"
        case sqltypes.ARRAY():
            constant = "{}"
        case sqltypes.LargeBinary():
            constant = "\\x"
        case Structured(family=family):
            constant = CONSTANTS.get(family)
        case _:
            constant = None
    if constant is None or (unique and rows > 1):
        raise UnsupportedSource(
            f"column {table.name}.{column.name} ({column.declared}) is not in the model, must not be null and has no "
            f"default: no {'different ' if constant else ''}values of this type are made up",
            hint="give it a default in your migration, or train the model anew",
        )
    return [constant] * rows


def _steps(
    table: Table, column: Column, low: int, high: int, rows: int, unique: bool, rng: np.random.Generator,
    most: int | None = None,
) -> np.ndarray:  # fmt: skip
    """int (rows,) from ``low`` to ``high``; different ones, if they have to be, up to ``most``."""
    if not unique:
        return rng.integers(low, high, rows, endpoint=True)
    end = max(high, most or high)
    if end - low + 1 < rows:
        raise UnsatisfiableConstraint(
            f"column {table.name}.{column.name} ({column.declared}) is not in the model and unique: there are "
            f"{end - low + 1:,} values that it may have, and {rows:,} rows",
            hint="give it a wider type, or load fewer rows (scale=)",
        )
    return low + rng.permutation(rows)


def _decimals(
    table: Table, column: Column, role: ColumnRole, rows: int, unique: bool, rng: np.random.Generator,
    precision: int | None, scale: int | None,
) -> list[Any]:  # fmt: skip
    """Of numeric(p, s): whole steps of 10 ** -s below 10 ** p; without p, hundredths as text."""
    low, high = NUMBERS.get(role.role, OTHERWISE)
    places = 2 if precision is None else scale or 0
    most = min(10 ** (precision or 18), 2**62) - 1
    unit = 10**places if places >= 0 else 1
    steps = _steps(table, column, max(low * unit, -most) if low < 0 else min(low * unit, 0 if unique else most),
                   min(high * unit, most), rows, unique, rng, most)  # fmt: skip
    made = [Decimal(int(s)).scaleb(-places) for s in steps]
    return made if pa.types.is_decimal(arrow_type(column.type)) else [str(m) for m in made]


def _moments(
    table: Table, column: Column, role: ColumnRole, rows: int, unique: bool, rng: np.random.Generator
) -> list[Any]:
    first, last = DAYS.get(role.role, LATELY)
    if isinstance(column.type, sqltypes.Date):
        days = _steps(table, column, 0, (last - first).days, rows, unique, rng, 365 * 7000).tolist()
        return [first + timedelta(days=d) for d in days]
    zone = UTC if getattr(column.type, "timezone", False) else None
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    seconds = _steps(table, column, 0, (last - first).days * 86_400, rows, False, rng).tolist()
    if unique:
        seconds = [i * 60 + s % 60 for i, s in enumerate(seconds)]
    return [start + timedelta(seconds=s) for s in seconds]


def _meeting_checks(table: Table, batch: pa.RecordBatch, rng: np.random.Generator, sqlglot: str) -> pa.RecordBatch:
    """CHECKs that read other columns too, or that only the database can evaluate, are left to it."""
    own = set(batch.schema.names)
    checks = [c for c in parse_checks(table, sqlglot) if c.evaluable and c.columns and set(c.columns) <= own]
    if not checks:
        return batch
    repaired, broken = repair(batch, checks, implications(checks, table, datetime.now(UTC)), rng, ())
    if broken.any():
        named = ", ".join(c.check.name for c in checks if c.violations(repaired).any())
        columns = ", ".join(dict.fromkeys(n for c in checks for n in c.columns))
        raise UnsatisfiableConstraint(
            f"column {table.name}.{columns} is not in the model and must not be null: no values were found that meet "
            f"{named}",
            hint="give it a default in your migration, or train the model anew",
        )
    return repaired
