"""Documents: the keys that belong together, types by path, lengths, and nothing of a person or of few rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.artifact.encode import Decoder, Encoder
from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.rng import generator
from dbsynth.schema.types import Structured
from dbsynth.values import fit_document
from dbsynth.values.document import Document
from dbsynth.values.folded import Folded, are_documents, is_compact
from dbsynth.values.scalars import Digits, MomentForm, NumberForm
from dbsynth.values.scalars import loads as parsed
from tests.values.event_world import loads, payloads, rates

K = 5


def fitted(documents: Sequence[Any], *, most: int = 0) -> Document:
    return fit_document(
        [json.dumps(d) for d in documents], sqltypes.JSON(), "payload", K, 1, column="payload", most=most
    )


def drawn(document: Document, count: int) -> list[Any]:
    return loads(document.draw(count, generator(2)))


def again(documents: Sequence[Any]) -> list[Any]:
    """Documents folded from the columns that those given are unfolded into."""
    document = fitted(documents, most=24)
    columns = document.unfold([parsed(json.dumps(d)) for d in documents])
    assert list(columns) == document.columns
    return loads(document.fold(len(documents), columns, generator(3)).to_pylist())


EVENTS = payloads(4000)


@pytest.mark.parametrize("make", [again, lambda d: drawn(fitted(d), len(d))], ids=["in the model", "by itself"])
def test_paths_are_there_as_often_as_in_the_source_and_of_its_types(make: Any) -> None:
    made, source = rates(make(EVENTS)), rates(EVENTS)
    assert set(made) <= set(source)
    assert {p: (r, made.get(p, 0.0)) for p, r in source.items() if abs(r - made.get(p, 0.0)) > 0.02} == {}


@pytest.mark.parametrize("make", [again, lambda d: drawn(fitted(d), len(d))], ids=["in the model", "by itself"])
def test_the_type_decides_on_the_other_keys(make: Any) -> None:
    needed = {"login": "ip", "purchase": "items", "page_view": "ms", "error": "code"}
    for event in make(EVENTS):
        assert {key for key in needed.values() if key in event} == {needed[event["type"]]}


def test_what_the_model_knows_stays_in_the_row() -> None:
    made = again(EVENTS)
    for old, new in zip(EVENTS, made, strict=True):
        assert old["type"] == new["type"]
        assert old["user"]["country"] == new["user"]["country"]
        assert old["at"] == new["at"]
        assert old.get("amount") == new.get("amount")
        assert len(old.get("items", ())) == len(new.get("items", ()))


def test_code_that_walks_into_arrays_of_objects_works() -> None:
    items = [item for event in drawn(fitted(EVENTS), 2000) for item in event.get("items", ())]
    assert all(set(item) == {"sku", "qty", "price"} for item in items)
    assert {item["sku"] for item in items} <= {f"SKU-{i:04d}" for i in range(40)}
    assert {item["qty"] for item in items} == {1, 2, 3, 4}


def test_people_in_documents_are_made_up_and_coherent() -> None:
    source = {e["user"]["email"] for e in EVENTS}
    users = [e["user"] for e in drawn(fitted(EVENTS), 2000)]
    assert not {u["email"] for u in users} & source
    own = [u["last_name"].lower().replace("'", "").replace(" ", "") in u["email"].replace(".", "") for u in users]
    assert np.mean(own) > 0.9


def test_arrays_stay_sorted_and_without_repeats() -> None:
    tags = [e["tags"] for e in drawn(fitted(EVENTS), 4000) if "tags" in e]
    assert {len(t) for t in tags} == {0, 1, 2}
    assert all(t == sorted(set(t)) for t in tags)


def test_arrays_that_most_documents_share_come_out_whole() -> None:
    sizes: list[list[Any]] = [[0, 2, 4], ["S", "M", "L"], ["1 Yr", "2 Yr"], []]
    made = again([{"sizes": sizes[i % 4]} for i in range(400)])
    assert {json.dumps(m["sizes"]) for m in made} == {json.dumps(s) for s in sizes}
    assert [len(m["sizes"]) for m in made] == [len(sizes[i % 4]) for i in range(400)]


def test_compact_documents_have_no_blanks() -> None:
    document = fitted([{"a": [1, 2], "b": {"c": "x"}}] * 20 + [{"a": [1, 2], "d": 1}] * 20)
    document.compact = True
    assert set(document.draw(100, generator(1))) == {'{"a":[1,2],"b":{"c":"x"}}', '{"a":[1,2],"d":1}'}


def test_keys_that_are_values_are_made() -> None:
    source = [{f"user{i * 7 + j}@corp.test": j for j in range(i % 4)} for i in range(400)]
    made = drawn(fitted(source), 400)
    assert not {key for m in made for key in m} & {key for s in source for key in s}
    sizes = [[len(d) for d in side] for side in (source, made)]
    assert np.abs(np.subtract(*[np.bincount(s, minlength=5) for s in sizes])).max() <= 25
    assert all(isinstance(v, int) for m in made for v in m.values())


def test_a_key_or_a_value_of_fewer_than_k_documents_does_not_come_out() -> None:
    source: list[dict[str, Any]] = [{"a": "x", "b": i % 3} for i in range(500)]
    for document in source[:4]:
        document |= {"secret": 1, "a": "rare"}
    text = json.dumps(drawn(fitted(source), 2000))
    assert "secret" not in text
    assert "rare" not in text


@pytest.mark.parametrize(
    "source",
    [
        [[1, [2, 3]], [4, [5]]] * 20,
        [None, 1, "x", True, [], {}] * 20,
        ["plain text"] * 20,
        [{"": 1, " ": 2, 'we;ird "name"': {"\n": 3, "ключ": "знач"}}] * 20,
        [{"a": {"b": {"c": {"d": [{"e": [1.5, None]}]}}}}] * 20,
        [{"n": 10**30}, {"n": 1e300}, {"n": -1e-9}, {"n": 0}] * 20,
        [{"lone": 1}],
        [],
    ],
    ids=["nested arrays", "anything", "texts", "odd keys", "deep", "wide numbers", "one", "none"],
)
def test_odd_documents(source: list[Any]) -> None:
    made = drawn(fitted(source), 200)
    assert len(made) == 200
    if len(source) > 1:
        assert set(rates(made)) <= set(rates(source)) | {"$[][]:float", "$.n:int"}


ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
ANY = st.recursive(ATOMS, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=4), v, max_size=4))


def test_a_text_whose_shape_has_no_other_value_stays() -> None:
    """However many are wanted: a sign is its own shape, and none of it says anything of the source."""
    assert again([None, {}, [[":"]], [None]]) == [[[":"]]] * 4


@settings(max_examples=60)
@given(st.lists(ANY, max_size=12), st.integers(1, 6))
def test_whatever_the_documents_what_is_made_parses_and_can_be_saved(source: list[Any], times: int) -> None:
    texts = [json.dumps(d) for d in source * times]
    document = fit_document(texts, sqltypes.JSON(), "d", K, 1, column="d", most=24)
    folded = Folded("t", ("d",), document)
    encoder = Encoder()
    tree = json.loads(json.dumps(encoder.encode(folded), allow_nan=False))
    back = Decoder(encoder.tensors).decode(tree)
    columns = folded.unfold(pa.array([*texts, None], pa.string()))
    present = {"d": np.array([True] * len(texts) + [False])}
    made = [f.generate(present, columns, generator(4))["d"].to_pylist() for f in (folded, back)]
    assert made[0] == made[1]
    assert made[0][-1] is None
    loads(made[0][:-1])


def test_documents_that_must_differ_do_or_an_error_names_the_column() -> None:
    folded = Folded("s.t", ("doc",), fitted([{"id": i} for i in range(100)]), unique=True)
    made = folded.generate({"doc": np.ones(60, bool)}, {}, generator(1))["doc"].to_pylist()
    assert len(set(made)) == 60
    with pytest.raises(UnsatisfiableConstraint, match=r"s\.t\.doc"):
        folded.generate({"doc": np.ones(500, bool)}, {}, generator(2))


def test_a_document_in_a_column_of_limited_length_is_cut_nowhere() -> None:
    source = [{"note": "word " * (i % 9)} for i in range(300)]
    longest = max(len(json.dumps(d)) for d in source)
    folded = Folded("s.t", ("doc",), fitted(source), max_length=longest)
    made = folded.generate({"doc": np.ones(500, bool)}, {}, generator(1))["doc"].to_pylist()
    assert max(map(len, made)) <= longest
    loads(made)


def test_declared_fields_are_all_there() -> None:
    type_ = Structured("STRUCT", "document", fields=(("a", sqltypes.Integer()), ("b", sqltypes.Text())))
    texts = [json.dumps({"a": i, "b": None if i % 3 else "x"}) for i in range(90)]
    made = loads(fit_document(texts, type_, "s", K, 1).draw(300, generator(1)))
    assert all(set(m) == {"a", "b"} for m in made)
    assert abs(np.mean([m["b"] is None for m in made]) - 2 / 3) < 0.02


@pytest.mark.parametrize(
    ("written", "made"),
    [
        (["1", "2"], ["1", "2"]),
        (["1.5", "2.0"], ["1.5", "2.0"]),
        (["1.50", "2.00"], ["1.50", "2.00"]),
        (["1", "2.5"], ["1", "2.5"]),
        (["1.0", "2.25"], ["1.0", "2.25"]),
        (["123456789012345678901234567890"], ["123456789012345678901234567890"]),
        (["0.1234567890123456"], ["0.1234567890123456"]),
    ],
)
def test_numbers_are_written_as_the_source_writes_them(written: list[str], made: list[str]) -> None:
    values = [Digits(t) if "." in t else int(t) for t in written]
    form = NumberForm.of(values)
    assert form.written(form.column(values)).to_pylist() == made


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29", "2024-02-29T01:02", "2024-02-29 01:02:03", "2024-02-29T01:02:03Z",
        "2024-02-29T01:02:03.120+02:00", "1024-02-29T01:02:03.123456+00",
    ],
)  # fmt: skip
def test_moments_are_written_as_the_source_writes_them(text: str) -> None:
    form = MomentForm.of([text] * 10)
    assert form is not None
    assert form.written(form.column([text])).to_pylist() == [text]


@pytest.mark.parametrize("text", ["2024-02-30", "2024-13-01", "20240101", "2024-01-01T25:00:00", "infinity", "x"])
def test_what_is_no_moment(text: str) -> None:
    assert MomentForm.of([text] * 10) is None


def test_half_characters_are_replaced() -> None:
    assert parsed(r'["\ud83d\ude00", "\ud83d", "\ude00x"]') == ["\U0001f600", "\ufffd", "\ufffdx"]


def test_texts_that_hold_documents() -> None:
    assert are_documents(['{"a": 1}', "[]"])
    assert not are_documents(["[draft] a note", '{"a": 1}'])
    assert not are_documents([])
    assert is_compact(['{"a":1}'])
    assert not is_compact(['{"a": 1}', "[]"])
