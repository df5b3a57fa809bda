"""A line to type in, that takes nothing a terminal could obey."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.events import Key
from textual.widgets import Input

if TYPE_CHECKING:
    from rnn_tui.screens.dialogs import AskScreen

PRINTABLE = r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]*"
"""What may be typed or pasted: an input box draws its text raw."""


class SafeInput(Input):
    """An input box that takes nothing a terminal could obey."""

    def __init__(
        self, initial: str, placeholder: str, id: str, select: bool = False, asks: AskScreen | None = None
    ) -> None:
        """`asks`: the dialog that this is a line of."""
        self._asks = asks
        super().__init__(
            initial, placeholder=placeholder, id=id, restrict=PRINTABLE, select_on_focus=select, compact=True
        )

    KEYS = frozenset(key for each in Input.BINDINGS for key in str(getattr(each, "key", "")).split(","))
    """What it is bound to."""
    LINES: ClassVar[dict[str, int]] = {"tab": 1, "shift+tab": -1}
    """Keys that lead to another line of a dialog."""

    def restricted(self) -> None:
        """What it does not take it drops without the bell."""

    async def on_key(self, event: Key) -> None:
        """Do what a key is bound to at once.

        Textual does it when the key has gone up to the app, and what was typed after it has been inserted by then.
        """
        asks = self._asks
        if asks is not None and (asks.entered or asks.focused is not self):
            event.stop()
            event.prevent_default()
            asks.type_ahead(event)
        elif asks is not None and event.key in self.LINES:
            event.stop()
            (asks.focus_next if self.LINES[event.key] > 0 else asks.focus_previous)()
        elif event.key in self.KEYS:
            event.stop()
            event.prevent_default()
            if asks is not None:
                asks.entered = event.key == "enter"
            for binding in self._bindings.get_bindings_for_key(event.key):
                await self.run_action(binding.action)
