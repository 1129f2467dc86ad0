"""A column of documents in its text form, made from the columns of the model that it was unfolded into."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.codec.base import ColumnSpec
from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.values.document import Document
from dbsynth.values.notations import JsonText, Notation
from dbsynth.values.scalars import NO_DOCUMENT, loads

ROUNDS = 12
"""Redraws of documents that are too long, or that a unique column has already."""


@dataclass
class Folded:
    """``notation``: in which the documents are written; ``max_length``: of the text."""

    table: str
    columns: tuple[str, ...]
    document: Document
    notation: Notation = field(default_factory=JsonText)
    unique: bool = False
    max_length: int | None = None
    _used: set[str] = field(default_factory=set)

    @property
    def model_columns(self) -> list[str]:
        return self.document.columns

    def specs(self) -> list[ColumnSpec]:
        return self.document.specs()

    def unfold(self, texts: pa.Array) -> dict[str, pa.Array]:
        """The columns of the model for documents of the source."""
        return self.document.unfold(self.documents(texts))

    def documents(self, texts: pa.Array) -> list[Any]:
        return [NO_DOCUMENT if t is None else self.notation.parse(t) for t in texts.to_pylist()]

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        name = self.columns[0]
        where = np.flatnonzero(present[name])
        copied = [p.copied for p in self.document.paths if p.copied is not None]
        known = {c: row[c] for c in [*self.model_columns, *copied] if c in row}
        out = self._drawn(where, known, rng)
        for turn in range(ROUNDS if self.unique or self.max_length is not None else 0):
            again = self._refused(out)
            if not len(again):
                break
            given = known if turn < ROUNDS // 2 else {}
            out = _replaced(out, again, self._drawn(where[again], given, rng))
        if self.unique or self.max_length is not None:
            again = self._refused(out)
            if len(again):
                raise UnsatisfiableConstraint(
                    f"{self.table}.{name}: {len(again)} documents could not be made that are "
                    + ("different from all others" if self.unique else f"of {self.max_length} characters at most"),
                    hint=f"ask for fewer rows, or leave the table out: --exclude {self.table}",
                )
            self._used |= set(out.to_pylist()) if self.unique else set()
        at = np.full(len(present[name]), -1, np.int64)
        at[where] = np.arange(len(where))
        return {name: out.take(pa.array(at, mask=at < 0))}

    def avoid(self, there: Mapping[str, pa.Array]) -> None:
        if self.unique:
            self._used |= set(there[self.columns[0]].drop_null().to_pylist())

    def _drawn(self, rows: np.ndarray, known: Mapping[str, pa.Array], rng: np.random.Generator) -> pa.Array:
        given = {c: a.take(pa.array(rows)) for c, a in known.items()}
        return written(self.notation, self.document.fold(len(rows), given, rng))

    def _refused(self, texts: pa.Array) -> np.ndarray:
        bad = np.zeros(len(texts), bool)
        if self.max_length is not None:
            bad |= pc.greater(pc.utf8_length(texts), self.max_length).to_numpy(zero_copy_only=False)
        if self.unique:
            seen = set(self._used)
            for i, text in enumerate(texts.to_pylist()):
                bad[i] |= text in seen
                seen.add(text)
        return np.flatnonzero(bad)


@dataclass(frozen=True)
class Noted:
    """Documents in a notation, drawn without a model."""

    notation: Notation
    document: Document

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        texts: list[str] = written(self.notation, self.document.fold(count, {}, rng)).to_pylist()
        return texts


def written(notation: Notation, texts: pa.Array) -> pa.Array:
    """JSON texts in ``notation``."""
    if isinstance(notation, JsonText):
        return texts
    return pa.array([notation.write(loads(t)) for t in texts.to_pylist()], pa.string())


def _replaced(texts: pa.Array, rows: np.ndarray, fresh: pa.Array) -> pa.Array:
    where = np.arange(len(texts))
    where[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, fresh]).take(pa.array(where))


COMPACT = re.compile(r'"(?:[^"\\]|\\.)*":(\s?)')


def is_compact(texts: Sequence[str]) -> bool:
    """Whether most of ``texts`` that have a key are written without blanks."""
    heads = [m.group(1) for t in texts[:: max(1, len(texts) // 500)] if (m := COMPACT.search(t))]
    return bool(heads) and sum(not h for h in heads) > 0.5 * len(heads)


def are_documents(texts: Sequence[str], least: float = 0.99) -> bool:
    """Whether ``texts`` are JSON objects or arrays."""
    shown = texts[:: max(1, len(texts) // 500)]
    good = sum(t.lstrip()[:1] in ("{", "[") and isinstance(loads(t), dict | list) for t in shown)
    return bool(shown) and good >= least * len(shown)
