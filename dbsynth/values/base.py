"""Values that are made, not modelled: personal data, codes, free text, structured values.

A generator is fitted on the source's column(s), keeps only what is safe to keep (patterns, lengths, vocabulary seen in
at least k rows), and makes new values for the rows in which the model said "not null". One generator may serve several
columns of a table whose values belong together in a row (first name, last name, e-mail).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa


class ValueGenerator(Protocol):
    columns: tuple[str, ...]

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        """One array per column of ``columns``, of ``arrow_type`` of the column's type, null where ``present[column]``
        (bool (rows,)) is False. ``row``: the other columns of the same rows that are already made. A column that
        must be unique never repeats a value over all calls on this object (which keeps what it needs for that)."""

    def avoid(self, there: Mapping[str, pa.Array]) -> None:
        """Before the first ``generate``: ``there`` are values of ``columns`` (as they are made) that rows have already.
        A column that must be unique does not repeat them, and numbers that are counted go on after them."""


def spread(rows: list[int], most: int) -> list[int]:
    """At most ``most`` of ``rows``, evenly."""
    return rows[:: -(-len(rows) // most)] if len(rows) > most else rows
