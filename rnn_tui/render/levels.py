"""Numbers → levels of a scale → glyph and role of a heat map's cell.

A level is -4 to 4, and the codes after it stand for what is no size. Glyphs say sign and size without colour: strokes
that lie are below zero, `-` `~` `=` `#`; those that cross are above, `+` `*` `%` `@`.

NumPy is imported by what computes with it, not with this module: the screen can stand before it is loaded.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, isfinite
from typing import TYPE_CHECKING

from rnn_engine.snapshot import Matrix
from rnn_tui.render.display import Display
from rnn_tui.render.number import EDITED, scale
from rnn_tui.render.ramps import LEVELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rnn_engine.snapshot import Floats

    Codes = NDArray[np.int16]

BELOW, ABOVE = -5, 5
"""Beyond the ends of a scale that was asked for."""
SMALL_NEGATIVE, SMALL_POSITIVE = -6, 6
"""Rounds to level 0 and is not zero."""
UNKNOWN, ASKED, NOT_FINITE = 7, 8, 9
LEAST, LARGEST, CURSOR, BY_HAND = 16, 32, 64, 128
"""Added to a code: the least and the largest of the matrix, the selected cell, and what is set by hand."""

GLYPHS = {
    -4: "#", -3: "=", -2: "~", -1: "-", 0: " ", 1: "+", 2: "*", 3: "%", 4: "@", BELOW: "!", ABOVE: "!",
    SMALL_NEGATIVE: ",", SMALL_POSITIVE: "'", UNKNOWN: "·", ASKED: "?", NOT_FINITE: "!",
}  # fmt: skip


@lru_cache(maxsize=512)
def entry(code: int) -> tuple[str, str]:
    """Glyph and role of a cell that holds one value."""
    marks, bare = _parted(code)
    glyph = EDITED if marks & BY_HAND else "▲" if marks & LARGEST else "▼" if marks & LEAST else GLYPHS[bare]
    role = {UNKNOWN: "unknown", ASKED: "asked", NOT_FINITE: "warning"}.get(bare) or f"heat{_level(bare)}"
    return glyph, f"{role} cursor" if marks & CURSOR else role


@lru_cache(maxsize=4096)
def halves(upper: int, lower: int) -> tuple[str, str]:
    """Glyph and role of a cell that holds two values, one above the other."""
    if _half(upper) == _half(lower) == ".":
        return GLYPHS[UNKNOWN], "unknown"
    return "▀", f"upper{_half(upper)} lower{_half(lower)}"


def _parted(code: int) -> tuple[int, int]:
    """The marks that were added to a code, and the code."""
    marks = (code - SMALL_NEGATIVE) & ~15
    return marks, code - marks


def _level(bare: int) -> int:
    return 0 if abs(bare) == SMALL_POSITIVE else max(-LEVELS, min(LEVELS, bare))


def _hollow(code: int) -> bool:
    return code in (UNKNOWN, ASKED, NOT_FINITE)


def _half(code: int) -> str:
    marks, bare = _parted(code)
    return "*" if marks & CURSOR else "!" if marks & BY_HAND else "." if _hollow(bare) else str(_level(bare))


def full_scales(matrices: tuple[Matrix, ...], display: Display) -> tuple[float, ...]:
    """For each matrix the size at which its colours and bars are full.

    A number of the form 1, 2 or 5 times a power of ten, so that it stays while the values move a little; 0 where
    there is nothing but zeros.
    """
    if display.scale == "fixed":
        return (display.limit,) * len(matrices)
    largest = [_largest(matrix) for matrix in matrices]
    if display.scale == "shared":
        largest = [max(largest, default=0.0)] * len(matrices)
    return tuple(scale(size) if size else 0.0 for size in largest)


def _largest(matrix: Matrix) -> float:
    if matrix.texts is not None or not matrix.values.size:
        return 0.0
    sizes = abs(matrix.values) if matrix.known is None else abs(matrix.values[matrix.known])
    largest = float(sizes.max(initial=0.0))
    return largest if isfinite(largest) else float(sizes[sizes < float("inf")].max(initial=0.0))


ALIKE = 0.4
"""From this ratio of smallest to largest on, numbers of one sign would all have a colour or two."""


def between(matrix: Matrix) -> tuple[float, float] | None:
    """Sizes at which the colours begin and end for numbers of one sign that are much alike; None for all others.

    Gates after a few iterations and the probabilities of many classes are such numbers.
    """
    values = matrix.values if matrix.known is None else matrix.values[matrix.known]
    if matrix.texts is not None or values.size < 2:
        return None
    least, largest = float(values.min()), float(values.max())
    if not isfinite(least) or not isfinite(largest) or least * largest <= 0:
        return None
    low, high = sorted((abs(least), abs(largest)))
    if low == high or low < ALIKE * high:
        return None
    step = scale((high - low) / 2)
    begin, end = floor(low / step), ceil(high / step)
    if end - begin > 1e6 or high - low < 1e-9 * high:
        return None
    return begin * step, end * step


def codes(
    matrix: Matrix,
    full: float,
    rows: slice = slice(None),
    columns: slice = slice(None),
    base: float | None = None,
) -> Codes:
    """The code of every entry, or of those in these rows and columns.

    With a `base`, sizes from there to `full` take all the levels but that of zero.
    """
    import numpy as np

    values = matrix.values[rows, columns]
    with np.errstate(invalid="ignore", over="ignore"):
        if base is None:
            share = values / (full or 1.0) * LEVELS
        else:
            share = np.sign(values) * np.clip(
                1 + (LEVELS - 1) * (abs(values) - base) / (full - base), 1, LEVELS
            )
        rounded = np.rint(np.clip(share, -LEVELS, LEVELS))
    rounded[np.isnan(rounded)] = 0
    found = rounded.astype(np.int16)
    found[(found == 0) & (values > 0)] = SMALL_POSITIVE
    found[(found == 0) & (values < 0)] = SMALL_NEGATIVE
    slack = LEVELS * (1 + 1e-9)
    found[share > slack] = ABOVE
    found[share < -slack] = BELOW
    found[~np.isfinite(values)] = NOT_FINITE
    if matrix.known is not None:
        found[~matrix.known[rows, columns]] = UNKNOWN
        if matrix.asked is not None:
            found[matrix.asked[rows, columns]] = ASKED
    return found


def extremes(matrix: Matrix) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Where the least and the largest of the known numbers are; None where all are alike."""
    import numpy as np

    values: Floats = matrix.values
    usable = np.isfinite(values) if matrix.known is None else matrix.known & np.isfinite(values)
    if not usable.any():
        return None
    least = int(np.where(usable, values, np.inf).argmin())
    largest = int(np.where(usable, values, -np.inf).argmax())
    if least == largest or values.flat[least] == values.flat[largest]:
        return None
    across = values.shape[1]
    return divmod(least, across), divmod(largest, across)


def by_hand(matrix: Matrix) -> list[tuple[int, int]]:
    """The cells that are set by hand."""
    if matrix.edited is None:
        return []
    rows, columns = matrix.edited.nonzero()
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def pooled(found: Codes, values: Floats, down: int, across: int) -> Codes:
    """One code for every `down` × `across` entries: that of the largest in size."""
    if down == across == 1:
        return found
    import numpy as np

    rows, columns = found.shape
    high, wide = -(-rows // down), -(-columns // across)
    size = np.full((high * down, wide * across), -1.0)
    size[:rows, :columns] = np.where(found == UNKNOWN, -0.5, np.nan_to_num(np.abs(values), nan=np.inf))
    padded = np.full(size.shape, UNKNOWN, dtype=np.int16)
    padded[:rows, :columns] = found

    def tiles(array: NDArray[np.generic]) -> NDArray[np.generic]:
        cut = array.reshape(high, down, wide, across).swapaxes(1, 2)
        return cut.reshape(high, wide, down * across)

    where = tiles(size).argmax(axis=2)[:, :, None]
    chosen: Codes = np.take_along_axis(tiles(padded), where, axis=2)[:, :, 0].astype(np.int16)
    return chosen
