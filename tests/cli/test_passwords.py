"""A password that stands where none belongs is not repeated: not by click, not by a message of ours."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run

SECRET = "hunter2secret"
URL = f"postgresql://joe:{SECRET}@127.0.0.1:1/shop"


@pytest.mark.parametrize(
    "arguments",
    [
        ("clone", "prod", URL, "--to", "dev"),
        ("clone", "prod", "--to", "dev", "--scale", URL),
        ("clone", "prod", "--to", "dev", "--seed", URL),
        ("clone", "prod", "--to", "dev", "--rows", URL),
        ("clone", "prod", "--to", "dev", "--config", URL),
        ("clone", "prod", f"--{URL}"),
        (URL, "clone"),
        ("inspect", URL, URL),
    ],
    ids=["argument", "scale", "seed", "rows", "config", "option", "verb", "inspect"],
)
def test_a_url_in_the_wrong_place(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert SECRET not in result.output
    assert "joe:***@127.0.0.1:1/shop" in result.output


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql:/joe:{SECRET}@127.0.0.1/shop",
        f"joe:{SECRET}@127.0.0.1:1/shop",
        f"joe:hun.{SECRET}@127.0.0.1:1/shop",
        f"postgresql://joe:hun@{SECRET}@127.0.0.1:1/shop",
        f"postgresql://joe:hun@{SECRET}/ter@127.0.0.1:1/shop",
        f"postgresql://joe:hun@{SECRET}?ter@127.0.0.1:1/shop",
    ],
    ids=["one slash", "no scheme", "dot", "at", "at and slash", "at and question mark"],
)
@pytest.mark.parametrize("place", ["source", "target"])
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_url_that_is_misspelt(run: Run, text: str, place: str, form: list[str]) -> None:
    source, target = (text, "dev") if place == "source" else ("postgresql://joe@127.0.0.1:1/shop", text)
    result = run("clone", source, "--to", target, *form)
    assert result.exit_code == 2, result.output
    assert SECRET not in result.output
    assert "%40" in result.output, "how it is written"


@pytest.mark.parametrize("password", [f"hun/{SECRET}", f"{SECRET}#1", f"hun%40{SECRET}"])
def test_a_password_that_is_not_escaped_but_understood(run: Run, password: str) -> None:
    result = run("clone", f"postgresql://joe:{password}@127.0.0.1:1/shop", "--to", "dev", "--verbose")
    assert result.exit_code == 3, result.output
    assert SECRET not in result.output
