"""From a command line to the control schema and the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.engine import URL

from dbsynth.config import load_config
from dbsynth.console.request import source_place
from dbsynth.errors import UsageError

try:
    from dbsynth.service import install as control
except ModuleNotFoundError as missing:
    raise UsageError(f"jobs in SQL need the package {missing.name}", hint="pip install 'dbsynth[service]'") from missing

log = structlog.get_logger("dbsynth")


def install(
    config: Path | None, *, url: str, downgrade: str | None, revision: str | None, uninstall: bool, show: bool
) -> str:
    """What was done, in a sentence."""
    if sum((downgrade is not None, revision is not None, uninstall, show)) > 1:
        raise UsageError("--downgrade, --to, --uninstall and --show are different things", hint="give one")
    place = _url(config, url)
    if show:
        found = control.installed(place)
        return f"version {found}, newest {control.newest()}" if found else "there is no control schema"
    if uninstall:
        control.uninstall(place)
        return "the control schema is gone; the roles dbsynth_user, dbsynth_admin and dbsynth_worker stay"
    before = control.installed(place)
    down = downgrade is not None
    after = control.downgrade(place, downgrade or "") if down else control.upgrade(place, revision or "head")
    if before == after:
        return f"version {after}: nothing to do"
    return f"the control schema is of version {after or 'base'} now" + (f", was of {before}" if before else "")


def serve(config: Path | None, *, url: str, verbose: bool, state: Path | None, **asked: Any) -> None:
    from dbsynth.service.kept import state_folder
    from dbsynth.service.logs import set_up
    from dbsynth.service.worker import Settings, Worker

    models: Path | None = asked["models"]
    if models is not None and not models.is_dir():
        raise UsageError(
            f"--models {models}: there is no such folder", hint="make it: models that are put there later are seen"
        )
    set_up(as_json=asked["log_json"], verbose=verbose)
    try:
        place = state_folder(state)
    except UsageError as error:
        if state is not None:
            raise
        log.warning("jobs that are taken over begin anew: name a folder with --state", reason=error.message)
        place = None
    Worker(Settings(url=_url(config, url), config=config, state=place, verbose=verbose, **asked)).serve()


def _url(config: Path | None, text: str) -> URL:
    return source_place(load_config(config), text, ()).url
