"""Single values: which of those of the source are found in the made rows, that should not be.

In personal columns that point at one person (an e-mail address, a telephone number, a street) no value of the source
may be; names are drawn from lists of common ones and may meet: there, and in all other columns, it is values that fewer
than k rows of the source have. By how many it would be by chance, the source tells as in ``copies``: leaving a row out,
is its value one that fewer than k others have?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.dialect import Sample
from dbsynth.pipeline.plan import ColumnPlan
from dbsynth.quality.disclosure.chance import surprising
from dbsynth.quality.disclosure.counters import counted as counted_codes
from dbsynth.quality.disclosure.seen import COUNTED, Seen, hashed_alike
from dbsynth.quality.figures import Finding, PrivacyFigure, Subject, past
from dbsynth.quality.sides import Side, Sides
from dbsynth.quality.variables import INNER
from dbsynth.relation.keys import combined
from dbsynth.schema.model import TableName
from dbsynth.sqlbase.grammar import is_scalar
from dbsynth.values.distinct import folded, hashes, mixed

POOLS = frozenset(("first_name", "last_name", "birth_date", "postcode"))
"""Personal roles whose values many people share: there are lists of them that everybody has."""
PUBLIC = frozenset(
    ("city", "state", "country", "country_code", "currency", "language", "locale", "time_zone", "salutation", "sex")
) | {"colour", "initials", "bic", "cidr", "user_agent", "version", "flag"}
"""Roles whose made values come from lists that everybody has, or of which there are few."""
SEVERAL = 3
"""Different values of the source that make a copy of what is made and never one of them."""
SHORT = 3
"""Characters: there are too few values of fewer to be anybody's."""
LETTER = r"\pL"
"""What has none counts something (a place in a tree: /1/4/2/), unless it is personal: a telephone number."""


@dataclass(frozen=True)
class Counted:
    """The distinct values of a column: uint64 ``words`` (sorted), one for all that are the same but for case, accents
    and blanks, and int64 ``times``, the rows that have each."""

    words: np.ndarray
    times: np.ndarray

    @property
    def rows(self) -> int:
        return int(self.times.sum())

    def of(self, words: np.ndarray) -> np.ndarray:
        """int64 (words,): how many rows have each."""
        if not len(self.words):
            return np.zeros(len(words), np.int64)
        at = np.minimum(np.searchsorted(self.words, words), len(self.words) - 1)
        return np.where(self.words[at] == words, self.times[at], 0)


@dataclass(frozen=True)
class Met:
    """What made rows share with the source in a column. ``words``: the values that they share; ``times`` and ``made``:
    the real and the made rows that have each; ``base_hits``: real rows whose value is one that fewer than k others
    have; ``rare``: how many values fewer than k rows have."""

    rows: Seen
    column: ColumnPlan
    real_rows: int
    made_rows: int
    words: np.ndarray
    times: np.ndarray
    made: np.ndarray
    base_hits: int
    rare: int

    @property
    def subject(self) -> Subject:
        return Subject(self.rows.name, (self.column.name,))


@dataclass
class Values:
    """Collects what is met, column by column, and judges it when all have been seen: a value that k rows of any column
    share is nobody's secret in another."""

    k: int
    most: float
    met: list[Met] = field(default_factory=list)
    told: list[np.ndarray] = field(default_factory=list)

    def look(self, sides: Sides, rows: Seen) -> None:
        for column in rows.made.column_names:
            found = counted(sides, rows, column)
            if found is None:
                continue
            real, made = found
            if is_text(rows, column):
                self.told.append(real.words[real.times >= self.k])
            if rows.plan.by_column[column].how in COUNTED or not made.rows:
                continue
            made_rows = made.rows
            if self._suspicious(real, made) and is_text(rows, column) and not rows.plan.by_column[column].personal:
                made = without_counters(rows, column, made)
            times = real.of(made.words)
            both = times > 0
            base = real.times[(real.times > 1) & (real.times <= self.k)]
            self.met.append(
                Met(rows, rows.plan.by_column[column], real.rows, made_rows, made.words[both], times[both],
                    made.times[both], int(base.sum()), int((real.times < self.k).sum()))
            )  # fmt: skip

    def _suspicious(self, real: Counted, made: Counted) -> bool:
        times = real.of(made.words)
        return float(made.times[(times > 0) & (times < self.k)].sum()) > self.most * made.rows

    def judged(self) -> Iterator[tuple[PrivacyFigure, Finding | None]]:
        told = np.unique(np.concatenate(self.told)) if self.told else np.zeros(0, np.uint64)
        for met in self.met:
            if met.column.personal and met.column.role not in POOLS:
                yield self.personal(met)
            else:
                yield self.rare(met, told)

    def personal(self, met: Met) -> tuple[PrivacyFigure, Finding | None]:
        hits, different = int(met.made.sum()), len(met.made)
        share = hits / met.made_rows
        failed = share > self.most and (different > 1 or share > 0.5)
        says = (
            f"{hits:,} of {met.made_rows:,} made values ({met.column.role}) are equal to one of the source, whatever "
            "their case, accents and blanks"
        )
        figure = PrivacyFigure("personal_values", met.subject, share, 0.0, not failed, says)
        if not failed:
            return figure, None
        return figure, Finding(
            "failure",
            "privacy",
            met.subject,
            f"{met.rows.name}: {share:.1%} of the values of {met.column.name} ({hits:,} of {met.made_rows:,}) are the "
            f"source's: this column holds personal values ({met.column.role}), of which none may come out",
            f"make {met.rows.name} anew; if these are no personal values, give the column its role in dbsynth.toml",
            past(share, self.most),
        )

    def rare(self, met: Met, told: np.ndarray) -> tuple[PrivacyFigure, Finding | None]:
        rare = met.times < self.k
        text = is_text(met.rows, met.column.name)
        if text and not met.column.personal:
            rare &= ~np.isin(met.words, told)
        hits, different = int(met.made[rare].sum()), int(rare.sum())
        share, base = hits / met.made_rows, met.base_hits / max(1, met.real_rows)
        anew = text and made_anew(met.column)
        base = 0.0 if anew else base
        says = (
            f"{hits:,} of {met.made_rows:,} made rows have one of the {met.rare:,} values that fewer than {self.k} "
            f"rows of the source have ({different:,} of those); "
        ) + ("what is made is never one of them" if anew else f"of real rows {base:.2%} would by chance")
        if not text or (met.column.role in PUBLIC and met.column.how == "made"):
            return PrivacyFigure("rare_values", met.subject, share, base, None, says), None
        if anew:
            failed = share > self.most and different >= SEVERAL
        else:
            failed = share - base > self.most and surprising(hits, met.made_rows, met.base_hits, met.real_rows)
        name = "personal_values" if met.column.personal else "rare_values"
        figure = PrivacyFigure(name, met.subject, share, base, not failed, says)
        if not failed:
            return figure, None
        return figure, Finding(
            "failure",
            "privacy",
            met.subject,
            f"{met.rows.name}: {share:.1%} of the values of {met.column.name} ({hits:,} of {met.made_rows:,}) are "
            f"values of the source that fewer than {self.k} of its rows have; "
            + ("they are made, and never its own" if anew else f"by chance it would be {base:.1%}"),
            f"make {met.rows.name} anew; if its values are no secret, keep the table with --keep",
            past(share - base, self.most),
        )


def made_anew(column: ColumnPlan) -> bool:
    """Texts that are made so that none is the source's; of those with an inner structure there may be few."""
    return column.how == "made" and column.role not in POOLS | PUBLIC and column.role not in INNER


def without_counters(rows: Seen, column: str, made: Counted) -> Counted:
    """``made`` without codes that count through the range that those of the source fill; of a sample, without any if
    most do."""
    real, texts = (folded(a.drop_null().unique().cast(pa.string())) for a in rows.both(column))
    counting = counted_codes(texts, real, rows.share)
    if rows.share < 1 and counting.mean() > 0.5:
        return Counted(made.words[:0], made.times[:0])
    counters = texts.filter(pa.array(counting))
    known = np.isin(made.words, _words(counters, ""))
    return Counted(made.words[~known], made.times[~known])


def is_text(rows: Seen, column: str) -> bool:
    """Numbers without a bound on their digits travel as text too."""
    kind = rows.plan.by_column[column].kind
    return bool(pt.is_string(rows.real.schema.field(column).type)) and kind not in ("number", "moment")


def counted(sides: Sides, rows: Seen, column: str) -> tuple[Counted, Counted] | None:
    """Of the real and of the made side; of large tables, of a sample of the values in which each has all its rows.
    None: what cannot be compared, or has too few values to be anybody's."""
    type_ = rows.real.schema.field(column).type
    pattern = "" if rows.plan.by_column[column].personal else LETTER
    if pt.is_boolean(type_) or pt.is_null(type_):
        return None
    real, made = rows.both(column)
    if not pt.is_string(type_):
        return of_array(real, type_), of_array(made, type_)
    counts = [side.counts[rows.name] for side in (sides.real, sides.made)]
    limit = min(sides.real.limit, sides.made.limit)
    if max(counts) <= limit or not is_scalar(rows.table.column(column)) or not hashed_alike(sides):
        return of_array(real, type_, pattern), of_array(made, type_, pattern)
    part = limit / max(counts)
    return tuple(_of_sample(s, rows.name, column, part, pattern) for s in (sides.real, sides.made))  # type: ignore[return-value]


def _of_sample(side: Side, name: TableName, column: str, fraction: float, pattern: str) -> Counted:
    here = side.columns[name][column]
    found = side.database.degrees(side.names[name], (here,), Sample((here,), fraction, side.salt), side.snapshot)
    words = _words(combined(found.column(0)).cast(pa.string()), pattern)
    return _merged(words, combined(found.column(1)).to_numpy(zero_copy_only=False))


def of_array(array: pa.Array, type_: pa.DataType, pattern: str = "") -> Counted:
    """``type_``: of the side that the other is compared with. Texts without ``pattern`` are left out."""
    if array.type != type_:
        array = array.cast(pa.string())
    found = pc.value_counts(array.drop_null())
    return _merged(_words(found.field("values"), pattern), found.field("counts").to_numpy(zero_copy_only=False))


def _merged(words: np.ndarray, times: np.ndarray) -> Counted:
    there = words > 0
    unique, at = np.unique(words[there], return_inverse=True)
    return Counted(unique, np.bincount(at, times[there], len(unique)).astype(np.int64))


def _words(values: pa.Array, pattern: str) -> np.ndarray:
    """uint64 (values,), 0 for those that are too short or lack ``pattern``."""
    if not pt.is_string(values.type):
        if pt.is_decimal(values.type):
            values = values.cast(pa.float64())
        raw = (values if pt.is_floating(values.type) else values.view(_whole(values.type))).to_numpy(
            zero_copy_only=False
        )
        return mixed(raw.astype(np.float64).view(np.uint64)) | np.uint64(1)
    plain = folded(values)
    words = hashes(plain, 0) | np.uint64(1)
    telling = pc.greater_equal(pc.utf8_length(plain), SHORT)
    if pattern:
        telling = pc.and_(telling, pc.match_substring_regex(plain, pattern))
    return np.where(telling.to_numpy(zero_copy_only=False), words, 0).astype(np.uint64)


def _whole(type_: pa.DataType) -> pa.DataType:
    return pa.int32() if type_.bit_width == 32 else pa.int64()
