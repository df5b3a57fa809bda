"""What can be opened over the panes: why, gradient flow, a step in full.

A view has a frozen state, replaced as a whole: that is what going back restores. Its `look` runs in the driver's
thread after every batch of jobs and follows the cursor; everything else runs on the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnn_engine.snapshot import PANES, Snapshot
from rnn_tui.protocols import Controller
from rnn_tui.render.cells import Selection, resolve
from rnn_tui.render.flow import HopView, MapView, RouteView, draw_hops, draw_map, scale_of
from rnn_tui.render.panel import draw_full, worded
from rnn_tui.render.spans import Line
from rnn_tui.render.why import TermView, WhyView, draw_why
from rnn_tui.text import safe_text
from rnn_tui.words import horizon_line

if TYPE_CHECKING:
    from rnn_engine.derive import Section
    from rnn_engine.flow import Flow, Hop, Horizon
    from rnn_engine.quantity import Cell
    from rnn_engine.why import Term, Why

Place = tuple[int, int, int]
Following = tuple[str, Selection | None]
"""The pane that has the focus, and the cell chosen in it."""


class View:
    """One explanation that stands in the place of panes."""

    EXPLAINS: ClassVar[str]
    state: Any
    depth: int = 0
    """How long the way back was when it was opened: closing forgets what came after."""
    following: Following = ("hidden", None)

    @property
    def name(self) -> str:
        """One of `commands.VIEWS`: whose keys hold."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """For its frame, raw."""
        raise NotImplementedError

    @property
    def covers(self) -> tuple[str, ...]:
        """The panes in whose place it stands where there is room for others."""
        return PANES

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        """Follow the cursor; in the driver's thread."""

    def draw(self, wide: int, high: int) -> list[Line]:
        """The lines within the frame."""
        raise NotImplementedError

    def move(self, by: int) -> None:
        """Choose another term, hop or line."""

    @property
    def exact(self) -> tuple[str, str] | None:
        """Name and exact value of what it speaks of, for the title line; None: the selected cell."""
        return None


# ---------------------------------------------------------------- why


@dataclass(frozen=True, eq=False, slots=True)
class WhyState:
    """A number, its explanation (or why there is none), the chosen term, the numbers one came by."""

    place: Place
    answer: Why | str
    nowhere: str = ""
    """Where to look for a number that no pane shows; empty where one does."""
    chosen: int = 0
    path: tuple[str, ...] = ()


class WhyPanel(View):
    """Why this number? It explains the selected cell, and goes along when that changes."""

    EXPLAINS = (
        "Why the selected number is what it is: the equation that made it and its terms, from the largest to the "
        "smallest, with sign and share. Enter on a term goes to the step that made it and explains it in turn, down "
        "to what is given; Backspace comes back the same way."
    )
    state: WhyState

    @property
    def name(self) -> str:
        return "why"

    @property
    def title(self) -> str:
        answer = self.state.answer
        return "why?" if isinstance(answer, str) else f"why {answer.label}"

    @property
    def covers(self) -> tuple[str, ...]:
        return ("gradients",) if self.following[0] == "weights" else ("weights",)

    @property
    def term(self) -> Term | None:
        """The chosen term."""
        answer = self.state.answer
        if isinstance(answer, str) or not answer.terms:
            return None
        return answer.terms[min(self.state.chosen, len(answer.terms) - 1)]

    @property
    def exact(self) -> tuple[str, str] | None:
        answer = self.state.answer
        return None if isinstance(answer, str) else (safe_text(answer.label), repr(answer.exact))

    @property
    def in_equation(self) -> bool:
        """Whether the number stands in the equation below and in no pane."""
        return self.state.nowhere == IN_EQUATION

    @property
    def in_no_pane(self) -> bool:
        """Whether the selected cell of a pane is not what is explained."""
        return bool(self.state.nowhere)

    def explain(self, controller: Controller, cell: Cell, path: tuple[str, ...] = ()) -> str:
        """Explain a number from now on; in the driver's thread."""
        answer = controller.why(cell)
        if isinstance(answer, str):
            return answer
        self.state = WhyState(controller.place, answer, _nowhere(controller, cell, answer), 0, path)
        return ""

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        if self.state.place != controller.place:
            self.follow(controller, snapshot)

    def follow(self, controller: Controller, snapshot: Snapshot) -> str:
        """Explain the cell that is selected now; there is never anything to say."""
        pane, selection = self.following
        matrices = snapshot.panes[pane]
        at = resolve(selection, matrices)
        found: Cell | str = "there is no cell here"
        if at is not None:
            found = controller.cell_at((pane, matrices[at.index].key, at.row, at.column))
        said = found if isinstance(found, str) else self.explain(controller, found)
        if said:
            self.state = WhyState(controller.place, said)
        return ""

    def draw(self, wide: int, high: int) -> list[Line]:
        state = self.state
        if isinstance(state.answer, str):
            return worded(f"{state.answer}.", wide, "muted")
        answer = state.answer
        terms = tuple(
            TermView(
                term.text, term.value, term.share, term.source.label if term.source else "", term.address
            )
            for term in answer.terms
        )
        view = WhyView(
            answer.label, answer.exact, answer.address, answer.rule, answer.sums, terms, answer.rounding,
            state.nowhere, min(state.chosen, max(len(terms) - 1, 0)), state.path,
        )  # fmt: skip
        return draw_why(view, wide, high)

    def move(self, by: int) -> None:
        answer = self.state.answer
        count = 0 if isinstance(answer, str) else len(answer.terms)
        self.state = replace(self.state, chosen=max(0, min(self.state.chosen + by, count - 1)))


IN_EQUATION = "no pane shows it: it is what the equation below has made"


def _nowhere(controller: Controller, cell: Cell, answer: Why) -> str:
    """Where to look where no pane shows the number."""
    if controller.spot_of(cell) is not None:
        return ""
    return IN_EQUATION if answer.address == controller.snapshot.address else "no pane shows it here"


# ---------------------------------------------------------------- flow


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
            i = max((k for k in range(flow.T) if flow.map[k].any()), default=flow.T - 1)
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
        said = horizon_line(state.horizon, flow.worst(flow.T - 1)) if state.horizon is not None else ""
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
        """Another cell of the map; a loss sends nothing to later time steps, so the cursor stays below the diagonal."""
        if isinstance(self.state.flow, str):
            return
        i, k = self.state.cursor
        sending = [at for at in range(self.state.flow.T) if self.state.flow.map[at].any()] or [i]
        i = sending[max(0, min((sending.index(i) if i in sending else 0) + rows, len(sending) - 1))]
        k = max(0, min(k + columns, i))
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


# ---------------------------------------------------------------- in full


@dataclass(frozen=True, eq=False, slots=True)
class FullState:
    """The sections of one step, and the line at the top."""

    place: Place
    sections: tuple[Section, ...]
    top: int = 0


class FullPanel(View):
    """This step, explained in full."""

    EXPLAINS = (
        "The whole step: its rule in symbols and with numbers, what it read, and on the way back what arrived from "
        "where, why, and what it adds to each parameter. It follows when you step."
    )
    state: FullState
    _furthest: int = 0

    @property
    def name(self) -> str:
        return "full"

    @property
    def title(self) -> str:
        return "in full"

    @property
    def covers(self) -> tuple[str, ...]:
        return ("weights", "gradients")

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        if getattr(self, "state", None) is None or self.state.place != controller.place:
            self.state = FullState(controller.place, controller.derivation())

    def draw(self, wide: int, high: int) -> list[Line]:
        sections = [(section.title, section.lines) for section in self.state.sections]
        lines, self._furthest = draw_full(sections, self.state.top, wide, high)
        return lines

    def move(self, by: int) -> None:
        self.state = replace(self.state, top=max(0, min(self.state.top + by, self._furthest)))
