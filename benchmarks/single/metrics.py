"""How close synthetic rows are to real ones, and whether they are too close.

shapes, trends    1 − KS (numbers, moments; times the agreement in NULLs) or 1 − TVD (categories) of a column; 1 − TVD
                  of the binned joint distribution of a pair; means over columns and pairs
c2st              AUC of XGBoost telling real from synthetic rows, 3-fold; 0.5 is best
ceiling           the same three between the two real halves: what sampling noise alone leaves
relative          score / ceiling
dcr               share of synthetic rows nearer to the training half than to the hold-out half; 0.5 where nothing was
                  memorised (Gower's distance: ranks of numbers, equality of categories; ties count half)
copies            share of synthetic rows equal to a training row, beside that share of the hold-out rows
utility           a model trained on synthetic rows, tested on hold-out rows, beside one that was trained on real rows

Top level: against the training half, which is what the tool saw; ``holdout``: against rows that it never saw.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xgboost as xgb
from sklearn.metrics import r2_score, roc_auc_score

NULL = "∅"
BOOLEANS = {"true": "t", "false": "f", "1": "t", "0": "f", "1.0": "t", "0.0": "f"}
TOP, DECILES, REST, MISSING, CODES = 30, 10, 30, 31, 32
PAIRS, TREND_ROWS, C2ST_ROWS, DCR_ROWS = 150, 20_000, 12_000, 5_000

Kinds = dict[str, str]


def read(train: Path, holdout: Path, synthetic: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, str | None]:
    """The three frames and the column to predict, which ``prepare`` wrote into the training file."""
    target = (pq.read_schema(train).metadata or {}).get(b"target")
    frames = [pq.read_table(path).to_pandas(ignore_metadata=True) for path in (train, holdout, synthetic)]
    return frames[0], frames[1], frames[2], target.decode() if target else None


def _floats(values: pd.Series, moments: bool) -> pd.Series:
    """Numbers, and moments in seconds, as float64; what cannot be read is NaN."""
    if not moments:
        return pd.to_numeric(values, errors="coerce").astype(float)
    read = pd.to_datetime(values, errors="coerce", utc=True, format=None if values.dtype.kind == "M" else "mixed")
    return ((read - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).astype(float)


def _spelled(values: pd.Series, boolean: bool) -> pd.Series:
    """One spelling for booleans and for whole numbers held as text, whatever tool wrote them."""
    text = values.astype(str).str.replace(r"^(-?\d+)\.0$", r"\1", regex=True)
    if boolean:
        text = text.str.lower().replace(BOOLEANS)
    return text.astype(object).where(values.notna(), NULL)


def typed(train: pd.DataFrame, *others: pd.DataFrame) -> tuple[list[pd.DataFrame], Kinds]:
    """All frames with the columns of ``train`` as float64 (num) or text (cat). Identifiers and free text, of which
    there are too many values to count, become their length, digits and words."""
    frames: list[dict[str, pd.Series]] = [{} for _ in range(1 + len(others))]
    kinds: Kinds = {}
    for name, real in train.items():
        columns = [f[name] if name in f else pd.Series(None, index=f.index, dtype=object) for f in (train, *others)]
        boolean = real.dtype == bool or set(real.dropna().unique()) <= {True, False}
        moments = pd.api.types.is_datetime64_any_dtype(real)
        if moments or (pd.api.types.is_numeric_dtype(real) and not boolean):
            kinds[name] = "num"
            for frame, column in zip(frames, columns, strict=True):
                frame[name] = _floats(column, moments)
            continue
        texts = [_spelled(column, boolean) for column in columns]
        if 50 < real.nunique() > 0.2 * real.notna().sum():
            for part, pattern in (("#len", r"(?s)."), ("#digits", r"\d"), ("#words", r"\S+")):
                kinds[name + part] = "num"
                for frame, text in zip(frames, texts, strict=True):
                    frame[name + part] = text.str.count(pattern).astype(float).where(text != NULL)
            continue
        kinds[name] = "cat"
        for frame, text in zip(frames, texts, strict=True):
            frame[name] = text
    return [pd.DataFrame(f).reset_index(drop=True) for f in frames], kinds


def kolmogorov_smirnov(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
    if not len(a) or not len(b):
        return 0.0 if len(a) == len(b) else 1.0
    at = np.concatenate([a, b])
    below = [np.searchsorted(x, at, side="right") / len(x) for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def shapes(real: pd.DataFrame, made: pd.DataFrame, kinds: Kinds) -> dict[str, float]:
    scores = {}
    for name, kind in kinds.items():
        a, b = real[name], made[name]
        if kind == "num":
            agreement = 1 - abs(a.isna().mean() - b.isna().mean())
            scores[name] = (1 - kolmogorov_smirnov(a.to_numpy(), b.to_numpy())) * agreement
        else:
            p, q = a.value_counts(normalize=True), b.value_counts(normalize=True)
            scores[name] = float(1 - p.subtract(q, fill_value=0).abs().sum() / 2)
    return scores


def bins(real: pd.Series, made: pd.Series, kind: str) -> list[np.ndarray]:
    """Both as codes: the 30 commonest real categories and the rest, or deciles of the real numbers and missing."""
    if kind == "cat":
        codes = {value: i for i, value in enumerate(real.value_counts().index[:TOP])}
        return [x.map(codes).fillna(REST).astype(int).to_numpy() for x in (real, made)]
    cuts = np.unique(real.quantile(np.linspace(0, 1, DECILES + 1)[1:-1])) if real.notna().any() else np.zeros(1)
    return [np.where(x.isna(), MISSING, np.searchsorted(cuts, x.to_numpy(), side="right")) for x in (real, made)]


def trends(
    real: pd.DataFrame, made: pd.DataFrame, kinds: Kinds, pairs: list[tuple[str, str]] | None = None
) -> dict[tuple[str, str], float]:
    """Of ``pairs`` of columns; None: of all."""
    if pairs is None:
        pairs = list(itertools.combinations(kinds, 2))
    if len(pairs) > PAIRS:  # the same pairs for every tool and for the ceiling
        pairs = [pairs[i] for i in np.random.RandomState(0).permutation(len(pairs))[:PAIRS]]
    n = min(TREND_ROWS, len(real), len(made))
    real, made = real.sample(n, random_state=0), made.sample(n, random_state=0)
    codes = {c: bins(real[c], made[c], kinds[c]) for c in {c for pair in pairs for c in pair}}
    return {(a, b): agreement(codes[a], codes[b]) for a, b in pairs}


def agreement(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """1 − TVD between the joint distributions of two columns, real and made, whose codes these are."""
    p, q = (np.bincount(x * CODES + y, minlength=CODES**2) / max(1, len(x)) for x, y in zip(a, b, strict=True))
    return 1 - float(np.abs(p - q).sum()) / 2


def c2st(real: pd.DataFrame, made: pd.DataFrame, kinds: Kinds) -> float | None:
    """None: too few rows. Equal rows of both sides share a fold in pairs: else a copied row, seen in training with the
    other label, pulls the AUC below 0.5."""
    n = min(C2ST_ROWS, len(real), len(made))
    if n < 40:
        return None
    both = pd.concat([real.sample(n, random_state=1), made.sample(n, random_state=2)], ignore_index=True)
    x = np.column_stack([both[c] if k == "num" else both[c].astype("category").cat.codes for c, k in kinds.items()])
    y = np.repeat([0, 1], n)
    row = pd.util.hash_pandas_object(pd.DataFrame(x), index=False)
    twins = pd.factorize(pd.Series(list(zip(row, row.groupby([row, y]).cumcount(), strict=True))))[0]
    fold = (np.random.RandomState(0).permutation(twins.max() + 1) % 3)[twins]
    guess = np.empty(2 * n)
    for i in range(3):
        model = xgb.XGBClassifier(n_estimators=100, max_depth=5, n_jobs=1, tree_method="hist", verbosity=0)
        guess[fold == i] = model.fit(x[fold != i], y[fold != i]).predict_proba(x[fold == i])[:, 1]
    return float(roc_auc_score(y, guess))


def _nearest(rows: np.ndarray, others: np.ndarray, is_category: np.ndarray) -> np.ndarray:
    nearest = np.empty(len(rows), np.float32)
    for begin in range(0, len(rows), 100):
        some = rows[begin : begin + 100]
        total = np.zeros((len(some), len(others)), np.float32)
        for j, category in enumerate(is_category):
            a, b = some[:, j, None], others[None, :, j]
            total += (
                (a != b) if category else np.minimum(np.abs(a - b), 1)
            )  # a NULL stands at −1: it is 1 from all else
        nearest[begin : begin + 100] = total.min(axis=1)
    return nearest


def dcr(train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame, kinds: Kinds) -> dict[str, float]:
    n = min(len(train), len(holdout))
    frames = [train.iloc[:n], holdout.iloc[:n], made.sample(min(DCR_ROWS, len(made)), random_state=3)]
    matrices = [np.empty((len(f), len(kinds)), np.float32) for f in frames]
    for j, (name, kind) in enumerate(kinds.items()):
        if kind == "cat":
            codes = np.split(pd.factorize(pd.concat([f[name] for f in frames]))[0], [n, 2 * n])
        else:
            known = np.sort(np.concatenate([f[name].dropna() for f in frames[:2]]))
            values = [f[name].to_numpy() for f in frames]
            middle = [np.searchsorted(known, v) / 2 + np.searchsorted(known, v, side="right") / 2 for v in values]
            codes = [np.where(np.isnan(v), -1, m / max(1, len(known))) for v, m in zip(values, middle, strict=True)]
        for matrix, column in zip(matrices, codes, strict=True):
            matrix[:, j] = column
    category = np.array([k == "cat" for k in kinds.values()])
    to_train, to_holdout = (_nearest(matrices[2], m, category) for m in matrices[:2])
    tie = np.isclose(to_train, to_holdout, atol=1e-6)
    return {"share": float(np.where(tie, 0.5, to_train < to_holdout).mean()), "ties": float(tie.mean())}


def copies(train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    rows = [pd.util.hash_pandas_object(f.round(6), index=False) for f in (train, holdout, made)]
    known = set(rows[0])
    return {"share": float(rows[2].isin(known).mean()), "halves": float(rows[1].isin(known).mean())}


def utility(
    train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame, kinds: Kinds, target: str
) -> dict[str, float | str]:
    """R² for a number, accuracy for a category; on hold-out rows whose target is known. A synthetic table without a
    single known target scores 0."""
    others = [name for name in kinds if name != target]
    levels = {n: {v: i for i, v in enumerate(train[n].unique())} for n, k in kinds.items() if k == "cat"}

    def features(frame: pd.DataFrame) -> np.ndarray:
        return np.column_stack([frame[n].map(levels[n]).fillna(-1) if n in levels else frame[n] for n in others])

    def score(source: pd.DataFrame) -> float:
        source, test = (f[f[target].notna() & (f[target] != NULL)] for f in (source, holdout))
        options = {"n_estimators": 200, "max_depth": 6, "learning_rate": 0.1, "n_jobs": 1, "tree_method": "hist"}
        if not len(source):
            return 0.0
        if kinds[target] == "num":
            center, spread = source[target].mean(), source[target].std() or 1.0  # seconds since 1970 overflow float32
            fitted = xgb.XGBRegressor(**options).fit(features(source), (source[target] - center) / spread)
            return float(r2_score(test[target], fitted.predict(features(test)) * spread + center))
        codes, names = pd.factorize(source[target])
        if len(names) == 1:
            return float((test[target] == names[0]).mean())
        guess = xgb.XGBClassifier(**options).fit(features(source), codes).predict(features(test))
        return float((names.to_numpy()[guess] == test[target].to_numpy()).mean())

    return {"target": target, "synthetic": score(made), "real": score(train)}


def _three(real: pd.DataFrame, made: pd.DataFrame, kinds: Kinds) -> dict[str, Any]:
    columns, pairs = shapes(real, made, kinds), trends(real, made, kinds)
    return {
        "shapes": float(np.mean(list(columns.values()))),
        "trends": float(np.mean(list(pairs.values()))) if pairs else None,
        "c2st": c2st(real, made, kinds),
        "columns": columns,
        "worst_pairs": {" × ".join(pair): pairs[pair] for pair in sorted(pairs, key=lambda p: pairs[p])[:10]},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def judge(
    train: pd.DataFrame, holdout: pd.DataFrame, made: pd.DataFrame, target: str | None, *, brief: bool = False
) -> dict[str, Any]:
    """All metrics. ``target``: the column that utility predicts; None leaves utility out."""
    (train, holdout, made), kinds = typed(train, holdout, made)
    seen, ceiling, unseen = (_three(*p, kinds) for p in ((train, made), (train, holdout), (holdout, made)))
    for detail in ("columns", "worst_pairs"):
        del ceiling[detail], unseen[detail]
    out = {
        "rows": [len(train), len(made)],
        **seen,
        "ceiling": ceiling,
        "relative": {k: seen[k] / ceiling[k] if ceiling[k] else None for k in ("shapes", "trends")},
        "holdout": unseen,
        "dcr": dcr(train, holdout, made, kinds),
        "copies": copies(train, holdout, made),
    }
    if target is not None:
        out["utility"] = utility(train, holdout, made, kinds, target)
    if brief:
        del out["columns"], out["worst_pairs"]
    return _rounded(out)
