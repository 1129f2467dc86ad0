"""However a run ends: the target is the old one or the new one, whole, and the next run clears away what is left."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import crashing_clone
import pytest
from postgresql_targets import opened, run_info, scratch_schemas, target_of

Execute = Callable[..., list[tuple[object, ...]]]
SOURCE = """
    create table public.parent (id int primary key, version int not null);
    create table public.child (id int primary key, parent int not null references public.parent, version int not null);
    create index on public.child (version);
"""
VERSIONS = """
    select count(*), count(distinct p.version), min(p.version), count(*) filter (where p.version = c.version)
    from dev.parent p join dev.child c on c.parent = p.id"""
KEYS = "select count(*) from pg_constraint where connamespace = 'dev'::regnamespace and contype in ('p', 'f')"


def killed_at(url: str, where: str, turn: int, delay: float, run_id: str, version: int) -> str:
    """Run the clone until it has said ``where`` for the ``turn``-th time, and a moment longer; gives its last words."""
    folder = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", crashing_clone.__file__, url, run_id, str(version)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": folder},
    )
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            turn -= line.startswith(where)
            if turn == 0:
                break
        time.sleep(delay)
        process.kill()
        process.wait()
        return line.strip()


def test_a_killed_run_leaves_the_old_target_or_the_new_one(database: str, execute: Execute) -> None:
    execute(SOURCE)
    crashing_clone.run(database, "first", 1)
    chance = random.Random(1)
    moments = [("prepare", 1), ("load parent", 3), ("load child", 8), ("finish constraint", 1), ("finish", 4)]
    moments += [("finish statistics", 2), ("publish", 1), ("publish", 1), ("publish", 1), ("done", 1)]
    current = 1
    for number, (where, turn) in enumerate(moments, start=2):
        # A publishing takes some ten milliseconds: hit its beginning, its middle and its end.
        delay = chance.uniform(0, 0.04) if where == "publish" else chance.uniform(0, 0.01)
        assert killed_at(database, where, turn, delay, f"run{number}", number).startswith(where)
        ((rows, versions, version, agree),) = execute(VERSIONS)
        assert (rows, versions, agree) == (crashing_clone.ROWS, 1, crashing_clone.ROWS)
        assert version in (current, number)
        assert version == current or where in ("publish", "done")
        assert execute(KEYS) == [(3,)]
        current = version
    crashing_clone.run(database, "last", 99)
    assert execute(VERSIONS) == [(crashing_clone.ROWS, 1, 99, crashing_clone.ROWS)]
    assert scratch_schemas(database) == []


def test_an_interrupted_load_leaves_nothing_once_discarded(
    database: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(SOURCE)
    with opened(database) as source, target_of(database) as target:
        schema = source.introspect(["public"])
        target.prepare(schema, {"public": "dev"}, run_info("r", source), replace=False)
        table = schema.tables[0]

        def interrupted() -> object:
            yield next(crashing_clone.rows(table, 1))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            target.load(table.name, interrupted())
        target.discard()
        target.discard()  # twice does no harm
    assert scratch_schemas(database) == []
    assert execute("select count(*) from pg_namespace where nspname = 'dev'") == [(0,)]
