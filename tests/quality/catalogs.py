"""Targets without rows: what a clone makes of a catalog."""

from __future__ import annotations

from pathlib import Path

from dbsynth.dialect import RunInfo, connect, parse_url
from dbsynth.pipeline.clone import target_names
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.catalog import Difference, compare
from dbsynth.quality.pairing import schemas_of
from dbsynth.schema.model import Schema
from dbsynth.translate.target import open_target

SHOP = Path(__file__).with_name("shop_catalog.sql")


def build(source_url: str, target_url: str, place: str | None = None) -> dict[str, str]:
    """The empty target; gives the mapping of schemas."""
    source, target = connect(source_url), connect(target_url)
    try:
        schema = source.introspect()
        options = CloneOptions(parse_url(source_url), parse_url(target_url), target_schema=place)
        mapping = target_names(options, schema, source, target)
        writer = open_target(target, source.dialect.name)
        run = RunInfo("catalog1", "1", 1, "test", source_identity=source.identity())
        writer.prepare(schema, mapping, run, replace=False)
        writer.finish(lambda what: None)
        writer.publish()
        writer.close()
        return mapping
    finally:
        source.close()
        target.close()


def differences(source_url: str, target_url: str, mapping: dict[str, str]) -> tuple[Difference, ...]:
    source, target = connect(source_url), connect(target_url)
    try:
        schema = source.introspect(tuple(mapping))
        found: Schema = target.introspect(schemas_of(schema, mapping, source.dialect, target.dialect))
        return compare(schema, found, mapping, source.dialect, target.dialect)
    finally:
        source.close()
        target.close()
