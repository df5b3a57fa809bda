"""Where one looks: an address, resolved to the pass, the tape and the place on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnn_engine import inside
from rnn_engine.core.equations import Program
from rnn_engine.core.language import Apply
from rnn_engine.core.tape import Tape
from rnn_engine.place import Place
from rnn_engine.schedule import Phase
from rnn_engine.session import Session
from rnn_engine.timeline import Timeline
from rnn_engine.training import Ending, Iteration


@dataclass(frozen=True)
class Position:
    """A step of the run, one sequence of the batch, and perhaps a sub-expression of the equation."""

    session: Session
    timeline: Timeline
    index: int
    wanted_sequence: int
    inner: int

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
            return self.ending.generated.tape(self.place)
        return self.iteration.tape

    @cached_property
    def program(self) -> Program:
        return self.tape.plan.program

    @cached_property
    def sequence(self) -> int:
        return min(self.wanted_sequence, self.tape.B - 1)

    @cached_property
    def where(self) -> Place:
        return Place(self.tape, 0 if self.phase.name == "generate" else self.place, self.sequence)

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
