"""Two hundred planted outliers: none of them comes back, in the clone, in the model, in the log or in the events."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from dbsynth.demo.__main__ import fill
from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import Clone, run
from tests.e2e import leaks

MORE = """
    alter table customer add profile jsonb, add labels text[], add sheet text, add area text, add plan text,
        add source text;
    update customer set
        profile = jsonb_build_object('lang', (array['de', 'en', 'fr'])[1 + customer_id % 3], 'visits', customer_id % 9),
        labels = array[(array['new', 'loyal'])[1 + customer_id % 2], (array['web', 'shop'])[1 + customer_id % 2]],
        sheet = '<card><tone>' || (array['warm', 'cold'])[1 + customer_id % 2] || '</tone></card>',
        area = 'area' || customer_id % 12, plan = 'plan' || customer_id % 12, source = 'source' || customer_id % 12;
"""
EACH = 20


@dataclass
class Planted:
    """``texts``: unique; ``numbers``: unique, by (table, column), as text; ``together``: unique combinations of
    ``area``, ``plan`` and ``source``, ``never``: as many that no row has."""

    texts: list[str] = field(default_factory=list)
    numbers: list[tuple[str, str, str]] = field(default_factory=list)
    together: set[tuple[str, ...]] = field(default_factory=set)
    never: set[tuple[str, ...]] = field(default_factory=set)

    def text(self, kind: str, i: int) -> str:
        found = f"zq{kind}{i * 7919 % 100_003:05}xw"
        self.texts.append(found)
        return found

    def number(self, table: str, column: str, value: str) -> str:
        self.numbers.append((table, column, value))
        return value

    def __len__(self) -> int:
        return len(self.texts) + len(self.numbers) + len(self.together)


def plant(url: str) -> Planted:
    """Ten kinds of outliers in parents and children, ``EACH`` of each, every one in a row of its own."""
    planted = Planted()
    text, number = planted.text, planted.number
    with psycopg.connect(conninfo(url), options="-c timezone=UTC") as connection:
        connection.execute(MORE.encode())

        def rows(table: str, key: str, where: str = "true") -> Iterator[int]:
            query = f"select {key} from {table} where {where} order by md5({key}::text || %s) limit {EACH}"
            return (r[0] for r in connection.execute(query.encode(), (str(len(planted)),)).fetchall())

        def set_(table: str, key: str, at: int, **values: object) -> None:
            pairs = ", ".join(f"{name} = %s" for name in values)
            connection.execute(f"update {table} set {pairs} where {key} = %s".encode(), (*values.values(), at))

        for i, at in enumerate(rows("customer", "customer_id", "email is not null")):
            set_("customer", "customer_id", at, email=f"{text('mail', i)}@{text('host', i)}.example")
        for i, at in enumerate(rows("customer", "customer_id")):
            set_("customer", "customer_id", at, last_name=text("name", i).capitalize())
        for i, at in enumerate(rows("customer", "customer_id")):
            document = {"lang": "de", text("key", i): {"secret": [i]}, "visits": 3}
            set_("customer", "customer_id", at, profile=json.dumps(document))
        for i, at in enumerate(rows("customer", "customer_id")):
            set_("customer", "customer_id", at, labels=["new", text("label", i)])
        for i, at in enumerate(rows("customer", "customer_id")):
            set_("customer", "customer_id", at, sheet=f"<card><tone>{text('xml', i)}</tone></card>")
        for i, at in enumerate(rows("orders", "order_id")):
            note = f"please {text('note', i)} leave it at gate number {i} behind the {text('long', i)} shed " * 3
            set_("orders", "order_id", at, note=note)
        for i, at in enumerate(rows("product", "product_id")):
            weight = f"{700 + i * i}.{i * 37 % 89 + 10}1"
            set_("product", "product_id", at, weight_kg=number("product", "weight_kg", weight))
        for i, at in enumerate(rows("customer", "customer_id")):
            day = f"19{80 + i * i % 13:02}-0{1 + i % 9}-{10 + i * 7 % 19}"
            moment = f"{day} 0{i % 10}:{10 + i * 11 % 49}:{10 + i * 13 % 49}+00"
            set_("customer", "customer_id", at, signed_up_at=number("customer", "signed_up_at", moment))
        combinations = itertools.product(*([f"{n}{i}" for i in range(12)] for n in ("area", "plan", "source")))
        some = [c for c in combinations if len({w.lstrip("areplnsouc") for w in c}) == 3]
        random.Random(1).shuffle(some)
        planted.together, planted.never = set(some[:EACH]), set(some[EACH : 2 * EACH])
        for at, (area, plan, source) in zip(rows("customer", "customer_id"), sorted(planted.together), strict=True):
            set_("customer", "customer_id", at, area=area, plan=plan, source=source)
    return planted


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[tuple[Clone, Planted]]:
    source, target = (create_database(postgres_url, f"canaries_{n}") for n in ("source", "target"))
    fill(source)
    planted = plant(source)
    yield run(source, target), planted
    for url in (source, target):
        drop_database(url)


def everything(url: str) -> Iterator[str]:
    for schema, table in leaks.read(url, "select schemaname, tablename from pg_tables where schemaname = 'public'"):
        yield from (r[0] for r in leaks.read(url, f"select t::text from {leaks.quoted(schema, table)} t"))


def test_there_are_two_hundred(shop: tuple[Clone, Planted]) -> None:
    made, planted = shop
    source = "\n".join(everything(made.source)).casefold()
    assert len(planted) >= 200
    assert [t for t in planted.texts if t not in source] == []
    assert [n for _, _, n in planted.numbers if n not in source] == []


def test_no_planted_text_is_seen_again(shop: tuple[Clone, Planted], tmp_path: Path) -> None:
    made, planted = shop
    made.save(tmp_path / "model")
    bytes_ = b"".join(f.read_bytes() for f in sorted((tmp_path / "model").iterdir())).decode("latin-1").casefold()
    places = {
        "clone": "\n".join(everything(made.target)).casefold(),
        "model": bytes_ + "\n".join(leaks.written(tmp_path / "model").texts).casefold(),
        "log": made.log.casefold(),
        "events": "\n".join(e.to_json() for e in made.events).casefold(),
    }
    found = {where: [t for t in planted.texts if t in told] for where, told in places.items()}
    assert not any(found.values()), found


def test_no_planted_number_is_seen_again(shop: tuple[Clone, Planted]) -> None:
    made, planted = shop
    values: Callable[[str, str], set[str]] = lambda table, column: set(  # noqa: E731
        leaks.values(made.target, "public", table, column)
    )
    stored = {
        (table, column): leaks.stored_numbers(blob, column)
        for table, column, _ in planted.numbers
        for name, blob in made.learned.items()
        if name.name == table
    }
    columns = {c.name: c for c in leaks.columns(made.source, ())}
    for table, column, value in planted.numbers:
        assert value not in values(table, column), (table, column, value)
        unit = leaks.as_number(made.source, columns[f"public.{table}.{column}"], value)
        assert unit not in stored[table, column], (table, column, value)


def test_unique_combinations_come_back_no_more_than_ones_that_never_were(shop: tuple[Clone, Planted]) -> None:
    made, planted = shop
    rows = {tuple(r) for r in leaks.read(made.target, "select area, plan, source from customer")}
    assert len(rows & planted.together) <= len(rows & planted.never) + 3
