"""Phone numbers: written as those of the source, with country and area codes that exist, and where a country keeps
numbers for fiction, of those (the United States' and Canada's 555, Ofcom's, the Bundesnetzagentur's, Arcep's, ACMA's,
PTS's and ComReg's ranges)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dbsynth.values.column import Drawer
from dbsynth.values.pattern import Pattern

_TWO = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
    "90 91 92 93 94 95 98"
)
_THREE = (
    "211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 "
    "242 243 244 245 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 290 291 "
    "297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 381 382 383 385 "
    "386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 "
    "672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 850 852 853 855 856 880 886 "
    "960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 992 993 994 995 996 998"
)
COUNTRIES: dict[int, tuple[str, ...]] = {1: ("1", "7"), 2: tuple(_TWO.split()), 3: tuple(_THREE.split())}
"""Calling codes by their length (ITU-T E.164)."""
_AREAS = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 "
    "252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 "
    "319 320 321 323 325 330 334 336 337 352 360 361 386 401 402 403 404 405 406 407 408 409 410 412 413 414 415 "
    "416 417 418 419 423 425"
)
AREAS = tuple(_AREAS.split())
"""Of the North American plan."""
FICTION: dict[str, tuple[str, ...]] = {
    "44": ("2079460", "1134960", "1144960", "1154960", "1164960", "1174960", "1184960", "1214960", "1314960", "1414960",
           "1514960", "1614960", "1914980", "2896496", "2920180", "1632960", "7700900"),
    "49": ("3023125", "6990009", "4066969", "2214710", "8999998", "17139200", "176040690"),
    "33": ("19900", "26191", "35301", "46571", "53649", "63998"),
    "61": ("25550", "27010", "35550", "37010", "75550", "77010", "85550", "87010"),
    "46": ("31390060", "40628040", "846500", "980319", "7017406"),
    "353": ("2091",),
}  # fmt: skip
"""By calling code the beginnings of national numbers that are kept for fiction."""
NANP = re.compile(r"(?:\+?1[\s.-]?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}(?:\s*(?:x|ext\.?)\s*\d+)?", re.IGNORECASE)
INTERNATIONAL = re.compile(r"(?:\+|(00)(?=[1-9 .-]))\s*[.-]?(\d+)")
_DIGITS = re.compile(r"\d")
HOME = 0.8
"""Of the country codes, so many must be of one country for numbers without to be taken for its own."""


class Phones:
    """``codes``, ``areas``: country codes, and area codes of North America, that k rows share, by how many; ``local``:
    whether numbers without a country code are of North America."""

    def __init__(
        self, pattern: Drawer, codes: Sequence[tuple[str, int]], areas: Sequence[tuple[str, int]], local: bool
    ) -> None:
        self.pattern, self.codes, self.areas, self.local = pattern, list(codes), list(areas), local

    @classmethod
    def fit(cls, values: Sequence[str], k: int, max_length: int | None = None) -> Phones:
        codes: Counter[str] = Counter()
        areas: Counter[str] = Counter()
        for value in values:
            digits = "".join(_DIGITS.findall(value))
            if (head := INTERNATIONAL.match(value)) is not None:
                codes[_country(digits[len(head.group(1) or "") :])] += 1
            if NANP.fullmatch(value):
                areas[digits[1:4] if digits.startswith("1") else digits[:3]] += 1
        local = areas.total() > 0.5 * max(1, len(values) - codes.total())
        known = [(c, n) for c, n in codes.most_common() if n >= k and c]
        return cls(Pattern.fit(values, k, max_length), known, [(a, n) for a, n in areas.most_common() if n >= k], local)

    def over(self, drawer: Drawer) -> Phones:
        """The same codes for what another drawer draws."""
        return Phones(drawer, self.codes, self.areas, self.local)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        texts = self.pattern.draw(count, rng)
        luck = rng.random((count, 2)).tolist()
        return [self._mended(t, a, b) for t, (a, b) in zip(texts, luck, strict=True)]

    def number(self, index: int) -> str | None:
        number = getattr(self.pattern, "number", None)
        text = None if number is None else number(index)
        return None if text is None else self._mended(text, (index * 0.618034) % 1, (index * 0.754878) % 1, free=True)

    def _mended(self, text: str, first: float, second: float, *, free: bool = False) -> str:
        """``text`` with codes that exist. ``first``, ``second`` in [0, 1) choose them. ``free``: its other digits stay,
        for they tell it from others."""
        digits = "".join(_DIGITS.findall(text))
        head = INTERNATIONAL.match(text)
        if head is not None:
            dialled, size = len(head.group(1) or ""), len(head.group(2))  # the digits of 00; those before a separator
            country = _country(digits[dialled:])
            if not country or country not in {c for c, _ in self.codes}:
                # written apart, the code is as long as it is written; else any that k rows have
                fitting = [(c, n) for c, n in self.codes if len(c) == size or size > 3]
                fitting = fitting or [(c, 1) for c in COUNTRIES.get(size, COUNTRIES[2])]
                country = _weighted(fitting, first)
            start = dialled + len(country)
            digits = digits[:dialled] + country + self._national(country, digits[start:], second, free)
        elif self.local and NANP.fullmatch(text):
            start = int(digits.startswith("1") and len(digits) > 10)
            digits = digits[:start] + self._national("1", digits[start:], second, free)
        elif digits.startswith("0"):
            digits = self._national(self.home, digits, second, free)
        places = iter(digits)
        return _DIGITS.sub(lambda m: next(places, m.group()), text)

    @property
    def home(self) -> str:
        """The country of numbers without a country code; "" where none is likely."""
        total = sum(n for _, n in self.codes)
        return next((c for c, n in self.codes if n >= HOME * total), "")

    def _national(self, country: str, national: str, luck: float, free: bool) -> str:
        """The digits behind a country code, or a 0 for those."""
        if country == "1" and len(national) >= 10:
            known = national[:3] in {a for a, _ in self.areas} or (free and national[:3] in AREAS)
            area = national[:3] if known else _weighted(self.areas or [(a, 1) for a in AREAS], luck)
            return area + (national[3:] if free and national[3] not in "01" else "555" + national[6:])
        trunk = national[: len(national) - len(national.lstrip("0"))][:1]
        rest = national[len(trunk) :]
        # of the area that was drawn, as far as it has a range of its own
        alike = {p: _shared(p, rest) for p in FICTION.get(country, ()) if len(p) < len(rest)}
        nearest = max(alike.values(), default=0)
        if free or not nearest:
            return national
        fitting = [p for p, n in alike.items() if n == nearest]
        beginning = fitting[int(luck * len(fitting))]
        return trunk + beginning + rest[len(beginning) :]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _country(digits: str) -> str:
    """The calling code that ``digits`` begin with; "" for none."""
    return next((digits[:size] for size in (1, 2, 3) if digits[:size] in COUNTRIES[size]), "")


def _weighted(options: Sequence[tuple[str, int]], luck: float) -> str:
    total = sum(n for _, n in options)
    at = luck * total
    for option, n in options:
        at -= n
        if at < 0:
            return option
    return options[-1][0]
