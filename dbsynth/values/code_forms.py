"""Codes cut into forms: into runs of letters, of digits and of other signs; codes that are cut alike are one form. What
a run is, is proposed on one half of the rows and confirmed on the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.check_digits import CHECKS, proved_by
from dbsynth.values.pattern import Pattern

RUN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
COVERED = 0.95
"""Forms of k rows must make up so many of the values."""
SURE = 0.99
"""So many of the rows, in both halves, have to say the same."""
LEAST = 20
MOST_RUNS = 12
MOST_OPTIONS = 200
MOST_GUIDES = 40
MOST_FORMS = 20
DATE_PARTS = ("%Y", "%Y%m%d", "%Y%m", "%y%m%d", "%y%m", "%y", "%m", "%d", "%j")
DATE_SIZES = (8, 6, 4, 2)
HELD = "\x00"
"""Stands before the text of another column, in a code that is cut."""
Kind = Literal["literal", "option", "date", "copy", "counter", "rank", "free"]


@dataclass(frozen=True)
class CodeRun:
    """``kind``: *literal* ``texts[0]``; *option* one of ``texts``, by ``weights``; *date*: ``column`` written as
    ``way`` (of strftime); *copy*: what ``way`` makes of ``column`` (whole, upper, lower, initials, first letters,
    digits with zeros); *counter*: numbers from ``start`` on (beyond the source's) that rise along ``column``, by steps
    of ``step``; *rank*: 1, 2, … along ``column`` within what stands before it; *free*: drawn by ``pattern``. ``width``:
    digits, zeros in front, 0: as many as it takes."""

    kind: Kind
    texts: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    column: str = ""
    way: str = ""
    start: int = 1
    step: float = 1.0
    width: int = 0
    pattern: Pattern | None = None


@dataclass(frozen=True)
class CodeForm:
    """``check``: the name of the check digits that the digits of a value end with ("": none)."""

    weight: float
    runs: tuple[CodeRun, ...]
    check: str

    @property
    def alike(self) -> float:
        """The chance of two values of one row to be equal: of their options to be."""
        shares = [np.array(r.weights) / sum(r.weights) for r in self.runs if r.kind == "option"]
        return float(np.prod([s @ s for s in shares]))


def learned_forms(values: Sequence[str], guides: Mapping[str, pa.Array], k: int) -> list[CodeForm]:
    """``guides``: other columns of the same rows. Empty where the values are no codes, or too few."""
    if len(values) < max(LEAST, 4 * k):
        return []
    guides = dict(list(guides.items())[:MOST_GUIDES])
    held = _held(values, guides)
    cut = [_cut(v, held and h) for v, h in zip(values, _texts_of(guides, held, len(values)), strict=True)]
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, runs in enumerate(cut):
        groups.setdefault(_shape(runs), []).append(i)
    common = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))[:MOST_FORMS]
    common = [g for g in common if len(g[1]) >= max(LEAST, 2 * k) and len(g[0]) <= MOST_RUNS]
    if sum(len(rows) for _, rows in common) < COVERED * len(values):
        return []
    forms = []
    for _, rows in common:
        at = pa.array(rows)
        own = {c: a.take(at) for c, a in guides.items()}
        forms.append(_form([cut[i] for i in rows], [values[i] for i in rows], own, held, k))
    return forms


def _held(values: Sequence[str], guides: Mapping[str, pa.Array]) -> str:
    """A text column (or key) whose value stands whole in nearly every code; "": none."""
    for name, array in guides.items():
        if pa.types.is_string(array.type) and pc.count_distinct(array).as_py() >= 3:
            texts = array.to_pylist()
            some = [t is not None and len(t) >= 2 and t in v and t != v for t, v in zip(texts, values, strict=True)]
            if np.mean(some) >= SURE:
                return name
    return ""


def _texts_of(guides: Mapping[str, pa.Array], name: str, count: int) -> list[str | None]:
    return guides[name].to_pylist() if name else [None] * count


def _cut(value: str, held: str | None) -> list[str]:
    """The runs of ``value``; ``HELD`` and the text for the value of another column."""
    if held and held in value:
        left, right = value.split(held, 1)
        return [*RUN.findall(left), HELD + held, *RUN.findall(right)]
    return RUN.findall(value)


def _shape(runs: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        HELD if r[0] == HELD else "9" if r.isdecimal() else "A" if r.isupper() else "a" if r[0].isalpha() else r
        for r in runs
    )


def _form(cut: list[list[str]], values: list[str], guides: Mapping[str, pa.Array], held: str, k: int) -> CodeForm:
    columns = list(zip(*cut, strict=True))
    check = next((name for name in CHECKS if proved_by(values, name)), "")
    runs: list[CodeRun] = []
    for i, texts in enumerate(columns):
        if texts[0][0] == HELD:
            pattern = Pattern.fit([t[1:] for t in texts], k)
            runs.append(CodeRun("copy", column=held, way="whole", pattern=pattern))
        else:
            runs += _runs(texts, ["".join(row[:i]) for row in cut], guides, k)
    return CodeForm(float(len(values)), tuple(runs), check)


def _runs(texts: Sequence[str], before: Sequence[str], guides: Mapping[str, pa.Array], k: int) -> list[CodeRun]:
    """A run; of digits that a date stands in front of, both."""
    widths = {len(t) for t in texts}
    if len(widths) == 1 and texts[0].isdecimal():
        for size in DATE_SIZES:
            if size < len(texts[0]):
                head = [t[:size] for t in texts]
                found = _tied(head, {c: a for c, a in guides.items() if _dated(a)}, Pattern.fit(head, k))
                if found is not None:
                    joined = [b + h for b, h in zip(before, head, strict=True)]
                    return [found, *_runs([t[size:] for t in texts], joined, guides, k)]
    return [_run(texts, before, guides, k)]


def _dated(array: pa.Array) -> bool:
    return bool(pa.types.is_date(array.type) or pa.types.is_timestamp(array.type))


def _run(texts: Sequence[str], before: Sequence[str], guides: Mapping[str, pa.Array], k: int) -> CodeRun:
    counts = Counter(texts)
    top, n = counts.most_common(1)[0]
    if n >= max(k, COVERED * len(texts)):
        return CodeRun("literal", (top,))
    pattern = Pattern.fit(texts, k)
    tied = _tied(texts, guides, pattern)
    if tied is not None:
        return tied
    digits = all(t.isdecimal() and len(t) <= 15 for t in texts)
    counted = _counting(texts, before, guides, k) if digits else None
    if counted is not None:
        return counted
    shared = [(t, c) for t, c in sorted(counts.items()) if c >= k]
    if 0 < len(shared) <= MOST_OPTIONS and sum(c for _, c in shared) >= COVERED * len(texts):
        return CodeRun("option", tuple(t for t, _ in shared), tuple(float(c) for _, c in shared))
    return CodeRun("free", pattern=pattern)


def _tied(texts: Sequence[str], guides: Mapping[str, pa.Array], pattern: Pattern) -> CodeRun | None:
    """What another column says."""
    widths = {len(t) for t in texts}
    width = widths.pop() if len(widths) == 1 else 0
    for name, array in guides.items():
        if _dated(array):
            ways = [w for w in DATE_PARTS if width and texts[0].isdecimal()]
        elif pa.types.is_string(array.type):
            ways = ["whole", "upper", "lower", "initials", *(["first"] if width else [])]
        elif pa.types.is_integer(array.type):
            ways = ["zeros"] if width else ["whole"]
        else:
            continue
        for way in ways:
            if _agree(written(array, way, width), texts):
                kind: Kind = "date" if way[0] == "%" else "copy"
                return CodeRun(kind, column=name, way=way, width=width, pattern=pattern)
    return None


def _agree(told: Sequence[str | None], texts: Sequence[str]) -> bool:
    """Whether both halves say the same, of at least three different texts or two of LEAST rows each."""
    known = [(t == o) for t, o in zip(told, texts, strict=True) if t is not None]
    if len(known) < LEAST or len(known) < 0.5 * len(texts):
        return False
    often = Counter(texts).most_common(2)
    if len(often) < 2 or (often[1][1] < LEAST and len(set(texts)) < 3):
        return False
    return bool(np.mean(known[::2]) >= SURE and np.mean(known[1::2]) >= SURE)


def _counting(texts: Sequence[str], before: Sequence[str], guides: Mapping[str, pa.Array], k: int) -> CodeRun | None:
    """Numbers that rise with a key or a moment: over all rows, or 1, 2, … within what stands before them."""
    numbers = np.array([int(t) for t in texts], np.int64)
    width = max(map(len, texts)) if any(t[0] == "0" for t in texts) else 0
    if width and any(len(t) < width and t[0] == "0" for t in texts):
        return None
    padded = min(map(len, texts)) if width else 0
    _, group = np.unique(np.array(before, str), return_inverse=True)
    for name, array in guides.items():
        if not (pa.types.is_integer(array.type) or _dated(array)) or array.null_count:
            continue
        if pc.count_distinct(array).as_py() < LEAST:
            continue
        along = array.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(array.type) else array.cast(pa.int64())
        order = np.lexsort((numbers, along.to_numpy()))  # rows of one moment may come in any order
        ordered = numbers[order]
        distinct = len(np.unique(numbers)) >= SURE * len(numbers)
        if distinct and np.mean(np.diff(ordered) > 0) >= SURE:
            low, high = np.sort(numbers)[[k - 1, -k]]
            step = max(1.0, float(high - low) / max(1, len(numbers) - 2 * k + 1))
            start = _beyond(int(numbers.max()))
            if padded and start + 2 * len(numbers) * step >= 10**padded:
                return None
            return CodeRun("counter", column=name, start=start, step=1.0 if step < 1.02 else step, width=padded)
        place = group[order]
        by_group = np.argsort(place, kind="stable")
        members = place[by_group]
        rank = np.arange(len(members)) - np.searchsorted(members, members, "left") + 1
        if len(np.unique(group)) > 1 and np.mean(ordered[by_group] == rank) >= SURE:
            return CodeRun("rank", column=name, width=padded)
    return None


def _beyond(most: int) -> int:
    """A round number above ``most``, that does not tell it."""
    unit: int = 10 ** max(1, len(str(most)) - 2)
    return int((most // unit + 1) * unit + 1)


def written(values: pa.Array, way: str, width: int) -> list[str | None]:
    """``values`` as ``way`` writes them, null of null."""
    if way.startswith("%"):
        texts: list[str | None] = pc.strftime(values.cast(pa.timestamp("s"), safe=False), format=way).to_pylist()
        return texts
    texts = values.cast(pa.string()).to_pylist()
    match way:
        case "upper":
            return [t and t.upper() for t in texts]
        case "lower":
            return [t and t.lower() for t in texts]
        case "zeros":
            return [t and t.zfill(width) for t in texts]
        case "first":
            return [t and t[:width].upper() for t in texts]
        case "initials":
            return [t and "".join(w[0] for w in t.split()).upper() for t in texts]
        case _:
            return texts
