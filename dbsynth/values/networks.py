"""Addresses of networks and of their cards, in texts: of ranges that belong to nobody where the source's are public,
private where they are private.

Ranges: RFC 5737 and RFC 3849 (documentation), RFC 2544 (benchmarks), RFC 1112 (reserved), RFC 1918 and RFC 4193
(private), RFC 3927 (link-local); hardware addresses are locally administered (IEEE 802, second bit of the first octet).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

import numpy as np

from dbsynth.values.guard import Guard
from dbsynth.values.numbered import Numbered

AT_ONCE = 15
"""Bits a part."""
PUBLIC_4 = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
MORE_4 = ("198.18.0.0/15", "240.0.0.0/5")
"""Where the ranges of documentation are used up."""
PUBLIC_6 = "2001:db8::/32"
ALL_4, ALL_6 = "0.0.0.0/0", "::/0"
"""For networks that are larger than any that is reserved."""
OWN = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
       "fc00::/7", "fe80::/10")  # fmt: skip
"""An address in one of them gets another of the same."""
_NETWORKS = {n: ip_network(n) for n in (*PUBLIC_4, *MORE_4, PUBLIC_6, ALL_4, ALL_6, *OWN)}
_HARDWARE = re.compile(r"[0-9A-Fa-f]+")


@dataclass(frozen=True)
class Addresses:
    """Addresses of ``network``. ``mask``: the length of the network that they are written with, −1: none; ``whole``:
    the network itself, without a host in it; ``upper``: capital letters; ``full``: groups of four digits each."""

    network: str
    mask: int
    whole: bool
    upper: bool
    full: bool

    @property
    def _net(self) -> IPv4Network | IPv6Network:
        return _NETWORKS[self.network]

    @property
    def _bits(self) -> int:
        """Bits that are free, from the end of the network on."""
        end = self.mask if self.whole and self.mask >= 0 else self._net.max_prefixlen
        return max(0, end - self._net.prefixlen)

    @property
    def sizes(self) -> tuple[int, ...]:
        whole, rest = divmod(self._bits, AT_ONCE)
        return (2**AT_ONCE,) * whole + ((2**rest,) if rest or not whole else ())

    @property
    def means(self) -> tuple[str, ...]:
        return ("",) * len(self.sizes)

    def write(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size = self._net.max_prefixlen
        bits = np.zeros((len(codes), size), np.uint8)
        start = int(self._net.network_address)
        bits[:] = [(start >> (size - 1 - i)) & 1 for i in range(size)]
        at = self._net.prefixlen
        for i, part in enumerate(self.sizes):
            width = part.bit_length() - 1
            shifts = np.arange(width - 1, -1, -1)
            bits[:, at : at + width] = codes[:, i : i + 1] >> shifts & 1
            at += width
        octets = np.packbits(bits, axis=1)
        texts = self._four(octets) if size == 32 else self._six(octets)
        there = np.ones(len(codes), bool)
        if self.mask >= 0:
            texts = [f"{t}/{self.mask}" for t in texts]
        elif size == 32:  # no address of a network or of all its hosts
            there = (octets[:, 3] != 0) & (octets[:, 3] != 255)
        return np.array(texts, object), there

    def _four(self, octets: np.ndarray) -> list[str]:
        return [f"{a}.{b}.{c}.{d}" for a, b, c, d in octets.tolist()]

    def _six(self, octets: np.ndarray) -> list[str]:
        groups = (octets[:, ::2].astype(np.int64) << 8) | octets[:, 1::2]
        form = ":".join(["%04x" if self.full else "%x"] * 8)
        rows = groups.tolist()
        texts = [form % tuple(row) for row in rows]
        if not self.full:
            zeros = (groups[:, 1:] == 0) & (groups[:, :-1] == 0)
            for i in np.flatnonzero(zeros.any(axis=1)).tolist():
                texts[i] = _shortened(rows[i])
        return [t.upper() for t in texts] if self.upper else texts

    def finish(self, values: np.ndarray, rng: np.random.Generator) -> list[str]:
        return list(values)


def _shortened(groups: list[int]) -> str:
    """The first longest run of two or more zeros as ``::`` (RFC 5952)."""
    best, length = -1, 1
    start = 0
    while start < 8:
        end = start
        while end < 8 and groups[end] == 0:
            end += 1
        if end - start > length:
            best, length = start, end - start
        start = end + 1
    if best < 0:
        return ":".join(f"{g:x}" for g in groups)
    left, right = groups[:best], groups[best + length :]
    return ":".join(f"{g:x}" for g in left) + "::" + ":".join(f"{g:x}" for g in right)


def fit_addresses(
    table: str, column: str, values: Sequence[str], guard: Guard, *, unique: bool, k: int, distinct: float, empty: float
) -> Numbered | None:
    """None where most of the texts are no addresses."""
    kinds: Counter[Addresses] = Counter()
    for value in values:
        try:
            interface = ip_interface(value)
        except ValueError:
            continue
        mask = interface.network.prefixlen if "/" in value else -1
        whole = mask >= 0 and interface.ip == interface.network.network_address
        four = interface.version == 4
        own = next((n for n in OWN if _NETWORKS[n].version == interface.version and interface.ip in _NETWORKS[n]), None)
        network = own or (PUBLIC_4[0] if four else PUBLIC_6)
        if whole and mask < _NETWORKS[network].prefixlen:
            network = next((n for n in (*MORE_4, ALL_4) if _NETWORKS[n].prefixlen <= mask), ALL_4) if four else ALL_6
        full = not four and re.search(r"(?:^|:)0", value) is not None and "::" not in value
        kinds[Addresses(network, mask, whole, value != value.lower(), full)] += 1
    if sum(kinds.values()) < 0.5 * max(1, len(values)):
        return None
    kept = [(s, n) for s, n in kinds.most_common() if n >= k] or kinds.most_common(1)
    spaces: dict[Addresses, float] = {}
    for space, n in kept:
        for network in PUBLIC_4 if space.network == PUBLIC_4[0] else (space.network,):
            other = Addresses(network, space.mask, space.whole, space.upper, space.full)
            spaces[other] = spaces.get(other, 0.0) + n / (3 if space.network == PUBLIC_4[0] else 1)
    public = next((s for s, _ in kept if s.network == PUBLIC_4[0]), None)
    if public is not None:
        for network in MORE_4:
            spaces.setdefault(Addresses(network, public.mask, public.whole, public.upper, public.full), 0.0)
    return Numbered(
        table, column, list(spaces), list(spaces.values()), guard, unique=unique, distinct=distinct, empty=empty
    )


@dataclass(frozen=True)
class Hardware:
    """Locally administered addresses, of ``group`` hexadecimal digits between separators."""

    separator: str
    group: int
    upper: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        return (64, 2**20, 2**20)

    @property
    def means(self) -> tuple[str, ...]:
        return ("", "", "")

    def write(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first = (codes[:, 0] << 2 | 2) << 40
        numbers = first | codes[:, 1] << 20 | codes[:, 2]
        form = "{:012X}" if self.upper else "{:012x}"
        texts = [form.format(n) for n in numbers.tolist()]
        steps = range(0, 12, self.group)
        return np.array([self.separator.join(t[i : i + self.group] for i in steps) for t in texts], object), np.ones(
            len(codes), bool
        )

    def finish(self, values: np.ndarray, rng: np.random.Generator) -> list[str]:
        return list(values)


def fit_hardware(
    table: str, column: str, values: Sequence[str], guard: Guard, *, unique: bool, k: int, distinct: float, empty: float
) -> Numbered | None:
    """None where most of the texts are no hardware addresses."""
    kinds: Counter[Hardware] = Counter()
    for value in values:
        groups = _HARDWARE.findall(value)
        if sum(map(len, groups)) == 12 and len(set(map(len, groups))) == 1:
            separator = value[len(groups[0]) : len(groups[0]) + 1] if len(groups) > 1 else ""
            kinds[Hardware(separator, len(groups[0]), value != value.lower())] += 1
    if sum(kinds.values()) < 0.5 * max(1, len(values)):
        return None
    kept = [(s, n) for s, n in kinds.most_common() if n >= k] or kinds.most_common(1)
    spaces, weights = [s for s, _ in kept], [float(n) for _, n in kept]
    return Numbered(table, column, spaces, weights, guard, unique=unique, distinct=distinct, empty=empty)
