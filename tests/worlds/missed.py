"""What clones with default settings are known to miss, and why: see "What is not kept" in docs/relations.md."""

from __future__ import annotations

WEAK = "a dependence that some hundred rows show is believed in part"
STYLE = "what a row is like that is not its context parent is not known to its children"
FEW = "of fewer than 60 families rows follow from their parent and their moment alone"
JUMPS = "a sequence that should stay near its level jumps in one of eight rows"
AWAY = "dates of rows two keys away are not compared"

MISSED: dict[str, dict[str, str]] = {
    "bank": {
        "accounts per client, business": WEAK,
        "P(savings | private)": WEAK,
        "P(loan | business)": WEAK,
        "mean ln(amount), loan": WEAK,
        "P(credit | savings)": WEAK,
        "P(credit | loan)": WEAK,
        "correlation of the bookings on two accounts of a client": WEAK,
    },
    "shop": {
        "orders per customer, business": WEAK,
        "P(no order | business)": WEAK,
        "P(office | consumer), three keys away": WEAK,
        "P(toys | consumer), three keys away": WEAK,
        "quantity, promo": WEAK,
    },
    "airline": {
        "P(the plane is the carrier's)": WEAK,
        "P(UA | from EWR)": WEAK,
        "P(DL | from LGA)": WEAK,
        "lag-1 autocorrelation of wind at an airport": FEW,
    },
    "hr": {
        "P(manager's department)": STYLE,
        "mean share of the manager's salary": STYLE,
    },
    "forum": {
        "correlation of a user's threads and posts (ranks)": WEAK,
        "correlation of ln(words) of successive posts of a user": STYLE,
    },
    "iot": {
        "mean temperature": JUMPS,
        "mean humidity": JUMPS,
        "lag-1 autocorrelation around the sensor's mean": JUMPS,
        "spread within a sensor": JUMPS,
        "spread of the gaps": JUMPS,
        "no reading before the device": AWAY,
        "days start when the device does": AWAY,
    },
}
