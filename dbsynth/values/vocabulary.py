"""What a chain of tokens may write: tokens that k texts share, and what stands for the others (a rare word by its
writing and its length, a number by its digits)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from dbsynth.values.forms import quantiles
from dbsynth.values.grams import BREAK, Grams
from dbsynth.values.lexicon import LONGEST, Lexicon
from dbsynth.values.word_tokens import (
    CASES,
    EMAIL,
    ENTITY,
    FINE,
    MOST_PARTS,
    SCHEME,
    UNSPACED,
    URL,
    bare_tag,
    case_of,
    is_word,
    tag_name,
)

MOST_WORDS = 20_000
LONGEST_TOKEN = 40
RARE, NUMBER, PATH = "\x00r", "\x00n", "\x00p"
"""Stand for words and numbers that fewer than k texts hold."""
BUCKETS = (3, 5, 7, 9, 12, LONGEST)
"""Lengths up to which rare words are alike."""
LINKS = 64
"""Addresses that stand for each token with one."""
MOST_DIGITS = 18
ANY_NUMBER, SMALL_NUMBER = "\x000", 2
"""Stands for numbers of so few digits in sequences."""
PAIRS = ("()", "[]", "{}", "“”", '""', "$$", "**", "``")
"""Signs that open and close; of two equal ones each second closes."""
TOGGLES = ('"', "$", "$$", "**", "*", "_", "`")


class Vocabulary:
    """``paths`` tokens without text begin a piece on each path. ``keys``: all tokens, these first; ``modes`` int
    (tokens,): 1 for those of code; ``counts`` float (tokens,); ``lexicon``: words for rare ones; ``links``: web
    addresses, ``mails``: mail addresses, all of names that belong to nobody; ``years``: between which numbers of four
    digits lie, where they are years."""

    def __init__(
        self,
        paths: int,
        keys: Sequence[str],
        modes: np.ndarray,
        counts: np.ndarray,
        lexicon: Lexicon,
        links: Sequence[str],
        mails: Sequence[str],
        years: tuple[int, int] | None,
    ) -> None:
        self.paths, self.keys, self.modes, self.counts = paths, tuple(keys), modes, counts
        self.lexicon, self.links, self.mails, self.years = lexicon, tuple(links), tuple(mails), years
        self.size = len(self.keys)
        bare = [key[1:] if key[:1] == " " else key for key in self.keys]
        self.spaced = np.array([key[:1] == " " for key in self.keys], bool)
        self.rare = np.array([b.startswith(RARE) for b in bare], bool)
        self.case = np.array([int(b[2]) if b.startswith(RARE) else 0 for b in bare], np.int64)
        self.length = np.array([_typical(int(b[3:])) if b.startswith(RARE) else 0 for b in bare], np.int64)
        self.number = np.array([b.startswith(NUMBER) or b.isdecimal() for b in bare], bool)
        self.open_number = np.array([b.startswith(NUMBER) for b in bare], bool)
        self.digits = np.array([int(b[2:]) if b.startswith(NUMBER) else sum(map(str.isdecimal, b)) for b in bare])
        self.word = np.array([is_word(b) and not b.startswith("<") for b in bare], bool) | self.rare
        self.entity = np.array([re.fullmatch(ENTITY, b) is not None for b in bare], bool)
        self.glued = np.array([self.word[i] and re.match(f"[{UNSPACED}]", b) is None for i, b in enumerate(bare)], bool)
        self.glued &= ~self.spaced
        self.capital = np.array([b[:1].isupper() for b in bare], bool) | (self.case > 0)
        self.stop = np.array([b in (".", "!", "?") for b in bare], bool)
        self.digits[np.array([URL in b or EMAIL in b for b in bare], bool)] = 0
        self.linked = np.array([URL in b or EMAIL in b for b in bare], bool)
        self._table()
        self._pairs(bare)

    def _table(self) -> None:
        """``texts`` object: of every token; then of every word of the lexicon, after a blank or not, in each writing;
        then LINKS of every token with an address."""
        free = self.rare | self.open_number
        texts = [(" " if s else "") if f else t for t, s, f in zip(self.keys, self.spaced, free, strict=True)]
        self.spare_at = len(texts)
        words = self.lexicon.words.tolist()
        texts += [blank + case(w) for blank in ("", " ") for case in CASES for w in words]
        self.link_at = np.full(self.size, -1, np.int64)
        for i in np.flatnonzero(self.linked).tolist():
            self.link_at[i] = len(texts)
            pool = self.mails if EMAIL in self.keys[i] else self.links
            texts += [self.keys[i].replace(URL, x).replace(EMAIL, x) for x in pool]
        self.texts = np.array(texts, object)
        self.characters = np.array([len(t) for t in texts], np.int64)
        self.blanks = np.array([sum(map(str.isspace, t)) for t in texts], np.int64)

    @property
    def fine_words(self) -> set[str]:
        """Case-folded, all that may be written."""
        own = (w for key in self.keys if key.lstrip()[:1] != "<" for w in FINE.findall(key))
        return {w.casefold() for w in (*own, *self.lexicon.words)} | {SCHEME}

    def hashes(self, grams: Grams) -> np.ndarray:
        """uint64 (texts, MOST_PARTS): of the words in each, BREAK where there are no more; addresses have that of
        their beginning."""
        out = np.full((len(self.texts), MOST_PARTS), BREAK, np.uint64)
        for i in np.flatnonzero(self.word & ~self.rare | self.entity | self.number & ~self.open_number).tolist():
            parts = FINE.findall(self.keys[i])[:MOST_PARTS]
            out[i, : len(parts)] = [grams.word(p) for p in parts]
        spare = np.array([grams.word(w) for w in self.lexicon.words.tolist()], np.uint64)
        out[self.spare_at : self.spare_at + 6 * len(spare), 0] = np.tile(spare, 6)
        for i in np.flatnonzero(self.linked).tolist():
            if self.keys[i].lstrip() == URL:
                out[self.link_at[i] : self.link_at[i] + LINKS, 0] = grams.word(SCHEME)
        return out

    def _pairs(self, bare: list[str]) -> None:
        """``pair`` int (tokens,): which pair a token opens or closes (-1: none), ``side`` 1 opens, -1 closes, 0 either;
        ``tags``: pairs from here on are tags; ``closers`` int (pairs,): the token that closes each."""
        names: dict[str, int] = {}
        self.pair, self.side = np.full(self.size, -1, np.int64), np.zeros(self.size, np.int64)
        closing: dict[int, int] = {}
        known = {t[0]: (t, 1) for t in PAIRS[:4]} | {t[1]: (t, -1) for t in PAIRS[:4]} | {t: (t, 0) for t in TOGGLES}
        for i, text in enumerate(bare):
            if text in known:
                name, side = known[text]
            elif len(text) > 1 and text[:2] == "</":
                name, side = "<" + tag_name(text), -1
            elif text[:1] == "<" and text[-1:] == ">" and len(text) > 2 and not _empty(text):
                name, side = "<" + tag_name(text), 1
            else:
                continue
            name += " code" * int(self.modes[i])
            self.pair[i] = names.setdefault(name, len(names))
            self.side[i] = side
            if side <= 0 and (self.pair[i] not in closing or not self.spaced[i]):
                closing[int(self.pair[i])] = i
        usable = np.array([p in closing for p in range(len(names))], bool)
        self.tag_pair = np.array([n[0] == "<" for n in names], bool)
        self.code_pair = np.array([n.endswith(" code") for n in names], bool)
        self.closers = np.array([closing.get(p, -1) for p in range(len(names))], np.int64)
        self.unclosed = (self.pair >= 0) & ~np.append(usable, False)[self.pair]


def _typical(bucket: int) -> int:
    low = BUCKETS[bucket - 1] + 1 if bucket else 1
    return (low + min(BUCKETS[bucket], low + 4)) // 2


def _empty(tag: str) -> bool:
    return tag.endswith("/>") or tag_name(tag) in ("br", "img", "hr", "wbr", "input")


def stand_in(token: str) -> str | None:
    """What stands for a rare ``token``; None: nothing."""
    blank, bare = (" ", token[1:]) if token[:1] == " " else ("", token)
    if bare.startswith("<") and len(bare) > 2:
        return blank + bare_tag(bare) if not bare.startswith("</") else None
    if bare.isdecimal():
        return f"{blank}{NUMBER}{min(len(bare), MOST_DIGITS)}"
    if FINE.match(bare) is not None:
        bucket = next(i for i, most in enumerate(BUCKETS) if len(bare) <= most or most == LONGEST)
        return f"{blank}{RARE}{case_of(bare)}{bucket}"
    return None


def addresses(
    lexicon: Lexicon, sizes: Sequence[tuple[int, int]], k: int, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Web addresses about as long as ``sizes`` and with as many digits, and mail addresses, LINKS of each: all of
    ``.example`` (RFC 2606)."""
    words = [w.lower() for w in lexicon.words.tolist() if w.isascii() and w.isalpha() and 3 <= len(w) <= 10] or ["page"]
    some = [words[i] for i in rng.integers(0, len(words), 40 * LINKS)]
    known = np.array(sizes or [(30, 0)])
    known = known[np.argsort(known[:, 0], kind="stable")]
    wanted = np.rint(quantiles(known[:, 0], k, LINKS)).astype(int).tolist()
    # as many have digits, and as many of them, among those of like length
    near = np.clip(np.searchsorted(known[:, 0], wanted), 0, len(known) - 1)
    span = max(k, len(known) // 20)
    links, mails = [], []
    for i, (size, at) in enumerate(zip(wanted, near.tolist(), strict=True)):
        like = known[max(0, at - span) : at + span + 1, 1]
        digits = round(float(like.mean())) if rng.random() < (like > 0).mean() or like.mean() > 2 else 0
        number = "/" + "".join(map(str, rng.integers(0, 10, min(digits, 12)).tolist())) if digits else ""
        mine = iter(some[40 * i : 40 * i + 40])
        link = f"https://{'www.' if size > 30 else ''}{next(mine)}.example"
        for word in mine:
            if len(link) + len(word) + 1 + len(number) > size:
                break
            link += ("/" if link.count("/") < 5 else "-") + word
        links.append(link + number)
        mails.append(f"{some[40 * i]}.{some[40 * i + 1]}@example.{('com', 'org', 'net')[i % 3]}")
    return links, mails
