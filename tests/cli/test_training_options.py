"""What may be asked of the training, on the command line and in dbsynth.toml; what is refused, and when."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dbsynth.config import load_config
from dbsynth.errors import ConfigError, UsageError
from dbsynth.model.settings import NETWORK, check
from dbsynth.pipeline.training_wishes import check_training
from tests.cli.conftest import Run
from tests.cli.test_config import OTHER, Written, options
from tests.cli.test_imports import loaded_by

NOWHERE = "postgresql://reader@127.0.0.1:1/shop"
"""Whoever reads from it exits 3."""


def test_options_become_what_the_pipeline_is_asked_for() -> None:
    found = options(train_minutes=2.5, strategy="tvae", device="auto", seed=1, sample_seed=2)
    assert (found.train_minutes, found.strategy, found.device) == (2.5, "tvae", "auto")
    assert (found.seed, found.sample_seed) == (1, 2)
    nothing = options()
    assert (nothing.train_minutes, nothing.strategy, nothing.device, nothing.sample_seed) == (None, None, "cpu", None)


def test_the_file_and_the_environment_ask_too(written: Written, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written("[clone]\ntrain_minutes = 3\nstrategy = 'copula'\ndevice = 'auto'\nsample_seed = 8")
    found = options()
    assert (found.train_minutes, found.strategy, found.device, found.sample_seed) == (3.0, "copula", "auto", 8)
    assert options(strategy="tvae", device="cpu").strategy == "tvae"
    monkeypatch.setenv("DBSYNTH_STRATEGY", "ctgn")
    assert "did you mean 'ctgan'?" in run("clone", NOWHERE, "--to", "dev").stderr


def test_a_seed_of_the_command_line_is_that_of_the_rows_too(written: Written) -> None:
    written("[clone]\nseed = 4\nsample_seed = 8")
    assert (options().seed, options().sample_seed) == (4, 8)
    assert (options(seed=5).seed, options(seed=5).sample_seed) == (5, None)
    assert options(seed=5, sample_seed=6).sample_seed == 6


def test_work_and_time_exclude_each_other_where_they_stand_together(written: Written, run: Run) -> None:
    result = run("clone", NOWHERE, "--to", "dev", "--effort", "quick", "--train-minutes", "1")
    assert result.exit_code == 2
    assert "only one of them can decide" in result.stderr
    written("[clone]\neffort = 'quick'\ntrain_minutes = 1.0")
    with pytest.raises(ConfigError, match="give effort or train_minutes, not both"):
        load_config()


def test_the_command_line_goes_before_the_file_of_work_and_time(written: Written) -> None:
    written("[clone]\ntrain_minutes = 3.0")
    assert (options(effort="quick").effort, options(effort="quick").train_minutes) == ("quick", None)
    written("[clone]\neffort = 'thorough'")
    assert options().effort == "thorough"
    assert options(train_minutes=1.0).train_minutes == 1.0


@pytest.mark.parametrize("verb", ["clone", "plan"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--train-minutes", "0"], "not above 0"),
        (["--train-minutes", "-1"], "not above 0"),
        (["--train-minutes", "inf"], "not above 0"),
        (["--train-minutes", "nan"], "not above 0"),
        (["--train-minutes", "long"], "is no number; 0.5 is half a minute"),
        (["--strategy", "ctgn"], "there is no training strategy 'ctgn'"),
        (["--strategy", "ctgn"], "did you mean 'ctgan'?"),
        (["--strategy", "zzz"], "installed: auto, autoregressive, copula, ctgan, ctgan-2019"),
        (["--device", "tpu"], "--device"),
        (["--sample-seed", "-1"], "--sample-seed"),
    ],
)
def test_what_is_refused_before_anything_is_read(run: Run, verb: str, arguments: list[str], said: str) -> None:
    result = run(verb, NOWHERE, "--to", "dev", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(("built", "said"), [(None, "built without CUDA"), ("12.8", "finds no CUDA device")])
def test_cuda_that_is_not_there_is_refused(
    run: Run, written: Written, monkeypatch: pytest.MonkeyPatch, built: str | None, said: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = run("clone", NOWHERE, "--to", "dev", "--device", "cuda")
    assert result.exit_code == 2
    assert said in result.stderr
    assert run("clone", NOWHERE, "--to", "dev", "--device", "auto").exit_code == 3
    written("[tables.orders.training]\ndevice = 'cuda'")
    result = run("clone", NOWHERE, "--to", "dev")
    assert result.exit_code == 2
    assert said in result.stderr
    assert '[tables."orders"]' in result.stderr


@pytest.mark.parametrize(
    ("section", "said", "hint"),
    [
        ("strategy = 'ctgn'", "there is no training strategy 'ctgn'", "did you mean 'ctgan'?"),
        ("training.stpes = 5", "unknown setting stpes of the strategy ctgan", "did you mean 'steps'?"),
        ("training.zzz = 5", "unknown setting zzz", "known: group, batch"),
        ("training.steps = 0", "steps = 0 is not a whole number from 1 on", ""),
        ("training.steps = 1.5", "steps = 1.5 is not a whole number", ""),
        ("training.steps = true", "steps = True is not a whole number", ""),
        ("training.rate = 0.0", "rate = 0.0 is not a number above 0", ""),
        ("training.rate = nan", "rate = nan is not a number above 0", ""),
        ("training.drop = 1", "drop = 1 is not a number from 0 on, at most 0.9", ""),
        ("training.batch = 'big'", "batch = 'big' is not a whole number", ""),
        ("training.device = 'gpu'", "device = 'gpu' is not one of auto, cpu, cuda", ""),
        ("training.epochs = 9", "unknown setting epochs of the strategy ctgan", ""),
        ("strategy = 'autoregressive'\ntraining.critic = 1", "unknown setting critic of the strategy autoreg", ""),
        ("strategy = 'tvae'\ntraining.pac = 1", "unknown setting pac of the strategy tvae", ""),
        ("strategy = 'copula'\ntraining.rate = 1", "unknown setting rate", "copula has no settings"),
    ],
)
def test_a_section_that_is_wrong_is_refused_with_its_table_before_anything_is_read(
    run: Run, written: Written, section: str, said: str, hint: str
) -> None:
    written(f'[tables."public.orders"]\n{section}')
    result = run("plan", NOWHERE, "--to", "dev")
    assert result.exit_code == 2
    assert '[tables."public.orders"]' in result.stderr
    assert said in result.stderr
    assert hint in result.stderr


@pytest.mark.parametrize(
    "section",
    [
        "training = {group = 32, batch = 64, rate = 0.01, drop = 0.1, decay = 0.1, critic = 0, device = 'cpu'}",
        "strategy = 'auto'\ntraining = {critic = 1, steps = 9}",
        "strategy = 'autoregressive'\ntraining = {group = 32, decay = 0}",
        "strategy = 'ctgan-2019'\ntraining = {epochs = 5, batch = 100, rate = 0.001, pac = 5, device = 'auto'}",
        "strategy = 'tvae'\ntraining = {epochs = 5, batch = 100, rate = 0.001, device = 'cpu'}",
    ],
)
def test_settings_that_strategies_take(written: Written, section: str) -> None:
    written(f"[tables.orders]\n{section}")
    check_training(options())


def test_settings_are_those_of_the_strategy_that_is_asked_for(written: Written) -> None:
    written("[tables.orders.training]\nepochs = 5")
    check_training(options(strategy="tvae"))
    with pytest.raises(ConfigError, match="unknown setting epochs of the strategy copula"):
        check_training(options(strategy="copula"))


def test_all_settings_that_are_wrong_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check("ctgan", NETWORK, {"stpes": 1, "rate": -1, "drop": 0.5})
    assert "unknown setting stpes" in str(caught.value)
    assert "rate = -1" in str(caught.value)
    assert "drop" not in str(caught.value)


def test_a_strategy_is_looked_up_without_torch() -> None:
    script = f"""
from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.training_wishes import check_training
check_training(CloneOptions(parse_url({OTHER!r}), strategy="tvae", overrides={{"orders": {{"strategy": "auto"}}}}))
"""
    assert "torch" not in loaded_by(script)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("'50GiB'", 50 * 2**30), ("'1.5 TB'", 1_500_000_000_000), ("'1_000'", 1000), ("4096", 4096), ("0", 0)],
)
def test_a_size_in_the_file_is_written_as_on_the_command_line(written: Written, text: str, bytes_: int) -> None:
    written(f"[clone]\nmax_bytes = {text}")
    assert options().max_bytes == bytes_


@pytest.mark.parametrize("text", ["'much'", "'5 GiBs'", "'-1'", "-1", "1.5", "true"])
def test_a_size_that_is_none(written: Written, text: str) -> None:
    written(f"[clone]\nmax_bytes = {text}")
    with pytest.raises(ConfigError, match=r"clone\.max_bytes"):
        load_config()


def test_the_size_option_says_what_it_takes(run: Run) -> None:
    result = run("clone", NOWHERE, "--to", "dev", "--max-bytes", "much")
    assert result.exit_code == 2
    assert "no number of bytes, e.g. 50GiB" in result.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_the_files_of_the_documentation_are_taken(written: Written, page: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (Path(__file__).parents[2] / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        written(block)
        assert tomllib.loads(block)
        check_training(options())


def test_python_refuses_the_same(tmp_path: Path) -> None:
    import pyarrow as pa

    from dbsynth.api import fit_table

    frame = pa.table({"a": list(range(50))})
    with pytest.raises(UsageError, match="no training strategy 'ctgn'"):
        fit_table(frame, strategy="ctgn", checkpoint=tmp_path / "fit")
    assert not (tmp_path / "fit").exists()
    for minutes in (0, -1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="train_minutes"):
            fit_table(frame, train_minutes=minutes)


@pytest.fixture
def two_tables(database: str, execute: Callable[..., Any]) -> str:
    execute(
        "create table a(id int primary key, kind text not null, n int not null);"
        "create table b(id int primary key, a_id int not null references a, m numeric(6, 2) not null);"
        "insert into a select i, 'kind ' || i % 4, i % 4 * 10 + i % 3 from generate_series(1, 300) i;"
        "insert into b select i, 1 + i % 300, i % 90 + 0.5 from generate_series(1, 600) i"
    )
    return database


def test_each_table_is_learned_as_asked_and_told_so(run: Run, written: Written, two_tables: str) -> None:
    written("[clone]\nstrategy = 'copula'\n[tables.b]\nstrategy = 'autoregressive'\ntraining.steps = 25")
    planned = run("plan", two_tables, "--to", "dev", "--keep", "none")
    assert planned.exit_code == 0, planned.stderr
    assert "public.b: steps = 25" in planned.stdout
    assert {"copula", "autoregressive"} <= set(planned.stdout.split())
    made = run("clone", two_tables, "--to", "dev", "--keep", "none", "--workers", "1", "--seed", "1", "--verbose")
    assert made.exit_code == 0, made.stderr
    assert "public.a: correlations computed" in made.stdout
    assert re.search(r"public\.b: (budget|held-out loss no longer falls)", made.stdout)
    assert "public.b  train (autoregressive)" in made.stderr
    assert re.search(r"table learned .*table=public\.b .*steps=(\d+)", made.stderr)


def test_rows_have_a_seed_of_their_own(run: Run, two_tables: str, execute: Callable[..., Any]) -> None:
    def rows(target: str, *seeds: str) -> Any:
        given = ["--keep", "none", "--workers", "1", "--strategy", "copula", "--json", *seeds]
        result = run("clone", two_tables, "--to", target, *given)
        assert result.exit_code == 0, result.stderr
        told = json.loads(result.stdout.splitlines()[-1])
        return execute(f"select kind, n from {target}.a order by id"), (told["seed"], told["sample_seed"])

    one, two, three = rows("d1", "--seed", "1"), rows("d2", "--seed", "1", "--sample-seed", "2"), rows(
        "d3", "--seed", "1", "--sample-seed", "1"
    )  # fmt: skip
    assert [told for _, told in (one, two, three)] == [(1, None), (1, 2), (1, 1)]
    assert one[0] == three[0] != two[0]
