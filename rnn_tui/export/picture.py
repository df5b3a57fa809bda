"""A picture of the screen: rows of characters with their ink, before it is SVG, PNG or text.

It is put together from what the widgets draw, not from what was sent to a terminal: how a frame travels
(whole, or only what changed) has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region

from rnn_tui.render.palette import Palette
from rnn_tui.text import cells, safe_text
from rnn_tui.widgets.lines import LineWidget

FAINT = 0.55
"""How much of its colour a dim character keeps; the rest is paper."""

RGB = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


class Ink(NamedTuple):
    """How characters look; colours are resolved, so nothing is left to a terminal's taste."""

    text: RGB
    paper: RGB
    bold: bool = False
    italic: bool = False
    underline: bool = False


class Run(NamedTuple):
    """Neighbours that look the same: where they begin, in cells, and what they say."""

    x: int
    text: str
    ink: Ink

    @property
    def wide(self) -> int:
        """In cells."""
        return cells(self.text)


class Picture(NamedTuple):
    """`high` rows of `wide` cells; what no run covers is paper."""

    title: str
    wide: int
    high: int
    paper: RGB
    rows: tuple[tuple[Run, ...], ...]

    def text(self) -> str:
        """The characters alone, a line per row."""
        return "".join(f"{''.join(run.text for run in row).rstrip()}\n" for row in self.rows)


_Cell = tuple[str, Ink]
"""A character with its marks; the second half of a wide one is empty."""


def taken(
    widgets: Iterable[LineWidget], size: tuple[int, int], palette: Palette, title: str, pane: str = ""
) -> Picture | None:
    """What these widgets show on a screen of that size; of one `pane` alone where it is named.

    None where that pane is not on the screen.
    """
    text, paper = _own_colours(palette)
    crop = Region(0, 0, *size)  # a screen that is smaller since just now has not moved its widgets yet
    regions = ((widget, widget.region.intersection(crop)) for widget in widgets)
    shown = [(widget, region) for widget, region in regions if region.area]
    if pane:
        found = next((region for widget, region in shown if widget.name == pane), None)
        if found is None:
            return None
        crop = found
    blank: _Cell = (" ", Ink(text, paper))
    grid: list[list[_Cell]] = [[blank] * size[0] for _ in range(size[1])]
    for widget, region in shown:
        for y, strip in enumerate(widget.render_lines(Region(0, 0, region.width, region.height))):
            line = [cell for segment in strip for cell in _cells(segment, text, paper)]
            grid[region.y + y][region.x : region.right] = line[: region.width]
    rows = tuple(tuple(_runs(grid[y][crop.x : crop.right])) for y in crop.line_range)
    return Picture(safe_text(title), crop.width, crop.height, paper, rows)


def _own_colours(palette: Palette) -> tuple[RGB, RGB]:
    """Text and paper of a theme; a theme without colour is black on white, as it would be printed."""
    own = palette.style("")
    return _rgb(own.color, BLACK), _rgb(own.bgcolor, WHITE)


def _rgb(color: Color | None, default: RGB) -> RGB:
    if color is None or color.is_default:
        return default
    r, g, b = color.get_truecolor()
    return r, g, b


def _cells(segment: Segment, text: RGB, paper: RGB) -> Iterable[_Cell]:
    ink = _ink(segment.style or Style.null(), text, paper)
    found: list[_Cell] = []
    for character in segment.text:
        wide = cells(character)
        if wide == 0 and found:
            before = next(at for at in reversed(range(len(found))) if found[at][0])
            found[before] = (found[before][0] + character, ink)
            continue
        found += [(character, ink), *[("", ink)] * (wide - 1)]
    return found


def _ink(style: Style, text: RGB, paper: RGB) -> Ink:
    front, back = _rgb(style.color, text), _rgb(style.bgcolor, paper)
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = _mixed(front, back)
    return Ink(front, back, bool(style.bold), bool(style.italic), bool(style.underline))


def _mixed(front: RGB, back: RGB) -> RGB:
    r, g, b = (round(FAINT * f + (1 - FAINT) * p) for f, p in zip(front, back, strict=True))
    return r, g, b


def _runs(row: list[_Cell]) -> Iterable[Run]:
    x = 0
    for ink, group in groupby(row, key=lambda cell: cell[1]):
        members = list(group)
        yield Run(x, "".join(text for text, _ in members), ink)
        x += len(members)
