"""Facts among siblings that hold in every row of real databases: series without gaps, histories whose rows meet, keys
that rise with time. Each is a query for the rows that break it."""

from __future__ import annotations


def broken(table: str, family: str, order: str, breach: str, columns: str) -> str:
    """Rows of which ``breach`` is true; ``next_x`` is the ``x`` of the following row of the family, for ``columns``."""
    following = ", ".join(f"lead({c}) over family as next_{c}" for c in columns.split())
    window = f"partition by {family} order by {order}" if family else f"order by {order}"
    return f"select count(*) from (select *, {following} from {table} window family as ({window})) t where {breach}"


def rising(table: str, key: str, moment: str) -> str:
    return broken(table, "", key, f"next_{moment} < {moment}", moment)


HISTORY = "next_startdate is not null and enddate is distinct from next_startdate - interval '1 day'"
FACTS = {
    "walmart: features of a store come every week": (
        "walmart",
        broken("features", "store", "date", "next_date <> date + 7", "date"),
    ),
    **{
        f"rossmann: {table} has a row a day for each store": (
            "rossmann",
            broken(table, "store", "date", "next_date <> date + 1", "date"),
        )
        for table in ("train", "test")
    },
    **{
        f"adventureworks: the rows of {table} meet": (
            "adventureworks",
            broken(f"production.{table}", "productid", "startdate", HISTORY, "startdate"),
        )
        for table in ("productcosthistory", "productlistpricehistory")
    },
    "adventureworks: list prices never fall": (
        "adventureworks",
        broken(
            "production.productlistpricehistory", "productid", "startdate", "next_listprice < listprice", "listprice"
        ),
    ),
    "adventureworks: what is ordered first from a vendor is shipped first": (
        "adventureworks",
        broken(
            "purchasing.purchaseorderheader",
            "vendorid",
            "orderdate, purchaseorderid",
            "next_shipdate < shipdate",
            "shipdate",
        ),
    ),
    "adventureworks: purchases are numbered as they change": (
        "adventureworks",
        rising("purchasing.purchaseorderheader", "purchaseorderid", "modifieddate"),
    ),
    "adventureworks: all vendors of a product ask for one quantity": (
        "adventureworks",
        "select count(*) from (select 1 from purchasing.productvendor group by productid having count(distinct "
        "minorderqty) > 1) t",
    ),
    "chinook: invoices are numbered by date": ("chinook", rising("invoice", "invoice_id", "invoice_date")),
    "chinook: the tracks of an album have one price": (
        "chinook",
        "select count(*) from (select 1 from track group by album_id having count(distinct unit_price) > 1) t",
    ),
    "northwind: orders are numbered by date": ("northwind", rising("orders", "order_id", "order_date")),
    "oracle_co: orders are numbered by time": ("oracle_co", rising("orders", "order_id", "order_tms")),
    "oracle_co: the lines of an order are 1..n": (
        "oracle_co",
        "select count(*) from (select 1 from order_items group by order_id having min(line_item_id) <> 1 or "
        "max(line_item_id) <> count(*)) t",
    ),
    **{
        f"stackexchange_ai: {table} are numbered by time": ("stackexchange_ai", rising(table, "id", "creation_date"))
        for table in ("users", "votes", "post_links")
    },
}
