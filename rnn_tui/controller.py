"""What the keys do, without a screen: owns session and timeline, answers in snapshots and sentences."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from pathlib import Path

from rnn_engine.derive import Section, derivation, shapes
from rnn_engine.edits import described, first_difference, where
from rnn_engine.errors import AddressError, EngineError, ReplayError
from rnn_engine.flow import Flow, Horizon, horizon, itemise
from rnn_engine.observe import inner_steps, observe
from rnn_engine.quantity import Cell
from rnn_engine.replay import Mark
from rnn_engine.schedule import Phase, Schedule
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.timeline import Cancelled, Timeline
from rnn_engine.why import Why, why
from rnn_tui.edits import Prompt
from rnn_tui.export.steps import document
from rnn_tui.history import Edits, History, sentence
from rnn_tui.lessons import directory
from rnn_tui.places import Found, continued, places
from rnn_tui.questions import Spot, cell_at, spot_of

LONG = 50
"""Iterations to compute from which on a move is worth a thread of its own."""

Place = tuple[int, int, int]
"""Step, sequence, sub-expression."""


class Controller:
    """Moves the cursor of a session. Every move answers "" or one sentence on why it could not."""

    def __init__(self, session: Session, path: str | None = None) -> None:
        self.session, self.path = session, path
        self.timeline = Timeline(session.run)
        self.index = session.cursor
        self.sequence = 0
        self.inner = 0
        """Which sub-expression of the step's equation is looked at, from 1; 0 is the whole."""
        self.revision = 0
        """Grows whenever numbers change that were there: at every edit."""
        self._new_marks = False
        self._saved_edits = session.edits
        self._history = History(session, self._change)
        self._may_replace: Path | None = None
        self._stop = threading.Event()
        self._shown: tuple[tuple[int, int, int], Snapshot] | None = None
        self._flow: tuple[tuple[int, int], Flow | str, Horizon | None] | None = None
        self._motions: dict[str, Callable[[int], str]] = {
            "step": self._step,
            "step_back": lambda n: self._step(-n),
            "into": self._into,
            "into_back": lambda n: self._into(-n),
            "time": self._time,
            "time_back": lambda n: self._time(-n),
            "phase": self._phase,
            "phase_back": lambda n: self._phase(-n),
            "iteration": self._iteration,
            "iteration_back": lambda n: self._iteration(-n),
            "home": lambda _: self._to(0),
            "end": lambda _: self._to(self.schedule.total - 1),
            "mark_next": self._mark,
            "mark_back": lambda n: self._mark(-n),
            "sequence": self._sequence,
            "sequence_back": lambda n: self._sequence(-n),
        }

    @classmethod
    def open(cls, path: str) -> Controller:
        """Open a replay. Raises `EngineError`. A bundled lesson stays as it is: it is saved where the user works."""
        session = Session.load(path)
        if Path(path).resolve().parent == directory():
            return cls(session, Path(path).name)
        controller = cls(session, path)
        controller._may_replace = Path(path).resolve()
        return controller

    @property
    def schedule(self) -> Schedule:
        return self.session.schedule

    @property
    def snapshot(self) -> Snapshot:
        """All there is to see at the cursor."""
        key = (self.index, self.sequence, self.inner)
        if self._shown is None or self._shown[0] != key:
            self._shown = key, observe(self.session, self.timeline, *key)
        return self._shown[1]

    # ------------------------------------------------------------ moving

    def move(self, motion: str, count: int = 1) -> str:
        """Carry out a motion of the key table `count` times."""
        return self._motions[motion](count)

    def go_to(self, text: str) -> str:
        """Go to `3` (time step), `#120` (step number), `12:backward:3:h`, `200:update`, `50%` or `end`."""
        try:
            return self._to(self.target(text))
        except AddressError as error:
            return str(error)

    def target(self, text: str) -> int:
        """The number of the step that a place in words means. Raises `AddressError`."""
        text = text.strip()
        total = self.schedule.total
        if text in ("end", "home"):
            return total - 1 if text == "end" else 0
        if match := re.fullmatch(r"#(\d{1,12})", text):
            if int(match[1]) >= total:
                raise AddressError(f"there is no step {text}; expected #0 to #{total - 1}")
            return int(match[1])
        if match := re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text):
            if float(match[1]) > 100:
                raise AddressError(f"{text} is beyond the end; expected 0% to 100%")
            return round(float(match[1]) / 100 * (total - 1))
        if re.fullmatch(r"\d{1,9}", text):
            return self._time_step(int(text))
        if ":" in text:
            return self.schedule.span(text.rstrip(":")).start
        raise AddressError(f"{text!r} is no place; expected 3 (time step), #120, 12:backward:3:h, 50% or end")

    def is_long(self, index: int) -> bool:
        """Whether going there takes so long that it should not hold up the screen."""
        if not 0 <= index < self.schedule.total:
            return False
        return self.timeline.distance(self.schedule.phase(index).iteration) > LONG

    def destination(self, motion: str, count: int = 1) -> int | None:
        """Where a motion would end, without going there; None where it cannot move."""
        before, found = self.index, []

        def note(index: int) -> str:
            found.append(index)
            return ""

        to, self._to = self._to, note  # type: ignore[method-assign]  # the motions, without the journey
        try:
            self._motions[motion](count) if not motion.startswith("sequence") else ""
        finally:
            self._to = to  # type: ignore[method-assign]
            self.index = before
        return found[-1] if found else None

    def cancel(self) -> None:
        """Ask a running journey to stop; it then stays where it was. May be called from another thread."""
        self._stop.set()

    def _to(self, index: int) -> str:
        try:
            self._arrive(self.timeline, index)
        except Cancelled as cancelled:
            return str(cancelled)
        self.index, self.inner = index, 0
        return ""

    def _arrive(self, timeline: Timeline, index: int) -> None:
        """Have computed what a step needs. Raises `Cancelled`."""
        self._stop.clear()
        phase = self.schedule.phase(index)
        if phase.name in ("evaluate", "generate"):
            timeline.ending(self._stop.is_set)
        else:
            timeline.iteration(phase.iteration, self._stop.is_set)

    def _step(self, n: int) -> str:
        if self.inner and (n > 0) != (self.schedule.phase(self.index).name == "backward"):
            self.inner = 0  # out of the equation, to its own stop
            n -= 1 if n > 0 else -1
            if n == 0:
                return ""
        to = min(max(self.index + n, 0), self.schedule.total - 1)
        return self._edge(n) if to == self.index else self._to(to)

    def _into(self, n: int) -> str:
        """Through the sub-expressions: forward they come before the equation's own stop, on the way back after it."""
        for _ in range(abs(n)):
            walk = self._inner_walk(self.index)
            at = walk.index(self.inner) + (1 if n > 0 else -1)
            if 0 <= at < len(walk):
                self.inner = walk[at]
                continue
            index = self.index + (1 if n > 0 else -1)
            if not 0 <= index < self.schedule.total:
                return self._edge(n)
            said = self._to(index)
            if said:
                return said
            self.inner = self._inner_walk(index)[0 if n > 0 else -1]
        return ""

    def _inner_walk(self, index: int) -> list[int]:
        """The stops of a step and what is inside it, in the order in which they are walked."""
        inner = list(range(1, inner_steps(self.session, self.timeline, index) + 1))
        return [0, *inner] if self.schedule.phase(index).name == "backward" else [*inner, 0]

    def _edge(self, n: int) -> str:
        return (
            "already at the last step; ← goes back, Home to the first"
            if n > 0
            else "already at the first step; → goes on, End to the last"
        )

    def _here(self) -> tuple[Phase, int | str, str]:
        phase = self.schedule.phase(self.index)
        return phase, *phase.stops[self.index - phase.first]

    def _time(self, n: int) -> str:
        """The same equation n time steps on, in the direction of the phase; in an update, n parameters on."""
        phase, place, equation = self._here()
        stops = phase.stops
        same = [i for i in range(len(stops)) if stops[i][1] == equation] if isinstance(place, str) else None
        if same is not None:
            at = same.index(self.index - phase.first)
            to = min(max(at + n, 0), len(same) - 1)
            return (
                "no further parameter in this phase; f goes to the next phase, F back"
                if to == at
                else self._to(phase.first + same[to])
            )
        assert isinstance(place, int)
        T = phase.stops.T  # type: ignore[union-attr]  # a pass over time steps
        first, second = phase.find(phase.start + 1, equation), phase.find(phase.start + 2, equation)
        rising = second is None or (first is not None and first < second)
        to = min(max(place + (n if rising else -n), 0), T - 1)
        if to == place:
            return f"no {'further' if n > 0 else 'earlier'} time step in this phase; f goes to the next phase, F back"
        index = phase.find(phase.start + to + 1, equation)
        assert index is not None
        return self._to(index)

    def _time_step(self, t: int) -> int:
        phase, place, equation = self._here()
        if isinstance(place, str):
            phase = self.schedule.phases(phase.iteration)[0]
            equation = phase.stops[0][1]
        index = phase.find(t, str(equation))
        if index is None:
            index = self._in_another_window(phase, t, str(equation))
        if index is None:
            last = phase.start + phase.stops.T  # type: ignore[union-attr]  # a pass over time steps
            raise AddressError(f"there is no time step {t} here; expected {phase.start + 1} to {last}")
        return index

    def _in_another_window(self, phase: Phase, t: int, equation: str) -> int | None:
        """The same stop at a time step of another window of this sequence and epoch; None where there is none."""
        schedule, here = self.schedule, phase.iteration
        first = here - (here - 1) % len(schedule.windows)
        for number in range(first, min(first + len(schedule.windows), schedule.iterations + 1)):
            window = schedule.window(number)
            if window.batch == schedule.window(here).batch and window.start < t <= window.stop:
                other = next((p for p in schedule.phases(number) if p.name == phase.name), None)
                return None if other is None else other.find(t, equation)
        return None

    def _phase(self, n: int) -> str:
        index = self.index
        for _ in range(abs(n)):
            phase = self.schedule.phase(index)
            following = phase.first + len(phase.stops) if n > 0 else phase.first - 1
            if n < 0 and index > phase.first:
                following = phase.first
            if not 0 <= following < self.schedule.total:
                break
            index = self.schedule.phase(following).first
        if index == self.index:
            if self.schedule.iterations == 1 and len(self.schedule.phases(1)) == 1:
                return "this session has one phase only; an optimizer or `evaluate` would add some"
            return (
                "already in the last phase; F goes back" if n > 0 else "already in the first phase; f goes on"
            )
        return self._to(index)

    def _iteration(self, n: int) -> str:
        """The same stop n iterations on; where that one has none, its iteration's first step."""
        phase, place, equation = self._here()
        number = min(max(phase.iteration + n, 1), self.schedule.iterations)
        if number == phase.iteration:
            if self.schedule.iterations == 1:
                return "this session has one iteration only; f goes to its next phase, F back"
            return (
                "already in the last iteration; I goes back"
                if n > 0
                else "already in the first iteration; i goes on"
            )
        for other in self.schedule.phases(number):
            if other.name == phase.name:
                there = place if isinstance(place, str) else place + other.start + 1
                return self._to(other.find(there, str(equation)) or other.first)
        return self._to(self.schedule.phases(number)[0].first)

    def _sequence(self, n: int) -> str:
        B = self.snapshot.sequence[1]
        if B == 1:
            return "there is one sequence only; r and R are for batches"
        self.sequence = (min(self.sequence, B - 1) + n) % B
        return ""

    @property
    def place(self) -> Place:
        """Where the cursor is: step, sequence, sub-expression; `return_to` goes there."""
        return self.index, self.sequence, self.inner

    def return_to(self, place: Place) -> str:
        """Back to a place as it was."""
        index, sequence, inner = place
        said = self._to(index)
        if not said:
            self.sequence, self.inner = sequence, inner
        return said

    # ------------------------------------------------------------ explanations

    def cell_at(self, spot: Spot) -> Cell | str:
        """The number behind a cell of a pane, or one sentence why there is none."""
        return cell_at(self.session, self.snapshot, spot)

    def spot_of(self, cell: Cell) -> Spot | None:
        """Where the panes show a number at this address, if they do."""
        return spot_of(self.session, self.snapshot, cell)

    def why(self, cell: Cell) -> Why | str:
        """What a number is made of, or one sentence why that cannot be said."""
        try:
            return why(self.session, self.timeline, cell)
        except EngineError as error:
            return str(error)

    def flow(self) -> tuple[Flow | str, Horizon | None]:
        """The itemised gradient of this iteration's window (or why there is none), and the memory horizon."""
        key = (self.schedule.phase(self.index).iteration, self.snapshot.sequence[0] - 1)
        if self._flow is None or self._flow[0] != key:
            self._flow = key, *self._flowing(*key)
        return self._flow[1:]

    def _flowing(self, number: int, sequence: int) -> tuple[Flow | str, Horizon | None]:
        if not self.schedule.backward:
            return "there is no loss, so no gradient flows; an equation `loss = …` makes one", None
        iteration = self.timeline.iteration(number)
        found = itemise(iteration, min(sequence, iteration.tape.B - 1))
        if found is None:
            return "no state lies on the way to the loss, so nothing flows through time", None
        return found, horizon(iteration, sequence=min(sequence, iteration.tape.B - 1))

    def derivation(self) -> tuple[Section, ...]:
        """This step explained in full."""
        return derivation(self.session, self.timeline, self.index, self.sequence)

    def document(self, format: str) -> str:
        """This step as `md` or `csv`."""
        here = range(self.index, self.index + 1)
        return "".join(document(self.session, self.timeline, format, here, sequence=self.sequence))

    def shapes(self) -> str:
        """The rule of this step with shapes in the place of names."""
        return shapes(self.session, self.timeline, self.index, self.snapshot.sequence[0] - 1)

    # ------------------------------------------------------------ marks

    def marks(self) -> tuple[tuple[str, str, str], ...]:
        """(address, name, note), in the order of time."""
        ordered = sorted(self.session.marks, key=lambda mark: self.schedule.span(mark.address).start)
        return tuple((mark.address, mark.name, mark.note) for mark in ordered)

    def places(self) -> tuple[Found, ...]:
        """What can be gone to by name, as seen from here."""
        return places(self.schedule, self.snapshot, self.marks())

    def continued(self, text: str) -> tuple[Found, ...]:
        """The addresses that begin like that."""
        return continued(self.schedule, text)

    def add_mark(self, name: str, note: str = "") -> str:
        """Mark this step; an older mark at the same step is replaced."""
        address = str(self.schedule.address(self.index))
        self.session.marks = [
            m for m in self.session.marks if self.schedule.span(m.address).start != self.index
        ]
        self.session.marks.append(Mark(address=address, name=name, note=note))
        self._new_marks = True
        self._shown = None
        return ""

    def _mark(self, n: int) -> str:
        places = sorted({self.schedule.span(mark.address).start for mark in self.session.marks})
        if not places:
            return "there are no marks; m sets one"
        at = bisect_right(places, self.index) - 1 + n if n > 0 else bisect_left(places, self.index) + n
        if not 0 <= at < len(places):
            return (
                "no mark further on; A goes back, ' lists them all"
                if n > 0
                else "no mark before this; a goes on, ' lists them all"
            )
        return self._to(places[at])

    # ------------------------------------------------------------ what if

    @property
    def unsaved(self) -> bool:
        """Whether an edit, a mark or a note would be lost."""
        return self._new_marks or self.session.edits != self._saved_edits

    def edit_prompt(self, spot: Spot) -> Prompt | str:
        """How to ask for another value of a cell, or one sentence why it cannot be set."""
        return self._history.prompt(self.snapshot, spot)

    def edit_refused(self, spot: Spot, text: str) -> str:
        """Why a cell cannot be set to that; "" where it can. Nothing is computed or changed."""
        return self._history.refused(self.snapshot, spot, text)

    def edit(self, spot: Spot, text: str) -> str:
        """Set the number in a cell (pane, matrix, row, column) to what the text says; nothing: as it was before."""
        return self._history.edit(self.snapshot, spot, text)

    @property
    def last_edit(self) -> str:
        """What was set last, in words."""
        return self._history.last

    def undo(self) -> str:
        """Take the last edit back; says which."""
        return self._history.undo()

    def redo(self) -> str:
        """Make the edit again that was taken back last; says which."""
        return self._history.redo()

    def edits(self) -> tuple[tuple[str, str, str], ...]:
        """(address where it is seen first, what is set to what, ""), in the order in which they were made."""
        run = self.session.run
        return tuple((where(edit, run), described(edit), "") for edit in self.session.edits)

    def _change(self, edits: Edits) -> str:
        """Another set of edits; what is computed stays as far as they do not touch it."""
        session = self.session
        try:
            run = session.with_edits(edits)
            timeline = self.timeline.fork(run, first_difference(run, session.edits, edits))
            self._arrive(timeline, self.index)
        except Cancelled as cancelled:
            return f"{cancelled}; nothing is changed"
        except EngineError as error:
            return sentence(error)
        session.take(edits, run)
        self.timeline = timeline
        self.revision += 1
        self._shown = self._flow = None
        return ""

    # ------------------------------------------------------------ files

    def save(self, path: str | None = None) -> str:
        """Save as a replay; answers with the path. Raises `ReplayError`.

        A file that is not this session's own is replaced only when asked for a second time.
        """
        target = path or self.path
        if target is None:
            raise ReplayError("no file name; expected one to save to")
        place = Path(target).expanduser()
        if place.exists() and place.resolve() != self._may_replace:
            self._may_replace = place.resolve()
            raise ReplayError("there is such a file already; save once more to replace it", file=target)
        self.session.cursor = self.index
        self.session.save(place)
        self._may_replace = place.resolve()
        self.path, self._new_marks, self._saved_edits = target, False, self.session.edits
        return target
