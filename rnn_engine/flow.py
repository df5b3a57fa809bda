"""Where the gradient goes, and where it dies: itemised by loss, hop by hop, and how far back anything is left.

The itemised gradient runs the one window as many lanes of a batch, each with the loss of one time step
alone, through the same passes as everything else. Lanes are products of another shape, so their last bits
may differ from the tape's (by some 1e-16, in float32 1e-7); their sum is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Expr, Read, walk
from rnn_engine.core.operation import Array
from rnn_engine.core.passes import backward_to_values, forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.training import Iteration

LANES = 16
"""Losses that are followed at the same time."""
LEFT = 0.01
"""A gradient of which less than this share is left counts as gone: the memory horizon."""


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """One way a gradient takes from time step k to k − 1: the read of a state by an equation one step later."""

    state: str
    equation: str
    through: str
    """The parameter it is multiplied with (`W_hh`), or the source of the factor (`f * c[t-1]`)."""
    norm: float
    """‖what arrives at k − 1 by this way‖."""
    factor: float
    """That, over ‖what was there to send‖: what the weights (or the gate) give."""


@dataclass(frozen=True, eq=False, slots=True)
class Hop:
    """From time step `t` to `t` − 1, of the gradient of one loss."""

    t: int
    before: float
    """‖gradient of the states at t‖: of those that are read from one time step before."""
    after: float
    """‖gradient that arrives at the states at t − 1‖."""
    nonlinearity: float
    """What the element-wise part of the equations leaves of it, up to the matrix products."""
    weights: float
    """What the matrix products (or gates) then give; the two make the factor."""
    routes: tuple[Route, ...]

    @property
    def factor(self) -> float:
        return self.after / self.before if self.before else 0.0


@dataclass(frozen=True, eq=False, slots=True)
class Crossing:
    """A read of a state from one step before: a way for the gradient from k to k − 1, in all lanes."""

    state: str
    equation: str
    through: str
    sent: NDArray[np.float64]
    """`[T, T]` by (loss, place k): the norm of what arrives at k − 1 by this way."""
    sending: NDArray[np.float64]
    """Likewise: the norm of what was there to send."""


@dataclass(frozen=True, eq=False)
class Flow:
    """The itemised gradient of one sequence over one window."""

    start: int
    states: tuple[str, ...]
    items: Mapping[str, NDArray[np.float64]]
    """Per state `[T, T, n]`: what the loss at place i sends to the state at place k, as `[i, k]`."""
    crossings: tuple[Crossing, ...]
    arriving: Mapping[str, NDArray[np.float64]]
    """Per state `[T, T]` by (loss, place k): the norm of all that arrives from k at k − 1."""
    total: Mapping[str, Array]
    """Per state `[T, n]`: the gradient that the panes show."""

    @property
    def T(self) -> int:
        return len(next(iter(self.items.values())))

    @cached_property
    def map(self) -> NDArray[np.float64]:
        """`[T, T]`: the norm over all units and states of what the loss at i sends to time step k."""
        return _norms(np.concatenate(list(self.items.values()), axis=-1))

    @cached_property
    def remainder(self) -> float:
        """By how much the items, added up, differ from what the panes show: the largest difference, relative."""
        found = [0.0]
        with np.errstate(invalid="ignore"):
            for state, total in self.total.items():
                scale = float(np.abs(total).max(initial=0.0)) or 1.0
                found.append(float(np.abs(self.items[state].sum(axis=0) - total).max(initial=0.0)) / scale)
        return float(np.max(found))  # not a number where one of them is none

    @property
    def last(self) -> int:
        """The place of the last loss that sends anything; the last place where none does."""
        sending = np.flatnonzero(self.map.any(axis=1))
        return int(sending[-1]) if sending.size else self.T - 1

    def reach(self, loss: int) -> range:
        """The places that a loss sends to: its own and earlier ones; later ones too where a state comes from there."""
        return range(max(loss, *np.flatnonzero(self.map[loss]).tolist(), 0) + 1)

    def hops(self, loss: int) -> tuple[Hop, ...]:
        """The hops of one loss (its place), from its own time step back to the first."""
        return tuple(self._hop(loss, k) for k in range(loss, 0, -1))

    def worst(self, loss: int) -> Hop | None:
        """The hop that changes the gradient's size most, down or up; None where there is none or nothing flows."""
        hops = [hop for hop in self.hops(loss) if hop.before > 0.0 and np.isfinite(hop.factor)]
        return max(hops, key=lambda hop: abs(np.log(hop.factor)) if hop.factor else np.inf, default=None)

    def shares(self, loss: int) -> dict[str, NDArray[np.float64]]:
        """Per state `[T]`: its share of what crosses from k + 1 into k (by norm), where anything does."""
        norms = {state: np.append(self.arriving[state][loss, 1:], 0.0) for state in self.states}
        total = np.sum(list(norms.values()), axis=0)
        return {
            state: np.divide(n, total, out=np.zeros(self.T), where=total > 0.0) for state, n in norms.items()
        }

    def _hop(self, loss: int, k: int) -> Hop:
        """From place k to k − 1 of the gradient of one loss."""
        crossing = {c.state for c in self.crossings}
        before = _norm(
            np.concatenate([np.zeros(1), *(self.items[s][loss, k] for s in self.states if s in crossing)])
        )
        after = _norm(np.array([self.arriving[state][loss, k] for state in self.states]))
        sent_on = _norm(np.array([crossing.sending[loss, k] for crossing in self.crossings]))
        routes = []
        for c in self.crossings:
            sent, sending = float(c.sent[loss, k]), float(c.sending[loss, k])
            routes.append(Route(c.state, c.equation, c.through, sent, sent / sending if sending else 0.0))
        return Hop(
            t=self.start + k + 1,
            before=before,
            after=after,
            nonlinearity=sent_on / before if before else 0.0,
            weights=after / sent_on if sent_on else 0.0,
            routes=tuple(routes),
        )


@dataclass(frozen=True, eq=False)
class Horizon:
    """How much of a state's last value depends on what was carried: ‖∂h_T/∂h_k‖₂ for every k of a window.

    Where there are several states (h and c of an LSTM), h_k stands for all that time step k hands on.
    """

    state: str
    start: int
    norms: NDArray[np.float64]
    """`[T]`: by place k; the last is 1."""

    @property
    def steps(self) -> int | None:
        """After so many steps back less than 1 % is left; None where more is left at the beginning of the window."""
        for back in range(1, len(self.norms)):
            if not self.norms[-1 - back] >= LEFT:
                return back
        return None


def itemise(iteration: Iteration, sequence: int = 0) -> Flow | None:
    """The itemised gradient of one sequence of an iteration's window; None where there is no loss or no state."""
    run, window = iteration.run, iteration.window
    shown = iteration.tape
    plan = replace(shown.plan, spare={})  # so many lanes are not kept afterwards
    program = plan.program
    states = tuple(s for s in program.states if s in plan.objective)
    if not states:
        return None
    _ = iteration.gradients
    T = shown.T
    weights = run.weights(shown)[:, sequence]
    items = {state: np.zeros((T, T, shown.value(state).shape[-1])) for state in states}
    arriving = {state: np.zeros((T, T)) for state in states}
    crossings = tuple(_crossings(plan, states, T))
    for first in range(0, T, LANES):
        lanes = np.arange(first, min(first + LANES, T))
        tape = _forward_in_lanes(iteration, plan, sequence)
        seeds = np.zeros((T, LANES, 1))
        seeds[lanes, lanes - first, 0] = weights[lanes]
        backward_to_values(tape, {"loss": seeds})
        for state in states:
            items[state][lanes] = np.swapaxes(tape.gradient(state), 0, 1)[: len(lanes)]
            crossed = np.zeros_like(tape.value(state))
            for crossing, leaf, handing in _leaves(plan, crossings, state):
                # `sent_by` goes by the receiver's place k − 1, a hop by its sender's k
                sent = tape.sent_by(state, leaf)
                crossed += sent
                crossing.sent[lanes, 1:] = _norms(sent).T[: len(lanes), :-1]
                crossing.sending[lanes] = _norms(tape.inner_gradient(handing)).T[: len(lanes)]
            arriving[state][lanes, 1:] = _norms(crossed).T[: len(lanes), :-1]
    return Flow(
        window.start,
        states,
        items,
        crossings,
        arriving,
        {s: shown.gradient(s)[:, sequence].copy() for s in states},
    )


def _crossings(plan: Plan, states: Sequence[str], T: int) -> Iterator[Crossing]:
    for state in states:
        for leaf, equation in _one_step_back(plan, state):
            through = _through(_parent(plan, leaf), leaf)
            yield Crossing(state, equation, through, np.zeros((T, T)), np.zeros((T, T)))


def _leaves(plan: Plan, crossings: Sequence[Crossing], state: str) -> Iterator[tuple[Crossing, Read, Apply]]:
    """The ways out of a state, each with the read and the operation whose gradient is handed to it."""
    own = [crossing for crossing in crossings if crossing.state == state]
    losses = {softmax: loss for loss, softmax in plan.fused.items()}
    for crossing, (leaf, _) in zip(own, _one_step_back(plan, state), strict=True):
        parent = _parent(plan, leaf)
        yield crossing, leaf, losses.get(parent, parent)


def _one_step_back(plan: Plan, state: str) -> Iterator[tuple[Read, str]]:
    """The reads of a state from one time step before, with their equations."""
    for sender in plan.senders.get(state, ()):
        if sender.offset == -1:
            yield from ((leaf, sender.equation) for leaf in sender.leaves)


def _norms(array: Array) -> NDArray[np.float64]:
    """Over the last axis, in float64, so that no float32 is too small or too large for a square."""
    with np.errstate(all="ignore"):
        norms: NDArray[np.float64] = np.sqrt(np.sum(np.square(array, dtype=np.float64), axis=-1))
    return norms


def horizon(iteration: Iteration, state: str | None = None, sequence: int = 0) -> Horizon | None:
    """How far back the state at the end of the window remembers; the state that the output reads unless told.

    One lane for each unit of the state, each with a gradient of one at that unit at the end.
    """
    run, window = iteration.run, iteration.window
    program = run.plan.program
    candidates = [s for s in program.states if s in program.delays]
    if not candidates:
        return None
    state = state or next((s for s in candidates if s in _read_by_output(run.plan)), candidates[0])
    plan = make_plan(program, (state,))
    shown = iteration.tape
    T, n = shown.T, shown.value(state).shape[-1]
    last = T - 1 if shown.padding is None else int(np.flatnonzero(~shown.padding[:, sequence])[-1])
    carried = [s for s in candidates if s in plan.objective]
    sizes = [shown.value(s).shape[-1] for s in carried]
    jacobians = np.zeros((T, n, sum(sizes)))
    for first in range(0, n, LANES):
        units = np.arange(first, min(first + LANES, n))
        tape = _forward_in_lanes(iteration, plan, sequence)
        seeds = np.zeros((T, LANES, n))
        seeds[last, units - first, units] = 1.0
        backward_to_values(tape, {state: seeds})
        crossing = [_crossed(tape, s) for s in carried]
        jacobians[:, units] = np.concatenate(crossing, axis=-1)[:, : len(units)]
    jacobians[last] = np.eye(n, sum(sizes))
    return Horizon(state, window.start, np.array([_spectral_norm(j) for j in jacobians[: last + 1]]))


def _crossed(tape: Tape, state: str) -> Array:
    """`[T, lanes, n]`: what arrives at a state from all time steps after."""
    total = np.zeros_like(tape.value(state))
    for sender in tape.plan.senders.get(state, ()):
        if sender.offset < 0:
            total += tape.sent(state, sender)
    return total


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


def _spectral_norm(matrix: Array) -> float:
    if not np.isfinite(matrix).all():
        return float("inf")
    return float(np.linalg.norm(matrix, 2))


def _norm(vector: Array) -> float:
    return float(_norms(vector))


def _forward_in_lanes(iteration: Iteration, plan: Plan, sequence: int) -> Tape:
    """One sequence of the window once more, `LANES` times side by side, for as many gradients at once."""
    shown = iteration.tape
    return forward(
        plan,
        iteration.before.parameters,
        _lanes(shown.x, sequence, LANES),
        _lanes(shown.y, sequence, LANES),
        T=shown.T,
        B=LANES,
        initial={name: shown.initial(name)[:, sequence : sequence + 1] for name in plan.program.states},
        start=iteration.window.start,
        padding=_padding(shown, sequence),
        dtype=iteration.run.dtype,
        overrides={
            name: (_lanes_of(mask, sequence), _lanes_of(values, sequence))
            for name, (mask, values) in shown.workspace.overrides.items()
        },
    )


def _lanes_of(array: NDArray[Any], sequence: int) -> NDArray[Any]:
    """One sequence of an array `[T, B, n]`, side by side with itself."""
    return np.repeat(array[:, sequence : sequence + 1], LANES, axis=1)


def _lanes(signal: Signal | None, sequence: int, lanes: int) -> Signal | None:
    """One sequence of a signal, side by side with itself."""
    if signal is None:
        return None
    here = slice(sequence, sequence + 1)
    return Signal(
        np.repeat(signal.values[:, here], lanes, axis=1),
        signal.shape,
        None if signal.classes is None else np.repeat(signal.classes[:, here], lanes, axis=1),
        None if signal.missing is None else np.repeat(signal.missing[:, here], lanes, axis=1),
    )


def _padding(tape: Tape, sequence: int) -> NDArray[np.bool_] | None:
    if tape.padding is None:
        return None
    return np.repeat(tape.padding[:, sequence : sequence + 1], LANES, axis=1)


def _parent(plan: Plan, leaf: Read) -> Apply:
    """The operation that reads a leaf."""
    nodes = (e for equation in plan.program.equations.values() for e in walk(equation.root))
    return next(e for e in nodes if isinstance(e, Apply) and any(arg is leaf for arg in e.args))


def _through(parent: Apply, leaf: Expr) -> str:
    if parent.operation is PRODUCT_OF_MATRIX:
        return parent.args[0].source
    others = [arg.source for arg in parent.args if arg is not leaf]
    return others[0] if parent.operation.name == "*" and others else parent.source
