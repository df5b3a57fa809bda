"""A number of the run by its name: which one it is, which step made it, and how a person writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rnn_engine.core.language import Equation
from rnn_engine.core.operation import Shape
from rnn_engine.errors import AddressError
from rnn_engine.schedule import Address, Schedule
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline

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

    @property
    def label(self) -> str:
        """`h[3][0]`, `∂h[3][0]`, `W_hh[0,1]`, `∂W_hh[0,1]`."""
        at = "" if self.t is None else f"[{self.t}]"
        element = f"[{','.join(map(str, self.index))}]" if self.index else ""
        d = "∂" if self.kind in ("gradient", "parameter gradient") else ""
        own = (
            f"{self.equation} of {self.name}" if self.kind == "update" and self.equation != "w" else self.name
        )
        so_far = "" if self.so_far is None else " so far"
        return f"{d}{own}{at}{element}{so_far}"


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


_CELL = re.compile(r"(?P<d>∂|d(?=[^\W\d]))?(?P<name>[^\W\d]\w*)(?P<indices>(\[\d{1,9}(,\d{1,9})?\])*)")


def so_far(schedule: Schedule, index: int) -> int | None:
    """Up to which stop of the way back a parameter's gradient is summed at a step of the run; None: all of it."""
    phase = schedule.phase(index)
    last = phase.first + len(phase.stops) - 1
    return index - phase.first if phase.name == "backward" and index < last else None


def parse_cell(session: Session, timeline: Timeline, address: str, text: str, sequence: int = 0) -> Cell:
    """A cell in words, as seen from an address: `h[0]`, `∂h[0]` (or `dh[0]`), `W_hh[0,1]`, `loss`.

    On the way back a parameter's gradient is the sum so far.
    Raises `AddressError`.
    """
    cell, shape = _parsed(session, timeline, address, text, sequence)
    if not cell.index and int(np.prod(shape, dtype=int)) == 1:
        cell = replace(cell, index=(0,) * len(shape))
    if len(cell.index) != len(shape) or any(k >= n for k, n in zip(cell.index, shape, strict=True)):
        raise AddressError(f"{text!r}: {cell.name} is {_indices(cell.name, shape)}")
    return cell


def parse_shape(session: Session, timeline: Timeline, address: str, text: str, sequence: int = 0) -> Shape:
    """The shape of what a name stands for at an address, `h` or `∂W_hh`; of a sequence of a batch alone.

    Raises `AddressError`.
    """
    return _parsed(session, timeline, address, text, sequence)[1]


def _parsed(
    session: Session, timeline: Timeline, address: str, text: str, sequence: int
) -> tuple[Cell, Shape]:
    """A cell in words and the shape of what it is an element of; whether it is within that is not checked."""
    schedule, program = session.schedule, session.program
    place = schedule.address(schedule.span(address).start)
    match = _CELL.fullmatch(text.strip())
    if not match:
        raise AddressError(
            f"{text!r} is no cell; expected a name and its element, such as h[0], ∂h[0] or W_hh[0,1]"
        )
    name, gradient = match["name"], match["d"] is not None
    if gradient and match["d"] == "d" and f"d{name}" in (*program.equations, *program.parameters):
        name, gradient = f"d{name}", False
    index = tuple(int(k) for k in re.findall(r"\d+", match["indices"]))
    if place.phase == "update" and index[:1] == (0,) and f"{name}[0]" in session.run.trained:
        name, index = f"{name}[0]", index[1:]  # where there is no time step, a state is what it begins with
    after = place.phase in ("evaluate", "generate")
    many = _sequences(session, place)
    if not 0 <= sequence < many:
        raise AddressError(f"there is no sequence {sequence + 1} at {place}; expected 1 to {many}")
    if gradient and not schedule.backward:
        raise AddressError(f"{text!r}: there is no loss, so there are no gradients")
    shapes = session.run.shapes
    # a parameter may be called as one of the optimizer's equations: at the stop of that equation it is not meant
    own = place.phase == "update" and not gradient and name == place.equation != "w"
    if name in shapes and not (own and name in _update_stops(session, place)):
        shape = shapes[name]
        kind: Kind = "parameter gradient" if gradient else "parameter"
        seen = so_far(schedule, schedule.span(address).start) if gradient else None
        cell = Cell(
            kind, place.iteration + (after and not gradient), name, index, sequence=sequence, so_far=seen
        )
        if not gradient and place.phase == "update" and _is_updated(schedule, place, name):
            cell = replace(cell, kind="update")
    elif place.phase == "update" and not gradient and name in _update_stops(session, place):
        assert session.run.rule is not None
        of_each = session.run.rule.groups[0].plan.program.shapes[name] != ()
        shape = shapes[str(place.place)] if of_each else ()
        cell = Cell("update", place.iteration, str(place.place), index, sequence=sequence, equation=name)
    elif name in program.equations:
        shape = program.shapes[name]
        if place.t is None:
            raise AddressError(
                f"{address} has no time step; expected a parameter, or an address of another phase"
            )
        phase = place.phase if after else "forward"
        kind = "gradient" if gradient else "value"
        cell = Cell(kind, place.iteration, name, index, place.t, sequence, phase)
        stops = [stop for _, names in schedule.backward for stop in names]
        if gradient and (after or name not in stops):
            raise AddressError(
                f"{text!r}: no way back leads there from {place.phase}"
                if after
                else f"{text!r}: the way back does not stop at {name!r}; expected {', '.join(stops)}"
            )
        if place.phase == "generate" and name not in _generated(session):
            raise AddressError(f"{name!r} needs targets; expected {', '.join(_generated(session))}")
    else:
        raise AddressError(f"{name!r} is neither an equation nor a parameter")
    return cell, shape


def _sequences(session: Session, place: Address) -> int:
    """How many sequences run side by side there."""
    batches = session.dataset.batches
    if place.phase == "generate":
        return 1
    if place.phase == "evaluate":
        return sum(batch.B for batch in batches)
    return batches[session.schedule.window(place.iteration).batch].B


def _is_updated(schedule: Schedule, place: Address, parameter: str) -> bool:
    """Whether a parameter is new already at a step of the update."""
    stops = schedule.update
    assert stops is not None
    first, here = stops.find(parameter, "w"), stops.find(str(place.place), place.equation)
    return first is not None and here is not None and first <= here


def _update_stops(session: Session, place: Address) -> tuple[str, ...]:
    """The update equations of the parameter that is updated there."""
    rule = session.run.rule
    return () if rule is None or place.place in rule.frozen else rule.equations


def _generated(session: Session) -> Mapping[str, Equation]:
    generator = session.run.generator
    return {} if generator is None else generator.plan.program.equations


def _indices(name: str, shape: tuple[int, ...]) -> str:
    if not shape:
        return "one number; expected no index"
    first, last = ",".join("0" for _ in shape), ",".join(str(n - 1) for n in shape)
    return f"{'×'.join(map(str, shape))}; expected {name}[{first}] to {name}[{last}]"
