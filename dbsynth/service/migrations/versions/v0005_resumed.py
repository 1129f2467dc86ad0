"""An attempt may go on from what an earlier one has learned."""

from __future__ import annotations

from dbsynth.service.install import run_script

revision, down_revision = "0005", "0004"
branch_labels = depends_on = None


def upgrade() -> None:
    run_script("0005_resumed_up")


def downgrade() -> None:
    run_script("0005_resumed_down")
