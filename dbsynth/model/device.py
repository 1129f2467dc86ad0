"""Whether there is the device that was asked for."""

from __future__ import annotations

from dbsynth.errors import UsageError


def check_device(device: str, where: str = "device cuda") -> None:
    """Raises UsageError for ``cuda`` where torch has none. Loads torch only then."""
    if device != "cuda":
        return
    import torch

    if torch.version.cuda is None:
        raise UsageError(
            f"{where}: torch {torch.__version__} is built without CUDA",
            hint="install a build with it (https://pytorch.org/get-started/locally), or take the device auto",
        )
    if not torch.cuda.is_available():
        raise UsageError(
            f"{where}: torch finds no CUDA device", hint="check nvidia-smi, or take the device auto: the processor then"
        )
