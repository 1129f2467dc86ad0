"""Parts of ``relational.py``: what is exported, the metrics, the tools, the runs and the report."""
