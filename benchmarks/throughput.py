"""What fraction of a core's matrix throughput training reaches, where the rest goes, and how fast rows are sampled.

    python benchmarks/throughput.py [ROWS]

A table of 15 columns (five categories, five whole numbers, three amounts, two dates, some of them dependent) of ROWS
(50,000) rows; one core, one thread. The peak is that of a float32 product of two matrices of 1,024² in the same run.
Prints Markdown.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time

import numpy as np
import pyarrow as pa
import torch

import dbsynth
from dbsynth.model import training
from dbsynth.model.training import Outcome


def table(rows: int) -> pa.Table:
    rng = np.random.default_rng(1)
    columns: dict[str, pa.Array] = {}
    for i in range(5):
        columns[f"category{i}"] = pa.array([f"c{v}" for v in rng.zipf(1.6, rows).clip(max=40)])
    quantity = rng.poisson(6, rows)
    for i in range(5):
        columns[f"whole{i}"] = pa.array(quantity * (i + 1) + rng.integers(0, 50 * (i + 1), rows))
    for i in range(3):
        columns[f"amount{i}"] = pa.array(np.round(quantity * 9.9 + rng.gamma(2.0, 30.0, rows), 2))
    for i in range(2):
        days = 18_000 + np.round(rng.beta(2, 3, rows) * 1500).astype(np.int32)
        columns[f"day{i}"] = pa.array(days, pa.date32())
    return pa.table(columns)


def peak() -> float:
    """GFLOP/s of a square product."""
    a = torch.randn(1024, 1024)
    best = 0.0
    for _ in range(20):
        begin = time.perf_counter()
        a @ a
        best = max(best, 2 * 1024**3 / (time.perf_counter() - begin) / 1e9)
    return best


def main() -> None:
    torch.set_num_threads(1)
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    frame = table(rows)
    outcomes: list[tuple[Outcome, float]] = []
    train = training.train

    def timed(*args: object, **kwargs: object) -> Outcome:
        begin = time.process_time()
        outcome = train(*args, **kwargs)  # type: ignore[arg-type]
        outcomes.append((outcome, time.process_time() - begin))
        return outcome

    from dbsynth.model import autoregressive

    autoregressive.train = timed  # type: ignore[assignment]
    profile = cProfile.Profile()
    begin = time.process_time()
    profile.enable()
    model = dbsynth.fit_table(frame, seed=1, device="cpu")
    profile.disable()
    whole = time.process_time() - begin
    (outcome, seconds) = outcomes[0]
    best = peak()
    reached = outcome.flops / seconds / 1e9
    model.sample(rows=1000, seed=1)
    begin = time.process_time()
    model.sample(rows=rows, seed=2)
    sampling = time.process_time() - begin
    print(f"{rows:,} rows × {frame.num_columns} columns\n")
    print("| | |\n|---|--:|")
    print(f"| product of two 1,024 × 1,024 matrices | {best:.1f} GFLOP/s |")
    print(f"| training, {outcome.steps} steps of likelihood, {seconds:.1f} s | {reached:.1f} GFLOP/s |")
    print(f"| of the peak | {reached / best:.0%} |")
    print(f"| the whole fit, codec and critic included | {whole:.1f} s |")
    print(f"| sampling, values and checks included | {rows / sampling:,.0f} rows/s |")
    print("\nWhere the fit's time goes (own time, the ten largest):\n\n| function | share |\n|---|--:|")
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    for (_, _, name), (_, _, own, _, _) in sorted(stats.items(), key=lambda item: -item[1][2])[:10]:
        print(f"| `{name.strip('<>')}` | {own / total:.0%} |")


if __name__ == "__main__":
    main()
