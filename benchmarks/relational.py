"""Several tables: do rows that belong together across tables behave as the real ones do? dbsynth beside its peers.

    python benchmarks/relational.py FOLDER [NAME...] --judge PYTHON      # FOLDER holds NAME.sql.gz dumps
    python benchmarks/relational.py FOLDER chinook --judge PYTHON --peers sdv=PYTHON,mostlyai=PYTHON
    python benchmarks/relational.py --worlds [NAME...]                   # learned against true

Runs in dbsynth's environment. Every database is restored on an embedded server, cloned into another one by the command
line with default settings, as a user would, and both sides are exported and judged. ``--judge`` is an environment with
``"pandas<3" numpy scikit-learn xgboost pyarrow`` and no dbsynth. Peers have their default settings and environments of
their own: ``sdv`` (``sdv``), ``mostlyai`` (``mostlyai[local]``); they read the exported files and have 15 minutes. All
tools may use the same cores. A name ``world_bank`` is a simulated world instead of a dump.

Prints Markdown. In brackets beside a score: its share of the ceiling, which is the same score between two random halves
of the real database; beside an AUC: that of the two real halves. Metrics: ``relations/metrics.py``.

``--results DIR`` keeps the exports, what was made and a JSON of every pair of a database and a tool, and leaves out the
pairs that it finds there. ``report DIR`` prints the tables of what is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path


def main() -> None:
    if sys.argv[1:2] == ["judge"]:  # in the environment of --judge, which has no dbsynth
        from relations.judge import judge

        print(json.dumps(judge(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    if sys.argv[1:2] == ["report"]:
        from relations.report import report

        print(report(Path(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="of NAME.sql.gz")
    parser.add_argument("names", nargs="*", help="databases or worlds; none: all")
    parser.add_argument("--worlds", action="store_true", help="the simulated worlds, whose true statistics are known")
    parser.add_argument("--judge", help="the Python that judges")
    parser.add_argument("--peers", default="", metavar="NAME=PYTHON,…", help="sdv, mostlyai")
    parser.add_argument("--cores", default="0,1", help="that every tool may use, by comma")
    parser.add_argument("--limit", type=float, default=15, help="minutes of wall time that a tool may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="kept; not given: thrown away")
    given = parser.parse_args()

    if given.worlds:
        from relations.worlds import report_worlds

        names = [*([str(given.folder)] if given.folder else []), *given.names]
        print(report_worlds(names, seed=given.seed, cores=given.cores, minutes=given.limit))
        return
    if not given.folder or not given.judge:
        parser.error("FOLDER and --judge are needed")
    from relations.report import report
    from relations.runs import run

    peers = dict(entry.split("=", 1) for entry in given.peers.split(",") if entry)
    with tempfile.TemporaryDirectory() as scratch:
        results = given.results or Path(scratch)
        run(
            given.folder,
            results,
            names=given.names or sorted(p.name.removesuffix(".sql.gz") for p in given.folder.glob("*.sql.gz")),
            judge=given.judge,
            peers=peers,
            cores=given.cores,
            minutes=given.limit,
            seed=given.seed,
        )
        print(report(results))


if __name__ == "__main__":
    main()
