"""Do queries behave alike on a database and on its clone? A generated workload, replayed on both.

    python benchmarks/replay.py FOLDER [NAME...]             # FOLDER holds NAME.sql.gz dumps
    python benchmarks/replay.py --clones SERVER [NAME...]    # SERVER: a URL, with databases src_NAME and t_replay_NAME

Each dump is restored on an embedded server and cloned into another database by the command line with default settings
and seed 1; ``--clones`` takes databases that are there. Beside the clone stands a control: a copy of it in which every
value outside of primary and unique keys, foreign keys too, is drawn evenly from the different values of its column, as
by a script that fills tables at random (all types and keys right, no frequency learned).

Prints Markdown: the queries, the share that runs on both sides with a q-error of at most 3 (fewer than 5 rows count as
5; in brackets: as 1, as 10), the share of joins in one order, the q-errors, and the queries that are unlike.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psycopg
from psycopg import sql

from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.replay import Replay, ReplayOptions, replay
from dbsynth.quality.replay.compare import MOST
from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres, restore

NAMES = ("chinook", "pagila17", "nycflights13", "adventureworks")
COLUMNS = """
select c.table_schema, c.table_name, array_agg(c.column_name::text order by c.ordinal_position)
from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where t.table_type = 'BASE TABLE' and c.is_generated = 'NEVER'
  and c.table_schema not in ('pg_catalog', 'information_schema')
  and not exists (
    select 1 from information_schema.table_constraints k
    join information_schema.key_column_usage u using (constraint_schema, constraint_name, table_schema, table_name)
    where k.constraint_type in ('PRIMARY KEY', 'UNIQUE') and u.table_schema = c.table_schema
      and u.table_name = c.table_name and u.column_name = c.column_name)
  and not exists (select 1 from pg_inherits where inhparent = format('%I.%I', c.table_schema, c.table_name)::regclass)
group by 1, 2 order by 1, 2
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--clones", metavar="SERVER")
    asked = parser.parse_args()
    names = list(asked.names)
    if asked.clones and asked.folder is not None:
        names.insert(0, str(asked.folder))
    print("| database | side | queries | alike | joins in one order | q-error: median | 95 % | largest |")
    print("|---|---|---|---|---|---|---|---|")
    unlike: list[str] = []
    with ExitStack() as stack:
        server = asked.clones or stack.enter_context(embedded_postgres())
        for name in names or NAMES:
            source = server.rsplit("/", 1)[0] + f"/src_{name}"
            target = server.rsplit("/", 1)[0] + f"/t_replay_{name}"
            if not asked.clones:
                source, target = create_database(server, f"src_{name}"), create_database(server, f"t_replay_{name}")
                restore(source, asked.folder / f"{name}.sql.gz")
                clone(source, target)
            control = create_database(server, f"control_{name}", template=f"t_replay_{name}")
            stack.callback(drop_database, control)
            scatter(control)
            for side, url in (("clone", target), ("control", control)):
                found = replay(ReplayOptions(CloneOptions(parse_url(source), parse_url(url), seed=1)))
                print(row(name, side, found), flush=True)
                if side == "clone":
                    unlike += [f"- {name}: {q.query}: {q.says}" for q in found.workload.queries if not q.alike]
    print("\nUnlike on the clones:\n", *unlike, sep="\n")


def clone(source: str, target: str) -> None:
    command = [sys.executable, "-m", "dbsynth.cli", "clone", source, "--to", target, "--seed", "1", "--quiet"]
    subprocess.run(command, check=True)


def scatter(url: str) -> None:
    """Draw every value evenly from the different ones of its column."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica; select setseed(.5)")
        for schema, table, columns in connection.execute(COLUMNS).fetchall():
            place = sql.Identifier(schema, table)
            for column in map(sql.Identifier, columns):
                update = sql.SQL(
                    "with v as (select {1} as value, row_number() over (order by {1}) as at"
                    " from (select distinct {1} from {0} where {1} is not null) d),"
                    " r as (select ctid as place, 1 + floor(random() * n)::bigint as at"
                    " from {0}, (select count(*) as n from v) c)"
                    " update {0} t set {1} = v.value from r join v using (at) where t.ctid = r.place"
                ).format(place, column)
                try:
                    connection.execute(update)
                except psycopg.Error as error:  # a CHECK, a unique index, a type without an order: left as it is
                    print(f"{schema}.{table}: {type(error).__name__}", file=sys.stderr)
        connection.execute("analyze")


def row(name: str, side: str, found: Replay) -> str:
    errors = np.array([c.figure.q_error for c in found.compared if c.figure.q_error is not None])
    shares = [share(found, floor) for floor in (1.0, 10.0)]
    same, joins = found.same_joins
    cells = (
        name, side, f"{len(found.compared)}", f"{found.workload.share:.1%} ({shares[0]:.1%}, {shares[1]:.1%})",
        f"{same} of {joins}", f"{np.median(errors):.2f}", f"{np.quantile(errors, 0.95):.2f}", f"{errors.max():.1f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def share(found: Replay, floor: float) -> float:
    """As ``Workload.share``, with another floor; for sides of one size."""

    def alike(pairs: list[tuple[float, float]]) -> bool:
        return all(max(a, b, floor) <= MOST * max(min(a, b), floor) for a, b in pairs)

    ran = [[tuple(n["rows"]) for n in c.nodes] for c in found.compared if c.figure.q_error is not None]
    return sum(map(alike, ran)) / len(found.compared)


if __name__ == "__main__":
    main()
