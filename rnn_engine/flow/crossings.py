"""The ways of the gradient between time steps, read off the equations: who reads which state at which offset."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX, Add, Identity, Multiply, Negative, Subtract
from rnn_engine.core.equations import Program
from rnn_engine.core.functions import OfOneNumber
from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Plan
from rnn_engine.core.tape import Tape
from rnn_engine.flow.lanes import norms

SUMS = (Add, Subtract, Negative, Identity)
"""What hands a gradient on as it is, up to its sign."""


@dataclass(frozen=True, eq=False, slots=True)
class Crossing:
    """A read of a state at another time step: a way for the gradient from place k to k + offset, in all lanes."""

    state: str
    equation: str
    """Which reads it, at place k."""
    through: str
    """The parameter it is multiplied with (`W_hh`), or the source of the factor (`f * c[t-1]`)."""
    offset: int
    straight: bool
    """Whether what the loss of place k sends this way from there has passed no state of k."""
    where: NDArray[np.bool_]
    """`[T]` by place k: where it leads to a place of the window."""
    sent: NDArray[np.float64]
    """`[T, T]` by (loss, place k): the norm of what arrives at k + offset by this way."""
    sending: NDArray[np.float64]
    """Likewise: the norm of what was there to send."""
    leaf: Read
    handing: Apply
    """The operation whose gradient is handed to that read."""
    alone: str | None
    """The state whose gradient comes here through one nonlinearity and sums, by this one path, with no other's."""

    def take(self, tape: Tape, lanes: NDArray[np.int64]) -> Array:
        """Note the norms of these losses, in the first lanes of a tape; gives `[T, lanes, n]`, all that arrives."""
        sent, sending = tape.sent_by(self.state, self.leaf), tape.inner_gradient(self.handing)
        T = len(self.where)
        self.sent[lanes] = by_sender(norms(sent[:T]).T[: len(lanes)], self.offset)
        self.sending[lanes] = norms(sending[:T]).T[: len(lanes)]
        return sent


def by_sender(arriving: NDArray[np.float64], offset: int) -> NDArray[np.float64]:
    """What stands at the places where it arrives, `[…, T]`, at those it leaves; what leaves the window is 0."""
    T = arriving.shape[-1]
    leaving = np.zeros_like(arriving)
    if offset < 0:
        leaving[..., -offset:] = arriving[..., : max(T + offset, 0)]
    else:
        leaving[..., : max(T - offset, 0)] = arriving[..., offset:]
    return leaving


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """Where the gradient of a loss can come to, by the equations alone."""

    within: Mapping[str, frozenset[str]]
    """Of the loss and every state: the equations its gradient reaches in the same time step, itself included."""
    crossings: tuple[Crossing, ...]
    T: int

    def connected(self, state: str) -> frozenset[str]:
        """The states that one of them reaches through time, or is reached by, and those of all these in turn."""
        groups = [self.carriers([crossing]) | {crossing.state} for crossing in self.crossings]
        found: frozenset[str] = frozenset({state})
        while (more := found.union(*(group for group in groups if group & found))) != found:
            found = more
        return found

    def reached(self, loss: int) -> list[set[str]]:
        """By place: the equations that the gradient of the loss of one place can come to."""
        at: list[set[str]] = [set() for _ in range(self.T)]
        at[loss] |= self.within["loss"]
        todo = [loss]
        while todo:
            k = todo.pop()
            for crossing in self.crossings:
                if crossing.where[k] and crossing.equation in at[k]:
                    to = k + crossing.offset
                    more = self.within[crossing.state]
                    if not more <= at[to]:
                        at[to] |= more
                        todo.append(to)
        return at

    def carriers(self, crossings: Iterable[Crossing]) -> frozenset[str]:
        """The states whose gradient goes these ways: by equations of their own time step."""
        senders = {crossing.equation for crossing in crossings}
        return frozenset(c.state for c in self.crossings if self.within[c.state] & senders)


def way_of(program: Program, state: str) -> int:
    """Which way the gradient of a state runs through time: 1 where it is read from later time steps, else −1."""
    if any(direction < 0 and state in names for direction, names in program.order):
        return 1
    return 1 if state in program.leads and state not in program.delays else -1


def make_graph(plan: Plan, states: Sequence[str], T: int) -> Graph:
    """The ways between T time steps."""
    within = _within(plan, ("loss", *states))
    behind_loss = [state for state in states if state in within["loss"]]
    by_states: frozenset[str] = frozenset().union(*(within[state] for state in behind_loss))
    straight = within["loss"] - by_states
    losses = {softmax: loss for loss, softmax in plan.fused.items()}
    places = np.arange(T)

    def crossing(state: str, equation: str, offset: int, leaf: Read) -> Crossing:
        parent, through = _handing(plan, leaf)
        return Crossing(
            state,
            equation,
            through,
            offset,
            equation in straight,
            (places + offset >= 0) & (places + offset < T),
            np.zeros((T, T)),
            np.zeros((T, T)),
            leaf,
            losses.get(parent, parent),
            _alone(plan, states, equation, parent),
        )

    crossings = [
        crossing(state, sender.equation, sender.offset, leaf)
        for state in states
        for sender in plan.senders.get(state, ())
        if sender.offset
        for leaf in sender.leaves
    ]
    return Graph(within, tuple(crossings), T)


def _within(plan: Plan, names: Iterable[str]) -> dict[str, frozenset[str]]:
    """Per equation: what its gradient reaches in the same time step, itself included."""
    next_to: dict[str, set[str]] = {name: set() for name in plan.objective}
    for name, senders in plan.senders.items():
        for sender in senders:
            if sender.offset == 0:
                next_to[sender.equation].add(name)
    for softmax, loss in plan.stands_for_argument.items():
        next_to[loss].add(softmax)
    found = {}
    for name in names:
        reached, todo = {name}, [name]
        while todo:
            more = next_to[todo.pop()] - reached
            reached |= more
            todo += more
        found[name] = frozenset(reached)
    return found


def _alone(plan: Plan, states: Collection[str], equation: str, handing: Apply) -> str | None:
    """The state that is reached on the one way up from a product, through functions of one number and sums alone."""
    if handing.operation is not PRODUCT_OF_MATRIX and not isinstance(handing.operation, (Multiply, *SUMS)):
        return None
    expr: Expr = handing
    while expr in plan.reader or equation not in states:
        if expr in plan.reader:
            above = plan.reader[expr]
            if not isinstance(above.operation, (OfOneNumber, *SUMS)) or above.shape != expr.shape:
                return None
            expr = above
        else:
            senders = plan.senders.get(equation, ())
            if len(senders) != 1 or senders[0].offset or len(senders[0].leaves) != 1:
                return None
            equation, expr = senders[0].equation, senders[0].leaves[0]
    return equation


def _handing(plan: Plan, leaf: Read) -> tuple[Apply, str]:
    """The operation that hands a read its gradient, past sums, and what it multiplies that gradient with."""
    expr: Expr = leaf
    while (above := plan.reader.get(expr)) is not None and isinstance(above.operation, SUMS):
        expr = above
    if above is None or (above.operation is not PRODUCT_OF_MATRIX and above.operation.name != "*"):
        parent = plan.reader[leaf]
        return parent, leaf.source if isinstance(parent.operation, SUMS) else parent.source
    if above.operation is PRODUCT_OF_MATRIX:
        return above, above.args[0].source
    others = [arg.source for arg in above.args if arg is not expr]
    return above, others[0] if others else above.source
