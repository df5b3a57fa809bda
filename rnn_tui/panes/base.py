"""What the five panes share: a frame, matrices, a selected cell."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.events import (
    Click,
    MouseEvent,
    MouseScrollDown,
    MouseScrollLeft,
    MouseScrollRight,
    MouseScrollUp,
)
from textual.message import Message

from rnn_engine.snapshot import Snapshot
from rnn_tui.render.cells import Selection, exact, moved, resolve, selection_at
from rnn_tui.render.display import Display
from rnn_tui.render.number import PRECISION
from rnn_tui.render.palette import Palette
from rnn_tui.render.pane import Drawn, Manner, PaneView, cell_at, draw_pane, same
from rnn_tui.render.spans import Line
from rnn_tui.widgets.lines import LineWidget


class Pane(LineWidget, can_focus=True):
    """One of the five panes. A subclass says which part of the snapshot, and in its own words what it shows."""

    NAME: ClassVar[str]
    LETTER: ClassVar[str]
    EXPLAINS: ClassVar[str]
    MANNER: ClassVar[Manner] = Manner()
    EXACT = True

    def __init__(self, palette: Palette, precision: int = PRECISION) -> None:
        super().__init__(palette, name=self.NAME)
        self._view = PaneView(
            self.NAME, self.LETTER, manner=self.MANNER, halves=palette.halves, precision=precision
        )
        self._last: Drawn | None = None
        self._drawn: PaneView | None = None

    def show(self, snapshot: Snapshot, *, focused: bool, picked: bool, jump: bool, boxed: bool) -> None:
        """Show this snapshot, and send what differs from the last one; a pane that looks the same is not drawn."""
        self._view = replace(
            self._view,
            title=snapshot.names.get(self.NAME, self.NAME),
            matrices=snapshot.panes.get(self.NAME, ()),
            focused=focused,
            picked=picked,
            jump=jump,
            boxed=boxed,
        )
        if self._drawn is None or not same(self._drawn, self._view):
            self.update()

    def set_palette(self, palette: Palette) -> None:
        """Draw with other styles from now on, and with the glyphs that go with them."""
        self._view = replace(self._view, halves=palette.halves)
        super().set_palette(palette)

    @property
    def shown_as(self) -> Display:
        """How the matrices are shown."""
        return self._view.display

    def show_as(self, display: Display) -> None:
        """Have them shown like this from the next drawing on."""
        self._view = replace(self._view, display=display)

    def draw(self, wide: int, high: int) -> list[Line]:
        """The frame and the matrices."""
        self._last, self._drawn = draw_pane(self._view, wide, high, self._last), self._view
        return self._last.lines

    @property
    def selection(self) -> Selection | None:
        """The cell a person chose here, if any."""
        return self._view.selection

    def choose(self, selection: Selection | None) -> None:
        """Have this cell selected from the next drawing on."""
        self._view = replace(self._view, selection=selection)

    def exact(self) -> tuple[str, str]:
        """Name and exact value of the selected cell; empty where there is none."""
        cell = resolve(self._view.selection, self._view.matrices)
        return exact(cell, self._view.matrices) if cell else ("", "")

    class Pointed(Message):
        """A cell was clicked; `again`: twice in a row."""

        def __init__(self, pane: Pane, again: bool) -> None:
            super().__init__()
            self.pane, self.again = pane, again

    def on_click(self, event: Click) -> None:
        """Choose the cell under the mouse."""
        wide, high = self.size
        drawn = self._last or draw_pane(self._view, wide, high)
        cell = cell_at(self._view, drawn, wide, high, event.x, event.y)
        if cell is not None:
            self.choose(selection_at(cell, self._view.matrices))
            self.post_message(self.Pointed(self, event.chain > 1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The cell above; with shift the one to the left."""
        self._wheel(event, -1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The cell below; with shift the one to the right."""
        self._wheel(event, 1)

    def on_mouse_scroll_left(self, event: MouseScrollLeft) -> None:
        """The cell to the left."""
        self._wheel(event, -1, across=True)

    def on_mouse_scroll_right(self, event: MouseScrollRight) -> None:
        """The cell to the right."""
        self._wheel(event, 1, across=True)

    def _wheel(self, event: MouseEvent, by: int, *, across: bool = False) -> None:
        """As a click on the neighbour: a pane larger than its place scrolls along with its selected cell."""
        event.stop()
        event.prevent_default()
        across = across or event.shift
        self.move_cell(by if across else 0, 0 if across else by, 1)
        self.post_message(self.Pointed(self, False))

    def move_cell(self, dx: int, dy: int, count: int) -> None:
        """Select the neighbour that way, `count` times."""
        cell = resolve(self._view.selection, self._view.matrices)
        if cell is None:
            return
        drawn = self._last or draw_pane(self._view, *self.size)
        for _ in range(min(count, 10_000)):
            cell = moved(cell, self._view.matrices, drawn.layout, dx, dy, drawn.across)
        self._view = replace(self._view, selection=selection_at(cell, self._view.matrices))
