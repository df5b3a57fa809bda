"""Where a pass first meets a number that is none: what follows from it cannot be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from rnn_engine.core.operation import Array
from rnn_engine.flow.lanes import steps_of
from rnn_engine.training import Iteration


class Unknown(NamedTuple):
    """The first value that is not finite."""

    name: str
    """`W_hh`, `h[3]`, `∂h[3]`."""
    nan: bool
    """Whether it is not a number; else it is too large for one."""


def first_unknown(iteration: Iteration, objective: Collection[str], sequence: int) -> Unknown | None:
    """The first of a way forward that is not finite, as it runs: parameters, first values, time step by time step.

    Of what these equations are made of, which are those that the gradient in question goes through.
    """
    tape, program = iteration.tape, iteration.run.plan.program
    used = {read.name for name in objective for read in program.equations[name].reads}
    found = [unknown(n, value) for n, value in iteration.before.parameters.items() if n in used]
    states = [state for state in program.states if state in objective]
    found += [unknown(f"{state}[{tape.start}]", tape.initial(state)[:, sequence]) for state in states]
    for direction, names in program.order:
        values = {name: tape.value(name)[:, sequence] for name in names if name in objective}
        gaps = {name: tape.undefined(name) for name in values}
        for k, name in product(range(steps_of(tape, sequence))[:: direction or 1], values):
            gap = gaps[name]
            if gap is None or not gap[k, sequence]:
                found.append(unknown(f"{name}[{tape.start + k + 1}]", values[name][k]))
    return next((one for one in found if one is not None), None)


def first_unknown_gradient(
    gradients: Mapping[str, Array], start: int, order: Sequence[tuple[int, Sequence[str]]]
) -> Unknown | None:
    """Likewise of the gradients of some equations, `[T, …]` each, as the way back runs."""
    for direction, names in order:
        some = [name for name in names if name in gradients]
        T = len(gradients[some[0]]) if some else 0
        for k, name in product(range(T)[:: direction or 1], some):
            found = unknown(f"∂{name}[{start + k + 1}]", gradients[name][k])
            if found is not None:
                return found
    return None


def unknown(name: str, value: Array) -> Unknown | None:
    """What is wrong with an array; that it is not a number counts first."""
    if np.isfinite(value).all():
        return None
    return Unknown(name, bool(np.isnan(value).any()))
