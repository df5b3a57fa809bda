"""The hidden state pane."""

from __future__ import annotations

from rnn_tui.panes.base import Pane


class Hidden(Pane):
    """The states, and what they are made of."""

    NAME = "hidden"
    LETTER = "h"
    EXPLAINS = (
        "The state that goes from one time step to the next, and the values it is computed from. Time runs down "
        "the rows, units across; row 0 is the state before the first time step."
    )
