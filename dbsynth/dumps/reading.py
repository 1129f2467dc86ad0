"""Files of rows as columns of texts: CSV (also with tabs, semicolons or bars), parquet, SQL (COPY and INSERT)."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from dbsynth.errors import UsageError

ROWS = 200_000
"""Of a table that are looked at: the first ones."""
COLUMNS = 2_000
ENDINGS = (".csv", ".tsv", ".parquet", ".sql")
SEPARATORS = ",;\t|"
NULLS = ["", "\\N", "NULL", "null"]


@dataclass(frozen=True)
class Rows:
    """``table``: as the file calls it, without a schema. ``columns``: texts (rows,), by name. ``cut``: it has more
    rows."""

    table: str
    columns: dict[str, pa.Array]
    cut: bool = False

    @property
    def count(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


def read(path: Path) -> Iterator[Rows]:
    """The tables of a file. Raises UsageError for what is no such file, or cannot be read as one."""
    ending = kind_of(path)
    if not path.is_file():
        raise UsageError(f"{path} is no file", hint=f"name files that end in {', '.join(ENDINGS)}, also with .gz")
    try:
        match ending:
            case ".parquet":
                yield _parquet(path)
            case ".sql":
                yield from _sql(path)
            case _:
                yield from _separated(path)
    except (pa.ArrowException, OSError, EOFError, csv.Error) as error:
        first = type(error).__name__  # what a parser says may hold values of the file
        raise UsageError(f"{path} cannot be read as {ending[1:]} ({first})", hint="is it whole?") from error


def unnamed(width: int) -> list[str]:
    """What the columns of an INSERT that names none are called."""
    return [f"column {i + 1}" for i in range(width)]


def kind_of(path: Path) -> str:
    """The ending, without .gz. Raises UsageError for another one than ``ENDINGS``."""
    name = path.name.lower().removesuffix(".gz")
    found = next((e for e in ENDINGS if name.endswith(e)), None)
    if found is None or (found == ".parquet" and path.name.lower().endswith(".gz")):
        raise UsageError(f"{path}: this kind of file is not looked into", hint=f"{', '.join(ENDINGS)}, also with .gz")
    return found


def stem_of(path: Path) -> str:
    """``orders`` of sales.orders.csv.gz."""
    name = path.name[: path.name.lower().rindex(kind_of(path))]
    return name.rpartition(".")[2]


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


class Lines:
    """The lines of a file, of which some can be given back."""

    def __init__(self, path: Path) -> None:
        self._file = _opened(path)
        self._back: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._back:
            return self._back.pop()
        return _decoded(next(self._file))

    def back(self, text: str) -> None:
        self._back += text.splitlines(keepends=True)[::-1]

    def more(self, least: int) -> str:
        """As many lines as have ``least`` letters, "" at the end."""
        found: list[str] = []
        while least > 0 and (line := next(self, "")):
            found.append(line)
            least -= len(line)
        return "".join(found)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _unique(names: Sequence[str]) -> list[str]:
    """Names that occur twice, or not at all, get their place."""
    seen: set[str] = set()
    out = []
    for i, name in enumerate(names):
        out.append(name if name and name not in seen else f"{name}#{i + 1}")
        seen.add(out[-1])
    return out


def _texts(names: Sequence[str], rows: list[list[str | None]]) -> dict[str, pa.Array]:
    """Rows that are shorter are filled up, longer ones are cut."""
    width = len(names)
    whole = [row if len(row) == width else (row + [None] * width)[:width] for row in rows]
    columns = zip(*whole, strict=True) if whole else ([] for _ in names)
    return {n: pa.array(c, pa.string()) for n, c in zip(_unique(names), columns, strict=True)}


# --- parquet ----------------------------------------------------------------------------------------------------------


def _parquet(path: Path) -> Rows:
    with pq.ParquetFile(path) as file:
        batches, rows = [], 0
        for batch in file.iter_batches(batch_size=65_536):
            batches.append(batch.slice(0, ROWS - rows))
            rows += batches[-1].num_rows
            if rows >= ROWS:
                break
        found = pa.Table.from_batches(batches, file.schema_arrow)
        total = file.metadata.num_rows
    columns = zip(_unique(found.column_names), found.columns, strict=True)
    return Rows(stem_of(path), {n: text for n, c in columns if (text := _text(c)) is not None}, total > rows)


def _text(column: pa.ChunkedArray) -> pa.Array | None:
    """None for what has no text (lists, structs)."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        return column.cast(pa.string()).combine_chunks()
    except pa.ArrowException:
        return None


# --- separated values -------------------------------------------------------------------------------------------------


def _separated(path: Path) -> Iterator[Rows]:
    """With a header or without: the first row gives the names, and is a row as well."""
    with Lines(path) as lines:
        start = next(lines, "")
    if not start.strip():
        return
    counts = {s: start.count(s) for s in SEPARATORS}
    separator = max(counts, key=lambda s: counts[s])
    names = next(csv.reader([start], delimiter=separator), [])
    if not names or len(names) > COLUMNS:
        raise UsageError(f"{path}: its first line has {len(names):,} columns", hint="is it a table?")
    try:
        yield _by_arrow(path, names, separator, "utf-8")
    except pa.ArrowInvalid:
        yield _by_arrow(path, names, separator, "latin-1")


def _by_arrow(path: Path, names: list[str], separator: str, encoding: str) -> Rows:
    places = [f"f{i}" for i in range(len(names))]
    with (
        _opened(path) as file,
        pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(autogenerate_column_names=True, encoding=encoding, block_size=1 << 24),
            pyarrow.csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=lambda row: "skip"
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()),
                null_values=NULLS, strings_can_be_null=True, quoted_strings_can_be_null=False, check_utf8=True,
            ),
        ) as reader,
    ):  # fmt: skip
        batches, rows = [], 0
        for batch in reader:
            batches.append(batch.slice(0, ROWS - rows))
            rows += batches[-1].num_rows
            if rows >= ROWS:
                break
    found = pa.Table.from_batches(batches)
    columns = {n: found.column(p).combine_chunks() for n, p in zip(_unique(names), places, strict=True)}
    return Rows(stem_of(path), columns, rows >= ROWS)


# --- SQL --------------------------------------------------------------------------------------------------------------

COPY = re.compile(r"COPY\s+(.+?)\s*\((.*)\)\s+FROM\s+stdin\b[^;]*;\s*$", re.IGNORECASE)
INSERT = re.compile(
    r"\s*INSERT\s+(?:IGNORE\s+)?INTO\s+(?P<table>(?:\"(?:[^\"]|\"\")*\"|`[^`]*`|[^\s(])+)", re.IGNORECASE
)
NAME = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|([^\s",`]+)')
TOKEN = re.compile(
    r"(?P<text>[EN]?'(?:[^'\\]|''|\\.)*')|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<end>;)"
    r'|(?P<quoted>"(?:[^"]|"")*"|`[^`]*`)|(?P<word>[^\s,();\'"`]+)|(?P<blank>\s+)|(?P<other>.)',
    re.DOTALL,
)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _sql(path: Path) -> Iterator[Rows]:
    """What COPY and INSERT bring. The INSERTs of one table and one list of columns are one."""
    inserted: dict[tuple[str, tuple[str, ...]], list[list[str | None]]] = {}
    with Lines(path) as lines:
        for line in lines:
            if found := COPY.match(line):
                yield _copied(_bare(found[1]), _names(found[2]), lines)
            elif found := INSERT.match(line):
                columns, rows = _values(line[found.end() :], lines)
                held = inserted.setdefault((_bare(found["table"]), columns), [])
                held += rows[: max(0, ROWS - len(held))]
    for (table, columns), rows in inserted.items():
        width = max(map(len, rows), default=0)
        names = columns or tuple(unnamed(width))
        yield Rows(table, _texts(names, rows), len(rows) >= ROWS)


def _names(text: str) -> list[str]:
    return [(a.replace('""', '"') or b or c) for a, b, c in NAME.findall(text)]


def _bare(table: str) -> str:
    """Without a schema and quotes."""
    parts = re.findall(r'"(?:[^"]|"")*"|`[^`]*`|[^.\s]+', table)
    return _names(parts[-1])[0] if parts and _names(parts[-1]) else table


def _copied(table: str, names: list[str], lines: Lines) -> Rows:
    rows: list[list[str | None]] = []
    cut = False
    for line in lines:
        line = line.rstrip("\r\n")
        if line == "\\.":
            break
        if len(rows) < ROWS:
            rows.append([None if v == "\\N" else _unescaped(v) for v in line.split("\t")])
        else:
            cut = True
    return Rows(table, _texts(names, rows), cut)


def _unescaped(value: str) -> str:
    return value if "\\" not in value else re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), value)


def _values(line: str, lines: Lines) -> tuple[tuple[str, ...], list[list[str | None]]]:
    """The list of columns of an INSERT (empty: not given) and its rows, from behind the name of the table to the end of
    the statement."""
    names: list[str] = []
    rows: list[list[str | None]] = []
    row: list[str | None] | None = None
    depth, given, now = 0, False, io.StringIO()
    null = True
    for kind, piece in _tokens(line, lines):
        match kind:
            case "open":
                depth += 1
                if depth == 1:
                    row, null = [], True
                    now = io.StringIO()
            case "close":
                depth -= 1
                if depth == 0 and row is not None:
                    row.append(None if null else now.getvalue())
                    if not given:
                        names = [n or "" for n in row]
                    elif len(rows) < ROWS:
                        rows.append(row)
                    row = None
            case "comma" if depth == 1 and row is not None:
                row.append(None if null else now.getvalue())
                now, null = io.StringIO(), True
            case "text" | "quoted" | "word" if depth >= 1:
                value = _literal(kind, piece)
                if value is not None:
                    now.write(value)
                    null = False
            case "word" if depth == 0:
                given = given or piece.upper() == "VALUES"
    return tuple(names), rows


def _tokens(text: str, lines: Lines) -> Iterator[tuple[str, str]]:
    """Those of ``text`` and of as many of ``lines`` as the statement needs; what is behind it goes back."""
    at = 0
    while True:
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found is not None  # ``other`` takes any letter
            kind = str(found.lastgroup)
            if kind == "other" and found[0] in "'\"`":  # a text that goes on in the next line
                break
            at = found.end()
            if kind == "end":
                lines.back(text[at:].lstrip())
            if kind not in ("blank", "other"):
                yield kind, found[0]
            if kind == "end":
                return
        more = lines.more(1 + len(text) - at)  # twice as much each time: a quote without end costs no square
        if not more:
            return
        text, at = text[at:] + more, 0


def _literal(kind: str, piece: str) -> str | None:
    """None for NULL and for what is no value (a cast, a sign)."""
    if kind == "quoted":
        return piece[1:-1].replace('""', '"')
    if kind == "word":
        return None if piece.upper() in ("NULL", "DEFAULT") or piece.startswith("::") else piece
    escaped = piece[0] in "Ee"
    inner = piece[piece.index("'") + 1 : -1].replace("''", "'")
    return _unescaped(inner) if escaped or "\\'" in inner else inner
