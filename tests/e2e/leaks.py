"""What of a source is found in what dbsynth wrote: values that few rows have, runs of words, ends of ranges."""

from __future__ import annotations

import json
import pickle
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
WORD = re.compile(r"[^\W\d_]+")
"""Numbers are no words: moments would meet by the thousand."""
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
    array: bool
    range: bool
    day: bool
    rare: frozenset[str]
    common: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


def read(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo(url), options="-c timezone=UTC") as connection:
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
        common = frozenset(counts) - rare
        yield Held(schema, table, column, ordered, category == "A", category == "R", type_ == "date", rare, common)


def members(arrays: Counter[str]) -> Counter[str]:
    """How many rows hold each member of one-dimensional arrays, given as text."""
    counts: Counter[str] = Counter()
    for text, n in arrays.items():
        for member in set(re.findall(r'"(?:[^"\\\\]|\\\\.)*"|[^{},]+', text)):
            counts[member.strip('"')] += n
    return counts


def shared_words(texts: Counter[str]) -> set[str]:
    """Words, and parts between blanks, commas and braces, that K rows of a column hold; in lower case."""
    counts: Counter[str] = Counter()
    for text, n in texts.items():
        folded = text.casefold()
        for word in {*WORD.findall(folded), *re.split(r"[\s,{}\"]+", folded)}:
            counts[word] += n
    return {w for w, n in counts.items() if n >= K}


def ends(url: str, column: Held) -> list[str]:
    """The least and the largest value, as text, if fewer than K rows have it and it has at least five digits: of
    shorter ones there are too few."""
    name, table = quoted(column.column), quoted(column.schema, column.table)
    found = read(url, f"select min({name})::text, max({name})::text from {table} where {name} is not null")[0]
    return [str(v) for v in found if v in column.rare and sum(c.isdigit() for c in str(v)) >= 5]


def as_number(url: str, column: Held, value: str) -> float:
    """``value`` in the unit in which its codec counts: numbers as they are, days, microseconds."""
    name, table = quoted(column.column), quoted(column.schema, column.table)
    type_ = read(url, f"select pg_typeof({name})::text from {table} where {name} is not null limit 1")[0][0]
    if type_ == "date":
        return float(read(url, f"select '{value}'::date - '1970-01-01'::date")[0][0])
    if type_.startswith("timestamp"):
        return float(read(url, f"select (extract(epoch from '{value}'::timestamp) * 1000000)::bigint")[0][0])
    return float(value) if re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", value) else float("nan")


def stored_numbers(learned: bytes, column: str) -> set[float]:
    """Every number that the codec of a column holds, in its unit."""
    codec = pickle.loads(learned).codec.codecs.get(column)
    if codec is None:
        return set()
    state = codec.state()
    scale = (state.config.get("grid") or {}).get("scale") or 0
    arrays = [a.astype(np.float64) for n, a in state.arrays.items() if a.dtype.kind in "if" and "weights" not in n]
    return {round(float(x) / 10.0**scale, scale + 1) if scale else float(x) for a in arrays for x in a.reshape(-1)}


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
