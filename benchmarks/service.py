"""How many jobs workers do, what a job costs beside its clone, and how long cancelling takes.

    python benchmarks/service.py [--jobs N] [--workers N ...] [--cancel N]

Jobs are clones of a table of 40 rows (``strategy=independent``, done in the child itself), so that the queue, the
checks and the publishing are what is measured. CPU seconds are those of the workers and their children, their start
among it, without the server's. Cancelled are jobs in the middle of training; their targets are gone when they count as
cancelled. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from dbsynth.service import install
from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres

SOURCES = """
    create schema tiny; create table tiny.t (id int primary key, kind text check (kind <> 'none'));
    insert into tiny.t select g, 'k' || g % 3 from generate_series(1, 40) g;
    create schema big; create table big.t (id int primary key, a float8, b float8, c text);
    insert into big.t select g, random(), random() * g, md5((g % 50)::text) from generate_series(1, 5000) g
"""
TINY = """select dbsynth.clone('tiny', 'dev' || g, '{"strategy": "independent"}') from generate_series(1, %s) g"""
BIG = """select dbsynth.clone('big', 'trained', '{"effort": "thorough"}')"""
OPEN = "select count(*) from dbsynth.job where state in ('queued', 'running')"
TRAINS = """select count(*) from dbsynth.task t join dbsynth.run r on r.id = t.run
    where r.job = %s and t.step = 'train'"""


@contextlib.contextmanager
def queue(server: str) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """The URL of a database with the sources and the control schema, and a connection to it."""
    url = create_database(server, "queue")
    install.upgrade(make_url(url))
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(SOURCES.encode())
        yield url, connection
    drop_database(url)


def serve(url: str, folder: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dbsynth.cli", "serve", url, *options]
    with (Path(folder) / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def throughput(server: str, folder: str, jobs: int, workers: int) -> str:
    with queue(server) as (url, connection):
        warm = [serve(url, folder, "--workers", "0") for _ in range(workers)]
        time.sleep(30)  # the children load what they need
        connection.execute(TINY.encode(), (jobs,))
        while connection.execute(OPEN).fetchall() != [(0,)]:
            time.sleep(0.01)
        row = connection.execute(
            "select extract(epoch from max(ended_at) - min(enqueued_at)),"
            " percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at))"
            " from dbsynth.job"
        ).fetchone()
        assert row is not None
        before = os.times()
        for process in warm:
            process.terminate()
            process.wait()
        after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return f"| {workers} | {jobs} | {jobs / float(row[0]):.1f} | {row[1]:.2f} | {cpu / jobs:.2f} |"


def cancelling(server: str, folder: str, times: int) -> str:
    seconds = []
    with queue(server) as (url, connection):
        worker = serve(url, folder, "--workers", "1")
        for job in range(1, times + 1):
            connection.execute(BIG.encode())
            while connection.execute(TRAINS, (job,)).fetchall() == [(0,)]:
                time.sleep(0.05)
            connection.execute("select dbsynth.cancel(%s)", (job,))
            while connection.execute(OPEN).fetchall() != [(0,)]:
                time.sleep(0.01)
            row = connection.execute(
                "select extract(epoch from ended_at - cancel_requested_at) from dbsynth.job where id = %s", (job,)
            ).fetchone()
            assert row is not None
            seconds.append(float(row[0]))
        worker.terminate()
        worker.wait()
    return f"| {times} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jobs", type=int, default=100)
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--cancel", type=int, default=5)
    asked = arguments.parse_args()
    with embedded_postgres() as server, tempfile.TemporaryDirectory() as folder:
        print("| workers | jobs | jobs/s | a job, s | CPU s a job |\n|---|---|---|---|---|")
        for workers in asked.workers:
            print(throughput(server, folder, asked.jobs, workers), flush=True)
        print("\n| cancelled in training | median s | most s |\n|---|---|---|")
        print(cancelling(server, folder, asked.cancel))


if __name__ == "__main__":
    main()
