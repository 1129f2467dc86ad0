"""What a verb is to write is known to be writable before its work begins."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import UsageError
from dbsynth.quality.files import check_writable, write_text

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
"""Asked for, it is no usage error: whoever gets that far has begun to work."""
VERBS = {
    "verify": (["verify", f"{NOWHERE}#dev", "--against", NOWHERE], ("--json", "--junit", "--html")),
    "replay": (["replay", f"{NOWHERE}#dev", "--against", NOWHERE], ("--json",)),
    "clone": (["clone", NOWHERE, "--to", "dev", "--verify"], ("--junit", "--html")),
    "generate": (["generate", "model", "--to", f"{NOWHERE}#dev", "--verify"], ("--junit", "--html")),
}
CASES = [(verb, option) for verb, (_, options) in VERBS.items() for option in options]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "x")
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(("verb", "option"), CASES)
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("folder", "it is a folder"),
        ("gone/x", "is no folder that exists"),
        ("file/x", "is no folder that exists"),
        ("link", "is no folder that exists"),
        ("n" * 300, "too long"),
    ],
)
def test_the_verbs_ask_first(verb: str, option: str, path: str, told: str, run: Run) -> None:
    done = run(*VERBS[verb][0], option, path)
    assert done.exit_code == 2, done.output
    text = " ".join(done.output.split())
    assert f"{option}: {path}" in text
    assert told in text
    assert sorted(p.name for p in Path().iterdir()) == ["file", "folder", "link"]


@pytest.mark.parametrize("verb", ["verify", "clone", "generate"])
def test_two_of_one_name(verb: str, run: Run) -> None:
    Path("same").symlink_to("out")
    done = run(*VERBS[verb][0], "--junit", "out", "--html", "same")
    assert done.exit_code == 2
    assert "--junit and --html name the same file" in " ".join(done.output.split())


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_whose_folder_takes_no_files() -> None:
    """Also of those who may write anywhere."""
    with pytest.raises(UsageError, match="cannot be written"):
        check_writable({"--html": Path("/proc/report.html")})


def test_from_python(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder that exists"):
        dbsynth.verify(f"{NOWHERE}#dev", NOWHERE, html=tmp_path / "gone" / "r.html")


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("old")
    os.utime(path, (1, 1))
    check_writable({"--html": path, "--junit": tmp_path / "new.xml", "--json": None})
    assert path.read_text() == "old"
    assert path.stat().st_mtime == 1
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_a_link_stays_one_and_rights_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "r.html", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to(path)
    write_text(link, "new")
    assert path.read_text() == "new"
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "r.html"]


def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path) -> None:
    before = os.stat(os.devnull)
    check_writable({"--html": Path(os.devnull), "--junit": Path(os.devnull)})
    write_text(Path(os.devnull), "x")
    assert os.stat(os.devnull).st_rdev == before.st_rdev
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
