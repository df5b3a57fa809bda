"""Steps: where the debugger can stop within one window, and what is to be seen there.

A step is a view onto a tape. `forward_steps` and `backward_steps` are generators: a pass is computed
whole when its first step is asked for; a caller can stop at any step, keep it, go on or never come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import Array
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import Plan
from rnn_engine.core.tape import Signal, Tape

Sweeps = tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Stops(Sequence[tuple[int, str]]):
    """The stops of a pass over T time steps, in the order they are walked: (place, equation).

    `place` counts the time steps of the window from 0. Nothing is stored: a stop is arithmetic.
    """

    sweeps: Sweeps
    T: int

    def __len__(self) -> int:
        return self.T * sum(len(names) for _, names in self.sweeps)

    def __getitem__(self, i: int) -> tuple[int, str]:  # type: ignore[override]  # no slices of stops
        for direction, names in self.sweeps:
            size = self.T * len(names)
            if i < size:
                place, j = divmod(i, len(names))
                return (place if direction > 0 else self.T - 1 - place), names[j]
            i -= size
        raise IndexError(i)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return chain.from_iterable(
            product(range(self.T)[::direction], names) for direction, names in self.sweeps
        )

    def find(self, place: int, equation: str) -> int | None:
        """The number of a stop; None where there is none."""
        first = 0
        for direction, names in self.sweeps:
            if equation in names and 0 <= place < self.T:
                turn = place if direction > 0 else self.T - 1 - place
                return first + turn * len(names) + names.index(equation)
            first += self.T * len(names)
        return None

    def walked(self, equation: str, i: int) -> slice:
        """The places at which an equation's stop is number i or before it."""
        first = 0
        for direction, names in self.sweeps:
            if equation in names:
                passed = min(max((i - first - names.index(equation)) // len(names) + 1, 0), self.T)
                return slice(0, passed) if direction > 0 else slice(self.T - passed, self.T)
            first += self.T * len(names)
        return slice(0, 0)


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """One equation at one time step. Arrays are `[B, n]` (a scalar is n = 1), read-only views."""

    tape: Tape
    phase: str
    place: int
    equation: str

    @property
    def t(self) -> int:
        """The position in the sequence, from 1."""
        return self.tape.start + self.place + 1

    @property
    def value(self) -> Array:
        value: Array = self.tape.value(self.equation)[self.place]
        return value

    @property
    def undefined(self) -> NDArray[np.bool_] | None:
        """`[B]`, True where the equation has no value (`Tape.undefined`); None where all have one."""
        gaps = self.tape.undefined(self.equation)
        return None if gaps is None else gaps[self.place]

    @property
    def gradient(self) -> Array:
        """∂loss/∂value, complete."""
        gradient: Array = self.tape.gradient(self.equation)[self.place]
        return gradient

    @property
    def arrived(self) -> Mapping[str, Array]:
        """What arrived and from which stop (`a[4]`), in the order in which it is summed."""
        tape, plan = self.tape, self.tape.plan
        if self.equation in plan.stands_for_argument:
            return {f"{plan.stands_for_argument[self.equation]}[{self.t}]": self.gradient}
        return {
            f"{sender.equation}[{self.t - sender.offset}]": tape.sent(self.equation, sender)[self.place]
            for sender in plan.senders[self.equation]
            if 0 <= self.place - sender.offset < tape.T
        }

    @property
    def adds(self) -> Mapping[str, Array]:
        """What this stop alone adds to the gradient of each parameter, in the parameter's shape."""
        tape, adds = self.tape, {}
        here = slice(self.place, self.place + 1)
        for name, uses in tape.plan.uses.items():
            parts = [tape.parameter_part(u, here) for u in uses if u.node.equation.name == self.equation]
            if parts:
                total = parts[0]
                for part in parts[1:]:
                    total = total + part
                adds[name] = total.reshape(tape.plan.program.parameters[name])
        return adds


def running_sum(tape: Tape, parameter: str, stops: Stops, i: int) -> Array:
    """What the backward stops up to number i have added to a parameter's gradient, in its shape."""
    total = np.zeros(tape.plan.program.parameters[parameter], tape.parameters[parameter].dtype)
    for use in tape.plan.uses.get(parameter, ()):
        walked = stops.walked(use.node.equation.name, i)
        if walked.stop > walked.start:
            total = total + tape.parameter_part(use, walked).reshape(total.shape)
    return total


def forward_steps(
    plan: Plan,
    parameters: Mapping[str, Array],
    x: Signal | None,
    y: Signal | None,
    *,
    T: int,
    B: int,
    initial: Mapping[str, Array] | None = None,
    start: int = 0,
) -> Iterator[Step]:
    """The forward steps of one window; arguments as for `passes.forward`."""
    tape = forward(plan, parameters, x, y, T=T, B=B, initial=initial, start=start)
    for place, equation in Stops(plan.program.order, T):
        yield Step(tape, "forward", place, equation)


def backward_steps(tape: Tape, weights: NDArray[np.float64]) -> Iterator[Step]:
    """The backward steps through a tape; arguments as for `passes.backward`."""
    backward(tape, weights)
    for place, equation in Stops(tape.plan.backward_order, tape.T):
        yield Step(tape, "backward", place, equation)
