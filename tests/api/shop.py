"""A small shop in memory, for tests of the Python API."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

SCHEMA: dict[str, dict[str, Any]] = {
    "customers": {"primary_key": ["id"], "unique": [["code"]]},
    "orders": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}],
        "checks": ["qty > 0", "qty * price < 1000"],
    },
    "notes": {"foreign_keys": [{"columns": ["order_id"], "ref_table": "orders", "ref_columns": ["id"]}]},
}


def frames(customers: int = 120, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Customers with none to six orders, of which some have notes."""
    rng = np.random.default_rng(seed)
    children = rng.integers(0, 7, customers)
    orders, kind = int(children.sum()), rng.choice(["retail", "trade"], customers, p=[0.7, 0.3])
    owner = np.repeat(np.arange(customers), children)
    qty = rng.integers(1, 10, orders) + np.where(kind[owner] == "trade", 20, 0)
    noted = rng.choice(orders, orders // 3, replace=False)
    return {
        "customers": pd.DataFrame(
            {
                "id": np.arange(1, customers + 1),
                "code": [f"C-{i * 7:04}" for i in range(customers)],
                "name": [f"Person{i} Realname{i}" for i in range(customers)],
                "kind": pd.Categorical(kind),
                "born": pd.Timestamp("1960-01-01") + pd.to_timedelta(rng.integers(0, 15000, customers), unit="D"),
                "score": pd.array(np.where(rng.random(customers) < 0.2, None, children), dtype="Int16"),
            }
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(1, orders + 1),
                "customer_id": owner + 1,
                "qty": qty.astype("int32"),
                "price": np.round(rng.gamma(2.0, 5.0, orders), 2).clip(0.5, 30.0).astype("float32"),
                "paid": rng.random(orders) < 0.8,
            }
        ),
        "notes": pd.DataFrame(
            {"order_id": noted + 1, "text": rng.choice(["late", "gift", "again please"], len(noted))}
        ),
    }
