"""What must hold of the clone of every real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from dbsynth.testing.embedded import conninfo, create_database, embedded_postgres, restore
from tests.clones import Clone, run
from tests.dialects.postgresql_targets import facts, sequences_behind
from tests.parallel import REAL_DATABASES

pytestmark = pytest.mark.databases
Cloned = Callable[[str], Clone]

TABLES = """select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)' order by 1"""


def column(url: str, query: str) -> list[str]:
    with psycopg.connect(conninfo(url)) as connection:
        return [str(row[0]) for row in connection.execute(query.encode()).fetchall()]


def counts(url: str) -> dict[str, int]:
    with psycopg.connect(conninfo(url)) as connection:
        tables = [str(t) for (t,) in connection.execute(TABLES.encode()).fetchall()]
        return {t: connection.execute(f"select count(*) from {t}".encode()).fetchone()[0] for t in tables}  # type: ignore[index]


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_the_catalog_is_the_sources(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    schemas = sorted({t.split(".")[0] for t in column(made.source, TABLES)})
    same = {s: s for s in schemas}
    assert facts(made.target, same) == facts(made.source, same)
    assert sequences_behind(made.target, schemas) == []


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_every_constraint_is_valid(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    assert column(made.target, "select conname from pg_constraint where not convalidated") == []


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_row_counts_follow_the_source(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    have, want = counts(made.target), counts(made.source)
    assert have.keys() == want.keys()
    assert {t: n for t, n in want.items() if abs(have[t] - n) > max(2, 0.05 * n)} == {}
    assert {t for t, n in want.items() if n == 0} == {t for t, n in have.items() if n == 0}


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_nothing_is_left_beside_the_target(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    assert column(made.target, r"select nspname from pg_namespace where nspname like '%\_\_building\_%'") == []


def test_adventureworks_with_xml(real_dump: Callable[[str], Path], other_postgres: Path) -> None:
    """On a server that is built with libxml: the embedded one is not."""
    dump = real_dump("adventureworks_xml")
    with embedded_postgres(binaries=other_postgres) as server:
        source, target = create_database(server, "source"), create_database(server, "target")
        restore(source, dump)
        made = run(source, target, strategy="independent", sample_rows=20_000)
        schemas = sorted({t.split(".")[0] for t in column(source, TABLES)})
        same = {s: s for s in schemas}
        assert facts(target, same) == facts(source, same)
        assert column(target, "select conname from pg_constraint where not convalidated") == []
        assert sum(r.rows for r in made.done.results) > 100_000
        documents = "select count(*) from humanresources.jobcandidate where resume is document"
        assert column(target, documents) == column(source, documents)
