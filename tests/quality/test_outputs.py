"""A verification as JSON, JUnit XML and annotations: well formed whatever it says."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.quality.figures import (
    ConstraintResult,
    Fidelity,
    Figure,
    Finding,
    GateResult,
    Privacy,
    PrivacyFigure,
    QueryFigure,
    Subject,
    Verification,
    Workload,
)
from dbsynth.quality.gates import Thresholds, findings_of, judged, verdict
from dbsynth.quality.outputs import as_data, github_annotations, json_schema, junit
from dbsynth.schema.model import TableName

texts = st.text(max_size=8)
numbers = st.floats()
shares = st.floats(0, 1)
names = st.builds(TableName, texts, texts)
subjects = st.builds(Subject, names, st.tuples(texts), texts, texts)
gates = st.sampled_from(["violations", "quality", "privacy", "workload"])
constraints = st.builds(
    ConstraintResult,
    subjects,
    texts,
    texts,
    st.sampled_from(["catalog", "configuration", "rule", "fact", "sequence", "index"]),
    st.booleans(),
    st.integers(0, 9),
    texts,
    st.none() | st.integers(0, 99),
    st.integers(0, 9),
)
figures = st.builds(Figure, texts, subjects, numbers, st.none() | numbers, numbers, st.tuples(st.just(1), st.just(2)))
privacy_figures = st.builds(
    PrivacyFigure, texts, subjects, numbers, st.none() | numbers, st.none() | st.booleans(), texts
)
findings = st.builds(
    Finding, st.sampled_from(["failure", "warning", "note"]), gates, st.none() | subjects, texts, texts
)
rows = st.none() | st.integers(0, 9)
queries = st.builds(QueryFigure, texts, texts, st.booleans(), st.tuples(rows, rows), st.none() | numbers, texts)
verifications = st.builds(
    Verification,
    target=texts,
    against=st.none() | texts,
    rows=st.dictionaries(names, st.tuples(st.none() | st.integers(0, 9), st.integers(0, 9)), max_size=2),
    constraints=st.lists(constraints, max_size=3).map(tuple),
    fidelity=st.none()
    | st.builds(
        Fidelity,
        shares,
        st.dictionaries(names, shares, max_size=1),
        st.tuples(figures),
        st.tuples(findings),
        texts,
    ),
    privacy=st.none() | st.builds(Privacy, st.tuples(privacy_figures), st.tuples(findings), st.tuples(texts)),
    findings=st.lists(findings, max_size=3).map(tuple),
    gates=st.lists(st.builds(GateResult, gates, st.booleans(), texts, st.none() | numbers), max_size=3).map(tuple),
    kept=st.dictionaries(names, texts, max_size=1),
    workload=st.none()
    | st.builds(
        Workload, shares, numbers, st.lists(queries, max_size=3).map(tuple), st.dictionaries(texts, texts, max_size=1)
    ),
    seconds=st.dictionaries(texts, st.floats(0, 9), max_size=1),
    about=st.dictionaries(texts, st.none() | numbers | texts | st.lists(texts), max_size=2),
)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@settings(max_examples=25)
@given(verifications)
def test_the_json_is_what_its_schema_says(found: Verification) -> None:
    text = json.dumps(as_data(found), allow_nan=False)
    jsonschema.validate(json.loads(text), json_schema())


@settings(max_examples=25)
@given(verifications)
def test_the_junit_is_xml_and_counts_its_failures(found: Verification) -> None:
    root = ElementTree.fromstring(junit(found))
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert found.passed or root.findall("testsuite/testcase/failure")


@settings(max_examples=25)
@given(verifications)
def test_an_annotation_is_one_line_whatever_it_says(found: Verification) -> None:
    for line in github_annotations(found):
        assert line.startswith(("::error title=", "::warning title=", "::notice title="))
        assert "\n" not in line
        assert "\r" not in line


ORDERS = TableName("shop", "orders")


def broken(violations: int, tolerated: int = 0) -> ConstraintResult:
    subject = Subject(ORDERS, ("total",), constraint="total_check")
    return ConstraintResult(subject, "check", "total >= 0", "catalog", True, violations, "SELECT 1", None, tolerated)


def test_a_broken_constraint_closes_the_gate_and_is_named() -> None:
    results = (broken(3),)
    found = findings_of(results, {ORDERS: 10})
    [gate] = judged(Thresholds(), results, None, None, found)
    assert not gate.passed
    assert found[0].severity == "failure"
    assert "shop.orders" in found[0].says
    assert "3 of 10 rows" in found[0].says
    assert found[0].remedy


def test_what_is_tolerated_is_a_warning() -> None:
    results = (broken(3, tolerated=3),)
    found = findings_of(results, {ORDERS: 10})
    [gate] = judged(Thresholds(), results, None, None, found)
    assert gate.passed
    assert [f.severity for f in found] == ["warning"]


def figure(name: str, value: float) -> Figure:
    return Figure(name, Subject(ORDERS), value, None, 1.0, (9, 9))


@pytest.mark.parametrize(
    ("score", "auc", "passed"), [(0.9, 0.6, True), (0.84, 0.6, False), (0.9, 0.81, False), (0.85, 0.8, True)]
)
def test_the_gate_of_quality_asks_for_score_and_auc(score: float, auc: float, passed: bool) -> None:
    fidelity = Fidelity(score, {ORDERS: score}, (figure("C2ST", auc),), (), "")
    results = judged(Thresholds(), (), fidelity, None, ())
    assert all(g.passed for g in results) is passed


@pytest.mark.parametrize(("value", "baseline", "passed"), [(0.02, 0.015, True), (0.02, 0.0, False)])
def test_copies_count_beyond_chance(value: float, baseline: float, passed: bool) -> None:
    privacy = Privacy((PrivacyFigure("exact_copies", Subject(ORDERS), value, baseline, passed, ""),), ())
    results = judged(Thresholds(), (), None, privacy, ())
    worst = next(g.value for g in results if g.gate == "privacy")
    assert worst == (0.0 if passed else value - baseline)
    assert all(g.passed for g in results) is passed


def test_gates_that_were_not_asked_for_do_not_count() -> None:
    results = (broken(3),)
    assert judged(Thresholds(fail_on=("privacy",)), results, None, None, findings_of(results, {})) == ()


def test_the_verdict_names_the_gates_that_failed() -> None:
    gates = (GateResult("violations", False, ""), GateResult("quality", True, ""))
    found = Verification("t", None, {}, (), None, None, (), gates)
    assert "violations" in verdict(found)
    assert "quality" not in verdict(found)
