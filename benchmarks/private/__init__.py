"""Privacy figures of one table: see ``benchmarks/privacy.py``."""
