"""The attacks of anonymeter (Giomi et al. 2023) on one table; runs in an environment of its own that has it:

    python attacks.py TRAIN.parquet HOLDOUT.parquet MADE.parquet OUT.json

Each risk is that of the training rows beyond that of hold-out rows (the control), with its 95 % interval."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

ATTACKS, MOST_ROWS = 500, 10_000


def attacks(train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame) -> dict[str, list[float]]:
    columns = list(train.columns)
    half = len(columns) // 2
    found = {}
    for mode in ("univariate", "multivariate"):
        evaluator = SinglingOutEvaluator(ori=train, syn=made, control=holdout, n_attacks=ATTACKS, n_cols=3)
        found[f"singling out, {mode}"] = _risk(evaluator, mode=mode)
    sides = (columns[:half], columns[half:])
    linked = LinkabilityEvaluator(
        ori=train, syn=made, control=holdout, n_attacks=ATTACKS, aux_cols=sides, n_neighbors=5
    )
    found["linkage"] = _risk(linked)
    worst = None
    for secret in columns:
        inferred = InferenceEvaluator(
            ori=train, syn=made, control=holdout, secret=secret, aux_cols=[c for c in columns if c != secret],
            n_attacks=ATTACKS, regression=pd.api.types.is_float_dtype(train[secret]),
        )  # fmt: skip
        risk = _risk(inferred)
        if worst is None or risk[0] > worst[1][0]:
            worst = (secret, risk)
    assert worst is not None
    found[f"inference, worst: {worst[0]}"] = worst[1]
    return found


def _risk(evaluator: object, **how: str) -> list[float]:
    """Risk, lower and upper end; NaN where no attack succeeded often enough to be judged."""
    try:
        evaluator.evaluate(**how)  # type: ignore[attr-defined]
        risk = evaluator.risk(confidence_level=0.95)  # type: ignore[attr-defined]
    except (RuntimeError, ValueError) as error:
        print(f"{type(evaluator).__name__}: {error}", file=sys.stderr)
        return [float("nan")] * 3
    return [float(risk.value), float(risk.ci[0]), float(risk.ci[1])]


def main() -> None:
    warnings.simplefilter("ignore")
    np.random.seed(0)
    frames = [pd.read_parquet(path) for path in sys.argv[1:4]]
    frames = [f.sample(min(MOST_ROWS, len(f)), random_state=0).reset_index(drop=True) for f in frames]
    for f in frames:
        for name in f.columns:
            if f[name].dtype.kind == "M":
                f[name] = f[name].astype("int64").astype(float)
            elif f[name].dtype == bool:
                f[name] = f[name].astype(str)
    Path(sys.argv[4]).write_text(json.dumps(attacks(*frames)))


if __name__ == "__main__":
    main()
