"""The report of a real clone, by the command line; with DBSYNTH_TEST_SCREENSHOTS=FOLDER the documentation's pictures of
one are written to that folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from dbsynth.cli import main
from dbsynth.demo.__main__ import fill
from dbsynth.testing.embedded import conninfo
from tests.browser import browser_path, launched
from tests.clones import Clone

PERSONAL = "select first_name || ' ' || last_name from public.customer union all select email from public.customer"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def test_a_clone_is_reported_on(database: str, run: Callable[..., Result]) -> None:
    fill(database)
    done = run("clone", database, "--to", "dev", "--seed", "1", "--effort", "quick")
    assert done.exit_code == 0, done.output
    verified = run("verify", "dev", "--against", database, "--html", "verify.html")
    assert verified.exit_code in (0, 1), verified.output
    page = Path("verify.html").read_text("utf-8")
    assert page.count('<details class="table"') == 11
    assert "Distribution of salary" in page
    assert ("</span> Passed" in page) == (verified.exit_code == 0)
    with psycopg.connect(conninfo(database)) as connection:
        secrets = [row[0] for row in connection.execute(PERSONAL) if row[0]]
    assert len(secrets) > 1000
    assert [s for s in secrets if s in page] == []
    pictured(Path("verify.html"), "orders")


def test_a_clone_is_reported_on_before_it_is_published(
    database: str, run: Callable[..., Result], execute: Callable[..., object]
) -> None:
    execute(
        """create table item (id int primary key, kind text not null, price numeric(8, 2) not null,
        ends timestamp not null default 'infinity', moments date[] not null default '{infinity}')"""
    )
    execute(
        "insert into item select i, 'kind ' || i % 4, round((100 * sqrt(i))::numeric, 2) from generate_series(1, 300) i"
    )
    done = run("clone", database, "--to", "dev", "--seed", "1", "--effort", "quick", "--verify", "--html", "clone.html")
    assert done.exit_code in (0, 1), done.output
    page = Path("clone.html").read_text("utf-8")
    assert "Distribution of price" in page
    assert ("</span> Passed" in page) == (done.exit_code == 0)


def test_a_failed_gate_leaves_the_target_as_it_was(
    database: str, run: Callable[..., Result], execute: Callable[..., list[tuple[object, ...]]]
) -> None:
    execute("create table item (id int primary key, price numeric(8, 2) not null)")
    execute("insert into item select i, round((100 * sqrt(i))::numeric, 2) from generate_series(1, 300) i")
    asked = ("clone", database, "--to", "dev", "--effort", "quick")
    assert run(*asked, "--seed", "1").exit_code == 0
    before = execute("select * from dev.item order by id")
    Path("dbsynth.toml").write_text("[verify]\nmin_quality = 1.0\n")
    done = run(*asked, "--seed", "2", "--verify", "--junit", "gates.xml")
    assert done.exit_code == 1, done.output
    assert "the score is" in done.output
    assert "<failure" in Path("gates.xml").read_text()
    assert execute("select * from dev.item order by id") == before
    assert execute("select nspname from pg_namespace where nspname like '%building%'") == []


def pictured(page: Path, table: str, folder: str | None = None) -> None:
    """The page in a browser, which says nothing in its console."""
    path = browser_path()
    if path is None:
        return
    with launched(path) as browser:
        context = browser.new_context(viewport={"width": 1180, "height": 1000}, device_scale_factor=1)
        shown = context.new_page()
        said: list[str] = []
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.goto(page.absolute().as_uri())
        shown.get_by_role("button", name="Close all").click()
        shown.locator("#list").get_by_role("link", name=table, exact=True).click()
        assert said == []
        assert shown.locator("details[open] article.card").count() > 3
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            shown.screenshot(path=Path(folder, "report-table.png"))
            shown.evaluate("scrollTo(0, 0)")
            shown.screenshot(path=Path(folder, "report.png"))


def test_a_target_alone_is_reported_on(database: str, run: Callable[..., Result]) -> None:
    fill(database)
    done = run("verify", f"{database}#public", "--html", "alone.html")
    assert done.exit_code == 0, done.output
    assert "its own constraints only" in Path("alone.html").read_text("utf-8")


@pytest.mark.parametrize(("arguments", "why"), [(["--html", "no/r.html"], "folder"), (["--html", "."], "folder")])
def test_a_report_that_cannot_be_written_ends_the_run_first(
    database: str, run: Callable[..., Result], arguments: list[str], why: str
) -> None:
    done = run("verify", database, *arguments)
    assert done.exit_code == 2
    assert why in done.output


def test_a_report_goes_with_verify(database: str, run: Callable[..., Result]) -> None:
    done = run("clone", database, "--to", "dev", "--html", "r.html")
    assert done.exit_code == 2
    assert "--html goes with --verify" in done.output


@pytest.mark.databases
def test_pictures_of_a_real_database(cloned: Callable[[str], Clone], run: Callable[..., Result]) -> None:
    chinook = cloned("chinook")
    verified = run("verify", chinook.target, "--against", chinook.source, "--html", "chinook.html")
    assert verified.exit_code in (0, 1), verified.output
    pictured(Path("chinook.html"), "track", os.environ.get("DBSYNTH_TEST_SCREENSHOTS"))
