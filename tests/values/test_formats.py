"""Every made value of a format parses: judged by other people's parsers, on sources of many countries."""

from __future__ import annotations

import base64
import ipaddress
import json
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
import validators
from email_validator import validate_email
from faker import Faker
from pydantic import TypeAdapter
from pydantic_extra_types.color import Color
from pydantic_extra_types.iban import IBAN
from pydantic_extra_types.isbn import ISBN
from pydantic_extra_types.mac_address import MacAddress
from pydantic_extra_types.payment import PaymentCardNumber
from sqlalchemy import types as sqltypes

from dbsynth.rng import generator
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import ColumnRole, infer_roles
from dbsynth.schema.types import arrow_type
from dbsynth.values import fit_generators

K = 5
SOURCE, ROWS = 600, 1500
Judge = Callable[[str], object]


def clone(
    name: str,
    values: Sequence[object],
    type_: sqltypes.TypeEngine[object] | None = None,
    *,
    unique: bool = False,
    rows: int = ROWS,
) -> tuple[list[str], ColumnRole]:
    """What a table of one column gets for ``values``, as texts."""
    column = Column(name, type_ or sqltypes.Text(), "text", True)
    owner = Table(TableName("s", "things"), (column,))
    data = pa.table({name: pa.array(values, arrow_type(column.type))})
    roles = infer_roles(owner, data, K)
    [made] = fit_generators(owner, data, roles, [name], unique={name} if unique else set(), k=K, seed=1)
    out = made.generate({name: np.ones(rows, bool)}, {}, generator(1, name))[name]
    return [str(v) for v in out.to_pylist()], roles[name]


def faked(locale: str, method: str, count: int = SOURCE, **options: object) -> list[str]:
    faker = Faker(locale)
    faker.seed_instance(7)
    return [str(getattr(faker, method)(**options)) for _ in range(count)]


def by(type_: type) -> Judge:
    return TypeAdapter(type_).validate_python


def e_mail(text: str) -> object:
    return validate_email(text, check_deliverability=False)


def phone(region: str) -> Judge:
    return lambda text: phonenumbers.parse(text, region)


def is_(judge: Callable[..., object]) -> Judge:
    def check(text: str) -> None:
        if judge(text) is not True:
            raise ValueError(text)

    return check


def parses(judge: Judge, text: str) -> bool:
    try:
        judge(text)
    except (ValueError, phonenumbers.NumberParseException, ElementTree.ParseError):
        return False
    return True


def alike(values: Sequence[str], made: Sequence[str]) -> None:
    """The same separators, and lengths as often."""
    marks = [set(re.sub(r"\w", "", "".join(v))) for v in (values, made)]
    assert marks[1] <= marks[0]
    real, ours = (np.bincount([len(v) for v in texts], minlength=80) / len(texts) for texts in (values, made))
    assert np.abs(real - ours).sum() / 2 < 0.06


def grouped(text: str) -> str:
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def _imported(module: str, name: str) -> Callable[..., object]:
    return getattr(__import__(f"faker.providers.{module}", fromlist=[name]), name)  # type: ignore[no-any-return]


MONEY = {code for code, _ in _imported("currency", "Provider").currencies}
COUNTRIES = phonenumbers.SUPPORTED_REGIONS | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
"""With those that have no numbers of their own."""
LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "pt_PT", "pt_BR", "cs_CZ", "en_GB", "sv_SE", "nl_NL")
FORMATS: list[tuple[str, str, list[str], list[Judge]]] = [
    *[("email", "email", faked(loc, "email"), [e_mail]) for loc in LOCALES[:9]],
    *[("iban", "iban", faked(loc, "iban"), [by(IBAN), is_(validators.iban)])
      for loc in ("de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "pt_PT", "en_GB", "nl_NL")],
    ("konto", "iban", [grouped(v) for v in faked("de_DE", "iban")], [lambda t: by(IBAN)(t.replace(" ", ""))]),
    ("bank", "iban", [*faked("fr_FR", "iban", 300), *faked("en_GB", "iban", 300)], [by(IBAN)]),
    *[("card_number", "card", faked("en_US", "credit_card_number", card_type=kind),
       [by(PaymentCardNumber), is_(validators.card_number)])
      for kind in ("visa16", "mastercard", "amex", "discover", "diners")],
    ("card", "card", [grouped(v) for v in faked("en_US", "credit_card_number", card_type="visa16")],
     [lambda t: PaymentCardNumber.validate_luhn_check_digit(t.replace(" ", ""))]),
    ("isbn", "isbn", faked("en_US", "isbn13"), [lambda t: by(ISBN)(t.replace("-", ""))]),
    ("isbn", "isbn", faked("en_US", "isbn10", separator=""), [by(ISBN)]),
    ("id", "uuid", faked("en_US", "uuid4"), [uuid.UUID, is_(validators.uuid)]),
    *[("website", "url", faked(loc, "url"), [urlsplit, is_(validators.url)]) for loc in LOCALES[:6]],
    ("link", "url", faked("en_US", "uri"), [urlsplit, is_(validators.url)]),
    ("ip", "ip", faked("en_US", "ipv4"), [ipaddress.ip_address, is_(validators.ipv4)]),
    ("client_ip", "ip", faked("en_US", "ipv4_private"), [ipaddress.ip_address]),
    ("addr", "ip", faked("en_US", "ipv6"), [ipaddress.ip_address, is_(validators.ipv6)]),
    ("network", "cidr", faked("en_US", "ipv4", network=True), [ipaddress.ip_network]),
    ("mac", "mac", faked("en_US", "mac_address"), [by(MacAddress), is_(validators.mac_address)]),
    ("colour", "colour", faked("en_US", "hex_color"), [by(Color)]),
    ("md5", "hash", faked("en_US", "md5"), [is_(validators.md5)]),
    ("digest", "hash", faked("en_US", "sha256"), [is_(validators.sha256)]),
    ("slug", "slug", faked("en_US", "slug"), [is_(validators.slug)]),
    ("domain", "domain", faked("en_US", "domain_name"), [is_(validators.domain)]),
    ("born", "birth_date", faked("en_US", "date", pattern="%d.%m.%Y"), [lambda t: datetime.strptime(t, "%d.%m.%Y")]),
    ("currency", "currency", faked("en_US", "currency_code", 60), [is_(lambda t: t in MONEY)]),
    ("land_code", "country_code", faked("en_US", "country_code", 120), [is_(lambda t: t in COUNTRIES)]),
    ("doc", "json", [json.dumps({"a": i, "b": [f"x{i}", None], "c": {"d": i / 3}}) for i in range(SOURCE)],
     [json.loads]),
    ("doc", "xml", [f"<a n='{i}'><b>t{i}</b><c/></a>" for i in range(SOURCE)], [ElementTree.fromstring]),
    *[("phone", "phone", faked(loc, "phone_number"), [phone(loc[-2:])])
      for loc in (*LOCALES[2:10], "en_US", "en_AU")],
]  # fmt: skip


@pytest.mark.parametrize(("name", "role", "values", "judges"), FORMATS, ids=[f"{f[0]}-{f[2][0]}" for f in FORMATS])
def test_every_value_parses(name: str, role: str, values: list[str], judges: list[Judge]) -> None:
    for judge in judges:
        assert all(parses(judge, v) for v in values), "the source does not parse"
    made, found = clone(name, values)
    if found.kind == "category":
        assert found.role == role
        return
    assert found.role == role
    for judge in judges:
        assert not [v for v in made if not parses(judge, v)]
    if role not in ("currency", "country_code"):
        rare = {v for v, n in Counter(values).items() if n < K}
        assert not set(made) & (rare if role == "domain" else set(values))


@pytest.mark.parametrize(
    ("locale", "method"),
    [
        ("pl_PL", "pesel"), ("pl_PL", "nip"), ("pl_PL", "regon"), ("pt_BR", "cpf"), ("pt_BR", "cnpj"), ("es_ES", "nif"),
        ("es_ES", "nie"), ("it_IT", "ssn"), ("nl_NL", "ssn"), ("sv_SE", "ssn"), ("no_NO", "ssn"), ("fr_FR", "ssn"),
        ("fr_FR", "siren"), ("fr_FR", "siret"), ("de_CH", "ssn"), ("nl_BE", "ssn"), ("en_CA", "ssn"), ("en_US", "ssn"),
        ("it_IT", "company_vat"), ("cs_CZ", "birth_number"), ("de_DE", "vat_id"),
    ],
)  # fmt: skip
def test_numbers_of_persons_and_taxes_are_valid_and_written_alike(locale: str, method: str) -> None:
    values = faked(locale, method)
    made, found = clone("number" if (locale, method) != ("en_US", "ssn") else "ssn", values)
    assert found.role in ("national_id", "tax_id")
    assert found.personal
    assert not set(made) & set(values)
    alike(values, made)
    check = CHECKED.get((locale, method))
    if check is not None:
        assert not [v for v in made if not check(re.sub(r"\W", "", v))]


def _digits(text: str) -> list[int]:
    return [int(c) for c in text]


def _luhn(text: str) -> bool:
    from faker.utils.checksums import calculate_luhn

    return int(calculate_luhn(int(text[:-1]))) == int(text[-1])


def _norwegian(text: str) -> bool:
    from faker.providers.ssn.no_NO import Provider, checksum

    first = checksum(_digits(text[:9]), Provider.scale1)
    return f"{first}{checksum([*_digits(text[:9]), first], Provider.scale2)}" == text[9:]


CHECKED: dict[tuple[str, str], Callable[[str], bool]] = {
    ("pl_PL", "pesel"): lambda t: _imported("ssn.pl_PL", "checksum")(_digits(t[:10])) == int(t[10]),
    ("pl_PL", "nip"): lambda t: sum(map(lambda a, b: a * b, _digits(t), (6, 5, 7, 2, 3, 4, 5, 6, 7))) % 11 == int(t[9]),
    ("pl_PL", "regon"): lambda t: _imported("company.pl_PL", "regon_checksum")(_digits(t[:8])) == int(t[8]),
    ("pt_BR", "cpf"): lambda t: (
        int(t[9]) == _imported("ssn.pt_BR", "checksum")(_digits(t[:9]))
        and int(t[10]) == _imported("ssn.pt_BR", "checksum")(_digits(t[:10]))
    ),
    ("pt_BR", "cnpj"): lambda t: int(t[12]) == _imported("company.pt_BR", "company_id_checksum")(_digits(t[:12]))[0],
    ("es_ES", "nif"): lambda t: validators.es_nif(t) is True,
    ("es_ES", "nie"): lambda t: validators.es_nie(t) is True,
    ("it_IT", "ssn"): lambda t: _imported("ssn.it_IT", "checksum")(t[:15]) == t[15],
    ("sv_SE", "ssn"): lambda t: _luhn(t[-10:]),
    ("no_NO", "ssn"): _norwegian,
    ("fr_FR", "ssn"): lambda t: _imported("ssn.fr_FR", "calculate_checksum")(int(t[:13])) == int(t[13:]),
    ("fr_FR", "siren"): _luhn,
    ("fr_FR", "siret"): _luhn,
    ("en_CA", "ssn"): _luhn,
    ("it_IT", "company_vat"): lambda t: _luhn(t[2:]),
    ("nl_NL", "ssn"): lambda t: (
        sum(a * b for a, b in zip(_digits(t), (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0
    ),
}


def test_versions_of_uuids_stay() -> None:
    rng = random.Random(3)
    mixed = [str(uuid.UUID(int=rng.getrandbits(128), version=v)).upper() for v in (4, 4, 4, 5, 3) for _ in range(200)]
    made, _ = clone("key", mixed)
    counts = np.bincount([uuid.UUID(v).version or 0 for v in made], minlength=8) / len(made)
    assert counts[4] == pytest.approx(0.6, abs=0.02)
    assert counts[5] == pytest.approx(0.2, abs=0.02)
    assert all(v == v.upper() for v in made)
    moments = [f"{1_700_000_000_000 + 1000 * i:012x}" for i in range(600)]
    ordered, _ = clone("key", [f"{m[:8]}-{m[8:]}-7{i:03x}-8{i:03x}-{i * 7919:012x}" for i, m in enumerate(moments)])
    assert {uuid.UUID(v).version for v in ordered} == {7}
    assert all(1_699_999_000_000 < uuid.UUID(v).int >> 80 < 1_700_001_000_000 for v in ordered)


def test_addresses_belong_to_nobody_or_stay_private() -> None:
    public, _ = clone("ip", faked("en_US", "ipv4_public"), unique=True, rows=3000)
    assert len(set(public)) == 3000
    ours = [ipaddress.ip_address(v) for v in public]
    nets = [
        ipaddress.ip_network(n)
        for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "240.0.0.0/5")
    ]
    assert all(any(a in n for n in nets) for a in ours)
    private, _ = clone("ip", faked("en_US", "ipv4_private"))
    assert all(ipaddress.ip_address(v).is_private for v in private)
    six, _ = clone("ip", faked("en_US", "ipv6"))
    documented = [ipaddress.ip_network(n) for n in ("2001:db8::/32", "fc00::/7", "fe80::/10")]
    assert all(any(ipaddress.ip_address(v) in n for n in documented) for v in six)
    cards, _ = clone("mac", [v.upper().replace(":", "-") for v in faked("en_US", "mac_address")])
    assert all(re.fullmatch(r"[0-9A-F][26AE](-[0-9A-F]{2}){5}", v) for v in cards)


def test_tokens_keep_their_kind() -> None:
    rng = random.Random(1)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    def own(size: int) -> str:
        return "".join(rng.choice(letters) for _ in range(size))

    keys, _ = clone("api_key", [f"sk_live_{own(24)}" for _ in range(SOURCE)])
    assert all(re.fullmatch(r"sk_live_[A-Za-z0-9]{24}", v) for v in keys)
    crypt, role = clone("geheim", [f"$2b$12${own(53)}" for _ in range(SOURCE)])
    assert role.role == "password"
    assert all(re.fullmatch(r"\$2b\$12\$[./A-Za-z0-9]{53}", v) for v in crypt)

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    source = [
        f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': own(6), 'iat': 1_700_000_000 + i})}.{own(43)}"
        for i in range(SOURCE)
    ]
    web, role = clone("x", source)
    assert role.role == "token"
    for token in web[:200]:
        head, body, _ = token.split(".")
        assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
        assert set(json.loads(base64.urlsafe_b64decode(body + "=="))) == {"sub", "iat"}
    assert not set(web) & set(source)


@pytest.mark.parametrize(("method", "name"), [("iban", "iban"), ("pesel", "pesel")])
def test_a_hundred_thousand_are_different(method: str, name: str) -> None:
    made, _ = clone(name, faked("pl_PL", method), unique=True, rows=100_000)
    assert len(set(made)) == 100_000


def test_numbers_without_letters_in_columns_of_numbers() -> None:
    source = [int(v) for v in faked("en_US", "ean13")]
    made, role = clone("ean", source, sqltypes.BigInteger(), unique=True)
    assert (role.role, role.kind) == ("ean", "number")
    phones = [4915100000000 + 7919 * i for i in range(SOURCE)]
    made, role = clone("mobil", phones, sqltypes.BigInteger(), unique=True)
    assert role.personal
    assert all(phonenumbers.parse(f"+{v}").country_code == 49 for v in made)
    assert not set(made) & set(map(str, phones))


def test_a_national_number_tells_the_birth_and_the_sex_of_its_row() -> None:
    rng = np.random.default_rng(1)
    births = np.datetime64("1950-01-01") + rng.integers(0, 18_000, 2000)
    sexes = np.where(rng.random(2000) < 0.5, "m", "f")
    faker = Faker("pl_PL")
    faker.seed_instance(1)
    numbers = [
        faker.pesel(date_of_birth=datetime.fromisoformat(str(b)), sex=s.upper())
        for b, s in zip(births, sexes, strict=True)
    ]
    columns = (
        Column("pesel", sqltypes.Text(), "text"), Column("born", sqltypes.Date(), "date"),
        Column("sex", sqltypes.Text(), "text"),
    )  # fmt: skip
    owner = Table(TableName("s", "people"), columns)
    data = pa.table({"pesel": numbers, "born": pa.array(births), "sex": sexes})
    roles = infer_roles(owner, data, K)
    [made] = fit_generators(owner, data, roles, ["pesel"], unique={"pesel"}, k=K, seed=1)
    order = rng.permutation(2000)
    row = {"born": pa.array(births[order]), "sex": pa.array(sexes[order])}
    out = made.generate({"pesel": np.ones(2000, bool)}, row, generator(1))["pesel"].to_pylist()
    assert len(set(out)) == 2000
    assert not set(out) & set(numbers)
    for text, born, sex in zip(out, births[order].tolist(), sexes[order].tolist(), strict=True):
        assert text[:2] + text[4:6] == born.strftime("%y%d")
        assert (int(text[9]) % 2 == 1) == (sex == "m")
        assert CHECKED["pl_PL", "pesel"](text)
