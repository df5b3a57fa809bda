"""Which steps and sequences the arguments of a command choose; what does not exist is refused."""

from __future__ import annotations

from collections.abc import Iterable

from rnn_engine.errors import EngineError
from rnn_engine.session import Session


def stops(session: Session) -> tuple[str, ...]:
    """The names that steps have: equations, update equations, and the draw of a token."""
    run = session.run
    update = run.rule.equations if run.rule else ()
    return tuple(dict.fromkeys([*session.program.equations, *update, *(["sample"] if run.generator else [])]))


def check_names(session: Session, names: Iterable[str] | None) -> None:
    """Raises `EngineError` where no step has one of these names."""
    unknown = sorted(set(names or ()) - set(stops(session)))
    if unknown:
        raise EngineError(f"--names: no step is called {unknown[0]!r}; expected {', '.join(stops(session))}")


def check_sequence(session: Session, sequence: int) -> None:
    """Raises `EngineError` where no batch has a sequence of that number (from 1)."""
    many = sum(batch.B for batch in session.dataset.batches)  # an evaluation runs all of them side by side
    if not 1 <= sequence <= many:
        raise EngineError(f"--sequence {sequence}: expected 1 to {many}")
