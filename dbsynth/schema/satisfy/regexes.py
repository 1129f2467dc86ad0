"""Texts that a regular expression matches, drawn at random.

The pattern (Python's syntax, for ``re.search``: what ``expression.texts`` makes of LIKE, SIMILAR TO and ~) is parsed by
the standard library and drawn part by part, for all rows at once. Look-around is left out: whoever asks has to verify.
"""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from dbsynth.schema.expression.values import NotEvaluable

SPREADS = (7, 3, 1, 0, 5, 12, 30, 80)
"""An open repetition is drawn up to so many times more often than it has to occur, turn by turn."""
TURNS = 40
"""Times that a text is drawn which does not fit."""
LETTERS = string.ascii_lowercase
PRINTABLE = string.ascii_letters + string.digits + "_-. ,:;/@#%&+=!?()'\""
CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_NOT_WORD": " -.",
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
}


@lru_cache(maxsize=256)
def parsed(regex: str) -> Any:
    """The parse of ``re`` itself. NotEvaluable where it is none."""
    from re import _parser  # type: ignore[attr-defined]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return _parser.parse(regex)
    except re.error as error:
        raise NotEvaluable(f"the regular expression {regex!r} ({error})") from error


def width(regex: str) -> tuple[int, int | None]:
    """Least and greatest length of what the pattern matches; None: no limit. Of the match alone, not of the text."""
    low, high = parsed(regex).getwidth()
    return int(low), int(high) if high < 10_000 else None


def whole(regex: str) -> bool:
    """Whether a match is the whole text."""
    body = re.sub(r"^\(\?[is]+\)", "", regex)
    alternatives = _parts(parsed(regex))
    begins = bool(alternatives) and str(alternatives[0][0]) == "AT" and "BEGINNING" in str(alternatives[0][1])
    ends = bool(alternatives) and str(alternatives[-1][0]) == "AT" and "END" in str(alternatives[-1][1])
    return bool(body) and begins and ends


def _parts(tree: Any) -> list[tuple[Any, Any]]:
    parts = list(tree)
    while len(parts) == 1 and str(parts[0][0]) == "SUBPATTERN":
        parts = list(parts[0][1][-1])
    return parts


def drawn(
    patterns: Sequence[str], count: int, rng: np.random.Generator, least: int = 0, most: int | None = None
) -> np.ndarray:
    """``count`` texts (object) of ``least`` to ``most`` characters in which all ``patterns`` are found; where that
    is not reached in a bounded number of turns, None."""
    tests = [re.compile(p).search for p in patterns]
    source = max(patterns, key=_told)
    tree, upper = parsed(source), most
    out = np.full(count, None, dtype=object)
    open_ = np.arange(count)
    for turn in range(TURNS):
        texts = _Draw(rng, SPREADS[turn % len(SPREADS)]).tree(tree, len(open_))
        if not whole(source):
            texts = _filled(texts, least, rng)
        kept = np.fromiter(
            (
                least <= len(t) and (upper is None or len(t) <= upper) and all(test(t) is not None for test in tests)
                for t in texts
            ),
            dtype=bool,
            count=len(texts),
        )
        out[open_[kept]] = texts[kept]
        open_ = open_[~kept]
        if not len(open_):
            break
    return out


def _told(pattern: str) -> tuple[bool, bool, int]:
    """A pattern that says what stands there says more than one that says what does not."""
    return whole(pattern), "[^" not in pattern, len(pattern)


def _filled(texts: np.ndarray, least: int, rng: np.random.Generator) -> np.ndarray:
    """Longer by letters behind, where too short."""
    missing = np.array([max(0, least - len(t)) for t in texts])
    if not missing.any():
        return texts
    letters = rng.choice(list(LETTERS), size=(len(texts), int(missing.max())))
    return np.array([t + "".join(row[:m]) for t, row, m in zip(texts, letters, missing, strict=True)], dtype=object)


class _Draw:
    """``more``: how much more often than needed an open repetition may occur."""

    def __init__(self, rng: np.random.Generator, more: int) -> None:
        self.rng, self.more = rng, more
        self.groups: dict[int, np.ndarray] = {}

    def tree(self, tree: Any, count: int) -> np.ndarray:
        out = np.full(count, "", dtype=object)
        for operation, argument in tree:
            out = out + self.part(str(operation), argument, count)
        return out

    def part(self, operation: str, argument: Any, count: int) -> np.ndarray:
        match operation:
            case "LITERAL":
                return np.full(count, chr(argument), dtype=object)
            case "NOT_LITERAL":
                return self.one_of([c for c in PRINTABLE if c != chr(argument)], count)
            case "ANY":
                return self.one_of(list(LETTERS), count)
            case "IN":
                return self.one_of(members(argument), count)
            case "BRANCH":
                choices = argument[1]
                chosen = self.rng.integers(0, len(choices), count)
                out = np.full(count, "", dtype=object)
                for i, choice in enumerate(choices):
                    at = np.flatnonzero(chosen == i)
                    out[at] = self.tree(choice, len(at))
                return out
            case "SUBPATTERN":
                inner = self.tree(argument[-1], count)
                if argument[0] is not None:
                    self.groups[argument[0]] = inner
                return inner
            case "ATOMIC_GROUP":
                return self.tree(argument, count)
            case "GROUPREF":
                found = self.groups.get(argument)
                return np.full(count, "", dtype=object) if found is None or len(found) != count else found
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                return self.repeated(argument, count)
            case _:  # AT, ASSERT, ASSERT_NOT: they stand for no text
                return np.full(count, "", dtype=object)

    def repeated(self, argument: Any, count: int) -> np.ndarray:
        least, most, inner = int(argument[0]), int(argument[1]), argument[2]
        most = max(least, min(most, least + self.more))
        times = self.rng.integers(least, most + 1, count)
        flat = self.tree(inner, int(times.sum()))
        ends = np.cumsum(times)
        return np.array(["".join(flat[e - t : e]) for e, t in zip(ends, times, strict=True)], dtype=object)

    def one_of(self, letters: Sequence[str], count: int) -> np.ndarray:
        if not letters:
            raise NotEvaluable("a character class that is empty")
        return np.array(list(letters), dtype=object)[self.rng.integers(0, len(letters), count)]


def members(items: Any) -> list[str]:
    """What a bracket expression stands for: printable ASCII where it has some, else its first members."""
    negated, found = False, []
    beyond: list[str] = []
    for operation, argument in items:
        match str(operation):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.append(chr(argument))
            case "RANGE":
                low, high = argument
                ascii_ = [chr(c) for c in range(max(low, 32), min(high, 126) + 1)]
                found += ascii_
                if not ascii_:
                    beyond += [chr(c) for c in range(low, min(high, low + 50) + 1)]
            case "CATEGORY":
                found += CATEGORIES[str(argument)]
    if negated:
        excluded = set(found) | set(beyond)
        letters = [c for c in LETTERS + string.ascii_uppercase + string.digits if c not in excluded]
        return letters or [c for c in PRINTABLE if c not in excluded] or ["ä"]
    return [c for c in dict.fromkeys(found) if c.isprintable()] or found or beyond


def prefix(regex: str) -> str:
    """The letters with which every text begins that the pattern matches; none where it may match further on, or
    without regard to case."""
    tree = parsed(regex)
    if tree.state.flags & re.IGNORECASE:
        return ""
    parts = _parts(tree)
    if not parts or str(parts[0][0]) != "AT" or "BEGINNING" not in str(parts[0][1]):
        return ""
    letters = []
    for operation, argument in parts[1:]:
        if str(operation) != "LITERAL":
            break
        letters.append(chr(argument))
    return "".join(letters)
