"""Of which language and sex the people of the rows are: told from the country, the sex or the salutation that stands in
the row, as far as the source's names show that it tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.base import spread
from dbsynth.values.locales import country_of, locale_of, tongues
from dbsynth.values.pools import names_of
from dbsynth.values.spelling import plain

MOST_VALUES = 300
"""Of a column that may tell the country or the sex."""
MOST_LOOKED_AT = 5000
RESOLVED = 0.8
"""So many rows must have a country that is known by its name or code."""
CLEAR = 0.8
"""A value of the column goes with one sex in so many of the rows."""
MALE = re.compile(r"m|male|mr|herr|h|homme|monsieur|mann?|maschi?o|masculino|hombre|sr|signore?|pan|muž|mężczyzna|hr")
FEMALE = re.compile(
    r"f|female|mrs|ms|miss|frau|w|weiblich|femme|mme|mlle|madame|woman|femmina|femenino|feminino|mujer|sra|"
    r"signor(in)?a|pani|žena|kobieta|fr|d"
)
LEAST_TOLD = 20
"""Names by which a value of a column that is called nothing of the kind tells a sex."""
SEX_NAMES = re.compile(
    r"sex|gender|geschlecht|genre|genero|sesso|plec|pohlavi|salutation|anrede|courtesy|^title|^titel"
)


@dataclass(frozen=True)
class Who:
    """``locales`` with ``shares`` float; ``country``: the column that tells of them, by its values in ``at``;
    ``sex``: the column that tells the sex, by ``female`` the share of women for each of its values; ``women``: of the
    others."""

    locales: tuple[str, ...]
    shares: np.ndarray
    country: str | None
    at: Mapping[str, int]
    sex: str | None
    female: Mapping[str, float]
    women: float
    expected: np.ndarray
    """float (locales,): the share of the rows of each."""

    @classmethod
    def fit(
        cls,
        first: Sequence[str | None],
        last: Sequence[str | None],
        guides: Mapping[str, pa.Array],
        k: int,
        locale: str | None,
    ) -> Who:
        """``guides``: columns of the same rows whose values mean the same in the clone."""
        shown = [(locale, 1.0)] if locale else tongues([f for f in first if f], [n for n in last if n])
        locales = [x for x, _ in shown]
        shares = np.array([s for _, s in shown])
        country, at = None, {}
        texts = {c: a for c, a in guides.items() if pa.types.is_string(a.type)}
        for name, values in () if locale else texts.items():
            found = countries(values, k)
            if found and _goes_with(values.to_pylist(), found, first, last):
                country = name
                for value, own in found.items():
                    if own not in locales:
                        locales.append(own)
                        shares = np.r_[shares, 0.0]
                    at[value] = locales.index(own)
                break
        sexes = _sexes(first, locales)
        known = sexes[~np.isnan(sexes)]
        women = float(known.mean()) if len(known) >= k else 0.5
        sex, female = _sex(guides, sexes, k)
        expected = shares
        if country is not None:
            told = looked_up(guides[country], at, -1).astype(np.int64)
            rows = np.bincount(told[told >= 0], minlength=len(locales))
            expected = (rows + (told < 0).sum() * shares) / max(1, len(told))
        return cls(tuple(locales), shares, country, at, sex, female, women, expected)

    @property
    def locale(self) -> str:
        """That of most rows."""
        return self.locales[int(self.expected.argmax())]

    def draw(self, row: Mapping[str, pa.Array], count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """int (count,): places of ``locales``; bool (count,): women."""
        until = np.cumsum(self.shares)
        locale = np.minimum(np.searchsorted(until, rng.random(count) * until[-1], "right"), len(until) - 1)
        if self.country is not None and self.country in row:
            told = looked_up(row[self.country], self.at, -1)
            locale = np.where(told >= 0, told, locale)
        chance = np.full(count, self.women)
        if self.sex is not None and self.sex in row:
            chance = looked_up(row[self.sex], self.female, self.women)
        return locale.astype(np.int64), rng.random(count) < chance


def looked_up(values: pa.Array, of: Mapping[str, float], default: float) -> np.ndarray:
    """float (values,): what ``of`` has for each of the ``values`` as texts."""
    encoded = as_text(values).dictionary_encode()
    known = np.array([*(of.get(v, default) for v in encoded.dictionary.to_pylist()), default], float)
    at = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return np.asarray(known[at])


def as_text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(values, pa.ChunkedArray):  # of no chunk
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def countries(values: pa.Array, k: int) -> dict[str, str]:
    """The locale of each value that k rows share, where nearly all rows name a country."""
    counts = Counter(v for v in values.to_pylist() if v)
    if not counts or len(counts) > MOST_VALUES:
        return {}
    codes = {v: country_of(v) for v in counts}
    if sum(n for v, n in counts.items() if codes[v]) < RESOLVED * sum(counts.values()):
        return {}
    if max(map(len, counts)) <= 3 and len({c for c in codes.values() if c}) < 3 and sum(counts.values()) < 20 * k:
        return {}  # a few short codes may mean anything
    found = {v: locale_of(code) for v, code in codes.items() if code and counts[v] >= k}
    return {v: x for v, x in found.items() if x}


def _goes_with(
    values: Sequence[str | None], of: Mapping[str, str], first: Sequence[str | None], last: Sequence[str | None]
) -> bool:
    """Whether names are those of the country of their row more often than those of any other row's. Where too few
    names are known it is believed."""
    known = {
        x: ({plain(n) for k in ("male", "female") for n in names_of(x)[k]},
            {plain(n) for k in ("last_male", "last_female") for n in names_of(x)[k]})
        for x in set(of.values())
    }  # fmt: skip
    told = spread([i for i, v in enumerate(values) if v in of], MOST_LOOKED_AT)
    rows = [(of[v], plain(first[i] or ""), plain(last[i] or "")) for i in told if (v := values[i])]
    rows = [r for r in rows if any(r[1] in a or r[2] in b for a, b in known.values())]

    def agreed(locales: Sequence[str]) -> float:
        hits = sum((f in known[x][0]) + (n in known[x][1]) for x, (_, f, n) in zip(locales, rows, strict=True))
        return hits / len(rows)

    if len(known) < 2 or len(rows) < 30:
        return True
    own = [x for x, _, _ in rows]
    dealt = np.random.default_rng(0).permutation(np.array(own, object)).tolist()
    return agreed(own) > 1.15 * agreed(dealt)


def _sexes(first: Sequence[str | None], locales: Sequence[str]) -> np.ndarray:
    """float (rows,): 1 where the name is a woman's only, 0 where a man's only, else NaN."""
    men, women = ({plain(n) for x in (*locales, "en") for n in names_of(x)[kind]} for kind in ("male", "female"))
    told: dict[str | None, float] = {}
    for name in set(first):
        own = plain(re.split(r"[ -]", name)[0]) if name else ""
        told[name] = np.nan if not own or (own in men) == (own in women) else float(own in women)
    return np.array([told[name] for name in first], float)


def _sex(guides: Mapping[str, pa.Array], sexes: np.ndarray, k: int) -> tuple[str | None, dict[str, float]]:
    """The column whose values go with the sex of the names, and the share of women by value."""
    best: tuple[float, str | None, dict[str, float]] = (0.0, None, {})
    for name, array in guides.items():
        values = as_text(array).to_pylist()
        counts = Counter(v for v in values if v is not None)
        shared = [v for v, n in counts.items() if n >= k]
        if not 2 <= len(shared) <= 12:
            continue
        rows = {v: [i for i, x in enumerate(values) if x == v] for v in shared}
        known = {v: [s for s in sexes[at].tolist() if not np.isnan(s)] for v, at in rows.items()}
        by_name = SEX_NAMES.search(name.lower()) is not None
        least = k if by_name else LEAST_TOLD
        women = {v: float(np.mean(s)) for v, s in known.items() if len(s) >= least}
        if by_name:
            women |= {v: p for v in shared if v not in women and (p := _told(v)) is not None}
        clear = [p for p in women.values() if not 1 - CLEAR < p < CLEAR]
        if not clear or max(women.values()) < CLEAR or min(women.values()) > 1 - CLEAR:
            continue
        share = sum(counts[v] for v in women) / len(values) + by_name
        if share > best[0]:
            best = share, name, women
    return best[1], best[2]


def _told(value: str) -> float | None:
    text = plain(value) if value.isascii() else value.casefold()
    return 1.0 if FEMALE.fullmatch(text) else 0.0 if MALE.fullmatch(text) else None
