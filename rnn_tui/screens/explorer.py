"""What `enter`, `t`, `x` open, what keys do there, and the way back: `backspace` restores exactly what was.

A view is imported when it is opened: nothing of it is loaded unless it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from rnn_tui.protocols import Controller
from rnn_tui.render.cells import Selection
from rnn_tui.screens.stage import Picked
from rnn_tui.screens.views import WRITTEN, Following, View

if TYPE_CHECKING:
    from rnn_tui.screens.flow import FlowPanel
    from rnn_tui.screens.session import SessionScreen
    from rnn_tui.screens.why import WhyPanel


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """Where one was: the place in the run, the focus, the chosen cells, what was open."""

    place: tuple[int, int, int]
    picked: Picked
    selections: Mapping[str, Selection | None]
    zoom: str
    view: View | None
    state: Any


class Explorer:
    """Owned by the session screen. Keys that come here have waited for all that was asked before them."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self.view: View | None = None
        self._trail: list[Frame] = []
        self._acts: dict[str, Callable[[int], None]] = {
            "below_in": self._move,
            "above_in": lambda n: self._move(-n),
            "source": lambda _: self._source(),
            "map_left": lambda n: self._move_cursor(0, -n),
            "map_below": lambda n: self._move_cursor(n, 0),
            "map_above": lambda n: self._move_cursor(-n, 0),
            "map_right": lambda n: self._move_cursor(0, n),
            "hops": lambda _: self._walk(),
            "hop": lambda _: self._arrive(),
            "scale": lambda _: self._rescale(),
            "out": lambda _: self.back_out(),
            "close": lambda _: self.close(),
        }

    @property
    def name(self) -> str:
        """The view whose keys hold; empty where none is open."""
        return self.view.name if self.view else ""

    def act(self, id: str, count: int) -> None:
        """Do what a key means in the open view, or say why it could do nothing."""
        why_not = self.view.idle.get(id, "") if self.view is not None else ""
        if why_not:
            self._screen.say(why_not)
        else:
            self._acts[id](count)
            self._screen.schedule_paint()

    def forget(self) -> None:
        """Another session: nothing is open, and there is no way back."""
        self.view = None
        self._trail.clear()
        self._screen.rearrange()

    def look(self, controller: Controller) -> None:
        """In the driver's thread, after every batch."""
        if self.view is not None:
            self.view.look(controller, controller.snapshot)

    def sync(self) -> None:
        """The panel goes along with the cell that is selected."""
        view, screen = self.view, self._screen
        if view is not None and not screen.driver.busy and view.stale(screen.controller):
            screen.driver.submit(lambda: "", quiet=True)  # after each batch it looks
        view = self._why_panel
        if view is None:
            return
        self.follow()
        if view.following != view.explained:
            controller, view.explained = screen.controller, view.following
            screen.rearrange()
            screen.driver.submit(lambda: view.follow(controller, controller.snapshot))
        elif view.covers != screen.scene.panel:
            screen.rearrange()

    @property
    def _why_panel(self) -> WhyPanel | None:
        return cast("WhyPanel", self.view) if self.name == "why" else None

    def follow(self) -> None:
        """Have the open view speak of the cell that is selected from its next look on."""
        if self.view is not None:
            self.view.following = self._selected

    @property
    def _selected(self) -> Following:
        screen = self._screen
        return WRITTEN if screen.follows else (screen.pane.NAME, screen.pane.selection)

    def _explained(self) -> None:
        """What is selected now is what the open view explains."""
        self.follow()
        view = self._why_panel
        if view is not None:
            view.explained = view.following

    # opening and closing

    def why(self) -> None:
        """Explain the selected cell."""
        from rnn_tui.screens.why import WhyPanel

        screen, controller, view = self._screen, self._screen.controller, WhyPanel(self._screen.app.keys)
        view.following = self._selected

        def ask() -> str:
            return view.ask(controller, controller.snapshot)

        frame = self._frame()
        screen.submit(ask, then=lambda: self._open(view, frame))

    def flow(self) -> None:
        """Open the map, or close it."""
        if self.name in ("flow", "hops"):
            self.close()
            return
        from rnn_tui.screens.flow import FlowPanel

        view, controller, frame = FlowPanel(), self._screen.controller, self._frame()
        self._screen.submit(
            lambda: view.open(controller, controller.snapshot), then=lambda: self._open(view, frame)
        )

    def full(self) -> None:
        """Explain this step in full, or close that."""
        if self.name == "full":
            self.close()
            return
        from rnn_tui.screens.full import FullPanel

        view, controller, frame = FullPanel(), self._screen.controller, self._frame()

        def look() -> str:
            view.look(controller, controller.snapshot)
            return ""

        self._screen.submit(look, then=lambda: self._open(view, frame))

    def close(self) -> None:
        """Close the view and stay."""
        if self.view is not None:
            del self._trail[self.view.depth :]
            self.view = None
            self._screen.rearrange()

    def _open(self, view: View, frame: Frame) -> None:
        view.depth = len(self._trail)
        self._trail.append(frame)
        self.view = view
        self._screen.rearrange()

    # the way back

    def _frame(self) -> Frame:
        screen, view = self._screen, self.view
        return Frame(
            screen.controller.place,
            screen.picked,
            screen.chosen_cells(),
            screen.scene.zoom,
            view,
            None if view is None else view.state,
        )

    def back_out(self) -> None:
        """To where one was before the last Enter: address, cells, view."""
        screen = self._screen
        if not self._trail:
            why = screen.app.key("why")
            screen.say(f"nothing to go back to; {why} asks why the selected number is what it is")
            return
        frame, controller = self._trail[-1], screen.controller

        def go() -> str:
            return controller.return_to(frame.place)

        def then() -> None:
            self._trail.pop()
            self.view = frame.view
            if frame.view is not None:
                frame.view.state = frame.state
            screen.restore(frame.picked, frame.selections, frame.zoom)
            self._explained()

        screen.submit(go, then=then)

    # why

    def _move(self, by: int) -> None:
        if self.view is not None:
            self.view.move(by)

    def _source(self) -> None:
        """To the step that made the chosen term, and explain that."""
        view, screen = self._why_panel, self._screen
        assert view is not None
        term, controller, frame = view.term, screen.controller, self._frame()
        if term is None or term.source is None:
            what = "this number is given" if term is None else "this term is a constant"
            screen.say(f"{what}: nothing stands behind it")
            return
        source, address = term.source, term.address
        answer = view.state.answer
        path = (*view.state.path, "" if isinstance(answer, str) else answer.label)
        spots: list[tuple[str, str, int, int]] = []

        def go() -> str:
            before = controller.place
            said = controller.go_to(address) if address else ""
            said = said or view.explain(controller, source, path)
            if said:
                controller.return_to(before)
            elif (spot := controller.spot_of(source)) is not None:
                spots.append(spot)
            return said

        def then() -> None:
            self._trail.append(frame)
            if spots:
                screen.select(spots[0])
                self._explained()
            screen.rearrange()

        screen.submit(go, then=then)

    # flow

    def _flow_panel(self) -> FlowPanel:
        assert self.name in ("flow", "hops")
        return cast("FlowPanel", self.view)

    def _move_cursor(self, rows: int, columns: int) -> None:
        self._flow_panel().move_cursor(rows, columns)

    def _rescale(self) -> None:
        self._flow_panel().rescale()

    def _walk(self) -> None:
        """The way of the loss under the cursor."""
        view, frame = self._flow_panel(), self._frame()
        view.walk()
        if view.state.walked:
            self._trail.append(frame)

    def _arrive(self) -> None:
        """To the step where the chosen hop arrives; the panes come back to show it."""
        view, screen = self._flow_panel(), self._screen
        target, controller, frame = view.arrival(), screen.controller, self._frame()
        if target is None:
            key = screen.app.key
            screen.say(
                f"there is no hop to go to; {key('out')} leads back to the map, "
                f"where {key('map_below')} and {key('map_above')} choose another loss"
            )
            return
        address, state, t = target

        def then() -> None:
            self._trail.append(frame)
            self.view = None
            screen.select_row("gradients", f"∂{state}", str(t))
            screen.rearrange()

        screen.submit(lambda: controller.go_to(address), then=then)
