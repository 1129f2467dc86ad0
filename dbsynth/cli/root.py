"""The group of all verbs, and what holds for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from dbsynth import __version__
from dbsynth.console.failures import EXIT_CODES

EXIT_TEXT = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES)
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Verbs(click.Group):
    """Click repeats what it does not understand, a URL in the wrong place with its password too."""

    def make_context(self, *given: Any, **extra: Any) -> click.Context:
        with _without_passwords():
            return super().make_context(*given, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _without_passwords():
            return super().invoke(ctx)


@contextmanager
def _without_passwords() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        from dbsynth.console.redact import redact

        said = error.format_message()
        if redact(said) == said:
            raise
        raise click.UsageError(redact(said), error.ctx) from None


@click.group(cls=_Verbs, context_settings=SETTINGS, epilog=EXIT_TEXT)
@click.version_option(__version__, prog_name="dbsynth")
def main() -> None:
    """Clone a database into a schema of synthetic rows that keep its keys, constraints and statistics.

    SOURCE is a database URL (postgresql://user@host/database) or the name of a connection in dbsynth.toml, either with
    #schema. Nothing is ever written to the source.
    """
