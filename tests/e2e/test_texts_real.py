"""Free text of the real databases: valid markup, none of the source's sequences, the source's neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import psycopg
import pytest

from dbsynth.testing.embedded import conninfo
from tests.clones import Clone

pytestmark = pytest.mark.databases
Cloned = Callable[[str], Clone]
K = 5
TEXTS = [
    ("stackexchange_ai", "posts", "body"),
    ("stackexchange_ai", "posts", "title"),
    ("stackexchange_ai", "users", "about_me"),
    ("stackexchange_ai", "comments", "text"),
    ("pagila17", "film", "description"),
    ("northwind", "employees", "notes"),
]
VOID = {"br", "hr", "img", "input", "wbr"}


def values(url: str, table: str, column: str) -> list[str]:
    with psycopg.connect(conninfo(url)) as connection:
        query = f'select "{column}" from "{table}" where "{column}" is not null order by 1'
        return [str(r[0]) for r in connection.execute(query.encode())]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"<[^>]*>", " ", text).casefold())


def sequences(texts: Iterable[str]) -> Counter[tuple[str, ...]]:
    out: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        found = words(text)
        out.update({tuple(found[i : i + 5]) for i in range(len(found) - 4)})
    return out


@pytest.mark.parametrize(("name", "table", "column"), TEXTS)
def test_no_sequence_of_five_words_of_fewer_than_k_rows(cloned: Cloned, name: str, table: str, column: str) -> None:
    made = cloned(name)
    real, synthetic = (values(url, table, column) for url in (made.source, made.target))
    rare = {s for s, n in sequences(real).items() if n < K}
    found = rare & set(sequences(synthetic))
    assert rare
    # letters and digits that stand together are told apart by the guard: some hold more sequences by its count
    assert len(found) <= 0.0001 * len(rare), sorted(found)[:5]


@pytest.mark.parametrize(("table", "column"), [("posts", "body"), ("users", "about_me")])
def test_html_is_balanced_and_leads_nowhere(cloned: Cloned, table: str, column: str) -> None:
    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags[tag] += 1
            links.extend(v or "" for n, v in attrs if n in ("href", "src"))
            if tag not in VOID:
                stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag in VOID:  # <br />
                return
            assert stack, f"</{tag}> closes nothing"
            assert stack.pop() == tag

    tags: Counter[str] = Counter()
    links: list[str] = []
    texts = values(cloned("stackexchange_ai").target, table, column)
    for text in texts:
        stack: list[str] = []
        reader = Reader()
        reader.feed(text)
        reader.close()
        assert stack == []
    assert {"p", "a", "ul", "li", "strong", "em"} <= set(tags)
    assert all(re.match(r"https://[\w.-]+\.example(/|$)", link) for link in links)


@pytest.mark.parametrize(("name", "table", "column"), [TEXTS[0], TEXTS[3], TEXTS[4]])
def test_words_stand_beside_those_they_stand_beside_in_the_source(
    cloned: Cloned, name: str, table: str, column: str
) -> None:
    """More than half of the pairs of neighbours are pairs of the source (of words in random order, about a tenth)."""
    made = cloned(name)
    real, synthetic = (values(url, table, column) for url in (made.source, made.target))
    pairs = {p for v in real for p in pairwise(words(v))}
    assert np.mean([p in pairs for v in synthetic for p in pairwise(words(v))]) > 0.5
