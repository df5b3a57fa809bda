"""The run as records: what the screen shows, for scripts. The layout is described in docs/trace.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from rnn_engine.core.operation import Array
from rnn_engine.core.steps import Step
from rnn_engine.core.tape import Tape
from rnn_engine.errors import AddressError
from rnn_engine.precision import shortest, shortest_number
from rnn_engine.schedule import Phase
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.training import Ending, Iteration

Record = dict[str, Any]


def records(
    session: Session, start: str | None = None, end: str | None = None, names: Collection[str] | None = None
) -> Iterator[Record]:
    """One record a step, from address `start` to address `end`, both inclusive; partial addresses cover all they match.

    `names` keeps the records of these equations. Raises `AddressError`.
    """
    return records_of(session, Timeline(session.run), steps_between(session, start, end), names)


def steps_between(session: Session, start: str | None, end: str | None) -> range:
    """The steps from one address to another, both inclusive and both allowed to be partial; None: the run's own end.

    Raises `AddressError`.
    """
    schedule = session.schedule
    first = schedule.span(start).start if start else 0
    last = schedule.span(end).stop - 1 if end else schedule.total - 1
    if last < first:
        raise AddressError(f"{end} stands before {start}; expected the two the other way round")
    return range(first, last + 1)


def records_of(
    session: Session, timeline: Timeline, steps: range, names: Collection[str] | None = None
) -> Iterator[Record]:
    """The records of these steps of the run."""
    schedule = session.schedule
    index = steps.start
    while index < steps.stop:
        phase = schedule.phase(index)
        stop = min(steps.stop, phase.first + len(phase.stops))
        make = _maker(session, timeline, phase)
        for i in range(index, stop):
            place, equation = phase.stops[i - phase.first]
            if names is None or equation in names:
                yield make(i, place, equation)
        index = stop


Maker = Callable[[int, Any, str], Record]


def _maker(session: Session, timeline: Timeline, phase: Phase) -> Maker:
    """A function (index, place, equation) → record for the steps of one phase."""
    schedule, number = session.schedule, phase.iteration
    head = {"epoch": schedule.epoch(number), "iteration": number, "phase": phase.name}
    last = phase.first + len(phase.stops) - 1
    fill: Callable[[Record, Any, str], None]
    totals: Callable[[], Record]
    if phase.name in ("evaluate", "generate"):
        ending = timeline.ending()
        fill = _evaluated(session, ending) if phase.name == "evaluate" else _generated(session, ending)
        totals = (lambda: _evaluation_totals(ending)) if phase.name == "evaluate" else dict
    else:
        iteration = timeline.iteration(number)
        fill = {"forward": _forwarded, "backward": _sent_back, "update": _updated}[phase.name](iteration)
        totals = {
            "forward": lambda: _totals(iteration.totals, session.run.dtype),
            "backward": lambda: _plain_all(iteration.gradients),
        }.get(phase.name, dict)
        ends_iteration = last == schedule.first_after_training(number) - 1

    def make(index: int, place: Any, equation: str) -> Record:
        in_update = phase.name == "update"
        t = None if in_update else place + phase.start + 1
        address = f"{number}:{phase.name}:{place if in_update else t}:{equation}"
        record: Record = {"index": index, "address": address, **head, "t": t, "equation": equation}
        fill(record, place, equation)
        if index == last:
            found = totals()
            if found:
                record["totals"] = found
            if phase.name not in ("evaluate", "generate") and ends_iteration and schedule.ends_epoch(number):
                record["epoch_totals"] = _totals(_epoch_totals(session, timeline, number), session.run.dtype)
        return record

    return make


def _forwarded(iteration: Iteration) -> Callable[[Record, Any, str], None]:
    return _values(iteration.tape)


def _values(tape: Tape) -> Callable[[Record, Any, str], None]:
    columns = {
        name: plain(tape.value(name), tape.plan.program.shapes[name] == ())
        for name in tape.plan.program.equations
    }
    gaps = {name: tape.undefined(name) for name in tape.plan.program.equations}

    def fill(record: Record, place: int, equation: str) -> None:
        value = columns[equation][place]
        gone = gaps[equation]
        if gone is not None:
            gap = gone[place].tolist()
            value = (
                (None if gap[0] else value)
                if tape.B == 1
                else [None if g else v for g, v in zip(gap, value, strict=True)]
            )
        record["values"] = {equation: value}

    return fill


def _sent_back(iteration: Iteration) -> Callable[[Record, Any, str], None]:
    gradients, tape = iteration.gradients, iteration.tape
    assert gradients is not None
    shapes = tape.plan.program.shapes

    def fill(record: Record, place: int, equation: str) -> None:
        step = Step(tape, "backward", place, equation)
        scalar = shapes[equation] == ()
        record["grads"] = {equation: _one(step.gradient, scalar)}
        record["from"] = {sender: _one(value, scalar) for sender, value in step.arrived.items()}
        record["adds"] = _plain_all(step.adds)

    return fill


def _updated(iteration: Iteration) -> Callable[[Record, Any, str], None]:
    update = iteration.update

    def fill(record: Record, place: str, equation: str) -> None:
        record["parameter"] = place
        record["values"] = {equation: plain_array(update.value(place, equation))}

    return fill


def _evaluated(session: Session, ending: Ending) -> Callable[[Record, Any, str], None]:
    tape, output = ending.tape, session.program.output
    values = _values(tape)
    predicted, y = ending.predicted, ending.tape.y

    def fill(record: Record, place: int, equation: str) -> None:
        values(record, place, equation)
        if equation != output or y is None:
            return
        gap = np.zeros(tape.B, dtype=bool) if y.missing is None else y.missing[place]
        if predicted is not None and y.classes is not None:
            name = token_name(session) if y.shape else int
            record["predicted"] = _per_sequence([name(k) for k in predicted[place].tolist()])
            target = [None if g else name(k) for g, k in zip(gap, y.classes[place].tolist(), strict=True)]
        else:
            record["predicted"] = record["values"][equation]
            wanted = plain_array(y.values[place] if y.shape else y.values[place, :, 0])
            target = [None if g else v for g, v in zip(gap, wanted, strict=True)]
        record["target"] = _per_sequence(target)

    return fill


def _generated(session: Session, ending: Ending) -> Callable[[Record, Any, str], None]:
    generated, name = ending.generated, token_name(session)

    def fill(record: Record, place: int, equation: str) -> None:
        if equation == "sample":
            drawn = generated.draws[place]
            record["values"] = {}
            record["sample"] = None if drawn is None else name(drawn)
            return
        tape = generated.tape(place)
        scalar = tape.plan.program.shapes[equation] == ()
        record["values"] = {equation: _one(tape.value(equation)[0], scalar)}

    return fill


def token_name(session: Session) -> Callable[[int], str | int]:
    """The token of an index; the index itself where the vocabulary has none."""
    vocabulary = session.dataset.vocabulary or ()
    return lambda k: vocabulary[k] if k < len(vocabulary) else k


def _epoch_totals(session: Session, timeline: Timeline, number: int) -> dict[str, dict[str, float]]:
    """Sum and mean over all windows of the epoch that ends with this iteration."""
    schedule, run = session.schedule, session.run
    first = number - len(schedule.windows) + 1
    found = {}
    for name in run.scalars:
        sums = np.array(timeline.sums(name, first, number), run.dtype)
        with np.errstate(all="ignore"):
            total = float(np.add.accumulate(sums)[-1]) + 0.0
            steps = sum(run.steps_that_count(name, window) for window in schedule.windows)
            mean = float(sums.dtype.type(total / steps)) if steps else 0.0
        found[name] = {"sum": total, "mean": mean}
    return found


def _evaluation_totals(ending: Ending) -> Record:
    totals = _totals(ending.totals, ending.run.dtype)
    if ending.accuracy is not None:
        totals["accuracy"] = ending.accuracy
    return totals


def _totals(totals: Mapping[str, Mapping[str, float]], dtype: str) -> Record:
    return {
        name: {key: plain_number(value, dtype) for key, value in pair.items()}
        for name, pair in totals.items()
    }


def _plain_all(values: Mapping[str, Array]) -> Record:
    return {name: plain_array(value) for name, value in values.items()}


def plain(values: Array, scalar: bool) -> list[Any]:
    """`[T, B, n]` as a list over t: a number, `[n]`, `[B]` or `[B][n]`; one sequence has no axis of its own."""
    return list(plain_array(_squeezed(values, scalar)))


def _one(value: Array, scalar: bool) -> Any:
    """`[B, n]` likewise."""
    return plain_array(_squeezed(value, scalar))


def _squeezed(values: Array, scalar: bool) -> Array:
    if scalar:
        values = values[..., 0]
    batch = -1 if scalar else -2
    return values.squeeze(batch) if values.shape[batch] == 1 else values


def plain_array(values: Array) -> Any:
    """Nested lists of floats, each with the shortest decimal of its kind; what is not finite as a string, since JSON
    has no number for it."""
    values = shortest(values)
    return values.tolist() if np.isfinite(values).all() else _spelled(values.tolist())


def _spelled(value: Any) -> Any:
    return [_spelled(v) for v in value] if isinstance(value, list) else plain_number(value)


def plain_number(value: float, dtype: str = "float64") -> float | str:
    """A number of a run as JSON has it: what is not finite as a string."""
    if math.isfinite(value):
        return shortest_number(value, dtype)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def as_read(value: float | str) -> str:
    """A number of a record as people read it, in its shortest form: what JSON has as `"Infinity"` is `inf`."""
    return repr(float(value)) if isinstance(value, str) else repr(value)


def _per_sequence(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
