"""Identifiers with check characters: how each is built, and what makes one valid.

A scheme is written on the bare characters: digits and capitals without separators.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dbsynth.schema.identifiers import checks
from dbsynth.schema.identifiers.born import Born, Parity
from dbsynth.schema.identifiers.iban import STRUCTURES, account_parts
from dbsynth.schema.identifiers.parts import UPPER, Check, Choice, Digits, Letters, OneTwice, Part
from dbsynth.schema.vocabularies import COUNTRY_2

Fill = Callable[[np.ndarray], np.ndarray]
"""Sets the check characters of uint8 (rows, width) in place; bool (rows,): whether there are any for the others."""
Rule = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scheme:
    """``chance``: the share of texts of this build that are valid by chance. ``prefix``: up to so many leading
    characters may be those that k rows share."""

    name: str
    role: str
    title: str
    parts: tuple[Part, ...]
    fill: Fill | None = None
    rule: Rule | None = None
    chance: float = 0.1
    prefix: int = 0

    @property
    def family(self) -> str:
        """Schemes of one family stand together in a column."""
        country, _, kind = self.name.partition("_")
        if self.role not in ("national_id", "tax_id"):
            return self.role
        if kind == "vat":
            return "vat"
        return country if country in ("es", "it", "se", "cz") else self.name

    @cached_property
    def width(self) -> int:
        return sum(p.width for p in self.parts)

    @cached_property
    def build(self) -> re.Pattern[str]:
        return re.compile("".join(p.regex for p in self.parts))

    @cached_property
    def digits_only(self) -> bool:
        return all(
            isinstance(p, Digits | OneTwice | Parity)
            or (isinstance(p, Check) and p.place == r"\d")
            or (isinstance(p, Choice) and p.texts[0].isdigit())
            or (isinstance(p, Born) and p.style != "italian")
            for p in self.parts
        )

    def valid(self, chars: np.ndarray) -> np.ndarray:
        """bool (rows,), of uint8 (rows, width) that match ``build``."""
        whole = np.ones(len(chars), bool)
        if self.fill is not None:
            again = chars.copy()
            whole = self.fill(again) & (again == chars).all(axis=1)
        at = 0
        for part in self.parts:
            if isinstance(part, Born):
                whole &= part.read(chars[:, at : at + part.width])[2]
            at += part.width
        return whole if self.rule is None else np.asarray(whole & self.rule(chars))


def _digits(chars: np.ndarray) -> np.ndarray:
    return chars.astype(np.int64) - 48


def _set(chars: np.ndarray, place: int, values: np.ndarray) -> np.ndarray:
    """Writes digits; False where a check is 10."""
    chars[:, place] = 48 + values % 10
    return np.asarray(values < checks.NONE)


def _by(function: Callable[[np.ndarray], np.ndarray], start: int = 0, end: int | None = None) -> Fill:
    """The last character is the check digit of those from ``start`` on."""

    def fill(chars: np.ndarray) -> np.ndarray:
        place = chars.shape[1] - 1 if end is None else end
        return _set(chars, place, function(_digits(chars[:, start:place])))

    return fill


def _mod11(weights: Sequence[int], zero: bool = True) -> Callable[[np.ndarray], np.ndarray]:
    """11 − the weighted sum mod 11; 11 counts as 0, and so does 10 where ``zero``."""

    def check(d: np.ndarray) -> np.ndarray:
        value = -checks.weighted(d, weights) % 11
        return np.asarray(np.where(value == 10, 0, value) if zero else value)

    return check


def _numbered(chars: np.ndarray, start: int, end: int) -> np.ndarray:
    return np.asarray(_digits(chars[:, start:end]) @ 10 ** np.arange(end - start - 1, -1, -1, dtype=np.int64))


def _two(chars: np.ndarray, place: int, values: np.ndarray) -> np.ndarray:
    chars[:, place], chars[:, place + 1] = 48 + values // 10, 48 + values % 10
    return np.ones(len(chars), bool)


def _table(letters: str) -> np.ndarray:
    return np.frombuffer(letters.encode("ascii"), np.uint8)


def _iban(chars: np.ndarray) -> np.ndarray:
    zeros = np.full((len(chars), 2), 48, np.uint8)
    rest = checks.mod97(np.hstack([chars[:, 4:], chars[:, :2], zeros]))
    return _two(chars, 2, 98 - rest)


def _isbn10(chars: np.ndarray) -> np.ndarray:
    value = -checks.weighted(_digits(chars[:, :9]), range(10, 1, -1)) % 11
    chars[:, 9] = np.where(value == 10, ord("X"), 48 + value)
    return np.ones(len(chars), bool)


def _steuer_rule(chars: np.ndarray) -> np.ndarray:
    counts = (_digits(chars[:, :10])[:, :, None] == np.arange(10)).sum(axis=1)
    return np.asarray((chars[:, 0] != 48) & (counts.max(axis=1) <= 3) & ((counts > 1).sum(axis=1) == 1))


_DNI = _table("TRWAGMYFPDXBNJZSQVHLCKE")


def _dni(chars: np.ndarray) -> np.ndarray:
    chars[:, 8] = _DNI[_numbered(chars, 0, 8) % 23]
    return np.ones(len(chars), bool)


def _nie(chars: np.ndarray) -> np.ndarray:
    chars[:, 8] = _DNI[((chars[:, 0].astype(np.int64) - ord("X")) * 10**7 + _numbered(chars, 1, 8)) % 23]
    return np.ones(len(chars), bool)


def _cif(*, letter: bool) -> Fill:
    def fill(chars: np.ndarray) -> np.ndarray:
        d = _digits(chars[:, 1:8])
        odd = 2 * d[:, ::2]
        value = -(d[:, 1::2].sum(axis=1) + (odd // 10 + odd % 10).sum(axis=1)) % 10
        chars[:, 8] = _table("JABCDEFGHI")[value] if letter else 48 + value
        return np.ones(len(chars), bool)

    return fill


_ODD = np.array([1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23])


def _codice(chars: np.ndarray) -> np.ndarray:
    values = np.where(chars >= 65, chars.astype(np.int64) - 65, chars.astype(np.int64) - 48)[:, :15]
    chars[:, 15] = 65 + (_ODD[values[:, ::2]].sum(axis=1) + values[:, 1::2].sum(axis=1)) % 26
    return np.ones(len(chars), bool)


def _nir(chars: np.ndarray) -> np.ndarray:
    return _two(chars, 13, 97 - _numbered(chars, 0, 13) % 97)


def _tva(chars: np.ndarray) -> np.ndarray:
    """The key of a French VAT number, for a valid SIREN."""
    chars[:, 12] = 48 + checks.luhn(_digits(chars[:, 4:12]))
    return _two(chars, 2, (12 + 3 * (_numbered(chars, 4, 13) % 97)) % 97)


def _belgian(chars: np.ndarray) -> np.ndarray:
    number = _numbered(chars, 0, 9)
    number = number + np.where(_numbered(chars, 0, 2) < 30, 2 * 10**9, 0)
    return _two(chars, 9, 97 - number % 97)


def _norwegian(chars: np.ndarray) -> np.ndarray:
    first = _set(chars, 9, _mod11((3, 7, 6, 1, 8, 9, 4, 5, 2), zero=False)(_digits(chars[:, :9])))
    return np.asarray(
        first & _set(chars, 10, _mod11((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), zero=False)(_digits(chars[:, :10])))
    )


def _norwegian_rule(chars: np.ndarray) -> np.ndarray:
    """Serials from 500 on are of this century."""
    return np.asarray((chars[:, 6] >= ord("5")) == (_numbered(chars, 4, 6) < 30))


def _czech(chars: np.ndarray) -> np.ndarray:
    return _set(chars, 9, _numbered(chars, 0, 9) % 11)


def _brazilian(weights: tuple[int, ...]) -> Fill:
    """Two check digits; ``weights``: of the second, whose tail are those of the first."""

    def fill(chars: np.ndarray) -> np.ndarray:
        place = len(weights) - 1
        _set(chars, place, _mod11(weights[1:])(_digits(chars[:, :place])))
        return _set(chars, place + 1, _mod11(weights)(_digits(chars[:, : place + 1])))

    return fill


def _bsn(chars: np.ndarray) -> np.ndarray:
    return _set(chars, 8, checks.weighted(_digits(chars[:, :8]), range(9, 1, -1)) % 11)


def _regon(chars: np.ndarray) -> np.ndarray:
    value = checks.weighted(_digits(chars[:, :8]), (8, 9, 2, 3, 4, 5, 6, 7)) % 11
    return _set(chars, 8, np.where(value == 10, 0, value))


def _nip(chars: np.ndarray) -> np.ndarray:
    return _set(chars, 9, checks.weighted(_digits(chars[:, :9]), (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11)


def _tfn(chars: np.ndarray) -> np.ndarray:
    """The last of nine has weight 10, which is −1."""
    return _set(chars, 8, checks.weighted(_digits(chars[:, :8]), (1, 4, 3, 7, 5, 8, 6, 9)) % 11)


def _ssn_rule(chars: np.ndarray) -> np.ndarray:
    area = _numbered(chars, 0, 3)
    some = (area > 0) & (area < 900) & (area != 666)
    return np.asarray(some & (_numbered(chars, 3, 5) > 0) & (_numbered(chars, 5, 9) > 0))


def _nino_rule(chars: np.ndarray) -> np.ndarray:
    pair = chars[:, 0].astype(np.int64) * 256 + chars[:, 1]
    banned = [ord(a) * 256 + ord(b) for a, b in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")]
    return np.asarray(~np.isin(pair, banned), bool)


ISSUERS: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...] = (
    ("American Express", ("34", "37"), (15,)),
    ("Diners Club", ("300", "301", "302", "303", "304", "305", "309", "36", "38", "39"), (14,)),
    ("JCB", ("1800", "2131"), (15,)),
    ("JCB", tuple(str(n) for n in range(3528, 3590)), (16,)),
    ("Mastercard", (*map(str, range(51, 56)), *map(str, range(2221, 2721))), (16,)),
    ("Discover", ("6011", *map(str, range(644, 650)), "65"), (16, 19)),
    ("UnionPay", ("62",), (16, 17, 18, 19)),
    ("Maestro", ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"), (12, 13, 14, 15, 16, 18, 19)),
    ("Visa", ("4",), (13, 16, 19)),
)  # fmt: skip
"""Issuers of payment cards: leading digits and lengths (ISO/IEC 7812)."""


def _cards() -> list[Scheme]:
    found = []
    for issuer, heads, lengths in ISSUERS:
        for width in sorted({len(h) for h in heads}):
            own = Choice(tuple(h for h in heads if len(h) == width))
            for length in lengths:
                parts = (own, Digits(length - width - 1), Check(1))
                name = f"card_{issuer.lower().replace(' ', '_')}_{width}_{length}"
                found.append(Scheme(name, "card", f"{issuer} card", parts, _by(checks.luhn)))
    return found


def _ibans() -> list[Scheme]:
    return [
        Scheme(
            f"iban_{country}" + ("_letters" if letters else ""), "iban", f"IBAN of {country}",
            (Choice((country,)), Check(2), *account_parts(country, letters=letters)), _iban, chance=0.011,
        )
        for country, structure in STRUCTURES.items()
        for letters in ([False, True] if "c" in structure else [False])
    ]  # fmt: skip


_CPF, _CNPJ = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_BIC_COUNTRIES = Choice(COUNTRY_2)
_PERSON, _TAX = "national_id", "tax_id"

_SCHEMES: tuple[Scheme, ...] = (
    *_ibans(),
    *_cards(),
    Scheme("bic_8", "bic", "BIC", (Letters(4), _BIC_COUNTRIES, Letters(2, UPPER + "0123456789")), chance=0.3, prefix=4),
    Scheme(
        "bic_11", "bic", "BIC",
        (Letters(4), _BIC_COUNTRIES, Letters(2, UPPER + "0123456789"), Letters(3, UPPER + "0123456789")),
        chance=0.3, prefix=4,
    ),
    # those of which others are a special case come after them
    Scheme("ch_ahv", _PERSON, "Swiss AHV number", (Choice(("756",)), Digits(9), Check(1)), _by(checks.ean)),
    Scheme("isbn_13", "isbn", "ISBN-13", (Choice(("978", "979")), Digits(9), Check(1)), _by(checks.ean), prefix=4),
    Scheme("isbn_10", "isbn", "ISBN-10", (Digits(9), Check(1, "[0-9X]")), _isbn10, chance=0.09, prefix=1),
    Scheme("ean_13", "ean", "EAN-13", (Digits(12), Check(1)), _by(checks.ean), prefix=7),
    Scheme("ean_8", "ean", "EAN-8", (Digits(7), Check(1)), _by(checks.ean), prefix=3),
    Scheme("upc_12", "ean", "UPC-A", (Digits(11), Check(1)), _by(checks.ean), prefix=6),
    Scheme("gtin_14", "ean", "GTIN-14", (Digits(13), Check(1)), _by(checks.ean), prefix=8),
    Scheme("us_ssn", _PERSON, "US social security number", (Digits(9),), rule=_ssn_rule, chance=0.88),
    Scheme(
        "gb_nino", _PERSON, "UK national insurance number",
        (Letters(1, "ABCEGHJKLMNOPRSTWXYZ"), Letters(1, "ABCEGHJKLMNPRSTWXYZ"), Digits(6), Letters(1, "ABCD")),
        rule=_nino_rule, chance=0.6,
    ),
    Scheme("de_tax", _PERSON, "German tax number of a person", (OneTwice(), Check(1)), _by(checks.mod11_10),
           _steuer_rule, 0.004),
    Scheme("es_dni", _PERSON, "Spanish DNI", (Digits(8), Check(1, "[A-Z]")), _dni, chance=0.04),
    Scheme("es_nie", _PERSON, "Spanish NIE", (Letters(1, "XYZ"), Digits(7), Check(1, "[A-Z]")), _nie, chance=0.04),
    Scheme(
        "it_codice_fiscale", _PERSON, "Italian tax code",
        (Letters(6), Born("italian"), Letters(1), Digits(3), Check(1, "[A-Z]")), _codice, chance=0.03,
    ),
    Scheme("fr_nir", _PERSON, "French social security number", (Born("french"), Digits(8), Check(2)), _nir,
           chance=0.009),
    Scheme("pl_pesel", _PERSON, "Polish PESEL", (Born("pesel"), Digits(3), Parity(), Check(1)),
           _by(lambda d: -checks.weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10), chance=0.04),
    Scheme("cz_birth", _PERSON, "Czech birth number", (Born("czech"), Digits(3), Check(1)), _czech, chance=0.03),
    Scheme("cz_birth_9", _PERSON, "Czech birth number", (Born("czech"), Digits(3)), chance=0.3),
    Scheme("be_register", _PERSON, "Belgian register number", (Born("yymmdd"), Digits(2), Parity(), Check(2)), _belgian,
           chance=0.005),
    Scheme("se_person", _PERSON, "Swedish personal number", (Born("yymmdd"), Digits(2), Parity(), Check(1)),
           _by(checks.luhn), chance=0.03),
    Scheme("se_person_12", _PERSON, "Swedish personal number", (Born("yyyymmdd"), Digits(2), Parity(), Check(1)),
           _by(checks.luhn, start=2), chance=0.03),
    Scheme("no_birth", _PERSON, "Norwegian birth number", (Born("ddmmyy"), Digits(2), Parity(), Check(2)), _norwegian,
           _norwegian_rule, 0.003),
    Scheme("br_cpf", _PERSON, "Brazilian CPF", (Digits(9), Check(2)), _brazilian(_CPF), chance=0.01),
    Scheme("nl_bsn", _PERSON, "Dutch BSN", (Digits(8), Check(1)), _bsn, chance=0.09),
    Scheme("ca_sin", _PERSON, "Canadian social insurance number", (Digits(8, 1), Check(1)), _by(checks.luhn)),
    Scheme("in_aadhaar", _PERSON, "Indian Aadhaar number", (Digits(11, 2), Check(1)), _by(checks.verhoeff)),
    Scheme("pt_nif", _TAX, "Portuguese NIF", (Letters(1, "123568"), Digits(7), Check(1)),
           _by(_mod11(range(9, 1, -1))), chance=0.1),
    Scheme("br_cnpj", _TAX, "Brazilian CNPJ", (Digits(8), Choice(("0001",)), Check(2)), _brazilian(_CNPJ), chance=0.01),
    Scheme("it_piva", _TAX, "Italian VAT number", (Digits(10), Check(1)), _by(checks.luhn)),
    Scheme("it_vat", _TAX, "Italian VAT number", (Choice(("IT",)), Digits(10), Check(1)), _by(checks.luhn, start=2)),
    Scheme("de_vat", _TAX, "German VAT number", (Choice(("DE",)), Digits(8, 1), Check(1)),
           _by(checks.mod11_10, start=2)),
    Scheme("fr_siren", _TAX, "French SIREN", (Digits(8), Check(1)), _by(checks.luhn)),
    Scheme("fr_siret", _TAX, "French SIRET", (Digits(13), Check(1)), _by(checks.luhn)),
    Scheme("fr_vat", _TAX, "French VAT number", (Choice(("FR",)), Check(2), Digits(8), Check(1)), _tva, chance=0.001),
    Scheme("es_cif", _TAX, "Spanish CIF", (Letters(1, "ABCDEFGHJUV"), Digits(7), Check(1)), _cif(letter=False)),
    Scheme("es_cif_letter", _TAX, "Spanish CIF", (Letters(1, "CDFGJNPQRSUVW"), Digits(7), Check(1, "[A-J]")),
           _cif(letter=True)),
    Scheme("pl_nip", _TAX, "Polish NIP", (Digits(9, 1), Check(1)), _nip, chance=0.09),
    Scheme("pl_vat", _TAX, "Polish VAT number", (Choice(("PL",)), Digits(9, 1), Check(1)),
           lambda chars: _set(chars, 11, checks.weighted(_digits(chars[:, 2:11]), (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11),
           chance=0.09),
    Scheme("pl_regon", _TAX, "Polish REGON", (Digits(8), Check(1)), _regon),
    Scheme("au_tfn", _TAX, "Australian tax file number", (Digits(8, 1), Check(1)), _tfn, chance=0.09),
    Scheme("us_ein", _TAX, "US employer number", (Digits(9),), chance=1.0),
)  # fmt: skip
SCHEMES: dict[str, Scheme] = {s.name: s for s in _SCHEMES}
