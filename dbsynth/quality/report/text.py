"""Names and values of unknown origin as text that shows what it is: nothing in it acts on the page."""

from __future__ import annotations

import unicodedata
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
