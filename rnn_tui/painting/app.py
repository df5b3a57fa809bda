"""An app whose frames are small, and wait for a terminal that is slow.

`App._display` is where Textual sends each update of the screen on top, whichever it is: the one place to stand
between the two. It is no public interface; where it or what it is given is not as expected, Textual sends its
own updates as ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import Segment
from textual import _compositor, constants
from textual.app import App
from textual.errors import NoWidget
from textual.events import CursorPosition, Resize
from textual.screen import Screen
from textual.widget import Widget

from rnn_tui.painting.cells import Row
from rnn_tui.painting.pace import Looks, Pace
from rnn_tui.painting.painter import Painter, seam

LAST_ANSWER = 1.0
"""Seconds that leaving takes at most for an answer that is on its way."""

COLOURS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}

ReturnType = TypeVar("ReturnType")


class _Frame(_compositor.CompositorUpdate):
    """A frame that is ready to be sent."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence

    def render_segments(self, console: Console) -> str:
        return self._sequence


class PaintedApp(App[ReturnType]):
    """Sends differences, and is never more than two frames ahead of the terminal."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        # As Textual does it: no colour system means that the styles have no colours, or simple ones.
        colours = COLOURS.get(self.console.color_system or "", ColorSystem.TRUECOLOR)
        # GNU screen, and who says to be it, does not erase in the colour of the background.
        self._painter = Painter(colours, erases=not os.environ.get("TERM", "").startswith("screen"))
        self._pace = Pace(period=1 / constants.MAX_FPS)
        self._seam = seam()
        self._look_again: asyncio.TimerHandle | None = None
        self._looks = Looks()
        self._leave_now: Callable[[], None] | None = None
        self.leaving = False
        """Whether it has been asked to end: no key means anything any more."""
        self._when_taken: Callable[[], object] | None = None

    @property
    def behind(self) -> bool:
        """Whether the terminal has still to draw what it was sent: who plays waits."""
        return self._pace.behind or self._queued

    @property
    def _queued(self) -> bool:
        """Whether Textual's writer has more to write than the terminal takes: it blocks us when it has too much."""
        queue = getattr(getattr(self._driver, "_writer_thread", None), "_queue", None)
        return queue is not None and not queue.empty()

    def redraw(self) -> None:
        """Send the whole screen: something else may have been on the terminal."""
        self._painter.forget()
        self.screen.refresh()

    def cells(self, segments: Sequence[Segment]) -> Row:
        """What a text takes in the picture, ready for `put`."""
        return self._painter.cells(segments)

    def put(self, widget: Widget, lines: Mapping[int, Row]) -> bool:
        """Put lines of a widget into the picture, for the next `flush`; False where that is Textual's to do.

        For widgets that nothing lies on, on their own screen. Textual's own way is longer: its compositor
        hears of a change, renders it in parts and hands it over.
        """
        screen = widget.screen
        if not self._ours or screen is not self.screen or not self._painter.covers(self.size):
            return False
        # Where things are is about to change. Without these flags, which are not public, nobody can tell.
        if getattr(screen, "_layout_required", True) or getattr(screen, "_repaint_required", True):
            return False
        try:
            place = screen.find_widget(widget)
        except NoWidget:
            return False
        if not place.clip.contains_region(place.region):
            return False
        x, y, wide, _ = place.region
        for at, line in lines.items():
            self._painter.put(x, y + at, wide, line)
        return True

    def flush(self) -> None:
        """Send what was put."""
        if self._ours:
            self._send()

    @property
    def _ours(self) -> bool:
        return self._seam and not self.is_headless and not self.is_inline

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Send an update, or keep it for a later frame."""
        if not self._ours or not isinstance(renderable, _compositor.CompositorUpdate):
            super()._display(screen, cast(Any, renderable))
        elif self._painter.take(renderable):
            self._send()
        else:  # a part of a picture that we do not have
            super()._display(screen, cast(Any, renderable))
            screen.refresh()

    def _send(self) -> None:
        """Send the difference to the last frame, if the line is free."""
        if not self._painter.changed or not self._running or self._leave_now is not None:
            return
        held, early = self._batch_count or self.behind, self._pace.early
        if held or early:
            if self._look_again is None:
                self._look_again = self._in(self._looks.wait() if held else early, self._on_look_again)
            return
        self._looks.done()
        sequence = self._painter.frame()
        if sequence:
            super()._display(self.screen, cast(Any, _Frame(sequence + self._pace.question())))
            self._taken(Looks())

    def when_taken(self, call: Callable[[], object]) -> None:
        """Call when Textual's writer has taken the next frame.

        Work in another thread, begun before that, would keep the writer from its turn: it is a thread, too.
        """
        if self._ours:
            self._when_taken = call
        else:
            self.call_after_refresh(call)

    def _taken(self, looks: Looks) -> None:
        if self._when_taken is None:
            return
        if self._queued:
            self._in(looks.wait(), lambda: self._taken(looks))
        else:
            call, self._when_taken = self._when_taken, None
            call()

    def _in(self, seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        """Call then. A timer of Textual's that short is skipped, and never calls, when it is late by its own length."""
        return asyncio.get_running_loop().call_later(seconds, self.call_next, call)

    def on_unmount(self) -> None:
        """There are no frames any more."""
        if self._look_again is not None:
            self._look_again.cancel()

    def _on_look_again(self) -> None:
        self._look_again = None
        self._send()

    def on_cursor_position(self, event: CursorPosition) -> None:
        """The terminal has drawn a frame, and says so."""
        self._pace.answered()
        if self._leave_now is not None and not self._pace.answer_due(LAST_ANSWER):
            self._leave_now()
        else:
            self._send()

    def on_mount(self) -> None:
        """Hear of coming back from a suspended state."""
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())

    def on_resize(self, event: Resize) -> None:
        """The same size once more: it was another one in between, and lines have been cut."""
        if self._painter.shows(event.size):
            self.redraw()

    def exit(
        self,
        result: ReturnType | None = None,
        return_code: int = 0,
        message: RenderableType | None = None,
    ) -> None:
        """Leave, after an answer that is on its way: it would be found on the command line."""
        self.leaving = True
        self._when_answered(partial(super().exit, result, return_code, message))

    def suspend_process(self) -> None:
        """Stop, with all of our job, until the shell says `fg`; after an answer that is on its way, too."""

        def stop() -> None:
            self._leave_now = None  # from `fg` on, frames are sent again
            self.app_suspend_signal.publish(self)
            os.killpg(0, signal.SIGTSTP)  # the driver hands the terminal over, and stops this process

        self._when_answered(stop)

    def _when_answered(self, leave: Callable[[], None]) -> None:
        """Have the terminal given to somebody else; until then nothing is painted."""
        if self._leave_now is None and self._pace.answer_due(LAST_ANSWER):
            self._leave_now = leave
            self.set_timer(LAST_ANSWER, self._no_answer)
        else:
            if self._leave_now is not None:  # the last wish counts
                self._leave_now = leave
            leave()

    def _no_answer(self) -> None:
        if self._leave_now is not None:
            self._leave_now()
