"""What of a source is found in what dbsynth wrote: values that few rows have, runs of words, ends of ranges."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from safetensors.numpy import load as load_tensors

from dbsynth.testing.embedded import conninfo

K = 5
RUN = 5
"""Words."""
WORD = re.compile(r"\w+")
SHORT = 6
"""Characters below which a value may come out by chance: there are too few others of its form."""

COLUMNS = """
    select n.nspname, c.relname, a.attname::text, t.typcategory::text, t.typname::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_type t on t.oid = a.atttypid
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
    order by 1, 2, a.attnum"""
ORDERED = ("N", "D", "T")
"""Categories of types: numbers, moments, intervals. All others are looked at as text."""


@dataclass(frozen=True)
class Held:
    """A column of the source. ``rare``: its values (as text) that fewer than K rows have; ``common``: the others."""

    schema: str
    table: str
    column: str
    ordered: bool
    rare: frozenset[str]
    common: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


def read(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute(query.encode()).fetchall()


def quoted(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def values(url: str, schema: str, table: str, column: str) -> Counter[str]:
    query = f"select {quoted(column)}::text from {quoted(schema, table)} where {quoted(column)} is not null"
    return Counter(str(r[0]) for r in read(url, query))


def columns(url: str, without: Iterable[str]) -> Iterator[Held]:
    """Those of tables that are not in ``without`` (``schema.table``)."""
    skipped = set(without)
    for schema, table, column, category, type_ in read(url, COLUMNS):
        if f"{schema}.{table}" in skipped:
            continue
        counts = values(url, schema, table, column)
        rare = frozenset(v for v, n in counts.items() if n < K)
        ordered = category in ORDERED and type_ != "interval"
        yield Held(schema, table, column, ordered, rare, frozenset(counts) - rare)


def runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """All sequences of ``RUN`` words."""
    out: set[tuple[str, ...]] = set()
    for text in texts:
        found = [w.casefold() for w in WORD.findall(text)]
        out |= set(zip(*(found[i:] for i in range(RUN)), strict=False))
    return out


def rare_runs(texts: Counter[str]) -> set[tuple[str, ...]]:
    """Of ``texts`` those that fewer than K rows hold."""
    counts: Counter[tuple[str, ...]] = Counter()
    for text, n in texts.items():
        for run in runs([text]):
            counts[run] += n
    return {run for run, n in counts.items() if n < K}


@dataclass(frozen=True)
class Written:
    """All texts and numbers of a saved model. ``texts``: strings of its documents, keys of objects too, and names of
    tensors; ``numbers``: those of its documents and tensors."""

    texts: frozenset[str]
    numbers: np.ndarray


def written(folder: Path) -> Written:
    texts: set[str] = set()
    numbers: list[np.ndarray] = []

    def walk(part: Any) -> None:
        if isinstance(part, str):
            texts.add(part)
        elif isinstance(part, dict):
            for key, value in part.items():
                texts.add(key)
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)
        elif isinstance(part, int | float) and not isinstance(part, bool):
            numbers.append(np.array([float(part)]))

    for file in sorted(folder.iterdir()):
        if file.suffix == ".json":
            walk(json.loads(file.read_bytes()))
        else:
            for array in load_tensors(file.read_bytes()).values():
                if array.dtype == np.uint8:  # text travels as bytes too
                    texts.update(array.tobytes().decode("utf-8", "replace").split("\0"))
                numbers.append(array.astype(np.float64).reshape(-1))
    found = np.concatenate(numbers) if numbers else np.zeros(0)
    return Written(frozenset(texts), np.unique(found[np.isfinite(found)]))
