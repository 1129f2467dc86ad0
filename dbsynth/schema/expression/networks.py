"""Addresses (inet, cidr) and strings of bits."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.nodes import Node, call
from dbsynth.schema.expression.registry import FUNCTIONS, function
from dbsynth.schema.expression.values import BITS, BOOL, INET, INT, TEXT, NotEvaluable, apply

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@lru_cache(maxsize=4096)
def interface(text: str) -> Interface:
    return ipaddress.ip_interface(text.strip())


def _of_address(name: str, kernel: Callable[[Interface], int | str]) -> None:
    def build(node: Node) -> Node:
        if node.type.family not in ("inet", "unknown"):
            raise NotEvaluable(f"{name} of {node.type}")
        type_ = TEXT if name == "host" else INT
        return call(name, type_, (cast(node, INET),), lambda v: apply(type_, lambda t: kernel(interface(t)), v))

    FUNCTIONS[name] = build


_of_address("family", lambda i: i.version)
_of_address("masklen", lambda i: i.network.prefixlen)
_of_address("host", lambda i: str(i.ip))


def _within(part: Interface, whole: Interface, or_equal: bool) -> bool:
    """Whether one network lies in the other."""
    if part.version != whole.version:
        return False
    a, b = part.network, whole.network
    inside = a.prefixlen > b.prefixlen or (or_equal and a.prefixlen == b.prefixlen)
    return inside and a.network_address in b


def networks(name: str, a: Node, b: Node) -> Node:
    """<<, <<=, >>, >>= and &&."""
    tests: dict[str, Callable[[Interface, Interface], bool]] = {
        "<<": lambda x, y: _within(x, y, False),
        "<<=": lambda x, y: _within(x, y, True),
        ">>": lambda x, y: _within(y, x, False),
        ">>=": lambda x, y: _within(y, x, True),
        "&&": lambda x, y: _within(x, y, True) or _within(y, x, True),
    }
    test = tests[name]
    args = (cast(a, INET), cast(b, INET))
    return call(
        f"net {name}", BOOL, args, lambda p, q: apply(BOOL, lambda s, t: test(interface(s), interface(t)), p, q)
    )


@function("network_sub")
def _sub(a: Node, b: Node) -> Node:
    return networks("<<", a, b)


@function("network_subeq")
def _sub_or_equal(a: Node, b: Node) -> Node:
    return networks("<<=", a, b)


def bitwise(name: str, a: Node, b: Node) -> Node:
    """&, | and # of strings of bits of one length."""

    def combined(x: str, y: str) -> str:
        if len(x) != len(y):
            raise ValueError("cannot combine bit strings of different sizes")
        p, q = int(x or "0", 2), int(y or "0", 2)
        return format({"&": p & q, "|": p | q, "#": p ^ q}[name], f"0{len(x)}b") if x else ""

    return call(f"bits {name}", BITS, (cast(a, BITS), cast(b, BITS)), lambda p, q: apply(BITS, combined, p, q))


@function("bit_count")
def _bit_count(node: Node) -> Node:
    if node.type.family != "bits":
        raise NotEvaluable(f"bit_count of {node.type}")
    return call("bit_count", INT, (node,), lambda v: apply(INT, lambda t: t.count("1"), v))


@function("get_bit")
def _get_bit(node: Node, at: Node) -> Node:
    if node.type.family != "bits":
        raise NotEvaluable(f"get_bit of {node.type}")

    def bit(text: str, n: int) -> int:
        if not 0 <= n < len(text):
            raise ValueError("bit index out of valid range")
        return int(text[int(n)])

    return call("get_bit", INT, (node, cast(at, INT)), lambda v, n: apply(INT, bit, v, n))
