"""Runs of words that made texts share with those of the source.

A run counts if fewer than k real texts hold it: what more of them say ("to whom it may concern") is how people write.
By how many it would be by chance is told by the real texts, each left out in turn, as in ``copies``: texts of one form
("A Tale of a Dog And a Cat") meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.quality.disclosure.chance import surprising
from dbsynth.quality.disclosure.seen import Seen
from dbsynth.quality.disclosure.values import is_text
from dbsynth.quality.figures import Finding, PrivacyFigure, Subject, past
from dbsynth.values.distinct import hashes, mixed

RUN, LONG = 6, 15
"""Words. Texts of the source quote each other; no made text has a reason to quote as many as ``LONG`` of few texts."""
LEAST_LONG = 3
"""Made texts that do: fewer are chance."""
GAP = r"[^\pL]+"
"""Between words. Numbers are none: moments would meet by the thousand. Nor are hex digits, which have letters."""
NO_WORD = r"^[a-f]*$|^.$"
LEAST_TEXTS = 20
WORDS = 2_000_000
"""At most so many of each side, in whole texts."""
SAMPLE_BYTES = 8 * WORDS


@dataclass(frozen=True)
class Runs:
    """uint64 ``runs`` and the int64 ``text`` each stands in, in the order of the words; ``texts``: how many there are
    of RUN words and more."""

    runs: np.ndarray
    text: np.ndarray
    texts: int


def runs_of(texts: pa.Array) -> Runs:
    """``texts`` without nulls."""
    words = pc.split_pattern_regex(pc.utf8_lower(texts), GAP)
    owner = pc.list_parent_indices(words).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(words)
    there = pc.invert(pc.match_substring_regex(flat, NO_WORD)).to_numpy(zero_copy_only=False)
    owner, flat = owner[there], flat.filter(pa.array(there))
    if len(flat) < RUN:
        return Runs(np.zeros(0, np.uint64), np.zeros(0, np.int64), 0)
    coded = flat.dictionary_encode()
    word = hashes(coded.dictionary, 0)[coded.indices.to_numpy(zero_copy_only=False)]
    count = len(word) - RUN + 1
    run = np.zeros(count, np.uint64)
    for i in range(RUN):
        run = mixed(run ^ word[i : i + count])
    whole = owner[:count] == owner[RUN - 1 :]
    text = owner[:count][whole]
    return Runs(run[whole], text.astype(np.int64), len(np.unique(text)))


def shared_runs(rows: Seen, k: int, most: float) -> tuple[list[PrivacyFigure], list[Finding]]:
    """``most``: the share of made texts, beyond chance, that may hold parts of texts of the source."""
    figures: list[PrivacyFigure] = []
    findings: list[Finding] = []
    for column in rows.made.column_names:
        if not is_text(rows, column):
            continue
        real, made = (_bounded(a.drop_null()) for a in rows.both(column))
        if min(len(real), len(made)) < LEAST_TEXTS:
            continue
        found, said = _looked(rows, column, runs_of(real), runs_of(made), k, most)
        figures += found
        findings += said
    return figures, findings


def _looked(
    rows: Seen, column: str, real: Runs, made: Runs, k: int, most: float
) -> tuple[list[PrivacyFigure], list[Finding]]:
    if min(real.texts, made.texts) < LEAST_TEXTS:
        return [], []
    known, inverse, times = _counted(real)
    at = np.minimum(np.searchsorted(known, made.runs), len(known) - 1)
    rare = (known[at] == made.runs) & (times[at] < k)
    own = (times[inverse] > 1) & (times[inverse] <= k)
    subject, longest = Subject(rows.name, (column,)), _longest(made, rare)
    figures: list[PrivacyFigure] = []
    findings: list[Finding] = []
    for name, words in (("shared_runs", RUN), ("long_shared_runs", LONG)):
        hits, base = _texts_with(made, rare, words), _texts_with(real, own, words)
        share, chance = hits / made.texts, base / real.texts
        if words == RUN:
            failed = share - chance > most and surprising(hits, made.texts, base, real.texts)
        else:
            failed = share > most and hits >= LEAST_LONG
        figures.append(
            PrivacyFigure(
                name, subject, share, chance, not failed,
                f"{hits:,} of {made.texts:,} made texts hold {words} words in a row that fewer than {k} texts of the "
                f"source hold (the longest run has {longest}); of real texts {chance:.2%} do",
            )
        )  # fmt: skip
        if failed and not findings:
            says = (
                f"{rows.name}: {share:.1%} of the texts of {column} ({hits:,} of {made.texts:,}) hold {words} words in "
                f"a row that stand in fewer than {k} texts of the source, and up to {longest}: parts of them came out"
            )
            remedy = f"make {rows.name} anew; if its texts are no secret, keep the table with --keep"
            far = past(share - chance if words == RUN else share, most)
            findings.append(Finding("failure", "privacy", subject, says, remedy, far))
    return figures, findings


def _texts_with(found: Runs, where: np.ndarray, words: int) -> int:
    """Texts in which runs begin at so many words after each other that they make one of ``words``."""
    more = words - RUN
    if len(where) <= more:
        return 0
    together = where[: len(where) - more].copy()
    for i in range(1, more + 1):
        together &= where[i : len(where) - more + i]
    together &= found.text[: len(together)] == found.text[more:]
    return len(np.unique(found.text[: len(together)][together]))


def _counted(found: Runs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct runs (sorted), for each run which of them it is, and how many texts hold each."""
    known, inverse = np.unique(found.runs, return_inverse=True)
    pairs = np.unique(inverse * (int(found.text.max(initial=0)) + 1) + found.text)
    texts = np.bincount(pairs // (int(found.text.max(initial=0)) + 1), minlength=len(known))
    return known, inverse, texts


def _longest(found: Runs, where: np.ndarray) -> int:
    """Words of the longest row of runs, each of which begins a word after the other; 0 for none."""
    if not where.any():
        return 0
    at = np.flatnonzero(where)
    follows = (np.diff(at) == 1) & (np.diff(found.text[at]) == 0)
    breaks = np.flatnonzero(~np.concatenate([[False], follows, [False]]))
    return RUN - 1 + int(np.diff(breaks).max())


def _bounded(texts: pa.Array) -> pa.Array:
    """The first texts, of which there are no more than ``SAMPLE_BYTES``."""
    if not len(texts):
        return texts
    ends = np.cumsum(pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False).astype(np.int64))
    return texts.slice(0, max(1, int(np.searchsorted(ends, SAMPLE_BYTES, "right"))))
