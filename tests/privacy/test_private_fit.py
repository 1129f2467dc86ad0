"""Differential privacy from the outside: what is refused before anything is read, what is told, what is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import UsageError
from dbsynth.frames.database import FramesDatabase
from dbsynth.privacy.budget import SWITCHED_OFF

SCHEMA: dict[str, Any] = {
    "people": {"primary_key": ["id"]},
    "visits": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["person_id"], "ref_table": "people"}],
        "checks": ["cost >= 0"],
    },
    "kinds": {"primary_key": ["kind"]},
}
RARE = "zanzibar-7731-unique"


def tables(people: int = 900, visits: int = 2500) -> dict[str, pa.Table]:
    rng = np.random.default_rng(0)
    tier = rng.choice(["gold", "silver", "none"], people, p=[0.2, 0.3, 0.5]).astype(object)
    tier[7] = RARE
    age = rng.integers(18, 90, people)
    age[9] = 40_404
    kinds = ["first", "repeat", "phone"]
    return {
        "people": pa.table(
            {
                "id": np.arange(people) + 1,
                "tier": tier.tolist(),
                "age": age,
                "email": [f"p{i}.q@corp.test" for i in range(people)],
            }
        ),
        "visits": pa.table(
            {
                "id": np.arange(visits) + 1,
                "person_id": rng.integers(1, people + 1, visits),
                "kind": rng.choice(kinds, visits).tolist(),
                "cost": np.round(rng.gamma(2.0, 20.0, visits), 2),
                "on": pa.array(np.datetime64("2024-01-01") + rng.integers(0, 365, visits)),
            }
        ),
        "kinds": pa.table({"kind": kinds, "label": ["First visit", "Came again", "By phone"]}),
    }


@pytest.fixture(scope="module")
def private() -> dbsynth.Synthesizer:
    return dbsynth.fit(tables(), schema=SCHEMA, dp_epsilon=3.0, seed=1, effort="quick", keep=["kinds"])


def test_rows_are_valid_and_alike(private: dbsynth.Synthesizer) -> None:
    made = private.sample(seed=2)
    assert made["people"]["id"].is_unique
    assert made["visits"]["person_id"].isin(made["people"]["id"]).all()
    assert (made["visits"]["cost"] >= 0).all()
    assert abs((made["people"]["tier"] == "none").mean() - 0.5) < 0.15
    assert sorted(made["kinds"]["label"]) == ["By phone", "Came again", "First visit"]


def test_what_one_row_has_is_nowhere(private: dbsynth.Synthesizer, tmp_path: Path) -> None:
    private.save(tmp_path / "model")
    written = b"".join(file.read_bytes() for file in (tmp_path / "model").iterdir())
    made = private.sample(seed=2)
    assert RARE.encode() not in written
    assert b"corp.test" not in written
    assert RARE not in set(made["people"]["tier"])
    assert made["people"]["age"].max() < 40_404
    assert not any(learned.known for learned in private._learned.values())


def test_what_is_spent_is_told_everywhere(private: dbsynth.Synthesizer, tmp_path: Path) -> None:
    told = private.report()["differential_privacy"]
    assert told["epsilon"] == 3.0
    assert 2.5 < told["epsilon_spent"] <= 3.0003
    assert told["switched_off"] == list(SWITCHED_OFF)
    assert private.report()["tables"]["people"]["fidelity"] is None
    private.save(tmp_path / "model")
    again = dbsynth.load(tmp_path / "model")
    assert again.report()["differential_privacy"] == told
    assert again.sample(seed=2)["visits"].equals(private.sample(seed=2)["visits"])
    shown = CliRunner().invoke(main, ["inspect", str(tmp_path / "model")])
    assert shown.exit_code == 0
    assert f"ε = {told['epsilon_spent']:.3g} of 3 spent at δ = 1e-05" in " ".join(shown.output.split())


def test_the_seed_does_not_tell_the_noise(private: dbsynth.Synthesizer) -> None:
    again = dbsynth.fit(tables(), schema=SCHEMA, dp_epsilon=3.0, seed=1, effort="quick", keep=["kinds"])
    assert not again.sample(seed=2)["visits"].equals(private.sample(seed=2)["visits"])


def test_planning_reads_no_row_but_of_tables_declared_public(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = FramesDatabase.read

    def spy(self: FramesDatabase, request: Any, snapshot: str | None = None) -> Iterator[pa.RecordBatch]:
        read.append(request.table.name)
        return original(self, request, snapshot)

    class Stop(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    monkeypatch.setattr(FramesDatabase, "read", spy)
    monkeypatch.setattr("dbsynth.pipeline.fitting._train", stop)
    with pytest.raises(Stop):
        dbsynth.fit(tables(), schema=SCHEMA, dp_epsilon=3.0, keep=["kinds"])
    assert set(read) == {"kinds"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dp_epsilon": 1.0, "strategy": "ctgan"}, "ctgan: it cannot be trained with differential privacy"),
        ({"dp_epsilon": 1.0, "strategy": "copula"}, "copula: it cannot be trained"),
        ({"dp_epsilon": 1.0, "train_minutes": 1.0}, "--train-minutes does not go with"),
        ({"dp_epsilon": 1.0, "checkpoint": "folder"}, "a checkpoint does not go with"),
        ({"dp_epsilon": 0.0}, "--dp-epsilon 0: not in"),
        ({"dp_epsilon": float("nan")}, "--dp-epsilon nan: not in"),
        ({"dp_epsilon": 1e9}, "not in"),
        ({"dp_epsilon": 1.0, "dp_delta": 1.0}, "--dp-delta 1: not above 0 and below"),
        ({"dp_delta": 1e-6}, "--dp-delta without --dp-epsilon"),
    ],
)
def test_what_it_cannot_account_for_is_refused_before_anything_is_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        dbsynth.fit("postgresql://nobody@127.0.0.1:1/nowhere", **options)
    assert error.value.hint


def test_settings_of_a_table_that_it_cannot_account_for_are_refused(tmp_path: Path) -> None:
    config = tmp_path / "dbsynth.toml"
    config.write_text('[privacy]\ndp_epsilon = 2.0\n[tables."public.orders".training]\ncritic = 3\n')
    url = "postgresql://nobody@127.0.0.1:1/nowhere"
    done = CliRunner().invoke(main, ["clone", url, "--to", "dev", "--config", str(config)])
    assert done.exit_code == 2
    assert "critic" in done.output


def test_without_opacus_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    with pytest.raises(UsageError, match="needs the package") as error:
        dbsynth.fit("postgresql://nobody@127.0.0.1:1/nowhere", dp_epsilon=1.0)
    assert "dbsynth[dp]" in error.value.hint


ODD: list[Callable[[], dict[str, pa.Table]]] = [
    lambda: {"people": pa.table({"id": pa.array([], pa.int64()), "x": pa.array([], pa.string())})},
    lambda: {"people": pa.table({"id": [1], "x": ["only"]})},
    lambda: {"people": pa.table({"id": np.arange(50), "x": pa.nulls(50, pa.float64())})},
    lambda: {'we;ird "name"': pa.table({'ü "x"': np.arange(400) % 3, "select": ["ÿ"] * 400})},
    lambda: {"people": pa.table({"x": [float("inf"), float("nan"), -1e300] * 200})},
]


@pytest.mark.parametrize("make", ODD, ids=["empty", "one row", "all null", "names", "extremes"])
def test_odd_tables_are_learned(make: Callable[[], dict[str, pa.Table]]) -> None:
    source = make()
    made = dbsynth.fit(source, dp_epsilon=1.0, seed=1, effort="quick").sample(seed=1)
    for name, table in source.items():
        assert len(made[name]) == table.num_rows
        assert list(made[name].columns) == table.column_names
