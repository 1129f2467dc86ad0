"""What facts between the keys of a row ask of the parent over one of them, given the others."""

from __future__ import annotations

import numpy as np

from dbsynth.pipeline.draft import Draft
from dbsynth.relation.assign import NO_BOND, NO_FAMILY, Agree, Bond, Family
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import KEY_FACTS, Acyclic, Agreement, Allowed, Apart, KeyFact, heights
from dbsynth.relation.keys import take


def facts_of(draft: Draft) -> list[KeyFact]:
    return [f for f in draft.plan.facts if isinstance(f, KEY_FACTS) and f.table == draft.table.name]


def bond_of(draft: Draft, key: KeyPlan) -> Bond:
    """Of the facts in which ``key`` stands with a key that is set already."""
    agree: list[Agree] = []
    family = NO_FAMILY
    rules: list[Allowed] = []
    keys = {k.key.name: k for k in draft.table.keys}
    for fact in facts_of(draft):
        if isinstance(fact, Agreement) and key.key.name in (fact.key, fact.other):
            other, own, theirs = fact.other, fact.sources, fact.theirs
            if key.key.name == fact.other:
                other, own, theirs = fact.key, fact.theirs, fact.sources
            if other in draft.member:
                if other == fact.other:
                    family = Family(draft.member[other], fact.together, fact.nested, fact.whole)
                at, rows = draft.member[other], draft.parent_of(keys[other]).rows
                mine = draft.parent_of(key).rows
                agree += [
                    Agree(take(rows.column(c), at), mine.column(d), at >= 0) for c, d in zip(own, theirs, strict=True)
                ]
        elif isinstance(fact, Apart | Acyclic) and key.key.name in (fact.key, fact.other):
            below = key.key.name == fact.key
            other = fact.other if below else fact.key
            if other in draft.member:
                rank = None if isinstance(fact, Apart) else _ranks(draft, keys[fact.other], keys[fact.key])
                rules.append(_rule(draft.member[other].copy(), rank, 1 if below else -1))
    if not agree and not rules:
        return NO_BOND
    return Bond(tuple(agree), _all_of(rules) if rules else None, family)


def _ranks(draft: Draft, above: KeyPlan, below: KeyPlan) -> np.ndarray:
    """A rank of the parents in which the edges of the clone rise: the more often a row is to be below others and the
    less often above, the later it comes. The same whenever it is asked for."""
    return heights(
        draft.parent_of(above).degrees, draft.parent_of(below).degrees, draft.rng("heights", below.key.stream)
    )


def _rule(other: np.ndarray, rank: np.ndarray | None, sign: int) -> Allowed:
    def allowed(rows: np.ndarray, members: np.ndarray) -> np.ndarray:
        theirs = other[rows]
        if rank is None:
            apart: np.ndarray = (theirs < 0) | (members != theirs)
            return apart
        rises: np.ndarray = (theirs < 0) | (sign * (rank[members] - rank[theirs]) > 0)
        return rises

    return allowed


def _all_of(rules: list[Allowed]) -> Allowed:
    return lambda rows, members: np.logical_and.reduce([rule(rows, members) for rule in rules])
