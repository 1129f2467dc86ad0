"""Free text reads like the source's and holds none of its sequences."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dbsynth.artifact.encode import Decoder, Encoder
from dbsynth.rng import generator
from dbsynth.values.language import LANGUAGES, language_of, sentences
from dbsynth.values.markup import MarkupLayout, kind_of
from dbsynth.values.prose import Prose
from dbsynth.values.voices import Voices
from dbsynth.values.word_tokens import EMAIL, URL, tokens_of

K = 5
VOID = {"br", "hr", "img", "input", "wbr"}


class Balanced(HTMLParser):
    """Raises AssertionError for a tag that is closed out of turn; ``tags``: all that were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for n, v in attrs if n in ("href", "src")]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:  # <br />
            return
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    @classmethod
    def read(cls, text: str) -> Balanced:
        parser = cls()
        parser.feed(text)
        parser.close()
        assert parser.stack == []
        return parser


def sequences(texts: Iterable[str]) -> dict[tuple[str, ...], int]:
    """How many of ``texts`` hold each sequence of five words."""
    out: dict[tuple[str, ...], int] = defaultdict(int)
    for text in texts:
        words = re.findall(r"[^\W_]+", re.sub(r"<[^>]*>", " ", text).casefold())
        for found in {tuple(words[i : i + 5]) for i in range(len(words) - 4)}:
            out[found] += 1
    return out


def remarks(count: int, seed: int = 1) -> list[str]:
    rng = generator(seed, "remarks")
    parts = [
        ["The client", "A neighbour", "Our driver", "The new owner", "Nobody"],
        ["called about", "complained of", "asked for", "was happy with", "did not want"],
        ["the delivery", "a broken lid", "the second invoice", "a larger box", "the blue one", "two spare keys"],
        ["on Monday", "again", "in the evening", "before noon", "without a word", "at the door"],
    ]
    out = []
    for _ in range(count):
        said = [" ".join(p[rng.integers(len(p))] for p in parts) for _ in range(int(rng.integers(1, 5)))]
        out.append(". ".join(said) + rng.choice([".", "!", "?"]))
    return out


def pages(count: int) -> list[str]:
    rng = generator(2, "pages")
    texts = iter(remarks(8 * count, 3))
    out = []
    for _ in range(count):
        parts = [f'<p>{next(texts)} See <a href="https://real.host/{i}">this</a>.</p>' for i in range(2)]
        if rng.random() < 0.5:
            parts.append(f"<ul>\n<li>{next(texts)}</li>\n<li><strong>{next(texts)}</strong></li>\n</ul>")
        if rng.random() < 0.3:
            parts.append("<pre><code>for x in rows:\n    print(x &lt; 2)\n</code></pre>")
        out.append("\n\n".join(parts) + "\n")
    return out


def notes(count: int) -> list[str]:
    texts = iter(remarks(6 * count, 4))
    return [
        f"## {next(texts)}\n\n{next(texts)}\n\n- **{next(texts)}**\n- {next(texts)}\n\n```python\nx = [1, 2]\n```"
        for _ in range(count)
    ]


def test_words_stand_in_the_order_of_the_language() -> None:
    """Nearly all pairs of neighbours are pairs of the source, as they would not be in random order."""
    values = remarks(1500)
    out = Prose.fit(values, K, seed=1).draw(500, generator(1))
    pairs = {p for v in values for w in [v.split()] for p in pairwise(w)}
    own = [p in pairs for v in out for w in [v.split()] for p in pairwise(w)]
    assert np.mean(own) > 0.8
    assert all(v[0].isupper() for v in out)
    assert np.mean([v[-1] in ".!?" for v in out]) > 0.95


@pytest.mark.parametrize("source", [remarks, pages, notes])
def test_no_sequence_of_five_words_is_the_sources(source: object) -> None:
    values = source(700)  # type: ignore[operator]
    rare = {s for s, n in sequences(values).items() if n < K}
    out = Voices.fit(values, K, seed=1).draw(700, generator(1))
    assert len(rare) > 30
    assert not rare & set(sequences(out))


def test_html_is_balanced_and_has_the_elements_of_the_source() -> None:
    values = pages(400)
    read = [Balanced.read(v) for v in Prose.fit(values, K, seed=1).draw(400, generator(1))]
    real = [Balanced.read(v) for v in values]
    for tag in ("p", "ul", "li", "strong", "a", "pre", "code"):
        share = np.mean([tag in r.tags for r in real])
        assert np.mean([tag in r.tags for r in read]) == pytest.approx(share, abs=0.35), tag
    links = [link for r in read for link in r.links]
    assert links
    assert all(re.fullmatch(r"https://[\w.-]+\.example(/\S*)?", link) for link in links)


def test_markdown_keeps_headings_lists_and_code() -> None:
    values = notes(400)
    assert kind_of(values) == "markdown"
    out = Prose.fit(values, K, seed=1).draw(300, generator(1))
    kinds = [{t.type for t in MarkdownIt().parse(v)} for v in out]
    for kind in ("heading_open", "bullet_list_open", "fence", "paragraph_open"):
        assert np.mean([kind in k for k in kinds]) > 0.5, kind
    assert all(v.count("```") % 2 == 0 and v.count("**") % 2 == 0 for v in out)


def test_a_layout_writes_what_it_reads() -> None:
    for values in (pages(50), notes(50)):
        layout = MarkupLayout.fit(values, kind_of(values), K)
        for value in values:
            leaves = layout.leaves(value)
            text = "".join(
                layout.between(a, b) + t for a, (b, t) in zip([None, *(p for p, _ in leaves)], leaves, strict=False)
            ) + layout.between(leaves[-1][0], None)
            assert text == value


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=80))
def test_tokens_joined_are_the_text(text: str) -> None:
    found = tokens_of(text)
    if not any(mark in t for t in found for mark in (URL, EMAIL)):
        assert "".join(found) == text.rstrip(" ") if text[-1:] == " " and text[-2:] != "  " else True
        assert "".join(found).split() == text.split()


TEXTS = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=30)
@example(["Ͱ"])
@given(st.lists(TEXTS, min_size=1, max_size=30))
def test_any_texts_can_be_learned(values: Sequence[str]) -> None:
    out = Voices.fit(values, K, seed=1).draw(20, generator(1))
    assert len(out) == 20
    assert all("\x00" not in v for v in out)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_small_source_gets_sentences_of_its_language(language: str) -> None:
    values = sentences(language, 7)[:8]
    assert language_of(values) == language
    out = Prose.fit(values, K, seed=1).draw(40, generator(1))
    assert language_of(out) == language
    assert not set(out) & set(values)


def test_names_and_rare_words_do_not_occur() -> None:
    own = ["".join("bcdfgh"[i // 6**j % 6] for j in range(4)) for i in range(400)]
    values = [f"{v} Signed by Qwertz{o}, for Mallory." for o, v in zip(own, remarks(400), strict=True)]
    text = " ".join(Voices.fit(values, K, seed=1, named={"mallory"}).draw(400, generator(1))).casefold()
    assert "qwertz" not in text
    assert "mallory" not in text


def test_several_languages_are_not_mixed() -> None:
    values = [v for language in ("en", "de", "fr") for v in sentences(language, 3)]
    values += [f"Новый отчёт готов, заказ номер {i} ждёт на складе у двери." for i in range(100)]
    voices = Voices.fit(values, K, seed=1)
    assert len(voices.voices) == 4
    out = voices.draw(300, generator(1))
    assert all(not (re.search("[а-я]", v) and re.search("[a-z]", v)) for v in out)


def test_a_voice_writes_no_sequence_of_another() -> None:
    """What is said in another language, or in no words that show one, is the source's too."""
    values = [v for language in ("en", "nl") for v in sentences(language, 3)]
    values += [f"The report, the order: {v}" for v in sentences("nl", 4)[:60]]
    rare = {s for s, n in sequences(values).items() if n < K}
    out = Voices.fit(values, K, seed=1).draw(2000, generator(1))
    assert rare
    assert not rare & set(sequences(out))


def test_texts_without_blanks_have_the_length_of_the_source() -> None:
    rng = generator(1, "chinese")
    values = [
        "".join(rng.choice(list("适用于所有类型的越野旅行不论预算多少均可称心如意"), int(rng.integers(8, 30))))
        for _ in range(300)
    ]
    out = Prose.fit(values, K, seed=1).draw(300, generator(1))
    assert np.mean([len(v) for v in out]) == pytest.approx(np.mean([len(v) for v in values]), rel=0.15)


def test_the_same_seed_writes_the_same_and_a_saved_model_too() -> None:
    prose = Voices.fit(pages(200), K, seed=1)
    out = prose.draw(50, generator(1))
    assert out == Voices.fit(pages(200), K, seed=1).draw(50, generator(1))
    encoder = Encoder()
    tree = encoder.encode(prose)
    assert Decoder(encoder.tensors).decode(tree).draw(50, generator(1)) == out


def test_a_text_that_is_taken_gets_another_last_word() -> None:
    values = remarks(600)
    voices = Voices.fit(values, K, seed=1)
    some = voices.draw(50, generator(1))
    other = voices.again(list(range(50)), some, generator(2), 1)
    assert sum(a != b for a, b in zip(some, other, strict=True)) > 45
    rare = {s for s, n in sequences(values).items() if n < K}
    assert not rare & set(sequences(other))
