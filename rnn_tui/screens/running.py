"""A session on the stage: jobs that run in their order, and after them all is painted once.

What each command does is the business of `SessionScreen`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.events import Key, Resize

from rnn_tui.commands import Command
from rnn_tui.protocols import Controller
from rnn_tui.render.arrange import PLAIN, Scene
from rnn_tui.render.cells import resolve
from rnn_tui.render.lines import FooterView
from rnn_tui.render.number import PRECISION
from rnn_tui.render.palette import Palette
from rnn_tui.screens.driver import Driver, Job
from rnn_tui.screens.stage import Stage
from rnn_tui.text import safe_text
from rnn_tui.tour import OVER, Tour

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp
    from rnn_tui.screens.arranging import Arranging
    from rnn_tui.screens.explorer import Explorer
    from rnn_tui.screens.playing import Playing
    from rnn_tui.screens.predicting import Predicting
    from rnn_tui.screens.typed import Typing

PATIENCE = 0.25
"""Seconds after which a running move is spoken of."""


class Running(Stage):
    """Shows what its controller says, and has it do things in the driver's thread."""

    app: RnnTuiApp
    explorer: Explorer
    predicting: Predicting
    arranging: Arranging
    typing: Typing
    playing: Playing

    def __init__(
        self, controller: Controller, palette: Palette, scene: Scene = PLAIN, precision: int = PRECISION
    ) -> None:
        super().__init__(palette, scene, precision)
        self.controller = controller
        self.snapshot = controller.snapshot
        self.driver = Driver(self._look, self._after_batch, lambda: self.controller.look_ahead())
        self.tour = OVER
        self._message = ""
        self._patience: asyncio.TimerHandle | None = None
        self._busy = False

    def take(self, controller: Controller) -> None:
        """Show another session from now on."""
        self.playing.stop()
        self.driver.drop()
        self.controller.cancel()
        self.controller, self.snapshot = controller, controller.snapshot
        self._message = self.app.kept_of(controller)
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
        self._message = self.app.kept_of(self.controller)
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

    def on_screen_suspend(self) -> None:
        """A dialog has the keys now."""
        self.schedule_paint()

    def on_screen_resume(self) -> None:
        """They are ours again."""
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
        elsewhere = bool(self.elsewhere[0]) or (view is not None and view.in_no_pane)
        picked = not self.follows
        for pane in self.panes.values():
            focused = pane is here and not elsewhere
            pane.show(snapshot, focused=focused, picked=picked, jump=self.typing.jump, boxed=frames)
        if view is not None:
            self._panel.show(view.title, view.draw, boxed=frames)
        name, number = self.elsewhere
        exact = (safe_text(name), number) if name else (view and view.exact) or here.exact()
        self._title.show(snapshot, exact, len(self.arrangement.hidden))
        self._equation.show(snapshot, boxed=frames, marked=view is not None and view.in_equation)
        self._narration.show(snapshot, self._message)
        self._timeline.show(snapshot)
        self._small.show(self.app.key("quit"))
        self._curve.show(snapshot)
        speed = f"{self.playing.speed} a second" if self.playing.on else ""
        covered = not self.is_active
        tour = self.tour.hint(self.app.commands, self.view_name)
        self._keys.show(
            FooterView(
                self.typing.count,
                speed,
                self._busy,
                covered,
                self.view_name,
                tour,
                self._idle,
                self.app.commands,
            )
        )
        self.app.flush()

    @property
    def _idle(self) -> frozenset[str]:
        """Commands that could do nothing here."""
        line, view = self.snapshot.timeline, self.explorer.view
        idle = {"step_back"} if line.index == 0 else {"step"} if line.index == line.total - 1 else set()
        matrices = self.snapshot.panes[self.pane.NAME]
        at = resolve(self.pane.selection, matrices)
        spot = at and (self.pane.NAME, matrices[at.index].key, at.row, at.column)
        if self.elsewhere[0] or not spot or not self.controller.can_set(self.snapshot, spot):
            idle.add("edit")
        return frozenset(idle) | (view.idle.keys() if view is not None else set())

    @property
    def elsewhere(self) -> tuple[str, str]:
        """Name and exact value of the number in the title where that is the selected cell of no pane; else empty."""
        view = self.explorer.view
        if view is None or view.exact is None:
            return self.unshown
        return view.exact if view.in_no_pane or self.unshown[0] else ("", "")

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
        self.paint()

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
        """All keys, in their order. None goes on to the app, which might find that it means something to a dialog
        that a later key has opened."""
        event.stop()
        await self.typing.key(event)

    def pressed(self, entry: Command) -> None:
        """A command was carried out: the tour goes on, if it waited for that."""
        self._tour_to(self.tour.after("back_out" if entry.id in ("out", "close") else entry.id))

    @property
    def settled(self) -> bool:
        """Whether all that was asked for is done."""
        return not self.typing.ahead and not self.driver.busy

    def _ask(self) -> None:
        self.predicting.arrive(self.snapshot)
        if self.predicting.pending and self.explorer.view is not None:
            self.explorer.close()  # it would show what is asked

    def _tour_to(self, tour: Tour) -> None:
        if tour != self.tour:
            self.tour = tour
            if tour.over:
                key = self.app.key
                self.say(
                    f"the tour is over; {key('help')} explains everything again, and {key('palette')} finds it"
                )
            self.schedule_paint()
