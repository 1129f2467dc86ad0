"""From an error to what a person reads and an exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dbsynth.errors import ConnectionFailed, DbsynthError

EXIT_CODES = (
    (0, "done"),
    (1, "finished, but a check of the result failed"),
    (2, "the command line, dbsynth.toml or the target is wrong"),
    (3, "no connection, or a right is missing"),
    (4, "the source cannot be cloned as asked; the message says why"),
    (5, "a defect of dbsynth"),
    (130, "interrupted"),
)
INTERRUPTED = 130
BROKEN_PIPE = 141
DEBUG = "DBSYNTH_DEBUG"
QUOTED = re.compile(r"""'[^']*'?|"[^"]*"?|(?<=\()[^()]*(?=\))""")


class Interrupted(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C: the run takes away what it made."""


@contextmanager
def failures(*, verbose: bool, as_json: bool) -> Iterator[None]:
    """Whatever goes wrong inside ends the program with its exit code and a message on the standard error; with
    ``as_json`` also as one last event on the standard output."""
    before = signal.signal(signal.SIGTERM, _terminated) if _main_thread() else None
    try:
        yield
    except DbsynthError as error:
        _tell(error.message, error.hint, error.code, error.exit_code, as_json)
        if _debug(verbose):
            _show_traceback()
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt as error:
        _tell("interrupted", "", "DBS-130", INTERRUPTED, as_json)
        raise SystemExit(INTERRUPTED) from error
    except BrokenPipeError as error:  # `dbsynth inspect ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE) from error
    except Exception as error:
        debug = _debug(verbose)
        if debug:
            _show_traceback()
        if _is_lost(error):
            lost = ConnectionFailed("a connection to the database was lost", hint="is the server up? run it again")
            _tell(lost.message, lost.hint, lost.code, lost.exit_code, as_json)
            raise SystemExit(lost.exit_code) from error
        hint = "the traceback stands above" if debug else f"{DEBUG}=1 or --verbose shows the traceback"
        # Only the first line, and nothing quoted: drivers and parsers put values of rows there.
        first = QUOTED.sub("…", (str(error).splitlines() or [""])[0])
        message = f"{type(error).__name__}: {first}" if first else type(error).__name__
        _tell(
            f"internal error: {message}",
            f"this is a defect of dbsynth, please report it; {hint}",
            "DBS-500",
            5,
            as_json,
        )
        raise SystemExit(5) from error
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _is_lost(error: Exception) -> bool:
    """Where no adapter stood between: the statement after the one that a connection was lost in."""
    from sqlalchemy.exc import DBAPIError

    return isinstance(error, DBAPIError) and error.connection_invalidated


def _main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def _terminated(_: int, __: FrameType | None) -> None:
    raise Interrupted


def _debug(verbose: bool) -> bool:
    return verbose or os.environ.get(DEBUG, "") not in ("", "0")


def _show_traceback() -> None:
    from dbsynth.console.redact import redact

    print(redact(traceback.format_exc()), file=sys.stderr, end="")


def _tell(message: str, hint: str, code: str, exit_code: int, as_json: bool) -> None:
    from dbsynth.console.redact import redact

    message, hint = redact(message), redact(hint)
    if as_json:
        event = {"v": 1, "event": "Failed", "code": code, "exit_code": exit_code, "message": message, "hint": hint}
        print(json.dumps(event), flush=True)
    if exit_code == INTERRUPTED:
        print("dbsynth: interrupted", file=sys.stderr)
        return
    print(f"dbsynth: {message} [{code}]", file=sys.stderr)
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)
