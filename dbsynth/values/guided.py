"""Values that follow other columns of their row: postcodes and phone numbers of the city or the country, streets in its
language. Which columns they follow is told by the source: those in whose groups values begin and are built alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.rng import generator
from dbsynth.values.column import Drawer
from dbsynth.values.forms import choose
from dbsynth.values.pattern import Pattern, shape_of
from dbsynth.values.who import as_text

MOST_GROUPS = 400
MOST_GUIDES = 3
LEAST_GAIN = 0.1
"""Two values of a group are alike in so much more of the pairs than two of any, and than in groups dealt by chance."""
TURNS = 3
"""Draws of a group before those of a larger one are tried."""
FIT_ROWS = 20_000


@dataclass
class Guided:
    """``columns``: those that are followed, from the largest groups to the smallest; ``of``: for each the place in
    ``drawers`` by its values as texts; ``rest``: for the others."""

    columns: tuple[str, ...]
    of: tuple[dict[str, int], ...]
    drawers: tuple[Drawer, ...]
    rest: Drawer

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.rest.draw(count, rng)

    def beside(self, row: Mapping[str, pa.Array], where: np.ndarray) -> Drawer:
        return _Beside(self, self._places(row, where))

    def groups(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        out = np.full(len(where), -1, np.int64)
        for places in self._places(row, where):
            out = np.where(places >= 0, places, out)
        return out

    def _places(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        """int (columns, where): the drawer by each column, -1 for none."""
        places = np.full((len(self.columns), len(where)), -1, np.int64)
        for i, (column, of) in enumerate(zip(self.columns, self.of, strict=True)):
            if column in row:
                encoded = as_text(row[column]).take(pa.array(where)).dictionary_encode()
                known = np.array([*(of.get(v, -1) for v in encoded.dictionary.to_pylist()), -1])
                places[i] = known[pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)]
        return places


class _Beside:
    """Draws one value a row. ``places`` int (columns, rows): of ``drawers``, -1: of none."""

    def __init__(self, guided: Guided, places: np.ndarray) -> None:
        self.guided, self.places = guided, places
        number = getattr(guided.rest, "number", None)
        if number is not None:
            self.number = number

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self._drawn(np.arange(count), len(self.places) - 1, rng)

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        return self._drawn(np.array(rows), max(0, len(self.places) - 1 - turn // TURNS), rng)

    def _drawn(self, rows: np.ndarray, finest: int, rng: np.random.Generator) -> list[str]:
        """Of the smallest group of each row that has a drawer, none finer than the column ``finest``."""
        which = np.full(len(rows), -1, np.int64)
        for level in range(finest + 1):
            own = self.places[level, rows]
            which = np.where(own >= 0, own, which)
        out = np.empty(len(rows), object)
        for i in np.unique(which).tolist():
            at = np.flatnonzero(which == i)
            drawer = self.guided.drawers[i] if i >= 0 else self.guided.rest
            out[at] = np.array(drawer.draw(len(at), rng), object)
        return out.tolist()


@dataclass
class Mixture:
    """Draws of ``drawers``, as often as ``weights`` float (drawers,) say."""

    drawers: tuple[Drawer, ...]
    weights: np.ndarray

    @classmethod
    def by_head(cls, texts: Sequence[str], k: int) -> Drawer:
        """Patterns of the texts that begin and are built alike: a code of a country goes with the numbers there."""
        groups: dict[str, list[str]] = {}
        for text in texts:
            groups.setdefault(head(text), []).append(text)
        large = sorted((g for g in groups.values() if len(g) >= 2 * k), key=len, reverse=True)[:MOST_GROUPS]
        known = {id(g) for g in large}
        rest = [t for g in groups.values() if id(g) not in known for t in g]
        parts = [*large, rest] if rest or not large else large
        if len(parts) == 1:
            return Pattern.fit(parts[0], k)
        return cls(tuple(Pattern.fit(p, k) for p in parts), np.array([len(p) for p in parts], float))

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(self.weights, count, rng)
        out = np.empty(count, object)
        for i in np.unique(which).tolist():
            at = np.flatnonzero(which == i)
            out[at] = np.array(self.drawers[i].draw(len(at), rng), object)
        texts: list[str] = out.tolist()
        return texts

    def number(self, index: int) -> str | None:
        """As that of ``Pattern``: of the drawer that holds most."""
        patterns = [d for d in self.drawers if isinstance(d, Pattern)]
        return max(patterns, key=lambda p: p.capacity).number(index)


@dataclass
class Often:
    """``values`` that k rows of a group share, with ``weights`` float (values + 1,): the last that of ``others``."""

    values: tuple[str, ...]
    weights: np.ndarray
    others: Drawer

    @classmethod
    def of(cls, texts: Sequence[str], k: int, fit: Callable[[Sequence[str]], Drawer]) -> Drawer:
        kept = {v: n for v, n in Counter(texts).most_common() if n >= k}
        rest = [t for t in texts if t not in kept]
        if not kept:
            return fit(rest)
        return cls(tuple(kept), np.array([*kept.values(), len(rest)], float), fit(rest or list(texts)))

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(self.weights, count, rng)
        out = np.array([*self.values, ""], object)[which]
        new = np.flatnonzero(which == len(self.values))
        out[new] = np.array(self.others.draw(len(new), rng), object)
        texts: list[str] = out.tolist()
        return texts


def guided(
    values: pa.Array,
    guides: Mapping[str, pa.Array],
    k: int,
    seed: int,
    fit: Callable[[Sequence[str]], Drawer],
) -> Drawer:
    """A drawer that follows the ``guides`` (columns of the same rows) where the ``values`` do. ``fit`` makes the drawer
    of a group."""
    rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    rows = rows[:: max(1, -(-len(rows) // FIT_ROWS))]
    rest = fit(values.take(pa.array(rows)).to_pylist())
    if len(rows) < 4 * k:
        return rest
    at = pa.array(rows)
    texts = values.take(at).to_pylist()
    heads = _codes([head(t) for t in texts])
    rng = generator(seed, "guides")
    found = []
    for name, array in guides.items():
        labels = as_text(array).take(at).to_pylist()
        counts = Counter(v for v in labels if v is not None)
        groups = {v: i for i, (v, n) in enumerate(counts.most_common(MOST_GROUPS)) if n >= 2 * k}
        if len(groups) < 2:
            continue
        own = np.array([groups.get(v, -1) for v in labels])
        gain = _alike(heads, own) - max(
            _alike(heads, np.zeros(len(own), np.int64)), _alike(heads, rng.permutation(own))
        )
        if gain >= LEAST_GAIN:
            found.append((gain * (own >= 0).mean(), name, groups, own))
    best = sorted(found, key=lambda f: -f[0])[:MOST_GUIDES]
    if not best:
        return rest
    # the largest groups first: what they say holds until a smaller one says more
    ordered = sorted(best, key=lambda f: len(f[2]))
    drawers: list[Drawer] = []
    places: list[dict[str, int]] = []
    for _, _, groups, own in ordered:
        places.append({v: len(drawers) + i for v, i in groups.items()})
        drawers += [fit([texts[j] for j in np.flatnonzero(own == i)]) for i in range(len(groups))]
    return Guided(tuple(name for _, name, _, _ in ordered), tuple(places), tuple(drawers), rest)


def head(text: str) -> str:
    """How a value begins and is built: its first two letters or digits, and its shape."""
    own = "".join(c for c in text if c.isalnum() or c == "+")
    return own[: 3 if own[:1] == "+" else 2] + " " + shape_of(text)


def _codes(texts: Sequence[str]) -> np.ndarray:
    known: dict[str, int] = {}
    return np.array([known.setdefault(t, len(known)) for t in texts], np.int64)


def _alike(heads: np.ndarray, groups: np.ndarray) -> float:
    """The share of the pairs of rows of one group, -1 for none, that have the same head."""
    known = groups >= 0
    cells = np.unique(groups[known] * (heads.max() + 1) + heads[known], return_counts=True)[1].astype(float)
    sizes = np.unique(groups[known], return_counts=True)[1].astype(float)
    pairs = (sizes * (sizes - 1)).sum()
    return float((cells * (cells - 1)).sum() / pairs) if pairs else 0.0
