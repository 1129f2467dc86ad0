"""What was learned of a source, by itself: makes rows, can be saved and loaded, tells what it holds."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import structlog
from sqlalchemy.engine import URL

from dbsynth.artifact import model as artifact
from dbsynth.artifact.learned import schema_hash
from dbsynth.artifact.manifest import versions
from dbsynth.artifact.summary import holdings, holds_statistics
from dbsynth.dialect import parse_url
from dbsynth.errors import UsageError
from dbsynth.frames.pandas import load as load_pandas
from dbsynth.frames.pandas import to_pandas
from dbsynth.limits import MAX_ROWS, MAX_SCALE
from dbsynth.pipeline.append import AppendOptions, append_into
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.events import Event, RunDone
from dbsynth.pipeline.executor import Executor, InlineExecutor, LocalExecutor
from dbsynth.pipeline.exports import Format, write_dump, write_files
from dbsynth.pipeline.filling import Emit
from dbsynth.pipeline.fitting import Fitted, drawn
from dbsynth.pipeline.generation import Check, GenerateOptions, Origin, Trained, generate_into
from dbsynth.pipeline.making import check_outcomes, made, tell_what_is_not_checked
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.planner import resized
from dbsynth.pipeline.room import check_room
from dbsynth.pipeline.spool import Spool
from dbsynth.quality.statistics import Statistics
from dbsynth.schema.model import TableName

if TYPE_CHECKING:
    import pandas as pd

    from dbsynth.quality.api import VerifyWishes

log = structlog.get_logger("dbsynth")
Rows = int | Mapping[str, int] | None
Dtypes = Mapping[str, Mapping[str, str]]
FEW_ROWS = 50_000
"""Are made sooner than a worker process has started."""


class Synthesizer:
    """Made by ``dbsynth.fit``, ``dbsynth.fit_table`` and ``dbsynth.load``. Holds no row of the source but those of
    lookup tables that its ``plan`` keeps; ``report()`` says what it holds."""

    def __init__(
        self,
        plan: Plan,
        learned: Mapping[TableName, Learned],
        *,
        seed: int,
        warnings: Mapping[str, tuple[str, ...]],
        dtypes: Dtypes,
        versions: Mapping[str, str],
        made_at: str,
        origin: Origin,
        digest: str = "",
        statistics: Statistics | None = None,
        asked: Mapping[str, Any] | None = None,
        anew: Mapping[TableName, str] | None = None,
    ) -> None:
        self.plan, self.seed = plan, seed
        self._learned, self._warnings, self._dtypes = dict(learned), dict(warnings), dict(dtypes)
        self._versions, self._made_at = dict(versions), made_at
        self._origin, self._digest = origin, digest
        self.statistics = statistics
        """Of the source, to verify rows and to see drift without it; None: none were kept."""
        self.asked: Mapping[str, Any] = dict(asked or {})
        """What was asked of the training, by the names of ``fit``'s arguments; empty in models of earlier versions."""

        self.anew = {str(name): why for name, why in (anew or {}).items()}
        """Of what ``dbsynth.update`` returned: the tables that were learned anew, and why."""

    @classmethod
    def of(cls, fitted: Fitted, dtypes: Dtypes, origin: Origin, asked: Mapping[str, Any]) -> Synthesizer:
        return cls(
            fitted.plan,
            fitted.learned,
            seed=fitted.seed,
            warnings={str(n): said for n, said in fitted.warnings.items()},
            dtypes=dtypes,
            versions=versions(),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            origin=origin,
            statistics=fitted.statistics,
            asked=asked,
            anew=fitted.anew,
        )

    # --- rows -------------------------------------------------------------------------------------------------------

    def sample(
        self,
        scale: float = 1.0,
        rows: Rows = None,
        *,
        seed: int | None = None,
        enforce_constraints: bool = True,
        workers: int | None = None,
    ) -> dict[str, pd.DataFrame]:
        """Synthetic rows, a DataFrame a table by its name (``schema.table`` where there are several schemas).

        ``scale``: times the rows of the source; children follow their parents. ``rows``: by table, or a number for the
        only table. ``seed``: the same seed makes the same rows; one not given is drawn and told. ``workers``: processes
        (None: this one); changes nothing in the rows.

        With ``enforce_constraints`` every row meets every key and CHECK that can be evaluated outside of a database,
        and a table gets as many rows as ``rows`` asks for. Without, rows that break one are left out as they are drawn,
        and a warning gives the rate: for looking at what a model has learned.

        Raises UsageError for a table that is not there and where pandas is not installed, UnsatisfiableConstraint where
        no such rows can be made."""
        load_pandas()
        with self._made(scale, rows, seed, enforce_constraints, workers) as (plan, spool):
            out = {}
            for table in plan.tables:
                batches = list(spool.batches(table.name))
                whole = pa.Table.from_batches(batches) if batches else spool.read(table.name).stored()
                out[self.label(table.name)] = to_pandas(whole, table.table, self._dtypes.get(str(table.name), {}))
            return out

    def sample_batches(
        self,
        scale: float = 1.0,
        rows: Rows = None,
        *,
        seed: int | None = None,
        enforce_constraints: bool = True,
        workers: int | None = None,
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The rows of ``sample`` as Arrow record batches of at most 65,536 rows, table after table, parents first, in
        the types of ``dbsynth.schema.types``. They lie in a private folder until they are taken: memory holds one
        table at a time while it is made, and one batch afterwards."""
        with self._made(scale, rows, seed, enforce_constraints, workers) as (plan, spool):
            for table in plan.tables:
                for batch in spool.batches(table.name):
                    yield self.label(table.name), batch

    @contextmanager
    def _made(
        self, scale: float, rows: Rows, seed: int | None, enforce: bool, workers: int | None
    ) -> Iterator[tuple[Plan, Spool]]:
        wanted = self._wanted(rows)
        if not 0 < scale <= MAX_SCALE:
            raise UsageError(f"scale={scale}: not in 0..{MAX_SCALE:,.0f}", hint="1.0 makes as many rows as the source")
        plan = resized(self.plan, scale, wanted)
        check_room(plan)
        tell_what_is_not_checked(plan)
        own = drawn("sample") if seed is None else seed
        executor: Executor = InlineExecutor()
        if workers is not None and workers > 1:
            executor = LocalExecutor(workers, lambda table, step, done, total: None)
        try:
            with made(plan, self._learned, (self.seed, own), executor, enforce=enforce) as (spool, outcomes):
                check_outcomes(plan, wanted, outcomes, enforce)
                executor.close()
                yield plan, spool
        except BaseException:
            executor.stop()
            raise

    # --- elsewhere --------------------------------------------------------------------------------------------------

    def to_database(
        self,
        url: str | URL,
        *,
        schema: str | None = None,
        scale: float = 1.0,
        rows: Rows = None,
        seed: int | None = None,
        workers: int | None = None,
        replace: bool = False,
        verify: bool | VerifyWishes | Check = False,
        watch: Emit | None = None,
    ) -> RunDone:
        """Make the model's tables in a database, with their keys and constraints, full of rows: what ``dbsynth.clone``
        makes of the source with the same seeds. The schema appears when all is verified, or not at all.

        ``schema``: its name (None: the names of the model; of several schemas each becomes ``schema_<name>``).
        ``scale``, ``rows``, ``seed``: as ``sample``. ``workers``: processes (None: one a core). ``replace``: also a
        schema that dbsynth did not make. ``verify``: test what was made before it appears, as ``dbsynth.verify`` does
        against the model; True, or some of its arguments, ``{"min_quality": 0.9, "html": "report.html"}``, or what is
        called instead with the plan and with what was built. ``watch``: called with the events of the run.

        Raises TargetRefused, UnsatisfiableConstraint, UsageError, ConnectionFailed; GateFailed where ``verify`` fails:
        then the target is what it was."""
        parsed = parse_url(url) if isinstance(url, str) else url
        options = GenerateOptions(scale, self._wanted(rows), seed, schema, workers, replace)
        return generate_into(self._trained, parsed, options, watch or _nobody, self._check(verify))

    def append_to(
        self,
        url: str | URL,
        *,
        schema: str | None = None,
        scale: float | None = None,
        rows: Rows = None,
        seed: int | None = None,
        workers: int | None = None,
        other_model: bool = False,
        watch: Emit | None = None,
    ) -> RunDone:
        """Add rows to tables that ``to_database`` made of this model, in PostgreSQL or DuckDB: keys go on after the
        last ones, all constraints hold, rows are others than those that are there, also with the seed that made them.
        All are added, or none.

        ``scale``: of the source's rows; None: 1, or where ``rows`` are given none but these and their children. Rows of
        lookup tables stay what they are. ``other_model``: the target may have been made of another model.

        Raises TargetRefused for a target that dbsynth did not make, that was made of another model or whose tables have
        changed; UnsatisfiableConstraint, UsageError, ConnectionFailed."""
        parsed = parse_url(url) if isinstance(url, str) else url
        options = AppendOptions(scale, self._wanted(rows), seed, schema, workers, other_model)
        return append_into(self._trained, parsed, options, watch or _nobody)

    def to_files(
        self,
        path: str | PathLike[str],
        format: Format = "parquet",
        *,
        scale: float = 1.0,
        rows: Rows = None,
        seed: int | None = None,
        workers: int | None = None,
        replace: bool = False,
        verify: bool | VerifyWishes | Check = False,
        watch: Emit | None = None,
    ) -> RunDone:
        """Write rows as files: ``parquet`` or ``csv``, a folder with a file a table; ``sql``, a script for psql with
        tables, rows, keys and constraints; ``duckdb``, a database file. What is there is replaced only if dbsynth made
        it, or with ``replace``; at every moment it is what it was or the complete new one. ``verify``: as
        ``to_database``, of ``duckdb`` only.

        Raises TargetRefused, UnsatisfiableConstraint, UsageError, GateFailed."""
        options = GenerateOptions(scale, self._wanted(rows), seed, None, workers, replace)
        return write_files(self._trained, Path(path), format, options, watch or _nobody, self._check(verify))

    def to_dump(
        self, path: Path, *, schema: str | None = None, scale: float = 1.0, rows: Rows = None, seed: int | None = None
    ) -> RunDone:
        """A folder that ``dbsynth.testing`` loads into PostgreSQL servers, again and again."""
        from dbsynth.model.training import single_thread

        wanted = self._wanted(rows)
        few = 0 < scale <= MAX_SCALE and sum(t.rows for t in resized(self.plan, scale, wanted).tables) <= FEW_ROWS
        options = GenerateOptions(scale, wanted, seed, schema, workers=0 if few else None)
        with single_thread() if few else nullcontext():  # as in the processes of an executor: the same rows
            return write_dump(self._trained, path, options, _nobody)

    @property
    def dialect(self) -> str | None:
        """Of the database that was learned from; None: tables in memory."""
        return self._origin.dialect

    @property
    def digest(self) -> str:
        """Of its files; "" before it is saved."""
        return self._digest

    @property
    def origin(self) -> Origin:
        return self._origin

    @property
    def warnings(self) -> Mapping[str, tuple[str, ...]]:
        """What was said of each table while it was learned."""
        return {name: tuple(said) for name, said in self._warnings.items()}

    @property
    def learned(self) -> Mapping[TableName, Learned]:
        return self._learned

    @property
    def _trained(self) -> Trained:
        return Trained(self.plan, self._learned, self.seed, self._origin, self._digest)

    def _check(self, verify: bool | VerifyWishes | Check) -> Check | None:
        if callable(verify):
            return verify
        if verify is False:
            return None
        from dbsynth.quality.api import check_of

        return check_of(self) if verify is True else check_of(self, **verify)

    def _wanted(self, rows: Rows) -> dict[str, int]:
        """``rows`` by full table name."""
        if rows is None:
            return {}
        if isinstance(rows, int):
            if len(self.plan.tables) != 1:
                raise UsageError(
                    f"rows={rows} for {len(self.plan.tables)} tables: which one?",
                    hint='rows={"orders": 1000}, or scale=',
                )
            rows = {self.label(self.plan.tables[0].name): rows}
        found = {}
        for name, n in rows.items():
            matching = [t.name for t in self.plan.tables if name in (t.name.name, str(t.name))]
            if len(matching) != 1:
                names = [self.label(t.name) for t in self.plan.tables]
                near = difflib.get_close_matches(name, names, 1)
                raise UsageError(
                    f"rows: {name!r} is {'a table of several schemas' if matching else 'no table of the model'}",
                    hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}",
                )
            if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= MAX_ROWS:
                raise UsageError(f"rows: {n!r} of {name!r} is no number of rows", hint="give whole numbers from 0 on")
            found[str(matching[0])] = n
        return found

    def label(self, table: TableName) -> str:
        """What a table is called in ``sample``."""
        return table.name if len(self.plan.schema.schemas) <= 1 else str(table)

    # --- on disk ----------------------------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write a directory of JSON and safetensors files, in the place of a model that is there, whole or not at all.
        ArtifactError where something else is there."""
        extra = {"warnings": self._warnings, "dtypes": self._dtypes}
        about = {
            "versions": self._versions,
            "made_at": self._made_at,
            "seed": self.seed,
            "privacy_k": self.plan.privacy_k,
            "differential_privacy": self._privacy(),
            "schema_hash": schema_hash(self.plan.schema),
            "dialect": self._origin.dialect,
            "source_identity": self._origin.identity,
            "asked": dict(self.asked),
            "tables": {
                str(n): {"strategy": found.model.report.strategy, "fidelity": found.model.report.fidelity}
                for n, found in self._learned.items()
            },
        }
        self._digest = artifact.save(
            Path(path), artifact.Model(self.plan, self._learned, about, extra, statistics=self.statistics)
        )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Synthesizer:
        """What ``save`` wrote; makes the same rows. ArtifactError, which names the file, for anything else; nothing
        that stands in the directory is ever run."""
        found = artifact.load(Path(path), versions())
        about = found.about
        return cls(
            found.plan,
            found.learned,
            seed=int(about["seed"]),
            warnings=found.extra["warnings"],
            dtypes=found.extra["dtypes"],
            versions=about["versions"],
            made_at=str(about["made_at"]),
            origin=Origin(about["dialect"], str(about["source_identity"])),
            digest=found.digest,
            statistics=found.statistics,
            asked=about.get("asked"),
        )

    # --- about it ---------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """Plain data (JSON-able): per table rows, strategy, fidelity, what is kept, warnings, and what of the source
        the model holds, column by column."""
        tables = {}
        for table in self.plan.tables:
            found = self._learned.get(table.name)
            fit = found.model.report if found else None
            tables[self.label(table.name)] = {
                "source_rows": table.source_rows,
                "train_rows": table.train_rows,
                "kept_rows": table.kept.count if table.kept else 0,
                "kept_reason": table.kept.reason if table.kept else None,
                "strategy": fit.strategy if fit else "empty",
                "fidelity": fit.fidelity if fit else None,
                "stopped": fit.stopped if fit else None,
                "warnings": [*table.warnings, *self._warnings.get(str(table.name), ())],
                "holds": holdings(found) if found else {},
            }
        return {
            "source": self.plan.source,
            "dialect": self._origin.dialect,
            "digest": self._digest,
            "made_at": self._made_at,
            "versions": dict(self._versions),
            "seed": self.seed,
            "privacy_k": self.plan.privacy_k,
            "differential_privacy": self._privacy(),
            "schema_hash": schema_hash(self.plan.schema),
            "statistics": holds_statistics(self.statistics),
            "warnings": list(self.plan.warnings),
            "tables": tables,
        }

    def _privacy(self) -> dict[str, object] | None:
        return self.plan.private.describe() if self.plan.private else None

    def __repr__(self) -> str:
        names = ", ".join(self.label(t.name) for t in self.plan.tables[:5])
        more = f" and {len(self.plan.tables) - 5} more" if len(self.plan.tables) > 5 else ""
        return f"<Synthesizer of {names}{more}, seed {self.seed}>"


def _nobody(event: Event) -> None:
    """Watches nothing."""
