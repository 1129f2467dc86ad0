"""One table: how well, how fast and how safely each tool imitates it. Same split, same metrics, same core for all.

    python benchmarks/single_table.py prepare DUMPS DATA      # the tables, split into training and hold-out halves
    python benchmarks/single_table.py run DATA RESULTS --python sdv=PEERS/sdv/bin/python --tools sdv-tvae,dbsynth
    python benchmarks/single_table.py judge TRAIN.parquet HOLDOUT.parquet SYNTHETIC.parquet
    python benchmarks/single_table.py report RESULTS

``prepare`` runs in dbsynth's environment. ``judge`` and ``run`` need ``"pandas<3" numpy scikit-learn xgboost pyarrow``
and no dbsynth. Every tool runs in an environment of its own, given with ``--python``: ``sdv`` (``sdv pyarrow``),
``mostlyai`` (``mostlyai-engine``), ``dbsynth``. Peers have their default settings.

``run`` keeps a JSON and the synthetic rows of every pair of a table and a tool in RESULTS and leaves out the pairs that
it finds there, so that it can be stopped and started again, and results of several runs can be laid together.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)

    prepare = commands.add_parser("prepare", help="export and split the tables")
    prepare.add_argument("dumps", type=Path, help="folder of NAME.sql.gz")
    prepare.add_argument("data", type=Path)
    prepare.add_argument("--tables", help="some of them, by comma")

    run = commands.add_parser("run", help="fit, sample and judge")
    run.add_argument("data", type=Path)
    run.add_argument("results", type=Path)
    run.add_argument("--tables", help="some of them, by comma, in this order")
    run.add_argument(
        "--tools", required=True, help="by comma: sdv-ctgan, sdv-tvae, mostlyai, dbsynth[:strategy][:key=value]"
    )
    run.add_argument("--python", action="append", default=[], metavar="NAME=PYTHON", help="environment of a tool")
    run.add_argument("--core", type=int, default=0, help="the core that a tool may use")
    run.add_argument("--limit", type=float, default=45, help="minutes of wall time a pair may take")
    run.add_argument("--seed", type=int, default=1)

    judge = commands.add_parser("judge", help="metrics of one synthetic table, as JSON")
    for name in ("train", "holdout", "synthetic"):
        judge.add_argument(name, type=Path)
    judge.add_argument("--brief", action="store_true", help="without the single columns and pairs")

    report = commands.add_parser("report", help="Markdown tables of all results")
    report.add_argument("results", type=Path, nargs="+")
    given = parser.parse_args()

    if given.command == "prepare":
        from single.tables import TABLES
        from single.tables import prepare as write

        write(given.dumps, given.data, given.tables.split(",") if given.tables else list(TABLES))
    elif given.command == "judge":
        from single.metrics import judge as measure
        from single.metrics import read

        print(json.dumps(measure(*read(given.train, given.holdout, given.synthetic), brief=given.brief), indent=1))
    elif given.command == "run":
        from single.runs import run as start

        start(
            given.data,
            given.results,
            tables=given.tables.split(",") if given.tables else None,
            tools=given.tools.split(","),
            pythons=dict(entry.split("=", 1) for entry in given.python),
            core=given.core,
            minutes=given.limit,
            seed=given.seed,
        )
    else:
        from single.report import report as write_report

        print(write_report(given.results))


if __name__ == "__main__":
    main()
