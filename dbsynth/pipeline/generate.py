"""From a model to the rows of one table: context, codes, foreign keys, unique keys, values, CHECKs, in this order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.codec.table import TableCodec
from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.model.base import FittedModel
from dbsynth.pipeline.plan import Plan, TablePlan, degree_column
from dbsynth.pipeline.prepare import category_codes, present_codes, unwhole, whole
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import CONTEXT, Made
from dbsynth.relation import tree
from dbsynth.relation.assign import Parent, choose, fill_columns
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.context import Above, context_codes
from dbsynth.relation.counts import expand, position_codes, spread
from dbsynth.relation.enforce import Choice, exchange_categories, exchange_members, move_on_lattice, repeated
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, row_index, take
from dbsynth.relation.unique import Lattice
from dbsynth.rng import generator
from dbsynth.schema.model import TableName
from dbsynth.schema.types import arrow_type
from dbsynth.values.base import ValueGenerator

CHUNK = 32_768
"""Rows that are drawn from the model at once: bounds the memory of the network's activations."""
REDRAWS = 8
"""Rounds in which rows that break a CHECK are drawn again before they are repaired."""
UNIQUE_TURNS = 4
"""Rounds over the unique keys of a table: moving one can touch another."""
LOST_SHARE = 0.05
"""More than this share of rows without a valid place is an error, not a warning."""


@dataclass
class Learned:
    """All that is needed to make a table: no row of the source but the kept ones in its plan."""

    plan: TablePlan
    codec: TableCodec
    model: FittedModel
    generators: list[ValueGenerator]
    clusters: Mapping[str, Clusters]
    lattices: Mapping[str, Lattice]
    lines: frozenset[str]
    null_context: float


@dataclass
class Maker:
    """Makes one table. ``parents``: the finished tables that its keys point to; ``ancestors``: the models of its
    context parent and grandparent, nearest first (their codes are what the rows see)."""

    plan: Plan
    learned: Learned
    parents: Mapping[TableName, Made]
    ancestors: list[TablePlan]
    cardinalities: list[tuple[int, ...]]
    seed: int
    rules: Rules
    progress: Callable[[int], None] = lambda rows: None
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = self.learned.plan
        self.spans = self.learned.codec.spans
        self.columns: dict[str, pa.Array] = {}
        self.member: dict[str, np.ndarray] = {}
        self.key_codes = [k for k in self.table.keys if k.code in self.spans]

    def rng(self, *names: str | int) -> np.random.Generator:
        return generator(self.seed, str(self.table.name), *names)

    def make(self) -> Made:
        self._place_under_parents()
        self.codes = self._sample(np.arange(self.n), None, "rows")
        self._serials()
        for key in self.table.keys:
            self._assign(key)
        self._decode(np.arange(self.n), "values")
        self._keep_unique()
        self._keep_checks()
        self._point_at_own_rows()
        return self._finish()

    # rows and what they stand under

    def _place_under_parents(self) -> None:
        n, context = self.table.made_rows, self.table.context
        rng = self.rng("counts")
        if context is None:
            self.n = n
            self.parent = np.full(n, -1, np.int64)
            self.position = np.zeros(n, np.int64)
            self.context, self.siblings = np.zeros((n, 0), np.int32), np.ones(n, np.int64)
            return
        above = self.parents[context.key.ref_table]
        counts = above.rows.column(degree_column(self.table.name, context.key)).to_numpy()
        without = n if len(counts) == 0 else round(n * self.learned.null_context)
        shares = spread(counts, n - without, rng, cap=self._capacity(context, above))
        if (short := n - without - int(shares.sum())) > 0:
            self.warnings.append(
                f"{short} rows fewer than wanted: its keys allow no more under {context.key.ref_table}"
            )
        parent, position = expand(shares)
        self.n = len(parent) + without
        self.parent = np.concatenate([parent, np.full(without, -1, np.int64)])
        self.position = np.concatenate([position, np.zeros(without, np.int64)])
        self.siblings = np.concatenate([shares[parent], np.ones(without, np.int64)])
        generations: list[tuple[Above, np.ndarray]] = []
        at, name = self.parent, context.key.ref_table
        for ancestor, sizes in zip(self.ancestors, self.cardinalities, strict=True):
            made = self.parents[name]
            kept = np.where(np.arange(made.rows.num_rows) < made.kept, np.arange(made.rows.num_rows), -1)
            generations.append((Above(made.codes, sizes, kept, ancestor.kept.count if ancestor.kept else 0), at))
            at = np.append(made.context, -1)[at]
            if ancestor.context is not None:
                name = ancestor.context.key.ref_table
        place = position_codes(self.position, self.siblings) if generations else None
        self.context, _ = context_codes(self.n, generations, place)

    def _capacity(self, context: KeyPlan, above: Made) -> np.ndarray | None:
        """How many rows a parent can have where a unique key holds nothing but foreign keys."""
        most = None
        for unique in self.table.table.unique_keys:
            rest = set(unique) - set(context.key.columns)
            if not set(context.key.columns) <= set(unique):
                continue
            others = [k for k in self.table.keys if rest and rest <= set(k.key.columns) and k.fill != "self"]
            cap = 1 if not rest else self.parents[others[0].key.ref_table].rows.num_rows if others else None
            if cap is not None:
                most = cap if most is None else min(most, cap)
        if most is None:
            return None
        out = np.full(above.rows.num_rows, most, np.int64)
        if self.table.kept is not None:
            taken = row_index(
                [self.table.kept.rows.column(c) for c in context.key.columns],
                [above.rows.column(c) for c in context.key.ref_columns],
            )
            np.subtract.at(out, taken[taken >= 0], 1)
        return out.clip(min=0)

    # codes

    def _sample(self, rows: np.ndarray, given: np.ndarray | None, *stream: str | int) -> np.ndarray:
        parts = []
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            parts.append(
                self.learned.model.sample(
                    self.context[rows[part]],
                    self.rng("codes", *stream, start),
                    given=None if given is None else given[part],
                )
            )
            self.progress(min(start + CHUNK, len(rows)))
        width = len(self.learned.codec.cardinalities)
        return np.concatenate(parts) if parts else np.zeros((0, width), np.int32)

    def _code(self, key: KeyPlan) -> np.ndarray | None:
        return self.codes[:, self.spans[key.code]][:, 0].astype(np.int64) if key.code in self.spans else None

    def _serials(self) -> None:
        for column in self.table.columns:
            declared = self.table.table.by_name[column.name]
            kept = self.table.kept.rows.column(column.name) if self.table.kept else None
            if column.how == "serial":
                start = max(1, self.rules.least(column.name) or 1)
                if kept is not None and len(kept):
                    start = max(start, int(whole(kept).max()) + 1)
                self._fits(column.name, start + self.n - 1)
                self.columns[column.name] = unwhole(np.arange(start, start + self.n), arrow_type(declared.type))
            elif column.name in self.learned.lines:
                self._fits(column.name, int(self.position.max(initial=0)) + 1)
                self.columns[column.name] = unwhole(self.position + 1, arrow_type(declared.type))

    def _fits(self, column: str, highest: int) -> None:
        type_ = self.table.table.column(column).type
        limit = {"smallint": 2**15, "int": 2**31}.get(
            "smallint" if isinstance(type_, sqltypes.SmallInteger) else
            "int" if isinstance(type_, sqltypes.Integer) and not isinstance(type_, sqltypes.BigInteger) else "", 2**63
        )  # fmt: skip
        precision = getattr(type_, "precision", None)
        if isinstance(type_, sqltypes.Numeric) and not isinstance(type_, sqltypes.Float) and precision:
            limit = min(limit, 10 ** (precision - (type_.scale or 0)))
        if highest >= limit:
            raise UnsatisfiableConstraint(
                f"{self.table.name}.{column}: {self.n} rows need keys up to {highest}, its type ends below {limit}",
                hint=f"ask for fewer rows: --rows {self.table.name.name}=N or a smaller --scale",
            )

    # foreign keys

    def _parent_of(self, key: KeyPlan) -> Parent:
        made = self.parents[key.key.ref_table]
        column = degree_column(self.table.name, key.key)
        known = column in made.rows.column_names
        degrees = made.rows.column(column).to_numpy() if known else np.ones(made.rows.num_rows)
        return Parent(made.rows, degrees.astype(np.float64), made.kept)

    def _assign(self, key: KeyPlan) -> None:
        nullable = {c: self.table.table.column(c).nullable for c in key.key.columns}
        rng = self.rng("key", key.key.name)
        if key.fill == "dropped":
            return
        if key.fill in ("self", "cycle"):
            self._hold_place(key)
            return
        parent = self._parent_of(key)
        if key.fill == "context":
            member = self.parent
        else:
            member = choose(key, self._code(key), self.columns, parent, self.learned.clusters.get(key.code), rng)
        self.member[key.key.name] = member
        self.columns.update(fill_columns(key, member, parent, nullable, rng))

    def _hold_place(self, key: KeyPlan) -> None:
        """Null or not is known now, which row only when all rows are made: a value of the type stands in for it."""
        code = self._code(key)
        assert code is not None
        for column in key.free:
            type_ = arrow_type(self.table.table.column(column).type)
            present = (code > 0) if self.table.table.column(column).nullable else np.ones(self.n, bool)
            stand_in = pa.array(["0"] * self.n).cast(type_) if pt.is_string(type_) else unwhole(np.zeros(self.n), type_)
            self.columns[column] = take(stand_in, np.where(present, np.arange(self.n), -1))

    # values

    def _decode(self, rows: np.ndarray, *stream: str | int) -> None:
        """Set the modelled and made columns of ``rows`` from their codes (all rows the first time)."""
        decoded = self.learned.codec.decode(self.codes[rows], self.rng("decode", *stream))
        fresh = {
            c.name: decoded[c.name]
            for c in self.table.columns
            if c.how == "modelled" and c.name not in self.learned.lines
        }
        present = {}
        for column in self.table.columns:
            if column.how == "made":
                known = decoded.get(column.name)
                always = np.ones(len(rows), bool)
                present[column.name] = always if known is None else known.to_numpy(zero_copy_only=False).astype(bool)
        for name, array in fresh.items():
            self._set(name, rows, array)
        self._make_values(rows, present, *stream)

    def _make_values(self, rows: np.ndarray, present: Mapping[str, np.ndarray], *stream: str | int) -> None:
        everything = len(rows) == self.n
        row = {n: a if everything else take(a, rows) for n, a in self.columns.items()}
        for i, maker in enumerate(self.learned.generators):
            made = maker.generate({c: present[c] for c in maker.columns}, row, self.rng("made", i, *stream))
            for name, array in made.items():
                self._set(name, rows, array)
                row[name] = combined(array)

    def _set(self, name: str, rows: np.ndarray, values: pa.Array) -> None:
        values = combined(values)
        if len(rows) == self.n or name not in self.columns:
            self.columns[name] = values
            return
        where = np.arange(self.n)
        where[rows] = self.n + np.arange(len(rows))
        self.columns[name] = take(pa.concat_arrays([self.columns[name], values.cast(self.columns[name].type)]), where)

    # constraints

    def _given(self, rows: np.ndarray, loose: Sequence[KeyPlan] = ()) -> np.ndarray:
        """Codes of ``rows`` with keys kept, but for the ``loose`` ones, and everything else open."""
        given = np.full((len(rows), self.codes.shape[1]), -1, np.int32)
        for name in [k.code for k in self.key_codes if k not in loose] + list(self.learned.lattices):
            if name in self.spans:
                given[:, self.spans[name]] = self.codes[rows][:, self.spans[name]]
        return given

    def _keep_unique(self) -> None:
        lost = np.zeros(self.n, bool)
        moved = np.zeros(self.n, bool)
        for turn in range(UNIQUE_TURNS):
            again = False
            for unique in self.table.table.unique_keys:
                if any(k.fill in ("self", "cycle") and set(k.free) & set(unique) for k in self.table.keys):
                    continue  # enforced when these keys are filled
                repeats = np.flatnonzero(repeated(unique, self.columns, self._kept_table()) & ~lost)
                if len(repeats):
                    again = True
                    self._separate(unique, repeats, moved, lost, turn)
            if not again:
                break
        rows = np.flatnonzero(moved & ~lost)
        fixed = [c for c in self.learned.lattices if c in self.spans]
        if len(rows) and fixed:
            self._follow_moved_keys(rows, fixed)
        if lost.any():
            self._drop(lost, "a unique key has no free place for them")

    def _separate(
        self, unique: tuple[str, ...], repeats: np.ndarray, moved: np.ndarray, lost: np.ndarray, turn: int
    ) -> None:
        """Move what can move of ``unique`` in the rows ``repeats``: a lattice value, a made value, the other parent, a
        category, in this order."""
        rng = self.rng("unique", *unique, turn)
        own = [c for c in unique if c in self.learned.lattices]
        made = [c for c in unique if self.table.by_column[c].how == "made"]
        choices = [
            k for k in self.table.keys
            if k.key.name in self.member and k.fill not in ("context", "determined") and set(k.free) & set(unique)
        ]  # fmt: skip
        if made:
            present = {
                c.name: pc.is_valid(take(self.columns[c.name], repeats)).to_numpy(zero_copy_only=False)
                for c in self.table.columns
                if c.how == "made"
            }
            self._make_values(repeats, present, "again", turn, *unique)
            if turn == UNIQUE_TURNS - 1:
                lost[repeats] = True
        elif own and pc.is_valid(self.columns[own[-1]]).to_numpy(zero_copy_only=False).all():
            column = own[-1]
            values = whole(self.columns[column])
            bounds = (self.rules.least(column), self.rules.most(column))
            lattice = self.learned.lattices[column]
            fresh, homeless = move_on_lattice(unique, column, values, self.columns, lattice, bounds)
            moved |= fresh != values
            lost |= homeless
            self.columns[column] = unwhole(fresh, self.columns[column].type)
        elif choices:
            key = choices[-1]
            parent = self._parent_of(key)
            member = self.member[key.key.name].copy()
            fresh = exchange_members(unique, Choice(key, parent, member), self.columns, repeats, rng)
            member[repeats] = fresh
            lost[repeats[fresh < 0]] = True
            nullable = {c: self.table.table.column(c).nullable for c in key.key.columns}
            self.member[key.key.name] = member
            self.columns.update(fill_columns(key, member, parent, nullable, rng))
        else:
            modelled = [c for c in unique if self.table.by_column[c].how == "modelled"]
            if not modelled:
                lost[repeats] = True
                return
            self.columns[modelled[-1]], gone = exchange_categories(unique, modelled[-1], self.columns, repeats, rng)
            moved[repeats] = True
            lost |= gone

    def _follow_moved_keys(self, rows: np.ndarray, fixed: list[str]) -> None:
        """Key values have moved: draw the other columns of these rows anew, given the keys as they are now."""
        keys = {c: take(self.columns[c], rows) for c in fixed}
        for c, values in keys.items():
            self.codes[rows, self.spans[c]] = self.learned.codec.encode_column(c, values)
        self.codes[rows] = self._sample(rows, self._given(rows), "moved")
        held = {c: take(self.columns[c], rows) for c in self.columns if self.table.by_column[c].how == "made"}
        self._decode(rows, "moved")
        for c, values in (keys | {c: held[c] for c in held if self._in_unique_key(c)}).items():
            self._set(c, rows, values)

    def _in_unique_key(self, column: str) -> bool:
        return any(column in u for u in self.table.table.unique_keys)

    def _kept_table(self) -> pa.Table | None:
        return self.table.kept.rows if self.table.kept else None

    def _drop(self, lost: np.ndarray, why: str) -> None:
        count = int(lost.sum())
        if count > max(2, LOST_SHARE * self.n):
            raise UnsatisfiableConstraint(
                f"{self.table.name}: {count} of {self.n} rows cannot be made: {why}",
                hint=f"ask for fewer rows: --rows {self.table.name.name}=N",
            )
        self.warnings.append(f"{count} of {self.n} rows were given up: {why}")
        keep = np.flatnonzero(~lost)
        self.n = len(keep)
        self.codes, self.context = self.codes[keep], self.context[keep]
        self.parent, self.position, self.siblings = self.parent[keep], self.position[keep], self.siblings[keep]
        self.columns = {c: take(a, keep) for c, a in self.columns.items()}
        self.member = {k: m[keep] for k, m in self.member.items()}

    def batch(self, rows: np.ndarray | None = None) -> pa.RecordBatch:
        names = [c.name for c in self.table.table.stored_columns]
        arrays = [self.columns[n] if rows is None else take(self.columns[n], rows) for n in names]
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def _keep_checks(self) -> None:
        if not self.rules.any or self.n == 0:
            return
        fixed = {c for k in self.table.keys if k.fill != "dropped" for c in k.key.columns}
        fixed |= {c for key in self.table.table.unique_keys for c in key}
        rows = np.arange(self.n)
        for turn in range(REDRAWS):
            for name, array in self.rules.computed(self.batch(rows), fixed).items():
                self._set(name, rows, array)
            rows = rows[self.rules.broken(self.batch(rows))]
            if len(rows) == 0:
                return
            loose = self._loose_keys() if turn >= REDRAWS // 2 else []
            self.codes[rows] = self._sample(rows, self._given(rows, loose), "redraw", turn)
            for key in loose:
                self._assign_again(key, rows, turn)
            self._redecode(rows, fixed, turn)
        loose = {k.free[0] for k in self._loose_keys() if len(k.key.columns) == 1}
        repaired, bad = self.rules.repair(self.batch(), self.rng("repair"), fixed - loose)
        for i, name in enumerate(repaired.schema.names):
            self.columns[name] = repaired.column(i)
        self._follow_repaired_keys()
        if bad.any():
            if int(bad.sum()) > max(2, LOST_SHARE * self.n):
                self.rules.give_up(self.table.name, self.batch(np.flatnonzero(bad)[:1]))
            self._drop(bad, "a CHECK cannot be met for them")

    def _follow_repaired_keys(self) -> None:
        """Keys that are filled later are null or not as the repair left them."""
        for key in self.key_codes:
            if key.fill in ("self", "cycle"):
                present = present_codes([self.columns[c] for c in key.free]) > 0
                code = self.codes[:, self.spans[key.code]][:, 0]
                self.codes[:, self.spans[key.code]] = np.where(present, np.maximum(code, 1), 0)[:, None]

    def _loose_keys(self) -> list[KeyPlan]:
        """Foreign keys that may be drawn again: no unique key and no other foreign key depends on them."""
        held = {c for u in self.table.table.unique_keys for c in u}
        for key in self.table.keys:
            held |= {c for c in key.key.columns if c not in key.free}
        return [k for k in self.key_codes if not set(k.free) & held]

    def _assign_again(self, key: KeyPlan, rows: np.ndarray, turn: int) -> None:
        code = self._code(key)
        assert code is not None
        if key.fill in ("self", "cycle"):
            self._hold_place(key)
            return
        parent, rng = self._parent_of(key), self.rng("key", key.key.name, "redraw", turn)
        made = {c: take(self.columns[c], rows) for c in key.key.columns}
        fresh = choose(key, code[rows], made, parent, self.learned.clusters.get(key.code), rng)
        self.member[key.key.name][rows] = fresh
        nullable = {c: self.table.table.column(c).nullable for c in key.key.columns}
        for name, array in fill_columns(key, fresh, parent, nullable, rng).items():
            self._set(name, rows, array)

    def _redecode(self, rows: np.ndarray, fixed: set[str], turn: int) -> None:
        before = {c: take(self.columns[c], rows) for c in fixed if c in self.columns}
        self._decode(rows, "redraw", turn)
        for name, array in before.items():
            self._set(name, rows, array)

    # own rows, and the end

    def _point_at_own_rows(self) -> None:
        for key in self.table.keys:
            if key.fill == "self":
                self._fill_self(key)

    def _fill_self(self, key: KeyPlan) -> None:
        code = self._code(key)
        assert code is not None
        rng = self.rng("key", key.key.name)
        kept = self.table.kept
        nullable = any(self.table.table.column(c).nullable for c in key.free)
        depth, before = code, 0
        degrees = self._degree(key)
        refs = [self.columns[r] for r in key.key.ref_columns]
        if kept is not None and kept.count:
            before = kept.count
            own = row_index(
                [kept.rows.column(c) for c in key.key.columns], [kept.rows.column(c) for c in key.key.ref_columns]
            )
            known = present_codes([kept.rows.column(c) for c in key.key.columns]).astype(bool)
            depth = np.concatenate([tree.depth_codes(np.where(known, np.where(own < 0, -2, own), -1)), code])
            degrees = np.concatenate([kept.rows.column(degree_column(self.table.name, key.key)).to_numpy(), degrees])
            refs = [pa.concat_arrays([combined(kept.rows.column(r)), a.cast(kept.rows.column(r).type)])
                    for r, a in zip(key.key.ref_columns, refs, strict=True)]  # fmt: skip
        depth = tree.settle_depths(depth, rng, nullable=nullable)
        parent = tree.choose_parents(depth, degrees.astype(np.float64), rng)
        for column, ref in zip(key.key.columns, refs, strict=True):
            if column in key.free:
                self.columns[column] = take(ref, parent)[before:].cast(arrow_type(self.table.table.column(column).type))
        self.own_parents = parent

    def _degree(self, key: KeyPlan) -> np.ndarray:
        decoded = self.learned.codec.decode_column(
            degree_column(self.table.name, key.key), self.codes, self.rng("degree", key.key.name)
        )
        return decoded.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]

    def _finish(self) -> Made:
        fields = [(c.name, arrow_type(c.type)) for c in self.table.table.stored_columns]
        arrays = {n: self.columns[n].cast(t) for n, t in fields}
        derived: dict[str, pa.Array] = {k.code: pa.array(self._code(k)) for k in self.key_codes}
        for d in self.table.degrees:
            derived[d.column] = self.learned.codec.decode_column(d.column, self.codes, self.rng("degree", d.key.name))
            derived[d.column] = derived[d.column].cast(pa.int64())
        made = pa.table(arrays | derived | {CONTEXT: pa.array(self.parent, pa.int64())})
        kept = self.table.kept
        if kept is not None and kept.count:
            made = pa.concat_tables([self._kept_rows(made.schema), made])
        return Made(
            made.combine_chunks(),
            self.learned.codec.encode(made),
            kept.count if kept else 0,
            self.learned.codec.cardinalities,
        )

    def _kept_rows(self, schema: pa.Schema) -> pa.Table:
        """The kept rows in the form of the made ones. Keys that point to tables that are not kept are drawn anew: the
        parents of the source are not there."""
        kept = self.table.kept
        assert kept is not None
        rows = kept.rows
        columns: dict[str, pa.Array] = {n: combined(rows.column(n)) for n in rows.column_names}
        context = np.full(kept.count, -1, np.int64)
        for key in self.table.keys:
            rng = self.rng("kept", key.key.name)
            own = [columns[c] for c in key.key.columns]
            if key.fill in ("self", "dropped"):
                codes = np.zeros(kept.count, np.int64)
                if key.fill == "self":
                    at = row_index(own, [columns[c] for c in key.key.ref_columns])
                    codes = tree.depth_codes(np.where(present_codes(own) > 0, np.where(at < 0, -2, at), -1))
                    outside = at < 0
                    for c in key.free:
                        if self.table.table.column(c).nullable:
                            columns[c] = take(columns[c], np.where(outside, -1, np.arange(kept.count)))
            elif key.fill == "cycle":
                codes = present_codes([columns[c] for c in key.free])
            else:
                parent = self._parent_of(key)
                at = row_index(own, parent.columns(key))
                astray = np.flatnonzero((at < 0) & (present_codes(own) > 0))
                if len(astray) and parent.rows.num_rows:
                    at[astray] = rng.integers(0, parent.rows.num_rows, len(astray))
                nullable = {c: self.table.table.column(c).nullable for c in key.key.columns}
                columns.update(fill_columns(key, at, parent, nullable, rng))
                clusters = self.learned.clusters.get(key.code)
                codes = np.where(at >= 0, 1, 0)
                if key.fill == "category":
                    codes = category_codes(own, self.plan[key.key.ref_table], key)
                elif clusters is not None and clusters.count > 1:
                    codes = np.where(at >= 0, clusters.assign(parent.rows)[at] + 1, 0)
                if key.fill == "context":
                    context = at
            if key.code in self.spans:
                columns[key.code] = pa.array(codes.astype(np.int64))
        columns[CONTEXT] = pa.array(context)
        return pa.table({f.name: columns[f.name].cast(f.type) for f in schema})
