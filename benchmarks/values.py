"""How fast made values are: unique e-mail addresses, and rows of five personal columns, beside naive loops over mimesis
and Faker.

    python benchmarks/values.py [--rows 1000000] [--many 10000000] [--peers PYTHON]

PYTHON: an interpreter that has mimesis and Faker installed (default: this one). Every figure is of a process of its
own, in seconds of processor time on one core with the process's highest memory; peers make PEER_ROWS rows, told per
million. Learning from the source (5,000 customers of four countries) is not counted. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

ROWS = 1_000_000
MANY = 10_000_000
PEER_ROWS = 50_000
SOURCE_ROWS = 5_000
COLUMNS = ("first_name", "last_name", "email", "phone", "street")


def dbsynth_rows(rows: int, columns: tuple[str, ...]) -> tuple[float, int]:
    """Seconds for ``rows`` of ``columns``, the e-mail address unique, and how many different addresses there are."""
    import numpy as np
    import pyarrow as pa
    from sqlalchemy import types as sqltypes

    from dbsynth.rng import generator
    from dbsynth.schema.model import Column, Table, TableName
    from dbsynth.schema.roles import infer_roles
    from dbsynth.values import fit_generators

    source = pa.table(_customers(SOURCE_ROWS))
    table = Table(TableName("s", "customer"), tuple(Column(c, sqltypes.Text(), "text") for c in source.column_names))
    roles = infer_roles(table, source)
    makers = fit_generators(table, source, roles, list(columns), unique={"email"}, k=5, seed=1, guides=["country"])
    drawn = generator(1, "rows").integers(0, source.num_rows, rows)
    row = {"country": source.column("country").combine_chunks().take(pa.array(drawn))}
    start = time.process_time()
    for i, maker in enumerate(makers):
        row |= maker.generate({c: np.ones(rows, bool) for c in maker.columns}, row, generator(1, i))
    seconds = time.process_time() - start
    return seconds, len(row["email"].unique())


def _customers(rows: int) -> dict[str, list[str]]:
    import numpy as np

    from dbsynth.values.pools import names_of
    from dbsynth.values.spelling import plain

    rng = np.random.default_rng(1)
    places = {"Germany": ("de_DE", "+49 30"), "France": ("fr_FR", "+33 1"), "USA": ("en_US", "+1 212"),
              "Italy": ("it_IT", "+39 06")}  # fmt: skip
    out: dict[str, list[str]] = {c: [] for c in ("country", *COLUMNS)}
    for i in range(rows):
        country = str(rng.choice(list(places)))
        names = names_of(places[country][0])
        first, last = (str(rng.choice(names[kind][:80])) for kind in ("female", "last_female"))
        values = (country, first, last, f"{plain(first)}.{plain(last)}{i}@{rng.choice(['mail', 'post'])}.example",
                  f"{places[country][1]} {rng.integers(10**6, 10**7)}",
                  f"{last} Street {rng.integers(1, 200)}")  # fmt: skip
        for column, value in zip(out, values, strict=True):
            out[column].append(value)
    return out


def mimesis_rows(rows: int, columns: tuple[str, ...]) -> tuple[float, int]:
    from mimesis import Address, Person
    from mimesis.locales import Locale

    person, address = Person(Locale.EN), Address(Locale.EN)  # a seeded one makes no unique values
    makers: dict[str, Callable[[], str]] = {
        "first_name": person.first_name, "last_name": person.last_name, "email": lambda: person.email(unique=True),
        "phone": person.phone_number, "street": address.address,
    }  # fmt: skip
    return _looped(rows, [makers[c] for c in columns], columns.index("email"))


def faker_rows(rows: int, columns: tuple[str, ...]) -> tuple[float, int]:
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(1)
    makers: dict[str, Callable[[], str]] = {
        "first_name": fake.first_name, "last_name": fake.last_name, "email": fake.unique.email,
        "phone": fake.phone_number, "street": fake.street_address,
    }  # fmt: skip
    return _looped(rows, [makers[c] for c in columns], columns.index("email"))


def _looped(rows: int, makers: list[Callable[[], str]], email: int) -> tuple[float, int]:
    start = time.process_time()
    made = [[make() for make in makers] for _ in range(rows)]
    return time.process_time() - start, len({row[email] for row in made})


MAKERS = {"dbsynth": dbsynth_rows, "mimesis": mimesis_rows, "Faker": faker_rows}


def measured(python: str, maker: str, rows: int, columns: tuple[str, ...]) -> dict[str, float] | None:
    """Of a process of its own; None where ``maker`` is not installed there."""
    command = [python, __file__, "--one", maker, str(rows), ",".join(columns)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def one(maker: str, rows: int, columns: tuple[str, ...]) -> None:
    seconds, different = MAKERS[maker](rows, columns)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = {"Faker": "faker"}.get(maker, maker)
    print(json.dumps({"seconds": seconds, "different": different, "peak": peak, "version": version(name)}))


def main() -> None:
    parser = argparse.ArgumentParser(description="how fast made values are")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--one", nargs=3, metavar=("MAKER", "ROWS", "COLUMNS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one[0], int(asked.one[1]), tuple(asked.one[2].split(",")))
        return
    print("| what | by | rows | different addresses | CPU s | CPU s a million rows | memory, MB |")
    print("|---|---|---|---|---|---|---|")
    for what, columns, rows in (
        ("unique e-mail addresses", ("email",), asked.rows),
        (f"{len(COLUMNS)} personal columns", COLUMNS, asked.rows),
        ("unique e-mail addresses", ("email",), asked.many),
    ):
        for maker in MAKERS if rows == asked.rows else ("dbsynth",):
            size = rows if maker == "dbsynth" else min(rows, PEER_ROWS)
            found = measured(sys.executable if maker == "dbsynth" else asked.peers, maker, size, columns)
            if found is None:
                print(f"| {what} | {maker}, not installed | | | | | |")
                continue
            each = found["seconds"] / size * 1e6
            print(
                f"| {what} | {maker} {found['version']} | {size:,} | {found['different']:,} "
                f"| {found['seconds']:.1f} | {each:.1f} | {found['peak']:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
