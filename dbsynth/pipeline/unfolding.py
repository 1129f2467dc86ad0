"""Columns of documents in the model: unfolded into a column for each telling path before it is fitted, folded again
when its rows are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec
from dbsynth.pipeline.copied_paths import find_copies
from dbsynth.pipeline.plan import TablePlan
from dbsynth.relation.keys import combined
from dbsynth.rng import derive
from dbsynth.schema.types import Structured
from dbsynth.values import fit_document
from dbsynth.values.base import ValueGenerator
from dbsynth.values.folded import Folded, are_documents, is_compact
from dbsynth.values.notations import JsonText, Notation, notation_of, readable
from dbsynth.values.xmltext import XmlText, is_xml

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Draft

MOST_COLUMNS, MOST_OF_A_TABLE = 24, 48
"""Columns of the model for one column of documents, and for all of a table."""


def folded_columns(plan: TablePlan, frame: pa.Table, unique: set[str], k: int, seed: int) -> dict[str, Folded]:
    """The columns of ``frame`` that hold documents."""
    noted = {c.name: n for c in plan.columns if c.how == "made" and (n := _notation(plan, c.name, frame)) is not None}
    most = min(MOST_COLUMNS, MOST_OF_A_TABLE // max(1, len(noted)))
    late = {c for key in plan.keys if key.fill in ("self", "cycle") for c in key.free}
    out = {}
    for name, notation in noted.items():
        type_ = plan.table.column(name).type
        texts = combined(frame.column(name)).drop_null().to_pylist()
        own = derive(seed, name)
        document = fit_document(texts, type_, name, k, own, notation=notation, column=name, most=most)
        document.compact = isinstance(notation, JsonText) and is_compact(texts)
        length = type_.length if isinstance(type_, sqltypes.String) else None
        out[name] = Folded(str(plan.name), (name,), document, notation, name in unique, length)
        find_copies(out[name], frame, [c for c in frame.column_names if c not in {name} | late])
    return out


def _notation(plan: TablePlan, name: str, frame: pa.Table) -> Notation | None:
    """In which the values of a column are documents; None where they are none."""
    column, texts = plan.table.column(name), combined(frame.column(name)).drop_null()
    if not pa.types.is_string(texts.type) or not len(texts):
        return None
    texts = texts.to_pylist()
    if isinstance(column.type, Structured) and column.type.family == "xml":
        return XmlText.of(texts)
    if isinstance(column.type, sqltypes.String) and not isinstance(column.type, sqltypes.Enum):
        if plan.by_column[name].personal:
            return None
        return JsonText() if are_documents(texts) else XmlText.of(texts) if is_xml(texts) else None
    notation = notation_of(column.type)
    return notation if notation is not None and readable(notation, texts) else None


def unfolded(folded: Mapping[str, Folded], rows: pa.Table) -> dict[str, pa.Array]:
    """The columns of the model for ``rows`` of the source."""
    out: dict[str, pa.Array] = {}
    for name, column in folded.items():
        out |= column.unfold(combined(rows.column(name)))
    return out


def with_paths(
    specs: Sequence[ColumnSpec], folded: Mapping[str, Folded], surprise: Mapping[str, float], own: set[str]
) -> list[ColumnSpec]:
    """``specs`` with those of the paths, by rising ``surprise`` as the table's ``own`` columns are. What says which
    paths there are comes before what stands there."""
    out = list(specs)
    paths = [s for f in folded.values() for s in f.specs()]
    before = 0.0
    ranked = []
    for spec in paths:
        ranked.append((0.0 if spec.kind == "code" else surprise[spec.name], spec))
    for rank, spec in sorted(ranked, key=lambda r: r[0]):
        before = max(before, rank)
        ends = [i for i, s in enumerate(out) if s.name in own and surprise.get(s.name, 0.0) <= rank]
        starts = [i for i, s in enumerate(out) if s.name in own]
        at = ends[-1] + 1 if ends else starts[0] if starts else len(out)
        while at < len(out) and "\0" in out[at].name:
            at += 1
        out.insert(at, spec)
    return out


def folds(makers: Sequence[ValueGenerator]) -> list[Folded]:
    return [m for m in makers if isinstance(m, Folded)]


def path_columns(draft: Draft) -> list[str]:
    return [c for f in folds(draft.learned.generators) for c in f.model_columns]


def finished_paths(draft: Draft, made: pa.Table) -> dict[str, pa.Array]:
    """The columns of the model for finished rows: kept ones, then those of the draft."""
    out: dict[str, pa.Array] = {}
    kept = made.num_rows - draft.n
    for fold in folds(draft.learned.generators):
        before = fold.unfold(combined(made.column(fold.columns[0]).slice(0, kept)))
        for name in fold.model_columns:
            values = combined(draft.columns[name])
            out[name] = pa.concat_arrays([before[name].cast(values.type), values]) if kept else values
    return out


def remade_paths(draft: Draft, rows: Mapping[str, pa.Array], rng: np.random.Generator) -> dict[str, pa.Array]:
    """The columns of the model for the documents of kept ``rows``, as near as the codec knows them."""
    codec, out = draft.learned.codec, {}
    for fold in folds(draft.learned.generators):
        texts = combined(rows[fold.columns[0]])
        for name, values in fold.unfold(texts).items():
            codes = np.zeros((len(texts), len(codec.cardinalities)), np.int32)
            codes[:, codec.spans[name]] = codec.codecs[name].encode(values)
            if name not in codec.gaps:
                out[name] = codec.decode_column(name, codes, rng)
    return out
