"""One matrix as a heat map: a colour and a glyph for every entry, or half a cell, or one entry for several.

`▲` and `▼` stand on the largest and the least number where entries have glyphs; otherwise the head names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from rnn_engine.snapshot import Matrix
from rnn_tui.render.levels import (
    BY_HAND,
    CURSOR,
    GLYPHS,
    LARGEST,
    LEAST,
    UNKNOWN,
    between,
    by_hand,
    codes,
    entry,
    extremes,
    halves,
    pooled,
)
from rnn_tui.render.matrix import Block, name_of, row_head, said_extremes, shown_width, sign
from rnn_tui.render.measure import LONGEST_SCALE, NORM, Shape, lead_width, norm_width
from rnn_tui.render.norms import norm_bars, paired_bars
from rnn_tui.render.ramps import LEVELS
from rnn_tui.render.spans import Line, Span, fit, merge, width
from rnn_tui.text import cells, clip, safe_text, token_text

if TYPE_CHECKING:
    from rnn_tui.render.levels import Codes


def draw_heat(matrix: Matrix, shape: Shape, block: Block) -> list[Line]:
    """The lines of the block; each takes its width at most."""
    form, shown = block.form, block.shown
    lead = lead_width(shape, form)
    lines = _head(matrix, shape, block, lead) if shown.header else []
    lines = [fit(line, block.width) for line in lines] + _body(matrix, shape, block, lead)
    if shown.sign:
        lines.append(fit(sign(matrix, shape, block), block.width))
    return lines


def _marked(matrix: Matrix, shape: Shape, block: Block) -> Codes:
    """The codes of what is shown, pooled and with its marks."""
    (down, across), (top, bottom), (left, right) = block.form.pool, block.shown.rows, block.shown.columns
    here = slice(top, bottom), slice(left, right)
    range_of = _range(matrix, shape, block)
    base, full = range_of or (None, block.full)
    part = pooled(codes(matrix, full, *here, base), matrix.values[here], down, across)
    ends = None if block.form.halves else extremes(matrix)
    marks = [*zip((LEAST, LARGEST), ends, strict=True)] if ends else []
    marks += [(CURSOR, block.cursor)] if block.cursor is not None else []
    marks += [(BY_HAND, cell) for cell in by_hand(matrix)]
    # Where one entry stands for several, it bears a mark once.
    spots = {
        (mark, (row - top) // down, (column - left) // across)
        for mark, (row, column) in marks
        if top <= row < bottom and left <= column < right
    }
    for mark, row, column in spots:
        part[row, column] += mark
    return part


def _body(matrix: Matrix, shape: Shape, block: Block, lead: int) -> list[Line]:
    form, shown = block.form, block.shown
    part = _marked(matrix, shape, block)
    if form.halves:
        rows = part.tolist()
        rows += [[UNKNOWN] * len(rows[0])] * (len(rows) % 2)
        pairs = zip(rows[::2], rows[1::2], strict=True)
        drawn = [_halved(upper, lower, form.wide) for upper, lower in pairs]
    else:
        drawn = [_single(row, form.wide) for row in part.tolist()]
    # What a line takes is known: counting the cells of its many spans would cost more than drawing them.
    spare = block.width - lead - shown_width(block, form.wide) - norm_width(shape, form)
    padding: list[Span] = [(" " * spare, "")] if spare > 0 else []
    bars: list[Span] = []
    if norm_width(shape, form):
        bars = (paired_bars if form.halves else norm_bars)(matrix, shown.rows, NORM - 1)
    lines: list[Line] = []
    for at, spans in enumerate(drawn):
        row = shown.rows[0] + at * form.down
        if matrix.current is not None and row <= matrix.current < row + form.down:
            row = matrix.current
        tail = [(" ", ""), bars[at]] if bars else []
        lines.append(merge([*_label(matrix, shape, row, lead), *spans, *tail, *padding]))
    return lines


def _label(matrix: Matrix, shape: Shape, row: int, lead: int) -> list[Span]:
    if lead > shape.gutter:
        mark, label = row_head(matrix, shape, row, lead - 1)
        return [
            (mark[0], "now" if mark[1] else ""),
            (f"{label[0]} ", "now" if "now" in label[1] else "muted"),
        ]
    return [("▸" if row == matrix.current else " ", "now")] if lead else []


def _single(row: Sequence[int], wide: int) -> list[Span]:
    """A line of entries: runs of one code are one span."""
    spans: list[Span] = []
    for code, run in groupby(row):
        glyph, role = entry(code)
        spans.append(((" " * (wide - 1) + glyph) * len(list(run)), role))
    return spans


def _halved(upper: Sequence[int], lower: Sequence[int], wide: int) -> list[Span]:
    spans: list[Span] = []
    for (above, below), run in groupby(zip(upper, lower, strict=True)):
        glyph, role = halves(above, below)
        spans.append((glyph * (wide * len(list(run))), role))
    return spans


def _head(matrix: Matrix, shape: Shape, block: Block, lead: int) -> list[Line]:
    """Name and scale, where there is room a note and the extremes; then the column labels."""
    form = block.form
    across = lead + shown_width(block, form.wide)
    norms = norm_width(shape, form)
    spans = name_of(matrix, max(across, shape.name) if norms else block.width)
    room = (across if norms else block.width) - width(spans)
    full = scale_of(matrix, block.full) if block.own_scale else ""
    if range_of := _range(matrix, shape, block):
        full = _said(range_of)
    if full and cells(full) <= room:
        spans.append((full, "muted"))
    small = f" {form.pool[0]}×{form.pool[1]}" if form.pool != (1, 1) else ""
    if small and width(spans) + cells(small) <= (across if norms else block.width):
        spans.append((small, "muted"))
    if matrix.note and width(spans) + 2 + cells(matrix.note) <= block.width:
        spans.append((f"  {safe_text(matrix.note)}", "muted"))
    if form.halves and not block.shown.sign:  # else the last line says them
        spans += said_extremes(matrix, (across if norms else block.width) - width(spans))
    if norms:
        name = clip(f"‖{safe_text(matrix.key)}‖", NORM - 1)
        spans = [*fit(spans, across), (f" {name}", "muted")]
    lines = [merge(spans)]
    if form.labels and shape.column_label:
        lines.append(merge([(" " * lead, ""), *_ticks(matrix, block)]))
    return lines


def _range(matrix: Matrix, shape: Shape, block: Block) -> tuple[float, float] | None:
    """From where to where the colours go, if not from one sign to the other and if there is room to say so."""
    found = between(matrix) if block.own_scale and block.shown.header else None
    across = lead_width(shape, block.form) + shown_width(block, block.form.wide)
    room = (across if norm_width(shape, block.form) else block.width) - cells(safe_text(matrix.key)) - 1
    return found if found and cells(_said(found)) <= room else None


def _said(range_of: tuple[float, float]) -> str:
    low, high = range_of
    return f"{low:.6g}…{high:.6g}"


def scale_of(matrix: Matrix, full: float) -> str:
    """What full colours stand for, in as few cells as `LONGEST_SCALE` where that can be; empty: nothing is known."""
    if not full:
        return "all 0" if matrix.known is None or matrix.known.all() else ""
    plain = f"{full:g}"
    mantissa, exponent = f"{full:e}".split("e")
    short = f"{float(mantissa):g}e{int(exponent)}"
    return f"±{min(plain, short, key=len) if len(plain) >= LONGEST_SCALE else plain}"


def _ticks(matrix: Matrix, block: Block) -> list[Span]:
    """The labels of the columns, as many as there is room for; that of the cursor's column for certain."""
    (first, last), per, columns = block.shown.columns, block.form.pool[1], matrix.columns
    step, room = block.form.wide, shown_width(block, block.form.wide)
    here = block.cursor[1] // per * per if block.cursor else -1
    drawn = range(first, min(last, len(columns)), per)
    labels = {at: token_text(columns[at], limit_cells=10) for at in drawn}
    numbers = all(label.isdecimal() for label in labels.values())
    if numbers:
        longest = max((len(label) for label in labels.values()), default=1)
        every = next(n for n in (1, 2, 5, 10, 20, 50, 100, 1000, 10**6) if n * step > longest * per)
        labels = {at: label for at, label in labels.items() if at % every < per or at == here}
    taken = [False] * (room + 1)
    spots: list[tuple[int, str, str]] = []
    for at in sorted(labels, key=lambda at: (at != here, at)):
        label = labels[at]
        # Above the glyph of its column, which is the last cell of it.
        end = (at - first) // per * step + step
        start = end - 1 if numbers or cells(label) == 1 else end - step
        stop = start + cells(label)
        gap = 0 if cells(label) == 1 and not numbers else 1
        if stop > room or any(taken[max(start - gap, 0) : stop + gap]):
            continue
        for x in range(start, stop):
            taken[x] = True
        spots.append((start, label, "now" if at == here else "muted"))
    spans: list[Span] = []
    free = 0
    for start, label, role in sorted(spots):
        spans += [(" " * (start - free), ""), (label, role)]
        free = start + cells(label)
    return spans


@lru_cache(maxsize=64)
def legend(scale: str, *, glyphs: bool, every: int = 1) -> Line:
    """The levels from the least to the largest, or `every` so-and-so-many-th one, and what the ends stand for."""
    gap = " " if every == 1 else ""
    ends = (f" −{scale}{gap}", f"{gap}+{scale} ")
    shown = range(-LEVELS, LEVELS + 1, every)
    levels = [(GLYPHS[level] if glyphs else " ", f"heat{level}") for level in shown]
    return (ends[0], "muted"), *levels, (ends[1], "muted")
