"""One sequence of a window many times side by side, so that many gradients are followed at once."""

from __future__ import annotations

from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import Array
from rnn_engine.core.passes import forward
from rnn_engine.core.plan import Plan
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.training import Iteration

LANES = 16
"""Gradients that are followed at the same time."""


def forward_in_lanes(iteration: Iteration, plan: Plan, sequence: int) -> Tape:
    """One sequence of the window once more, `LANES` times side by side."""
    shown = iteration.tape
    return forward(
        plan,
        iteration.before.parameters,
        _signal(shown.x, sequence),
        _signal(shown.y, sequence),
        T=shown.T,
        B=LANES,
        initial={name: shown.initial(name)[:, sequence : sequence + 1] for name in plan.program.states},
        start=iteration.window.start,
        padding=None if shown.padding is None else _repeated(shown.padding, sequence),
        dtype=iteration.run.dtype,
        overrides={
            name: (_repeated(mask, sequence), _repeated(values, sequence))
            for name, (mask, values) in shown.workspace.overrides.items()
        },
    )


def steps_of(tape: Tape, sequence: int) -> int:
    """How many time steps of a window a sequence has; 0 where it was over before."""
    return tape.T if tape.padding is None else tape.T - int(tape.padding[:, sequence].sum())


def norms(array: Array) -> NDArray[np.float64]:
    """Over the last axis, in float64, so that no float32 is too small or too large for a square."""
    with np.errstate(all="ignore"):
        found = np.asarray(np.sqrt(np.sum(np.square(array, dtype=np.float64), axis=-1)))
    lost = np.isinf(found) | ((found == 0.0) & np.any(array, axis=-1))  # squares that no float64 can say
    found[lost] = [hypot(*row) for row in array[lost]]
    return found


def _repeated(array: NDArray[Any], sequence: int) -> NDArray[Any]:
    """One sequence of an array `[T, B, …]`, side by side with itself."""
    return np.repeat(array[:, sequence : sequence + 1], LANES, axis=1)


def _signal(signal: Signal | None, sequence: int) -> Signal | None:
    if signal is None:
        return None
    return Signal(
        _repeated(signal.values, sequence),
        signal.shape,
        None if signal.classes is None else _repeated(signal.classes, sequence),
        None if signal.missing is None else _repeated(signal.missing, sequence),
    )
