"""One matrix as lines of numbers: its name and column labels above, row labels at the left.

Marks that hold without colour: `▸` the row of the current time step, `•` after the name of what this
step wrote (its cells are underlined), `◎` the target's column, `●` the chosen one, `◉` both,
`·` not computed yet, `✎` set by hand, and a block after a number for its size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rnn_engine.snapshot import Matrix
from rnn_tui.render.levels import codes, entry, extremes
from rnn_tui.render.measure import (
    LONGEST_LABEL,
    NORM,
    Format,
    Part,
    Shape,
    cell_width,
    decimals,
    edited_at,
    known_at,
    lead_width,
    norm_width,
)
from rnn_tui.render.norms import norm_bars, sparkline
from rnn_tui.render.number import ASKED, DOTS, EDITED, UNKNOWN, bar, number
from rnn_tui.render.spans import Line, Span, fit, merge, padded
from rnn_tui.text import cells, clip, safe_text, token_text


class Block(NamedTuple):
    """How one matrix is drawn."""

    form: Format
    shown: Part
    width: int
    full: float = 1.0
    """The size at which colours and bars are full."""
    cursor: tuple[int, int] | None = None
    own_scale: bool = True
    """Whether that size is this matrix's own; one that all share stands in the frame."""


def unknown(matrix: Matrix, row: int, column: int) -> Span:
    """What stands in place of a number that is not shown: one to predict, or none yet."""
    asked = matrix.asked is not None and matrix.asked[row, column]
    return (ASKED, "asked") if asked else (UNKNOWN, "unknown")


def draw_numbers(matrix: Matrix, shape: Shape, block: Block) -> list[Line]:
    """The lines of the block; each takes its width at most."""
    shown, form = block.shown, block.form
    first, last = shown.columns
    lead = lead_width(shape, form)
    lines: list[Line] = _head(matrix, shape, block) if shown.header else []
    put = _cell_writer(matrix, shape, block)
    norms = norm_bars(matrix, shown.rows, NORM - 1) if norm_width(shape, form) else None
    for at, row in enumerate(range(*shown.rows)):
        spans = row_head(matrix, shape, row, lead)
        for column in range(first, last):
            spans += put(row, column)
        if norms:
            spans += [(" ", "row" if row == matrix.current else ""), norms[at]]
        lines.append(merge(spans))
    if shown.sign:
        lines.append(sign(matrix, shape, block))
    return [padded(line, block.width) for line in lines]


def name_of(matrix: Matrix, room: int) -> list[Span]:
    """The name in so many cells, and a dot after that of what this step wrote."""
    wrote = matrix.written is not None and bool(matrix.written.any())
    return [(clip(safe_text(matrix.key), room - 1), "strong"), ("•" if wrote else " ", "now")]


def _head(matrix: Matrix, shape: Shape, block: Block) -> list[Line]:
    """The name, and the labels of the columns above the last digits of their numbers."""
    form = block.form
    lead, wide = lead_width(shape, form), cell_width(shape, form)
    bar_cell = int(form.bar and not shape.text)
    name = name_of(matrix, block.width if shape.named_above or not shape.column_label else lead)
    note: list[Span] = [(" ", ""), (safe_text(matrix.note), "muted")] if matrix.note else []
    norms = norm_width(shape, form)
    norm: list[Span] = [(f" {clip(f'‖{safe_text(matrix.key)}‖', NORM - 1)}", "muted")] if norms else []
    if not shape.column_label:
        line = merge(name + note)
        columns = shown_width(block, wide + 1)
        return [merge([*fit(line, max(lead + columns, shape.name)), *norm]) if norms else line]
    labels: list[Span] = []
    for column in range(*block.shown.columns):
        label = token_text(matrix.columns[column]) if column < len(matrix.columns) else ""
        label = clip(label, wide - bar_cell)
        pad = " " * (1 + wide - bar_cell - cells(label))
        labels.append((pad + label + " " * bar_cell, "muted"))
    labels += norm
    if shape.named_above:
        return [merge(name + note), merge([(" " * lead, ""), *labels])]
    return [merge([*fit(name, lead), *labels])]


def shown_width(block: Block, step: int) -> int:
    """Cells of the columns that are shown."""
    first, last = block.shown.columns
    return -(-(last - first) // block.form.pool[1]) * step


def row_head(matrix: Matrix, shape: Shape, row: int, lead: int) -> list[Span]:
    """The mark of the current time step and the row's label, in `lead` cells."""
    now = row == matrix.current
    label = (
        clip(token_text(matrix.rows[row]), LONGEST_LABEL)
        if row < len(matrix.rows) and matrix.rows[row]
        else ""
    )
    gutter = ("▸" if now else " ") if shape.gutter else ""
    pad = " " * (lead - shape.gutter - cells(label))
    return [(gutter, "now row" if now else ""), (pad + label, "row now" if now else "muted")]


def _cell_writer(matrix: Matrix, shape: Shape, block: Block) -> Callable[[int, int], list[Span]]:
    """A function (row, column) → spans of one cell, the gap before it included."""
    form, cursor = block.form, block.cursor
    wide = cell_width(shape, form)
    (top, bottom), (left, right) = block.shown.rows, block.shown.columns
    here = slice(top, bottom), slice(left, right)
    values = matrix.values[here].tolist()
    bars = form.bar and not shape.text
    tints = codes(matrix, block.full, *here).tolist() if form.tinted and not shape.tokens else None
    places = 0 if shape.text else decimals(shape, form)
    digits = wide - 1 if bars else wide
    # Where a step writes all of a matrix, its name says so, and underlining everything would say no more.
    all_new = matrix.written is not None and matrix.kind == "matrix" and bool(matrix.written.all())
    written = "fresh" if all_new else "written"

    def put(row: int, column: int) -> list[Span]:
        under = "row" if row == matrix.current else ""
        mark, mark_role = _choice(matrix, row, column)
        value = values[row - top][column - left]
        block_glyph = ""
        known = known_at(matrix, row, column)
        if not known:
            text, role = unknown(matrix, row, column)
        elif matrix.texts is not None:
            text, role = clip(token_text(matrix.texts[row][column]), digits), "text"
        else:
            text = number(value, digits, places)
            role = "zero" if value == 0 else "negative" if value < 0 else "positive"
            block_glyph = bar(value, block.full) if bars else ""
        pad_role = under
        if tints is not None and known:
            pad_role = role = entry(tints[row - top][column - left])[1]
        elif mark == EDITED:
            role += " edited"
        if matrix.written is not None and matrix.written[row, column]:
            role += f" {written}" if tints is None else " underlined"
        if cursor == (row, column):
            role += " cursor"
        before = " " * (digits - cells(text))  # the mark stands next to its number, not to the one before
        shown = (text, f"{under} {role}".strip())
        if mark_role:
            spans = [(before, pad_role), (mark, f"{pad_role} {mark_role}".strip()), shown]
        else:
            spans = [(before + mark, pad_role), shown]
        if bars:
            spans.append((block_glyph or " ", f"{under} {'negative' if value < 0 else 'positive'}".strip()))
        return spans

    return put


def _choice(matrix: Matrix, row: int, column: int) -> Span:
    """The mark right before what stands in a cell: set by hand; the target's column, the chosen one, both, or none."""
    if edited_at(matrix, row, column):
        return (EDITED, "edited")
    target = matrix.target is not None and matrix.target[row] == column
    chosen = matrix.chosen is not None and matrix.chosen[row] == column
    if target:
        return ("◉" if chosen else "◎", "target")
    return ("●", "chosen") if chosen else (" ", "")


def sign(matrix: Matrix, shape: Shape, block: Block) -> Line:
    """What is out of view and where; a plan of it where the cursor is; where there is room, the extremes."""
    shown, width = block.shown, block.width
    above, below = shown.rows[0], shape.rows - shown.rows[1]
    before, after = shown.columns[0], shape.columns - shown.columns[1]
    counts = [f"{arrow}{n}" for arrow, n in zip("↑↓←→", (above, below, before, after), strict=True) if n]
    said = " ".join(counts)
    now = ""
    if matrix.current is not None and not shown.rows[0] <= matrix.current < shown.rows[1]:
        now = f"▸{clip(token_text(matrix.rows[matrix.current]), LONGEST_LABEL)} "
    small = minimap(shape, shown) if block.cursor else ""
    room = width - shape.gutter - cells(now) - cells(said) - 1 - cells(small)
    spans: list[Span] = [(" " * shape.gutter, "")]
    if small and room >= 0:
        spans.append((f"{small} ", "text"))
    spans.append((now, "now"))
    spans.append((said + (" more" if room >= 5 else ""), "muted"))
    if shape.norms and not norm_width(shape, block.form):
        name = f"  ‖{safe_text(matrix.key)}‖ "
        bars = sparkline(matrix, room - 5 - cells(name))
        if bars:
            return merge([*spans, (name, "muted"), *bars])
    return merge([*spans, *said_extremes(matrix, room - 5)])


MAP_WIDTH = 4


def minimap(shape: Shape, shown: Part) -> str:
    """Which part of the whole is in view: a plan of 8 × 4 braille dots, set where it shows."""
    across = _stretch(shown.columns, shape.columns, 2 * MAP_WIDTH)
    down = _stretch(shown.rows, shape.rows, 4)
    found = []
    for cell in range(MAP_WIDTH):
        bits = sum(DOTS[y][x % 2] for y in range(*down) for x in range(*across) if x // 2 == cell)
        found.append(chr(0x2800 + bits) if bits else " ")
    return f"▕{''.join(found)}▏"


def _stretch(shown: tuple[int, int], whole: int, dots: int) -> tuple[int, int]:
    """The dots [first, last) that stand for a part; one at least, and never all for less than the whole."""
    first, last = shown[0] * dots // whole, -(-shown[1] * dots // whole)
    if shown[1] - shown[0] < whole and last - first == dots:
        return (first + 1, last) if shown[0] > whole - shown[1] else (first, last - 1)
    return first, max(last, first + 1)


def said_extremes(matrix: Matrix, room: int) -> list[Span]:
    """The largest and the least number and where they are, if that takes no more than `room` cells."""
    found = extremes(matrix) if matrix.texts is None and room >= 16 else None
    if found is None:
        return []
    spans: list[Span] = []
    for glyph, (row, column) in zip("▼▲", found, strict=True):
        spans[:0] = [
            (f"  {glyph}", "text"),
            (
                f" {number(float(matrix.values[row, column]), 6, 3)} {safe_text(matrix.element(row, column))}",
                "muted",
            ),
        ]
    both, largest = sum(cells(text) for text, _ in spans), sum(cells(text) for text, _ in spans[:2])
    return spans if both <= room else spans[:2] if largest <= room else []
