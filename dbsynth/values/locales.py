"""Which language's names a table, or a row of a country, has: told from the names themselves and from the country."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from faker.providers.date_time import Provider as Moments

from dbsynth.values.pools import DEFAULT_LOCALE, LOCALES, names_of
from dbsynth.values.spelling import plain

TONGUES = (
    "en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL", "pl_PL", "cs_CZ", "sv_SE", "da_DK", "no_NO",
    "fi_FI", "hu_HU", "ro_RO", "tr_TR", "hr_HR", "ru_RU", "uk_UA", "bg_BG", "el_GR", "ja_JP", "zh_CN", "ko_KR",
    "he_IL", "ar_AA", "fa_IR", "hi_IN", "th_TH",
)  # fmt: skip
"""One locale a language that is looked for where no country is named."""
LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
LEAST_SHARE = 0.08
"""Of the names that some language knows: rarer languages are chance."""
LEAST_KNOWN = 5
USUAL = 1000
"""Shorter lists of names lack usual ones: they are not likelier for it."""
ROUNDS = 30
OF_COUNTRY = {
    "AT": "de_AT", "BE": "fr_BE", "BR": "pt_BR", "CA": "en_CA", "CH": "de_CH", "CN": "zh_CN", "GB": "en_GB",
    "IE": "en_IE", "IN": "en_IN", "LU": "de_LU", "NG": "en_NG", "US": "en_US", "ZA": "en_GB", "PK": "en_PK",
    "KE": "en_KE", "AU": "en_AU", "NZ": "en_NZ", "SG": "en_GB", "DZ": "fr_DZ", "ES": "es_ES", "SE": "sv_SE",
    "DK": "da_DK", "PH": "es_ES", "TW": "zh_TW", "IL": "he_IL", "TH": "th_TH", "CY": "el_GR",
}  # fmt: skip
"""Where several locales are of one country, or none is."""
SPANISH = ("BO", "CR", "CU", "DO", "EC", "GT", "HN", "NI", "PA", "PE", "PR", "PY", "SV", "UY", "VE")
OTHER_NAMES = {
    "AT": "österreich autriche austria rakousko", "BE": "belgien belgique belgië bélgica belgio belgia belgie",
    "BR": "brasil brasilien brésil brasile brazylia brazílie", "CA": "kanada canadá", "CH": "schweiz suisse svizzera "
    "suiza suíça szwajcaria švýcarsko", "CZ": "tschechien tchéquie česko chequia cechia czechy czech-republic "
    "tschechische-republik česká-republika", "DE": "deutschland allemagne alemania alemanha germania niemcy německo "
    "brd federal-republic-of-germany", "DK": "dänemark danemark dinamarca danimarca danmark dania dánsko",
    "ES": "spanien espagne españa espanha spagna hiszpania španělsko", "FI": "finnland finlande finlandia suomi finsko",
    "FR": "frankreich francia frança francja francie", "GB": "uk u.k. united-kingdom great-britain england scotland "
    "wales großbritannien vereinigtes-königreich royaume-uni reino-unido regno-unito wielka-brytania velká-británie",
    "GR": "griechenland grèce grecia hellas grecja řecko",
    "HU": "ungarn hongrie hungría hungria ungheria węgry maďarsko",
    "IE": "irland irlande irlanda irlandia irsko", "IT": "italien italie italia itália włochy itálie",
    "JP": "japan japon japón giappone japão japonia japonsko", "MX": "mexiko mexique méxico messico meksyk",
    "NL": "niederlande pays-bas países-bajos paesi-bassi holanda holland olanda nederland the-netherlands holandia "
    "nizozemsko", "NO": "norwegen norvège noruega norvegia norge norwegia norsko",
    "PL": "polen pologne polonia polónia polônia polska polsko", "PT": "portogallo portugalia portugalsko",
    "RO": "rumänien roumanie rumania românia rumunia rumunsko", "RU": "russland russie rusia rossija rosja rusko "
    "russian-federation россия", "SE": "schweden suède suecia svezia sverige szwecja švédsko suécia",
    "TR": "türkei turquie turquía turchia türkiye turcja turecko", "UA": "ukraina україна ucrania ucraina ukrajina",
    "US": "usa u.s. u.s.a. united-states united-states-of-america vereinigte-staaten états-unis estados-unidos "
    "stati-uniti stany-zjednoczone spojené-státy america", "KR": "south-korea republic-of-korea südkorea korea",
    "CN": "prc people's-republic-of-china chine cina", "SK": "slowakei slovensko slovaquie eslovaquia słowacja",
}  # fmt: skip
"""What else countries are called: in their own language, in those of their neighbours, in short."""


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    """Names and codes -> ISO 3166 code of two letters."""
    found: dict[str, str] = {}
    for country in Moments.countries:
        code = country.alpha_2_code
        found |= {_same(n): code for n in (country.name, country.alpha_3_code, code)}
    for code, others in OTHER_NAMES.items():
        found |= {_same(n.replace("-", " ")): code for n in others.split()}
    return found


def _same(name: str) -> str:
    return re.sub(r"^the |[^\w ]", "", " ".join(name.casefold().replace("-", " ").split()))


def country_of(value: str) -> str | None:
    """The ISO code of two letters, of a name in some languages or a code."""
    return _countries().get(_same(value))


def locale_of(country: str) -> str | None:
    """A locale whose names people in ``country`` (ISO code) have."""
    if country in OF_COUNTRY:
        return OF_COUNTRY[country]
    if country in SPANISH:
        return "es_MX"
    return next((locale for locale in LOCALES if locale.endswith("_" + country)), None)


def latin(values: Sequence[str]) -> bool:
    """Whether nearly all of them are written in Latin letters."""
    some = [v for v in values if v][:2000]
    return sum(bool(LATIN.search(v)) for v in some) >= 0.9 * len(some)


def tongues(first: Sequence[str], last: Sequence[str]) -> list[tuple[str, float]]:
    """The locales of names, with their shares: a mixture of languages, each of which has each of its names as often,
    fitted by expectation maximisation (Dempster et al. 1977). Names that no language knows tell nothing."""
    rows = []
    for names, kinds in ((first, ("male", "female")), (last, ("last_male", "last_female"))):
        counts = Counter(plain(n) for n in names if n)
        known = [{plain(n) for kind in kinds for n in names_of(locale)[kind]} for locale in TONGUES]
        sizes = [max(USUAL, len(k)) for k in known]
        for name, n in counts.items():
            row = [(name in k) / s for k, s in zip(known, sizes, strict=True)]
            if name and any(row):
                rows.append([*row, float(n)])
    if len(rows) < LEAST_KNOWN:
        return [(DEFAULT_LOCALE, 1.0)] if latin([*first, *last]) else _script([*first, *last])
    table = np.array(rows)
    likely, counts_ = table[:, :-1], table[:, -1]
    shares = np.full(len(TONGUES), 1 / len(TONGUES))
    for _ in range(ROUNDS):
        own = likely * shares
        shares = (own / own.sum(1, keepdims=True) * counts_[:, None]).sum(0) / counts_.sum()
    kept = [(locale, s) for locale, s in zip(TONGUES, shares.tolist(), strict=True) if s >= LEAST_SHARE]
    kept = kept or [(TONGUES[int(shares.argmax())], 1.0)]
    total = sum(s for _, s in kept)
    return [(locale, s / total) for locale, s in kept]


SCRIPTS = (
    ("ru_RU", r"[А-я]"), ("el_GR", r"[Α-ω]"), ("ja_JP", r"[ぁ-ヿ]"), ("ko_KR", r"[가-힣]"), ("zh_CN", r"[一-鿿]"),
    ("he_IL", r"[א-ת]"), ("ar_AA", r"[ء-ي]"), ("hi_IN", r"[ऀ-ॿ]"), ("th_TH", r"[ก-๛]"),
)  # fmt: skip


def _script(values: Sequence[str]) -> list[tuple[str, float]]:
    found = Counter(locale for v in values if v for locale, letters in SCRIPTS if re.search(letters, v))
    return [(found.most_common(1)[0][0] if found else DEFAULT_LOCALE, 1.0)]


@lru_cache(maxsize=1)
def known_first_names() -> frozenset[str]:
    """As addresses spell them, of all languages in Latin letters."""
    return frozenset(p for x in TONGUES for kind in ("male", "female") for n in names_of(x)[kind] if (p := plain(n)))
