"""What is told first is what is worst."""

from __future__ import annotations

import json
import random
from math import inf
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from dbsynth.cli import main
from dbsynth.quality.differences import Difference
from dbsynth.quality.figures import Finding, Gate, QueryFigure, Severity, Subject, past, worst_first
from dbsynth.quality.replay.run import workload_of
from dbsynth.schema.model import TableName

T = TableName("public", "t")


def finding(severity: Severity, gate: Gate, says: str, weight: float = 0.0) -> Finding:
    return Finding(severity, gate, Subject(T), says, weight=weight)


def test_the_order() -> None:
    ordered = [
        finding("failure", "violations", "half of the rows", 0.5),
        finding("failure", "violations", "one row", 0.001),
        finding("failure", "violations", "a CHECK is missing"),
        finding("failure", "quality", "a table is empty", inf),
        finding("failure", "privacy", "twenty times what is allowed", 20.0),
        finding("failure", "quality", "twice", 2.0),
        finding("failure", "workload", "just beyond", 1.01),
        finding("warning", "violations", "a few rows", 0.01),
        finding("warning", "quality", "weak", 3.0),
        finding("note", "quality", "first told"),
        finding("note", "privacy", "then told"),
    ]
    for seed in range(20):
        mixed = ordered[:-2]
        random.Random(seed).shuffle(mixed)
        assert [f.says for f in worst_first([*mixed, *ordered[-2:]])] == [f.says for f in ordered]


@pytest.mark.parametrize(("value", "limit", "times"), [(0.01, 0.01, 1.0), (0.3, 0.15, 2.0), (0.0, 0.0, 0.0)])
def test_how_far_beyond(value: float, limit: float, times: float) -> None:
    assert past(value, limit) == pytest.approx(times)
    assert past(0.5, 0.0) > past(0.5, 0.01), "what may not be at all"


def test_a_missing_table_weighs_more_than_a_missing_index() -> None:
    table, index = (Difference("missing", what, Subject(T), "").finding().weight for what in ("table", "index"))
    assert table > index


def test_queries_that_do_not_run_stand_before_those_that_differ() -> None:
    queries = (
        QueryFigure("a little", "file", False, (10, 40), 4.0, "rows"),
        QueryFigure("alike", "file", True, (10, 10), 1.0),
        QueryFigure("fails", "file", False, (10, None), None, "fails on the target: undefined table"),
        QueryFigure("a lot", "file", False, (10, 900), 90.0, "rows"),
    )
    found = workload_of(queries, {}, 0.95).findings
    assert [f.says.split(":")[0] for f in found[1:]] == ["fails", "a lot", "a little"]
    assert found[0].severity == "failure"


def test_text_json_and_page_have_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two broken rules the one that more rows break, whatever their tables are called."""
    monkeypatch.chdir(tmp_path)
    for name, broken in (("source", (0, 0)), ("made", (3, 250))):
        with duckdb.connect(f"{name}.duckdb") as connection:
            for table, rows in zip("ab", broken, strict=True):
                connection.execute(f"create table {table} (id int primary key, n int)")
                values = f"case when i >= {rows} then 7 * i % 31 end"
                connection.execute(f"insert into {table} select i, {values} from range(300) r(i)")
    Path("dbsynth.toml").write_text('[tables.a]\nrules = ["n is not null"]\n[tables.b]\nrules = ["n is not null"]\n')
    places = (f"duckdb:///{tmp_path}/made.duckdb#main", "--against", f"duckdb:///{tmp_path}/source.duckdb#main")
    done = CliRunner().invoke(main, ["verify", *places, "--json", "v.json", "--html", "r.html"])
    assert done.exit_code == 1, done.output
    told = [f["says"] for f in json.loads(Path("v.json").read_text())["findings"] if f["gate"] == "violations"]
    assert [next(n for n in ("250 of 300", "3 of 300") if n in t) for t in told] == ["250 of 300", "3 of 300"]
    text, page = " ".join(done.stdout.split()), Path("r.html").read_text("utf-8")
    assert text.index("250 of 300") < text.index("3 of 300")
    assert page.index("250 of 300") < page.index(": 3 of 300")
