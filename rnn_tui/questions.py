"""Between what a pane shows and what the engine can explain: the number behind a cell, the cell of a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnn_engine.quantity import Cell, address_of, so_far
from rnn_engine.schedule import Address
from rnn_engine.session import Session
from rnn_engine.snapshot import Matrix, Snapshot
from rnn_tui.commands import KEYS, Keys

Spot = tuple[str, str, int, int]
"""Pane, key of the matrix, row, column."""


def cell_at(session: Session, snapshot: Snapshot, spot: Spot, keys: Keys = KEYS) -> Cell | str:
    """The number that a pane shows there, or one sentence why there is none to explain."""
    pane, key, row, column = spot
    matrix = next((m for m in snapshot.panes[pane] if m.key == key), None)
    if matrix is None or not (0 <= row < matrix.values.shape[0] and 0 <= column < matrix.values.shape[1]):
        return "there is no cell here"
    cell = _cell_of(session, snapshot, matrix, spot)
    if matrix.known is not None and not matrix.known[row, column]:
        made = "" if isinstance(cell, str) else address_of(session, cell)
        there = f"; {keys['go']} {made} goes to where it is" if made else ""
        return f"{_spoken(matrix, row)} is not computed yet at {snapshot.address}{there}"
    return cell


def _cell_of(session: Session, snapshot: Snapshot, matrix: Matrix, spot: Spot) -> Cell | str:
    pane, key, row, column = spot
    here = session.schedule.address(snapshot.timeline.index)
    sequence = snapshot.sequence[0] - 1
    if pane == "inputs":
        return _datum(session, snapshot, here, matrix, row, column)
    if pane == "weights":
        index = _index(session.run.shapes[key], row, column)
        by_hand = matrix.edited is not None and bool(matrix.edited[row, column])
        if here.phase == "update" and matrix.note == "new" and by_hand:
            return Cell("parameter", here.iteration + 1, key, index, sequence=sequence)
        if here.phase == "update" and matrix.note == "new":
            return Cell("update", here.iteration, key, index, sequence=sequence)
        after = here.phase in ("evaluate", "generate")
        return Cell("parameter", here.iteration + after, key, index, sequence=sequence)
    t = int(matrix.rows[row]) if matrix.kind == "over time" else None
    phase = here.phase if here.phase in ("evaluate", "generate") else "forward"
    if pane == "gradients":
        name = key.removeprefix("∂")
        if t is None:
            index = _index(session.run.shapes[name], row, column)
            seen = so_far(session.schedule, snapshot.timeline.index)
            return Cell("parameter gradient", here.iteration, name, index, sequence=sequence, so_far=seen)
        return Cell("gradient", here.iteration, name, _element(session, name, column), t, sequence)
    if t is not None and t < 1 and phase == "generate":
        return f"{key}[{t}] is given: generation starts from it"
    return Cell("value", here.iteration, key, _element(session, key, column), t, sequence, phase)


def spot_of(session: Session, snapshot: Snapshot, cell: Cell) -> Spot | None:
    """Where a number stands in the panes at this address; None where they do not show it.

    An element of a class, `y[4][0]`, stands where the class does.
    """
    if (cell.kind, cell.name, session.dataset.y_shape) == ("data", "y", ()):
        cell = replace(cell, index=())
    for pane, matrix in _matrices(snapshot):
        for row, column in _candidates(session, matrix, cell):
            shown = cell_at(session, snapshot, (pane, matrix.key, row, column))
            if isinstance(shown, Cell) and _identity(shown) == _identity(cell):
                return pane, matrix.key, row, column
    return None


def _identity(cell: Cell) -> tuple[object, ...]:
    """What two cells of one address have in common if they are one number: a weight may be named by two iterations."""
    weight = cell.kind == "parameter" or (cell.kind == "update" and cell.equation == "w")
    return ("weight" if weight else cell.kind, cell.name, cell.index, cell.t, cell.equation, cell.sequence)


def _matrices(snapshot: Snapshot) -> Iterator[tuple[str, Matrix]]:
    return ((pane, matrix) for pane, matrices in snapshot.panes.items() for matrix in matrices)


def _candidates(session: Session, matrix: Matrix, cell: Cell) -> Iterator[tuple[int, int]]:
    """The cells of a matrix that could show a number: a few at most."""
    rows, columns = matrix.values.shape
    if cell.t is not None:
        where = [row for row in range(rows) if matrix.rows[row] == str(cell.t)]
        wanted = range(columns) if matrix.kind == "tokens" else (cell.index or (0,))
    else:
        where = list((cell.index or (0,))[:1])
        wanted = cell.index[1:] or (0,)
    if cell.name not in (matrix.key.removeprefix("∂"), *matrix.columns):
        return
    yield from ((row, column) for row in where for column in wanted if row < rows and column < columns)


def _datum(
    session: Session, snapshot: Snapshot, here: Address, matrix: Matrix, row: int, column: int
) -> Cell | str:
    """An input or a target; of a token, the one element that is one."""
    name = matrix.columns[column] if matrix.kind == "tokens" else matrix.key
    t, sequence = int(matrix.rows[row]), snapshot.sequence[0] - 1
    element = int(matrix.values[row, column]) if matrix.kind == "tokens" else column
    if name == "drawn":
        return Cell("value", here.iteration, session.program.output, (element,), t, sequence, "generate")
    first, last = snapshot.timeline.window
    if not first <= t <= last:
        return f"t={t} is outside of this window ({first} to {last})"
    phase = here.phase if here.phase in ("evaluate", "generate") else "forward"
    shape = session.dataset.x_shape if name == "x" else session.dataset.y_shape
    return Cell("data", here.iteration, name, (element,) if shape else (), t, sequence, phase)


def _index(shape: tuple[int, ...], row: int, column: int) -> tuple[int, ...]:
    return (row, column)[: len(shape)]


def _element(session: Session, name: str, column: int) -> tuple[int, ...]:
    return (column,) if session.program.shapes[name] else ()


def _spoken(matrix: Matrix, row: int) -> str:
    """A name for a row, in our own words alone."""
    return f"{matrix.key}[{matrix.rows[row]}]" if matrix.kind == "over time" else matrix.key


def shown_value(snapshot: Snapshot, spot: Spot) -> float:
    """What stands there."""
    pane, key, row, column = spot
    return float(np.asarray(next(m for m in snapshot.panes[pane] if m.key == key).values)[row, column])
