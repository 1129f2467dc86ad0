"""How fast free text and codes are made, and how like the source's the text is: ``python benchmarks/texts.py``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from dbsynth.rng import generator
from dbsynth.values.codes import Codes
from dbsynth.values.language import sentences
from dbsynth.values.voices import Voices

ROWS = 100_000
K = 5


def remarks(count: int) -> list[str]:
    """About 20 words each, of plain sentences."""
    pool = sentences("en", 1) + sentences("en", 2)
    rng = generator(1, "remarks")
    return [" ".join(pool[i] for i in rng.integers(0, len(pool), 2)) for _ in range(count)]


def pages(count: int) -> list[str]:
    return [f"<p>{v}</p>\n\n<ul>\n<li>{v[::-1][:9][::-1]}</li>\n</ul>\n" for v in remarks(count)]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"<[^>]*>", " ", text).casefold())


def timed(work: Callable[[], Sequence[str]]) -> tuple[float, Sequence[str]]:
    start = time.process_time()
    out = work()
    return time.process_time() - start, out


def main() -> None:
    print(f"{'column':24}{'fit s':>8}{'made':>10}{'a second':>10}{'own pairs':>11}")
    for name, source in (("text, 20 words", remarks(20_000)), ("HTML, 30 words", pages(20_000))):
        start = time.process_time()
        voices = Voices.fit(source, K, seed=1)
        fitted = time.process_time() - start
        spent, out = timed(lambda voices=voices: voices.draw(ROWS, generator(2)))  # type: ignore[misc]
        pairs = {p for v in source for p in pairwise(words(v))}
        own = np.mean([p in pairs for v in out[:5000] for p in pairwise(words(v))])
        print(f"{name:24}{fitted:8.1f}{ROWS:10,}{ROWS / spent:10,.0f}{own:11.2f}")
    days = np.datetime64("2021-01-01") + np.sort(generator(3).integers(0, 1000, 20_000))
    values = [f"ORD-{str(d)[:4]}-{i + 1:08}" for i, d in enumerate(days)]
    start = time.process_time()
    codes = Codes.fit(values, {"at": pa.array(days)}, K)
    fitted = time.process_time() - start
    assert isinstance(codes, Codes)
    row = {"at": pa.array(np.datetime64("2021-01-01") + np.sort(generator(4).integers(0, 1000, 10 * ROWS)))}
    spent, _ = timed(lambda: codes.beside(row, np.arange(10 * ROWS)).draw(10 * ROWS, generator(5)))
    print(f"{'ORD-2021-00000001':24}{fitted:8.1f}{10 * ROWS:10,}{10 * ROWS / spent:10,.0f}{'':>11}")


if __name__ == "__main__":
    main()
