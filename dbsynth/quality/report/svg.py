"""Elements of SVG as text. Every attribute and every text is escaped; colours are classes of the style sheet."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from dbsynth.quality.report.text import visible

Attribute = str | float | int | None


def element(name: str, *inner: Markup | str, **attributes: Attribute) -> Markup:
    """``class_`` stands for class, ``stroke_width`` for stroke-width; attributes that are None are left out."""
    told = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), shown(value))
        for key, value in attributes.items()
        if value is not None
    )
    if not inner:
        return Markup("<{}{}/>").format(name, told)
    body = Markup("").join(x if isinstance(x, Markup) else escape(visible(x)) for x in inner)
    return Markup("<{}{}>{}</{}>").format(name, told, body, name)


def shown(value: Attribute) -> str:
    """Coordinates with one decimal: a tenth of a pixel."""
    if isinstance(value, float):
        return (
            f"{value:.1f}".removesuffix(".0").replace("-0", "0")
            if abs(value) < 0.05
            else f"{value:.1f}".removesuffix(".0")
        )
    return visible(str(value))


def picture(width: float, height: float, title: str, description: str, parts: Iterable[Markup], class_: str) -> Markup:
    """An image to assistive technology, with a name and a description."""
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *parts,
        class_=class_,
        role="img",
        width=width,
        height=height,
        viewBox=f"0 0 {shown(float(width))} {shown(float(height))}",
    )


def text(x: float, y: float, words: str, class_: str | None = None, anchor: str | None = None) -> Markup:
    return element("text", words, x=float(x), y=float(y), class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element(
        "path", d=f"M{shown(float(x1))} {shown(float(y1))}L{shown(float(x2))} {shown(float(y2))}", class_=class_
    )


def steps(edges: Iterable[float], tops: Iterable[float], base: float, *, closed: bool) -> str:
    """The path over blocks that stand on ``base``: ``tops`` (n,) between ``edges`` (n + 1,)."""
    places = [float(e) for e in edges]
    path = [f"M{shown(places[0])} {shown(base)}"]
    for right, top in zip(places[1:], tops, strict=True):
        path.append(f"V{shown(float(top))}H{shown(right)}")
    path.append(f"V{shown(base)}")
    return "".join(path) + ("Z" if closed else "")
