"""What a matrix needs room for, in which formats it can be drawn, and which part of it a block shows."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rnn_engine.snapshot import Matrix
from rnn_tui.render.number import PRECISION, room_for
from rnn_tui.render.pack import window
from rnn_tui.text import cells, safe_text, token_text

LONGEST_LABEL = 12
LONGEST_NAME = 16
"""Cells of a name that count in a layout: a longer one has what room there is, and no matrix suffers for it."""
NORM = 5
"""Cells of the bars of a norm over time, with the gap before them."""
LONGEST_SCALE = 5
"""Cells of a scale: `±0.05`, `±2e-4`."""
POOL = 4
"""Cells of ` 2×3`."""


class Format(NamedTuple):
    """How much room an entry gets, and what is drawn there."""

    decimals: int = 0
    bar: bool = False
    label: int = 0
    """Cells up to which a column is widened for its label."""
    heat: bool = False
    """Colours (and glyphs) in place of numbers."""
    tinted: bool = False
    """Numbers on colours."""
    wide: int = 2
    """Cells of an entry, in a heat map."""
    halves: bool = False
    """Two entries in a cell, one above the other."""
    pool: tuple[int, int] = (1, 1)
    """Rows and columns that one entry of a heat map stands for."""
    labels: bool = True
    """Labels of rows and columns, in a heat map."""
    scaled: bool = True
    """Whether there is room for the scale beside the name, in a heat map; else the frame says it."""
    norms: bool = False

    def of(self, shape: Shape) -> Format:
        """This format for that matrix: tokens and one number per time step stay, and time steps are not pooled."""
        if not self.heat:
            return self
        if shape.tokens or (shape.columns == 1 and shape.gutter):
            return NUMBERS[-1] if shape.tokens else NUMBERS[-2]
        return self._replace(pool=(1, self.pool[1])) if shape.gutter and self.pool[0] > 1 else self

    @property
    def down(self) -> int:
        """Rows of the matrix in a line."""
        return self.pool[0] * (2 if self.halves else 1)


NUMBERS = (
    Format(4, True, 10, norms=True), Format(4, False, 10, norms=True), Format(4, False, 0, norms=True),
    Format(3, False, 0), Format(2, False, 0),
)  # fmt: skip
"""From the most generous to the tightest."""
TINTED = tuple(form._replace(bar=False, tinted=True) for form in NUMBERS)

ASIDE = (
    Format(heat=True), Format(heat=True, labels=False), Format(heat=True, wide=1, labels=False),
    Format(heat=True, wide=1, labels=False, scaled=False),
)  # fmt: skip
"""Heat maps beside numbers."""


def heats(halves: bool) -> tuple[Format, ...]:
    """The formats of a heat map in which every entry has a place of its own, from the most generous on."""
    wide, slim = Format(heat=True, norms=True), Format(heat=True, wide=1, norms=True)
    if not halves:
        return wide, slim, slim._replace(norms=False), slim._replace(labels=False, norms=False)
    return (
        wide,
        slim,
        wide._replace(halves=True),
        slim._replace(halves=True),
        slim._replace(halves=True, norms=False),
        slim._replace(halves=True, labels=False, norms=False),
    )


POOLS = ((1, 2), (2, 2), (2, 3), (2, 4))
"""Beyond these there is more to see in a part of a matrix than in all of it."""


def pools(halves: bool) -> tuple[Format, ...]:
    """Those in which an entry stands for several, the fewest first. Time steps are never pooled."""
    whole = Format(heat=True, wide=1)
    forms = (
        (whole._replace(halves=True), whole._replace(halves=True, labels=False))
        if halves
        else (whole, whole._replace(labels=False))
    )
    return tuple(form._replace(pool=pool) for pool in POOLS for form in forms)


def richer(form: Format, halves: bool) -> tuple[Format, ...]:
    """What a heat map in this format would rather be, the best first: numbers, else a map with labels."""
    maps = [each for each in (*heats(halves), *pools(halves)) if each.labels]
    wanted = [each for each in maps if each.pool <= form.pool and each.halves <= form.halves]
    same = form._replace(labels=True, scaled=True, norms=False)
    return tuple(dict.fromkeys((NUMBERS[3], NUMBERS[-1], *wanted, same)))


def gathered(halves: bool) -> tuple[Format, ...]:
    """Those of a matrix that scrolls down: labelled, and at last several columns in one."""
    slim = Format(heat=True, wide=1, halves=halves, norms=True)
    narrow = [slim._replace(pool=(1, across)) for across in (2, 3, 4)]
    return slim, *narrow


class Shape(NamedTuple):
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
    norms: bool = False
    """Whether the norm of each row is drawn beside it where there is room."""
    tokens: bool = False
    """Whether its entries are texts: no heat map then."""
    precision: int = PRECISION
    """Decimals where there is room."""

    @property
    def named_above(self) -> bool:
        """Whether the name has a line of its own above the labels of the columns: with a note, or a long one."""
        return bool(self.note) or self.name > LONGEST_LABEL


class Part(NamedTuple):
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


def entry_width(matrix: Matrix) -> int:
    """Cells of the widest token or whole number; 0 where the entries need decimals."""
    if matrix.texts is not None:
        return min(LONGEST_LABEL, widest(matrix.texts) or 1)
    values = matrix.values
    if not values.size or not bool((values % 1 == 0).all()) or float(abs(values).max()) >= 1e6:
        return 0
    return max(len(f"{value:.0f}") for value in (float(values.min()), float(values.max())))


@lru_cache(maxsize=256)
def widest(texts: tuple[tuple[str, ...], ...]) -> int:
    """Cells of the widest of these tokens or labels; 0 where there is none."""
    return max((cells(token_text(text)) for row in texts for text in row if text), default=0)


def measure(
    matrix: Matrix, *, entries: bool = False, norms: bool = False, precision: int = PRECISION
) -> Shape:
    """The needs of a matrix; with `entries`, whole numbers are shown without decimals."""
    # The number of the only column there is would cost the note a line of its own, and says nothing.
    lone = bool(matrix.note) and len(matrix.columns) == 1 and matrix.columns[0].isdecimal()
    return Shape(
        rows=matrix.values.shape[0],
        columns=matrix.values.shape[1],
        name=min(LONGEST_NAME, cells(safe_text(matrix.key))) + 1,
        note=cells(safe_text(matrix.note)),
        row_label=min(LONGEST_LABEL, widest((matrix.rows,))),
        column_label=0 if unlabelled(matrix) or lone else widest((matrix.columns,)),
        text=entry_width(matrix) if entries or matrix.texts is not None else 0,
        gutter=int(matrix.kind == "over time" or matrix.current is not None),
        norms=norms and matrix.kind == "over time",
        tokens=matrix.texts is not None,
        precision=precision,
    )


def unlabelled(matrix: Matrix) -> bool:
    """Whether the columns have no names, or the one there is says no more than the matrix's own."""
    if len(matrix.columns) == 1:
        return matrix.key.endswith(matrix.columns[0])
    return not any(matrix.columns)


def decimals(shape: Shape, form: Format) -> int:
    """Decimals in a format: those that are wanted in place of `PRECISION`, and tighter ones in proportion."""
    wanted = shape.precision
    if form.decimals == PRECISION:
        return wanted
    return min(form.decimals, wanted) if form.decimals < 3 else max(min(3, wanted), (wanted + 2) // 2)


def cell_width(shape: Shape, form: Format) -> int:
    """Cells of a number's column without the gap before it."""
    content = shape.text or room_for(decimals(shape, form))
    return max(content, min(form.label, shape.column_label)) + (form.bar and not shape.text)


def stride(shape: Shape, form: Format) -> int:
    """Cells from one drawn column to the next."""
    return form.wide if form.heat else 1 + cell_width(shape, form)


def lead_width(shape: Shape, form: Format) -> int:
    """Cells at the left of the entries: gutter and row labels, and the name where it shares a line with labels."""
    if form.heat:
        return (shape.gutter + shape.row_label + 1) if form.labels else shape.gutter
    labels = shape.gutter + shape.row_label
    return max(labels, shape.name) if shape.column_label and not shape.named_above else labels


def narrowest(shape: Shape, form: Format) -> int:
    """Cells of a block that shows one column and cuts nothing of it."""
    return lead_width(shape, form) + stride(shape, form) + norm_width(shape, form)


def norm_width(shape: Shape, form: Format) -> int:
    """Cells of the bars at the right."""
    return NORM if shape.norms and form.norms else 0


def head_height(shape: Shape, form: Format) -> int:
    """The name, and the column labels where they need a line of their own."""
    if form.heat:
        return 1 + bool(form.labels and shape.column_label)
    return 1 + bool(shape.named_above and shape.column_label)


def size(shape: Shape, form: Format) -> tuple[int, int]:
    """Width and height of the whole matrix."""
    across = -(-shape.columns // form.pool[1])
    wide = lead_width(shape, form) + across * stride(shape, form) + norm_width(shape, form)
    if form.heat:
        head = shape.name + LONGEST_SCALE * form.scaled + POOL * (form.pool != (1, 1))
    else:
        head = shape.name + bool(shape.note) + shape.note
    return max(wide, head), head_height(shape, form) + -(-shape.rows // form.down)


def cell_at(shape: Shape, form: Format, shown: Part, x: int, y: int) -> tuple[int, int] | None:
    """The row and column drawn at (x, y) of a block that shows this part; None where there is none."""
    y -= head_height(shape, form) if shown.header else 0
    x -= lead_width(shape, form)
    if x < 0 or y < 0:
        return None
    row = shown.rows[0] + y * form.down
    column = shown.columns[0] + x // stride(shape, form) * form.pool[1]
    return (row, column) if row < shown.rows[1] and column < shown.columns[1] else None


def part(
    shape: Shape, form: Format, width: int, height: int, row: int, column: int, also: int | None = None
) -> Part:
    """What of the matrix a block of that size shows, with this cell in view, and the row `also` if it is near."""
    per, lines = form.pool[1], -(-shape.rows // form.down)
    header = height > head_height(shape, form) and (height >= 3 or height > lines)
    visible = height - (head_height(shape, form) if header else 0)
    room = width - lead_width(shape, form) - norm_width(shape, form)
    across = max(1, room // stride(shape, form))
    cut = visible < lines or across * per < shape.columns
    sign = cut and visible >= 2
    near = None if also is None else also // form.down
    first, last = window(lines, max(1, visible - sign), row // form.down, near)
    left, right = window(-(-shape.columns // per), across, column // per)
    rows = first * form.down, min(last * form.down, shape.rows)
    return Part(rows, (left * per, min(right * per, shape.columns)), header, sign)
