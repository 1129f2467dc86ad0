"""[tables.*] sections meet the tables of a source."""

from __future__ import annotations

from typing import Any

import pytest

from dbsynth.dialect import parse_url
from dbsynth.errors import ConfigError
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.sections import with_sections, within
from dbsynth.schema.model import TableName

URL = parse_url("postgresql://h/d")
NAMES = [TableName("public", "orders"), TableName("public", "note"), TableName("old", "note")]


def applied(sections: dict[str, Any], **asked: Any) -> tuple[CloneOptions, tuple[str, ...]]:
    return with_sections(CloneOptions(URL, URL, overrides=sections, **asked), NAMES)


def test_a_section_sets_rows_keeps_and_excludes() -> None:
    options, warnings = applied({"orders": {"rows": 5}, "public.note": {"keep": True}, "old.note": {"exclude": True}})
    assert options.rows == {"public.orders": 5}
    assert options.keep == ("public.note",)
    assert options.exclude == ("old.note",)
    assert list(options.overrides) == ["public.orders", "public.note", "old.note"]
    assert warnings == ()


def test_the_command_line_goes_before_a_section() -> None:
    assert applied({"public.orders": {"rows": 5}}, rows={"orders": 9})[0].rows == {"orders": 9}
    assert applied({"orders": {"keep": True}}, keep_none=True)[0].keep == ()


def test_a_section_for_no_table_is_a_warning_that_names_the_nearest() -> None:
    options, warnings = applied({"order": {"rows": 5}, "zzz": {}})
    assert options.rows == {}
    assert warnings == (
        "dbsynth.toml: the source has no table order; did you mean 'orders'?",
        "dbsynth.toml: the source has no table zzz",
    )


def test_a_section_that_fits_two_tables_or_one_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"may be any of public\.note, old\.note"):
        applied({"note": {}})
    with pytest.raises(ConfigError, match=r"two sections"):
        applied({"orders": {}, "public.orders": {}})


def test_sections_of_tables_outside_the_selection_ask_for_nothing() -> None:
    asked = CloneOptions(URL, URL, rows={"misspelt": 1}, overrides={"orders": {"rows": 5, "keep": True}})
    options = within(with_sections(asked, NAMES)[0], asked, [NAMES[1]])
    assert options.rows == {"misspelt": 1}
    assert options.keep == ()
