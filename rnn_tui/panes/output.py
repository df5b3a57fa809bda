"""The output pane."""

from __future__ import annotations

from rnn_tui.panes.base import Pane
from rnn_tui.render.pane import Manner


class Output(Pane):
    """What the recurrence says."""

    NAME = "output"
    LETTER = "o"
    MANNER = Manner(shares=True)
    EXPLAINS = (
        "What comes out at each time step: probabilities where there is a softmax, else the first argument of the "
        "loss, else the last equation. The target's column and the one chosen are marked; where there is room the "
        "current time step is drawn as bars; {display} goes on to bars alone."
    )
