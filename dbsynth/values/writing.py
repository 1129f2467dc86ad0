"""Texts written from what ``Prose`` learned, all of a batch token by token at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dbsynth.values.batch import LONGEST_PIECE, SURE, Batch
from dbsynth.values.forms import choose
from dbsynth.values.grams import BREAK, LENGTH, Grams
from dbsynth.values.markup import FENCE, VOID, is_code
from dbsynth.values.pieces import Plan, shared_out
from dbsynth.values.vocabulary import ANY_NUMBER, LINKS
from dbsynth.values.word_tokens import FINE

if TYPE_CHECKING:
    from dbsynth.values.prose import Prose

LONGEST_TEXT = 2_000
"""Words that are written one after the other."""
MOST_WORDS = 1_000_000
"""Words of the texts that are written at once."""
ROUNDS = 6
"""Of pieces written again because of the words before them; then they are left out."""
MOST_PIECES = 1000


class Writing:
    """Arrays over all tokens, made once for a model."""

    def __init__(self, prose: Prose) -> None:
        self.prose = prose
        words = prose.vocabulary
        self.words, self.chain, self.class_chain = words, prose.chain, prose.class_chain
        self.hash = words.hashes(prose.grams)
        self.leading = prose.chain.leading(SURE)
        self.address = np.zeros(len(words.texts), bool)  # no sequence goes over these
        self.any_number = np.uint64(prose.grams.word(ANY_NUMBER))
        for i in np.flatnonzero(words.link_at >= 0).tolist():
            tagged = words.keys[i].lstrip()[:1] == "<"
            self.address[words.link_at[i] : words.link_at[i] + LINKS] = not tagged
        usable = (np.arange(words.size) >= words.paths) & ~words.unclosed
        self.by_class = np.lexsort((np.arange(words.size), prose.classes))
        weight = np.where(usable, words.counts, 0.0)[self.by_class]
        self.class_until = np.r_[0.0, np.cumsum(weight)]
        self.class_start = np.searchsorted(prose.classes[self.by_class], np.arange(int(prose.classes.max()) + 2))
        text = usable & (words.counts > 0) & (words.word & words.spaced)
        self.mode_tokens = [np.flatnonzero(text & (words.modes == m)) for m in (0, 1)]
        if not len(self.mode_tokens[0]):  # no blanks: any token
            self.mode_tokens[0] = np.flatnonzero(usable & (words.modes == 0) & (words.counts > 0))
        self.usable = usable
        numbers = np.flatnonzero(words.number & (words.modes == 0))
        free = np.flatnonzero(words.open_number & (words.modes == 0))
        spaced = free[words.spaced[free]]
        free = spaced if len(spaced) else free
        self.number_token = int(free[np.argmax(words.counts[free])]) if len(free) else -1
        self.run = float(np.average(words.digits[numbers], weights=words.counts[numbers])) if len(numbers) else 1.0
        text = usable & (words.modes == 0)
        total = max(1.0, float(words.counts[text].sum()))
        self.rare_rate = max(0.02, float(words.counts[text & words.rare].sum()) / total)
        length = np.where(words.rare, words.length + words.spaced, words.characters[: words.size])
        spaces = max(1.0, float((words.counts * words.blanks[: words.size])[text].sum()))
        self.each = float((words.counts * length)[text].sum()) / spaces if spaces > 1 else 6.0
        self.lengths = words.lexicon.sizes
        ends = prose.ends / max(1e-9, float(np.quantile(prose.ends[words.word], 0.9)) if words.word.any() else 1.0)
        self.may_end = np.clip(ends, 0.02, 1.0)
        rare = np.flatnonzero(words.rare & (words.modes == 0))
        self.spare_token = int(rare[np.argmax(words.counts[rare])]) if len(rare) else int(self.mode_tokens[0][0])
        self.code_path = np.array([int(is_code(p)) for p in prose.paths])
        paths = len(prose.paths)
        keys = [*prose.paths, None]
        self.joints = np.array([[prose.layout.between(a, b) for b in keys] for a in keys], object)
        self.joint_size = np.array([[len(t) for t in row] for row in self.joints])
        self.joint_blanks = np.array([[sum(map(str.isspace, t)) for t in row] for row in self.joints])
        self.path_hash = np.array([_hash_of(prose.grams, p) for p in prose.paths], np.uint64)[:, None]
        self.void = np.array([p.rpartition("/")[2] in VOID for p in prose.paths])
        self.single = paths == 1 and prose.layout.kind == "plain"
        order = prose.order
        first = np.bincount(order.keys[0] % order.size, weights=order.counts[0], minlength=paths + 1)[:paths]
        self.any_path = first if first.sum() else np.ones(paths)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        words, digits, sizes = self.prose.forms.draw(count, rng)
        # a very long text is several that stand one after the other: time goes by words of the longest
        pieces = -(-words // LONGEST_TEXT)
        of = np.repeat(np.arange(count), pieces)
        words, digits, sizes = (
            np.maximum(v // pieces, least)[of] for v, least in ((words, 1), (digits, 0), (sizes, 1))
        )
        parts = np.cumsum(words + sizes // 20) // MOST_WORDS
        out: list[str] = []
        for part in np.unique(parts):
            rows = parts == part
            out += self._texts(words[rows] - 1, digits[rows], sizes[rows], rng)
        if len(of) == count:
            return out
        between = " " if self.prose.layout.kind == "plain" else "\n\n"
        ends = np.cumsum(pieces).tolist()
        return [between.join(out[end - n : end]) for end, n in zip(ends, pieces.tolist(), strict=True)]

    def _texts(self, blanks: np.ndarray, digits: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> list[str]:
        plan = self._planned(blanks, digits, sizes, rng)
        n = len(plan.row)
        texts = np.full(n, "", object)
        windows, first = (np.full((n, LENGTH - 1), BREAK, np.uint64) for _ in range(2))
        told = np.zeros(n, np.int64)
        # every second piece, then those between, which know what stands before and after them
        pieces = np.flatnonzero(plan.place % 2 == 0)
        for turn in range(ROUNDS):
            batch = Batch(self, plan, pieces, rng, plan.before(windows, first, told)[pieces], plan.after(first)[pieces])
            texts[pieces] = np.array(batch.texts(), object)
            windows[pieces], first[pieces], told[pieces] = batch.window, batch.first, batch.told
            pieces = np.flatnonzero(plan.place % 2 == 1)
            if turn:
                pieces = plan.crossed(windows, first, told, self.prose.grams)
                # of a piece that begins with a word of its path, the one before has to change
                pieces = np.unique(pieces - (self.path_hash[plan.path[pieces], 0] != BREAK))
            if not len(pieces):
                break
        texts[pieces] = ""
        return plan.joined(texts, self.joints)

    def _planned(self, blanks: np.ndarray, digits: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> Plan:
        """Which pieces each text has, and how long they are."""
        prose, paths = self.prose, len(self.prose.paths)
        live, path = np.arange(len(blanks)), np.full(len(blanks), paths)
        rest, left = blanks.copy(), sizes.copy()
        found: list[tuple[np.ndarray, ...]] = []
        while len(live):
            now = prose.order.draw(1, path[live], rng)
            lost = (now < 0) | (now == paths)
            now[lost] = choose(self.any_path, int(lost.sum()), rng)
            rest[live] -= self.joint_blanks[path[live], now]
            left[live] -= self.joint_size[path[live], now]
            room = np.maximum(0, rest[live])
            knots = prose.sizes[now]
            size = np.rint(knots[np.arange(len(live)), rng.integers(0, knots.shape[1], len(live))]).astype(np.int64)
            # what would be left for another piece is less than most of its kind have
            size = np.minimum(size, LONGEST_PIECE)
            whole = (room - size < np.minimum(size, knots[:, knots.shape[1] // 4])) | self.single
            size = np.minimum(np.where(whole, room, size), room)
            found.append((live, now, size))
            path[live] = now
            rest[live] -= size
            live = live[(rest[live] > 0) & (not self.single and len(found) < MOST_PIECES)]
        left -= self.joint_size[path, paths]
        row, path, size = (np.concatenate([f[i] for f in found]) for i in range(3))
        order = np.argsort(row, kind="stable")
        row, path, size = row[order], path[order], size[order]
        share = (size + 1.0) * rng.exponential(size=len(row))
        numbers = shared_out(digits, share, row)
        return Plan(len(blanks), row, path, size, numbers, shared_out(np.maximum(left, 0), size + 1.0, row))


def _hash_of(grams: Grams, path: str) -> int:
    """Of the word that a path writes: the language of a fenced code."""
    found = FINE.findall(path) if path.startswith(FENCE) else []
    return grams.word(found[0]) if found else int(BREAK)
