"""The memory horizon: how much of a state, where it is carried to, depends on what was carried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.equations import Program
from rnn_engine.core.operation import Array
from rnn_engine.core.passes import backward_to_values
from rnn_engine.core.plan import Plan, make_plan, upstream
from rnn_engine.core.tape import Tape
from rnn_engine.flow.crossings import way_of
from rnn_engine.flow.lanes import LANES, forward_in_lanes, steps_of
from rnn_engine.flow.unknown import Unknown, first_unknown, first_unknown_gradient
from rnn_engine.training import Iteration

LEFT = 0.01
"""A gradient of which less than this share is left counts as gone."""


@dataclass(frozen=True, eq=False)
class Horizon:
    """How much of a state's last value depends on what was carried: ‖∂h_T/∂h_k‖₂ for every k of a window.

    h_k stands for all that crosses the cut between time step k and the next, as whoever reads it there finds it:
    h and c of an LSTM; h[k], h[k-1] and h[k-2] where a text reads `h[t-3]`, since each of them may be read later. A
    state that is read from later time steps is carried the other way: ‖∂h_1/∂h_k‖₂, where h_k is all that crosses
    the cut between k and k − 1.
    """

    state: str
    start: int
    norms: NDArray[np.float64]
    """`[T]`: by place k; that of the time step it is carried to is 1."""
    way: int = -1
    """Which way its gradient runs: −1 to earlier time steps, from the last one; 1 to later ones, from the first."""
    unknown: Unknown | None = None
    """The first number that is none, where a norm is none or overflows."""

    @property
    def end(self) -> int:
        """The place it is carried to: where its gradient starts."""
        return 0 if self.way > 0 else len(self.norms) - 1

    @property
    def far(self) -> int:
        """The place furthest from there."""
        return len(self.norms) - 1 - self.end

    @property
    def steps(self) -> int | None:
        """After so many steps less than 1 % is left; None where more is left at the other end of the window.

        None, too, where a number that is none comes before: what is left then is not known.
        """
        known = self.along[1 : self.known + 1]
        return next((back for back, left in enumerate(known, 1) if left < LEFT), None)

    @property
    def known(self) -> int:
        """Of so many steps, from where it is carried to, it is known how much is left."""
        return int(np.append(np.flatnonzero(~np.isfinite(self.along)), len(self.norms))[0]) - 1

    @property
    def along(self) -> NDArray[np.float64]:
        """The norms as the gradient runs: after 0, 1, … steps."""
        return self.norms[:: self.way]

    def lasts(self, steps: int) -> bool | None:
        """Whether it is no shorter than so many steps; None where the window cannot show it."""
        if self.steps is not None:
            return self.steps >= steps
        return True if self.known and steps <= self.known + 1 else None


def horizon(iteration: Iteration, state: str | None = None, sequence: int = 0) -> Horizon | None:
    """How far a state remembers; the state that the output reads unless told.

    None where nothing is carried, or where the sequence was over before the window.

    One lane for each unit of the state, each with a gradient of one at that unit, where it is carried to.
    """
    program = iteration.run.plan.program
    found = horizons(iteration, sequence) if state is None else ()
    if state is None or not steps_of(iteration.tape, sequence):
        return found[0] if found else None
    return _horizon(iteration, state, way_of(program, state), sequence)


def horizons(iteration: Iteration, sequence: int = 0) -> tuple[Horizon, ...]:
    """That of a state that is carried to later time steps, and that of one carried to earlier ones, if there are.

    None where the sequence was over before the window.
    """
    plan = iteration.run.plan
    found: list[Horizon] = []
    if not steps_of(iteration.tape, sequence):
        return ()
    recurring = [s for s in plan.program.states if _recurs(plan.program, s)]
    for way in (-1, 1):
        candidates = [s for s in recurring or plan.program.states if way_of(plan.program, s) == way]
        if candidates:
            read = _read_by_output(plan)
            state = next((s for s in candidates if s in read), candidates[0])
            found.append(_horizon(iteration, state, way, sequence))
    return tuple(found)


def _horizon(iteration: Iteration, state: str, way: int, sequence: int) -> Horizon:
    plan = make_plan(iteration.run.plan.program, (state,))
    shown = iteration.tape
    T, n = shown.T, shown.value(state).shape[-1]
    last = steps_of(shown, sequence) - 1
    end = last if way < 0 else 0
    found: list[Array] = []
    for first in range(0, n, LANES):
        units = np.arange(first, min(first + LANES, n))
        tape = forward_in_lanes(iteration, plan, sequence)
        seeds = np.zeros((T, LANES, n))
        seeds[end, units - first, units] = 1.0
        backward_to_values(tape, {state: seeds})
        crossing = [part for s in plan.program.states for part in _cut(tape, s, way)]
        crossing = crossing or [np.zeros((T, LANES, 1))]
        found.append(np.concatenate(crossing, axis=-1)[: last + 1, : len(units)])
    jacobians = np.concatenate(found, axis=1, dtype=np.float64)
    norms = np.array([_spectral_norm(jacobian) for jacobian in jacobians])
    norms[end] = 1.0
    start = iteration.window.start
    return Horizon(state, start, norms, way, _unknown(iteration, plan, sequence, state, norms, way))


def _unknown(
    iteration: Iteration, plan: Plan, sequence: int, state: str, norms: NDArray[np.float64], way: int
) -> Unknown | None:
    """What is to blame where a norm is not finite: of the way forward, else the norm where it first is not."""
    if np.isfinite(norms).all():
        return None
    first = first_unknown(iteration, plan.objective, sequence)
    return first or first_unknown_gradient({state: norms}, iteration.window.start, [(way, [state])])


def _cut(tape: Tape, state: str, way: int) -> list[Array]:
    """`[T, lanes, n]` each, by place k: what arrives at k, k + way, k + 2 way, … from beyond k.

    Of what a read sends d places back, the value at k − j crosses the cut between k and k + 1 where j < d.
    """
    senders = [s for s in tape.plan.senders.get(state, ()) if s.offset * way > 0]
    found = []
    for j in range(max((abs(s.offset) for s in senders), default=0)):
        # the values before and behind the window are carried across a cut as others are
        there = tape.span(state, j * way)
        found.append(
            np.sum(
                [tape.sent_from(leaf)[there] for s in senders if abs(s.offset) > j for leaf in s.leaves],
                axis=0,
            )
        )
    return found


def _recurs(program: Program, state: str) -> bool:
    """Whether a state depends on itself: it may also be a mere delay."""
    reads = program.equations[state].reads
    return state in upstream(program, [read.name for read in reads if read.kind == "equation"])


def _read_by_output(plan: Plan) -> set[str]:
    """The states that an equation outside of all cycles reads."""
    program = plan.program
    inner = set(program.states) | {read.name for s in program.states for read in program.equations[s].reads}
    return {
        read.name
        for name, equation in program.equations.items()
        if name not in inner
        for read in equation.reads
        if read.offset == 0
    }


def _spectral_norm(matrix: NDArray[np.float64]) -> float:
    """The largest singular value: the root of the largest eigenvalue of M Mᵀ, which is quicker by far.

    Squares lose what is small beside it, and nothing of the largest; it is scaled so that no square overflows.
    """
    if not np.isfinite(matrix).all():
        return float("nan" if np.isnan(matrix).any() else "inf")
    size = float(np.abs(matrix).max(initial=0.0))
    if size == 0.0:
        return 0.0
    scaled = matrix / size
    gram = scaled @ scaled.T if len(scaled) <= scaled.shape[1] else scaled.T @ scaled
    return size * float(np.sqrt(np.linalg.eigvalsh(gram)[-1]))
