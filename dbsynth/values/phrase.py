"""Short texts: their punctuation, the words that k rows share in one place, and new words of the same lengths.

``adventure-works\\name0`` is word, hyphen, word, backslash, word, number: where at least k different values are built
alike, the words in one place that nearly all of them, or k of them, have stay; the others become words of the same
length and writing. Texts that are built as fewer others are made from the form alone (``Words``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.values.forms import choose, even, quantiles
from dbsynth.values.lexicon import Lexicon
from dbsynth.values.words import Words, digits_of, vocabulary

TOKEN = re.compile(r"[^\W_]+")
LETTERS_THEN_DIGITS = re.compile(r"([^\W\d_]+)(\d+)")
MOST_TOKENS = 24
MOST_CHARACTERS = 200
MOST_SKELETONS = 400
MOST_SHARED = 1000
LITERAL = 0.95
"""So many of the rows that are built alike have the word in this place: it belongs to the skeleton."""


@dataclass(frozen=True)
class Slot:
    """One place. ``kind``: w (letters), d (digits), x (both). ``shared``: tokens that k rows have here, of ``weights``
    float (shared + 1,), the last of which is that of new ones. ``lengths`` float (101,): quantiles of those;
    ``cases`` float (4,): how many are lower, title, upper, mixed; ``alphabet``: of kind x, ``digits`` its share of
    digits; ``zero``: numbers may begin with 0."""

    kind: str
    shared: tuple[str, ...]
    weights: np.ndarray
    lengths: np.ndarray
    cases: np.ndarray
    alphabet: str
    digits: float
    zero: bool

    @property
    def literal(self) -> bool:
        return len(self.shared) == 1 and not self.weights[-1]

    def draw(self, count: int, lexicon: Lexicon, rng: np.random.Generator, invented: bool) -> np.ndarray:
        which = choose(self.weights, count, rng)
        out = np.array([*self.shared, ""], object)[which]
        new = np.flatnonzero(which == len(self.shared))
        at = (even(len(new), rng) * len(self.lengths)).astype(np.int64)
        lengths = np.maximum(1, np.rint(self.lengths[at])).astype(np.int64)
        if self.kind == "w":
            cases = choose(self.cases, len(new), rng).tolist()
            words = lexicon.draw(lengths, rng, invented=invented).tolist()
            out[new] = np.array([CASES[c](w) for c, w in zip(cases, words, strict=True)], object)
        elif self.kind == "d":
            out[new] = np.array(any_digits(lengths, rng) if self.zero else digits_of(lengths, rng), object)
        else:
            out[new] = np.array(self._mixed(lengths, rng), object)
        return np.asarray(out)

    def _mixed(self, lengths: np.ndarray, rng: np.random.Generator) -> list[str]:
        total = int(lengths.sum())
        letters = np.array(list(self.alphabet))[rng.integers(0, len(self.alphabet), total)]
        figures = np.array(list("0123456789"))[rng.integers(0, 10, total)]
        flat = "".join(np.where(rng.random(total) < self.digits, figures, letters).tolist())
        ends = np.cumsum(lengths)
        return [flat[b - n : b] for b, n in zip(ends.tolist(), lengths.tolist(), strict=True)]


CASES = (str.lower, lambda w: w[:1].upper() + w[1:].lower(), str.upper, lambda w: w)


@dataclass(frozen=True)
class Skeleton:
    """``pieces``: what stands before, between and after the ``slots``."""

    weight: float
    pieces: tuple[str, ...]
    slots: tuple[Slot, ...]


class Phrase:
    """``rest``: texts of no skeleton, at ``rest_weight``. ``first``, ``last``: words for the first and the last place
    of words where those differ from the others (names)."""

    def __init__(
        self,
        skeletons: Sequence[Skeleton],
        rest: Words,
        rest_weight: float,
        first: Lexicon | None = None,
        last: Lexicon | None = None,
    ) -> None:
        self.skeletons, self.rest, self.rest_weight = tuple(skeletons), rest, rest_weight
        self.first, self.last = first, last

    @classmethod
    def fit(
        cls,
        values: Sequence[str],
        k: int,
        *,
        words: Lexicon | None = None,
        others: Sequence[str] | None = None,
        first: Lexicon | None = None,
        last: Lexicon | None = None,
        least: float = 0.0,
    ) -> Phrase:
        """``words``: the words to make values of, instead of those that k values share; ``others``:
        beside those. ``least``: the share of the
        rows of a skeleton that must have a word in a place for it to stay."""
        counts = Counter(values)  # k different values: a value that many rows have is no more shared for it
        words = words or vocabulary(list(counts), k, others)
        groups: dict[tuple[str, ...], list[list[str]]] = {}
        weights: Counter[tuple[str, ...]] = Counter()
        rest = []
        for value, n in counts.items():
            pieces, tokens = taken_apart(value)
            if len(tokens) > MOST_TOKENS or len(value) > MOST_CHARACTERS:
                rest += [value] * n
            else:
                groups.setdefault(pieces, []).append(tokens)
                weights[pieces] += n
        common = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
        kept = [g for g in common[:MOST_SKELETONS] if len(g[1]) >= k]
        for pieces, members in common[len(kept) :]:
            texts = [put_together(pieces, tokens) for tokens in members]
            rest += [t for t in texts for _ in range(counts[t])]
        skeletons = [_skeleton(pieces, float(weights[pieces]), members, k, least) for pieces, members in kept]
        weight = float(len(rest)) if len(rest) >= 2 * k or not skeletons else 0.0
        return cls(skeletons, Words.fit(rest or list(values), k, words), weight, first, last)

    def draw(self, count: int, rng: np.random.Generator, *, invented: bool = False) -> list[str]:
        weights = np.array([*(s.weight for s in self.skeletons), self.rest_weight])
        which = choose(weights, count, rng)
        out = np.empty(count, object)

        for i in np.unique(which):
            rows = np.flatnonzero(which == i)
            if i == len(self.skeletons):
                out[rows] = np.array(self.rest.draw(len(rows), rng, invented=invented), object)
            else:
                out[rows] = self._filled(self.skeletons[i], len(rows), rng, invented)
        return out.tolist()

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        """``values`` with other words and numbers of the same lengths; at last of words of no list: those of the lists
        may be used up."""
        fixed = {s.pieces: [slot.literal for slot in s.slots] for s in self.skeletons}
        apart = [taken_apart(v) for v in values]
        stay = [fixed.get(pieces) or [False] * len(tokens) for pieces, tokens in apart]
        places = [(i, j) for i, (_, tokens) in enumerate(apart) for j in range(len(tokens)) if not stay[i][j]]
        sizes = np.array([len(apart[i][1][j]) for i, j in places], np.int64)
        words = self.rest.lexicon.draw(sizes, rng, invented=turn > 1).tolist()
        numbers = digits_of(sizes, rng)
        for (i, j), word, number in zip(places, words, numbers, strict=True):
            pieces, tokens = apart[i]
            tokens[j] = number if pieces[j + 1][0] == "d" else CASES[_case(tokens[j])](word)
        return [put_together(pieces, tokens) for pieces, tokens in apart]

    def _filled(self, skeleton: Skeleton, count: int, rng: np.random.Generator, invented: bool) -> np.ndarray:
        out = np.full(count, skeleton.pieces[0], object)
        worded = [i for i, slot in enumerate(skeleton.slots) if slot.kind == "w"]
        for i, (slot, piece) in enumerate(zip(skeleton.slots, skeleton.pieces[1:], strict=True)):
            lexicon = None
            if worded and i == worded[-1] and len(worded) > 1:
                lexicon = self.last
            elif worded and i == worded[0]:
                lexicon = self.first
            out += slot.draw(count, lexicon or self.rest.lexicon, rng, invented)
            out += piece[1:]
        return out


def taken_apart(value: str) -> tuple[tuple[str, ...], list[str]]:
    """Pieces between the tokens, each but the first after the kind of the token before it, and the tokens."""
    pieces, tokens, at = [""], [], 0
    for match in TOKEN.finditer(value):
        token = match.group()
        parts = LETTERS_THEN_DIGITS.fullmatch(token)
        pieces[-1] += value[at : match.start()]
        for part in parts.groups() if parts else (token,):
            pieces.append("w" if part.isalpha() else "d" if part.isdecimal() else "x")
            tokens.append(part)
        at = match.end()
    pieces[-1] += value[at:]
    return tuple(pieces), tokens


def put_together(pieces: tuple[str, ...], tokens: Sequence[str]) -> str:
    return pieces[0] + "".join(t + p[1:] for t, p in zip(tokens, pieces[1:], strict=True))


def _skeleton(pieces: tuple[str, ...], weight: float, members: list[list[str]], k: int, least: float) -> Skeleton:
    columns = list(zip(*members, strict=True))
    slots = [_slot(p[0], column, k, least) for p, column in zip(pieces[1:], columns, strict=True)]
    return Skeleton(weight, pieces, tuple(slots))


def _slot(kind: str, tokens: Sequence[str], k: int, least: float) -> Slot:
    counts = Counter(tokens)
    shared = {t: n for t, n in counts.most_common(MOST_SHARED) if n >= max(k, least * len(tokens))}
    top = counts.most_common(1)[0]
    if top[1] >= max(k, LITERAL * len(tokens)):
        shared = dict([top])
        tokens = [top[0]]
    rest = [t for t in tokens if t not in shared]
    weights = np.array([*shared.values(), float(len(rest))])
    rest = rest or list(tokens)
    characters = Counter(c for t in rest for c in dict.fromkeys(t))
    letters = "".join(sorted(c for c, n in characters.items() if n >= k and c.isalpha() and c.isascii()))
    total = sum(map(len, rest))
    cases = np.bincount([_case(t) for t in rest], minlength=len(CASES)).astype(float)
    return Slot(
        kind,
        tuple(shared),
        weights,
        quantiles(np.array([len(t) for t in rest]), k, 101),
        cases,
        letters or "abcdefghijklmnopqrstuvwxyz",
        sum(c.isdigit() for t in rest for c in t) / max(1, total),
        sum(t.startswith("0") and len(t) > 1 for t in rest) >= k,
    )


def _case(token: str) -> int:
    """The place in ``CASES``."""
    if token.islower():
        return 0
    if token[:1].isupper() and (len(token) == 1 or token[1:].islower()):
        return 1
    return 2 if token.isupper() else 3


def any_digits(sizes: np.ndarray, rng: np.random.Generator) -> list[str]:
    flat = "".join(map(str, rng.integers(0, 10, int(sizes.sum())).tolist()))
    return [flat[b - n : b] for b, n in zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True)]
