"""What the colours are held to: text is read on its background, and the steps of a heat map are told apart.

Contrast is that of WCAG 2.1 (AA: 4.5 for text). Colour blindness is simulated with the matrices of Machado, Oliveira
and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.0, on linear
RGB; a difference is the Euclidean distance in CIELAB (CIE 1976), in which about 2.3 is just noticeable.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.color import ColorSystem
from rich.style import Style

from rnn_tui.render.palette import Palette, palette
from rnn_tui.render.ramps import LEVELS, RAMPS, contrast, ink_on

Array = NDArray[np.float64]

MACHADO = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Linear sRGB → CIE XYZ, and the white point D65 (IEC 61966-2-1).
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
CUBE = {0, 95, 135, 175, 215, 255}

COLOURED = [(theme, depth) for theme in ("dark", "light") for depth in ("truecolor", "256", "standard")]
SHADED = [pair for pair in COLOURED if pair[1] != "standard"]
TEXT = (
    "text", "strong", "muted", "title", "focus", "jump", "positive", "negative", "zero", "asked", "now", "written",
    "cursor", "target", "chosen", "warning", "key", "note",
)  # fmt: skip
"""Roles in which something is said; `faint` and `unknown` are frames and dots."""


def channels(colour: str) -> Array:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], dtype=float)


def seen(colour: str, sight: str) -> Array:
    """CIELAB of a colour as somebody of that sight sees it."""
    share = channels(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(MACHADO[sight] @ linear, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, sight: str = "normal") -> float:
    return float(np.linalg.norm(seen(one, sight) - seen(other, sight)))


def hexes(style: Style) -> tuple[str, str]:
    assert style.color is not None
    assert style.bgcolor is not None
    return style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex


def read_on(styles: Palette, role: str) -> float:
    return contrast(*hexes(styles.style(role)))


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("theme", "depth"), COLOURED)
@pytest.mark.parametrize("role", TEXT)
def test_text_is_read_on_every_background_it_stands_on(theme: str, depth: str, role: str) -> None:
    styles = palette(theme, depth)
    for under in ("", "row", "bar"):
        assert read_on(styles, f"{under} {role}") >= 4.5, under


@pytest.mark.parametrize(("theme", "depth"), COLOURED)
def test_numbers_and_glyphs_are_read_on_every_level(theme: str, depth: str) -> None:
    styles = palette(theme, depth)
    for level in range(-LEVELS, LEVELS + 1):
        assert read_on(styles, f"heat{level}") >= 4.5, level
        assert read_on(styles, f"heat{level} cursor") >= 4.5, level


def test_there_is_an_ink_for_every_colour() -> None:
    for grey in range(256):
        colour = f"#{grey:02x}{grey:02x}{grey:02x}"
        assert contrast(colour, ink_on(colour)) > 4.57


@pytest.mark.parametrize("sight", MACHADO)
@pytest.mark.parametrize(("theme", "depth"), SHADED)
def test_all_steps_of_a_ramp_are_told_apart(theme: str, depth: str, sight: str) -> None:
    ramp = RAMPS[theme, depth]
    steps = [ramp.at(level) for level in range(-LEVELS, LEVELS + 1)]
    nearest = min(difference(a, b, sight) for a, b in combinations(steps, 2))
    assert nearest >= 15


@pytest.mark.parametrize("sight", MACHADO)
@pytest.mark.parametrize(("theme", "depth"), SHADED)
def test_size_is_lightness_on_both_sides(theme: str, depth: str, sight: str) -> None:
    """So size survives without hue: each step away from zero is further from the background, for every sight."""
    ramp = RAMPS[theme, depth]
    for side in (ramp.positive, ramp.negative):
        lightness = [seen(colour, sight)[0] for colour in (ramp.zero, *side)]
        steps = np.diff(lightness) * (1 if theme == "dark" else -1)
        assert (steps[1:] > 5).all(), lightness
        assert steps[0] > -6, lightness


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_size_is_as_light_on_one_side_as_on_the_other(theme: str) -> None:
    ramp = RAMPS[theme, "truecolor"]
    for level in range(1, LEVELS + 1):
        up, down = (seen(ramp.at(sign * level), "normal")[0] for sign in (1, -1))
        assert abs(up - down) < 6, level


@pytest.mark.parametrize("sight", MACHADO)
@pytest.mark.parametrize(("theme", "depth"), COLOURED)
def test_the_two_signs_are_told_apart(theme: str, depth: str, sight: str) -> None:
    styles = palette(theme, depth)
    assert difference(hexes(styles.style("positive"))[0], hexes(styles.style("negative"))[0], sight) >= 20
    for level in range(1, LEVELS + 1):
        up, down = (hexes(styles.style(f"heat{sign * level}")) for sign in (1, -1))
        assert max(difference(a, b, sight) for a, b in zip(up, down, strict=True)) >= 20, level


def test_what_is_sent_in_256_colours_is_of_the_cube_itself() -> None:
    for theme in ("dark", "light"):
        ramp = RAMPS[theme, "256"]
        assert all(set(channels(colour)) <= CUBE for colour in (*ramp.negative, *ramp.positive))


@pytest.mark.parametrize("sight", MACHADO)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_terminal_that_knows_fewer_colours_than_it_says_shows_the_signs_still(
    theme: str, sight: str
) -> None:
    """True colour snapped to the cube, as a terminal multiplexer may do it."""
    ramp = RAMPS[theme, "truecolor"]
    for level in range(2, LEVELS + 1):
        snapped = []
        for colour in (ramp.at(level), ramp.at(-level)):
            parsed = Style(color=colour).color
            assert parsed is not None
            snapped.append(parsed.downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex)
        up, down = snapped
        assert difference(up, down, sight) >= 15


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_sixteen_colours_are_sent_as_themselves(theme: str) -> None:
    for role, style in palette(theme, "standard").roles.items():
        for colour in (style.color, style.bgcolor):
            if colour is not None:
                sent = colour.downgrade(ColorSystem.STANDARD)
                assert sent.number is not None
                again = sent.get_truecolor()
                assert difference(again.hex, colour.get_truecolor().hex) < 45, (role, colour)


def test_without_colour_there_is_none() -> None:
    for styles in (palette("plain"), palette("dark", "none")):
        assert not styles.halves
        assert all(style.color is None and style.bgcolor is None for style in styles.roles.values())


def test_two_rows_share_a_line_only_where_shades_and_the_glyph_are_there() -> None:
    assert palette("dark").halves
    assert palette("light", "256").halves
    assert not palette("dark", "standard").halves
    assert not palette("dark", unicode=False).halves
