"""Gradient flow over the panes: the map of what each loss sends to each time step, and the hops of one loss's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isnan
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from rnn_engine.snapshot import Snapshot
from rnn_tui.protocols import Controller
from rnn_tui.render.flow import MapView, MemoryView, draw_map, scale_of
from rnn_tui.render.hops import EndView, HopView, RouteView, WayView, draw_hops
from rnn_tui.render.panel import worded
from rnn_tui.render.spans import Line
from rnn_tui.screens.views import View
from rnn_tui.words import alike, left_line, silent_words, unknown_words, ways, worst_line

if TYPE_CHECKING:
    from rnn_engine.flow import Flow, Hop, Horizon

ANOTHER = "another iteration (i, I)"
Key = TypeVar("Key", int, str)


@dataclass(frozen=True, eq=False, slots=True)
class FlowState:
    """The itemised gradient (or why there is none), the cursor in its map, and the loss whose way is walked."""

    number: int
    flow: Flow | str
    horizons: tuple[Horizon, ...]
    cursor: tuple[int, int] = (0, 0)
    powers: bool | None = None
    walked: bool = False
    hop: int = 0


class FlowPanel(View):
    """Where the gradient goes, and where it dies."""

    EXPLAINS = (
        "What the loss of each time step (down) sends to the states of each time step (across), as a norm. "
        "Added up over the losses it is the gradient that the panes show. {hops} walks the way of one loss hop by hop: "
        "each hop leaves what the nonlinearity and the weights leave, or what comes by several ways (c and h of an "
        "LSTM, gates); a dash is nothing over nothing. The worst is marked. A hop goes "
        "where the text reads: h[t-1] one step back, h[t-3] three, g[t+1] one on. The horizon is the number of steps "
        "after which less than 1 % of the last state's gradient is left, in all that crosses from one time step to "
        "the next; of the first one's, where the state is carried from the end of the sequence."
    )
    state: FlowState

    @property
    def name(self) -> str:
        return "hops" if self.state.walked else "flow"

    @property
    def title(self) -> str:
        return f"gradient flow, iteration {self.state.number}"

    def open(self, controller: Controller, snapshot: Snapshot) -> str:
        """Compute it; in the driver's thread. One sentence where there is none."""
        flow, horizons = controller.flow()
        if isinstance(flow, str):
            return flow
        t = snapshot.timeline.t
        i = _last(flow) if t is None else t - 1 - flow.start
        if i not in flow.sending or not flow.hops(i):
            i = next((at for at in reversed(flow.sending) if flow.hops(at)), _last(flow))
        self.state = FlowState(snapshot.timeline.iteration, flow, horizons, (i, i))
        return ""

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        flow, horizons = controller.flow()
        if flow is not self.state.flow:
            i, k = self.state.cursor
            last = 0 if isinstance(flow, str) else flow.T - 1
            i, k = min(i, last), min(k, last)
            if not isinstance(flow, str) and i not in flow.sending:
                i = _last(flow)
            hops = 0 if isinstance(flow, str) else len(flow.hops(i))
            self.state = replace(
                self.state,
                number=snapshot.timeline.iteration,
                flow=flow,
                horizons=horizons,
                cursor=(i, k),
                hop=min(self.state.hop, max(hops - 1, 0)),
            )

    def draw(self, wide: int, high: int) -> list[Line]:
        state = self.state
        if isinstance(state.flow, str):
            return worded(f"{state.flow}.", wide, "muted")
        flow = state.flow
        i, _ = state.cursor
        if state.walked:
            return draw_hops(_way(flow, i), state.hop, wide, high)
        return draw_map(self._map(flow), wide, high)

    def _map(self, flow: Flow) -> MapView:
        state = self.state
        i, k = state.cursor
        origins = flow.origins(i, k) if k != i else ()
        return MapView(
            flow.start,
            flow.states,
            tuple(map(tuple, flow.map.tolist())),
            tuple(map(float, flow.total_norms)),
            flow.remainder,
            tuple(_horizon(found, flow) for found in state.horizons),
            state.cursor,
            state.powers,
            _added((origin.t, origin.share) for origin in origins),
            _added((origin.state, origin.share) for origin in origins),
            tuple(_memory(found) for found in state.horizons),
            "" if flow.sending else silent_words(flow, ANOTHER),
            unknown_words(flow.unknown),
        )

    def move(self, by: int) -> None:
        if not isinstance(self.state.flow, str):
            hops = len(self.state.flow.hops(self.state.cursor[0]))
            self.state = replace(self.state, hop=max(0, min(self.state.hop + by, hops - 1)))

    def walk(self) -> None:
        """The way of the loss under the cursor: at the hop that brings most into that time step, else at the worst."""
        flow = self.state.flow
        i, k = self.state.cursor
        if isinstance(flow, str):
            return
        hops = flow.hops(i)
        into = [hop for hop in hops if hop.to == flow.start + k + 1 and k != i]
        chosen = max(into, key=lambda hop: hop.after, default=flow.worst(i))
        self.state = replace(self.state, walked=True, hop=0 if chosen is None else hops.index(chosen))

    def move_cursor(self, rows: int, columns: int) -> None:
        """Another cell of the map, of those that a loss reaches."""
        if isinstance(self.state.flow, str):
            return
        i, k = self.state.cursor
        sending = self.state.flow.sending or (i,)
        i = sending[max(0, min((sending.index(i) if i in sending else 0) + rows, len(sending) - 1))]
        k = max(0, min(k + columns, self.state.flow.reach(i)[-1]))
        self.state = replace(self.state, cursor=(i, k))

    @property
    def idle(self) -> Mapping[str, str]:
        flow, (i, k) = self.state.flow, self.state.cursor
        if isinstance(flow, str):
            return {}
        if self.state.walked:
            hop, hops = self.state.hop, len(flow.hops(i))
            ends = ("below_in", hop >= hops - 1, "the last hop"), ("above_in", hop == 0, "the first hop")
            return {key: f"this is {which} of this loss's path" for key, there, which in ends if there}
        sending = flow.sending or (i,)
        found = {}
        if i >= sending[-1]:
            found["map_below"] = "no later loss flows in this window"
        if i <= sending[0]:
            found["map_above"] = "no earlier loss flows in this window"
        if k == 0:
            found["map_left"] = "this is the window's first time step"
        if k >= flow.reach(i)[-1]:
            found["map_right"] = "this loss reaches no later time step"
        return found

    def rescale(self) -> None:
        """By powers of ten or linear: whichever it is not."""
        flow = self.state.flow
        if isinstance(flow, str):
            return
        self.state = replace(self.state, powers=not scale_of(self._map(flow)).powers)

    def arrival(self) -> tuple[str, str, int] | None:
        """The address where the chosen hop arrives, the state, and the time step."""
        state = self.state
        if isinstance(state.flow, str) or not state.flow.sending:
            return None
        hops = state.flow.hops(state.cursor[0])
        if not hops:
            return None
        hop = hops[state.hop]
        name = max(hop.routes, key=lambda route: route.norm).state
        return f"{state.number}:backward:{hop.to}:{name}", name, hop.to


def _last(flow: Flow) -> int:
    """The place of the last loss that flows; the last place where none does."""
    return flow.sending[-1] if flow.sending else flow.T - 1


def _horizon(found: Horizon, flow: Flow) -> tuple[str, str]:
    said = left_line(found)
    return said[:1].upper() + said[1:], worst_line(found, flow)


def _memory(found: Horizon) -> MemoryView:
    return MemoryView(found.state, found.start + found.end + 1, tuple(map(float, found.norms)))


def _added(shares: Iterable[tuple[Key, float]]) -> tuple[tuple[Key, float], ...]:
    """Those of the same added up."""
    found: dict[Key, float] = {}
    for key, share in shares:
        found[key] = found.get(key, 0.0) + share
    return tuple(found.items())


def _way(flow: Flow, loss: int) -> WayView:
    """The hops of one loss, those marked that lose or grow most among all of their length and direction.

    None is marked where all have one factor.
    """
    if not flow.sending:
        return WayView(None, (), nothing=silent_words(flow, ANOTHER))
    hops = flow.hops(loss)
    marks: dict[int, str] = {}
    for offset in flow.offsets:
        factors = [(at, hop.factor) for at, hop in enumerate(hops) if hop.offset == offset]
        known = [(at, factor) for at, factor in factors if factor is not None and not isnan(factor)]
        if alike([hops[at] for at, _ in known]):
            continue
        if known and min(known, key=itemgetter(1))[1] < 1.0:
            marks[min(known, key=itemgetter(1))[0]] = "loses most"
        if known and max(known, key=itemgetter(1))[1] > 1.0:
            marks[max(known, key=itemgetter(1))[0]] = "grows most"
    t = flow.start + loss + 1
    return WayView(
        t,
        tuple(_hop(hop, marks.get(at, "")) for at, hop in enumerate(hops)),
        tuple(EndView(end.t, end.to, end.first, end.last) for end in flow.ends(loss)),
        back=max(flow.offsets, default=-1) < 0,
        nothing=_nothing(flow, t),
    )


def _hop(hop: Hop, mark: str) -> HopView:
    routes = (
        RouteView(f"{route.state} to {route.equation}, through {route.through}", route.factor, route.norm)
        for route in sorted(hop.routes, key=lambda route: -route.norm)
    )
    sizes = (hop.before, hop.after, hop.factor, hop.nonlinearity, hop.weights)
    return HopView(hop.t, hop.to, *sizes, tuple(routes), mark, hop.straight, hop.split, tuple(ways(hop)))


def _nothing(flow: Flow, t: int) -> str:
    """Why the loss at t has no hop."""
    if not flow.offsets:
        return "On the way to the loss nothing is read from another time step."
    if max(flow.offsets) == -1:
        return "There is no earlier time step in this window."
    if min(flow.offsets) == 1:
        return "There is no later time step in this window."
    reads = dict.fromkeys(f"{crossing.state}[t{crossing.offset:+d}]" for crossing in flow.crossings)
    return f"From t={t} none of the reads ({', '.join(reads)}) leads to a time step of this window."
