"""The gradients pane."""

from __future__ import annotations

from rnn_tui.panes.base import Pane
from rnn_tui.render.pane import Manner


class Gradients(Pane):
    """How the loss would change."""

    NAME = "gradients"
    LETTER = "g"
    MANNER = Manner(norms=True)
    EXPLAINS = (
        "How the loss changes with each value (∂h, ∂a, … filled from the last time step back to the first), and with "
        "each parameter. A parameter's total is complete when the backward phase ends. The bars beside ∂h are the norm "
        "of each time step."
    )
