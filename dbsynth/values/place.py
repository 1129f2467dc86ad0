"""Places, companies and web addresses: of the vocabulary of a locale, built and as long as those of the source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set

import numpy as np
import pyarrow as pa

from dbsynth.rng import derive
from dbsynth.values.column import Drawer
from dbsynth.values.customs import with_customs
from dbsynth.values.forms import BLANK, choose, even, quantiles
from dbsynth.values.guard import Guard
from dbsynth.values.guided import Guided, Mixture, Often, guided
from dbsynth.values.lexicon import Lexicon, pseudo, split
from dbsynth.values.names import LEAST_NAMES
from dbsynth.values.phones import Phones
from dbsynth.values.phrase import TOKEN, Phrase
from dbsynth.values.pools import blended, invented, pool
from dbsynth.values.who import countries
from dbsynth.values.words import vocabulary

KINDS = {"city": "city", "state": "state", "country": "country", "company": "company", "street": "street_name"}


MORE_WORDS = 1500
LONGEST_WORD = 20
"""Words that sound like those of the language, for the lengths of which it has few."""


def places(
    role: str, values: Sequence[str], locale: str | None, k: int, seed: int, named: Set[str] = frozenset()
) -> Phrase:
    """Values of ``role``: city, state, country, company or street, without the words ``named``."""
    counts = Counter(v.casefold() for v in values)
    tokens = Counter(t.casefold() for v in counts for t in dict.fromkeys(TOKEN.findall(v)))
    rare = [*(v for v, n in counts.items() if n < k), *(t for t, n in tokens.items() if n < k)]
    taken = Guard(rare, derive(seed, "rare"))
    names = taken.free([n for n in pool(KINDS[role], locale) if n.replace(" ", "").isalpha()])
    if len(names) < LEAST_NAMES:
        names += taken.free(invented(500, seed))
    known = taken.free(list(split(names)))
    longer = blended(known, MORE_WORDS, derive(seed, "words"), longest=LONGEST_WORD)
    words = [w for w in (*known, *taken.free(longer)) if w.casefold() not in named]
    kept = set(words)
    first = [w for n in names if (w := n.split()[0]) in kept]
    last = [w for n in names if (w := n.split()[-1]) in kept]
    return Phrase.fit(
        values,
        k,
        words=vocabulary(values, k, words),
        first=Lexicon.of(Counter(first)),
        last=Lexicon.of(Counter(last)),
    )


def _codes(texts: Sequence[str], k: int) -> Drawer:
    return Often.of(texts, k, lambda rest: Mixture.by_head(rest, k))


FOLLOWING = frozenset(KINDS) | {"postcode", "phone"}
"""Roles whose values may follow the country, the city, ... of their row."""
LEAST_OF_LOCALE = 0.02
"""Rows of a language, to be drawn in it."""


def following(
    role: str,
    values: pa.Array,
    guides: Mapping[str, pa.Array],
    rest: Drawer,
    *,
    locale: str | None,
    k: int,
    seed: int,
    named: Set[str],
) -> Drawer:
    """``rest``, or a drawer that follows the ``guides`` (columns of the same rows as ``values``)."""
    if role not in KINDS:
        fit = _codes if role == "postcode" else Mixture.by_head
        mended = rest.over if isinstance(rest, Phones) else lambda drawer: drawer
        return with_customs(role, values, guides, guided(values, guides, k, seed, lambda own: mended(fit(own, k))))
    for name, array in guides.items():
        of = countries(array, k) if pa.types.is_string(array.type) else {}
        texts: dict[str, list[str]] = {}
        for place, value in zip(array.to_pylist() if of else [], values.to_pylist(), strict=False):
            if value and place in of:
                texts.setdefault(of[place], []).append(value)
        locales = [x for x in texts if len(texts[x]) >= max(2 * k, LEAST_OF_LOCALE * len(values))]
        if locales and role != "country":
            drawers = [places(role, texts[x], x, k, seed, named) for x in locales]
            at = {v: locales.index(x) for v, x in of.items() if x in locales}
            return Guided((name,), (at,), tuple(drawers), rest)
    return rest


URL = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//|)([^/?#]*)(.*)", re.DOTALL)
RESERVED = ".test"
"""A domain that nobody can own (RFC 6761)."""
SHORTEST_HOST = 2 + len(RESERVED)


class Urls:
    """Hosts that at least k rows share, each with paths as its own are built; the others are of a reserved domain, as
    long as theirs (``hosts``: "" for those). ``lengths`` int (101,): quantiles of the made ones; ``www``: the share
    that begins so."""

    def __init__(self, values: Sequence[str], k: int, words: Sequence[str] = ()) -> None:
        """``words``: those that hosts and paths are made of beside the ones that k values share."""
        parts = [(m.group(1), m.group(2), m.group(3)) for v in values if (m := URL.fullmatch(v))]
        counts = Counter((scheme, host) for scheme, host, _ in parts)
        schemes = Counter(scheme for scheme, _, _ in parts)
        usual = schemes.most_common(1)[0][0] if schemes else "https://"
        groups: dict[tuple[str, str], list[str]] = {}
        made = []
        for scheme, host, tail in parts:
            if counts[scheme, host] >= k:
                groups.setdefault((scheme, host), []).append(tail)
            else:
                groups.setdefault((scheme if schemes[scheme] >= k else usual, ""), []).append(tail)
                made.append(host)
        groups = groups or {(usual, ""): ["/path"]}
        self.schemes = [scheme for scheme, _ in groups]
        self.hosts = [host for _, host in groups]
        self.weights = np.array([len(tails) for tails in groups.values()], float)
        self.tails = [Phrase.fit(tails, k, others=words) for tails in groups.values()]
        self.lengths = np.rint(quantiles(np.array([len(h) for h in made] or [12]), k, 101)).astype(np.int64)
        self.www = sum(h.startswith("www.") for h in made) / max(1, len(made))
        self.lexicon = Lexicon.of({}, [w.lower() for w in words])

    def draw(self, count: int, rng: np.random.Generator, *, invented: bool = False) -> list[str]:
        which = choose(self.weights, count, rng)
        out = np.empty(count, object)
        for i in np.unique(which):
            rows = np.flatnonzero(which == i)
            hosts = [self.hosts[i]] * len(rows) if self.hosts[i] else self._hosts(len(rows), rng, invented)
            tails = self.tails[i].draw(len(rows), rng, invented=invented)
            for row, host, tail in zip(rows, hosts, tails, strict=True):
                path = BLANK.sub("-", tail)
                out[row] = (
                    self.schemes[i] + host + (path if path[:1] in ("", "/", "?", "#") else "/" + path[1:].lower())
                )
        return out.tolist()

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        return self.draw(len(rows), rng, invented=turn > 1)

    def number(self, index: int) -> str:
        """Another address for every index: where those of the shapes are used up."""
        return f"{self.schemes[0]}{pseudo(np.array([6]), np.random.default_rng(index))[0]}{index}{RESERVED}"

    def _hosts(self, count: int, rng: np.random.Generator, invented: bool) -> list[str]:
        sizes = self.lengths[(even(count, rng) * len(self.lengths)).astype(np.int64)]
        www = even(count, rng) < self.www
        sizes = np.maximum(SHORTEST_HOST, sizes - 4 * www) - len(RESERVED)
        names = self.lexicon.draw(sizes, rng, invented=invented)
        return [("www." if w else "") + name + RESERVED for w, name in zip(www, names, strict=True)]
