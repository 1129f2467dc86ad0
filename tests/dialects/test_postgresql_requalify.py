"""Objects move to other schemas in SQL texts; nothing else changes."""

from __future__ import annotations

import pytest
from dbsynth_postgresql.names import ident, literal
from dbsynth_postgresql.requalify import Reference, Requalifier, references, split_name, tokens
from hypothesis import given
from hypothesis import strategies as st

MOVED = {("public", name): "b" for name in ("seq", "mood", "film", "span")} | {('S"x', "t'"): "b'q"}
rename = Requalifier(MOVED, final={"b": "dev"}, constructors=frozenset({("public", "span")}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nextval('public.seq'::regclass)", "nextval('\"b\".\"seq\"'::regclass)"),
        # Looked up anew at each use: by then the schema has its final name.
        ("nextval(('public.seq'::text)::regclass)", "nextval(('\"dev\".\"seq\"'::text)::regclass)"),
        ("'public.mood'::regtype", "'\"b\".\"mood\"'::regtype"),
        ("'G'::public.mood", "'G'::\"b\".mood"),
        ("public.mood[]", '"b".mood[]'),
        ("FOREIGN KEY (a) REFERENCES public.film(id)", 'FOREIGN KEY (a) REFERENCES "b".film(id)'),
        ("CREATE INDEX i ON public.film USING gin (t public.gin_trgm_ops)",
         'CREATE INDEX i ON "b".film USING gin (t public.gin_trgm_ops)'),
        ("public.span(1, 2) && s", '"b".span(1, 2) && s'),
        ('"S""x"."t\'"', '"b\'q"."t\'"'),
        ("'\"S\"\"x\".\"t''\"'::regclass", "'\"b''q\".\"t''\"'::regclass"),
        ("PUBLIC.Film", '"b".Film'),
        ("/* public.seq /* */ public.seq */ public.seq", '/* public.seq /* */ public.seq */ "b".seq'),
        ("public.seq -- public.seq", '"b".seq -- public.seq'),
    ],
)  # fmt: skip
def test_objects_that_are_cloned_move(before: str, after: str) -> None:
    assert rename(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "public.film(x)",  # a function of that name
        "public.citext",
        "x OPERATOR(public.@>) y",
        "'public.seq'",
        "'public.seq'::text",
        "E'\\'public.film'",
        "$$public.film$$ || $a$ $$ public.film $a$",
        '"public.film"',
        '"Public".film',
        "U&'public.film'",
        "a.public.film",
        "other.film",
        "'public.seq",  # never closed
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert rename(text) == text


def test_references_say_what_kind_of_object_is_meant() -> None:
    assert references("a.f(b.t) OPERATOR(c.<->) 'd.s'::regclass::oid + pg_catalog.now()") == {
        Reference("a", "f", "function"),
        Reference("b", "t"),
        Reference("c", "<->", "operator"),
        Reference("d", "s"),
        Reference("pg_catalog", "now", "function"),
    }
    assert rename.outside("public.film, public.gone, pg_catalog.x") == {Reference("public", "gone")}


PIECES = st.one_of(
    st.sampled_from(["public", "film", "seq", ".", "(", ")", "::", "regclass", "text", "OPERATOR", "REFERENCES", " "]),
    st.text(max_size=6).map(ident),
    st.text(max_size=12).map(literal),
    st.sampled_from(["'public.seq'", "E'\\\\'", "$$", "$x$", "--", "/*", "*/", "\n", "'", '"', "\\", "U&"]),
    st.text(max_size=4),
)
TEXTS = st.lists(PIECES, max_size=20).map("".join)


@given(TEXTS)
def test_tokens_joined_are_the_text(sql: str) -> None:
    assert "".join(t.text for t in tokens(sql)) == sql


@given(TEXTS)
def test_moving_every_object_to_where_it_is_changes_nothing(sql: str) -> None:
    names = {(r.schema, r.name): r.schema for r in references(sql)}
    assert Requalifier(names, constructors=frozenset(names))(sql) == sql


@given(TEXTS)
def test_strings_and_comments_are_never_touched(sql: str) -> None:
    before, after = list(tokens(sql)), list(tokens(rename(sql)))
    quiet = ("opaque", "dollar", "comment", "space", "number")
    assert [t for t in before if t.kind in quiet] == [t for t in after if t.kind in quiet]
    cast = "regclass" in sql.lower() or "regtype" in sql.lower()
    if not cast:
        strings = ("string", "escaped")
        assert [t for t in before if t.kind in strings] == [t for t in after if t.kind in strings]


@given(st.text(min_size=1).filter(lambda s: "\0" not in s), st.text(min_size=1), st.text(max_size=8))
def test_any_name_can_be_moved_from_and_to(schema: str, name: str, new: str) -> None:
    moved = Requalifier({(schema, name): new})
    quoted = f"{ident(schema)}.{ident(name)}"
    expected = quoted if schema == new else f"{ident(new)}.{ident(name)}"
    assert moved(f"x::{quoted}") == f"x::{expected}"
    assert split_name(quoted) == (schema, name)
    assert Reference(new, name) in references(moved(f"f({literal(quoted)}::regclass)"))
