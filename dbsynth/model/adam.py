"""Adam on one flat vector, with what a checkpoint needs of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

EPSILON = 1e-8


class Adam:
    """Adam (Kingma & Ba 2015) with the weight decay added to the gradient, as Xu et al. have it.

    Takes ``parameters`` over: they become views of ``values``, so that an update is a few long vector operations.
    (torch.optim does the same, but its first use imports the compiler: two seconds in every worker process.)"""

    def __init__(self, parameters: Iterable[Tensor], *, rate: float, betas: tuple[float, float], decay: float) -> None:
        self.parameters = [p for p in parameters if p.numel()]
        self.rate, self.betas, self.decay = rate, betas, decay
        self.values = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.gradients = torch.zeros_like(self.values)
        self.mean, self.square = torch.zeros_like(self.values), torch.zeros_like(self.values)
        begin = 0
        for p in self.parameters:
            own = slice(begin, begin + p.numel())
            p.data = self.values[own].view_as(p)
            p.grad = self.gradients[own].view_as(p)
            begin = own.stop

    def minimise(self, loss: Tensor, step: int) -> None:
        """One update; ``step`` counts from 1."""
        torch.autograd.backward(loss, inputs=self.parameters)
        first, second = self.betas
        with torch.no_grad():
            gradient = self.gradients.add_(self.values, alpha=self.decay)
            self.mean.lerp_(gradient, 1.0 - first)
            self.square.mul_(second).addcmul_(gradient, gradient, value=1.0 - second)
            torch.sqrt(self.square, out=gradient)
            gradient.mul_(1.0 / math.sqrt(1.0 - second**step)).add_(EPSILON)
            self.values.addcdiv_(self.mean, gradient, value=-self.rate / (1.0 - first**step))
            gradient.zero_()

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        parts = {"values": self.values, "mean": self.mean, "square": self.square}
        return {f"{prefix}.{name}": tensor.cpu().numpy().copy() for name, tensor in parts.items()}

    def load(self, prefix: str, arrays: Mapping[str, np.ndarray]) -> None:
        for name, tensor in (("values", self.values), ("mean", self.mean), ("square", self.square)):
            tensor.copy_(torch.from_numpy(np.array(arrays[f"{prefix}.{name}"])))
