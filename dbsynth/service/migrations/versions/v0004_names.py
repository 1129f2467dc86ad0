"""Names that are wrong are told when a job is asked for."""

from __future__ import annotations

from dbsynth.service.install import run_script

revision, down_revision = "0004", "0003"
branch_labels = depends_on = None


def upgrade() -> None:
    run_script("0004_names_up")


def downgrade() -> None:
    run_script("0004_names_down")
