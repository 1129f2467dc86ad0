"""What is given to the functions is data: no text through any argument does anything but raise an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from serving import TINY, Execute, Serving

Role = Callable[..., list[tuple[Any, ...]]]
DROP = "drop table tiny.t"
TEXTS = (
    f"'; {DROP}; --", f"\"; {DROP}; --", f"dev; {DROP}", f"dev\"; {DROP}; --", f"dev'; {DROP}; --", f"dev); {DROP}; --",
    f"$$; {DROP}; $$", f"$x$; {DROP}; $x$", f"\\'; {DROP}; --", f"E'\\'; {DROP}; --", f"/*'*/; {DROP}; --",
    f"'||(select {DROP!r})||'", "' or '1'='1", "\" or \"\"=\"", "dev\n--", "dev\r\n; select 1", "dev%00",
    "../../etc/passwd", "..", ".", "/etc", "a/b", "dev.t", "public.\"x\"", "dev schema authorization postgres",
    "%s", "%(id)s", "x" * 64,
     "%I", ":x", "{target}", "pg_temp", "ｄｅｖ；drop", "dev\u202e", "", " ", " dev", "ä" * 40 + "!",
    "'; select pg_sleep(60); --", "'; copy tiny.t to program 'id'; --", "'; alter role alice superuser; --",
)  # fmt: skip
assert len(TEXTS) >= 30


@pytest.fixture
def unchanged(execute: Execute, as_role: Role) -> Callable[[], None]:
    """Raises where anything has come of an attempt."""
    state = """select (select count(*) from tiny.t), (select rolsuper from pg_roles where rolname = 'alice'),
        (select string_agg(nspname, ' ' order by nspname) from pg_namespace where nspname !~ '^pg_(toast_)?temp')"""
    execute(TINY)
    before = execute(state)

    def check() -> None:
        assert execute(state) == before

    return check


@pytest.mark.parametrize("argument", ["source", "target", "model", "model target"])
def test_a_text_that_is_no_name_is_refused(as_role: Role, unchanged: Callable[[], None], argument: str) -> None:
    calls = {
        "source": "select dbsynth.clone(source => %s, target => 'dev')",
        "target": "select dbsynth.clone(source => 'tiny', target => %s)",
        "model": "select dbsynth.generate(model => %s, target => 'dev')",
        "model target": "select dbsynth.generate(model => 'shop', target => %s)",
    }
    for text in TEXTS:
        with pytest.raises(psycopg.Error):
            as_role("alice", calls[argument], text)
    assert as_role("alice", "select count(*) from dbsynth.jobs") == [(0,)]
    unchanged()


@pytest.mark.parametrize("option", ["", "effort", "strategy", "scale", "seed", "rows", "keep", "replace", "tables"])
def test_a_text_in_the_options_is_a_text(as_role: Role, unchanged: Callable[[], None], option: str) -> None:
    for text in TEXTS:
        if option == "strategy" and text == "pg_temp":
            continue  # might be that of a plugin: the worker says
        options: Any = {text: 1} if not option else {option: {text: text}} if option == "rows" else {option: text}
        with pytest.raises(psycopg.Error):
            as_role("alice", "select dbsynth.clone('tiny', 'dev', %s::jsonb)", json.dumps(options))
        with pytest.raises(psycopg.Error):
            as_role("alice", "select dbsynth.clone('tiny', 'dev', %s)", text)
    unchanged()


@pytest.mark.parametrize("call", ["cancel", "status", "wait"])
def test_an_id_is_a_number(as_role: Role, unchanged: Callable[[], None], call: str) -> None:
    for text in (*TEXTS, "1; drop table tiny.t", "1 or 1=1", "-1", "0", "9223372036854775808", "NaN", "1e3", "0x1"):
        statement = f"call dbsynth.wait({'%s'})" if call == "wait" else f"select dbsynth.{call}({'%s'})"
        with pytest.raises(psycopg.Error):
            as_role("alice", statement, text)
    with pytest.raises(psycopg.Error):
        as_role("alice", "call dbsynth.wait(1, %s)", "1 s'; drop table tiny.t; --")
    unchanged()


def test_names_of_tables_that_are_none_are_refused_and_patterns_fail_in_the_worker(
    execute: Execute, as_role: Role, unchanged: Callable[[], None], serve: Callable[..., Serving]
) -> None:
    """``tables``, ``exclude``, ``keep`` and the keys of ``rows`` are patterns and names, and match nothing."""

    def ask(n: int, text: str) -> None:
        options = ({"tables": [text]}, {"rows": {text: 1}}, {"keep": [text]}, {"tables": ["t"], "exclude": [text]})
        as_role("alice", "select dbsynth.clone('tiny', 'dev', %s::jsonb)", json.dumps(options[n % 4]))

    for n, text in enumerate([t for t in TEXTS if t and "*" not in t] * 4):
        with pytest.raises(psycopg.errors.UndefinedTable, match="there is no table"):
            ask(n, text)
    for n, text in enumerate([t for t in TEXTS if t][:8]):
        ask(n, text + "*")
    worker = serve("--drain")
    assert worker.process.wait(300) == 0
    assert execute("select distinct state from dbsynth.job") == [("failed",)]
    unchanged()


def test_hostile_names_that_exist_are_cloned(execute: Execute, as_role: Role, serve: Callable[..., Serving]) -> None:
    execute("""create schema "we;ird ""name'" authorization alice; set role alice;
        create table "we;ird ""name'"."t'; drop schema ""x""; --" ("a""b;" int primary key, "ä%s" text);
        insert into "we;ird ""name'"."t'; drop schema ""x""; --" select g, 'x' from generate_series(1, 30) g""")
    as_role("alice", "select dbsynth.clone(%s, 'dev', %s::jsonb)", "we;ird \"name'", '{"strategy": "independent"}')
    worker = serve("--drain")
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", """select count(*) from dev."t'; drop schema ""x""; --" """) == [(30,)]
    assert worker.process.wait(100) == 0
