"""Clients → accounts → bookings. The type of an account decides what is booked on it; a few clients, whom no column
tells apart, book eight times as much as the others on all of their accounts; the balance runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.worlds.world import SIMULATED, Fact, Truth, World, cumulated, draw, moments, position

SEGMENTS = np.array(["retail", "private", "business"])
P_SEGMENT = np.array([0.7, 0.2, 0.1])
P_HEAVY = np.array([0.05, 0.15, 0.4])
MORE_ACCOUNTS = np.array([0.3, 0.8, 1.5])
"""Mean of a Poisson number, beyond the first one."""
TYPES = np.array(["current", "savings", "loan"])
P_TYPE = np.array([[0.7, 0.25, 0.05], [0.5, 0.4, 0.1], [0.6, 0.1, 0.3]])
LN_AMOUNT, LN_SPREAD = np.log([40.0, 200.0, 600.0]), 0.6
P_CREDIT = np.array([0.4, 0.7, 0.1])
BOOKINGS, BOOKINGS_HEAVY = 5, 40
FIRST_GAP, GAP = 20, 30
"""Mean days until the first booking, and between bookings; both exponential."""
DAY = 86_400

DDL = """
create table client (
    client_id int primary key, segment varchar(10) not null check (segment in ('retail', 'private', 'business')),
    since date not null);
create table account (
    account_id int primary key, client_id int not null references client,
    type varchar(10) not null check (type in ('current', 'savings', 'loan')), opened date not null);
create table booking (
    booking_id int primary key, account_id int not null references account, booked_at timestamp(0) not null,
    kind varchar(6) not null check (kind in ('credit', 'debit')), amount numeric(12, 2) not null check (amount > 0),
    balance numeric(14, 2) not null);
"""


def tables(scale: float, seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    clients = round(500 * scale)
    segment = rng.choice(3, clients, p=P_SEGMENT)
    since = rng.integers(0, 3000, clients)
    heavy = rng.random(clients) < P_HEAVY[segment]

    owner = np.repeat(np.arange(clients), 1 + rng.poisson(MORE_ACCOUNTS[segment]))
    accounts = len(owner)
    type_ = draw(rng, P_TYPE[segment[owner]])
    opened = since[owner] + rng.exponential(300, accounts).astype(int)

    counts = rng.poisson(np.where(heavy[owner], BOOKINGS_HEAVY, BOOKINGS))
    account = np.repeat(np.arange(accounts), counts)
    n = len(account)
    gaps = rng.exponential(np.where(position(counts) == 0, FIRST_GAP, GAP)) * DAY
    at = opened[account] * DAY + cumulated(gaps.astype(int) + 1, counts)
    credit = rng.random(n) < P_CREDIT[type_[account]]
    cents = np.maximum(1, np.round(100 * np.exp(rng.normal(LN_AMOUNT[type_[account]], LN_SPREAD)))).astype(int)
    balance = cumulated(np.where(credit, cents, -cents), counts)
    return {
        "client": pd.DataFrame(
            {
                "client_id": np.arange(1, clients + 1),
                "segment": SEGMENTS[segment],
                "since": moments("2010-01-01", since * DAY).dt.date,
            }
        ),
        "account": pd.DataFrame(
            {
                "account_id": np.arange(1, accounts + 1),
                "client_id": owner + 1,
                "type": TYPES[type_],
                "opened": moments("2010-01-01", opened * DAY).dt.date,
            }
        ),
        "booking": pd.DataFrame(
            {
                "booking_id": np.arange(1, n + 1),
                "account_id": account + 1,
                "booked_at": moments("2010-01-01", at),
                "kind": np.where(credit, "credit", "debit"),
                "amount": cents / 100,
                "balance": balance / 100,
            }
        ),
    }


PER_ACCOUNT = """(select account_id, client_id, type, count(booking_id) as n, row_number() over (partition by client_id
order by account_id) as i from account left join booking using (account_id) group by 1, 2, 3)"""
GAPS = """(select extract(epoch from booked_at - lag(booked_at) over (partition by account_id
order by booked_at, booking_id)) / 86400 as days from booking) g"""

TRUTHS = (
    *(
        Truth(
            f"accounts per client, {segment}",
            f"select count(account_id)::float / count(distinct client_id) from client left join account "
            f"using (client_id) where segment = '{segment}'",
            1 + more, 0.3, "1 + MORE_ACCOUNTS",
        )
        for segment, more in zip(SEGMENTS, MORE_ACCOUNTS, strict=True)
    ),
    *(
        Truth(
            f"P({type_} | {segment})",
            f"select avg((type = '{type_}')::int) from account join client using (client_id) "
            f"where segment = '{segment}'",
            P_TYPE[s, t],
            within,
            "P_TYPE",
        )
        for s, segment, t, type_, within in (
            (0, "retail", 0, "current", 0.08), (1, "private", 1, "savings", 0.12), (2, "business", 2, "loan", 0.15),
        )
    ),
    *(
        Truth(
            f"mean ln(amount), {type_}",
            f"select avg(ln(amount)) from booking join account using (account_id) where type = '{type_}'",
            mean, 0.15, "LN_AMOUNT",
        )
        for type_, mean in zip(TYPES, LN_AMOUNT, strict=True)
    ),
    *(
        Truth(
            f"P(credit | {type_})",
            f"select avg((kind = 'credit')::int) from booking join account using (account_id) where type = '{type_}'",
            chance, 0.08, "P_CREDIT",
        )
        for type_, chance in zip(TYPES, P_CREDIT, strict=True)
    ),
    Truth(
        "share of bookings on the tenth of accounts with the most",
        f"select sum(n) filter (where rank <= 0.1) / sum(n) from (select n, percent_rank() over (order by n desc, "
        f"account_id) as rank from {PER_ACCOUNT} a) r",
        0.443, 0.08, SIMULATED,
    ),
    Truth(
        "correlation of the bookings on two accounts of a client",
        f"select corr(a.n, b.n) from {PER_ACCOUNT} a join {PER_ACCOUNT} b using (client_id) where a.i = 1 and b.i = 2",
        0.938, 0.25, SIMULATED,
    ),
    Truth("days between bookings", f"select avg(days) from {GAPS}", GAP, 3.0, "GAP"),
    Truth(
        "days until the first booking",
        "select avg(days) from (select extract(epoch from min(booked_at) - opened) / 86400 as days from booking "
        "join account using (account_id) group by account_id, opened) f",
        FIRST_GAP, 5.0, "FIRST_GAP",
    ),
)  # fmt: skip

FACTS = (
    Fact(
        "the balance runs",
        "select count(*) from (select balance, sum(case kind when 'credit' then amount else -amount end) over "
        "(partition by account_id order by booked_at, booking_id) as due from booking) b where balance <> due",
    ),
    Fact(
        "no booking before its account",
        "select count(*) from booking join account using (account_id) where booked_at < opened",
    ),
    Fact(
        "no account before its client",
        "select count(*) from account join client using (client_id) where opened < since",
    ),
)

WORLD = World("bank", DDL, tables, TRUTHS, FACTS)
