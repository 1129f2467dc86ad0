"""``python -m dbsynth.demo``: an embedded PostgreSQL, the shop in it, its clone, and both side by side.

Needs the extra ``testing`` (``pip install 'dbsynth[testing]'``); nothing is left behind.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.resources import files

import psycopg
from psycopg import sql
from rich.console import Console
from rich.text import Text

from dbsynth.console.output import cells, grid, heading, stdout_console
from dbsynth.demo.rows import TABLES, Shop
from dbsynth.testing.embedded import conninfo, create_database, embedded_postgres

SEED = 1
Row = tuple[object, ...]
COMPARED: tuple[tuple[str, str], ...] = (
    ("orders a customer, by loyalty",
     "select loyalty, round(count(order_id)::numeric / count(distinct c.customer_id), 2) from customer c "
     "left join orders o using (customer_id) group by 1 order by 1"),
    ("orders by status",
     "select status, count(*) from orders group by 1 order by 1"),
    ("hours from order to delivery, in a shop and by mail",
     "select case when store_id is null then 'mail' else 'shop' end, "
     "round(avg(extract(epoch from delivered_at - ordered_at) / 3600), 1) from orders group by 1 order by 1"),
    ("lines an order, and their mean discount, by loyalty",
     "select loyalty, round(count(*)::numeric / count(distinct order_id), 2) || ' lines, ' || "
     "round(100 * avg(discount), 1) || ' %' from order_line join orders using (order_id) "
     "join customer using (customer_id) group by loyalty order by loyalty"),
    ("revenue by department",
     "select d.name, round(sum(l.amount)) from order_line l join product using (product_id) "
     "join category c using (category_id) join category d on d.category_id = c.parent_id group by 1 order by 1"),
)  # fmt: skip
"""Questions that both schemas answer. The search path says of which one they are asked."""

SAMPLES = (
    ("customer", "select customer_id, first_name, last_name, email, loyalty, birth_date from customer "
                 "where email is not null order by customer_id limit 3"),
    ("orders", "select order_id, customer_id, status, ordered_at, shipped_at, delivered_at from orders "
               "where delivered_at is not null and delivered_at > shipped_at order by order_id limit 3"),
)  # fmt: skip

CONSTRAINTS = """select contype::text, count(*), count(*) filter (where convalidated) from pg_constraint
where connamespace = %s::regnamespace and contype in ('p', 'f', 'u', 'c') group by 1 order by 1"""
KINDS = {"c": "CHECKs", "f": "foreign keys", "p": "primary keys", "u": "unique constraints"}
COPIED = """select (select count(*) from dev.customer d join public.customer s using (email)),
    (select count(*) from dev.customer d join public.customer s
     using (first_name, last_name, birth_date, signed_up_at))"""


def fill(url: str) -> int:
    """Create the shop in the empty database ``url``; gives the number of its rows."""
    shop, rows = Shop(), 0
    with psycopg.connect(conninfo(url)) as connection:
        connection.execute(files("dbsynth.demo").joinpath("shop.sql").read_bytes())
        for table, columns in TABLES.items():
            names = sql.SQL(", ").join(sql.Identifier(name.strip()) for name in columns.split(","))
            statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), names)
            with connection.cursor().copy(statement) as copy:
                for row in shop.rows(table):
                    copy.write_row(row)
                    rows += 1
        connection.cursor().executemany("update store set manager_id = %s where store_id = %s", list(shop.managers()))
        for table, column in (("store", "store_id"), ("staff", "staff_id"), ("product", "product_id"),
                              ("customer", "customer_id"), ("orders", "order_id")):  # fmt: skip
            connection.execute(
                sql.SQL("select setval(pg_get_serial_sequence({}, {}), (select max({}) from {}))").format(
                    table, column, sql.Identifier(column), sql.Identifier(table)
                )
            )
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute("analyze")
    return rows


def clone(url: str) -> int:
    command = ["clone", url, "--to", "dev", "--seed", str(SEED), *sys.argv[1:]]
    print(f"$ dbsynth {' '.join(command)}\n", flush=True)
    return subprocess.run([sys.executable, "-m", "dbsynth.cli", *command]).returncode


def compare(console: Console, connection: psycopg.Connection[Row]) -> None:
    for title, query in COMPARED:
        console.print(heading(title))
        real, made = _answers(connection, "public", query), _answers(connection, "dev", query)
        table = grid("", "shop_prod", "dev (synthetic)", right=("shop_prod", "dev (synthetic)"))
        for key in real | made:
            table.add_row(*cells(key, real.get(key, "–"), made.get(key, "–")))
        console.print(table)


def show_samples(console: Console, connection: psycopg.Connection[Row]) -> None:
    for name, query in SAMPLES:
        console.print(heading(f"synthetic rows of {name}"))
        columns = [part.strip() for part in query.removeprefix("select").split(" from ")[0].split(",")]
        table = grid(*columns)
        for row in _ask(connection, "dev", query):
            table.add_row(*cells(*("" if value is None else value for value in row)))
        console.print(table)


def verify(console: Console, connection: psycopg.Connection[Row]) -> bool:
    """Constraints of both schemas, and customers of the source that are found in the clone."""
    console.print(heading("what the database says of the clone"))
    real, made = (connection.execute(CONSTRAINTS, (schema,)).fetchall() for schema in ("public", "dev"))
    for kind, count, valid in made:
        console.print(Text(f"  {count} {KINDS[str(kind)]}, {valid} validated"))
    copied = connection.execute(COPIED).fetchone()
    assert copied is not None
    console.print(Text(f"  {copied[0]} e-mail addresses and {copied[1]} customers of shop_prod in it"))
    return real == made and copied == (0, 0)


def _answers(connection: psycopg.Connection[Row], schema: str, query: str) -> dict[object, object]:
    return {row[0]: row[1] for row in _ask(connection, schema, query)}


def _ask(connection: psycopg.Connection[Row], schema: str, query: str) -> Sequence[Row]:
    connection.execute("select set_config('search_path', %s, false)", (schema,))
    return connection.execute(query.encode()).fetchall()


def main() -> int:
    console = stdout_console()
    console.print("starting an embedded PostgreSQL ...", style="dim")
    with embedded_postgres() as server:
        url = create_database(server, "shop_prod").replace("+psycopg", "")
        console.print(f"shop_prod: {len(TABLES)} tables, {fill(url):,} rows\n")
        failed = clone(url)
        if failed:
            return failed
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            compare(console, connection)
            show_samples(console, connection)
            return 0 if verify(console, connection) else 1


if __name__ == "__main__":
    sys.exit(main())
