"""Numbers in a fixed number of cells, and their size as one glyph."""

from __future__ import annotations

from math import floor, isfinite, log10
from sys import float_info

PRECISION = 4
"""Decimals that numbers have where there is room and nobody wants others; the formats are made for these."""
UNKNOWN, ASKED, EDITED = "·", "?", "✎"
_BARS = " ▁▂▃▄▅▆▇"
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille glyph's dots, by row and column."""


def room_for(decimals: int) -> int:
    """Cells of a number below ten with its sign: `-0.1234` takes seven."""
    return decimals + 3 if decimals else 2


def number(value: float, width: int, decimals: int) -> str:
    """`value` in at most `width` cells, not padded: as many digits as fit, up to `decimals`.

    An exact zero is a bare `0`, so that it can be told from what only rounds to it. Values too
    large or too small for the places there are take e-notation, without a padded exponent.
    """
    if value == 0:
        return "0"
    if not isfinite(value):
        return ("nan" if value != value else "inf" if value > 0 else "-inf")[:width]
    if decimals == 0 and value == int(value) and len(whole := f"{value:.0f}") <= width:
        return whole
    if abs(value) >= 0.5 * 10.0**-decimals:
        for places in range(decimals, -1, -1):
            fixed = f"{value:.{places}f}"
            if len(fixed) <= width and any(digit in "123456789" for digit in fixed):
                return fixed
    return _scientific(value, width) or _rounded(value, width, decimals)


def _scientific(value: float, width: int) -> str:
    """Mantissa and bare exponent, as many digits as fit; empty when not one does."""
    for digits in range(3, -1, -1):
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        if len(short := f"{mantissa}e{int(exponent)}") <= width:
            return short
    return ""


def _rounded(value: float, width: int, decimals: int) -> str:
    """What is left for a number that fits no other way: rounded, or only how large it is."""
    places = min(decimals, max(width - 3, 0))
    if abs(value) < 1 and places:
        return f"{value:.{places}f}"[:width]
    return (">" if value > 0 else "<-")[:width] + "9" * max(width - 2, 0) if abs(value) >= 1 else "~0"


def scale(largest: float) -> float:
    """The 1-2-5 number at or above `largest`: bars keep their heights while values move a little."""
    if not isfinite(largest) or largest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(largest))
    steps = (step * power for step in (1.0, 2.0, 5.0, 10.0))
    found = next((each for each in steps if largest <= each), 10.0 * power)
    return min(
        max(found, largest), float_info.max
    )  # at the ends of what floats can say there is no such number


def bar(value: float, full: float) -> str:
    """The size of a number as a block of one cell; only an exact zero has none."""
    if not isfinite(value):
        return "!"
    return _BARS[min(7, max(1, round(7 * min(abs(value) / full, 1.0))))] if value else " "


def level_bar(share: float, width: int) -> str:
    """A horizontal bar of at most `width` cells, to an eighth of a cell."""
    eighths = round(8 * width * min(max(share, 0.0), 1.0)) if isfinite(share) else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
