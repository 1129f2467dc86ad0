"""The steps of docker/Dockerfile in a fresh virtual environment, which needs no engine: of nothing but the files that
it copies a wheel is built and installed, and what the image runs is run.

Not as in the image: the libraries that dbsynth needs are those of this environment, not downloaded again."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.emulators.running import free_port
from tests.service.serving import until

ROOT = Path(__file__).resolve().parents[2]
Execute = Callable[..., list[tuple[object, ...]]]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "docker" / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


@dataclass(frozen=True)
class Image:
    """``home``: what is /opt/dbsynth in the image."""

    home: Path

    def run(self, *command: str, **options: str) -> subprocess.CompletedProcess[str]:
        own = {"PATH": f"{self.home / 'bin'}:/usr/bin:/bin", "HOME": str(self.home.parent), **options}
        program = str(self.home / "bin" / command[0])
        return subprocess.run([program, *command[1:]], capture_output=True, text=True, env=own, cwd=self.home.parent)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """COPY and RUN of the first stage."""
    folder = tmp_path_factory.mktemp("image")
    home, source = folder / "dbsynth", folder / "src"
    source.mkdir()
    first = instructions()[1:]
    first = first[: [word for word, _ in first].index("FROM")]
    for word, rest in first:
        if word == "COPY":
            *names, place = rest.split()
            for name in names:
                to = source / place / ("" if (ROOT / name).is_file() else ".")
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, to, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, to)
        elif word == "RUN":
            command = shlex.split(rest.replace("/opt/dbsynth", str(home)).replace('"$TORCH_INDEX"', "INDEX"))
            command[0] = sys.executable if command[0] == "python" else command[0]
            if command[-1] == "torch":  # and with it all libraries: those of this environment
                (packages,) = (home / "lib").glob("python*/site-packages")
                (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
                continue
            if "pip" in command[0]:
                command[2:2] = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
            done = subprocess.run(command, cwd=source, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    return Image(home)


def test_the_entry_point_runs_of_the_wheel(image: Image) -> None:
    (entry,) = [json.loads(rest) for word, rest in instructions() if word == "ENTRYPOINT"]
    (default,) = [json.loads(rest) for word, rest in instructions() if word == "CMD"]
    said = image.run(*entry, *default)
    assert said.returncode == 0, said.stderr
    assert "Usage: dbsynth" in said.stdout
    found = image.run("python", "-c", "import dbsynth, dbsynth_sql, dbsynth_postgresql; print(dbsynth.__file__)")
    assert found.stdout.startswith(str(image.home)), found.stdout + found.stderr
    shown = image.run(*entry, "dialects")
    assert shown.returncode == 0, shown.stderr
    assert "postgresql" in shown.stdout


def test_the_macros_of_dbt_come_with_the_wheel(image: Image) -> None:
    done = image.run("dbsynth", "dbt", "package", "macros_of_dbsynth")
    assert (done.returncode, done.stdout) == (0, "packages:\n  - local: macros_of_dbsynth\n"), done.stderr
    written, own = image.home.parent / "macros_of_dbsynth", ROOT / "sql" / "dbt"
    files = sorted(p.relative_to(own) for p in own.rglob("*") if p.is_file())
    assert files
    assert sorted(p.relative_to(written) for p in written.rglob("*") if p.is_file()) == files
    assert all((written / f).read_bytes() == (own / f).read_bytes() for f in files)
    assert image.run("dbsynth", "dbt", "package", "macros_of_dbsynth").returncode == 0, "it may be written again"
    other = image.home.parent / "other"
    other.mkdir()
    (other / "mine.sql").write_text("select 1")
    assert image.run("dbsynth", "dbt", "package", "other").returncode == 2
    assert (other / "mine.sql").exists()


@pytest.fixture
def served(image: Image, database: str) -> Iterator[str]:
    """The port of a worker that runs as the image says: ``serve --host 0.0.0.0 --port 8080``, on another port."""
    installed = image.run("dbsynth", "install-sql", database)
    assert installed.returncode == 0, installed.stderr
    port = str(free_port())
    command = [image.home / "bin" / "dbsynth", "serve", database, "--host", "0.0.0.0", "--port", port]
    own = {"PATH": os.environ["PATH"], "HOME": str(image.home.parent), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=own, cwd=image.home.parent, stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    assert process.wait(60) == 0


def test_the_health_check_says_that_a_worker_is_well(image: Image, served: str, execute: Execute) -> None:
    (check,) = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    command = json.loads(check[check.index("CMD ") + 4 :].replace("8080", served))

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{served}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(answers, "the worker is ready")
    assert image.run(*command).returncode == 0
    execute("create table public.t as select i as id, i % 3 as kind from generate_series(1, 30) i")
    execute("""select dbsynth.clone(source => 'public', target => 'dev', options => '{"strategy": "independent"}')""")
    until(lambda: execute("select 1 from dbsynth.jobs where state = 'done'"), "the job is done")
    assert execute("select count(*) from dev.t") == [(30,)]
    assert image.run(*[w.replace(served, "1") for w in command]).returncode == 1
