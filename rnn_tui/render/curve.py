"""The loss of each iteration as a curve of braille dots, with its axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rnn_tui.render.number import DOTS, number, scale
from rnn_tui.render.spans import Line, Span, fit, merge, width

LEAD = 9
"""Cells of the labels at the left, the axis included."""


def draw_curve(losses: Sequence[float], wide: int, high: int, total: int = 0) -> list[Line]:
    """The losses up to the present iteration, which `▴` marks on the axis below.

    The axis goes to a number of iterations of the form 1, 2 or 5 times a power of ten, so that the curve stays
    where it is while it grows, and to `total` where that is not far from it.
    """
    finite = _finite(losses)
    if not finite:
        return [fit([("no loss yet", "faint")], wide)]
    end = _end(len(losses), total)
    values = [value for _, value in finite]
    top, low = max(values), min(values)
    room = wide - LEAD
    rows = max(high - 2, 1)
    grid = _plot(finite, end, room, rows, low, top)
    labels = {0: top, rows - 1: low} if top > low else {rows - 1: low}
    lines: list[Line] = []
    for y, row in enumerate(grid):
        label = f"{number(labels[y], 7, 4):>7} ┤" if y in labels else " " * (LEAD - 1) + "│"
        lines.append(fit([(label, "muted"), (row, "positive")], wide))
    return [*lines, *_axis(len(losses), end, room, wide)][:high]


def draw_curve_line(losses: Sequence[float], wide: int, total: int = 0) -> Line:
    """The same in one line, and in words the last value and the least; nothing where there is no loss."""
    finite = _finite(losses)
    if not finite:
        return fit((), wide)
    words = said_of(losses, wide - 30)
    values = [value for _, value in finite]
    room = wide - width(words) - 9
    (row,) = _plot(finite, _end(len(losses), total), room, 1, min(values), max(values))
    return fit([(" loss ", "muted"), *words, ("  ", ""), (row, "positive")], wide)


def _finite(losses: Sequence[float]) -> list[tuple[int, float]]:
    return [(at, value) for at, value in enumerate(losses, 1) if isfinite(value)]


def _end(count: int, total: int) -> int:
    """The last iteration of the axis."""
    end = round(scale(max(count, 10)))
    return max(count, total if total <= 2 * end else end)


def said_of(losses: Sequence[float], room: int) -> Line:
    """The last value and the least, as far as there is room."""
    finite = _finite(losses)
    if not finite:
        return ()
    last = finite[-1]
    least = min(finite, key=lambda pair: pair[1])
    spans: list[Span] = [(f"{number(last[1], 8, 5)}", "strong"), (f" at {last[0]}", "muted")]
    if len(finite) == 1:
        return merge(spans)
    if least == last:
        rest: list[Span] = [(", the least so far", "muted")]
    else:
        rest = [("   least ", "muted"), (number(least[1], 8, 5), "text"), (f" at {least[0]}", "muted")]
    return merge([*spans, *rest] if width((*spans, *rest)) <= room else spans)


def _axis(now: int, end: int, room: int, wide: int) -> list[Line]:
    """The line below with the present iteration marked, and the numbers at its ends."""
    at = _column(now, end, room)
    line: list[Span] = [
        (" " * (LEAD - 1) + "└", "muted"), ("─" * at, "muted"), ("▴", "now"), ("─" * (room - at - 1), "muted"),
    ]  # fmt: skip
    first, here, last = "1", str(now), str(end)
    start = max(0, min(at - len(here) // 2, room - len(here)))
    marks = [(start, here, "now")]
    if start >= 2:
        marks.insert(0, (0, first, "muted"))
    if start + len(here) + 1 <= room - len(last):
        marks.append((room - len(last), last, "muted"))
    spans: list[Span] = [(" " * LEAD, "")]
    free = 0
    for x, label, role in marks:
        spans += [(" " * (x - free), ""), (label, role)]
        free = x + len(label)
    return [fit(line, wide), fit(merge(spans), wide)]


def _column(iteration: int, end: int, room: int) -> int:
    """The cell that stands for an iteration."""
    return min((iteration - 1) * room // max(end, 1), room - 1)


def _plot(
    finite: Sequence[tuple[int, float]], end: int, wide: int, high: int, low: float, top: float
) -> list[str]:
    """Braille rows: two dots a cell across, four down; a column of dots holds the mean of the values it covers."""
    across, down = 2 * wide, 4 * high
    bits = [[0] * wide for _ in range(high)]
    columns: dict[int, list[float]] = {}
    for at, value in finite:
        columns.setdefault(min((at - 1) * across // end, across - 1), []).append(value)
    before: tuple[int, int] | None = None
    for x, part in sorted(columns.items()):
        share = (top - sum(part) / len(part)) / (top - low) if top > low else 1.0
        y = round((down - 1) * share)
        for dot_x, dot_y in _joined(before, (x, y)):
            bits[dot_y // 4][dot_x // 2] |= DOTS[dot_y % 4][dot_x % 2]
        before = x, y
    return ["".join(chr(0x2800 + dots) if dots else " " for dots in row) for row in bits]


def _joined(before: tuple[int, int] | None, to: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots from one point to the next."""
    if before is None:
        return [to]
    (x0, y0), (x1, y1) = before, to
    steps = max(x1 - x0, abs(y1 - y0))
    return [
        (x0 + round((x1 - x0) * k / steps), y0 + round((y1 - y0) * k / steps)) for k in range(1, steps + 1)
    ]
