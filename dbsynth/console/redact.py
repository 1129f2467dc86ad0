"""The last line of defence: no password leaves through a message, a log line or a traceback."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL

HIDDEN = "***"
SHORTEST = 4
"""A shorter password is hidden only where it stands in a URL: replaced everywhere it would garble ordinary words."""

SECRET_PARAMETERS = ("password", "token", "private_key_file_pwd", "passcode")
_IN_URL = re.compile(r"(\w+://[^\s:/@]*):\S+@")
"""Up to the last @: a password may hold one that is not escaped."""
_WITHOUT_SCHEME = re.compile(r"([\w.+-]+):[^\s:/@'\"]+@(?=[\w.\[-])")
"""``user:password@host``, a URL whose beginning was forgotten."""
_KEYWORD = re.compile(r"(\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)
_secrets: set[str] = set()


def remember(*urls: URL) -> None:
    """Hide the passwords of ``urls`` from now on."""
    for url in urls:
        found = [url.password, *(url.query.get(name) for name in SECRET_PARAMETERS)]
        for secret in found:
            if isinstance(secret, str) and len(secret) >= SHORTEST:
                _secrets.update({secret, quote(secret, safe=""), quote_plus(secret)})


def redact(text: str) -> str:
    text = _KEYWORD.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1:{HIDDEN}@", text))
    text = _WITHOUT_SCHEME.sub(rf"\1:{HIDDEN}@", text)
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
