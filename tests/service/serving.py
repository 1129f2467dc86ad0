"""Workers in processes of their own, and waiting for what they do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

Execute = Callable[..., list[tuple[Any, ...]]]
PATIENCE = 240.0
"""Seconds after which a test gives up: a machine may be busy."""
SCRATCH = "select nspname from pg_namespace where nspname ~ '__(building|old)_'"
SHOP = """
    create schema shop;
    create table shop.customer (id int primary key, tier text not null check (tier in ('a', 'b', 'c')));
    create table shop.orders (id int primary key, customer int not null references shop.customer, amount numeric(8, 2));
    insert into shop.customer select g, chr(97 + g % 3) from generate_series(1, 40) g;
    insert into shop.orders select g, 1 + g % 40, (g * 37 % 500) / 10.0 from generate_series(1, 80) g;
    grant usage on schema shop to alice, bob;
    grant select on all tables in schema shop to alice, bob;
"""
TINY = """
    create schema tiny;
    create table tiny.t (id int primary key, kind text check (kind <> 'none'));
    insert into tiny.t select g, 'k' || g % 3 from generate_series(1, 40) g;
    grant usage on schema tiny to alice, bob;
    grant select on all tables in schema tiny to alice, bob;
"""
FAMILY = """
    create schema family;
    create table family.parent (id int primary key, region text not null, note text);
    create table family.child (id int primary key, parent int not null references family.parent, kind text, x float8);
    insert into family.parent select g, 'r' || g % 4, 'secret-' || g from generate_series(1, 300) g;
    insert into family.child select g, 1 + g % 300, 'k' || g % 5, sqrt(g * 7 % 97) from generate_series(1, 290) g;
    grant usage on schema family to public;
    grant select on all tables in schema family to public;
"""
"""``parent`` is learned before ``child``, which has fewer cells to see."""


class Serving:
    """``dbsynth serve`` on ``url``; the log goes to a file. ``workers`` 0: quickest for tiny tables."""

    def __init__(self, url: str, log: Path, *options: str) -> None:
        self.log = log
        command = [sys.executable, "-W", "error", "-m", "dbsynth.cli", "serve", url]
        quick = ["--workers", "0", "--lease", "3", "--poll", "1", "--retry", "0.5"]
        with log.open("wb") as out:
            self.process = subprocess.Popen([*command, *quick, *options], stdout=out, stderr=out, cwd=log.parent)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == name]

    def child(self) -> int:
        """The process that does the jobs."""
        (child,) = [
            p.pid for p in psutil.Process(self.process.pid).children() if "dbsynth.service.child" in p.cmdline()
        ]
        return child

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill_all(self) -> None:
        """Worker and child at one blow: nobody is left to take anything away."""
        victims = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for victim in victims:
            victim.kill()
        self.process.wait()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def until(condition: Callable[[], Any], what: str) -> Any:
    """What ``condition`` gives as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"in {PATIENCE:.0f} seconds not: {what}")
