"""XML as documents and back: elements are objects, attributes keys with an @, text under #."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from dbsynth.values.scalars import NO_DOCUMENT, Digits

MOSTLY = 0.9
HTML_TAGS = frozenset(
    ["html", "body", "p", "div", "a", "b", "i", "em", "strong", "span", "ul", "ol", "pre", "code", "table"]
)
HEAD = re.compile(r"\s*(<\?xml[^>]*\?>)")
WRITTEN = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d+)?")
"""Numbers that are written as JSON would."""
BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML does not have."""


@dataclass(frozen=True)
class XmlText:
    """``many``: tags that occur several times in an element; ``head``: what stands before the root."""

    many: frozenset[str]
    head: str

    @classmethod
    def of(cls, texts: Sequence[str]) -> XmlText:
        many: set[str] = set()
        for text in texts:
            root = parsed(text)
            for element in root.iter() if root is not None else ():
                tags = [child.tag for child in element]
                many |= {t for t in tags if tags.count(t) > 1} if len(set(tags)) < len(tags) else set()
        heads = [m.group(1) for t in texts if (m := HEAD.match(t))]
        return cls(frozenset(many), heads[0] if len(heads) >= MOSTLY * len(texts) and len(set(heads)) == 1 else "")

    def parse(self, text: str) -> Any:
        root = parsed(text)
        return NO_DOCUMENT if root is None else {root.tag: self._content(root)}

    def _content(self, element: ElementTree.Element) -> Any:
        text = _scalar((element.text or "").strip())
        if not element.attrib and not len(element):
            return text
        out: dict[str, Any] = {f"@{name}": _scalar(value) for name, value in element.attrib.items()}
        if text is not None:
            out["#"] = text
        for child in element:
            content = self._content(child)
            if child.tag in self.many:
                out.setdefault(child.tag, []).append(content)
            else:
                out[child.tag] = content
        return out

    def write(self, value: Any) -> str:
        [(tag, content)] = list(value.items())[:1] or [("document", None)]
        return self.head + _element(tag, content, "")


def _element(tag: str, content: Any, outer: str) -> str:
    """``outer``: the name space around the element."""
    space, _, name = tag.rpartition("}")
    space = space[1:]
    head = name + (f" xmlns={quoteattr(space)}" if space != outer else "")
    body = ""
    if isinstance(content, dict):
        for i, (key, value) in enumerate(content.items()):
            if key == "#":
                body += _text(value)
            elif key.startswith("@"):
                owner, _, attribute = key[1:].rpartition("}")
                prefix = f"a{i}:" if owner else ""
                declared = f" xmlns:a{i}={quoteattr(owner[1:])}" if owner else ""
                head += f"{declared} {prefix}{attribute}={quoteattr(_clean(_plain(value)))}"
            else:
                for inner in value if isinstance(value, list) else [value]:
                    body += _element(key, inner, space)
    else:
        body = _text(content)
    return f"<{head}>{body}</{name}>" if body else f"<{head}/>"


def _text(value: Any) -> str:
    return escape(_clean(_plain(value)))


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _clean(text: str) -> str:
    return BREAKS.sub(" ", text)


def _scalar(text: str) -> Any:
    """A number where XML and JSON write the same, else the text; None for none."""
    match = WRITTEN.fullmatch(text)
    if match is None or text == "-0":
        return text or None
    return Digits(text) if match.group(1) else int(text)


def is_xml(texts: Sequence[str]) -> bool:
    """Whether ``texts`` are documents of elements of their own, not marked-up text."""
    shown = texts[:: max(1, len(texts) // 50)]
    roots = [parsed(t) if t.lstrip()[:1] == "<" else None for t in shown]
    known = [r for r in roots if r is not None]
    own = all(r.tag.rpartition("}")[2].lower() not in HTML_TAGS for r in known)
    return bool(known) and len(known) >= MOSTLY * len(roots) and own


def parsed(text: str) -> ElementTree.Element | None:
    """The root of an XML document; None for a text that is none."""
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
