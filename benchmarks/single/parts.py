"""Parts of the training core, each of which can be left out to see what it is worth: ``dbsynth:ctgan:without=NAME``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def fine() -> None:
    """Numbers in quantile bins: where in its bin a value lies is left to chance."""
    from dbsynth.codec import bin_fitting

    bin_fitting.FINE_ROWS = 10**12


def smooth() -> None:
    """Codes of an ordered column are strangers to each other."""
    from dbsynth.model import sizing

    shape_of = sizing.shape_of

    def unordered(data: Any) -> Any:
        from dataclasses import replace

        shape = shape_of(data)
        return replace(
            shape, ordered=(False,) * len(shape.ordered), context_ordered=(False,) * len(shape.context_ordered)
        )

    sizing.shape_of = unordered


def spread() -> None:
    """Rows are drawn from independent random numbers."""
    from dbsynth.model import network

    network.spread = lambda rng, rows, columns: rng.random((rows, columns))


def order() -> None:
    """Columns are drawn in the order in which the table has them."""
    from dbsynth.pipeline import prepare

    prepare.surprise = lambda frame: dict.fromkeys(frame.column_names, 0.0)


def strength() -> None:
    """What was learned is believed in full."""
    from dbsynth.model import strength, training

    training.apply = lambda net, marginals, strengths: strength.apply(net, marginals, strengths.fill_(1.0))


def cooling() -> None:
    """The learning rate stays where it is: the best averaged weights are taken."""
    from dbsynth.model import training

    training.COOL_AT = np.inf


def relevance() -> None:
    """Every column sees all before it, however few rows there are."""
    from dbsynth.model import autoregressive

    autoregressive.relevant = lambda codes, cardinalities: np.ones((codes.shape[1],) * 2, bool)


PARTS: dict[str, Callable[[], None]] = {
    part.__name__: part for part in (fine, smooth, spread, order, strength, cooling, relevance)
}
