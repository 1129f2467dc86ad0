"""One page for people: what a verification found, with pictures. A file of its own that loads nothing."""

from dbsynth.quality.report.page import render, write_report

__all__ = ["render", "write_report"]
