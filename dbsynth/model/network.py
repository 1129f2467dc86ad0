"""The conditional autoregressive network: p(row | context) = Π p(code_i | codes before i, context).

Each code column owns a group of hidden units that sees only the embeddings of earlier columns and the encoded context
(a masked layer, as in MADE, Germain et al. 2015, but one group an output, so that a sample costs one forward pass);
a second layer inside the group; a softmax, in two levels where a column has many codes (``levels.py``). Columns are
computed in chunks: few large matrix products, and no work for most of what the mask would hide. Beyond ``BLOCK``
columns back a column sees only a running summary, so that cost and memory grow linearly in tables of hundreds of
columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dbsynth.model.levels import Embedding, Head, Members, even_classes
from dbsynth.model.uniforms import spread

CHUNK = 8
BLOCK = 64
SUMMARY = 64
"""Width of the running summary of the columns before a block."""
TINY = 1e-30
BELOW_ONE = 1.0 - 2.0**-24


@dataclass(frozen=True)
class Shape:
    """``widths``/``context_widths``: of the embeddings; ``group``: hidden units a column; ``encoder``: width of the
    context's encoding (0 without context); ``classes``: of the columns in two levels (see ``levels.classes_of``);
    ``ordered``/``context_ordered``: whether neighbouring codes stand for neighbouring values."""

    cardinalities: tuple[int, ...]
    context_cardinalities: tuple[int, ...]
    widths: tuple[int, ...]
    context_widths: tuple[int, ...]
    group: int
    encoder: int
    classes: tuple[tuple[int, ...], ...]
    ordered: tuple[bool, ...]
    context_ordered: tuple[bool, ...]

    def as_config(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @staticmethod
    def from_config(config: dict[str, Any]) -> Shape:
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else int(v) for name, v in config.items()}
        values["classes"] = tuple(tuple(first) for first in config["classes"])
        return Shape(**values)

    def outputs(self, column: int) -> int:
        """Codes of the first softmax of a column."""
        classes = self.classes[column]
        return len(classes) - 1 if classes else self.cardinalities[column]


class Level(NamedTuple):
    """Log shares of the classes or codes of a column, and of the members of its classes."""

    bias: Tensor
    members: Tensor | None


@dataclass(frozen=True)
class Chunk:
    """Columns ``begin``..``end`` that see columns from ``window`` on, with where these start among the chunk's inputs
    (after ``extra`` inputs of context and summary): column i sees ``seen[i − begin]`` inputs."""

    begin: int
    end: int
    window: int
    extra: int
    seen: tuple[int, ...]

    @property
    def inputs(self) -> int:
        return self.seen[-1]


def chunks(shape: Shape) -> list[Chunk]:
    """Chunks never cross the border of a block."""
    out = []
    for window in range(0, len(shape.cardinalities), BLOCK):
        extra = shape.encoder + (SUMMARY if window else 0)
        last = min(window + BLOCK, len(shape.cardinalities))
        for begin in range(window, last, CHUNK):
            end = min(begin + CHUNK, last)
            seen = tuple(extra + sum(shape.widths[window:i]) for i in range(begin, end))
            out.append(Chunk(begin, end, window, extra, seen))
    return out


def flops_per_row(shape: Shape) -> float:
    """Multiply-adds of one training step a row, times two, forward and backward (twice the forward pass)."""
    total = 0.0
    for chunk in chunks(shape):
        n = chunk.end - chunk.begin
        total += n * shape.group * (chunk.inputs + shape.group)
        total += sum(map(shape.outputs, range(chunk.begin, chunk.end))) * shape.group
    total += sum(shape.context_widths) * shape.encoder + shape.encoder**2
    if len(shape.cardinalities) > BLOCK:
        total += sum(shape.widths) * SUMMARY
    return 6.0 * total


class ConditionalNet(nn.Module):
    """Weights for a ``Shape``. ``marginals``: per column the share of each code, where the output starts.
    ``relevant`` bool (columns, columns): where False, the column of the row never sees that of the column."""

    def __init__(
        self,
        shape: Shape,
        marginals: Sequence[np.ndarray],
        generator: torch.Generator,
        relevant: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.relevant = shape, relevant
        self.chunks = chunks(shape)

        def normal(*size: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*size, generator=generator) * scale)

        g = shape.group
        self.embeddings = nn.ModuleList(
            Embedding(k, d, classes, ordered, generator)
            for k, d, classes, ordered in zip(
                shape.cardinalities, shape.widths, shape.classes, shape.ordered, strict=True
            )
        )
        self.first = nn.ParameterList(
            normal((c.end - c.begin) * g, c.inputs, scale=1.0 / math.sqrt(max(c.inputs, 1))) for c in self.chunks
        )
        self.first_bias = nn.ParameterList(nn.Parameter(torch.zeros((c.end - c.begin) * g)) for c in self.chunks)
        self.second = nn.ParameterList(normal(c.end - c.begin, g, g, scale=1.0 / math.sqrt(g)) for c in self.chunks)
        self.second_bias = nn.ParameterList(nn.Parameter(torch.zeros(c.end - c.begin, 1, g)) for c in self.chunks)
        columns = range(len(shape.cardinalities))
        self.heads = nn.ModuleList(
            Head(_of_classes(marginals[j], shape.classes[j]), g, shape.ordered[j], generator) for j in columns
        )
        self.members = nn.ModuleDict(
            {
                str(j): Members(np.asarray(marginals[j], np.float64), shape.classes[j], g, shape.ordered[j], generator)
                for j in columns
                if shape.classes[j]
            }
        )
        self.context_embeddings = nn.ModuleList(
            Embedding(k, d, even_classes(k), ordered, generator)
            for k, d, ordered in zip(
                shape.context_cardinalities, shape.context_widths, shape.context_ordered, strict=True
            )
        )
        inner, x = sum(shape.context_widths), shape.encoder
        self.encoder = nn.ParameterList(
            [] if not x else [normal(x, inner, scale=1.0 / math.sqrt(inner)), nn.Parameter(torch.zeros(x)),
                              normal(x, x, scale=1.0 / math.sqrt(x)), nn.Parameter(torch.zeros(x))]
        )  # fmt: skip
        long = len(shape.cardinalities) > BLOCK
        self.summary = nn.ParameterList(
            normal(sum(shape.widths[b : b + BLOCK]), SUMMARY, scale=1.0 / math.sqrt(sum(shape.widths[b : b + BLOCK])))
            for b in range(0, len(shape.cardinalities) if long else 0, BLOCK)
        )
        with torch.no_grad():
            for weight, mask in zip(self.first, self.masks(), strict=True):
                weight.mul_(mask)

    def masks(self) -> list[Tensor]:
        """For each weight of the first layer 1 where an output column may see an input, 0 elsewhere: there weights are
        0 from the start, and training must not move them."""
        out = []
        for chunk in self.chunks:
            mask = torch.zeros(chunk.end - chunk.begin, self.shape.group, chunk.inputs)
            for j, seen in enumerate(chunk.seen):
                mask[j, :, :seen] = 1.0
                begin = chunk.extra
                for i in range(chunk.window, chunk.begin + j if self.relevant is not None else 0):
                    if self.relevant is not None and not self.relevant[chunk.begin + j, i]:
                        mask[j, :, begin : begin + self.shape.widths[i]] = 0.0
                    begin += self.shape.widths[i]
            out.append(mask.reshape((chunk.end - chunk.begin) * self.shape.group, chunk.inputs))
        return out

    def encode_context(self, context: Tensor) -> Tensor:
        """float (rows, encoder) for codes (rows, context columns)."""
        if not self.shape.encoder:
            return torch.zeros(len(context), 0, device=context.device)
        inputs = torch.cat([embed(context[:, j]) for j, embed in enumerate(self.context_embeddings)], dim=1)
        w1, b1, w2, b2 = self.encoder
        hidden = torch.relu(F.linear(inputs, w1, b1))
        return hidden + torch.relu(F.linear(hidden, w2, b2))

    def loss(self, codes: Tensor, context: Tensor, keep: Tensor | None = None) -> Tensor:
        """Negative log-likelihood of each column (columns,), summed over the rows of long ``codes`` (rows, columns).

        ``keep`` float (rows, columns): factors of the inputs (dropout of whole columns)."""
        losses = []
        for j, hidden in self._hidden_of_columns(codes, context, keep):
            members = self.members_of(j)
            if members is None:
                losses.append(self._head_loss(j, hidden, codes[:, j]))
            else:
                classes, member = members.member(codes[:, j])
                inside = F.cross_entropy(members.logits(hidden, classes), member, reduction="sum")
                losses.append(self._head_loss(j, hidden, classes) + inside)
        return torch.stack(losses) if losses else torch.zeros(0)

    def row_loss(self, codes: Tensor, context: Tensor) -> Tensor:
        """Negative log-likelihood of each row (rows,)."""
        total = torch.zeros(len(codes), device=codes.device)
        for j, hidden in self._hidden_of_columns(codes, context, None):
            members, target = self.members_of(j), codes[:, j]
            if members is not None:
                target, member = members.member(target)
                total = total + F.cross_entropy(members.logits(hidden, target), member, reduction="none")
            total = total + F.cross_entropy(self.head(j)(hidden), target, reduction="none")
        return total

    def _head_loss(self, j: int, hidden: Tensor, target: Tensor) -> Tensor:
        head = self.head(j)
        # in whole precision whatever the rest has: its backward pass knows nothing of autocast
        with torch.autocast(hidden.device.type, enabled=False):
            return _HeadLoss.apply(hidden.float(), head.matrix(), head.bias, target)  # type: ignore[no-any-return,no-untyped-call]

    def head(self, column: int) -> Head:
        return cast(Head, self.heads[column])

    def members_of(self, column: int) -> Members | None:
        """The second level of a column, where it has one."""
        key = str(column)
        return cast(Members, self.members[key]) if key in self.members else None

    def believed(
        self, codes: Tensor, context: Tensor, start: Sequence[Level]
    ) -> Iterator[tuple[int, list[tuple[Tensor, Tensor, Tensor]]]]:
        """Per column its number and, level by level, (logits (rows, choices), those of ``start``, the choice made)."""
        for j, hidden in self._hidden_of_columns(codes, context, None):
            own, members, target = start[j], self.members_of(j), codes[:, j]
            logits = self.head(j)(hidden)
            if members is None:
                yield j, [(logits, own.bias, target)]
                continue
            classes, member = members.member(target)
            assert own.members is not None
            inside = (members.logits(hidden, classes), members.prior(own.members, classes), member)
            yield j, [(logits, own.bias, classes), inside]

    def start(self) -> list[Level]:
        """What the output is where nothing is known of the row: copied before training, the marginals."""
        with torch.no_grad():
            return [
                Level(self.head(j).bias.clone(), None if (m := self.members_of(j)) is None else m.bias.clone())
                for j in range(len(self.heads))
            ]

    def _hidden_of_columns(self, codes: Tensor, context: Tensor, keep: Tensor | None) -> Iterator[tuple[int, Tensor]]:
        encoded = self.encode_context(context)
        inputs = [embed(codes[:, j]) for j, embed in enumerate(self.embeddings)]
        if keep is not None:
            inputs = [e * keep[:, j : j + 1] for j, e in enumerate(inputs)]
        summary = None
        for i, chunk in enumerate(self.chunks):
            if chunk.begin == chunk.window and chunk.window:
                part = (
                    torch.cat(inputs[chunk.window - BLOCK : chunk.window], dim=1)
                    @ self.summary[chunk.window // BLOCK - 1]
                )
                summary = part if summary is None else summary + part
            parts = [encoded] if summary is None else [encoded, torch.tanh(summary)]
            hidden = self._hidden(i, torch.cat([*parts, *inputs[chunk.window : chunk.end - 1]], dim=1))
            for j in range(chunk.begin, chunk.end):
                yield j, hidden[j - chunk.begin]

    def _hidden(self, i: int, inputs: Tensor) -> Tensor:
        """(columns of chunk i, rows, group) for its inputs (rows, chunk.inputs)."""
        chunk, g = self.chunks[i], self.shape.group
        hidden = torch.relu(F.linear(inputs, self.first[i], self.first_bias[i]))
        hidden = hidden.view(len(inputs), chunk.end - chunk.begin, g).transpose(0, 1)
        return hidden + torch.relu(torch.baddbmm(self.second_bias[i], hidden, self.second[i]))

    @torch.no_grad()
    def sample(
        self, context: Tensor, u: Tensor, order: Tensor, given: Tensor | None, allowed: Sequence[Tensor | None]
    ) -> Tensor:
        """Codes long (rows, columns) by inverse distribution function from uniforms ``u`` (rows, columns): the i-th of
        a column belongs to the i-th row in the order of the codes drawn before it; ``order`` long (rows,) is the first.

        Column by column, each with the part of the layers that belongs to it. ``given`` >= 0 is kept; ``allowed``:
        per column None or bool (cardinality,); where nothing is allowed or has weight, all are taken as equal."""
        shape, g, rows = self.shape, self.shape.group, len(u)
        encoded = self.encode_context(context)
        codes = torch.zeros(rows, len(shape.cardinalities), dtype=torch.int64, device=u.device)
        summary = torch.zeros(rows, SUMMARY, device=u.device)
        inputs = encoded
        for i, chunk in enumerate(self.chunks):
            if chunk.begin == chunk.window:
                if chunk.window:
                    past = inputs[:, inputs.shape[1] - self.summary[chunk.window // BLOCK - 1].shape[0] :]
                    summary = summary + past @ self.summary[chunk.window // BLOCK - 1]
                widest = chunk.extra + sum(shape.widths[chunk.window : chunk.window + BLOCK])
                inputs = torch.zeros(rows, widest, device=u.device)
                inputs[:, : shape.encoder] = encoded
                if chunk.window:
                    inputs[:, shape.encoder : chunk.extra] = torch.tanh(summary)
            for j in range(chunk.begin, chunk.end):
                r, seen = j - chunk.begin, chunk.seen[j - chunk.begin]
                own = slice(r * g, (r + 1) * g)
                hidden = torch.relu(F.linear(inputs[:, :seen], self.first[i][own, :seen], self.first_bias[i][own]))
                hidden = hidden + torch.relu(torch.addmm(self.second_bias[i][r], hidden, self.second[i][r]))
                own_u = torch.empty_like(u[:, j]).index_copy_(0, order, u[:, j])
                drawn = self._draw(j, hidden, own_u, allowed[j])
                codes[:, j] = drawn if given is None else torch.where(given[:, j] >= 0, given[:, j], drawn)
                order = order[torch.argsort(codes[order, j], stable=True)]
                inputs[:, seen : seen + shape.widths[j]] = self.embeddings[j](codes[:, j])
        return codes

    def sample_codes(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        given: np.ndarray | None,
        allowed: Sequence[Tensor | None],
    ) -> np.ndarray:
        """``sample`` of int arrays, int32 (rows, columns), with numbers that are spread evenly."""
        rows, device = len(context), next(self.parameters()).device
        u = torch.from_numpy(spread(rng, rows, len(self.shape.cardinalities)).astype(np.float32))
        order = torch.from_numpy(rng.permutation(rows))
        codes = self.sample(
            torch.from_numpy(context.astype(np.int64)).to(device),
            u.to(device),
            order.to(device),
            None if given is None else torch.from_numpy(given.astype(np.int64)).to(device),
            [None if mask is None else mask.to(device) for mask in allowed],
        )
        return codes.cpu().numpy().astype(np.int32)

    def _draw(self, j: int, hidden: Tensor, u: Tensor, allowed: Tensor | None) -> Tensor:
        """Codes long (rows,) of column j; the class takes the first part of a row's uniform, the member the rest."""
        logits, members = self.head(j)(hidden), self.members_of(j)
        if allowed is not None and not bool(allowed.any()):
            allowed = None
        if members is None:
            return draw(logits, u, allowed)[0]
        some = None
        if allowed is not None:
            some = torch.zeros(logits.shape[1], dtype=torch.bool, device=u.device)
            some[members.class_of[allowed]] = True
        classes, left = draw(logits, u, some)
        own = None if allowed is None else members.allowed(allowed, classes)
        return members.code(classes, draw(members.logits(hidden, classes), left, own)[0])


class _HeadLoss(torch.autograd.Function):
    """Linear layer, softmax and negative log-likelihood, summed over the rows, in one: the gradient of the logits is
    the softmax itself less one at the target, so that no further pass over (rows, cardinality) is needed."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, target: Tensor) -> Tensor:
        share = torch.softmax(torch.addmm(bias, hidden, weight.t()), dim=1)
        at = target.unsqueeze(1)
        picked = share.gather(1, at)
        ctx.save_for_backward(share, hidden, weight, at, picked)
        return -picked.clamp_min(TINY).log().sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        share, hidden, weight, at, picked = ctx.saved_tensors
        slope = share.scatter(1, at, picked - 1.0).mul_(gradients[0])
        return slope @ weight, slope.t() @ hidden, slope.sum(0), None


def draw(logits: Tensor, u: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
    """Codes long (rows,) from logits (rows, cardinality) by uniforms (rows,), and what is left of the uniforms: where
    each fell between the ends of its code, 0..1. ``allowed``: None or bool, (cardinality,) or (rows, cardinality).
    The logits are used up."""
    u = u.clamp(max=BELOW_ONE)  # where it rounds to 1, the last code would be drawn, allowed or not
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    total = logits.sub_(logits.amax(1, keepdim=True)).exp_().cumsum_(1)  # a softmax but for its scale
    at = torch.searchsorted(total, (u * total[:, -1]).unsqueeze(1), right=True).clamp_(max=logits.shape[1] - 1)
    top = total.gather(1, at).squeeze(1)
    at = at.squeeze(1)
    bottom = torch.where(at > 0, total.gather(1, (at - 1).clamp_min(0).unsqueeze(1)).squeeze(1), 0.0)
    return at, ((u * total[:, -1] - bottom) / (top - bottom).clamp_min(TINY)).clamp_(0.0, 1.0)


def _of_classes(share: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """float64: the share of each class, or of each code where there are none."""
    share = np.asarray(share, np.float64)
    return np.add.reduceat(share, np.asarray(classes[:-1])) if classes else share
