"""What a column means, told from its name, its type and its values."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes

from dbsynth.errors import ConfigError
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import ColumnRole, infer_roles
from dbsynth.schema.types import arrow_type


def role(name: str, values: list[object], type_: sqltypes.TypeEngine | None = None, table: str = "t") -> ColumnRole:
    declared = type_ or sqltypes.Text()
    made = Table(TableName("public", table), (Column(name, declared, str(declared)),))
    return infer_roles(made, pa.table({name: pa.array(values, arrow_type(declared))}))[name]


NAMES = [f"{chr(65 + i)}nna Meier{i}" for i in range(26)]
WORDS = [f"Wort{i} und mehr{i % 7}" for i in range(40)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first_name", "first_name"), ("vorname", "first_name"), ("prenom", "first_name"), ("apellidos", "last_name"),
        ("nachname", "last_name"), ("cognome", "last_name"), ("email", "email"), ("e_mail", "email"),
        ("telefon", "phone"), ("phone_number", "phone"), ("city", "city"), ("strasse", "street"), ("plz", "postcode"),
        ("company_name", "company"), ("country", "country"),
    ],
)  # fmt: skip
def test_names_of_columns_in_several_languages(name: str, expected: str) -> None:
    assert role(name, WORDS).role == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"user{i}@mail.test" for i in range(30)], "email"),
        ([f"https://host.test/page/{i}" for i in range(30)], "url"),
        ([f"{i:08x}-1111-4111-8111-{i:012x}" for i in range(30)], "uuid"),
    ],
)
def test_the_shape_of_the_values_tells_what_the_name_hides(values: list[object], expected: str) -> None:
    assert role("value", values).role == expected


def test_a_name_of_a_person_is_one_by_its_table() -> None:
    assert role("name", NAMES, table="customer").personal
    assert not role("name", WORDS, table="product").personal


def test_numbers_are_no_names() -> None:
    assert role("customer_name", [str(i) for i in range(50)]).role != "full_name"
    assert role("author", list(range(50)), sqltypes.Integer()).kind == "number"


def test_few_values_are_categories_and_many_are_not() -> None:
    assert role("status", ["open", "paid", "sent"] * 30).kind == "category"
    assert role("note", [f"text number {i}" for i in range(90)]).kind == "presence"


def test_a_role_can_be_set_and_must_be_known() -> None:
    inferred = role("note", WORDS)
    assert inferred.with_role("email").personal
    with pytest.raises(ConfigError, match="emial"):
        inferred.with_role("emial")


def test_a_value_that_many_rows_share_is_rare_in_a_sample() -> None:
    """2,000 codes, each in 50 rows: a sample of 5,000 of the 100,000 rows has hardly any five times."""
    made = Table(TableName("s", "flights"), (Column("tailnum", sqltypes.Text(), "text"),))
    values = [f"N{i * 37 % 2000:05d}" for i in range(5000)]
    sample = pa.table({"tailnum": pa.array(values, pa.string())})
    assert infer_roles(made, sample)["tailnum"].kind == "presence"
    assert infer_roles(made, sample, rows=100_000)["tailnum"].kind == "category"
    once = pa.table({"tailnum": pa.array([f"N{i:05d}" for i in range(5000)], pa.string())})
    assert infer_roles(made, once, rows=100_000)["tailnum"].kind == "presence"
