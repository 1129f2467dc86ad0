"""What goes wrong around the pytest plugin: the cache damaged or unusable, no server, wrong arguments."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from docker.errors import DockerException  # type: ignore[import-not-found,import-untyped,unused-ignore]

import dbsynth
from dbsynth.errors import ArtifactError, ConnectionFailed, UsageError
from dbsynth.testing import cache, plugin
from dbsynth.testing.database import Database
from dbsynth.testing.embedded import conninfo, create_database
from dbsynth.testing.server import Server, running_server


@pytest.fixture(scope="module")
def tiny(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Database(create_database(postgres_url, "odd_source"))
    source.execute("create table item (id int primary key, name text)")
    source.execute("insert into item select i, 'a' from generate_series(1, 10) i")
    path = tmp_path_factory.mktemp("odd") / "tiny"
    dbsynth.fit(source.url, seed=1, strategy="independent", workers=1).save(path)
    source.drop()
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("damage", ["cut rows", "other rows", "cut contents", "no rows", "a file"])
def test_damaged_rows_are_made_again_and_the_log_says_so(
    postgres_url: str, tiny: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, path = cache.dumped(tiny, seed=1)
    rows, contents = next(path.glob("*.copy")), path / "contents.json"
    whole = rows.read_bytes()
    match damage:
        case "cut rows":
            rows.write_bytes(whole[: whole.index(b"\n") + 1])
        case "other rows":
            rows.write_bytes(whole.replace(b"1", b"7", 1))
        case "cut contents":
            contents.write_bytes(contents.read_bytes()[:-40])
        case "no rows":
            rows.unlink()
        case _:
            contents.unlink()
            rows.unlink()
            path.rmdir()
            path.write_text("")
    with caplog.at_level("WARNING", "dbsynth.testing"):
        found = Server(postgres_url).load(tiny, seed=1)
    assert found.execute("select count(*) from item").scalar() == 10
    assert "are damaged" in caplog.text
    assert next(path.glob("*.copy")).read_bytes() == whole
    found.drop()


def test_a_cache_that_cannot_be_written_is_told(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UsageError, match="rows cannot be kept in") as told:
        cache.dumped(tiny)
    assert "DBSYNTH_CACHE" in told.value.hint


def test_a_cache_that_may_only_be_read_will_do_where_the_rows_are(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = cache.dumped(tiny, seed=1)

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(cache, "locked", refused)  # the user of these tests may write everywhere
    assert cache.dumped(tiny, seed=1) == there
    with pytest.raises(UsageError, match="Permission denied"):
        cache.dumped(tiny, seed=2)


def test_a_report_shows_the_remedy() -> None:
    with pytest.raises(ArtifactError) as error:
        cache.dumped(Path("nowhere"))
    call: pytest.CallInfo[None] = pytest.CallInfo(None, error, 0, 0, 0, "call", _ispytest=True)
    for _ in range(2):
        plugin.pytest_runtest_makereport(None, call)  # type: ignore[arg-type]
    assert error.value.__notes__ == ["make it with: dbsynth train SOURCE --out nowhere"]


def test_servers_that_do_not_answer_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = "postgresql://me:hidden@127.0.0.1:1/postgres"
    with pytest.raises(ConnectionFailed, match="lets nobody in") as told, running_server(gone):
        raise AssertionError
    assert "hidden" not in f"{told.value}{told.value.hint}"
    with pytest.raises(UsageError, match="no URL of a server"), running_server("postgresql://a:b:c:d/x"):
        raise AssertionError

    def no_engine(*_: object, **__: object) -> None:
        raise DockerException("connection refused")

    monkeypatch.setattr("testcontainers.core.container.DockerClient", no_engine)
    with pytest.raises(ConnectionFailed, match="no container of") as told, running_server("docker"):
        raise AssertionError
    assert "embedded" in told.value.hint


def test_a_session_on_a_server_of_others_leaves_nothing(postgres_url: str, tiny: Path) -> None:
    def databases() -> set[str]:
        with psycopg.connect(conninfo(postgres_url)) as connection:
            return {name for (name,) in connection.execute("select datname from pg_database")}

    before = databases()
    with running_server(postgres_url) as server:
        server.load(tiny).copy()
        server.create()
        assert len(databases()) == len(before) + 4
    assert databases() == before


def test_wrong_arguments_are_told(postgres_url: str, tiny: Path) -> None:
    with pytest.raises(UsageError, match="database='tests' is no URL"):
        Server(postgres_url).load(tiny, database="tests")
    with pytest.raises(UsageError, match="not a tuple") as told:
        Database(postgres_url).execute("select :id", (1,))  # type: ignore[arg-type]
    assert ":id" in told.value.hint


def test_names_without_a_schema_are_those_of_the_schema_that_was_named(postgres_url: str, tiny: Path) -> None:
    one = Server(postgres_url).load(tiny, schema='My "own"')
    two = one.copy()
    for database in (one, two):
        assert database.execute("select count(*) from item").scalar() == 10
        assert database.execute("select current_schema()").scalar() == 'My "own"'
        database.drop()
