"""What the terminal shows and what it is to show, from the updates of Textual's compositor.

Textual sends what was marked as changed, as often as it is marked. Here its updates go into a picture, and what is
sent is the difference to the picture sent before. So a frame can also be left out: the next one makes up for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from itertools import chain

from rich.color import ColorSystem
from rich.segment import Segment
from textual import _compositor
from textual.geometry import Size

from rnn_tui.painting.cells import Cell, Pen, Row, cells_of
from rnn_tui.painting.diff import difference, picture

_BLANK = Cell(" ", Pen())


def seam() -> bool:
    """Whether the compositor's updates are what this module takes them for; they are no public interface."""
    wanted = {"LayoutUpdate": {"strips", "region"}, "ChopsUpdate": {"chops", "spans", "chop_ends"}}
    kinds = {name: getattr(_compositor, name, None) for name in wanted}
    return all(
        kind is not None and wanted[name] <= inspect.signature(kind).parameters.keys()
        for name, kind in kinds.items()
    )


class Painter:
    """Holds the two pictures."""

    def __init__(self, colours: ColorSystem, *, erases: bool) -> None:
        """`erases`: whether the terminal erases in the colour of the background."""
        self._colours, self._erases = colours, erases
        self._wanted: list[Row] = []
        self._shown: list[Row] | None = None
        self.changed = False
        """Whether something was put into the picture since the last frame."""

    def forget(self) -> None:
        """Something else has been on the terminal: the next frame is the whole picture."""
        self._shown, self.changed = None, True

    def shows(self, size: Size) -> bool:
        """Whether a picture of this size has been sent."""
        shown = self._shown
        return shown is not None and (len(shown[0]), len(shown)) == size

    def covers(self, size: Size) -> bool:
        """Whether there is a picture of this size, into which a part can be put."""
        wanted = self._wanted
        return bool(wanted) and (len(wanted[0]), len(wanted)) == size

    def cells(self, segments: Iterable[Segment]) -> Row:
        """The cells that a text takes."""
        colours = self._colours
        return [cell for segment in segments for cell in cells_of(segment, colours)]

    def put(self, x: int, y: int, wide: int, cells: Row) -> None:
        """Put a part of a line into the picture."""
        self.changed = True
        self._wanted[y] = _replaced(self._wanted[y], x, wide, cells)

    def take(self, update: _compositor.CompositorUpdate) -> bool:
        """Put an update into the picture; False for one that cannot be, and nothing is known any more."""
        self.changed = True
        if isinstance(update, _compositor.LayoutUpdate) and not update.region.offset:
            wide, high = update.region.size
            self._wanted = [
                _exactly(self.cells(chain.from_iterable(strips)), wide) for strips in update.strips
            ]
            return len(self._wanted) == high
        if isinstance(update, _compositor.ChopsUpdate) and len(update.chops) == len(self._wanted):
            self._take_chops(update)
            return True
        self._wanted, self._shown = [], None
        return False

    def _take_chops(self, update: _compositor.ChopsUpdate) -> None:
        """A chop is a part of a line that belongs to one widget; those that a span touches are drawn anew."""
        for y, first, last in update.spans:
            row = self._wanted[y]
            for (x, strip), end in zip(update.chops[y].items(), update.chop_ends[y], strict=True):
                if strip is not None and x < last and end > first:
                    row = _replaced(row, x, end - x, self.cells(strip))
            self._wanted[y] = row

    def frame(self) -> str:
        """What to send so that the terminal shows the picture; nothing where it does."""
        wanted, shown = self._wanted, self._shown
        self.changed = False
        if not wanted:
            return ""
        self._shown = wanted.copy()
        if shown is None or len(shown) != len(wanted) or len(shown[0]) != len(wanted[0]):
            return picture(wanted, erases=self._erases)
        return difference(shown, wanted, erases=self._erases)


def _replaced(row: Row, x: int, wide: int, cells: Row) -> Row:
    """The row with these cells from x on, which are to be so many."""
    row, end = row.copy(), x + wide
    if not row[x].text:  # an edge through a wide character leaves a blank on the other side
        row[x - 1] = Cell(" ", row[x].pen)
    if end < len(row) and not row[end].text:
        row[end] = Cell(" ", row[end].pen)
    row[x:end] = _exactly(cells, wide)
    return row


def _exactly(cells: Row, wide: int) -> Row:
    """So many cells, whatever there is."""
    return cells if len(cells) == wide else (cells + [_BLANK] * wide)[:wide]
