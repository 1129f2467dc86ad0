"""Running totals: balances and counters that each row carries on from the row before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.families import Exact, Families
from dbsynth.relation.look import Look, few, moment
from dbsynth.relation.running import Running

LEAST_VALUES = 20
"""Different totals, for one to be looked for."""
AMOUNTS = 12
"""At most so many columns are tried as what a running total adds up."""


def find_running(look: Look) -> Iterator[Running]:
    if not look.family:
        return
    taken: set[str] = set()
    for order in look.orders:
        families = look.families(order)
        later = families.later
        numeric = {
            c: x for c in look.full if not moment(look, c) and (x := look.numbers(c)) is not None and c not in order
        }
        for total, x in numeric.items():
            value = x.values[families.at]
            step = np.diff(value)[later - 1]
            if total in taken or len(np.unique(value)) < LEAST_VALUES or not step.any():
                continue
            for amount, y in list(numeric.items())[: AMOUNTS + 1]:
                if amount == total or y.scale > x.scale or amount in taken:
                    continue
                moved = y.at_scale(x.scale)[families.at]
                if (np.abs(step) != np.abs(moved[later])).any() or len(np.unique(moved)) < 3:
                    continue
                fact = _signed(look, families, order, total, amount, value, moved, x)
                if fact is not None:
                    taken.add(total)
                    yield fact
                    break


def _signed(
    look: Look,
    families: Families,
    order: tuple[str, ...],
    total: str,
    amount: str,
    value: np.ndarray,
    moved: np.ndarray,
    x: Exact,
) -> Running | None:
    later, first = families.later, families.first
    step = np.diff(value)[later - 1]
    sign, by, plus = 0, "", ()
    if (step == moved[later]).all():
        sign = 1
    elif (step == -moved[later]).all():
        sign = -1
    else:
        for column in look.learned:
            labels = look.rows[column].cast(pa.string()) if few(look, column) else None
            if labels is None or column in (total, amount):
                continue
            kind = pc.take(labels, pa.array(families.at)).dictionary_encode()
            code = kind.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            up = np.array([(step == moved[later])[code[later] == i].all() for i in range(len(kind.dictionary))], bool)
            signs = np.where(up, 1, -1)[code]
            if code.min() >= 0 and (step == (signs * moved)[later]).all():
                sign, by = 1, column
                plus = tuple(v for v, u in zip(kind.dictionary.to_pylist(), up, strict=True) if u)
                break
    if not sign:
        return None
    signs = np.full(len(value), sign)
    if by:
        kind = pc.take(look.rows[by].cast(pa.string()), pa.array(families.at))
        signs = np.where(pc.is_in(kind, value_set=pa.array(plus, pa.string())).to_numpy(zero_copy_only=False), 1, -1)
    opening = bool((value[first] == (signs * moved)[first]).all())
    opener = ""
    if by and opening and (signs[first] > 0).all():
        counts = pc.value_counts(pc.take(look.rows[by].cast(pa.string()), pa.array(families.at[first]))).to_pylist()
        opener = str(max(counts, key=lambda c: (c["counts"], c["values"]))["values"])
    return Running(
        **look.common("running", total, order),
        column=total, amount=amount, sign=sign, by=by, plus=plus, opening=opening, opener=opener,
        floor=0 if value.min() >= 0 else None, least=int(np.sort(np.abs(moved))[look.k - 1]), scale=x.scale,
    )  # fmt: skip
