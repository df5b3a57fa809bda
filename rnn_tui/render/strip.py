"""Sequences of one entry per time step, with time running to the right: tokens, bits, targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rnn_engine.snapshot import Matrix
from rnn_tui.render.cells import Cell
from rnn_tui.render.matrix import unknown
from rnn_tui.render.measure import LONGEST_LABEL, edited_at, entry_width, known_at, widest
from rnn_tui.render.number import EDITED, PRECISION, number, room_for
from rnn_tui.render.pack import window
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import cells, clip, safe_text, token_text

MOST_LINES = 3
"""More entries per time step than this are a matrix."""


def is_strip(matrices: Sequence[Matrix]) -> bool:
    """Whether these are a few entries per step over the same time steps."""
    return (
        bool(matrices)
        and sum(matrix.values.shape[1] for matrix in matrices) <= MOST_LINES
        and all(matrix.rows == matrices[0].rows and matrix.kind != "matrix" for matrix in matrices)
    )


def strip(
    matrices: Sequence[Matrix], width: int, height: int, cell: Cell | None, precision: int = PRECISION
) -> list[Line]:
    """A line of time steps, then a line per entry."""
    shape = _measured(matrices, width, height, cell, precision)
    first = matrices[0]
    lines = [_times(first, shape)] if shape.times else []
    for at, (index, column) in enumerate(shape.entries):
        here = cell.row if cell and (cell.index, cell.column) == (index, column) else None
        # Without a line of time steps, the first entries say what it would say.
        aside = "" if shape.times or at else _out_of_view(shape.shown, len(first.values))
        lines.append(_entries(matrices[index], column, shape, here, precision, aside))
    return [fit(line, width) for line in lines]


def cell_in_strip(
    matrices: Sequence[Matrix],
    size: tuple[int, int],
    cell: Cell | None,
    precision: int,
    x: int,
    y: int,
) -> Cell | None:
    """The entry drawn at (x, y) of `strip`, of that width and height; None where there is none."""
    shape = _measured(matrices, *size, cell, precision)
    line, at = y - shape.times, (x - shape.lead) // (shape.wide + shape.gap)
    if not 0 <= line < len(shape.entries) or not 0 <= at < shape.shown[1] - shape.shown[0]:
        return None
    index, column = shape.entries[line]
    return Cell(index, shape.shown[0] + at, column)


class _Strip(NamedTuple):
    """Where everything is in a strip."""

    wide: int
    """Cells of an entry, without the gap before it."""
    gap: int
    """Cells before an entry: two where one of them may bear a mark."""
    lead: int
    """Cells of the names."""
    shown: tuple[int, int]
    """The time steps in view."""
    times: bool
    """Whether the first line says which they are."""
    entries: tuple[tuple[int, int], ...]
    """(matrix, column) of each line."""


def _measured(
    matrices: Sequence[Matrix], width: int, height: int, cell: Cell | None, precision: int
) -> _Strip:
    first = matrices[0]
    wide = max(entry_width(matrix) or room_for(precision) for matrix in matrices)
    wide = max(wide, widest((first.rows,)))
    wide = min(wide, LONGEST_LABEL)
    entries = [
        (index, column) for index, matrix in enumerate(matrices) for column in range(matrix.values.shape[1])
    ]
    lead = max(cells(_name(matrices[index], column)) for index, column in entries) + 2
    count = len(first.values)
    focus = cell.row if cell else first.current or 0
    times = len(entries) < height
    marks = not times or any(matrix.edited is not None and matrix.edited.any() for matrix in matrices)
    gap = 2 if marks else 1
    visible = max(1, (width - lead) // (wide + gap))
    if visible < count:
        sign = cells(_out_of_view((count, 0), count)) - (visible > 1)
        lead = max(lead, 9) if times else lead + sign
        visible = max(1, (width - lead) // (wide + gap))
    shown = window(count, visible, focus)
    if len(entries) > height:
        top, end = window(len(entries), height, entries.index((cell.index, cell.column)) if cell else 0)
        entries = entries[top:end]
    return _Strip(wide, gap, lead, shown, times, tuple(entries))


def _name(matrix: Matrix, column: int) -> str:
    """An entry's own name where its column has one, else that of the matrix."""
    label = matrix.columns[column] if column < len(matrix.columns) else ""
    return clip(safe_text(label or matrix.key), LONGEST_LABEL)


def _out_of_view(shown: tuple[int, int], count: int) -> str:
    """How many time steps are to the left of those that are shown, and to the right."""
    return " ".join(f"{arrow}{n}" for arrow, n in (("←", shown[0]), ("→", count - shown[1])) if n)


def _times(matrix: Matrix, shape: _Strip) -> Line:
    """The time steps, the current one marked; what is out of view stands at the left."""
    wide = shape.wide
    said = _out_of_view(shape.shown, len(matrix.values)) or "t"
    spans: list[Span] = list(fit([(said, "muted")], shape.lead))
    for at in range(*shape.shown):
        now = at == matrix.current
        label = clip(token_text(matrix.rows[at]), wide)
        pad = " " * (shape.gap + wide - 1 - cells(label))
        spans.append((pad + ("▸" if now else " ") + label, "now" if now else "muted"))
    return merge(spans)


def _entries(
    matrix: Matrix,
    column: int,
    shape: _Strip,
    here: int | None,
    precision: int,
    aside: str,
) -> Line:
    """One entry over time; `here` is the row of the selected cell, if it is in this line.

    `aside` stands after the name; without a line of time steps, the current one is marked here.
    """
    wide = shape.wide
    wrote = matrix.written is not None and bool(matrix.written[:, column].any())
    name: list[Span] = [(_name(matrix, column), "strong"), ("•" if wrote else " ", "now"), (aside, "muted")]
    spans: list[Span] = list(fit(name, shape.lead))
    decimals = 0 if entry_width(matrix) else precision
    for at in range(*shape.shown):
        value = float(matrix.values[at, column])
        if not known_at(matrix, at, column):
            text, role = unknown(matrix, at, column)
        elif matrix.texts is not None:
            text, role = clip(token_text(matrix.texts[at][column]), wide), "text"
        else:
            text = number(value, wide, decimals)
            role = "zero" if value == 0 else "negative" if value < 0 else "positive"
        if matrix.written is not None and matrix.written[at, column]:
            role += " written"
        elif at == matrix.current:
            role += " now"
        if here == at:
            role += " cursor"
        edited = edited_at(matrix, at, column)
        mark = EDITED if edited else "▸" if not shape.times and at == matrix.current else " "
        spans += [
            (" " * (shape.gap + wide - cells(text) - 1), ""),
            (mark, "edited" if edited else "now" if mark != " " else ""),
            (text, f"{role} edited" if edited else role),
        ]
    return merge(spans)
