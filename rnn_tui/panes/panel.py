"""The panel: an explanation that stands in the place of panes for a while."""

from __future__ import annotations

from collections.abc import Callable

from rnn_tui.render.frame import framed
from rnn_tui.render.palette import Palette
from rnn_tui.render.pane import PaneView
from rnn_tui.render.spans import Line
from rnn_tui.widgets.lines import LineWidget

Draw = Callable[[int, int], list[Line]]
"""(width, height) → the lines within the frame."""


class Panel(LineWidget):
    """A frame around what a view draws."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, name="panel")
        self._title = ""
        self._body: Draw | None = None
        self._boxed = True

    def show(self, title: str, body: Draw | None, *, boxed: bool) -> None:
        """Show what this draws; None: nothing is open."""
        self._title, self._body, self._boxed = title, body, boxed
        if body is not None:
            self.update()

    def draw(self, wide: int, high: int) -> list[Line]:
        if self._body is None:
            return []
        inner = (wide - 4, high - 2) if self._boxed else (wide - 1, high - 1)
        view = PaneView(self._title, "", focused=True, boxed=self._boxed)
        return framed(view, self._body(*inner), wide, high)
