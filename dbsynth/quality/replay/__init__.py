"""Does a workload behave alike on a source and on its clone? Runs the same queries on both, read-only, and compares."""

from dbsynth.quality.replay.run import MIN_SHARE, Replay, ReplayOptions, replay
from dbsynth.quality.replay.workloads import SECONDS, Workloads

__all__ = ["MIN_SHARE", "SECONDS", "Replay", "ReplayOptions", "Workloads", "replay"]
