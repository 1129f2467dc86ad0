"""Sources as they should not be but are: each is cloned whole, and all its constraints hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dbsynth.dialect import parse_url
from dbsynth.pipeline import clone
from dbsynth.pipeline.options import CloneOptions
from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import Clone, run

Execute = Callable[..., list[tuple[object, ...]]]
HOSTILE = 'we;ird "name"'
ODD = (Path(__file__).parent / "odd.sql").read_text()
TYPES = (Path(__file__).parent / "types.sql").read_text()


def tables(url: str, schema: str) -> dict[str, int]:
    names = "select c.relname::text from pg_class c where relkind = 'r' and relnamespace = %s::regnamespace"
    with psycopg.connect(conninfo(url)) as connection:
        quoted = '"' + schema.replace('"', '""') + '"'
        found = [str(t) for (t,) in connection.execute(names.encode(), (quoted,)).fetchall()]
        out = {}
        for name in found:
            table = quoted + '."' + name.replace('"', '""') + '"'
            row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
            assert row is not None
            out[name] = int(row[0])
        return out


def not_valid(url: str) -> int:
    with psycopg.connect(conninfo(url)) as connection:
        row = connection.execute("select count(*) from pg_constraint where not convalidated").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def odd(postgres_url: str) -> Iterator[Clone]:
    source = create_database(postgres_url, "odd_source")
    target = create_database(postgres_url, "odd_target")
    with psycopg.connect(conninfo(source), autocommit=True) as connection:
        connection.execute(ODD.encode())
    yield run(source, target, effort="quick")
    drop_database(source)
    drop_database(target)


def test_every_table_is_there_with_its_rows(odd: Clone) -> None:
    have, want = tables(odd.target, "public"), tables(odd.source, "public")
    assert have.keys() == want.keys()
    assert {t: (have[t], n) for t, n in want.items() if abs(have[t] - n) > max(2, 0.05 * n)} == {}
    assert have["no_row"] == have["of_no_row"] == 0
    assert have["one_row"] == 1


def test_every_constraint_is_valid(odd: Clone) -> None:
    count = "select count(*) from pg_constraint where contype <> 'n' and connamespace = 'public'::regnamespace"
    with psycopg.connect(conninfo(odd.target)) as made, psycopg.connect(conninfo(odd.source)) as real:
        assert made.execute(count).fetchone() == real.execute(count).fetchone()
    assert not_valid(odd.target) == 0


def test_null_columns_stay_null(odd: Clone) -> None:
    with psycopg.connect(conninfo(odd.target)) as connection:
        counted = connection.execute("select count(a), count(b), count(c), count(d), count(e) from all_null").fetchone()
    assert counted == (0, 0, 0, 0, 0)


def test_the_only_row_is_not_the_sources(odd: Clone) -> None:
    with psycopg.connect(conninfo(odd.target)) as connection:
        row = connection.execute("select name from one_row").fetchone()
    assert row is not None
    assert row[0] != "the only one"


def test_a_target_with_a_hostile_name_in_the_same_database(database: str, execute: Execute) -> None:
    execute("create table t (id int primary key, x text)")
    execute("insert into t select i, 'a' || i from generate_series(1, 40) i")
    url = parse_url(database)
    for _ in range(2):  # the second time it is replaced
        clone.run(CloneOptions(url, url, ("public",), HOSTILE, seed=1, effort="quick"), lambda event: None)
    assert tables(database, HOSTILE) == {"t": 40}
    left = execute(r"select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)' order by 1")
    assert left == [("public",), (HOSTILE,)]


def test_every_type(postgres_url: str, database: str, execute: Execute) -> None:
    execute(TYPES)
    target = create_database(postgres_url, "odd_types")
    made = run(database, target, effort="quick")
    assert tables(target, "public") == {"types": 300}
    assert not_valid(target) == 0
    same = "select count(*) from types where gen = i2 * 2"
    assert execute(same, url=target) == [(300,)]
    leaked = "select t from types where t is not null"
    assert not {v for (v,) in execute(leaked, url=target)} & {v for (v,) in execute(leaked)}
    assert made.done.results[0].rows == 300
    drop_database(target)


def test_sixteen_hundred_columns(postgres_url: str, database: str, execute: Execute) -> None:
    columns = ", ".join(f"c{i} {('int', 'text', 'date', 'boolean')[i % 4]}" for i in range(1599))
    values = ", ".join(("g % 9", "'v' || g % 4", "date '2024-01-01' + g % 30", "g % 2 = 0")[i % 4] for i in range(1599))
    execute(f"create table wide (id int primary key, {columns})")
    execute(f"insert into wide select g, {values} from generate_series(1, 60) g")
    target = create_database(postgres_url, "odd_wide")
    run(database, target, effort="quick")
    assert tables(target, "public") == {"wide": 60}
    drop_database(target)


def test_latin1(postgres_url: str) -> None:
    source = create_database(postgres_url, "odd_latin1", encoding="LATIN1")
    target = create_database(postgres_url, "odd_latin1_clone", encoding="LATIN1")
    with psycopg.connect(conninfo(source), autocommit=True, client_encoding="utf8") as connection:
        connection.execute('create table "Straße" (id int primary key, größe text, name text)')
        connection.execute(
            "insert into \"Straße\" select i, (array['groß', 'größer', 'à côté'])[1 + i % 3], 'Müller ' || i "
            "from generate_series(1, 90) i"
        )
    run(source, target, effort="quick")
    with psycopg.connect(conninfo(target), client_encoding="utf8") as connection:
        kinds = {str(v) for (v,) in connection.execute('select distinct größe from "Straße"').fetchall()}
        assert kinds <= {"groß", "größer", "à côté"}
        assert connection.execute('select count(*) from "Straße"').fetchone() == (90,)
    drop_database(source)
    drop_database(target)


def test_a_megabyte_a_value(postgres_url: str, database: str, execute: Execute) -> None:
    execute("create table long (id int primary key, body text not null)")
    execute("insert into long select i, repeat('word' || i || ' ', 170000) from generate_series(1, 12) i")
    target = create_database(postgres_url, "odd_long")
    run(database, target, effort="quick")
    ((rows, least),) = execute("select count(*), min(length(body)) from long", url=target)
    assert rows == 12
    assert isinstance(least, int)
    assert least > 900_000
    drop_database(target)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
