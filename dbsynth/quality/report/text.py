"""Names and values of unknown origin as text that shows what it is: nothing in it acts on the page."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

CONTROL_PICTURES = 0x2400
DELETE, PICTURE_OF_DELETE = 0x7F, "␡"
MOST = 60


def visible(text: str) -> str:
    """``text`` with what cannot be seen made visible: control characters as their pictures, marks that turn the
    direction of writing, half characters and the like as ⟨U+202E⟩. Letters and blanks stay."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(CONTROL_PICTURES + code)
    if code == DELETE:
        return PICTURE_OF_DELETE
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"⟨U+{code:04X}⟩"
    return character


def capped(text: str, most: int = MOST) -> str:
    """``text`` in at most ``most`` characters, visible."""
    return visible(text) if len(text) <= most else visible(text[: most - 1]) + "…"


def fitted(text: str, room: float, size: float = 11.0) -> str:
    """``text``, visible, cut to about ``room`` pixels of a sans-serif face of ``size`` pixels."""
    shown = visible(text[:MOST])
    widths = np.cumsum([_em(c) * size for c in shown])
    if len(text) <= MOST and (not len(widths) or widths[-1] <= room):
        return shown
    return shown[: int(np.searchsorted(widths, room - size, "right"))] + "…"


def all_capped(texts: Sequence[str], most: int = MOST) -> list[str]:
    """Each as ``capped``; where different ones would look alike, with their ends, or from where they differ."""
    return _apart(texts, [capped(t, most) for t in texts], float(most), len)


def all_fitted(texts: Sequence[str], room: float, size: float = 11.0) -> list[str]:
    """Each as ``fitted``, different ones different as in ``all_capped``."""
    return _apart(texts, [fitted(t, room, size) for t in texts], room, lambda t: sum(map(_em, t)) * size)


Width = Callable[[str], float]


def _apart(texts: Sequence[str], cut: Sequence[str], room: float, width: Width) -> list[str]:
    """``cut``, in which different ``texts`` are different."""
    short = dict(zip(texts, cut, strict=True))
    for another in (_ends, _difference):
        for alike in _alike(short):
            short |= zip(alike, another([visible(t) for t in alike], room, width), strict=True)
    for alike in _alike(short):  # a number tells them at least
        for text in alike[1:]:
            numbers = (f" {i}" for i in itertools.count(2))
            numbered = (_start(visible(text), room - width(n), width) + n for n in numbers)
            short[text] = next(n for n in numbered if n not in short.values())
    return [short[t] for t in texts]


def _alike(short: Mapping[str, str]) -> list[list[str]]:
    """Texts that are one when cut."""
    groups: dict[str, list[str]] = {}
    for text, cut in short.items():
        groups.setdefault(cut, []).append(text)
    return [g for g in groups.values() if len(g) > 1]


def _ends(texts: Sequence[str], room: float, width: Width) -> list[str]:
    """Beginning and end of each, the end in half of the room."""
    ends = [_begin(t[::-1], room / 2, width)[::-1] for t in texts]
    cut = [_begin(t, room - width("…" + e), width) + "…" + e for t, e in zip(texts, ends, strict=True)]
    return [t if width(t) <= room else c for t, c in zip(texts, cut, strict=True)]


def _difference(texts: Sequence[str], room: float, width: Width) -> list[str]:
    """A beginning in a third of the room, and each from where they differ."""
    if len(set(texts)) == 1:
        return [_start(t, room, width) for t in texts]
    columns = enumerate(zip(*texts, strict=False))
    same = next((i for i, letters in columns if len(set(letters)) > 1), min(map(len, texts)))
    begin = _begin(texts[0][:same], room / 3, width)
    begin += "…" if len(begin) < same else ""
    return [begin + _start(t[same:], room - width(begin), width) for t in texts]


def _start(text: str, room: float, width: Width) -> str:
    """What of ``text`` has room, with a sign where something is left out."""
    return text if width(text) <= room else _begin(text, room - width("…"), width) + "…"


def _begin(text: str, room: float, width: Width) -> str:
    sizes = np.cumsum([width(c) for c in text[: int(room) + 1]])
    return text[: int(np.searchsorted(sizes, room, "right"))]


def _em(character: str) -> float:
    """Width of a letter, in parts of the size."""
    if character in "iljtfrI.,:;'|!()[] ":
        return 0.38
    if character in "mwMW@%":
        return 0.98
    return 1.05 if ord(character) > 0x1100 else 0.74 if character.isupper() else 0.63


def cell(value: Any) -> str | None:
    """A value of a row for people; None for null."""
    if value is None:
        return None
    return capped(
        value if isinstance(value, str) else "true" if value is True else "false" if value is False else str(value)
    )


def share(value: float | None, k: int) -> str:
    """A share of rows as a percentage; None: of fewer than ``k`` rows."""
    if value is None:
        return f"< {k} rows"
    return percent(value)


def percent(value: float) -> str:
    per_cent = 100 * value
    if per_cent in (0.0, 100.0):
        return f"{per_cent:.0f} %"
    if per_cent < 0.1:
        return "< 0.1 %"
    if per_cent > 99.9:
        return "> 99.9 %"
    return f"{per_cent:.1f} %" if per_cent < 10 or per_cent > 99 else f"{per_cent:.0f} %"


def figure(value: float | None) -> str:
    """A figure of 0..1 (or any) with three decimals; – for none."""
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def told(value: float | None, rows: int, k: int) -> str:
    """A figure of ``rows`` rows of the source in steps of at least ``k`` of them, so that it does not tell of the few
    that a picture withholds: – where not even one decimal is as coarse."""
    if value is None or value != value:
        return "–"
    digits = next((d for d in (3, 2, 1) if rows >= k * 10**d), None)
    return "–" if digits is None else f"{value:.{digits}f}"


def limit(value: float | None) -> str:
    """A figure, or a count where it is one."""
    return f"{value:,.0f}" if value is not None and value > 1 and float(value).is_integer() else figure(value)


def seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"
