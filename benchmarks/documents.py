"""JSON documents a CPU second: read into columns of the model, and written from them.

python benchmarks/documents.py [ROWS]
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from sqlalchemy import types

from dbsynth.values import fit_document
from dbsynth.values.scalars import loads

FIT_ROWS = 20_000


def payloads(count: int) -> list[str]:
    """Events of three types, of eight to twelve paths."""
    rng = np.random.default_rng(1)
    kinds = rng.choice(["login", "order", "view"], count).tolist()
    numbers, amounts = rng.integers(0, 3000, (count, 4)).tolist(), rng.lognormal(3, 1, count).round(2).tolist()
    out = []
    for kind, (a, b, c, d), amount in zip(kinds, numbers, amounts, strict=True):
        user = {"email": f"person{a}@corp.test", "country": "DE" if b % 3 else "FR"}
        document = {"type": kind, "at": f"2024-03-{1 + c % 28:02d}T{d % 24:02d}:00:00Z", "user": user, "ms": d}
        if kind == "order":
            document |= {"amount": amount, "items": [{"sku": f"S-{c % 50}", "qty": 1 + d % 3}], "paid": d % 2 == 0}
        elif kind == "login":
            document |= {"ok": a % 9 > 0, "tries": b % 4}
        out.append(json.dumps(document))
    return out


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    texts = payloads(count)
    start = time.process_time()
    document = fit_document(texts[:FIT_ROWS], types.JSON(), "payload", 5, 1, column="payload", most=24)
    fitted = time.process_time() - start
    start = time.process_time()
    columns = document.unfold([loads(t) for t in texts])
    unfolded = time.process_time() - start
    start = time.process_time()
    document.fold(count, columns, np.random.default_rng(2))
    folded = time.process_time() - start
    print(f"{'step':28}{'documents':>12}{'CPU s':>10}{'a second':>12}")
    for step, rows, seconds in (
        ("learned", FIT_ROWS, fitted), ("read into columns", count, unfolded), ("written from columns", count, folded)
    ):  # fmt: skip
        print(f"{step:28}{rows:>12,}{seconds:>10.2f}{rows / seconds:>12,.0f}")


if __name__ == "__main__":
    main()
