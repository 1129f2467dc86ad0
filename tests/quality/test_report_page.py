"""The report as a file: whole, small, harmless whatever the names in it, silent about the source's rare values."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dbsynth.quality.figures import Finding, Subject, Verification
from dbsynth.quality.report import render, write_report
from dbsynth.quality.report.examples import in_words
from dbsynth.quality.report.text import capped, percent, told, visible
from dbsynth.schema.model import TableName
from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY
from tests.quality.in_memory import shop, shop_sides, sides, table, verification

HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><script>alert(2)</script>", "a'b\"c`d",
    "{{ 7 * 7 }}{% raw %}", "javascript:alert(1)", "]]><!--", "we;ird \"name\"", "\u202etxt.exe", "שם עברי",
    "tab\there\nline", "\x00\x1b[31m", "=1+1", "&amp;&#60;", "😀" * 30, "x" * 5000,
)  # fmt: skip
EMPTY = Verification("db#dev", None, {}, (), None, None, (), ())


class Outline(HTMLParser):
    """Tags in their order with attributes, and the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def hostile_page() -> str:
    rows = {f"{name}{i}": pa.array([1.5, 2.5, 3.5] * 40) for i, name in enumerate(HOSTILE)}
    labels = pa.array([HOSTILE[i % 8] for i in range(120)])
    real = pa.table({"id": pa.array(np.arange(120)), **rows, "labels": labels})
    tables = [table(name, real) for name in HOSTILE]
    compared = sides(tables, dict.fromkeys(HOSTILE, real), dict.fromkeys(HOSTILE, real))
    found = verification(compared, failed=True)
    found = replace(
        found,
        target=HOSTILE[0],
        findings=tuple(Finding("failure", "quality", Subject(TableName(n, n), (n,), n, n), n, n) for n in HOSTILE),
        about={n: n for n in HOSTILE} | {"command": HOSTILE[1]},
        seconds={HOSTILE[2]: 1.0},
    )
    return render(found, compared)


def test_hostile_names_are_shown_and_do_nothing() -> None:
    page = hostile_page()
    found = Outline(page)
    assert len(found.all("script")) == 1
    assert not found.all("img")
    assert not [a for _, a in found.tags for name in a if name.startswith("on") or name == "style"]
    assert "<script>alert(1)</script>" in "".join(found.words)
    assert "{{ 7 * 7 }}" in "".join(found.words)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page)
    assert all(a.get("href", "").startswith("#") for a in found.all("a"))  # type: ignore[union-attr]


def test_the_page_names_no_other_place() -> None:
    compared = shop_sides()
    page = render(verification(compared), compared)
    assert not re.search(r"""(?:src|href|action|data|poster)=["'](?!#|\w+">)""", page.replace("data-", "d-"))
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", page)
    policy = next(a["content"] for a in Outline(page).all("meta") if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_headings_landmarks_tables_and_pictures_can_be_read_aloud() -> None:
    compared = shop_sides()
    found = Outline(render(verification(compared, failed=True), compared))
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert {"header", "main", "footer", "nav"} <= {tag for tag, _ in found.tags}
    assert found.tags[0][0] == "html"
    assert found.all("html")[0]["lang"] == "en"
    assert next(a for a in found.all("a"))["href"] == "#main"
    assert len(found.all("table")) == len(found.all("caption"))
    assert all("scope" in a for a in found.all("th"))
    assert all(a.get("role") == "img" or a.get("aria-hidden") == "true" for a in found.all("svg"))
    assert len(found.all("desc")) == len([a for a in found.all("svg") if a.get("role") == "img"])
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    linked = {(a["href"] or "")[1:] for a in found.all("a")}
    assert linked <= set(ids)


def test_rare_values_of_the_source_are_not_in_it() -> None:
    tables, real = shop()
    customers = real["customer"]
    n = customers.num_rows
    rare = {
        "loyalty": pa.array(["Platinumest"] * 4 + customers.column("loyalty").to_pylist()[4:]),
        "income": pa.array([918273645.25, *customers.column("income").to_pylist()[1:]]),
        "born": pa.array([date(1871, 3, 9), *customers.column("born").to_pylist()[1:]], pa.date32()),
        "name": pa.array([f"Personal Name {i // 9}" for i in range(n)]),
    }
    for name, values in rare.items():
        customers = customers.set_column(customers.column_names.index(name), name, values)
    # The worst of targets: the source itself.
    compared = sides(tables, real | {"customer": customers}, real | {"customer": customers}, personal=["name"])
    for found in (verification(compared, private=False), verification(compared)):
        page = render(found, compared)
        assert "silver" in page
        page = page.replace(",", "")
        for secret in ("Platinumest", "918273645", "1871", "Personal Name"):
            assert secret not in page


def test_rows_are_shown_only_where_privacy_was_tested_and_passed() -> None:
    compared = shop_sides()
    assert "of the rows that were made" in render(verification(compared), compared)
    for found in (verification(compared, private=False), replace(verification(compared), privacy=None)):
        page = render(found, compared)
        assert "of the rows that were made" not in page
        assert "Example rows are left out" in page


def test_no_row_of_the_source_and_no_kept_row_is_an_example() -> None:
    tables, real = shop()
    _, made = shop(seed=1)
    copied = pa.concat_tables([real["customer"].slice(0, 300), made["customer"].slice(300)])
    compared = sides(tables, real, made | {"customer": copied}, personal=["name"])
    page = render(verification(compared), compared)
    assert not any(name in page for name in real["customer"].column("name").to_pylist())


@pytest.mark.parametrize(
    "found", [EMPTY, replace(EMPTY, rows={TableName("public", "t"): (None, 0)})], ids=["nothing", "a table"]
)
def test_a_verification_of_nothing(found: Verification, tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", found, None)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "No gate was checked" in page
    assert "Privacy was not tested" in page


def test_moments_beyond_python_are_told_in_words() -> None:
    moments = pa.array([[DATE_INFINITY, 0], None, [], [DATE_MINUS_INFINITY]], pa.list_(pa.date32()))
    assert in_words(moments).to_pylist() == [["infinity", "1970-01-01"], None, [], ["-infinity"]]
    assert in_words(moments.slice(3)).to_pylist() == [["-infinity"]]
    assert in_words(moments.values).to_pylist() == ["infinity", "1970-01-01", "-infinity"]


def test_without_a_source_figures_and_constraints_are_told() -> None:
    compared = shop_sides()
    page = render(replace(verification(compared), against=None), None)
    assert "its own constraints only" in page
    assert "customer_pkey" in page
    assert "Map of the schema" not in page


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_tables_of_few_rows(rows: int) -> None:
    tables, real = shop()
    few = {n: r.slice(0, rows) for n, r in real.items()}
    compared = sides(tables, few, few)
    assert "customer" in render(verification(compared), compared)


def test_long_texts_and_wide_tables_stay_small() -> None:
    wide = {f"c{i}": np.random.default_rng(i).normal(size=200) for i in range(400)}
    rows = pa.table({"id": pa.array(np.arange(200)), "text": pa.array(["x" * 100_000] * 200), **wide})
    compared = sides([table("t", rows)], {"t": rows}, {"t": rows})
    page = render(verification(compared), compared)
    assert len(page.encode()) < 400_000
    assert "more columns have better scores, and are not drawn" in page
    assert "more columns are not in it" in page


def test_sixty_tables_fit_into_three_megabytes() -> None:
    rng = np.random.default_rng(0)
    real = {}
    for i in range(60):
        columns = {f"measure_{c}": rng.normal(size=400) for c in range(8)}
        columns |= {f"category_{c}": rng.choice([f"value {v}" for v in range(30)], 400) for c in range(8)}
        keys = {f"key_{c}": pa.array(rng.integers(0, 400, 400)) for c in range(min(i, 3))}
        real[f"table_with_a_name_{i}"] = pa.table({"id": pa.array(np.arange(400)), **keys, **columns})
    tables = [
        table(name, rows, parents={f"key_{c}": f"table_with_a_name_{i - 1 - c}" for c in range(min(i, 3))})
        for i, (name, rows) in enumerate(real.items())
    ]
    compared = sides(tables, real, real)
    page = render(verification(compared), compared)
    assert page.count('<details class="table"') == 60
    assert len(page.encode()) <= 3_000_000


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, EMPTY, None)
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"), ("tab\t", "tab␉"), ("\x00", "␀"), ("\x7f", "␡"), ("\u202e", "⟨U+202E⟩"),
        ("\ud800", "⟨U+D800⟩"), ("é ü 漢 😀", "é ü 漢 😀"),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("rows", "shown"), [(8, "–"), (49, "–"), (50, "0.6"), (499, "0.6"), (500, "0.63"), (4999, "0.63"), (5000, "0.626")]
)
def test_figures_are_told_in_steps_of_k_rows(rows: int, shown: str) -> None:
    assert told(0.6256, rows, 5) == shown
    assert told(None, rows, 5) == "–"


def test_a_figure_of_few_rows_does_not_tell_what_its_picture_withholds() -> None:
    compared = shop_sides()
    found = verification(compared)
    assert found.fidelity is not None
    figures = tuple(replace(f, value=0.6257, rows=(8, 8)) for f in found.fidelity.figures)
    assert figures
    many = tuple(replace(f, rows=(9000, 9000)) for f in figures)
    assert "0.626" in render(replace(found, fidelity=replace(found.fidelity, figures=many)), compared)
    page = render(replace(found, fidelity=replace(found.fidelity, figures=figures)), compared)
    assert "0.626" not in page
    assert "0.63" not in page


def test_texts_are_cut() -> None:
    assert capped("x" * 100, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0 %"), (1, "100 %"), (0.0004, "< 0.1 %"), (0.043, "4.3 %"), (0.43, "43 %"), (0.9996, "> 99.9 %")],
)
def test_shares_as_people_read_them(value: float, told: str) -> None:
    assert percent(value) == told


def test_passwords_are_taken_out() -> None:
    compared = shop_sides()
    found = replace(
        verification(compared), target="postgresql://me:hunter22@host/db", about={"command": "url=hunter22"}
    )
    page = render(found, compared, lambda text: text.replace("hunter22", "***"))
    assert "hunter22" not in page
    assert "me:***@host" in page
