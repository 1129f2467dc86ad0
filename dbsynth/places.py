"""How a database and schemas in it are written on one line: ``URL#schema,schema`` or ``name#schema``."""

from __future__ import annotations

from urllib.parse import unquote


def split_place(text: str) -> tuple[str, tuple[str, ...]]:
    """``postgresql://h/db#a,b`` -> (``postgresql://h/db``, (``a``, ``b``)). Commas, ``%`` and ``#`` in the name of a
    schema are written ``%2C``, ``%25`` and ``%23``."""
    base, mark, fragment = text.strip().rpartition("#")
    # postgresql://user:pass#word@host/db: this mark belongs to a password
    if not mark or ("://" in base and "@" in fragment):
        return text.strip(), ()
    return base.strip(), tuple(unquote(name).strip() for name in fragment.split(",") if name.strip())
