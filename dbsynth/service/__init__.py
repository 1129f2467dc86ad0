"""Jobs asked for in SQL: the control schema in a PostgreSQL database, and the worker that does them.

install.py   the control schema, by Alembic migrations (migrations/, their SQL in sql/dbsynth_sql/service/)
queue.py     what a worker says to it: claim, hold, give back, finish
options.py   a job's options, as what the pipeline is asked for
worker.py    the process that claims jobs      child.py   the process that does one
guard.py     what is made sure of before a job makes anything, and when its target is published
"""
