"""The simulated worlds of ``tests/worlds``: what a clone learned beside what is true."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from dbsynth.testing.embedded import create_database, drop_database, embedded_postgres
from relations.process import clone, failure
from relations.report import markdown

sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.worlds.world import NAMES, World, ask, load, world


def fill_world(url: str, name: str) -> None:
    load(url, world(name))


def report_worlds(names: list[str], *, seed: int, cores: str, minutes: float) -> str:
    lines: list[str] = []
    with embedded_postgres() as server, tempfile.TemporaryDirectory() as scratch:
        for name in names or NAMES:
            source, target = create_database(server, name), create_database(server, f"{name}_dev")
            log = Path(scratch) / "log"
            try:
                load(source, world(name))
                code, wall, cpu = clone(source, target, log, cores=cores, minutes=minutes, seed=seed)
                lines += [f"### {name}: {wall:.1f} s ({cpu:.1f} CPU-s)", ""]
                why = failure(code, log, minutes)
                lines += [why, ""] if why is not None else _of_world(world(name), source, target)
            finally:
                drop_database(source)
                drop_database(target)
    return "\n".join(lines)


def _of_world(asked: World, source: str, target: str) -> list[str]:
    rows, learned = (ask(url, (*asked.truths, *asked.facts)) for url in (source, target))
    truths = [
        [
            t.name,
            f"{t.value:.4g}",
            f"{rows[t.name]:.4g}",
            f"{learned[t.name]:.4g}",
            f"± {t.within:g}",
            "" if abs(learned[t.name] - t.value) <= t.within else "off",
        ]
        for t in asked.truths
    ]
    facts = [[f.name, f"{rows[f.name]:,.0f}", f"{learned[f.name]:,.0f}"] for f in asked.facts]
    return [
        *markdown(["truth", "true", "source", "learned", "may be off by", ""], truths),
        *markdown(["fact: exceptions", "source", "clone"], facts),
    ]
