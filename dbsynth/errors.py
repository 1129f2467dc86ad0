"""Every error dbsynth raises on purpose.

    DbsynthError                     code      exit
    ├── UsageError                   DBS-2xx   2     the command line or a name in it is wrong
    │   ├── ConfigError                        2     dbsynth.toml is wrong
    │   ├── TargetRefused                      2     the target may not be (over)written
    │   └── CheckpointRefused                  2     a checkpoint is of another run than is asked for
    ├── ConnectionFailed             DBS-3xx   3     host, database, user or password
    │   └── PermissionDenied                   3     connected, but a right is missing
    ├── CannotClone                  DBS-4xx   4     the source cannot be cloned as asked
    │   ├── UnsupportedSource                  4     the catalog holds something dbsynth does not handle
    │   └── UnsatisfiableConstraint            4     no synthetic row meets a constraint
    ├── ArtifactError                DBS-6xx   2     a saved model cannot be read, or must not be replaced
    ├── GateFailed                   DBS-1xx   1     finished, but a check of the result failed
    └── InternalError                DBS-5xx   5     a defect of dbsynth: please report it

Each carries a stable ``code``, a message that names the object, and a ``hint`` that says what to do.
``transient`` is True where the same call may succeed later without any change (retry decides by it).
Messages never hold credentials or rows of the source.
"""

from __future__ import annotations


class DbsynthError(Exception):
    """Base of the tree. ``str(error)`` is the message; ``hint`` is the remedy."""

    code = "DBS-500"
    exit_code = 5
    transient = False

    def __init__(self, message: str, *, hint: str = "", code: str | None = None, transient: bool | None = None):
        super().__init__(message)
        self.hint = hint
        if code is not None:
            self.code = code
        if transient is not None:
            self.transient = transient

    @property
    def message(self) -> str:
        return str(self)


class UsageError(DbsynthError):
    code, exit_code = "DBS-200", 2


class ConfigError(UsageError):
    code = "DBS-210"


class TargetRefused(UsageError):
    code = "DBS-220"


class CheckpointRefused(UsageError):
    code = "DBS-230"


class ConnectionFailed(DbsynthError):
    code, exit_code = "DBS-300", 3


class PermissionDenied(ConnectionFailed):
    code = "DBS-310"


class CannotClone(DbsynthError):
    code, exit_code = "DBS-400", 4


class UnsupportedSource(CannotClone):
    code = "DBS-410"


class UnsatisfiableConstraint(CannotClone):
    code = "DBS-420"


class ArtifactError(DbsynthError):
    code, exit_code = "DBS-600", 2


class GateFailed(DbsynthError):
    code, exit_code = "DBS-100", 1


class InternalError(DbsynthError):
    code, exit_code = "DBS-500", 5
