"""Parts of the networks of ``ctgan-2019`` and ``tvae``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dbsynth.model.sizing import embedding_width


class Linear(nn.Module):
    """Weights drawn as torch draws them, from ``generator``."""

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(max(1, inputs))
        self.weight = nn.Parameter((torch.rand(outputs, inputs, generator=generator) * 2.0 - 1.0) * bound)
        self.bias = nn.Parameter((torch.rand(outputs, generator=generator) * 2.0 - 1.0) * bound)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Context(nn.Module):
    """Embeds context codes long (rows, context columns) as float (rows, ``width``)."""

    def __init__(self, cardinalities: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        widths = [embedding_width(k) for k in cardinalities]
        self.width = sum(widths)
        self.tables = nn.ParameterList(
            nn.Parameter(torch.randn(k, w, generator=generator) * 0.5)
            for k, w in zip(cardinalities, widths, strict=True)
        )

    def forward(self, codes: Tensor) -> Tensor:
        parts = [F.embedding(codes[:, j], table) for j, table in enumerate(self.tables)]
        return torch.cat(parts, dim=1) if parts else torch.zeros(len(codes), 0, device=codes.device)
