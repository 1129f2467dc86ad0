"""A clone that is killed at any moment leaves its target as it was or complete, and the next run clears up after it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbsynth.demo.__main__ import fill
from dbsynth.testing.embedded import conninfo, create_database, drop_database

KILLS = 10
ROWS = (
    "select (select count(*) from dev.customer), (select count(*) from dev.orders), (select count(*) from dev.payment)"
)
ORPHANS = "select count(*) from dev.orders o left join dev.customer c using (customer_id) where c.customer_id is null"
INVALID = """select count(*) from pg_constraint
where connamespace = 'dev'::regnamespace and not convalidated"""
SCRATCH = r"select nspname from pg_namespace where nspname ~ '__(building|old)_'"
OURS = "select obj_description('dev'::regnamespace)"


@pytest.fixture
def shop(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "killed_shop")
    fill(url.replace("+psycopg", ""))
    yield url
    drop_database(url)


def started(url: str, seed: int, folder: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "dbsynth.cli",
        "clone",
        url,
        "--to",
        "dev",
        "--seed",
        str(seed),
        "--effort",
        "quick",
    ]
    return subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def ask(url: str, query: str) -> tuple[object, ...]:
    with psycopg.connect(conninfo(url)) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row if row is not None else ()


def test_kill_nine_at_ten_moments(shop: str, tmp_path: Path) -> None:
    first = started(shop, 1, tmp_path)
    began = time.monotonic()
    said, _ = first.communicate(timeout=300)
    assert first.returncode == 0, said
    length = time.monotonic() - began
    mark, expected = ask(shop, OURS), ask(shop, ROWS)
    chance = random.Random(3)
    killed = 0
    for number in range(KILLS):
        # spread over the whole run, so that every phase is hit
        moment = length * (number + chance.random()) / KILLS
        process = started(shop, 2 + number, tmp_path)
        time.sleep(moment)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert ask(shop, ROWS) == expected or ask(shop, OURS) != mark
        assert ask(shop, ORPHANS) == (0,)
        assert ask(shop, INVALID) == (0,)
        mark, expected = ask(shop, OURS), ask(shop, ROWS)
    assert killed >= KILLS // 2
    last = started(shop, 99, tmp_path)
    said, _ = last.communicate(timeout=300)
    assert last.returncode == 0, said
    assert ask(shop, OURS) != mark
    assert ask(shop, SCRATCH) == ()


def test_workers_end_with_their_parent(shop: str, tmp_path: Path) -> None:
    process = started(shop, 1, tmp_path)
    time.sleep(3)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert members(process.pid) == []


def members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat[2]) == group and stat[0] != "Z":
                found.append(int(folder.name))
    return found


def test_an_interrupt_leaves_nothing_behind(shop: str, tmp_path: Path) -> None:
    process = started(shop, 1, tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if "  load  " in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert ask(shop, SCRATCH) == ()
    assert ask(shop, "select nspname from pg_namespace where nspname = 'dev'") == ()
    assert members(process.pid) == []
