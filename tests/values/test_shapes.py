"""Made values are built as those of the source: as long, of as many words and digits, with what all of them share."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes

from dbsynth.rng import generator
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import ColumnRole, infer_roles
from dbsynth.schema.types import Structured
from dbsynth.values import fit_generators
from dbsynth.values.forms import Forms, quantiles
from dbsynth.values.lexicon import Lexicon
from dbsynth.values.pattern import Pattern
from dbsynth.values.phrase import Phrase, put_together, taken_apart
from dbsynth.values.words import Words

K = 5
ROWS = 4000
RNG = generator(1, "shapes")
WORDS = [w.capitalize() for w in ("stone", "river", "hill", "garden", "moss", "lantern", "of", "by", "north", "copper")]


def made(
    values: Sequence[str | None],
    name: str,
    *,
    of: str = "things",
    type_: sqltypes.TypeEngine[object] | None = None,
    rows: int = ROWS,
    unique: bool = False,
) -> tuple[list[str], ColumnRole]:
    """What a table of one column gets for ``values``."""
    owner = Table(TableName("s", of), (Column(name, type_ or sqltypes.Text(), "text", True),))
    data = pa.table({name: pa.array(values, pa.string())})
    roles = infer_roles(owner, data, K)
    generators = fit_generators(owner, data, roles, [name], unique={name} if unique else set(), k=K, seed=1)
    out = generators[0].generate({name: np.ones(rows, bool)}, {}, generator(1, name))[name].to_pylist()
    return out, roles[name]


def distance(real: Sequence[float], synthetic: Sequence[float]) -> float:
    """Of Kolmogorov and Smirnov."""
    a, b = np.sort(np.asarray(real, float)), np.sort(np.asarray(synthetic, float))
    x = np.concatenate([a, b])
    cdf = [np.searchsorted(v, x, side="right") / len(v) for v in (a, b)]
    return float(np.abs(cdf[0] - cdf[1]).max())


def digits(text: str) -> int:
    return sum(map(str.isdigit, text))


MEASURES: dict[str, Callable[[str], int]] = {
    "length": len,
    "digits": digits,
    "words": lambda v: len(re.findall(r"\s", v)) + 1,
}


def alike(real: Sequence[str], synthetic: Sequence[str], most: float = 0.07) -> dict[str, float]:
    """The measures in which the two differ by more than ``most``."""
    off = {n: distance([f(v) for v in real], [f(v) for v in synthetic]) for n, f in MEASURES.items()}
    return {n: d for n, d in off.items() if d > most}


def own(size: int, letters: str = string.ascii_lowercase) -> str:
    return "".join(RNG.choice(list(letters), size))


def name(words: int) -> str:
    return " ".join(own(int(RNG.integers(2, 10))).capitalize() for _ in range(words))


def names() -> list[str]:
    return [name(int(n)) for n in RNG.choice([1, 2, 3, 6], 2000, p=[0.45, 0.35, 0.15, 0.05])]


def titles() -> list[str]:
    sizes = RNG.choice([1, 2, 3, 5, 9], 2000)
    return [" ".join(RNG.choice(WORDS, n)) + (f" {RNG.integers(10**6)}" if RNG.random() < 0.3 else "") for n in sizes]


def texts() -> list[str]:
    """Long and short ones, with lines between paragraphs; some full of numbers."""
    out = []
    for _ in range(700):
        parts = [" ".join(RNG.choice(WORDS, int(RNG.integers(3, 90)))) for _ in range(int(RNG.integers(1, 5)))]
        numbers = " ".join(map(str, RNG.integers(0, 10_000, int(RNG.choice([0, 0, 0, 30])))))
        out.append("\n\n".join([*parts, numbers]).strip())
    return out


def streets() -> list[str]:
    kinds = RNG.choice(["Street", "Road", "Lane"], 2000)
    return [f"{RNG.integers(1, 3000)} {name(1)} {kind}" for kind in kinds]


def deliveries() -> list[str]:
    return [f"{name(int(RNG.integers(1, 3)))}, WV {RNG.integers(10_000, 99_999)} USA" for _ in range(2000)]


def salts() -> list[str]:
    return [own(7, string.ascii_letters + string.digits + "+/") + "=" for _ in range(4000)]


@pytest.mark.parametrize(
    ("column", "of", "source"),
    [
        ("name", "artist", names),
        ("title", "things", titles),
        ("body", "things", texts),
        ("address", "things", streets),
        ("delivery_address", "things", deliveries),
        ("password_salt", "things", salts),
        ("city", "things", names),
    ],
)
def test_lengths_words_and_digits_are_those_of_the_source(
    column: str, of: str, source: Callable[[], list[str]]
) -> None:
    values = source()
    out, _ = made(values, column, of=of)
    assert alike(values, out) == {}
    rare = {v.casefold() for v, n in Counter(values).items() if n < K}
    assert not {v.casefold() for v in out} & rare


def test_what_all_values_share_stays_and_the_rest_is_new() -> None:
    values = [f"big-works\\{own(int(RNG.integers(3, 9)))}{i % 30}" for i in range(1000)]
    out, role = made(values, "login_id")
    assert role.role == "user_name"
    assert all(re.fullmatch(r"big-works\\[a-z]+\d+", v) for v in out)
    assert alike(values, out) == {}


def test_addresses_keep_domain_and_number() -> None:
    values = [f"{own(int(RNG.integers(3, 9)))}{i % 30}@corp.example" for i in range(2000)]
    out, role = made(values, "email_address", of="mails", unique=True, rows=2000)
    assert role.role == "email"
    assert all(re.fullmatch(r"[a-z]+\d+@corp\.example", v) for v in out)
    assert alike(values, out) == {}
    assert len(set(out)) == 2000


def test_web_addresses_keep_shared_hosts_and_no_other() -> None:
    pictures = [f"https://www.pictures.example/avatar/{own(32, 'abcdef0123456789')}?s=128" for _ in range(800)]
    homes = [f"http://{own(int(RNG.integers(5, 14)))}.org" for _ in range(800)]
    values = [*pictures, *homes]
    out, role = made(values, "website_url")
    assert role.role == "url"
    assert alike(values, out) == {}
    hosts = {urlsplit(v).hostname or "" for v in out}
    assert "www.pictures.example" in hosts
    assert all(h == "www.pictures.example" or h.endswith(".test") for h in hosts)
    assert all(re.fullmatch(r"/avatar/[0-9a-f]{32}", urlsplit(v).path) for v in out if "pictures" in v)


def test_an_empty_text_stays_empty_as_often() -> None:
    for column in ("remarks", "full_name", "website_url", "address2", "email"):
        values = [""] * 600 + [f"{own(6)}.{own(7)}@{own(5)}.org" if column == "email" else name(2) for _ in range(400)]
        out, role = made(values, column)
        assert role.kind == "presence"
        assert np.mean([v == "" for v in out]) == pytest.approx(0.6, abs=0.03)


def test_a_column_of_empty_texts_is_a_category() -> None:
    _, role = made([""] * 40, "address2", rows=1)
    assert role.kind == "category"


def test_postcodes_that_k_rows_share_are_categories_and_others_are_made() -> None:
    _, shared = made([f"{i % 40:05}" for i in range(800)], "postal_code", rows=1)
    assert shared.kind == "category"
    _, single = made([f"{i:05}" for i in range(800)], "postal_code", rows=1)
    assert (single.kind, single.personal) == ("presence", True)


def test_a_personal_value_is_not_shared_because_many_rows_repeat_it() -> None:
    """Each of a hundred addresses stands in twenty rows: its words are still one person's."""
    values = [f"{100 + i} {own(9)} {own(8)}" for i in range(100) for _ in range(20)]
    out, _ = made(values, "billing_address")
    words = {w for v in values for w in v.split()[1:]}
    assert not {w for v in out for w in v.split()} & words


def test_texts_that_k_rows_share_stay_unless_they_are_personal() -> None:
    values = [*["to be checked"] * 300, *[name(3) for _ in range(700)]]
    out, _ = made(values, "remark")
    assert np.mean([v == "to be checked" for v in out]) == pytest.approx(0.3, abs=0.02)
    hidden, _ = made(values, "full_name")
    assert "to be checked" not in hidden
    owner = Table(
        TableName("s", "users"), tuple(Column(n, sqltypes.Text(), "text", True) for n in ("full_name", "note"))
    )
    data = pa.table({"full_name": [name(2) for _ in values], "note": values})
    people, notes = fit_generators(
        owner, data, infer_roles(owner, data, K), ["full_name", "note"], unique=(), k=K, seed=1
    )
    out = notes.generate({"note": np.ones(ROWS, bool)}, {}, generator(1))["note"].to_pylist()
    assert people.columns == ("full_name",)
    assert "to be checked" not in out


def test_documents_keep_elements_attributes_and_depth() -> None:
    def document(i: int) -> str:
        lines = "".join(f'<line no="{j}"><item>{own(8)}</item></line>' for j in range(i % 3))
        return f'<survey xmlns="urn:s"><sales>{RNG.integers(10**5, 10**6)}</sales><kind>BM</kind>{lines}</survey>'

    values = [document(i) for i in range(600)]
    for type_ in (sqltypes.Text(), Structured("xml", "xml")):
        out, _ = made(values, "demographics", type_=type_)
        roots = [ElementTree.fromstring(v) for v in out]
        assert {r.tag for r in roots} == {"{urn:s}survey"}
        assert {r.findtext("{urn:s}kind") for r in roots} == {"BM"}
        assert {len(r.findall("{urn:s}line")) for r in roots} == {0, 1, 2}
        assert alike(values, out) == {}
        assert not {i.text for r in roots for i in r.iter("{urn:s}item")} & set(
            re.findall("<item>(.*?)<", "".join(values))
        )


def test_points_keep_their_decimals() -> None:
    places = RNG.choice([1, 2], 1000, p=[0.3, 0.7])
    values = [f"({RNG.uniform(-80, 80):.{n}f},{RNG.uniform(-170, 170):.{n}f})" for n in places]
    values = [
        re.sub(r"0+(?=[,)])", "", v) if v.count(".") == 2 and not re.search(r"\.0+[,)]", v) else v for v in values
    ]
    out, _ = made(values, "position", type_=Structured("geo", "composite"))
    assert alike(values, out) == {}
    assert np.mean([len(set(map(len, re.findall(r"\.(\d+)", v)))) == 1 for v in out]) > 0.8


def test_search_vectors_have_words_and_places_as_the_source() -> None:
    vocabulary = [own(int(RNG.integers(3, 10))) for _ in range(80)]

    def vector() -> str:
        words = RNG.choice(vocabulary, int(RNG.integers(6, 12)), replace=False)
        at = np.sort(RNG.choice(np.arange(1, 30), len(words), replace=False))
        return " ".join(f"'{w}':{p}" for w, p in zip(words, at, strict=True))

    values = [vector() for _ in range(1500)]
    out, _ = made(values, "fulltext", type_=Structured("tsvector", "tsvector"))
    assert alike(values, out) == {}
    assert all(re.fullmatch(r"'[a-z]+':\d+(,\d+)*", part) for v in out for part in v.split())


def test_lengths_are_no_single_rows() -> None:
    """One value is a hundred times as long as the others: nobody can tell from what is made."""
    values = [name(2) for _ in range(500)] + [" ".join(["word"] * 5000)]
    out, _ = made(values, "remark")
    assert max(map(len, out)) < 10_000
    assert quantiles(np.array([3.0] * 4 + [9.0] * 4), K, 3).mean() == pytest.approx(6.0)
    assert set(quantiles(np.array([7.0] * 50), K)) == {7.0}


def test_a_taken_text_is_put_together_again() -> None:
    for text in ("", "a", "L'Été 2-3", "big-works\\name0", "x9y z_9a--", "（日本）語 12"):
        assert put_together(*taken_apart(text)) == text


def test_a_lexicon_gives_a_word_of_every_length() -> None:
    lexicon = Lexicon.of({"alpha": 3.0, "be": 1.0})
    sizes = np.arange(80)
    for invented in (False, True):
        assert [len(w) for w in lexicon.draw(sizes, generator(1), invented=invented)] == sizes.tolist()
    assert set(lexicon.draw(np.full(50, 5), generator(1))) == {"alpha"}


def test_forms_keep_words_and_lengths_together() -> None:
    values = ["a" * 30] * 300 + ["b c d e f g h"] * 700
    words, numbers, lengths = Forms.fit(values, K).draw(1000, generator(1))
    assert {(w, n, s) for w, n, s in zip(words, numbers, lengths, strict=True)} == {(1, 0, 30), (7, 0, 13)}
    assert (words == 1).sum() == 300


def test_codes_of_any_letters_keep_the_share_of_digits() -> None:
    values = ["E61" + own(20, "0123456789ABCDEF") for _ in range(3000)]
    out = Pattern.fit(values, K).draw(3000, generator(1))
    assert all(re.fullmatch("E61[0-9A-F]{20}", v) for v in out)
    assert distance([digits(v) for v in values], [digits(v) for v in out]) < 0.05


def test_names_and_texts_are_made_fast() -> None:
    """The work is in arrays: no draw of random numbers for a single row."""
    calls = 0

    class Counting:
        def __init__(self) -> None:
            self.rng = generator(1)

        def __getattr__(self, attribute: str) -> object:
            nonlocal calls
            calls += 1
            return getattr(self.rng, attribute)

    for drawer in (Phrase.fit(names(), K), Words.fit(texts(), K)):
        drawer.draw(1000, Counting())  # type: ignore[arg-type]
        once, calls = calls, 0
        drawer.draw(4000, Counting())  # type: ignore[arg-type]
        assert calls < 1.5 * once
        calls = 0
