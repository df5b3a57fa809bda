"""Why is this number what it is? Its terms, each with the number it comes from; repeated, it leads to the root.

    why(session, timeline, Cell("value", iteration=1, name="h", t=3, index=(0,)))

Everything is read off the equations: an operation knows the terms it sums, and its vector-Jacobian product
says what a gradient is made of.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.why.answer import Term, Why
from rnn_engine.why.backward import Backward
from rnn_engine.why.forward import Forward
from rnn_engine.why.update import Updating

__all__ = ["Term", "Why", "why"]


def why(session: Session, timeline: Timeline, cell: Cell) -> Why:
    """Explain one number. Raises `AddressError` where there is none."""
    with np.errstate(all="ignore"):  # a product that overflows is a term like any other
        return _asked(session, timeline, cell)


def _asked(session: Session, timeline: Timeline, cell: Cell) -> Why:
    asked = (session, timeline, cell)
    match cell.kind:
        case "value":
            return Forward(*asked).value()
        case "gradient":
            return Backward(*asked).gradient()
        case "parameter gradient":
            return Backward(*asked).parameter_gradient()
        case "parameter" if (number := Forward(*asked).set_at()) is not None:
            return Forward(*asked).set_parameter(number)
        case "parameter" if cell.iteration > 1 and session.run.rule is not None:
            made = replace(cell, kind="update", iteration=cell.iteration - 1)
            return Updating(session, timeline, made).update()
        case "update":
            return Updating(*asked).update()
    return Forward(*asked).given()
