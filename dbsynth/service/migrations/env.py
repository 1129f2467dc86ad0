"""Run by Alembic, with the connection that ``dbsynth.service.install`` gives it."""

from __future__ import annotations

from alembic import context

from dbsynth.service.install import SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
with context.begin_transaction():
    context.run_migrations()
