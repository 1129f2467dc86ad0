"""Functions of text, and patterns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from dbsynth.schema.expression import texts
from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.nodes import Context, Node, call, constant
from dbsynth.schema.expression.ranges import range_bound
from dbsynth.schema.expression.registry import FUNCTIONS, function
from dbsynth.schema.expression.values import BOOL, INT, TEXT, NotEvaluable, SqlType, Vec, apply, vector


def as_text(node: Node) -> Node:
    if node.type.family not in ("text", "bpchar", "unknown"):
        raise NotEvaluable(f"a text function of {node.type}")
    return cast(node, TEXT)


def _of_texts(name: str, type_: SqlType, kernel: Callable[..., Any], least: int, most: int, integers: int = 0) -> None:
    """A function of ``least`` to ``most`` arguments; the last ``integers`` of the most are integers, others text."""

    def build(*args: Node) -> Node:
        if not least <= len(args) <= most:
            raise NotEvaluable(f"{name} with {len(args)} arguments")
        typed = tuple(cast(a, INT) if i >= most - integers else as_text(a) for i, a in enumerate(args))
        return call(name, type_, typed, lambda *vecs: apply(type_, kernel, *vecs))

    FUNCTIONS[name] = build


_of_texts("char_length", INT, len, 1, 1)
_of_texts("octet_length_text", INT, lambda t: len(t.encode()), 1, 1)
_of_texts("bit_length", INT, lambda t: 8 * len(t.encode()), 1, 1)
_of_texts("upper_text", TEXT, lambda t: texts.simple_case(t, True), 1, 1)
_of_texts("lower_text", TEXT, lambda t: texts.simple_case(t, False), 1, 1)
_of_texts("initcap", TEXT, texts.initcap, 1, 1)
_of_texts("reverse", TEXT, lambda t: t[::-1], 1, 1)
_of_texts("md5", TEXT, lambda t: hashlib.md5(t.encode(), usedforsecurity=False).hexdigest(), 1, 1)
_of_texts("ascii", INT, lambda t: ord(t[0]) if t else 0, 1, 1)
_of_texts("btrim", TEXT, lambda t, c=" ": t.strip(c) if c else t, 1, 2)
_of_texts("ltrim", TEXT, lambda t, c=" ": t.lstrip(c) if c else t, 1, 2)
_of_texts("rtrim", TEXT, lambda t, c=" ": t.rstrip(c) if c else t, 1, 2)
_of_texts("strpos", INT, lambda t, part: t.find(part) + 1, 2, 2)
_of_texts("starts_with", BOOL, lambda t, part: t.startswith(part), 2, 2)
_of_texts("replace", TEXT, lambda t, old, new: t.replace(old, new) if old else t, 3, 3)
_of_texts("left", TEXT, lambda t, n: t[: int(n)], 2, 2, integers=1)
_of_texts("right", TEXT, lambda t, n: t[max(len(t) - n, 0) :] if n >= 0 else t[-n:], 2, 2, integers=1)
_of_texts("substr_from", TEXT, lambda t, a: texts.substring(t, int(a)), 2, 2, integers=1)
_of_texts("substr_for", TEXT, lambda t, a, n: texts.substring(t, int(a), int(n)), 3, 3, integers=2)
_of_texts("repeat", TEXT, lambda t, n: t * max(int(n), 0), 2, 2, integers=1)
_of_texts("split_part", TEXT, lambda t, d, n: texts.split_part(t, d, int(n)), 3, 3, integers=1)
_of_texts("translate", TEXT, texts.translate, 3, 3)
_of_texts("overlay_from", TEXT, lambda t, p, a: texts.overlay(t, p, int(a), len(p)), 3, 3, integers=1)
_of_texts("overlay_for", TEXT, lambda t, p, a, n: texts.overlay(t, p, int(a), int(n)), 4, 4, integers=2)


@function("overlay")
def _overlay(*args: Node) -> Node:
    return FUNCTIONS["overlay_for" if len(args) == 4 else "overlay_from"](*args)


@function("chr")
def _chr(code: Node) -> Node:
    return call("chr", TEXT, (cast(code, INT),), lambda v: apply(TEXT, lambda n: chr(int(n)), v))


@function("regexp_replace")
def _regexp_replace(text: Node, what: Node, by: Node, flags: Node | None = None) -> Node:
    """With a constant pattern and constant flags g and i."""
    options = "" if flags is None else _constant(flags)
    if set(options) - set("gi"):
        raise NotEvaluable(f"regexp_replace with the flags {options!r}")
    search = texts.compiled(("(?i)" if "i" in options else "") + _regex(what))
    count = 0 if "g" in options else 1
    # \\1 and \\& of the replacement mean groups and the whole match; everything else is as it stands
    replaced = lambda t, r: search.sub(lambda m: texts.expanded(m, r), t, count=count)  # noqa: E731
    return call("regexp_replace", TEXT, (as_text(text), as_text(by)), lambda v, r: apply(TEXT, replaced, v, r))


def _substring_of(text: Node, what: Node) -> Node:
    """substring(text from pattern): the first group of the first match, all of it if there is none."""
    search = texts.compiled(_regex(what)).search

    def found(t: str) -> str | None:
        match = search(t)
        return None if match is None else match[1] if match.re.groups else match[0]

    return call("substring_of", TEXT, (as_text(text), what), lambda v, _: apply(TEXT, found, v))


@function("regexp_count")
def _regexp_count(text: Node, what: Node) -> Node:
    find = texts.compiled(_regex(what)).findall
    return call("regexp_count", INT, (as_text(text), what), lambda v, _: apply(INT, lambda t: len(find(t)), v))


def _constant(node: Node) -> str:
    text = cast(node, TEXT).scalar(0) if node.constant else None
    if not isinstance(text, str):
        raise NotEvaluable("a regular expression that is not constant")
    return text


def _regex(node: Node) -> str:
    try:
        return texts.posix_regex(_constant(node))
    except ValueError as error:
        raise NotEvaluable(f"the pattern ({error})") from error


@function("encode")
def _encode(node: Node, form: Node) -> Node:
    if node.type.family != "bytea" or _constant(form) != "hex":
        raise NotEvaluable(f"encode of {node.type}")
    return call("encode", TEXT, (node,), lambda v: apply(TEXT, lambda t: t[2:], v))


@function("get_byte")
def _get_byte(node: Node, at: Node) -> Node:
    if node.type.family != "bytea":
        raise NotEvaluable(f"get_byte of {node.type}")
    return call("get_byte", INT, (node, cast(at, INT)), lambda v, n: apply(INT, texts.byte_at, v, n))


def _upper_lower(name: str) -> None:
    def build(node: Node) -> Node:
        if node.type.family == "range":
            return range_bound(node, name == "upper")
        return FUNCTIONS[f"{name}_text"](node)

    FUNCTIONS[name] = build


_upper_lower("upper")
_upper_lower("lower")


@function("length", "character_length")
def _length(node: Node) -> Node:
    if node.type.family == "bits":
        return call("bits length", INT, (node,), lambda v: apply(INT, len, v))
    if node.type.family == "bytea":
        return call("octet_length", INT, (node,), lambda v: apply(INT, _bytes, v))
    return FUNCTIONS["char_length"](node)


def _bytes(text: str) -> int:
    if not text.startswith("\\x"):
        raise ValueError("bytea not in hex form")
    return (len(text) - 2) // 2


@function("octet_length")
def _octet_length(node: Node) -> Node:
    if node.type.family == "bpchar":
        raise NotEvaluable("octet_length of a blank-padded column")
    return _length(node) if node.type.family == "bytea" else FUNCTIONS["octet_length_text"](node)


@function("substr", "substring")
def _substr(*args: Node) -> Node:
    if len(args) > 1 and args[1].type.family in ("text", "unknown"):
        if len(args) == 2:
            return _substring_of(*args)
        raise NotEvaluable("substring with a pattern and an escape character")
    return FUNCTIONS["substr_for" if len(args) == 3 else "substr_from"](*args)


def _padding(name: str) -> None:
    def build(text: Node, length: Node, fill: Node | None = None) -> Node:
        args = (as_text(text), cast(length, INT), as_text(fill) if fill is not None else constant(TEXT, " "))
        pad = lambda t, n, f: texts.pad(t, int(n), f, left=name == "lpad")  # noqa: E731
        return call(name, TEXT, args, lambda *v: apply(TEXT, pad, *v))

    FUNCTIONS[name] = build


_padding("lpad")
_padding("rpad")


@function("concat")
def _concat(*args: Node) -> Node:
    return _joined(constant(TEXT, ""), args)


@function("concat_ws")
def _concat_ws(separator: Node, *args: Node) -> Node:
    return _joined(as_text(separator), args)


def _joined(separator: Node, args: tuple[Node, ...]) -> Node:
    parts = tuple(cast(a, TEXT) for a in args)

    def run(ctx: Context) -> Vec:
        between = separator.run(ctx).expand(ctx.rows)
        vecs = [p.run(ctx).expand(ctx.rows) for p in parts]
        joined = [
            between.values[i].join(v.values[i] for v in vecs if v.valid[i]) if between.valid[i] else None
            for i in range(ctx.rows)
        ]
        return vector(TEXT, joined)

    return Node("call", TEXT, run, (separator, *parts), "concat")


@function("||")
def _pipe(a: Node, b: Node) -> Node:
    if "array" in (a.type.family, b.type.family) or "json" in (a.type.family, b.type.family):
        raise NotEvaluable(f"|| of {a.type} and {b.type}")
    x, y = cast(a, TEXT), cast(b, TEXT)
    return call("||", TEXT, (x, y), lambda p, q: apply(TEXT, lambda s, t: s + t, p, q))


def pattern(node: Node, wanted: Node, kind: str, insensitive: bool = False, escape: str = "\\") -> Node:
    """LIKE, SIMILAR TO and regular expressions (``kind``: like, similar, regex). ``value`` of a node with a constant
    pattern: the Python regex."""
    target, what = node, cast(wanted, TEXT)
    if node.type.family == "bpchar":  # blanks count here, though nowhere else
        width = node.type.length
        target = call("padded", TEXT, (cast(node, TEXT),), lambda v: apply(TEXT, lambda t: t.ljust(width or 0), v))
    else:
        target = as_text(node)

    def regex_of(text: str) -> str:
        if kind == "regex":
            regex = texts.posix_regex(text)
        else:
            regex = texts.like_regex(text, escape) if kind == "like" else texts.similar_regex(text, escape)
        return f"(?i){regex}" if insensitive else regex

    if what.constant:
        text = what.scalar(0)
        if text is None:
            return Node("call", BOOL, lambda _: vector(BOOL, [None]), (target, what), kind)
        try:
            regex = regex_of(text)
        except ValueError as error:
            raise NotEvaluable(f"the pattern {text!r} ({error})") from error
        search = texts.compiled(regex).search
        run_one = lambda ctx: apply(BOOL, lambda t: search(t) is not None, target.run(ctx))  # noqa: E731
        return Node("pattern", BOOL, run_one, (target, what), kind, regex)
    if kind != "like":
        raise NotEvaluable("a regular expression that is not constant")

    def matches(t: str, p: str) -> bool:
        return texts.compiled(regex_of(p)).search(t) is not None

    return call(kind, BOOL, (target, what), lambda v, p: apply(BOOL, matches, v, p))


@function("regexp_like")
def _regexp_like(text: Node, what: Node) -> Node:
    return pattern(text, what, "regex")


def _escaped(kind: str) -> None:
    """``x ~ similar_to_escape('...')`` and ``x ~~ like_escape('...', '!')`` are how SIMILAR TO and ESCAPE are printed.
    The node has the pattern's ``kind`` as its name and the escape character as ``value``, for ``pattern``."""

    def build(what: Node, escape: Node | None = None) -> Node:
        if not what.constant or (escape is not None and not escape.constant):
            raise NotEvaluable(f"{kind} with a pattern that is not constant")
        text = cast(what, TEXT).scalar(0)
        character = "\\" if escape is None else cast(escape, TEXT).scalar(0)
        return Node("escaped", TEXT, lambda _: vector(TEXT, [text]), name=kind, value=character)

    for name in {"similar": ("similar_to_escape", "similar_escape"), "like": ("like_escape",)}[kind]:
        FUNCTIONS[name] = build


_escaped("similar")
_escaped("like")
