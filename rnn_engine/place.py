"""One place on a tape, a time step of one sequence: what stands there, and what arrives on the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Sender
from rnn_engine.core.tape import Tape


@dataclass(frozen=True, eq=False)
class Place:
    """One place on a tape: a time step (0 … T−1) of one sequence (0 … B−1)."""

    tape: Tape
    place: int
    sequence: int

    def value(self, expr: Expr) -> Array:
        """`[n]`, or a parameter's array."""
        array = self.tape.operand(expr)
        return array[self.place, self.sequence] if array.ndim == 3 else array

    def gradient(self, expr: Apply) -> Array:
        """`[n]`: ∂loss/∂ a sub-expression."""
        found: Array = self.tape.inner_gradient(expr)[self.place, self.sequence]
        return found

    def sent(self, read: Read) -> Array:
        """`[n]`: what one read of a value sends to it."""
        tape = self.tape
        room = tape.back.parts[read][tape.span(read.name, read.offset)]
        found: Array = room[self.place, self.sequence]
        return found

    def at(self, place: int) -> Place:
        return Place(self.tape, place, self.sequence)


def set_by_hand(place: Place, equation: str) -> list[int]:
    """The elements of a value here that are no result of its equation: a person set them."""
    mask = place.tape.set_by_hand(equation)
    return [] if mask is None else [int(k) for k in np.flatnonzero(mask[place.place, place.sequence])]


def undefined(place: Place, equation: str) -> bool:
    """Whether an equation has no value here, for want of a target or because the sequence is over."""
    gaps = place.tape.undefined(equation)
    return gaps is not None and bool(gaps[place.place, place.sequence])


def padded(place: Place) -> bool:
    """Whether the sequence is over here."""
    padding = place.tape.padding
    return padding is not None and bool(padding[place.place, place.sequence])


def absence(place: Place) -> str:
    """Why there is no value."""
    return "the sequence is over (padded)" if padded(place) else "there is no target"


def senders(place: Place, equation: str) -> tuple[Sender, ...]:
    """The readers that send something here: not those beyond the window, or where the sequence is over."""
    tape = place.tape
    return tuple(
        sender
        for sender in tape.plan.senders.get(equation, ())
        if 0 <= place.place - sender.offset < tape.T and not padded(place.at(place.place - sender.offset))
    )


def what_arrived(place: Place, equation: str) -> list[tuple[str, Array]]:
    """What arrived at a value in this sequence, `[n]` each, and from which stop."""
    tape, t = place.tape, place.tape.start + place.place + 1
    if equation in tape.plan.stands_for_argument:
        loss = tape.plan.stands_for_argument[equation]
        return [(f"{loss}[{t}]", tape.gradient(equation)[place.place, place.sequence])]
    return [
        (f"{s.equation}[{t - s.offset}]", tape.sent(equation, s)[place.place, place.sequence])
        for s in senders(place, equation)
    ]


def sums_to_one(tape: Tape, loss: Apply, place: Place | None = None) -> bool:
    """Whether the targets of a loss need no sum in its rule, at one place or (None) at all of them."""
    operation = loss.operation
    assert isinstance(operation, CrossEntropy)
    totals = np.sum(tape.operand(loss.args[1]), axis=-1)
    for gone in (tape.missing, tape.padding):
        if gone is not None:
            totals = np.where(gone, 1.0, totals)
    some = np.ravel(totals if place is None else totals[place.place, place.sequence])
    return all(operation.is_one(float(total)) for total in some)


def target_class(place: Place, classes: int) -> int | None:
    """The class that is the target here, one of so many; None where there is none."""
    y, program = place.tape.y, place.tape.plan.program
    if y is None or y.classes is None or (y.shape or (program.classes,)) != (classes,):
        return None
    if y.missing is not None and y.missing[place.place, place.sequence]:
        return None
    return int(y.classes[place.place, place.sequence])
