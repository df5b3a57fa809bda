"""A widget that draws lines of spans itself, and has only those drawn again on the screen that changed.

It overrides the public `render_lines`, which leaves out what the style cache would do for it (borders, opacity,
text selection): frames are part of the drawing. The line filters of the app are applied here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from rich.segment import Segment
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from rnn_tui.render.palette import Palette
from rnn_tui.render.spans import Line, Span, fit

MOST_SPANS = 256
"""How many different ones a widget keeps ready to be sent."""


@runtime_checkable
class TakesLines(Protocol):
    """An app that paints lines by itself."""

    def cells(self, segments: Sequence[Segment]) -> Sequence[Any]:
        """What a text takes in its picture, ready for `put`."""

    def put(self, widget: Widget, lines: Mapping[int, Sequence[Any]]) -> bool:
        """Put lines of a widget into its picture, as cells; False where that is Textual's to do."""


class LineWidget(Widget):
    """Base of everything on the session screen. Subclasses implement `draw`."""

    ALLOW_SELECT = False
    EXACT: ClassVar[bool] = False
    """Whether every line that is drawn takes exactly the width."""

    def __init__(self, palette: Palette, *, name: str) -> None:
        """`name` is the widget's id too: the layout places it by that."""
        super().__init__(name=name, id=name)
        self._palette = palette
        self._frame: list[Line] = []
        self._drawn_for = (-1, -1)
        self._strips: list[Strip | None] = []
        self._segments: dict[Span, list[Segment]] = {}
        self._cells: dict[Span, Sequence[Any]] = {}
        self._background: Color | None = None
        self._source: object = None
        self._stale = True
        self._painter: TakesLines | None = None

    def on_mount(self) -> None:
        """Find out whether the app paints lines by itself."""
        if isinstance(self.app, TakesLines):
            self._painter = self.app

    def draw(self, wide: int, high: int) -> list[Line]:
        """The lines to show, `high` of them at most, each `wide` cells or less."""
        raise NotImplementedError

    def set_palette(self, palette: Palette) -> None:
        """Draw with other styles from now on."""
        self._palette = palette
        self._stale = True
        self.notify_style_update()
        self.refresh()

    def notify_style_update(self) -> None:
        """Styles or filters are others now: what is ready to be sent is so no more."""
        super().notify_style_update()
        self._segments.clear()
        self._cells.clear()
        self._strips = [None] * len(self._strips)
        self._background = None

    def update(self, source: object = None) -> None:
        """Draw again, and have the lines that changed shown; what of them is sent is not decided here.

        `source` says, where it is given, all that the drawing depends on: while it stays equal, nothing is drawn.
        """
        wide, high = self.size
        same = source is not None and source == self._source
        self._source = source
        if (wide, high) != self._drawn_for:
            # Not laid out yet, or about to be: it will be drawn whole when it is rendered.
            self._stale = True
            return
        if same and not self._stale:
            return
        before = self._frame
        self._rebuild(wide, high)
        changed = [y for y, (old, new) in enumerate(zip(before, self._frame, strict=True)) if old != new]
        if changed and not self._put(changed):
            self.refresh(*(Region(0, y, wide, 1) for y in changed))

    def _put(self, changed: Sequence[int]) -> bool:
        """Have the app take lines at once, if it can; where not, Textual will ask for them."""
        painter = self._painter
        if painter is None:
            return False
        ready = self._cells
        if len(ready) > MOST_SPANS:
            ready.clear()
        lines: dict[int, list[Any]] = {}
        for y in changed:
            line = lines[y] = []
            for span in self._frame[y]:
                found = ready.get(span)
                if found is None:
                    found = ready[span] = painter.cells(self._as_sent(span))
                line += found
        return painter.put(self, lines)

    def _ready(self, y: int) -> Strip:
        """A line of the last drawing as it is sent."""
        strip = self._strips[y]
        if strip is None:
            strip = self._strips[y] = self._strip(self._frame[y], self._drawn_for[0])
        return strip

    def _rebuild(self, wide: int, high: int) -> None:
        lines = self.draw(wide, high)[:high]
        blank: Line = ()
        fill = self.fill
        before, strips = self._frame, self._strips
        missing = high - len(lines)
        self._frame = (
            lines
            if self.EXACT and not missing
            else [fit(line, wide, fill) for line in lines + [blank] * missing]
        )
        kept = len(strips) == high and self._drawn_for == (wide, high)
        self._strips = [
            strips[y] if kept and before[y] == line else None for y, line in enumerate(self._frame)
        ]
        self._drawn_for = (wide, high)
        self._stale = False

    @property
    def fill(self) -> str:
        """The role of cells to which nothing is drawn."""
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines within `crop`, from the last drawing unless that is stale or of another size."""
        wide, high = self.size
        if self._stale or (wide, high) != self._drawn_for:
            self._rebuild(wide, high)
        strips: list[Strip] = []
        for y in crop.line_range:
            if not 0 <= y < high:
                strips.append(Strip.blank(crop.width, self._palette.style("")))
                continue
            strip = self._ready(y)
            strips.append(
                strip if crop.width == wide and not crop.x else strip.crop(crop.x, crop.x + crop.width)
            )
        return strips

    def _strip(self, line: Line, wide: int) -> Strip:
        return Strip([segment for span in line for segment in self._as_sent(span)], wide)

    def _as_sent(self, span: Span) -> list[Segment]:
        """A span as it is sent; most come again and again."""
        segments = self._segments.get(span)
        if segments is None:
            if len(self._segments) > MOST_SPANS:
                self._segments.clear()
            text, role = span
            segments = [Segment(text, self._palette.style(role))]
            if self._background is None:
                self._background = self.background_colors[1]
            for each in self.get_line_filters():
                segments = each.apply(segments, self._background)
            self._segments[span] = segments
        return segments

    def text(self) -> str:
        """What is drawn, as plain text."""
        wide, high = self.size
        return "\n".join("".join(text for text, _ in line) for line in (self.draw(wide, high)))
