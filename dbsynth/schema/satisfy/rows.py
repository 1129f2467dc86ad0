"""Rows while they are made to meet a predicate: their columns can be read, and written in the columns' own types."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.schema.expression.casts import convert, possible
from dbsynth.schema.expression.nodes import Context, Node, write_column
from dbsynth.schema.expression.values import Vec
from dbsynth.schema.implied import Implied

Columns = dict[str, pa.Array]


class Rows:
    """``columns``: of the rows to be changed; ``whole``: of all rows, from which values may be taken where ``good``;
    ``free``: the columns that may be changed."""

    def __init__(
        self,
        columns: Columns,
        whole: Columns,
        good: np.ndarray,
        free: Collection[str],
        implied: Implied,
        rng: np.random.Generator,
    ) -> None:
        self.columns, self.whole, self.good = dict(columns), whole, good
        self.free, self.implied, self.rng = frozenset(free), implied, rng
        self.n = len(next(iter(columns.values()))) if columns else 0
        self._context: Context | None = None
        self._all = Context(pa.RecordBatch.from_arrays(list(whole.values()), names=list(whole)), implied.now)
        self._donors: dict[Node, Vec] = {}

    @property
    def context(self) -> Context:
        if self._context is None:
            batch = pa.RecordBatch.from_arrays(list(self.columns.values()), names=list(self.columns))
            self._context = Context(batch, self.implied.now)
        return self._context

    def value(self, node: Node) -> Vec:
        return node.run(self.context).expand(self.n)

    def donors(self, node: Node) -> Vec:
        """What ``node`` is in the good rows (in all, if there are none), nulls left out."""
        if node not in self._donors:
            vec = node.run(self._all).expand(self._all.rows)
            known = vec.valid & (True if vec.bad is None else ~vec.bad)
            rows = np.flatnonzero(known & self.good) if (known & self.good).any() else np.flatnonzero(known)
            self._donors[node] = vec.take(rows)
        return self._donors[node]

    def lenders(self, node: Node, wanted: bool) -> np.ndarray:
        """The rows of all in which ``node`` is ``wanted``, the good ones if there are such."""
        vec = node.run(self._all).expand(self._all.rows)
        so = vec.valid & (vec.values == wanted) & (True if vec.bad is None else ~vec.bad)
        return np.flatnonzero(so & self.good if (so & self.good).any() else so)

    def put(self, node: Node, vec: Vec, where: np.ndarray) -> None:
        """Write ``vec`` (rows,) into the column ``node`` of the rows ``where`` in which it is known."""
        if node.name not in self.free or not possible(vec.type, node.type):
            return
        made = convert(vec, node.type, self.implied.now).expand(self.n)
        known = where & made.valid & (True if made.bad is None else ~made.bad)
        if known.any():
            written = write_column(made, self.columns[node.name].type)
            self.set(node.name, written, known & written.is_valid().to_numpy(zero_copy_only=False))

    def set(self, name: str, values: pa.Array, where: np.ndarray) -> None:
        old = self.columns[name]
        self.columns[name] = pc.if_else(pa.array(where), values.cast(old.type), old)
        self._context = None

    def null(self, name: str, where: np.ndarray) -> None:
        if name in self.free and name in self.implied.nullable:
            self.set(name, pa.nulls(self.n, self.columns[name].type), where)

    def restore(self, before: Columns, where: np.ndarray) -> None:
        for name in self.free:
            if self.columns[name] is not before[name] and where.any():
                self.set(name, before[name], where)
