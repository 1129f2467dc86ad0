"""A small shop database, cloned before your eyes: ``python -m dbsynth.demo``."""
