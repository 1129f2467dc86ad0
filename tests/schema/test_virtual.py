"""Keys that the configuration declares, and keys that may be missing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from sqlalchemy import types as sqltypes

from dbsynth.cli import main
from dbsynth.errors import ConfigError
from dbsynth.schema.model import Column, Key, Schema, Table, TableName
from dbsynth.schema.virtual import VirtualKey, with_virtual_keys

WHOLE = sqltypes.Integer()
SCHEMA = Schema(
    (
        Table(TableName("s", "customer"), (Column("id", WHOLE, ""), Column("name", sqltypes.Text(), ""))),
        Table(TableName("s", "orders"), (Column("id", WHOLE, ""), Column("customer_id", WHOLE, ""))),
    )
)


def test_a_reference_may_need_a_virtual_primary_key() -> None:
    keys = [VirtualKey("orders", ("customer_id",), "customer"), VirtualKey("s.customer", ("id",))]
    found, warnings = with_virtual_keys(SCHEMA, keys)
    assert warnings == ()
    assert found.tables[0].primary_key == Key("customer_id_virtual", ("id",), "", virtual=True)
    [fk] = found.tables[1].foreign_keys
    assert (fk.columns, fk.ref_table.name, fk.ref_columns) == (("customer_id",), "customer", ("id",))
    assert not fk.enforced


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (VirtualKey("orders", ("customer",)), "has no column customer"),
        (VirtualKey("orders", ("customer_id",), "customer", ("id",)), "is no key"),
        (VirtualKey("orders", ("id", "customer_id"), "customer", ("id",)), "has 2 columns"),
    ],
)
def test_a_key_that_cannot_be_is_refused(key: VirtualKey, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        with_virtual_keys(SCHEMA, [key])


def test_a_table_that_is_not_here_is_told() -> None:
    _, [warning] = with_virtual_keys(SCHEMA, [VirtualKey("order", ("id",))])
    assert "did you mean" in warning


@pytest.fixture
def undeclared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("create table customer as select i as id, 'n' || i as name from range(1, 41) r(i)")
        connection.execute(
            "create table orders as select i as order_id, 1 + i % 40 as customer_id from range(1, 201) r(i)"
        )
        connection.execute(
            "create table order_line as select 1 + i // 3 as order_id, i % 3 as line_no, i * 7 % 100 as qty"
            " from range(0, 600) r(i)"
        )
    return f"duckdb:///{tmp_path}/shop.duckdb"


def test_suggested_keys_can_be_pasted_and_hold_in_the_clone(undeclared: str, tmp_path: Path) -> None:
    run = CliRunner().invoke
    told = run(main, ["inspect", undeclared, "--suggest-keys"])
    assert told.exit_code == 0, told.stderr
    text = told.stdout[told.stdout.index("# ") :]
    found = tomllib.loads(text)
    assert [(k["table"], k["columns"]) for k in found["primary_keys"]] == [
        ("main.customer", ["id"]),
        ("main.order_line", ["order_id", "line_no"]),
        ("main.orders", ["order_id"]),
    ]
    assert [(k["table"], k["columns"], k["ref_table"]) for k in found["foreign_keys"]] == [
        ("main.order_line", ["order_id"], "main.orders"),
        ("main.orders", ["customer_id"], "main.customer"),
    ]
    (tmp_path / "dbsynth.toml").write_text(text, encoding="utf-8")
    made = run(main, ["clone", undeclared, "--to", f"duckdb:///{tmp_path}/dev.duckdb", "--effort", "quick", "-q"])
    assert made.exit_code == 0, made.stderr
    with duckdb.connect(str(tmp_path / "dev.duckdb"), read_only=True) as connection:
        orphans = "select count(*) from orders anti join customer on customer.id = orders.customer_id"
        assert connection.execute(orphans).fetchall() == [(0,)]
        repeated = "select count(*) from (select order_id, line_no from order_line group by all having count(*) > 1)"
        assert connection.execute(repeated).fetchall() == [(0,)]
        assert connection.execute("select count(*) from duckdb_constraints()").fetchall()[0][0] == 0
    checked = run(main, ["inspect", f"duckdb:///{tmp_path}/dev.duckdb#main", "--check-keys"])
    assert "5 declared keys checked, 0 do not hold" in checked.stdout
