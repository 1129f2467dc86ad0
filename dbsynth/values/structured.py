"""Values with an inner structure, in the text form of the database: JSON, arrays, ranges, composites, bytes, XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from dbsynth.values.column import MadeColumn
from dbsynth.values.guard import Guard
from dbsynth.values.numbers import NUMBER, Numbers
from dbsynth.values.pattern import Pattern
from dbsynth.values.phrase import Phrase

SAMPLE = 3000
"""Values that are taken apart to learn a structure."""
MOST_BYTES = 65_536
MOST_TEMPLATES = 50
HTML_TAGS = frozenset(
    ["html", "body", "p", "div", "a", "b", "i", "em", "strong", "span", "ul", "ol", "pre", "code", "table"]
)
DEEPEST = 12
"""Levels of a document that are looked at."""


class Draws(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


class Strings:
    """Values that k rows share as they are, by their frequency; the others by pattern or as text, none as it was."""

    def __init__(self, texts: Sequence[str], k: int, rng: np.random.Generator) -> None:
        counts = Counter(texts)
        self.common = [(t, n) for t, n in counts.most_common(500) if n >= k]
        self.share = sum(n for _, n in self.common) / len(texts) if texts else 0.0
        rest = [t for t in texts if counts[t] < k] or ["x"]
        drawer = Pattern.fit(rest, k) if coded(rest) else Phrase.fit(rest, k)
        self.other = MadeColumn(
            "a structured value", "text", drawer, Guard(rest, int(rng.integers(2**63))), unique=False
        )

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        out = np.full(count, "", object)
        take = rng.random(count) < self.share
        out[~take] = np.array(self.other.values(int((~take).sum()), rng), object)
        if take.any():
            weights = np.array([n for _, n in self.common], float)
            chosen = rng.choice(len(self.common), int(take.sum()), p=weights / weights.sum())
            out[take] = np.array([t for t, _ in self.common], object)[chosen]
        return [str(t) for t in out]


MOSTLY = 0.9
"""Numbers that so many share with k others are written as they are."""


def coded(texts: Sequence[str]) -> bool:
    """Whether ``texts`` are codes, not words: short or full of digits, without blanks."""
    length = sum(map(len, texts)) / max(1, len(texts))
    blanks = sum(t.count(" ") for t in texts) / max(1, len(texts))
    digits = sum(map(str.isdigit, "".join(texts))) / max(1, len(texts))
    return blanks < 0.3 and (digits > 0.2 * length or length <= 8)


class Template:
    """Punctuation of the source with new numbers in it: points, boxes, composites of numbers. ``<(1,2),3>`` -> new
    ones, each place of a template with its own quantiles."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        found = [(NUMBER.sub("#", t), NUMBER.findall(t)) for t in texts]
        # numbers of one text are written with as many decimals, mostly: not each as it comes
        written = [(template, tuple(len(n.partition(".")[2]) for n in numbers)) for template, numbers in found]
        counts = Counter(written)
        groups: dict[tuple[str, tuple[int, ...]], list[list[str]]] = {}
        for (template, numbers), way in zip(found, written, strict=True):
            groups.setdefault(way if counts[way] >= 2 * k else (template, ()), []).append(numbers)
        common = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))[:MOST_TEMPLATES]
        self.templates = [t for (t, _), _ in common] or ["#"]
        self.weights = np.array([len(m) for _, m in common] or [1], float)
        self.places = [
            [Numbers([m[i] for m in members], k) for i in range(len(members[0]))] for _, members in common
        ] or [[Numbers([], k)]]

    @staticmethod
    def fits(texts: Sequence[str]) -> bool:
        return bool(texts) and not any(re.search(r"[^\W\d_]", NUMBER.sub("", t)) for t in texts)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = rng.choice(len(self.templates), count, p=self.weights / self.weights.sum())
        out = np.empty(count, object)
        for i in np.unique(which):
            rows = np.flatnonzero(which == i)
            columns = [place.draw(len(rows), rng) for place in self.places[i]]
            pieces = self.templates[i].split("#")
            for r, values in zip(rows, zip(*columns, strict=True) if columns else [()] * len(rows), strict=True):
                out[r] = pieces[0] + "".join(v + p for v, p in zip(values, pieces[1:], strict=True))
        return out.tolist()


ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}]+)')


class Arrays:
    """One-dimensional arrays as ``{a,"b c"}``: lengths by quantiles, members by ``drawer`` (of the member type), or as
    ``Strings`` or numbers where it knows none; nulls at their rate."""

    def __init__(
        self,
        texts: Sequence[str],
        k: int,
        rng: np.random.Generator,
        drawer: Callable[[Sequence[str]], Draws | None] = lambda members: None,
    ) -> None:
        rows = [_members(t) for t in texts]
        flat = [m for r in rows for m in r][: SAMPLE * 5]
        members = [m for m in flat if m is not None]
        self.nulls = 1 - len(members) / len(flat) if flat else 0.0
        self.lengths = Numbers([str(len(r)) for r in rows], k)
        numeric = bool(members) and all(NUMBER.fullmatch(m) for m in members)
        self.members: Draws | None = None
        if flat:
            self.members = drawer(members) or (Numbers(members, k) if numeric else Strings(members, k, rng))
        self.distinct = all(len(set(r)) == len(r) for r in rows)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        if self.members is None:
            return ["{}"] * count
        sizes = [max(0, int(n)) for n in self.lengths.draw(count, rng)]
        total = sum(sizes)
        there = rng.random(total) >= self.nulls if self.nulls else np.ones(total, bool)
        flat = iter(m if t else None for m, t in zip(self.members.draw(total, rng), there, strict=True))
        rows = [[next(flat) for _ in range(n)] for n in sizes]
        if self.distinct:
            rows = [list(dict.fromkeys(r)) for r in rows]
        return ["{" + ",".join(map(_item, r)) + "}" for r in rows]


def _members(text: str) -> list[str | None]:
    found: list[str | None] = []
    for match in ITEM.finditer(text):
        quoted, bare = match.groups()
        # "NULL" in quotes is a text
        found.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else None if bare == "NULL" else bare)
    return found


def _item(text: str | None) -> str:
    if text is None:
        return "NULL"
    if re.fullmatch(r"[\w.:+-]+", text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Bytes:
    """Random bytes of the source's sizes after its magic number, if nearly all values share one."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        bodies = [t[2:] for t in texts]
        self.sizes = Numbers([str(len(b) // 2) for b in bodies], k)
        starts = Counter(b[:8] for b in bodies if len(b) >= 8)
        top, n = starts.most_common(1)[0] if starts else ("", 0)
        self.magic = top if n >= max(k, 0.9 * len(bodies)) else ""

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        sizes = [min(MOST_BYTES, max(0, int(n))) for n in self.sizes.draw(count, rng)]
        return ["\\x" + (self.magic + rng.bytes(n).hex())[: 2 * n] for n in sizes]

    def number(self, n: int) -> str:
        """Other bytes for every n: where sizes leave too few."""
        return f"\\x{n:0{2 * (n.bit_length() // 8 + 1)}x}"


class Xml:
    """Documents with the root element that most of them have, as ``Element``s."""

    def __init__(self, texts: Sequence[str], k: int, rng: np.random.Generator) -> None:
        roots = [r for t in list(texts)[:SAMPLE] if (r := parsed(t)) is not None]
        tags = Counter(r.tag for r in roots)
        self.tag = tags.most_common(1)[0][0] if tags else "document"
        self.root = Element([r for r in roots if r.tag == self.tag], k, rng, 0)

    @staticmethod
    def fits(texts: Sequence[str]) -> bool:
        """Whether ``texts`` are documents of elements of their own, not marked-up text."""
        roots = [parsed(t) if t.lstrip()[:1] == "<" else None for t in texts[:50]]
        known = [r for r in roots if r is not None]
        return bool(known) and len(known) >= MOSTLY * len(roots) and all(r.tag.lower() not in HTML_TAGS for r in known)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.root.draw(self.tag, "", count, rng)


class Element:
    """What stands in an element: attributes and elements of the source (those in at least k of its kind) at their
    rates, in its order, as many as there; ``text`` as ``Strings`` or numbers; ``empty``: the share without any."""

    def __init__(self, found: Sequence[ElementTree.Element], k: int, rng: np.random.Generator, depth: int) -> None:
        many = max(1, len(found))
        least = min(k, many)
        texts = [t for e in found if (t := (e.text or "").strip())]
        self.empty = 1 - len(texts) / many
        self.text = _leaf(texts, k, rng) if texts else None
        names = Counter(name for e in found for name in e.attrib)
        self.attributes = {
            name: (n / many, _leaf([e.attrib[name] for e in found if name in e.attrib], k, rng))
            for name, n in names.items()
            if n >= least and not name.startswith("{")
        }
        self.elements: dict[str, tuple[Numbers, Element]] = {}
        if depth < DEEPEST:
            for tag, n in Counter(tag for e in found for tag in dict.fromkeys(c.tag for c in e)).items():
                if n >= least:
                    sizes = [str(sum(c.tag == tag for c in e)) for e in found]
                    inner = [c for e in found for c in e if c.tag == tag][:SAMPLE]
                    self.elements[tag] = (Numbers(sizes, k), Element(inner, k, rng, depth + 1))

    def draw(self, tag: str, outer: str, count: int, rng: np.random.Generator) -> list[str]:
        """``outer``: the name space around the element."""
        space, _, name = tag.rpartition("}")
        heads = [f"<{name}" + (f" xmlns={quoteattr(space[1:])}" if space != outer else "")] * count
        for attribute, (share, leaf) in self.attributes.items():
            rows = np.flatnonzero(rng.random(count) < share)
            for r, text in zip(rows, leaf.draw(len(rows), rng), strict=True):
                heads[r] += f" {attribute}={quoteattr(text)}"
        bodies = [""] * count
        if self.text is not None:
            rows = np.flatnonzero(rng.random(count) >= self.empty)
            for r, text in zip(rows, self.text.draw(len(rows), rng), strict=True):
                bodies[r] = escape(text)
        for inner, (sizes, element) in self.elements.items():
            many = [max(0, int(n)) for n in sizes.draw(count, rng)]
            flat = iter(element.draw(inner, space, sum(many), rng))
            bodies = [body + "".join(next(flat) for _ in range(n)) for body, n in zip(bodies, many, strict=True)]
        return [f"{h}>{b}</{name}>" if b else f"{h}/>" for h, b in zip(heads, bodies, strict=True)]


def _leaf(texts: Sequence[str], k: int, rng: np.random.Generator) -> Strings | Numbers:
    shared = sum(n for n in Counter(texts).values() if n >= k)
    numeric = all(NUMBER.fullmatch(t) for t in texts) and shared < MOSTLY * len(texts)
    return Numbers(texts, k) if numeric else Strings(texts, k, rng)


def parsed(text: str) -> ElementTree.Element | None:
    """The root of an XML document; None for a text that is none."""
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None


class Uuids:
    """Version 4, drawn from the given generator."""

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        raw = rng.integers(0, 256, (count, 16), dtype=np.uint8)
        raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
        raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
        texts = [r.tobytes().hex() for r in raw]
        return [f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in texts]


class Networks:
    """Addresses of networks that are reserved for documentation (RFC 5737, RFC 3849) and random hardware addresses."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        self.mac = bool(texts) and all(re.fullmatch(r"([0-9a-f]{2}:){5,7}[0-9a-f]{2}", t) for t in texts)
        masks = Counter(t.partition("/")[2] for t in texts)
        self.masks = [(m, n) for m, n in masks.items() if n >= k] or [("", 1)]
        self.width = len(texts[0].split(":")) if self.mac else 0

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        if self.mac:
            return [":".join(f"{b:02x}" for b in row) for row in rng.integers(0, 256, (count, self.width))]
        weights = np.array([n for _, n in self.masks], float)
        masks = [self.masks[i][0] for i in rng.choice(len(self.masks), count, p=weights / weights.sum())]
        nets = ("192.0.2", "198.51.100", "203.0.113")
        hosts = rng.integers(0, [3, 256], (count, 2))
        return [
            f"{nets[a]}.0/24" if m and int(m) < 32 else f"{nets[a]}.{b}" for (a, b), m in zip(hosts, masks, strict=True)
        ]
