"""One tool on one database, run as a script by the Python of the tool's own environment. Default settings.

    PYTHON peers.py TOOL REAL MADE SEED      # REAL: TABLE.csv and schema.json; MADE: TABLE.csv, notes.json

notes.json says what of the schema the tool could not be told.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Schema = dict[str, dict[str, Any]]
Frames = dict[str, pd.DataFrame]
NUMERIC = ("smallint", "int", "bigint", "numeric", "double", "real", "money")
WHOLE = ("smallint", "int", "bigint")


def kind(type_: str) -> str:
    if type_ == "boolean":
        return "boolean"
    if type_.startswith(("date", "timestamp")):
        return "datetime"
    plain = not type_.endswith("]") and not type_.startswith("interval") and "range" not in type_
    return "numerical" if plain and type_.startswith(NUMERIC) else "categorical"


def read(folder: Path) -> tuple[Schema, Frames]:
    schema: Schema = json.loads((folder / "schema.json").read_text())
    frames = {}
    for name, table in schema.items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False, na_values=[""])
        for column in table["columns"]:
            values, of = frame[column["name"]], kind(column["type"])
            if of == "numerical":
                whole = column["type"].startswith(WHOLE)
                numbers = pd.to_numeric(values, errors="coerce")
                frame[column["name"]] = (
                    numbers.astype("Int64" if numbers.isna().any() else "int64") if whole else numbers
                )
            elif of == "datetime":
                read = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
                frame[column["name"]] = read.astype("datetime64[ns]")  # SDV's takes any other unit for nanoseconds
            elif of == "boolean":
                frame[column["name"]] = values.map({"t": True, "f": False})
        frames[name] = frame
    return schema, frames


def single(schema: Schema) -> tuple[dict[str, str], list[tuple[str, str, str, str]], list[str]]:
    """The primary keys and foreign keys (child, column, parent, column) of one column, which is what the tools can be
    told, and what was left out. A column that is in a composite primary key and a foreign key stays the latter."""
    notes, links = [], []
    primary = {name: t["primary_key"][0] for name, t in schema.items() if len(t["primary_key"]) == 1}
    for name, table in schema.items():
        if len(table["primary_key"]) > 1:
            notes.append(f"composite primary key of {name} not told")
        for key in table["foreign_keys"]:
            shown = f"{name}({', '.join(key['columns'])}) → {key['ref_table']}"
            if len(key["columns"]) > 1:
                notes.append(f"composite key {shown} not told")
            elif key["ref_table"] == name:
                notes.append(f"self-reference {shown} not told")
            elif primary.get(key["ref_table"]) != key["ref_columns"][0]:
                notes.append(f"{shown} not told: it does not refer to the primary key")
            elif key["columns"][0] == primary.get(name):
                notes.append(f"{shown} not told: the column is the primary key too")
            else:
                links.append((name, key["columns"][0], key["ref_table"], key["ref_columns"][0]))
    return primary, links, notes


def sdv(schema: Schema, frames: Frames, seed: int) -> tuple[Frames, list[str]]:
    import torch
    from sdv.metadata import Metadata
    from sdv.multi_table import HMASynthesizer

    np.random.seed(seed)
    torch.manual_seed(seed)
    primary, links, notes = single(schema)
    keys = {(t, c) for t, c in primary.items()} | {(child, column) for child, column, _, _ in links}
    tables: dict[str, Any] = {}
    for name, table in schema.items():
        columns = {c["name"]: {"sdtype": kind(c["type"])} for c in table["columns"]}
        columns |= {c: {"sdtype": "id"} for t, c in keys if t == name}
        tables[name] = {"columns": columns} | ({"primary_key": primary[name]} if name in primary else {})
    relationships = [
        {"parent_table_name": p, "parent_primary_key": k, "child_table_name": t, "child_foreign_key": c}
        for t, c, p, k in links
    ]
    metadata = Metadata.load_from_dict({"tables": tables, "relationships": relationships})
    model = HMASynthesizer(metadata)
    model.fit(frames)
    return model.sample_scale(scale=1.0), notes


def mostlyai(schema: Schema, frames: Frames, seed: int) -> tuple[Frames, list[str]]:
    """The SDK in local mode. A generated table has one context; further keys are filled as the tool does it."""
    from mostlyai.sdk import MostlyAI

    del seed  # the SDK takes none
    primary, links, notes = single(schema)
    tables = []
    for name in schema:
        contexts: set[str] = set()
        keys = []
        for child, column, parent, _ in links:
            if child == name:
                keys.append({"column": column, "referenced_table": parent, "is_context": not contexts})
                contexts.add(parent)
        tables.append({"name": name, "data": frames[name], "primary_key": primary.get(name), "foreign_keys": keys})
    with tempfile.TemporaryDirectory() as folder:
        local = MostlyAI(local=True, local_dir=folder, quiet=True)
        generator = local.train(config={"name": "benchmark", "tables": tables}, progress_bar=False)
        made = local.generate(generator, progress_bar=False).data()
    return (made if isinstance(made, dict) else {next(iter(schema)): made}), notes


def main() -> None:
    tool, real, made, seed = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    schema, frames = read(real)
    empty = [name for name, frame in frames.items() if not len(frame)]
    result, notes = {"sdv": sdv, "mostlyai": mostlyai}[tool](schema, frames, seed)
    for name, frame in result.items():
        frame.to_csv(made / f"{name}.csv", index=False)
    notes += [f"{name} is empty" for name in empty]
    (made / "notes.json").write_text(json.dumps({"notes": notes}))


if __name__ == "__main__":
    main()
