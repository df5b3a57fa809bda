"""What if, in words: which number a cell of a pane stands for in the session, and what a person typed for it."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from rnn_engine.edits import column, key, sequence_number
from rnn_engine.precision import shortest_number
from rnn_engine.quantity import Cell
from rnn_engine.replay import Edit, nearest, quote, replaced
from rnn_engine.session import Session
from rnn_engine.snapshot import Matrix, Snapshot
from rnn_engine.spelling import brackets, label
from rnn_tui.commands import Keys
from rnn_tui.questions import Spot, cell_at
from rnn_tui.text import token_text

FEW = 8
"""Tokens of a vocabulary that are all named."""
HINT = "0.5 · -1e-3 · *2 · /2 · +=0.1 · -=0.1"
_EXPECTED = "expected a number, or such as *2 or +=0.1"
_RELATIVE: dict[str, Callable[[float, float], float]] = {
    "*": operator.mul, "*=": operator.mul, "/": operator.truediv, "/=": operator.truediv,
    "+=": operator.add, "-=": operator.sub,
}  # fmt: skip


class Prompt(NamedTuple):
    """What to ask for a new value with: the number's name, what it is now, what may be typed."""

    title: str
    present: str
    hint: str


Target = tuple[Edit, str, float | str | None]
"""An edit that sets a number to what it is, the number's name, and what it is."""


def target_at(session: Session, snapshot: Snapshot, spot: Spot, keys: Keys) -> Target | str:
    """The number that a cell of a pane stands for, or one sentence why it cannot be set."""
    pane, name, row, at = spot
    matrix = next((m for m in snapshot.panes[pane] if m.key == name), None)
    if matrix is None or not (0 <= row < matrix.values.shape[0] and 0 <= at < matrix.values.shape[1]):
        return "there is no cell here"
    if pane == "gradients":
        return "a gradient follows from other numbers; set a value, a weight or an input instead"
    if pane == "inputs":
        return _datum(session, snapshot, matrix, row, at)
    cell = cell_at(session, snapshot, spot, keys)
    if isinstance(cell, str):
        if snapshot.timeline.phase == "generate" and matrix.kind == "over time" and int(matrix.rows[row]) < 1:
            index = (at,) if session.program.shapes[name] else ()
            cell = Cell(
                "value", snapshot.timeline.iteration, name, index, int(matrix.rows[row]), 0, "generate"
            )
        else:
            return cell
    value = float(matrix.values[row, at])
    if cell.kind in ("parameter", "update"):
        number = cell.iteration + (cell.kind == "update")
        return (
            Edit(parameter=cell.name, iteration=number, index=cell.index, value=value),
            label(session, cell),
            value,
        )
    return _value(session, cell, value), label(session, cell), value


def follows(session: Session, cell: Cell, keys: Keys) -> str:
    """Why a number that no pane shows cannot be set here, and what can be."""
    name = label(session, cell)
    match cell.kind:
        case "update":
            weight = label(session, replace(cell, equation="w"))
            return (
                f"{name} follows from other numbers; set {weight} instead ({keys['go']} {weight} goes to it)"
            )
        case "gradient" | "parameter gradient":
            return f"{name} follows from other numbers; set a value, a weight or an input instead"
        case _:
            return f"no pane shows {name} here; {keys['go']} {name} goes to the step that made it"


def _value(session: Session, cell: Cell, value: float) -> Edit:
    """A value where it was computed; before the first time step, where it was given or learned."""
    run, t = session.run, cell.t or 0
    at_end = cell.phase in ("evaluate", "generate")
    home = cell.iteration if at_end else run.schedule.home(cell.iteration, t)
    beginning = 0 if at_end else run.schedule.beginning(home)
    if t > beginning:
        address = f"{home}:{cell.phase}:{t}:{cell.name}"
        return Edit(address=address, index=cell.index, sequence=cell.sequence + 1, value=value)
    back = beginning - t
    learned = f"{cell.name}[0]"
    if back == 0 and learned in run.trained:
        return Edit(parameter=learned, iteration=cell.iteration + at_end, index=cell.index, value=value)
    given_for = cell.sequence % run.initial[cell.name].shape[1]
    state = f"{cell.name}[-{back}]" if back else cell.name
    return Edit(initial=state, index=cell.index, sequence=given_for + 1, value=value)


def _datum(session: Session, snapshot: Snapshot, matrix: Matrix, row: int, at: int) -> Target | str:
    timeline = snapshot.timeline
    if timeline.phase == "generate":
        return "generation reads its prompt and what it drew; set a value or a weight instead"
    tokens = matrix.kind == "tokens"
    name, t = matrix.columns[at] if tokens else matrix.key, int(matrix.rows[row])
    sequence = sequence_number(session.run, timeline.phase, timeline.iteration, snapshot.sequence[0] - 1)
    number, b = column(session.dataset, sequence)
    batch = session.dataset.batches[number]
    signal = batch.x if name == "x" else batch.y
    assert signal is not None
    value: float | str | None = float(matrix.values[row, at])
    if signal.missing is not None and signal.missing[t - 1, b]:
        value = None
    elif tokens:
        value = (session.dataset.vocabulary or ())[int(matrix.values[row, at])]
    index = (at,) if signal.shape and not tokens and value is not None else ()
    called = f"{name}[{t}]{brackets(session, name, index)}"
    if name == "x":
        return Edit(input=t, index=index, sequence=sequence, value=value), called, value
    return Edit(target=t, index=index, sequence=sequence, value=value), called, value


def prompt_for(session: Session, target: Target) -> Prompt:
    """How to ask for a new value."""
    edit, called, value = target
    tokens = _takes_tokens(session, edit)
    vocabulary = session.dataset.vocabulary or ()
    some = ", ".join(token_text(token) for token in vocabulary[:FEW])
    more = ", …" if len(vocabulary) > FEW else ""
    hint = f"a token of the vocabulary: {some}{more}" if tokens else HINT
    if edit.target is not None:
        hint += " · null: none"
    if any(key(other) == key(edit) for other in session.edits):
        hint += " · nothing: as it was"
    return Prompt(f"Set {called}", spelled(value, session.run.dtype), hint)


def spelled(value: float | str | None, dtype: str) -> str:
    """A value as a person would type it."""
    if isinstance(value, float):
        return repr(shortest_number(value, dtype))
    return "null" if value is None else token_text(value)


def typed(session: Session, target: Target, text: str) -> Edit | str:
    """The edit that sets a number to what was typed, or one sentence what was expected."""
    edit, _, present = target
    vocabulary = session.dataset.vocabulary or ()
    tokens = _takes_tokens(session, edit)
    if tokens and text in vocabulary:
        return replaced(edit, value=text)
    text = text.strip()
    if edit.target is not None and text == "null":
        return replaced(edit, value=None, index=())
    if tokens:
        shown = [token for token in vocabulary if text in (token, token_text(token))]
        if len(shown) == 1:
            return replaced(edit, value=shown[0])
        said = f"{quote(text)} is not in the vocabulary" if text else "expected a token"
        return f"{said}{_expected(text, vocabulary)}"
    number = _number(text, present if isinstance(present, float) else None)
    return number if isinstance(number, str) else replaced(edit, value=number)


def _expected(text: str, vocabulary: Sequence[str]) -> str:
    """The tokens there are: all of a few, of many the nearest and how many."""
    if len(vocabulary) <= FEW:
        return f": {', '.join(quote(token) for token in vocabulary)}"
    some = ", ".join(quote(token) for token in vocabulary[:3])
    return f" of {len(vocabulary)} tokens: {some}, …{nearest(text, vocabulary)}"


def _takes_tokens(session: Session, edit: Edit) -> bool:
    data = session.dataset
    return data.one_hot_x if edit.input is not None else edit.target is not None and data.one_hot_y


def _number(text: str, present: float | None) -> float | str:
    match = re.match(r"[*/+-]=|[*/]", text)
    try:
        value = float(text[match.end() :] if match else text)
    except ValueError:
        what = f"{quote(text)} is no number; " if text else ""
        return f"{what}{_EXPECTED}"
    if match and present is None:
        return "there is no number yet that could be changed; expected one such as 0.5"
    if match and present is not None:
        try:
            value = _RELATIVE[match[0]](present, value)
        except ZeroDivisionError:
            return "nothing can be divided by 0"
    return value if math.isfinite(value) else f"{quote(text)} gives no finite number; {_EXPECTED}"
