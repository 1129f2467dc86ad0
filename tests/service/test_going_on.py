"""An attempt that goes on from what an earlier one has learned, and what it does with folders that are of no use."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from serving import FAMILY, Execute
from sqlalchemy.engine import make_url

from dbsynth.artifact.resume import FIT
from dbsynth.errors import TargetRefused, UsageError
from dbsynth.pipeline import events, work
from dbsynth.pipeline.clone import run
from dbsynth.pipeline.options import CloneOptions
from dbsynth.service.going_on import go_on
from dbsynth.service.kept import FOREIGN_SECONDS, Kept, state_folder, take
from dbsynth.service.queue import Job

ROWS = "select md5(string_agg(r::text, ',' order by r::text)) from (select * from {0}.parent) r union all" \
    " select md5(string_agg(r::text, ',' order by r::text)) from (select * from {0}.child) r"  # fmt: skip


class Killed(BaseException):
    pass


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What tasks in this process opened and would keep for the next: here every run is one of its own."""
    opened: list[Any] = []

    def remember(kind: type) -> None:
        original = kind.open  # type: ignore[attr-defined]
        monkeypatch.setattr(kind, "open", lambda *given: opened.append(original(*given)) or opened[-1])

    remember(work.UrlOrigin)
    remember(work.Destination)
    yield
    work.forget()
    for database in opened:
        database.close()


@pytest.fixture
def options(database: str, execute: Execute) -> CloneOptions:
    execute(FAMILY)
    url = make_url(database).set(password="pa55w0rd")  # the server asks for none
    return CloneOptions(url, url, ("family",), "dev", seed=3, effort="quick", workers=0)


@pytest.fixture
def killed(options: CloneOptions, tmp_path: Path) -> Path:
    """The folder of a job whose first attempt was killed when it had learned one table of two, ``parent``."""
    kept = tmp_path / "kept" / "1-job"
    learned: list[str] = []

    def watch(event: events.Event) -> None:
        if isinstance(event, events.StepDone) and event.step == "train":
            learned.append(str(event.table))
            raise Killed

    with pytest.raises(Killed):
        run(options, watch, checkpoint=take(kept, 7))
    assert learned == ["family.parent"]
    return kept


def attempt(kept: Path, options: CloneOptions, number: int = 2) -> tuple[dict[str, Any], list[events.Event]]:
    """What the second attempt logs, by event, and its events."""
    job = Job(1, "clone", "family", "dev", {}, 0, "", 3, UUID(int=0), number, 3, 6 + number)
    seen: list[events.Event] = []
    with structlog.testing.capture_logs() as logs:
        go_on(job, options, kept, seen.append)
    return {line["event"]: line for line in logs}, seen


def trained(seen: list[events.Event]) -> list[str | None]:
    return [e.table for e in seen if isinstance(e, events.StepDone) and e.step == "train"]


@pytest.fixture
def undisturbed(options: CloneOptions, execute: Execute, killed: Path) -> Callable[[], bool]:
    """Whether ``dev`` has the rows of a clone that nothing disturbs."""

    def same() -> bool:
        made = execute(ROWS.format("dev"))
        run(CloneOptions(**{**vars(options), "target_schema": "other"}), lambda event: None)
        return made == execute(ROWS.format("other"))

    return same


def test_what_is_learned_is_not_learned_again(
    killed: Path, options: CloneOptions, undisturbed: Callable[[], bool]
) -> None:
    logs, seen = attempt(killed, options)
    assert logs["job goes on"]["learned"] == ("family.parent",)
    assert trained(seen) == ["family.child"]
    assert undisturbed()
    assert [p.name for p in killed.iterdir()] == ["8"]


def test_a_folder_that_is_not_there_is_told(options: CloneOptions, killed: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    logs, seen = attempt(tmp_path / "elsewhere" / "1-job", options)
    assert logs["job begins anew"]["attempt"] == 2
    assert trained(seen) == ["family.parent", "family.child"]


@pytest.mark.parametrize(
    "what", ["fit/plan.json", "table-*/table.json", "fit/manifest.json", "table-*/table.safetensors"]
)
def test_a_damaged_folder_is_dropped(
    killed: Path, options: CloneOptions, undisturbed: Callable[[], bool], what: str
) -> None:
    (path,) = killed.glob(f"7/{what}")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\0" + whole[len(whole) // 2 + 1 :])
    logs, seen = attempt(killed, options)
    assert "DBS-600" in logs["what was kept is dropped"]["reason"]
    assert "job begins anew" in logs
    assert trained(seen) == ["family.parent", "family.child"]
    assert undisturbed()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("alter table family.child add column more int", "another schema"),
        ("insert into family.parent values (999, 'north')", "another numbers of rows"),
        ("update family.parent set region = 'r' || id % 7", "rows of the source are not those"),
    ],
)
def test_a_changed_source_is_begun_anew(
    killed: Path, options: CloneOptions, execute: Execute, undisturbed: Callable[[], bool], change: str, said: str
) -> None:
    execute(change)
    logs, seen = attempt(killed, options)
    assert said in logs["what was kept is dropped"]["reason"]
    assert sorted(map(str, trained(seen))) == ["family.child", "family.parent"]
    assert undisturbed()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effort": "standard"}, "effort"),
        ({"rows": {"parent": 7}}, "rows"),
        ({"overrides": {"family.child": {"training": {"steps": 30}}}}, "tables of dbsynth.toml"),
        ({"seed": 4}, "seed"),
    ],
)
def test_other_options_are_begun_anew(killed: Path, options: CloneOptions, change: dict[str, Any], said: str) -> None:
    logs, seen = attempt(killed, CloneOptions(**{**vars(options), **change}))
    assert f"another {said} " in logs["what was kept is dropped"]["reason"]
    assert trained(seen) == ["family.parent", "family.child"]


def test_another_version_begins_anew(killed: Path, options: CloneOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbsynth.pipeline.resuming.versions", lambda: {"dbsynth": "99"})
    logs, seen = attempt(killed, options)
    assert "another versions" in logs["what was kept is dropped"]["reason"]
    assert len(trained(seen)) == 2


def test_a_defect_of_what_is_kept_ends_no_job(
    killed: Path, options: CloneOptions, undisturbed: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw, in an attempt that goes on: one from the beginning is made."""
    from dbsynth.artifact.resume import FitCheckpoint

    def fails(*_: object) -> None:
        raise ZeroDivisionError("4711")

    monkeypatch.setattr(FitCheckpoint, "goes_on", fails)
    logs, _ = attempt(killed, options)
    assert logs["what was kept is dropped"]["reason"] == "ZeroDivisionError"
    assert undisturbed()


def test_what_is_no_fault_of_the_folder_keeps_it(killed: Path, options: CloneOptions, execute: Execute) -> None:
    execute("create schema dev create table mine (id int)")  # not of dbsynth's making
    with pytest.raises(TargetRefused):
        attempt(killed, options)
    assert (killed / "8" / FIT).exists()
    execute("drop schema dev cascade")
    logs, seen = attempt(killed, options, 3)
    assert "job goes on" in logs
    assert trained(seen) in ([], ["family.child"])


def test_a_folder_that_cannot_be_made_ends_no_job(options: CloneOptions, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logs, seen = attempt(tmp_path / "file", options)
    assert "nothing is kept of the job" in logs
    assert len(trained(seen)) == 2


def test_a_full_disk_ends_no_job(options: CloneOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dbsynth.artifact.files._write_file", full)
    logs, seen = attempt(tmp_path / "1-job", options)
    assert "No space left on device" in logs["what was kept is dropped"]["reason"]
    assert len(trained(seen)) == 2


def test_differential_privacy_keeps_nothing(
    database: str, options: CloneOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbsynth.service.child import Child

    config = tmp_path / "dbsynth.toml"
    config.write_text("[privacy]\ndp_epsilon = 3.0\n")
    with open(os.devnull, "w") as out:
        child = Child({"url": database, "models": None, "config": config, "workers": 0}, out)
        asked = {"effort": "quick", "rows": {"parent": 5, "child": 5}}
        role = make_url(database).username or ""
        job = Job(1, "clone", "family", "dev", asked, 10, role, 3, UUID(int=0), 1, 3, 7)
        done = child._clone(job, tmp_path / "kept")
    assert done.differential_privacy is not None
    assert not (tmp_path / "kept").exists()


def test_no_secret_and_no_row_is_in_it(killed: Path) -> None:
    held = b"".join(path.read_bytes() for path in killed.rglob("*") if path.is_file())
    assert b"family" in held
    assert not re.findall(rb"secret-\d+", held)  # of parent.note
    assert b"pa55w0rd" not in held
    assert all(path.stat().st_mode & 0o077 == 0 for path in (killed, killed.parent))


def test_a_folder_is_taken_once_and_never_from_a_later_attempt(tmp_path: Path) -> None:
    kept = tmp_path / "db" / "1-job"
    kept.parent.mkdir()
    (take(kept, 1) / FIT).mkdir(parents=True)
    (kept / "2").mkdir()  # died before it had a plan
    assert take(kept, 4) == kept / "4"
    assert (kept / "4" / FIT).exists()
    assert not (kept / "1").exists()
    # The attempt 3 was thought dead; it begins anew, and 4 keeps what it has.
    assert not (take(kept, 3) / FIT).exists()
    assert (kept / "4" / FIT).exists()


def test_a_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "db" / "1-job"
    kept.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(OSError, match="another user"):
        take(kept, 1)
    monkeypatch.undo()
    kept.rmdir()
    kept.symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"exists|another user"):
        take(kept, 1)


def test_jobs_of_databases_are_told_apart_and_cleared(tmp_path: Path) -> None:
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, tzinfo=UTC)
    one, two = Kept(tmp_path, "one/5"), Kept(tmp_path, "two/5")
    paths = {one.of(1, early), one.of(1, late), one.of(2, early), two.of(1, early)}
    assert len(paths) == 4
    for path in paths:
        (path / "7" / FIT).mkdir(parents=True)
    (tmp_path / "mine.txt").write_text("not of our making")
    assert sorted(one.jobs()) == [1, 1, 2]
    one.clear({1: late})
    assert {p for p in paths if p.exists()} == {one.of(1, late), two.of(1, early)}
    old = datetime.now(UTC).timestamp() - FOREIGN_SECONDS - 1
    for path in (two.of(1, early).parent, *two.of(1, early).parent.rglob("*")):
        os.utime(path, (old, old))
    one.clear({1: late})
    assert not two.of(1, early).parent.exists()
    assert (tmp_path / "mine.txt").exists()


def test_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path / "cache"))
    assert state_folder(None) == tmp_path / "cache" / "jobs"
    assert (tmp_path / "cache" / "jobs").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--state .*file"):
        state_folder(tmp_path / "file")
    with pytest.raises(UsageError, match=r"--state .*(not a directory|file exists)"):
        state_folder(tmp_path / "file" / "x")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="everybody may write there"):
        state_folder(tmp_path / "open")
