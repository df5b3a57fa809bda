"""A step in full: the panel with all that is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnn_engine.snapshot import Snapshot
from rnn_tui.protocols import Controller
from rnn_tui.render.panel import draw_full
from rnn_tui.render.spans import Line
from rnn_tui.screens.views import Moment, View, moment

if TYPE_CHECKING:
    from rnn_engine.derive import Section


@dataclass(frozen=True, eq=False, slots=True)
class FullState:
    """The sections of one step, and the line at the top."""

    moment: Moment
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
        if getattr(self, "state", None) is None or self.state.moment != moment(controller):
            self.state = FullState(moment(controller), controller.derivation())

    def stale(self, controller: Controller) -> bool:
        return self.state.moment[-1] != controller.revision

    def draw(self, wide: int, high: int) -> list[Line]:
        sections = [(section.title, section.lines) for section in self.state.sections]
        lines, self._furthest = draw_full(sections, self.state.top, wide, high)
        return lines

    def move(self, by: int) -> None:
        self.state = replace(self.state, top=max(0, min(self.state.top + by, self._furthest)))
