"""Foreign keys of generated rows: from codes to parent rows, and rows that point at rows of their own table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.pipeline.bonds import bond_of, facts_of
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.plan import degree_column
from dbsynth.pipeline.units import unwhole
from dbsynth.relation.assign import Bond, choose, fill_columns, kind_of
from dbsynth.relation.counts import in_proportion
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import Exclusive
from dbsynth.relation.keys import row_index, take
from dbsynth.relation.members import balanced
from dbsynth.schema.model import ForeignKey, TableName
from dbsynth.schema.types import arrow_type


def assign_key(draft: Draft, key: KeyPlan) -> None:
    if key.fill == "dropped":
        return
    if key.fill in ("self", "cycle"):
        hold_place(draft, key)
        return
    if key.fill == "context":
        set_member(draft, key, draft.parent)
        return
    if key.fill == "category":
        balance(draft, key)
    parent, bond, rng = draft.parent_of(key), bond_of(draft, key), draft.rng("key", key.key.stream)
    clusters, code = draft.learned.clusters.get(key.code), draft.code(key)
    if code is not None and bond.agree:
        member = choose_agreeing(draft, key, code, bond)
    else:
        member = choose(key, code, draft.columns, parent, clusters, rng, bond)
    set_member(draft, key, _never_without(draft, key, member))


def _never_without(draft: Draft, key: KeyPlan, member: np.ndarray) -> np.ndarray:
    """Where no parent is left that the facts allow and the key cannot be null, any parent: constraints go first."""
    without = np.flatnonzero(member < 0)
    parents = draft.parent_of(key).rows.num_rows
    if not len(without) or not parents or len(key.free) < len(key.key.columns):
        return member
    if any(draft.table.table.column(c).nullable for c in key.key.columns):
        return member
    out = member.copy()
    out[without] = draft.rng("without", key.key.stream).integers(0, parents, len(without))
    draft.warnings.append(f"foreign key {key.key.name}: {len(without)} rows found no parent that the facts allow")
    return out


def choose_agreeing(draft: Draft, key: KeyPlan, code: np.ndarray, bond: Bond) -> np.ndarray:
    """Parents that go with the other keys of their row. Where none does, null if that can be, and as many rows that the
    model left null get a parent; where it cannot be null, any parent, with a warning."""
    parent, clusters = draft.parent_of(key), draft.learned.clusters.get(key.code)
    rng = draft.rng("key", key.key.stream)
    if not any(draft.table.table.column(c).nullable for c in key.free):
        member = choose(key, code, draft.columns, parent, clusters, rng, bond)
        astray = np.flatnonzero(member < 0)
        if len(astray):
            member[astray] = choose(key, code, draft.columns, parent, clusters, rng)[astray]
            draft.warnings.append(
                f"foreign key {key.key.name}: {len(astray)} rows have no parent that goes with their other keys"
            )
        return member
    every = choose(key, np.maximum(code, 1), draft.columns, parent, clusters, rng, bond)
    family = np.arange(draft.n)
    if bond.family.whole:
        _, family = np.unique(np.where(bond.family.of < 0, -1 - family, bond.family.of), return_inverse=True)
    present = (np.bincount(family, code > 0) * 2 >= np.bincount(family))[family]
    member = np.where(present, every, -1)
    able = np.flatnonzero(~present & (every >= 0))
    able = able[np.argsort(rng.permutation(draft.n)[family[able]], kind="stable")]
    more = able[: max(0, int((code > 0).sum() - (member >= 0).sum()))]
    member[more] = every[more]
    return member


def set_member(draft: Draft, key: KeyPlan, member: np.ndarray) -> None:
    """``member`` int64 (rows,), -1 for null: its key values, and the code that says which kind of parent it is."""
    parent, rng = draft.parent_of(key), draft.rng("values of key", key.key.stream)
    nullable = {c: draft.table.table.column(c).nullable for c in key.key.columns}
    draft.member[key.key.name] = member
    draft.columns.update(fill_columns(key, member, parent, nullable, rng))
    if key.code in draft.spans and len(member):
        kinds = np.append(kind_of(key, parent, draft.learned.clusters.get(key.code)), -1)[member]
        if key.fill == "category":
            kinds = np.minimum(kinds, parent.kept)
        draft.codes[:, draft.spans[key.code].start] = kinds + 1


def balance(draft: Draft, key: KeyPlan) -> None:
    """Each kept parent is drawn as often as in the source, in proportion to the rows: of the codes that the model drew
    too often some are exchanged for those that it drew too rarely. Where the key can be null, how often it is and how
    often it points at a row that is not kept is the model's word."""
    kept, own = draft.plan[key.key.ref_table].kept, draft.table.kept
    codes = draft.code(key)
    assert kept is not None
    assert codes is not None
    degrees = kept.rows.column(degree_column(draft.table.name, key.key)).to_numpy().astype(np.int64)
    if own is not None and own.count:
        own_keys = [own.rows.column(c) for c in key.key.columns]
        taken = row_index(own_keys, [kept.rows.column(c) for c in key.key.ref_columns])
        degrees = (degrees - np.bincount(taken[taken >= 0], minlength=kept.count)).clip(min=0)
    others = draft.table.source_rows - (draft.table.kept.count if draft.table.kept else 0) - int(degrees.sum())
    exempt = any(draft.table.table.column(c).nullable for c in key.key.columns)
    rows = np.flatnonzero((codes > 0) & ((codes <= kept.count) | (not exempt)))
    weights = degrees if exempt else np.append(degrees, max(0, others))
    if len(rows) and weights.sum():
        wanted = in_proportion(weights, len(rows))
        fresh = balanced(codes[rows] - 1, wanted, draft.rng("exchange", key.key.stream))
        draft.codes[rows, draft.spans[key.code].start] = fresh + 1


def hold_place(draft: Draft, key: KeyPlan) -> None:
    """Null or not is known now, which row only when all rows are made: a value of the type stands in for it."""
    code = draft.code(key)
    assert code is not None
    for column in key.free:
        type_ = arrow_type(draft.table.table.column(column).type)
        present = (code > 0) if draft.table.table.column(column).nullable else np.ones(draft.n, bool)
        stand_in = pa.array(["0"] * draft.n).cast(type_) if pt.is_string(type_) else unwhole(np.zeros(draft.n), type_)
        draft.columns[column] = take(stand_in, np.where(present, np.arange(draft.n), -1))


def degrees(draft: Draft, child: TableName, key: ForeignKey) -> np.ndarray:
    """int64 (rows,): how many rows of ``child`` are to point at each row over ``key``."""
    learned = draft.learned.degrees[degree_column(child, key)]
    lead = next((d for d in draft.table.degrees if d.column == learned.lead), None)
    child, key = (lead.child, lead.key) if lead else (child, key)
    rng = draft.rng("degree", child.name, key.stream)
    drawn = draft.learned.codec.decode_column(degree_column(child, key), draft.codes, rng)
    return learned.imposed(drawn.to_numpy(zero_copy_only=False), rng)


def all_degrees(draft: Draft) -> dict[str, np.ndarray]:
    """The counts of ``TablePlan.degrees``, int64 (rows,) each; of children that exclude each other, one at most."""
    out = {d.column: degrees(draft, d.child, d.key) for d in draft.table.degrees}
    for fact in facts_of(draft):
        if isinstance(fact, Exclusive) and draft.n:
            wanted = set(zip(fact.children, fact.keys, strict=True))
            names = [d.column for d in draft.table.degrees if (d.child, d.key.name) in wanted]
            out |= one_of(draft, fact, names)
    return out


def one_of(draft: Draft, fact: Exclusive, names: list[str]) -> dict[str, np.ndarray]:
    """Each row has a child in one of the columns ``names``, or in none, each as often as in the source: what the model
    says, but for as many rows as it says too often."""
    rng = draft.rng("one of", *fact.keys)
    said = [draft.learned.codec.decode_column(n, draft.codes, rng).to_numpy(zero_copy_only=False) > 0 for n in names]
    kind = np.where(np.any(said, axis=0), np.argmax(said, axis=0) + 1, 0)
    learned = [draft.learned.degrees[n] for n in names]
    rows = int(learned[0].parents.sum())
    share = np.array([int(d.parents[d.numbers > 0].sum()) for d in learned])
    wanted = in_proportion(np.append(rows - share.sum(), share), draft.n)
    kind = balanced(kind, wanted, rng)
    return {name: (kind == i + 1).astype(np.int64) for i, name in enumerate(names)}
