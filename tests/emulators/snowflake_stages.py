"""Stages of the stand-in Snowflake: PUT, LIST, REMOVE and COPY INTO a table from Parquet files."""

from __future__ import annotations

import datetime
import email.utils
import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote as quote_url

import pyarrow as pa
import pyarrow.parquet
from snowflake_queries import Result, Runner
from snowflake_registry import NAME, Column, Place, Registry, SnowflakeError, Table, missing, quote, shown, split_name

ROOT = Path(tempfile.mkdtemp(prefix="snowflake_stages_"))
STAGE = re.compile(rf"'?@(?P<stage>~|(?:{NAME}\s*\.\s*)?%{NAME}|{NAME})(?P<path>/[^'\s]*)?'?", re.I)
OPTION = re.compile(r"\b(\w+)\s*=\s*(\([^)]*\)|'[^']*'|\w+)", re.I)


class Stages:
    """The files of all stages; each stage is a folder of its own."""

    def __init__(self, registry: Registry, user: str, place: Place) -> None:
        self.registry, self.place = registry, place
        self.user = re.sub(r"\W", "_", user)
        self.address = ""  # where clients upload to

    def create(self, text: str) -> str:
        pattern = rf"create\s+(or\s+replace\s+)?(?:temporary\s+|temp\s+)?stage\s+(if\s+not\s+exists\s+)?({NAME})"
        found = re.match(pattern, text, re.I)
        if not found:
            raise SnowflakeError(1003, "42000", "SQL compilation error:\nsyntax error in CREATE STAGE.")
        path = split_name(found[3])
        schema = self.registry.container(path, self.place)
        if path[-1] in schema.stages:
            if found[2]:
                return f"{shown(path[-1])} already exists, statement succeeded."
            if not found[1]:
                message = f"SQL compilation error:\nObject '{shown(path[-1])}' already exists."
                raise SnowflakeError(2002, "42710", message)
            shutil.rmtree(ROOT / schema.stages[path[-1]], ignore_errors=True)
        schema.stages[path[-1]] = self.registry.physical_name("stage_")
        return f"Stage area {shown(path[-1])} successfully created."

    def drop(self, path: tuple[str, ...], lenient: bool) -> None:
        schema = self.registry.container(path, self.place)
        folder = schema.stages.pop(path[-1], None)
        if folder is None and not lenient:
            raise missing(shown(*path), "Stage")
        if folder:
            shutil.rmtree(ROOT / folder, ignore_errors=True)

    def folder(self, text: str) -> tuple[Path, str]:
        """The folder of a stage and the path inside it, for a reference such as ``@~/a/b`` or ``@"s"."st"``."""
        found = STAGE.match(text.strip())
        if not found:
            message = f"SQL compilation error:\nsyntax error: {text} is no stage reference."
            raise SnowflakeError(1003, "42000", message)
        inside = (found["path"] or "").strip("/")
        if found["stage"] == "~":
            return ROOT / f"user_{self.user}", inside
        path = split_name(found["stage"])
        if "%" in found["stage"]:
            return ROOT / f"table_{self.registry.table(path, self.place).physical}", inside
        schema = self.registry.container(path, self.place)
        if path[-1] not in schema.stages:
            raise missing(shown(schema.database.name, schema.name, path[-1]), "Stage")
        return ROOT / schema.stages[path[-1]], inside

    def files(self, text: str) -> list[Path]:
        """The files whose path in the stage starts with the path of the reference."""
        folder, inside = self.folder(text)
        found = (each for each in folder.rglob("*") if each.is_file())
        return sorted(each for each in found if str(each.relative_to(folder)).startswith(inside))

    def put(self, text: str) -> dict[str, object]:
        """What the client needs for an upload: https://docs.snowflake.com/en/sql-reference/sql/put

        The stage poses as one of Google's with a presigned address, the only kind that clients upload to by plain
        HTTP. A pattern of many files gets an address that is refused: the client then asks anew for each.
        """
        found = re.match(r"put\s+('[^']*'|\S+)\s+('[^']*'|[^'\s]+(?:\"[^\"]*\"\S*)*)\s*(.*)$", text, re.I | re.S)
        if not found:
            raise SnowflakeError(1003, "42000", "SQL compilation error:\nsyntax error in PUT.")
        folder, inside = self.folder(found[2])
        options = {name.upper(): value.strip("'").upper() for name, value in OPTION.findall(found[3])}
        source = found[1].strip("'").removeprefix("file://")
        target = folder.relative_to(ROOT) / inside / source.rsplit("/", 1)[-1]
        return {
            "stageInfo": {
                "locationType": "GCS",
                "location": f"{folder.name}/{inside}/" if inside else f"{folder.name}/",
                "path": inside,
                "region": "",
                "storageAccount": None,
                "isClientSideEncrypted": False,
                "creds": {},
                "presignedUrl": f"{self.address}/{quote_url(str(target))}",
                "endPoint": None,
            },
            "src_locations": [source],
            "parallel": int(options.get("PARALLEL", 4)),
            "threshold": 209_715_200,
            "autoCompress": options.get("AUTO_COMPRESS", "TRUE") == "TRUE",
            "overwrite": True,  # without it clients ask for headers that no presigned address allows
            "sourceCompression": options.get("SOURCE_COMPRESSION", "AUTO_DETECT").lower(),
            "clientShowEncryptionParameter": False,
            "encryptionMaterial": None,
            "queryId": "",
            "command": "UPLOAD",
            "kind": None,
            "operation": "Node",
        }

    def list(self, text: str) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/list"""
        rows = []
        for file in self.files(text):
            changed = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
            digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
            rows.append((self._name(file), file.stat().st_size, digest, email.utils.format_datetime(changed, True)))
        names = ["name", "size", "md5", "last_modified"]
        kinds = [pa.string(), pa.int64(), pa.string(), pa.string()]
        return Result(pa.table([pa.array([row[i] for row in rows], kinds[i]) for i in range(4)], names=names))

    def remove(self, text: str) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/remove"""
        files = self.files(text)
        for file in files:
            file.unlink()
        names = pa.array([self._name(file) for file in files], pa.string())
        return Result(pa.table({"name": names, "result": pa.array(["removed"] * len(files), pa.string())}))

    def _name(self, file: Path) -> str:
        return str(file.relative_to(ROOT).relative_to(file.relative_to(ROOT).parts[0]))

    def copy(self, text: str, runner: Runner) -> Result:
        """https://docs.snowflake.com/en/sql-reference/sql/copy-into-table"""
        pattern = rf"copy\s+into\s+({NAME})\s*(?:\(([^)]*)\))?\s*from\s+('@[^']*'|@\S+)\s*(.*)$"
        found = re.match(pattern, text, re.I | re.S)
        if not found:
            message = "SQL compilation error:\nunsupported form of COPY INTO (stand-in: a table from a stage only)."
            raise SnowflakeError(1003, "42000", message)
        table = self.registry.table(split_name(found[1]), self.place)
        options = {name.upper(): value.strip("'").upper() for name, value in OPTION.findall(found[4])}
        if not re.search(r"TYPE\s*=\s*'?PARQUET", options.get("FILE_FORMAT", "")):
            raise SnowflakeError(1003, "42000", "SQL compilation error:\nstand-in: COPY INTO reads Parquet only.")
        match = options.get("MATCH_BY_COLUMN_NAME", "NONE")
        if match == "NONE":
            raise SnowflakeError(
                2019,
                "0A000",
                "SQL compilation error:\nPARQUET file format can produce one and only one column of type variant, "
                "object, or array. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy "
                "with transformation.",
            )
        rows: list[tuple[str, int]] = []
        for file in self.files(found[3]):
            digest = f"{file}:{hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()}"
            # A file is loaded once only, by the load history of the table, unless FORCE.
            if digest in table.loaded and options.get("FORCE") != "TRUE":
                continue
            rows.append((self._name(file), load(table, file, match, runner)))
            table.loaded.add(digest)
            if options.get("PURGE") == "TRUE":
                file.unlink()
        return self._loaded(rows)

    def _loaded(self, rows: list[tuple[str, int]]) -> Result:
        if not rows:
            return Result(pa.table({"status": ["Copy executed with 0 files processed."]}))
        counts = pa.array([count for _, count in rows], pa.int64())
        ones, zeros = pa.array([1] * len(rows), pa.int64()), pa.array([0] * len(rows), pa.int64())
        nothing = pa.nulls(len(rows), pa.string())
        return Result(
            pa.table(
                {
                    "file": pa.array([name for name, _ in rows], pa.string()),
                    "status": pa.array(["LOADED"] * len(rows), pa.string()),
                    "rows_parsed": counts,
                    "rows_loaded": counts,
                    "error_limit": ones,
                    "errors_seen": zeros,
                    "first_error": nothing,
                    "first_error_line": pa.nulls(len(rows), pa.int64()),
                    "first_error_character": pa.nulls(len(rows), pa.int64()),
                    "first_error_column_name": nothing,
                }
            )
        )


def receive(path: str, content: bytes) -> bool:
    """Stores an uploaded file, unless its path leads out of the stages."""
    target = (ROOT / path).resolve()
    if not target.is_relative_to(ROOT.resolve()):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True


def load(table: Table, file: Path, match: str, runner: Runner) -> int:
    """Loads one Parquet file by the names of its columns; table columns without a match get NULL, not the default."""
    try:
        rows = pyarrow.parquet.ParquetFile(file).read()
    except pa.ArrowInvalid as error:
        raise SnowflakeError(100152, "22000", f"Error parsing the parquet file: {error}") from error
    by_name: dict[str, int] = {}
    for index, name in enumerate(rows.column_names):
        by_name.setdefault(name if match == "CASE_SENSITIVE" else name.upper(), index)
    targets, values = [], []
    for column in table.columns.values():
        index = by_name.get(column.name if match == "CASE_SENSITIVE" else column.name.upper())
        if index is None and column.identity:
            continue
        targets.append(quote(column.name))
        values.append("NULL" if index is None else _converted(f"c{index}", rows.schema.field(index).type, column))
    # Neutral names: two file columns may differ in case alone, which DuckDB does not tell apart.
    rows = rows.rename_columns([f"c{index}" for index in range(rows.num_columns)])
    sql = f"INSERT INTO {table.physical} ({', '.join(targets)}) SELECT {', '.join(values)} FROM _loading"
    with runner.registered({"_loading": rows}):
        return int(runner.duck(sql)[0][0])


def _converted(name: str, kind: pa.DataType, column: Column) -> str:
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if column.physical == "JSON":
        return f"to_json({name})"  # text becomes a string inside the VARIANT, as in Snowflake: PARSE_JSON parses
    if column.kind == "BINARY" and text:
        return f"unhex({name})"
    return f"CAST({name} AS {column.physical})"
