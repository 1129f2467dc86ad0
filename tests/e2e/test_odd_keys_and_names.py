"""Sources with hostile names and with keys that leave little choice, cloned by the command line: nothing is missing,
and every constraint holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dbsynth.testing.embedded import create_database, drop_database
from tests.e2e.catalog import ask, clone, counts, not_valid, objects, run_script, schemas

HOSTILE = 'Tärg"et ; drop -- $x %s \\'


@dataclass(frozen=True)
class Pair:
    source: str
    target: str
    said: str


@pytest.fixture(scope="module")
def cloned(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Pair]]:
    """``cloned("odd_names")``: a database filled by that script, and its clone; once each."""
    pairs: dict[str, Pair] = {}

    def get(name: str) -> Pair:
        if name not in pairs:
            source = create_database(postgres_url, f"{name}_source")
            target = create_database(postgres_url, f"{name}_target")
            run_script(source, (Path(__file__).parent / f"{name}.sql").read_text())
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(tmp_path_factory.mktemp(name))
                done = clone(source, "--to", target, "--seed", "3", "--effort", "quick")
            assert done.exit_code == 0, done.output
            pairs[name] = Pair(source, target, done.output)
        return pairs[name]

    yield get
    for pair in pairs.values():
        drop_database(pair.source)
        drop_database(pair.target)


@pytest.mark.parametrize("name", ["odd_names", "odd_keys", "more_types"])
def test_the_clone_has_all_tables_rows_constraints_and_indexes(cloned: Callable[[str], Pair], name: str) -> None:
    pair = cloned(name)
    assert counts(pair.target) == counts(pair.source)
    assert objects(pair.target) == objects(pair.source)
    assert not_valid(pair.target) == []


def test_keys_of_closed_sets_use_all_their_values(cloned: Callable[[str], Pair]) -> None:
    target = cloned("odd_keys").target
    assert ask(target, "select array_agg(mood order by mood)::text from moods") == [("{sad,ok,happy}",)]
    assert ask(target, "select array_agg(a order by a)::text from one_of_each") == [("{f,t}",)]
    assert ask(target, "select count(distinct m), min(m), max(m) from months") == [(12, 1, 12)]


def test_keys_of_one_letter_are_made_though_the_source_has_them_all(cloned: Callable[[str], Pair]) -> None:
    ((rows, odd),) = ask(cloned("odd_keys").target, "select count(*), count(*) filter (where c !~ '\\w') from letters")
    assert (rows, odd) == (26, 0)


def test_generated_columns_are_computed_by_the_database(cloned: Callable[[str], Pair]) -> None:
    pair = cloned("odd_keys")
    wrong = "select count(*) from computed where low <> lower(email) or k2 <> k % 30"
    assert ask(pair.target, wrong) == [(0,)]
    same = "select email from computed"
    assert not {*ask(pair.target, same)} & {*ask(pair.source, same)}


def test_infinities_nan_and_years_before_christ_stay_what_they_are(cloned: Callable[[str], Pair]) -> None:
    pair = cloned("more_types")
    special = """select count(*) filter (where f8 = 'NaN') between 30 and 90,
        count(*) filter (where f8 = '-Infinity') between 30 and 90,
        count(*) filter (where n = 'NaN') between 40 and 110,
        count(*) filter (where ts = 'infinity') between 40 and 110, count(*) filter (where tz = '-infinity') > 40,
        bool_and(extract(year from d) = -4713) from more_types"""
    assert ask(pair.source, special) == ask(pair.target, special) == [(True,) * 6]


def test_scaling_up_stops_at_what_the_keys_allow(
    cloned: Callable[[str], Pair], postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = create_database(postgres_url, "odd_scaled")
    few = ["--tables", "moods", "--tables", "months", "--tables", "days"]
    done = clone(cloned("odd_keys").source, "--to", target, *few, "--scale", "5", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert "public.moods: 3 rows: its unique keys and CHECKs allow no more" in done.output
    assert list(counts(target).values()) == [1825, 12, 3]
    drop_database(target)


def test_into_a_schema_with_a_hostile_name(
    cloned: Callable[[str], Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = cloned("odd_names").source
    before = schemas(source)
    for _ in range(2):  # the second time it is replaced
        one = ["--schema", 'Ünï "schema" ; drop', "--effort", "quick"]
        done = clone(source, "--to", "#" + HOSTILE.replace("%", "%25"), *one)
        assert done.exit_code == 0, done.output
        assert sorted(schemas(source)) == sorted([*before, HOSTILE])
        assert counts(source)[HOSTILE, "table"] == 80
    run_script(source, 'drop schema "' + HOSTILE.replace('"', '""') + '" cascade')
