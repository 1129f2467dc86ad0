"""One tool on one table, run as a script by the Python of the tool's own environment, which has no dbsynth unless that
is the tool. Peers have their default settings.

    PYTHON tools.py TOOL TRAIN.parquet ROWS SEED MADE.parquet MEASURED.json

MEASURED.json is written after every phase (import, fit, sample): seconds of wall and CPU time and the peak of the
resident memory until then.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Fit = Callable[["pd.DataFrame", int], Callable[[int, int], "pd.DataFrame"]]
"""Of the rows and a seed; gives what makes a number of rows from a seed."""


def sdv(synthesizer: str) -> tuple[Fit, list[str]]:
    import numpy as np
    import pandas as pd
    import torch
    from sdv import single_table
    from sdv.metadata import Metadata

    def sdtype(values: pd.Series) -> str:
        if pd.api.types.is_datetime64_any_dtype(values):
            return "datetime"
        whole = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        return "numerical" if whole else "categorical"

    def fit(frame: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
        np.random.seed(seed)
        torch.manual_seed(seed)
        # Given, not detected: detection takes foreign keys for identifiers, which are then not learned at all.
        columns = {name: {"sdtype": sdtype(values)} for name, values in frame.items()}
        metadata = Metadata.load_from_dict({"tables": {"table": {"columns": columns}}, "relationships": []})
        model = getattr(single_table, synthesizer)(metadata)
        model.fit({"table": frame})

        def sample(rows: int, _: int) -> pd.DataFrame:
            made = model.sample(rows)
            return made["table"] if isinstance(made, dict) else made

        return sample

    return fit, ["sdv", "ctgan", "rdt", "torch", "pandas"]


def mostlyai() -> tuple[Fit, list[str]]:
    from mostlyai.engine import TabularARGN

    def fit(frame: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
        model = TabularARGN(random_state=seed)
        model.fit(frame)
        return lambda rows, _: model.sample(n_samples=rows)

    return fit, ["mostlyai-engine", "torch", "pandas"]


def dbsynth(strategy: str | None, options: dict[str, Any]) -> tuple[Fit, list[str]]:
    import torch  # noqa: F401  imported lazily otherwise, and counted as fit

    import dbsynth

    if (left_out := options.pop("without", None)) is not None:
        from parts import PARTS

        PARTS[left_out]()

    def fit(frame: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
        model = dbsynth.fit_table(frame, seed=seed, strategy=strategy, **options)

        def sample(rows: int, seed: int) -> pd.DataFrame:
            (made,) = model.sample(rows=rows, seed=seed).values()
            return made

        return sample

    return fit, ["dbsynth", "torch", "pandas", "numpy", "pyarrow"]


def tool(name: str) -> tuple[Fit, list[str]]:
    """The fit of ``sdv-ctgan``, ``sdv-tvae``, ``mostlyai`` or ``dbsynth[:strategy][:option=value]…`` (of
    ``fit_table``, or without=PART of ``parts.py``), and the distributions whose versions matter."""
    kind, *rest = name.split(":")
    if kind in ("sdv-ctgan", "sdv-tvae"):
        return sdv({"sdv-ctgan": "CTGANSynthesizer", "sdv-tvae": "TVAESynthesizer"}[kind])
    if kind == "mostlyai":
        return mostlyai()
    if kind != "dbsynth":
        raise SystemExit(f"no such tool: {name}")
    strategy = rest.pop(0) if rest and "=" not in rest[0] else None
    options = (option.split("=", 1) for option in rest)
    return dbsynth(strategy, {key: literal(value) for key, value in options})


def literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def peak_mb() -> float:
    """Of this process and, if it had any, the largest of its children."""
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(own.split()[1]) + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


class Stopwatch:
    """Writes what was measured so far after every phase, so that a tool that is stopped leaves its finished phases."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.measured: dict[str, Any] = {"phases": {}}
        self.lap()

    def lap(self) -> tuple[float, float]:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        now = time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in used)
        before, self.last = getattr(self, "last", now), now
        return now[0] - before[0], now[1] - before[1]

    def stop(self, phase: str) -> None:
        wall, cpu = self.lap()
        self.measured["phases"][phase] = {"wall": round(wall, 3), "cpu": round(cpu, 3), "peak_mb": round(peak_mb())}
        self.path.write_text(json.dumps(self.measured))


def main() -> None:
    name, train, rows, seed, made, measured = sys.argv[1:]
    watch = Stopwatch(Path(measured))
    import pandas as pd

    fit, distributions = tool(name)
    watch.measured |= {
        "versions": {"python": platform.python_version()} | {d: importlib.metadata.version(d) for d in distributions},
        "machine": {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "nice": os.nice(0)},
        "date": time.strftime("%Y-%m-%d"),
    }
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    frame = pd.read_parquet(train)
    for column, values in frame.items():
        if pd.api.types.is_datetime64_any_dtype(values):  # rdt 2.0 takes any other unit for nanoseconds: dates of 1970
            frame[column] = values.astype("datetime64[ns]")
    watch.stop("import")
    sample = fit(frame, int(seed))
    watch.stop("fit")
    synthetic = sample(int(rows), int(seed) + 1)
    watch.stop("sample")
    synthetic.to_parquet(made, index=False)


if __name__ == "__main__":
    main()
