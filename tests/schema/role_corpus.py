"""Columns as people name them, in eight languages, with values of Faker's locales, and what they mean."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from faker import Faker
from sqlalchemy import types as sqltypes

Case = tuple[str, str, sqltypes.TypeEngine[object], list[object], str]
COUNT = 60
TEXT, INT, BIG, FLOAT, DATE, STAMP, MONEY, SMALL = (
    sqltypes.Text(), sqltypes.Integer(), sqltypes.BigInteger(), sqltypes.Double(), sqltypes.Date(),
    sqltypes.DateTime(), sqltypes.Numeric(12, 2), sqltypes.SmallInteger(),
)  # fmt: skip
LOCALES = {
    "en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "pt": "pt_PT", "it": "it_IT", "pl": "pl_PL",
    "cs": "cs_CZ",
}  # fmt: skip
_PEOPLE: dict[str, dict[str, str]] = {
    "first_name": {
        "en": "first_name", "de": "vorname", "fr": "prenom", "es": "nombres", "pt": "primeiro_nome",
        "it": "nome_proprio", "pl": "imie", "cs": "krestni_jmeno",
    },
    "last_name": {
        "en": "surname", "de": "Nachname", "fr": "nom_de_famille", "es": "apellidos", "pt": "apelido",
        "it": "cognome", "pl": "nazwisko", "cs": "prijmeni",
    },
    "email": {
        "en": "email", "de": "emailadresse", "fr": "courriel", "es": "correo_electronico", "pt": "e_mail",
        "it": "posta_elettronica", "pl": "adres_email", "cs": "mail",
    },
    "phone": {
        "en": "phone_number", "de": "Telefonnummer", "fr": "telephone", "es": "telefono_movil", "pt": "telemovel",
        "it": "cellulare", "pl": "telefon", "cs": "telefonni_cislo",
    },
    "street": {
        "en": "street_address", "de": "Straße", "fr": "adresse", "es": "direccion", "pt": "morada",
        "it": "indirizzo", "pl": "ulica", "cs": "ulice",
    },
    "postcode": {
        "en": "zip_code", "de": "plz", "fr": "code_postal", "es": "codigo_postal", "pt": "codigo_postal",
        "it": "cap", "pl": "kod_pocztowy", "cs": "psc",
    },
    "city": {
        "en": "city", "de": "wohnort", "fr": "ville", "es": "ciudad", "pt": "localidade", "it": "comune",
        "pl": "miasto", "cs": "mesto",
    },
    "country": {
        "en": "country", "de": "land", "fr": "pays", "es": "pais", "pt": "pais", "it": "paese", "pl": "panstwo",
        "cs": "zeme",
    },
    "company": {
        "en": "employer", "de": "Firma", "fr": "raison_sociale", "es": "empresa", "pt": "empresa", "it": "azienda",
        "pl": "nazwa_firmy", "cs": "zamestnavatel",
    },
}  # fmt: skip
_METHODS = {"street": "street_address", "phone": "phone_number"}
_TABLES = {
    "en": "customers", "de": "kunden", "fr": "clients", "es": "clientes", "pt": "clientes", "it": "clienti",
    "pl": "klienci", "cs": "zakaznici",
}  # fmt: skip
_DATES = {
    "en": "date_of_birth", "de": "geburtsdatum", "fr": "date_naissance", "es": "fecha_nacimiento",
    "pt": "data_nascimento", "it": "data_nascita", "pl": "data_urodzenia", "cs": "datum_narozeni",
}  # fmt: skip
_SEXES = {
    "en": ("gender", "MF"), "de": ("geschlecht", "mw"), "fr": ("sexe", "HF"), "es": ("sexo", "HM"),
    "pt": ("sexo", "MF"), "it": ("sesso", "MF"), "pl": ("plec", "KM"), "cs": ("pohlavi", "MZ"),
}  # fmt: skip
_AMOUNTS = {
    "en": "unit_price", "de": "Betrag", "fr": "prix", "es": "importe", "pt": "preco", "it": "prezzo", "pl": "cena",
    "cs": "castka",
}  # fmt: skip
_COUNTS = {
    "en": "quantity", "de": "menge", "fr": "quantite", "es": "cantidad", "pt": "quantidade", "it": "quantita",
    "pl": "ilosc", "cs": "mnozstvi",
}  # fmt: skip
_YEARS = {
    "en": "model_year", "de": "baujahr", "fr": "annee", "es": "ano", "pt": "ano", "it": "anno", "pl": "rok",
    "cs": "rok",
}  # fmt: skip
_AGES = {"en": "age", "de": "alter", "fr": "age", "es": "edad", "pt": "idade", "it": "eta", "pl": "wiek", "cs": "vek"}
_SIZES = {
    "en": "weight_kg", "de": "gewicht", "fr": "poids", "es": "peso", "pt": "altura", "it": "altezza", "pl": "waga",
    "cs": "vaha",
}  # fmt: skip


def cases() -> list[Case]:
    out: list[Case] = []
    rng = random.Random(5)
    start = date(1950, 1, 1)
    for language, locale in LOCALES.items():
        faker = Faker(locale)
        faker.seed_instance(11)
        table = _TABLES[language]
        for role, names in _PEOPLE.items():
            method = getattr(faker, _METHODS.get(role, role))
            out.append((table, names[language], TEXT, [method() for _ in range(COUNT)], role))
        births = [start + timedelta(rng.randrange(18_000)) for _ in range(COUNT)]
        out.append((table, _DATES[language], DATE, list(births), "birth_date"))
        name, letters = _SEXES[language]
        out.append((table, name, TEXT, [rng.choice(letters) for _ in range(COUNT)], "sex"))
        prices = [Decimal(rng.randrange(90_000)) / 100 for _ in range(COUNT)]
        out.append(("o", _AMOUNTS[language], MONEY, list(prices), "money"))
        out.append(("o", _COUNTS[language], INT, [rng.randrange(1, 60) for _ in range(COUNT)], "count"))
        out.append(("o", _YEARS[language], SMALL, [rng.randrange(1970, 2025) for _ in range(COUNT)], "year"))
        out.append((table, _AGES[language], INT, [rng.randrange(18, 90) for _ in range(COUNT)], "age"))
        out.append(("o", _SIZES[language], FLOAT, [rng.random() * 100 for _ in range(COUNT)], "measure"))
    return out + _formats(rng)


def _formats(rng: random.Random) -> list[Case]:
    faker = Faker("en_US")
    faker.seed_instance(12)

    def many(method: Callable[[], object], count: int = COUNT) -> list[object]:
        return [method() for _ in range(count)]

    def of(locale: str, method: str) -> list[object]:
        local = Faker(locale)
        local.seed_instance(13)
        return [getattr(local, method)() for _ in range(COUNT)]

    def number(low: int, high: int) -> list[object]:
        return [rng.randrange(low, high) for _ in range(COUNT)]

    def prose() -> str:
        return faker.paragraph(nb_sentences=4)

    return [
        # what the values say, whatever the name
        ("t", "c1", TEXT, many(faker.email), "email"), ("t", "c2", TEXT, many(faker.url), "url"),
        ("t", "c3", TEXT, many(faker.ipv4), "ip"), ("t", "c4", TEXT, many(faker.ipv6), "ip"),
        ("t", "c5", TEXT, many(lambda: faker.ipv4(network=True)), "cidr"),
        ("t", "c6", TEXT, many(faker.mac_address), "mac"),
        ("t", "c7", TEXT, many(faker.uuid4), "uuid"), ("t", "c8", TEXT, many(faker.md5), "hash"),
        ("t", "c9", TEXT, many(faker.sha1), "hash"), ("t", "c10", TEXT, many(faker.sha256), "hash"),
        ("t", "c11", TEXT, of("de_DE", "iban"), "iban"), ("t", "c12", TEXT, of("fr_FR", "iban"), "iban"),
        ("t", "c13", TEXT, many(lambda: faker.credit_card_number("visa16")), "card"),
        ("t", "c14", TEXT, many(lambda: faker.credit_card_number("amex")), "card"),
        ("t", "c15", TEXT, many(faker.isbn13), "isbn"), ("t", "c16", TEXT, many(faker.isbn10), "isbn"),
        ("t", "c17", TEXT, many(faker.ean13), "ean"), ("t", "c18", TEXT, of("pl_PL", "pesel"), "national_id"),
        ("t", "c19", TEXT, of("it_IT", "ssn"), "national_id"), ("t", "c20", TEXT, of("es_ES", "nif"), "national_id"),
        ("t", "c21", TEXT, of("pt_BR", "cpf"), "national_id"), ("t", "c22", TEXT, of("fr_FR", "siret"), "tax_id"),
        ("t", "c23", TEXT, many(faker.hex_color), "colour"), ("t", "c24", TEXT, many(faker.chrome), "user_agent"),
        ("t", "c25", TEXT, [json.dumps({"a": i, "b": [i]}) for i in range(COUNT)], "json"),
        ("t", "c26", TEXT, [f"<a><b>{i}</b></a>" for i in range(COUNT)], "xml"),
        ("t", "c27", TEXT, [f"<p>{prose()}</p><ul><li>{i}</li></ul>" for i in range(COUNT)], "html"),
        ("t", "c28", TEXT, many(lambda: f"# {faker.sentence()}\n\n- {prose()}\n- **{faker.word()}** is"), "markdown"),
        ("t", "c29", TEXT, many(lambda: f"def {faker.word()}(x):\n    return {{'a': x}};\n"), "source_code"),
        ("t", "c30", TEXT, many(prose), "text"), ("t", "c31", TEXT, many(faker.timezone), "time_zone"),
        ("t", "c32", TEXT, many(lambda: f"{rng.uniform(-80, 80):.5f},{rng.uniform(-170, 170):.5f}"), "coordinates"),
        ("t", "c33", TEXT, many(lambda: f"{rng.randrange(9)}.{rng.randrange(30)}.{rng.randrange(90)}"), "version"),
        ("t", "c34", TEXT, many(faker.file_path), "path"),
        ("t", "c35", TEXT, many(lambda: str(faker.date_this_decade())), "moment"),
        ("t", "c36", TEXT, ["yes", "no"] * 30, "flag"), ("t", "c37", TEXT, ["open", "paid", "sent"] * 20, "category"),
        ("t", "c38", TEXT, [f"AB-{i:05}" for i in range(COUNT)], "code"),
        ("t", "c39", BIG, [int(v) for v in many(faker.ean13)], "ean"),
        ("t", "c40", TEXT, [f"$2b$12${i:053d}" for i in range(COUNT)], "password"),
        # what the name says and the values allow
        ("users", "username", TEXT, many(faker.user_name), "user_name"),
        ("u", "benutzername", TEXT, many(faker.user_name), "user_name"),
        ("u", "nombre_usuario", TEXT, many(faker.user_name), "user_name"),
        ("u", "nome_utente", TEXT, many(faker.user_name), "user_name"),
        ("u", "uzytkownik", TEXT, many(faker.user_name), "user_name"),
        ("u", "password_hash", TEXT, many(lambda: faker.password(20)), "password"),
        ("u", "api_key", TEXT, many(lambda: faker.password(32, special_chars=False)), "token"),
        ("u", "ssn", TEXT, many(faker.ssn), "national_id"),
        ("u", "passport_no", TEXT, many(lambda: str(rng.randrange(10**8, 10**9))), "national_id"),
        ("u", "steuernummer", TEXT, [f"21/{i:03}/{50_000 + 7 * i}" for i in range(COUNT)], "tax_id"),
        ("u", "Kontonummer", TEXT, many(lambda: str(rng.randrange(10**7, 10**9))), "account"),
        ("u", "kfz_kennzeichen", TEXT, of("de_DE", "license_plate"), "plate"),
        ("u", "license_plate", TEXT, many(faker.license_plate), "plate"),
        ("u", "matricula", TEXT, of("es_ES", "license_plate"), "plate"),
        ("u", "targa", TEXT, of("it_IT", "license_plate"), "plate"),
        ("u", "bic", TEXT, many(faker.swift11), "bic"), ("u", "swift_code", TEXT, many(faker.swift8), "bic"),
        ("u", "currency_code", TEXT, many(faker.currency_code), "currency"),
        ("u", "waehrung", TEXT, ["EUR", "USD", "CHF"] * 20, "currency"),
        ("u", "moneda", TEXT, ["EUR", "USD", "MXN"] * 20, "currency"),
        ("u", "waluta", TEXT, ["PLN", "EUR"] * 30, "currency"),
        ("u", "country_code", TEXT, many(faker.country_code), "country_code"),
        ("u", "laendercode", TEXT, ["DE", "AT", "CH"] * 20, "country_code"),
        ("u", "code_pays", TEXT, ["FR", "BE"] * 30, "country_code"),
        ("u", "language", TEXT, many(faker.language_code), "language"),
        ("u", "sprache", TEXT, ["de", "en", "fr"] * 20, "language"),
        ("u", "locale", TEXT, many(faker.locale), "locale"),
        ("u", "zeitzone", TEXT, many(faker.timezone), "time_zone"),
        ("u", "fuso_orario", TEXT, ["Europe/Rome", "Europe/Paris"] * 30, "time_zone"),
        ("u", "colour", TEXT, many(faker.color_name), "colour"),
        ("u", "farbe", TEXT, ["rot", "blau", "grün"] * 20, "colour"),
        ("u", "slug", TEXT, many(faker.slug), "slug"), ("u", "filename", TEXT, many(faker.file_name), "path"),
        ("u", "domain", TEXT, many(faker.domain_name), "domain"),
        ("u", "user_agent", TEXT, [f"curl/{i}.1.0" for i in range(COUNT)], "user_agent"),
        ("u", "sku", TEXT, [f"KX {i}-{i * 7 % 90:02}" for i in range(COUNT)], "sku"),
        ("u", "artikelnummer", TEXT, [f"A{i:06}" for i in range(COUNT)], "sku"),
        ("u", "anrede", TEXT, ["Herr", "Frau"] * 30, "salutation"),
        ("u", "title", TEXT, ["Mr.", "Mrs.", "Dr."] * 20, "salutation"),
        ("u", "middle_initial", TEXT, many(lambda: f"{faker.random_uppercase_letter()}."), "initials"),
        ("suppliers", "name", TEXT, many(faker.company), "company"),
        ("mitarbeiter", "name", TEXT, of("de_DE", "name"), "full_name"),
        ("personnes", "nom", TEXT, of("fr_FR", "name"), "full_name"),
        ("empleados", "nombre", TEXT, of("es_ES", "name"), "full_name"),
        ("utenti", "nome", TEXT, of("it_IT", "name"), "full_name"),
        ("pracownicy", "nazwa", TEXT, of("pl_PL", "name"), "full_name"),
        ("zamestnanci", "jmeno", TEXT, of("cs_CZ", "name"), "full_name"),
        ("o", "ansprechpartner", TEXT, of("de_DE", "name"), "full_name"),
        ("o", "nom_complet", TEXT, of("fr_FR", "name"), "full_name"),
        ("o", "nome_completo", TEXT, of("pt_PT", "name"), "full_name"),
        ("o", "telefon", BIG, [4915100000000 + 7919 * i for i in range(COUNT)], "phone"),
        ("o", "pesel", BIG, [int(v) for v in of("pl_PL", "pesel")], "national_id"),  # type: ignore[call-overload],
        ("o", "kreditkarte", BIG, [int(faker.credit_card_number("visa16")) for _ in range(COUNT)], "card"),
        # numbers
        ("o", "latitude", FLOAT, many(lambda: rng.uniform(-80, 80)), "latitude"),
        ("o", "breitengrad", FLOAT, many(lambda: rng.uniform(47, 54)), "latitude"),
        ("o", "lng", FLOAT, many(lambda: rng.uniform(-170, 170)), "longitude"),
        ("o", "zemepisna_delka", FLOAT, many(lambda: rng.uniform(12, 18)), "longitude"),
        ("o", "discount_pct", FLOAT, many(rng.random), "percentage"),
        ("o", "rabatt_prozent", INT, number(0, 50), "percentage"),
        ("o", "taux", FLOAT, many(rng.random), "percentage"), ("o", "porcentaje", INT, number(0, 101), "percentage"),
        ("o", "rank", INT, number(1, 90), "ordinal"),
        ("o", "reihenfolge", INT, number(1, 90), "ordinal"),
        ("o", "rating", INT, number(1, 6), "ordinal"),
        ("o", "month", INT, number(1, 13), "date_part"), ("o", "wochentag", INT, number(1, 8), "date_part"),
        ("o", "is_active", SMALL, [0, 1] * 30, "flag"),
        ("o", "aktiv", INT, [0, 1] * 30, "flag"),
        ("o", "ok", sqltypes.Boolean(), [True, False] * 30, "flag"),
        ("o", "created_at", STAMP, many(lambda: faker.date_time_this_decade()), "moment"),
        ("o", "session", sqltypes.Uuid(as_uuid=False), many(faker.uuid4), "uuid"),
        ("o", "payload", sqltypes.JSON(), ["{}"] * 9, "json"),
        ("o", "tags", sqltypes.ARRAY(TEXT), ["{a,b}", "{c}"] * 30, "structured"),
        ("o", "state", sqltypes.Enum("open", "done"), ["open", "done"] * 30, "category"),
        ("o", "gender", sqltypes.Enum("male", "female"), ["male", "female"] * 30, "sex"),
        # names that mean something else
        ("o", "email_verified", TEXT, ["yes", "no"] * 30, "flag"),
        ("o", "phone_type", TEXT, ["home", "work", "cell"] * 20, "category"),
        ("o", "email", TEXT, ["weekly", "monthly", "never"] * 20, "category"),
        ("o", "address_count", INT, number(0, 9), "count"),
        ("o", "statement", TEXT, many(prose), "text"),
        ("o", "capacity", INT, number(1, 900), "measure"),
        ("o", "state", TEXT, ["open", "closed", "waiting"] * 20, "category"),
        ("products", "name", TEXT, many(lambda: " ".join(faker.words(3))), "label"),
        ("o", "title", TEXT, many(lambda: faker.sentence(4)), "label"),
    ]  # fmt: skip
