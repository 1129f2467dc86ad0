"""The queue: who may ask for what, and the functions that people call."""

from __future__ import annotations

from dbsynth.service.install import run_script

revision, down_revision = "0001", None
branch_labels = depends_on = None


def upgrade() -> None:
    run_script("0001_jobs_up")


def downgrade() -> None:
    run_script("0001_jobs_down")
