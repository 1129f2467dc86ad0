"""Whether a file holds rows of the source of a model, or what its filters say is chance.

The filters hash under keys of their own: a value that was not in the source is said to be known with the filter's
``chance``, independently of others. That many yes among n different values are then binomial; what is tested is bounded
from above by Chernoff's bound exp(-n·KL(share‖chance)) (Okamoto 1958), times the number of tests of the file
(Bonferroni). A file is refused where this falls below ``SURE``: of files with no value of the source fewer than one in
a million are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.artifact import model as artifact
from dbsynth.dumps.reading import Rows, read
from dbsynth.dumps.witnesses import LEAST_LENGTH, ValueWitness, row_witnesses, value_witnesses

SURE = 1e-6
"""Of files without a value of the source, so many are refused at most."""


@dataclass(frozen=True)
class Finding:
    """``yes`` of ``asked`` different values (rows, where ``column`` is None) of ``table`` in the file are known as
    those of ``known_as`` in the source; ``chance``: of each yes by itself; ``odds``: the bound on all of them."""

    table: str
    column: str | None
    known_as: str
    asked: int
    yes: int
    chance: float
    odds: float


@dataclass(frozen=True)
class Verdict:
    """``findings``: what chance does not explain; empty: nothing speaks for rows of the source. ``asked``: how many
    questions there were, 0 where the file has nothing that the model could know. ``cut``: tables of which only the
    first rows were looked at."""

    path: str
    findings: tuple[Finding, ...]
    asked: int
    rows: int
    cut: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        return asdict(self) | {"refused": bool(self.findings)}


class Checker:
    """What a model can be asked, ready for many files."""

    def __init__(self, model: artifact.Model) -> None:
        self.values = tuple(value_witnesses(model.learned))
        self.rows = tuple(row_witnesses(model.learned))

    @classmethod
    def load(cls, path: Path) -> Checker:
        """Raises ArtifactError for what is no model."""
        return cls(artifact.load(path, {}))

    def check(self, path: Path) -> Verdict:
        """Raises UsageError for a file that cannot be read."""
        tables = list(read(path))
        own: list[Finding] = []
        others: list[Finding] = []
        for table in tables:
            own += self._ask_rows(table)
            for column, texts in table.columns.items():
                asked = _long_enough(texts)
                for witness in self.values if len(asked) else ():
                    found = _finding(table, column, asked, witness)
                    (own if column == witness.column else others).append(found)
        refused = [f for tests in (own, others) for f in tests if f.odds * 2 * len(tests) <= SURE]
        refused.sort(key=lambda f: f.odds)
        cut = tuple(t.table for t in tables if t.cut)
        return Verdict(str(path), tuple(refused), len(own) + len(others), sum(t.count for t in tables), cut)

    def _ask_rows(self, table: Rows) -> Iterator[Finding]:
        for witness in self.rows:
            yes = witness.yes(table.columns) if table.count else None
            if yes is not None and len(yes):
                chance = witness.chance
                hits = int(yes.sum())
                yield Finding(
                    table.table, None, str(witness.table), len(yes), hits, chance, odds(hits, len(yes), chance)
                )


def _long_enough(texts: pa.Array) -> pa.Array:
    """The different values that are worth a question."""
    return pc.unique(texts.filter(pc.fill_null(pc.greater_equal(pc.utf8_length(texts), LEAST_LENGTH), False)))


def _finding(table: Rows, column: str, asked: pa.Array, witness: ValueWitness) -> Finding:
    yes, chance = int(witness.yes(asked).sum()), witness.chance
    known_as = f"{witness.table}.{witness.column}"
    return Finding(table.table, column, known_as, len(asked), yes, chance, odds(yes, len(asked), chance))


def odds(yes: int, asked: int, chance: float) -> float:
    """An upper bound of the probability that ``yes`` or more of ``asked`` come about with ``chance`` each."""
    share = yes / asked if asked else 0.0
    if share <= chance or chance >= 1:
        return 1.0
    divergence = share * math.log(share / chance)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - chance))
    return math.exp(-asked * divergence)
