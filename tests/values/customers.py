"""A table of customers of four countries, whose people, addresses and places belong together in known ways."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.rng import generator
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import ColumnRole, infer_roles
from dbsynth.values import fit_generators
from dbsynth.values.pools import names_of
from dbsynth.values.spelling import plain

COUNTRIES = {"Germany": "de_DE", "France": "fr_FR", "Poland": "pl_PL", "United Kingdom": "en_GB"}
DIAL = {"Germany": "+49 30 ", "France": "+33 1 ", "Poland": "+48 22 ", "United Kingdom": "+44 20 "}
CITIES = {
    "Germany": {"Berlin": "10", "Hamburg": "20", "Köln": "50"},
    "France": {"Paris": "75", "Lyon": "69"},
    "Poland": {"Warszawa": "0", "Kraków": "3"},
    "United Kingdom": {"London": "E", "Leeds": "LS"},
}


@dataclass
class Cloned:
    """``source`` and ``made`` rows; ``roles`` that were told."""

    source: pa.Table
    made: dict[str, list[str | None]]
    roles: dict[str, ColumnRole]

    def rows(self, *columns: str) -> list[tuple[str, ...]]:
        return list(zip(*(self.made[c] for c in columns), strict=True))

    def real(self, *columns: str) -> list[tuple[str, ...]]:
        return list(zip(*(self.source.column(c).to_pylist() for c in columns), strict=True))


def customers(rows: int, seed: int = 1) -> pa.Table:
    """Six of ten addresses are ``first.last``, three ``flast``, one is of no name; nine of ten people have a company
    domain of three."""
    rng = generator(seed, "customers")
    out: dict[str, list[str]] = {}
    for _ in range(rows):
        country = str(rng.choice(list(COUNTRIES), p=[0.4, 0.3, 0.2, 0.1]))
        women = bool(rng.random() < 0.6)
        names = names_of(COUNTRIES[country])
        first = str(rng.choice(names["female" if women else "male"][:60]))
        last = str(rng.choice(names["last_female" if women else "last_male"][:80]))
        kind, number = rng.random(), str(rng.integers(1, 1000)) if rng.random() < 0.5 else ""
        local = f"{plain(first)}.{plain(last)}{number}" if kind < 0.6 else f"{plain(first)[0]}{plain(last)}{number}"
        if kind > 0.9:
            local = "".join(rng.choice(list("bcdfgklmnprst"), 9))
        domain = str(rng.choice(["gmail.com", "web.de", "corp.example", f"{local[:5]}.org"], p=[0.5, 0.3, 0.1, 0.1]))
        city = str(rng.choice(list(CITIES[country])))
        prefix = CITIES[country][city]
        postcode = {
            "Germany": f"{prefix}{rng.integers(0, 1000):03}",
            "France": f"{prefix}{rng.integers(0, 1000):03}",
            "Poland": f"{prefix}{rng.integers(0, 10)}-{rng.integers(0, 1000):03}",
            "United Kingdom": f"{prefix}{rng.integers(1, 10)} {rng.integers(1, 10)}{rng.choice(['AB', 'DE', 'XY'])}",
        }[country]
        row = {
            "sex": "F" if women else "M",
            "first_name": first,
            "last_name": last,
            "full_name": f"{last}, {first}",
            "email": f"{local}@{domain}",
            "country": country,
            "city": city,
            "postcode": postcode,
            "phone": DIAL[country] + "".join(map(str, rng.integers(0, 10, 7))),
            "street": f"{rng.choice(names['last_male'])}straat {rng.integers(1, 90)}",
        }
        for column, value in row.items():
            out.setdefault(column, []).append(value)
    return pa.table(out)


def cloned(
    source: pa.Table, *, rows: int, unique: tuple[str, ...] = (), seed: int = 1, name: str = "customers"
) -> Cloned:
    """What is made for ``source``; learned columns are drawn from its rows as they stand."""
    table = Table(TableName("s", name), tuple(Column(c, sqltypes.Text(), "text", True) for c in source.column_names))
    roles = infer_roles(table, source, 5)
    made = [c for c in source.column_names if roles[c].kind == "presence"]
    generators = fit_generators(table, source, roles, made, unique=unique, k=5, seed=seed)
    rng = generator(seed, "sample")
    at = pa.array(rng.integers(0, source.num_rows, rows))
    row = {c: source.column(c).combine_chunks().take(at) for c in source.column_names if c not in made}
    there = source.take(at)
    for i, maker in enumerate(generators):
        present = {c: there.column(c).is_valid().to_numpy() for c in maker.columns}
        row |= maker.generate(present, row, generator(seed, i))
    return Cloned(source, {c: row[c].to_pylist() for c in source.column_names}, roles)
