"""Made values: none of the source's, unique where they must be, of the right shape, and they belong together."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.rng import generator
from dbsynth.values.column import MadeColumn
from dbsynth.values.guard import Guard
from dbsynth.values.pattern import Pattern, shape_of
from dbsynth.values.person import Identities
from dbsynth.values.person_columns import persons
from dbsynth.values.spelling import plain
from dbsynth.values.structured import Uuids
from dbsynth.values.words import Words

K = 5


def made(column: MadeColumn, rows: int, seed: int = 1) -> list[str]:
    present = {column.columns[0]: np.ones(rows, bool)}
    return column.generate(present, {}, generator(seed))[column.columns[0]].to_pylist()


def column_of(values: Sequence[str], *, unique: bool = False, length: int | None = None) -> MadeColumn:
    return MadeColumn("t", "c", Pattern.fit(values, K), Guard(values, 7), unique=unique, max_length=length)


def test_a_guard_knows_values_whatever_their_case_and_blanks() -> None:
    guard = Guard(["Anna  Meier"], 1)
    assert "anna meier" in guard
    assert "Anna Maier" not in guard


def test_a_guard_can_deny_what_it_knows() -> None:
    """It takes about one in 16 of the values that were never there for one that was: a yes proves nothing."""
    there = [f"person {i}" for i in range(2000)]
    guard = Guard(there, 1)
    assert all(v in guard for v in there)
    strangers = [f"stranger {i}" for i in range(4000)]
    assert 0.04 < np.mean([v in guard for v in strangers]) < 0.08
    assert guard.filter.bits.nbytes == 4000  # 16 bits a value: no room to hold them


@settings(max_examples=40)
@given(st.lists(st.from_regex(r"[A-Z]{2}-[0-9]{3}", fullmatch=True), min_size=1, max_size=50))
def test_codes_keep_their_shape_and_are_none_of_the_sources(values: list[str]) -> None:
    out = made(column_of(values), 60)
    assert {shape_of(v) for v in out} == {"AA-999"}
    assert not set(out) & set(values)


def test_unique_values_stay_unique_over_calls() -> None:
    column = column_of([f"{i:04}" for i in range(1000)], unique=True)
    seen = [v for turn in range(4) for v in made(column, 2000, turn)]
    assert len(set(seen)) == 8000


def test_a_code_whose_letters_are_used_up_takes_others() -> None:
    """Two letters of few: with those of the source taken, the learned alphabet has too few left."""
    values = [a + b for a in "ABCDEF" for b in "ABCDEF"]
    out = made(column_of(values, unique=True, length=2), 200)
    assert len(set(out)) == 200
    assert all(len(v) == 2 for v in out)
    assert not set(out) & set(values)


def test_what_the_guard_takes_for_a_value_of_the_source_does_not_use_a_code_up() -> None:
    """Half of the thousand codes are taken, and the guard refuses some of the others by mistake: as many as are free
    are made nevertheless, none of them one of the source's."""
    values = [f"{i:03}" for i in range(0, 1000, 2)]
    out = made(column_of(values, unique=True, length=3), 500)
    assert len(set(out)) == 500
    assert all(len(v) == 3 for v in out)
    assert not set(out) & set(values)


def test_a_shape_that_holds_too_few_values_is_an_error_that_names_the_column() -> None:
    with pytest.raises(UnsatisfiableConstraint, match=r"t\.c"):
        made(column_of(["A", "B"] * 10, unique=True, length=1), 500)


def people(values: dict[str, list[str]], roles: dict[str, str], unique: set[str]) -> Identities:
    lengths = dict.fromkeys(roles)
    (person,) = persons(roles, values)
    return Identities("t", person, list(roles), roles, values, unique=unique, lengths=lengths, k=K, seed=1)


def test_the_names_and_the_address_of_a_row_are_one_persons() -> None:
    source = {
        "first": ["Ann", "Bob", "Cyd"] * 10,
        "last": [f"Real{chr(97 + i)}" for i in range(26)] + ["Kent"] * 4,
    }
    source["mail"] = [f"{f[0]}.{n}@mail.test".lower() for f, n in zip(source["first"], source["last"], strict=True)]
    identities = people(source, {"first": "first_name", "last": "last_name", "mail": "email"}, {"mail"})
    present = dict.fromkeys(source, np.ones(400, bool))
    out = {c: a.to_pylist() for c, a in identities.generate(present, {}, generator(1)).items()}
    assert len(set(out["mail"])) == 400
    for column, values in source.items():
        assert not {v.casefold() for v in out[column]} & {v.casefold() for v in values}
    own = [last.lower().replace("'", "") in mail for last, mail in zip(out["last"], out["mail"], strict=True)]
    assert np.mean(own) > 0.9


def test_where_there_is_no_value_none_is_made() -> None:
    present = {"c": np.array([True, False, True])}
    out = column_of(["AB-1"]).generate(present, {}, generator(1))["c"]
    assert out.is_null().to_pylist() == [False, True, False]


def test_text_has_the_sources_words_only_where_k_rows_share_them() -> None:
    values = [f"zq{'abcdefgh'[i % 8]}{'jklmn'[i // 8]} common term number {i}" for i in range(40)]
    text = " ".join(Words.fit(values, K).draw(500, generator(2))).lower()
    assert "zq" not in text
    assert "common" in text


def test_text_ends_with_a_whole_word() -> None:
    words = Words.fit(["alpha beta gamma delta epsilon zeta eta theta"] * 20, K)
    known = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"}
    seen = {w.lower() for v in words.draw(200, generator(2)) for w in v.split()}
    assert known <= seen
    from dbsynth.values.pools import pool

    assert seen <= known | {w.lower() for w in pool("word")}


def test_uuids_are_random_ones_of_version_four() -> None:
    out = Uuids().draw(100, generator(1))
    assert {uuid.UUID(v).version for v in out} == {4}
    assert len(set(out)) == 100
    assert out == Uuids().draw(100, generator(1))


def test_words_do_not_depend_on_how_a_process_hashes_texts() -> None:
    script = (
        "import numpy as np; from dbsynth.values.words import Words;"
        "texts = [f'{a} {b} lamp' for a in 'red green blue white'.split() for b in 'old new big fine'.split()] * 3;"
        "print(Words.fit(texts, 5).draw(20, np.random.default_rng(2)))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1


def test_an_address_that_is_taken_is_the_same_name_with_a_number() -> None:
    """One in sixteen values seems to be the source's: the row's address follows its name all the same."""
    roles = {"first_name": "first_name", "last_name": "last_name", "email": "email"}
    known = [f"Given{i} Family{i}" for i in range(200)]
    values = {
        "first_name": [k.split()[0] for k in known],
        "last_name": [k.split()[1] for k in known],
        "email": [k.replace(" ", ".").lower() + "@corp.example" for k in known],
    }
    made = people(values, roles, {"email"}).generate({c: np.ones(3000, bool) for c in roles}, {}, generator(1))
    rows = zip(*(made[c].to_pylist() for c in roles), strict=True)
    own = [email.startswith(f"{plain(first)}.{plain(last)}") for first, last, email in rows]
    assert np.mean(own) > 0.995
    assert len(set(made["email"].to_pylist())) == 3000
