"""Directories of models: written whole or not at all, and read with suspicion."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dbsynth.artifact import files
from dbsynth.artifact.manifest import FORMAT, MANIFEST, as_json, digest_of
from dbsynth.errors import ArtifactError

TENSORS = {"table": {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "b": np.array([True, False])}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    files.write(tmp_path / "model", {"seed": 7}, {"schema": {"x": [1]}, "table": {"y": "ü"}}, TENSORS)
    return tmp_path / "model"


def resigned(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """What somebody does who knows the format: change the manifest and write a digest that fits."""
    manifest = json.loads((path / MANIFEST).read_bytes())
    del manifest["blake2b"]
    change(manifest)
    manifest["blake2b"] = digest_of(as_json(manifest))
    (path / MANIFEST).write_bytes(as_json(manifest))


def replaced(path: Path, name: str, data: bytes) -> None:
    """The same for one of the files."""
    (path / name).write_bytes(data)

    def list_it(manifest: dict[str, object]) -> None:
        listed = manifest["files"]
        assert isinstance(listed, dict)
        listed[name] = {"bytes": len(data), "blake2b": digest_of(data)}

    resigned(path, list_it)


def refused(path: Path, said: str) -> ArtifactError:
    with pytest.raises(ArtifactError, match=said) as error:
        files.read(path)
    assert error.value.hint
    assert error.value.code.startswith("DBS-6")
    return error.value


def test_what_is_read_is_what_was_written(saved: Path) -> None:
    found = files.read(saved)
    assert found.about["seed"] == 7
    assert found.documents == {"schema": {"x": [1]}, "table": {"y": "ü"}}
    for name, array in TENSORS["table"].items():
        assert found.tensors["table"][name].dtype == array.dtype
        assert (found.tensors["table"][name] == array).all()


def test_nothing_is_left_beside_it(saved: Path) -> None:
    files.write(saved, {"seed": 8}, {"schema": {}}, {})
    assert [p.name for p in saved.parent.iterdir()] == ["model"]
    assert files.read(saved).about["seed"] == 8
    assert not (saved / "table.json").exists()


def test_a_model_is_replaced_without_the_help_of_the_system_too(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_exchanged", lambda one, other: False)
    files.write(saved, {"seed": 9}, {"schema": {}}, {})
    assert [p.name for p in saved.parent.iterdir()] == ["model"]
    assert files.read(saved).about["seed"] == 9


def test_a_save_that_fails_leaves_the_model_that_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_file", full)
    with pytest.raises(ArtifactError, match="No space left"):
        files.write(saved, {"seed": 8}, {}, {})
    assert files.read(saved).about["seed"] == 7
    assert [p.name for p in saved.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("what", ["folder", "file", "link", "broken model"])
def test_what_is_no_model_is_not_replaced(tmp_path: Path, what: str) -> None:
    path = tmp_path / "there"
    if what == "file":
        path.write_text("mine")
    elif what == "link":
        (tmp_path / "elsewhere").mkdir()
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.mkdir()
        (path / (MANIFEST if what == "broken model" else "thesis.txt")).write_text("mine")
    with pytest.raises(ArtifactError, match="not replaced"):
        files.write(path, {}, {}, {})
    assert path.exists()


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    files.write(tmp_path / "empty", {"seed": 1}, {}, {})
    assert files.read(tmp_path / "empty").about["seed"] == 1


@pytest.mark.parametrize("name", ["manifest.json", "schema.json", "table.json", "table.safetensors"])
def test_a_flipped_bit_a_lost_byte_and_a_lost_file_are_found(saved: Path, name: str) -> None:
    data = (saved / name).read_bytes()
    for at in range(0, len(data), max(1, len(data) // 40)):
        (saved / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        refused(saved, ".")
    (saved / name).write_bytes(data[:-1])
    refused(saved, name)
    (saved / name).unlink()
    refused(saved, name)


@pytest.mark.parametrize(
    "name", ["../secret.json", "/etc/passwd", "a/b.json", "..", "model.pkl", "x.json\x00", "", "a\\b.json", ".x.json"]
)
def test_only_plain_names_are_opened(saved: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (saved.parent / "secret.json").write_text('"secret"')

    def list_it(manifest: dict[str, object]) -> None:
        manifest["files"] = {name: {"bytes": 8, "blake2b": digest_of(b'"secret"')}}

    resigned(saved, list_it)
    refused(saved, "no plain name")


def test_a_link_is_not_followed(saved: Path) -> None:
    target = saved.parent / "elsewhere.json"
    (saved / "schema.json").rename(target)
    (saved / "schema.json").symlink_to(target)
    refused(saved, "schema.json: it is a link")


def test_a_pipe_does_not_hold_the_reader_up(saved: Path) -> None:
    (saved / "schema.json").unlink()
    os.mkfifo(saved / "schema.json")
    refused(saved, "schema.json")


def test_a_folder_that_is_a_link_is_refused(saved: Path) -> None:
    (saved.parent / "link").symlink_to(saved)
    refused(saved.parent / "link", "no directory")


def test_files_that_are_not_listed_are_not_looked_at(saved: Path) -> None:
    (saved / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch /tmp/hit'\ntR.")
    (saved / "more.json").write_bytes(b"{")
    assert set(files.read(saved).documents) == {"schema", "table"}


def test_a_newer_format_says_so(saved: Path) -> None:
    resigned(saved, lambda manifest: manifest.update(format=FORMAT + 1))
    assert "version" in refused(saved, "format 2").hint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff" * 8 + b"{}", "header is longer"),
        ((2**40).to_bytes(8, "little") + b"{}", "header is longer"),
        ((2).to_bytes(8, "little") + b"[]", "no table of tensors"),
        ((20).to_bytes(8, "little") + b"{not json at all....", "no JSON"),
        (b"", "header is longer"),
    ],
)
def test_a_hostile_header_is_bounded(saved: Path, data: bytes, said: str) -> None:
    replaced(saved, "table.safetensors", data)
    refused(saved, said)


@pytest.mark.parametrize(
    "facts",
    [
        {"dtype": "I64", "shape": [1000000], "data_offsets": [0, 8]},
        {"dtype": "I64", "shape": [1], "data_offsets": [0, 8000000]},
        {"dtype": "I64", "shape": [-1], "data_offsets": [0, 8]},
        {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]},
        {"dtype": "O", "shape": [1], "data_offsets": [0, 8]},
        {"shape": [1], "data_offsets": [0, 8]},
    ],
)
def test_a_header_that_does_not_fit_its_tensors_is_refused(saved: Path, facts: dict[str, object]) -> None:
    header = json.dumps({"a": facts}).encode()
    replaced(saved, "table.safetensors", len(header).to_bytes(8, "little") + header + bytes(8))
    refused(saved, "table.safetensors")


def test_a_document_that_nests_without_end_is_refused(saved: Path) -> None:
    replaced(saved, "schema.json", b"[" * 200_000 + b"]" * 200_000)
    refused(saved, "no JSON")


def test_a_file_larger_than_the_limit_is_not_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_JSON", 5)
    refused(saved, "larger than 5 bytes")


def test_a_manifest_that_lists_too_little_is_refused(saved: Path) -> None:
    resigned(saved, lambda manifest: manifest.update(files={"schema.json": {"bytes": "9", "blake2b": "x"}}))
    refused(saved, "too little")
    resigned(saved, lambda manifest: manifest.update(files=[]))
    refused(saved, "lists no files")
    (saved / MANIFEST).write_text("[]")
    refused(saved, "not that of a dbsynth model")
