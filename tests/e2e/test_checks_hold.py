"""CHECKs that the learned rows would not meet by themselves: made values shaped by patterns, functions of the database,
columns that depend on each other. All are created and validated in the target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dbsynth.cli import main
from dbsynth.testing.embedded import create_database, drop_database
from tests.e2e.catalog import ask, clone, not_valid, run_script

SHAPED = r"""
    create function fits(code text, size int) returns bool language plpgsql immutable
        as $$ begin return length(code) > 3 and size % 3 <> 1; end $$;
    create domain percent as numeric(5, 2) check (value between 0 and 100);
    create table part (
        id int primary key,
        code text not null unique check (code ~ '^[A-Z]{2}-\d{4}$'),
        mail text check (mail ~* '^[^@ ]+@corp\.example$'),
        slug text not null check (slug = lower(slug) and slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
        size int not null,
        low int not null, high int not null, total int not null,
        opened timestamptz not null, closed timestamptz,
        tags text[] not null check (cardinality(tags) between 1 and 4 and not ('' = any (tags))),
        extra jsonb not null check (jsonb_typeof(extra) = 'object' and extra ? 'kind'),
        share percent not null,
        check (fits(code, size)),
        check (low < high), check (total = low + high),
        check (closed is null or closed between opened and opened + interval '30 days'),
        check (num_nonnulls(mail, closed) >= 1));
    insert into part select i, 'AB-' || 1000 + i, case when i % 3 > 0 then 'user' || i || '@corp.example' end,
        'thing-' || i % 40, i % 3 + i % 2 * 3 - (i % 3 = 1)::int, i % 17, i % 17 + 1 + i % 5, 2 * (i % 17) + 1 + i % 5,
        timestamptz '2024-01-01' + i * interval '3 hours',
        case when i % 3 = 0 then timestamptz '2024-01-01' + i * interval '4 hours' end,
        array['t' || i % 4], jsonb_build_object('kind', i % 3), i % 100
    from generate_series(1, 150) i;
    delete from part where not (code ~ 'x') and closed > opened + interval '30 days';
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shaped(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "checks_shaped")
    run_script(url, SHAPED)
    yield url
    drop_database(url)


def test_made_values_meet_patterns_and_functions_of_the_database(shaped: str, folder: Path) -> None:
    done = clone(shaped, "--to", "dev", "--rows", "part=700", "--seed", "3", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert not_valid(shaped) == []
    assert ask(shaped, "select count(*), count(distinct code), count(distinct total) > 5 from dev.part") == [
        (700, 700, True)
    ]
    run_script(shaped, "drop schema dev cascade")


def test_a_check_that_old_rows_break_holds_in_the_clone(postgres_url: str, folder: Path) -> None:
    """NOT VALID: the source has rows from before; the target's are all made after."""
    url = create_database(postgres_url, "checks_not_valid")
    run_script(url, "create table old (id int primary key, phone text not null, kind text not null)")
    run_script(url, "insert into old select i, '0' || i, (array['a','b'])[1 + i % 2] from generate_series(1, 200) i")
    run_script(url, r"alter table old add constraint plus check (phone ~ '^\+[0-9]{6,12}$') not valid")
    done = clone(url, "--to", "dev", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert ask(url, r"select count(*) from dev.old where phone !~ '^\+[0-9]{6,12}$'") == [(0,)]
    assert ask(url, "select count(*) from dev.old") == [(200,)]
    drop_database(url)


@pytest.mark.parametrize("verb", ["plan", "clone"])
def test_checks_that_contradict_each_other_are_named_before_anything_is_trained(
    postgres_url: str, folder: Path, verb: str
) -> None:
    url = create_database(postgres_url, "checks_contradict")
    run_script(url, "create table stay (id int primary key, low int not null, high int not null, n int not null)")
    run_script(url, "insert into stay select i, i, i + 1, i from generate_series(1, 50) i")
    run_script(url, "alter table stay add constraint ordered check (low < high), add constraint fine check (n > 0)")
    run_script(url, "alter table stay add constraint turned check (high + 1 <= low) not valid")
    done = CliRunner().invoke(main, [verb, url, "--to", "dev"])
    assert done.exit_code == 4, done.output
    told = " ".join(done.output.split())
    assert "public.stay: CHECKs ordered ((low < high)) and turned (((high + 1) <= low)) contradict each other" in told
    assert "fine" not in told
    assert "  train (" not in done.output
    drop_database(url)
