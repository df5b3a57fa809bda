"""Builds the snapshot of a position: the tables of its panes, its formula, its sentence, its timeline.

What a snapshot holds depends on the position alone, never on the way the cursor came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnn_engine import explain, inside, narrate, touched
from rnn_engine.core.language import Apply
from rnn_engine.core.steps import Stops
from rnn_engine.generation import ranked
from rnn_engine.place import undefined
from rnn_engine.position import Position
from rnn_engine.quantity import Cell
from rnn_engine.session import Session
from rnn_engine.snapshot import Formula, Matrix, Snapshot, TimelineView
from rnn_engine.spelling import brackets, label
from rnn_engine.style import STYLES
from rnn_engine.tables import tables
from rnn_engine.timeline import Timeline
from rnn_engine.trace import token_name

MAX_CURVE = 1000
"""Points of a loss curve; a longer one is thinned evenly."""


def observe(session: Session, timeline: Timeline, index: int, sequence: int = 0, inner: int = 0) -> Snapshot:
    """All there is to see at step `index` of the run, of one sequence of the batch (from 0).

    `inner` counts the sub-expressions of the step's equation from 1; 0 is the equation as a whole.
    """
    return _Observer(Position(session, timeline, index, sequence, inner)).snapshot()


def inner_steps(session: Session, timeline: Timeline, index: int) -> int:
    """How many sub-expressions a step has."""
    return len(Position(session, timeline, index, 0, 0).inside)


@dataclass(frozen=True)
class _Observer:
    at: Position

    # ------------------------------------------------------------ the whole

    def snapshot(self) -> Snapshot:
        address = self.at.phase.address(self.at.index - self.at.phase.first)
        marks = self.at.session.marked
        here = marks.get(self.at.index)
        note = here.note.strip() if here is not None else ""
        if not note and self.at.index == 0:
            note = self.at.session.notes.strip()
        formula, narration = self._explained()
        by_hand = touched.sentence(self.at)
        if by_hand:
            narration = (*(f"{by_hand} {said}" for said in narration), by_hand)
            note = f"{by_hand} {note}" if note else ""  # a note stands in the narration's place
        output = self.at.program.output
        names = {
            "inputs": "inputs",
            "weights": "weights",
            "hidden": "hidden state " + ", ".join(self.at.program.states),
            "output": f"output {'probabilities ' if self._is_softmax(output) else ''}{output}",
            "gradients": "gradients",
        }
        panes = tables(self.at)
        return Snapshot(
            title=self.at.session.title,
            dtype=self.at.session.run.dtype,
            address=str(address),
            equation=self.at.equation,
            panes=panes,
            names={k: v.strip() for k, v in names.items()},
            formula=formula,
            narration=narration,
            note=note,
            timeline=self._timeline({i: m.name for i, m in marks.items()}),
            losses=self._losses(),
            sequence=(self.at.sequence + 1, self.at.tape.B),
            edits=len(self.at.session.edits),
            within=self._within(),
            number=("", "") if _shows_what_is_written(panes) else self._number(),
        )

    def _number(self) -> tuple[str, str]:
        """The first number that the step made: a gradient, a value of an update equation."""
        at, number = self.at, self.at.phase.iteration
        if at.inner and at.phase.name != "backward":
            return "", ""
        if at.phase.name == "update":
            name, update = str(at.stop[0]), at.iteration.update
            value = np.asarray(update.value(name, at.equation))
            index = (0,) * len(at.session.run.shapes[name]) if value.ndim else ()
            own = "w" if name in update.rule.frozen else at.equation
            return label(at.session, Cell("update", number, name, index, equation=own)), str(
                np.ravel(value)[0]
            )
        if at.phase.name != "backward":
            return "", ""
        index = (0,) if at.program.shapes[at.equation] else ()
        cell = Cell("gradient", number, at.equation, index, at.place + at.phase.start + 1)
        return label(at.session, cell), str(at.tape.gradient(at.equation)[at.place, at.sequence, 0])

    def _within(self) -> str:
        if not self.at.inner:
            return ""
        source = self.at.inside[self.at.inner - 1].source
        return f"∂({source})" if self.at.phase.name == "backward" else source

    def _is_softmax(self, name: str) -> bool:
        return self.at.program.equations[name].root.operation.name in ("softmax", "sigmoid")

    def _timeline(self, marks: Mapping[int, str]) -> TimelineView:
        schedule, phase = self.at.session.schedule, self.at.phase
        window = schedule.window(phase.iteration)
        t = None if phase.name == "update" else self.at.place + phase.start + 1
        if self.at.at_end:
            T, span = phase.stops.T if isinstance(phase.stops, Stops) else 0, (1, len(phase.stops))
            span = (1, T)
        else:
            T, span = self.at.session.dataset.batches[window.batch].T, (window.start + 1, window.stop)
        return TimelineView(
            index=self.at.index,
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
        if "loss" not in self.at.session.run.scalars:
            return ()
        done = self.at.phase.iteration - (self.at.phase.name == "forward")
        losses = self.at.timeline.losses(done)
        every = -(-len(losses) // MAX_CURVE) or 1
        return tuple(losses[::every])

    # ------------------------------------------------------------ words

    def _explained(self) -> tuple[Formula, tuple[str, ...]]:
        token = token_name(self.at.session)
        if self.at.inner:
            return self._explained_inside(self.at.inside[self.at.inner - 1])
        if self.at.phase.name == "update":
            parameter, update = str(self.at.stop[0]), self.at.iteration.update
            return (
                explain.update_formula(update, parameter, self.at.equation),
                narrate.update_step(update, parameter, self.at.equation, self._element),
            )
        if self.at.equation == "sample" and self.at.phase.name == "generate":
            return self._sampled()
        if self.at.phase.name == "backward":
            _ = self.at.iteration.gradients  # computes the pass
            return (
                explain.backward_formula(self.at.where, self.at.equation),
                narrate.backward_step(self.at.where, self.at.equation),
            )
        return explain.forward_formula(self.at.where, self.at.equation), self._narrated_forward(token)

    def _element(self, name: str, index: tuple[int, ...]) -> str:
        return brackets(self.at.session, name, index)

    def _explained_inside(self, expr: Apply) -> tuple[Formula, tuple[str, ...]]:
        if self.at.phase.name == "update":
            return inside.update_inside(self.at.iteration.update, str(self.at.stop[0]), expr)
        if self.at.phase.name == "backward":
            return inside.gradient_inside(self.at.where, self.at.equation, expr)
        return inside.value_inside(self.at.where, expr)

    def _narrated_forward(self, token: narrate.Token) -> tuple[str, ...]:
        told = narrate.forward_step(self.at.where, self.at.equation, token, self._element)
        if self.at.phase.name != "evaluate" or self.at.equation != self.at.program.output:
            return told
        predicted, y = self.at.ending.predicted, self.at.tape.y
        if predicted is None or y is None or y.classes is None or undefined(self.at.where, "loss"):
            return told
        if np.isnan(self.at.tape.value(self.at.equation)[self.at.place, self.at.sequence]).any():
            return told  # nothing is the likeliest
        guess, target = (
            int(predicted[self.at.place, self.at.sequence]),
            int(y.classes[self.at.place, self.at.sequence]),
        )
        name = token if y.shape else int
        verdict = "right" if guess == target else "wrong"
        return (f"Predicted {name(guess)}, target {name(target)}: {verdict}.", *told)

    def _sampled(self) -> tuple[Formula, tuple[str, ...]]:
        generated = self.at.ending.generated
        drawn = generated.draws[self.at.place]
        output = self.at.program.output
        generator = self.at.session.run.generator
        assert generator is not None
        token = token_name(self.at.session)
        if drawn is None:
            following = token(generated.inputs[self.at.place + 1])
            return Formula("sample = the next token of the prompt", (), f"= {following}"), (
                f"The prompt goes on with {following}: nothing is drawn.",
            )
        p, number = self.at.tape.value(output)[0, 0], STYLES[1].number
        formula = Formula(
            f"sample = {generator.how.removeprefix('the ')}",
            (),
            f"= {token(drawn)}   ({output} = {number(p[drawn])})",
        )
        if np.isnan(p).any():
            return formula, (f"{output} is not a number: {token(drawn)} is taken for want of a better one.",)
        order, chances = ranked(p, generator.temperature, generator.top_k)
        plain = generator.greedy or (generator.temperature == 1.0 and generator.top_k is None)
        chance = number(p[drawn]) if plain else f"chance {number(chances[order == drawn][0])}"
        how = generator.how
        if generator.greedy and np.count_nonzero(p == p.max()) > 1:
            how = f"the first of the most likely tokens of {output}"
        if self.at.place + 1 == len(generated):
            return formula, (
                f"{token(drawn)} is {how} ({chance}); with it the text ends.",
                f"{token(drawn)} is the last.",
            )
        return formula, (
            f"{token(drawn)} is {how} ({chance}); it is the next input.",
            f"{token(drawn)} is the next input.",
        )


def _shows_what_is_written(panes: Mapping[str, tuple[Matrix, ...]]) -> bool:
    matrices = (matrix for shown in panes.values() for matrix in shown)
    return any(matrix.written is not None and bool(matrix.written.any()) for matrix in matrices)
