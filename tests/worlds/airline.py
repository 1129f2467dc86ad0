"""Airports, planes, the weather of every hour, and flights, which point at all of them: two keys to the same table that
are never equal, a composite key that shares its column with another, a plane that is mostly the carrier's own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.worlds.world import SIMULATED, Fact, Truth, World, draw, moments

AIRPORTS = np.array(["EWR", "JFK", "LGA", "ATL", "BOS", "CLT", "DFW", "LAX", "MIA", "ORD", "SEA", "SFO"])
HUBS = 3
"""The first ones: where flights start and weather is measured."""
CARRIERS = np.array(["AA", "B6", "DL", "UA"])
P_CARRIER = np.array([[0.1, 0.2, 0.1, 0.6], [0.2, 0.5, 0.25, 0.05], [0.35, 0.05, 0.5, 0.1]])
"""By hub."""
DEST = np.array([[0.0, 0.02, 0.02], [0.02, 0.0, 0.02], [0.02, 0.02, 0.0]])
"""From hub to hub; the rest is shared by the others with weights 1 … 9, in reverse order from the last hub."""
PLANES, P_OWN, OWN_WEIGHT = 40, 0.95, 0.5
"""Planes a carrier; the r-th of them (from 0) flies with weight OWN_WEIGHT ** (r / 10)."""
HOURS = 24 * 30
P_HOUR = np.array([0] * 6 + [3, 5, 5, 3, 2, 2, 2, 2, 3, 4, 5, 5, 4, 3, 2, 1] + [0] * 2) / 51
WIND_MEAN, WIND_SPREAD, WIND_PHI = 12.0, 6.0, 0.85
DELAY, DELAY_PER_WIND, DELAY_SPREAD = 2.0, 1.5, 10.0

DDL = """
create table airport (code char(3) primary key, elevation int not null);
create table carrier (code char(2) primary key, name varchar(30) not null);
create table plane (
    tail varchar(8) primary key, carrier char(2) not null references carrier, seats int not null, built int not null);
create table weather (
    origin char(3) not null references airport, hour timestamp(0) not null, wind double precision not null,
    primary key (origin, hour));
create table flight (
    flight_id int primary key, carrier char(2) not null references carrier, tail varchar(8) not null references plane,
    origin char(3) not null references airport, dest char(3) not null references airport, hour timestamp(0) not null,
    delay int not null, foreign key (origin, hour) references weather);
"""


def chances_of_dest() -> np.ndarray:
    """(hubs, airports), rows sum to one."""
    others = len(AIRPORTS) - HUBS
    weights = np.tile(np.arange(1.0, others + 1), (HUBS, 1))
    weights[-1] = weights[-1, ::-1]
    return np.hstack([DEST, (1 - DEST.sum(axis=1, keepdims=True)) * weights / weights.sum(axis=1, keepdims=True)])


def winds(rng: np.random.Generator) -> np.ndarray:
    """(hubs, HOURS): AR(1) around the mean."""
    noise = rng.normal(0, WIND_SPREAD * (1 - WIND_PHI**2) ** 0.5, (HUBS, HOURS))
    noise[:, 0] = rng.normal(0, WIND_SPREAD, HUBS)
    for i in range(1, HOURS):
        noise[:, i] += WIND_PHI * noise[:, i - 1]
    return np.asarray(WIND_MEAN + noise)


def tables(scale: float, seed: int) -> dict[str, pd.DataFrame]:
    """Flights scale, all else is as large as it is."""
    rng = np.random.default_rng(seed)
    wind = winds(rng)
    planes = len(CARRIERS) * PLANES
    numbers = rng.choice(900, planes, replace=False) + 100
    tails = np.array(
        [f"N{number}{carrier}" for number, carrier in zip(numbers, np.repeat(CARRIERS, PLANES), strict=True)]
    )
    seats = rng.choice([50, 76, 150, 180, 300], planes, p=[0.2, 0.2, 0.3, 0.2, 0.1])

    n = round(5000 * scale)
    origin = rng.choice(HUBS, n)
    hour = 24 * rng.integers(0, HOURS // 24, n) + rng.choice(24, n, p=P_HOUR)
    order = np.lexsort([hour])
    origin, hour = origin[order], hour[order]
    carrier = draw(rng, P_CARRIER[origin])
    of = np.where(rng.random(n) < P_OWN, carrier, (carrier + rng.integers(1, len(CARRIERS), n)) % len(CARRIERS))
    weights = OWN_WEIGHT ** (np.arange(PLANES) / 10)
    tail = PLANES * of + rng.choice(PLANES, n, p=weights / weights.sum())
    delay = rng.normal(DELAY + DELAY_PER_WIND * wind[origin, hour], DELAY_SPREAD)
    return {
        "airport": pd.DataFrame({"code": AIRPORTS, "elevation": rng.integers(0, 300, len(AIRPORTS))}),
        "carrier": pd.DataFrame({"code": CARRIERS, "name": ["American", "JetBlue", "Delta", "United"]}),
        "plane": pd.DataFrame(
            {
                "tail": tails,
                "carrier": np.repeat(CARRIERS, PLANES),
                "seats": seats,
                "built": rng.integers(1990, 2020, planes),
            }
        ),
        "weather": pd.DataFrame(
            {
                "origin": np.repeat(AIRPORTS[:HUBS], HOURS),
                "hour": moments("2023-06-01", np.tile(np.arange(HOURS), HUBS) * 3600),
                "wind": wind.ravel().round(3),
            }
        ),
        "flight": pd.DataFrame(
            {
                "flight_id": np.arange(1, n + 1),
                "carrier": CARRIERS[carrier],
                "tail": tails[tail],
                "origin": AIRPORTS[origin],
                "dest": AIRPORTS[draw(rng, chances_of_dest()[origin])],
                "hour": moments("2023-06-01", hour * 3600),
                "delay": delay.round().astype(int),
            }
        ),
    }


WINDY = "flight join weather using (origin, hour)"
TRUTHS = (
    Truth(
        "P(the plane is the carrier's)",
        "select avg((f.carrier = p.carrier)::int) from flight f join plane p using (tail)",
        P_OWN, 0.08, "P_OWN",
    ),
    *(
        Truth(
            f"P({carrier} | from {AIRPORTS[hub]})",
            f"select avg((carrier = '{carrier}')::int) from flight where origin = '{AIRPORTS[hub]}'",
            P_CARRIER[hub, list(CARRIERS).index(carrier)], 0.08, "P_CARRIER",
        )
        for hub, carrier in ((0, "UA"), (1, "B6"), (2, "DL"))
    ),
    *(
        Truth(
            f"P(to {dest} | from {AIRPORTS[hub]})",
            f"select avg((dest = '{dest}')::int) from flight where origin = '{AIRPORTS[hub]}'",
            chances_of_dest()[hub, list(AIRPORTS).index(dest)], 0.06, "chances_of_dest",
        )
        for hub, dest in ((0, "SFO"), (2, "SFO"), (2, "ATL"), (1, "EWR"))
    ),
    Truth(
        "minutes of delay per knot of wind",
        f"select regr_slope(delay, wind) from {WINDY}",
        DELAY_PER_WIND, 0.4, "DELAY_PER_WIND",
    ),
    Truth(
        "lag-1 autocorrelation of wind at an airport",
        "select corr(wind, before) from (select wind, lag(wind) over (partition by origin order by hour) as before "
        "from weather) w",
        0.85, 0.15, SIMULATED,
    ),
    Truth(
        "P(between 7 and 8:59 or 16 and 17:59)",
        "select avg((extract(hour from hour) in (7, 8, 16, 17))::int) from flight",
        P_HOUR[[7, 8, 16, 17]].sum(), 0.06, "P_HOUR",
    ),
    Truth(
        "share of flights of the tenth of planes with the most",
        "select sum(n) filter (where i <= 16) / sum(n) from (select count(*) as n, row_number() over (order by "
        "count(*) desc) as i from flight group by tail) p",
        0.267, 0.06, SIMULATED,
    ),
    Truth(
        "flights at night",
        "select avg((extract(hour from hour) in (0, 1, 2, 3, 4, 5, 22, 23))::int) from flight",
        0.0, 0.02, "P_HOUR",
    ),
)  # fmt: skip

FACTS = (
    Fact("origin <> dest", "select count(*) from flight where origin = dest"),
    Fact(
        "the weather of every hour",
        "select count(*) from (select hour - lag(hour) over (partition by origin order by hour) as gap from weather) w "
        "where gap <> interval '1 hour'",
    ),
)

WORLD = World("airline", DDL, tables, TRUTHS, FACTS)
