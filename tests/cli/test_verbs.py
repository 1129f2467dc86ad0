"""Verbs and options: exit codes, what is refused and how, and that no password is ever shown."""

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

import pytest

import dbsynth.errors as errors
from dbsynth.pipeline import clone, events
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.schema.model import Schema
from tests.cli.conftest import Run

SOURCE = "postgresql://reader:topsecret@db.example/shop"
DONE = events.RunDone((events.TableResult("public.a", 3, 1.5, "autoregressive", 0.98765, False, ("odd",)),), 2.0, 7)
Asked = list[CloneOptions]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The options of each clone that was asked for; nothing is cloned."""
    seen: Asked = []

    def run(
        options: CloneOptions, emit: Callable[[events.Event], None], check: object, checkpoint: object
    ) -> events.RunDone:
        seen.append(options)
        emit(events.RunStarted("r1", 7, "db.example/shop", "db.example/shop#dev", ("public.a",)))
        emit(events.Warned(None, None, "The view public.v is not cloned."))
        emit(events.StepStarted("public.a", "load"))
        emit(events.StepDone("public.a", "load", 0.5, 3))
        emit(DONE)
        return DONE

    monkeypatch.setattr(clone, "run", run)
    return seen


def fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(*_: Any) -> None:
        raise error

    monkeypatch.setattr(clone, "run", run)


def test_a_clone_tells_what_it_did(run: Run, asked: Asked) -> None:
    result = run("clone", SOURCE, "--to", "dev")
    assert result.exit_code == 0
    assert "public.a  load  3 rows  0.5 s" in result.stderr
    assert "0.988" in result.stdout
    assert "public.a: odd" in result.stdout
    assert "The view public.v is not cloned." in result.stdout
    assert "3 rows in 1 table of db.example/shop#dev, 2.0 s, seed 7" in result.stdout


def test_quiet_says_nothing(run: Run, asked: Asked) -> None:
    assert run("clone", SOURCE, "--to", "dev", "--quiet").output == ""


def test_json_is_one_versioned_event_a_line(run: Run, asked: Asked) -> None:
    result = run("clone", SOURCE, "--to", "dev", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["event"] for e in found] == ["RunStarted", "Warned", "StepStarted", "StepDone", "RunDone"]
    assert {e["v"] for e in found} == {1}
    assert found[-1]["results"][0]["fidelity"] == 0.98765
    assert result.stderr == ""


def test_options_reach_the_pipeline(run: Run, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBSYNTH_EFFORT", "quick")
    monkeypatch.setenv("DBSYNTH_SEED", "5")
    result = run(
        "clone", SOURCE + "#sales", "--to", "dev", "--tables", "o*", "--exclude", "old", "--scale", "0.5",
        "--rows", "a=b=10", "--seed", "9", "--sample-rows", "1000", "--workers", "2", "--keep", "status", "--replace",
    )  # fmt: skip
    assert result.exit_code == 0
    (got,) = asked
    assert got.source_schemas == ("sales",)
    assert (got.target_schema, got.target_url) == ("dev", got.source_url)
    assert (got.tables, got.exclude, got.scale, got.rows) == (("o*",), ("old",), 0.5, {"a=b": 10})
    assert (got.seed, got.sample_rows, got.workers, got.keep, got.replace) == (9, 1000, 2, ("status",), True)
    assert got.effort == "quick"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scale", "0"], "not above 0"),
        (["--scale", "-1"], "not above 0"),
        (["--scale", "1e9"], "at most 10,000"),
        (["--scale", "nan"], "not above 0"),
        (["--scale", "inf"], "not above 0"),
        (["--scale", "half"], "is no number"),
        (["--rows", "orders"], "is not TABLE=N"),
        (["--rows", "orders=-5"], "is not TABLE=N"),
        (["--rows", "orders=1.5"], "is not TABLE=N"),
        (["--rows", "=5"], "is not TABLE=N"),
        (["--rows", "orders=99999999999999"], "at most"),
        (["--sample-rows", "0"], "--sample-rows"),
        (["--sample-rows", "many"], "--sample-rows"),
        (["--workers", "0"], "--workers"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "x"], "--seed"),
        (["--effort", "max"], "--effort"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--scal", "2"], "--scale"),
    ],
)
def test_bad_options_exit_2_before_anything_is_done(run: Run, asked: Asked, arguments: list[str], said: str) -> None:
    result = run("clone", SOURCE, "--to", "dev", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert asked == []


def test_a_misspelt_verb_names_the_nearest(run: Run) -> None:
    result = run("clnoe")
    assert result.exit_code == 2
    assert "clone" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.GateFailed("m", hint="h"), 1),
        (errors.UsageError("m", hint="h"), 2),
        (errors.ConfigError("m", hint="h"), 2),
        (errors.TargetRefused("m", hint="h"), 2),
        (errors.ConnectionFailed("m", hint="h"), 3),
        (errors.PermissionDenied("m", hint="h"), 3),
        (errors.UnsupportedSource("m", hint="h"), 4),
        (errors.UnsatisfiableConstraint("m", hint="h"), 4),
        (errors.InternalError("m", hint="h"), 5),
    ],
)
def test_an_error_of_ours_gives_its_exit_code_its_hint_and_no_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: errors.DbsynthError, code: int
) -> None:
    fails_with(monkeypatch, error)
    result = run("clone", SOURCE, "--to", "dev")
    assert result.exit_code == code
    assert result.stderr == f"dbsynth: m [{error.code}]\n  hint: h\n"
    assert result.stdout == ""
    event = json.loads(run("clone", SOURCE, "--to", "dev", "--json").stdout)
    assert event == {
        "v": 1, "event": "Failed", "code": error.code, "exit_code": code, "message": "m", "hint": "h",
    }  # fmt: skip


def test_a_defect_exits_5_and_hides_the_traceback_until_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, ZeroDivisionError("by topsecret\nDETAIL: row (Ada, Berg)"))
    result = run("clone", SOURCE, "--to", "dev")
    assert result.exit_code == 5
    assert "ZeroDivisionError: by ***" in result.stderr
    assert "DBSYNTH_DEBUG" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Ada" not in result.stderr
    assert "Traceback" in run("clone", SOURCE, "--to", "dev", "--verbose").stderr
    monkeypatch.setenv("DBSYNTH_DEBUG", "1")
    assert "Traceback" in run("clone", SOURCE, "--to", "dev").stderr


def test_ctrl_c_exits_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, KeyboardInterrupt())
    result = run("clone", SOURCE, "--to", "dev")
    assert (result.exit_code, result.stderr) == (130, "dbsynth: interrupted\n")


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_run_clean_up_and_exits_130(folder: Path, signal_number: int) -> None:
    program = f"""
import time, pathlib
from dbsynth.pipeline import clone
def run(options, emit, check, checkpoint):
    try:
        pathlib.Path("started").touch()
        time.sleep(30)
    finally:
        pathlib.Path("cleaned").touch()
clone.run = run
from dbsynth.cli import main
main(["clone", {SOURCE!r}, "--to", "dev"])
"""
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (folder / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal_number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "dbsynth: interrupted\n"
    assert (folder / "cleaned").exists()


def test_help_imports_nothing_heavy() -> None:
    program = """
import sys
from dbsynth.cli import main
for arguments in (["--help"], ["clone", "--help"], ["--version"]):
    try:
        main(arguments)
    except SystemExit as end:
        assert end.code == 0
heavy = {"torch", "pyarrow", "sqlalchemy", "numpy", "pydantic", "rich", "structlog", "sqlglot", "faker"}
print("heavy:", sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
    for code, meaning in ((0, "done"), (130, "interrupted"), (4, "cannot be cloned")):
        assert any(line.split()[:1] == [str(code)] and meaning in line for line in done.stdout.splitlines())


def test_no_connection_exits_3_without_the_password(run: Run) -> None:
    result = run("clone", "postgresql://reader:topsecret@127.0.0.1:1/shop", "--to", "dev", "--verbose")
    assert result.exit_code == 3
    assert "127.0.0.1" in result.stderr
    assert "topsecret" not in result.output


@pytest.mark.parametrize("source", ["mysql://u:topsecret@h/d", "postgresql://u:topsecret@h:port/d", "nosuch"])
def test_a_source_that_is_none_exits_2_without_the_password(run: Run, source: str) -> None:
    result = run("inspect", source)
    assert result.exit_code == 2
    assert "topsecret" not in result.output


@pytest.mark.parametrize(("name", "said"), [("nosuch/dir", "not there"), ("./{here}", "no folder of a model")])
def test_a_path_that_is_no_model_is_told_as_one(run: Run, tmp_path: Path, name: str, said: str) -> None:
    result = run("inspect", name.replace("./{here}", str(tmp_path)))
    assert result.exit_code == 2
    assert said in result.output.replace("\n", " ")
    assert "there is no connection" not in result.output


def test_logs_hide_passwords(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import structlog

    def logging(*_: Any) -> events.RunDone:
        structlog.get_logger("x").info("connected", url=SOURCE, password="topsecret")
        structlog.get_logger("x").warning("conninfo host=h password='top secret' user=u")
        return DONE

    monkeypatch.setattr(clone, "run", logging)
    said = run("clone", SOURCE, "--to", "dev", "--verbose").output
    assert "info  connected  url=postgresql://reader:***@db.example/shop  password=***" in said
    assert "secret" not in said
    assert "connected" not in run("clone", SOURCE, "--to", "dev").output


def test_a_plan_is_shown_and_printed_as_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(Schema(()), (), {"public": "dev"}, "db/shop", "db/shop#dev", seed=3, warnings=("careful",))
    monkeypatch.setattr(clone, "plan_only", lambda options, emit: plan)
    shown = run("plan", SOURCE, "--to", "dev")
    assert shown.exit_code == 0
    assert "db/shop → db/shop#dev  seed 3, k = 5" in shown.stdout
    assert "careful" in shown.stdout
    data = json.loads(run("plan", SOURCE, "--to", "dev", "--json").stdout)
    assert (data["v"], data["event"], data["schemas"]) == (1, "Plan", {"public": "dev"})


def test_dialects(run: Run) -> None:
    assert "postgresql" in run("dialects").stdout
    found = json.loads(run("dialects", "--json").stdout)["dialects"]
    by_name = {d["name"]: d for d in found}
    assert set(by_name) >= {"postgresql", "duckdb", "snowflake", "bigquery"}
    assert by_name["postgresql"]["constraints"]["foreign key"] == "enforced"
    assert by_name["bigquery"]["constraints"]["check"] == "not supported"


def test_a_closed_pipe_ends_quietly(folder: Path) -> None:
    program = "from dbsynth.cli import main; main(['dialects'])"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", program], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
