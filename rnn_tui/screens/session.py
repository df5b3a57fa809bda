"""The debugger's screen: what each command of the table does, and the mouse."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.events import MouseDown, MouseMove, MouseUp

from rnn_engine.panes import PANES
from rnn_tui.panes.around import Timeline
from rnn_tui.panes.base import Pane
from rnn_tui.protocols import Controller
from rnn_tui.render.arrange import PLAIN, Scene
from rnn_tui.render.display import Display
from rnn_tui.render.number import PRECISION
from rnn_tui.render.palette import Palette
from rnn_tui.screens import arranging, predicting
from rnn_tui.screens.arranging import Arranging
from rnn_tui.screens.asking import ask_file, ask_mark, ask_place, ask_value, ask_which_edit, ask_which_mark
from rnn_tui.screens.dialogs import SureScreen
from rnn_tui.screens.dragging import Dragging
from rnn_tui.screens.explorer import Explorer
from rnn_tui.screens.help import HelpScreen
from rnn_tui.screens.keys import priority_binding
from rnn_tui.screens.playing import Playing
from rnn_tui.screens.predicting import Predicting
from rnn_tui.screens.running import Running
from rnn_tui.screens.typed import Typing
from rnn_tui.tour import OVER, Tour


class SessionScreen(Running):
    """Shows one session, and turns keys into moves."""

    BINDINGS: ClassVar[list[BindingType]] = [priority_binding("stop")]

    def __init__(
        self, controller: Controller, palette: Palette, scene: Scene = PLAIN, precision: int = PRECISION
    ) -> None:
        super().__init__(controller, palette, scene, precision)
        self.explorer = Explorer(self)
        self.predicting = Predicting(self)
        self.arranging = Arranging(self)
        self.typing = Typing(self)
        self.playing = Playing(self)
        self._dragging = Dragging(self)
        self._pointed_at: int | None = None

    # moving

    def action_motion(self, motion: str) -> None:
        """Move in time; playing ends."""
        self.playing.stop()
        self.submit_move(motion, self.typing.take_count())

    def action_digit(self, digit: int) -> None:
        """One more digit of a count."""
        self.typing.digit(digit)

    def action_stop(self) -> None:
        """Stop what runs; otherwise say how to leave."""
        self.typing.drop()
        if self.driver.busy:
            self.driver.drop()
            self.controller.cancel()
        elif not self.playing.on:
            self.say(f"nothing is running; {self.app.key('quit')} leaves")
        self.playing.stop()

    # playing

    def action_play(self) -> None:
        """Play, or pause."""
        if self.playing.on:
            self.playing.stop()
        elif self.predicting.on:
            self.say(f"predict mode goes step by step; {self.app.key('predict')} ends it")
        else:
            self.playing.start()
        self.schedule_paint()

    def action_speed(self, change: int) -> None:
        """Play faster or slower."""
        self.playing.faster(change)
        if not self.playing.on:
            self.say(f"{self.app.key('play')} plays {self.playing.speed} steps a second")
        self.schedule_paint()

    # panes and cells

    def action_cell(self, dx: int, dy: int) -> None:
        """Move the selected cell from where it is; from now on it is the one that was picked."""
        self.give_focus(self.pane.NAME)
        self.pane.move_cell(dx, dy, self.typing.take_count())
        self.schedule_paint()

    def action_follow(self) -> None:
        """Let go of the cell that was picked."""
        self.follow()

    def action_pane(self, change: int) -> None:
        """Focus the next pane, or the one before."""
        at, hidden = PANES.index(self.pane.NAME), self.arrangement.hidden  # which it may be itself
        onward = (PANES[(at + change * k) % len(PANES)] for k in range(1, len(PANES) + 1))
        self.give_focus(next(name for name in onward if name not in hidden))

    def action_jump(self) -> None:
        """Wait for a letter."""
        self.typing.jump = True
        self.say(f"to which pane? {self.typing.letters} · Esc stays here")

    def action_zoom(self) -> None:
        """All the room for the focused pane, or back to all five."""
        if self.scene.zoom:
            self.zoom("")
        else:
            self.give_focus(self.pane.NAME)
            self.zoom(self.pane.NAME)

    def action_arrange(self) -> None:
        """Move the edges between panes, and hide some."""
        self.playing.stop()
        self.arranging.begin()

    # the mouse

    def on_timeline_picked(self, event: Timeline.Picked) -> None:
        """Go where it points; while that is being done, only the latest place counts."""
        self.playing.stop()
        self.move_on()
        self.explorer.follow()
        waiting, self._pointed_at = self._pointed_at is not None, event.index
        if not waiting:
            self.submit(self._go_where_pointed)

    def _go_where_pointed(self) -> str:
        index, self._pointed_at = self._pointed_at, None
        return "" if index is None else self.controller.go_to(f"#{index}")

    def on_pane_pointed(self, event: Pane.Pointed) -> None:
        """The pane gets the focus; twice asks why."""
        self.give_focus(event.pane.NAME)
        if event.again and not self.view_name:
            self.action_why()

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take hold of an edge between panes."""
        if self._dragging.begin(event.screen_x, event.screen_y):
            event.stop()

    def on_mouse_move(self, event: MouseMove) -> None:
        """The edge goes along."""
        self._dragging.to(event.screen_x, event.screen_y)

    def on_mouse_up(self, event: MouseUp) -> None:
        """Let go of it."""
        self._dragging.end()

    def action_display(self, change: int) -> None:
        """Numbers, heat map, both: the next of them in the focused pane."""
        pane = self.pane
        if pane.NAME in self.covered_panes:
            self.say(f"{pane.NAME} is covered by the panel; {self.app.key('close')} closes it")
            return
        self._show_as(pane, pane.shown_as.turned(change, bars=pane.MANNER.shares))
        self.say(f"{pane.NAME}: {pane.shown_as.said}")

    def action_scale(self, change: int) -> None:
        """The next scale of the focused pane; a count is the end of a fixed one."""
        pane, limit = self.pane, int(self.typing.count or 0)
        self.typing.take_count()
        self._show_as(pane, pane.shown_as.scaled(change, limit))
        fixed = pane.shown_as.scale == "fixed"
        other = f"; a count before {self.app.key('scale_of')} sets another" if fixed else ""
        self.say(f"{pane.NAME}: {pane.shown_as.scale_said}{other}")

    def _show_as(self, pane: Pane, display: Display) -> None:
        pane.show_as(display)
        self.app.remember(displays={**self.app.displays, pane.NAME: display})

    # explanations

    def action_why(self) -> None:
        """What is the selected number made of?"""
        self._explain(self.explorer.why)

    def action_flow(self) -> None:
        """Gradient flow, or back from it."""
        self._explain(self.explorer.flow)

    def action_full(self) -> None:
        """This step in full, or back from it."""
        self._explain(self.explorer.full)

    def _explain(self, explain: Callable[[], None]) -> None:
        self.playing.stop()
        if not self._answer_first():
            explain()

    def _answer_first(self) -> bool:
        """Whether a question waits for its answer; then that is said."""
        if self.predicting.pending:
            key = self.app.key
            self.say(f"first the answer; {key('reveal')} shows it, {key('end_predict')} ends predict mode")
        return self.predicting.pending

    def action_back_out(self) -> None:
        """To where one was before the last Enter."""
        self.playing.stop()
        self.explorer.back_out()

    def action_view(self, id: str, key: str = "") -> None:
        """What a key means in the view that is open, or to the question that is."""
        count = self.typing.take_count()
        if self.arranging.on:
            self.arranging.act(id, count)
        elif self.predicting.pending:
            self.predicting.act(id, count, key)
        elif self.explorer.view is not None:
            self.explorer.act(id, count)

    def action_predict(self) -> None:
        """Begin to predict, or end it."""
        self.playing.stop()
        self.predicting.toggle()
        self._ask()
        self.schedule_paint()

    def action_record(self) -> None:
        """Save the answers."""
        self.predicting.save()

    # what if

    def action_edit(self) -> None:
        """Ask for another value of the selected cell."""
        self.playing.stop()
        if not self._answer_first():
            ask_value(self)

    def action_undo(self) -> None:
        """Take the last edit back."""
        self.playing.stop()
        controller = self.controller
        self.submit(lambda: controller.undo())

    def action_redo(self) -> None:
        """Make it again."""
        self.playing.stop()
        controller = self.controller
        self.submit(lambda: controller.redo())

    def action_edits(self) -> None:
        """List the edits; the one that is picked is gone to."""
        ask_which_edit(self)

    # marks, places, files

    def action_go_to(self) -> None:
        """Ask where to."""
        ask_place(self)

    def action_search(self) -> None:
        """Find a place by its name."""
        self.playing.stop()
        self.app.search_places()

    def go_to(self, target: str) -> None:
        """Go to a place in words."""
        self.playing.stop()
        self.go_there(target)

    def go_there(self, text: str, *, quiet: bool = False) -> Future[str]:
        """Go to a place in words; the number that it names is selected."""
        controller = self.controller
        self.move_on()
        self.explorer.follow()
        spots: list[tuple[str, str, int, int]] = []

        def go() -> str:
            said = controller.go_to(text)
            spot = None if said else controller.spot_named(text)
            spots.extend([spot] if spot is not None else [])
            return said

        def then() -> None:
            if spots:
                self.select(spots[0])

        return self.submit(go, then, quiet=quiet)

    def begin(self, name: str) -> None:
        """Open a lesson by its name, in the place of this session."""
        self.playing.stop()
        self.app.open_lesson(name)

    def action_mark(self) -> None:
        """Ask for a name and a note."""
        ask_mark(self)

    def action_marks(self) -> None:
        """List the marks; the one that is picked is gone to."""
        ask_which_mark(self)

    def action_save(self) -> None:
        """Ask for a file, and write it."""
        ask_file(self)

    def action_export(self) -> None:
        """Ask for a file, and write the picture or the step."""
        from rnn_tui.screens.exporting import ask_export  # few export: it is loaded when one does

        self.playing.stop()
        ask_export(self)

    def action_open(self) -> None:
        """The list of lessons."""
        self.playing.stop()
        self.app.choose()

    def action_tour(self) -> None:
        """Take the tour, or end it."""
        self._tour_to(Tour() if self.tour.over else OVER)

    def action_help(self) -> None:
        """Explain what is going on: a question, arranging, the panel that is open; else the focused pane."""
        pane, view = self.pane, self.explorer.view
        title = self.snapshot.names.get(pane.NAME, pane.NAME)
        words = (title, pane.EXPLAINS) if view is None else (view.title, view.EXPLAINS)
        if self.arranging.on:
            words = "arranging panes", arranging.EXPLAINS
        elif self.predicting.pending:
            words = "predict mode", predicting.EXPLAINS
        title, explains = words
        note = "" if self.predicting.pending or not self.snapshot.note else f"◆ {self.snapshot.note}"
        if self._message:
            note, self._message = self._message, ""
            self.schedule_paint()
        explains = explains.format_map(self.app.keys)
        screen = HelpScreen(title, explains, note, self.view_name, self.app.commands, "panes and cells")
        self.app.push_screen(screen)

    def action_leave(self) -> None:
        """Quit, or ask first."""
        self.when_sure("Quit", self.app.exit)

    def when_sure(self, verb: str, then: Callable[[], object]) -> None:
        """Do it at once unless something would be lost."""
        lost = []
        if self.controller.unsaved:
            lost.append("marks, notes or edits")
        if self.predicting.unsaved:
            lost.append("answers")
        if not lost:
            then()
            return

        def answered(what: str | None) -> None:
            if what == "yes":
                then()
            elif what == "save" and self.controller.unsaved:  # there may be answers yet: it is asked again
                ask_file(self, then=lambda: self.when_sure(verb, then))
            elif what == "save":
                self.predicting.save(then=then)

        question = f"{verb} without saving? {' and '.join(lost).capitalize()} would be lost."
        self.app.push_screen(SureScreen(question, save=verb.lower()), answered)
