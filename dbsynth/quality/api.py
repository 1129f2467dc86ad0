"""``dbsynth.verify``, from Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy.engine import URL, Engine

from dbsynth.artifact.manifest import is_model
from dbsynth.dialect import named_schema, parse_url
from dbsynth.errors import UsageError
from dbsynth.pipeline.generation import Check
from dbsynth.pipeline.options import CloneOptions
from dbsynth.places import split_place
from dbsynth.quality.figures import Gate, Verification
from dbsynth.quality.files import check_writable
from dbsynth.quality.gates import DEFAULTS, GATES, Thresholds
from dbsynth.quality.replay.api import check, wished
from dbsynth.quality.replay.run import MIN_SHARE
from dbsynth.quality.replay.workloads import SECONDS, Asked
from dbsynth.quality.sides import SAMPLE_ROWS
from dbsynth.quality.verify import Look, VerifyOptions, check_of_model, nothing, raise_if_failed
from dbsynth.quality.verify import verify as verified

if TYPE_CHECKING:
    from dbsynth.synthesizer import Synthesizer

Place = str | URL | Engine


class VerifyWishes(TypedDict, total=False):
    """Arguments of ``verify`` that ``Synthesizer.to_database(verify=...)`` takes too."""

    min_quality: float
    max_copies: float
    max_auc: float
    fail_on: Iterable[Gate]
    sample_rows: int
    seed: int
    html: str | PathLike[str] | None


def verify(
    target: Place,
    against: Place | PathLike[str] | None = None,
    *,
    tables: Iterable[str] = (),
    exclude: Iterable[str] = (),
    keep: Iterable[str] = (),
    min_quality: float = DEFAULTS.quality,
    max_copies: float = DEFAULTS.copies,
    max_auc: float = DEFAULTS.auc,
    fail_on: Iterable[Gate] = DEFAULTS.fail_on,
    sample_rows: int = SAMPLE_ROWS,
    seed: int = 0,
    replay: bool = False,
    queries: str | PathLike[str] | None = None,
    pg_stat_statements: bool = False,
    dbt: str | PathLike[str] | None = None,
    min_share: float = MIN_SHARE,
    limit_seconds: float = SECONDS,
    html: str | PathLike[str] | None = None,
) -> Verification:
    """Test ``target``, a database URL with ``#schema`` (of several: ``#a,b``) or an Engine: its constraints, and where
    ``against`` names the source, or the folder of the model, that it was made from, also likeness and privacy. Reads,
    and writes nothing but ``html``, a page of all that was found. The result says whether it ``passed``; nothing is
    raised where it did not.

    ``tables``, ``exclude``, ``keep``: as they were given to the clone. ``min_quality``, ``max_copies``, ``max_auc``,
    ``fail_on``: see docs/quality.md. ``sample_rows``: rows of a table that figures are computed from. ``queries``,
    ``pg_stat_statements``, ``dbt``, or ``replay`` for generated queries: a workload that is run on the source and on
    the target, as ``dbsynth.replay`` does; ``min_share`` of it has to be alike.

    Raises UsageError for wrong arguments, and what connecting and reading raise.
    """
    url, schemas = _place(target)
    thresholds = Thresholds(min_quality, max_copies, max_auc, tuple(fail_on), min_share)
    check(limit_seconds, min_share)
    named = wished(replay, queries, pg_stat_statements, dbt)
    workload = None if named is None else Asked(*named, limit_seconds)
    options = VerifyOptions(url, schemas, sample_rows=sample_rows, seed=seed, thresholds=thresholds, workload=workload)
    _check(options)
    if isinstance(against, PathLike) or (isinstance(against, str) and is_model(Path(against))):
        if len(schemas or ()) > 1:
            raise UsageError("of several schemas a model knows the names itself", hint="name none")
        options = replace(options, model=Path(against), model_schema=schemas[0] if schemas else named_schema(url))
    elif against is not None:
        made_from = replace(_clone(options, against), tables=tuple(tables), exclude=tuple(exclude), keep=tuple(keep))
        options = replace(options, against=made_from)
    return verified(options, look=_report(html))


def check_of(
    model: Synthesizer,
    *,
    min_quality: float = DEFAULTS.quality,
    max_copies: float = DEFAULTS.copies,
    max_auc: float = DEFAULTS.auc,
    fail_on: Iterable[Gate] = DEFAULTS.fail_on,
    sample_rows: int = SAMPLE_ROWS,
    seed: int = 0,
    html: str | PathLike[str] | None = None,
) -> Check:
    """For rows of ``model`` that are not published yet: GateFailed where a gate fails. Raises UsageError for wrong
    arguments, and for a model without statistics where likeness counts."""
    thresholds = Thresholds(min_quality, max_copies, max_auc, tuple(fail_on))
    options = VerifyOptions(URL.create("nowhere"), sample_rows=sample_rows, seed=seed, thresholds=thresholds)
    _check(options)
    return check_of_model(model, options, "the model", raise_if_failed, _report(html))


def _check(options: VerifyOptions) -> None:
    limits = options.thresholds
    if unknown := [g for g in limits.fail_on if g not in GATES]:
        raise UsageError(f"fail_on: there is no gate {unknown[0]!r}", hint=f"there are: {', '.join(GATES)}")
    if not (
        0 <= limits.quality <= 1 and 0 <= limits.copies <= 1 and 0.5 <= limits.auc <= 1 and options.sample_rows >= 1
    ):
        raise UsageError("min_quality and max_copies are in 0..1, max_auc in 0.5..1, sample_rows 1 or more")


def _report(html: str | PathLike[str] | None) -> Look:
    if html is None:
        return nothing
    from dbsynth.quality.report import write_report

    page = Path(html).absolute()
    check_writable({"html": page})
    return lambda found, sides: write_report(page, found, sides)


def _clone(options: VerifyOptions, against: Place) -> CloneOptions:
    source, schemas = _place(against)
    here = options.target_schemas or ()
    if len(here) > 1:
        raise UsageError(
            "a target has one schema where there is a source",
            hint="of several source schemas name none, or the prefix that they were cloned under",
        )
    schema = here[0] if here else named_schema(options.target_url)
    return CloneOptions(source, options.target_url, source_schemas=schemas, target_schema=schema)


def _place(place: Place) -> tuple[URL, tuple[str, ...] | None]:
    if isinstance(place, Engine):
        return place.url, None
    if isinstance(place, URL):
        return place, None
    base, schemas = split_place(place)
    return parse_url(base), schemas or None
