"""All metrics of one made database, and their ceilings: the same between two random halves of the real one.

Over a key, or a chain of keys, the rows at the top are split and all that hangs below them follows. Tables of fewer
than 200 rows are left out, and keys with one at either end; a sequence needs only its own table to be large.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from single.metrics import shapes, trends

from relations import metrics
from relations.frames import Both, Key, load
from relations.metrics import Half

ROWS = 200
HOPS = (1, 2, 3)
CHAINS = 100
"""Of each length at most, drawn at random."""
SEED = 7

Scores = dict[str, float | None]


@dataclass
class Measured:
    """Scores by metric (shapes, trends, cardinality, 1-hop, 2-hop, 3-hop, join, parents, autocorrelation, transitions),
    and within it by table, key or chain."""

    scores: dict[str, Scores] = field(default_factory=dict)

    def add(self, metric: str, name: str, score: float | None) -> None:
        self.scores.setdefault(metric, {})[name] = None if score is None else round(score, 4)


def chains(keys: list[Key]) -> Iterator[tuple[Key, ...]]:
    """Paths of one to three keys upwards that meet no table twice."""
    found = {1: [(k,) for k in keys]}
    for n in HOPS[1:]:
        longer = [
            (*path, key)
            for path in found[n - 1]
            for key in keys
            if key.child == path[-1].parent and key.parent not in {path[0].child, *(k.parent for k in path)}
        ]
        drawn = np.random.default_rng(SEED).permutation(len(longer))[:CHAINS]
        found[n] = [longer[i] for i in sorted(drawn)]
    for n in HOPS:
        yield from found[n]


def name_of(path: tuple[Key, ...]) -> str:
    return " → ".join([path[0].name, *(f"{k.parent}" for k in path[1:])])


def split(both: Both, table: str, halves: bool, seed: tuple[int, int]) -> tuple[Half, Half]:
    """The real and the made side, or two halves of the real one, by the rows of ``table``."""
    rows = len(both.real.frames[table])
    if not halves:
        return Half(both.real, np.ones(rows, bool)), Half(both.made, np.ones(len(both.made.frames[table]), bool))
    first = np.random.default_rng(seed).random(rows) < 0.5
    return Half(both.real, first), Half(both.real, ~first)


def measure(both: Both, *, halves: bool) -> dict[str, Scores]:
    """Of the made side, or with ``halves`` the ceilings, which do not look at the made side."""
    out = Measured()
    sizes = {name: len(frame) for name, frame in both.real.frames.items()}
    for i, (name, kinds) in enumerate(both.kinds.items()):
        if sizes[name] >= ROWS and kinds:
            a, b = (h.side.frames[name][h.top] for h in split(both, name, halves, (SEED, i)))
            out.add("shapes", name, float(np.mean(list(shapes(a, b, kinds).values()))))
            if len(kinds) > 1:
                out.add("trends", name, float(np.mean(list(trends(a, b, kinds).values()))) if len(b) else 0.0)
    large = [k for k in both.keys if min(sizes[k.child], sizes[k.parent]) >= ROWS]
    for i, path in enumerate(chains(large)):
        a_half, b_half = split(both, path[-1].parent, halves, (SEED, 1000 + i))
        out.add(f"{len(path)}-hop", name_of(path), metrics.hops(both, a_half, b_half, path))
        if len(path) == 1:
            (key,) = path
            out.add("cardinality", key.name, metrics.cardinality(a_half, b_half, key))
            out.add("join", key.name, metrics.join(both, a_half, b_half, key))
            out.add("parents", key.name, metrics.parents(both, a_half, b_half, key))
    for i, key in enumerate(k for k in both.keys if sizes[k.child] >= ROWS):
        a_half, b_half = split(both, key.parent, halves, (SEED, 5000 + i))
        for column, score in metrics.sequences(both, a_half, b_half, key).items():
            kind, _, of = column.partition(" of ")
            out.add(kind, f"{key.name}: {of}", score)
    return out.scores


def ceiling(real: Path) -> dict[str, Scores]:
    """Kept beside the files of the real database: the same for every tool."""
    file = real / "ceiling.json"
    if not file.exists():
        file.write_text(json.dumps(measure(load(real, real), halves=True), indent=1))
    found: dict[str, Scores] = json.loads(file.read_text())
    return found


def judge(real: Path, made: Path) -> dict[str, Any]:
    scores, most = measure(load(real, made), halves=False), ceiling(real)
    summary = {}
    for metric, values in scores.items():
        known = {n: v for n, v in values.items() if v is not None}
        bounded = [(known[n], c) for n, c in most.get(metric, {}).items() if c is not None and n in known]
        summary[metric] = {
            "mean": float(np.mean(list(known.values()))) if known else None,
            "ceiling": float(np.mean([c for _, c in bounded])) if bounded else None,
            "relative": sum(v for v, _ in bounded) / sum(c for _, c in bounded) if any(c for _, c in bounded) else None,
        }
    return {"summary": summary, "scores": scores, "ceiling": most}
