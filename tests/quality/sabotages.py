"""What can be done to a good clone by hand, each with what a verification has to name of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from dbsynth.testing.embedded import conninfo

Damage = str | Callable[[str, str], None]
"""SQL on the target; or what is done with the URLs of the source and the target."""


@dataclass(frozen=True)
class Sabotage:
    """``table``, ``columns``: what findings have to name, one of ``columns`` at least (none: the table alone).
    ``gate``: which they close ("": any)."""

    name: str
    database: str
    damage: Damage
    table: str
    columns: tuple[str, ...] = ()
    gate: str = "quality"

    def do(self, source: str, target: str) -> None:
        if callable(self.damage):
            self.damage(source, target)
            return
        with psycopg.connect(conninfo(target), autocommit=True) as connection:
            connection.execute(self.damage.encode())


def shuffled(table: str, key: str, column: str) -> str:
    """The values of ``column`` dealt out anew."""
    return f"""
    update {table} t set {column} = s.value
    from (select {key}, row_number() over (order by {key}) as n from {table}) k
    join (select {column} as value, row_number() over (order by md5({key}::text)) as n from {table}) s using (n)
    where t.{key} = k.{key}"""


def taken_over(table: str, key: str, columns: str, share: float) -> Callable[[str, str], None]:
    """``columns`` of a ``share`` of the rows become those of real rows."""
    names = columns.replace(" ", "").split(",")

    def damage(source: str, target: str) -> None:
        with psycopg.connect(conninfo(source)) as real, psycopg.connect(conninfo(target)) as made:
            keys = [k for (k,) in made.execute(f"select {key} from {table} order by {key}".encode())]
            rows = real.execute(f"select {columns} from {table} order by md5({key}::text)".encode()).fetchall()
            count = max(1, round(share * len(rows)))
            setters = ", ".join(f"{c} = %s" for c in names)
            sql = f"update {table} set {setters} where {key} = %s"
            for place, row in zip(keys[:: max(1, len(keys) // count)][:count], rows, strict=False):
                made.execute(sql.encode(), (*row, place))

    return damage


CHINOOK, NORTHWIND, PAGILA = "chinook", "northwind", "pagila17"
SABOTAGES = (
    Sabotage(
        "a column is shuffled", CHINOOK, shuffled("track", "track_id", "bytes"), "track", ("bytes", "milliseconds")
    ),
    Sabotage("a sum is broken", CHINOOK, "update invoice set total = total + 1", "invoice", ("total",), "violations"),
    Sabotage(
        "a copied column is broken",
        CHINOOK,
        "update invoice set billing_city = 'Nowhere'",
        "invoice",
        ("billing_city",),
        "violations",
    ),
    Sabotage(
        "two percent of real rows are copied",
        PAGILA,
        taken_over("customer", "customer_id", "first_name, last_name, email, create_date, last_update", 0.02),
        "customer",
        gate="privacy",
    ),
    Sabotage(
        "a foreign key is dropped",
        CHINOOK,
        "alter table track drop constraint track_album_id_fkey",
        "track",
        ("album_id",),
        "violations",
    ),
    Sabotage(
        "big parents lose their children",
        PAGILA,
        """delete from payment where customer_id in
        (select customer_id from payment group by 1 order by count(*) desc, 1 limit 200)""",
        "payment",
        ("customer_id",),
    ),
    Sabotage(
        "two columns change their contents",
        CHINOOK,
        "update track set milliseconds = bytes, bytes = milliseconds",
        "track",
        ("bytes", "milliseconds"),
    ),
    Sabotage(
        "dates are moved a year",
        CHINOOK,
        "update invoice set invoice_date = invoice_date + interval '1 year'",
        "invoice",
        ("invoice_date",),
    ),
    Sabotage("numbers are a tenth larger", PAGILA, "update payment set amount = amount * 1.1", "payment", ("amount",)),
    Sabotage(
        "rare categories give way to the commonest",
        CHINOOK,
        """update invoice set billing_country = 'USA' where billing_country in
        (select billing_country from invoice group by 1 order by count(*), 1 limit 12)""",
        "invoice",
        ("billing_country",),
        "",
    ),
    Sabotage("texts are cut", CHINOOK, "update track set name = left(name, 3)", "track", ("name",)),
    Sabotage("values become null", CHINOOK, "update track set composer = null", "track", ("composer",)),
    Sabotage("a column becomes constant", PAGILA, "update film set length = 100", "film", ("length",)),
    Sabotage(
        "numbers are rounded",
        CHINOOK,
        "update track set milliseconds = round(milliseconds, -4), bytes = bytes",
        "track",
        ("milliseconds",),
    ),
    Sabotage(
        "rows are doubled",
        CHINOOK,
        """insert into track select track_id + 10000, name, album_id, media_type_id, genre_id, composer, milliseconds,
        bytes, unit_price from track""",
        "track",
    ),
    Sabotage(
        "children lose their parents",
        CHINOOK,
        "set session_replication_role = replica; update track set album_id = 99999 where track_id % 7 = 0",
        "track",
        ("album_id",),
        "violations",
    ),
    Sabotage("texts are written in capitals", CHINOOK, "update track set name = upper(name)", "track", ("name",)),
    Sabotage(
        "a foreign key is shuffled", CHINOOK, shuffled("track", "track_id", "genre_id"), "track", ("genre_id",), ""
    ),
    Sabotage(
        "rows are no longer in the order of time",
        CHINOOK,
        shuffled("invoice", "invoice_id", "invoice_date"),
        "invoice",
        ("invoice_date", "invoice_id"),
        "violations",
    ),
    Sabotage(
        "a personal column holds the real values",
        PAGILA,
        taken_over("customer", "customer_id", "email", 1.0),
        "customer",
        ("email",),
        "privacy",
    ),
    Sabotage(
        "a sequence is behind the last key",
        PAGILA,
        "select setval('customer_customer_id_seq', 1)",
        "customer",
        ("customer_id",),
        "violations",
    ),
    Sabotage("a table is emptied", CHINOOK, "delete from playlist_track", "playlist_track"),
    Sabotage("an index is dropped", PAGILA, "drop index idx_last_name", "customer", ("last_name",), "violations"),
    Sabotage(
        "a column that is never null is",
        NORTHWIND,
        "update orders set freight = null where order_id % 10 <> 0",
        "orders",
        ("freight",),
    ),
    Sabotage(
        "a tenth of one is",
        NORTHWIND,
        "update orders set freight = null where order_id % 10 = 0",
        "orders",
        ("freight",),
    ),
    Sabotage(
        "a quarter more is null",
        CHINOOK,
        "update track set composer = null where track_id % 4 = 0",
        "track",
        ("composer",),
    ),
    Sabotage("a kept label is spelt otherwise", CHINOOK, "update genre set name = 'Rokk' where name = 'Rock'", "genre"),
    Sabotage("texts are written without capitals", CHINOOK, "update track set name = lower(name)", "track", ("name",)),
    Sabotage(
        "days become moments",
        CHINOOK,
        "update invoice set invoice_date = invoice_date + interval '11 hours 13 minutes'",
        "invoice",
        ("invoice_date",),
    ),
    Sabotage(
        "one text of twenty is a real one",
        CHINOOK,
        taken_over("track", "track_id", "name", 0.05),
        "track",
        ("name",),
        "privacy",
    ),
    Sabotage(
        "a fifth has one value",
        CHINOOK,
        "update track set milliseconds = 250000 where track_id % 5 = 0",
        "track",
        ("milliseconds",),
    ),
    Sabotage(
        "some values are far too large",
        NORTHWIND,
        "update orders set freight = 99999 where order_id % 50 = 0",
        "orders",
        ("freight",),
    ),
    Sabotage(
        "some values are negative",
        NORTHWIND,
        "set session_replication_role = replica; update order_details set quantity = -quantity where order_id % 30 = 0",
        "order_details",
        ("quantity",),
    ),
    Sabotage(
        "a quarter of the telephones is one",
        PAGILA,
        "update address set phone = '000' where address_id % 4 = 0",
        "address",
        ("phone",),
    ),
    Sabotage(
        "a sixth is of one category",
        PAGILA,
        "update film_category set category_id = 1 where film_id % 6 = 0",
        "film_category",
        ("category_id",),
    ),
)
