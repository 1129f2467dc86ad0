"""Exclusion constraints on tables with rows: created and validated by the server in the target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbsynth.testing.embedded import create_database, drop_database
from tests.e2e.catalog import ask, clone, not_valid, run_script

ROWS = 20_000
BOOKINGS = f"""
    create extension btree_gist;
    create table room (id int primary key, name text not null);
    create table booking (
        id int primary key, room_id int not null references room, during tsrange not null, guests int not null,
        cancelled boolean not null,
        exclude using gist (room_id with =, during with &&) where (not cancelled),
        check (not isempty(during)));
    insert into room select i, 'Room ' || i from generate_series(1, 40) i;
    insert into booking select i, 1 + i % 40,
        tsrange(timestamp '2024-01-01' + (i / 40) * interval '4 hours',
                timestamp '2024-01-01' + (i / 40) * interval '4 hours' + (1 + i % 4) * interval '1 hour'),
        1 + i % 6, i % 10 = 0 from generate_series(1, {ROWS}) i;
"""
STAYS = """
    create extension btree_gist;
    create table stay (
        id int primary key, "we;ird ""room" text, starts date not null, ends date, price numeric(8, 2) not null,
        check (ends >= starts),
        constraint apart exclude using gist ("we;ird ""room" with =, daterange(starts, ends, '[]') with &&));
    insert into stay select i, case when i % 50 > 0 then 'r' || i % 9 end, date '2020-01-01' + (i / 9) * 9,
        case when i < 892 then date '2020-01-01' + (i / 9) * 9 + i % 8 end, i % 70 + 0.5
    from generate_series(1, 900) i;
    create table price (
        id int primary key, during int4range, amount numeric(6, 2), exclude using gist (during with &&));
    insert into price select i, case i when 1 then int4range(null, 10) when 300 then int4range(3000, null)
        else int4range(i * 10, i * 10 + 1 + i % 10) end, i from generate_series(1, 300) i;
    create table seat (id int primary key, place text, exclude using btree (lower(place) with =));
    insert into seat select i, 'Seat ' || i from generate_series(1, 200) i;
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    made = create_database(postgres_url, "exclusions")
    yield made
    drop_database(made)


def test_twenty_thousand_bookings_do_not_overlap(url: str) -> None:
    run_script(url, BOOKINGS)
    done = clone(url, "--to", "dev", "--seed", "1", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert not_valid(url) == []
    ((rows, conditions),) = ask(
        url,
        "select count(*), (select count(*) from pg_constraint where contype = 'x'"
        " and conrelid = 'dev.booking'::regclass) from dev.booking",
    )
    assert (rows, conditions) == (ROWS, 1)
    shape = "select avg(extract(epoch from upper(during) - lower(during))) / 3600, count(distinct lower(during)) > 100,"
    shape += " min(lower(during)) > timestamp '2023-12-01', max(upper(during)) < timestamp '2024-06-01' from {}.booking"
    ((real, *_),), ((made, several, from_then, to_then),) = (ask(url, shape.format(s)) for s in ("public", "dev"))
    assert abs(float(str(made)) - float(str(real))) < 0.3
    assert (several, from_then, to_then) == (True, True, True)


def test_open_ends_missing_groups_and_ranges_of_two_columns(url: str) -> None:
    run_script(url, STAYS)
    done = clone(url, "--to", "dev", "--seed", "1", "--effort", "quick", "--rows", "seat=400")
    assert done.exit_code == 0, done.output
    assert not_valid(url) == []
    assert ask(
        url, "select (select count(*) from dev.stay), (select count(*) from dev.price), count(*) from dev.seat"
    ) == [(900, 300, 400)]
    assert ask(url, "select count(*) from dev.price where upper_inf(during)")[0][0] in (0, 1)


def test_two_constraints_and_a_whole_line(url: str) -> None:
    run_script(
        url,
        """
        create extension btree_gist;
        create table shift (id int primary key, person int not null, desk int not null,
            starts timestamptz not null, ends timestamptz not null, check (starts < ends),
            exclude using gist (person with =, tstzrange(starts, ends) with &&),
            exclude using gist (desk with =, tstzrange(starts, ends) with &&));
        insert into shift select i, i % 7, i % 7, timestamptz '2024-01-01' + (i / 7) * interval '1 day',
            timestamptz '2024-01-01' + (i / 7) * interval '1 day' + interval '8 hours' from generate_series(1, 420) i;
        create table one (id int primary key, during daterange, exclude using gist (during with &&));
        insert into one values (1, daterange(null, null));
        """,
    )
    done = clone(url, "--to", "dev", "--seed", "2", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert not_valid(url) == []
    assert ask(url, "select count(*) from dev.shift") == [(420,)]


def test_what_is_not_understood_is_refused(url: str) -> None:
    run_script(url, "create table area (id int primary key, spot circle, exclude using gist (spot with &&))")
    run_script(url, "insert into area values (1, '<(0,0),1>')")
    done = clone(url, "--to", "dev")
    assert done.exit_code == 4
    assert "area_spot_excl" in done.output
    assert "--exclude" in done.output
