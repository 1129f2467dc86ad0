"""Self-references: rows that point to rows of their own table, made level by level, so that no row is its own ancestor
unless it points at itself in the source too."""

from __future__ import annotations

import numpy as np

from dbsynth.relation.key_facts import Allowed, Order
from dbsynth.relation.members import draw_by_degree
from dbsynth.relation.unique import draw_allowed, switch_members

MAX_DEPTH = 30
ITSELF = MAX_DEPTH + 1
EXCHANGES = 200
"""Rounds in which rows and their parents exchange values."""
CARDINALITY = MAX_DEPTH + 2
"""Codes of the model: 0 no parent, d = 1..30 the depth below a root, 31 the row points at itself."""


def depth_codes(parent: np.ndarray) -> np.ndarray:
    """Codes for int64 ``parent`` (row of the same table, -1 none, any place outside the sample counts as none known:
    pass -2 for it, it becomes depth 1). Rows on a cycle count from where they are first reached."""
    n = len(parent)
    depth = np.where(parent == -1, 0, np.where(parent == -2, 1, -1)).astype(np.int32)
    own = parent == np.arange(n)
    depth[own] = ITSELF
    for _ in range(MAX_DEPTH + 1):
        open_ = np.flatnonzero(depth < 0)
        if len(open_) == 0:
            break
        above = depth[parent[open_]]
        above = np.where(above == ITSELF, 0, above)
        ready = above >= 0
        if not ready.any():
            break
        depth[open_[ready]] = np.minimum(above[ready] + 1, MAX_DEPTH)
    depth[depth < 0] = 1  # on a cycle: from one level below a root on the tree has no cycle any more
    return depth


def settle_depths(depth: np.ndarray, rng: np.random.Generator, *, nullable: bool) -> np.ndarray:
    """Make every depth reachable: a row at depth d needs rows at depth d - 1. Depths above the deepest unbroken level
    move up to it; without any root, some rows become roots (null where ``nullable``, else pointing at themselves)."""
    out = depth.copy()
    if len(out) and not np.isin(out, (0, ITSELF)).any():
        out[rng.integers(len(out))] = 0 if nullable else ITSELF
    if not nullable:
        out[out == 0] = ITSELF
    level = 1
    for d in range(1, MAX_DEPTH + 1):
        here = out == d
        if here.any():
            out[here] = level
            level += 1
    return out


def choose_parents(
    depth: np.ndarray,
    degrees: np.ndarray,
    rng: np.random.Generator,
    *,
    wanted: np.ndarray | None = None,
    kinds: np.ndarray | None = None,
    allowed: Allowed | None = None,
) -> np.ndarray:
    """A parent row for each row (-1 for roots) one level above it, drawn by ``degrees`` among those of the ``kinds``
    (int64, of each row) that it has ``wanted`` (int64, -1: any). ``depth`` is settled.

    ``allowed``: of rows and parents, whether they may meet. A row that meets none of the level above it gets one from
    higher up, so that there is no cycle, and -1 where there is none."""
    n = len(depth)
    parent = np.full(n, -1, np.int64)
    own = np.flatnonzero(depth == ITSELF)
    parent[own] = own
    level = np.where(depth == ITSELF, 0, depth)
    kinds = np.zeros(n, np.int64) if kinds is None else kinds
    asked = np.zeros(n, np.int64) if wanted is None else np.where(wanted < 0, kinds.max(initial=0) + 1, wanted)
    for d in range(1, int(depth[depth < ITSELF].max(initial=0)) + 1):
        rows, above = np.flatnonzero(depth == d), np.flatnonzero(level == d - 1)
        member = draw_by_degree(asked[rows], kinds[above], degrees[above], rng)
        if allowed is not None:
            member = _allowed_members(rows, above, member, asked[rows], degrees, allowed, rng)
        parent[rows] = np.append(above, -1)[member]
        astray = rows[member < 0]
        if allowed is not None and len(astray):
            higher = np.flatnonzero(level < d - 1)
            if len(higher):
                fits: Allowed = lambda r, m: allowed(r, higher[m])  # noqa: B023, E731
                found = draw_allowed(astray, degrees[higher], fits, rng)
                parent[astray] = np.append(higher, -1)[found]
    return parent


def _allowed_members(
    rows: np.ndarray,
    above: np.ndarray,
    member: np.ndarray,
    asked: np.ndarray,
    degrees: np.ndarray,
    allowed: Allowed,
    rng: np.random.Generator,
) -> np.ndarray:
    """``member`` (places in ``above``) where it is allowed, else in exchange with another of ``rows``, else drawn; -1
    where none was found."""

    def fits(at: np.ndarray, members: np.ndarray) -> np.ndarray:
        return allowed(rows[at], above[members])

    every, nothing = np.arange(len(rows)), np.full(len(rows), -1, np.int64)
    bad = every[~fits(every, member)]
    out, left = switch_members(bad, nothing, member, [asked, np.zeros(len(rows), np.int64)], rng, allowed=fits)
    out[left] = draw_allowed(left, degrees[above], fits, rng)
    return out


def levels(parent: np.ndarray) -> np.ndarray:
    """How far each row is below a root (or a row that points at itself), int64; ``parent`` makes no other cycle."""
    out = np.zeros(len(parent), np.int64)
    own = np.arange(len(parent))
    at = np.where(parent == own, -1, parent)
    above = at.copy()
    while (above >= 0).any():
        out += above >= 0
        above = np.append(at, -1)[above]
    return out


def exchange_values(values: np.ndarray, parent: np.ndarray, movable: np.ndarray, order: Order) -> np.ndarray:
    """Where each row takes its value from, int64, so that rows stand in ``order`` to their parents: a row in the wrong
    order exchanges values with its parent, as in a heap (Williams 1964), while both are ``movable`` (bool). ``values``
    float64, NaN for null; equal values stay equal, whatever ``order`` says."""
    where = np.arange(len(values))
    below = np.flatnonzero((parent >= 0) & (parent != where))
    below = below[movable[below] & movable[parent[below]]]
    sign = -1.0 if order in ("<", "<=") else 1.0
    for _ in range(EXCHANGES):
        now = values[where]
        gap = sign * (now[parent[below]] - now[below])
        wrong = below[gap > 0]
        if len(wrong) == 0:
            break
        # of the children of one parent the one that is furthest off; a row takes part once a round
        wrong = wrong[np.argsort(-(gap[gap > 0]), kind="stable")]
        wrong = wrong[np.sort(np.unique(parent[wrong], return_index=True)[1])]
        wrong = wrong[~np.isin(parent[wrong], wrong)]
        where[wrong], where[parent[wrong]] = where[parent[wrong]], where[wrong]
    return where
