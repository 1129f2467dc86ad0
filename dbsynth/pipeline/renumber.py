"""Surrogate keys that rise with a moment over the whole of a table that is made in parts: dealt out anew when all parts
are there, in the order of that moment. Keys of one part keep their order, so that what rests on it goes on to hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.row_rules import rules_of
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import Spool
from dbsynth.pipeline.units import whole, with_values
from dbsynth.relation.families import Exact
from dbsynth.relation.keys import combined
from dbsynth.relation.runs import places
from dbsynth.relation.sequences import RisingKey
from dbsynth.schema.expression.domains import base
from dbsynth.schema.expression.nodes import Node
from dbsynth.values.folded import Folded

BLOCK = 500_000
"""Rows whose moments are put in order at once."""
LAST = 2**63 - 1
"""The moment of rows without one."""


def rising_over_all(plan: Plan, table: TablePlan) -> RisingKey | None:
    """The fact by which the keys of ``table`` rise over all its rows."""
    found = (f for f in plan.facts if isinstance(f, RisingKey) and f.table == table.name and not f.family)
    return next(found, None)


def only_order_counts(draft: Draft, fact: RisingKey) -> bool:
    """Whether nothing in a row tells the value of its key: another one of the same order may take its place."""
    table = draft.table
    names = {fact.column, *_pointing(table, fact.column)}
    if any(names & {*r.reads, *r.columns} for r in rules_of(draft.plan, table.name)):
        return False
    folded = [m for m in draft.learned.generators if isinstance(m, Folded)]
    if any(p.copied in names for m in folded for p in m.document.paths):
        return False
    return _checked_by_order(draft.rules, fact.column, names)


def _pointing(table: TablePlan, column: str) -> list[str]:
    """The columns that hold keys of other rows of the table."""
    keys = [k for k in table.keys if k.fill == "self"]
    pairs = [(c, ref, k) for k in keys for c, ref in zip(k.key.columns, k.key.ref_columns, strict=True)]
    return [c for c, ref, k in pairs if ref == column and c in k.free]


def _checked_by_order(rules: Rules, column: str, names: Collection[str]) -> bool:
    if rules.remote_columns & set(names):
        return False
    told = [c for c in rules.local if set(c.columns) & set(names) and set(c.columns) != {column}]
    return all(c.node is not None and _by_order(c.node, names) for c in told)


def _by_order(node: Node, names: Collection[str]) -> bool:
    """Whether ``names`` occur in comparisons with each other only, or to be tested for null."""
    if not node.columns & set(names):
        return True
    if node.kind in ("compare", "null"):
        found = [base(a) for a in node.args]
        if all(f is not None and f.kind == "column" and f.name in names for f in found):
            return True
    return bool(node.args) and node.kind != "column" and all(_by_order(a, names) for a in node.args)


def renumber(spool: Spool, table: TablePlan, fact: RisingKey, sizes: Sequence[int]) -> None:
    """Deal the keys of ``table`` out anew, so that ``fact`` holds over all: it is spooled in parts of ``sizes`` rows,
    the keys of each are less than those of the next. Memory holds one part."""
    rows = spool.read(table.name).rows
    ends = np.cumsum(sizes)
    spans = [slice(int(e) - n, int(e)) for e, n in zip(ends, sizes, strict=True)]
    keys, moments, place = (spool.scratch(rows.num_rows) for _ in range(3))
    for span in spans:
        part = rows.slice(span.start, span.stop - span.start)
        own = whole(part.column(fact.column))
        order = np.argsort(own)
        keys[span] = own[order]
        # where rows exchanged keys for another's sake, a moment falls: its key goes with those before it
        moments[span] = np.maximum.accumulate(_moments(part.column(fact.by))[order])
    places([moments[s] for s in spans], [place[s] for s in spans], BLOCK)
    spool.rewrite(table.name, _renumbered(rows, table, fact, spans, keys, place))


def _moments(column: pa.ChunkedArray) -> np.ndarray:
    exact = Exact.of(combined(column))
    assert exact is not None, "days and microseconds are"
    return np.where(exact.present, exact.values, LAST)


def _renumbered(
    rows: pa.Table, table: TablePlan, fact: RisingKey, spans: Sequence[slice], keys: np.ndarray, place: np.ndarray
) -> Iterator[pa.Table]:
    for span in spans:
        part, old, new = rows.slice(span.start, span.stop - span.start), keys[span], keys[place[span]]
        for name in (fact.column, *_pointing(table, fact.column)):
            column = part.column(name)
            fresh = with_values(column, new[np.searchsorted(old, whole(column))])
            part = part.set_column(part.schema.get_field_index(name), part.schema.field(name), fresh)
        yield part
