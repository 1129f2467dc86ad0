"""Events with a payload by type, of which every rule is known: payloads that are unions, arrays of objects, addresses
of people, and values that depend on the row."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

GIVEN = [a + b for a in ("Mar", "Ton", "Al", "Ber", "Car", "Dor") for b in ("ta", "is", "en", "old", "ina")]
KINDS = {"login": 4, "purchase": 3, "page_view": 6, "error": 1}


def payloads(count: int, seed: int = 1) -> list[dict[str, Any]]:
    r = random.Random(seed)
    return [_payload(r) for _ in range(count)]


def _payload(r: random.Random) -> dict[str, Any]:
    kind = r.choices(list(KINDS), list(KINDS.values()))[0]
    country = r.choices(["DE", "US", "FR"], [5, 3, 2])[0]
    first, last = r.choice(GIVEN), f"{r.choice(GIVEN)}{r.choice(GIVEN).lower()}son"
    user: dict[str, Any] = {"first_name": first, "last_name": last, "email": f"{first}.{last}@corp.test".lower()}
    user["country"] = country
    if r.random() < 0.3:
        user["age"] = r.randrange(18, 90)
    out: dict[str, Any] = {"type": kind, "v": 2, "user": user}
    if kind == "login":
        out |= {"ip": f"10.{r.randrange(255)}.{r.randrange(255)}.1", "ok": r.random() < 0.9}
    if kind == "purchase":
        items: list[dict[str, Any]] = [
            {"sku": f"SKU-{r.randrange(40):04d}", "qty": r.randrange(1, 5), "price": round(r.lognormvariate(2, 1), 2)}
            for _ in range(r.randrange(1, 6))
        ]
        total = sum(i["qty"] * i["price"] for i in items)
        out |= {"amount": round(total, 2), "items": items, "currency": r.choice(["EUR", "USD"])}
        if r.random() < 0.2:
            out["coupon"] = f"C{r.randrange(10**5)}"
    if kind == "page_view":
        out |= {"ms": r.randrange(20, 3000), "ref": None if r.random() < 0.5 else "search"}
    if kind == "error":
        out |= {"code": r.choice([500, 502, 404]), "tags": sorted(r.sample("abcd", r.randrange(0, 3)))}
    day = f"2024-{r.randrange(1, 13):02d}-{r.randrange(1, 29):02d}"
    return out | {"at": f"{day}T{r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}Z"}


def paths(value: Any, path: str = "$") -> Iterator[str]:
    """Each path with the type that stands there."""
    if isinstance(value, dict):
        yield f"{path}:object"
        for key, inner in value.items():
            yield from paths(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield f"{path}:array"
        for inner in value:
            yield from paths(inner, f"{path}[]")
    else:
        yield f"{path}:{type(value).__name__}"


def rates(documents: Iterable[Any]) -> dict[str, float]:
    """The share of the documents that have a path with a type."""
    found, total = Counter[str](), 0
    for document in documents:
        found.update(set(paths(document)))
        total += 1
    return {path: n / total for path, n in found.items()}


def loads(texts: Iterable[str]) -> list[Any]:
    return [json.loads(t) for t in texts]
