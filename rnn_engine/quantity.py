"""A number of the run: which one it is, and which step made it. How it is written: `rnn_engine.spelling`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnn_engine.errors import AddressError
from rnn_engine.schedule import Schedule
from rnn_engine.session import Session

Kind = Literal["value", "gradient", "parameter", "parameter gradient", "update", "data"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the run.

    `value` and `gradient` of an equation at t; `parameter` as it is before the update of an iteration, or
    after the last; `parameter gradient` as the backward phase leaves it; `update`: an update equation's
    value for a parameter; `data`: an input, a target, a state before the first window.
    """

    kind: Kind
    iteration: int
    name: str
    index: tuple[int, ...] = ()
    t: int | None = None
    sequence: int = 0
    phase: str = "forward"
    """For a value: the pass it belongs to, `forward`, `evaluate` or `generate`."""
    equation: str = "w"
    """For an update: which of its equations."""
    so_far: int | None = None
    """For a parameter's gradient in the middle of the way back: the stop (of its phase, from 0) up to which it is
    summed. None: all of it."""


def address_of(session: Session, cell: Cell) -> str:
    """The step that produced a number; empty for what is given from outside."""
    schedule = session.schedule
    match cell.kind:
        case "value":
            text = f"{cell.iteration}:{cell.phase}:{cell.t}:{cell.name}"
        case "gradient":
            text = f"{cell.iteration}:backward:{cell.t}:{cell.name}"
        case "parameter gradient":
            if not schedule.backward:
                return ""
            phase = next(p for p in schedule.phases(cell.iteration) if p.name == "backward")
            return str(phase.address(len(phase.stops) - 1 if cell.so_far is None else cell.so_far))
        case "update":
            text = f"{cell.iteration}:update:{cell.name}:{cell.equation}"
        case "parameter":
            if cell.iteration == 1 or schedule.update is None:
                return ""
            text = f"{cell.iteration - 1}:update:{cell.name}:w"
        case _:
            return ""
    try:
        return str(schedule.address(schedule.span(text).start))
    except AddressError:
        return ""


def so_far(schedule: Schedule, index: int) -> int | None:
    """Up to which stop of the way back a parameter's gradient is summed at a step of the run; None: all of it."""
    phase = schedule.phase(index)
    last = phase.first + len(phase.stops) - 1
    return index - phase.first if phase.name == "backward" and index < last else None
