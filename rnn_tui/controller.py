"""What the keys do, without a screen: owns session and timeline, answers in snapshots and sentences.

Explanations and documents are imported where they are asked for: nothing of them is loaded unless it is looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_engine.edits import first_difference, where
from rnn_engine.errors import AddressError, EngineError, ReplayError
from rnn_engine.observe import inner_steps, observe
from rnn_engine.quantity import Cell, address_of
from rnn_engine.replay import Mark, Replay, replaceable, replaced
from rnn_engine.replay import save as write_replay
from rnn_engine.schedule import Schedule
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_engine.spelling import described, label, parse_cell
from rnn_engine.timeline import Cancelled, Timeline
from rnn_tui import motions
from rnn_tui.commands import KEYS, Keys
from rnn_tui.edits import Prompt, follows, target_at
from rnn_tui.history import Edits, History, sentence
from rnn_tui.kept import kept_name
from rnn_tui.lessons import directory
from rnn_tui.places import Found, continued, places
from rnn_tui.questions import Spot, cell_at, spot_of

if TYPE_CHECKING:
    from rnn_engine.derive import Section
    from rnn_engine.flow import Flow, Horizon
    from rnn_engine.why import Why

Place = tuple[int, int, int]
"""Step, sequence, sub-expression."""


class Controller:
    """Moves the cursor of a session. Every move answers "" or one sentence on why it could not.

    The sentences name `keys`.
    """

    def __init__(self, session: Session, path: str | None = None, keys: Keys = KEYS) -> None:
        self.session, self.path, self._keys = session, path, keys
        self.origin = path or ""
        """What it was read from or saved to last: the name of a lesson, or a file's whole path."""
        self.timeline = Timeline(session.run)
        self.index = session.cursor
        self.sequence = 0
        self.inner = 0
        """Which sub-expression of the step's equation is looked at, from 1; 0 is the whole."""
        self.revision = 0
        """Grows whenever numbers change that were there: at every edit."""
        self._saved_marks = tuple(session.marks)
        self._saved_edits = session.edits
        self._history = History(session, self._change, keys)
        self._may_replace: Path | None = None
        self._stop = threading.Event()
        self._shown: dict[Place, Snapshot] = {}
        """What is seen at the cursor, and at the place where it may go next."""
        self._last: tuple[motions.Motion, int] = motions.step, 1
        """The motion that was made last, and which way."""
        self._flow: tuple[tuple[int, int], Flow | str, tuple[Horizon, ...]] | None = None
        self._motions: dict[str, Callable[[int], str]] = {
            "step": self._step,
            "into": self._into,
            "mark_next": self._mark,
            "sequence": self._sequence,
            **{
                name: partial(self._along, motion)
                for name, motion in motions.BY_NAME.items()
                if name != "step"
            },
        }

    @classmethod
    def open(cls, path: str, replay: Replay | None = None, keys: Keys = KEYS) -> Controller:
        """Open a replay; `replay` is what is in it, if it has been read. Raises `EngineError`.

        A bundled lesson stays as it is, and so does what was kept for a person: they are saved where the user works.
        """
        session = Session.load(path) if replay is None else Session.of(replay, path)
        place, kept = Path(path).resolve(), kept_name(path)
        lesson = place.parent == directory()
        controller = cls(session, f"{kept}.json" if kept else place.name if lesson else path, keys)
        controller.origin = place.stem if lesson else str(place)
        if not kept and not lesson:
            controller._may_replace = place
        return controller

    @property
    def schedule(self) -> Schedule:
        return self.session.schedule

    @property
    def snapshot(self) -> Snapshot:
        """All there is to see at the cursor."""
        here = self.place
        found = self._shown.get(here)
        if found is None:
            found = observe(self.session, self.timeline, *here)
            self._shown = {here: found}
        return found

    def look_ahead(self) -> None:
        """Have ready what the last motion, made once more, would show: most keys come more than once.

        Never beyond this phase: no pass is computed for what may not be asked for.
        """
        motion, way = self._last
        to = motion(self.schedule, self.index, way)
        phase = self.schedule.phase(self.index)
        if isinstance(to, int) and not self.inner and phase.first <= to < phase.first + len(phase.stops):
            here, there = self.place, (to, self.sequence, 0)
            ready = self._shown.get(there) or observe(self.session, self.timeline, *there)
            self._shown = {here: self.snapshot, there: ready}

    # ------------------------------------------------------------ moving

    def move(self, motion: str, count: int = 1) -> str:
        """Carry out a motion of the key table `count` times; `…_back` is the same thing the other way."""
        if motion.endswith("_back"):
            name = motion.removesuffix("_back")
            return self._motions["mark_next" if name == "mark" else name](-count)
        return self._motions[motion](count)

    def go_to(self, text: str) -> str:
        """Go to `3` (time step), `#120` (step number), `12:backward:3:h`, `200:update`, `50%`, `end`, or to the step
        that made a number, `h[3][0]`, or that is called so, `∂W_hh`."""
        try:
            cell = None if motions.is_place(text) else self._cell(text)
            if cell is None:
                return self._to(motions.target(self.schedule, self.index, text))
            made = address_of(self.session, cell)
            return self._to(self.schedule.span(made).start) if made else ""
        except AddressError as error:
            named = self._place_named(text)
            return str(error) if named is None else self._to(self.schedule.span(named).start)

    def _place_named(self, text: str) -> str | None:
        """The next stop that is called like that, `W_hh` or `∂W_hh` (or `dW_hh`, as keyboards have it)."""
        name = text.replace(" ", "")
        found = {each.name: each.target for each in reversed(self.places())}
        return found.get(name) or (found.get(f"∂{name[1:]}") if name[:1] == "d" else None)

    def spot_named(self, text: str) -> Spot | None:
        """Where the panes show the number that a text names, seen from here."""
        try:
            cell = None if motions.is_place(text) else self._cell(text)
        except AddressError:
            cell = None
        return None if cell is None else self.spot_of(cell)

    def cell_named(self, text: str) -> Cell | str:
        """The number that a text names, seen from here, or one sentence why there is none."""
        try:
            return self._cell(text)
        except AddressError as error:
            return str(error)

    def _cell(self, text: str) -> Cell:
        """A number by its name, seen from here. Raises `AddressError`."""
        address = str(self.schedule.address(self.index))
        try:
            return parse_cell(self.session, self.timeline, address, text, self.snapshot.sequence[0] - 1)
        except AddressError as error:
            if "[" in text or "∂" in text:
                raise
            raise AddressError(f"{text!r} is no place; expected {motions.PLACES}") from error

    def cancel(self) -> None:
        """Ask a running journey to stop; it then stays where it was. May be called from another thread."""
        self._stop.set()

    def _along(self, motion: motions.Motion, n: int) -> str:
        self._last = motion, 1 if n > 0 else -1
        return self._there(motion(self.schedule, self.index, n))

    def _there(self, found: int | str) -> str:
        return found.format_map(self._keys) if isinstance(found, str) else self._to(found)

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
        return self._along(motions.step, n)

    def _into(self, n: int) -> str:
        """Through the sub-expressions: forward they come before the equation's own stop, on the way back after it."""
        for _ in range(abs(n)):
            walk = self._inner_walk(self.index)
            at = walk.index(self.inner) + (1 if n > 0 else -1)
            if 0 <= at < len(walk):
                self.inner = walk[at]
                continue
            said = self._there(motions.step(self.schedule, self.index, 1 if n > 0 else -1))
            if said:
                return said
            self.inner = self._inner_walk(self.index)[0 if n > 0 else -1]
        return ""

    def _inner_walk(self, index: int) -> list[int]:
        """The stops of a step and what is inside it, in the order in which they are walked."""
        inner = list(range(1, inner_steps(self.session, self.timeline, index) + 1))
        return [0, *inner] if self.schedule.phase(index).name == "backward" else [*inner, 0]

    def _sequence(self, n: int) -> str:
        B = self.snapshot.sequence[1]
        if B == 1:
            return "there is one sequence only; {sequence} and {sequence_back} are for batches".format_map(
                self._keys
            )
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
        return cell_at(self.session, self.snapshot, spot, self._keys)

    def spot_of(self, cell: Cell) -> Spot | None:
        """Where the panes show a number at this address, if they do."""
        return spot_of(self.session, self.snapshot, cell)

    def why(self, cell: Cell) -> Why | str:
        """What a number is made of, or one sentence why that cannot be said."""
        from rnn_engine.why import why

        try:
            return why(self.session, self.timeline, cell)
        except EngineError as error:
            return str(error)

    def flow(self) -> tuple[Flow | str, tuple[Horizon, ...]]:
        """The itemised gradient of this iteration's window (or why there is none), and the memory horizons."""
        key = (self.schedule.phase(self.index).iteration, self.snapshot.sequence[0] - 1)
        if self._flow is None or self._flow[0] != key:
            self._flow = key, *self._flowing(*key)
        return self._flow[1:]

    def _flowing(self, number: int, sequence: int) -> tuple[Flow | str, tuple[Horizon, ...]]:
        if not self.schedule.backward:
            return "there is no loss, so no gradient flows; an equation `loss = …` makes one", ()
        iteration = self.timeline.iteration(number)
        from rnn_engine.flow import horizons, itemise, steps_of

        sequence = min(sequence, iteration.tape.B - 1)
        found = itemise(iteration, sequence)
        if not steps_of(iteration.tape, sequence):
            return "this sequence is over before the window begins, so nothing flows", ()
        if found is None:
            return "no state lies on the way to the loss, so nothing flows through time", ()
        return found, horizons(iteration, sequence)

    def derivation(self) -> tuple[Section, ...]:
        """This step explained in full."""
        from rnn_engine.derive import derivation

        return derivation(self.session, self.timeline, self.index, self.sequence)

    def document(self, format: str) -> str:
        """This step as `md` or `csv`."""
        from rnn_tui.export.steps import document

        here = range(self.index, self.index + 1)
        return "".join(document(self.session, self.timeline, format, here, sequence=self.sequence))

    def shapes(self) -> str:
        """The rule of this step with shapes in the place of names."""
        from rnn_engine.derive import shapes

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
        """The addresses that begin like that, and the number that is meant."""
        found = continued(self.schedule, text)
        if "[" not in text or not text.rstrip().endswith(("]", "so far", "before")):
            return found
        try:
            cell = self._cell(text)
        except AddressError:
            return found
        name, made = label(self.session, cell), address_of(self.session, cell)
        return (Found(name, name, f"this number, made at {made}" if made else "this number, given"), *found)

    def add_mark(self, name: str, note: str = "") -> str:
        """Mark this step; an older mark at the same step is replaced."""
        address = str(self.schedule.address(self.index))
        self.session.marks = [
            m for m in self.session.marks if self.schedule.span(m.address).start != self.index
        ]
        self.session.marks.append(Mark(address=address, name=name, note=note))
        self._shown = {}
        return ""

    def _mark(self, n: int) -> str:
        places = [self.schedule.span(mark.address).start for mark in self.session.marks]
        return self._there(motions.mark(places, self.index, n))

    # ------------------------------------------------------------ what if

    @property
    def unsaved(self) -> bool:
        """Whether an edit, a mark or a note would be lost."""
        session = self.session
        return tuple(session.marks) != self._saved_marks or session.edits != self._saved_edits

    @property
    def own(self) -> tuple[int, int]:
        """How many numbers are set by hand, and how many marks were made that the session did not come with."""
        return len(self.session.edits), sum(mark not in self._saved_marks for mark in self.session.marks)

    def spot_to_set(self, name: str) -> Spot | str:
        """Where the number of that name can be set by hand, or one sentence what to set instead."""
        cell = self.cell_named(name)
        if isinstance(cell, str):
            return cell
        return self.spot_of(cell) or follows(self.session, cell, self._keys)

    def can_set(self, snapshot: Snapshot, spot: Spot) -> bool:
        """Whether a cell of what is seen can be set by hand; from any thread."""
        return not isinstance(target_at(self.session, snapshot, spot, self._keys), str)

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
        return tuple((where(edit, run), described(self.session, edit), "") for edit in self.session.edits)

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
        self._shown, self._flow = {}, None
        return ""

    # ------------------------------------------------------------ files

    def save(self, path: str | None = None) -> str:
        """Save as a replay; answers with the path. Raises `ReplayError`.

        A file that is not this session's own is replaced only when asked for a second time.
        """
        target = path or self.path
        if target is None:
            raise ReplayError("no file name; expected one to save to")
        try:
            place = Path(target).expanduser()
        except RuntimeError as error:  # a home that nobody has
            raise ReplayError(f"cannot be saved: {error}", file=target) from None
        if replaceable(place) and place.resolve() != self._may_replace:
            self._may_replace = place.resolve()
            raise ReplayError("there is such a file already; Enter once more replaces it")
        self.session.cursor = self.index
        self.session.save(place)
        self._may_replace = place.resolve()
        self.origin = str(self._may_replace)
        self.path, self._saved_edits, self._saved_marks = (
            target,
            self.session.edits,
            tuple(self.session.marks),
        )
        return target

    def write_copy(self, path: Path) -> None:
        """Write the session as it is, without counting it as saved; from any thread. Raises `ReplayError`."""
        cursor = str(self.schedule.address(self.index))
        write_replay(path, replaced(self.session.to_replay(), cursor=cursor))
