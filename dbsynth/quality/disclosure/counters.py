"""Values that count: numbers, moments and codes (inv-00017) that fill their range in even steps, whatever the step is.
Whoever counts makes them too, and so they say nothing of a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.quality.disclosure.nearest import is_ordered, numeric

DENSE = 0.5
"""Of the numbers between the least and the largest that are whole steps from them, those that are there."""
LEAST = 20
EXACT, OFF = 1e-9, 1e-15
"""Of the largest difference and of the largest number, what a multiple may be off by."""
LAST_NUMBER = r"(?P<number>\d{1,15})(?P<rest>\D*)$"


def is_counter(array: pa.Array, share: float, dense: float = DENSE) -> bool:
    """Every value is there once, and together they fill ``dense`` of their range, in steps of what all of their
    differences are multiples of. ``share``: of all rows, those of
    ``array``."""
    array = array.drop_null()
    if pt.is_floating(array.type):
        array = array.filter(pc.is_finite(array))
    if len(array) < LEAST or pc.count_distinct(array).as_py() < len(array):
        return False
    if pt.is_string(array.type):
        return bool(counted(array, array, share).all())
    if is_ordered(array.type):
        numbers = np.sort(numeric(array))
        width = float(numbers[-1] - numbers[0])
        return len(numbers) / max(share, 1e-9) >= dense * (width / step(numbers) + 1)
    return False


def step(numbers: np.ndarray) -> float:
    """What all differences of these sorted float64 are multiples of, but for what floats are off by: Euclid's
    algorithm, on all of them at once."""
    left = np.diff(numbers)
    least = float(left.min())
    slack = EXACT * float(left.max()) + OFF * float(np.abs(numbers).max())
    while True:
        rest = np.abs(left - least * np.rint(left / least))
        rest = rest[rest > slack]
        if not len(rest):
            return least
        left, least = np.append(rest, least), float(rest.min())


def counted(values: pa.Array, real: pa.Array, share: float) -> np.ndarray:
    """bool (values,): of the form (all but the last number) in which the ``real`` texts fill the range of the number.
    Neither holds nulls."""
    forms, numbers = _split(real.unique())
    known = forms.dictionary_encode()
    at = known.indices.to_numpy(zero_copy_only=False)
    size = len(known.dictionary)
    times = np.bincount(at, minlength=size)
    least, most = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(least, at, numbers)
    np.maximum.at(most, at, numbers)
    dense = (times >= LEAST) & (times / max(share, 1e-9) >= DENSE * (most - least + 1))
    own = pc.index_in(_split(values)[0], known.dictionary.filter(pa.array(dense)))
    return np.asarray(pc.is_valid(own))


def _split(texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Forms, and float64 numbers: 0 where there is none, which no two values of one form are."""
    found = pc.extract_regex(texts, LAST_NUMBER)
    number = pc.struct_field(found, "number")
    forms = pc.if_else(pc.is_valid(found), pc.replace_substring_regex(texts, LAST_NUMBER, r"#\2"), texts)
    number = pc.fill_null(pc.if_else(pc.is_valid(found), number, None), "0")
    return forms, np.asarray(number.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
