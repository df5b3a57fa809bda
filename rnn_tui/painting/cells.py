"""A picture as cells: what each shows and the pen it is drawn with. Texts and styles come in, cells go out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style


class Pen(NamedTuple):
    """How a cell is drawn, in parameters of the SGR sequence."""

    ink: str | None = ""
    """Such as `38;5;111`; `""` is the terminal's own, and `None` says that it does not show: a blank."""
    paper: str = ""
    attributes: tuple[str, ...] = ()


class Cell(NamedTuple):
    """One place on the screen."""

    text: str
    """A character with what combines with it; `""` in the second half of a wide one."""
    pen: Pen


Row = list[Cell]
"""One line of the screen. Rows are replaced, never written to: what is the same object is the same line."""

PLAIN = Pen()
ATTRIBUTES = {
    "bold": "1", "dim": "2", "italic": "3", "underline": "4", "blink": "5", "blink2": "6", "reverse": "7",
    "conceal": "8", "strike": "9", "underline2": "21", "frame": "51", "encircle": "52", "overline": "53",
}  # fmt: skip
ON_BLANKS = frozenset(
    ATTRIBUTES[name] for name in ATTRIBUTES if name not in ("bold", "dim", "italic", "conceal")
)
"""What shows on a cell without a character, too."""

_SURE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u0384-\u0482\u2010-\u2027\u2030-\u205e\u2070-\u209c"
    "\u2190-\u22ff\u2500-\u25fc\u2800-\u28ff]*"
)
"""Characters of which every terminal thinks that they take one cell."""
_SURELY_WIDE = ("\u3041", "\u3096"), ("\u30a1", "\u30fa"), ("\u4e00", "\u9fff"), ("\uac00", "\ud7a3")
"""First and last of those that take two."""

EMOJI_STYLE = "\ufe0f"
"""Makes the character before it an emoji, and mostly wider."""

_LEVELS = (0, 95, 135, 175, 215, 255)
_CUBE = {
    (r, g, b): 16 + 36 * i + 6 * j + k
    for i, r in enumerate(_LEVELS)
    for j, g in enumerate(_LEVELS)
    for k, b in enumerate(_LEVELS)
} | {(8 + 10 * k,) * 3: 232 + k for k in range(24)}
_OFTEN_REDEFINED = range(16, 22)
"""Colours of the cube that themes of terminals put their own in the place of."""


@lru_cache(maxsize=1024)
def sure(text: str) -> bool:
    """Whether every terminal agrees how wide this is, so that the cursor's place is known after it."""
    wide = len(text) == 1 and any(first <= text <= last for first, last in _SURELY_WIDE)
    return wide or _SURE.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def pen_of(style: Style | None, colours: ColorSystem) -> Pen:
    """The pen of a style in the colours that the terminal has. Links are left out: no text of ours has any."""
    if style is None:
        return PLAIN
    attributes = tuple(code for name, code in ATTRIBUTES.items() if getattr(style, name))
    return Pen(_code(style.color, colours, ink=True), _code(style.bgcolor, colours, ink=False), attributes)


def _code(colour: Color | None, colours: ColorSystem, *, ink: bool) -> str:
    if colour is None or colour.is_default:
        return ""
    if colour.triplet is not None and colours in (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT):
        # In true colour half as long as the colour itself; with 256 exactly it, which Rich misses among the greys.
        index = _CUBE.get(colour.triplet)
        if index is not None and index not in _OFTEN_REDEFINED:
            return f"{38 if ink else 48};5;{index}"
    return ";".join(colour.downgrade(colours).get_ansi_codes(foreground=ink))


@lru_cache(maxsize=2048)
def _cell(text: str, pen: Pen) -> Cell:
    """One object for all places that look the same."""
    return Cell(text, pen)


@lru_cache(maxsize=1024)
def cells_of(segment: Segment, colours: ColorSystem) -> tuple[Cell, ...]:
    """The cells that a text in a style takes."""
    text, style, control = segment
    if control:
        return ()
    pen = pen_of(style, colours)
    blank = pen if ON_BLANKS.intersection(pen.attributes) else Pen(None, pen.paper)
    if _SURE.fullmatch(text):
        return tuple(_cell(character, blank if character == " " else pen) for character in text)
    cells: list[Cell] = []
    reached = 0
    for end, character in enumerate(text, 1):
        width = cell_len(text[:end]) - reached  # of a sequence of code points, not of each: emoji
        reached += width
        if width > 0 and character != EMOJI_STYLE:
            cells.append(Cell(character, blank if character == " " else pen))
            width -= 1
        elif cells and character.isprintable():  # it combines with the one before
            at = max(k for k, cell in enumerate(cells) if cell.text)
            cells[at] = Cell(cells[at].text + character, pen)
        cells += [Cell("", pen)] * width
    return tuple(cells)
