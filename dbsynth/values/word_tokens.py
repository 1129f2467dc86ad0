"""Texts as tokens: words, numbers, single signs, blanks, inline tags. A token that one blank precedes holds it, so that
the tokens of a text, joined, are the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

URL, EMAIL = "\x00u", "\x00m"
"""Stand for any web address or mail address (no text of a database holds NUL)."""


def _ranges(wanted: Iterable[int]) -> str:
    """Code points as the inside of a character class."""
    parts: list[list[int]] = []
    for point in wanted:
        if parts and parts[-1][1] == point - 1:
            parts[-1][1] = point
        else:
            parts.append([point, point])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" if a < b else re.escape(chr(a)) for a, b in parts)


MARKS = _ranges(p for p in range(0x300, 0x10000) if unicodedata.category(chr(p)) in ("Mn", "Mc")) + "\u200c\u200d"
"""Signs that belong to the letter before them (vowels of Thai, Arabic, Hindi), which ``\\w`` leaves out."""
UNSPACED = "\u0e01-\u0e30\u0e32-\u0e46\u0e81-\u0eb0\u1000-\u102a\u1780-\u17b3\u3040-\u30ff\u3400-\u9fff"
"""Letters of scripts that write no blanks between words: each is a token of its own."""
PART = rf"(?:(?![{UNSPACED}])[^\W\d_][{MARKS}]*)+"
WORD = rf"[{UNSPACED}][{MARKS}]*|{PART}"
TOKEN = rf"[{UNSPACED}][{MARKS}]*|{PART}(?:['’]{PART}){{0,2}}"
"""A word is of one part or, with apostrophes, of up to ``MOST_PARTS``."""
MOST_PARTS = 3
ADDRESS = r"(?:https?://|www\.)[^\s<>\"'()\[\]]+"
MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
TAG = r"</?[A-Za-z][^<>]*>"
ENTITY = r"&#?\w{1,8};"
PLAIN = re.compile(rf"(?P<url>{ADDRESS})|(?P<mail>{MAIL})|(?P<word>{TOKEN})|\d+|\s+|(?P<sign>\S)(?P=sign)*")
MARKED = re.compile(
    rf"(?P<tag>{TAG})|(?P<url>{ADDRESS})|(?P<mail>{MAIL})|{ENTITY}|(?P<word>{TOKEN})|\d+|\s+|(?P<sign>\S)(?P=sign)*"
)
FINE = re.compile(WORD + r"|\d+")
"""The words of a text whatever stands between them: what sequences are counted in."""
NO_TAGS = re.compile(TAG + "|(" + FINE.pattern + ")")
SCHEME = "https"
MOST_INSIDE = 40
"""Tokens between two dollar signs or backticks that belong together."""
ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
LINKS = ("href", "src")


def tokens_of(text: str, *, markup: bool = False, links: list[tuple[int, int]] | None = None) -> list[str]:
    """The tokens of ``text``; web and mail addresses as ``URL`` and ``EMAIL``, tags without what is their own. The
    lengths and the digits of web addresses go into ``links``."""

    def note(link: str) -> None:
        if links is not None:
            links.append((len(link), sum(map(str.isdecimal, link))))

    out: list[str] = []
    blank = False
    for match in (MARKED if markup else PLAIN).finditer(text):
        kind, token = match.lastgroup, match.group()
        if token == " ":
            blank = True
            continue
        if kind == "url":
            end = len(token.rstrip(".,;:!?"))
            out.append((" " if blank else "") + URL)
            out += list(token[end:])
            note(token[:end])
        elif kind == "mail":
            out.append((" " if blank else "") + EMAIL)
        elif kind == "tag":
            out.append((" " if blank else "") + tag_of(token))
            if URL in out[-1]:
                note(next((v for m in ATTRIBUTE.finditer(token) for v in m.groups()[1:] if v and "/" in v), ""))
        else:
            out.append((" " if blank else "") + token)
        blank = False
    return out


def modes_of(tokens: Sequence[str]) -> list[int]:
    """1 for tokens of formulas and of code inside a text, with the signs around them, else 0."""
    out = [0] * len(tokens)
    begun = None
    for i, token in enumerate(tokens):
        bare = token.lstrip()
        if begun is None:
            if bare in ("$", "$$", "`", "<code>"):
                begun = i
        elif bare == _CLOSING[tokens[begun].lstrip()]:
            out[begun : i + 1] = [1] * (i + 1 - begun)
            begun = None
        elif i - begun > MOST_INSIDE:
            begun = None
    return out


_CLOSING = {"$": "$", "$$": "$$", "`": "`", "<code>": "</code>"}


def tag_of(tag: str) -> str:
    """``tag`` with ``URL`` for its links."""
    if tag.startswith("</"):
        return "</" + tag_name(tag) + ">"
    values = [(m[1], next((v for v in m.groups()[1:] if v is not None), "")) for m in ATTRIBUTE.finditer(tag)]
    inner = "".join(f' {n}="{URL if n.lower() in LINKS or "://" in v else v}"' for n, v in values)
    return f"<{tag_name(tag)}{inner}{' /' if tag.endswith('/>') else ''}>"


def bare_tag(tag: str) -> str:
    """``tag`` with no attribute but its links."""
    links = [n for n, v in ((m[1], m[2]) for m in ATTRIBUTE.finditer(tag)) if n.lower() in LINKS and v == URL]
    return f"<{tag_name(tag)}" + "".join(f' {n}="{URL}"' for n in links) + (" />" if tag.endswith("/>") else ">")


def tag_name(tag: str) -> str:
    found = re.match(r"</?([A-Za-z][\w-]*)", tag)
    return found[1].lower() if found else ""


def words_of(text: str, *, markup: bool) -> list[str]:
    """The words of ``text`` in a row, case-folded; without those of tags where there is ``markup``."""
    if markup:
        return [m[1].casefold() for m in NO_TAGS.finditer(text) if m[1]]
    return [w.casefold() for w in FINE.findall(text)]


def is_word(token: str) -> bool:
    return FINE.match(token) is not None and not token.isdecimal()


def case_of(word: str) -> int:
    """0 lower, 1 title, 2 upper; of others the nearest."""
    if word[:1].isupper():
        return 2 if len(word) > 1 and word.isupper() else 1
    return 0


CASES = (str.lower, lambda w: w[:1].upper() + w[1:].lower(), str.upper)
