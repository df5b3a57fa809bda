"""A session: the one mutable object. Equations and data compile to a `Run`; marks and cursor change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from rnn_engine.core.equations import Program, compile_equations
from rnn_engine.core.operation import Array, Shape
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.steps import Stops
from rnn_engine.data import Dataset, dataset, prompt_tokens
from rnn_engine.edits import with_edits
from rnn_engine.errors import AddressError, EngineError, EquationError, ReplayError
from rnn_engine.generation import Generator, make_generator
from rnn_engine.precision import check_constants, rounded
from rnn_engine.reduction import Reduction
from rnn_engine.replay import Edit, Mark, Replay, Training, load, replaced, save
from rnn_engine.rooms import Rooms, rooms
from rnn_engine.schedule import Schedule, UpdateStops, windows_of_epoch
from rnn_engine.training import Run, side_by_side
from rnn_engine.update import DEFAULTS, UpdateRule, compile_update, optimizer_text


class Session:
    """A replay that runs. Raises `EngineError` where its parts do not fit together."""

    def __init__(self, replay: Replay, file: str | None = None) -> None:
        self.replay, self.file = replay, file
        self._unedited = self.run = compile_run(replay)
        self.edits: tuple[Edit, ...] = ()
        if replay.edits:
            try:
                self.take(replay.edits, self.with_edits(replay.edits))
            except ReplayError as error:
                raise ReplayError(error.what, error.path, self.file) from None
        self.marks: list[Mark] = list(replay.marks)
        for i, mark in enumerate(self.marks):
            self._check_address(mark.address, f"$.marks[{i}].address")
        if replay.cursor is not None:
            self._check_address(replay.cursor, "$.cursor")
        self._marked: tuple[Schedule, tuple[Mark, ...], Mapping[int, Mark]] | None = None
        self.cursor = 0 if replay.cursor is None else self.schedule.span(replay.cursor).start

    @classmethod
    def load(cls, path: str | Path) -> Session:
        """Open a replay file. Raises `EngineError`, with the file's name in it."""
        return cls.of(load(Path(path)), path)

    @classmethod
    def of(cls, replay: Replay, path: str | Path) -> Session:
        """The session of a replay that was read from a file. Raises `EngineError`, with the file's name in it."""
        try:
            return cls(replay, str(path))
        except ReplayError:
            raise
        except EquationError as error:
            where = "" if error.line is None else f"$.equations[{error.line - 1}]"
            raise ReplayError(str(error), where, str(path)) from None
        except EngineError as error:
            raise ReplayError(str(error), "", str(path)) from None

    @cached_property
    def rooms(self) -> Rooms:
        """What belongs in which pane, and how it is labelled; edits do not change it."""
        vocabulary, one_hot_x = self.dataset.vocabulary, self.dataset.one_hot_x
        return rooms(self.program, self.run.shapes, vocabulary, one_hot_x)

    @property
    def marked(self) -> Mapping[int, Mark]:
        """The marks by the number of their step; where several stand at one, the first of them."""
        marks = tuple(self.marks)
        if self._marked is None or self._marked[0] is not self.schedule or self._marked[1] != marks:
            found = {self.schedule.span(mark.address).start: mark for mark in reversed(marks)}
            self._marked = self.schedule, marks, found
        return self._marked[2]

    @property
    def title(self) -> str:
        return self.replay.title

    @property
    def notes(self) -> str:
        return self.replay.notes

    @property
    def program(self) -> Program:
        return self.run.plan.program

    @property
    def dataset(self) -> Dataset:
        return self.run.dataset

    @property
    def schedule(self) -> Schedule:
        return self.run.schedule

    def with_edits(self, edits: Sequence[Edit]) -> Run:
        """The run as it is with these edits and no others. Raises `ReplayError` for one that does not fit."""
        run = with_edits(self._unedited, edits)
        if run.dataset is not self._unedited.dataset:
            _check_data(run.plan.program, run.dataset)
        return run

    def take(self, edits: Sequence[Edit], run: Run) -> None:
        """These edits from now on, with their run."""
        self.edits, self.run = tuple(edits), run

    def to_replay(self) -> Replay:
        """This session as a document, edits, marks and cursor included."""
        cursor = str(self.schedule.address(self.cursor)) if self.cursor or self.replay.cursor else None
        return replaced(self.replay, marks=tuple(self.marks), edits=self.edits, cursor=cursor)

    def save(self, path: str | Path) -> None:
        """Write the session as a replay, all or nothing. Raises `ReplayError`."""
        replay = self.to_replay()
        save(Path(path), replay)
        self.replay, self.file = replay, str(path)

    def _check_address(self, address: str, path: str) -> None:
        try:
            self.schedule.span(address)
        except AddressError as error:
            raise ReplayError(str(error), path, self.file) from None


def compile_run(replay: Replay) -> Run:
    """Check that equations, data, parameters and training fit together, and compile them."""
    dtype = replay.dtype
    data = dataset(replay.data, dtype)
    parameters = {
        name: rounded(np.array(value, dtype=np.float64), dtype, f"$.parameters.{name}")
        for name, value in replay.parameters.items()
    }
    initial = _initial_values(replay)
    program = compile_equations(
        replay.equations,
        {name: value.shape for name, value in parameters.items()},
        x=data.x_shape,
        y=data.y_shape,
        initial={name: value[0].shape[-1:] if value[0].ndim else () for name, value in initial.items()},
    )
    training = replay.training or Training()
    check_constants(program, dtype)
    _check_data(program, data)
    states = _initial_states(program, data, initial, dtype)
    trained = _trained(program, training, states)
    learned = {name: parameters[name] for name in program.parameters}
    learned |= {
        label: states[state][-1, 0].reshape(program.shapes[state]).copy() for label, state in trained.items()
    }
    shapes = {name: value.shape for name, value in learned.items()}
    rule = _rule(shapes, training, dtype) if "loss" in program.equations and training.optimizer else None
    if training.optimizer and rule is None:
        raise EngineError("training.optimizer: there is no equation `loss` to train on")
    if training.optimizer is None and (training.frozen or training.clip or training.train_initial):
        raise EngineError(
            "training: frozen, clip and train_initial belong to an update; expected an optimizer too"
        )
    for name in training.report:
        if program.shapes.get(name) != ():
            raise EngineError(f"training.report: {name!r} is no scalar equation of the text")
    plan = make_plan(program)
    generator = _generator(replay, program, data)
    scalars = [*(["loss"] if "loss" in program.equations else []), *training.report]
    reduction = Reduction(training.reduction.time, training.reduction.batch)
    return Run(
        plan=plan,
        dataset=data,
        schedule=_schedule(replay, training, program, data, plan, rule, tuple(learned), generator),
        rule=rule,
        reduction=reduction,
        scalars=tuple(dict.fromkeys(scalars)),
        parameters=learned,
        initial=states,
        trained=trained,
        generator=generator,
        dtype=dtype,
    )


def _initial_values(replay: Replay) -> dict[str, dict[int, Array]]:
    """Per state: how far before t = 1 (0 for `h`, 1 for `h[-1]`) → its value."""
    found: dict[str, dict[int, Array]] = {}
    for key, value in replay.initial.items():
        name, _, rest = key.partition("[")
        back = -int(rest[:-1]) if rest else 0
        found.setdefault(name, {})[back] = rounded(
            np.array(value, dtype=np.float64), replay.dtype, f"$.initial.{key}"
        )
    for name, values in found.items():
        # [0] stands for the shape; a state given only deeper still has one
        values.setdefault(0, np.zeros_like(next(iter(values.values()))))
        if len({v.shape[-1:] for v in values.values()}) > 1:
            raise EngineError(f"initial values of {name!r} have several shapes; expected one")
    return found


def _initial_states(
    program: Program, data: Dataset, given: Mapping[str, Mapping[int, Array]], dtype: str
) -> dict[str, Array]:
    states: dict[str, Array] = {}
    for name in program.states:
        depth = program.delays.get(name) or program.leads[name]
        n = program.shapes[name][0] if program.shapes[name] else 1
        values = given.get(name, {})
        B = max([v.shape[0] for v in values.values() if v.ndim == 2], default=1)
        state = np.zeros((depth, B, n), dtype)
        for back, value in values.items():
            if back >= depth:
                deepest = f"{name}[{1 - depth}]" if depth > 1 else name
                raise EngineError(
                    f"initial value {name}[{-back}] is never read; the deepest that is read is {deepest}"
                )
            if value.ndim == 2 and any(value.shape[0] != batch.B for batch in data.batches):
                raise EngineError(
                    f"initial value of {name!r} is for {value.shape[0]} sequences, a batch has {data.batches[0].B}"
                )
            state[depth - 1 - back] = value.reshape(-1, n)
        states[name] = state
    return states


def _check_data(program: Program, data: Dataset) -> None:
    missing = False
    for batch in data.batches:
        y = batch.y
        missing = missing or (y is not None and y.missing is not None and bool(y.missing.any()))
        if program.classes is None or y is None:
            continue
        if y.classes is None:
            raise EngineError(
                "cross_entropy takes targets that are tokens, whole numbers from 0, or vectors of p's length"
            )
        if y.classes.max(initial=0) >= program.classes:
            t, b = np.argwhere(y.classes >= program.classes)[0]
            raise EngineError(
                f"target {y.classes[t, b]} at t={t + 1} is no class; expected 0 to {program.classes - 1},"
                f" p has {program.classes} elements"
            )
    if missing:
        for name in program.states:
            if name in program.reads_target:
                raise EngineError(f"a target is null, but the state {name!r} depends on the targets")


def _trained(program: Program, training: Training, states: Mapping[str, Array]) -> dict[str, str]:
    """`h[0]` → `h`, for the states whose initial value is to be learned."""
    trained = {}
    for name in training.train_initial:
        state = name.removesuffix("[0]")
        if state not in program.delays:
            known = ", ".join(program.delays)
            raise EngineError(
                f"training.train_initial: {name!r} is no state read from before; expected {known}"
            )
        if states[state].shape[1] > 1:
            raise EngineError(
                f"training.train_initial: {name!r} is given for each sequence; expected one for all"
            )
        trained[f"{state}[0]"] = state
    return trained


def _rule(shapes: Mapping[str, Shape], training: Training, dtype: str) -> UpdateRule:
    optimizer = training.optimizer
    assert optimizer is not None
    for name in training.frozen:
        if name not in shapes:
            raise EngineError(f"training.frozen: {name!r} is no parameter; expected {', '.join(shapes)}")
    constants = dict(optimizer.constants)
    if optimizer.name is not None:
        known = {"learning_rate", *DEFAULTS[optimizer.name]}
        for constant in constants:
            if constant not in known:
                raise EngineError(
                    f"training.optimizer: {optimizer.name} has no constant {constant!r};"
                    f" expected {', '.join(sorted(known))}"
                )
        constants = {**DEFAULTS[optimizer.name], **constants}
        if "learning_rate" not in constants:
            raise EngineError("training.optimizer: learning_rate is missing; expected a number")
    return compile_update(
        optimizer_text(optimizer.name) if optimizer.name is not None else optimizer.equations or (),
        constants,
        None if training.clip is None else (training.clip.kind, training.clip.limit),
        shapes,
        frozenset(training.frozen),
        dtype,
    )


def _generator(replay: Replay, program: Program, data: Dataset) -> Generator | None:
    settings = replay.generation
    if settings is None:
        return None
    if data.vocabulary is None or not data.one_hot_x:
        raise EngineError("generation needs inputs that are tokens; these are numbers")
    return make_generator(
        [e.source for e in program.equations.values()],
        program,
        prompt_tokens(settings, replay.data, data.vocabulary),
        len(data.vocabulary),
        length=settings.length,
        greedy=settings.mode == "greedy",
        temperature=settings.temperature,
        top_k=settings.top_k,
        seed=settings.seed,
        dtype=replay.dtype,
    )


def _schedule(
    replay: Replay,
    training: Training,
    program: Program,
    data: Dataset,
    plan: Plan,
    rule: UpdateRule | None,
    learned: tuple[str, ...],
    generator: Generator | None,
) -> Schedule:
    lengths = [batch.T for batch in data.batches]
    windows = windows_of_epoch(lengths, training.window, training.last_window == "keep", training.carry)
    if not windows:
        raise EngineError(
            f"training.window is {training.window}, longer than every sequence, and the last is dropped"
        )
    iterations = training.iterations or (training.epochs or 1) * len(windows)
    evaluate = None
    if replay.evaluate:
        evaluate = Stops(program.order, side_by_side(data.batches).T)
    generate = None
    if generator is not None:
        [(direction, names)] = generator.plan.program.order
        generate = Stops(((direction, (*names, "sample")),), generator.T)
    return Schedule(
        windows=windows,
        iterations=iterations,
        forward=program.order,
        backward=plan.backward_order,
        update=None if rule is None else UpdateStops(learned, rule.frozen, rule.equations),
        evaluate=evaluate,
        generate=generate,
        added_at={
            name: tuple(dict.fromkeys(use.node.equation.name for use in uses))
            for name, uses in plan.uses.items()
        },
    )
