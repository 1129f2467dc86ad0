"""What texts look like. Some shapes speak for themselves (an address with an @, a checked number); for the rest a shape
only says whether a role that the name speaks of can be true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from xml.etree import ElementTree

from dbsynth.schema.identifiers import recognise
from dbsynth.schema.roles.names import fold
from dbsynth.schema.vocabularies import (
    COLOURS,
    COUNTRY_2,
    COUNTRY_3,
    CURRENCIES,
    LANGUAGES,
    OTHER_COLOURS,
    OTHER_CURRENCIES,
)

MOST_VALUES = 300
"""Different values that are looked at."""
LEAST_VALUES = 3
"""Fewer say nothing without a name."""
CLEAR, POSSIBLE = 0.9, 0.5
"""So many values must look like a role by themselves; so many where the name speaks of it."""


@dataclass(frozen=True)
class Likeness:
    """``share`` of the values that ``says`` holds of."""

    role: str
    share: float
    says: str


Test = Callable[[str], object]
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[A-Za-z]{2,}|[^@\s,;<>]+@[A-Za-z][\w-]+")
URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
WEB = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)
UUID = re.compile(r"\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?", re.IGNORECASE)
MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.IGNORECASE)
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
CRYPT = re.compile(r"\$(?:2[abxy]?|1|5|6|y|argon2id?|pbkdf2[\w-]*|scrypt)\$\S+|pbkdf2_sha\d+\$\S+")
HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}", re.IGNORECASE)
COLOUR = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})|rgba?\([\d., %]+\)|hsla?\([\d., %]+\)", re.IGNORECASE)
PAIR = re.compile(r"[(\[]?\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*[)\]]?")
VERSION = re.compile(r"[vV]?\d+(?:\.\d+){1,3}(?:[-+.][0-9A-Za-z.+-]+)?")
COUNTRY = re.compile(r"[A-Z]{1,4}")
SEMANTIC = re.compile(r"[vV]?(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:[-+][0-9A-Za-z.+-]+)?")
AGENT = re.compile(r"Mozilla/\d|[\w.+-]+/\d+(?:\.\d+)*(?:\s|$|\s*\()")
PATH = re.compile(
    r"(?:[A-Za-z]:|~|\.{1,2})?(?:[/\\][^/\\\n]+)*[/\\]?[^/\\\n]*\.[A-Za-z0-9]{1,5}|[A-Za-z]:\\.*|(?:/[\w.@-]*[A-Za-z][\w.@-]*)+/?"
)
FILE = re.compile(
    r"(?:[A-Za-z]:\\|~?/|\.{1,2}/)[^\n]*[A-Za-z][^\n]*|[^/\\\n?*|<>\"]+\.(?=[a-z0-9]{2,5}$)[a-z]*[a-z0-9]+",
    re.IGNORECASE,
)
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
ZONE = re.compile(
    r"(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Europe|Indian|Pacific|Etc|US)/[\w+/-]+"
    r"|(?:UTC|GMT)(?:\s?[+-]\d{1,2}(?::?\d\d)?)?|Z|[+-]\d\d:?\d\d|[A-Z]{3,4}T"
)
LOCALE = re.compile(r"[a-z]{2,3}[_-][A-Z][A-Za-z]{1,3}(?:[_-][A-Z]{2})?(?:\.[\w-]+)?|[a-z]{2}-[a-z]{2,4}")
HTML = re.compile(
    r"<(?:p|div|a|br|b|i|ul|ol|li|span|h\d|strong|em|img|table|pre|code|blockquote)\b[^>]*>", re.IGNORECASE
)
MARKDOWN = re.compile(
    r"^#{1,6} \S|^\s*[-*+] \S|^\s*\d+\. \S|\*\*\S[^*]*\*\*|\[[^\]]+\]\([^)\s]+\)|^```|^> ", re.MULTILINE
)
CODE = re.compile(
    r"^\s*(?:def|class|import|from|function|public|private|const|let|var|return|#include|package|using)\b"
    r"|^\s*(?:select|insert into|update|delete from|create table|with)\s.+|[;{]\s*$|=>|\b\w+\([^)]*\)\s*[;{]",
    re.MULTILINE | re.IGNORECASE,
)
DATE = re.compile(r"(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])"
    r"(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?"
                  r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:19|20)\d\d")  # fmt: skip
PHONE = re.compile(r"[+(]?[\d(][\d\s()./+-]{4,24}(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_SEX_WORDS = (
    "m f w d x u n o h k z male female man woman other unknown diverse divers maennlich weiblich mann frau homme femme "
    "masculin feminin autre hombre mujer masculino femenino feminino homem mulher maschio femmina uomo donna maschile "
    "femminile mezczyzna kobieta meski zenski muz zena nonbinary non-binary 0 1 2 9"
)
_SALUTATION_WORDS = (
    "mr mrs ms miss mx dr prof sir madam herr frau dipl ing m mme mlle monsieur madame sr sra srta senor senora dott "
    "dottssa sig sigra signor signora ing avv pan pani bc mgr ph phd don dona rev hon capt"
)
SEXES, SALUTATIONS = frozenset(_SEX_WORDS.split()), frozenset(_SALUTATION_WORDS.split())
_ANSWERS = "y/n t/f 0/1 j/n s/n o/n yes/no true/false ja/nein oui/non si/no sim/nao tak/nie ano/ne on/off"
FLAGS = frozenset(frozenset(pair.split("/")) for pair in _ANSWERS.split())
_CURRENCIES = frozenset(CURRENCIES + OTHER_CURRENCIES)
_COUNTRIES = frozenset(COUNTRY_2 + COUNTRY_3)
_LANGUAGES = frozenset(LANGUAGES)
_COLOURS = frozenset(COLOURS + OTHER_COLOURS)


def _whole(pattern: re.Pattern[str]) -> Test:
    return pattern.fullmatch


def _ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _xml(text: str) -> bool:
    if text.lstrip()[:1] != "<":
        return False
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return False
    return True


def _pair(text: str) -> bool:
    found = PAIR.fullmatch(text.strip())
    return found is not None and "." in text and all(abs(float(v)) <= 180 for v in found.groups())


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def has_letters(text: str) -> bool:
    return any(c.isalpha() for c in text)


def _letters(text: str) -> int:
    return sum(c.isalpha() for c in text)


def _wordy(text: str, most_words: int, most: int = 70) -> bool:
    """A name of some kind: begins with a letter, holds no digits."""
    return len(text) <= most and text[:1].isalpha() and not _digits(text) and len(text.split()) <= most_words \
        and not re.search(r"[@<>{}|=;]", text)  # fmt: skip


def _salutation(text: str) -> bool:
    own = re.findall(r"\w+", fold(text))
    return bool(own) and len(own) <= 3 and own[0] in SALUTATIONS


def _phone(text: str) -> bool:
    return PHONE.fullmatch(text.strip()) is not None and 5 <= _digits(text) <= 20


CLEAR_SHAPES: tuple[tuple[str, Test, float, str], ...] = (
    ("uuid", _whole(UUID), CLEAR, "are UUIDs"),
    ("email", _whole(EMAIL), CLEAR, "are e-mail addresses"),
    ("url", _whole(URL), CLEAR, "are URLs"),
    ("ip", _ip, CLEAR, "are IP addresses"),
    ("cidr", _network, CLEAR, "are networks"),
    ("mac", _whole(MAC), CLEAR, "are MAC addresses"),
    ("token", _whole(JWT), CLEAR, "are JSON web tokens"),
    ("password", _whole(CRYPT), CLEAR, "are hashes of passwords"),
    ("hash", _whole(HEX), 0.97, "are hexadecimal digests"),
    ("colour", _whole(COLOUR), CLEAR, "are colours"),
    ("coordinates", _pair, CLEAR, "are pairs of coordinates"),
    ("time_zone", lambda v: "/" in v and ZONE.fullmatch(v), CLEAR, "are time zones"),
    ("version", _whole(SEMANTIC), 0.97, "are version numbers"),
    ("user_agent", lambda v: v.startswith("Mozilla/"), POSSIBLE, "are user agents"),
    ("moment", _whole(DATE), 0.97, "are dates"),
    ("json", _json, CLEAR, "are JSON"),
    ("xml", _xml, CLEAR, "are XML"),
    ("html", HTML.search, 0.3, "hold HTML tags"),
    ("path", lambda v: FILE.fullmatch(v) and ("/" in v or "\\" in v), CLEAR, "are paths of files"),
)
"""Role, test, the least share, what it says; the first that fits. Where a value is XML and HTML, XML goes first."""

POSSIBLE_SHAPES: dict[str, tuple[Test, str]] = {
    "email": (
        lambda v: EMAIL.fullmatch(v) or ("@" not in v and " " not in v and len(v) > 2 and _letters(v)),
        "can be mailboxes",
    ),
    "phone": (_phone, "look like phone numbers"),
    "first_name": (lambda v: _wordy(v, 4, 40), "look like names"),
    "last_name": (lambda v: _wordy(v, 5, 50), "look like names"),
    "full_name": (lambda v: _letters(v) >= 0.6 * len(v) and len(v) <= 200 and len(v) > 1, "look like names"),
    "user_name": (lambda v: len(v.split()) <= 3 and len(v) <= 80, "can be names of users"),
    "company": (lambda v: len(v) > 1 and _letters(v) >= 0.5 * len(v) and len(v.split()) <= 10, "look like names"),
    "street": (
        lambda v: len(v) <= 200 and (_letters(v) > 1 or _digits(v)) and not EMAIL.fullmatch(v),
        "can be addresses",
    ),
    "postcode": (
        lambda v: len(v) <= 12 and _digits(v) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 .–-]*", v),
        "look like postcodes",
    ),
    "city": (lambda v: _letters(v) >= 0.6 * len(v) and len(v) > 1 and len(v.split()) <= 8, "look like places"),
    "state": (
        lambda v: _letters(v) >= 0.6 * len(v) and len(v.split()) <= 8 and v[:1].upper() == v[:1],
        "look like places",
    ),
    "country": (lambda v: _wordy(v, 8) and len(v) > 1, "look like countries"),
    "country_code": (lambda v: v.upper().strip() in _COUNTRIES or COUNTRY.fullmatch(v), "are codes of countries"),
    "currency": (lambda v: v.upper().strip() in _CURRENCIES, "are ISO 4217 codes"),
    "language": (
        lambda v: (v.lower().strip()[:2] in _LANGUAGES and len(v.strip()) <= 7) or _wordy(v, 3, 40),
        "are languages",
    ),
    "locale": (lambda v: LOCALE.fullmatch(v) or v in _LANGUAGES, "are locales"),
    "time_zone": (_whole(ZONE), "are time zones"),
    "sex": (lambda v: fold(v.strip()) in SEXES, "are sexes"),
    "salutation": (_salutation, "are forms of address"),
    "initials": (lambda v: _letters(v) and len(v) <= 5, "are initials"),
    "birth_date": (lambda v: re.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T].*)?|\d{8}", v), "are dates"),
    "iban": (lambda v: re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9 ]{10,36}", v, re.IGNORECASE), "look like IBANs"),
    "account": (lambda v: re.fullmatch(r"[\w ./-]{4,40}", v) and _digits(v), "look like account numbers"),
    "bic": (lambda v: re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", v), "look like BICs"),
    "card": (lambda v: re.fullmatch(r"\d[\d -]{10,24}", v) and 12 <= _digits(v) <= 19, "look like card numbers"),
    "national_id": (lambda v: re.fullmatch(r"[\w ./-]{5,24}", v) and _digits(v) > 3, "look like numbers of persons"),
    "tax_id": (lambda v: re.fullmatch(r"[\w ./-]{5,24}", v) and _digits(v) > 3, "look like tax numbers"),
    "ip": (_ip, "are IP addresses"),
    "cidr": (_network, "are networks"),
    "mac": (_whole(MAC), "are MAC addresses"),
    "url": (_whole(WEB), "are web addresses"),
    "domain": (_whole(DOMAIN), "are domains"),
    "user_agent": (AGENT.match, "are user agents"),
    "uuid": (_whole(UUID), "are UUIDs"),
    "hash": (lambda v: re.fullmatch(r"[\w+/=:$.-]{8,}", v), "look like digests"),
    "password": (lambda v: v and not re.search(r"\s", v.strip()), "are words of no language"),
    "token": (lambda v: re.fullmatch(r"[\w+/=:.~-]{6,}", v), "look like tokens"),
    "slug": (lambda v: re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", v), "are slugs"),
    "path": (lambda v: PATH.fullmatch(v) or FILE.fullmatch(v), "are names of files"),
    "colour": (
        lambda v: COLOUR.fullmatch(v) or fold(v).replace(" ", "") in _COLOURS or _wordy(v, 3, 30),
        "are colours",
    ),
    "version": (lambda v: VERSION.fullmatch(v) or re.fullmatch(r"[vV]?\d+", v), "are version numbers"),
    "isbn": (lambda v: re.fullmatch(r"(?:ISBN[\s:]*)?[\dXx][\dXx -]{8,17}", v), "look like ISBNs"),
    "ean": (lambda v: re.fullmatch(r"\d{8}|\d{12,14}", v), "look like product codes"),
    "sku": (lambda v: re.fullmatch(r"[\w][\w./ -]{1,40}", v) and len(v.split()) <= 3, "look like codes"),
    "plate": (
        lambda v: re.fullmatch(r"[A-Z0-9ÄÖÜ][A-Z0-9ÄÖÜ ·-]{2,12}", v.upper()) and _digits(v),
        "look like licence plates",
    ),
    "latitude": (lambda v: re.fullmatch(r"-?\d{1,2}(?:\.\d+)?", v), "are degrees"),
    "longitude": (lambda v: re.fullmatch(r"-?\d{1,3}(?:\.\d+)?", v), "are degrees"),
    "coordinates": (lambda v: _pair(v) or re.fullmatch(r"POINT.*|[0-9A-F]{20,}", v, re.IGNORECASE), "are coordinates"),
}
"""Per role a test that its values can be of it, and what it says."""


def sample(values: Sequence[str]) -> list[str]:
    """The first ``MOST_VALUES`` different ones."""
    return list(dict.fromkeys(values))[:MOST_VALUES]


def share(test: Test, values: Sequence[str]) -> float:
    return sum(bool(test(v)) for v in values) / len(values) if values else 0.0


def by_values(values: Sequence[str]) -> Likeness | None:
    """What ``values`` (different ones) are by themselves; None where they do not tell."""
    if len(values) < LEAST_VALUES:
        return None
    for role, test, least, says in CLEAR_SHAPES:
        found = share(test, values)
        if found >= least and (role != "hash" or any(c.isalpha() for v in values for c in v)):
            return Likeness(role, found, says)
    families = recognise(values)
    if families and families[0].telling:
        return Likeness(families[0].role, families[0].share, f"pass the check of the {families[0].title}")
    return _prose(values)


def _prose(values: Sequence[str]) -> Likeness | None:
    """Texts with a syntax of their own: programs, Markdown."""
    long_ = [v for v in values if len(v) > 20]
    if len(long_) < POSSIBLE * len(values):
        return None
    programs = share(lambda v: len(CODE.findall(v)) >= 1 and re.search(r"[{}();=]", v), values)
    if programs >= 0.8:
        return Likeness("source_code", programs, "look like programs")
    marked = share(MARKDOWN.search, values)
    return Likeness("markdown", marked, "hold Markdown") if marked >= POSSIBLE else None


def flag(values: Sequence[str]) -> bool:
    """Whether ``values`` (different ones) are the two answers to a question."""
    answers = {fold(v.strip()) for v in values}
    return answers in FLAGS


def possible(role: str, values: Sequence[str]) -> Likeness | None:
    """How far ``values`` (different ones) can be of ``role``; None where too few can."""
    test, says = POSSIBLE_SHAPES[role]
    found = share(test, values)
    return Likeness(role, found, says) if found >= POSSIBLE else None


def checked(role: str, values: Sequence[str], *, numbers: bool = False) -> Likeness | None:
    """Where ``values`` follow identifiers of ``role`` with check digits, how many do."""
    family = next((f for f in recognise(values, numbers=numbers) if f.role == role and f.chance < 1), None)
    if family is None:
        return None
    verb = "pass the check of the" if family.chance <= 0.35 else "are built as the"
    return Likeness(role, family.share, f"{verb} {family.title}")
