"""The loss of each iteration as a curve of braille dots."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rnn_tui.render.number import number
from rnn_tui.render.spans import Line, fit

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def draw_curve(losses: Sequence[float], wide: int, high: int) -> list[Line]:
    """The curve with its largest and smallest value at the left; the last value is the right-most dot."""
    values = [value for value in losses if isfinite(value)]
    if not values:
        return [fit([("no loss yet", "faint")], wide)]
    top, low = max(values), min(values)
    lead = 9
    grid = _plot(values, wide - lead, high, low, top)
    labels = {0: top, high - 1: low} if top > low else {high - 1: low}
    lines: list[Line] = []
    for y, row in enumerate(grid):
        label = f"{number(labels[y], 7, 4):>7}  " if y in labels else " " * lead
        lines.append(fit([(label, "muted"), (row, "positive")], wide))
    return lines


def _plot(values: Sequence[float], wide: int, high: int, low: float, top: float) -> list[str]:
    """Braille rows: two dots a cell across, four down; a column holds the mean of the values it covers."""
    across, down = 2 * wide, 4 * high
    cellmap = [[0] * wide for _ in range(high)]
    span = (top - low) or 1.0
    count = len(values)
    columns = min(across, max(count, 1))
    stretch = min(across // columns, 8)
    before: int | None = None
    for column in range(columns):
        part = values[
            column * count // columns : max((column + 1) * count // columns, column * count // columns + 1)
        ]
        y = round((down - 1) * (top - sum(part) / len(part)) / span) if top > low else down - 1
        for x in range(column * stretch, (column + 1) * stretch):
            start = y if before is None else before
            for dot in range(min(start, y), max(start, y) + 1):
                cellmap[dot // 4][x // 2] |= _DOTS[dot % 4][x % 2]
            before = y
    return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in cellmap]
