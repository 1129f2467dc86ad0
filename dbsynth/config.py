"""``dbsynth.toml``: found, checked, and turned into the source and the target that a command line names.

A file is searched upward from the working directory; ``--config`` names another. What the command line says goes before
the environment (``DBSYNTH_*``), and that before the file.

    [connections.prod_db]
    url_env = "PROD_DATABASE_URL"        # or url = "postgresql://reader@db/shop"
    schemas = ["public"]

    [clone]
    effort = "thorough"

    [privacy]
    k = 10

    [tables."public.orders"]
    rows = 5000
    rules = ["closed_at >= opened_at"]
    columns.note.role = "text"
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from sqlalchemy.engine import URL

from dbsynth.dialect import parse_url
from dbsynth.errors import ConfigError, UsageError
from dbsynth.limits import MAX_ROWS, MAX_SCALE, MAX_SECONDS, MAX_SEED, MAX_TRAIN_MINUTES, MAX_WORKERS, MIN_SAMPLE_ROWS
from dbsynth.places import split_place
from dbsynth.relation.facts import FactWishes
from dbsynth.schema.virtual import VirtualKey
from dbsynth.sizes import bytes_of

FILE_NAME = "dbsynth.toml"
DBT = "dbt:"
URL_VARIABLE = "DBSYNTH_URL_"
"""``DBSYNTH_URL_PROD_DB`` goes before the URL that the file gives for the connection ``prod_db``."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Connection(_Section):
    url: SecretStr | None = None
    url_env: str | None = None
    schemas: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def one_url(self) -> Connection:
        if self.url is not None and self.url_env is not None:
            raise ValueError("give url or url_env, not both")
        return self


def _size(value: Any) -> Any:
    """``"50GiB"`` as a number of bytes; what is no text stays for pydantic to judge."""
    return bytes_of(value) if isinstance(value, str) else value


class CloneDefaults(_Section):
    scale: Annotated[float, Field(gt=0, le=MAX_SCALE, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    sample_seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    sample_rows: Annotated[int, Field(ge=MIN_SAMPLE_ROWS)] | None = None
    effort: Literal["quick", "standard", "thorough"] | None = None
    train_minutes: Annotated[float, Field(gt=0, le=MAX_TRAIN_MINUTES, allow_inf_nan=False)] | None = None
    strategy: str | None = None
    device: Literal["auto", "cpu", "cuda"] | None = None
    workers: Annotated[int, Field(ge=1, le=MAX_WORKERS)] | None = None
    max_bytes: Annotated[int | None, Field(ge=0), BeforeValidator(_size)] = None

    @model_validator(mode="after")
    def work_or_time(self) -> CloneDefaults:
        if self.effort is not None and self.train_minutes is not None:
            raise ValueError("give effort or train_minutes, not both")
        return self


class Privacy(_Section):
    k: Annotated[int, Field(ge=1)] | None = None
    dp_epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    dp_delta: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None


class ColumnSection(_Section):
    role: str | None = None


class TableSection(_Section):
    strategy: str | None = None
    rows: Annotated[int, Field(ge=0, le=MAX_ROWS)] | None = None
    keep: bool | None = None
    exclude: bool = False
    training: dict[str, Any] = Field(default_factory=dict)
    rules: list[str] = Field(default_factory=list)
    columns: dict[str, ColumnSection] = Field(default_factory=dict)


class PrimaryKeySection(_Section):
    table: str
    columns: Annotated[list[str], Field(min_length=1)]


class ForeignKeySection(_Section):
    """``ref_columns`` left out: the primary key of ``ref_table``."""

    table: str
    columns: Annotated[list[str], Field(min_length=1)]
    ref_table: str
    ref_columns: list[str] = Field(default_factory=list)


class FactSection(_Section):
    """Facts across rows: see ``dbsynth.relation.facts``. ``refuse`` and ``confirm``: ids as ``dbsynth plan`` prints
    them, or patterns."""

    refuse: list[str] = Field(default_factory=list)
    confirm: list[str] = Field(default_factory=list)
    declare: list[str] = Field(default_factory=list)

    @property
    def wishes(self) -> FactWishes:
        return FactWishes(tuple(self.refuse), tuple(self.confirm), tuple(self.declare))


class VerifyDefaults(_Section):
    """What ``dbsynth verify`` and ``--verify`` of ``clone`` and ``generate`` ask for: see
    ``dbsynth.quality.gates.Thresholds``."""

    min_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    max_copies: Annotated[float, Field(ge=0, le=1)] | None = None
    max_auc: Annotated[float, Field(ge=0.5, le=1)] | None = None
    fail_on: list[Literal["violations", "quality", "privacy", "workload"]] | None = None
    sample_rows: Annotated[int, Field(ge=MIN_SAMPLE_ROWS)] | None = None
    replay: bool = False
    queries: str | None = None
    pg_stat_statements: bool = False
    dbt: str | None = None
    min_share: Annotated[float, Field(ge=0, le=1)] | None = None
    limit_seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] | None = None

    @property
    def workloads(self) -> int:
        """How many are named."""
        return self.replay + (self.queries is not None) + self.pg_stat_statements + (self.dbt is not None)

    @model_validator(mode="after")
    def one_workload(self) -> VerifyDefaults:
        if self.workloads > 1:
            raise ValueError("give one of replay, queries, pg_stat_statements and dbt")
        return self


class Settings(_Section):
    connections: dict[str, Connection] = Field(default_factory=dict)
    clone: CloneDefaults = Field(default_factory=CloneDefaults)
    privacy: Privacy = Field(default_factory=Privacy)
    verify: VerifyDefaults = Field(default_factory=VerifyDefaults)
    tables: dict[str, TableSection] = Field(default_factory=dict)
    primary_keys: list[PrimaryKeySection] = Field(default_factory=list)
    foreign_keys: list[ForeignKeySection] = Field(default_factory=list)
    facts: FactSection = Field(default_factory=FactSection)

    @property
    def virtual_keys(self) -> tuple[VirtualKey, ...]:
        return (
            *(VirtualKey(k.table, tuple(k.columns)) for k in self.primary_keys),
            *(VirtualKey(k.table, tuple(k.columns), k.ref_table, tuple(k.ref_columns)) for k in self.foreign_keys),
        )


@dataclass(frozen=True)
class Place:
    """A database, and the schemas of it that were named (none: all of a source, the same names in a target)."""

    url: URL
    schemas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """``path`` is None where there is no file."""

    settings: Settings = field(default_factory=Settings)
    path: Path | None = None

    def resolve_source(self, text: str) -> Place:
        """SOURCE: a URL, the name of a connection or a target of dbt, each with ``#schema[,schema]``."""
        base, schemas = split_place(text)
        if not base:
            raise UsageError("no source is named", hint="give a URL or the name of a connection of dbsynth.toml")
        if base.startswith(DBT):
            return _of_dbt(base, schemas, write=False)
        if base not in self.settings.connections and _is_url(base):
            return Place(parse_url(base), schemas)
        connection = self._connection(base)
        return Place(self._url(base, connection), schemas or tuple(connection.schemas))

    def resolve_target(self, text: str, source: Place) -> Place:
        """TARGET: ``SCHEMA`` (in the source's database), ``CONNECTION.SCHEMA``, ``CONNECTION`` or a URL, the last two
        also with ``#SCHEMA``, or a target of dbt. ``#SCHEMA`` alone is a schema of the source's database, whatever its
        name looks like."""
        base, schemas = split_place(text)
        if len(schemas) > 1:
            raise UsageError(
                f"a target has one schema, not {len(schemas)}: {', '.join(schemas)}",
                hint="of several source schemas each becomes TARGET_<schema>; to keep the names clone into another "
                "database",
            )
        if base.startswith(DBT):
            return _of_dbt(base, schemas, write=True)
        if base not in self.settings.connections and _is_url(base):
            return Place(parse_url(base), schemas)
        if not base:
            if not schemas:
                raise UsageError("no target is named", hint="--to SCHEMA, --to CONNECTION.SCHEMA or --to URL#SCHEMA")
            return Place(source.url, schemas)
        known = self.settings.connections
        if base in known:
            return Place(self._url(base, known[base]), schemas)
        if schemas:
            return Place(self._url(base, self._connection(base)), schemas)
        # A connection may have dots in its name: the longest name that fits is meant.
        fitting = [name for name in known if base.startswith(name + ".") and len(base) > len(name) + 1]
        if fitting:
            name = max(fitting, key=len)
            return Place(self._url(name, known[name]), (base[len(name) + 1 :],))
        if "." in base:
            raise UsageError(
                f"--to {base}: there is no connection {base.split('.')[0]!r} in {self._where()}",
                hint=f"{self._nearest(base.split('.')[0])}; a schema with a dot in its name is written '#{base}'",
            )
        return Place(source.url, (base,))

    def _connection(self, name: str) -> Connection:
        found = self.settings.connections.get(name)
        if found is None:
            raise UsageError(f"there is no connection {name!r} in {self._where()}", hint=self._nearest(name))
        return found

    def _url(self, name: str, connection: Connection) -> URL:
        variable = URL_VARIABLE + "".join(c if c.isalnum() else "_" for c in name).upper()
        where = f"{self._where()}: connections.{name}"
        if variable in os.environ:
            text, where = os.environ[variable], f"the environment variable {variable}"
        elif connection.url_env is not None:
            if not os.environ.get(connection.url_env):
                raise ConfigError(
                    f"{where}.url_env: the environment variable {connection.url_env} is not set",
                    hint=f"export {connection.url_env}=postgresql://...",
                )
            text, where = os.environ[connection.url_env], f"the environment variable {connection.url_env}"
        elif connection.url is not None:
            text, where = connection.url.get_secret_value(), f"{where}.url"
        else:
            raise ConfigError(f"{where} has no url", hint=f"add url or url_env, or set {variable}")
        try:
            return parse_url(text)
        except UsageError as error:
            raise ConfigError(f"{where} cannot be parsed as a database URL", hint=error.hint) from error

    def _where(self) -> str:
        return str(self.path) if self.path else f"{FILE_NAME} (no such file here or above)"

    def _nearest(self, name: str) -> str:
        names = list(self.settings.connections)
        near = difflib.get_close_matches(name, names, 1)
        if near:
            return f"did you mean {near[0]!r}?"
        return (
            f"there are: {', '.join(names)}" if names else f"add [connections.{name}] with a url to it, or give a URL"
        )


def _of_dbt(text: str, schemas: tuple[str, ...], *, write: bool) -> Place:
    from dbsynth.dbt.profiles import place

    url, schema = place(text, write=write)
    return Place(url, schemas or (schema,))


def _is_url(text: str) -> bool:
    """A URL, or the attempt at one (user:password@host, postgresql:/host): then it is judged, and told of, as one."""
    return "://" in text or ("@" in text and (":" in text or "/" in text))


def load_config(path: Path | None = None) -> Config:
    """The file ``path``, or the nearest ``dbsynth.toml`` at or above the working directory, or an empty Config."""
    found = path or find_config(Path.cwd())
    if found is None:
        return Config()
    try:
        data = tomllib.loads(found.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else "it is not UTF-8"
        raise ConfigError(f"{found} cannot be read: {reason}") from cause
    except tomllib.TOMLDecodeError as cause:
        raise ConfigError(f"{found}: {cause}", hint="see https://toml.io for how values are written") from cause
    try:
        return Config(Settings.model_validate(data), found)
    except ValidationError as invalid:
        raise _explained(found, invalid) from None  # the cause would print the values, passwords among them


def find_config(start: Path) -> Path | None:
    return next((f for f in (d / FILE_NAME for d in (start, *start.parents)) if f.is_file()), None)


def _explained(path: Path, invalid: ValidationError) -> ConfigError:
    """All that is wrong, each with its key; values are not repeated."""
    lines, hints = [], []
    for error in invalid.errors(include_input=False, include_url=False, include_context=False):
        location = tuple(part for part in error["loc"])
        key = ".".join(_toml_key(str(part)) for part in location)
        if error["type"] == "extra_forbidden":
            lines.append(f"unknown key {key}")
            known = _known_keys(location[:-1])
            near = difflib.get_close_matches(str(location[-1]), known, 1)
            hints.append(f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}")
        else:
            message = error["msg"].removeprefix("Value error, ")
            lines.append(f"{key}: {message[0].lower()}{message[1:]}" if key else message)
    return ConfigError(f"{path}: {'; '.join(lines)}", hint=" ".join(dict.fromkeys(hints)))


def _toml_key(part: str) -> str:
    return part if part.replace("_", "").replace("-", "").isalnum() and part.isascii() else f'"{part}"'


def _known_keys(location: Iterable[str | int]) -> list[str]:
    """The keys that may stand at ``location`` of the file."""
    model: type[BaseModel] = Settings
    parts = iter(location)
    for part in parts:
        annotation: Any = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
        else:  # dict[str, Section] or list[Section]: the next part is a name of the user's, or a number
            next(parts, None)
            model = get_args(annotation)[-1]
    return list(model.model_fields)


def table_overrides(tables: Mapping[str, TableSection]) -> dict[str, dict[str, Any]]:
    """The ``[tables.*]`` sections as plain data, with what they set and nothing else."""
    return {name: section.model_dump(exclude_unset=True, exclude_none=True) for name, section in tables.items()}
