"""Words that name a person or a firm of the source: where k texts hold one (a user whom many answer), it is still no
word for other texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from functools import lru_cache

import pyarrow as pa

from dbsynth.values.pools import names_of, pool

NAMING = ("full_name", "first_name", "last_name", "user_name", "company")
"""Roles whose values name somebody."""
SHORTEST = 3
"""Characters: shorter ones are initials."""
_WORD = re.compile(r"[^\W_][\w'-]*")


def naming_words(values: Iterable[str | None]) -> set[str]:
    """The ``values`` that are one word, in lower case; those that name everybody and everything (a common first name, a
    dictionary's word) say nothing of anybody, and stay."""
    common = _common()
    words = {v.strip().casefold() for v in values if v is not None}
    return {w for w in words if len(w) >= SHORTEST and _WORD.fullmatch(w) and w not in common}


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    names = names_of("en_US")
    return frozenset(w.casefold() for words in (pool("word"), *names.values()) for w in words)


def without(texts: pa.ChunkedArray, hidden: Set[str]) -> pa.ChunkedArray:
    """``texts`` with a name that everybody may have in the place of each word in ``hidden``."""
    stand_in = names_of("en_US")["male"][0]

    def shown(text: str | None) -> str | None:
        return None if text is None else _WORD.sub(lambda m: stand_in if m[0].casefold() in hidden else m[0], text)

    return pa.chunked_array([pa.array([shown(t) for t in texts.to_pylist()], texts.type)])
