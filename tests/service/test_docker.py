"""The image and the tour: what can be said of the files, and their steps on this machine, without containers."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field
from serving import Execute, Serving, until
from sqlalchemy.engine import make_url

from dbsynth.demo.rows import TABLES
from dbsynth.service import install
from dbsynth.testing.embedded import create_database, drop_database, embedded_binaries

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"


def instructions() -> list[tuple[str, str]]:
    """(FROM, its argument), ... of the Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (DOCKER / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest) for word, _, rest in (line.partition(" ") for line in lines)]


def of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def test_base_images_are_pinned() -> None:
    """DL3006, DL3007: a tag of a whole version, never latest."""
    assert len(of("FROM")) == 2
    for base in of("FROM"):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z0-9-]+( AS [a-z]+)?", base), base


def test_the_image_runs_as_an_ordinary_user_and_says_how_it_is() -> None:
    """DL3002: the last USER is not root. DL3057: there is a HEALTHCHECK, in the last stage."""
    last = [word for word, _ in instructions()][::-1].index("FROM")
    stage = instructions()[-last:]
    assert [rest for word, rest in stage if word == "USER"] == ["dbsynth"]
    assert any("useradd --system --uid 10001" in rest for word, rest in stage if word == "RUN")
    (check,) = [rest for word, rest in stage if word == "HEALTHCHECK"]
    assert "/healthz" in check
    assert of("ENTRYPOINT") == ['["dbsynth"]']  # DL3025: a list, so that signals arrive


def test_nothing_is_fetched_blindly_and_nothing_is_left() -> None:
    """DL3020: no ADD. DL3008, DL3009: no apt without cleaning up. DL3042: no cache of pip. No sudo, no curl | sh."""
    assert of("ADD") == []
    assert any("PIP_NO_CACHE_DIR=1" in rest for rest in of("ENV"))
    for run in of("RUN"):
        assert "apt-get install" not in run or "rm -rf /var/lib/apt/lists/*" in run
        assert not re.search(r"sudo|curl|wget|\|\s*sh|chmod 777|--trusted-host", run), run
        assert not re.search(r"pip install (?!.*--constraint)", run), run
    for word in ("ENV", "ARG", "LABEL"):
        assert not any(re.search(r"password|secret|token", rest, re.IGNORECASE) for rest in of(word))


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().split() if line.startswith("!")}
    for copied in of("COPY"):
        parts = shlex.split(copied)
        if not parts[0].startswith("--from"):
            for name in parts[:-1]:
                assert (ROOT / name).exists(), name
                assert name in kept, name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Health(_Part):
    test: list[str] | None = None
    interval: str | None = None
    timeout: str | None = None
    retries: int | None = None
    disable: bool = False


class _Condition(_Part):
    condition: Literal["service_healthy", "service_completed_successfully", "service_started"]


class _Build(_Part):
    context: str
    dockerfile: str


class _Service(_Part):
    image: Annotated[str, Field(pattern=r"^(dbsynth:tour|[a-z]+:\d+\.\d+-[a-z]+)$")]
    build: _Build | None = None
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    volumes: list[str] = Field(default_factory=list)
    networks: list[str]
    depends_on: dict[str, _Condition] = Field(default_factory=dict)
    healthcheck: _Health | None = None
    stop_grace_period: str | None = None


class _Compose(BaseModel):
    """The part of the Compose Specification that the file uses, and the ``x-`` that it makes templates of."""

    model_config = ConfigDict(extra="allow")
    name: str
    services: dict[str, _Service]
    volumes: dict[str, dict[str, Any]]
    networks: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def compose() -> _Compose:
    found = _Compose.model_validate(yaml.safe_load((DOCKER / "compose.yaml").read_text()))
    assert all(name.startswith("x-") for name in found.model_extra or {})
    return found


def test_the_services_fit_together(compose: _Compose) -> None:
    for name, service in compose.services.items():
        assert set(service.networks) <= set(compose.networks), name
        assert set(service.depends_on) <= set(compose.services), name
        for needed, how in service.depends_on.items():
            if how.condition == "service_healthy" and compose.services[needed].image != "dbsynth:tour":
                assert compose.services[needed].healthcheck is not None, needed
        for volume in service.volumes:
            place = volume.split(":")[0]
            assert place.startswith("./") or place in compose.volumes, volume
        for script in re.findall(r"/tour/(\S+)", " ".join(service.entrypoint or [])):
            assert (DOCKER / script).is_file(), script
    # What makes rows for developers has no way to production.
    assert compose.services["models"].networks == ["development"]
    assert compose.services["dev"].networks == ["development"]


@pytest.fixture
def tour(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of the tour's steps: two databases on the embedded server, psql and dbsynth on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, command in (("dbsynth", "-m dbsynth.cli"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        (programs / name).chmod(0o755)
    path = f"{programs}:{embedded_binaries()}:{os.environ['PATH']}"
    urls = {
        name: make_url(create_database(postgres_url, f"tour_{name}")).set(drivername="postgresql")
        for name in ("p", "d")
    }
    found = {name: url.render_as_string(hide_password=False) for name, url in zip(("PROD", "DEV"), urls.values())}  # noqa: B905
    return {**os.environ, **found, "PATH": path, "MODELS": str(tmp_path / "models")}


def test_the_steps_of_the_tour(tour: dict[str, str], execute: Execute, tmp_path: Path, compose: _Compose) -> None:
    """What setup, roles, the workers and tour do in their containers, with less training."""

    def step(script: str, **changed: str) -> str:
        done = subprocess.run(
            ["sh", str(DOCKER / script)], env={**tour, **changed}, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def acting(role: str) -> dict[str, str]:
        return {name: make_url(tour[name]).set(username=role).render_as_string() for name in ("PROD", "DEV")}

    assert "15,430 rows" in step("setup.sh", LEARNING="--strategy independent")
    assert "the shop is there already" in step("setup.sh")
    step("roles.sh")
    workers = [
        Serving(acting("worker")["PROD"], tmp_path / "prod.log", *options(compose, "clones")),
        Serving(acting("worker")["DEV"], tmp_path / "dev.log", *options(compose, "models", tour["MODELS"])),
    ]
    try:
        until(lambda: execute("select 1 from dbsynth.models", url=tour["DEV"]), "the model is entered")
        said = step("tour.sh", **acting("ann"), PGOPTIONS="", OPTIONS='{"strategy": "independent", "scale": 0.1}')
    finally:
        assert [worker.stop() for worker in workers] == [0, 0]
    assert re.search(r"clone +\| done +\| ann +\| public +\| dev", said)
    assert re.search(r"generate +\| done +\| ann +\| shop +\| staging", said)
    assert len(re.findall(r"^ public\.\w+ +\| +\d+ \| independent", said, re.MULTILINE)) == len(TABLES)
    assert install.installed(make_url(tour["DEV"])) == install.newest()
    for name in ("PROD", "DEV"):
        drop_database(tour[name])


def options(compose: _Compose, service: str, models: str = "") -> list[str]:
    """Those of the container's command, but for the port, which may be taken here."""
    command = compose.services[service].command or []
    assert command[0] == "serve"
    found = [models if word == "/models" else word for word in command[2:]]
    found[found.index("--port") + 1] = "0"
    found[found.index("--host") + 1] = "127.0.0.1"
    return found
