"""Jobs that generate from a model that was trained before. The workers enter the models that they have."""

from __future__ import annotations

from dbsynth.service.install import run_script

revision, down_revision = "0003", "0002"
branch_labels = depends_on = None


def upgrade() -> None:
    run_script("0003_models_up")


def downgrade() -> None:
    run_script("0003_models_down")
