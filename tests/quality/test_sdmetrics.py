"""Figures that SDMetrics defines too are SDMetrics' to 1e-6: its own figures stand in sdmetrics.json, made by
benchmarks/sdmetrics_figures.py from the same three tables."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest

from dbsynth.quality import measures, relations, shapes, trends
from dbsynth.quality.variables import Frame, Variable, as_numbers, categorical, coded, numeric
from dbsynth.schema.model import ForeignKey, TableName

HERE = Path(__file__).parent
FIGURES = json.loads((HERE / "sdmetrics.json").read_text())


def script() -> ModuleType:
    path = HERE.parents[1] / "benchmarks" / "sdmetrics_figures.py"
    spec = importlib.util.spec_from_file_location("sdmetrics_figures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_sdmetrics(name: str) -> None:
    reference = script()
    real, made = (pa.table(reference.table(name, side)) for side in (0, 1))
    wanted = FIGURES[name]
    n = {c: variable(c, real, made) for c in ("x", "y")}
    found = {f"KSComplement {c}": shapes.shape(v) for c, v in n.items()}
    for c in ("kind", "place"):
        found[f"TVComplement {c}"] = shapes.shape(categorical(c, column(real, c), column(made, c)))
    frame = Frame(
        TableName("s", name),
        (n["x"], categorical("kind", column(real, "kind"), column(made, "kind"))),
        (real.num_rows, made.num_rows),
    )
    nulls = {m.columns: m.value for m in shapes.nulls(frame) if m.name == "nulls"}
    found |= {f"MissingValueSimilarity {c}": nulls[(c,)] for c in ("x", "kind")}
    [pair] = trends.compared([(n["x"], n["y"])], frame.rows)
    found["CorrelationSimilarity"] = pair.likeness
    found["ContingencySimilarity"] = contingency(real, made)
    key = ForeignKey("fk", ("parent",), TableName("s", "parents"), ("id",))
    parents = pa.table({"id": range(reference.PARENTS)})
    counted = relations.cardinality(relations.linked(key, (real, made), (parents, parents)), key.columns)
    found["CardinalityShapeSimilarity"] = next(m.value for m in counted if m.name == "cardinality")
    assert found == pytest.approx(wanted, abs=1e-6)


def contingency(real: pa.Table, made: pa.Table) -> float:
    complete = [t.select(["kind", "place"]).drop_null() for t in (real, made)]
    a, b = (coded(column(complete[0], c), column(complete[1], c)) for c in ("kind", "place"))
    sizes = (int(np.concatenate(a).max()) + 1, int(np.concatenate(b).max()) + 1)
    return measures.contingency(*(measures.joint(x, y, sizes) for x, y in zip(a, b, strict=True)))


def variable(name: str, real: pa.Table, made: pa.Table) -> Variable:
    return numeric(name, "", as_numbers(column(real, name)), as_numbers(column(made, name)))


def column(table: pa.Table, name: str) -> pa.Array:
    return table.column(name).combine_chunks()
