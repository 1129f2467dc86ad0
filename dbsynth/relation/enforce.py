"""One unique key over generated rows: find the rows that repeat it and move the part of the key that can move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.assign import NO_BOND, Bond, Parent, fixed_columns
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, duplicates, group_ids, row_index, same_ids, take
from dbsynth.relation.unique import Lattice, redraw_unused, spread_distinct, switch_members

HELD = -(2**62)
"""The kind of rows with which none exchanges."""
MOVES = 60
"""Rounds in which values move off those of kept rows."""


@dataclass(frozen=True)
class Choice:
    """A foreign key whose member may be exchanged: ``parent`` rows, ``member`` of each made row; ``kind`` int (rows,):
    what the model asked for; ``bond``: what the other keys of the row ask of the parent."""

    key: KeyPlan
    parent: Parent
    member: np.ndarray
    kind: np.ndarray | None = None
    bond: Bond = NO_BOND


def repeated(unique: tuple[str, ...], made: Mapping[str, pa.Array], kept: pa.Table | None) -> np.ndarray:
    """True for made rows whose key tuple occurs in a kept row or an earlier made row (null tuples never repeat)."""
    if kept is not None and kept.num_rows:
        both = [pa.concat_arrays([combined(kept.column(c)).cast(made[c].type), made[c]]) for c in unique]
        ids, _ = group_ids(both)
        return duplicates(ids)[kept.num_rows :]
    ids, _ = group_ids([made[c] for c in unique])
    return duplicates(ids)


def move_on_lattice(
    unique: tuple[str, ...],
    column: str,
    values: np.ndarray,
    made: Mapping[str, pa.Array],
    lattice: Lattice,
    bounds: tuple[int | None, int | None],
) -> tuple[np.ndarray, np.ndarray]:
    """New int64 values of ``column`` (non-null) and the mask of lost rows; rows of one group differ in them."""
    rest = [made[c] for c in unique if c != column]
    groups = group_ids(rest)[0] if rest else np.zeros(len(values), np.int64)
    free = groups < 0  # a null elsewhere in the key: nothing to keep apart
    groups = np.where(free, groups.max(initial=0) + 1 + np.arange(len(values)), groups)
    return spread_distinct(values, groups, lattice, least=bounds[0], most=bounds[1])


def move_off(
    values: np.ndarray,
    repeats: Callable[[np.ndarray], np.ndarray],
    lattice: Lattice,
    bounds: tuple[int | None, int | None],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """int64 ``values`` with others where ``repeats`` (of values, bool (rows,)) says so: drawn on the lattice at first,
    above its upper end later; and the mask of lost rows, which found no place below the upper bound."""
    out, high = values.copy(), lattice.high
    most = 2**62 if bounds[1] is None else bounds[1]
    for turn in range(MOVES):
        bad = np.flatnonzero(repeats(out))
        if len(bad) == 0:
            return out, np.zeros(len(out), bool)
        if turn > MOVES // 3:
            high = min(high + lattice.step * len(out), most)
        steps = max(0, (high - lattice.low) // lattice.step)
        out[bad] = lattice.low + rng.integers(0, steps + 1, len(bad)) * lattice.step
    return out, repeats(out)


def exchange_members(
    unique: tuple[str, ...],
    choice: Choice,
    made: Mapping[str, pa.Array],
    bad: np.ndarray,
    rng: np.random.Generator,
    *,
    standing: int = 0,
    kept: pa.Table | None = None,
) -> np.ndarray:
    """New members (all rows): where a pair is there twice, as in the rows ``bad``, two rows exchange theirs, so that
    every parent keeps its number of rows; where no exchange is found, a parent that the rest of the key has not met
    yet, -1 where none is left. The first ``standing`` rows and those of ``kept``, which are no made rows, keep theirs.
    """
    names = [c for c in unique if c not in choice.key.free]
    rest = [made[c] for c in names]
    n = len(choice.member)
    group = group_ids(rest)[0] if rest else np.zeros(n, np.int64)
    fixed = fixed_columns(choice.key, made, choice.parent) + choice.bond.pairs
    own, theirs = np.zeros(n, np.int64), None
    if fixed:
        own, theirs = same_ids([a for a, _ in fixed], [b for _, b in fixed])
    kind = own if choice.kind is None else group_ids([pa.array(own), pa.array(choice.kind)])[0]
    allowed = choice.bond.allowed
    member, held = choice.member, np.arange(n) < standing
    if kept is not None and kept.num_rows:
        group, met = group_ids(rest, [kept.column(c) for c in names]) if rest else (group, np.zeros(kept.num_rows, int))
        at = row_index([kept.column(c) for c in choice.key.key.columns], choice.parent.columns(choice.key))
        near = np.flatnonzero((at >= 0) & np.isin(met, group))
        group, member = np.concatenate([group, met[near]]), np.concatenate([member, at[near]])
        kind, own = (np.concatenate([x, np.zeros(len(near), np.int64)]) for x in (kind, own))
        held = np.concatenate([held, np.ones(len(near), bool)])
    kinds = [np.where(held, HELD, x) for x in (kind, own)] if held.any() else [kind, own]
    member, left = switch_members(bad, group, member, kinds, rng, allowed=allowed)
    member[left] = redraw_unused(
        left, group, member, choice.parent.degrees, rng, member_group=theirs, row_group=own if fixed else None
    )
    if allowed is not None:
        drawn = left[member[left] >= 0]
        member[drawn[~allowed(drawn, member[drawn])]] = -1
    return member[:n]


def exchange_categories(
    unique: tuple[str, ...],
    column: str,
    made: Mapping[str, pa.Array],
    bad: np.ndarray,
    rng: np.random.Generator,
    closed: pa.Array | None = None,
    kept: pa.Table | None = None,
) -> tuple[pa.Array, np.ndarray]:
    """Give rows ``bad`` another value of ``column`` among those that occur in it, or of ``closed``, all that the column
    may hold, that no row of ``kept`` has either; the new column and the lost rows."""
    rest = [made[c] for c in unique if c != column]
    n = len(made[column])
    group = group_ids(rest)[0] if rest else np.zeros(n, np.int64)
    both = [made[column]]
    if kept is not None and kept.num_rows:
        others = [kept.column(c) for c in unique if c != column]
        group = np.concatenate(group_ids(rest, others)) if rest else np.zeros(n + kept.num_rows, np.int64)
        both.append(combined(kept.column(column)).cast(made[column].type))
    if closed is not None:
        both.append(closed.cast(made[column].type))
    encoded = pc.dictionary_encode(pa.concat_arrays(both))
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)[: len(group)]
    weights = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary)).astype(np.float64)
    fresh = redraw_unused(bad, group, codes, weights, rng)
    codes = codes[:n].copy()
    codes[bad] = fresh
    lost = np.zeros(n, bool)
    lost[bad[fresh < 0]] = True
    return take(encoded.dictionary, codes), lost
