"""What a column means, told from its name, its type and its values."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.errors import ConfigError
from dbsynth.schema.model import Column, ForeignKey, Key, Table, TableName
from dbsynth.schema.roles import CATALOG, DIRECT, ROLES, ColumnRole, infer_roles
from dbsynth.schema.roles.names import meaning, tokens, words
from dbsynth.schema.roles.terms import NUMBER_TERMS, TEXT_TERMS
from dbsynth.schema.types import arrow_type


def role(
    name: str, values: list[object], type_: sqltypes.TypeEngine | None = None, table: str = "t", comment: str = ""
) -> ColumnRole:
    declared = type_ or sqltypes.Text()
    column = Column(name, declared, str(declared), comment=comment or None)
    made = Table(TableName("public", table), (column,))
    return infer_roles(made, pa.table({name: pa.array(values, arrow_type(declared))}))[name]


NAMES = [f"{chr(65 + i)}nna Meier" for i in range(26)]
WORDS = [f"Wort{i} und mehr{i % 7}" for i in range(40)]
MAILS = [f"user{i}@mail.test" for i in range(30)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (MAILS, "email"),
        ([f"https://host.test/page/{i}" for i in range(30)], "url"),
        ([f"{i:08x}-1111-4111-8111-{i:012x}" for i in range(30)], "uuid"),
    ],
)
def test_the_shape_of_the_values_tells_what_the_name_hides(values: list[object], expected: str) -> None:
    assert role("value", values).role == expected
    assert role("first_name", values).role == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("email", ["yes", "no"] * 20), ("phone", ["iPhone 15", "Pixel 8", "Galaxy S24"] * 10), ("iban", WORDS),
        ("country", [str(i) for i in range(40)]), ("customer_name", [str(i) for i in range(50)]),
        ("state", ["open", "closed", "waiting"] * 20), ("ip", ["fast", "slow"] * 20), ("title", WORDS),
        ("zip", ["archive.zip", "data.zip", "old.zip"] * 9), ("currency", ["high", "low"] * 20),
        ("mac", ["Big Mac", "Cheese"] * 20), ("sex", ["often", "never"] * 20),
    ],
)  # fmt: skip
def test_a_name_does_not_decide_against_the_values(name: str, values: list[object]) -> None:
    found = role(name, values)
    assert found.role in ("category", "flag", "label", "code", "text", "path")
    assert not found.personal


def test_a_name_says_what_no_value_says() -> None:
    found = role("vorname", [])
    assert (found.role, found.personal) == ("first_name", True)
    assert "no values" in found.evidence


def test_evidence_counts() -> None:
    found = role("email", [*MAILS[:27], "unknown", "none", "-"])
    assert found.evidence == "27 of 30 values are e-mail addresses; column name email"
    assert found.confidence > role("value", MAILS).confidence
    assert role("value", MAILS).evidence == "30 of 30 values are e-mail addresses"


def test_a_comment_speaks_where_the_name_does_not() -> None:
    numbers = [f"0{i}0 / 55 51 2{i}" for i in range(10, 40)]
    assert role("c_17", numbers, comment="Telefonnummer des Kunden").role == "phone"
    assert role("c_17", WORDS, comment="The city of this address, if known").role not in ("city", "street")


def test_a_name_of_a_person_is_one_by_its_table() -> None:
    assert role("name", NAMES, table="customers").personal
    assert role("nazwa", NAMES, table="pracownicy").personal
    assert not role("name", WORDS, table="product").personal


def test_numbers_are_no_names() -> None:
    assert role("author", list(range(50)), sqltypes.Integer()).kind == "number"


def test_numbers_that_point_at_a_person_are_made() -> None:
    phones = role("telefon", [4915112000000 + 7919 * i for i in range(200)], sqltypes.BigInteger())
    assert (phones.role, phones.personal, phones.kind) == ("phone", True, "presence")
    pesel = [int(f"{60 + i}0{1 + i % 9}1{i % 9}{1000 + i}") for i in range(30)]
    assert role("pesel", pesel, sqltypes.BigInteger()).personal
    assert role("phone", [0, 1] * 20, sqltypes.Integer()).kind == "number"


def test_coordinates_of_people_are_personal_and_of_mountains_are_not() -> None:
    def latitude(table: str) -> ColumnRole:
        return role("lat", [47.1, 48.25, -33.9], sqltypes.Double(), table)

    assert latitude("customers").personal
    assert not latitude("mountain").personal
    assert role("lat", [470.1, 48.25], sqltypes.Double()).role == "number"


def test_keys_and_flags_are_told_apart() -> None:
    table = Table(
        TableName("s", "orders"),
        (
            Column("id", sqltypes.Integer(), "integer"), Column("customer_id", sqltypes.Integer(), "integer"),
            Column("sent", sqltypes.SmallInteger(), "smallint"), Column("no", sqltypes.Text(), "text"),
            Column("born", sqltypes.Date(), "date"), Column("ok", sqltypes.Boolean(), "boolean"),
        ),
        primary_key=Key("pk", ("id",), ""),
        uniques=(Key("u", ("no",), ""),),
        foreign_keys=(ForeignKey("fk", ("customer_id",), TableName("s", "customers"), ("id",)),),
    )  # fmt: skip
    rows = pa.table(
        {
            "id": range(40), "customer_id": [i // 2 for i in range(40)], "sent": [i % 2 for i in range(40)],
            "no": [f"A{i:04}" for i in range(40)], "born": [date(1970 + i, 1, 1) for i in range(40)],
            "ok": [i % 2 == 0 for i in range(40)],
        }
    )  # fmt: skip
    found = {name: r.role for name, r in infer_roles(table, rows).items()}
    assert found == {
        "id": "surrogate_key", "customer_id": "foreign_key", "sent": "flag", "no": "natural_key",
        "born": "birth_date", "ok": "flag",
    }  # fmt: skip


def test_few_values_are_categories_and_many_are_not() -> None:
    assert role("status", ["open", "paid", "sent"] * 30).kind == "category"
    assert role("note", [f"text number {i}" for i in range(90)]).kind == "presence"
    currency = role("currency", ["EUR", "USD", "CHF"] * 30)
    assert (currency.role, currency.kind) == ("currency", "category")


def test_a_value_that_many_rows_share_is_rare_in_a_sample() -> None:
    """2,000 codes, each in 50 rows: a sample of 5,000 of the 100,000 rows has hardly any five times."""
    made = Table(TableName("s", "flights"), (Column("tailnum", sqltypes.Text(), "text"),))
    values = [f"N{i * 37 % 2000:05d}" for i in range(5000)]
    sample = pa.table({"tailnum": pa.array(values, pa.string())})
    assert infer_roles(made, sample)["tailnum"].kind == "presence"
    assert infer_roles(made, sample, rows=100_000)["tailnum"].kind == "category"
    once = pa.table({"tailnum": pa.array([f"N{i:05d}" for i in range(5000)], pa.string())})
    assert infer_roles(made, once, rows=100_000)["tailnum"].kind == "presence"


TYPED: dict[str, tuple[sqltypes.TypeEngine, list[object]]] = {
    "text": (sqltypes.Text(), WORDS),
    "number": (sqltypes.Integer(), list(range(40))),
    "moment": (sqltypes.Date(), [date(2020, 1, 1 + i) for i in range(20)]),
    "flag": (sqltypes.Boolean(), [True, False] * 20),
    "uuid": (sqltypes.Uuid(as_uuid=False), [f"{i:08x}-1111-4111-8111-{i:012x}" for i in range(30)]),
    "structured": (sqltypes.JSON(), ["{}"] * 10),
}


@pytest.mark.parametrize("name", sorted(ROLES))
def test_every_role_can_be_declared_on_columns_of_its_types(name: str) -> None:
    for on, (type_, values) in TYPED.items():
        inferred = role("c", values, type_)
        assert inferred.on == on
        if on not in CATALOG[name].on:
            with pytest.raises(ConfigError, match=f"role '{name}' is for"):
                inferred.with_role(name)
            continue
        declared = inferred.with_role(name)
        assert (declared.role, declared.confidence, declared.evidence) == (name, 1.0, "declared")
        assert declared.personal == CATALOG[name].personal
        assert declared.kind in {"text": ("presence", "category"), "number": ("presence", "number")}.get(
            on, ("moment", "category", "presence")
        )
        if name in DIRECT and on == "text":
            assert declared.kind == "presence"


def test_a_role_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"s\.t\.note: there is no role 'emial'") as error:
        role("note", WORDS).with_role("emial", "s.t.note")
    assert error.value.hint.startswith("did you mean 'email'? roles: account, ")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("EmailAddress", ("email", "address")), ("phonenumber", ("phone", "number")), ("IBAN", ("iban",)),
        ("Straße", ("strasse",)), ("nationalidnumber", ("national", "id", "number")), ("capacity", ("capacity",)),
        ("addressline2", ("address", "line")), ("toCurrencyCode", ("to", "currency", "code")),
        ("ŁączyĆma", ("laczy", "cma")), ("KundenNr2", ("kunden", "nr")),
    ],
)  # fmt: skip
def test_names_are_taken_apart(name: str, parts: tuple[str, ...]) -> None:
    assert tokens(name) == parts


def test_names_that_speak_of_something_else() -> None:
    for name in (
        "email_verified",
        "phone_type",
        "city_id",
        "is_email",
        "num_phone",
        "password_changed_at",
        "statement",
    ):
        assert meaning(name, TEXT_TERMS) == []
    assert meaning("email_address", TEXT_TERMS) == ["email"]
    assert meaning("ip_address", TEXT_TERMS) == ["ip"]


def test_every_term_names_a_role() -> None:
    assert set(TEXT_TERMS.values()) <= ROLES
    assert set(NUMBER_TERMS.values()) - {"rate"} <= ROLES
    for term, expected in TEXT_TERMS.items():
        assert expected in meaning("_".join(term), TEXT_TERMS), term


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_any_name_can_be_read(name: str) -> None:
    meaning(name, TEXT_TERMS)
    assert words(name) == words(words(name))


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=12), st.lists(st.none() | st.text(max_size=60), max_size=30))
def test_any_values_have_a_role(name: str, values: list[str | None]) -> None:
    found = role(name, list(values))
    assert found.role in ROLES
    assert 0 <= found.confidence <= 1
