"""Pieces of texts in work: one token each at a time, none of which completes a sequence of words of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dbsynth.values.forms import choose
from dbsynth.values.grams import BREAK, LENGTH
from dbsynth.values.pieces import Plan, completed, shifted
from dbsynth.values.vocabulary import LINKS, MOST_DIGITS, SMALL_NUMBER
from dbsynth.values.words import digits_of

if TYPE_CHECKING:
    from dbsynth.values.writing import Writing

AGAIN = ((8, 3), (5, 1), (5, 0))
"""Candidates that are drawn at once where the first did not fit, each time from shorter contexts; 0: from classes."""
WORDS, SPARE = 8, 8
"""Then words in no context, of the texts and of the lexicon."""
SURE = 0.8
AHEAD = 3
"""Tokens that nearly always follow are looked at so far ahead: none of them may complete a sequence either."""
MOST_OVER = 2
"""Times its length: a piece that finds no blank ends."""
LONGEST_PIECE = 200
"""Blanks of a piece where a text has several."""
MOST_FORCED = 0.12
"""Of the tokens, those that are numbers for no other reason than that the text lacks digits."""
CLOSED_EACH = 0.12
"""Of the tokens inside a pair of signs, so many are followed by its end."""
STEER = 0.5
"""How far one rare word makes up for the length that the words before it lack or have too many of."""


class Batch:
    """Pieces in work. ``used_blanks``, ``used_digits``, ``used`` int (pieces,): what each has so far; ``left``: blanks
    it may still have; ``state``, ``class_state``: contexts; ``window``, ``first`` uint64 (pieces, 4): the last and the
    first words, ``after`` those of the next piece; ``open`` bool (pieces, pairs)."""

    def __init__(
        self,
        model: Writing,
        plan: Plan,
        pieces: np.ndarray,
        rng: np.random.Generator,
        before: np.ndarray,
        after: np.ndarray,
    ) -> None:
        n, words = len(pieces), model.words
        self.model, self.rng = model, rng
        self.path = plan.path[pieces]
        self.blanks, self.digits, self.sizes = plan.blanks[pieces], plan.digits[pieces], plan.sizes[pieces]
        self.used_blanks, self.used_digits, self.used, self.piece = (np.zeros(n, np.int64) for _ in range(4))
        self.left = self.blanks.copy()
        self.state = np.full((n, model.chain.orders), -1, np.int64)
        self.class_state = np.full((n, model.class_chain.orders), -1, np.int64)
        self.state[:, 0], self.class_state[:, 0] = self.path, model.prose.classes[self.path]
        self.window, self.after = before.copy(), after
        self.followed = (after != BREAK).any(axis=1)
        self.first = np.full((n, LENGTH - 1), BREAK, np.uint64)
        self.told = np.zeros(n, np.int64)
        self.open = np.zeros((n, len(words.closers)), bool)
        self.last = np.full(n, -1)
        self._tell(np.arange(n), model.path_hash[self.path])
        self.emitted: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def texts(self) -> list[str]:
        n = len(self.blanks)
        live = np.flatnonzero(~self.model.void[self.path])
        while len(live):
            ended = self._step(live)
            if ended.any():
                self._end(live[ended])
                live = live[~ended]
        return self._joined(n)

    def _emit(self, rows: np.ndarray, texts: np.ndarray, digits: np.ndarray | None = None) -> None:
        self.emitted.append((rows, texts, np.zeros(len(rows), np.int64) if digits is None else digits))

    def _tell(self, rows: np.ndarray, hashes: np.ndarray) -> None:
        """The words of ``hashes`` uint64 (n, parts) were written."""
        self.window[rows] = shifted(self.window[rows], hashes)
        for part in hashes.T:
            fresh = np.flatnonzero((part != BREAK) & (self.told[rows] < LENGTH - 1))
            self.first[rows[fresh], self.told[rows[fresh]]] = part[fresh]
            self.told[rows[fresh]] += 1

    def _joined(self, n: int) -> list[str]:
        words = self.model.words
        none = np.zeros(0, np.int64)
        rows, at, digits = (np.concatenate([none, *(e[i] for e in self.emitted)]) for i in range(3))
        order = np.argsort(rows, kind="stable")
        at, digits = at[order], digits[order]
        texts = words.texts[at]
        numbers = np.flatnonzero(digits)
        if len(numbers):
            made = np.array(digits_of(digits[numbers], self.rng), object)
            if words.years is not None:
                four = digits[numbers] == 4
                low, high = words.years
                made[four] = self.rng.integers(low, high + 1, int(four.sum())).astype(str)
            texts[numbers] += made
        ends = np.cumsum(np.bincount(rows, minlength=n)).tolist()
        flat = texts.tolist()
        return ["".join(flat[a:b]) for a, b in zip([0, *ends], ends, strict=False)]

    def _end(self, rows: np.ndarray) -> None:
        """What was opened is closed; the sign at the end."""
        words = self.model.words
        last = self.last[rows]
        hollow = rows[(last >= 0) & (words.pair[last] >= 0) & (words.side[last] > 0)]
        if len(hollow):
            none = np.zeros(len(hollow), np.int64)
            some = self._word(hollow, none + 5, none, none.astype(bool))
            self._emit(hollow, some)
            self._tell(hollow, self.model.hash[some])
        for tag in (True, False):
            for pair in np.flatnonzero(words.tag_pair == tag).tolist():
                some = rows[self.open[rows, pair]]
                self._emit(some, np.full(len(some), words.closers[pair]))
        signs = self.model.prose.signs
        until = np.cumsum(self.model.prose.sign_weights[self.path[rows]], axis=1)
        which = (self.rng.random(len(rows))[:, None] * until[:, -1:] >= until).sum(axis=1)
        put = (which < len(signs)) & (last >= 0) & (words.word | words.number)[np.maximum(last, 0)]
        self._emit(rows[put], signs[np.minimum(which[put], len(signs) - 1)])

    def _step(self, rows: np.ndarray) -> np.ndarray:
        """Write one token of each of ``rows``; bool: those whose piece is at its end."""
        words = self.model.words
        token = self._drawn(rows, self.model.chain.orders)
        forced = self._forced(rows)
        token = np.where(forced >= 0, forced, token)
        text = self._text(rows, token)
        bad = self._bad(rows, token, text, 0)
        for turn, (many, orders) in enumerate((*AGAIN, (WORDS, -1), (SPARE, -2)), start=1):
            at = np.flatnonzero(bad)
            if not len(at):
                break
            some = np.repeat(rows[at], many)
            fresh, written = self._spare(some) if orders < -1 else self._candidates(some, orders)
            fits = ~self._bad(some, fresh, written, turn).reshape(-1, many)
            first = np.argmax(fits, axis=1) + np.arange(len(at)) * many
            token[at], text[at] = fresh[first], written[first]
            bad[at] = ~fits.any(axis=1)
        stop = bad
        spaced = words.blanks[text] > 0
        past = self.left[rows] <= 0
        shown = np.maximum(token, 0)
        script = words.word[shown] & ~words.glued[shown] & ~words.spaced[shown]
        closing = (words.pair[shown] >= 0) & (token >= 0) & (words.side[shown] <= 0)
        full = past & ~spaced & ~closing & (~script | (self.used[rows] >= self.sizes[rows]))
        endless = self.used[rows] > MOST_OVER * self.sizes[rows] + LONGEST_PIECE
        ended = stop | (past & spaced) | full | endless
        ended &= (self.piece[rows] > 0) | stop
        self._write(rows[~ended], token[~ended], text[~ended])
        return np.asarray(ended)

    def _write(self, rows: np.ndarray, token: np.ndarray, text: np.ndarray) -> None:
        model, words = self.model, self.model.words
        number = words.number[token]
        digits = np.where(number, words.digits[token], 0)
        open_ = words.open_number[token]
        want = np.maximum(1, self.digits[rows] - self.used_digits[rows])
        few = np.maximum(1, np.ceil(want / model.run)).astype(np.int64)
        each = np.clip(np.ceil(want / few), 1, MOST_DIGITS).astype(np.int64)
        drawn = np.where(open_, np.where(few <= 1, each, np.minimum(digits, want)), 0)
        self._emit(rows, text, drawn)
        self.used_digits[rows] += np.where(open_, drawn, digits)
        self.used[rows] += words.characters[text] + drawn
        blanks = words.blanks[text]
        self.used_blanks[rows] += blanks
        self.left[rows] -= blanks
        self.piece[rows] += 1
        pair, side = words.pair[token], words.side[token]
        with_pair = np.flatnonzero(pair >= 0)
        if len(with_pair):
            now = self.open[rows[with_pair], pair[with_pair]]
            self.open[rows[with_pair], pair[with_pair]] = np.where(side[with_pair] == 0, ~now, side[with_pair] > 0)
        hashes = model.hash[text]
        hashes[open_ & (drawn <= SMALL_NUMBER), 0] = model.any_number
        self._tell(rows, hashes)
        self.window[rows[model.address[text] | open_ & (drawn > SMALL_NUMBER)]] = BREAK
        self.last[rows] = token
        self.state[rows] = model.chain.step(self.state[rows], token)
        self.class_state[rows] = model.class_chain.step(self.class_state[rows], model.prose.classes[token])

    def _leads_on(self, rows: np.ndarray, token: np.ndarray, text: np.ndarray) -> np.ndarray:
        """bool: whether ``token``, or what will nearly surely follow it, completes a sequence of the source."""
        model = self.model
        out = completed(model.prose.grams, self.window[rows], model.hash[text])
        some = np.flatnonzero(~out & model.leading[token])
        state, window, now, what = self.state[rows[some]], self.window[rows[some]], token[some], text[some]
        for _ in range(AHEAD):
            state = model.chain.step(state, now)
            window = shifted(window, model.hash[what])
            after = model.chain.sure(state, SURE)
            known = np.flatnonzero(after >= 0)
            if not len(known):
                break
            some, state, window, now = some[known], state[known], window[known], after[known]
            what = now
            out[some] |= completed(model.prose.grams, window, model.hash[what])
        return np.asarray(out)

    def _drawn(self, rows: np.ndarray, orders: int) -> np.ndarray:
        """int: the next token of each, from the longest context that knows one."""
        model = self.model
        token = np.full(len(rows), -1, np.int64)
        if orders < 0:
            return self._any(rows, token)
        for order in range(orders, 0, -1):
            open_ = np.flatnonzero((token < 0) & (self.state[rows, order - 1] >= 0))
            if len(open_):
                token[open_] = model.chain.draw(order, self.state[rows[open_], order - 1], self.rng)
        kind = np.full(len(rows), -1, np.int64)
        for order in range(model.class_chain.orders, 0, -1):
            open_ = np.flatnonzero((token < 0) & (kind < 0) & (self.class_state[rows, order - 1] >= 0))
            if len(open_):
                kind[open_] = model.class_chain.draw(order, self.class_state[rows[open_], order - 1], self.rng)
        some = np.flatnonzero((token < 0) & (kind >= 0))
        if len(some):
            start, end = model.class_start[kind[some]], model.class_start[kind[some] + 1]
            low, high = model.class_until[start], model.class_until[end]
            at = np.searchsorted(model.class_until, low + self.rng.random(len(some)) * (high - low), "right") - 1
            token[some] = np.where(high > low, model.by_class[np.clip(at, start, end - 1)], -1)
        return self._any(rows, token)

    def _any(self, rows: np.ndarray, token: np.ndarray) -> np.ndarray:
        """``token``, any word in place of -1."""
        left = np.flatnonzero(token < 0)
        if len(left):
            mode = self._mode(rows[left])
            for m in (0, 1):
                here = left[mode == m]
                known = self.model.mode_tokens[m]
                if len(here) and len(known):
                    token[here] = known[choose(self.model.words.counts[known], len(here), self.rng)]
        return token

    def _mode(self, rows: np.ndarray) -> np.ndarray:
        """int: 1 inside code or a formula."""
        inside = (self.open[rows] & self.model.words.code_pair).any(axis=1)
        return np.asarray(np.where(inside, 1, self.model.code_path[self.path[rows]]))

    def _forced(self, rows: np.ndarray) -> np.ndarray:
        """int: a number where the text still lacks digits, the end of a pair that has been open; else -1."""
        model, words = self.model, self.model.words
        out = np.full(len(rows), -1, np.int64)
        lack = self.digits[rows] - self.used_digits[rows]
        if model.number_token >= 0:
            needed = np.ceil(lack / model.run)
            rest = np.maximum(1, self.blanks[rows] - self.used_blanks[rows])
            now = (lack > 0) & (self.rng.random(len(rows)) < np.minimum(needed / rest, MOST_FORCED))
            now |= (lack > 0) & (self.blanks[rows] == 0)
            now &= (self.piece[rows] > 0) & ((self.left[rows] > 0) | (self.blanks[rows] == 0))
            last = self.last[rows]
            now &= (last >= 0) & words.word[np.maximum(last, 0)] & (words.modes[np.maximum(last, 0)] == 0)
            out[now] = model.number_token
        if self.open.shape[1]:
            held = self.open[rows]
            some = held.any(axis=1) & (self.rng.random(len(rows)) < CLOSED_EACH)
            last = self.last[rows]
            some &= (last >= 0) & words.word[np.maximum(last, 0)]
            out[some] = words.closers[np.argmax(held[some], axis=1)]
        return np.asarray(out)

    def _text(self, rows: np.ndarray, token: np.ndarray) -> np.ndarray:
        """int: the place in the table of what is written for each token."""
        words = self.model.words
        out = np.maximum(token, 0)
        rare = np.flatnonzero((token >= 0) & words.rare[out])
        if len(rare):
            out[rare] = self._word(
                rows[rare], words.length[token[rare]], words.case[token[rare]], words.spaced[token[rare]]
            )
        linked = np.flatnonzero((token >= 0) & words.linked[np.where(out < words.size, out, 0)] & (out < words.size))
        out[linked] = words.link_at[token[linked]] + self.rng.integers(0, LINKS, len(linked))
        return np.asarray(out)

    def _word(self, rows: np.ndarray, length: np.ndarray, case: np.ndarray, spaced: np.ndarray) -> np.ndarray:
        """A word of the lexicon, longer or shorter as the text lacks or has too many characters."""
        model, words = self.model, self.model.words
        rest = np.maximum(1, self.blanks[rows] - self.used_blanks[rows])
        lack = self.sizes[rows] - self.used[rows] - rest * model.each
        wanted = length + np.clip(STEER * lack / np.maximum(1.0, rest * model.rare_rate), -length / 2, length / 2 + 2)
        wanted = np.maximum(1, np.rint(wanted + self.rng.normal(0, 1.0, len(rows)))).astype(np.int64)
        at = np.clip(np.searchsorted(model.lengths, wanted), 0, len(model.lengths) - 1)
        place = words.lexicon.places(model.lengths[at], self.rng)
        many = len(words.lexicon.words)
        return np.asarray(words.spare_at + (spaced.astype(np.int64) * 3 + case) * many + place)

    def _candidates(self, rows: np.ndarray, orders: int) -> tuple[np.ndarray, np.ndarray]:
        token = self._drawn(rows, orders)
        return token, self._text(rows, token)

    def _spare(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A word of no context for each: token and text."""
        spaced = self.piece[rows] > 0
        some = self.rng.integers(3, 9, len(rows))
        text = self._word(rows, some, np.zeros(len(rows), np.int64), spaced)
        return np.full(len(rows), self.model.spare_token), text

    def _bad(self, rows: np.ndarray, token: np.ndarray, text: np.ndarray, turn: int) -> np.ndarray:
        model, words = self.model, self.model.words
        bad = (token < 0) | ~model.usable[token]
        pair, side = words.pair[token], words.side[token]
        some = np.flatnonzero(pair >= 0)
        if len(some):
            held = self.open[rows[some]]
            own = held[np.arange(len(some)), pair[some]]
            tag = words.tag_pair[pair[some]]
            other = (held & words.tag_pair).any(axis=1)
            wrong = (side[some] > 0) & (own | (tag & other)) | (side[some] < 0) & ~own
            opening = (side[some] > 0) | (side[some] == 0) & ~own
            wrong |= opening & (self.left[rows[some]] <= 0)
            last = self.last[rows[some]]  # nothing is closed that holds nothing
            either, gap = side[some] == 0, words.blanks[text[some]] > 0
            wrong |= either & (own & gap | ~own & ~gap & (last >= 0) & words.word[np.maximum(last, 0)])
            wrong |= ~opening & (last >= 0) & (words.pair[np.maximum(last, 0)] == pair[some])
            bad[some] |= wrong
        number = words.number[token]
        room = self.digits[rows] - self.used_digits[rows]
        bad |= number & np.where(words.open_number[token], room <= 0, words.digits[token] > room)
        bad |= (self.left[rows] > 0) & (self.rng.random(len(rows)) < model.prose.lasts[np.maximum(token, 0)])
        wordy = model.hash[text, 0] != BREAK
        some = np.flatnonzero(wordy & ~bad)
        bad[some] |= self._leads_on(rows[some], token[some], text[some])
        some = np.flatnonzero(wordy & ~bad & self.followed[rows] & (self.left[rows] <= words.blanks[text]))
        if len(some):
            window = shifted(self.window[rows[some]], model.hash[text[some]])
            bad[some] |= completed(model.prose.grams, window, self.after[rows[some]])
        same = words.word[token] & (self.window[rows, -1] == model.hash[text, 0]) & wordy
        bad |= same & (turn <= len(AGAIN))
        last = np.maximum(self.last[rows], 0)
        bad |= (self.last[rows] >= 0) & words.word[last] & words.glued[np.maximum(token, 0)]
        if turn <= len(AGAIN):
            plain = words.word & ~words.capital & (words.modes == 0)
            bad |= words.stop[last] & (words.blanks[text] > 0) & plain[np.maximum(token, 0)]
            final = (self.left[rows] == 1) & (words.blanks[text] > 0) & (token >= 0)
            bad |= final & (self.rng.random(len(rows)) > model.may_end[np.maximum(token, 0)])
        return np.asarray(bad)
