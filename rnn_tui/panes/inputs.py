"""The inputs pane."""

from __future__ import annotations

from rnn_tui.panes.base import Pane
from rnn_tui.render.pane import Manner


class Inputs(Pane):
    """What the recurrence reads, and what it should say."""

    NAME = "inputs"
    LETTER = "i"
    MANNER = Manner(across=True, entries=True)
    EXPLAINS = (
        "What the recurrence reads at each time step (x), and what it is asked to say (y) where there are targets. "
        "Tokens stand for one-hot vectors. Time runs to the right where there is one entry per step, else down."
    )
