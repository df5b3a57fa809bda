"""What is there at once when a session is opened: its title and its opening words.

Behind it, in a thread, NumPy, the engine and the session's screen are loaded, which takes as long as all the
rest of the start. Keys that are typed meanwhile are for the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.events import Key
from textual.screen import Screen

from rnn_engine.errors import EngineError
from rnn_tui.protocols import Controller, Opening
from rnn_tui.render.arrange import arrange
from rnn_tui.render.palette import Palette
from rnn_tui.render.spans import Line, fit
from rnn_tui.text import safe_text, wrap
from rnn_tui.widgets.lines import LineWidget

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp


class Front(LineWidget):
    """The title and the opening words, where the session will have them."""

    def __init__(self, palette: Palette, opening: Opening) -> None:
        super().__init__(palette, name="front")
        self._opening = opening

    def draw(self, wide: int, high: int) -> list[Line]:
        blank: Line = ()
        lines = [blank] * high
        boxes = arrange(wide, high)
        if "title" in boxes:
            lines[0] = fit([(" ", "bar"), (safe_text(self._opening.title), "bar strong")], wide, "bar")
            _, top, _, room = boxes["narration"]
            words = wrap(safe_text(self._opening.summary[: wide * high]), wide - 2)[:room]
            lines[top : top + len(words)] = [((f" {line}", "text"),) for line in words]
        lines[-1] = fit([(" opening …", "bar muted")], wide, "bar")
        return lines


class OpeningScreen(Screen[None]):
    """Opens a session, and hands over it and the keys that were typed."""

    AUTO_FOCUS = None
    app: RnnTuiApp

    def __init__(
        self,
        opening: Opening,
        palette: Palette,
        opened: Callable[[Controller, Sequence[Key]], None],
    ) -> None:
        super().__init__()
        self._opening, self._palette, self._opened = opening, palette, opened
        self._typed: list[Key] = []

    def compose(self) -> ComposeResult:
        yield Front(self._palette, self._opening)

    def on_mount(self) -> None:
        """Begin when the front is on the screen."""
        self.app.when_taken(lambda: self.run_worker(self._work()))

    async def _work(self) -> None:
        try:
            controller = await asyncio.to_thread(self._opening.open)
        except (EngineError, OSError) as error:
            self.app.refuse(str(error))
            return
        self._opened(controller, self._typed)

    def on_key(self, event: Key) -> None:
        """Leave, or keep it for the session."""
        event.stop()
        if event.key in ("q", "ctrl+c"):
            self.app.exit()
        self._typed.append(event)
