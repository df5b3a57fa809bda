"""What can be gone to by name: equations, parameters, tokens, phases, marks; and how an address goes on.

Pure functions of a schedule and a snapshot, for the search (`/`) and the palette.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rnn_engine.schedule import Phase, Schedule, UpdateStops
from rnn_engine.snapshot import Snapshot

MOST = 50
"""Continuations of an address that are offered at once."""
FURTHEST = 20_000
"""Steps that are looked at for the next stop of each name."""
NAMED = {"forward": "{equation}", "backward": "∂{equation}", "update": "{place}"}
"""What a stop is called, by its phase; the other phases have no names of their own."""
WHAT = {
    "forward": "the value of this equation", "backward": "the gradient of this value",
    "update": "the update of this parameter",
}  # fmt: skip


class Found(NamedTuple):
    """A place: what it is called, what `go to` takes to get there, and a word on what it is."""

    name: str
    target: str
    what: str


def places(
    schedule: Schedule,
    snapshot: Snapshot,
    marks: Iterable[tuple[str, str, str]],
) -> tuple[Found, ...]:
    """All places with a name, as seen from where one is: the next stop of each equation and parameter first."""
    stops = tuple(_stops(schedule, snapshot.timeline.index))
    sums = tuple(_sums(stops, schedule.added_at))
    if snapshot.timeline.phase == "backward":  # of two that are called alike, the gradient is meant
        gradients = tuple(stop for stop in stops if stop.name.startswith("∂"))
        named = (*gradients, *sums, *(stop for stop in stops if stop not in gradients))
    else:
        named = (*stops, *sums)
    return (
        *named,
        *_phases(schedule, snapshot.timeline.iteration),
        *_tokens(snapshot),
        *(Found(f"◆ {name}", address, note or f"the mark at {address}") for address, name, note in marks),
    )


def continued(schedule: Schedule, text: str) -> tuple[Found, ...]:
    """The addresses that begin with `text`, a part of the address at a time: `12:b` → `12:backward`."""
    *given, last = text.strip().split(":")
    if not given:
        numbers = (str(n) for n in range(1, schedule.iterations + 1) if str(n).startswith(last))
        return tuple(_limited(Found(n, n, f"iteration {n}") for n in numbers)) if last.isdecimal() else ()
    if not given[0].isdecimal() or len(given) > 3 or not 1 <= int(given[0]) <= schedule.iterations:
        return ()
    head = ":".join(given)
    phases = schedule.phases(int(given[0]))
    if len(given) == 1:
        names: Iterable[str] = (phase.name for phase in phases)
    else:
        phase = next((phase for phase in phases if phase.name == given[1]), None)
        if phase is None:
            return ()
        names = _places_of(phase) if len(given) == 2 else _equations_at(phase, given[2])
        if last and phase.name == "backward" and len(given) == 3 and (stops := tuple(names)):
            names = (*stops, *schedule.added_at)  # a parameter stands for the stop that adds to its gradient
    found = (f"{head}:{name}" for name in dict.fromkeys(names) if name.startswith(last))
    return tuple(_limited(Found(address, address, "address") for address in found))


def _limited(found: Iterator[Found]) -> Iterator[Found]:
    for _, each in zip(range(MOST), found, strict=False):
        yield each


def _places_of(phase: Phase) -> Iterator[str]:
    """The time steps or parameters of a phase."""
    if isinstance(phase.stops, UpdateStops):
        yield from phase.stops.parameters
    else:
        yield from (str(phase.start + t) for t in range(1, phase.stops.T + 1))


def _equations_at(phase: Phase, place: str) -> Iterator[str]:
    """The equations of a phase that stop at this time step or parameter."""
    if isinstance(phase.stops, UpdateStops):
        if place in phase.stops.parameters:
            yield from ("w",) if place in phase.stops.frozen else phase.stops.equations
    elif place.isdecimal():
        names = (name for _, group in phase.stops.sweeps for name in group)
        yield from (name for name in names if phase.find(int(place), name) is not None)


def _stops(schedule: Schedule, index: int) -> Iterator[Found]:
    """The next stop of each name from here on; beyond the end, from the beginning."""
    number = schedule.phase(index).iteration
    after = number + 1 if number < schedule.iterations else 1
    seen: set[str] = set()
    rounds = ((number, index + 1), (after, 0), (number, 0))
    for phase, first in (
        (phase, first) for iteration, first in rounds for phase in schedule.phases(iteration)
    ):
        if phase.name not in NAMED:
            continue
        begin = max(first - phase.first, 0)
        for step in range(begin, min(len(phase.stops), begin + FURTHEST)):
            place, equation = phase.stops[step]
            if phase.name == "update" and equation != "w":
                continue
            name = NAMED[phase.name].format(place=place, equation=equation)
            if name not in seen:
                seen.add(name)
                address = str(phase.address(step))
                yield Found(name, address, f"{WHAT[phase.name]}, next at {address}")


def _sums(stops: Iterable[Found], added_at: Mapping[str, Sequence[str]]) -> Iterator[Found]:
    """The next step that adds to the gradient of each parameter, per equation that uses it."""
    targets = {stop.name: stop.target for stop in stops}
    for parameter, equations in added_at.items():
        for equation in equations:
            if address := targets.get(f"∂{equation}"):
                yield Found(
                    f"∂{parameter}", address, f"its gradient: {equation} adds to it, next at {address}"
                )


def _phases(schedule: Schedule, iteration: int) -> Iterator[Found]:
    for number in dict.fromkeys((iteration, schedule.iterations)):
        for phase in schedule.phases(number):
            address = f"{number}:{phase.name}"
            yield Found(
                f"{phase.name} phase of iteration {number}", address, f"begins at step #{phase.first}"
            )


def _tokens(snapshot: Snapshot) -> Iterator[Found]:
    """Where each token is read, and what is wanted there."""
    table = next((matrix for matrix in snapshot.panes["inputs"] if matrix.kind == "tokens"), None)
    for t, (token, *target) in zip(table.rows, table.texts or (), strict=True) if table is not None else ():
        wanted = f", the target {target[0]}" if target else ""
        yield Found(f"{token}  t = {t}", t, f"the input at time step {t}{wanted}")
