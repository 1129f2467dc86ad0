"""Vocabulary for made values: names, places, companies and words of a locale, from Faker."""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import faker.providers.person
from faker import Faker
from faker.config import AVAILABLE_LOCALES

POOL = 4000
DEFAULT_LOCALE = "en_US"
LOCALES = tuple(sorted({m.name for m in pkgutil.iter_modules(faker.providers.person.__path__)} - {"fr_QC"}))
"""Those that have names of their own, but for one that Faker warns of."""
_METHODS = {
    "last_male": "last_name_male",
    "last_female": "last_name_female",
    "city": "city",
    "street_name": "street_name",
    "company": "company",
    "country": "country",
    "state": "state",
    "word": "word",
}
_LISTS = {
    "male": ("first_names_male", "first_names"),
    "female": ("first_names_female", "first_names"),
    "last_male": ("last_names_male", "last_names"),
    "last_female": ("last_names_female", "last_names"),
}
_ROMANIZED = {
    "male": "first_romanized_names",
    "female": "first_romanized_names",
    "last_male": "last_romanized_names",
    "last_female": "last_romanized_names",
}


@lru_cache(maxsize=128)
def pool(kind: str, locale: str | None = None) -> tuple[str, ...]:
    """Different values of ``kind`` (a key of ``_METHODS``) in a fixed order; locales that lack the kind give the
    default's."""
    chosen = locale if locale in AVAILABLE_LOCALES else DEFAULT_LOCALE
    faker = Faker(chosen, use_weighting=False)
    # an own generator: Faker's shared one would follow whoever seeded it last
    faker.seed_instance(random.Random(f"{kind} {chosen}").getrandbits(64))
    method = getattr(faker, _METHODS[kind], None)
    if method is None:
        return pool(kind, DEFAULT_LOCALE)
    found = dict.fromkeys(str(method()) for _ in range(POOL))
    return tuple(found)


@lru_cache(maxsize=64)
def names_of(locale: str) -> Mapping[str, tuple[str, ...]]:
    """``male``, ``female``: first names; ``last_male``, ``last_female``: family names, which are the same in most
    languages. All that Faker has, in its order."""
    known = locale if locale in LOCALES else next((x for x in LOCALES if x[:2] == locale[:2]), DEFAULT_LOCALE)
    lists = vars(importlib.import_module(f"faker.providers.person.{known}").Provider)
    out = {}
    for kind, places in _LISTS.items():
        found = next((p for p in (lists.get(place) for place in places) if _is_list(p)), None)
        out[kind] = tuple(dict.fromkeys(found)) if found is not None else ()
    for kind in ("last_male", "last_female"):
        out[kind] = out[kind] or pool(kind, known)
    for kind in ("male", "female"):
        out[kind] = out[kind] or names_of(DEFAULT_LOCALE)[kind]
    return out


@lru_cache(maxsize=16)
def romanized(locale: str) -> Mapping[str, tuple[str, ...]] | None:
    """``names_of`` in Latin letters, for a locale of another script; None where Faker has none."""
    lists = vars(importlib.import_module(f"faker.providers.person.{locale}").Provider) if locale in LOCALES else {}
    found = {kind: lists.get(place) for kind, place in _ROMANIZED.items()}
    return {k: tuple(dict.fromkeys(v)) for k, v in found.items() if v} if all(found.values()) else None


def kin(locale: str) -> list[str]:
    """Other locales of the same language, in a fixed order."""
    return [x for x in LOCALES if x[:2] == locale[:2] and x != locale]


def _is_list(found: object) -> bool:
    return isinstance(found, list | tuple | dict) and len(found) > 5 and all(isinstance(n, str) for n in found)


SYLLABLES = (
    "ba", "be", "bi", "bo", "da", "de", "di", "do", "fa", "fe", "ga", "ka", "ke", "ki", "ko", "la", "le", "li",
    "lo", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "pa", "pe", "ra", "re", "ri", "ro", "sa", "se", "si",
    "so", "ta", "te", "ti", "to", "va", "ve", "vi", "wa", "ya", "za",
)  # fmt: skip


def invented(count: int, seed: int) -> tuple[str, ...]:
    """Pronounceable names that no list holds."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4))).capitalize()] = None
    return tuple(found)


def blended(names: Sequence[str], count: int, seed: int, longest: int = 12) -> list[str]:
    """Up to ``count`` names that no list holds but that sound like ``names``: the beginning of one and the end of
    another, which meet in the two letters where they are joined (``Mar|lon`` + ``Dar|lene`` -> ``Marlene``)."""
    rng = random.Random(seed)
    known = set(names)
    whole = [n for n in dict.fromkeys(names) if len(n) >= 4 and n.isalpha()]
    ends: dict[str, list[str]] = {}
    for name in whole:
        for i in range(1, len(name) - 2):
            ends.setdefault(name[i : i + 2].lower(), []).append(name[i:])
    found: dict[str, None] = {}
    for _ in range(20 * count if whole else 0):
        name = rng.choice(whole)
        cut = rng.randint(1, len(name) - 2)
        made = name[:cut] + rng.choice(ends[name[cut : cut + 2].lower()]) if name[cut : cut + 2].lower() in ends else ""
        if 4 <= len(made) <= longest and made not in known and not re.search(r"(.)\1\1", made):
            found[made] = None
            if len(found) == count:
                break
    return list(found)
