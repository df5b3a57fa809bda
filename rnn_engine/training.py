"""A run: iterations over windows (forward, backward, update), then evaluation and generation.

`Run` is what a session compiles to and never changes. Everything is a function of a keyframe: the
parameters, the optimiser's state and the carried state before an iteration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain, count, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnn_engine.byhand import ByHand, Overrides
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import Plan
from rnn_engine.core.steps import Step
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.data import Batch, Dataset
from rnn_engine.generation import Generated, Generator
from rnn_engine.reduction import Reduction
from rnn_engine.schedule import Address, Phase, Schedule, Window
from rnn_engine.update import State, Update, UpdateRule

ARRAY_OVERHEAD = 250
"""Bytes that an array costs beside its numbers, with its place in a mapping (CPython 3.11, NumPy 2.4)."""


@dataclass(frozen=True, eq=False)
class Keyframe:
    """All that an iteration depends on; taken before it."""

    iteration: int
    parameters: Mapping[str, Array]
    optimizer: State
    carried: Mapping[str, Array]
    """The last states of the window before, `[d, B, n]`; empty where a sequence begins."""

    @property
    def nbytes(self) -> int:
        arrays = [*self.parameters.values(), *self.carried.values()]
        arrays += [a for group in self.optimizer for a in group.values()]
        return sum(a.nbytes + ARRAY_OVERHEAD for a in arrays)


@dataclass(frozen=True, eq=False)
class Run:
    """A session, compiled."""

    plan: Plan
    dataset: Dataset
    schedule: Schedule
    rule: UpdateRule | None
    reduction: Reduction
    scalars: tuple[str, ...]
    """The loss, where there is one, and what the session reports beside it."""
    parameters: Mapping[str, Array]
    """What is learned, by name: the parameters of the text, then trained initial states (`h[0]`)."""
    initial: Mapping[str, Array]
    """Per state `[d, 1 or B, n]`, oldest first."""
    trained: Mapping[str, str]
    """`h[0]` → `h`: the states whose initial value is learned."""
    generator: Generator | None
    dtype: str = "float64"
    """What every number of the run is."""
    by_hand: ByHand = field(default_factory=ByHand)

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of everything in `parameters`."""
        return {name: np.shape(value) for name, value in self.parameters.items()}

    def begin(self, parameters: Mapping[str, Array]) -> Mapping[str, Array]:
        """What a sequence starts from, `[d, 1 or B, n]` per state: as given, or as learned so far."""
        begin = dict(self.initial)
        for label, state in self.trained.items():
            begin[state] = begin[state].astype(parameters[label].dtype)  # a copy
            begin[state][-1] = parameters[label].reshape(1, -1)
        return begin

    def first(self) -> Keyframe:
        return Keyframe(1, self.parameters, self.rule.first_state() if self.rule else (), {})

    def iteration(self, before: Keyframe) -> Iteration:
        return Iteration(self, self._set_by_hand(before))

    def ending(self, after: Keyframe) -> Ending:
        return Ending(self, self._set_by_hand(after))

    def begins(self, frame: Keyframe) -> Mapping[str, Array]:
        """The parameters that an iteration begins with, what is set there by hand included."""
        return self.by_hand.changed(frame.iteration, frame.parameters)

    def _set_by_hand(self, frame: Keyframe) -> Keyframe:
        """A keyframe is what an iteration left; what a person sets at the beginning of the next comes on top."""
        parameters = self.begins(frame)
        if parameters is frame.parameters:
            return frame
        optimizer = frame.optimizer if self.rule is None else self.rule.follow(frame.optimizer, parameters)
        return replace(frame, parameters=parameters, optimizer=optimizer)

    def tape(
        self,
        parameters: Mapping[str, Array],
        batch: Batch,
        start: int,
        stop: int,
        initial: Mapping[str, Array],
        place: tuple[int, str],
        dtype: str | None = None,
    ) -> Tape:
        """The forward pass over a part of a batch; `place` is its iteration and phase.

        In numbers of another kind where one is given.
        """
        return forward(
            self.by_hand.plan(self.plan, *place),
            parameters,
            _part(batch.x, start, stop),
            _part(batch.y, start, stop),
            T=stop - start,
            B=batch.B,
            initial=initial,
            start=start,
            padding=batch.padding(start, stop),
            dtype=dtype or self.dtype,
            overrides=self.by_hand.overrides(self.plan, *place, start, stop - start, batch.B),
        )

    def weights(self, tape: Tape) -> NDArray[np.float64]:
        """`[T, B]`: how much each loss of a window counts in its objective."""
        found: NDArray[np.float64] = self.reduction.weights(tape.undefined("loss"), tape.T, tape.B).astype(
            tape.workspace.form.dtype, copy=False
        )
        return found

    def steps_that_count(self, name: str, window: Window) -> int:
        """The time steps of a window at which a scalar is defined for at least one sequence."""
        batch = self.dataset.batches[window.batch]
        y = _part(batch.y, window.start, window.stop)
        gone = np.zeros((window.T, batch.B), dtype=bool)
        if y is not None and y.missing is not None and name in self.plan.program.reads_target:
            gone |= y.missing
        padding = batch.padding(window.start, window.stop)
        if padding is not None and name not in self.plan.program.states:
            gone |= padding
        return int(np.count_nonzero(~gone.all(axis=1)))

    def totals(self, tape: Tape) -> dict[str, dict[str, float]]:
        """Loss and reported scalars of a window, reduced."""
        return {
            name: self.reduction.totals(tape.value(name)[:, :, 0], tape.undefined(name))
            for name in self.scalars
        }


class Iteration:
    """One iteration: each phase is computed when it is first asked for, and then stays."""

    def __init__(self, run: Run, before: Keyframe) -> None:
        self.run, self.before = run, before
        self.number = before.iteration
        self.window: Window = run.schedule.window(self.number)

    @cached_property
    def tape(self) -> Tape:
        """The forward pass."""
        return self.with_parameters(self.before.parameters)

    def with_parameters(self, parameters: Mapping[str, Array], dtype: str | None = None) -> Tape:
        """The forward pass as it would be with these parameters, or in numbers of another kind.

        What is not carried on starts anew in each window.
        """
        run, window = self.run, self.window
        initial = {**run.begin(parameters), **self.before.carried}
        batch, place = run.dataset.batches[window.batch], (self.number, "forward")
        return run.tape(parameters, batch, window.start, window.stop, initial, place, dtype)

    @cached_property
    def gradients(self) -> Mapping[str, Array]:
        """The backward pass: the gradient of every parameter, reduced, before clipping."""
        tape = self.tape
        backward(tape, self.run.weights(tape))
        return {**tape.parameter_gradients, **self._initial_gradients(tape)}

    def _initial_gradients(self, tape: Tape) -> dict[str, Array]:
        """∂loss/∂ the learned initial states, over all sequences; nothing where the window only carries on."""
        shapes = self.run.shapes
        return {
            label: np.zeros(shapes[label], self.run.dtype)
            if state in self.before.carried
            else tape.initial_gradient(state)[-1].sum(axis=0).reshape(shapes[label])
            for label, state in self.run.trained.items()
        }

    @cached_property
    def update(self) -> Update:
        rule = self.run.rule
        if rule is None:
            raise ValueError("this run has no update")
        return rule.run(self.number, self.before.parameters, self.gradients, self.before.optimizer)

    @cached_property
    def totals(self) -> dict[str, dict[str, float]]:
        return self.run.totals(self.tape)

    @property
    def objective(self) -> float:
        """The loss of this window, reduced as the session says; not a number where there is none."""
        return self.totals["loss"][self.run.reduction.time] if "loss" in self.totals else float("nan")

    @cached_property
    def after(self) -> Keyframe:
        """What the next iteration starts from."""
        carried = {}
        following = self.run.schedule.window(self.number + 1)
        if not following.fresh:
            carried = {name: self.tape.final(name).copy() for name in self.run.plan.program.delays}
        if self.run.rule is None:
            return Keyframe(self.number + 1, self.before.parameters, (), carried)
        update = self.update
        return Keyframe(self.number + 1, update.parameters, update.state, carried)


class Ending:
    """What follows the last iteration: evaluation and generation with the final weights."""

    def __init__(self, run: Run, after: Keyframe) -> None:
        self.run, self.after = run, after
        self.number = after.iteration - 1
        """The last iteration, whose number evaluation and generation carry."""

    @cached_property
    def tape(self) -> Tape:
        """The evaluation: a forward pass over all data, from the initial state."""
        run, batch = self.run, side_by_side(self.run.dataset.batches)
        # what is given per sequence of a batch is given anew for each batch
        initial = {
            name: np.tile(values, (1, batch.B // values.shape[1], 1))
            for name, values in run.begin(self.after.parameters).items()
        }
        return run.tape(self.after.parameters, batch, 0, batch.T, initial, (self.number, "evaluate"))

    @cached_property
    def totals(self) -> dict[str, dict[str, float]]:
        return self.run.totals(self.tape)

    @cached_property
    def predicted(self) -> NDArray[np.int64] | None:
        """`[T, B]`: the class that the output predicts; None where the targets are no classes."""
        return predicted_classes(self.tape)

    @property
    def accuracy(self) -> float | None:
        """The share of targets that were predicted; None where they are no classes."""
        predicted, y = self.predicted, self.tape.y
        if predicted is None or y is None or y.classes is None:
            return None
        counts = np.ones_like(predicted, dtype=bool) if y.missing is None else ~y.missing
        return float(np.mean((predicted == y.classes)[counts])) if counts.any() else None

    @cached_property
    def generated(self) -> Generated:
        generator = self.run.generator
        if generator is None:
            raise ValueError("this run generates nothing")
        initial = {name: values[:, :1] for name, values in self.run.begin(self.after.parameters).items()}

        def by_hand(place: int) -> Overrides | None:
            return self.run.by_hand.overrides(generator.plan, self.number, "generate", place, 1, 1)

        return generator.run(self.after.parameters, initial, by_hand)


class RunStep(NamedTuple):
    """One step of the run: where it is and, through its iteration or the ending, all there is to see."""

    number: int
    phase: Phase
    place: int | str
    """The time step of the pass, from 0; in an update the parameter."""
    equation: str
    source: Iteration | Ending

    @property
    def address(self) -> Address:
        at = self.place + self.phase.start + 1 if isinstance(self.place, int) else self.place
        return Address(self.phase.iteration, self.phase.name, at, self.equation)

    @property
    def view(self) -> Step:
        """The step on its tape, for every phase but the update and the draws of a generation."""
        t = self.address.t
        if t is None or self.address.equation == "sample":
            raise ValueError(f"{self.address} stands on no tape")
        if self.address.phase == "generate":
            assert isinstance(self.source, Ending)
            return Step(self.source.generated.tape(t - 1), "forward", 0, self.address.equation)
        phase = "backward" if self.address.phase == "backward" else "forward"
        return Step(self.source.tape, phase, t - 1 - self.source.tape.start, self.address.equation)

    @property
    def value(self) -> Array:
        """What the step computed: a value or a gradient `[B, n]`, in an update an array of the parameter's shape."""
        if self.address.phase == "update":
            assert isinstance(self.source, Iteration)
            return self.source.update.value(str(self.address.place), self.address.equation)
        if self.address.equation == "sample" and isinstance(self.source, Ending):
            drawn = self.source.generated.draws[(self.address.t or 1) - 1]
            return np.array([[np.nan if drawn is None else float(drawn)]])
        return self.view.gradient if self.address.phase == "backward" else self.view.value


def training_steps(run: Run) -> Iterator[RunStep]:
    """Every step of a run in order; a phase is computed when its first step is asked for.

    Stop at any of them, keep it, go on or never come back: a step stays what it was.
    """
    return chain.from_iterable(_phases(run))


def _phases(run: Run) -> Iterator[Iterator[RunStep]]:
    """The steps of one phase after another, made without a line of Python for each: to look must cost little."""
    frame, make = run.first(), partial(tuple.__new__, RunStep)
    columns: dict[tuple[str, int], tuple[Sequence[int | str], Sequence[str]]] = {}
    for number in range(1, run.schedule.iterations + 1):
        iteration = run.iteration(frame)
        source: Iteration | Ending = iteration
        for phase in run.schedule.phases(number):
            if phase.name == "backward":
                _ = iteration.gradients
            elif phase.name in ("evaluate", "generate"):
                source = run.ending(iteration.after) if isinstance(source, Iteration) else source
            kind = phase.name, iteration.window.T
            if kind not in columns:
                columns[kind] = [place for place, _ in phase.stops], [equation for _, equation in phase.stops]
            yield map(make, zip(count(phase.first), repeat(phase), *columns[kind], repeat(source)))
        frame = iteration.after


def is_over_classes(tape: Tape) -> bool:
    """Whether the elements of the output stand for the classes that the targets are."""
    y, program = tape.y, tape.plan.program
    return (
        y is not None
        and y.classes is not None
        and program.shapes[program.output] == (y.shape or (program.classes,))
    )


def predicted_classes(tape: Tape) -> NDArray[np.int64] | None:
    """`[T, B]`: the largest element of a vector output; 0 or 1 for a scalar one whose targets are 0 and 1."""
    y, program = tape.y, tape.plan.program
    if y is None or y.classes is None:
        return None
    output = tape.value(program.output)
    if program.shapes[program.output]:
        return np.argmax(output, axis=-1) if is_over_classes(tape) else None
    return (output[..., 0] > 0.5).astype(np.int64) if y.classes.max(initial=0) <= 1 else None


def side_by_side(batches: Sequence[Batch]) -> Batch:
    """All sequences as one batch, as long as the longest."""
    if len(batches) == 1:
        return batches[0]
    T = max(batch.T for batch in batches)
    lengths = tuple(n for batch in batches for n in batch.lengths or (batch.T,) * batch.B)
    return Batch(
        T,
        len(lengths),
        _joined([batch.x for batch in batches], T),
        _joined([batch.y for batch in batches], T),
        lengths if len(set(lengths)) > 1 else None,
    )


def _joined(signals: Sequence[Signal | None], T: int) -> Signal | None:
    there = [s for s in signals if s is not None]
    if len(there) < len(signals):
        return None
    classes = [_up_to(s.classes, T) for s in there if s.classes is not None]
    missing = [np.zeros(s.values.shape[:2], dtype=bool) if s.missing is None else s.missing for s in there]
    return Signal(
        np.concatenate([_up_to(s.values, T) for s in there], axis=1),
        there[0].shape,
        np.concatenate(classes, axis=1) if len(classes) == len(there) else None,
        np.concatenate([_up_to(m, T, True) for m in missing], axis=1),
    )


def _up_to(array: NDArray[Any], T: int, filler: object = 0) -> NDArray[Any]:
    """An array over time, filled up to T time steps."""
    missing = np.full((T - len(array), *array.shape[1:]), filler, array.dtype)
    return np.concatenate([array, missing])


def _part(signal: Signal | None, start: int, stop: int) -> Signal | None:
    return None if signal is None else signal.window(start, stop)
