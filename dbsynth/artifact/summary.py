"""What of the source a learned table holds, for people: names and numbers, none of the values."""

from __future__ import annotations

from typing import Any

from dbsynth.codec.base import ColumnCodec
from dbsynth.codec.category import CategoryCodec
from dbsynth.codec.moment import MomentCodec
from dbsynth.codec.number import NumberCodec
from dbsynth.codec.ordered import Ordered
from dbsynth.pipeline.draft import Learned
from dbsynth.quality.statistics import Statistics
from dbsynth.values.base import ValueGenerator
from dbsynth.values.column import MadeColumn


def holdings(learned: Learned) -> dict[str, str]:
    """By column, a sentence."""
    out = {c: _generated(m) for m in learned.generators for c in m.columns}
    for name, codec in learned.codec.codecs.items():
        if name in learned.plan.by_column and name not in out:
            out[name] = _coded(codec)
    if learned.known is not None:
        out["(rows)"] = f"a filter of {learned.known.filter.bits.nbytes:,} bytes that knows rows perhaps"
    return out


def holds_statistics(statistics: Statistics | None) -> str:
    """What is kept to verify rows by, in a sentence; "": nothing."""
    if statistics is None:
        return ""
    features = sum(len(t.group.columns) for t in statistics.tables)
    pairs = sum(len(p.features) for p in [*(t.pairs for t in statistics.tables), *(k.pairs for k in statistics.keys)])
    return (
        f"counts of at least {statistics.k} rows: by level of {features:,} features of columns and of {pairs:,} pairs "
        f"of columns, and how many children parents have by {len(statistics.keys):,} foreign keys"
    )


def _coded(codec: ColumnCodec) -> str:
    match codec:
        case CategoryCodec():
            return f"{len(codec.listed):,} values that k rows share or the catalog declares"
        case NumberCodec():
            return _quantiles(codec.ordered)
        case MomentCodec():
            return _quantiles(codec.main) + (f"; of the day: {_quantiles(codec.time)}" if codec.time else "")
    return "how often it is null"


def _quantiles(ordered: Ordered) -> str:
    return (
        f"{len(ordered.bins.spikes):,} values that k rows share, {len(ordered.bins.low):,} segments of at least k rows"
    )


def _generated(maker: ValueGenerator) -> str:
    kind: Any = maker.drawer if isinstance(maker, MadeColumn) else maker
    return f"made ({type(kind).__name__.lower()}): shapes, lengths and words that k rows share"
