"""A picture as SVG: one file that needs nothing from anywhere, no font and no network.

Characters are set in the reader's own monospace font, each run at its exact place and stretched to its exact
width; frames, blocks and braille are shapes, so that they meet in every font and every viewer. The whole text
stands in the description, where screen readers and searches find it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from rnn_tui.export.glyphs import arms, boxes, drawn
from rnn_tui.export.picture import RGB, Picture, Run
from rnn_tui.text import safe_text

MADE_BY = "Made by rnn-tui export"
"""Stands in the first comment of every picture."""

FONTS = (
    "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', 'Noto Sans Mono', "
    "'Courier New', monospace"
)
SIZE, WIDE, HIGH, BASE, MARGIN = 14, 8.4, 18.0, 13.2, 10.0
"""Of the font, a cell's width and height, the line that characters stand on, and the rim, in pixels."""
THIN, THICK = 1.2, 2.4
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""The standard library's would load its web client with them."""


def svg(picture: Picture) -> str:
    """The picture as one SVG document, ending in a newline."""
    width, height = picture.wide * WIDE + 2 * MARGIN, picture.high * HIGH + 2 * MARGIN
    papers, letters = [], []
    shapes = _Shapes()
    for y, row in enumerate(picture.rows):
        for run in row:
            if run.ink.paper != picture.paper:
                papers.append(_paper(run, y))
            for piece in _pieces(run):
                if drawn(piece.text[:1]):
                    shapes.add(piece, y)
                else:
                    letters.append(_letters(piece, y))
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<!-- {MADE_BY}. -->",
            _opening(width, height),
            f'<title id="title">{_escaped(picture.title)}</title>',
            f'<desc id="text">{_escaped(picture.text(), multiline=True)}</desc>',
            f'<rect width="{_n(width)}" height="{_n(height)}" rx="6" fill="{_hex(picture.paper)}"/>',
            f'<g transform="translate({_n(MARGIN)} {_n(MARGIN)})">',
            '<g shape-rendering="crispEdges">',
            *papers,
            "</g>",
            '<g stroke-linecap="square">',
            *shapes.lines(),
            "</g>",
            f'<g font-family="{FONTS}" font-size="{SIZE}">',
            *letters,
            "</g>",
            "</g>",
            "</svg>",
            "",
        ]
    )


def _opening(width: float, height: float) -> str:
    box = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title text">'


def _pieces(run: Run) -> Iterable[Run]:
    """Words (one space may stand within) and drawn characters, each with its place; blanks are left out."""
    x = run.x
    for part in re.split(r"(  +)", run.text):
        for each in _unmixed(part):
            stripped = each.strip(" ")
            if stripped:
                yield Run(x + len(each) - len(each.lstrip(" ")), stripped, run.ink)
            x += Run(0, each, run.ink).wide


def _unmixed(text: str) -> Iterable[str]:
    """Drawn characters, as long as they are the same; and what lies between them."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or ((drawn(text[at]) or drawn(text[start])) and text[at] != text[start]):
            yield text[start:at]
            start = at


def _paper(run: Run, y: int) -> str:
    return (
        f'<rect x="{_n(run.x * WIDE)}" y="{_n(y * HIGH)}" width="{_n(run.wide * WIDE)}" height="{_n(HIGH)}" '
        f'fill="{_hex(run.ink.paper)}"/>'
    )


def _letters(run: Run, y: int) -> str:
    ink = run.ink
    style = ' font-weight="bold"' if ink.bold else ""
    style += ' font-style="italic"' if ink.italic else ""
    style += ' text-decoration="underline"' if ink.underline else ""
    return (
        f'<text x="{_n(run.x * WIDE)}" y="{_n(y * HIGH + BASE)}" textLength="{_n(run.wide * WIDE)}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{_hex(ink.text)}"{style}>{_escaped(run.text)}</text>'
    )


class _Shapes:
    """Paths, one for all shapes of the same look."""

    def __init__(self) -> None:
        self._strokes: dict[tuple[RGB, float], list[str]] = defaultdict(list)
        self._fills: dict[tuple[RGB, float], list[str]] = defaultdict(list)

    def add(self, run: Run, y: int) -> None:
        """A drawn character, as often as it is repeated."""
        line, count = arms(run.text[0]), len(run.text)
        if line is not None:
            ways, heavy, arc = line
            strokes = self._strokes[run.ink.text, THICK if heavy else THIN]
            if ways == "lr":
                strokes.append(f"M{_n(run.x * WIDE)} {_n((y + 0.5) * HIGH)}h{_n(count * WIDE)}")
            else:
                strokes += [_stroke(ways, arc, (run.x + k) * WIDE, y * HIGH) for k in range(count)]
            return
        found = boxes(run.text[0])
        assert found is not None
        parts, opacity = found
        fills = self._fills[run.ink.text, opacity]
        fills += [
            _box((run.x + k + x) * WIDE, (y + top) * HIGH, w, h)
            for k in range(count)
            for x, top, w, h in parts
        ]

    def lines(self) -> Iterable[str]:
        """The elements."""
        for (colour, opacity), parts in self._fills.items():
            seen = "" if opacity == 1.0 else f' fill-opacity="{opacity}"'
            yield f'<path shape-rendering="crispEdges" fill="{_hex(colour)}"{seen} d="{"".join(parts)}"/>'
        for (colour, thick), parts in self._strokes.items():
            yield f'<path fill="none" stroke="{_hex(colour)}" stroke-width="{thick}" d="{"".join(parts)}"/>'


def _box(x: float, y: float, wide: float, high: float) -> str:
    """A filled box; its place in pixels, its size in cells."""
    return f"M{_n(x)} {_n(y)}h{_n(wide * WIDE)}v{_n(high * HIGH)}h{_n(-wide * WIDE)}z"


def _stroke(ways: str, arc: bool, x: float, y: float) -> str:
    """From the middle of a cell to its edges."""
    ends = {
        "l": (x, y + HIGH / 2), "r": (x + WIDE, y + HIGH / 2),
        "u": (x + WIDE / 2, y), "d": (x + WIDE / 2, y + HIGH),
    }  # fmt: skip
    middle = f"{_n(x + WIDE / 2)} {_n(y + HIGH / 2)}"
    if arc:
        (ax, ay), (bx, by) = (ends[way] for way in ways)
        return f"M{_n(ax)} {_n(ay)}Q{middle} {_n(bx)} {_n(by)}"
    return "".join(f"M{middle}L{_n(ends[way][0])} {_n(ends[way][1])}" for way in ways)


def _escaped(text: str, *, multiline: bool = False) -> str:
    """Text in XML: no character that XML forbids, none that it obeys."""
    return safe_text(text, multiline=multiline).translate(ENTITIES)


def _hex(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
