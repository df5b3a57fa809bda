"""The debugger's screen: five panes and what stands around them, moved by the table of commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.events import Key, MouseDown, MouseMove, MouseUp, Resize

from rnn_engine.snapshot import PANES
from rnn_tui.commands import Command
from rnn_tui.panes.around import Timeline
from rnn_tui.panes.base import Pane
from rnn_tui.protocols import Controller
from rnn_tui.render.arrange import PLAIN, Scene
from rnn_tui.render.display import Display
from rnn_tui.render.lines import FooterView
from rnn_tui.render.measure import PRECISION
from rnn_tui.render.palette import Palette
from rnn_tui.screens.arranging import Arranging
from rnn_tui.screens.asking import ask_file, ask_mark, ask_place, ask_value, ask_which_edit, ask_which_mark
from rnn_tui.screens.dialogs import SureScreen
from rnn_tui.screens.dragging import Dragging
from rnn_tui.screens.driver import Driver, Job
from rnn_tui.screens.explorer import Explorer
from rnn_tui.screens.help import HelpScreen
from rnn_tui.screens.keys import priority_bindings
from rnn_tui.screens.playing import Playing
from rnn_tui.screens.predicting import Predicting
from rnn_tui.screens.stage import Stage
from rnn_tui.screens.typed import Typing
from rnn_tui.text import safe_text
from rnn_tui.tour import OVER, Tour

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp

PATIENCE = 0.25
"""Seconds after which a running move is spoken of."""


class SessionScreen(Stage):
    """Shows one session, and turns keys into moves."""

    BINDINGS = priority_bindings()
    app: RnnTuiApp

    def __init__(
        self, controller: Controller, palette: Palette, scene: Scene = PLAIN, precision: int = PRECISION
    ) -> None:
        super().__init__(palette, scene, precision)
        self.controller = controller
        self.snapshot = controller.snapshot
        self.driver = Driver(self._look, self._after_batch)
        self.explorer = Explorer(self)
        self.predicting = Predicting(self)
        self.arranging = Arranging(self)
        self.tour = OVER
        self._dragging = Dragging(self)
        self._pointed_at: int | None = None
        self.typing = Typing(self)
        self.playing = Playing(self)
        self._message = ""
        self._patience: asyncio.TimerHandle | None = None
        self._busy = False

    def take(self, controller: Controller) -> None:
        """Show another session from now on."""
        self.playing.stop()
        self.driver.drop()
        self.controller.cancel()
        self.controller, self.snapshot = controller, controller.snapshot
        self._message = ""
        self.typing.forget()
        self.follow()
        self.predicting.forget()
        self.explorer.forget()
        self.zoom("")

    # building

    def on_mount(self) -> None:
        """Lay out, and begin to serve."""
        for name, display in self.app.displays.items():
            self.panes[name].show_as(display)
        self.run_worker(self.driver.run(), name="driver", exit_on_error=True)
        self.paint()

    def on_unmount(self) -> None:
        """Leave nothing running."""
        if self._patience is not None:
            self._patience.cancel()
        self.controller.cancel()
        self.driver.close()

    def on_resize(self, event: Resize) -> None:
        """Whether panes have whole frames depends on the height."""
        self.schedule_paint()

    # state → screen

    @property
    def covered_panes(self) -> tuple[str, ...]:
        view = self.explorer.view
        return view.covers if view is not None else ()

    def paint(self) -> None:
        """Give every widget its part of the snapshot; each sends what changed."""
        self._paint_due = False
        self.explorer.sync()
        snapshot, frames = self.predicting.covered(self.snapshot), self.boxed
        here, view = self.pane, self.explorer.view
        elsewhere = bool(self.unshown[0]) or (view is not None and view.in_no_pane)
        picked = not self.follows
        for pane in self.panes.values():
            focused = pane is here and not elsewhere
            pane.show(snapshot, focused=focused, picked=picked, jump=self.typing.jump, boxed=frames)
        if view is not None:
            self._panel.show(view.title, view.draw, boxed=frames)
        exact = (safe_text(self.unshown[0]), self.unshown[1]) if self.unshown[0] else here.exact()
        self._title.show(snapshot, (view and view.exact) or exact, len(self.arrangement.hidden))
        self._equation.show(snapshot, boxed=frames, marked=view is not None and view.in_equation)
        self._narration.show(snapshot, self._message)
        self._timeline.show(snapshot)
        self._curve.show(snapshot)
        speed = f"{self.playing.speed} a second" if self.playing.on else ""
        line = snapshot.timeline
        idle = {"step_back"} if line.index == 0 else {"step"} if line.index == line.total - 1 else set()
        tour = self.tour.hint(self.app.commands, self.view_name)
        self._keys.show(
            FooterView(
                self.typing.count, speed, self._busy, self.view_name, tour, frozenset(idle), self.app.commands
            )
        )
        self.app.flush()

    @property
    def view_name(self) -> str:
        """Whose keys hold: a question's, an open panel's, or none's."""
        if self.arranging.on:
            return "arrange"
        return "predict" if self.predicting.pending else self.explorer.name

    def say(self, message: str) -> None:
        """Put a sentence in the narration's place until the next key."""
        self._message = message
        self.schedule_paint()

    @property
    def said(self) -> str:
        """The sentence that stands in the narration's place, if one does."""
        return self._message

    # moving

    def _look(self) -> None:
        """In the driver's thread: a snapshot may take its time, and the screen must answer meanwhile."""
        controller = self.controller
        snapshot = controller.snapshot
        if controller is self.controller:
            self.explorer.look(controller)
            self.snapshot = snapshot

    def _after_batch(self, said: str) -> None:
        self._message = said
        self._busy = False
        self._ask()
        self.typing.after_batch()
        self.playing.after_batch(said)
        self.schedule_paint()

    def submit(
        self, job: Job, then: Callable[[], None] | None = None, *, quiet: bool = False
    ) -> asyncio.Future[str]:
        """Have something done in the driver's thread; `then` follows where it had nothing to say.

        The future holds what it said, and with `quiet` nobody else is told.
        """
        done = self.driver.submit(job, quiet=quiet, then=then)
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._speak_of_work)
        return done

    def submit_move(self, motion: str, count: int) -> None:
        """Have a motion carried out in the driver's thread."""
        controller = self.controller
        self.move_on()
        self.explorer.follow()
        self.submit(lambda: controller.move(motion, count))

    def _speak_of_work(self) -> None:
        self._patience = None
        if self.driver.busy and not self._busy:
            self._busy = True
            self.schedule_paint()

    async def on_key(self, event: Key) -> None:
        """All keys, in their order."""
        if await self.typing.key(event):
            event.stop()

    def pressed(self, entry: Command) -> None:
        """A command was carried out: the tour goes on, if it waited for that."""
        self._tour_to(self.tour.after("back_out" if entry.id in ("out", "close") else entry.id))

    @property
    def settled(self) -> bool:
        """Whether all that was asked for is done."""
        return not self.typing.ahead and not self.driver.busy

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
        order = [name for name in PANES if name not in self.arrangement.hidden]
        at = order.index(self.pane.NAME)
        self.give_focus(order[(at + change) % len(order)])

    def action_jump(self) -> None:
        """Wait for a letter."""
        self.typing.jump = True
        self.schedule_paint()

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
        self._show_as(pane, pane.shown_as.turned(change, bars=pane.MANNER.shares))
        self.say(f"{pane.NAME}: {pane.shown_as.said}")

    def action_scale(self, change: int) -> None:
        """The next scale of the focused pane; a count is the end of a fixed one."""
        pane, limit = self.pane, int(self.typing.count or 0)
        self.typing.take_count()
        self._show_as(pane, pane.shown_as.scaled(change, limit))
        self.say(f"{pane.NAME}: {pane.shown_as.scale_said}")

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
        if self.predicting.pending:
            key = self.app.key
            self.say(f"first the answer; {key('reveal')} shows it, {key('end_predict')} ends predict mode")
        else:
            explain()

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

    def _ask(self) -> None:
        self.predicting.arrive(self.snapshot)
        if self.predicting.pending and self.explorer.view is not None:
            self.explorer.close()  # it would show what is asked

    # what if

    def action_edit(self) -> None:
        """Ask for another value of the selected cell."""
        self.playing.stop()
        if self.predicting.pending:
            self.say("first the answer; a shows it, p ends predict mode")
        else:
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

    def go_there(self, text: str, *, quiet: bool = False) -> asyncio.Future[str]:
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

    def _tour_to(self, tour: Tour) -> None:
        if tour != self.tour:
            self.tour = tour
            if tour.over:
                key = self.app.key
                self.say(
                    f"the tour is over; {key('help')} explains everything again, and {key('palette')} finds it"
                )
            self.schedule_paint()

    def action_help(self) -> None:
        """Explain the panel that is open, else the focused pane."""
        pane, view = self.pane, self.explorer.view
        title = self.snapshot.names.get(pane.NAME, pane.NAME)
        words = (title, pane.EXPLAINS) if view is None else (view.title, view.EXPLAINS)
        note = "" if self.predicting.pending or not self.snapshot.note else f"◆ {self.snapshot.note}"
        if self._message:
            note, self._message = self._message, ""
            self.schedule_paint()
        self.app.push_screen(HelpScreen(*words, note, self.view_name, self.app.commands))

    def action_leave(self) -> None:
        """Quit, or ask first."""
        self.when_sure("Quit", self.app.exit)

    def when_sure(self, verb: str, then: Callable[[], object]) -> None:
        """Do it at once unless something would be lost."""
        lost = []
        if self.controller.unsaved:
            lost.append("marks, notes or edits")
        if self.predicting.unsaved:
            lost.append(f"answers ({self.app.key('record')} saves them)")
        if not lost:
            then()
            return

        def answered(sure: bool | None) -> None:
            if sure:
                then()

        self.app.push_screen(
            SureScreen(f"{verb} without saving? {' and '.join(lost).capitalize()} would be lost."), answered
        )
