"""Codes say of their row what the source's say of theirs, in its order, with check digits that are right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.artifact.encode import Decoder, Encoder
from dbsynth.rng import generator
from dbsynth.schema.model import Column, Key, Table, TableName
from dbsynth.schema.roles import infer_roles
from dbsynth.values import fit_generators
from dbsynth.values.check_digits import CHECKS, completed, proved_by
from dbsynth.values.codes import Codes
from dbsynth.values.pattern import Pattern

K = 5
N = 600


def days(count: int, seed: int) -> np.ndarray:
    """Rising dates over three years."""
    rng = generator(seed, "days")
    return np.datetime64("2021-01-01") + np.sort(rng.integers(0, 3 * 365, count))


def drawn(values: list[str], guides: Mapping[str, pa.Array], row: Mapping[str, pa.Array], seed: int = 1) -> list[str]:
    codes = Codes.fit(values, guides, K)
    assert isinstance(codes, Codes)
    count = len(next(iter(row.values())))
    return codes.beside(row, np.arange(count)).draw(count, generator(seed))


def test_year_and_counter_follow_the_date() -> None:
    real, made = days(N, 1), days(N, 2)
    values = [f"ORD-{str(d)[:4]}-{i + 1:06}" for i, d in enumerate(real)]
    out = drawn(values, {"at": pa.array(real)}, {"at": pa.array(made)})
    assert all(re.fullmatch(r"ORD-\d{4}-\d{6}", v) for v in out)
    assert [v[4:8] for v in out] == [str(d)[:4] for d in made]
    numbers = [int(v[-6:]) for v in out]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == N


def test_a_counter_keeps_its_order_where_rows_come_in_any() -> None:
    rng = generator(1, "any")
    order = rng.permutation(N)
    keys = np.arange(N)[order]
    values = [f"T{1000 + 3 * k:07}" for k in keys]
    fresh = rng.permutation(N)
    out = drawn(values, {"id": pa.array(keys)}, {"id": pa.array(fresh)})
    numbers = np.array([int(v[1:]) for v in out])
    assert (np.diff(numbers[np.argsort(fresh)]) > 0).all()
    assert 2 < np.diff(np.sort(numbers)).mean() < 4


def test_the_parents_code_and_a_count_within_it() -> None:
    rng = generator(1, "parents")

    def rows(parents: list[str]) -> list[str]:
        return sorted(parents[i] for i in rng.integers(0, len(parents), N))

    chosen, count, values = rows([f"CU{i:03}" for i in range(40)]), Counter[str](), []
    for code in chosen:
        count[code] += 1
        values.append(f"INV-{code}-{count[code]:03}")
    ids = pa.array(np.arange(N))
    other = rows([f"XY{i:03}" for i in range(30)])
    out = drawn(values, {"customer": pa.array(chosen), "id": ids}, {"customer": pa.array(other), "id": ids})
    assert [v[4:9] for v in out] == other
    for code in set(other):
        assert [int(v[-3:]) for v, c in zip(out, other, strict=True) if c == code] == list(
            range(1, other.count(code) + 1)
        )


def test_letters_that_another_column_tells() -> None:
    rng = generator(1, "letters")
    kinds = np.array(["books", "garden", "music", "toys"])
    real, made = (kinds[rng.integers(0, 4, N)] for _ in range(2))
    values = [f"{c[:3].upper()}{rng.integers(0, 10**6):06}" for c in real]
    out = drawn(values, {"kind": pa.array(real)}, {"kind": pa.array(made)})
    assert [v[:3] for v in out] == [c[:3].upper() for c in made]


@pytest.mark.parametrize("name", CHECKS)
def test_check_digits_are_recognised_and_right(name: str) -> None:
    rng = generator(1, "check", name)
    bodies = ["".join(map(str, rng.integers(0, 10, 12))) for _ in range(N)]
    values = completed([f"{b[:4]}-{b[4:8]}-{b[8:]}" for b in bodies], name)
    assert proved_by(values, name)
    out = drawn(values, {}, {"id": pa.array(np.arange(N))})
    assert proved_by(out, name)
    assert completed(out, name) == out


def test_known_numbers_prove_themselves() -> None:
    """Published examples of each scheme."""
    examples = {
        "luhn": ["4111111111111111", "79927398713"],
        "ean": ["4006381333931", "9780306406157"],
        "mod 97,10": ["79444"],
        "mod 11,10": ["07945"],
        "verhoeff": ["2363"],
    }
    for name, values in examples.items():
        assert completed(values, name) == values, name


@settings(max_examples=50)
@given(st.lists(st.from_regex(r"[0-9]{6,15}", fullmatch=True), min_size=1, max_size=20), st.sampled_from(CHECKS))
def test_completing_keeps_the_length_and_is_final(values: list[str], name: str) -> None:
    values = [v.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789")) for v in values if v.isascii()]
    out = completed(values, name)
    assert [len(v) for v in out] == [len(v) for v in values]
    assert completed(out, name) == out


def test_codes_that_say_nothing_of_their_row_are_a_pattern() -> None:
    rng = generator(1, "plain")
    values = ["".join(rng.choice(list("ABCDEFGH"), 5)) for _ in range(N)]
    assert isinstance(Codes.fit(values, {"at": pa.array(days(N, 1))}, K), Pattern)
    assert isinstance(Codes.fit([], {}, K), Pattern)
    assert isinstance(Codes.fit(["A-1"], {"at": pa.array(days(1, 1))}, K), Pattern)


def test_a_row_without_the_date_gets_a_code_too() -> None:
    values = [f"R{str(d)[:4]}{i % 97:02}" for i, d in enumerate(days(N, 1))]
    codes = Codes.fit(values, {"at": pa.array(days(N, 1))}, K)
    assert isinstance(codes, Codes)
    out = codes.beside({"at": pa.array([None] * 20, pa.date32())}, np.arange(20)).draw(20, generator(1))
    assert all(re.fullmatch(r"R\d{6}", v) for v in out)
    assert len(codes.beside({}, np.arange(20)).draw(20, generator(1))) == 20


def test_a_unique_column_of_a_table_counts_on_and_survives_saving() -> None:
    table = Table(
        TableName("s", "orders"),
        (Column("code", sqltypes.Text(), "text", False), Column("ordered", sqltypes.Date(), "date", False)),
    )
    real = days(N, 1)
    data = pa.table({"code": [f"ORD-{str(d)[:4]}-{i + 1:06}" for i, d in enumerate(real)], "ordered": pa.array(real)})
    maker = fit_generators(table, data, infer_roles(table, data, K), ["code"], unique={"code"}, k=K, seed=1)[0]
    encoder = Encoder()
    saved = Decoder((tree := encoder.encode(maker)) and encoder.tensors).decode(tree)
    for one in (maker, saved):
        row = {"ordered": pa.array(days(N, 3))}
        out = one.generate({"code": np.ones(N, bool)}, row, generator(1))["code"].to_pylist()
        more = one.generate({"code": np.ones(N, bool)}, row, generator(2))["code"].to_pylist()
        assert len({*out, *more}) == 2 * N
        assert [v[4:8] for v in out] == [str(d)[:4] for d in days(N, 3)]
        assert not {*out, *more} & set(data.column("code").to_pylist())


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize(("words", "free"), [(12, True), (2, False)])
def test_words_beside_a_key_are_none_of_the_sources_where_there_are_many(words: int, free: bool, unique: bool) -> None:
    """Of two words a quarter of the rows have the source's by chance: else all would tell what it was not."""
    rng = generator(1, "words", words)
    some = np.array([f"{chr(65 + i)}{'abcdefghijkl'[i] * 4}" for i in range(words)])
    ids = np.arange(1, N + 1)
    named = [f"{a} {b.lower()} {i}" for a, b, i in zip(rng.choice(some, N), rng.choice(some, N), ids, strict=True)]
    columns = (Column("id", sqltypes.Integer(), "integer", False), Column("name", sqltypes.Text(), "text", False))
    table, data = Table(TableName("s", "product"), columns), pa.table({"id": ids, "name": named})
    once = {"name"} if unique else set()
    [maker] = fit_generators(table, data, infer_roles(table, data, K), ["name"], unique=once, k=K, seed=1)
    out = maker.generate({"name": np.ones(N, bool)}, {"id": pa.array(ids)}, generator(2))["name"].to_pylist()
    assert [int(v.split(" ")[-1]) for v in out] == ids.tolist(), "the key stays"
    again = sum(a == b for a, b in zip(out, named, strict=True))
    assert again == 0 if free else again > N / 8
    most = Counter(v.split(" ")[0] for v in out).most_common(1)[0][1]
    assert most < 1.5 * N / words


def test_a_date_in_front_of_other_digits_is_the_rows() -> None:
    rng = generator(1, "glued")
    real, made = days(N, 1), days(N, 2)
    values = [f"{str(d).replace('-', '')}{rng.integers(0, 10**4):04}" for d in real]
    out = drawn(values, {"at": pa.array(real)}, {"at": pa.array(made)})
    assert [v[:8] for v in out] == [str(d).replace("-", "") for d in made]
    assert {len(v) for v in out} == {12}


def test_a_counter_rises_over_days_of_many_rows() -> None:
    real, made = days(20 * N, 1), days(20 * N, 2)
    values = [f"ORD-{str(d)[:4]}-{i + 1:08}" for i, d in enumerate(real)]
    out = drawn(values, {"at": pa.array(real)}, {"at": pa.array(made)})
    numbers = [int(v[-8:]) for v in out]
    assert numbers == sorted(numbers)
    assert len(set(out)) == 20 * N
    assert not set(out) & set(values)


def test_a_key_says_of_its_row_what_a_code_does() -> None:
    days = np.datetime64("2022-01-01") + np.sort(generator(1, "days").integers(0, 900, 600))
    columns = (
        Column("id", sqltypes.Integer(), "integer"), Column("no", sqltypes.Text(), "text"),
        Column("day", sqltypes.Date(), "date"),
    )  # fmt: skip
    owner = Table(TableName("s", "orders"), columns, uniques=(Key("u", ("no",), ""),))
    numbers = [f"ORD-{str(d)[:4]}-{i:06}" for i, d in enumerate(days, 1)]
    data = pa.table({"id": range(1, 601), "no": numbers, "day": pa.array(days)})
    [made] = fit_generators(owner, data, infer_roles(owner, data, K), ["no"], unique={"no"}, k=K, seed=1)
    row = {"id": pa.array(range(1, 601)), "day": pa.array(days[::-1])}
    out = made.generate({"no": np.ones(600, bool)}, row, generator(2))["no"].to_pylist()
    assert [v[4:8] for v in out] == [str(d)[:4] for d in days[::-1]]
    assert len(set(out)) == 600
