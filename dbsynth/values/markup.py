"""HTML and Markdown as leaves: pieces of running text, each with the path of what it stands in (``ul/li``, ``## ``);
and what has to be written between two leaves so that everything is closed that was opened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from dbsynth.values.word_tokens import tag_name

Kind = Literal["plain", "html", "markdown"]
BLOCKS = frozenset(
    [
        *("p", "div", "section", "article", "header", "footer", "main", "ul", "ol", "li", "dl", "dt", "dd", "pre"),
        *("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "td", "th", "hr"),
        *("figure", "figcaption"),
    ]
)
VOID = frozenset(["hr", "br", "img", "wbr", "input"])
INLINE_CODE = "code"
BLOCK_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)\b([^<>]*)>")
ENDS_P = BLOCKS - {"li", "dt", "dd", "tr", "td", "th", "thead", "tbody"}
"""Inside a paragraph they end it."""
SOME_MARKUP = 0.2
LINE = re.compile(r"(#{1,6} |[-*+] |\d+[.)] |> |```)")
STRONG_SIGNS = re.compile(r"^(?:#{1,6} \S|[-*+] \S|\d+\. \S|```)|\*\*\S[^*\n]*\*\*|\[[^\]\n]+\]\(\S+\)", re.M)
FENCE = "```"
TEXT = "text"
Leaf = tuple[str, str]


def kind_of(values: Sequence[str]) -> Kind:
    """What most of ``values`` are written in."""
    some = values[:1000]
    html = sum(bool(re.search(r"</(?:[a-z]+|h\d)>|<br ?/?>", v)) for v in some)
    if html > SOME_MARKUP * max(1, len(some)):
        return "html"
    marked = sum(STRONG_SIGNS.search(v) is not None for v in some)
    return "markdown" if marked > SOME_MARKUP * max(1, len(some)) else "plain"


@dataclass(frozen=True)
class MarkupLayout:
    """``gaps``: the blanks between two tags, or between two kinds of lines, that most texts have there; "" before the
    first and after the last."""

    kind: Kind
    gaps: Mapping[tuple[str, str], str]

    @classmethod
    def fit(cls, values: Sequence[str], kind: Kind, k: int) -> MarkupLayout:
        seen: dict[tuple[str, str], Counter[str]] = {}
        for value in values:
            for pair, gap in dict.fromkeys(_gaps(value, kind)):
                seen.setdefault(pair, Counter())[gap] += 1
        gaps = {p: c.most_common(1)[0] for p, c in seen.items()}
        return cls(kind, {p: gap for p, (gap, n) in sorted(gaps.items()) if n >= k})

    def leaves(self, text: str) -> list[Leaf]:
        if self.kind == "html":
            return _html(text)
        return _markdown(text)[0] if self.kind == "markdown" else [("", text)]

    def between(self, before: str | None, after: str | None) -> str:
        """What ends a leaf with the path ``before`` (None: it is the start) and begins one of ``after``."""
        if self.kind == "plain":
            return ""
        if self.kind == "markdown":
            return self._lines(before, after)
        old, new = (p.split("/") if p else [] for p in (before or "", after or ""))
        shared = 0
        while shared < min(len(old), len(new)) and old[shared] == new[shared]:
            shared += 1
        if shared == len(old) == len(new):  # the same again: another item, another paragraph
            shared -= 2 if old[-2:] in (["li", "p"], ["pre", "code"]) else 1
        tags = [f"</{tag_name('<' + t)}>" for t in reversed(old[max(0, shared) :]) if tag_name("<" + t) not in VOID]
        tags += [f"<{t}>" for t in new[max(0, shared) :]]
        left = "" if before is None else f"<{old[-1]}>" if old and old[-1] in VOID else TEXT
        out = ""
        for tag in tags:
            out += self.gaps.get((left, _short(tag)), "") + tag
            left = _short(tag)
        return out + (self.gaps.get((left, ""), "") if after is None else "")

    def _lines(self, before: str | None, after: str | None) -> str:
        out = ""
        if before is not None:
            out += "\n" + FENCE if before.startswith(FENCE) else ""
            gap = "" if after is None else self.gaps.get((_line_kind(before), _line_kind(after)), "\n\n")
            same = before == after and before in ("- ", "* ", "+ ", "1. ", "> ")
            out += gap if after is None or same or gap.count("\n") > 1 else "\n\n"
        if after is not None:
            out += after + ("\n" if after.startswith(FENCE) else "")
        return out


def _short(tag: str) -> str:
    return ("</" if tag.startswith("</") else "<") + tag_name(tag) + ">"


def _html(text: str) -> list[Leaf]:
    out: list[Leaf] = []
    path: list[str] = []
    at = 0

    def flush(end: int) -> None:
        piece = text[at:end]
        raw = any(tag_name("<" + p) == "pre" for p in path)
        piece = piece if raw else piece.strip()
        if piece.strip():
            out.append(("/".join(path), piece))

    for match in BLOCK_TAG.finditer(text):
        closing, name, inner = match[1] == "/", match[2].lower(), match[3]
        inside_pre = any(tag_name("<" + p) == "pre" for p in path)
        if name not in BLOCKS and not (name == INLINE_CODE and inside_pre):
            continue
        flush(match.start())
        at = match.end()
        names = [tag_name("<" + p) for p in path]
        if closing:
            if name in names:
                del path[len(names) - 1 - names[::-1].index(name) :]
        elif name in VOID:
            if names[-1:] == ["p"]:
                path.pop()
            out.append(("/".join([*path, name]), ""))
        else:
            if name in ENDS_P and names[-1:] == ["p"]:
                path.pop()
            path.append(name if "/" in inner else " ".join([name, *inner.split()]))
    flush(len(text))
    return out


def _gaps(text: str, kind: Kind) -> Iterable[tuple[tuple[str, str], str]]:
    """Pairs of neighbours with only blanks between them, and those."""
    if kind == "markdown":
        leaves, gaps = _markdown(text)
        for (a, _), (b, _), gap in zip(leaves, leaves[1:], gaps, strict=False):
            yield (_line_kind(a), _line_kind(b)), gap
        return
    if kind != "html":
        return
    tags = [m for m in BLOCK_TAG.finditer(text) if m[2].lower() in BLOCKS | {INLINE_CODE}]
    for left, right in pairwise(tags):
        gap = text[left.end() : right.start()]
        if not gap.strip():
            yield (_short(left.group()), _short(right.group())), gap
    if tags and not text[tags[-1].end() :].strip():
        yield (_short(tags[-1].group()), ""), text[tags[-1].end() :]


def _markdown(text: str) -> tuple[list[Leaf], list[str]]:
    """Leaves and the line ends after each."""
    out: list[Leaf] = []
    gaps: list[str] = []
    fence: list[str] | None = None
    start = ""
    fresh = True
    for line in text.split("\n"):
        if fence is not None:
            if line.startswith(FENCE):
                out.append((start, "\n".join(fence)))
                gaps.append("\n")
                fence, fresh = None, True
            else:
                fence.append(line)
            continue
        if not line.strip():
            if gaps:
                gaps[-1] += "\n"
            fresh = True
            continue
        found = LINE.match(line.lstrip())
        if found is not None and found[1] == FENCE:
            start, fence = line.strip(), []
        elif found is not None:
            prefix = "1. " if found[1][0].isdigit() else found[1]
            out.append((prefix, line.lstrip()[found.end() :]))
            gaps.append("\n")
            fresh = False
        elif fresh or not out:
            out.append(("", line))
            gaps.append("\n")
            fresh = False
        else:  # a paragraph goes on
            out[-1] = (out[-1][0], out[-1][1] + "\n" + line)
    if fence is not None:
        out.append((start, "\n".join(fence)))
        gaps.append("\n")
    return out, gaps


def _line_kind(path: str) -> str:
    return FENCE if path.startswith(FENCE) else path


def is_code(path: str) -> bool:
    return path.startswith(FENCE) or any(tag_name("<" + p) == "pre" for p in path.split("/"))
