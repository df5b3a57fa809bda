"""One matrix as lines: its name and column labels above, row labels at the left, numbers at the right.

Marks that hold without colour: `▸` the row of the current time step, `•` after the name of what this
step wrote (its cells are underlined), `◎` the target's column, `●` the chosen one, `◉` both,
`·` not computed yet, `✎` set by hand, and a block after a number for its size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnn_engine.snapshot import Matrix
from rnn_tui.render.number import ASKED, EDITED, UNKNOWN, bar, number, room_for, scale
from rnn_tui.render.pack import window
from rnn_tui.render.spans import Line, Span, fit, merge
from rnn_tui.text import cells, clip, safe_text, token_text

LONGEST_LABEL = 12
PRECISION = 4
"""Decimals that numbers have where there is room and nobody wants others; the formats are made for these."""


@dataclass(frozen=True, slots=True)
class Format:
    """How much room a cell gets."""

    decimals: int
    bar: bool
    label: int
    """Cells up to which a column is widened for its label."""


FORMATS = (
    Format(4, True, 10), Format(4, False, 10), Format(4, False, 0), Format(3, False, 0), Format(2, False, 0),
)  # fmt: skip
"""From the most generous to the tightest."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a matrix needs room for; equal shapes are laid out equally."""

    rows: int
    columns: int
    name: int
    note: int
    row_label: int
    column_label: int
    text: int
    """Cells of the widest entry where entries are tokens or whole numbers, else 0."""
    gutter: int
    precision: int = PRECISION
    """Decimals where there is room."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows and columns of a matrix that a block of a given size shows."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    header: bool
    sign: bool
    """Whether its last line says what is out of view."""


def known_at(matrix: Matrix, row: int, column: int) -> bool:
    """Whether the cell is computed at this address."""
    return matrix.known is None or bool(matrix.known[row, column])


def edited_at(matrix: Matrix, row: int, column: int) -> bool:
    """Whether the cell was set by hand."""
    return matrix.edited is not None and bool(matrix.edited[row, column])


def unknown(matrix: Matrix, row: int, column: int) -> Span:
    """What stands in place of a number that is not shown: one to predict, or none yet."""
    asked = matrix.asked is not None and matrix.asked[row, column]
    return (ASKED, "asked") if asked else (UNKNOWN, "unknown")


def entry_width(matrix: Matrix) -> int:
    """Cells of the widest token or whole number; 0 where the entries need decimals."""
    if matrix.texts is not None:
        return min(
            LONGEST_LABEL, max((cells(token_text(text)) for row in matrix.texts for text in row), default=1)
        )
    values = matrix.values
    if not values.size or not bool((values % 1 == 0).all()) or float(abs(values).max()) >= 1e6:
        return 0
    return max(len(f"{value:.0f}") for value in (float(values.min()), float(values.max())))


def decimals(shape: Shape, form: Format) -> int:
    """Decimals in a format: those that are wanted in place of `PRECISION`, and tighter ones in proportion."""
    wanted = shape.precision
    if form.decimals == PRECISION:
        return wanted
    return min(form.decimals, wanted) if form.decimals < 3 else max(min(3, wanted), (wanted + 2) // 2)


def measure(matrix: Matrix, *, entries: bool = False, precision: int = PRECISION) -> Shape:
    """The needs of a matrix; with `entries`, whole numbers are shown without decimals."""
    return Shape(
        rows=matrix.values.shape[0],
        columns=matrix.values.shape[1],
        name=cells(safe_text(matrix.key)) + 1,
        note=cells(safe_text(matrix.note)),
        row_label=min(
            LONGEST_LABEL, max((cells(token_text(label)) for label in matrix.rows if label), default=0)
        ),
        column_label=0
        if unlabelled(matrix)
        else max(cells(token_text(label)) for label in matrix.columns if label),
        text=entry_width(matrix) if entries or matrix.texts is not None else 0,
        gutter=int(matrix.kind == "over time" or matrix.current is not None),
        precision=precision,
    )


def unlabelled(matrix: Matrix) -> bool:
    """Whether the columns have no names, or the one there is says no more than the matrix's own."""
    if len(matrix.columns) == 1:
        return matrix.key.endswith(matrix.columns[0])
    return not any(matrix.columns)


def cell_width(shape: Shape, form: Format) -> int:
    """Cells of a column without the gap before it."""
    content = shape.text or room_for(decimals(shape, form))
    return max(content, min(form.label, shape.column_label)) + (form.bar and not shape.text)


def lead_width(shape: Shape) -> int:
    """Cells at the left of the numbers: gutter and row labels, and the name where it shares a line with labels."""
    labels = shape.gutter + shape.row_label
    return max(labels, shape.name) if shape.column_label and not shape.note else labels


def _head_height(shape: Shape) -> int:
    """A note goes beside the name, or on a line of its own where column labels take that place."""
    return 1 + bool(shape.note and shape.column_label)


def size(shape: Shape, form: Format) -> tuple[int, int]:
    """Width and height of the whole matrix."""
    wide = lead_width(shape) + shape.columns * (1 + cell_width(shape, form))
    return max(wide, shape.name + bool(shape.note) + shape.note), _head_height(shape) + shape.rows


def part(shape: Shape, form: Format, width: int, height: int, row: int, column: int) -> Part:
    """What of the matrix a block of that size shows, with this cell in view."""
    header = height >= 3 or height > shape.rows
    visible = height - (_head_height(shape) if header else 0)
    across = max(1, (width - lead_width(shape)) // (1 + cell_width(shape, form)))
    cut = visible < shape.rows or across < shape.columns
    sign = cut and visible >= 2
    rows = window(shape.rows, max(1, visible - sign), row)
    return Part(rows, window(shape.columns, across, column), header, sign)


def draw(
    matrix: Matrix, shape: Shape, form: Format, shown: Part, width: int, cursor: tuple[int, int] | None
) -> list[Line]:
    """The lines of the block; each takes `width` cells at most."""
    first, last = shown.columns
    lead, wide = lead_width(shape), cell_width(shape, form)
    lines: list[Line] = _head(matrix, shape, form, shown) if shown.header else []
    put = _cell_writer(matrix, shape, form, wide, cursor)
    for row in range(*shown.rows):
        spans = _row_head(matrix, shape, row, lead)
        for column in range(first, last):
            spans += put(row, column)
        lines.append(merge(spans))
    if shown.sign:
        lines.append(_sign(shape, shown, width))
    return [fit(line, width) for line in lines]


def _head(matrix: Matrix, shape: Shape, form: Format, shown: Part) -> list[Line]:
    """The name, and the labels of the columns above the last digits of their numbers."""
    lead, wide = lead_width(shape), cell_width(shape, form)
    bar_cell = int(form.bar and not shape.text)
    wrote = matrix.written is not None and bool(matrix.written.any())
    name: list[Span] = [(safe_text(matrix.key), "strong"), ("•" if wrote else " ", "now")]
    note: list[Span] = [(" ", ""), (safe_text(matrix.note), "muted")] if matrix.note else []
    if not shape.column_label:
        return [merge(name + note)]
    labels: list[Span] = []
    for column in range(*shown.columns):
        label = token_text(matrix.columns[column]) if column < len(matrix.columns) else ""
        label = clip(label, wide - bar_cell)
        pad = " " * (1 + wide - bar_cell - cells(label))
        labels.append((pad + label + " " * bar_cell, "muted"))
    if note:
        return [merge(name + note), merge([(" " * lead, ""), *labels])]
    return [merge([*fit(name, lead), *labels])]


def _row_head(matrix: Matrix, shape: Shape, row: int, lead: int) -> list[Span]:
    now = row == matrix.current
    label = (
        clip(token_text(matrix.rows[row]), LONGEST_LABEL)
        if row < len(matrix.rows) and matrix.rows[row]
        else ""
    )
    gutter = ("▸" if now else " ") if shape.gutter else ""
    pad = " " * (lead - shape.gutter - cells(label))
    return [(gutter, "now row" if now else ""), (pad + label, "row now" if now else "muted")]


def _cell_writer(
    matrix: Matrix, shape: Shape, form: Format, wide: int, cursor: tuple[int, int] | None
) -> Callable[[int, int], list[Span]]:
    """A function (row, column) → spans of one cell, the gap before it included."""
    values = matrix.values.tolist()
    bars = form.bar and not shape.text
    full = 1.0
    if bars:
        sizes = abs(matrix.values if matrix.known is None else matrix.values[matrix.known])
        full = scale(float(sizes.max(initial=0.0)))
    places = 0 if shape.text else decimals(shape, form)
    digits = wide - 1 if bars else wide

    def put(row: int, column: int) -> list[Span]:
        under = "row" if row == matrix.current else ""
        mark, mark_role = _choice(matrix, row, column)
        value = values[row][column]
        block = ""
        if not known_at(matrix, row, column):
            text, role = unknown(matrix, row, column)
        elif matrix.texts is not None:
            text, role = clip(token_text(matrix.texts[row][column]), digits), "text"
        else:
            text = number(value, digits, places)
            role = "zero" if value == 0 else "negative" if value < 0 else "positive"
            block = bar(value, full) if bars else ""
        if mark == EDITED:
            role += " edited"
        if matrix.written is not None and matrix.written[row, column]:
            role += " written"
        if cursor == (row, column):
            role += " cursor"
        pad = " " * (digits - cells(text))
        spans = [(mark, f"{under} {mark_role}".strip()), (pad, under), (text, f"{under} {role}".strip())]
        if bars:
            spans.append((block or " ", f"{under} {'negative' if value < 0 else 'positive'}".strip()))
        return spans

    return put


def _choice(matrix: Matrix, row: int, column: int) -> Span:
    """The mark in the gap before a cell: set by hand; the target's column, the chosen one, both, or none."""
    if edited_at(matrix, row, column):
        return (EDITED, "edited")
    target = matrix.target is not None and matrix.target[row] == column
    chosen = matrix.chosen is not None and matrix.chosen[row] == column
    if target:
        return ("◉" if chosen else "◎", "target")
    return ("●", "chosen") if chosen else (" ", "")


def _sign(shape: Shape, shown: Part, width: int) -> Line:
    """What is out of view, and where."""
    above, below = shown.rows[0], shape.rows - shown.rows[1]
    before, after = shown.columns[0], shape.columns - shown.columns[1]
    counts = [f"{arrow}{n}" for arrow, n in zip("↑↓←→", (above, below, before, after), strict=True) if n]
    said = " ".join(counts)
    return (
        (" " * shape.gutter, ""),
        (f"{said} more" if cells(said) + 5 + shape.gutter <= width else said, "muted"),
    )
