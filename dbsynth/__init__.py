"""dbsynth: clone a database into a schema of synthetic rows that behave like production.

What ``__all__`` names (``fit``, ``load``, ``verify``, ...) is imported when it is first used: the package itself loads
neither torch nor pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbsynth.api import fit, fit_table, load, update
    from dbsynth.quality.api import verify
    from dbsynth.quality.replay.api import replay
    from dbsynth.synthesizer import Synthesizer

__version__ = "0.1.0"
__all__ = ["Synthesizer", "__version__", "fit", "fit_table", "load", "replay", "update", "verify"]


def __getattr__(name: str) -> Any:
    if name in ("fit", "fit_table", "load", "update", "Synthesizer"):
        from dbsynth import api

        return getattr(api, name)
    if name == "replay":
        from dbsynth.quality.replay.api import replay

        return replay
    if name == "verify":
        from dbsynth.quality.api import verify

        return verify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
