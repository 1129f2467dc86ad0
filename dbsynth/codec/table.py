"""The codec of a table: its columns' codecs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.codec.base import ColumnCodec, ColumnSpec, Kind, State
from dbsynth.codec.category import CategoryCodec, NoCategories
from dbsynth.codec.gaps import from_gaps, gap_spec, order_of, to_gaps
from dbsynth.codec.moment import MomentCodec, within_calendar
from dbsynth.codec.number import NumberCodec
from dbsynth.codec.ordered import prefixed, unprefixed
from dbsynth.codec.presence import CodeCodec, PresenceCodec
from dbsynth.errors import InternalError
from dbsynth.rng import derive, generator
from dbsynth.schema.types import arrow_type

_CODECS: dict[Kind, Any] = {
    "number": NumberCodec,
    "moment": MomentCodec,
    "category": CategoryCodec,
    "presence": PresenceCodec,
    "code": CodeCodec,
}
_FALLBACKS: dict[Kind, tuple[Kind, ...]] = {
    "number": ("category", "presence"),
    "moment": ("category", "presence"),
    "category": ("presence",),
    "presence": (),
    "code": (),
}


class TableCodec:
    """``codecs`` by column, in the order of the specs. ``kinds``: the kind each column got; one that was to be coded
    and ended as presence (see ``warnings``) needs its values from elsewhere. ``spans``: each column's code columns.
    """

    def __init__(
        self,
        codecs: Mapping[str, ColumnCodec],
        kinds: Mapping[str, Kind],
        warnings: Sequence[str],
        gaps: Mapping[str, str] | None = None,
        moments: Mapping[str, ColumnSpec] | None = None,
    ) -> None:
        self.codecs, self.kinds, self.warnings = dict(codecs), dict(kinds), list(warnings)
        self.gaps, self.moments = dict(gaps or {}), dict(moments or {})
        self.spans: dict[str, slice] = {}
        cardinalities: list[int] = []
        for name, codec in self.codecs.items():
            self.spans[name] = slice(len(cardinalities), len(cardinalities) + len(codec.cardinalities))
            cardinalities += codec.cardinalities
        self.cardinalities = tuple(cardinalities)

    @property
    def scales(self) -> tuple[np.ndarray | None, ...]:
        """Per code column the number each of its codes stands for: see ``ColumnCodec.scales``."""
        return tuple(scale for codec in self.codecs.values() for scale in codec.scales)

    @staticmethod
    def fit(
        table: pa.Table,
        specs: Sequence[ColumnSpec],
        *,
        k: int = 5,
        seed: int,
        gaps: Mapping[str, str] | None = None,
        beside: Mapping[str, pa.Array] | None = None,
    ) -> TableCodec:
        """Never fails for what a column holds: it falls to a simpler kind, with a warning that names the column.
        ``gaps``: see ``find_gaps``; only whole tables can then be encoded and decoded. ``beside``: further values of a
        column, in rows of other tables."""
        codecs: dict[str, ColumnCodec] = {}
        kinds: dict[str, Kind] = {}
        warnings: list[str] = []
        gaps = dict(gaps or {})
        moments = {s.name: within_calendar(_column(table, s.name), s) for s in specs if s.name in gaps}
        for i, spec in enumerate(specs):
            values = _column(table, spec.name)
            if spec.name in gaps:
                values, spec = to_gaps(values, _column(table, gaps[spec.name])), gap_spec(spec)
            elif beside and spec.name in beside:
                values = pa.concat_arrays([values, beside[spec.name].cast(values.type)])
            codecs[spec.name], kinds[spec.name] = _fit_column(values, spec, k, derive(seed, i), warnings)
        return TableCodec(codecs, kinds, warnings, gaps, moments)

    def encode(self, table: pa.Table) -> np.ndarray:
        """Codes int32 (rows, code columns)."""
        out = np.empty((table.num_rows, len(self.cardinalities)), np.int32)
        for name, codec in self.codecs.items():
            values = _column(table, name)
            if name in self.gaps:
                values = to_gaps(values, _column(table, self.gaps[name]))
            out[:, self.spans[name]] = codec.encode(values)
        return out

    def decode(
        self, codes: np.ndarray, rng: np.random.Generator, outside: Mapping[str, pa.Array] | None = None
    ) -> dict[str, pa.Array]:
        """Values by column. Each column has its own stream, so that no column changes another's values. ``outside``:
        the columns from which gaps are counted that are no columns of the table, and moments that are known."""
        seed = int(rng.integers(2**63))
        out = {
            name: codec.decode(codes[:, self.spans[name]], generator(seed, i))
            for i, (name, codec) in enumerate(self.codecs.items())
        }
        given = outside or {}
        known = {**out, **given}
        for name in order_of(self.gaps):
            if name not in given:
                known[name] = from_gaps(out[name], known[self.gaps[name]], self.moments[name])
            out[name] = known[name]
        return out

    def encode_column(self, name: str, values: pa.Array, outside: Mapping[str, pa.Array] | None = None) -> np.ndarray:
        """Codes int32 (rows, width) of one column; ``outside`` as for ``decode``."""
        if name in self.gaps:
            values = to_gaps(values, (outside or {})[self.gaps[name]])
        return self.codecs[name].encode(values)

    def decode_moment(self, name: str, codes: np.ndarray, rng: np.random.Generator, base: pa.Array) -> pa.Array:
        """Values of a column that is coded as gaps since ``base``, from the codes of all (rows, code columns)."""
        return from_gaps(self.decode_column(name, codes, rng), base, self.moments[name])

    def decode_column(self, name: str, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """Values of one column from the codes of all (rows, code columns)."""
        return self.codecs[name].decode(codes[:, self.spans[name]], rng)

    def state(self) -> State:
        """Everything but the types of the specs; holds no value that fewer than k rows share."""
        columns: list[dict[str, Any]] = []
        arrays: dict[str, np.ndarray] = {}
        for i, (name, codec) in enumerate(self.codecs.items()):
            inner = codec.state()
            columns.append({"name": name, "kind": self.kinds[name], "config": dict(inner.config)})
            arrays |= prefixed(str(i), inner.arrays)
        return State({"columns": columns, "warnings": self.warnings, "gaps": self.gaps}, arrays)

    @staticmethod
    def restore(state: State, specs: Mapping[str, ColumnSpec] | None = None) -> TableCodec:
        """``specs`` fills the codecs' ``spec``; without it they know their name and kind. Moments that are coded as
        gaps need theirs."""
        codecs: dict[str, ColumnCodec] = {}
        kinds: dict[str, Kind] = {}
        for i, column in enumerate(state.config["columns"]):
            name, kind = column["name"], column["kind"]
            spec = (specs or {}).get(name) or ColumnSpec(name, None, kind)
            if name in state.config["gaps"]:
                spec = gap_spec(spec)
            inner = State(column["config"], unprefixed(str(i), state.arrays))
            codecs[name], kinds[name] = _CODECS[kind].restore(inner, spec), kind
        gaps = state.config["gaps"]
        return TableCodec(codecs, kinds, state.config["warnings"], gaps, {c: (specs or {})[c] for c in gaps})


def _column(table: pa.Table, name: str) -> pa.Array:
    """One contiguous array, whatever the chunks."""
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _fit_column(values: pa.Array, spec: ColumnSpec, k: int, seed: int, warnings: list[str]) -> tuple[ColumnCodec, Kind]:
    kinds = (spec.kind, *_FALLBACKS[spec.kind])
    if spec.kind == "moment" and _few_texts(values, spec, k):
        kinds = ("category", "presence")
    for i, kind in enumerate(kinds):
        try:
            codec: ColumnCodec = _CODECS[kind].fit(values, spec, k=k, seed=seed)
        except (NoCategories, ValueError, ArithmeticError, TypeError, pa.ArrowException) as error:
            if i + 1 == len(kinds):
                raise InternalError(f"column {spec.name} cannot be coded ({type(error).__name__})") from error
            warnings.append(
                f"column {spec.name}: cannot be coded as {kind} ({type(error).__name__}), falls to {kinds[i + 1]}"
            )
        else:
            return codec, kind
    raise InternalError(f"column {spec.name} has no kind")


def _few_texts(values: pa.Array, spec: ColumnSpec, k: int) -> bool:
    """Intervals travel as text; a few that are each seen k times keep their very text as categories."""
    arrow = arrow_type(spec.type) if spec.type is not None else values.type
    if not pt.is_string(arrow):
        return False
    counts = pc.value_counts(values.drop_null()).field("counts").to_numpy(zero_copy_only=False)
    return 0 < len(counts) <= 200 and bool((counts >= k).all())
