"""Running totals: a balance or a counter that each row carries on from the row before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.families import Columns, Families
from dbsynth.relation.sequences import Bounds, Sequence, exact_of


@dataclass(frozen=True)
class Running(Sequence):
    """``column`` = ``column`` of the row before ± ``amount``: + where ``by`` (text) is in ``plus``, without ``by`` by
    ``sign``. ``opening``: the first row's is its own amount, else anything; ``opener``: what its ``by`` becomes where
    it would not add. It never falls below ``floor``; amounts are ``least`` or more in size. ``scale``: digits after the
    point in which it is exact."""

    column: str
    amount: str
    sign: int
    by: str
    plus: tuple[str, ...]
    opening: bool
    opener: str
    floor: int | None
    least: int
    scale: int

    @property
    def exact(self) -> bool:
        return True

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads(self) -> tuple[str, ...]:
        return (*self.family, *self.order, self.amount, *([self.by] if self.by else []))

    def describe(self) -> str:
        sign = "minus" if self.sign < 0 else "plus"
        step = f"plus or minus {self.amount}, as {self.by} says" if self.by else f"{sign} {self.amount}"
        return f"{self.column} runs {self.per()}: that of the row before {step}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        families = Families.of(columns, self.family, self.order)
        out = self._opened(columns, families)
        columns = {**columns, **out}
        old, amount = columns[self.column], columns[self.amount]
        total, step = exact_of(old, self.scale), exact_of(amount, self.scale)
        sign = self.signs(columns)[families.at]
        value, moved = total.values[families.at], step.at_scale(self.scale)[families.at] * sign
        path = families.sums(np.where(families.first & (not self.opening), value, moved))
        held = path
        if step.scale == self.scale:  # else an amount cannot make up for what a limit holds back
            low, high = self._limits(bounds, old.type)
            held = path if low is None else self._above(families, path, low)
            held = held if high is None else np.minimum(held, high)
            before = np.concatenate([[0], held[:-1]])[: len(held)]
            fresh = np.where(families.first, held if self.opening else moved, held - before)
            if (fresh != moved).any():
                sized = families.back(fresh * sign, step.values)
                out[self.amount] = step.array(sized, step.present | (sized != step.values), amount.type)
        known = families.back(np.ones(len(held), bool), total.present)
        out[self.column] = total.array(families.back(held, total.values), known, old.type)
        return out

    def signs(self, columns: Columns) -> np.ndarray:
        """+1 or −1 for each row."""
        if not self.by:
            return np.full(len(columns[self.column]), self.sign)
        plus = pc.is_in(columns[self.by].cast(pa.string()), value_set=pa.array(self.plus, pa.string()))
        return np.where(plus.to_numpy(zero_copy_only=False), 1, -1)

    def _opened(self, columns: Columns, families: Families) -> dict[str, pa.Array]:
        """``by`` of first rows, where they only ever add in the source."""
        if not self.opener:
            return {}
        wrong = np.zeros(len(columns[self.by]), bool)
        wrong[families.at[families.first]] = True
        wrong &= self.signs(columns) < 0
        old = columns[self.by]
        return {self.by: pc.if_else(pa.array(wrong), pa.scalar(self.opener).cast(old.type), old)} if wrong.any() else {}

    def _limits(self, bounds: Bounds, kind: pa.DataType) -> tuple[int | None, int | None]:
        unit = 10**self.scale if pt.is_floating(kind) or pt.is_string(kind) else 1
        low, high = (None if b is None else b * unit for b in bounds.get(self.column, (None, None)))
        return max((x for x in (low, self.floor) if x is not None), default=None), high

    def _above(self, families: Families, path: np.ndarray, low: int) -> np.ndarray:
        """``path``, reflected at ``low`` (Skorokhod's map: each amount shrinks by what would pass it); where that
        leaves an amount smaller than any in the source, the whole family starts higher instead."""
        lift = families.tops(np.maximum(low - path, 0))
        reflected = path + lift
        before = np.where(families.first, 0, np.concatenate([[0], reflected[:-1]])[: len(path)])
        raised = lift > np.where(families.first, 0, np.concatenate([[0], lift[:-1]])[: len(path)])
        small = raised & (np.abs(reflected - before) < self.least) & (~families.first | self.opening)
        hurt = np.bincount(families.number, small, families.number.max(initial=-1) + 1) > 0
        most = np.zeros(len(hurt), np.int64)
        np.maximum.at(most, families.number, lift)
        higher = path + (most + self.least * self.opening)[families.number]
        out: np.ndarray = np.where(hurt[families.number], higher, reflected)
        return out
