"""Foreign keys of generated rows: from the model's codes to a parent row, and from the parent row to key values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.relation.cluster import Clusters
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import Allowed
from dbsynth.relation.keys import group_ids, same_ids, take
from dbsynth.relation.members import draw_by_degree, draw_within
from dbsynth.relation.unique import draw_allowed, switch_members


@dataclass(frozen=True)
class Parent:
    """The finished table that a key points to. ``degrees`` float (rows,): how often each row is to be drawn;
    ``kept``: the first so many rows are the kept ones."""

    rows: pa.Table
    degrees: np.ndarray
    kept: int = 0

    def columns(self, key: KeyPlan) -> list[pa.ChunkedArray]:
        return [self.rows.column(c) for c in key.key.ref_columns]


@dataclass(frozen=True)
class Agree:
    """``own``, a value of each row, equals ``theirs`` of its parent (null equals null) in the rows ``where`` (bool)."""

    own: pa.Array
    theirs: pa.ChunkedArray
    where: np.ndarray


@dataclass(frozen=True)
class Family:
    """``of`` int64 (rows,): the parent of each row over a key that is set already. Its rows share a parent over the
    next key (``together``); a parent over the next key has rows of one family (``nested``); all of its rows are null
    or none (``whole``)."""

    of: np.ndarray
    together: bool = False
    nested: bool = False
    whole: bool = False


NO_FAMILY = Family(np.zeros(0, np.int64))


@dataclass(frozen=True)
class Bond:
    """What the keys of a row that are set already ask of the parent over another one. ``allowed``: of rows and members,
    whether they may meet."""

    agree: tuple[Agree, ...] = ()
    allowed: Allowed | None = None
    family: Family = NO_FAMILY

    @property
    def pairs(self) -> list[tuple[pa.Array, pa.ChunkedArray]]:
        return [(a.own, a.theirs) for a in self.agree]


NO_BOND = Bond()


def choose(
    key: KeyPlan,
    codes: np.ndarray | None,
    made: Mapping[str, pa.Array],
    parent: Parent,
    clusters: Clusters | None,
    rng: np.random.Generator,
    bond: Bond = NO_BOND,
) -> np.ndarray:
    """The parent row of each row, -1 for null. ``codes`` int (rows,): the model's column for this key; ``made``: the
    columns of the rows that are set already. Where ``bond`` asks for agreement and nothing agrees, -1."""
    if key.fill == "determined":
        own, theirs = group_ids([made[c] for c in key.key.columns], parent.columns(key))
        return draw_within(own, theirs, parent.degrees, rng)
    assert codes is not None
    out = np.full(len(codes), -1, np.int64)
    wanted = np.flatnonzero(codes > 0)
    if len(wanted) == 0 or parent.rows.num_rows == 0:
        return out
    if key.fill == "category":
        kept = codes[wanted] - 1
        other = kept >= parent.kept
        if other.any():
            start = parent.kept if parent.rows.num_rows > parent.kept else 0
            kept[other] = rng.integers(start, parent.rows.num_rows, int(other.sum()))
        out[wanted] = kept
    elif key.fill == "cluster":
        out[wanted] = draw_by_degree(codes[wanted] - 1, kind_of(key, parent, clusters), parent.degrees, rng)
    else:
        out[wanted] = match(key, made, parent, wanted, rng)
    fixed = fixed_columns(key, made, parent)
    if bond.agree:
        kind = kind_of(key, parent, clusters)
        asked, pattern = np.unique([a.where[wanted] for a in bond.agree], axis=1, return_inverse=True)
        for i, some in enumerate(asked.T):
            rows = wanted[pattern.ravel() == i]
            pairs = fixed + [p for p, there in zip(bond.pairs, some, strict=True) if there]
            if some.any():
                first, of = np.arange(len(rows)), np.arange(len(rows))
                if bond.family.together and not fixed:
                    _, first, of = np.unique(bond.family.of[rows], return_index=True, return_inverse=True)
                near = bond.family.of[rows[first]] if bond.family.nested else None
                out[rows] = agreeing(rows[first], out[rows[first]], kind, pairs, parent, rng, near)[of]
    if bond.allowed is not None:
        bad = wanted[out[wanted] >= 0]
        bad = bad[~bond.allowed(bad, out[bad])]
        out = exchanged(out, bad, codes, fixed + bond.pairs, parent, bond.allowed, rng)
    return out


def kind_of(key: KeyPlan, parent: Parent, clusters: Clusters | None) -> np.ndarray:
    """What the model tells the members apart by, int64 (parent rows,)."""
    if key.fill == "category":
        return np.arange(parent.rows.num_rows)
    return clusters.assign(parent.rows) if clusters is not None else np.zeros(parent.rows.num_rows, np.int64)


def agreeing(
    rows: np.ndarray,
    member: np.ndarray,
    kind: np.ndarray,
    pairs: Sequence[tuple[pa.Array, pa.ChunkedArray]],
    parent: Parent,
    rng: np.random.Generator,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """For ``rows``: ``member`` where it agrees in ``pairs`` (null agrees with null), else one of its kind that does,
    else any that does, by degree; -1 where none does. ``near``: rows that are alike in it share members."""
    own, theirs = same_ids([take(a, rows) for a, _ in pairs], [b for _, b in pairs])
    if near is not None:
        return draw_within(own, theirs, parent.degrees, rng, near=near)
    out = np.where((member >= 0) & (own == theirs[member]), member, -1)
    asked = np.append(kind, -1)[member]
    left = np.flatnonzero(out < 0)
    both, have = group_ids([pa.array(own[left]), pa.array(asked[left])], [pa.array(theirs), pa.array(kind)])
    out[left] = draw_within(both, have, parent.degrees, rng)
    left = np.flatnonzero(out < 0)
    out[left] = draw_within(own[left], theirs, parent.degrees, rng)
    return out


def exchanged(
    member: np.ndarray,
    bad: np.ndarray,
    codes: np.ndarray,
    pairs: Sequence[tuple[pa.Array, pa.ChunkedArray]],
    parent: Parent,
    allowed: Allowed,
    rng: np.random.Generator,
) -> np.ndarray:
    """``member`` (all rows) with an allowed one for the rows ``bad``: in exchange with a row that the model gave the
    same code, with any other, or drawn; -1 where none was found. What agrees in ``pairs`` stays so."""
    nothing = np.full(len(member), -1, np.int64)
    within = same_ids([a for a, _ in pairs], [b for _, b in pairs])[0] if pairs else np.zeros(len(member), np.int64)
    alike = group_ids([pa.array(within), pa.array(codes)])[0]
    out, left = switch_members(bad, nothing, member, [alike, within], rng, allowed=allowed)
    if len(left) and pairs:
        own, theirs = same_ids([a for a, _ in pairs], [b for _, b in pairs])
        both: Allowed = lambda rows, members: allowed(rows, members) & (own[rows] == theirs[members])  # noqa: E731
        out[left] = draw_allowed(left, parent.degrees, both, rng)
    elif len(left):
        out[left] = draw_allowed(left, parent.degrees, allowed, rng)
    return out


def fixed_columns(key: KeyPlan, made: Mapping[str, pa.Array], parent: Parent) -> list[tuple[pa.Array, pa.ChunkedArray]]:
    """The columns of ``key`` that are set already, with those of the parent that they must equal."""
    pairs = zip(key.key.columns, key.key.ref_columns, strict=True)
    return [(made[c], parent.rows.column(r)) for c, r in pairs if c not in key.free]


def match(
    key: KeyPlan, made: Mapping[str, pa.Array], parent: Parent, rows: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """For ``rows``: a parent that agrees with the columns of ``key`` that are set already, by degree; -1 if none does
    or one of these columns is null. Without such columns any parent, by degree."""
    fixed = [(c, r) for c, r in zip(key.key.columns, key.key.ref_columns, strict=True) if c not in key.free]
    if not fixed:
        zero = np.zeros(len(rows), np.int64)
        return draw_by_degree(zero, np.zeros(parent.rows.num_rows, np.int64), parent.degrees, rng)
    own, theirs = group_ids([take(made[c], rows) for c, _ in fixed], [parent.rows.column(r) for _, r in fixed])
    members = np.flatnonzero(theirs >= 0)
    found = draw_within(own, theirs[members], parent.degrees[members], rng)
    return np.where((found >= 0) & (own >= 0), members[found] if len(members) else -1, -1)


def fill_columns(
    key: KeyPlan, member: np.ndarray, parent: Parent, nullable: Mapping[str, bool], rng: np.random.Generator
) -> dict[str, pa.Array]:
    """The free columns of ``key``. Where the key is null (member -1) its nullable columns are null; a NOT NULL column
    of a null key takes the value of some parent, so that it stays a value that occurs."""
    out: dict[str, pa.Array] = {}
    stand_in = member
    if parent.rows.num_rows and (member < 0).any():
        stand_in = np.where(member < 0, rng.integers(0, parent.rows.num_rows, len(member)), member)
    for column, ref in zip(key.key.columns, key.key.ref_columns, strict=True):
        if column in key.free:
            keep_value = not nullable[column] and any(nullable[c] for c in key.free)
            out[column] = take(parent.rows.column(ref), stand_in if keep_value else member)
    return out
