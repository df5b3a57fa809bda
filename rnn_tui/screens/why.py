"""Why this number? The panel that explains one, and follows the cell that is selected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnn_engine.snapshot import Snapshot
from rnn_tui.commands import Keys
from rnn_tui.protocols import Controller
from rnn_tui.render.cells import resolve, written_in
from rnn_tui.render.panel import worded
from rnn_tui.render.spans import Line
from rnn_tui.render.why import TermView, WhyView, draw_why
from rnn_tui.screens.views import WRITTEN, Following, Moment, View, moment
from rnn_tui.text import safe_text

if TYPE_CHECKING:
    from rnn_engine.quantity import Cell
    from rnn_engine.why import Term, Why


@dataclass(frozen=True, eq=False, slots=True)
class WhyState:
    """A number, its explanation (or why there is none), the chosen term, the numbers one came by."""

    moment: Moment
    answer: Why | str
    nowhere: str = ""
    """Where to look for a number that no pane shows; empty where one does."""
    pane: str = ""
    """The pane that shows it."""
    chosen: int = 0
    path: tuple[str, ...] = ()


class WhyPanel(View):
    """Why this number? It explains the selected cell, and goes along when that changes."""

    EXPLAINS = (
        "Why the selected number is what it is: the equation that made it and its terms, from the largest to the "
        "smallest, with sign and share. {source} on a term goes to the step that made it and explains it in turn, down "
        "to what is given; {out} comes back the same way."
    )
    state: WhyState
    explained: Following = WRITTEN
    """What it followed when it last explained something."""

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys

    @property
    def name(self) -> str:
        return "why"

    @property
    def title(self) -> str:
        answer = self.state.answer
        return "why?" if isinstance(answer, str) else f"why {answer.label}"

    @property
    def covers(self) -> tuple[str, ...]:
        return ("gradients",) if (self.following[0] or self.state.pane) == "weights" else ("weights",)

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
        return self.state.nowhere == IN_EQUATION

    @property
    def in_no_pane(self) -> bool:
        return bool(self.state.nowhere)

    def explain(self, controller: Controller, cell: Cell, path: tuple[str, ...] = ()) -> str:
        """Explain a number from now on; in the driver's thread."""
        answer = controller.why(cell)
        if isinstance(answer, str):
            return answer
        spot = controller.spot_of(cell)
        nowhere = "" if spot is not None else _nowhere(controller, answer)
        pane = "" if spot is None else spot[0]
        self.state = WhyState(moment(controller), answer, nowhere, pane, 0, path)
        return ""

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        state, now = self.state, moment(controller)
        elsewhere = self.explained != self.following
        if state.moment == now and not elsewhere:
            return
        moved = elsewhere or state.moment[:-1] != now[:-1] or isinstance(state.answer, str)
        if moved or self.explain(controller, state.answer.cell, state.path):  # type: ignore[union-attr]
            self.follow(controller, snapshot)

    def stale(self, controller: Controller) -> bool:
        return self.state.moment[-1] != controller.revision

    def follow(self, controller: Controller, snapshot: Snapshot) -> str:
        """Explain the cell that is selected now; there is never anything to say."""
        said = self.ask(controller, snapshot)
        if said:
            self.state = WhyState(moment(controller), said)
        return ""

    def ask(self, controller: Controller, snapshot: Snapshot) -> str:
        """Explain the cell that is selected now, or say why there is nothing to explain; in the driver's thread."""
        self.explained = pane, selection = self.following
        if not pane and snapshot.number[0]:
            found = controller.cell_named(snapshot.number[0])
            return found if isinstance(found, str) else self.explain(controller, found)
        pane = pane or written_in(snapshot.panes) or "hidden"
        matrices = snapshot.panes[pane]
        at = resolve(selection, matrices)
        if at is None:
            return "there is no cell here"
        found = controller.cell_at((pane, matrices[at.index].key, at.row, at.column))
        return found if isinstance(found, str) else self.explain(controller, found)

    def draw(self, wide: int, high: int) -> list[Line]:
        state = self.state
        if isinstance(state.answer, str):
            return worded(f"{state.answer}.", wide, "muted")
        answer = state.answer
        terms = tuple(
            TermView(term.text, term.value, term.share, term.label, term.address) for term in answer.terms
        )
        view = WhyView(
            answer.label, answer.exact, answer.address, answer.rule, answer.sums, terms, answer.rounding,
            state.nowhere, min(state.chosen, max(len(terms) - 1, 0)), state.path, answer.names, answer.numbers,
            self._keys["source"], self._keys["out"],
        )  # fmt: skip
        return draw_why(view, wide, high)

    def move(self, by: int) -> None:
        answer = self.state.answer
        count = 0 if isinstance(answer, str) else len(answer.terms)
        self.state = replace(self.state, chosen=max(0, min(self.state.chosen + by, count - 1)))


IN_EQUATION = "no pane shows it: it is what the equation below has made"


def _nowhere(controller: Controller, answer: Why) -> str:
    """Where to look where no pane shows the number."""
    return IN_EQUATION if answer.address == controller.snapshot.address else "no pane shows it here"
