"""The engine of rnn-tui: recurrences as texts of equations, walked forward and backward through time.

    import rnn_engine as rnn

    counter = rnn.Experiment.build("h = h[t-1] + k * x", {"k": 2.0}, x=[1.0, 2.0, 3.0])
    counter.values("h")                        # [T, B]: 2, 6, 12

`docs/engine.md` shows the rest. Names are looked up when they are first used, so that importing the package
costs nothing and brings neither NumPy nor msgspec: whoever needs one room does not pay for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_engine.core.equations import compile_equations
    from rnn_engine.core.passes import backward, forward
    from rnn_engine.core.plan import make_plan
    from rnn_engine.core.steps import Step, backward_steps, forward_steps
    from rnn_engine.core.tape import Signal, Tape
    from rnn_engine.errors import AddressError, DataError, EngineError, EquationError, ReplayError
    from rnn_engine.gradcheck import check_gradients
    from rnn_engine.initialise import first_values
    from rnn_engine.library import Experiment
    from rnn_engine.session import Session
    from rnn_engine.timeline import Timeline
    from rnn_engine.training import RunStep, training_steps
else:  # for a type checker a function of any name would hide every misspelling

    def __getattr__(name: str) -> object:
        """A public name, from the module that has it (PEP 562)."""
        for module, names in _HOMES:
            if name in names.split():
                from importlib import import_module

                found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_HOMES = (
    ("core.equations", "compile_equations"),
    ("core.passes", "backward forward"),
    ("core.plan", "make_plan"),
    ("core.steps", "Step backward_steps forward_steps"),
    ("core.tape", "Signal Tape"),
    ("errors", "AddressError DataError EngineError EquationError ReplayError"),
    ("gradcheck", "check_gradients"),
    ("initialise", "first_values"),
    ("library", "Experiment"),
    ("session", "Session"),
    ("timeline", "Timeline"),
    ("training", "RunStep training_steps"),
)
"""Module → its public names. None of these is a module's name as well: which of the two it meant would depend on
what was imported before."""

__all__ = [
    "AddressError",
    "DataError",
    "EngineError",
    "EquationError",
    "Experiment",
    "ReplayError",
    "RunStep",
    "Session",
    "Signal",
    "Step",
    "Tape",
    "Timeline",
    "backward",
    "backward_steps",
    "check_gradients",
    "compile_equations",
    "first_values",
    "forward",
    "forward_steps",
    "make_plan",
    "training_steps",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
