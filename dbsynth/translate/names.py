"""One rule for names between databases: a name that needs no quotes in the source needs none in the target."""

from __future__ import annotations

import re

from dbsynth.grammar import Grammar

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def folded(name: str, source: Grammar, target: Grammar) -> str:
    """``ALBUM`` of a database that folds to capitals becomes ``album`` in one that folds to small letters. A name that
    is written in quotes in the source (``"AlbumId"``, ``"my table"``) keeps its letters."""
    if not PLAIN.fullmatch(name) or source.folds == target.folds:
        return name
    unquoted = {"upper": name == name.upper(), "lower": name == name.lower(), "keep": True}[source.folds]
    if not unquoted:
        return name
    return name.upper() if target.folds == "upper" else name.lower()


def rule(source: Grammar, target: Grammar) -> str | None:
    """The rule for people; None where no name changes."""
    if source.folds == target.folds or (source.folds == "lower" and target.folds == "keep"):
        return None
    letters = "capitals" if target.folds == "upper" else "small letters"
    return f"names that need no quotes in the source are written in {letters}; others keep their letters"
