"""Names as addresses spell them: letters and digits of ASCII, lower case."""

from __future__ import annotations

import unicodedata

LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe",
     "þ": "th", "Þ": "Th", "ð": "d", "ı": "i"}
)  # fmt: skip
"""Those that Unicode does not take apart."""
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def ascii_of(text: str) -> str:
    """``Núñez`` -> ``Nunez``; letters of other scripts are left out."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text.translate(LETTERS)).encode("ascii", "ignore").decode()


def plain(text: str) -> str:
    """``O'Núñez`` -> ``onunez``."""
    return "".join(c for c in ascii_of(text).lower() if c.isalnum())


def plain_umlauts(text: str) -> str:
    """``Müller`` -> ``mueller``."""
    return plain(unicodedata.normalize("NFC", text.lower()).translate(UMLAUTS))
