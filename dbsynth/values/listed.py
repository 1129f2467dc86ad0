"""Values of lists that standards or languages fix: whoever holds one of them knows nothing of the source."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np

from dbsynth.schema.vocabularies import COLOURS, COUNTRY_2, COUNTRY_3, CURRENCIES, LANGUAGES
from dbsynth.values.forms import choose

_LOCALES = (
    "ar-EG bg-BG cs-CZ da-DK de-AT de-CH de-DE el-GR en-AU en-CA en-GB en-IE en-IN en-NZ en-US en-ZA es-AR es-CL es- "
    "CO es-ES es-MX et-EE fi-FI fr-BE fr-CA fr-CH fr-FR he-IL hi-IN hr-HR hu-HU id-ID it-CH it-IT ja-JP ko-KR lt-LT "
    "lv-LV ms-MY nb-NO nl-BE nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sl-SI sr-RS sv-SE th-TH tr-TR uk-UA vi-VN zh- "
    "CN zh-HK zh-TW"
)
LOCALES = tuple(_LOCALES.split())
_ZONES = (
    "Africa/Cairo Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Bogota America/Buenos_Aires America/Chicago "
    "America/Denver America/Halifax America/Lima America/Los_Angeles America/Mexico_City America/New_York "
    "America/Sao_Paulo America/Toronto America/Vancouver Asia/Bangkok Asia/Dubai Asia/Hong_Kong Asia/Jakarta "
    "Asia/Karachi Asia/Kolkata Asia/Manila Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tokyo "
    "Australia/Brisbane Australia/Melbourne Australia/Perth Australia/Sydney Europe/Amsterdam Europe/Athens "
    "Europe/Berlin Europe/Brussels Europe/Budapest Europe/Dublin Europe/Helsinki Europe/Istanbul Europe/Lisbon "
    "Europe/London Europe/Madrid Europe/Moscow Europe/Oslo Europe/Paris Europe/Prague Europe/Rome Europe/Stockholm "
    "Europe/Vienna Europe/Warsaw Europe/Zurich Pacific/Auckland Pacific/Honolulu UTC"
)
ZONES = tuple(_ZONES.split())
SYSTEMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "country_code": (COUNTRY_2, COUNTRY_3),
    "currency": (CURRENCIES,),
    "language": (LANGUAGES,),
    "locale": (LOCALES, tuple(c.replace("-", "_") for c in LOCALES)),
    "time_zone": (ZONES,),
    "colour": (COLOURS,),
    "sex": (
        ("M", "F"), ("M", "W"), ("M", "W", "D"), ("H", "F"), ("H", "M"), ("K", "M"), ("M", "Z"), ("male", "female"),
        ("man", "woman"), ("männlich", "weiblich"), ("Mann", "Frau"), ("homme", "femme"), ("hombre", "mujer"),
        ("masculino", "femenino"), ("masculino", "feminino"), ("maschio", "femmina"), ("mężczyzna", "kobieta"),
        ("muž", "žena"),
    ),
    "salutation": (
        ("Mr.", "Mrs.", "Ms.", "Dr."), ("Mr", "Mrs", "Ms", "Dr"), ("Mr", "Mrs", "Miss", "Ms", "Dr", "Prof"),
        ("Herr", "Frau"),
        ("Herr", "Frau", "Dr."), ("M.", "Mme"), ("M.", "Mme", "Mlle"), ("Sr.", "Sra."), ("Sr.", "Sra.", "Srta."),
        ("Sig.", "Sig.ra", "Dott."), ("Pan", "Pani"), ("Pan", "Paní"),
    ),
}  # fmt: skip
"""By role lists of values that stand together in one column."""
LEAST_SHARE = 0.5
CROWDED = 0.4
MOST_LETTERS = 3
"""Of codes that are made up where a list does not suffice."""


class Listed:
    """One of ``texts``, as likely as ``weights``. ``open``: so many of them are in the source that it says nothing
    which; ``repeats``: they may come more than once."""

    _free: list[str] | None = None

    def __init__(self, texts: Sequence[str], weights: np.ndarray, *, open_: bool, repeats: bool) -> None:
        self.texts, self.weights, self.open, self.repeats = list(texts), weights, open_, repeats

    @classmethod
    def fit(cls, role: str, values: Sequence[str], k: int, *, unique: bool) -> Listed | None:
        """The list that holds most of ``values`` in the fewest texts, in their case; None where none holds half."""
        counts = Counter(v.strip() for v in values)
        total = sum(counts.values())
        best: tuple[float, int, tuple[str, ...]] | None = None
        for system in SYSTEMS[role]:
            for cased in (system, tuple(t.upper() for t in system), tuple(t.lower() for t in system),
                          tuple(t.capitalize() for t in system)):  # fmt: skip
                held = sum(counts[t] for t in dict.fromkeys(cased)) / max(1, total)
                if held >= (0.0 if _alike(role, cased, values) else LEAST_SHARE) and (
                    best is None or (held, -len(cased)) > (best[0], -best[1])
                ):
                    best = (held, len(cased), tuple(dict.fromkeys(cased)))
        if best is None:
            return None
        # values that k rows have as often as they do; of the others nothing is known
        known = {t: counts[t] for t in best[2] if counts[t] >= k}
        rest = max(1.0, total - sum(known.values()))
        others = max(1, len(best[2]) - len(known))
        weights = np.array([float(known.get(t, rest / others)) for t in best[2]])
        crowded = sum(counts[t] > 0 for t in best[2]) > CROWDED * len(best[2])
        return cls(best[2], weights, open_=crowded, repeats=not unique)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        texts = np.array(self.texts, object)
        return list(texts[choose(self.weights, count, rng)])

    def number(self, index: int) -> str | None:
        """Of a unique column with more rows than the list has texts: codes of as many letters that nobody has given."""
        if index < len(self.texts) or self.repeats:
            return self.texts[index % len(self.texts)]
        if self._free is None:
            size = Counter(map(len, self.texts)).most_common(1)[0][0]
            letters = string.ascii_lowercase if self.texts[0].islower() else string.ascii_uppercase
            known = set(self.texts)
            every = product(letters, repeat=size) if size <= MOST_LETTERS and all(map(str.isalpha, self.texts)) else ()
            self._free = [code for code in map("".join, every) if code not in known]
        at = index - len(self.texts)
        return self._free[at] if at < len(self._free) else None


def _alike(role: str, system: Sequence[str], values: Sequence[str]) -> bool:
    """Whether ``values`` are of so long a list that ``system`` holds a part of it only."""
    mark = {"time_zone": "/", "locale": system[0][2:3]}.get(role)
    some = values[:1000]
    cased = system[0].islower() == some[0].islower() if some else False
    return mark is not None and cased and sum(mark in v for v in some) >= LEAST_SHARE * len(some)
