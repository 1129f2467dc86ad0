"""Values follow the row that a key points at: whose address it is, and of which country."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.values.pools import names_of
from dbsynth.values.spelling import plain

PEOPLE = 400
DIAL = {"Germany": "+49 30 ", "France": "+33 1 ", "Italy": "+39 06 "}
LOCALES = dict(zip(DIAL, ("de_DE", "fr_FR", "it_IT"), strict=True))
SCHEMA = {
    "person": {"primary_key": ["id"]},
    "address": {
        "primary_key": ["id"],
        "unique": [["email"]],
        "foreign_keys": [{"columns": ["person_id"], "ref_table": "person"}],
    },
}


def people() -> dict[str, pa.Table]:
    """Each person has one or two addresses, in eight of ten rows of his own name, and a number of his country."""
    rng = np.random.default_rng(2)
    country = rng.choice(list(DIAL), PEOPLE)
    first, last = ([str(rng.choice(names_of(LOCALES[c])[kind])) for c in country] for kind in ("female", "last_female"))
    owner = np.r_[np.arange(PEOPLE), rng.permutation(PEOPLE)[:100]]
    own = rng.random(len(owner)) < 0.8
    mails = [
        f"{plain(first[i])}.{plain(last[i])}{j}@mail.org"
        if follows
        else f"{''.join(rng.choice(list('bcdfgk'), 7))}{j}@mail.org"
        for j, (i, follows) in enumerate(zip(owner, own, strict=True))
    ]
    return {
        "person": pa.table({"id": range(PEOPLE), "given_name": first, "surname": last, "country": country.tolist()}),
        "address": pa.table(
            {
                "id": range(len(owner)),
                "person_id": owner,
                "email": mails,
                "phone": [DIAL[country[i]] + str(rng.integers(10**6, 10**7)) for i in owner],
                "holder_name": [f"{last[i]}, {first[i]}" for i in owner],
            }
        ),
    }


@pytest.fixture(scope="module")
def made() -> list[dict[str, str]]:
    model = dbsynth.fit(people(), schema=SCHEMA, effort="quick", seed=1)
    tables: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in model.sample_batches(seed=2):
        tables.setdefault(name, []).append(batch)
    person, address = (pa.Table.from_batches(tables[n]).to_pylist() for n in ("person", "address"))
    owners = {p["id"]: p for p in person}
    return [a | owners[a["person_id"]] for a in address]


def test_addresses_are_of_the_persons_name_as_often_as_in_the_source(made: list[dict[str, str]]) -> None:
    follows = [r["email"].startswith(f"{plain(r['given_name'])}.{plain(r['surname'])}") for r in made]
    assert np.mean(follows) == pytest.approx(0.8, abs=0.05)
    assert len({r["email"] for r in made}) == len(made)


def test_the_holder_is_the_person(made: list[dict[str, str]]) -> None:
    assert np.mean([r["holder_name"] == f"{r['surname']}, {r['given_name']}" for r in made]) > 0.99


def test_numbers_are_of_the_persons_country(made: list[dict[str, str]]) -> None:
    assert np.mean([r["phone"].startswith(DIAL[r["country"]]) for r in made]) > 0.99
