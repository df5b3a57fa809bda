"""What if: the edits of a session, checked against its run, and the run with them put in.

A value of an equation is set at its own step alone; a parameter at the beginning of an iteration, from where
training goes on from it; an input, a target or an initial state in the data, that is in every epoch. All that
comes after follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rnn_engine.byhand import ByHand, Index, Spot, standing_alone
from rnn_engine.core.equations import Program
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Signal
from rnn_engine.data import Batch, Dataset, with_classes
from rnn_engine.errors import AddressError, EngineError, ReplayError
from rnn_engine.precision import rounded
from rnn_engine.replay import Edit, nearest, quote
from rnn_engine.schedule import Schedule
from rnn_engine.training import Run, side_by_side

Key = tuple[object, ...]
"""Which number an edit sets: two edits of one key exclude each other."""


def with_edits(run: Run, edits: Sequence[Edit]) -> Run:
    """A run without edits, with these. Raises `ReplayError` with the JSON path of the edit that does not fit."""
    editing = _Editing(run)
    seen: dict[Key, int] = {}
    for i, edit in enumerate(edits):
        path = f"$.edits[{i}]"
        editing.add(edit, path)
        first = seen.setdefault(key(edit), i)
        if first != i:
            raise ReplayError(f"sets the same number as $.edits[{first}]; expected each once", path)
    return editing.edited()


def key(edit: Edit) -> Key:
    """Which number an edit sets."""
    index = edit.index if any(edit.index) else ()  # one element needs no index
    if edit.address is not None:
        return ("value", edit.address, edit.sequence, index)
    if edit.parameter is not None:
        return ("parameter", edit.parameter, edit.iteration or 1, index)
    if edit.initial is not None:
        return ("initial", *begun(edit.initial), edit.sequence, index)
    name, t = ("x", edit.input) if edit.input is not None else ("y", edit.target)
    return ("data", name, t, edit.sequence, index)


def first_iteration(run: Run, edit: Edit) -> int:
    """The first iteration in which an edit can change anything; one more than the last: only what follows it."""
    schedule = run.schedule
    after = schedule.iterations + 1
    if edit.address is not None:
        number, phase = edit.address.split(":")[:2]
        return int(number) if phase == "forward" else after
    if edit.parameter is not None:
        return edit.iteration or 1
    if edit.initial is not None:
        return 1
    t = edit.input or edit.target or 1
    batch, _ = column(run.dataset, edit.sequence)
    windows = enumerate(schedule.windows, 1)
    reading = (n for n, window in windows if window.batch == batch and window.start < t <= window.stop)
    return min(next(reading, after), after)


def first_difference(run: Run, old: Iterable[Edit], new: Iterable[Edit]) -> int:
    """The first iteration in which two sets of edits can differ."""
    differing = set(old) ^ set(new)
    return min((first_iteration(run, edit) for edit in differing), default=run.schedule.iterations + 1)


def column(dataset: Dataset, sequence: int) -> tuple[int, int]:
    """The batch of a sequence of the data (from 1), and its place among those side by side (from 0)."""
    b = sequence - 1
    for number, batch in enumerate(dataset.batches):
        if b < batch.B:
            return number, b
        b -= batch.B
    raise IndexError(sequence)


def sequence_number(run: Run, phase: str, number: int, b: int) -> int:
    """Which of all sequences of the data one is (from 1) that is number `b` of those side by side in a pass."""
    batches = run.dataset.batches
    before = 0 if phase == "evaluate" else run.schedule.window(number).batch
    return sum(batch.B for batch in batches[:before]) + b + 1


def is_set(run: Run, name: str, sequence: int, t: int, element: int | None = None) -> bool:
    """Whether an input or target (`x`, `y`) is set by hand: the whole of it, or an element; any where None is asked."""
    found = (e for which, s, at, e in run.by_hand.data if (which, s, at) == (name, sequence, t))
    return any(element is None or e in (-1, element) for e in found)


def where(edit: Edit, run: Run) -> str:
    """The address of a step at which an edit is seen first."""
    if edit.address is not None:
        return edit.address
    number = min(first_iteration(run, edit), run.schedule.iterations)
    return str(run.schedule.phases(number)[0].address(0))


def begun(name: str) -> tuple[str, int]:
    """`h[-1]` → (`h`, 1): the state, and how far before t = 1 its value is taken; `h` is `h[0]`."""
    state, _, rest = name.partition("[")
    return state, -int(rest[:-1]) if rest else 0


@dataclass
class _Editing:
    """Gathers edits of a run, each checked when it comes."""

    run: Run
    values: dict[tuple[int, str], dict[str, dict[Spot, float]]] = field(default_factory=dict)
    parameters: dict[int, dict[str, dict[Index, float]]] = field(default_factory=dict)
    data: set[tuple[str, int, int, int]] = field(default_factory=set)
    initial: set[tuple[str, int, int, int]] = field(default_factory=set)
    signals: dict[tuple[int, str], Signal] = field(default_factory=dict)
    states: dict[str, Array] = field(default_factory=dict)
    later: list[tuple[str, str, Spot]] = field(default_factory=list)
    """Values to be looked at when the data are what they will be: (path, phase:equation, spot)."""

    @property
    def schedule(self) -> Schedule:
        return self.run.schedule

    def add(self, edit: Edit, path: str) -> None:
        """Check one more edit, and take it."""
        if edit.address is not None:
            self._value(edit, edit.address, path)
        elif edit.parameter is not None:
            self._parameter(edit, edit.parameter, path)
        elif edit.initial is not None:
            self._initial(edit, edit.initial, path)
        else:
            self._datum(edit, path)

    def edited(self) -> Run:
        """The run with all of them."""
        run = replace(self.run, dataset=self._dataset(), initial={**self.run.initial, **self.states})
        for path, address, spot in self.later:
            _check_there(run, path, address, spot)
        alone = {standing_alone(run.plan, names) for names in self.values.values()} - {frozenset()}
        plans: dict[frozenset[str], Plan] = {
            names: make_plan(run.plan.program, overridden=names) for names in alone
        }
        hand = ByHand(self.values, self.parameters, frozenset(self.data), frozenset(self.initial), plans)
        return replace(run, by_hand=hand)

    # ------------------------------------------------------------ what can be set

    def _value(self, edit: Edit, address: str, path: str) -> None:
        try:
            place = self.schedule.address(self.schedule.span(address).start)
        except AddressError as error:
            raise ReplayError(str(error), f"{path}.address") from None
        name, t = place.equation, place.t
        assert t is not None
        program = self._program(place.phase)
        if name not in program.equations:
            raise ReplayError("a draw follows from the output; expected an equation", f"{path}.address")
        sequence = _within(edit.sequence, self._sequences(place.phase, place.iteration), f"{path}.sequence")
        index = _index(edit.index, program.shapes[name], name, path)
        spot = (t, sequence, index[0] if index else 0)
        self.later.append((path, address, spot))
        of_pass = self.values.setdefault((place.iteration, place.phase), {})
        of_pass.setdefault(name, {})[spot] = self._number(edit, path)

    def _number(self, edit: Edit, path: str) -> float:
        """What is set, as a number of the run."""
        if not isinstance(edit.value, float):
            raise ReplayError("expected a finite number", f"{path}.value")
        try:
            return float(rounded(np.array(edit.value), self.run.dtype, "the value"))
        except EngineError as error:
            raise ReplayError(str(error), f"{path}.value") from None

    def _program(self, phase: str) -> Program:
        generator = self.run.generator
        return generator.plan.program if phase == "generate" and generator else self.run.plan.program

    def _sequences(self, phase: str, number: int) -> int:
        """How many sequences run side by side there."""
        batches = self.run.dataset.batches
        if phase == "evaluate":
            return sum(batch.B for batch in batches)
        return 1 if phase == "generate" else batches[self.schedule.window(number).batch].B

    def _parameter(self, edit: Edit, name: str, path: str) -> None:
        shapes = self.run.shapes
        if name not in shapes:
            hint = nearest(name, shapes) or f"; expected {', '.join(shapes) or 'none, as the text has none'}"
            raise ReplayError(f"there is no parameter {quote(name)}{hint}", f"{path}.parameter")
        _no_sequence(edit, "a parameter belongs to all sequences", path)
        number, last = edit.iteration or 1, self.schedule.iterations
        if number > last + 1:
            raise ReplayError(
                f"there is no iteration {number}; expected 1 to {last}, or {last + 1} for what follows the last",
                f"{path}.iteration",
            )
        index = _index(edit.index, shapes[name], name, path)
        self.parameters.setdefault(number, {}).setdefault(name, {})[index] = self._number(edit, path)

    def _initial(self, edit: Edit, name: str, path: str) -> None:
        run = self.run
        state, back = begun(name)
        if state not in run.initial:
            hint = nearest(state, run.initial) or f"; expected {', '.join(run.initial) or 'none'}"
            raise ReplayError(f"there is no state {quote(state)}{hint}", f"{path}.initial")
        if back == 0 and f"{state}[0]" in run.trained:
            raise ReplayError(f'is learned; expected "parameter": "{state}[0]"', f"{path}.initial")
        given = self.states.get(state, run.initial[state])
        depth, many = given.shape[:2]
        if back >= depth:
            deepest = f"{state}[{1 - depth}]" if depth > 1 else state
            raise ReplayError(f"is never read; the deepest that is read is {deepest}", f"{path}.initial")
        if many == 1:
            _no_sequence(edit, "the initial state belongs to all sequences", path)
        sequence = _within(edit.sequence, many, f"{path}.sequence")
        index = _index(edit.index, run.plan.program.shapes[state], state, path)
        element = index[0] if index else 0
        changed = given.copy()
        changed[depth - 1 - back, sequence, element] = self._number(edit, path)
        self.states[state] = changed
        self.initial.add((state, back, sequence if many > 1 else -1, element))

    # ------------------------------------------------------------ data

    def _datum(self, edit: Edit, path: str) -> None:
        dataset = self.run.dataset
        name, t, tokens = ("x", edit.input, dataset.one_hot_x)
        if t is None:
            name, t, tokens = ("y", edit.target, dataset.one_hot_y)
        assert t is not None
        member = f"{path}.{'input' if name == 'x' else 'target'}"
        batches = dataset.batches
        _within(edit.sequence, sum(batch.B for batch in batches), f"{path}.sequence")
        number, b = column(dataset, edit.sequence)
        batch = batches[number]
        signal = self._own(number, name, batch.x if name == "x" else batch.y)
        if signal is None or signal.missing is None:
            raise ReplayError(f"there are no {'inputs' if name == 'x' else 'targets'}", member)
        length = batch.T if batch.lengths is None else batch.lengths[b]
        if t > length:
            raise ReplayError(f"there is no time step {t}; expected 1 to {length}", member)
        element = -1
        if tokens or edit.value is None:
            if edit.index:
                what = "a token" if tokens else "null"
                raise ReplayError(f"{what} stands for the whole; expected no index", f"{path}.index")
            token = None if edit.value is None else self._token(edit.value, path)
            signal.values[t - 1, b] = 0.0
            if token is not None and signal.classes is not None:
                signal.values[t - 1, b, token] = 1.0
                signal.classes[t - 1, b] = token
        else:
            index = _index(edit.index, signal.shape, name, path)
            if signal.shape and signal.missing[t - 1, b]:
                raise ReplayError("there is no target, so none of its elements can be set", member)
            element = index[0] if index else 0
            signal.values[t - 1, b, element] = self._number(edit, path)
        signal.missing[t - 1, b] = edit.value is None
        self.data.add((name, edit.sequence, t, element))

    def _own(self, number: int, name: str, signal: Signal | None) -> Signal | None:
        """A copy of a signal that can be written, made once."""
        if signal is not None and (number, name) not in self.signals:
            values, missing, classes = signal.values, signal.missing, signal.classes
            self.signals[number, name] = Signal(
                values.copy(),
                signal.shape,
                None if classes is None else classes.copy(),
                np.zeros(values.shape[:2], np.bool_) if missing is None else missing.copy(),
            )
        return self.signals.get((number, name))

    def _token(self, value: float | str, path: str) -> int:
        vocabulary = self.run.dataset.vocabulary or ()
        if not isinstance(value, str):
            raise ReplayError("a number; expected a token, as the data are", f"{path}.value")
        if value not in vocabulary:
            raise ReplayError(
                f"{quote(value)} is not in the vocabulary{nearest(value, vocabulary)}", f"{path}.value"
            )
        return vocabulary.index(value)

    def _dataset(self) -> Dataset:
        dataset = self.run.dataset
        if not self.signals:
            return dataset
        made = {}
        for (number, name), signal in self.signals.items():
            missing = signal.missing if signal.missing is not None and signal.missing.any() else None
            signal = replace(signal, missing=missing)
            if name == "y" and not dataset.one_hot_y:  # whether they are whole numbers may have changed
                signal = with_classes(replace(signal, classes=None))
            for array in (signal.values, signal.missing, signal.classes):
                if array is not None:
                    array.setflags(write=False)
            made[number, name] = signal
        batches = [
            replace(batch, x=made.get((n, "x"), batch.x), y=made.get((n, "y"), batch.y))
            for n, batch in enumerate(dataset.batches)
        ]
        return replace(dataset, batches=tuple(batches))


def _check_there(run: Run, path: str, address: str, spot: Spot) -> None:
    """That there is a value: the sequence is not over, the target not missing."""
    number, phase, _, name = address.split(":")
    if phase == "generate":
        return
    batches = run.dataset.batches
    batch: Batch = (
        side_by_side(batches) if phase == "evaluate" else batches[run.schedule.window(int(number)).batch]
    )
    t, sequence, _ = spot
    if batch.lengths is not None and t > batch.lengths[sequence]:
        raise ReplayError(f"the sequence is over after t={batch.lengths[sequence]}", f"{path}.address")
    y = batch.y
    no_target = y is not None and y.missing is not None and bool(y.missing[t - 1, sequence])
    if no_target and name in run.plan.program.reads_target:
        raise ReplayError(f"there is no target at t={t}, so {name} has no value", f"{path}.address")


def _index(index: Index, shape: Shape, name: str, path: str) -> Index:
    """The element that is meant; a thing of one element needs no index."""
    if not index and int(np.prod(shape, dtype=int)) == 1:
        return (0,) * len(shape)
    if len(index) == len(shape) and all(k < n for k, n in zip(index, shape, strict=True)):
        return index
    if not shape:
        raise ReplayError(f"{name} is one number; expected no index", f"{path}.index")
    last = ", ".join(str(n - 1) for n in shape)
    size, zeros = "×".join(map(str, shape)), ", ".join("0" for _ in shape)
    raise ReplayError(f"{name} is {size}; expected [{zeros}] to [{last}]", f"{path}.index")


def _within(sequence: int, many: int, path: str) -> int:
    """A sequence, from 0."""
    if sequence > many:
        raise ReplayError(f"there is no sequence {sequence}; expected 1 to {many}", path)
    return sequence - 1


def _no_sequence(edit: Edit, why: str, path: str) -> None:
    if edit.sequence != 1:
        raise ReplayError(f"{why}; expected none", f"{path}.sequence")
