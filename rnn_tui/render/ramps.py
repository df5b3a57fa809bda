"""The diverging colours of heat maps: orange below zero, blue above, five steps each way with zero between.

Every ramp gets further from its background in lightness with size, on both sides alike, so size survives where hue
does not, and blue against orange holds for the three kinds of colour blindness; `tests/test_colours.py` measures both.
Those for 256 colours are of the cube itself. Sixteen colours make no ramp: see `palette.py`.
"""

from __future__ import annotations

from typing import NamedTuple

LEVELS = 4
"""Steps to each side of zero."""


class Ramp(NamedTuple):
    """Colours from zero outward, as hex values."""

    zero: str
    negative: tuple[str, ...]
    positive: tuple[str, ...]

    def at(self, level: int) -> str:
        """The colour of a level from -4 to 4."""
        if level == 0:
            return self.zero
        return self.positive[level - 1] if level > 0 else self.negative[-level - 1]


def _ramp(zero: str, negative: str, positive: str) -> Ramp:
    return Ramp(zero, tuple(negative.split()), tuple(positive.split()))


RAMPS = {
    ("dark", "truecolor"): _ramp(
        "#1c1c1c", "#552e0a #875f00 #d78700 #ffd787", "#173a63 #005faf #5aa0e6 #afd7ff"
    ),
    ("dark", "256"): _ramp("#1c1c1c", "#5f0000 #af5f00 #ff8700 #ffd787", "#00005f #005faf #5fafff #afd7ff"),
    ("light", "truecolor"): _ramp(
        "#f2f2f2", "#fad2a5 #eda653 #c76d10 #743600", "#bcd7f5 #7dafe4 #347cc4 #083a76"
    ),
    ("light", "256"): _ramp("#eeeeee", "#ffd7af #ffaf00 #d75f00 #5f0000", "#afd7ff #5fafff #005fd7 #00005f"),
}
"""By theme and number of colours. Those for true colour on a dark ground are of the 256-colour cube where it has one
that is as light on both sides and as far from the next: its sequence is half as long."""


def luminance(colour: str) -> float:
    """Relative luminance of a hex colour, 0 to 1 (WCAG 2.1)."""
    linear = []
    for at in (1, 3, 5):
        share = int(colour[at : at + 2], 16) / 255
        linear.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two hex colours, 1 to 21 (WCAG 2.1)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(colour: str) -> str:
    """Black or white: what is read better on this colour; never worse than 4.58."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, colour))
