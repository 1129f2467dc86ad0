"""The map of the schema: every table a box with its score, every foreign key a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup

from dbsynth.quality.report.charts import bucket
from dbsynth.quality.report.layout import PITCH, Layout, Link, layout
from dbsynth.quality.report.svg import element, picture, shown, text
from dbsynth.quality.report.text import all_capped, capped
from dbsynth.schema.model import Schema, TableName

BOX = 34.0
GAP = 64.0
LETTER = 6.75
"""Width of a letter of 11 pixels of a typewriter face."""
SMALL = 6.0
"""Width of one of 10.5 pixels."""
LONGEST = 28
MARGIN = 6.0


@dataclass(frozen=True)
class Box:
    """What the map says of a table. ``schema``: where there are several. ``failed``: findings that close a gate, or
    broken constraints, are about it. ``itself``: it has a foreign key to itself."""

    label: str
    schema: str
    anchor: str
    rows: int
    score: float | None
    failed: bool
    kept: bool
    itself: bool
    short: str = ""
    """The label as it is shown."""

    @property
    def width(self) -> float:
        return max(52 + LETTER * max(8, min(len(self.label), LONGEST)), 24 + SMALL * len(self.below))

    @property
    def below(self) -> str:
        state = "failed" if self.failed else "kept rows" if self.kept else ""
        place = f"{capped(self.schema, LONGEST)} · " if self.schema else ""
        return f"{place}{self.rows:,} rows" + (" ↺" if self.itself else "") + (f" · {state}" if state else "")


def schema_map(schema: Schema, boxes: Mapping[TableName, Box]) -> Markup:
    short = all_capped([b.label for b in boxes.values()], LONGEST)
    boxes = {name: replace(box, short=s) for (name, box), s in zip(boxes.items(), short, strict=True)}
    placed = layout(schema)
    lefts, widths = _columns(placed, boxes)
    links = [_link(link, lefts, widths, boxes) for link in placed.links]
    drawn = [
        _box(boxes[name], lefts[layer], MARGIN + y - BOX / 2, widths[layer])
        for name, (layer, y) in placed.places.items()
    ]
    width = max((left + w for left, w in zip(lefts, widths, strict=True)), default=0.0) + MARGIN
    height = placed.height + 2 * MARGIN if placed.places else MARGIN
    width = max(width, 700.0)
    loose, height = _loose(placed, boxes, width, height)
    return picture(
        width, height, "Map of the schema",
        f"{len(boxes)} tables as boxes with their fidelity, {len(links)} foreign keys as lines, parents to the left. "
        "The list of tables below holds the same in text.", [*links, *drawn, *loose], "map",
    )  # fmt: skip


def _columns(placed: Layout, boxes: Mapping[TableName, Box]) -> tuple[list[float], list[float]]:
    """Left edge and width of the boxes of each layer."""
    widths = [0.0] * placed.layers
    for name, (layer, _) in placed.places.items():
        widths[layer] = max(widths[layer], boxes[name].width)
    lefts, x = [], MARGIN
    for w in widths:
        lefts.append(x)
        x += w + GAP
    return lefts, widths


def _loose(placed: Layout, boxes: Mapping[TableName, Box], width: float, height: float) -> tuple[list[Markup], float]:
    """Tables without foreign keys, in rows below the others."""
    if not placed.loose:
        return [], height
    widest = max(boxes[name].width for name in placed.loose)
    across = max(1, int((width - 2 * MARGIN + 12) // (widest + 12)))
    top = height + (18 if placed.places else 10)
    parts = [text(MARGIN, top - 4, "without foreign keys", "n")]
    for i, name in enumerate(placed.loose):
        parts.append(_box(boxes[name], MARGIN + i % across * (widest + 12), top + 4 + i // across * PITCH, widest))
    return parts, top + 4 + -(-len(placed.loose) // across) * PITCH


def _box(box: Box, x: float, y: float, width: float) -> Markup:
    score = "–" if box.score is None else f"{box.score:.2f}"
    told = f"{box.label}: fidelity {score}, {box.below}"
    return element(
        "a",
        element("title", told),
        element("rect", x=x, y=y, width=width, height=BOX, rx=2, class_="b bad" if box.failed else "b"),
        element("rect", x=x, y=y, width=6, height=BOX, class_=bucket(box.score)),
        text(x + 13, y + 14, box.short, "mono"),
        text(x + 13, y + 27, box.below, "n"),
        text(x + width - 7, y + 14, score, "w", "end"),
        href=f"#{box.anchor}",
        tabindex=-1,
        data_t=box.anchor,
    )


def _link(link: Link, lefts: list[float], widths: list[float], boxes: Mapping[TableName, Box]) -> Markup:
    (first, y0), *between, (last, y1) = link.points
    if first == last:  # a cycle within a layer: around the left side of both
        x = lefts[first]
        path = f"M{shown(x)} {shown(MARGIN + y0)}c-30 0 -30 {shown(y1 - y0)} 0 {shown(y1 - y0)}"
    else:
        x, y = lefts[first] + widths[first], MARGIN + y0
        path = f"M{shown(x)} {shown(y)}"
        for layer, height in [*between, (last, y1)]:
            here, there = lefts[layer], MARGIN + height
            path += _bend(x, y, here, there)
            if (layer, height) != (last, y1):
                path += f"H{shown(here + widths[layer])}"
            x, y = here + widths[layer], there
    child = (lefts[last], MARGIN + y1) if not link.back else (lefts[first] + widths[first], MARGIN + y0)
    path += _foot(*child, -8.0 if not link.back and first != last else 8.0)
    ends = sorted((boxes[link.child].anchor, boxes[link.key.ref_table].anchor))
    return element("path", d=path, class_="l back" if link.back else "l", data_a=ends[0], data_b=ends[-1])


def _foot(x: float, y: float, away: float) -> str:
    """The crow's foot at the side of many."""
    tip = shown(x + away)
    return f"M{tip} {shown(y)}L{shown(x)} {shown(y - 4.5)}M{tip} {shown(y)}L{shown(x)} {shown(y + 4.5)}"


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (to_x - x) / 2
    return f"C{shown(x + half)} {shown(y)} {shown(to_x - half)} {shown(to_y)} {shown(to_x)} {shown(to_y)}"
