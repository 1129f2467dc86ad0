"""Columns of many codes in two levels: first a class of neighbouring codes, then a member of the class.

A softmax over K codes costs K, and a code seen in a few rows gives little to learn its own weights from. So the codes
of such a column are cut into classes of about equal share (Goodman 2001; Mnih & Hinton 2009), and the members of a
class are told apart by a few features of the hidden units only, from their shares in the class on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

FLAT = 192
"""Up to so many codes one softmax does."""
MOST_CLASSES = 128
FEATURES = 8
"""Of the hidden units, by which the members of a class are told apart."""
WAVES = 8
"""Sines and cosines of the place of an ordered code, each of twice the frequency of the one before."""
OUT = -30.0
"""Logit of a place in a class that has no member."""


def classes_of(share: np.ndarray) -> tuple[int, ...]:
    """The first code of each class, and the number of codes; () where one softmax does. ``share`` float (codes,)."""
    size = len(share)
    if size <= FLAT:
        return ()
    wanted = min(MOST_CLASSES, size // 4)
    middle = np.cumsum(share) - share / 2
    at = np.minimum((middle * wanted / share.sum()).astype(np.int64), wanted - 1)
    first = np.flatnonzero(np.r_[True, at[1:] != at[:-1]])
    widest = math.ceil(4 * size / wanted)  # a class of hundreds of rare codes would cost what the levels save
    cut = [np.arange(a, b, widest) for a, b in zip(first, [*first[1:], size], strict=True)]
    return (*np.concatenate(cut).tolist(), size)


def even_classes(size: int) -> tuple[int, ...]:
    """As ``classes_of`` where no shares are known: classes of as many codes."""
    return classes_of(np.ones(size))


class Embedding(nn.Module):
    """Codes → float (rows, width): that of the class and, where there are classes, what the code itself adds to it;
    where codes have an order, a smooth function of their place in it too, so that neighbours are alike from the start.
    """

    class_of: Tensor
    waves: Tensor

    def __init__(
        self, size: int, width: int, classes: Sequence[int], ordered: bool, generator: torch.Generator
    ) -> None:
        super().__init__()
        rows = len(classes) - 1 if classes else size
        smooth = ordered and size > 2 * WAVES
        self.weight = nn.Parameter(torch.randn(rows, width, generator=generator) * (0.1 if smooth else 0.5))
        self.own = nn.Parameter(torch.zeros(size, width)) if classes else None
        self.smooth = (
            nn.Parameter(torch.randn(2 * WAVES, width, generator=generator) * 0.5 / math.sqrt(WAVES))
            if smooth
            else None
        )
        self.register_buffer("class_of", _class_of(classes, size), persistent=False)
        self.register_buffer("waves", _waves(size) if smooth else torch.zeros(0, 0), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        if self.own is None:
            out = F.embedding(codes, self.weight)
        else:
            out = F.embedding(self.class_of[codes], self.weight) + F.embedding(codes, self.own)
        return out if self.smooth is None else out + self.waves[codes] @ self.smooth


class Head(nn.Module):
    """The first level of a column: logits of its classes, or of its codes where there are none. ``share`` float
    (choices,): the softmax starts there. Where the choices have an order their weights are a smooth function of the
    place in it, and what each adds to that."""

    waves: Tensor

    def __init__(self, share: np.ndarray, group: int, ordered: bool, generator: torch.Generator) -> None:
        super().__init__()
        smooth = ordered and len(share) > 2 * WAVES
        scale = (0.02 if smooth else 0.1) / math.sqrt(group)
        self.weight = nn.Parameter(torch.randn(len(share), group, generator=generator) * scale)
        self.bias = nn.Parameter(torch.from_numpy(np.log(share).astype(np.float32)))
        self.smooth = nn.Parameter(torch.zeros(2 * WAVES, group)) if smooth else None
        self.register_buffer("waves", _waves(len(share)) if smooth else torch.zeros(0, 0), persistent=False)

    def matrix(self) -> Tensor:
        """float (choices, group)"""
        return self.weight if self.smooth is None else torch.addmm(self.weight, self.waves, self.smooth)

    def forward(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.matrix(), self.bias)


class Members(nn.Module):
    """The second level of a column: logits of the members of a class from the hidden units. They start as the members'
    shares in their class."""

    class_of: Tensor
    first: Tensor
    count: Tensor
    waves: Tensor

    def __init__(
        self, share: np.ndarray, classes: Sequence[int], group: int, ordered: bool, generator: torch.Generator
    ) -> None:
        super().__init__()
        edges = np.asarray(classes, np.int64)
        self.widest = int(np.diff(edges).max())
        totals = np.repeat(np.add.reduceat(share, edges[:-1]), np.diff(edges))
        self.down = nn.Parameter(torch.randn(FEATURES, group, generator=generator) / math.sqrt(group))
        self.out = nn.Parameter(torch.zeros(len(share), FEATURES))
        self.bias = nn.Parameter(torch.from_numpy(np.log(share / totals).astype(np.float32)))
        self.register_buffer("class_of", _class_of(classes, len(share)), persistent=False)
        self.smooth = nn.Parameter(torch.zeros(2 * WAVES, FEATURES)) if ordered else None
        self.register_buffer("waves", _waves(len(share)) if ordered else torch.zeros(0, 0), persistent=False)
        self.register_buffer("first", torch.from_numpy(edges[:-1].copy()), persistent=False)
        self.register_buffer("count", torch.from_numpy(np.diff(edges)), persistent=False)

    def logits(self, hidden: Tensor, classes: Tensor) -> Tensor:
        """float (rows, widest) for hidden (rows, group) and the rows' classes."""
        at, there = self._places(classes)
        features = F.linear(hidden, self.down).unsqueeze(2)
        out = self.out if self.smooth is None else torch.addmm(self.out, self.waves, self.smooth)
        logits = torch.bmm(F.embedding(at, out), features).squeeze(2) + self.bias[at]
        return torch.where(there, logits, OUT)

    def _places(self, classes: Tensor) -> tuple[Tensor, Tensor]:
        """The codes long (rows, widest) of the members of each row's class, and bool where there is a member."""
        places = torch.arange(self.widest, device=classes.device)
        there = places < self.count[classes].unsqueeze(1)
        return torch.where(there, self.first[classes].unsqueeze(1) + places, 0), there

    def prior(self, bias: Tensor, classes: Tensor) -> Tensor:
        """As ``logits``, of ``bias`` (codes,) alone."""
        at, there = self._places(classes)
        return torch.where(there, bias[at], OUT)

    def member(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The class of each code, and its place in the class."""
        classes = self.class_of[codes]
        return classes, codes - self.first[classes]

    def code(self, classes: Tensor, member: Tensor) -> Tensor:
        return self.first[classes] + torch.minimum(member, self.count[classes] - 1)

    def allowed(self, codes: Tensor, classes: Tensor) -> Tensor:
        """bool (rows, widest) of bool (codes,)."""
        at, there = self._places(classes)
        return there & codes[at]


def _waves(size: int) -> Tensor:
    """float (size, 2·WAVES), as positions are encoded by Vaswani et al. 2017, §3.5."""
    place = torch.arange(size, dtype=torch.float64).unsqueeze(1) / max(1, size - 1)
    angle = place * math.pi * 2.0 ** torch.arange(WAVES, dtype=torch.float64)
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=1).float()


def _class_of(classes: Sequence[int], size: int) -> Tensor:
    if not classes:
        return torch.zeros(0, dtype=torch.int64)
    return torch.from_numpy(np.searchsorted(np.asarray(classes)[1:], np.arange(size), side="right"))
