"""Vocabulary for made values: names, places, companies and words of a locale, drawn once from Faker."""

from __future__ import annotations

import random
from functools import lru_cache

from faker import Faker
from faker.config import AVAILABLE_LOCALES

POOL = 4000
DEFAULT_LOCALE = "en_US"
_METHODS = {
    "first_male": "first_name_male",
    "first_female": "first_name_female",
    "last_name": "last_name",
    "city": "city",
    "street_name": "street_name",
    "company": "company",
    "country": "country",
    "state": "state",
    "word": "word",
}


@lru_cache(maxsize=64)
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


SYLLABLES = (
    "ba", "be", "bi", "bo", "da", "de", "di", "do", "fa", "fe", "ga", "ka", "ke", "ki", "ko", "la", "le", "li",
    "lo", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "pa", "pe", "ra", "re", "ri", "ro", "sa", "se", "si",
    "so", "ta", "te", "ti", "to", "va", "ve", "vi", "wa", "ya", "za",
)  # fmt: skip


def invented(count: int, seed: int) -> tuple[str, ...]:
    """Pronounceable names that no list holds, for when every name of the list is one of the source's."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4))).capitalize()] = None
    return tuple(found)
