"""What it costs to test on a model: from a fresh environment to a green test, and each test after that.

    python benchmarks/testing.py FOLDER [--effort E] [--models NAME...]      # FOLDER holds NAME.sql.gz dumps

A wheel is built of this checkout and installed into a fresh virtual environment with `dbsynth[testing]`, pytest and
pytest-xdist; that is not counted. Then, with a model of chinook: a session of pytest with one empty test, the first
session (rows are made, kept and loaded), a second one (rows are loaded), twenty tests with a database each, in one
process and in four of pytest-xdist, each the least of as many runs as it says; and within a session what a copy of the
database, a transaction that is rolled back, and loading the same model again cost (median of 20). After that, of every
model: training, bytes, and loading (median of 5). Wall seconds, and CPU seconds of the command and its children. Prints
Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dbsynth.testing.embedded import create_database, embedded_postgres, restore

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = {"adventureworks": ("production", "sales", "person", "purchasing", "humanresources")}
EMPTY = "def test_nothing(): pass\n"
TESTS = """
import json, pytest, statistics, time

@pytest.fixture(scope="session")
def shop(dbsynth_postgres):
    return dbsynth_postgres.load("models/chinook", seed=1)

def test_report(shop):
    assert shop.execute("select count(*) from invoice").scalar() > 0

@pytest.mark.dbsynth(model="models/chinook", seed=1)
@pytest.mark.parametrize("turn", range({turns}))
def test_alone(dbsynth_schema, turn):
    assert dbsynth_schema.execute("select count(*) from invoice").scalar() == 412
    dbsynth_schema.execute("delete from invoice_line")

@pytest.mark.skipif({turns} == 0, reason="not asked for")
def test_costs(dbsynth_postgres, shop):
    def median(action, before=lambda: None, after=lambda made: None):
        taken = []
        for _ in range(20):
            before()
            began = time.perf_counter()
            made = action()
            taken.append(time.perf_counter() - began)
            after(made)
        return statistics.median(taken)

    def rolled_back():
        with shop.rollback() as connection:
            connection.exec_driver_sql("delete from invoice_line")

    found = {{
        "a copy of the database": median(shop.copy, after=lambda made: made.drop()),
        "dropping the copy": median(lambda: copies.pop().drop(), before=lambda: copies.append(shop.copy())),
        "a transaction that is rolled back": median(rolled_back),
        "loading the model again": median(
            lambda: dbsynth_postgres.load("models/chinook", seed=1), after=lambda made: made.drop()
        ),
    }}
    open("costs.json", "w").write(json.dumps(found))

copies = []
"""
LOAD = """
import sys, time
import dbsynth, dbsynth.synthesizer
taken = []
for _ in range(5):
    began = time.perf_counter(), time.process_time()
    dbsynth.load(sys.argv[1])
    taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
print(*sorted(taken)[2])
"""


def run(command: list[str | Path], folder: Path, **environment: str) -> tuple[float, float, str]:
    """Wall seconds, CPU seconds, standard output."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=kept | environment)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def installed(folder: Path) -> Path:
    """The bin folder of a fresh environment with a wheel of this checkout."""
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT], folder)
    run([sys.executable, "-m", "venv", folder / "fresh"], folder)
    (wheel,) = folder.glob("dbsynth-*.whl")
    pip = [folder / "fresh" / "bin" / "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
    run([*pip, f"{wheel}[testing]", "pytest", "pytest-xdist"], folder)
    return folder / "fresh" / "bin"


def sessions(programs: Path, folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\n")
    cache = {"DBSYNTH_CACHE": str(folder / "cache")}
    pytest = [programs / "pytest", "-q", "--dbsynth-server=embedded"]
    one, twenty = TESTS.format(turns=0), TESTS.format(turns=20)
    print("\n| session | runs | wall s | CPU s |\n|---|--:|--:|--:|")
    for name, tests, runs, more in (
        ("pytest with an empty test", EMPTY, 5, []),
        ("first: rows are made", one, 1, []),
        ("second", one, 5, []),
        ("second, without the plugin of faker", one, 5, ["-p", "no:faker"]),
        ("20 tests with a database each", twenty, 3, []),
        ("the same on four workers", twenty, 3, ["-n", "4"]),
    ):
        (folder / "test_shop.py").write_text(tests)
        wall, cpu, _ = min(run([*pytest, *more], folder, **cache) for _ in range(runs))
        print(f"| {name} | {runs} | {wall:.1f} | {cpu:.1f} |", flush=True)
    print("\n| within a session | ms |\n|---|--:|")
    for name, seconds in json.loads((folder / "costs.json").read_text()).items():
        print(f"| {name} | {1000 * seconds:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dumps", type=Path)
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--models", nargs="*", default=["chinook", "adventureworks"])
    asked = parser.parse_args()
    load = f"load {os.getloadavg()[0]:.0f}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {load}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as scratch, embedded_postgres() as server:
        folder = Path(scratch)
        programs = installed(folder)
        trained = {}
        for name in asked.models:
            source = create_database(server, name)
            restore(source, asked.dumps / f"{name}.sql.gz")
            schemas = [word for s in SCHEMAS.get(name, ()) for word in ("--schema", s)]
            train = [programs / "dbsynth", "train", source, "--out", f"models/{name}", "--seed", "1", "--quiet"]
            trained[name] = run([*train, "--effort", asked.effort, *schemas], folder)
        if "chinook" in trained:
            sessions(programs, folder)
        print(f"\n| model (effort {asked.effort}) | trained, wall s | MB | loaded, wall s | CPU s |")
        print("|---|--:|--:|--:|--:|", flush=True)
        for name, (wall, _, _) in trained.items():
            size = sum(p.stat().st_size for p in (folder / "models" / name).iterdir())
            loaded, worked = map(float, run([programs / "python", "-c", LOAD, f"models/{name}"], folder)[2].split())
            print(f"| {name} | {wall:.1f} | {size / 1e6:.1f} | {loaded:.2f} | {worked:.2f} |", flush=True)


if __name__ == "__main__":
    main()
