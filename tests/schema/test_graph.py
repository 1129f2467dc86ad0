import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer

from dbsynth.errors import CannotClone
from dbsynth.relation.fills import plan_keys
from dbsynth.schema.graph import order
from dbsynth.schema.model import Column, ForeignKey, Key, Schema, Table, TableName


def table(
    name: str, *keys: tuple[str, str, bool], primary: tuple[str, ...] = ("id",), deferrable: bool = False
) -> Table:
    """``keys``: (column, parent, nullable)."""
    columns = [Column(c, Integer(), "integer", nullable=False) for c in primary]
    columns += [Column(c, Integer(), "integer", nullable=n) for c, _, n in keys if c not in primary]
    fks = [ForeignKey(f"{name}_{c}", (c,), TableName("s", p), ("id",), deferrable=deferrable) for c, p, _ in keys]
    return Table(TableName("s", name), tuple(columns), Key("pk", primary, ""), foreign_keys=tuple(fks))


def names(found) -> list[str]:
    return [n.name for n in found]


def test_parents_come_before_children():
    schema = Schema(
        (table("line", ("o", "orders", False)), table("orders", ("c", "customer", False)), table("customer"))
    )
    found = order(schema, {}, constraints_after_load=False)
    assert names(found.tables) == ["customer", "orders", "line"]
    assert found.cut == {}


def test_a_cycle_is_cut_at_its_nullable_key():
    schema = Schema((table("staff", ("store", "store", False)), table("store", ("manager", "staff", True))))
    found = order(schema, {}, constraints_after_load=False)
    assert list(found.cut) == [(TableName("s", "store"), "store_manager")]
    assert names(found.tables) == ["store", "staff"]


def test_a_cycle_without_a_soft_key_names_itself_and_the_remedy():
    schema = Schema((table("a", ("b", "b", False)), table("b", ("a", "a", False))))
    with pytest.raises(CannotClone, match=r"s\.a\(b\) -> s\.b; s\.b\(a\) -> s\.a form a cycle") as raised:
        order(schema, {}, constraints_after_load=False)
    assert "--exclude" in raised.value.hint


def test_any_cycle_can_be_cut_where_keys_are_created_after_the_load():
    schema = Schema((table("a", ("b", "b", False)), table("b", ("a", "a", False))))
    assert len(order(schema, {}, constraints_after_load=True).cut) == 1


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=25))
def test_every_graph_is_ordered_with_uncut_parents_first(arrows):
    keys: dict[int, list[tuple[str, str, bool]]] = {i: [] for i in range(8)}
    for i, (child, parent, nullable) in enumerate(arrows):
        keys[child].append((f"k{i}", f"t{parent}", nullable))
    schema = Schema(tuple(table(f"t{i}", *k) for i, k in keys.items()))
    found = order(schema, {}, constraints_after_load=True)
    place = {n: i for i, n in enumerate(found.tables)}
    assert len(place) == 8
    for t in schema.tables:
        for fk in t.foreign_keys:
            if fk.ref_table != t.name and not found.is_cut(t.name, fk):
                assert place[fk.ref_table] < place[t.name]


def fills(schema: Schema, name: str) -> dict[str, str]:
    found = order(schema, {}, constraints_after_load=True)
    plans = plan_keys(schema[TableName("s", name)], schema, found, {}, set())
    return {k.key.name: k.fill for k in plans}


def test_the_parent_a_table_is_named_after_gives_the_context():
    schema = Schema(
        (
            table("orders"),
            table("product"),
            table("order_line", ("product", "product", False), ("orders", "orders", False)),
        )
    )
    assert fills(schema, "order_line") == {"order_line_orders": "context", "order_line_product": "cluster"}


def test_a_key_to_a_table_that_is_left_out_is_dropped():
    schema = Schema((table("orders", ("c", "customer", True)),))
    assert fills(schema, "orders") == {"orders_c": "dropped"}


def test_a_wide_required_key_settles_the_narrow_one_inside_it():
    store, day = table("store"), table("day", ("store", "store", False), primary=("store", "day"))
    sales = table("sales", ("store", "store", False), primary=("store", "day"))
    wide = ForeignKey("wide", ("store", "day"), TableName("s", "day"), ("store", "day"))
    sales = Table(sales.name, sales.columns, sales.primary_key, foreign_keys=(*sales.foreign_keys, wide))
    assert fills(Schema((store, day, sales)), "sales") == {"wide": "context", "sales_store": "determined"}


def test_a_self_reference_is_made_level_by_level():
    assert fills(Schema((table("staff", ("boss", "staff", True)),)), "staff") == {"staff_boss": "self"}
