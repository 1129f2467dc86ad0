"""How much a clone of one table tells of its rows: distances and attacks, each beside what chance gives.

    python benchmarks/privacy.py DATA [--table NAME ...] [--anonymeter PYTHON] [--dp-epsilon E]

DATA: the halves that ``single_table.py prepare`` writes. dbsynth learns the training half; the hold-out half is the
control. ``--anonymeter``: the Python of an environment that has anonymeter (its attacks are left out otherwise)."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
from private.distances import figures

import dbsynth

HEAD = "| table | rows | nearer to training rows | nearest ÷ second (control) | equal rows (control) | membership AUC |"


def made_from(train: pd.DataFrame, epsilon: float | None) -> pd.DataFrame:
    model = dbsynth.fit_table(train, name="t", seed=1, device="cpu", dp_epsilon=epsilon)
    return model.sample(rows=len(train), seed=1)["t"][list(train.columns)]


def attacked(python: str, train: Path, holdout: Path, made: pd.DataFrame) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder) / "made.parquet", Path(folder) / "out.json"
        made.to_parquet(rows)
        script = Path(__file__).parent / "private" / "attacks.py"
        subprocess.run([python, str(script), str(train), str(holdout), str(rows), str(out)], check=True)
        found: dict[str, list[float]] = json.loads(out.read_text())
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--table", action="append")
    parser.add_argument("--anonymeter")
    parser.add_argument("--dp-epsilon", type=float)
    asked = parser.parse_args()
    names = asked.table or sorted(p.name.removesuffix(".train.parquet") for p in asked.data.glob("*.train.parquet"))
    print(f"{HEAD}\n|---|---|---|---|---|---|", flush=True)
    attacks = []
    for name in names:
        paths = [asked.data / f"{name}.{part}.parquet" for part in ("train", "holdout")]
        train, holdout = (pd.read_parquet(p) for p in paths)
        made = made_from(train, asked.dp_epsilon).astype(train.dtypes.to_dict(), errors="ignore")
        f = figures(train, holdout, made)
        print(
            f"| {name} | {len(train):,} | {f['share']:.1%} | {f['ratio']:.3f} ({f['ratio control']:.3f}) "
            f"| {f['copies']:.2%} ({f['copies control']:.2%}) | {f['membership']:.3f} |",
            flush=True,
        )
        if asked.anonymeter:
            attacks += [(name, attack, *risk) for attack, risk in attacked(asked.anonymeter, *paths, made).items()]
    if attacks:
        print("\n| table | attack of anonymeter | risk | 95 % interval |\n|---|---|---|---|")
        for name, attack, risk, low, high in attacks:
            told = "too few successes to judge | –" if risk != risk else f"{risk:.3f} | {low:.3f} to {high:.3f}"
            print(f"| {name} | {attack} | {told} |")


if __name__ == "__main__":
    main()
