"""The pictures of the report, two sides in one: the source a grey area, the made rows a line over it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from dbsynth.quality.report.association import Association
from dbsynth.quality.report.axis import Tick, plain, short, ticks
from dbsynth.quality.report.distribution import Bars, Histogram
from dbsynth.quality.report.svg import element, line, picture, shown, steps, text
from dbsynth.quality.report.text import all_capped, all_fitted, percent

WIDTH = 264.0
PLOT = 74.0
SIDE = 6.0
CHARACTER = 6.1
"""Width of a letter of 11 pixels, on average."""
ROW = 15.0
LABELS = 92.0
NUMBERS = 62.0
CELL = 15.0
STRIP = 760.0
DOT = 4.5
"""Half the room of a dot."""
NAMED = 4
"""Of the worst tables."""
BUCKETS = ((0.70, "q0"), (0.80, "q1"), (0.90, "q2"), (0.95, "q3"), (2.0, "q4"))
"""Classes of scores, worst first, below their bound."""


def bucket(score: float | None) -> str:
    if score is None or score != score:
        return "qn"
    return next(name for bound, name in BUCKETS if score < bound)


def histogram(drawn: Histogram, name: str) -> Markup:
    low, high = float(drawn.edges[0]), float(drawn.edges[-1])
    edges = SIDE + (drawn.edges - low) / (high - low) * (WIDTH - 2 * SIDE)
    widths = np.diff(drawn.edges)
    densities = [side / widths for side in (drawn.real, drawn.made) if side is not None]
    most = max(float(d.max(initial=0.0)) for d in densities) or 1.0
    tops = [4 + (PLOT - 4) * (1 - d / most) for d in densities]
    parts = []
    if drawn.real is not None:
        parts.append(element("path", d=steps(edges, tops[0], PLOT, closed=True), class_="r"))
    parts.append(element("path", d=steps(edges, tops[-1], PLOT, closed=False), class_="m"))
    each = drawn.scale == "whole" and bool(np.all(widths == 1))
    parts += _axis(ticks(low, high - (1 if each else 0), drawn.scale), low, high, 0.5 if each else 0.0)
    return picture(WIDTH, PLOT + 17, f"Distribution of {name}", "Grey: source. Line: synthetic rows.", parts, "c")


def _axis(places: Sequence[Tick], low: float, high: float, shift: float) -> list[Markup]:
    path = f"M{SIDE:g} {PLOT:g}H{WIDTH - SIDE:g}"
    labels = []
    free = 0.0
    for tick in places:
        x = SIDE + (tick.at + shift - low) / (high - low) * (WIDTH - 2 * SIDE)
        half = len(tick.label) * CHARACTER / 2
        middle = min(max(x, half + 1), WIDTH - half - 1)
        if middle - half < free:
            continue
        free = middle + half + 6
        path += f"M{shown(x)} {PLOT:g}v3"
        labels.append(text(middle, PLOT + 14, tick.label))
    return [element("path", d=path, class_="x"), element("g", *labels, text_anchor="middle")]


def bars(drawn: Bars, name: str) -> Markup:
    """A row for each category: the source's share as a grey bar, the made rows' as a thin one over it."""
    labels = [*drawn.labels]
    real = [float(x) for x in drawn.real]
    made = [float(x) for x in drawn.made]
    if drawn.others or drawn.rest[1] > 0:
        labels.append(rest_label(drawn))
        real.append(drawn.rest[0] or 0.0)
        made.append(drawn.rest[1])
    room = WIDTH - LABELS - NUMBERS
    most = max(*real, *made, 1e-9)
    names, numbers, ours = [], [], []
    for i, (label, r, m) in enumerate(zip(all_fitted(labels, LABELS - 8), real, made, strict=True)):
        y = i * ROW + 11
        rest = i >= len(drawn.labels)
        names.append(text(LABELS - 6, y, label or "(empty)", "i" if rest or not label else None))
        numbers.append(text(WIDTH - 32, y, "–" if rest and drawn.rest[0] is None else _whole(r)))
        ours.append(text(WIDTH - 1, y, _whole(m)))
    parts = [
        element("path", class_="r", d=_blocks([room * r / most for r in real], 2, 11)),
        element("path", class_="mb", d=_blocks([max(1.0, room * m / most) for m in made], 6, 3)),
        element("g", *names, text_anchor="end"),
        element("g", *numbers, text_anchor="end", class_="n"),
        element("g", *ours, text_anchor="end", class_="nm"),
    ]
    return picture(
        WIDTH, len(labels) * ROW + 2, f"Categories of {name}", "Grey: source. Thin bars: synthetic rows. In per cent.",
        parts, "c",
    )  # fmt: skip


def _blocks(widths: Sequence[float], top: int, height: int) -> str:
    return "".join(
        f"M{LABELS:g} {i * ROW + top:g}h{shown(w)}v{height}h{shown(-w)}z" for i, w in enumerate(widths) if w > 0
    )


def rest_label(drawn: Bars) -> str:
    return f"{drawn.others:,} others" if drawn.others else "others"


def _whole(value: float) -> str:
    per_cent = 100 * value
    return f"{per_cent:.1f}" if 0 < per_cent < 10 else f"{per_cent:.0f}"


def heat_map(drawn: Association, name: str) -> Markup:
    """The lower triangle of differences; the names stand on its diagonal, each for its row and its column."""
    n = len(drawn.columns)
    levels: dict[str, list[str]] = {}
    signs: dict[str, list[Markup]] = {}
    for i in range(n):
        for j in range(i):
            difference = float(drawn.difference[i, j])
            level = difference_level(difference)
            x, y = j * CELL, i * CELL
            levels.setdefault(level, []).append(f"M{shown(x)} {shown(y)}h{CELL - 1:g}v{CELL - 1:g}h{1 - CELL:g}z")
            if level[1] in "23":
                sign = "−" if difference < 0 else "+"
                signs.setdefault(level, []).append(text(x + CELL / 2 - 0.5, y + 11, sign, "s", "middle"))
    parts = [element("path", d="".join(d), class_=level) for level, d in sorted(levels.items())]
    parts += [sign for found in signs.values() for sign in found]
    longest = 0.0
    for i, label in enumerate(all_capped(drawn.columns, 26)):
        longest = max(longest, i * CELL + 5 + len(label) * 6.7)
        parts.append(text(i * CELL + 4, i * CELL + 11, label, "mono"))
    return picture(
        longest, n * CELL + 2, f"Dependences between the columns of {name}: difference of the synthetic rows",
        "Minus: a dependence of the source is weaker or lost. Plus: one that the source does not have. "
        "The largest differences are listed in the table.", parts, "h",
    )  # fmt: skip


def difference_level(difference: float) -> str:
    """The class of a cell: z for next to nothing, l (lost) and p (gained) with 1..3 for how much."""
    size = abs(difference)
    step = next((s for bound, s in ((0.3, 3), (0.15, 2), (0.05, 1)) if size >= bound), 0)
    return "z0" if not step else f"{'l' if difference < 0 else 'p'}{step}"


def meter(score: float | None, ceiling: float | None = None) -> Markup:
    """A score on a line from 0 to 1. Its number stands beside it in the text: nothing for a screen reader."""
    parts = [line(1, 6, 79, 6, "x")]
    if score is not None and score == score:
        at = 1 + 78 * min(max(score, 0.0), 1.0)
        parts.append(line(1, 6, at, 6, f"t {bucket(score)}"))
        parts.append(element("circle", cx=at, cy=6, r=3.5, class_=bucket(score)))
    if ceiling is not None:
        at = 1 + 78 * min(max(ceiling, 0.0), 1.0)
        parts.append(line(at, 1, at, 11, "k"))
    return element("svg", *parts, class_="g", width=84, height=12, viewBox="0 0 84 12", aria_hidden="true")


def strip(scores: Sequence[tuple[str, float]], gate: float | None) -> Markup:
    """Every table a dot on one axis, the worst named."""
    named = sorted(scores, key=lambda s: s[1])[:NAMED]
    lowest = min([s for _, s in scores] + ([gate] if gate is not None else []), default=0.0)
    low = max(0.0, min(0.9, np.floor(lowest * 10 - 0.3) / 10))

    def place(score: float) -> float:
        return float(8 + (min(max(score, low), 1.0) - low) / (1 - low) * (STRIP - 16))

    dots, high = _stacked([(place(score), bucket(score)) for _, score in scores])
    foot = 18 + high
    parts = [line(8, foot, STRIP - 8, foot, "x")]
    for tick in ticks(low, 1.0, "number", 6):
        x = place(tick.at)
        label = f"{tick.at:.2f}".removesuffix("0")
        parts.append(line(x, foot, x, foot + 4, "x"))
        parts.append(text(min(max(x, 10), STRIP - 10), foot + 16, label, anchor="middle"))
    if gate is not None:
        parts.append(line(place(gate), 2, place(gate), foot, "k"))
        parts.append(text(place(gate) - 5, 11, f"gate {gate:g}", "n", "end"))
    parts += [element("circle", cx=x, cy=foot - y, r=DOT - 0.6, class_=class_) for x, y, class_ in dots]
    for i, (name, (_, score)) in enumerate(zip(all_capped([n for n, _ in named], 40), named, strict=True)):
        y = foot + 34 + i * 15
        x = place(score)
        before = x > STRIP / 2
        parts.append(
            element("path", d=f"M{shown(x)} {shown(foot + 1)}V{shown(y - 4)}h{-7 if before else 7}", class_="lead")
        )
        parts.append(text(x - 11 if before else x + 11, y, f"{name} {score:.2f}", "mono", "end" if before else None))
    return picture(
        STRIP, foot + 28 + 15 * len(named), "Fidelity of the tables", f"Each dot is a table, from {short(low)} to 1. "
        "The same numbers stand in the list of tables.", parts, "strip",
    )  # fmt: skip


def _stacked(dots: Sequence[tuple[float, str]]) -> tuple[list[tuple[float, float, str]], float]:
    """(x, height above the axis, class) of dots that do not cover each other, and the height of the highest."""
    stacks: dict[int, int] = {}
    placed = []
    for x, class_ in sorted(dots):
        column = int(x // (2 * DOT))
        stacks[column] = stacks.get(column, 0) + 1
        placed.append((x, (2 * stacks[column] - 1) * DOT + 1, class_))
    return placed, 2 * DOT * max(stacks.values(), default=1) + 4


def duration(value: float, most: float) -> Markup:
    return element(
        "svg", element("rect", class_="r", x=0, y=2, width=max(1.0, 160 * value / most if most else 0.0), height=8),
        class_="g", width=160, height=12, viewBox="0 0 160 12", aria_hidden="true",
    )  # fmt: skip


def told(drawn: Histogram | Bars) -> tuple[str, list[tuple[str, str, str]]]:
    """The numbers of a picture: the head of the first column, and rows of (value, source, synthetic)."""
    if isinstance(drawn, Bars):
        rows = [
            (label, percent(float(r)), percent(float(m)))
            for label, r, m in zip(drawn.labels, drawn.real, drawn.made, strict=True)
        ]
        if drawn.others or drawn.rest[1] > 0:
            rest = "too few to tell" if drawn.rest[0] is None else percent(drawn.rest[0])
            rows.append((rest_label(drawn), rest, percent(drawn.rest[1])))
        return "value", rows
    edges = [_edge(float(e), drawn) for e in drawn.edges]
    return "from … to", [
        (f"{low} … {high}", "–" if drawn.real is None else percent(float(drawn.real[i])), percent(float(drawn.made[i])))
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    ]


def _edge(at: float, drawn: Histogram) -> str:
    if drawn.scale == "logarithm":
        return short(float(f"{10.0**at:.3g}"))
    if drawn.scale == "date":
        moment = np.datetime64(int(at), "s")
        return str(moment.astype("datetime64[D]")) if at % 86_400 == 0 else str(moment).replace("T", " ")
    if drawn.scale == "time":
        return f"{int(at) // 3600:02d}:{int(at) // 60 % 60:02d}"
    return plain(at)
