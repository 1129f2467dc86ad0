"""A synthesizer on disk: the same rows after loading, and nothing but a saved model is taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from structlog.testing import capture_logs

import dbsynth
from dbsynth.artifact.manifest import as_json
from dbsynth.errors import ArtifactError
from dbsynth.synthesizer import Synthesizer
from tests.api import shop
from tests.artifact.test_files import replaced, resigned


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    return dbsynth.fit(shop.frames(), schema=shop.SCHEMA, seed=7, effort="quick")


@pytest.fixture
def saved(model: Synthesizer, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> bool:
    return one.keys() == other.keys() and all(one[name].equals(other[name]) for name in one)


def test_a_loaded_model_makes_the_same_rows(model: Synthesizer, saved: Path) -> None:
    loaded = dbsynth.load(saved)
    for arguments in ({}, {"scale": 0.5}, {"rows": {"customers": 30}}, {"enforce_constraints": False}):
        assert same(model.sample(seed=1, **arguments), loaded.sample(seed=1, **arguments))
    assert loaded.report() == model.report()
    assert repr(loaded.plan.describe()) == repr(model.plan.describe())


def test_a_model_that_is_saved_again_has_the_same_bytes(saved: Path) -> None:
    again = saved.parent / "again"
    dbsynth.load(saved).save(again)
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in saved.iterdir()}


def test_the_directory_is_json_and_safetensors(saved: Path) -> None:
    names = {p.name for p in saved.iterdir()}
    assert {"manifest.json", "schema.json", "plan.json"} < names
    assert {n.rsplit(".", 1)[1] for n in names} == {"json", "safetensors"}
    manifest = json.loads((saved / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert manifest["privacy_k"] == 5
    assert set(manifest["versions"]) == {"dbsynth", "torch", "numpy"}
    assert manifest["tables"]["public.orders"]["strategy"]
    assert len(manifest["schema_hash"]) == 32


def test_no_name_and_no_code_of_the_source_is_in_it(saved: Path) -> None:
    text = b"".join(p.read_bytes() for p in saved.iterdir())
    for column in ("name", "code"):
        assert not [v for v in shop.frames()["customers"][column] if v.encode() in text]


def test_another_version_is_a_warning(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resigned(saved, lambda manifest: manifest["versions"].update(torch="1.0"))  # type: ignore[attr-defined]
    with capture_logs() as logs:
        assert dbsynth.load(saved).sample(seed=1)
    told = [entry for entry in logs if "version" in entry["event"]]
    assert [(e["log_level"], e["library"], e["saved"]) for e in told] == [("warning", "torch", "1.0")]


def changed(saved: Path, name: str, change: Callable[[Any], None]) -> None:
    document = json.loads((saved / name).read_bytes())
    change(document)
    replaced(saved, name, as_json(document))


def deep(tree: Any, kind: str) -> Any:
    """The first tagged value of ``kind`` in ``tree``."""
    if isinstance(tree, dict):
        if kind in (tree.get("$"), tree.get("class")):
            return tree
        tree = list(tree.values())
    if isinstance(tree, list):
        return next((found for v in tree if (found := deep(v, kind)) is not None), None)
    return None


def fill(tree: Any, **values: Any) -> None:
    tree.update(values)


HOSTILE: dict[str, tuple[str, Callable[[Any], None]]] = {
    "a class that is not known": ("table_000.json", lambda d: fill(deep(d, "ColumnSpec"), **{"class": "Popen"})),
    "another class": ("table_000.json", lambda d: fill(deep(d, "FitReport"), **{"class": "Sample"})),
    "a type that is not known": ("schema.json", lambda d: fill(deep(d, "BigInteger"), **{"class": "PickleType"})),
    "an array that is not there": ("table_000.json", lambda d: fill(deep(d, "array"), name="999")),
    "an array of objects": ("table_000.json", lambda d: fill(deep(d, "array"), dtype="object")),
    "no model": ("table_000.json", lambda d: d.pop("model")),
    "a strategy that is not installed": (
        "table_000.json",
        lambda d: fill(d["model"], config={"$": "map", "v": [["strategy", "os.system"]]}),
    ),
    "a table that is not in the plan": ("table_000.json", lambda d: fill(deep(d["table"], "TableName")["v"], name="x")),
    "no plan": ("plan.json", lambda d: d.update(plan=None)),
    "a plan that is no plan": ("plan.json", lambda d: d.update(plan=[1, 2])),
    "no schema": ("schema.json", lambda d: d.clear()),
    "a list instead of a document": ("extra.json", lambda d: d.clear()),
    "a number instead of a text": ("plan.json", lambda d: fill(d["plan"]["v"], source=5)),
    "codes that are no numbers": ("table_000.json", lambda d: d.update(codec={"config": 1, "arrays": 2})),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_document_that_was_changed_with_knowledge_is_refused(saved: Path, what: str) -> None:
    name, change = HOSTILE[what]
    changed(saved, name, change)
    with pytest.raises(ArtifactError, match=r"\.json") as error:
        dbsynth.load(saved)
    assert error.value.hint
    assert str(saved) in str(error.value)


def test_weights_of_another_shape_or_type_are_refused(saved: Path) -> None:
    name = "table_001.safetensors"
    tensors = load_tensors((saved / name).read_bytes())
    for hostile in (
        {n: a[:-1] if a.ndim else a for n, a in tensors.items()},
        {n: a.astype(np.int16) for n, a in tensors.items()},
        {},
    ):
        replaced(saved, name, save_tensors({n: np.ascontiguousarray(a) for n, a in hostile.items()}))
        with pytest.raises(ArtifactError, match="table_001"):
            dbsynth.load(saved)


def test_a_missing_manifest_entry_is_refused(saved: Path) -> None:
    resigned(saved, lambda manifest: manifest["files"].pop("table_001.json"))  # type: ignore[attr-defined]
    with pytest.raises(ArtifactError, match="table_001"):
        dbsynth.load(saved)
    resigned(saved, lambda manifest: manifest.pop("seed"))
    with pytest.raises(ArtifactError):
        dbsynth.load(saved)


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no directory"):
        dbsynth.load(tmp_path / "nothing")
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        dbsynth.load(tmp_path)


def test_a_model_takes_the_place_of_a_model_only(model: Synthesizer, saved: Path, tmp_path: Path) -> None:
    model.save(saved)
    assert same(dbsynth.load(saved).sample(seed=1), model.sample(seed=1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ArtifactError, match="not replaced"):
        model.save(tmp_path / "mine")
