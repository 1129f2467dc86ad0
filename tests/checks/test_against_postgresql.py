"""The evaluator agrees with PostgreSQL on every row, for the text as written and as the catalog prints it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from checks_corpus import COLUMNS, ROWS, SETUP, batch, rows, table
from checks_schemas import SCHEMA_CHECKS
from checks_texts import TEXT_CHECKS

from dbsynth.schema.checks import parse_check
from dbsynth.schema.model import Check
from dbsynth.testing.embedded import conninfo, create_database, drop_database


@pytest.fixture(scope="module")
def connection(postgres_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    url = create_database(postgres_url, "checks_corpus")
    values = rows()
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(SETUP)
        columns = ", ".join(f"{name} {sample.declared}" for name, sample in COLUMNS.items())
        connection.execute(f"create table samples (row_number integer, {columns})".encode())
        with connection.cursor().copy("copy samples from stdin") as copy:
            for i in range(ROWS):
                texts = (None if v[i] is None else COLUMNS[name].text(v[i]) for name, v in values.items())
                copy.write_row([i, *texts])
        yield connection
    drop_database(url)


def judged(connection: psycopg.Connection[tuple[object, ...]], text: str) -> list[int]:
    """1, 0, -1 (null) for each row; an error on a row counts as 0: such a row cannot be inserted."""

    def code(value: object) -> int:
        return -1 if value is None else int(bool(value))

    try:
        found = connection.execute(f"select ({text}) from samples order by row_number".encode()).fetchall()
        return [code(row[0]) for row in found]
    except psycopg.DataError:
        codes = []
        for i in range(ROWS):
            try:
                one = connection.execute(f"select ({text}) from samples where row_number = {i}".encode()).fetchone()
                assert one is not None
                codes.append(code(one[0]))
            except psycopg.DataError:
                codes.append(0)
        return codes


def printed(connection: psycopg.Connection[tuple[object, ...]], text: str) -> str:
    connection.execute(f"alter table samples add constraint probe check ({text}) not valid".encode())
    try:
        row = connection.execute(
            "select pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'probe'"
        ).fetchone()
        assert row is not None
        return str(row[0])
    finally:
        connection.execute("alter table samples drop constraint probe")


@pytest.mark.parametrize("text", [*TEXT_CHECKS, *SCHEMA_CHECKS])
def test_same_truth_value_as_postgresql(connection: psycopg.Connection[tuple[object, ...]], text: str) -> None:
    expected = judged(connection, text)
    data, now = batch(rows()), datetime.now(UTC)
    for form in dict.fromkeys((text, printed(connection, text))):
        parsed = parse_check(Check("c", form), table(), "postgres")
        assert parsed.evaluable, f"{form}: {parsed.reason}"
        got = parsed.holds(data, now).tolist()
        wrong = [i for i in range(ROWS) if got[i] != expected[i]]
        shown = [
            (
                {c: data.column(c)[i].cast("string").as_py() if c != "by" else "" for c in parsed.columns},
                expected[i],
                got[i],
            )
            for i in wrong[:4]
        ]
        assert not wrong, f"{form}: {len(wrong)} rows differ (row, expected, got): {shown}"
