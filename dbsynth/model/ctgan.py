"""Strategy ``ctgan``, the default: a conditional generator and a critic.

The generator is the conditional network of ``network.py``, factorised over the columns. Likelihood teaches it first,
what a CTGAN has to find out through its critic in hundreds of epochs (conditional vector and training-by-sampling, Xu
et al. 2019, §4.3, are what a factorised generator has by construction: every value of every column is a condition of
all columns after it). Then the critic looks at rows that the generator makes in the contexts of real ones. Where it
tells them from real rows that it has not seen, the generator follows it: made rows weigh what the critic thinks their
density should be multiplied by (Che et al. 2017, MaliGAN, §3.1, the policy gradient for discrete data). A round that
does not bring made rows nearer to unseen real ones is taken back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from dbsynth.model import critic, fidelity
from dbsynth.model.autoregressive import Autoregressive, Trained
from dbsynth.model.base import Budget
from dbsynth.model.network import ConditionalNet
from dbsynth.model.settings import WITH_CRITIC, Allowed
from dbsynth.model.training import AdamW, Flat
from dbsynth.rng import derive, generator

LEAST_UNSEEN = 600
"""Fewer unseen rows do not tell whether following the critic helped: on tables of 4,000 rows it did harm."""
MOST_ROWS = 20_000
"""Rows made for the critic to look at."""
ROUNDS = 1
TELLS = 0.53
"""The area under the curve from which on the critic's opinion is more than chance."""
STEPS = 150
RATE = 0.1
"""Of the highest learning rate."""
MOST = 3.0
"""Log ratios beyond are cut: a critic that is sure is mostly wrong."""
LOSS = 0.005
"""Of fidelity on unseen rows that is within chance."""
FORCE = 0.5
"""Weight of made rows beside real ones."""
ROUND_STEPS = 700
"""Steps of training that take about as long as a round: two looks of the critic, and following it once."""


@dataclass(frozen=True)
class _Look:
    """A critic's opinion of fresh rows ``made`` int32 in the contexts of the real rows of the numbers ``of``.
    ``fidelity``: of others, in the contexts of unseen rows, to those."""

    opinion: critic.Opinion
    made: np.ndarray
    of: np.ndarray
    fidelity: float

    def better_than(self, other: _Look) -> bool:
        return self.opinion.auc < other.opinion.auc and self.fidelity > other.fidelity - LOSS


class Ctgan(Autoregressive):
    """Of the overrides (see ``Autoregressive.fit``) ``critic`` is how many rounds the generator follows a critic."""

    name = "ctgan"
    settings: Allowed = WITH_CRITIC

    def finish(self, trained: Trained, seed: int, budget: Budget) -> None:
        """See the module. ``trained.net`` keeps its weights where the critic cannot help, or time does not allow it."""
        rounds = self._rounds(trained.rows, trained.held_out, budget)
        if not rounds:
            return
        began, clock = time.monotonic(), trained.clock
        first = best = _look(trained, derive(seed, "critic", 0)) if clock.left() >= trained.reserved else None
        if first is None or best is None:
            trained.notes.append("there was no time for a critic")
            return
        taken = time.monotonic() - began
        for turn in range(rounds):
            if best.opinion.auc < TELLS or clock.left() < 2 * taken:
                break
            before = [p.detach().clone() for p in trained.net.parameters()]
            _follow(trained, best, derive(seed, "follow", turn))
            now = _look(trained, derive(seed, "critic", turn + 1))
            if now is None or not now.better_than(best):
                with torch.no_grad():
                    for p, kept in zip(trained.net.parameters(), before, strict=True):
                        p.copy_(kept)
                break
            best = now
        told = f"a critic's AUC is {best.opinion.auc:.3f}"
        trained.notes.append(told if best is first else f"{told}, was {first.opinion.auc:.3f} before it was followed")

    def steps_after(self, rows: np.ndarray, held_out: np.ndarray, budget: Budget) -> int:
        return ROUND_STEPS if self._rounds(rows, held_out, budget) else 0

    def _rounds(self, rows: np.ndarray, held_out: np.ndarray, budget: Budget) -> int:
        enough = len(held_out) >= LEAST_UNSEEN
        return int(budget.overrides.get("critic", ROUNDS)) if enough else 0


def _look(trained: Trained, seed: int) -> _Look | None:
    """None where the time is up before the critic has made up its mind."""
    net, data, unseen = trained.net, trained.data, trained.held_out
    rng = generator(seed, "rows")
    of = rng.permutation(trained.rows)[:MOST_ROWS]
    made, unseen_made = _made(net, data.context[of], rng), _made(net, data.context[unseen], rng)
    opinion = critic.ask(
        net.shape,
        (data.codes[trained.rows], data.context[trained.rows]),
        (made, data.context[of]),
        (data.codes[unseen], data.context[unseen]),
        (unseen_made, data.context[unseen]),
        seed,
        trained.clock,
    )
    if opinion is None:
        return None
    return _Look(opinion, made, of, fidelity.of_codes(data.codes[unseen], unseen_made, data.cardinalities))


def _made(net: ConditionalNet, context: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    parts = [
        net.sample_codes(context[k : k + 4096], rng, None, [None] * len(net.shape.cardinalities))
        for k in range(0, len(context), 4096)
    ]
    return np.concatenate(parts)


def _follow(trained: Trained, look: _Look, seed: int) -> None:
    """Steps on real rows, and on made rows by the critic's ratio less its mean."""
    net, data, batch = trained.net, trained.data, trained.settings.batch
    ratio = np.exp(np.clip(look.opinion.logits.numpy(), -MOST, MOST))
    push = torch.from_numpy((FORCE * (ratio / ratio.mean() - 1.0)).astype(np.float32))
    codes, context = (torch.from_numpy(x.astype(np.int64)) for x in (data.codes, data.context))
    made, made_context = torch.from_numpy(look.made.astype(np.int64)), context[torch.from_numpy(look.of)]
    flat = Flat(net)
    optimizer = AdamW(flat, trained.settings.decay)
    for step in range(1, STEPS + 1):
        draw = generator(seed, step)
        i = torch.from_numpy(draw.choice(trained.rows, batch))
        j = torch.from_numpy(draw.integers(0, len(made), batch))
        loss = net.loss(codes[i], context[i]).sum() + (push[j] * net.row_loss(made[j], made_context[j])).sum()
        torch.autograd.backward(loss / batch)
        flat.update(optimizer, RATE * trained.settings.rate * (1.0 - (step - 1) / STEPS))
