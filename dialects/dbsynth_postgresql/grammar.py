"""How PostgreSQL writes names and types."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON, TypeEngine

from dbsynth.grammar import Declared, Grammar, TypeNames


class PostgresqlGrammar(Grammar):
    sqlglot = "postgres"
    folds = "lower"
    longest_name = 63
    infinity = True
    types = TypeNames(
        boolean="boolean",
        smallint="smallint",
        integer="integer",
        bigint="bigint",
        real="real",
        double="double precision",
        decimal="numeric({p},{s})",
        most_digits=1000,
        most_scale=1000,
        any_decimal="numeric",
        text="text",
        varchar="character varying({n})",
        char="character({n})",
        binary="bytea",
        date="date",
        time="time without time zone",
        timestamp="timestamp without time zone",
        timestamptz="timestamp with time zone",
        json="jsonb",
        uuid="uuid",
        interval="interval",
    )

    def declare(self, type_: TypeEngine[Any]) -> Declared:
        found = super().declare(type_)
        if isinstance(found.type, JSON):
            return Declared(found.sql, JSONB(), found.note, found.check)
        return found
