"""Keys in the order in which they are typed: counts, `v` and a letter, keys that wait for those before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.events import Key

from rnn_tui.commands import shown_key
from rnn_tui.screens.closing import ClosesOnce
from rnn_tui.screens.dialogs import AskScreen
from rnn_tui.screens.turns import LeadsOn

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen

MOST_DIGITS = 6


class Typing:
    """Owned by the session screen; finds the command of each key and has the screen's action run."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self._ahead: list[Key] = []
        self._waiting = False
        self.count = ""
        """The digits typed so far."""
        self.jump = False
        """Whether a letter names a pane now."""

    @property
    def ahead(self) -> bool:
        """Whether keys are waiting."""
        return bool(self._ahead)

    @property
    def letters(self) -> str:
        """The panes and their letters, in words."""
        return " · ".join(f"{pane.LETTER} {pane.NAME}" for pane in self._screen.panes.values())

    def forget(self) -> None:
        """Nothing was typed."""
        self._ahead.clear()
        self.count = ""

    def drop(self) -> None:
        """What waits is not wanted any more."""
        self._ahead.clear()

    async def key(self, event: Key) -> None:
        """Take a key, now or later: one that needs the answer to those before it waits."""
        if self._screen.app.leaving:
            return
        if self._screen.app.screen is not self._screen:
            self._hand_over(event)
        elif self._screen.too_small:  # nobody sees what a key does
            entry = self._screen.app.by_key[""].get(event.key)
            if entry is not None and entry.id == "quit":
                self._screen.action_leave()
        elif self._ahead or self._must_wait(event.key):
            self._ahead.append(event)
        else:
            await self._press(event.key)

    def after_batch(self) -> None:
        """Something was done: keys that waited for it can come."""
        self._waiting = False
        while self._ahead and self._screen.app.screen is not self._screen:
            self._hand_over(
                self._ahead.pop(0)
            )  # at once: what is typed from now on goes to the dialog itself
        if self._ahead:
            self._screen.call_later(self._catch_up)

    def take_count(self) -> int:
        """The count before this motion; it is used up."""
        count = int(self.count or "1")
        if self.count:
            self.count = ""
            self._screen.schedule_paint()
        return count

    def digit(self, digit: int) -> None:
        """One more digit of a count."""
        if (self.count or digit) and len(self.count) < MOST_DIGITS:
            self.count += str(digit)
            self._screen.schedule_paint()

    def _must_wait(self, key: str) -> bool:
        screen = self._screen
        entry = screen.app.by_key[screen.view_name].get(key)
        return screen.driver.busy and (self._waiting or (entry is not None and entry.waits))

    async def _catch_up(self) -> None:
        """The keys that waited, as far as they need not wait again."""
        while self._ahead:
            if self._screen.app.screen is not self._screen:
                self._hand_over(self._ahead.pop(0))
            elif self._must_wait(self._ahead[0].key):
                break
            else:
                await self._press(self._ahead.pop(0).key)

    def _hand_over(self, key: Key) -> None:
        """A dialog came while this was typed: it is meant for its line, and never a command here."""
        above = self._screen.app.screen
        copy = Key(key.key, key.character)
        if isinstance(above, AskScreen):
            above.type_ahead(key)
        elif isinstance(above, LeadsOn):
            self._screen.app.turns.hand_over(key)
        elif not (isinstance(above, ClosesOnce) and above.READ_FIRST):
            above.call_after_refresh(lambda: above.app.post_message(copy))

    async def _press(self, key: str) -> None:
        """One key. It ends the message of the last one; after `v` a letter names a pane."""
        screen = self._screen
        entry = screen.app.by_key[screen.view_name].get(key)
        if screen.said and (entry is None or entry.id != "help"):  # help says in full what was cut
            screen.say("")
        if self.jump:
            self.jump = False
            screen.schedule_paint()
            for pane in screen.panes.values():
                if key == pane.LETTER:
                    screen.give_focus(pane.NAME)
                    return
            if key != "escape":
                screen.say(f"no pane has the key {shown_key(key)}; {self.letters}")
            return
        if key == "escape" and not screen.tour.over and not screen.view_name:
            screen.action_tour()
            return
        if self.count and not (entry and (entry.counted or entry.id == "count")):
            self.count = ""
            screen.schedule_paint()
        if entry is None:
            return
        action = entry.action
        if entry.id == "count":
            action = f"digit({key})"
        elif entry.id == "answer":
            action = f"view('answer', '{key}')"
        await screen.run_action(action)
        screen.pressed(entry)
        self._waiting = entry.waits and screen.driver.busy
