"""The embedded server: it comes up, and goes away in whatever way its user ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from dbsynth.errors import ConnectionFailed
from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres, restore


def reachable(url: str) -> bool:
    try:
        psycopg.connect(conninfo(url), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def within(seconds: float, fact: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_server_asks_for_its_password_and_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    with embedded_postgres(password="p@ss/word", work_mem="7MB") as url:
        assert make_url(url).drivername == "postgresql+psycopg"
        with psycopg.connect(conninfo(url)) as connection:
            assert connection.execute("show work_mem").fetchone() == ("7MB",)
        assert not reachable(url.replace(":p%40ss%2Fword@", "@"))
        assert not reachable(url.replace("p%40ss", "pass"))
    assert not reachable(url)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_behind_a_process_that_is_killed(end: signal.Signals, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in takewhile(Path(tempfile.gettempdir()).__ne__, tmp_path.parents):
        parent.chmod(0o755)  # pytest keeps its folders from other users, such as the one of the server
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "dbsynth.testing.embedded"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert reachable(url)
        (folder,) = tmp_path.iterdir()
        process.send_signal(end)
        process.wait(10)
    assert within(10, lambda: not folder.exists())
    assert not reachable(url)


def test_the_program_stops_at_end_of_input() -> None:
    command = [sys.executable, "-W", "error", "-m", "dbsynth.testing.embedded"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("postgresql+psycopg://postgres@127.0.0.1:")
    assert not reachable(done.stdout.strip())


def test_a_setting_that_is_none_is_an_error_with_the_log_of_the_server() -> None:
    with (
        pytest.raises(ConnectionFailed, match="unrecognized configuration parameter"),
        embedded_postgres(no_such_parameter="1"),
    ):
        pass


def test_databases_by_difficult_names(postgres_url: str, tmp_path: Path) -> None:
    url = create_database(postgres_url, 'a "b" c')
    try:
        dump = tmp_path / "dump.sql"
        dump.write_text("create table t as select 1 as a;")
        restore(url, dump)
        copy = create_database(postgres_url, "copy_of_it", template='a "b" c')
        with psycopg.connect(conninfo(copy)) as connection:
            assert connection.execute("select a from t").fetchone() == (1,)
        drop_database(copy)
        with pytest.raises(ConnectionFailed, match='relation "t" already exists'):
            restore(url, dump)
    finally:
        drop_database(url)
    assert not reachable(url)
