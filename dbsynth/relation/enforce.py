"""One unique key over generated rows: find the rows that repeat it and move the part of the key that can move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.assign import NO_BOND, Bond, Parent, fixed_columns
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, duplicates, group_ids, same_ids, take
from dbsynth.relation.unique import Lattice, redraw_unused, spread_distinct, switch_members


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


def exchange_members(
    unique: tuple[str, ...],
    choice: Choice,
    made: Mapping[str, pa.Array],
    bad: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """New members (all rows): where a pair is there twice, as in the rows ``bad``, two rows exchange theirs, so that
    every parent keeps its number of rows; where no exchange is found, a parent that the rest of the key has not met
    yet, -1 where none is left."""
    rest = [made[c] for c in unique if c not in choice.key.free]
    n = len(choice.member)
    group = group_ids(rest)[0] if rest else np.zeros(n, np.int64)
    fixed = fixed_columns(choice.key, made, choice.parent) + choice.bond.pairs
    own, theirs = np.zeros(n, np.int64), None
    if fixed:
        own, theirs = same_ids([a for a, _ in fixed], [b for _, b in fixed])
    kind = own if choice.kind is None else group_ids([pa.array(own), pa.array(choice.kind)])[0]
    allowed = choice.bond.allowed
    member, left = switch_members(bad, group, choice.member, [kind, own], rng, allowed=allowed)
    member[left] = redraw_unused(
        left, group, member, choice.parent.degrees, rng, member_group=theirs, row_group=own if fixed else None
    )
    if allowed is not None:
        drawn = left[member[left] >= 0]
        member[drawn[~allowed(drawn, member[drawn])]] = -1
    return member


def exchange_categories(
    unique: tuple[str, ...],
    column: str,
    made: Mapping[str, pa.Array],
    bad: np.ndarray,
    rng: np.random.Generator,
    closed: pa.Array | None = None,
) -> tuple[pa.Array, np.ndarray]:
    """Give rows ``bad`` another value of ``column`` among those that occur in it, or of ``closed``, all that the column
    may hold; the new column and the lost rows."""
    rest = [made[c] for c in unique if c != column]
    n = len(made[column])
    group = group_ids(rest)[0] if rest else np.zeros(n, np.int64)
    both = made[column] if closed is None else pa.concat_arrays([made[column], closed.cast(made[column].type)])
    encoded = pc.dictionary_encode(both)
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)[:n]
    weights = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary)).astype(np.float64)
    fresh = redraw_unused(bad, group, codes, weights, rng)
    codes = codes.copy()
    codes[bad] = fresh
    lost = np.zeros(n, bool)
    lost[bad[fresh < 0]] = True
    return take(encoded.dictionary, codes), lost
