"""Clone real databases end to end with default settings: wall time, peak memory, rows, constraints.

    python benchmarks/clone.py FOLDER [NAME...]      # FOLDER holds NAME.sql.gz dumps

Every database is restored on an embedded server and cloned into another database by the command line, as a user would.
Memory is the peak of the proportional set size (shared pages counted once) of the command and all its children, sampled
ten times a second; the database server is not counted. Prints a Markdown table.
"""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg

from dbsynth.testing.embedded import conninfo, create_database, embedded_postgres, restore

BOUNDS = {
    "chinook": 30, "oracle_hr": 15, "northwind": 30, "pagila17": 60, "mondial": 90, "stackexchange_ai": 90,
    "rossmann": 60, "walmart": 180, "nycflights13": 240, "adventureworks": 240,
}  # fmt: skip
"""Seconds on two cores that each clone should take at most."""
COUNTS = """select count(*), coalesce(sum(case when convalidated then 0 else 1 end), 0) from pg_constraint k
join pg_namespace n on n.oid = k.connamespace where n.nspname !~ '^(pg_|information_schema)' and contype <> 'n'"""


def memory(process: psutil.Process) -> int:
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += member.memory_full_info().pss
    return total


def run(command: list[str]) -> tuple[int, float, int, str]:
    """Exit code, seconds, peak bytes and the last line of output."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
    reader.start()
    peak, watched = 0, psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            peak = max(peak, memory(watched))
        time.sleep(0.1)
    reader.join()
    seconds = time.monotonic() - began
    return process.returncode, seconds, peak, "".join(lines[-15:]) if process.returncode else ""


def scalar(url: str, query: str) -> tuple[int, ...]:
    with psycopg.connect(conninfo(url)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(int(v) for v in row)


def rows(url: str) -> int:
    names = """select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'"""
    with psycopg.connect(conninfo(url)) as connection:
        tables = [t for (t,) in connection.execute(names)]
        return sum(connection.execute(f"select count(*) from {t}".encode()).fetchone()[0] for t in tables)  # type: ignore[index]


def main() -> None:
    folder = Path(sys.argv[1])
    names = sys.argv[2:] or sorted(p.name.removesuffix(".sql.gz") for p in folder.glob("*.sql.gz"))
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| database | rows | cloned | constraints | not valid | seconds | bound | peak MB | exit |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    with embedded_postgres() as server:
        for name in names:
            if name not in BOUNDS and not sys.argv[2:]:
                BOUNDS.setdefault(name, 0)
            source, target = create_database(server, f"{name}_prod"), create_database(server, f"{name}_dev")
            try:
                restore(source, folder / f"{name}.sql.gz")
            except Exception as error:
                print(f"| {name} | not restored: {str(error).splitlines()[0][:60]} |", flush=True)
                continue
            command = [sys.executable, "-m", "dbsynth.cli", "clone", source, "--to", target, "--seed", "1", "--quiet"]
            code, seconds, peak, tail = run(command)
            have, cloned = rows(source), rows(target)
            (total, invalid), (expected, _) = scalar(target, COUNTS), scalar(source, COUNTS)
            print(
                f"| {name} | {have:,} | {cloned:,} | {total}/{expected} | {invalid} | {seconds:.1f} | "
                f"{BOUNDS.get(name) or '–'} | {peak / 2**20:.0f} | {code} |",
                flush=True,
            )
            if tail:
                print(tail, file=sys.stderr)


if __name__ == "__main__":
    main()
