"""What SDMetrics (MIT) says of three tables: the reference of tests/quality/test_sdmetrics.py.

    python -m venv /tmp/sdmetrics && /tmp/sdmetrics/bin/pip install sdmetrics==0.32.0
    /tmp/sdmetrics/bin/python benchmarks/sdmetrics_figures.py > tests/quality/sdmetrics.json

SDMetrics needs copulas, whose licence is none of ours: it is no dependency, not even of the tests.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

PARENTS = 120
SIZES = {"orders": (900, 700), "people": (400, 1000), "readings": (3000, 2500)}


def table(name: str, side: int) -> dict[str, list[object]]:
    """Columns of plain values, None where there is none. ``side``: 0 real, 1 made."""
    rng = np.random.Generator(np.random.Philox([len(name), side]))
    n = SIZES[name][side]
    x = rng.gamma(2.0 + 0.2 * side, 30.0, n).round(2)
    y = (0.7 * x + rng.normal(0, 20.0 + 5 * side, n)).round(1)
    kind = rng.choice(["new", "paid", "sent", "lost"], n, p=[0.1, 0.5 - 0.1 * side, 0.3 + 0.1 * side, 0.1])
    place = np.where(rng.random(n) < 0.6, kind, rng.choice(["north", "south", "west"], n))
    parent = (rng.beta(1.0, 2.0 + side, n) * PARENTS).astype(np.int64)
    gone = {"x": rng.random(n) < 0.1 + 0.05 * side, "kind": rng.random(n) < 0.05}
    columns = {"x": x, "y": y, "kind": kind, "place": place, "parent": parent}
    none = np.zeros(n, bool)
    return {
        c: [None if g else v for v, g in zip(values.tolist(), gone.get(c, none).tolist(), strict=True)]
        for c, values in columns.items()
    }


def figures(name: str) -> dict[str, float]:
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
    from sdmetrics.multi_table import CardinalityShapeSimilarity
    from sdmetrics.single_column import KSComplement, MissingValueSimilarity, TVComplement

    real, made = (pd.DataFrame(table(name, side)) for side in (0, 1))
    found = {f"KSComplement {c}": KSComplement.compute(real[c], made[c]) for c in ("x", "y")}
    found |= {f"TVComplement {c}": TVComplement.compute(real[c], made[c]) for c in ("kind", "place")}
    found |= {f"MissingValueSimilarity {c}": MissingValueSimilarity.compute(real[c], made[c]) for c in ("x", "kind")}
    pair = ["x", "y"]
    found["CorrelationSimilarity"] = CorrelationSimilarity.compute(real[pair], made[pair], coefficient="Spearman")
    pair = ["kind", "place"]
    complete = [t[pair].dropna() for t in (real, made)]
    found["ContingencySimilarity"] = ContingencySimilarity.compute(*complete, num_rows_subsample=None)
    key = {"primary_key": "id", "columns": {"id": {"sdtype": "id"}}}
    link = {"parent_table_name": "parents", "parent_primary_key": "id", "child_table_name": "rows"}
    metadata = {
        "tables": {"parents": key, "rows": {"columns": {"parent": {"sdtype": "id"}}}},
        "relationships": [{**link, "child_foreign_key": "parent"}],
    }
    parents = pd.DataFrame({"id": range(PARENTS)})
    sides = [{"parents": parents, "rows": t[["parent"]]} for t in (real, made)]
    found["CardinalityShapeSimilarity"] = CardinalityShapeSimilarity.compute(*sides, metadata)
    return {k: float(v) for k, v in found.items()}


if __name__ == "__main__":
    print(json.dumps({name: figures(name) for name in SIZES}, indent=1))
