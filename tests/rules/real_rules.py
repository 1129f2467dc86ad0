"""Rules that hold in the real databases: in which, a query for its exceptions and for what could be one, and how many
exceptions there are in the source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RealRule:
    """``sql`` gives two numbers: exceptions, and how many rows (or values) there are that could be one."""

    database: str
    sql: str
    exceptions: int = 0


def never(database: str, table: str, condition: str, exceptions: int = 0) -> RealRule:
    """No row of ``table`` is so."""
    sql = f"select count(*) filter (where {condition}), count(*) from {table}"
    return RealRule(database, sql, exceptions)


def tells(database: str, table: str, by: str, column: str, exceptions: int = 0) -> RealRule:
    """Rows with the same ``by`` have the same ``column``: exceptions are rows that differ from most of theirs."""
    pairs = f"select {by}, count(*) as n from {table} group by {by}, {column}"
    sides = f"select sum(n) - max(n) as others, sum(n) as n from ({pairs}) as pairs group by {by}"
    return RealRule(database, f"select sum(others), sum(n) from ({sides}) as sides", exceptions)


ROSSMANN = (
    never("rossmann", "store", "(competition_open_since_month is null) <> (competition_open_since_year is null)"),
    never("rossmann", "store", "promo2 = (promo2_since_week is null)"),
    never("rossmann", "store", "promo2 = (promo2_since_year is null)"),
    never("rossmann", "store", "promo2 = (promo_interval is null)"),
    never("rossmann", "train", "not open and sales <> 0"),
    never("rossmann", "train", "not open and customers <> 0"),
    never("rossmann", "train", "open and sales = 0"),
    never("rossmann", "train", "customers = 0 and sales > 0"),
    never("rossmann", "train", "sales < customers"),
    never("rossmann", "train", "day_of_week <> extract(isodow from date)"),
    never("rossmann", "test", "day_of_week <> extract(isodow from date)"),
    tells("rossmann", "train", "date", "promo"),
    tells("rossmann", "test", "date", "promo"),
)
STACKEXCHANGE = (
    never("stackexchange_ai", "posts", "(view_count is null) <> (post_type_id <> 1)"),
    never("stackexchange_ai", "posts", "(title is null) <> (post_type_id <> 1)"),
    never("stackexchange_ai", "posts", "(tags is null) <> (post_type_id <> 1)"),
    never("stackexchange_ai", "posts", "(last_edit_date is null) <> (last_editor_user_id is null)"),
    never("stackexchange_ai", "posts", "last_edit_date < creation_date"),
    never("stackexchange_ai", "posts", "closed_date is not null and post_type_id <> 1"),
    never("stackexchange_ai", "posts", "favorite_count is not null and post_type_id <> 1"),
    never("stackexchange_ai", "posts", "closed_date < creation_date"),
    never("stackexchange_ai", "users", "last_access_date < creation_date"),
    never("stackexchange_ai", "votes", "bounty_amount is not null and vote_type_id not in (8, 9)"),
    tells("stackexchange_ai", "badges", "name", "class"),
)
ADVENTUREWORKS = (
    never("adventureworks", "production.product", "reorderpoint <> round(safetystocklevel * 0.75)"),
    never("adventureworks", "production.product", "(weight is null) <> (weightunitmeasurecode is null)"),
    never("adventureworks", "purchasing.purchaseorderheader", "taxamt <> round(subtotal * 0.08, 4)"),
    never("adventureworks", "purchasing.purchaseorderheader", "freight <> round(subtotal * 0.025, 4)", 12),
    never("adventureworks", "purchasing.purchaseorderheader", "shipdate <> orderdate + interval '9 days'", 12),
    never("adventureworks", "purchasing.purchaseorderheader", "shipdate < orderdate"),
    never("adventureworks", "purchasing.purchaseorderdetail", "receivedqty < rejectedqty"),
    never("adventureworks", "sales.salespersonquotahistory", "modifieddate <> quotadate - interval '45 days'"),
    tells("adventureworks", "humanresources.employee", "jobtitle", "salariedflag"),
)
NYCFLIGHTS = (
    never("nycflights13", "flights", "sched_dep_time <> hour * 100 + minute"),
    never("nycflights13", "flights", "(dep_time is null) <> (dep_delay is null)"),
    never("nycflights13", "flights", "(arr_delay is null) <> (air_time is null)"),
    never("nycflights13", "flights", "dep_time is null and arr_time is not null"),
    never("nycflights13", "weather", "temp < dewp"),
    never("nycflights13", "weather", "wind_gust < wind_speed"),
    tells("nycflights13", "weather", "time_hour", "month"),
    tells("nycflights13", "weather", "time_hour", "day"),
    tells("nycflights13", "weather", "time_hour", "hour"),
    tells("nycflights13", "airports", "tzone", "tz", 1),
)
OTHERS = (
    never("walmart", "features", "(cpi is null) <> (unemployment is null)"),
    never("walmart", "features", "markdown1 is null and markdown4 is not null"),
    tells("walmart", "features", "date", "is_holiday"),
    never("northwind", "orders", "required_date < order_date"),
    never("northwind", "orders", "shipped_date < order_date"),
    never("mondial", "river", "sourceelevation < estuaryelevation"),
    never("mondial", "economy", "(service is null) <> (industry is null)"),
    never("mondial", "city", "(latitude is null) <> (longitude is null)"),
    never("oracle_hr", "job_history", "end_date < start_date"),
    never("oracle_co", "stores", "web_address is null and physical_address is null"),
    never("oracle_co", "stores", "(logo is null) <> (logo_mime_type is null)"),
    never("pagila17", "customer", "activebool <> (active = 1)"),
    never("chinook", "employee", "hire_date < birth_date"),
)
ALL = (*ROSSMANN, *STACKEXCHANGE, *ADVENTUREWORKS, *NYCFLIGHTS, *OTHERS)
