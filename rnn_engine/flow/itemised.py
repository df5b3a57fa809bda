"""The itemised gradient of a window: what each loss sends to each time step, and by which hops.

The one window is run as many lanes of a batch, each with the loss of one time step alone, through the same
passes as everything else. Lanes are products of another shape, so their last bits may differ from the tape's
(by some 1e-16, in float32 1e-7); their sum is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.operation import Array
from rnn_engine.core.passes import backward_to_values
from rnn_engine.core.tape import Tape
from rnn_engine.flow.crossings import Crossing, Graph, by_sender, make_graph
from rnn_engine.flow.hops import End, Hop, Origin, Route, ratio
from rnn_engine.flow.lanes import LANES, forward_in_lanes, norms, steps_of
from rnn_engine.flow.unknown import Unknown, first_unknown, first_unknown_gradient
from rnn_engine.training import Iteration


@dataclass(frozen=True, eq=False)
class Flow:
    """The itemised gradient of one sequence over one window."""

    start: int
    states: tuple[str, ...]
    items: Mapping[str, NDArray[np.float64]]
    """Per state `[T, T, n]`: what the loss at place i sends to the state at place k, as `[i, k]`."""
    graph: Graph
    arriving: Mapping[tuple[str, int], NDArray[np.float64]]
    """Per state and offset `[T, T]` by (loss, place k): the norm of all that arrives at k + offset from states of k."""
    straight: Mapping[tuple[str, int], NDArray[np.float64]]
    """Likewise `[T]` by loss: what arrives from the time step of the loss past its states, where there may be any."""
    total: Mapping[str, Array]
    """Per state `[T, n]`: the gradient that the panes show."""
    silent: bool
    """Whether no time step of the window has a loss: no target, or none that counts."""
    unknown: Unknown | None = None
    """Where a gradient is no number: the first number that is none."""
    _walked: dict[tuple[int, frozenset[str]], tuple[Hop, ...]] = field(default_factory=dict, repr=False)

    @property
    def T(self) -> int:
        return len(next(iter(self.items.values())))

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        return self.graph.crossings

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """By how much the states are read away from the present time step: as the gradient goes, nearest first."""
        return tuple(sorted({crossing.offset for crossing in self.crossings}, key=lambda o: (o > 0, abs(o))))

    @cached_property
    def map(self) -> NDArray[np.float64]:
        """`[T, T]`: the norm over all units and states of what the loss at i sends to time step k."""
        return norms(np.concatenate(list(self.items.values()), axis=-1))

    @cached_property
    def total_norms(self) -> NDArray[np.float64]:
        """`[T]`: the norm of the whole gradient at each time step."""
        return norms(np.concatenate(list(self.total.values()), axis=-1))

    @cached_property
    def remainder(self) -> float:
        """By how much the items, added up, differ from what the panes show: the largest difference, relative."""
        found = [0.0]
        with np.errstate(invalid="ignore"):
            for state, total in self.total.items():
                scale = float(np.abs(total).max(initial=0.0)) or 1.0
                found.append(float(np.abs(self.items[state].sum(axis=0) - total).max(initial=0.0)) / scale)
        return float(np.max(found))  # not a number where one of them is none

    @cached_property
    def sending(self) -> tuple[int, ...]:
        """The places of the losses that send anything."""
        return tuple(np.flatnonzero(self.map.any(axis=1)).tolist())

    def reach(self, loss: int) -> range:
        """The places that a loss sends to: its own and earlier ones; later ones too where a state comes from there."""
        return range(max(loss, *np.flatnonzero(self.map[loss]).tolist(), 0) + 1)

    def hops(self, loss: int, of: str | None = None) -> tuple[Hop, ...]:
        """The hops of one loss (its place), as its gradient runs: to earlier time steps, then to later ones.

        Before them those that come straight from the loss. All that the equations allow, also where nothing flows.
        What leaves a place by a hop has arrived there by the hops before, save where a state that is carried one
        way feeds one that is carried the other way. Of all states, or `of` one of them with those connected to it.
        """
        states = frozenset(self.states) if of is None else self.graph.connected(of)
        if (loss, states) not in self._walked:
            self._walked[loss, states] = tuple(self._walk(loss, states))
        return self._walked[loss, states]

    def _walk(self, loss: int, states: frozenset[str]) -> Iterator[Hop]:
        reached = self.graph.reached(loss)
        for straight, way in product((True, False), (-1, 1)):
            there = [offset for offset in self.offsets if offset * way > 0]
            for k, offset in product((loss,) if straight else range(self.T)[::way], there):
                group = [
                    c
                    for c in self.crossings
                    if c.offset == offset
                    and c.state in states
                    and (c.straight and k == loss) == straight
                    and c.where[k]
                    and c.equation in reached[k]
                ]
                if group:
                    yield self._hop(loss, k, offset, straight, group)

    def compared(self, loss: int, way: int = 0, of: str | None = None) -> tuple[Hop, ...]:
        """The hops of one loss that can be compared: those whose factor is known, of one length.

        Of hops to earlier time steps (`way` −1), to later ones (1) or of all; only of the shortest, where some
        are longer: only hops of one length follow each other.
        """
        hops = [h for h in self.hops(loss, of) if not h.straight and h.offset * (way or h.offset) > 0]
        nearest = min((abs(hop.offset) for hop in hops), default=0)
        return tuple(
            h for h in hops if abs(h.offset) == nearest and h.factor is not None and isfinite(h.factor)
        )

    def worst(self, loss: int, way: int = 0) -> Hop | None:
        """Of the hops that can be compared the one that changes the gradient's size most, down or up."""
        hops = [(hop, hop.factor) for hop in self.compared(loss, way)]
        return max(hops, key=lambda pair: abs(np.log(pair[1])) if pair[1] else np.inf, default=(None,))[0]

    def ends(self, loss: int) -> tuple[End, ...]:
        """How far the gradient of one loss gets: to earlier time steps, to later ones; where it goes there."""
        found = []
        hops = self.hops(loss)
        for way in (-1, 1):
            ahead = [hop for hop in hops if hop.offset * way > 0]
            handed = [hop for hop in ahead if not hop.straight]
            if handed:
                to = max((hop.to for hop in ahead), key=lambda t: t * way)
                read = {crossing.state for crossing in self.crossings if crossing.offset * way > 0}
                found.append(
                    End(handed[0].t, to, handed[0].before, self._norm(loss, to - self.start - 1, read))
                )
        return tuple(found)

    def origins(self, loss: int, k: int) -> tuple[Origin, ...]:
        """From where a loss brings what to a place from other time steps; () where that is nothing or overflows."""
        found: dict[tuple[str, int], float] = {}
        for hop in self.hops(loss):
            if hop.to == self.start + k + 1:
                for state in {route.state for route in hop.routes}:
                    size = self._arriving(loss, hop.t - self.start - 1, hop.offset, state, hop.straight)
                    found[state, hop.t] = found.get((state, hop.t), 0.0) + size
        total = sum(found.values())
        order = sorted(found, key=lambda key: (abs(key[1] - self.start - k - 1), self.states.index(key[0])))
        return tuple(Origin(*key, found[key] / total) for key in order) if 0.0 < total < np.inf else ()

    def shares(self, loss: int) -> dict[str, NDArray[np.float64]]:
        """Per state `[T]`: its share of what arrives from other time steps (by norm), where anything does."""
        found = {state: np.zeros(self.T) for state in self.states}
        for (state, offset), sizes in self.arriving.items():
            found[state] += by_sender(sizes[loss], -offset)
        for (state, offset), own in self.straight.items():
            if 0 <= loss + offset < self.T:
                found[state][loss + offset] += own[loss]
        total = np.sum(list(found.values()), axis=0)
        return {
            state: np.divide(n, total, out=np.zeros(self.T), where=total > 0.0) for state, n in found.items()
        }

    def _hop(self, loss: int, k: int, offset: int, straight: bool, crossings: Sequence[Crossing]) -> Hop:
        """From place k to k + offset of the gradient of one loss, by these ways."""
        carriers = self.graph.carriers(crossings)
        before = 0.0 if straight else self._norm(loss, k, carriers)
        received = [state for state in self.states if any(c.state == state for c in crossings)]
        arriving = [self._arriving(loss, k, offset, state, straight) for state in received]
        after, total = _norm(arriving), sum(arriving)
        known = 0.0 < total < np.inf
        routes = []
        for c in crossings:
            sent, sending = float(c.sent[loss, k]), float(c.sending[loss, k])
            routes.append(Route(c.state, c.equation, c.through, sent, ratio(sent, sending)))
        split = not straight and len(crossings) == 1 and carriers == {crossings[0].alone}
        sending = float(crossings[0].sending[loss, k])
        return Hop(
            t=self.start + k + 1,
            to=self.start + k + offset + 1,
            before=before,
            after=after,
            split=split,
            nonlinearity=ratio(sending, before) if split else None,
            weights=ratio(after, sending) if split else None,
            shares=tuple(zip(received, (n / total for n in arriving), strict=True)) if known else (),
            routes=tuple(routes),
            straight=straight,
        )

    def _arriving(self, loss: int, k: int, offset: int, state: str, straight: bool) -> float:
        return float(
            self.straight[state, offset][loss] if straight else self.arriving[state, offset][loss, k]
        )

    def _norm(self, loss: int, k: int, states: frozenset[str] | set[str]) -> float:
        """‖what a loss sends to these states at place k‖."""
        parts = [self.items[state][loss, k] for state in self.states if state in states]
        return _norm(np.concatenate([np.zeros(1), *parts]))


def itemise(iteration: Iteration, sequence: int = 0) -> Flow | None:
    """The itemised gradient of one sequence of an iteration's window, as long as the sequence is.

    None where there is no loss or no state, or where the sequence was over before the window.
    """
    run, window = iteration.run, iteration.window
    shown = iteration.tape
    plan = replace(shown.plan, spare={})  # so many lanes are not kept afterwards
    states = tuple(s for s in plan.program.states if s in plan.objective)
    T = steps_of(shown, sequence)
    if not states or not T:
        return None
    _ = iteration.gradients
    weights = run.weights(shown)[:T, sequence]
    graph = make_graph(plan, states, T)
    flow = Flow(
        window.start,
        states,
        {state: np.zeros((T, T, shown.value(state).shape[-1])) for state in states},
        graph,
        {(c.state, c.offset): np.zeros((T, T)) for c in graph.crossings},
        {(c.state, c.offset): np.zeros(T) for c in graph.crossings if c.straight},
        {s: shown.gradient(s)[:T, sequence].copy() for s in states},
        silent=not weights.any(),
    )
    for first in range(0, T, LANES):
        lanes = np.arange(first, min(first + LANES, T))
        tape = forward_in_lanes(iteration, plan, sequence)
        seeds = np.zeros((shown.T, LANES, 1))
        seeds[lanes, lanes - first, 0] = weights[lanes]
        backward_to_values(tape, {"loss": seeds})
        _fill(flow, tape, lanes)
    return replace(flow, unknown=_unknown(iteration, sequence, flow.items))


def _unknown(iteration: Iteration, sequence: int, found: Mapping[str, Array]) -> Unknown | None:
    """The first number that is none, if any of these gradients is: of the way forward, else of the way back."""
    if all(np.isfinite(sent).all() for sent in found.values()):
        return None
    plan, start = iteration.tape.plan, iteration.window.start
    first = first_unknown(iteration, plan.objective, sequence)
    if first is not None:
        return first
    gradients = {state: np.swapaxes(sent, 0, 1) for state, sent in found.items()}
    return first_unknown_gradient(gradients, start, plan.backward_order)


def _fill(flow: Flow, tape: Tape, lanes: NDArray[np.int64]) -> None:
    """Put in what the losses of these places send, each in a lane of its own."""
    n = len(lanes)
    for state in flow.states:
        flow.items[state][lanes] = np.swapaxes(tape.gradient(state)[: flow.T], 0, 1)[:n]
    for state, offset in flow.arriving:
        crossed = np.zeros_like(tape.value(state))
        # where the losses' own time steps are read from: there is told apart what passes no state
        inside = np.flatnonzero((lanes + offset >= 0) & (lanes + offset < flow.T))
        handed, past = np.zeros((2, len(inside), crossed.shape[-1]), crossed.dtype)
        for crossing in flow.crossings:
            if (crossing.state, crossing.offset) == (state, offset):
                sent = crossing.take(tape, lanes)
                crossed += sent
                own = past if crossing.straight else handed
                own += sent[lanes[inside] + offset, inside]
        flow.arriving[state, offset][lanes] = by_sender(norms(crossed[: flow.T]).T[:n], offset)
        if (state, offset) in flow.straight:
            flow.arriving[state, offset][lanes[inside], lanes[inside]] = norms(handed)
            flow.straight[state, offset][lanes[inside]] = norms(past)


def _norm(values: Sequence[float] | Array) -> float:
    return float(norms(np.asarray(values, np.float64)))
