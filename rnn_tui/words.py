"""Sentences that the screen and the headless commands share."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_engine.flow import Hop, Horizon


def horizon_line(found: Horizon, worst: Hop | None) -> str:
    """After how many steps the last state's gradient is gone, and the hop that loses most."""
    T = len(found.norms)
    last = f"∂{found.state}[{found.start + T}]"
    if found.steps is None and not isfinite(found.norms[0]):
        line = f"horizon: none that is known; ∂{found.state} overflows"
    elif found.steps is None:
        span = "1 step" if T == 2 else f"{T - 1} steps"
        first, t = float(found.norms[0]), found.start + 1
        much = (
            f"{last} has grown × {first:.3g} by t={t}"
            if first > 1.0
            else f"{first:.2g} of {last} is left at t={t}"
        )
        line = f"horizon: more than {span}; {much}"
    else:
        after = "1 step; after it" if found.steps == 1 else f"{found.steps} steps; after them"
        line = f"horizon: {after} less than 1 % of {last} is left"
    if worst is not None:
        does = "loses" if worst.factor <= 1.0 else "grows"
        line += f"; the hop t={worst.t} → {worst.t - 1} {does} most: {blame(worst)}"
    return line


def blame(hop: Hop) -> str:
    """What a hop's factor is made of."""
    return f"× {hop.factor:.3g} (nonlinearity × {hop.nonlinearity:.3g}, weights × {hop.weights:.3g})"
