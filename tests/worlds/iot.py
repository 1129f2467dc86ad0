"""Devices → sensors → readings, and a row a day of each device. Readings wander around a level that is the
sensor's own, come at regular times with a little jitter, and count up; days have no gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.worlds.world import SIMULATED, Fact, Truth, World, cumulated, moments, position

MODELS = np.array(["A", "B"])
P_MODEL_B = 0.4
SENSORS = np.array([2, 4])
"""Of each device, by model."""
KINDS = np.array(["temperature", "humidity"])
LEVEL, LEVEL_SPREAD, SPREAD, PHI = np.array([20.0, 55.0]), 4.0, 1.5, 0.8
"""By kind: mean; spread of the sensors' means; spread of AR(1) around the sensor's mean; its coefficient."""
READINGS = 45
"""Mean: 30 + Poisson."""
PERIOD, JITTER = 600, 20
"""Seconds between readings, and the spread of each reading's own."""
TICKS = 6.0
"""Mean of the Poisson number that the counter grows by."""
DAYS = 40
KWH, KWH_SPREAD = np.array([8.0, 14.0]), 1.5
"""By model."""
DAY = 86_400

DDL = """
create table device (device_id int primary key, model char(1) not null, installed date not null);
create table sensor (sensor_id int primary key, device_id int not null references device, kind varchar(12) not null);
create table reading (
    sensor_id int not null references sensor, at timestamp(0) not null, value numeric(8, 2) not null,
    ticks bigint not null check (ticks >= 0), primary key (sensor_id, at));
create table daily (
    device_id int not null references device, day date not null, kwh numeric(8, 2) not null check (kwh >= 0),
    primary key (device_id, day));
"""


def autoregressive(rng: np.random.Generator, counts: np.ndarray) -> np.ndarray:
    """A stationary AR(1) per family, one after another."""
    noise = rng.normal(0, SPREAD, (len(counts), counts.max()))
    noise[:, 1:] *= (1 - PHI**2) ** 0.5
    for i in range(1, noise.shape[1]):
        noise[:, i] += PHI * noise[:, i - 1]
    return np.asarray(noise[np.arange(noise.shape[1]) < counts[:, None]])


def tables(scale: float, seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    devices = round(50 * scale)
    model = (rng.random(devices) < P_MODEL_B).astype(int)
    installed = rng.integers(0, 700, devices)
    owner = np.repeat(np.arange(devices), SENSORS[model])
    sensors = len(owner)
    kind = position(SENSORS[model]) % 2
    level = rng.normal(LEVEL[kind], LEVEL_SPREAD)

    counts = 30 + rng.poisson(READINGS - 30, sensors)
    sensor = np.repeat(np.arange(sensors), counts)
    begin = installed[owner] * DAY + rng.integers(0, DAY, sensors)
    jitter = np.clip(rng.normal(0, JITTER, len(sensor)), -PERIOD / 3, PERIOD / 3).round().astype(int)
    at = begin[sensor] + PERIOD * position(counts) + jitter
    ticks = cumulated(rng.poisson(TICKS, len(sensor)), counts)

    device = np.repeat(np.arange(devices), DAYS)
    day = installed[device] + np.tile(np.arange(DAYS), devices)
    return {
        "device": pd.DataFrame(
            {
                "device_id": np.arange(1, devices + 1),
                "model": MODELS[model],
                "installed": moments("2020-01-01", installed * DAY).dt.date,
            }
        ),
        "sensor": pd.DataFrame({"sensor_id": np.arange(1, sensors + 1), "device_id": owner + 1, "kind": KINDS[kind]}),
        "reading": pd.DataFrame(
            {
                "sensor_id": sensor + 1,
                "at": moments("2020-01-01", at),
                "value": (level[sensor] + autoregressive(rng, counts)).round(2),
                "ticks": ticks,
            }
        ),
        "daily": pd.DataFrame(
            {
                "device_id": device + 1,
                "day": moments("2020-01-01", day * DAY).dt.date,
                "kwh": np.maximum(0, rng.normal(KWH[model[device]], KWH_SPREAD)).round(2),
            }
        ),
    }


NEXT = """(select sensor_id, value - avg(value) over (partition by sensor_id) as value, lag(value) over family
- avg(value) over (partition by sensor_id) as before, extract(epoch from at - lag(at) over family) as gap, ticks,
lag(ticks) over family as earlier from reading window family as (partition by sensor_id order by at)) r"""
READ = "reading join sensor using (sensor_id)"

TRUTHS = (
    *(
        Truth(
            f"sensors per device, model {model}",
            "select count(sensor_id)::float / count(distinct device_id) from device left join sensor using "
            f"(device_id) where model = '{model}'",
            number, 0.5, "SENSORS",
        )
        for model, number in zip(MODELS, SENSORS, strict=True)
    ),
    *(
        Truth(f"mean {kind}", f"select avg(value) from {READ} where kind = '{kind}'", level, 3.0, "LEVEL")
        for kind, level in zip(KINDS, LEVEL, strict=True)
    ),
    Truth(
        "spread of the sensors' means",
        f"select sqrt(avg(v)) from (select var_samp(m) as v from (select kind, avg(value) as m from {READ} group "
        "by sensor_id, kind) s "
        "group by kind) k",
        (LEVEL_SPREAD**2 + SPREAD**2 / READINGS * (1 + PHI) / (1 - PHI)) ** 0.5,
        1.4,
        "√(LEVEL_SPREAD² + SPREAD² (1 + PHI) / (1 − PHI) / READINGS)",
    ),
    Truth(
        "lag-1 autocorrelation around the sensor's mean",
        f"select corr(value, before) from {NEXT}",
        0.7545, 0.15, SIMULATED,
    ),
    Truth("spread within a sensor", f"select stddev(value) from {NEXT}", 1.356, 0.35, SIMULATED),
    Truth("seconds between readings", f"select avg(gap) from {NEXT}", PERIOD, 15.0, "PERIOD"),
    Truth("spread of the gaps", f"select stddev(gap) from {NEXT}", 2**0.5 * JITTER, 12.0, "√2 JITTER"),
    Truth("growth of the counter", f"select avg(ticks - earlier) from {NEXT}", TICKS, 0.6, "TICKS"),
    Truth(
        "readings per sensor",
        "select count(*)::float / count(distinct sensor_id) from reading",
        READINGS, 2.0, "READINGS",
    ),
    Truth("days per device", "select count(*)::float / count(distinct device_id) from daily", DAYS, 0.5, "DAYS"),
    *(
        Truth(
            f"kWh a day, model {model}",
            f"select avg(kwh) from daily join device using (device_id) where model = '{model}'",
            mean, 1.0, "KWH",
        )
        for model, mean in zip(MODELS, KWH, strict=True)
    ),
)  # fmt: skip

FACTS = (
    Fact("the counter does not fall", f"select count(*) from {NEXT} where ticks < earlier"),
    Fact(
        "a row every day",
        "select count(*) from (select day - lag(day) over (partition by device_id order by day) as gap from "
        "daily) d where gap <> 1",
    ),
    Fact(
        "no reading before the device",
        f"select count(*) from {READ} join device using (device_id) where at < installed - interval '5 minutes'",
    ),
    Fact(
        "days start when the device does",
        "select count(*) from (select min(day) as day, installed from daily join device using (device_id) "
        "group by device_id, installed) d where day <> installed",
    ),
)  # fmt: skip

WORLD = World("iot", DDL, tables, TRUTHS, FACTS)
