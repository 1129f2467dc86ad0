"""What memory ``generate`` takes to make tables of many rows, by what ties their rows to each other.

    python benchmarks/many_rows.py [--rows N] [--workers N] [SHAPE...]

Each shape is a small model of made-up tables, whose columns are learned by themselves (``strategy=independent``: what a
network takes to draw rows is time, its memory is bounded); its largest table is made with N rows
(10 million) into Parquet by the command line, as a user would. Memory is sampled four times a second: *own* is what one
process holds at most beside the files that it maps, *all* the proportional set size of all processes together, with the
pages of those files that the system keeps. Prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import dbsynth

PARENTS, CHILDREN = 600, 3_000
"""Rows of the tables that are learned."""
Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Shape:
    """``share``: the rows of each table, for one of the largest. ``declared``: the schema, as ``dbsynth.fit`` takes it.
    ``holds``: whether what ties the rows holds in the clone."""

    what: str
    share: Mapping[str, float]
    declared: Mapping[str, Any]
    tables: Callable[[np.random.Generator], Tables]
    holds: Callable[[Path], bool]


def days(rng: np.random.Generator, rows: int) -> pa.Array:
    return pa.array((np.datetime64("2020-01-01") + rng.integers(0, 900, rows)).astype("datetime64[D]"))


def money(cents: np.ndarray) -> pa.Array:
    return pa.array([Decimal(int(c)).scaleb(-2) for c in cents], pa.decimal128(12, 2))


def customers(rng: np.random.Generator) -> pa.Table:
    emails = [f"first.last{i}@mail.test" for i in range(PARENTS)]
    return pa.table({"id": np.arange(1, PARENTS + 1), "email": emails, "country": rng.choice(["DE", "FR"], PARENTS)})


def orders(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "id": np.arange(1, CHILDREN + 1),
        "customer_id": np.sort(rng.integers(1, PARENTS + 1, CHILDREN)),
        "code": [f"ORD-{i:07d}" for i in range(CHILDREN)],
        "status": rng.choice(["new", "paid", "sent"], CHILDREN, p=[0.2, 0.3, 0.5]),
        "qty": rng.integers(1, 9, CHILDREN),
        "price": pa.array(np.round(rng.gamma(2, 20, CHILDREN), 2)),
        "day": days(rng, CHILDREN),
        "channel": rng.choice(["web", "shop", "phone"], CHILDREN),
    }


def families(rng: np.random.Generator) -> Tables:
    return {"customers": customers(rng), "orders": pa.table(orders(rng))}


def comments(rng: np.random.Generator, *, threads: bool) -> Tables:
    """A third of the comments answer one before them: of the same post (``threads``) or of any."""
    post = np.sort(rng.integers(1, PARENTS + 1, CHILDREN))
    parent: list[int | None] = []
    for row in range(CHILDREN):
        first = int(np.searchsorted(post, post[row])) if threads else max(0, row - 500)
        parent.append(int(rng.integers(first, row)) + 1 if row > first and rng.random() < 0.35 else None)
    columns = orders(rng)
    del columns["customer_id"], columns["code"]
    own = {"id": columns.pop("id"), "post_id": post, "parent_id": pa.array(parent, pa.int64())}
    posts = pa.table({"id": np.arange(1, PARENTS + 1), "country": rng.choice(["DE", "FR"], PARENTS)})
    return {"posts": posts, "comments": pa.table(own | columns)}


def sums(rng: np.random.Generator) -> Tables:
    """Orders of customers, whose total is that of their items."""
    number = np.sort(rng.integers(1, PARENTS + 1, CHILDREN))
    items = orders(rng)
    del items["customer_id"], items["code"]
    cents = rng.integers(100, 20_000, CHILDREN)
    items |= {"order_id": number, "price": money(cents)}
    total = np.bincount(number, cents, PARENTS + 1)[1:].astype(np.int64)
    head = {"id": np.arange(1, PARENTS + 1), "total": money(total), "status": rng.choice(["new", "paid"], PARENTS)}
    return {"orders": pa.table(head | {"day": days(rng, PARENTS)}), "items": pa.table(items)}


def numbers(rng: np.random.Generator) -> Tables:
    """Orders whose number, which is unique, is learned: neither counted nor made."""
    own = orders(rng)
    return {
        "customers": customers(rng),
        "orders": pa.table(own | {"code": rng.choice(9 * CHILDREN, CHILDREN, replace=False)}),
    }


def log(rng: np.random.Generator) -> Tables:
    """Orders, numbered in the order of their moments whoever's they are, and payments of them."""
    own = orders(rng)
    at = np.datetime64("2020-01-01", "us") + np.sort(rng.integers(0, 900 * 86_400_000_000, CHILDREN)).astype("m8[us]")
    own |= {"customer_id": rng.integers(1, PARENTS + 1, CHILDREN), "day": pa.array(at)}
    paid = {"id": np.arange(1, PARENTS + 1), "order_id": np.sort(rng.choice(CHILDREN, PARENTS, replace=False)) + 1}
    paid |= {"amount": pa.array(np.round(rng.gamma(2, 20, PARENTS), 2))}
    return {"customers": customers(rng), "orders": pa.table(own), "payments": pa.table(paid)}


KEY = {"primary_key": ["id"]}


def child(keys: Mapping[str, str], **more: Any) -> dict[str, Any]:
    return KEY | {"foreign_keys": [{"columns": [c], "ref_table": t} for c, t in keys.items()]} | more


def column(out: Path, table: str, *names: str) -> list[np.ndarray]:
    """Of the Parquet file, as NumPy arrays; null is NaN."""
    file = next(out.rglob(f"{table}*.parquet"))
    found = [pq.read_table(file, columns=[n]).column(n) for n in names]
    return [(c.cast(pa.float64()) if pa.types.is_decimal(c.type) else c).to_numpy() for c in found]


def earlier(out: Path) -> bool:
    own, parent = column(out, "comments", "id", "parent_id")
    there = ~np.isnan(parent)
    return bool(there.any() and (parent[there] < own[there]).all() and np.isin(parent[there], own).all())


def summed(out: Path) -> bool:
    key, price = column(out, "items", "order_id", "price")
    own, total = column(out, "orders", "id", "total")
    found = np.bincount(key, price, int(own.max()) + 1)[own]
    some = np.isin(own, key)
    return bool((np.abs(found - total)[some] < 0.005).all())


def distinct(out: Path) -> bool:
    found = pq.read_table(next(out.rglob("orders*.parquet")), columns=["code"]).column("code")
    return pc.count_distinct(found).as_py() == len(found)


def rising(out: Path) -> bool:
    number, at = column(out, "orders", "id", "day")
    (paid,) = column(out, "payments", "order_id")
    order = np.argsort(number)
    counted = (number[order] == np.arange(1, len(number) + 1)).all()
    return bool(counted and (np.diff(at[order].astype(np.int64)) >= 0).all() and np.isin(paid, number).all())


SHAPES = {
    "families": Shape(
        "orders of customers, their code unique and made",
        {"customers": 0.1, "orders": 1},
        {
            "customers": KEY | {"unique": [["email"]]},
            "orders": child({"customer_id": "customers"}, unique=[["code"]], checks=["qty > 0"]),
        },
        families,
        distinct,
    ),
    "self": Shape(
        "comments that answer any earlier comment",
        {"posts": 0.1, "comments": 1},
        {"posts": KEY, "comments": child({"post_id": "posts", "parent_id": "comments"})},
        lambda rng: comments(rng, threads=False),
        earlier,
    ),
    "threads": Shape(
        "comments that answer an earlier one of the same post",
        {"posts": 0.1, "comments": 1},
        {"posts": KEY, "comments": child({"post_id": "posts", "parent_id": "comments"})},
        lambda rng: comments(rng, threads=True),
        earlier,
    ),
    "sums": Shape(
        "orders with the sum of their items",
        {"orders": 0.3, "items": 1},
        {"orders": KEY, "items": child({"order_id": "orders"})},
        sums,
        summed,
    ),
    "rising": Shape(
        "orders numbered as they come in, and payments of them",
        {"customers": 0.1, "orders": 1, "payments": 0.2},
        {
            "customers": KEY | {"unique": [["email"]]},
            "orders": child({"customer_id": "customers"}, unique=[["code"]], checks=["qty > 0"]),
            "payments": child({"order_id": "orders"}),
        },
        log,
        rising,
    ),
    "numbers": Shape(
        "orders whose unique number is learned",
        {"customers": 0.1, "orders": 1},
        {"customers": KEY | {"unique": [["email"]]}, "orders": child({"customer_id": "customers"}, unique=[["code"]])},
        numbers,
        distinct,
    ),
}


def memory(process: psutil.Process, cpu: dict[int, float]) -> tuple[int, int]:
    """Bytes: the largest anonymous memory of a process, the proportional sets of all together. Sets ``cpu`` seconds."""
    own, every = 0, 0
    for member in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error, OSError):
            times = member.cpu_times()
            cpu[member.pid] = times.user + times.system
            lines = Path(f"/proc/{member.pid}/smaps_rollup").read_text().splitlines()[1:]
            found = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":") for line in lines)}
            own, every = max(own, found["Anonymous"]), every + found["Pss"]
    return own, every


def measure(shape: Shape, rows: int, workers: int, folder: Path) -> str:
    model, out = folder / "model", folder / "out"
    tables = dict(shape.tables(np.random.default_rng(0)))
    dbsynth.fit(tables, schema=shape.declared, seed=1, strategy="independent").save(model)
    wanted = [x for table, share in shape.share.items() for x in ("--rows", f"{table}={round(rows * share)}")]
    command = [sys.executable, "-m", "dbsynth.cli", "generate", str(model), "--to", str(out), "--format", "parquet"]
    command += [*wanted, "--workers", str(workers), "--seed", "1", "--quiet"]
    cpu: dict[int, float] = {}
    began = time.monotonic()
    process = subprocess.Popen(command)
    own, every, watched = 0, 0, psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            found = memory(watched, cpu)
            own, every = max(own, found[0]), max(every, found[1])
        time.sleep(0.25)
    seconds = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    made = sum(pq.read_metadata(file).num_rows for file in out.rglob("*.parquet"))
    holds = "yes" if shape.holds(out) else "no"
    figures = f"{own / 2**20:,.0f} | {every / 2**20:,.0f} | {sum(cpu.values()):.0f} | {seconds:.0f}"
    return f"| {shape.what} | {made:,} | {figures} | {holds} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=", ".join(SHAPES))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    print("| shape | rows | own, MB | all, MB | CPU s | wall s | holds |\n|---|--:|--:|--:|--:|--:|---|", flush=True)
    for name in asked.shapes or SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(SHAPES[name], asked.rows, asked.workers, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
