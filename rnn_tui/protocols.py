"""What the screen needs of the world around it: a controller to steer, lessons to list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from rnn_engine.derive import Section
    from rnn_engine.flow import Flow, Horizon
    from rnn_engine.quantity import Cell
    from rnn_engine.snapshot import Snapshot
    from rnn_engine.why import Why
    from rnn_tui.edits import Prompt
    from rnn_tui.places import Found


class Controller(Protocol):
    """Owns a session and the place in it. Methods that can refuse return one plain sentence, or nothing."""

    @property
    def snapshot(self) -> Snapshot:
        """All there is to see at the current address."""

    @property
    def unsaved(self) -> bool:
        """Whether an edit, a mark or a note would be lost."""

    @property
    def path(self) -> str | None:
        """The file this session was read from or last saved to."""

    @property
    def origin(self) -> str:
        """What it was read from or saved to last: the name of a lesson, or a file's whole path."""

    @property
    def own(self) -> tuple[int, int]:
        """How many numbers are set by hand, and how many marks were made that the session did not come with."""

    def write_copy(self, path: Path) -> None:
        """Write the session without counting it as saved; safe from any thread. Raises `EngineError`."""

    def move(self, motion: str, count: int = 1) -> str:
        """Move by a motion of the command table, `count` times."""

    def go_to(self, text: str) -> str:
        """Go to a time step, an index, an address, a share of the run or its end, or to where a number is made."""

    def spot_named(self, text: str) -> tuple[str, str, int, int] | None:
        """Where the panes show the number that a text names at this address."""

    def cell_named(self, text: str) -> Cell | str:
        """The number that a text names, seen from here, or one sentence why there is none."""

    def look_ahead(self) -> None:
        """Have ready what will be seen if the last motion is made once more; takes no longer than a snapshot."""

    def cancel(self) -> None:
        """Ask a running move to stop; safe from any thread."""

    def marks(self) -> tuple[tuple[str, str, str], ...]:
        """(address, name, note), sorted in time."""

    def places(self) -> tuple[Found, ...]:
        """What can be gone to by name, as seen from here."""

    def continued(self, text: str) -> tuple[Found, ...]:
        """The addresses that begin with a text."""

    def add_mark(self, name: str, note: str = "") -> str:
        """Mark the current address."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the cursor is: step, sequence, sub-expression."""

    def return_to(self, place: tuple[int, int, int]) -> str:
        """Back to a place as it was."""

    def cell_at(self, spot: tuple[str, str, int, int]) -> Cell | str:
        """The number at (pane, matrix, row, column), or one sentence why there is none."""

    def spot_of(self, cell: Cell) -> tuple[str, str, int, int] | None:
        """Where the panes show a number at this address."""

    def why(self, cell: Cell) -> Why | str:
        """What a number is made of."""

    def flow(self) -> tuple[Flow | str, tuple[Horizon, ...]]:
        """The itemised gradient of this iteration, or why there is none; and the memory horizons."""

    def derivation(self) -> tuple[Section, ...]:
        """This step explained in full."""

    def document(self, format: str) -> str:
        """This step as `md` or `csv`."""

    def shapes(self) -> str:
        """The rule of this step with shapes in the place of names."""

    @property
    def revision(self) -> int:
        """Grows whenever numbers change that were there: at every edit."""

    def spot_to_set(self, name: str) -> tuple[str, str, int, int] | str:
        """Where the number of that name can be set by hand, or one sentence what to set instead."""

    def can_set(self, snapshot: Snapshot, spot: tuple[str, str, int, int]) -> bool:
        """Whether a cell of what is seen can be set by hand; cheap, and safe from any thread."""

    def edit_prompt(self, spot: tuple[str, str, int, int]) -> Prompt | str:
        """How to ask for another value of a cell, or one sentence why it cannot be set."""

    def edit_refused(self, spot: tuple[str, str, int, int], text: str) -> str:
        """Why a cell cannot be set to that; computes nothing."""

    def edit(self, spot: tuple[str, str, int, int], text: str) -> str:
        """Set a cell, and compute what follows up to the current address."""

    @property
    def last_edit(self) -> str:
        """What was set last, in words."""

    def undo(self) -> str:
        """Take the last edit back; says which."""

    def redo(self) -> str:
        """Make the edit again that was taken back last; says which."""

    def edits(self) -> tuple[tuple[str, str, str], ...]:
        """(address, what is set to what, ""), as they were made."""

    def save(self, path: str | None = None) -> str:
        """Write the session; returns the path written, raises `EngineError`."""


class Lesson(Protocol):
    """An entry of the list of lessons."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def summary(self) -> str: ...


class Opening(NamedTuple):
    """What to show of a session while it is being opened, and how to open it."""

    title: str
    summary: str
    open: Callable[[], Controller]
    """Raises `EngineError` or `OSError`."""


OpenSession = Callable[[str], Controller]
"""Opens a lesson by its name, or a file by its path; raises `EngineError` or `OSError`."""
