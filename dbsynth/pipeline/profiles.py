"""What the children of a row are like, as one more code of the row: its *profile*.

A row that has little but a key is known by its children: a heavy user stays one, and who asks many questions writes few
answers. The children of each row are summed up (means of numbers and moments, shares of the commonest categories), the
sums are clustered, and the row's model learns the cluster like any column. All its child tables see it: so tables that
have nothing in common but their parent agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.gaps import numbers as moment_numbers
from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.pipeline.plan import Degree, Plan, TablePlan
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.keys import combined, row_index
from dbsynth.rng import generator

PROFILE = "~"
"""The first letter of such a column's name, before that of the count column of the same key."""
MOST_COLUMNS, MOST_LABELS, MOST_BELOW = 8, 3, 3
"""Of a child table so many columns are summed up, of a category so many values, and so many of its own child tables."""
MOST_ROWS, LEAST_ROWS = 500_000, 200
"""Child tables of more rows, or fewer, have no profile."""
MOST_PROFILES = 32


@dataclass(frozen=True)
class Profile:
    """``columns``: what of the child table is summed up; ``below``: what is counted of each child."""

    degree: Degree
    columns: tuple[str, ...]
    below: tuple[Degree, ...]

    @property
    def code(self) -> str:
        return PROFILE + self.degree.column.removeprefix("#")


def profiles_of(plan: Plan, table: TablePlan) -> list[Profile]:
    """The child tables whose rows are summed up: where several stand under this one, or it has no column of its own,
    or its children have children. None for kept rows (their identity says it all), nor where the sample does not keep
    families whole."""
    found = []
    for degree in table.degrees:
        child = plan[degree.child]
        columns = tuple(c.name for c in child.columns if c.how == "modelled")[:MOST_COLUMNS]
        below = tuple(d for d in child.degrees if d.fill == "context")[:MOST_BELOW]
        if degree.fill == "context" and (columns or below) and LEAST_ROWS <= child.source_rows <= MOST_ROWS:
            found.append(Profile(degree, columns, below))
    own = [c for c in table.columns if c.how == "modelled"]
    keys = {p.degree.key.ref_columns for p in found}
    whole = table.sample is None or {table.sample.columns} == keys
    wanted = len(found) >= 2 or (found and not own) or any(p.below for p in found)
    return found if wanted and table.kept is None and len(keys) == 1 and whole else []


def profile_codes(
    database: Database,
    plan: Plan,
    table: TablePlan,
    frame: pa.Table,
    sample: Sample | None,
    fitted: dict[str, Clusters],
    seed: int,
    snapshot: str | None,
) -> dict[str, pa.Array]:
    """A code per row of ``frame`` and profile: 0 no children, else 1 + the cluster. ``sample``: of the parents, by the
    key that the children refer to. Clusters that ``fitted`` lacks are fitted into it."""
    out = {}
    for profile in profiles_of(plan, table):
        sums = _sums(database, profile, plan[profile.degree.child], frame, sample, snapshot)
        some = np.flatnonzero(sums.column("n").to_numpy() > 0)
        features = [c for c in sums.column_names if c != "n"]
        if profile.code not in fitted:
            child, key = profile.degree.child, profile.degree.key
            rng = generator(seed, plan.stream(table.name), plan.stream(child), key.stream, "profile")
            weights = np.full(len(some), 8.0)
            fitted[profile.code] = Clusters.fit(
                sums.take(pa.array(some)), features, weights, plan.privacy_k, rng, most=MOST_PROFILES
            )
        codes = np.zeros(frame.num_rows, np.int64)
        codes[some] = 1 + fitted[profile.code].assign(sums.take(pa.array(some)))
        out[profile.code] = pa.array(codes)
    return out


def profile_specs(fitted: dict[str, Clusters]) -> list[ColumnSpec]:
    return [ColumnSpec(name, None, "code", nullable=False, cardinality=c.count + 1) for name, c in fitted.items()]


def _sums(
    database: Database,
    profile: Profile,
    child: TablePlan,
    frame: pa.Table,
    sample: Sample | None,
    snapshot: str | None,
) -> pa.Table:
    """Per row of ``frame`` the number ``n`` of its children in the sample, and per feature a float64 column."""
    key = profile.degree.key
    own = Sample(key.columns, sample.fraction, sample.salt) if sample is not None else None
    needed = key.columns + profile.columns + tuple(c for d in profile.below for c in d.key.ref_columns)
    primary = child.table.primary_key.columns if child.table.primary_key else key.columns
    # sums of floats depend on the order of what is summed
    request = ReadRequest(child.name, tuple(dict.fromkeys(needed + primary)), own, order_by=primary)
    children = pa.Table.from_batches(list(database.read(request, snapshot))).combine_chunks()
    at = row_index([children.column(c) for c in key.columns], [frame.column(c) for c in key.ref_columns])
    known = at >= 0
    out: dict[str, np.ndarray] = {"n": np.bincount(at[known], minlength=frame.num_rows)}
    features: dict[str, np.ndarray] = {}
    for column in profile.columns:
        features |= _features(column, combined(children.column(column)))
    for below in profile.below:
        counts = database.degrees(below.child, below.key.columns, None, snapshot)
        place = row_index(
            [children.column(c) for c in below.key.ref_columns], [counts.column(c) for c in below.key.columns]
        )
        features[below.column] = np.log1p(np.append(counts.column("n").to_numpy(), 0)[place])
    for name, values in features.items():
        present = known & ~np.isnan(values)
        count = np.bincount(at[present], minlength=frame.num_rows)
        total = np.bincount(at[present], values[present], frame.num_rows)
        out[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return pa.table({n: pa.array(a) for n, a in out.items()})


def _features(name: str, array: pa.Array) -> dict[str, np.ndarray]:
    """What of a column has a mean, float64 (rows,) with NaN for null."""
    type_ = array.type
    if pa.types.is_date32(type_) or pa.types.is_timestamp(type_):
        return {name: moment_numbers(array)}
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return {name: pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)}
    text = array.cast(pa.string()) if not pa.types.is_string(type_) else array
    found = pc.value_counts(text.drop_null()).to_pylist()
    common = sorted(found, key=lambda v: (-v["counts"], v["values"]))[:MOST_LABELS]
    return {
        f"{name}={i}": pc.equal(text, v["values"]).cast(pa.float64()).to_numpy(zero_copy_only=False)
        for i, v in enumerate(common)
    }
