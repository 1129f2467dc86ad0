"""dbsynth: clone a database into a schema of synthetic rows that behave like production."""

__version__ = "0.1.0"
