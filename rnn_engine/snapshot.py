"""All there is to see at one address, frozen: the only module of the engine that a pane may import.

Text in these views (tokens, titles, notes) is as the file has it. Whoever shows it passes it
through `rnn_tui.text.safe_text` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnn_engine.labels import spelled

if TYPE_CHECKING:  # it holds arrays and makes none: the screen is there before NumPy is
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Matrix:
    """One table of numbers in a pane: a parameter, or a value over time (time runs down the rows)."""

    key: str
    """Unique within its pane: `x`, `W_xh`, `h`, `p`, `∂W_xh`, `∂h`."""
    values: Floats
    """`[R, C]`, read-only; a vector parameter is `[R, 1]`."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...] | None = None
    """Shown in place of the numbers where set: tokens."""
    known: Bools | None = None
    """`[R, C]`; False = not computed yet at this address."""
    written: Bools | None = None
    """`[R, C]`; what this step wrote."""
    current: int | None = None
    """The row of the current time step."""
    target: tuple[int | None, ...] | None = None
    """Per row, the column of the target class."""
    chosen: tuple[int | None, ...] | None = None
    """Per row, the column that was predicted or drawn."""
    note: str = ""
    """A word of ours: `frozen`, `running sum`, `total`."""
    kind: str = "matrix"
    """`matrix`, `over time` or `tokens`."""
    asked: Bools | None = None
    """`[R, C]`; True = there is a number, and whoever looks is to predict it first."""
    shape: tuple[int, ...] | None = None
    """Of what it shows, at one time step where it is over time: `()`, `(n,)`, `(m, n)`."""
    edited: Bools | None = None
    """`[R, C]`; what is set by hand."""

    def cell(self, row: int, column: int) -> str:
        """How one of its numbers is written: `W_xh[0,there]`, `z[4][class]`, `loss[2]`; of a token, `x[3]`."""
        name = (self.columns[column] if self.kind == "tokens" else "") or self.key
        return name + self.element(row, column)

    def element(self, row: int, column: int) -> str:
        """The same without the name: `[0,there]`, `[4][class]`."""
        if self.kind == "tokens":
            return f"[{self.rows[row]}]"
        if self.kind == "over time":
            scalar = len(self.columns) == 1 and self.columns[0] in ("", self.key.removeprefix("∂"))
            own = scalar if self.shape is None else not self.shape
            return f"[{self.rows[row]}]" + ("" if own else f"[{spelled(self.columns, column)}]")
        axes = (self.columns != ("",)) + 1 if self.shape is None else len(self.shape)
        found = (spelled(self.rows, row), spelled(self.columns, column))[:axes]
        return f"[{','.join(found)}]" if found else ""


@dataclass(frozen=True, eq=False, slots=True)
class Formula:
    """The current equation: in symbols, with numbers put in (fullest first), and its result."""

    symbols: str
    numbers: tuple[str, ...]
    result: str


@dataclass(frozen=True, eq=False, slots=True)
class TimelineView:
    """Where the cursor is in the run; phases and marks carry indices of the whole run."""

    index: int
    total: int
    iteration: int
    iterations: int
    epoch: int
    epochs: int
    phase: str
    phases: tuple[tuple[str, int, int], ...]
    """The phases of this iteration: (phase, first index, number of steps)."""
    t: int | None
    T: int
    window: tuple[int, int]
    marks: tuple[tuple[int, str], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Snapshot:
    """What the screen shows at one address."""

    title: str
    address: str
    equation: str
    panes: Mapping[str, tuple[Matrix, ...]]
    """Every name of `rnn_engine.panes`."""
    names: Mapping[str, str]
    """A title for each pane: `hidden` → `hidden state h`."""
    formula: Formula
    narration: tuple[str, ...]
    """One plain sentence, fullest wording first."""
    note: str
    """The note of the mark that stands here, or empty."""
    timeline: TimelineView
    losses: tuple[float, ...]
    """The objective of each iteration up to this one."""
    sequence: tuple[int, int]
    """Which sequence of the batch is shown (from 1), and how many there are."""
    edits: int = 0
    """How many numbers of the session are set by hand."""
    within: str = ""
    """The sub-expression that is looked at inside the equation; empty for the equation as a whole."""
    dtype: str = "float64"
    """What the numbers are, `float64` or `float32`; those of the matrices are of that type."""
    number: tuple[str, str] = ("", "")
    """Name and exact value of the first number that the step made, where no pane shows it: `∂loss[4]`, `1.0`."""
