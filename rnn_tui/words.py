"""Sentences that the screen and the headless commands share."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_engine.flow import Flow, Hop, Horizon


def horizon_line(found: Horizon, flow: Flow | None) -> str:
    """After how many steps the gradient of a state is gone, and the hop that loses most."""
    blamed = "" if flow is None else worst_line(found, flow)
    return f"{left_line(found)}; {blamed}" if blamed else left_line(found)


def left_line(found: Horizon) -> str:
    """After how many steps the gradient of a state is gone."""
    T, t = len(found.norms), found.start + found.far + 1
    last = f"∂{found.state}[{found.start + found.end + 1}]"
    head = "horizon" if found.way < 0 else "horizon to later time steps"
    if T == 1:
        return f"{head}: the window has one time step alone"
    if found.steps is not None:
        after = "1 step; after it" if found.steps == 1 else f"{found.steps} steps; after them"
        return f"{head}: {after} less than 1 % of {last} is left"
    much = float(found.norms[found.far])
    if not isfinite(much):
        return f"{head}: none that is known; ∂{found.state} overflows"
    left = (
        f"{last} has grown × {much:.3g} by t={t}" if much > 1.0 else f"{much:.2g} of {last} is left at t={t}"
    )
    return f"{head}: more than {_steps(T - 1)}; {left}"


def worst_line(found: Horizon, flow: Flow) -> str:
    """The hop that loses or grows most of those that go the way of a horizon; "" where there is none."""
    worst = flow.worst(flow.last if found.way < 0 else flow.first, found.way)
    if worst is None:
        return ""
    lengths = {c.offset for c in flow.crossings if c.offset * found.way > 0 and not c.straight}
    which = f"of the hops of {_steps(abs(worst.offset))}" if len(lengths) > 1 else "the hop"
    does = "loses" if worst.factor <= 1.0 else "grows"
    return f"{which} t={worst.t} → {worst.to} {does} most: {blame(worst)}"


def blame(hop: Hop) -> str:
    """What a hop's factor is made of."""
    return f"× {hop.factor:.3g} (nonlinearity × {hop.nonlinearity:.3g}, weights × {hop.weights:.3g})"


def _steps(n: int) -> str:
    return "1 step" if n == 1 else f"{n} steps"
