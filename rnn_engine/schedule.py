"""The whole run as arithmetic: which steps there are, their addresses and their numbers.

Nothing is computed or stored per step, so a run of ten million iterations costs nothing to lay out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from rnn_engine.core.steps import Stops, Sweeps
from rnn_engine.errors import AddressError

PHASES = ("forward", "backward", "update", "evaluate", "generate")


class Address(NamedTuple):
    """`iteration:phase:t:equation`; in an update the parameter stands for t."""

    iteration: int
    phase: str
    place: int | str
    equation: str

    def __str__(self) -> str:
        return f"{self.iteration}:{self.phase}:{self.place}:{self.equation}"

    @property
    def t(self) -> int | None:
        return self.place if isinstance(self.place, int) else None


class Window(NamedTuple):
    """The time steps start + 1 … stop of one batch of sequences; `fresh` where the state is reset."""

    batch: int
    start: int
    stop: int
    fresh: bool

    @property
    def T(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class UpdateStops(Sequence[tuple[str, str]]):
    """The stops of an update: (parameter, update equation); a frozen parameter has the one stop `w`."""

    parameters: tuple[str, ...]
    frozen: frozenset[str]
    equations: tuple[str, ...]

    def __len__(self) -> int:
        n = len(self.frozen)
        return n + (len(self.parameters) - n) * len(self.equations)

    def __getitem__(self, i: int) -> tuple[str, str]:  # type: ignore[override]  # no slices of stops
        for name in self.parameters:
            equations = ("w",) if name in self.frozen else self.equations
            if i < len(equations):
                return name, equations[i]
            i -= len(equations)
        raise IndexError(i)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name in self.parameters:
            for equation in ("w",) if name in self.frozen else self.equations:
                yield name, equation

    def find(self, parameter: str, equation: str) -> int | None:
        first = 0
        for name in self.parameters:
            equations = ("w",) if name in self.frozen else self.equations
            if name == parameter:
                return first + equations.index(equation) if equation in equations else None
            first += len(equations)
        return None


class Phase(NamedTuple):
    """One phase of one iteration: its name, the number of its first step in the run, its stops."""

    name: str
    first: int
    iteration: int
    stops: Stops | UpdateStops
    start: int = 0
    """The number of time steps before its first."""

    def address(self, i: int) -> Address:
        place, equation = self.stops[i]
        return Address(
            self.iteration, self.name, place + self.start + 1 if isinstance(place, int) else place, equation
        )

    def find(self, place: int | str, equation: str) -> int | None:
        """The number in the run of a stop of this phase; None where there is none."""
        if isinstance(self.stops, UpdateStops):
            i = self.stops.find(str(place), equation)
        else:
            i = self.stops.find(place - self.start - 1, equation) if isinstance(place, int) else None
        return None if i is None else self.first + i


Layout = tuple[tuple[str, Stops | UpdateStops, int], ...]
"""The phases of an iteration: name, stops, the number of the first one within the iteration."""


@dataclass(frozen=True)
class Schedule:
    """Iterations 1 … `iterations`, each over one window; then evaluation and generation."""

    windows: tuple[Window, ...]
    """Of one epoch."""
    iterations: int
    forward: Sweeps
    backward: Sweeps
    """Empty where there is no loss."""
    update: UpdateStops | None
    evaluate: Stops | None
    generate: Stops | None
    added_at: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each parameter the equations that use it: their stops on the way back add to its gradient."""

    def __post_init__(self) -> None:
        layouts = {window.T: self._layout(window.T) for window in self.windows}
        sizes = [sum(len(stops) for _, stops, _ in layouts[window.T]) for window in self.windows]
        object.__setattr__(self, "_layouts", layouts)
        object.__setattr__(self, "_firsts", (0, *accumulate(sizes)))

    def _layout(self, T: int) -> Layout:
        """The phases of an iteration over T time steps: names, stops, and where in the iteration they begin."""
        layout: list[tuple[str, Stops | UpdateStops, int]] = [("forward", Stops(self.forward, T), 0)]
        for name, stops in (("backward", Stops(self.backward, T)), ("update", self.update)):
            if stops is not None and (name == "update" or self.backward):
                _, before, first = layout[-1]
                layout.append((name, stops, first + len(before)))
        return tuple(layout)

    @property
    def firsts(self) -> tuple[int, ...]:
        """Within an epoch: the number of the first step of each window, and of the epoch after it."""
        firsts: tuple[int, ...] = self.__dict__["_firsts"]
        return firsts

    @property
    def epochs(self) -> int:
        return -(-self.iterations // len(self.windows))

    @property
    def total(self) -> int:
        """The number of steps of the run."""
        return self._first_of(self.iterations + 1) + len(self.evaluate or ()) + len(self.generate or ())

    def epoch(self, iteration: int) -> int:
        return (iteration - 1) // len(self.windows) + 1

    def window(self, iteration: int) -> Window:
        return self.windows[(iteration - 1) % len(self.windows)]

    def home(self, iteration: int, t: int) -> int:
        """The iteration whose window has time step t, where that was carried on to this one; else this one."""
        number = iteration
        while 0 < t <= self.window(number).start and not self.window(number).fresh:
            number -= 1
        return number if t > 0 and self.window(number).start < t else iteration

    def beginning(self, iteration: int) -> int:
        """The time step (0 is that before the first) whose state is given: from there on, states are computed."""
        window = self.window(iteration)
        return window.start if window.fresh else 0

    def ends_epoch(self, iteration: int) -> bool:
        return iteration % len(self.windows) == 0

    def first_after_training(self, iteration: int) -> int:
        """The number of the step that follows the update (or what stands last) of an iteration."""
        return self._first_of(iteration + 1)

    def _first_of(self, iteration: int) -> int:
        epoch, window = divmod(iteration - 1, len(self.windows))
        return epoch * self.firsts[-1] + self.firsts[window]

    def phases(self, iteration: int) -> tuple[Phase, ...]:
        """The phases of an iteration; evaluation and generation belong to the last."""
        first, window = self._first_of(iteration), self.window(iteration)
        layout: Layout = self.__dict__["_layouts"][window.T]
        phases = [Phase(name, first + at, iteration, stops, window.start) for name, stops, at in layout]
        if iteration == self.iterations:
            first = self._first_of(iteration + 1)
            for name, stops in (("evaluate", self.evaluate), ("generate", self.generate)):
                if stops is not None:
                    phases.append(Phase(name, first, iteration, stops))
                    first += len(stops)
        return tuple(phases)

    def phase(self, index: int) -> Phase:
        """The phase in which step `index` (from 0) lies."""
        if not 0 <= index < self.total:
            raise AddressError(f"there is no step #{index}; expected 0 to {self.total - 1}")
        epoch, rest = divmod(index, self.firsts[-1])
        iteration = min(epoch * len(self.windows) + bisect_right(self.firsts, rest), self.iterations)
        return next(p for p in reversed(self.phases(iteration)) if p.first <= index and len(p.stops))

    def address(self, index: int) -> Address:
        phase = self.phase(index)
        return phase.address(index - phase.first)

    def index(self, address: Address) -> int:
        """The number of the step at an address. Raises `AddressError` where there is none."""
        span = self.span(str(address))
        return span.start

    def span(self, text: str) -> range:
        """The steps that an address covers, whole (`12:backward:3:h`) or partial (`200:update`).

        On the way back a parameter stands for the stops that add to its gradient: `12:backward:3:W_hh`.
        The steps of a partial address need not be neighbours where a sweep runs the other way; the
        span is from the first to the last. Raises `AddressError`.
        """
        parts = text.strip().split(":")
        if len(parts) > 4 or not re.fullmatch(r"\d{1,9}", parts[0]):
            raise AddressError(
                f"{text!r} is no address; expected iteration:phase:t:equation, such as 1:forward:1:h"
            )
        iteration = int(parts[0])
        if not 1 <= iteration <= self.iterations:
            raise AddressError(
                f"{text!r}: there is no iteration {iteration}; expected 1 to {self.iterations}"
            )
        phases = self.phases(iteration)
        if len(parts) > 1:
            here = ", ".join(p.name for p in phases)
            phases = tuple(p for p in phases if p.name == parts[1])
            if not phases:
                raise AddressError(
                    f"{text!r}: iteration {iteration} has no phase {parts[1]!r}; expected {here}"
                )
        if len(parts) < 3:
            return range(phases[0].first, phases[-1].first + len(phases[-1].stops))
        phase = phases[0]
        return self._span_in(phase, parts[2], parts[3] if len(parts) == 4 else None, text)

    def _span_in(self, phase: Phase, place_text: str, equation: str | None, text: str) -> range:
        place: int | str = place_text
        names: Sequence[str]
        if isinstance(phase.stops, UpdateStops):
            names = ("w",) if place in phase.stops.frozen else phase.stops.equations
            if place not in phase.stops.parameters:
                raise AddressError(
                    f"{text!r}: there is no parameter {place!r}; expected {', '.join(phase.stops.parameters)}"
                )
        else:
            names = [name for _, group in phase.stops.sweeps for name in group]
            first, last = phase.start + 1, phase.start + phase.stops.T
            if not re.fullmatch(r"\d{1,9}", place_text) or not first <= int(place_text) <= last:
                raise AddressError(
                    f"{text!r}: there is no time step {place_text} here; expected {first} to {last}"
                )
            place = int(place_text)
        if phase.name == "backward" and equation is not None:
            equation = equation.removeprefix("∂")
        using = self.added_at.get(equation or "", ())
        wanted = using if phase.name == "backward" and using else (equation,)
        found = [phase.find(place, name) for name in names if equation is None or name in wanted]
        numbers = [i for i in found if i is not None]
        if not numbers:
            hint = f"; {equation} is used by {', '.join(using)}" if using else ""
            raise AddressError(
                f"{text!r}: the {phase.name} phase has no stop {equation!r}{hint}; expected {', '.join(names)}"
            )
        return range(min(numbers), max(numbers) + 1)


def windows_of_epoch(
    lengths: Sequence[int], window: int | None, keep_last: bool, carry: bool
) -> tuple[Window, ...]:
    """Cut batches of the given lengths into windows.

    The state is fresh where a batch begins, and without `carry` in every window.
    """
    windows = []
    for batch, T in enumerate(lengths):
        size = window or T
        for start in range(0, T, size):
            stop = min(start + size, T)
            if stop - start == size or keep_last:
                windows.append(Window(batch, start, stop, fresh=start == 0 or not carry))
    return tuple(windows)
