"""The weights pane."""

from __future__ import annotations

from rnn_tui.panes.base import Pane


class Weights(Pane):
    """The parameters."""

    NAME = "weights"
    LETTER = "w"
    EXPLAINS = (
        "The parameters: every name the equations use and never assign. They stay as they are through the forward "
        "and the backward phase, and the update phase writes them one at a time. A frozen one is never changed."
    )
