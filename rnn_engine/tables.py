"""The five panes as tables of numbers: which numbers exist at a position, and what its step wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnn_engine import touched
from rnn_engine.core.operation import Array
from rnn_engine.core.steps import Stops, running_sum
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.position import Position
from rnn_engine.rooms import hidden_and_head
from rnn_engine.snapshot import Matrix
from rnn_engine.trace import token_name
from rnn_engine.training import is_over_classes, predicted_classes

if TYPE_CHECKING:
    from rnn_engine.snapshot import Bools, Floats


def tables(at: Position) -> dict[str, tuple[Matrix, ...]]:
    """The matrices of every pane."""
    make = _Tables(at)
    known = at.session.rooms
    # What generates is a text of its own: without what depends on a target.
    hidden, head = (
        (known.hidden, known.head) if at.program is at.session.program else hidden_and_head(at.program)
    )
    return {
        "inputs": make.inputs(),
        "weights": make.weights(),
        "hidden": tuple(make.over_time(name) for name in hidden),
        "output": tuple(make.over_time(name) for name in head),
        "gradients": make.gradients(),
    }


@dataclass(frozen=True)
class _Tables:
    at: Position

    # ------------------------------------------------------------ inputs and weights

    def inputs(self) -> tuple[Matrix, ...]:
        if self.at.phase.name == "generate":
            return self._generated_inputs()
        if self.at.phase.name == "evaluate":
            x, y, start = self.at.tape.x, self.at.tape.y, 0
        else:
            batch = self.at.session.dataset.batches[self.at.iteration.window.batch]
            x, y, start = batch.x, batch.y, self.at.phase.start
        current = self.at.place + start if self.at.place >= 0 else None
        data = self.at.session.dataset
        matrices = []
        if data.one_hot_x and data.one_hot_y and x is not None and y is not None:
            return (self._token_table({"x": x, "y": y}, current),)
        for key, signal, tokens in (("x", x, data.one_hot_x), ("y", y, data.one_hot_y)):
            if signal is None:
                continue
            if tokens:
                matrices.append(self._token_table({key: signal}, current))
                continue
            values = signal.values[:, self.at.sequence]
            known = None
            if signal.missing is not None:
                known = np.repeat(~signal.missing[:, self.at.sequence, None], values.shape[1], axis=1)
            matrices.append(
                _matrix(
                    key,
                    values,
                    _times(len(values)),
                    _units(values.shape[1], key, signal.shape == ()),
                    known=known,
                    current=current,
                    kind="over time",
                    shape=signal.shape,
                    edited=touched.inputs(self.at, key, values.shape, token=False),
                )
            )
        return tuple(matrices)

    def _token_table(self, columns: Mapping[str, Signal], current: int | None) -> Matrix:
        token = token_name(self.at.session)
        indices, texts = [], []
        for signal in columns.values():
            assert signal.classes is not None
            classes = signal.classes[:, self.at.sequence].tolist()
            gaps = (
                [False] * len(classes)
                if signal.missing is None
                else signal.missing[:, self.at.sequence].tolist()
            )
            indices.append(classes)
            texts.append(["–" if gap else str(token(k)) for k, gap in zip(classes, gaps, strict=True)])
        values = np.array(indices, dtype=np.float64).T
        masks = [touched.inputs(self.at, name, (len(values), 1), token=True) for name in columns]
        edited = None
        if any(mask is not None for mask in masks):
            none = np.zeros((len(values), 1), np.bool_)
            edited = np.hstack([none if mask is None else mask for mask in masks])
        return _matrix(
            "x" if "x" in columns else "y",
            values,
            _times(len(values)),
            tuple(columns),
            texts=tuple(zip(*texts, strict=True)),
            current=current,
            kind="tokens",
            edited=edited,
        )

    def _generated_inputs(self) -> tuple[Matrix, ...]:
        token, generated = token_name(self.at.session), self.at.ending.generated
        steps = len(generated)
        shown = [str(token(k)) for k in generated.inputs]
        drawn = ["" if k is None else str(token(k)) for k in generated.draws]
        here = self.at.place + (self.at.equation == "sample")
        known = np.array([[s <= self.at.place, s < here] for s in range(steps)])
        values = np.array(
            [[i, -1 if d is None else d] for i, d in zip(generated.inputs, generated.draws, strict=True)],
            float,
        )
        written = np.zeros_like(known)
        if self.at.equation == "sample":
            written[self.at.place, 1] = True
        return (
            _matrix(
                "x",
                values,
                _times(steps),
                ("x", "drawn"),
                texts=tuple(zip(shown, drawn, strict=True)),
                known=known,
                written=written,
                current=self.at.place,
                kind="tokens",
            ),
        )

    def weights(self) -> tuple[Matrix, ...]:
        session = self.at.session
        parameters: Mapping[str, Array]
        done: set[str] = set()
        now = None
        if self.at.at_end:
            parameters = self.at.ending.after.parameters
        elif self.at.phase.name == "update":
            iteration = self.at.iteration
            update, after = iteration.update, session.run.begins(iteration.after)
            order = list(session.run.parameters)
            now = str(self.at.stop[0])
            done = set(order[: order.index(now)]) | (
                {now} if self.at.equation == "w" and self.at.complete else set()
            )
            parameters = {n: (after if n in done else update.before)[n] for n in order}
        else:
            parameters = self.at.iteration.before.parameters
        frozen = session.run.rule.frozen if session.run.rule is not None else frozenset()
        matrices = []
        for name in session.rooms.parameters:
            values = _as_matrix(parameters[name])
            rows, columns = session.rooms.labels[name]
            written = np.full(values.shape, name == now and name in done and name not in frozen)
            note = "frozen" if name in frozen else "new" if name in done else ""
            shape = session.run.shapes[name]
            edited = touched.parameter(self.at, name, values.shape, new=name in done)
            matrices.append(
                _matrix(name, values, rows, columns, written=written, note=note, shape=shape, edited=edited)
            )
        return tuple(matrices)

    # ------------------------------------------------------------ values over time

    def over_time(self, name: str) -> Matrix:
        """A value over the time steps of the window; a state with the values before it."""
        program = self.at.program
        if self.at.phase.name == "generate":
            values = self.at.ending.generated.values(name)
            before = (
                self.at.ending.generated.tape(0).initial(name)[:, 0].copy()
                if name in program.delays
                else values[:0]
            )
            start = 0
        else:
            values = self.at.tape.value(name)[:, self.at.sequence]
            before = self.at.tape.initial(name)[:, self.at.sequence] if name in program.delays else values[:0]
            start = self.at.tape.start
        T, d = len(values), len(before)
        written = np.zeros((d + T, values.shape[1]), dtype=bool)
        known = np.ones_like(written)
        if self.at.phase.name not in ("backward", "update"):
            walked = self._walked(name, T)
            known[d:] = walked[:, None]
            if name == self.at.equation and self.at.complete:
                written[d + self.at.place] = True
        tape = self.at.tape
        gaps = tape.undefined(name)
        if gaps is not None:
            known[d:] &= ~gaps[:, self.at.sequence, None]
        target, chosen = self._choices(name, T, d)
        return _matrix(
            name,
            np.concatenate([before, values]),
            tuple(str(start + k - d + 1) for k in range(d + T)),
            self._columns(name, values.shape[1]),
            known=known,
            written=written,
            current=d + self.at.place if self.at.place >= 0 else None,
            target=target,
            chosen=chosen,
            kind="over time",
            shape=program.shapes[name],
            edited=touched.values(self.at, name, T, d, values.shape[1]),
        )

    def _walked(self, name: str, T: int) -> Bools:
        """`[T]`: at which time steps the cursor's phase has passed an equation."""
        walked = np.zeros(T, dtype=bool)
        assert isinstance(self.at.phase.stops, Stops)
        walked[
            self.at.phase.stops.walked(name, self.at.index - self.at.phase.first - (not self.at.complete))
        ] = True
        return walked

    def _columns(self, name: str, n: int) -> tuple[str, ...]:
        vocabulary = self.at.session.dataset.vocabulary
        if vocabulary is not None and n == len(vocabulary) and name in self.at.session.rooms.classes:
            return vocabulary
        return _units(n, name, self.at.program.shapes[name] == ())

    def _choices(
        self, name: str, T: int, d: int
    ) -> tuple[tuple[int | None, ...] | None, tuple[int | None, ...] | None]:
        """Per row the target's column and the chosen one; only for an output over classes."""
        if name != self.at.program.output or not self.at.program.shapes[name]:
            return None, None
        empty: tuple[int | None, ...] = (None,) * d
        if self.at.phase.name == "generate":
            done = self.at.place + (self.at.equation == "sample")
            draws = self.at.ending.generated.draws
            return None, empty + tuple(k if place < done else None for place, k in enumerate(draws))
        y = self.at.tape.y
        if y is None or y.classes is None or not is_over_classes(self.at.tape):
            return None, None
        gaps = np.zeros(T, dtype=bool) if y.missing is None else y.missing[:, self.at.sequence]
        target = empty + tuple(
            None if gap else int(k) for k, gap in zip(y.classes[:, self.at.sequence], gaps, strict=True)
        )
        chosen = predicted_classes(self.at.tape) if self.at.phase.name == "evaluate" else None
        if chosen is None:
            return target, None
        return target, empty + tuple(int(k) for k in chosen[:, self.at.sequence])

    # ------------------------------------------------------------ gradients

    def gradients(self) -> tuple[Matrix, ...]:
        session = self.at.session
        if not session.schedule.backward or self.at.at_end:
            return ()
        tape, schedule = self.at.iteration.tape, session.schedule
        forward = self.at.phase.name == "forward"
        if not forward:
            _ = self.at.iteration.gradients  # computes the pass
        stopping = {name for _, names in schedule.backward for name in names}
        shown = dict.fromkeys(
            (*session.rooms.hidden, *session.rooms.head)
        )  # an output that is a state is in both rooms
        flowing = [name for name in shown if name in stopping and name != "loss"]
        matrices = [self._flow(name, tape, forward) for name in flowing]
        return (
            *matrices,
            *(self._accumulated(name, tape, forward) for name in session.rooms.parameters),
        )

    def _flow(self, name: str, tape: Tape, forward: bool) -> Matrix:
        n = tape.value(name).shape[-1]
        values = (
            np.zeros((tape.T, n), tape.value(name).dtype)
            if forward
            else tape.gradient(name)[:, self.at.sequence]
        )
        written, known = np.zeros((tape.T, n), dtype=bool), np.zeros((tape.T, n), dtype=bool)
        if self.at.phase.name == "backward":
            known[:] = self._walked(name, tape.T)[:, None]
            if name == self.at.equation:
                written[self.at.place] = True
        elif not forward:
            known[:] = True
        return _matrix(
            f"∂{name}",
            values,
            tuple(str(tape.start + k + 1) for k in range(tape.T)),
            self._columns(name, n),
            known=known,
            written=written,
            current=self.at.place if self.at.phase.name == "backward" else None,
            kind="over time",
            shape=self.at.program.shapes[name],
        )

    def _accumulated(self, name: str, tape: Tape, forward: bool) -> Matrix:
        shape = self.at.session.run.shapes[name]
        values = np.zeros(shape, self.at.session.run.dtype)
        written = np.zeros(shape, dtype=bool)
        note = ""
        if self.at.phase.name == "backward":
            values, written = self._running_sum(name, tape)
            note = "running sum"
        if self.at.phase.name == "update" or (
            self.at.index == self.at.phase.first + len(self.at.phase.stops) - 1 and not forward
        ):
            values, note = self.at.iteration.gradients[name], "total"
        values = _as_matrix(values)
        rows, columns = self.at.session.rooms.labels[name]
        known = np.full(values.shape, not forward)
        return _matrix(
            f"∂{name}",
            values,
            rows,
            columns,
            known=known,
            written=_as_matrix(written).astype(bool),
            note=note,
            shape=shape,
        )

    def _running_sum(self, name: str, tape: Tape) -> tuple[Array, Bools]:
        """What the stops so far have added to a parameter's gradient, and where this one added something."""
        here = np.zeros(self.at.session.run.shapes[name], self.at.session.run.dtype)
        if name not in tape.plan.uses:  # an initial state, whose gradient is there at the end
            return here, here != 0.0
        stops = self.at.phase.stops
        assert isinstance(stops, Stops)
        for use in tape.plan.uses[name]:
            if use.node.equation.name == self.at.equation:
                now = slice(self.at.place, self.at.place + 1)
                here = here + tape.parameter_part(use, now).reshape(here.shape)
        return running_sum(tape, name, stops, self.at.index - self.at.phase.first), here != 0.0


def _matrix(
    key: str, values: Floats, rows: tuple[str, ...], columns: tuple[str, ...], **rest: object
) -> Matrix:
    frozen = np.array(values)
    frozen.flags.writeable = False
    return Matrix(key, frozen, rows, columns, **rest)  # type: ignore[arg-type]  # checked where it is called


def _as_matrix(values: Array) -> Array:
    return values if values.ndim == 2 else np.reshape(values, (-1, 1))


def _times(T: int) -> tuple[str, ...]:
    return tuple(str(t + 1) for t in range(T))


def _units(n: int, name: str, scalar: bool) -> tuple[str, ...]:
    return (name,) if scalar else tuple(map(str, range(n)))
