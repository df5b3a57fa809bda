"""Gradient flow over the panes: the map of what each loss sends to each time step, and the hops of one loss's way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnn_engine.snapshot import Snapshot
from rnn_tui.protocols import Controller
from rnn_tui.render.flow import HopView, MapView, RouteView, draw_hops, draw_map, scale_of
from rnn_tui.render.panel import worded
from rnn_tui.render.spans import Line
from rnn_tui.screens.views import View
from rnn_tui.words import horizon_line

if TYPE_CHECKING:
    from rnn_engine.flow import Flow, Hop, Horizon


@dataclass(frozen=True, eq=False, slots=True)
class FlowState:
    """The itemised gradient (or why there is none), the cursor in its map, and the loss whose way is walked."""

    number: int
    flow: Flow | str
    horizon: Horizon | None
    cursor: tuple[int, int] = (0, 0)
    powers: bool | None = None
    walked: bool = False
    hop: int = 0


class FlowPanel(View):
    """Where the gradient goes, and where it dies."""

    EXPLAINS = (
        "What the loss of each time step (down) sends to the states of each time step before it (across), as a norm. "
        "Added up over the losses it is the gradient that the panes show. Enter walks the way of one loss hop by hop: "
        "each hop leaves what the nonlinearity and the weights (or gates) leave, and the worst is marked. The horizon "
        "is the number of steps after which less than 1 % of the last state's gradient is left."
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
        flow, horizon = controller.flow()
        if isinstance(flow, str):
            return flow
        t = snapshot.timeline.t
        i = None if t is None else t - 1 - flow.start
        if i is None or not (0 <= i < flow.T and flow.map[i].any()):
            i = flow.last
        self.state = FlowState(snapshot.timeline.iteration, flow, horizon, (i, i))
        return ""

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        flow, horizon = controller.flow()
        if flow is not self.state.flow:
            i, k = self.state.cursor
            last = 0 if isinstance(flow, str) else flow.T - 1
            self.state = replace(
                self.state,
                number=snapshot.timeline.iteration,
                flow=flow,
                horizon=horizon,
                cursor=(min(i, last), min(k, last)),
                hop=min(self.state.hop, max(min(i, last) - 1, 0)),
            )

    def draw(self, wide: int, high: int) -> list[Line]:
        state = self.state
        if isinstance(state.flow, str):
            return worded(f"{state.flow}.", wide, "muted")
        flow = state.flow
        i, _ = state.cursor
        if state.walked:
            return draw_hops(flow.start + i + 1, _hops(flow, i), state.hop, wide, high)
        return draw_map(self._map(flow), wide, high)

    def _map(self, flow: Flow) -> MapView:
        state = self.state
        i, k = state.cursor
        shares = flow.shares(i) if k < i else {}
        said = horizon_line(state.horizon, flow.worst(flow.last)) if state.horizon is not None else ""
        return MapView(
            flow.start,
            flow.states,
            tuple(map(tuple, flow.map.tolist())),
            _norms(flow),
            flow.remainder,
            said[:1].upper() + said[1:],
            state.cursor,
            state.powers,
            tuple((name, float(share[k])) for name, share in shares.items()),
            _memory(state.horizon),
        )

    def move(self, by: int) -> None:
        hops = self.state.cursor[0]
        self.state = replace(self.state, hop=max(0, min(self.state.hop + by, hops - 1)))

    def walk(self) -> None:
        """The way of the loss under the cursor: at the hop into that time step, else at the one that changes most."""
        flow = self.state.flow
        i, k = self.state.cursor
        if isinstance(flow, str):
            return
        hop = i - 1 - k
        if k == i:
            worst = flow.worst(i)
            hop = 0 if worst is None else flow.start + i + 1 - worst.t
        self.state = replace(self.state, walked=True, hop=max(min(hop, i - 1), 0))

    def move_cursor(self, rows: int, columns: int) -> None:
        """Another cell of the map, of those that a loss reaches."""
        if isinstance(self.state.flow, str):
            return
        i, k = self.state.cursor
        sending = [at for at in range(self.state.flow.T) if self.state.flow.map[at].any()] or [i]
        i = sending[max(0, min((sending.index(i) if i in sending else 0) + rows, len(sending) - 1))]
        k = max(0, min(k + columns, self.state.flow.reach(i)[-1]))
        self.state = replace(self.state, cursor=(i, k))

    def rescale(self) -> None:
        """By powers of ten or linear: whichever it is not."""
        flow = self.state.flow
        if isinstance(flow, str):
            return
        self.state = replace(self.state, powers=not scale_of(self._map(flow)).powers)

    def arrival(self) -> tuple[str, str, int] | None:
        """The address where the chosen hop arrives, the state, and the time step."""
        state = self.state
        if isinstance(state.flow, str) or state.cursor[0] == 0:
            return None
        hop = state.flow.hops(state.cursor[0])[state.hop]
        name = max(hop.routes, key=lambda route: route.norm).state
        return f"{state.number}:backward:{hop.t - 1}:{name}", name, hop.t - 1


def _memory(horizon: Horizon | None) -> tuple[str, tuple[float, ...]]:
    return ("", ()) if horizon is None else (horizon.state, tuple(map(float, horizon.norms)))


def _norms(flow: Flow) -> tuple[float, ...]:
    """The norm of the whole gradient at each time step, as the panes show it."""
    squares = sum(((total**2).sum(axis=-1) for total in flow.total.values()), start=np.zeros(flow.T))
    return tuple(float(size) ** 0.5 for size in squares)


def _hops(flow: Flow, loss: int) -> tuple[HopView, ...]:
    hops = flow.hops(loss)
    flowing = [hop for hop in hops if hop.before > 0.0]
    worst = min(flowing, key=lambda hop: hop.factor, default=None)
    best = max(flowing, key=lambda hop: hop.factor, default=None)

    def mark(hop: Hop) -> str:
        if hop is best and hop.factor > 1.0:
            return "grows most"
        return "loses most" if hop is worst and hop.factor < 1.0 else ""

    return tuple(
        HopView(
            hop.t, hop.before, hop.after, hop.factor, hop.nonlinearity, hop.weights,
            tuple(
                RouteView(f"{route.state} to {route.equation}, through {route.through}", route.factor, route.norm)
                for route in sorted(hop.routes, key=lambda route: -route.norm)
            ),
            mark(hop),
        )
        for hop in hops
    )  # fmt: skip
