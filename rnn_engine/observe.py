"""Builds the snapshot of an address: which numbers exist there, what the step wrote, in which pane.

What a snapshot holds depends on the address (and on which sequence of a batch is looked at) alone,
never on the way the cursor came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_engine import explain, inside
from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.equations import Program
from rnn_engine.core.language import Apply, Read
from rnn_engine.core.operation import Array
from rnn_engine.core.steps import Step, Stops
from rnn_engine.core.tape import Signal, Tape
from rnn_engine.schedule import Phase
from rnn_engine.session import Session
from rnn_engine.snapshot import Bools, Floats, Formula, Matrix, Snapshot, TimelineView
from rnn_engine.timeline import Timeline
from rnn_engine.trace import token_name
from rnn_engine.training import Ending, Iteration, predicted_classes

MAX_CURVE = 1000
"""Points of a loss curve; a longer one is thinned evenly."""


def observe(session: Session, timeline: Timeline, index: int, sequence: int = 0, inner: int = 0) -> Snapshot:
    """All there is to see at step `index` of the run, of one sequence of the batch (from 0).

    `inner` counts the sub-expressions of the step's equation from 1; 0 is the equation as a whole.
    """
    return _Observer(session, timeline, index, sequence, inner).snapshot()


def inner_steps(session: Session, timeline: Timeline, index: int) -> int:
    """How many sub-expressions a step has."""
    return len(_Observer(session, timeline, index, 0, 0).inside)


@dataclass(frozen=True)
class _Observer:
    session: Session
    timeline: Timeline
    index: int
    wanted_sequence: int
    inner: int

    # ------------------------------------------------------------ where

    @cached_property
    def phase(self) -> Phase:
        return self.session.schedule.phase(self.index)

    @cached_property
    def stop(self) -> tuple[int | str, str]:
        return self.phase.stops[self.index - self.phase.first]

    @property
    def place(self) -> int:
        """The time step within the tape, from 0; −1 in an update."""
        place = self.stop[0]
        return place if isinstance(place, int) else -1

    @property
    def equation(self) -> str:
        return self.stop[1]

    @cached_property
    def at_end(self) -> bool:
        return self.phase.name in ("evaluate", "generate")

    @cached_property
    def iteration(self) -> Iteration:
        return self.timeline.iteration(self.phase.iteration)

    @cached_property
    def ending(self) -> Ending:
        return self.timeline.ending()

    @cached_property
    def tape(self) -> Tape:
        """The tape whose values are shown."""
        if self.phase.name == "evaluate":
            return self.ending.tape
        if self.phase.name == "generate":
            return self.ending.generated.tapes[self.place]
        return self.iteration.tape

    @cached_property
    def program(self) -> Program:
        return self.tape.plan.program

    @cached_property
    def sequence(self) -> int:
        return min(self.wanted_sequence, self.tape.B - 1)

    @cached_property
    def where(self) -> explain.Place:
        return explain.Place(self.tape, 0 if self.phase.name == "generate" else self.place, self.sequence)

    @cached_property
    def inside(self) -> tuple[Apply, ...]:
        """The sub-expressions of the step's equation, in the order in which they are walked."""
        if self.phase.name == "update":
            update, parameter = self.iteration.update, str(self.stop[0])
            if parameter in update.rule.frozen:
                return ()
            return inside.sub_expressions(update.tape(parameter)[0].plan.program, self.equation)
        if self.equation == "sample" and self.phase.name == "generate":
            return ()
        if self.phase.name == "backward":
            _ = self.iteration.gradients  # computes the pass
            return inside.handed_down(self.where, self.equation)
        return inside.sub_expressions(self.program, self.equation)

    @property
    def complete(self) -> bool:
        """Whether the step's own number is there: on the way to it, inside its equation, it is not yet."""
        return not self.inner or self.phase.name == "backward"

    # ------------------------------------------------------------ the whole

    def snapshot(self) -> Snapshot:
        address = self.phase.address(self.index - self.phase.first)
        marks = {self.session.schedule.span(m.address).start: m for m in reversed(self.session.marks)}
        here = marks.get(self.index)
        note = here.note if here is not None else ""
        if not note and self.index == 0:
            note = self.session.notes
        formula, narration = self._explained()
        hidden, head = _rooms(self.program)
        panes = {
            "inputs": self._inputs(),
            "weights": self._weights(),
            "hidden": tuple(self._over_time(name) for name in hidden),
            "output": tuple(self._over_time(name) for name in head),
            "gradients": self._gradients(),
        }
        output = self.program.output
        names = {
            "inputs": "inputs",
            "weights": "weights",
            "hidden": "hidden state " + ", ".join(self.program.states),
            "output": f"output {'probabilities ' if self._is_softmax(output) else ''}{output}",
            "gradients": "gradients",
        }
        return Snapshot(
            title=self.session.title,
            address=str(address),
            equation=self.equation,
            panes=panes,
            names={k: v.strip() for k, v in names.items()},
            formula=formula,
            narration=narration,
            note=note,
            timeline=self._timeline({i: m.name for i, m in marks.items()}),
            losses=self._losses(),
            sequence=(self.sequence + 1, self.tape.B),
            within=self._within(),
        )

    def _within(self) -> str:
        if not self.inner:
            return ""
        source = self.inside[self.inner - 1].source
        return f"∂({source})" if self.phase.name == "backward" else source

    def _is_softmax(self, name: str) -> bool:
        return self.program.equations[name].root.operation.name in ("softmax", "sigmoid")

    def _timeline(self, marks: Mapping[int, str]) -> TimelineView:
        schedule, phase = self.session.schedule, self.phase
        window = schedule.window(phase.iteration)
        t = None if phase.name == "update" else self.place + phase.start + 1
        if self.at_end:
            T, span = phase.stops.T if isinstance(phase.stops, Stops) else 0, (1, len(phase.stops))
            span = (1, T)
        else:
            T, span = self.session.dataset.batches[window.batch].T, (window.start + 1, window.stop)
        return TimelineView(
            index=self.index,
            total=schedule.total,
            iteration=phase.iteration,
            iterations=schedule.iterations,
            epoch=schedule.epoch(phase.iteration),
            epochs=schedule.epochs,
            phase=phase.name,
            phases=tuple((p.name, p.first, len(p.stops)) for p in schedule.phases(phase.iteration)),
            t=t,
            T=T,
            window=span,
            marks=tuple(sorted(marks.items())),
        )

    def _losses(self) -> tuple[float, ...]:
        if "loss" not in self.session.run.scalars:
            return ()
        done = self.phase.iteration - (self.phase.name == "forward")
        losses = self.timeline.losses(done)
        every = -(-len(losses) // MAX_CURVE) or 1
        return tuple(losses[::every])

    # ------------------------------------------------------------ words

    def _explained(self) -> tuple[Formula, tuple[str, ...]]:
        token = token_name(self.session)
        if self.inner:
            return self._explained_inside(self.inside[self.inner - 1])
        if self.phase.name == "update":
            parameter, update = str(self.stop[0]), self.iteration.update
            return (
                explain.update_formula(update, parameter, self.equation),
                explain.narrate_update(update, parameter, self.equation),
            )
        if self.equation == "sample" and self.phase.name == "generate":
            return self._sampled()
        if self.phase.name == "backward":
            _ = self.iteration.gradients  # computes the pass
            step = Step(self.tape, "backward", self.place, self.equation)
            return (
                explain.backward_formula(self.where, self.equation),
                explain.narrate_backward(self.where, self.equation, step.arrived),
            )
        return explain.forward_formula(self.where, self.equation), self._narrated_forward(token)

    def _explained_inside(self, expr: Apply) -> tuple[Formula, tuple[str, ...]]:
        if self.phase.name == "update":
            return inside.update_inside(self.iteration.update, str(self.stop[0]), expr)
        if self.phase.name == "backward":
            return inside.gradient_inside(self.where, self.equation, expr)
        return inside.value_inside(self.where, expr)

    def _narrated_forward(self, token: explain.Token) -> tuple[str, ...]:
        told = explain.narrate_forward(self.where, self.equation, token)
        if self.phase.name != "evaluate" or self.equation != self.program.output:
            return told
        predicted, y = self.ending.predicted, self.tape.y
        if predicted is None or y is None or y.classes is None or explain.undefined(self.where, "loss"):
            return told
        guess, target = int(predicted[self.place, self.sequence]), int(y.classes[self.place, self.sequence])
        name = token if y.shape else int
        verdict = "right" if guess == target else "wrong"
        return (f"Predicted {name(guess)}, target {name(target)}: {verdict}.", *told)

    def _sampled(self) -> tuple[Formula, tuple[str, ...]]:
        generated = self.ending.generated
        drawn = generated.draws[self.place]
        output = self.program.output
        generator = self.session.run.generator
        assert generator is not None
        token = token_name(self.session)
        if drawn is None:
            following = token(generated.inputs[self.place + 1])
            return Formula("sample = the next token of the prompt", (), f"= {following}"), (
                f"The prompt goes on with {following}: nothing is drawn.",
            )
        p = float(self.tape.value(output)[0, 0, drawn])
        how = f"most likely token of {output}" if generator.greedy else f"a token drawn from {output}"
        number = explain.STYLES[1].number(p)
        return Formula(f"sample = {how}", (), f"= {token(drawn)}   ({output} = {number})"), (
            f"{token(drawn)} is {'the ' if generator.greedy else ''}{how} ({number}); it is the next input.",
        )

    # ------------------------------------------------------------ inputs and weights

    def _inputs(self) -> tuple[Matrix, ...]:
        if self.phase.name == "generate":
            return self._generated_inputs()
        if self.phase.name == "evaluate":
            x, y, start = self.tape.x, self.tape.y, 0
        else:
            batch = self.session.dataset.batches[self.iteration.window.batch]
            x, y, start = batch.x, batch.y, self.phase.start
        current = self.place + start if self.place >= 0 else None
        data = self.session.dataset
        matrices = []
        if data.one_hot_x and data.one_hot_y and x is not None and y is not None:
            return (self._token_table({"x": x, "y": y}, current),)
        for key, signal, tokens in (("x", x, data.one_hot_x), ("y", y, data.one_hot_y)):
            if signal is None:
                continue
            if tokens:
                matrices.append(self._token_table({key: signal}, current))
                continue
            values = signal.values[:, self.sequence]
            known = None
            if signal.missing is not None:
                known = np.repeat(~signal.missing[:, self.sequence, None], values.shape[1], axis=1)
            matrices.append(
                _matrix(
                    key,
                    values,
                    _times(len(values)),
                    _units(values.shape[1], key, signal.shape == ()),
                    known=known,
                    current=current,
                    kind="over time",
                )
            )
        return tuple(matrices)

    def _token_table(self, columns: Mapping[str, Signal], current: int | None) -> Matrix:
        token = token_name(self.session)
        indices, texts = [], []
        for signal in columns.values():
            assert signal.classes is not None
            classes = signal.classes[:, self.sequence].tolist()
            gaps = (
                [False] * len(classes)
                if signal.missing is None
                else signal.missing[:, self.sequence].tolist()
            )
            indices.append(classes)
            texts.append(["–" if gap else str(token(k)) for k, gap in zip(classes, gaps, strict=True)])
        values = np.array(indices, dtype=np.float64).T
        return _matrix(
            "x" if "x" in columns else "y",
            values,
            _times(len(values)),
            tuple(columns),
            texts=tuple(zip(*texts, strict=True)),
            current=current,
            kind="tokens",
        )

    def _generated_inputs(self) -> tuple[Matrix, ...]:
        token, generated = token_name(self.session), self.ending.generated
        steps = len(generated.tapes)
        shown = [str(token(k)) for k in generated.inputs]
        drawn = ["" if k is None else str(token(k)) for k in generated.draws]
        here = self.place + (self.equation == "sample")
        known = np.array([[s <= self.place, s < here] for s in range(steps)])
        values = np.array(
            [[i, -1 if d is None else d] for i, d in zip(generated.inputs, generated.draws, strict=True)],
            float,
        )
        written = np.zeros_like(known)
        if self.equation == "sample":
            written[self.place, 1] = True
        return (
            _matrix(
                "x",
                values,
                _times(steps),
                ("x", "drawn"),
                texts=tuple(zip(shown, drawn, strict=True)),
                known=known,
                written=written,
                current=self.place,
                kind="tokens",
            ),
        )

    def _weights(self) -> tuple[Matrix, ...]:
        session = self.session
        program = session.program
        parameters: Mapping[str, Array]
        done: set[str] = set()
        now = None
        if self.at_end:
            parameters = self.ending.after.parameters
        elif self.phase.name == "update":
            update = self.iteration.update
            order = list(program.parameters)
            now = str(self.stop[0])
            done = set(order[: order.index(now)]) | (
                {now} if self.equation == "w" and self.complete else set()
            )
            parameters = {n: (update.parameters if n in done else update.before)[n] for n in order}
        else:
            parameters = self.iteration.before.parameters
        frozen = session.run.rule.frozen if session.run.rule is not None else frozenset()
        matrices = []
        for name in program.parameters:
            values = _as_matrix(parameters[name])
            rows, columns = self._parameter_labels(name, values.shape)
            written = np.full(values.shape, name == now and name in done and name not in frozen)
            note = "frozen" if name in frozen else "new" if name in done else ""
            matrices.append(_matrix(name, values, rows, columns, written=written, note=note))
        return tuple(matrices)

    def _parameter_labels(self, name: str, shape: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        vocabulary = self.session.dataset.vocabulary
        program = self.session.program
        rows, columns = tuple(map(str, range(shape[0]))), tuple(map(str, range(shape[1])))
        if vocabulary is not None:
            if shape[0] == len(vocabulary) and name in _over_classes(program):
                rows = vocabulary
            if (
                shape[1] == len(vocabulary)
                and self.session.dataset.one_hot_x
                and _multiplies_x(program, name)
            ):
                columns = vocabulary
        return rows, columns if len(program.parameters[name]) == 2 else ("",)

    # ------------------------------------------------------------ values over time

    def _over_time(self, name: str) -> Matrix:
        """A value over the time steps of the window; a state with the values before it."""
        program = self.program
        if self.phase.name == "generate":
            values = np.array([tape.value(name)[0, 0] for tape in self.ending.generated.tapes])
            before = (
                self.ending.generated.tapes[0].initial(name)[:, 0] if name in program.delays else values[:0]
            )
            start = 0
        else:
            values = self.tape.value(name)[:, self.sequence]
            before = self.tape.initial(name)[:, self.sequence] if name in program.delays else values[:0]
            start = self.tape.start
        T, d = len(values), len(before)
        written = np.zeros((d + T, values.shape[1]), dtype=bool)
        known = np.ones_like(written)
        if self.phase.name not in ("backward", "update"):
            walked = self._walked(name, T)
            known[d:] = walked[:, None]
            if name == self.equation and self.complete:
                written[d + self.place] = True
        tape = self.tape
        if tape.missing is not None and name in program.reads_target:
            known[d:] &= ~tape.missing[:, self.sequence, None]
        target, chosen = self._choices(name, T, d)
        return _matrix(
            name,
            np.concatenate([before, values]),
            tuple(str(start + k - d + 1) for k in range(d + T)),
            self._columns(name, values.shape[1]),
            known=known,
            written=written,
            current=d + self.place if self.place >= 0 else None,
            target=target,
            chosen=chosen,
            kind="over time",
        )

    def _walked(self, name: str, T: int) -> Bools:
        """`[T]`: at which time steps the cursor's phase has passed an equation."""
        walked = np.zeros(T, dtype=bool)
        assert isinstance(self.phase.stops, Stops)
        walked[self.phase.stops.walked(name, self.index - self.phase.first - (not self.complete))] = True
        return walked

    def _columns(self, name: str, n: int) -> tuple[str, ...]:
        vocabulary = self.session.dataset.vocabulary
        if vocabulary is not None and n == len(vocabulary) and name in _over_classes(self.program):
            return vocabulary
        return _units(n, name, self.program.shapes[name] == ())

    def _choices(
        self, name: str, T: int, d: int
    ) -> tuple[tuple[int | None, ...] | None, tuple[int | None, ...] | None]:
        """Per row the target's column and the chosen one; only for an output over classes."""
        if name != self.program.output or not self.program.shapes[name]:
            return None, None
        empty: tuple[int | None, ...] = (None,) * d
        if self.phase.name == "generate":
            done = self.place + (self.equation == "sample")
            draws = self.ending.generated.draws
            return None, empty + tuple(k if place < done else None for place, k in enumerate(draws))
        y = self.tape.y
        if y is None or y.classes is None:
            return None, None
        gaps = np.zeros(T, dtype=bool) if y.missing is None else y.missing[:, self.sequence]
        target = empty + tuple(
            None if gap else int(k) for k, gap in zip(y.classes[:, self.sequence], gaps, strict=True)
        )
        chosen = predicted_classes(self.tape) if self.phase.name == "evaluate" else None
        if chosen is None:
            return target, None
        return target, empty + tuple(int(k) for k in chosen[:, self.sequence])

    # ------------------------------------------------------------ gradients

    def _gradients(self) -> tuple[Matrix, ...]:
        session = self.session
        if not session.schedule.backward or self.at_end:
            return ()
        tape, schedule = self.iteration.tape, session.schedule
        program, forward = session.program, self.phase.name == "forward"
        if not forward:
            _ = self.iteration.gradients  # computes the pass
        hidden, head = _rooms(program)
        stopping = {name for _, names in schedule.backward for name in names}
        shown = dict.fromkeys((*hidden, *head))  # an output that is a state is in both rooms
        flowing = [name for name in shown if name in stopping and name != "loss"]
        matrices = [self._flow(name, tape, forward) for name in flowing]
        return (*matrices, *(self._accumulated(name, tape, forward) for name in program.parameters))

    def _flow(self, name: str, tape: Tape, forward: bool) -> Matrix:
        n = tape.value(name).shape[-1]
        values = np.zeros((tape.T, n)) if forward else tape.gradient(name)[:, self.sequence]
        written, known = np.zeros((tape.T, n), dtype=bool), np.zeros((tape.T, n), dtype=bool)
        if self.phase.name == "backward":
            known[:] = self._walked(name, tape.T)[:, None]
            if name == self.equation:
                written[self.place] = True
        elif not forward:
            known[:] = True
        return _matrix(
            f"∂{name}",
            values,
            tuple(str(tape.start + k + 1) for k in range(tape.T)),
            self._columns(name, n),
            known=known,
            written=written,
            current=self.place if self.phase.name == "backward" else None,
            kind="over time",
        )

    def _accumulated(self, name: str, tape: Tape, forward: bool) -> Matrix:
        shape = self.session.program.parameters[name]
        values = np.zeros(shape)
        written = np.zeros(shape, dtype=bool)
        note = ""
        if self.phase.name == "backward":
            values, written = self._running_sum(name, tape)
            note = "running sum"
        if self.phase.name == "update" or (
            self.index == self.phase.first + len(self.phase.stops) - 1 and not forward
        ):
            values, note = self.iteration.gradients[name], "total"
        values = _as_matrix(values)
        rows, columns = self._parameter_labels(name, values.shape)
        known = np.full(values.shape, not forward)
        return _matrix(
            f"∂{name}",
            values,
            rows,
            columns,
            known=known,
            written=_as_matrix(written).astype(bool),
            note=note,
        )

    def _running_sum(self, name: str, tape: Tape) -> tuple[Array, Bools]:
        """What the stops so far have added to a parameter's gradient, and where this one added something."""
        shape = self.session.program.parameters[name]
        total, written = np.zeros(shape), np.zeros(shape, dtype=bool)
        for use in tape.plan.uses[name]:
            walked = np.flatnonzero(self._walked(use.node.equation.name, tape.T))
            if walked.size:
                span = slice(int(walked[0]), int(walked[-1]) + 1)
                total = total + tape.parameter_part(use, span).reshape(shape)
            if use.node.equation.name == self.equation:
                here = tape.parameter_part(use, slice(self.place, self.place + 1))
                written |= here.reshape(shape) != 0.0
        return total, written


# ---------------------------------------------------------------- what belongs where


def _rooms(program: Program) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which equations the hidden pane shows (states first, then what they are made of), which the output pane."""
    states = list(program.states)
    upstream: set[str] = set()
    todo = list(states)
    while todo:
        for read in program.equations[todo.pop()].reads:
            if read.kind == "equation" and read.name not in upstream:
                upstream.add(read.name)
                todo.append(read.name)
    output = program.output
    inner = [name for name in program.equations if name in upstream and name not in states and name != output]
    hidden = (*states, *inner)
    rest = [name for name in program.equations if name not in hidden and name != output]
    return hidden, (output, *rest)


def _over_classes(program: Program) -> set[str]:
    """The names whose elements stand for the classes of the output: reached from it element by element."""
    output = program.output
    found = {output} if program.shapes[output] else set()
    todo: list[object] = [program.equations[output].root] if found else []
    while todo:
        match todo.pop():
            case Apply(operation=operation, args=[Read(name=name), _]) if operation is PRODUCT_OF_MATRIX:
                found.add(name)
            case Apply(operation=operation, args=args) if (
                operation.elementwise or operation.name == "softmax"
            ):
                todo += args
            case Read(kind="parameter", name=name, shape=shape) if shape:
                found.add(name)
            case Read(kind="equation", name=name) if name not in found:
                found.add(name)
                todo.append(program.equations[name].root)
    return found


def _multiplies_x(program: Program, parameter: str) -> bool:
    for use in program.equations.values():
        todo: list[object] = [use.root]
        while todo:
            expr = todo.pop()
            if isinstance(expr, Apply):
                match expr.args:
                    case [Read(name=name), Read(kind="x")] if name == parameter:
                        return True
                todo += expr.args
    return False


def _matrix(
    key: str, values: Floats, rows: tuple[str, ...], columns: tuple[str, ...], **rest: object
) -> Matrix:
    frozen = np.array(values, dtype=np.float64)
    frozen.flags.writeable = False
    return Matrix(key, frozen, rows, columns, **rest)  # type: ignore[arg-type]  # checked where it is called


def _as_matrix(values: Array) -> Array:
    return values if values.ndim == 2 else np.reshape(values, (-1, 1))


def _times(T: int) -> tuple[str, ...]:
    return tuple(str(t + 1) for t in range(T))


def _units(n: int, name: str, scalar: bool) -> tuple[str, ...]:
    return (name,) if scalar else tuple(map(str, range(n)))
