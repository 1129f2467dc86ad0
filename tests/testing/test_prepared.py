"""Data directories that are kept: a server comes from one as from initdb; what is not whole or ours is made anew."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dbsynth.errors import UsageError
from dbsynth.folders import cache_folder
from dbsynth.testing import embedded, prepared
from dbsynth.testing.embedded import conninfo, create_database, embedded_binaries, embedded_postgres


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "servers"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The data directories that initdb made."""
    made: list[Path] = []
    initdb = embedded._initdb

    def counted(binaries: Path, scratch: Path, *more: object) -> None:
        made.append(scratch)
        initdb(binaries, scratch, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(embedded, "_initdb", counted)
    return made


def asked(url: str) -> list[tuple[object, ...]]:
    """What a server is like, from outside."""
    settings = ["data_checksums", "default_text_search_config", "max_connections", "server_encoding", "timezone"]
    databases = "select datname, datcollate, datlocale, datallowconn from pg_database order by 1"
    with psycopg.connect(conninfo(url)) as connection:
        found = connection.execute("select name, setting from pg_settings where name = any(%s) order by 1", [settings])
        return [*found, *connection.execute(databases)]


def made_by(file: Path) -> Callable[[], None]:
    return lambda: file.write_bytes(b"catalog" + bytes(100))


def test_a_server_comes_from_a_kept_directory_as_from_initdb(cache: Path, runs: list[Path]) -> None:
    with embedded_postgres() as url:
        plain = asked(url)
    with embedded_postgres(cached=True) as url:
        first = asked(url)
    assert len(runs) == 2
    with embedded_postgres(cached=True, work_mem="7MB") as one, embedded_postgres(cached=True) as other:
        assert plain == first == asked(one) == asked(other)
        with psycopg.connect(conninfo(one)) as connection:
            assert connection.execute("show work_mem").fetchone() == ("7MB",)
        narrow = create_database(other, "narrow", encoding="LATIN1")
        copy = create_database(other, "copy", template="narrow")
        with psycopg.connect(conninfo(copy), autocommit=True) as connection:
            connection.execute("create table t as select relname from pg_class")
            connection.execute("vacuum full")
            assert connection.execute("select count(*) > 300 from t").fetchone() == (True,)
        assert narrow != copy
    assert len(runs) == 2, "initdb is not run again"
    (pack,) = cache.glob("*.pack")
    assert stat.S_IMODE(pack.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert pack.stat().st_size < 20_000_000


def test_a_server_with_a_password_is_not_kept(cache: Path, runs: list[Path]) -> None:
    with embedded_postgres(cached=True, password="s3cret"):
        assert len(runs) == 1
    assert not list(cache.parent.rglob("*"))


def test_what_is_unpacked_is_what_was_packed_but_for_the_maps(tmp_path: Path) -> None:
    (tmp_path / "data" / "base" / "1").mkdir(parents=True)
    (tmp_path / "data" / "empty").mkdir()
    files = {"a": b"", "base/1/2": b"\0" * 8192, "base/1/3": b"x\0y" + bytes(9), "base/1/4": b"x\0y" + bytes(9)}
    for name, content in files.items():
        (tmp_path / "data" / name).write_bytes(content)
    (tmp_path / "data" / "base" / "1" / "3_fsm").write_bytes(b"free")
    packed = prepared.pack(tmp_path / "data")
    assert sorted(map(bytes, packed.distinct)) == [b"", b"x\0y"], "equal contents are kept once, zeros are not"
    prepared.write(packed, tmp_path / "kept.pack")
    out = tmp_path / "out"
    out.mkdir(mode=0o700)
    prepared.unpack(prepared.read(tmp_path / "kept.pack"), out, None)
    assert {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()} == files
    assert (out / "empty").is_dir()
    assert {stat.S_IMODE(p.stat().st_mode) for p in out.rglob("*")} == {0o600, 0o700}


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "longer", "another format"])
def test_what_is_damaged_is_told_and_made_again(harm: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "kept" / "x.pack"
    for number in range(2):
        data = tmp_path / f"data{number}"
        data.mkdir()
        assert not prepared.prepare(data, path, None, made_by(data / "file"))
        whole = path.read_bytes()
        harmed = {
            "cut": whole[:-1],
            "changed": whole[:-1] + b"X",
            "empty": b"",
            "longer": whole + b"X",
            "another format": b"another " + whole,
        }
        path.write_bytes(harmed[harm])
    assert "is damaged" in caplog.text
    assert str(path) in caplog.text


def test_what_another_user_wrote_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pack"
    prepared.write(prepared.Contents({}, []), path)
    (tmp_path / "link.pack").symlink_to(path)
    with pytest.raises(OSError, match="symbolic"):
        prepared.read(tmp_path / "link.pack")
    stated = os.fstat

    def of_another(handle: int) -> os.stat_result:
        found = stated(handle)
        return os.stat_result((*found[:4], os.geteuid() + 1, *found[5:]))

    monkeypatch.setattr(os, "fstat", of_another)
    with pytest.raises(prepared.Damaged, match="another user's"):
        prepared.read(path)


def test_a_kept_directory_that_no_server_starts_from_is_made_again(
    cache: Path, runs: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = prepared.place_of(embedded_binaries())
    path.parent.mkdir(parents=True)
    (tmp_path / "other" / "base").mkdir(parents=True)
    (tmp_path / "other" / "PG_VERSION").write_text("9")
    prepared.write(prepared.pack(tmp_path / "other"), path)
    with embedded_postgres(cached=True) as url:
        assert asked(url)
    assert len(runs) == 1
    assert "no server starts from" in caplog.text
    with embedded_postgres(cached=True) as url:
        assert asked(url)
    assert len(runs) == 1


def test_several_at_once_make_it_once(tmp_path: Path) -> None:
    path, made = tmp_path / "kept" / "x.pack", []

    def ask(number: int) -> bool:
        data = tmp_path / str(number)
        data.mkdir()

        def initdb() -> None:
            made.append(number)
            made_by(data / "file")()

        found = prepared.prepare(data, path, None, initdb)
        assert (data / "file").read_bytes() == b"catalog" + bytes(100)
        return found

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False, *[True] * 7]
    assert len(made) == 1
    assert sorted(p.name for p in path.parent.iterdir()) == ["x.lock", "x.pack"]


def test_where_nothing_can_be_kept_the_server_starts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path / "file" / "below"))
    with embedded_postgres(cached=True) as url:
        assert asked(url)
    assert len(runs) == 1
    assert "cannot be written" in caplog.text


def test_few_are_kept_those_used_last(tmp_path: Path) -> None:
    places = [tmp_path / "kept" / f"{number}.pack" for number in range(prepared.MOST_KEPT + 2)]
    for number, path in enumerate(places):
        data = tmp_path / str(number)
        data.mkdir()
        prepared.prepare(data, path, None, made_by(data / "file"))
        os.utime(path, (number, number))
        if path == places[-2]:
            prepared.read(places[2])  # is used, and so is the newest
    assert {p.name for p in (tmp_path / "kept").glob("*.pack")} == {
        places[2].name, places[-1].name, *(p.name for p in places[-prepared.MOST_KEPT + 1 :])
    }  # fmt: skip


def test_another_server_time_zone_or_version_is_another_file(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = tmp_path / "install" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "postgres").write_bytes(b"17")
    places = [prepared.place_of(binaries)]
    assert places == [prepared.place_of(Path(shutil.copytree(tmp_path / "install", tmp_path / "again")) / "bin")]
    (binaries / "postgres").write_bytes(b"18")
    places.append(prepared.place_of(binaries))
    monkeypatch.setattr(prepared, "__version__", "0.0.9")
    places.append(prepared.place_of(binaries))
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    places.append(prepared.place_of(binaries))
    assert len(set(places)) == 4
    assert {p.parent for p in places} == {cache}


def test_a_user_without_a_home_is_told_what_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DBSYNTH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def none() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(UsageError) as told:
        cache_folder()
    assert "DBSYNTH_CACHE" in told.value.hint
