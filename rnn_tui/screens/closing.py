"""Screens over the session that close once, however fast the keys come that close them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.widgets import Input, OptionList

if TYPE_CHECKING:
    from textual.screen import Screen

    _Screen = Screen[Any]
else:
    _Screen = object  # as a mixin: Textual takes styles and bindings from the first base that is a widget


class ClosesOnce(_Screen):
    """A screen that does nothing more once it is closed; stands before the class of the screen.

    Textual takes whatever screen is on top when one is closed, and messages may still be on their way to it: of
    two Enters at once, the second would close the session below. So a screen that is not on top takes no choices
    from what it holds, and does not close again.
    """

    READ_FIRST: ClassVar[bool] = False
    """Whether it asks what must have been read: no key that was typed before it came is an answer."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, unless it is closed already."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def check_message_enabled(self, message: Message) -> bool:
        """What is chosen or entered counts as long as the screen is there."""
        late = isinstance(message, Input.Submitted | OptionList.OptionSelected) and not self.is_active
        return super().check_message_enabled(message) and not late
