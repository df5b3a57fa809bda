"""Playing: a step after a step, each asked for when the last one is on the screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Steps a second."""


class Playing:
    """Owned by the session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self._at = 2
        self._timer: asyncio.TimerHandle | None = None
        self.on = False

    @property
    def speed(self) -> str:
        """The steps a second, as one says it."""
        return f"{SPEEDS[self._at]:g}"

    def start(self) -> None:
        """From now on; the first step at once."""
        self.on = True
        self._screen.submit_move("step", 1)

    def stop(self) -> None:
        """No further step."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.on:
            self.on = False
            self._screen.schedule_paint()

    def faster(self, change: int) -> None:
        """So many speeds up, or down."""
        self._at = max(0, min(self._at + change, len(SPEEDS) - 1))

    def after_batch(self, said: str) -> None:
        """Something was done. The next step is asked for when it is on the screen: no queue of stale frames."""
        if self.on and said:
            self.stop()
        elif self.on:
            self._screen.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        if self.on and self._timer is None:
            # Not a timer of Textual's: one that is late by its own length never calls.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(1 / SPEEDS[self._at], self._screen.call_later, self._step)

    def _step(self) -> None:
        self._timer = None
        if self.on and self._screen.app.behind:
            self._go_on()  # a slow line shows each step, later
        elif self.on and not self._screen.driver.busy:
            self._screen.submit_move("step", 1)
