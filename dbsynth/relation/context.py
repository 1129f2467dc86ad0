"""What a child sees of the rows above it: the codes of its parent, of those above it, and its place among siblings.
The same columns, in the same order, at training and at sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbsynth.relation.counts import POSITIONS

PARENT_COLUMNS = 64
GRANDPARENT_COLUMNS = 24
"""At most so many code columns of a parent, and of each row above it, are seen (the first: keys and attributes)."""


@dataclass(frozen=True)
class Above:
    """One generation above a row: ``codes`` (parent rows, columns) with ``cardinalities``; ``kept`` the position of
    each parent row among the kept rows (-1 others), of which there are ``kept_count``; ``ordered``: the code columns
    whose codes have an order."""

    codes: np.ndarray
    cardinalities: tuple[int, ...]
    kept: np.ndarray
    kept_count: int
    ordered: tuple[bool, ...] = ()


def context_codes(
    rows: int, generations: list[tuple[Above, np.ndarray]], position: np.ndarray | None
) -> tuple[np.ndarray, tuple[int, ...]]:
    """int32 (rows, context columns) and their cardinalities. Each generation comes with the row of it that each row
    has (-1: none, coded as one more code: "no parent"). ``position``: codes of ``position_codes``, or None."""
    columns: list[np.ndarray] = []
    sizes: list[int] = []
    for depth, (above, at) in enumerate(generations):
        missing = at < 0
        limit = PARENT_COLUMNS if depth == 0 else GRANDPARENT_COLUMNS
        if above.kept_count:
            ident = np.append(above.kept, -1)[at]
            columns.append(np.where(missing, above.kept_count + 1, np.where(ident < 0, above.kept_count, ident)))
            sizes.append(above.kept_count + 2)
        for j, size in enumerate(above.cardinalities[:limit]):
            column = np.append(above.codes[:, j], size).astype(np.int32)
            columns.append(np.where(missing, size, column[at]))
            sizes.append(size + 1)
    if position is not None:
        no_parent = generations[0][1] < 0 if generations else np.zeros(rows, bool)
        columns.append(np.where(no_parent, POSITIONS - 1, position))
        sizes.append(POSITIONS)
    if not columns:
        return np.zeros((rows, 0), np.int32), ()
    return np.stack(columns, axis=1).astype(np.int32), tuple(sizes)


def context_order(generations: list[tuple[Above, np.ndarray]], position: bool) -> tuple[bool, ...]:
    """Of the columns of ``context_codes``, those whose codes have an order."""
    out: list[bool] = []
    for depth, (above, _) in enumerate(generations):
        limit = PARENT_COLUMNS if depth == 0 else GRANDPARENT_COLUMNS
        out += [False] * bool(above.kept_count)
        out += (above.ordered or (False,) * len(above.cardinalities))[:limit]
    return (*out, *[True] * position)
