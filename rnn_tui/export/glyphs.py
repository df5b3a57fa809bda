"""Characters that are drawings: lines of frames, blocks, braille. As shapes they meet whatever the font.

A shape is in cells: (0, 0) is the left upper corner of a cell, (1, 1) the right lower one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from unicodedata import name

Box = tuple[float, float, float, float]
"""x, y, width, height."""
Arms = tuple[str, bool, bool]
"""Which ways a line goes out from the middle (some of `lurd`), whether it is heavy, whether it turns in an arc."""

_LINES = re.compile(r"BOX DRAWINGS (?P<weight>LIGHT|HEAVY) (?P<arc>ARC )?(?P<ways>[A-Z ]+)")
_WAYS = {"HORIZONTAL": "lr", "VERTICAL": "ud", "LEFT": "l", "RIGHT": "r", "UP": "u", "DOWN": "d", "AND": ""}
_QUADRANTS = dict(zip("▖▗▘▙▚▛▜▝▞▟", (4, 8, 1, 13, 9, 7, 11, 2, 6, 14), strict=True))
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
# Where the dots of U+2800 + bits stand, bit by bit: https://www.unicode.org/charts/PDF/U2800.pdf
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
_DOT = 0.16


@cache
def arms(character: str) -> Arms | None:
    """The line that a character is, if it is one we draw."""
    found = _LINES.fullmatch(name(character, ""))
    if found is None or not set(words := found["ways"].split()) <= set(_WAYS):
        return None
    return "".join(_WAYS[word] for word in words), found["weight"] == "HEAVY", found["arc"] is not None


@cache
def boxes(character: str) -> tuple[tuple[Box, ...], float] | None:
    """The filled boxes that a character is, and how opaque they are; None where it is none of these."""
    code = ord(character)
    if character in _SHADES:
        return ((0.0, 0.0, 1.0, 1.0),), _SHADES[character]
    if character in _QUADRANTS:
        bits = _QUADRANTS[character]
        return tuple((k % 2 / 2, k // 2 / 2, 0.5, 0.5) for k in range(4) if bits >> k & 1), 1.0
    if 0x2581 <= code <= 0x2588:
        part = (code - 0x2580) / 8
        return ((0.0, 1.0 - part, 1.0, part),), 1.0
    if 0x2589 <= code <= 0x258F:
        return ((0.0, 0.0, (0x2590 - code) / 8, 1.0),), 1.0
    if 0x2800 <= code <= 0x28FF:
        return tuple(_dots(code - 0x2800)), 1.0
    others: dict[str, Box] = {
        "▀": (0, 0, 1, 0.5),
        "▐": (0.5, 0, 0.5, 1),
        "▔": (0, 0, 1, 0.125),
        "▕": (0.875, 0, 0.125, 1),
    }
    return ((others[character],), 1.0) if character in others else None


def _dots(bits: int) -> Iterable[Box]:
    for k, (x, y) in enumerate(_DOTS):
        if bits >> k & 1:
            yield 0.25 + 0.5 * x - _DOT, 0.125 + 0.25 * y - _DOT / 2, 2 * _DOT, _DOT


def drawn(character: str) -> bool:
    """Whether it is drawn as a shape."""
    return (
        not character.isascii()
        and len(character) == 1
        and (arms(character) is not None or boxes(character) is not None)
    )
