"""Keys take turns where one may lead elsewhere: what is typed after it is meant for where it leads.

On a slow line, or by a quick hand, keys come in bunches. A list takes Enter in several messages, and closes at the
last of them; a key that came in the same bunch would still reach the list, and do nothing or the wrong thing. So on
such a screen each key waits until the one before has done all it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.events import Key
from textual.message_pump import MessagePump
from textual.screen import Screen

from rnn_tui.screens.closing import ClosesOnce

if TYPE_CHECKING:
    from rnn_tui.app import RnnTuiApp

SOON = 0.002
"""Seconds until the next look at what a key has done."""
LOOKS = 250
"""Looks after which a key counts as done, whatever is still on its way."""
REPEAT = 0.1
"""Seconds from one to the next of a key that is held down, at most."""
LEAVE = ("escape", "q", "ctrl+c")
"""Keys that wait for nothing that takes its time."""


class LeadsOn(ClosesOnce):
    """A screen on which a key may lead elsewhere."""

    @property
    def at_work(self) -> bool:
        """Whether it is still looking for what the next key is about, or on its way elsewhere."""
        return False


class Turns:
    """Owned by the app: lets the keys through one after another while a screen that leads on is on top."""

    def __init__(self, app: RnnTuiApp) -> None:
        self._app = app
        self._earlier: list[Key] = []
        self._waiting: list[Key] = []
        self._let_through: Key | None = None
        self._busy = False
        self._met: Screen[Any] | None = None
        self._looks = 0
        self._last = self._closed_by = ""
        self._closed_at = 0.0

    @property
    def over(self) -> bool:
        """Whether no key waits, and what the last one does is done."""
        return not (self._busy or self._earlier or self._waiting)

    def holds(self, key: Key) -> bool:
        """Whether a key has to wait; it comes again when it is its turn."""
        if key is self._let_through:
            return False
        if self._repeats(key):
            return True
        if self.over and not isinstance(self._app.screen, LeadsOn):
            return False
        self._waiting.append(key)
        self._next()
        return True

    def hand_over(self, key: Key) -> None:
        """A key that went to the screen below, before this one came."""
        self._earlier.append(Key(key.key, key.character))
        self._next()

    def passed(self, key: Key) -> None:
        """A key was handed on: the next one comes when all that it does is done."""
        if key is self._let_through:
            self._let_through = None
            screen = self._app.screen
            self._look(_Round(self._app, screen), LOOKS, key if isinstance(screen, LeadsOn) else None)

    def _repeats(self, key: Key) -> bool:
        """Whether it is the key that has closed a screen, still held down: it is not meant for what is below."""
        now = monotonic()
        again = key.key == self._closed_by and now - self._closed_at < REPEAT
        self._closed_by, self._closed_at = (key.key if again else ""), now
        return again

    def _next(self) -> None:
        screen = self._app.screen
        if isinstance(screen, ClosesOnce) and screen.READ_FIRST:
            self._earlier.clear()
            self._waiting.clear()
        if isinstance(screen, LeadsOn) and screen.at_work and self._last == "enter":
            self._drop("enter")
        if self._busy or self.over:
            return
        self._busy = True
        if isinstance(screen, LeadsOn) and screen is not self._met:
            self._met, self._looks = screen, LOOKS
            below = self._app.screen_stack[-2:][0]  # it may still have keys that it will hand over
            self._look(_Round(self._app, below), LOOKS)
        elif self._too_soon(screen):
            self._soon(self._again)
        else:
            self._let_through = (self._earlier or self._waiting).pop(0)
            self._last = self._let_through.key
            self._app.post_message(self._let_through)

    def _soon(self, call: Callable[[], None]) -> None:
        """A timer of Textual's that short may be skipped, and never call."""
        asyncio.get_running_loop().call_later(SOON, self._app.call_later, call)

    def _too_soon(self, screen: Screen[Any]) -> bool:
        """Whether a screen is not ready for the next key."""
        if not isinstance(screen, LeadsOn):
            return not screen.is_mounted
        if screen.focused is None and self._looks:
            self._looks -= 1
            return True
        return screen.at_work and (self._earlier or self._waiting)[0].key not in LEAVE

    def _drop(self, key: str) -> None:
        """A key that is held down is meant for what it was first pressed on."""
        while self._waiting and self._waiting[0].key == key:
            self._waiting.pop(0)

    def _again(self) -> None:
        self._busy = False
        self._next()

    def _look(self, round: _Round, looks: int, closing: Key | None = None) -> None:
        if round.left:
            if closing is not None:
                self._closed_by, self._closed_at = closing.key, monotonic()
                self._drop(closing.key)
        elif not round.done and looks:
            self._soon(lambda: self._look(round, looks - 1, closing))
            return
        self._again()


class _Round:
    """Goes through all of a screen and up to the app, behind the messages that a key brings.

    Three times: a key bubbles up to the app, which tells the widget what to do; what that says of it bubbles up, and
    the screen may tell another widget what to do, as the palette does its list.
    """

    def __init__(self, app: RnnTuiApp, screen: Screen[Any]) -> None:
        self._app, self._top = app, app.screen
        way: list[MessagePump] = [*reversed(list(screen.walk_children())), screen, app]
        self._way = way * 3
        self.done = False
        self._hop()

    @property
    def left(self) -> bool:
        """Whether another screen is on top now."""
        return self._app.screen is not self._top

    def _hop(self) -> None:
        if self._way:
            self._way.pop(0).call_later(self._hop)
        else:
            self.done = True
