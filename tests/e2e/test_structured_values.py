"""Values with an inner structure through a whole clone: PostgreSQL takes them, and counts the same shapes in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import Clone, run

SHARES = {
    "jsonb": [
        "doc->>'kind' = 'order'", "doc ? 'items'", "doc->'items'->0->>'sku' like 'S-%'", "doc ? 'plan'",
        "jsonb_array_length(doc->'items') = 3", "doc->'retry' = 'null'", "(doc->>'paid')::boolean",
        "jsonb_typeof(doc->'code') = 'number'", "doc ? 'text'",
    ],
    "text that is JSON": [
        "raw is null", "raw::json->>'ok' = 'true'", "(raw::json->>'v')::int < 5", "raw like '{\"v\":%'",
    ],
    "arrays": [
        "array_ndims(grid) = 2", "array_length(grid, 1) = 2 and array_length(grid, 2) = 3", "grid = '{}'",
        "cardinality(tags) = 2", "'amber' = any(tags)", "tags = array(select distinct unnest(tags) order by 1)",
        "cardinality(prices) = 3", "'infinity' = any(dates)",
    ],
    "ranges": [
        "isempty(seen)", "upper_inf(seen)", "lower_inc(seen)", "upper(stay) - lower(stay) between 1 and 9",
        "lower(stay) between '2023-01-01' and '2023-10-28'",
    ],
    "hstore and composites": ["h ? 'none'", "h->'colour' = 'blue'", "p is null", "(p).label = 'high'", "(p).x < 20"],
    "bytes and networks": [
        "length(picture) > 30", "substring(picture for 4) = '\\x89504e47'", "substring(picture for 4) = '\\x25504446'",
        "family(host) = 6", "masklen(host) = 16", "length(vb) = 4",
    ],
    "infinities": [
        "until = 'infinity'", "until = '-infinity'", "until > '294246-01-01' and isfinite(until)", "at = '24:00'",
        "n = 'NaN'", "n = 'Infinity'", "f = 'NaN'", "f = 'Infinity'",
    ],
}  # fmt: skip
ALWAYS = {
    "doc->>'kind' = 'order'": "doc ? 'items' and doc ? 'paid' and not doc ? 'text'",
    "doc->>'kind' = 'note'": "doc ? 'text' and not doc ? 'items'",
    "doc ? 'owner'": "(doc->>'owner')::int = owner_id and (doc->>'total')::numeric = amount",
    "doc ? 'items'": "not jsonb_path_exists(doc, '$.items[*] ? (!exists (@.sku) || !exists (@.qty))')",
    "not isempty(seen)": "lower(seen) <= upper(seen) or upper_inf(seen)",
}
"""Where the first holds, the second does."""


@pytest.fixture(scope="module")
def clone(postgres_url: str) -> Iterator[Clone]:
    urls = [create_database(postgres_url, f"structured_{side}") for side in ("source", "target")]
    script = (Path(__file__).parent / "structured.sql").read_bytes()
    with psycopg.connect(conninfo(urls[0]), autocommit=True) as connection:
        connection.execute(script)
    yield run(*urls)
    for url in urls:
        drop_database(url)


@pytest.fixture(scope="module")
def count(clone: Clone) -> Callable[[str], tuple[int, int]]:
    """The rows of both sides of which a condition is true."""

    def ask(condition: str) -> tuple[int, int]:
        found = []
        for url in (clone.source, clone.target):
            with psycopg.connect(conninfo(url)) as connection:
                query = f"select count(*) filter (where {condition}) from structured"
                row = connection.execute(query.encode()).fetchone()
                assert row is not None
                found.append(int(row[0]))
        return found[0], found[1]

    return ask


@pytest.mark.parametrize("condition", [c for group in SHARES.values() for c in group])
def test_shapes_are_as_frequent_as_in_the_source(condition: str, count: Callable[[str], tuple[int, int]]) -> None:
    real, made = count(condition)
    assert real > 0
    assert abs(real - made) <= 0.05 * 1200


@pytest.mark.parametrize("condition", ALWAYS)
def test_rules_of_documents_hold(condition: str, count: Callable[[str], tuple[int, int]]) -> None:
    some, both = count(condition)[1], count(f"({condition}) and ({ALWAYS[condition]})")[1]
    assert some > 0
    assert some == both


def test_what_a_document_says_depends_on_the_parents_row(clone: Clone) -> None:
    with psycopg.connect(conninfo(clone.target)) as connection:
        query = b"select (o.tier = 'gold') = (s.doc ? 'plan') from structured s join owners o on o.id = s.owner_id"
        agreed = [bool(a) for (a,) in connection.execute(query)]
    assert sum(agreed) > 0.97 * len(agreed)


def test_texts_of_single_rows_do_not_come_out(clone: Clone) -> None:
    sides = []
    for url in (clone.source, clone.target):
        with psycopg.connect(conninfo(url)) as connection:
            found = connection.execute(b"select doc->>'text' from structured where doc ? 'text'")
            sides.append({text for (text,) in found})
    assert not sides[0] & sides[1]
    assert json.loads(json.dumps(sorted(sides[1])))
