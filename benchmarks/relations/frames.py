"""Two databases, real and made, as typed columns and as links from the rows of children to those of their parents.

Numbers and moments are float64, categories text, identifiers and free text their length, digits and words (``typed`` of
``single.metrics``); columns of keys are left out, as every tool numbers its rows in its own way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from single.metrics import BOOLEANS, Kinds, typed

NUMERIC = ("smallint", "int", "bigint", "numeric", "double", "real", "money")
SECONDS_OF_INFINITY = 1e12
JOINED = "\x1f"


@dataclass(frozen=True)
class Key:
    """A foreign key between two tables that are not the same."""

    child: str
    columns: tuple[str, ...]
    parent: str
    ref_columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.child}({', '.join(self.columns)}) → {self.parent}"


@dataclass
class Side:
    """One database. ``links[key]``: the row number of each child's parent, −1 without. ``order[table]``: seconds of the
    first date column without gaps, float64, where there is one."""

    frames: dict[str, pd.DataFrame]
    links: dict[Key, np.ndarray]
    order: dict[str, np.ndarray]


@dataclass
class Both:
    real: Side
    made: Side
    kinds: dict[str, Kinds]
    keys: list[Key]


def read(folder: Path, schema: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """All values as text, NULL as NaN; a table that a tool did not write has no rows."""
    found = {}
    for name, table in schema.items():
        columns = [c["name"] for c in table["columns"]]
        if (file := folder / f"{name}.csv").exists():
            found[name] = pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""]).reindex(columns=columns)
        else:
            found[name] = pd.DataFrame({c: pd.Series(dtype=str) for c in columns})
    return found


def load(real: Path, made: Path) -> Both:
    schema = json.loads((real / "schema.json").read_text())
    texts = [read(folder, schema) for folder in (real, made)]
    keys = [
        Key(name, tuple(key["columns"]), key["ref_table"], tuple(key["ref_columns"]))
        for name, table in schema.items()
        for key in table["foreign_keys"]
        if key["ref_table"] != name
    ]
    sides = [Side({}, {k: _link(text, k) for k in keys}, {}) for text in texts]
    kinds = {}
    for name, table in schema.items():
        left_out = {*table["primary_key"], *(c for k in table["foreign_keys"] for c in k["columns"])}
        columns = [c for c in table["columns"] if c["name"] not in left_out]
        frames, kinds[name] = typed(*(_converted(text[name], columns) for text in texts))
        dated = _order_column(table, texts[0][name])
        for side, text, frame in zip(sides, texts, frames, strict=True):
            side.frames[name] = frame if kinds[name] else pd.DataFrame(index=range(len(text[name])))
            if dated is not None:
                side.order[name] = _seconds(text[name][dated]).to_numpy()
    return Both(*sides, kinds, keys)


def _order_column(table: dict[str, Any], text: pd.DataFrame) -> str | None:
    dates = (c["name"] for c in table["columns"] if c["type"].startswith(("date", "timestamp")))
    return next((d for d in dates if text[d].notna().all()), None)


def _converted(text: pd.DataFrame, columns: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame({c["name"]: _values(text[c["name"]], c["type"]) for c in columns}, index=text.index)


def _values(text: pd.Series, type_: str) -> pd.Series:
    if type_ == "boolean":
        return text.str.lower().replace(BOOLEANS).astype(object)
    if type_.endswith("[]") or "range" in type_:
        return text.astype(object)
    if type_.startswith(NUMERIC) and not type_.startswith("interval"):
        return pd.to_numeric(text.str.replace(r"[$,]", "", regex=True), errors="coerce").astype(float)
    return _seconds(text) if type_.startswith(("date", "timestamp", "time")) else text.astype(object)


def _seconds(text: pd.Series) -> pd.Series:
    """Since 1970, or since midnight; float64. What no tool can mean by a date is NaN."""
    values = text.dropna().unique()
    return text.map({v: _second(v) for v in values}).astype(float)


def _second(text: str) -> float:
    if text in ("infinity", "-infinity"):
        return SECONDS_OF_INFINITY if text == "infinity" else -SECONDS_OF_INFINITY
    try:
        if text[2:3] == ":":
            return float(np.datetime64(f"1970-01-01T{text[:8]}", "s").astype("int64"))
        return float(np.datetime64(text[:19].replace(" ", "T"), "s").astype("int64"))
    except ValueError:
        return np.nan


def _identity(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """One text a row, missing if any column is. Peers write 12 as 12.0 and a date as its midnight."""
    shape = r"(?<=\d)\.0$|(?<=\d-\d\d)[ T]00:00:00(?:\.0+)?$"
    parts = [frame[c].str.replace(shape, "", regex=True) for c in columns]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + JOINED + part
    return whole


def _link(text: dict[str, pd.DataFrame], key: Key) -> np.ndarray:
    parents = _identity(text[key.parent], key.ref_columns)
    first = ~parents.duplicated() & parents.notna()
    places = pd.Series(np.flatnonzero(first), index=parents[first], dtype=float)
    found = _identity(text[key.child], key.columns).map(places)
    return found.fillna(-1).to_numpy(dtype=np.int64)
