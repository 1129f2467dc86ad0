"""Texts: what the arguments of text functions must be, and texts that match patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from dbsynth.schema.expression.domains import base
from dbsynth.schema.expression.nodes import Node
from dbsynth.schema.expression.numbers import to_float
from dbsynth.schema.expression.values import INT, TEXT, NotEvaluable, Vec, apply, vector
from dbsynth.schema.satisfy import regexes
from dbsynth.schema.satisfy.inverse import INVERSES, Wishes
from dbsynth.schema.satisfy.rows import Rows

ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "äöüéñ", "-", " ")


def _inverse(name: str, back: Callable[..., Any], at: int = 0) -> None:
    """``back``: the wished argument ``at``, from what is wanted, the argument as it is, and the other arguments."""

    def way(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
        number = vector(INT, [int(v) if ok else None for v, ok in zip(to_float(wanted), wanted.valid, strict=True)]) \
            if wanted.type.family in ("numeric", "float") else wanted  # fmt: skip
        others = [a for i, a in enumerate(args) if i != at]
        type_ = node.args[at].type if node.args[at].type.family in ("bytea", "int") else TEXT
        yield {at: apply(type_, back, number, args[at], *others)}

    INVERSES[name] = way


def long(length: int, text: str) -> str:
    """``text`` cut, or made longer by its own letters, to ``length``."""
    length = int(length)
    if length < 0:
        raise ValueError("a negative length")
    own = re.sub(r"[^A-Za-z]", "", text) or "a"
    stem = text[:length].rstrip(" ") if length else ""
    return (stem + own * (length // len(own) + 1))[:length]


def _bytes_long(length: int, text: str) -> str:
    ascii_ = text.encode("ascii", "ignore").decode()
    return long(length, ascii_)


def _put(text: str, start: int, part: str) -> str:
    """``text`` with ``part`` from character ``start`` (counted from 1) on."""
    start = int(start)
    if start < 1:
        part, start = part[1 - start :] if start + len(part) > 1 else part, 1
    return text[: start - 1].ljust(start - 1, "a") + part + text[start - 1 + len(part) :]


def _placed(position: int, text: str, part: str) -> str:
    """A text in which ``part`` first occurs at ``position``."""
    position = int(position)
    plain = text.replace(part, "") if part else text
    if position < 1:
        return plain
    filler = next((a[0] for a in ALPHABETS if a[0] not in part), "_")
    return plain[: position - 1].ljust(position - 1, filler) + part + (plain[position - 1 :] or "a")


def _split_set(wanted: str, text: str, delimiter: str, index: int) -> str:
    parts = text.split(delimiter) if delimiter else [text]
    at = int(index) - 1 if index > 0 else len(parts) + int(index)
    parts += ["a"] * (at + 1 - len(parts))
    parts[max(at, 0)] = wanted
    return delimiter.join(parts)


def _with_byte(text: str, at: int, value: int) -> str:
    data = bytearray(bytes.fromhex(text[2:]).ljust(at + 1, b"\0"))
    data[at] = value
    return "\\x" + data.hex()


_inverse("char_length", long)
_inverse("octet_length_text", _bytes_long)
_inverse("bit_length", lambda n, t: _bytes_long(int(n) // 8, t))
_inverse("octet_length", lambda n, t: "\\x" + (t[2:] + "00" * max(0, int(n)))[: 2 * int(n)])
_inverse("reverse", lambda w, t: w[::-1])
_inverse("repeat", lambda w, t, n: w[: len(w) // max(int(n), 1)])
_inverse("left", lambda w, t, n: w + t[len(w) :] if n >= 0 else w + "a" * -int(n))
_inverse("right", lambda w, t, n: t[: max(0, len(t) - len(w))] + w if n >= 0 else "a" * -int(n) + w)
_inverse("substr_from", lambda w, t, a: t[: int(a) - 1].ljust(max(int(a) - 1, 0), "a") + w)
_inverse(
    "substr_for", lambda w, t, a, n: _put(t, a, w) if len(w) >= n else _put(t, a, w)[: max(int(a), 1) - 1 + len(w)]
)
_inverse("strpos", _placed)
_inverse("ascii", lambda n, t: (chr(int(n)) if n else "") + t[1:])
_inverse("split_part", _split_set)


_inverse("encode", lambda w, t: "\\x" + bytes.fromhex(w).hex())
_inverse("get_byte", lambda n, t, at: _with_byte(t, int(at), int(n)))
_inverse("overlay_for", lambda w, t, p, a, n: w[: int(a) - 1] + "a" * int(n) + w[int(a) - 1 + len(p) :])
_inverse("overlay_from", lambda w, t, p, a: w)
_inverse("chr", lambda w, n: ord(w))


def _pipe(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    yield {1: apply(TEXT, lambda w, x: _after(w, x), wanted, a)}
    yield {0: apply(TEXT, lambda w, y: _before(w, y), wanted, b)}
    yield {0: apply(TEXT, lambda w: w[: len(w) // 2], wanted), 1: apply(TEXT, lambda w: w[len(w) // 2 :], wanted)}


def _after(whole: str, start: str) -> str:
    if not whole.startswith(start):
        raise ValueError("does not begin so")
    return whole[len(start) :]


def _before(whole: str, end: str) -> str:
    if not whole.endswith(end):
        raise ValueError("does not end so")
    return whole[: len(whole) - len(end)]


INVERSES["||"] = _pipe


def _concat(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """The first part that can be is split off at the separator; the others follow."""
    separator, *parts = args

    def piece(at: int) -> Vec:
        def cut(text: str, between: str) -> str:
            pieces = text.split(between) if between else [text, *[""] * (len(parts) - 1)]
            pieces = [between.join(pieces[: len(pieces) - len(parts) + 1]), *pieces[len(pieces) - len(parts) + 1 :]] \
                if len(pieces) > len(parts) else pieces  # fmt: skip
            return pieces[at] if at < len(pieces) else ""

        return apply(TEXT, cut, wanted, separator)

    yield {i + 1: piece(i) for i in range(len(parts))}


INVERSES["concat"] = _concat


def attempts(rows: Rows, node: Node, wanted: bool) -> Iterator[Wishes]:
    """Ways to a boolean function of texts."""
    if node.name == "starts_with" and len(node.args) == 2:
        text, part = (rows.value(a) for a in node.args)
        if wanted:
            yield {0: apply(TEXT, lambda t, p: p + t[len(p) :], text, part)}
            yield {1: apply(TEXT, lambda t: t[:1], text)}
        else:
            yield {0: apply(TEXT, lambda t, p: ("b" if p[:1] != "b" else "c") + t, text, part)}
    elif node.name == "like" and node.kind == "call":
        text, pattern = (rows.value(a) for a in node.args)
        if wanted:
            filled = lambda p: re.sub(r"\\(.)|([%_])", lambda m: m[1] or ("a" if m[2] == "_" else ""), p)  # noqa: E731
            yield {0: apply(TEXT, filled, pattern)}
            yield {1: apply(TEXT, lambda t: re.sub(r"([\\%_])", r"\\\1", t), text)}
        else:
            yield {0: apply(TEXT, lambda t: t + "a", text)}
            yield {1: apply(TEXT, lambda t: re.sub(r"([\\%_])", r"\\\1", t) + "a", text)}


def matching(rows: Rows, node: Node, regex: str, wanted: bool, where: np.ndarray) -> Vec | None:
    """Texts in which ``regex`` is found (or not), and all else that is known of the column; None if there is no way."""
    column = base(node.args[0] if node.name == "padded" else node)
    name = column.name if column is not None and column.kind == "column" else ""
    implied = rows.implied
    least, most = implied.min_length.get(name, 0), implied.max_length.get(name)
    declared = column.type.length if column is not None else None
    most = declared if most is None else most if declared is None else min(most, declared)
    at = np.flatnonzero(where)
    made = np.full(rows.n, None, dtype=object)
    if wanted:
        known = [p for p in implied.pattern.get(name, []) if p != regex]
        try:
            made[at] = regexes.drawn([*known, regex], len(at), rows.rng, least, most)
            missing = at[[m is None for m in made[at]]]
            if len(missing) and known:
                made[missing] = regexes.drawn([regex], len(missing), rows.rng, least, most)
        except NotEvaluable:
            return None
        return vector(TEXT, made)
    now = rows.value(node)
    search = re.compile(regex).search
    for row in at:
        made[row] = _unlike(str(now.values[row]), search, least, most, rows.rng)
    return vector(TEXT, made)


def _unlike(
    text: str, search: Callable[[str], object], least: int, most: int | None, rng: np.random.Generator
) -> str | None:
    """A text near ``text`` in which the pattern is not found."""
    length = max(least, 1, min(len(text), most or 12) or 1)
    for letters in ALPHABETS:
        drawn = "".join(rng.choice(list(letters), length))
        for candidate in (drawn, drawn + text, text + drawn):
            if search(candidate) is None and len(candidate) >= least and (most is None or len(candidate) <= most):
                return candidate
    return "" if search("") is None and least == 0 else None
