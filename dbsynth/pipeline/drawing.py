"""The codes of all rows: one place in the families after another, each row in sight of those before it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dbsynth.codec.gaps import moments_of, ticks, to_gaps
from dbsynth.codec.units import moment_as
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.settle import regular_moments
from dbsynth.relation.keys import take
from dbsynth.relation.siblings import Memory, Places
from dbsynth.relation.steps import ABOVE, Steps
from dbsynth.schema.types import arrow_type

LATE_TURNS = 4
"""Rounds in which moments beyond the latest are drawn again before they are cut."""


def draw_rows(draft: Draft) -> None:
    """Set ``draft.codes``, ``draft.context`` with the state of the siblings, and what moments count from."""
    draft.outside |= above_columns(draft)
    learned = draft.learned
    if learned.siblings is None and learned.steps is None:
        draft.codes = draft.sample(np.arange(draft.n), None, "rows")
        return
    places = Places.of(draft.parent, draft.position)
    memory = Memory(learned.siblings, places.pieces) if learned.siblings is not None else None
    width = draft.context.shape[1]
    if memory is not None:
        draft.context = np.concatenate([draft.context, memory.see(places.piece)], axis=1)
    clockwork = Clockwork(draft, learned.steps, places) if learned.steps is not None else None
    draft.codes = np.zeros((draft.n, len(learned.codec.cardinalities)), np.int32)
    order = np.argsort(places.place, kind="stable")
    ends = np.cumsum(np.bincount(places.place))
    for place, rows in enumerate(np.split(order, ends[:-1])):
        piece = places.piece[rows]
        if memory is not None:
            draft.context[rows, width:] = memory.see(piece)
        seen = clockwork.seen(place) if clockwork is not None else None
        codes = draft.sample(rows, None, "rows", place, seen=seen)
        if clockwork is not None:
            codes = clockwork.set(rows, piece, codes, place)
        draft.codes[rows] = codes
        if memory is not None:
            memory.note(piece, codes)
    if clockwork is not None:
        clockwork.finish()


def above_columns(draft: Draft) -> dict[str, pa.Array]:
    """The moments of the context parent from which moments of the rows are counted."""
    gaps, steps = draft.learned.codec.gaps, draft.learned.steps
    follower = {base: column for column, base in gaps.items() if base.startswith(ABOVE)}
    out = {}
    for name, column in sorted(follower.items()):
        assert draft.table.context is not None
        rows = draft.parents[draft.table.context.key.ref_table].rows
        own = steps.column if steps is not None and column == steps.lead else column
        type_ = arrow_type(draft.table.table.column(own).type)
        out[name] = moment_as(take(rows.column(name.removeprefix(ABOVE)), draft.parent), type_)
    return out


class Clockwork:
    """The moments of rows while they are made, from the gaps that the model draws."""

    def __init__(self, draft: Draft, steps: Steps, places: Places) -> None:
        self.draft, self.steps = draft, steps
        self.type = arrow_type(draft.table.table.column(steps.column).type)
        self.above = draft.outside[steps.above] if steps.above is not None else None
        self.latest = np.zeros(places.pieces, np.int64)
        self.values = np.zeros(draft.n, np.int64)
        cut = (places.place == 0) & (draft.position > 0)
        self.tentative = tentative(draft, steps) if cut.any() else None
        self.regular: np.ndarray | None = None

    def set(self, rows: np.ndarray, piece: np.ndarray, codes: np.ndarray, place: int) -> np.ndarray:
        """Take the moments of ``codes`` (of ``rows``, at ``place`` of their pieces), and draw again what comes after
        the moments, now that these are known."""
        draft, codec, steps = self.draft, self.draft.learned.codec, self.steps
        before = moments_of(self.latest[piece], self.type)
        moments = self._decoded(rows, codes, before, place, 0)
        for turn in range(LATE_TURNS):
            late = np.flatnonzero(moments > steps.latest)
            if not len(late):
                break
            codes[late] = draft.sample(rows[late], None, "late", place, turn, seen=self.seen(place))
            moments[late] = self._decoded(rows[late], codes[late], take(before, late), place, turn + 1)
        moments = np.minimum(moments, np.maximum(steps.latest, self.latest[piece]))
        if place == 0:
            cut = draft.position[rows] > 0
            if self.tentative is not None:
                moments[cut] = self.tentative[rows[cut]]
            self.regular = regular_moments(draft, steps.column, rows[~cut], moments[~cut])
        if self.regular is not None:
            moments = np.where(draft.parent[rows] < 0, moments, self.regular[rows])
        values = moments_of(moments, self.type)
        given = np.full(codes.shape, -1, np.int32)
        stop = draft.spans[steps.clock].stop
        given[:, :stop] = codes[:, :stop]
        known = self._counted(rows, values, before, place)
        for column, array in known.items():
            given[:, draft.spans[column]] = codec.codecs[column].encode(array)
        self.values[rows], self.latest[piece] = moments, moments
        return draft.sample(rows, given, "timed", place)

    def _counted(self, rows: np.ndarray, values: pa.Array, before: pa.Array, place: int) -> dict[str, pa.Array]:
        """Clock, gap and lead of rows at ``values``."""
        none = pa.nulls(len(rows), pa.int64())
        out = {self.steps.clock: values, self.steps.column: to_gaps(values, before) if place else none}
        if self.above is not None:
            out[self.steps.lead] = none if place else to_gaps(values, take(self.above, rows))
        return out

    def seen(self, place: int) -> list[np.ndarray]:
        """The codes that are drawn at ``place``: first rows have no gap, those after them no lead."""
        out = list(self.draft.learned.seen)
        for column, codes in zip(self.steps.drawn, self.steps.later if place else self.steps.first, strict=True):
            out[self.draft.spans[column].start] = codes
        return out

    def finish(self) -> None:
        self.draft.timed = {self.steps.column: moments_of(self.values, self.type)}

    def _decoded(self, rows: np.ndarray, codes: np.ndarray, before: pa.Array, place: int, turn: int) -> np.ndarray:
        rng, codec = self.draft.rng("moments", place, turn), self.draft.learned.codec
        clock = ticks(codec.decode_column(self.steps.clock, codes, rng))
        if place:
            counted = codec.decode_moment(self.steps.column, codes, rng, before)
        elif self.above is not None:
            counted = codec.decode_moment(self.steps.lead, codes, rng, take(self.above, rows))
        else:
            return clock.copy()
        return np.where(np.asarray(counted.is_null()), clock, ticks(counted))


def tentative(draft: Draft, steps: Steps) -> np.ndarray:
    """A first idea of the moments, int64 (rows,): drawn one by one and put in order in each family. Long families,
    which are made in pieces, take the moments at which their pieces begin from it."""
    codes = draft.sample(np.arange(draft.n), None, "tentative")
    decoded = draft.learned.codec.decode_column(steps.clock, codes, draft.rng("tentative"))
    moments = ticks(decoded)
    order = np.lexsort((moments, draft.parent))
    out = np.empty(draft.n, np.int64)
    out[np.lexsort((draft.position, draft.parent))] = moments[order]
    return out
