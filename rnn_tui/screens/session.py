"""The debugger's screen: five panes and what stands around them, moved by the table of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.events import Key, Resize
from textual.screen import Screen
from textual.timer import Timer

from rnn_engine.errors import EngineError
from rnn_engine.snapshot import PANES
from rnn_tui.panes.around import Curve, Equation, KeysLine, Narration, Timeline, Title, TooSmall
from rnn_tui.panes.base import Pane
from rnn_tui.panes.gradients import Gradients
from rnn_tui.panes.hidden import Hidden
from rnn_tui.panes.inputs import Inputs
from rnn_tui.panes.output import Output
from rnn_tui.panes.weights import Weights
from rnn_tui.protocols import Controller
from rnn_tui.render.arrange import boxed
from rnn_tui.render.lines import FooterView
from rnn_tui.render.palette import Palette
from rnn_tui.screens.dialogs import AskScreen, Field, MarksScreen, SureScreen
from rnn_tui.screens.driver import Driver
from rnn_tui.screens.help import HelpScreen
from rnn_tui.screens.keys import BY_KEY, priority_bindings
from rnn_tui.screens.place import Placing
from rnn_tui.text import safe_text
from rnn_tui.widgets.lines import LineWidget

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp

PANE_TYPES: tuple[type[Pane], ...] = (Inputs, Weights, Hidden, Output, Gradients)
SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Steps a second while playing."""
PATIENCE = 0.25
"""Seconds after which a running move is spoken of."""
MOST_DIGITS = 6


class SessionScreen(Screen[None]):
    """Shows one session, and turns keys into moves."""

    BINDINGS = priority_bindings()
    AUTO_FOCUS = "#hidden"
    app: RnnTuiApp

    def __init__(self, controller: Controller, palette: Palette) -> None:
        super().__init__()
        self.controller = controller
        self.snapshot = controller.snapshot
        self.driver = Driver(self._look, self._after_batch)
        self._palette = palette
        self._placing = Placing()
        self._jump = False
        self._count = ""
        self._message = ""
        self._speed = 2
        self._playing = False
        self._timer: Timer | None = None
        self._busy = False
        self._paint_due = False

    def take(self, controller: Controller) -> None:
        """Show another session from now on."""
        self._stop_playing()
        self.driver.drop()
        self.controller.cancel()
        self.controller, self.snapshot = controller, controller.snapshot
        self._count = self._message = ""
        for pane in self._panes.values():
            pane.forget()
        self._zoom("")

    # building

    @property
    def layout(self) -> Placing:
        """Our own layout: styles only take those Textual knows by name."""
        return self._placing

    def compose(self) -> ComposeResult:
        """Everything is a child of the screen; `Placing` says what is shown where."""
        palette = self._palette
        self._panes = {cls.NAME: cls(palette) for cls in PANE_TYPES}
        self._title, self._equation, self._narration = Title(palette), Equation(palette), Narration(palette)
        self._timeline, self._curve, self._keys = Timeline(palette), Curve(palette), KeysLine(palette)
        yield self._title
        yield from (self._panes[name] for name in ("inputs", "hidden", "output", "weights", "gradients"))
        yield from (
            self._curve,
            self._equation,
            self._narration,
            self._timeline,
            self._keys,
            TooSmall(palette),
        )

    def on_mount(self) -> None:
        """Lay out, and begin to serve."""
        self.run_worker(self.driver.run(), name="driver", exit_on_error=True)
        self._paint()

    def on_unmount(self) -> None:
        """Leave nothing running."""
        self.controller.cancel()
        self.driver.close()

    def on_resize(self, event: Resize) -> None:
        """Whether panes have whole frames depends on the height."""
        self._schedule_paint()

    def on_descendant_focus(self) -> None:
        """The focus shows in the frames, and the title speaks of the focused pane's cell."""
        self._schedule_paint()

    # state → screen

    @property
    def pane(self) -> Pane:
        """The pane that has the focus."""
        focused = self.focused
        return focused if isinstance(focused, Pane) else self._panes["hidden"]

    def set_palette(self, palette: Palette) -> None:
        """Draw with other styles from now on."""
        self._palette = palette
        for widget in self.query(LineWidget):
            widget.set_palette(palette)

    def _schedule_paint(self) -> None:
        """Paint after what is going on now, once, however often this is asked for."""
        if not self._paint_due:
            self._paint_due = True
            self.call_later(self._paint)

    def _paint(self) -> None:
        """Give every widget its part of the snapshot; each sends what changed."""
        self._paint_due = False
        snapshot, frames = self.snapshot, boxed(self.app.size.height)
        here = self.pane
        for pane in self._panes.values():
            pane.show(snapshot, focused=pane is here, jump=self._jump, boxed=frames)
        self._title.show(snapshot, here.exact())
        self._equation.show(snapshot, boxed=frames)
        self._narration.show(snapshot, self._message)
        self._timeline.show(snapshot)
        self._curve.show(snapshot)
        speed = f"{SPEEDS[self._speed]:g} a second" if self._playing else ""
        self._keys.show(FooterView(self._count, speed, self._busy))

    def say(self, message: str) -> None:
        """Put a sentence in the narration's place until the next key."""
        self._message = message
        self._schedule_paint()

    # moving

    def _look(self) -> None:
        """In the driver's thread: a snapshot may take its time, and the screen must answer meanwhile."""
        controller = self.controller
        snapshot = controller.snapshot
        if controller is self.controller:
            self.snapshot = snapshot

    def _after_batch(self, said: str) -> None:
        self._message = said
        self._busy = False
        if self._playing:
            if said:
                self._stop_playing()
            else:
                # The next step is asked for when this one is on the screen, never before: no queue of stale frames.
                self.call_after_refresh(self._play_on)
        self._schedule_paint()

    def _submit_move(self, motion: str, count: int) -> None:
        controller = self.controller
        self.driver.submit(lambda: controller.move(motion, count))
        self.set_timer(PATIENCE, self._speak_of_work)

    def _speak_of_work(self) -> None:
        if self.driver.busy and not self._busy:
            self._busy = True
            self._schedule_paint()

    async def on_key(self, event: Key) -> None:
        """All keys, in their order. Each ends the message of the last one; after `v` a letter names a pane."""
        if self._message:
            self.say("")
        if self._jump:
            self._jump = False
            self._schedule_paint()
            for pane in self._panes.values():
                if event.key == pane.LETTER:
                    event.stop()
                    self._focus(pane.NAME)
                    return
        entry = BY_KEY.get(event.key)
        if self._count and not (entry and (entry.counted or entry.id == "count")):
            self._count = ""
            self._schedule_paint()
        if entry is not None:
            event.stop()
            await self.run_action(f"digit({event.key})" if entry.id == "count" else entry.action)

    def _take_count(self) -> int:
        count = int(self._count or "1")
        if self._count:
            self._count = ""
            self._schedule_paint()
        return count

    def action_motion(self, motion: str) -> None:
        """Move in time; playing ends."""
        self._stop_playing()
        self._submit_move(motion, self._take_count())

    def action_digit(self, digit: int) -> None:
        """One more digit of a count."""
        if (self._count or digit) and len(self._count) < MOST_DIGITS:
            self._count += str(digit)
            self._schedule_paint()

    def action_stop(self) -> None:
        """Stop what runs; otherwise say how to leave."""
        if self.driver.busy:
            self.driver.drop()
            self.controller.cancel()
        elif not self._playing:
            self.say("nothing is running; q leaves")
        self._stop_playing()

    # playing

    def action_play(self) -> None:
        """Play, or pause."""
        if self._playing:
            self._stop_playing()
        else:
            self._playing = True
            self._submit_move("step", 1)
        self._schedule_paint()

    def action_speed(self, change: int) -> None:
        """Play faster or slower."""
        self._speed = max(0, min(self._speed + change, len(SPEEDS) - 1))
        if not self._playing:
            self.say(f"space plays {SPEEDS[self._speed]:g} steps a second")
        self._schedule_paint()

    def _play_on(self) -> None:
        if self._playing and self._timer is None:
            self._timer = self.set_timer(1 / SPEEDS[self._speed], self._play_step)

    def _play_step(self) -> None:
        self._timer = None
        if self._playing and not self.driver.busy:
            self._submit_move("step", 1)

    def _stop_playing(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._playing:
            self._playing = False
            self._schedule_paint()

    # panes and cells

    def action_cell(self, dx: int, dy: int) -> None:
        """Move the cell of the focused pane."""
        self.pane.move_cell(dx, dy, self._take_count())
        self._schedule_paint()

    def action_pane(self, change: int) -> None:
        """Focus the next pane, or the one before."""
        order = PANES
        at = order.index(self.pane.NAME)
        self._focus(order[(at + change) % len(order)])

    def _focus(self, name: str) -> None:
        if self._placing.zoom:
            self._zoom(name)
        self._panes[name].focus()

    def action_jump(self) -> None:
        """Wait for a letter."""
        self._jump = True
        self._schedule_paint()

    def action_zoom(self) -> None:
        """All the room for the focused pane, or back to all five."""
        self._zoom("" if self._placing.zoom else self.pane.NAME)

    def _zoom(self, name: str) -> None:
        self._placing.zoom = name
        # From a child: that forgets the arrangement of its parents, of which the screen is one.
        self.pane.refresh(layout=True)
        self._schedule_paint()

    # marks, places, files

    def action_go_to(self) -> None:
        """Ask where to."""
        controller = self.controller

        async def attempt(values: tuple[str, ...]) -> str:
            text = values[0].strip()
            return await self.driver.submit(lambda: controller.go_to(text), quiet=True) if text else ""

        hint = "3 time step · #120 index · 12:backward:3:h address · 50% · end"
        self.app.push_screen(AskScreen("Go to", (Field(""),), hint, attempt))

    def action_mark(self) -> None:
        """Ask for a name and a note."""
        controller = self.controller

        async def attempt(values: tuple[str, ...]) -> str:
            name, note = values[0].strip(), values[1].strip()
            if not name:
                return "a mark needs a name"
            return await self.driver.submit(lambda: controller.add_mark(name, note), quiet=True)

        fields = (Field("name"), Field("note"))
        self.app.push_screen(AskScreen(f"Mark {self.snapshot.address}", fields, "", attempt))

    def action_marks(self) -> None:
        """List the marks; the one that is picked is gone to."""
        controller = self.controller

        def picked(address: str | None) -> None:
            if address:
                self.driver.submit(lambda: controller.go_to(address))

        marks = controller.marks()
        if not marks:
            self.say("no marks yet; m sets one here")
            return
        self.app.push_screen(MarksScreen(marks, self.snapshot.address), picked)

    def action_save(self) -> None:
        """Ask for a file, and write it."""
        controller = self.controller
        written: list[str] = []

        def write(path: str) -> str:
            try:
                written.append(controller.save(path))
            except (EngineError, OSError) as error:
                return str(error)
            return ""

        async def attempt(values: tuple[str, ...]) -> str:
            path = values[0].strip()
            if not path:
                return "a file needs a name"
            said = await self.driver.submit(lambda: write(path), quiet=True)
            if not said:
                self.say(f"saved {safe_text(written[-1])}")
            return said

        path = controller.path or ""
        initial = path if path == safe_text(path) else ""
        self.app.push_screen(AskScreen("Save as", (Field("file", initial),), "one JSON file", attempt))

    def action_open(self) -> None:
        """The list of lessons."""
        self._stop_playing()
        self.app.choose()

    def action_help(self) -> None:
        """Explain the focused pane."""
        pane = self.pane
        title = self.snapshot.names.get(pane.NAME, pane.NAME)
        self.app.push_screen(HelpScreen(title, pane.EXPLAINS, self.snapshot.note))

    def action_leave(self) -> None:
        """Quit, or ask first."""
        self.when_sure("Quit", self.app.exit)

    def when_sure(self, verb: str, then: Callable[[], object]) -> None:
        """Do it at once unless something would be lost."""
        if not self.controller.unsaved:
            then()
            return

        def answered(sure: bool | None) -> None:
            if sure:
                then()

        self.app.push_screen(
            SureScreen(f"{verb} without saving? Marks, notes or edits would be lost."), answered
        )
