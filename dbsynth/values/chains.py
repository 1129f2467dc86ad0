"""Markov chains over tokens of which every step is one that at least k texts make (a back-off model after Katz 1987,
"Estimation of Probabilities from Sparse Data"): what fewer make is left to the next shorter context."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class TokenChain:
    """``keys``: per order n >= 2 int64, sorted: ``context * size + token`` of every sequence of n tokens that is kept;
    a context of one token is the token, a longer one the place of its sequence in the order before. ``counts`` float:
    how often each occurs. ``totals`` float: how often each context does, with those steps that are not kept."""

    def __init__(
        self, size: int, keys: Sequence[np.ndarray], counts: Sequence[np.ndarray], totals: Sequence[np.ndarray]
    ) -> None:
        self.size, self.keys, self.counts, self.totals = size, list(keys), list(counts), list(totals)
        self._until = [np.r_[0.0, np.cumsum(c)] for c in self.counts]
        self._known: dict[tuple[int, float], np.ndarray] = {}
        self._starts = [
            np.searchsorted(k, np.arange(len(t) + 1) * size) for k, t in zip(self.keys, self.totals, strict=True)
        ]

    @property
    def orders(self) -> int:
        """Contexts have so many tokens at most."""
        return len(self.keys)

    @classmethod
    def fit(
        cls, tokens: np.ndarray, rows: np.ndarray, follows: np.ndarray, size: int, k: int, orders: int, held: np.ndarray
    ) -> TokenChain:
        """``tokens`` int (n,) of all texts one after another, ``rows``: whose they are; ``follows`` bool: the token
        follows on the one before. ``held`` bool (size,): tokens that may be stepped to."""
        keys: list[np.ndarray] = []
        counts: list[np.ndarray] = []
        totals: list[np.ndarray] = []
        context, contexts = tokens.astype(np.int64), size
        tokens = tokens.astype(np.int64)
        count_rows = int(rows.max(initial=0)) + 1
        for _ in range(orders):
            here = np.flatnonzero(follows[1:] & (context[:-1] >= 0)) + 1
            before, now = context[here - 1], tokens[here]
            totals.append(np.bincount(before, minlength=contexts).astype(float))
            key = before * size + now
            known, at, often = np.unique(key, return_inverse=True, return_counts=True)
            pairs = np.unique(at * count_rows + rows[here])
            shared = np.bincount(pairs // count_rows, minlength=len(known)) >= k
            shared &= held[known % size]
            keys.append(known[shared])
            counts.append(often[shared].astype(float))
            place = np.full(len(known), -1)
            place[shared] = np.arange(int(shared.sum()))
            context = np.full(len(tokens), -1, np.int64)
            context[here] = place[at]
            contexts = int(shared.sum())
        return cls(size, keys, counts, totals)

    def draw(self, order: int, context: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int (n,): the token after each context of ``order`` tokens (-1: none), -1 where that is not kept."""
        i = order - 1
        if not len(self.keys[i]):
            return np.full(len(context), -1, np.int64)
        there = np.maximum(context, 0)
        start, end = self._starts[i][there], self._starts[i][there + 1]
        at = np.searchsorted(
            self._until[i], self._until[i][start] + rng.random(len(there)) * self.totals[i][there], "right"
        )
        at -= 1
        found = (context >= 0) & (at < end)
        return np.where(found, self.keys[i][np.minimum(at, len(self.keys[i]) - 1)] % self.size, -1)

    def sure(self, state: np.ndarray, least: float) -> np.ndarray:
        """int (n,): the token that follows nearly always (at ``least``) on the longest context known, -1: none does."""
        out = np.full(len(state), -1, np.int64)
        open_ = np.ones(len(state), bool)
        for order in range(state.shape[1], 0, -1):
            some = np.flatnonzero(open_ & (state[:, order - 1] >= 0))
            if not len(some) or not len(self.keys[order - 1]):
                continue
            context = state[some, order - 1]
            out[some] = self._sure(order, least)[context]
            open_[some] = False
        return out

    def leading(self, least: float) -> np.ndarray:
        """bool (size,): tokens at the end of a context on which one follows nearly always."""
        out = np.zeros(self.size, bool)
        for order in range(1, self.orders + 1):
            sure = np.flatnonzero(self._sure(order, least) >= 0) if len(self.keys[order - 1]) else np.zeros(0, np.int64)
            out[sure if order == 1 else self.keys[order - 2][sure] % self.size] = True
        return out

    def _sure(self, order: int, least: float) -> np.ndarray:
        if (order, least) not in self._known:
            share = self.counts[order - 1] / self.totals[order - 1][self.keys[order - 1] // self.size]
            found = np.full(len(self.totals[order - 1]), -1, np.int64)
            top = share >= least
            found[self.keys[order - 1][top] // self.size] = self.keys[order - 1][top] % self.size
            self._known[order, least] = found
        return self._known[order, least]

    def place(self, order: int, context: np.ndarray, token: np.ndarray) -> np.ndarray:
        """int (n,): the context of ``order`` + 1 tokens that ``token`` makes of one of ``order``; -1: none."""
        keys = self.keys[order - 1]
        if not len(keys):
            return np.full(len(token), -1, np.int64)
        key = context * self.size + token
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where((context >= 0) & (keys[at] == key), at, -1)

    def step(self, state: np.ndarray, token: np.ndarray) -> np.ndarray:
        """int (n, orders): the contexts after ``token``; ``state``: those before it."""
        out = np.empty_like(state)
        out[:, 0] = token
        for order in range(1, state.shape[1]):
            out[:, order] = self.place(order, state[:, order - 1], token)
        return out
