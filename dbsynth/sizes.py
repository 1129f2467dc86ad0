"""Numbers of bytes as people write them."""

from __future__ import annotations

import re

UNITS = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9,
         "tb": 10**12}  # fmt: skip


def bytes_of(text: str) -> int:
    """``50GiB``, ``1.5 TB`` or a plain number of bytes; ValueError for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text.strip().replace("_", ""))
    if match is None or match[2].lower() not in UNITS:
        raise ValueError("this is no number of bytes, e.g. 50GiB")
    return int(float(match[1]) * UNITS[match[2].lower()])
