"""Dumps as they are found: what is read of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.dumps import reading
from dbsynth.dumps.reading import read
from dbsynth.errors import UsageError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def only(path: Path) -> tuple[str, dict[str, list[str | None]]]:
    (found,) = read(path)
    return found.table, {name: column.to_pylist() for name, column in found.columns.items()}


def test_separated_values_with_any_separator(tmp_path: Path) -> None:
    for separator in ",;\t|":
        text = f'id{separator}note\n1{separator}"a{separator}b\nc"\n2{separator}\n3{separator}""\n'
        table, columns = only(written(tmp_path, "sales.orders.csv", text))
        assert table == "orders"
        assert columns == {"id": ["id", "1", "2", "3"], "note": ["note", f"a{separator}b\nc", None, ""]}


def test_odd_separated_values(tmp_path: Path) -> None:
    assert list(read(written(tmp_path, "empty.csv", ""))) == []
    assert only(written(tmp_path, "bom.csv", "\ufeffa,b\n1,2\n"))[1] == {"a": ["a", "1"], "b": ["b", "2"]}
    latin = "name,city\nJosé,Málaga\n".encode("latin-1")
    assert only(written(tmp_path, "latin.csv", latin))[1]["city"] == ["city", "Málaga"]
    ragged = written(tmp_path, "ragged.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert only(ragged)[1] == {"a": ["a", "1", "7"], "b": ["b", "2", "8"]}
    twice = only(written(tmp_path, "twice.csv", "a,a,\n1,2,3\n"))[1]
    assert list(twice) == ["a", "a#2", "#3"]
    zipped = written(tmp_path, "zipped.tsv.gz", gzip.compress(b"a\tb\n1\t2\n"))
    assert only(zipped) == ("zipped", {"a": ["a", "1"], "b": ["b", "2"]})


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"n": [1, None], "t": ["a", "b"], "l": [[1], [2]], "d": pa.array(["x", "x"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "orders.parquet")
    assert only(tmp_path / "orders.parquet") == ("orders", {"n": ["1", None], "t": ["a", "b"], "d": ["x", "x"]})


def test_copy_of_a_dump(tmp_path: Path) -> None:
    text = (
        'SET x = 1;\nCOPY public."odd ""name" (id, "No, te") FROM stdin;\n1\ta\\tb\\\\\n2\t\\N\n\\.\n'
        "COPY other (a) FROM stdin WITH (FORMAT text);\nx\n\\.\n"
    )
    first, second = read(written(tmp_path, "dump.sql", text))
    assert (first.table, first.columns["No, te"].to_pylist()) == ('odd "name', ["a\tb\\", None])
    assert (second.table, second.columns["a"].to_pylist()) == ("other", ["x"])


def test_inserts_of_a_dump(tmp_path: Path) -> None:
    text = """
    INSERT INTO public.people (id, name, born) VALUES (1, 'O''Brien; said "(so)"', '2001-02-03'::date);
    insert into people (id, name, born) values (2, NULL, null), (-3, E'two\\nlines',
      lower('X'));insert into `odd table` values (1, 'a
    b', 0x1F);
    """
    people, odd = read(written(tmp_path, "dump.sql", text))
    assert people.table == "people"
    assert people.columns["name"].to_pylist() == ['O\'Brien; said "(so)"', None, "two\nlines"]
    assert people.columns["born"].to_pylist()[:2] == ["2001-02-03", None]
    assert people.columns["id"].to_pylist() == ["1", "2", "-3"]
    assert (odd.table, odd.columns["column 2"].to_pylist()) == ("odd table", ["a\n    b"])


def test_a_quote_without_end_takes_no_time_that_grows_with_its_square(tmp_path: Path) -> None:
    lines = "INSERT INTO t VALUES ('never closed\n" + "something, more of it\n" * 100_000
    assert [t.count for t in read(written(tmp_path, "broken.sql", lines))] == [0]


@given(st.lists(st.tuples(st.one_of(st.none(), TEXTS), TEXTS), min_size=1, max_size=8))
def test_inserted_texts_are_what_was_inserted(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str]]
) -> None:
    def literal(value: str | None) -> str:
        return "NULL" if value is None else "'" + value.replace("'", "''") + "'"

    rows = [(a if a is None else a.replace("\\", "/"), b.replace("\\", "/")) for a, b in rows]
    values = ",\n".join(f"({literal(a)}, {literal(b)})" for a, b in rows)
    path = written(tmp_path_factory.mktemp("inserts"), "x.sql", f"INSERT INTO t (a, b) VALUES {values};\n")
    (found,) = read(path)
    assert list(zip(found.columns["a"].to_pylist(), found.columns["b"].to_pylist(), strict=True)) == rows


def test_only_so_many_rows_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS", 3)
    pq.write_table(pa.table({"a": range(9)}), tmp_path / "t.parquet")
    written(tmp_path, "t.csv", "a,b\n" + "1,2\n" * 9)
    written(tmp_path, "c.sql", "COPY t (a) FROM stdin;\n" + "1\n" * 9 + "\\.\n")
    written(tmp_path, "i.sql", "INSERT INTO t VALUES (1);\n" * 9)
    for name in ("t.parquet", "t.csv", "c.sql", "i.sql"):
        (found,) = read(tmp_path / name)
        assert (found.count, found.cut) == (3, True), name


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not looked into"):
        list(read(written(tmp_path, "notes.txt", "a")))
    with pytest.raises(UsageError, match="is no file"):
        list(read(tmp_path / "absent.csv"))
    for name, content in (("x.parquet", b"PAR1 not"), ("x.csv.gz", b"not zipped"), ("x.sql.gz", b"neither")):
        with pytest.raises(UsageError, match="cannot be read"):
            list(read(written(tmp_path, name, content)))
