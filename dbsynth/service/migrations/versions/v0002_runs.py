"""Every attempt at a job is remembered, with its tables; a failed one is tried again, later, and not forever."""

from __future__ import annotations

from dbsynth.service.install import run_script

revision, down_revision = "0002", "0001"
branch_labels = depends_on = None


def upgrade() -> None:
    run_script("0002_runs_up")


def downgrade() -> None:
    run_script("0002_runs_down")
