"""The mouse on the edges between panes: what is dragged is moved, and remembered when it is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_tui.render.arrange import COLUMNS, arrange, edge_at, taller, wider

if TYPE_CHECKING:
    from rnn_tui.screens.session import SessionScreen


class Dragging:
    """Owned by the session screen; positions are cells of the screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self._edge = ""
        self._from = (0, 0)

    def begin(self, x: int, y: int) -> bool:
        """Take hold of the edge there; whether there is one."""
        screen = self._screen
        self._edge = edge_at(arrange(*screen.app.size, screen.scene), x, y)
        self._from = x, y
        return bool(self._edge)

    def to(self, x: int, y: int) -> None:
        """The edge goes along, as far as it can."""
        screen, (before_x, before_y) = self._screen, self._from
        arrangement, size = screen.arrangement, screen.app.size
        if not self._edge or (x, y) == self._from:
            return
        if self._edge == "left":
            changed = wider(arrangement, COLUMNS[0][0], x - before_x, size.width)
        else:
            changed = taller(arrangement, self._edge, y - before_y, *size, screen.scene.most)
        if changed != arrangement:
            screen.change(changed)
            self._from = x, y

    def end(self) -> None:
        """Let go, and remember where it is."""
        if self._edge:
            self._edge = ""
            screen = self._screen
            if said := screen.app.remember(arrangements=screen.scene.arrangements):
                screen.say(said)
