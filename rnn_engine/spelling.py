"""How a number of the run is written, `z[4][class]`, `∂h[3][0]`, `W_xh[0,there]`; what is written is read back.

A value over time has its time step in brackets of its own, as in the equations (`h[t-1]`), then its element; a
parameter has its row and column. An element is its label where it has one, or its number (`rnn_engine.labels`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from rnn_engine.core.language import Equation
from rnn_engine.core.operation import Shape
from rnn_engine.core.steps import Stops
from rnn_engine.edits import begun
from rnn_engine.errors import AddressError
from rnn_engine.labels import BRACKETS, element, items, spelled
from rnn_engine.quantity import Cell, so_far
from rnn_engine.replay import Edit
from rnn_engine.schedule import Address, Schedule
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline

Axes = tuple[tuple[str, ...], ...]
"""The labels along each axis of a thing; none where its elements are numbered."""


def label(session: Session, cell: Cell) -> str:
    """`h[3][0]`, `∂z[4][class]`, `loss[2]`, `W_xh[0,there]`, `∂W_hh[0,1] so far`, `m of W_hh[0,1]`."""
    at = "" if cell.t is None else f"[{cell.t}]"
    d = "∂" if cell.kind in ("gradient", "parameter gradient") else ""
    of = f"{cell.equation} of " if cell.kind == "update" and cell.equation != "w" else ""
    end = "" if cell.so_far is None else " so far"
    return f"{d}{of}{cell.name}{at}{brackets(session, cell.name, cell.index)}{end}"


def brackets(session: Session, name: str, index: tuple[int, ...]) -> str:
    """An element of what has that name: `[0,there]`; nothing for a single number."""
    if not index:
        return ""
    labels = _axes(session, name)
    shown = [spelled(labels[at] if at < len(labels) else (), k) for at, k in enumerate(index)]
    return f"[{','.join(shown)}]"


def described(session: Session, edit: Edit) -> str:
    """An edit in words: `h[2][0] = 0.5 in iteration 3`."""
    value = (
        "null" if edit.value is None else repr(edit.value) if isinstance(edit.value, float) else edit.value
    )
    of = f" of sequence {edit.sequence}" if edit.sequence > 1 else ""
    if edit.address is not None:
        number, phase, t, name = edit.address.split(":")
        when = f"in iteration {number}" if phase == "forward" else f"in the {phase} phase"
        return f"{name}[{t}]{brackets(session, name, edit.index)}{of} = {value} {when}"
    if edit.parameter is not None:
        name, number = edit.parameter, str(edit.iteration or 1)
        return f"{name}{brackets(session, name, edit.index)} = {value} from iteration {number} on"
    if edit.initial is not None:
        state, back = begun(edit.initial)
        return f"{state}[{-back}]{brackets(session, state, edit.index)}{of} = {value}"
    name, at = ("x", edit.input) if edit.input is not None else ("y", edit.target)
    return f"{name}[{at}]{brackets(session, name, edit.index)}{of} = {value}"


def parse_cell(session: Session, timeline: Timeline, address: str, text: str, sequence: int = 0) -> Cell:
    """A cell in words, as seen from an address: as `label` writes it, or shorter.

    `h[0]` is element 0 at the time step of the address, `h[t-1][0]` one time step before; `dh` may stand for `∂h`,
    numbers for labels, and there may be spaces. What has one element alone (`loss`, or inputs that are tokens) needs
    none, and `loss[3]`, `x[3]` is that of t = 3. On the way back a parameter's gradient is the sum so far; where a
    parameter is new already, `W_hh[0,1] before` is what it was.
    Raises `AddressError`.
    """
    return _Reading(session, timeline, address, text, sequence).cell()


def parse_shape(session: Session, timeline: Timeline, address: str, text: str, sequence: int = 0) -> Shape:
    """The shape of what a name stands for at an address, `h` or `∂W_hh`; of a sequence of a batch alone.

    Raises `AddressError`.
    """
    return _Reading(session, timeline, address, text, sequence).named()[1]


def _axes(session: Session, name: str) -> Axes:
    vocabulary = session.dataset.vocabulary
    if name in session.rooms.labels:
        return tuple(session.rooms.labels[name])[: len(session.run.shapes[name])]
    if vocabulary is None:
        return ()
    data = session.dataset
    tokens = (data.one_hot_x and name == "x") or (data.one_hot_y and name == "y")
    size = session.program.shapes.get(name)
    return (vocabulary,) if tokens or (name in session.rooms.classes and size == (len(vocabulary),)) else ()


_CELL = re.compile(
    r"(?P<d>∂|d(?=\s*[^\W\d]))?\s*(?:(?P<of>[^\W\d]\w*)\s+of\s+)?(?P<name>[^\W\d]\w*)"
    rf"(?P<brackets>{BRACKETS})\s*(?:so\s+far|(?P<before>before))?"
)
LONGEST = 200
"""Characters of a cell in words."""


@dataclass(frozen=True)
class _Reading:
    """A text that is to mean a number, seen from somewhere."""

    session: Session
    timeline: Timeline
    address: str
    text: str
    sequence: int

    @cached_property
    def index(self) -> int:
        return self.session.schedule.span(self.address).start

    @cached_property
    def place(self) -> Address:
        return self.session.schedule.address(self.index)

    @property
    def after(self) -> bool:
        return self.place.phase in ("evaluate", "generate")

    @cached_property
    def match(self) -> re.Match[str]:
        found = _CELL.fullmatch(self.text.strip()) if len(self.text) <= LONGEST else None
        if found is None:
            raise AddressError(
                f"{self.text[:LONGEST]!r} is no cell; expected a name and its element, "
                "such as h[0], h[3][0], ∂h[0] or W_hh[0,1]"
            )
        return found

    @cached_property
    def items(self) -> list[str]:
        return items(self.match["brackets"])

    @cached_property
    def name(self) -> str:
        """Without the sign of a gradient: a name that begins with `d` may be meant as it stands."""
        known = (*self.session.program.equations, *self.session.program.parameters, "drawn")
        name = self.match["name"]
        return f"d{name}" if self.match["d"] == "d" and f"d{name}" in known else name

    @property
    def gradient(self) -> bool:
        return self.match["d"] is not None and self.name == self.match["name"]

    # ------------------------------------------------------------ what the name stands for

    def named(self) -> tuple[Cell, Shape]:
        """The cell but for its element, its time step that of the address; and the shape of all it is one of."""
        place, schedule, name = self.place, self.session.schedule, self.name
        many = _sequences(self.session, place)
        if not 0 <= self.sequence < many:
            raise AddressError(f"there is no sequence {self.sequence + 1} at {place}; expected 1 to {many}")
        if self.gradient and not schedule.backward:
            raise AddressError(f"{self.text!r}: there is no loss, so there are no gradients")
        if self.learned:
            name = f"{name}[0]"
        shapes = self.session.run.shapes
        # a parameter may be called as one of the optimizer's equations: at the stop of that equation it is not meant
        here = _update_stops(self.session, place)
        own = not self.gradient and name == place.equation != "w" and name in here
        if self.match["of"]:
            return self._of_update(self.match["of"], name)
        if name in shapes and not own:
            return self._parameter(name), shapes[name]
        if not self.gradient and name in here:
            return self._of_update(name, str(place.place))
        if name in self.session.program.equations:
            return self._value(name), self.session.program.shapes[name]
        data = {"x": self.session.dataset.x_shape, "y": self.session.dataset.y_shape}
        shape = data.get(name)
        if shape is not None and not self.gradient:
            return Cell("data", place.iteration, name, (), place.t, self.sequence, self._pass), shape
        raise AddressError(f"{name!r} is neither an equation nor a parameter")

    @property
    def learned(self) -> bool:
        """Whether `h[0]` is meant as what is learned: that has a gradient, and in an update there is no time step."""
        named = f"{self.name}[0]" in self.session.run.trained and self.items[:1] == ["0"]
        return named and (
            self.place.phase == "update" or (self.gradient and len(self.items) == 1 + self._size)
        )

    @property
    def _size(self) -> int:
        return len(self.session.program.shapes.get(self.name, ()))

    @property
    def _pass(self) -> str:
        return self.place.phase if self.after else "forward"

    def _parameter(self, name: str) -> Cell:
        place, schedule = self.place, self.session.schedule
        kind, seen = "parameter", None
        if self.gradient:
            kind, seen = "parameter gradient", so_far(schedule, self.index)
        elif place.phase == "update" and not self.match["before"] and _is_updated(schedule, place, name):
            kind = "update"
        number = place.iteration + (self.after and not self.gradient)
        return Cell(kind, number, name, (), sequence=self.sequence, so_far=seen)  # type: ignore[arg-type]  # one of them

    def _of_update(self, equation: str, parameter: str) -> tuple[Cell, Shape]:
        """The value of an update equation for a parameter."""
        rule = self.session.run.rule
        known = () if rule is None or parameter in rule.frozen else rule.equations
        if rule is None or equation not in known or parameter not in self.session.run.shapes:
            expected = f"; expected {', '.join(known)}" if known else ": it is not updated"
            raise AddressError(f"{self.text!r}: there is no {equation} of {parameter}{expected}")
        of_each = rule.groups[0].plan.program.shapes[equation] != ()
        shape = self.session.run.shapes[parameter] if of_each else ()
        cell = Cell("update", self.place.iteration, parameter, (), sequence=self.sequence, equation=equation)
        return cell, shape

    def _value(self, name: str) -> Cell:
        place = self.place
        stops = [stop for _, names in self.session.schedule.backward for stop in names]
        if self.gradient and self.after:
            raise AddressError(f"{self.text!r}: no way back leads there from {place.phase}")
        if self.gradient and name not in stops and not self._on_the_way_back(name):
            raise AddressError(
                f"{self.text!r}: the way back does not stop at {name!r}; expected {', '.join(stops)}"
            )
        if place.phase == "generate" and name not in _generated(self.session):
            raise AddressError(f"{name!r} needs targets; expected {', '.join(_generated(self.session))}")
        kind = "gradient" if self.gradient else "value"
        return Cell(kind, place.iteration, name, (), place.t, self.sequence, self._pass)  # type: ignore[arg-type]  # one of them

    def _on_the_way_back(self, name: str) -> bool:
        """Whether a gradient leads there without a stop: to a softmax that is set by hand."""
        order = self.timeline.iteration(self.place.iteration).tape.plan.backward_order
        return any(name in names for _, names in order)

    # ------------------------------------------------------------ its element

    def cell(self) -> Cell:
        """The number that is meant."""
        if self.name == "drawn" and self.place.phase == "generate":
            return self._drawn()
        cell, shape = self.named()
        rest = self.items[1:] if self.learned else self.items
        if cell.kind in ("value", "gradient", "data"):
            return self._timed(cell, shape)
        found = self._element(cell.name, rest, shape)
        if found is None:
            raise AddressError(f"{self.text!r}: {cell.name} is {_elements(cell.name, shape)}")
        return replace(cell, index=found)

    def _timed(self, cell: Cell, shape: Shape) -> Cell:
        """One number of what has a value at every time step."""
        given = self.items
        classes = self.session.program.classes
        if (cell.kind, cell.name, shape, len(given)) == ("data", "y", (), 2) and classes is not None:
            return self._of_class(cell, classes)
        tokens = cell.kind == "data" and bool(shape) and bool(_axes(self.session, cell.name))
        at_here = self._element(cell.name, given, shape)
        if tokens and given and re.fullmatch(r"0*[1-9]\d{0,8}", given[0]) and len(given) == 1:
            at_here = None  # `x[3]` is the token at t = 3, as it is written everywhere
        if cell.kind == "data" and not shape and given == ["0"]:
            at_here = ()
        if at_here is None and len(given) == len(shape) + 1:
            at, index = self._time(given[0]), self._element(cell.name, given[1:], shape)
        elif at_here is None and (tokens or prod(shape) == 1) and len(given) <= 1:
            at, index = self._time(given[0]) if given else self.place.t, (0,) * len(shape)
        else:
            at, index = self.place.t, at_here
        if at is None and index is not None:
            raise AddressError(
                f"{self.address} has no time step; expected a parameter, one such as {cell.name}[1]"
                f"{'[0]' if shape else ''}, or an address of another phase"
            )
        if index is None or at is None:
            t = self.place.t or 1
            raise AddressError(f"{self.text!r}: {cell.name} is {_elements(cell.name, shape, t)}")
        found = self._at(replace(cell, index=index), at)
        return (
            replace(found, index=self._token(found))
            if tokens and len(given) < 2 and at_here is None
            else found
        )

    def _of_class(self, cell: Cell, classes: int) -> Cell:
        """`y[4][0]`: a class that is given as a number is one-hot in the rules, and so has elements."""
        at, index = self._time(self.items[0]), self._element("y", self.items[1:], (classes,))
        if at is None or index is None:
            t = self.place.t or 1
            expected = f"y[{t}], or y[{t}][0] to y[{t}][{classes - 1}] of it as a one-hot vector"
            raise AddressError(f"{self.text!r}: y is a class; expected {expected}")
        return self._at(replace(cell, index=index), at)

    def _element(self, name: str, given: list[str], shape: Shape) -> tuple[int, ...] | None:
        """The element that is meant; of what has one alone it may be left out."""
        if not given and prod(shape) == 1:
            return (0,) * len(shape)
        if len(given) != len(shape):
            return None
        labels = _axes(self.session, name)
        found = [
            element(item, labels[at] if at < len(labels) else (), shape[at]) for at, item in enumerate(given)
        ]
        index = tuple(k for k in found if k is not None)
        return index if len(index) == len(shape) else None

    def _time(self, item: str) -> int | None:
        """A time step: `3`, `t-1`; None where the item is none."""
        if re.fullmatch(r"-?\d{1,9}", item):
            return int(item)
        relative = re.fullmatch(rf"{self.session.program.index}\s*(?:([-+])\s*(\d{{1,9}}))?", item)
        if relative is None or self.place.t is None:
            return None
        return self.place.t + int(f"{relative[1] or '+'}{relative[2] or 0}")

    def _at(self, cell: Cell, t: int) -> Cell:
        """The cell at a time step, in the window that computed it."""
        schedule, program = self.session.schedule, self.session.program
        if cell.phase == "forward":
            window = schedule.window(cell.iteration)
            first, last = window.start + 1, window.stop
            home = cell.iteration if cell.kind == "gradient" else schedule.home(cell.iteration, t)
            if home != cell.iteration:
                return replace(cell, iteration=home, t=t)
        else:
            stops = next(p.stops for p in schedule.phases(cell.iteration) if p.name == cell.phase)
            assert isinstance(stops, Stops)
            first, last = 1, stops.T
        if cell.kind == "value":
            first, last = first - program.delays.get(cell.name, 0), last + program.leads.get(cell.name, 0)
        if not first <= t <= last:
            raise AddressError(
                f"{self.text!r}: there is no time step {t} of {cell.name} here; expected {first} to {last}"
            )
        return replace(cell, t=t)

    def _token(self, cell: Cell) -> tuple[int, ...]:
        """Of a token the element that is one; of a target that is none the first, which has no value."""
        assert cell.t is not None
        if cell.phase == "generate":
            return (int(self.timeline.ending().generated.inputs[cell.t - 1]),)
        tape = (
            self.timeline.ending().tape
            if cell.phase == "evaluate"
            else self.timeline.iteration(cell.iteration).tape
        )
        signal = tape.x if cell.name == "x" else tape.y
        assert signal is not None and signal.classes is not None
        return (max(int(signal.classes[cell.t - tape.start - 1, cell.sequence]), 0),)

    def _drawn(self) -> Cell:
        """The chance of a token that was drawn, `drawn[3]`, as the inputs show it."""
        draws = self.timeline.ending().generated.draws
        at = self._time(self.items[0]) if len(self.items) == 1 else self.place.t if not self.items else None
        if at is None or not 1 <= at <= len(draws) or draws[at - 1] is None:
            raise AddressError(
                f"{self.text!r}: nothing was drawn there; expected drawn[t] of a step that draws"
            )
        k, output = draws[at - 1], self.session.program.output
        return Cell("value", self.place.iteration, output, (int(k or 0),), at, 0, "generate")


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
    return () if place.phase != "update" or rule is None or place.place in rule.frozen else rule.equations


def _generated(session: Session) -> Mapping[str, Equation]:
    generator = session.run.generator
    return {} if generator is None else generator.plan.program.equations


def _elements(name: str, shape: Shape, t: int | None = None) -> str:
    """What may be asked for of a thing, by numbers."""
    if not shape:
        return f"one number; expected {name}" + ("" if t is None else f" or {name}[{t}]")
    first, last = ",".join("0" for _ in shape), ",".join(str(n - 1) for n in shape)
    names = [name] if t is None else [name, f"{name}[{t}]"]
    each = [f"{of}[{first}]" if first == last else f"{of}[{first}] to {of}[{last}]" for of in names]
    expected = ", or ".join(each)
    what = f"a vector of {shape[0]}" if len(shape) == 1 else "×".join(map(str, shape))
    return f"{what}; expected {expected}"
