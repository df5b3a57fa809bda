"""A Textual layout that puts each widget where `render.arrange` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement

from rnn_tui.render.arrange import PLAIN, arrange

if TYPE_CHECKING:
    from textual.widget import Widget


class Placing(Layout):
    """One pass for any size: no breakpoint classes, which would lay the screen out twice."""

    name = "placing"

    def __init__(self) -> None:
        self.scene = PLAIN
        """Replaced as a whole; whoever does so has the screen laid out again."""

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Placements of the children that are shown at this size."""
        boxes = arrange(size.width, size.height, self.scene)
        return [
            WidgetPlacement(Region(*boxes[child.id]), Offset(), Spacing(), child)
            for child in children
            if child.id in boxes
        ]
