"""The simulated worlds meet their own truths and facts, and so do their clones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dbsynth.testing.embedded import create_database, drop_database
from tests.clones import run
from tests.worlds.missed import MISSED
from tests.worlds.world import NAMES, ask, load, world

SOURCE, CLONE = "world_{}", "clone_of_world_{}"
Where = Callable[[str], str]


@pytest.fixture(scope="module")
def source(postgres_url: str) -> Iterator[Where]:
    """``source("bank")``: the URL of a database with that world in it."""
    made: dict[str, str] = {}

    def url(name: str) -> str:
        if name not in made:
            made[name] = create_database(postgres_url, SOURCE.format(name))
            load(made[name], world(name))
        return made[name]

    yield url
    for each in made.values():
        drop_database(each)


@pytest.fixture(scope="module")
def cloned(postgres_url: str, source: Where) -> Iterator[Where]:
    """``cloned("bank")``: the URL of a clone of that world with default settings."""
    made: dict[str, str] = {}

    def url(name: str) -> str:
        if name not in made:
            made[name] = create_database(postgres_url, CLONE.format(name))
            run(source(name), made[name])
        return made[name]

    yield url
    for each in made.values():
        drop_database(each)


def off(answers: dict[str, float], name: str, share: float = 1) -> dict[str, str]:
    """The truths of a world that answers miss by more than that share of what a clone may."""
    truths = {t.name: t for t in world(name).truths}
    return {
        n: f"{answers[n]:.4g}, true {t.value:.4g} ± {t.within * share:g}"
        for n, t in truths.items()
        if not abs(answers[n] - t.value) <= t.within * share
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_world_is_what_it_says(source: Where, name: str) -> None:
    url, asked = source(name), world(name)
    assert off(ask(url, asked.truths), name, share=0.5) == {}
    assert ask(url, asked.facts) == {f.name: 0 for f in asked.facts}


@pytest.mark.parametrize("name", NAMES)
def test_a_world_is_made_of_its_seed(name: str) -> None:
    one, same, other = (world(name).tables(0.3, seed) for seed in (1, 1, 2))
    assert all(one[t].equals(same[t]) for t in one)
    assert any(not one[t].equals(other[t]) for t in one)


@pytest.mark.parametrize("name", NAMES)
def test_facts_hold_in_the_clone(cloned: Where, name: str) -> None:
    broken = {n: x for n, x in ask(cloned(name), world(name).facts).items() if x != 0}
    assert {n: x for n, x in broken.items() if n not in MISSED[name]} == {}


@pytest.mark.parametrize("name", NAMES)
def test_truths_hold_in_the_clone(cloned: Where, name: str) -> None:
    missed = off(ask(cloned(name), world(name).truths), name)
    assert {n: said for n, said in missed.items() if n not in MISSED[name]} == {}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missed_is_something_that_is_asked(name: str) -> None:
    asked = world(name)
    assert set(MISSED[name]) <= {t.name for t in asked.truths} | {f.name for f in asked.facts}
    assert len(MISSED[name]) < len(asked.truths)
