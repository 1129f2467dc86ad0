"""The people of a row: of its sex and country, with addresses made of their names as often as in the source."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.rng import generator
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import ColumnRole
from dbsynth.values import fit_generators
from dbsynth.values.addresses import Composition, reserved, taken_apart
from dbsynth.values.column import MadeColumn
from dbsynth.values.distinct import Seen, folded, hashes
from dbsynth.values.guard import Guard
from dbsynth.values.locales import country_of, locale_of, tongues
from dbsynth.values.person import Identities
from dbsynth.values.person_columns import Person, full_names, host_of, persons
from dbsynth.values.pools import LOCALES, blended, names_of
from dbsynth.values.spelling import plain, plain_umlauts
from tests.values.customers import COUNTRIES, Cloned, cloned, customers

ROWS = 3000


@pytest.fixture(scope="module")
def world() -> Cloned:
    return cloned(customers(ROWS), rows=ROWS, unique=("email",))


def share(rows: list[tuple[str, ...]], holds: Callable[..., bool]) -> float:
    return float(np.mean([holds(*r) for r in rows]))


FORMS: dict[str, Callable[[str, str, str], bool]] = {
    "with the family name": lambda first, last, mail: plain(last) in mail,
    "first.last": lambda first, last, mail: mail.startswith(f"{plain(first)}.{plain(last)}"),
    "flast": lambda first, last, mail: mail.startswith(plain(first)[:1] + plain(last)),
    "with a number": lambda first, last, mail: mail.split("@")[0][-1].isdigit(),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_address_is_as_frequent_as_in_the_source(world: Cloned, form: str) -> None:
    columns = ("first_name", "last_name", "email")
    assert share(world.rows(*columns), FORMS[form]) == pytest.approx(share(world.real(*columns), FORMS[form]), abs=0.03)


def test_the_full_name_is_that_of_the_row(world: Cloned) -> None:
    columns = ("first_name", "last_name", "full_name")
    assert share(world.rows(*columns), lambda first, last, full: full == f"{last}, {first}") == 1.0


def test_names_are_of_the_sex_and_the_country_of_the_row(world: Cloned) -> None:
    def of_sex(sex: str, name: str) -> bool:
        """Names that both have, or nobody, tell nothing."""
        men, women = ({n for x in COUNTRIES.values() for n in names_of(x)[kind]} for kind in ("male", "female"))
        return (name in (women if sex == "F" else men)) or (name in men) == (name in women)

    assert share(world.rows("sex", "first_name"), of_sex) > 0.97

    def of_country(country: str, name: str) -> bool:
        """Or of another that speaks its language."""
        tongue = COUNTRIES[country][:2]
        known = (names_of(x) for x in LOCALES if x[:2] == tongue)
        return any(name in names["last_male"] or name in names["last_female"] for names in known)

    assert share(world.rows("country", "last_name"), of_country) > 0.97  # but for double names


def test_no_value_is_the_sources_whatever_its_case_and_accents(world: Cloned) -> None:
    def bare(text: str) -> str:
        return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))

    for column in ("first_name", "last_name", "full_name", "email"):
        known = {bare(v) for (v,) in world.real(column)}
        assert not [v for (v,) in world.rows(column) if bare(v) in known]


def test_addresses_are_unique_and_nobody_can_own_their_domains(world: Cloned) -> None:
    mails = [m for (m,) in world.rows("email")]
    assert len(set(mails)) == ROWS
    assert all(re.fullmatch(r"[a-z0-9._-]+@[a-z0-9.-]+\.example", m) for m in mails)
    domains = Counter(m.split("@")[1] for m in mails)
    assert domains["gmail.example"] / ROWS == pytest.approx(0.5, abs=0.03)
    assert domains["corp.example"] / ROWS == pytest.approx(0.1, abs=0.03)
    real = len({m.split("@")[1] for (m,) in world.real("email")})
    assert 0.5 * real < len(domains) < 1.5 * real


def test_the_same_seed_gives_the_same_people() -> None:
    a, b, c = (cloned(customers(400), rows=300, unique=("email",), seed=s).made for s in (1, 1, 2))
    assert a == b
    assert a["email"] != c["email"]


def test_where_names_do_not_follow_the_sex_or_the_country_they_do_not_in_the_clone() -> None:
    source = customers(ROWS)
    rng = generator(1, "mixed")
    for column in ("sex", "country"):
        at = source.column_names.index(column)
        source = source.set_column(at, column, source.column(column).take(pa.array(rng.permutation(ROWS))))
    made = cloned(source, rows=ROWS)
    women = {n for x in COUNTRIES.values() for n in names_of(x)["female"]}
    men = {n for x in COUNTRIES.values() for n in names_of(x)["male"]}
    told = [(sex, name in women) for sex, name in made.rows("sex", "first_name") if (name in women) != (name in men)]
    shares = [np.mean([female for sex, female in told if sex == s]) for s in "FM"]
    assert shares[0] == pytest.approx(shares[1], abs=0.06)


def test_people_of_one_row_are_told_apart() -> None:
    values = {
        "first_name": ["Anna", "Jörg", "Mia"] * 4,
        "last_name": ["Weiss", "Groß", "Orth"] * 4,
        "manager_name": ["Ute Kern", "Max Ott", "Eva Lind"] * 4,
        "email": ["anna.weiss@a.org", "joerg.gross@a.org", "mia.orth@a.org"] * 4,
        "manager_email": ["ute.kern@a.org", "max.ott@a.org", "eva.lind@a.org"] * 4,
    }
    roles = dict(zip(values, ("first_name", "last_name", "full_name", "email", "email"), strict=True))
    assert persons(roles, values) == [
        Person(first="first_name", last="last_name", followers=("email",)),
        Person(full="manager_name", followers=("manager_email",)),
    ]


@pytest.mark.parametrize(
    ("text", "names", "parts"),
    [
        ("anna.meier", {"first": "anna", "last": "meier"}, ("{first}", ".", "{last}")),
        ("ameier12", {"first": "anna", "last": "meier"}, ("{first_1}", "{last}", "{n}")),
        ("meier_a", {"first": "anna", "last": "meier"}, ("{last}", "_", "{first_1}")),
        ("hannah.an", {"first": "an", "last": "hannah"}, ("{last}", ".", "{first}")),
        ("Meier, Anna", {"first": "Anna", "last": "Meier"}, ("{last}", ", ", "{first}")),
        ("Dr. Anna M. Meier", {"first": "Anna", "middle": "Maria", "last": "Meier"},
         ("Dr", ". ", "{first}", " ", "{middle_1}", ". ", "{last}")),
        ("kachase", {"first": "kathy", "last": "chase"}, ("{first_2}", "{last}")),
        ("sales", {"first": "anna", "last": "meier"}, None),
        ("{first}", {"first": "anna", "last": "meier"}, None),
    ],
)  # fmt: skip
def test_the_form_of_an_address(text: str, names: dict[str, str], parts: tuple[str, ...] | None) -> None:
    assert taken_apart(text, names)[0] == parts


def test_forms_that_few_have_are_not_kept() -> None:
    names = [{"first": "anna", "last": f"meier{i}"} for i in range(40)]
    texts = [f"{n['first']}.{n['last']}" for n in names[:36]] + [f"{n['last']}-vip" for n in names[36:]]
    form, others = Composition.fit(texts, names, 5)
    assert [(t.parts, t.weight) for t in form.templates] == [(("{first}", ".", "{last}"), 40.0)]
    assert others == []
    form, others = Composition.fit([*texts[:30], *(f"sales{i}" for i in range(10))], names, 5)
    assert form.share == 0.75
    assert len(others) == 10


def test_addresses_of_a_most_length_are_cut_in_the_clone_too() -> None:
    people = [("Nancy", "Gruenberg"), ("Karen", "Colmenares"), ("Ann", "Lee"), ("Hazel", "Philtanker")] * 10
    values = {
        "first": [f for f, _ in people],
        "last": [n for _, n in people],
        "mail": [(f[0] + n).upper()[:8] for f, n in people],
    }
    roles = dict(zip(values, ("first_name", "last_name", "email"), strict=True))
    (person,) = persons(roles, values)
    maker = Identities("t", person, list(values), roles, values, unique=set(), lengths={}, k=5, seed=1)
    made = maker.generate({c: np.ones(300, bool) for c in values}, {}, generator(1))
    rows = list(zip(*(made[c].to_pylist() for c in values), strict=True))
    assert all(mail == (plain(first)[0] + plain(last)).upper()[:8] for first, last, mail in rows)


def test_addresses_are_called_after_the_company_of_the_row() -> None:
    firms = [
        f"{w} {kind}" for w in ("Alba", "Borealis", "Cumulus", "Delta", "Ems", "Fjord") for kind in ("GmbH", "Inc.")
    ]
    source = pa.table(
        {
            "company": [firms[i % 12] for i in range(240)],
            "email": [f"info{i}@{plain(firms[i % 12].split()[0])}.com" for i in range(240)],
        }
    )
    made = cloned(source, rows=300, name="leads")
    assert not {c for (c,) in made.rows("company")} & set(firms)
    assert (
        np.mean([mail.split("@")[1] == f"{host_of(firm)}.example" for firm, mail in made.rows("company", "email")])
        > 0.98
    )


def test_unique_first_names_are_names_though_there_are_not_as_many() -> None:
    values = {"first_name": [f"{a}{b}" for a in names_of("en_US")["female"][:60] for b in ("", "lin")]}
    roles = {"first_name": "first_name"}
    (person,) = persons(roles, values)
    maker = Identities("t", person, ["first_name"], roles, values, unique={"first_name"}, lengths={}, k=5, seed=1)
    made = maker.generate({"first_name": np.ones(6000, bool)}, {}, generator(1))["first_name"].to_pylist()
    assert len(set(made)) == 6000
    assert [name for name in made if re.search(r"\d", name)] == []


def test_full_names() -> None:
    assert full_names("Dr. Anna Meier") == {"first": "Anna", "last": "Meier"}
    assert full_names("Meier, Anna") == {"first": "Anna", "last": "Meier"}
    assert full_names("John F. Kennedy") == {"first": "John", "middle": "F", "last": "Kennedy"}
    assert full_names("Cher") == {"first": "Cher"}
    assert full_names("  ") == {}


def test_spellings() -> None:
    assert [plain(n) for n in ("Núñez", "O'Brien", "Søren", "Łukasz", "Groß", "李")] == [
        "nunez", "obrien", "soren", "lukasz", "gross", "",
    ]  # fmt: skip
    assert plain_umlauts("Jörg Müller") == "joergmueller"


def test_a_reserved_domain_is_like_its_source() -> None:
    assert reserved("gmail.com", set()) == "gmail.example"
    assert reserved("yahoo.co.uk", {"yahoo.example"}) == "yahoo-co-uk.example"
    assert reserved("corp.example", set()) == "corp.example"
    assert reserved("a-very-long-company-name.com", set()) == "a-very-long-company.example"


def test_countries_by_any_name() -> None:
    names = ("Germany", "DE", "DEU", "Deutschland", "Allemagne", "U.S.A.", "United States", "UK", "Česko", "nowhere")
    assert [country_of(n) for n in names] == ["DE", "DE", "DE", "DE", "DE", "US", "US", "GB", "CZ", None]
    assert locale_of("CZ") == "cs_CZ"
    assert locale_of("PE") == "es_MX"


def test_the_language_of_names() -> None:
    for locale in ("de_DE", "fr_FR", "pl_PL", "it_IT", "en_US"):
        names = names_of(locale)
        found = tongues(names["female"][:60], names["last_male"][:60])
        assert max(found, key=lambda f: f[1])[0] == locale
    assert tongues(["Иван", "Мария"], ["Петров", "Иванова"]) == [("ru_RU", 1.0)]
    assert tongues(["Qwx"], ["Zzyx"]) == [("en_US", 1.0)]


def test_blended_names_are_of_no_list() -> None:
    names = names_of("de_DE")["last_male"]
    found = blended(names, 300, 1)
    assert len(set(found)) == 300
    assert not set(found) & set(names)
    assert found == blended(names, 300, 1)


@settings(max_examples=60)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), max_size=30), st.integers(0, 2**62))
def test_hashes_are_those_of_the_text_wherever_it_stands(texts: list[str], key: int) -> None:
    array = pa.array(["before", *texts, "after"], pa.string())
    whole = hashes(array, key)
    assert (whole[1:-1] == hashes(array.slice(1, len(texts)), key)).all()
    for i, text in enumerate(texts):
        assert hashes(pa.array([text]), key)[0] == whole[i + 1]
    assert len(set(whole.tolist())) == len(set(array.to_pylist()))


def test_what_differs_in_case_accents_and_blanks_is_the_same() -> None:
    texts = folded(pa.array(["Núñez  Peña", "nunez pena", " NUNEZ\tPENA "]))
    assert texts.to_pylist() == ["nunez pena"] * 3
    assert "NÚÑEZ" in Guard(["Nunez"], 1)


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=12))
def test_what_was_seen_is_not_fresh(batches: list[list[int]]) -> None:
    seen, known = Seen(), set()
    for batch in batches:
        fresh = seen.fresh(np.array(batch, np.uint64))
        for number, new in zip(batch, fresh.tolist(), strict=True):
            assert new == (number not in known)
            known.add(number)
    assert len(seen) == len(known)


def test_half_characters_do_no_harm() -> None:
    guard = Guard(["\ud800x", "plain"], 1)
    assert "plain" in guard
    assert MadeColumn("t", "c", Broken(), guard, unique=False).values(2, generator(1)) == ["?", "?"]


class Broken:
    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return ["\ud800"] * count


@pytest.mark.parametrize(
    "values",
    [
        {"first_name": [None] * 20, "last_name": [None] * 20, "email": [None] * 20},
        {"first_name": ["Ann"], "last_name": ["Lee"], "email": ["ann.lee@x.org"]},
        {"first_name": ["李", "王"] * 10, "last_name": ["小明", "小红"] * 10, "email": ["li@x.org", "wang@x.org"] * 10},
        {"we;ird \"first_name": ["a" * 300] * 9, "last_name": ["\n", "é", "x{y}"] * 3, "email": ["no address"] * 9},
        {"first_name": [], "last_name": [], "email": []},
    ],
    ids=["nothing", "one row", "other script", "odd", "empty"],
)  # fmt: skip
def test_odd_tables(values: dict[str, list[str | None]]) -> None:
    source = pa.table({c: pa.array(v, pa.string()) for c, v in values.items()})
    names = list(values)
    table = Table(TableName("s", "t"), tuple(Column(c, sqltypes.String(20), "varchar(20)", True) for c in names))
    roles = {
        c: ColumnRole(r, True, 1.0, "", "presence")
        for c, r in zip(names, ("first_name", "last_name", "email"), strict=True)
    }
    (people,) = fit_generators(table, source, roles, names, unique=[names[2]], k=5, seed=1)[:1]
    made = people.generate({c: np.ones(200, bool) for c in people.columns}, {}, generator(1))
    for array in made.values():
        assert array.null_count == 0
        assert max(map(len, array.to_pylist())) <= 20
    if names[2] in made:
        assert len(set(made[names[2]].to_pylist())) == 200
