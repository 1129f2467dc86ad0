"""Parts of ``single_table.py``: the tables, the metrics, the tools, the runs and the report."""
