"""Small worlds whose rows come from a generator with known parameters, so that what a clone learned has a true value.

A *truth* is a statistic with the value that the generator's parameters give it; a *fact* holds in every row and is the
SQL that counts its exceptions. Both are asked of the source and of the clone by the same statement.

    python -m tests.worlds.world NAME      # every truth of a world by many simulations, beside the number in its module
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import psycopg

from dbsynth.testing.embedded import conninfo

NAMES = ("bank", "shop", "airline", "hr", "forum", "iot")
FOREVER = "9999-12-31"


@dataclass(frozen=True)
class Truth:
    name: str
    sql: str
    """Gives one number."""
    value: float
    """True, by ``why``: a formula of the generator's parameters, or SIMULATED."""
    within: float
    """How far a clone may be from it. The source's own rows are within half of it."""
    why: str


@dataclass(frozen=True)
class Fact:
    name: str
    sql: str
    """Counts the exceptions."""


@dataclass(frozen=True)
class World:
    name: str
    ddl: str
    """PostgreSQL."""
    tables: Callable[[float, int], dict[str, pd.DataFrame]]
    """Of a scale (1: what the tests clone) and a seed; parents before their children."""
    truths: tuple[Truth, ...]
    facts: tuple[Fact, ...]


SIMULATIONS = 50
SIMULATED = f"mean of {SIMULATIONS} simulations"


def world(name: str) -> World:
    found: World = importlib.import_module(f"tests.worlds.{name}").WORLD
    return found


def load(url: str, world: World, scale: float = 1, seed: int = 1) -> None:
    """Create the tables of ``world`` in the empty database of ``url`` and fill them."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(world.ddl.encode())
        for name, frame in world.tables(scale, seed).items():
            columns = ", ".join(frame.columns)
            with connection.cursor().copy(f"copy {name} ({columns}) from stdin (format csv)".encode()) as copy:
                copy.write(frame.to_csv(index=False, header=False))
        connection.execute("analyze")


def ask(url: str, questions: Iterable[Truth | Fact]) -> dict[str, float]:
    """The answers of a database by the questions' names; NaN where there are no rows to answer from."""
    with psycopg.connect(conninfo(url)) as connection:
        rows = {q.name: connection.execute(q.sql.encode()).fetchone() for q in questions}
    return {name: float("nan") if row is None or row[0] is None else float(row[0]) for name, row in rows.items()}


def position(counts: np.ndarray) -> np.ndarray:
    """0, 1, … within each of the families that have so many rows; families one after another."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def cumulated(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Running sums within the families."""
    total = np.cumsum(values)
    before = np.concatenate([[0], total])[np.cumsum(counts) - counts]
    return np.asarray(total - np.repeat(before, counts))


def draw(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """One number of a category per row of ``chances``, whose rows sum to one."""
    return np.asarray((rng.random((len(chances), 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1))


def moments(day: str, seconds: np.ndarray) -> pd.Series:
    """Whole seconds after the midnight of ``day``."""
    return pd.Series(pd.Timestamp(day) + pd.to_timedelta(np.asarray(seconds).astype("int64"), unit="s"))


def main() -> None:
    from dbsynth.testing.embedded import create_database, drop_database, embedded_postgres

    asked = world(sys.argv[1])
    with embedded_postgres() as server:
        answers = []
        for seed in range(SIMULATIONS):
            url = create_database(server, f"world_{seed}")
            load(url, asked, seed=1000 + seed)
            answers.append(ask(url, asked.truths))
            drop_database(url)
    for truth in asked.truths:
        values = np.array([a[truth.name] for a in answers])
        error = values.std() / len(values) ** 0.5
        print(f"{truth.name:60} {truth.value:9.4f} {values.mean():9.4f} ± {error:.4f} (one: ± {values.std():.4f})")


if __name__ == "__main__":
    main()
