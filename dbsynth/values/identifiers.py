"""Identifiers with check digits, new ones of the source's kinds: valid, written as the source writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.schema.identifiers import LABEL, SCHEMES, Born, bare, follows, means, padded
from dbsynth.schema.identifiers.parts import Choice, Digits, Letters, Part
from dbsynth.values.forms import choose
from dbsynth.values.guard import Guard
from dbsynth.values.numbered import Numbered, Space

PLACE = "\x00"
SHARED = 0.9
"""So many rows begin as k others do, or no beginning is kept."""
ROOM = 100
"""Times as many values as the source has must be left behind a beginning."""
AGREED = 0.95
"""So many rows must agree with the birth or the sex that another column tells."""
LEAST_ROWS = 20
MARGIN = 1000
"""Days or months beyond the births that k rows reach: rows may be born there."""
MOST_LAYOUTS = 12


@dataclass(frozen=True)
class Layout:
    """``form``: the text with a NUL in each place of the identifier. ``lower``: in small letters."""

    form: str
    lower: bool
    weight: float

    @classmethod
    def key(cls, text: str) -> tuple[str, bool]:
        label = LABEL.match(text)
        start = label.end() if label else 0
        body = "".join(PLACE if c.isascii() and c.isalnum() else c for c in text[start:])
        return text[:start] + body, text[start:].islower()


@dataclass(frozen=True)
class Identifiers:
    """The space of a scheme. ``fixed``: characters that stay, by their place; ``low``, ``high``: the range of births
    in it, if it has one."""

    scheme: str
    fixed: tuple[tuple[int, str], ...]
    low: int
    high: int
    layouts: tuple[Layout, ...]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        found = tuple(
            Born(p.style, self.low, self.high) if isinstance(p, Born) else p for p in SCHEMES[self.scheme].parts
        )
        return _narrowed(found, dict(self.fixed))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        return tuple(size for part in self.parts for size in part.sizes)

    @cached_property
    def means(self) -> tuple[str, ...]:
        return tuple(m for part in self.parts for m in means(part))

    @property
    def born(self) -> Born | None:
        return next((p for p in self.parts if isinstance(p, Born)), None)

    def write(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scheme = SCHEMES[self.scheme]
        columns, at = [], 0
        for part in self.parts:
            columns.append(part.write(codes[:, at : at + len(part.sizes)]))
            at += len(part.sizes)
        chars = np.hstack(columns)
        there = scheme.fill(chars) if scheme.fill is not None else np.ones(len(chars), bool)
        if scheme.rule is not None:
            there = there & scheme.rule(chars)
        return _texts(chars), there

    def finish(self, values: np.ndarray, rng: np.random.Generator) -> list[str]:
        out = np.empty(len(values), object)
        chars = _chars(values, SCHEMES[self.scheme].width)
        which = choose(np.array([layout.weight for layout in self.layouts]), len(values), rng)
        for i, layout in enumerate(self.layouts):
            rows = np.flatnonzero(which == i)
            if len(rows):
                form = np.frombuffer(layout.form.encode("ascii"), np.uint8)
                written = np.tile(form, (len(rows), 1))
                own = chars[rows]
                written[:, form == 0] = np.where(own >= 65, own + 32, own) if layout.lower else own
                out[rows] = _texts(written)
        return list(out)


def _texts(chars: np.ndarray) -> np.ndarray:
    """object (rows,) of uint8 (rows, width)."""
    whole = np.ascontiguousarray(chars).view(f"S{chars.shape[1]}").ravel()
    return np.asarray(whole.astype(str).astype(object))


def _chars(texts: np.ndarray, width: int) -> np.ndarray:
    return np.frombuffer("".join(texts.tolist()).encode("ascii"), np.uint8).reshape(len(texts), width)


def _narrowed(parts: Sequence[Part], fixed: Mapping[int, str]) -> tuple[Part, ...]:
    """``parts`` with ``fixed`` texts in the places from which they stand."""
    out: list[Part] = []
    at = 0
    ends = {start: start + len(text) for start, text in fixed.items()}
    for part in parts:
        covered = next((s for s, e in ends.items() if s <= at < e), None)
        if covered is None:
            out.append(part)
        else:
            if covered == at:
                out.append(Choice((fixed[at],)))
            rest = at + part.width - ends[covered]
            if rest > 0 and isinstance(part, Digits):
                out.append(Digits(rest))
            elif rest > 0 and isinstance(part, Letters):
                out.append(Letters(rest, part.alphabet))
        at += part.width
    return tuple(out)


def fit_identifiers(
    table: str,
    column: str,
    values: Sequence[str],
    schemes: Sequence[str],
    guard: Guard,
    *,
    data: pa.Table,
    unique: bool,
    k: int,
    whole: pa.DataType | None = None,
    distinct: float = 1.0,
    empty: float = 0.0,
    max_length: int | None = None,
) -> Numbered:
    """New identifiers of ``schemes`` for a column of ``data`` with the texts ``values`` (null and empty ones left out).
    ``whole``: the type of a column of numbers."""
    spaces: list[Space] = []
    weights: list[float] = []
    reserve: list[Space] = []
    bares = [bare(v) for v in values]
    open_ = np.ones(len(values), bool)
    for name in sorted(schemes, key=lambda s: -int(follows(SCHEMES[s], _sized(bares, s, whole)).sum())):
        sized = _sized(bares, name, whole)
        rows = np.flatnonzero(open_ & follows(SCHEMES[name], sized))
        open_[rows] = False
        if not len(rows):
            continue
        own = [sized[i] for i in rows.tolist()]
        layouts = _layouts([values[i] for i in rows.tolist()] if whole is None else own, k, max_length)
        low, high = _births(name, own, k)
        for fixed, n in _beginnings(name, own, k):
            spaces.append(Identifiers(name, fixed, low, high, layouts))
            weights.append(float(n))
        if any(isinstance(s, Identifiers) and s.scheme == name and s.fixed for s in spaces):
            reserve.append(Identifiers(name, (), low, high, layouts))
    if len(spaces) > 1:  # kinds that fewer than k rows have say something of these rows
        usual = [i for i, w in enumerate(weights) if w >= k] or [int(np.argmax(weights))]
        spaces, weights = [spaces[i] for i in usual], [weights[i] for i in usual]
    person = RowPerson.fit(data, column, spaces, bares, whole)
    if person is not None and person.born:  # births are those of the rows
        spaces = [_wide(s) for s in spaces]
    return Numbered(
        table, column, [*spaces, *reserve], [*weights, *[0.0] * len(reserve)], guard,
        unique=unique, distinct=distinct, empty=empty, whole=whole, person=person,
    )  # fmt: skip


def _wide(space: Space) -> Space:
    if not isinstance(space, Identifiers) or space.born is None:
        return space
    high = space.high + MARGIN
    return replace(space, low=high - space.born.longest, high=high)


def _sized(bares: Sequence[str], scheme: str, whole: pa.DataType | None) -> list[str]:
    return list(bares) if whole is None else padded(bares, SCHEMES[scheme])


def _layouts(texts: Sequence[str], k: int, max_length: int | None) -> tuple[Layout, ...]:
    counts = Counter(Layout.key(t) for t in texts if t.isascii())
    # letters tell whether they are small; digits alone follow those that have some
    kept = [(key, n) for key, n in counts.most_common(MOST_LAYOUTS) if n >= k] or counts.most_common(1)
    fitting = [(key, n) for key, n in kept if max_length is None or len(key[0]) <= max_length]
    return tuple(Layout(form, lower, float(n)) for (form, lower), n in fitting or kept)


def _births(scheme: str, bares: Sequence[str], k: int) -> tuple[int, int]:
    at = 0
    for part in SCHEMES[scheme].parts:
        if isinstance(part, Born):
            chars = _chars(np.array(bares, object), SCHEMES[scheme].width)[:, at : at + part.width]
            units, _, real = part.read(chars)
            over = part.over(units[real], k)
            return over.low, over.high
        at += part.width
    return 0, 0


def _beginnings(scheme: str, bares: Sequence[str], k: int) -> list[tuple[tuple[tuple[int, str], ...], int]]:
    """What stands first and k rows share, by how many rows; nothing where too few share some."""
    wanted = SCHEMES[scheme]
    if wanted.role == "bic":
        countries = Counter(b[4:6] for b in bares)
        usual = {c for c, n in countries.items() if n >= k} or {countries.most_common(1)[0][0]}
        return [(((4, c),), n) for c, n in countries.most_common() if c in usual]
    different = len(set(bares))
    for width in range(wanted.prefix, 0, -1):
        if not _divides(wanted.parts, width):
            continue
        counts = Counter(b[:width] for b in bares)
        shared = {p: n for p, n in counts.items() if n >= k}
        room = 10 ** (wanted.width - width - 1) * len(shared)
        if sum(shared.values()) >= SHARED * len(bares) and room >= ROOM * different:
            ordered = sorted(shared.items(), key=lambda item: (-item[1], item[0]))
            return [(((0, p),), n) for p, n in ordered]
    return [((), len(bares))]


def _divides(parts: Sequence[Part], width: int) -> bool:
    """Whether the first ``width`` characters end between parts, or in one that can be shorter."""
    at = 0
    for part in parts:
        if at + part.width > width:
            return at == width or isinstance(part, Digits | Letters)
        at += part.width
    return True


@dataclass(frozen=True)
class RowPerson:
    """``born``: the column of births that the identifier holds too; ``sex``: that of the sex, whose ``values`` stand
    for a man (1) or a woman (0). Where a row does not say, births are drawn from ``low`` to ``high``."""

    born: str
    sex: str
    values: tuple[tuple[str, int], ...]
    low: int
    high: int

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(c for c in (self.born, self.sex) if c)

    @classmethod
    def fit(
        cls, data: pa.Table, column: str, spaces: Sequence[Space], bares: Sequence[str], whole: pa.DataType | None
    ) -> RowPerson | None:
        """None where no other column says the same in ``AGREED`` of the rows."""
        space = next((s for s in spaces if isinstance(s, Identifiers) and any(s.means)), None)
        if space is None:
            return None
        scheme = SCHEMES[space.scheme]
        sized = _sized(bares, scheme.name, whole)
        rows = np.flatnonzero(follows(scheme, sized))
        there = data.column(column).is_valid().combine_chunks().to_numpy(zero_copy_only=False)
        texts = pc.cast(data.column(column).combine_chunks(), pa.string()).to_pylist()
        at = np.array([i for i, t in enumerate(texts) if there[i] and t != ""], np.int64)
        if len(rows) < LEAST_ROWS or len(at) < len(bares):
            return None
        told = _told(scheme.name, [sized[i] for i in rows])
        frame = data.take(pa.array(at[: len(bares)][rows]))
        born, sex = "", ""
        values: dict[str, int] = {}
        for field in frame.schema:
            other = frame.column(field.name).combine_chunks()
            if field.name == column or other.null_count > len(other) / 2:
                continue
            known = other.is_valid().to_numpy(zero_copy_only=False)
            if (pa.types.is_date(field.type) or pa.types.is_timestamp(field.type)) and "born" in told and not born:
                days = _days(other)
                agreed = told["born"][known] == _unit(space, days)[known]
                born = field.name if known.any() and agreed.mean() >= AGREED else born
            elif (pa.types.is_string(field.type) or pa.types.is_boolean(field.type)) and "sex" in told and not sex:
                found = _sexes(pc.cast(other, pa.string()).to_pylist(), told["sex"])
                sex, values = (field.name, found) if found else (sex, values)
        return cls(born, sex, tuple(sorted(values.items())), space.low, space.high) if born or sex else None

    def known(self, row: Mapping[str, pa.Array], space: Space, rng: np.random.Generator) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        if not isinstance(space, Identifiers):
            return out
        part = space.born
        if part is not None and self.born in row:
            units = part.unit(_days(row[self.born])) - space.low
            valid = row[self.born].is_valid().to_numpy(zero_copy_only=False)
            drawn = rng.integers(self.low - space.low, self.high - space.low + 1, len(units))
            out["born"] = np.where(valid & (units >= 0) & (units < part.sizes[0]), units, drawn)
        if "sex" in space.means and self.sex in row:
            by = dict(self.values)
            drawn = rng.integers(0, 2, len(row[self.sex])).tolist()
            texts = pc.cast(row[self.sex], pa.string()).to_pylist()
            out["sex"] = np.array([by.get(v, d) for v, d in zip(texts, drawn, strict=True)], np.int64)
        return out


def _told(scheme: str, bares: Sequence[str]) -> dict[str, np.ndarray]:
    """Births in units, and 1 for a man, as identifiers tell them."""
    chars = _chars(np.array(bares, object), SCHEMES[scheme].width)
    out: dict[str, np.ndarray] = {}
    at = 0
    for part in SCHEMES[scheme].parts:
        if isinstance(part, Born):
            out["born"], male, _ = part.read(chars[:, at : at + part.width])
            if part.sexed:
                out["sex"] = male.astype(np.int64)
        elif "sex" in means(part):
            out["sex"] = (chars[:, at].astype(np.int64) - 48) % 2
        at += part.width
    return out


def _unit(space: Identifiers, days: np.ndarray) -> np.ndarray:
    return space.born.unit(days) if space.born is not None else days


def _days(dates: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.cast(pc.cast(dates, pa.date32()), pa.int32()), 0).to_numpy().astype(np.int64))


def _sexes(texts: Sequence[str | None], male: np.ndarray) -> dict[str, int]:
    """Which texts stand for a man and which for a woman, where nearly all rows agree with the identifiers."""
    counts = Counter((t, int(m)) for t, m in zip(texts, male.tolist(), strict=True) if t is not None)
    names = {t for t, _ in counts}
    if not 2 <= len(names) <= 6:
        return {}
    chosen = {t: int(counts[t, 1] > counts[t, 0]) for t in names}
    right = sum(counts[t, m] for t, m in chosen.items())
    both = len(set(chosen.values())) == 2
    return chosen if both and right >= AGREED * sum(counts.values()) else {}
