"""Free text that reads like the source's: chains of words that at least k texts share, in its lengths and its markup.

What is learned: sequences of up to four tokens that k different texts hold; behind them, classes of words that stand in
like places; the order and the lengths of paragraphs, items, headings, code; how many words, digits and characters a
text has. Words of fewer than k texts, and of the names of people, are replaced by others of their length and writing.
No sequence of five words that fewer than k texts hold is written again (``Grams``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set

import numpy as np

from dbsynth.rng import derive, generator
from dbsynth.values.chains import TokenChain
from dbsynth.values.forms import Forms, quantiles
from dbsynth.values.grams import LENGTH, Grams
from dbsynth.values.guard import Filter
from dbsynth.values.language import common_words, language_of, sentences
from dbsynth.values.lexicon import LONGEST, Lexicon
from dbsynth.values.markup import MarkupLayout, is_code, kind_of
from dbsynth.values.vocabulary import (
    ANY_NUMBER,
    LONGEST_TOKEN,
    MOST_WORDS,
    PATH,
    SMALL_NUMBER,
    Vocabulary,
    addresses,
    stand_in,
)
from dbsynth.values.word_tokens import CASES, FINE, case_of, is_word, modes_of, tokens_of, words_of
from dbsynth.values.wordclasses import classes_of
from dbsynth.values.writing import Writing

MOST_TOKENS = 2_000_000
"""Tokens that a chain is fitted on."""
ORDERS = 3
CLASS_ORDERS = 2
KNOTS = 33
SMALL = 3000
"""Texts of fewer tokens are helped out by sentences of their language."""
ADDRESSED = 0.3
"""A word that stands so often after an @ is a name."""
YEARS = 0.6
"""Numbers of four digits are years if so many could be."""
HELP = 80
"""So many pieces at most."""
LAST_SIGNS = frozenset(".!?…:;。！？،؟।")
MOST_PATHS = 40
STOCK = 200
"""Texts that are written at once for draws of fewer."""


LAST_WORD = re.compile(r"<[^>]*>|\S*://\S*|\S+@\S+|&\w+;|([^\W\d_]{2,})")
TRIED = 12


class Prose:
    """``paths``: what pieces of text stand in; ``order``: the chain of paths, ``len(paths)`` the start and the end;
    ``sizes`` float (paths, KNOTS): quantiles of the blanks of a piece; ``ends`` float (tokens,): how often each is the
    last word of a sentence, ``lasts`` the last token of a piece; ``signs`` int (signs,): tokens that pieces end with,
    ``sign_weights`` float (paths, signs + 1), the last of which is that of none."""

    def __init__(
        self,
        forms: Forms,
        layout: MarkupLayout,
        paths: tuple[str, ...],
        order: TokenChain,
        sizes: np.ndarray,
        vocabulary: Vocabulary,
        chain: TokenChain,
        classes: np.ndarray,
        class_chain: TokenChain,
        ends: np.ndarray,
        lasts: np.ndarray,
        signs: np.ndarray,
        sign_weights: np.ndarray,
        grams: Grams,
    ) -> None:
        self.forms, self.layout, self.paths, self.order, self.sizes = forms, layout, paths, order, sizes
        self.vocabulary, self.chain, self.classes, self.class_chain = vocabulary, chain, classes, class_chain
        self.ends, self.lasts, self.signs, self.sign_weights, self.grams = ends, lasts, signs, sign_weights, grams
        self._writing: Writing | None = None
        self._stock: list[str] = []

    @classmethod
    def fit(
        cls,
        values: Sequence[str],
        k: int,
        *,
        seed: int,
        named: Set[str] = frozenset(),
        column: Sequence[str] | None = None,
    ) -> Prose:
        """``named``: case-folded words that are no words of a text (names of the table's people); ``column``: all texts
        that no sequence may be of, if there are others than ``values``."""
        layout = MarkupLayout.fit(values, kind_of(values), k)
        read = _Read(values, layout, k)
        language = language_of(values) or ("en" if _latin(values) else None)
        if len(read.tokens) < SMALL and language:
            read.add(_filling(sentences(language, seed), read.mean_words)[:HELP], len(values))
        index, ids = read.vocabulary(k, named)
        size = len(index)
        rows, starts = np.array(read.rows, np.int64), np.array(read.starts, bool)
        tokens = np.array(ids, np.int64)
        kept = tokens >= 0
        tokens, rows, starts = tokens[kept], rows[kept], starts[kept]
        modes = np.array([mode for mode, _ in index], np.int64)
        counts = np.bincount(tokens, minlength=size).astype(float)
        beginning = np.zeros(size, bool)
        beginning[: len(read.paths)] = True
        rng = generator(seed, "prose")
        chain = TokenChain.fit(tokens, rows, ~starts, size, k, ORDERS, ~beginning)
        words = [key.strip() if is_word(key.strip()) else "" for _, key in index]
        apart = beginning | np.array([not w for w in words])
        grouped = classes_of(tokens, ~starts, np.maximum(counts, 1.0), apart, rng)
        _, classes = np.unique(grouped * 2 + modes, return_inverse=True)
        held = np.ones(int(classes.max()) + 1, bool)
        held[classes[beginning]] = False
        class_chain = TokenChain.fit(classes[tokens], rows, ~starts, len(held), k, CLASS_ORDERS, held)
        known = Counter[str]()
        for word, n, mode in zip(words, counts.tolist(), modes.tolist(), strict=True):
            if word and mode == 0 and len(word) <= LONGEST:
                known[word.lower()] += n
        rare = read.rare_words(set(known))
        others = [w for w in (common_words(language) if language else ()) if w.casefold() not in rare | named]
        lexicon = Lexicon.of({w: n**0.5 for w, n in known.items() if len(w) > 2}, others)
        if not len(lexicon.words):  # of a script whose words nobody told us
            lexicon = Lexicon.of(known, () if known else common_words("en"))
        links, mails = addresses(lexicon, read.link_sizes, k, rng)
        keys = [key if i >= len(read.paths) else "" for i, (_, key) in enumerate(index)]
        vocabulary = Vocabulary(len(read.paths), keys, modes, counts, lexicon, links, mails, read.years(k))
        key = derive(seed, "grams")
        grams = _grams(values if column is None else column, layout, read.paths, vocabulary, k, key)
        ends, lasts, signs, weights = _endings(read, index, tokens, rows, starts, k)
        return cls(
            Forms.fit(values, k), layout, tuple(read.paths), read.order(k), read.sizes(k), vocabulary, chain, classes,
            class_chain, ends, lasts, signs, weights, grams,
        )  # fmt: skip

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        if self._writing is None:
            self._writing = Writing(self)
            return self._writing.draw(count, rng)
        if count >= STOCK:
            return self._writing.draw(count, rng)
        # a few rows that are drawn again: long texts take as long to write as many of them
        while len(self._stock) < count:
            self._stock += self._writing.draw(STOCK, rng)
        out, self._stock = self._stock[:count], self._stock[count:]
        return out

    def reworded(self, value: str, rng: np.random.Generator) -> str:
        """``value`` with another last word that completes no sequence of the source; another text, if it has none."""
        found = [m for m in LAST_WORD.finditer(value) if m[1]]
        if not found:
            return self.draw(1, rng)[0]
        start, end = found[-1].span(1)
        markup = self.layout.kind == "html"
        size = np.full(TRIED, min(LONGEST, max(3, end - start)))
        for word in self.vocabulary.lexicon.draw(size, rng).tolist():
            text = value[:start] + CASES[case_of(value[start:end])](word) + value[end:]
            words = words_of(text[max(0, start - 400) :], markup=markup)
            hashes = np.array([self.grams.word(w) for w in words], np.uint64)
            windows = np.lib.stride_tricks.sliding_window_view(hashes, LENGTH) if len(hashes) >= LENGTH else hashes[:0]
            if not len(windows) or not self.grams.completed(windows[-LENGTH:, :-1], windows[-LENGTH:, -1]).any():
                return text
        return self.draw(1, rng)[0]


class _Read:
    """The tokens of ``values``, piece by piece. A piece begins with a token of its path."""

    def __init__(self, values: Sequence[str], layout: MarkupLayout, k: int) -> None:
        self.tokens: list[tuple[int, str]] = []
        self.rows: list[int] = []
        self.starts: list[bool] = []
        self.added = False
        self.raw = values
        read: list[list[tuple[str, str]]] = []
        total = 0
        for value in values:
            leaves = layout.leaves(value)
            read.append(leaves)
            total += len(value) // 4
            if total > MOST_TOKENS:
                break
        shared = Counter(p for leaves in read for p in dict.fromkeys(p for p, _ in leaves))
        self.paths = [p for p, n in shared.most_common(MOST_PATHS) if n >= k] or [
            max(shared, key=lambda p: shared[p], default="")
        ]
        if self.paths[0] not in ("", "p") and shared[self.paths[0]] < k:
            self.paths = ["p" if layout.kind == "html" else ""]
        number = {p: i for i, p in enumerate(self.paths)}
        self._sequences: list[list[int]] = []
        self._blanks: list[list[int]] = [[] for _ in self.paths]
        self.link_sizes: list[tuple[int, int]] = []
        self.mean_words = 0.0
        markup = layout.kind == "html"
        for row, leaves in enumerate(read):
            sequence = []
            for path, text in leaves:
                at = number.get(path, number.get(_bare(path), 0))
                sequence.append(at)
                self._blanks[at].append(sum(map(str.isspace, text)))
                self._piece(at, text, row, int(is_code(path)), markup)
            self._sequences.append(sequence)
        pieces = max(1, sum(map(len, self._sequences)))
        self.mean_words = sum(map(sum, self._blanks)) / pieces + 1

    def _piece(self, path: int, text: str, row: int, mode: int, markup: bool) -> None:
        found = tokens_of(text, markup=markup, links=self.link_sizes)
        self.tokens.append((0, f"{PATH}{path}"))
        self.tokens += [(mode or inner, t) for t, inner in zip(found, modes_of(found), strict=True)]
        self.rows += [row] * (len(found) + 1)
        self.starts += [True] + [False] * len(found)

    def add(self, texts: Sequence[str], row: int) -> None:
        """Texts of nobody's, each as one of a path that is no code."""
        self.added = True
        path = next((i for i, p in enumerate(self.paths) if not is_code(p)), 0)
        for i, text in enumerate(texts):
            self._piece(path, text, row + i, 0, False)

    def vocabulary(self, k: int, named: Set[str]) -> tuple[dict[tuple[int, str], int], list[int]]:
        """Tokens that may be written, those of the paths first, and the number of each token read, -1 of none."""
        seen: dict[tuple[int, str], int] = {}
        raw = np.array([seen.setdefault(t, len(seen)) for t in self.tokens], np.int64)
        count_rows = max(self.rows, default=0) + 1
        pairs = np.unique(raw * count_rows + np.array(self.rows, np.int64))
        shared = np.bincount(pairs // count_rows, minlength=len(seen))
        named = named | self._addressed()
        index: dict[tuple[int, str], int] = {(0, f"{PATH}{i}"): i for i in range(len(self.paths))}
        often = np.argsort(-shared, kind="stable")[:MOST_WORDS]
        fit = np.zeros(len(seen), bool)
        fit[often] = shared[often] >= k
        place = np.full(len(seen), -1, np.int64)
        for i, (mode, token) in enumerate(seen):
            bare = token[1:] if token[:1] == " " else token
            if token.startswith(PATH):
                place[i] = index[(0, token)]
                continue
            keep = (fit[i] and len(token) <= LONGEST_TOKEN and bare.casefold() not in named) or bare[:1] == "\x00"
            stands = token if keep or (bare[:1] == "<" and fit[i]) else stand_in(token)
            if stands is not None:
                place[i] = index.setdefault((mode, stands), len(index))
        return index, place[raw].tolist()

    def _addressed(self) -> set[str]:
        """Case-folded words that mostly stand after an @: names."""
        after, total = Counter[str](), Counter[str]()
        before = ""
        for _, token in self.tokens:
            word = token.strip().casefold()
            total[word] += 1
            after[word] += before.endswith("@")
            before = token
        return {w for w, n in after.items() if n > ADDRESSED * total[w]}

    def years(self, k: int) -> tuple[int, int] | None:
        found = sorted(int(t) for _, t in self.tokens if len(t.strip()) == 4 and t.strip().isdecimal())
        likely = [y for y in found if 1900 <= y < 2100]
        if len(found) < 2 * k or len(likely) < YEARS * len(found):
            return None
        return likely[k - 1], likely[-k]

    def rare_words(self, known: Set[str]) -> set[str]:
        """Case-folded words of the source that are not ``known``."""
        return {w.casefold() for v in self.raw for w in FINE.findall(v[:20_000])} - known

    def order(self, k: int) -> TokenChain:
        end = len(self.paths)
        flat = [p for s in self._sequences for p in (end, *s, end)]
        rows = [i for i, s in enumerate(self._sequences) for _ in range(len(s) + 2)]
        tokens = np.array(flat or [end], np.int64)
        fresh = np.array([j > 0 for s in self._sequences for j in range(len(s) + 2)] or [False], bool)
        return TokenChain.fit(tokens, np.array(rows or [0], np.int64), fresh, end + 1, k, 1, np.ones(end + 1, bool))

    def sizes(self, k: int) -> np.ndarray:
        return np.array([quantiles(np.array(b or [0]), k, KNOTS) for b in self._blanks])


def _latin(values: Sequence[str]) -> bool:
    letters = [c for v in values[:200] for c in v[:500] if c.isalpha()]
    return sum(c < "\u0250" for c in letters) >= 0.5 * len(letters)


def _bare(path: str) -> str:
    return "/".join(p.split(" ")[0] for p in path.split("/"))


def _filling(texts: Sequence[str], words: float) -> list[str]:
    """``texts``, put together to pieces of about ``words`` words."""
    size = max(1, round(words / (sum(t.count(" ") + 1 for t in texts) / len(texts))))
    return [" ".join(texts[i : i + size]) for i in range(len(texts) - size + 1)]


def _grams(
    values: Sequence[str], layout: MarkupLayout, paths: Sequence[str], vocabulary: Vocabulary, k: int, key: int
) -> Grams:
    none = Grams(Filter(np.zeros(0, np.uint8), key))
    seen: dict[str, int] = {}
    words: list[int] = []
    rows: list[int] = []
    for i, value in enumerate(values):
        found = [seen.setdefault(w, len(seen)) for w in words_of(value, markup=layout.kind == "html")]
        words += found
        rows += [i] * len(found)
    can = vocabulary.fine_words | {w for p in paths for w in FINE.findall(p)}
    hashes = np.array([none.word(w) for w in seen], np.uint64)
    usable = np.array([w in can for w in seen], bool)
    # short numbers that are drawn anew could be the source's: a sequence with any other is refused too
    small = np.array([w.isdecimal() and len(w) <= SMALL_NUMBER for w in seen], bool)
    any_ = np.where(small, np.uint64(none.word(ANY_NUMBER)), hashes)
    at, own = np.array(words, np.int64), np.array(rows, np.int64)
    return Grams.of(
        np.concatenate([hashes[at], any_[at]]),
        np.concatenate([own, own]),
        np.concatenate([usable[at], (usable | small)[at]]),
        k,
        key,
    )


def _endings(
    read: _Read, index: dict[tuple[int, str], int], tokens: np.ndarray, rows: np.ndarray, starts: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """``ends``, ``lasts``, ``signs`` and ``sign_weights`` of a Prose."""
    size, paths = len(index), len(read.paths)
    keys = [key for _, key in index]
    closing = np.array([key in LAST_SIGNS for key in keys])
    last = np.r_[starts[1:], True]
    after = np.r_[closing[tokens[1:]] & ~starts[1:], False]
    times = np.bincount(tokens, minlength=size)
    ends = np.bincount(tokens[last | after], minlength=size) / (times + 2.0)
    lasts = np.bincount(tokens[last], minlength=size) / (times + 1.0)
    path = np.maximum.accumulate(np.where(starts, np.arange(len(tokens)), 0))
    path = tokens[path]
    final = np.flatnonzero(last & ~starts)
    sign = np.where(closing[tokens[final]], tokens[final], size)
    known = np.array([s for s in np.unique(sign) if s < size and len(np.unique(rows[final[sign == s]])) >= k], np.int64)
    weights = np.zeros((paths, len(known) + 1))
    place = np.full(size + 1, len(known))
    place[known] = np.arange(len(known))
    np.add.at(weights, (path[final], place[sign]), 1.0)
    weights[weights.sum(axis=1) == 0, -1] = 1.0
    return ends, lasts, known, weights
