"""What can be opened over the panes: why, a step in full, gradient flow; each in a file of its own.

A view has a frozen state, replaced as a whole: that is what going back restores. Its `look` runs in the driver's
thread after every batch of jobs and follows the cursor; everything else runs on the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rnn_engine.panes import PANES
from rnn_engine.snapshot import Snapshot
from rnn_tui.protocols import Controller
from rnn_tui.render.cells import Selection
from rnn_tui.render.spans import Line

Moment = tuple[int, ...]
"""Where the cursor is, and how often numbers were set by hand until then."""
Following = tuple[str, Selection | None]
"""The pane that has the focus, and the cell chosen in it."""
WRITTEN: Following = ("", None)
"""What the step wrote, in whatever pane."""


def moment(controller: Controller) -> Moment:
    """Of now."""
    return (*controller.place, controller.revision)


class View:
    """One explanation that stands in the place of panes."""

    EXPLAINS: ClassVar[str]
    state: Any
    depth: int = 0
    """How long the way back was when it was opened: closing forgets what came after."""
    following: Following = ("hidden", None)

    @property
    def name(self) -> str:
        """One of `commands.VIEWS`: whose keys hold."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """For its frame, raw."""
        raise NotImplementedError

    @property
    def covers(self) -> tuple[str, ...]:
        """The panes in whose place it stands where there is room for others."""
        return PANES

    def look(self, controller: Controller, snapshot: Snapshot) -> None:
        """Follow the cursor; in the driver's thread."""

    def stale(self, controller: Controller) -> bool:
        """Whether numbers were set by hand since it looked: the way back leads to views of before."""
        return False

    def draw(self, wide: int, high: int) -> list[Line]:
        """The lines within the frame."""
        raise NotImplementedError

    def move(self, by: int) -> None:
        """Choose another term, hop or line."""

    @property
    def idle(self) -> Mapping[str, str]:
        """The commands of its keys that could do nothing now, each with one sentence on why."""
        return {}

    @property
    def exact(self) -> tuple[str, str] | None:
        """Name and exact value of what it speaks of, for the title line; None: the selected cell."""
        return None

    @property
    def in_equation(self) -> bool:
        """Whether what it speaks of stands in the equation below and in no pane."""
        return False

    @property
    def in_no_pane(self) -> bool:
        """Whether what it speaks of is not the selected cell of a pane."""
        return False
