"""Digests, tokens and UUIDs: random, of the source's length, alphabet and version."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.values.forms import choose, quantiles

HEX, UPPER_HEX = "0123456789abcdef", "0123456789ABCDEF"
DIGITS, LOWER, UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABETS = (
    DIGITS, HEX, UPPER_HEX, LOWER, UPPER, LOWER + DIGITS, UPPER + DIGITS, LOWER + UPPER, LOWER + UPPER + DIGITS,
    LOWER + UPPER + DIGITS + "-_", LOWER + UPPER + DIGITS + "+/", LOWER + UPPER + DIGITS + "./",
)  # fmt: skip
"""The smallest that holds the characters of a text is taken for its own."""
LEAST = 8
"""A shorter text is a code, not a token."""
JWT = re.compile(r"(eyJ[\w-]+)\.(eyJ[\w-]+)\.([\w-]+)")
MOST_FORMS = 40
_LAST_OF_SALT = ".Oeu"


@dataclass(frozen=True)
class Form:
    """``head``: what k texts begin with alike; ``size`` characters of ``alphabet``; ``tail``: padding behind."""

    head: str
    size: int
    alphabet: str
    tail: str
    weight: float


class Tokens:
    """Random texts of ``forms``."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self.forms = tuple(forms)

    @classmethod
    def fit(cls, values: Sequence[str], k: int) -> Tokens | None:
        """None where the values are no random texts of a few lengths."""
        parts = [_taken_apart(v) for v in values if v]
        if not parts or sum(len(body) >= LEAST for _, body, _ in parts) < 0.9 * len(parts):
            return None
        # the alphabet is that of all texts of a length: a short digest may lack a letter by chance
        seen: dict[tuple[str, int, str], set[str]] = {}
        counts: Counter[tuple[str, int, str]] = Counter()
        for head, body, tail in parts:
            key = (head, len(body), tail)
            counts[key] += 1
            seen.setdefault(key, set()).update(body)
        forms: list[Form] = []
        for (head, size, tail), n in counts.most_common(MOST_FORMS):
            if n < k and forms:
                break
            alphabet = next((a for a in ALPHABETS if seen[head, size, tail] <= set(a)), None)
            if alphabet is None:
                return None
            forms.append(Form(head if n >= k else "", size if n >= k else size + len(head), alphabet, tail, float(n)))
        covered = sum(n for _, n in counts.most_common(len(forms)))
        return cls(forms) if covered >= 0.8 * len(parts) else None

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(np.array([f.weight for f in self.forms]), count, rng)
        out = np.empty(count, object)
        for i, form in enumerate(self.forms):
            rows = np.flatnonzero(which == i)
            alphabet = np.frombuffer(form.alphabet.encode("ascii"), np.uint8)
            chars = alphabet[rng.integers(0, len(alphabet), (len(rows), max(1, form.size)))]
            if form.head.startswith("$2") and form.size == 53:
                salt = np.frombuffer(_LAST_OF_SALT.encode("ascii"), np.uint8)
                chars[:, 21] = salt[rng.integers(0, 4, len(rows))]
            bodies = np.ascontiguousarray(chars).view(f"S{chars.shape[1]}").ravel().astype(str)
            out[rows] = [form.head + b + form.tail for b in bodies.tolist()]
        return list(out)


HEAD = re.compile(r"(\$[\w-]+\$(?:[\w=,]+\$)*|[a-z]{2,8}[_:](?:[a-z]{2,8}[_:])*)(.*)", re.DOTALL)
"""What tells the kind of a token: ``$2b$12$``, ``sk_live_``, ``sha256:``."""


def _taken_apart(text: str) -> tuple[str, str, str]:
    match = HEAD.fullmatch(text)
    head, body = match.groups() if match else ("", text)
    tail = body[len(body.rstrip("=")) :]
    return head, body[: len(body) - len(tail)], tail


class WebTokens:
    """JSON web tokens (RFC 7519): headers that k rows share, claims of the source's names with new values, a signature
    of random bytes. ``claims``: name -> its kind; ``low``, ``high``: the range of moments."""

    def __init__(self, values: Sequence[str], k: int) -> None:
        parts = [m.groups() for v in values if (m := JWT.fullmatch(v))]
        heads = Counter(h for h, _, _ in parts)
        self.heads = [(h, n) for h, n in heads.items() if n >= k] or [(_packed({"alg": "HS256", "typ": "JWT"}), 1)]
        loaded = [c for c in (_unpacked(p) for _, p, _ in parts) if isinstance(c, dict)]
        names = Counter(name for c in loaded for name in c)
        self.claims = {name: n / len(loaded) for name, n in names.items() if n >= k} or {"sub": 1.0, "iat": 1.0}
        self.whole = [n for n in self.claims if all(isinstance(c.get(n, 0), int) for c in loaded)]
        moments = np.sort(
            [c[n] for c in loaded for n in self.whole if 10**9 <= c.get(n, 0) < 4 * 10**9] or [1_700_000_000]
        )
        knots = quantiles(moments, k, 3)
        self.low, self.high = int(knots[0]), int(knots[-1]) + 1
        self.size = max((len(s) for _, _, s in parts), default=43)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        heads = choose(np.array([n for _, n in self.heads], float), count, rng).tolist()
        there = {name: rng.random(count) < share for name, share in self.claims.items()}
        moments = rng.integers(self.low, self.high, count).tolist()
        subjects = rng.integers(0, 2**62, count).tolist()
        signature = Tokens([Form("", self.size, LOWER + UPPER + DIGITS + "-_", "", 1.0)]).draw(count, rng)
        claims = [""] * count
        for at, (name, rows) in enumerate(there.items()):
            form = f"{json.dumps(name)}:" + ("%d" if name in self.whole else '"%x"')
            drawn = moments if name in self.whole else subjects
            for i in np.flatnonzero(rows).tolist():
                claims[i] += ("," if claims[i] else "") + form % (drawn[i] + 3600 * at)
        bodies = (base64.urlsafe_b64encode(b"{%s}" % c.encode()).decode().rstrip("=") for c in claims)
        parts = zip(heads, bodies, signature, strict=True)
        return [f"{self.heads[head][0]}.{body}.{signed}" for head, body, signed in parts]


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _unpacked(text: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None


class UniqueIds:
    """UUIDs of the versions of the source (RFC 9562), written as they are there. ``kinds``: version, upper case,
    braces, with their weights; ``low``, ``high``: the range of the milliseconds that versions 1, 6 and 7 tell."""

    def __init__(self, values: Sequence[str], k: int) -> None:
        kinds: Counter[tuple[int, bool, bool]] = Counter()
        moments = []
        for value in values:
            plain = value.strip("{}").replace("-", "")
            if len(plain) == 32 and plain[12:13].isdigit() and plain[16:17].lower() in "89ab":
                version = int(plain[12])
                kinds[version, value != value.lower(), value.startswith("{")] += 1
                if version in (1, 6, 7):
                    moments.append(_moment(plain, version))
        self.kinds = [(kind, n) for kind, n in kinds.items() if n >= k and 1 <= kind[0] <= 8]
        self.kinds = self.kinds or [((4, False, False), 1)]
        knots = quantiles(np.array(moments or [1_700_000_000_000]).clip(min=0), k, 3)
        self.low, self.high = int(knots[0]), int(knots[-1]) + 1

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(np.array([n for _, n in self.kinds], float), count, rng)
        raw = rng.integers(0, 256, (count, 16), dtype=np.uint8)
        millis = rng.integers(self.low, self.high, count)
        for i, ((version, _, _), _) in enumerate(self.kinds):
            rows = np.flatnonzero(which == i)
            if version == 7:
                for j in range(6):
                    raw[rows, j] = millis[rows] >> (40 - 8 * j) & 255
            elif version in (1, 6):
                _timed(raw, rows, millis[rows], version, rng)
            raw[rows, 6] = (raw[rows, 6] & 0x0F) | (version << 4)
        raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
        out = []
        for row, i in zip(raw, which.tolist(), strict=True):
            t = row.tobytes().hex()
            text = f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}"
            _, upper, braces = self.kinds[i][0]
            text = text.upper() if upper else text
            out.append("{" + text + "}" if braces else text)
        return out


_EPOCH = 0x01B21DD213814000
"""100-nanosecond steps from 1582-10-15 to 1970-01-01."""


def _moment(plain: str, version: int) -> int:
    if version == 7:
        return int(plain[:12], 16)
    parts = (plain[13:16], plain[8:12], plain[:8]) if version == 1 else (plain[:8], plain[8:12], plain[13:16])
    return (int("".join(parts), 16) - _EPOCH) // 10_000


def _timed(raw: np.ndarray, rows: np.ndarray, millis: np.ndarray, version: int, rng: np.random.Generator) -> None:
    """Versions 1 and 6: the clock, and a node that is no hardware's (its multicast bit is set)."""
    ticks = millis * 10_000 + rng.integers(0, 10_000, len(rows)) + _EPOCH
    low, mid, high = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF)
    if version == 6:
        whole = ticks >> 28 & 0xFFFFFFFF
        low, mid, high = whole, ticks >> 12 & 0xFFFF, ticks & 0x0FFF
    for j in range(4):
        raw[rows, j] = low >> (24 - 8 * j) & 255
    raw[rows, 4], raw[rows, 5] = mid >> 8, mid & 255
    raw[rows, 6], raw[rows, 7] = high >> 8, high & 255
    raw[rows, 10] |= 1
