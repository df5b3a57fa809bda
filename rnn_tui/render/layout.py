"""The matrices of one pane in the room there is: side by side or stacked, whole where that fits.

Tried in this order: all whole, from four decimals with bars down to two decimals; all with fewer rows,
then fewer columns; at last as many as fit, the primary one for certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rnn_tui.render.matrix import FORMATS, Format, Shape, part, size
from rnn_tui.render.pack import pack

GAP = 2
FEWEST_ROWS, FEWEST_COLUMNS = 3, 4
"""A block that is cut keeps at least these; what cannot is better left out, and named."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The block of one matrix: which, where, how large, in which format."""

    index: int
    x: int
    y: int
    width: int
    height: int
    form: Format


@dataclass(frozen=True, slots=True)
class Layout:
    """All blocks of a pane, and the matrices there was no room for."""

    blocks: tuple[Placed, ...]
    hidden: tuple[int, ...] = ()


@lru_cache(maxsize=256)
def layout(shapes: tuple[Shape, ...], width: int, height: int, primary: int) -> Layout:
    """Where the matrices go; a function of their shapes, the room and which of them matters most."""
    if not shapes or width <= 0 or height <= 0:
        return Layout(())
    everything = tuple(range(len(shapes)))
    for form in FORMATS:
        if (blocks := _packed(shapes, everything, width, height, form, width, height)) is not None:
            return Layout(blocks)
    if (blocks := _squeezed(shapes, everything, width, height)) is not None:
        return Layout(blocks)
    shown: tuple[int, ...] = (primary,)
    best = _squeezed(shapes, shown, width, height) or ()
    for index in everything:
        if index not in shown:
            attempt = tuple(sorted((*shown, index)))
            if (blocks := _squeezed(shapes, attempt, width, height)) is not None:
                shown, best = attempt, blocks
    return Layout(best, tuple(index for index in everything if index not in shown))


def _squeezed(
    shapes: tuple[Shape, ...], chosen: tuple[int, ...], width: int, height: int
) -> tuple[Placed, ...] | None:
    """Whole if possible, else with the most rows, then the most columns, that let all of `chosen` in."""
    for cap_y in range(height, min(FEWEST_ROWS + 1, height) - 1, -1):
        for form in FORMATS:
            if (blocks := _packed(shapes, chosen, width, height, form, width, cap_y, whole=True)) is not None:
                return blocks
    for cap_x in sorted({width, (width - GAP) // 2, (width - 2 * GAP) // 3}, reverse=True):
        for form in FORMATS[-2:]:
            for cap_y in range(height, min(FEWEST_ROWS + 1, height) - 1, -1):
                if (blocks := _packed(shapes, chosen, width, height, form, cap_x, cap_y)) is not None:
                    return blocks
    return None


def _worth(shape: Shape, form: Format, width: int, height: int) -> bool:
    """Whether enough of the matrix would show in a block of that size."""
    shown = part(shape, form, width, height, 0, 0)
    rows, columns = shown.rows[1] - shown.rows[0], shown.columns[1] - shown.columns[0]
    return rows >= min(shape.rows, FEWEST_ROWS) and columns >= min(shape.columns, FEWEST_COLUMNS)


def _packed(
    shapes: tuple[Shape, ...],
    chosen: tuple[int, ...],
    width: int,
    height: int,
    form: Format,
    cap_x: int,
    cap_y: int,
    *,
    whole: bool = False,
) -> tuple[Placed, ...] | None:
    """All of `chosen` in this format with no block beyond the caps, airy if that fits, else tight.

    With `whole`, no column may be cut.
    """
    if whole and any(size(shapes[index], form)[0] > cap_x for index in chosen):
        return None
    # A block whose columns are cut needs a line more, for the sign that says so.
    wants = (size(shapes[index], form) for index in chosen)
    sizes = [(min(w, cap_x), min(h + (w > cap_x), cap_y)) for w, h in wants]
    if len(chosen) > 1 and not all(
        _worth(shapes[index], form, *given) for index, given in zip(chosen, sizes, strict=True)
    ):
        return None
    for gap_x, gap_y in ((2 * GAP, 1), (GAP, 1), (GAP, 0)):
        spots = pack(sizes, width, height, gap_x, gap_y)
        if spots is not None:
            return tuple(
                Placed(index, x, y, w, h, form)
                for index, (x, y), (w, h) in zip(chosen, spots, sizes, strict=True)
            )
    return None
