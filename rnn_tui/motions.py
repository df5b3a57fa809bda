"""Where the motions of the key table lead: pure functions from a schedule and a step to another step.

A motion that cannot move answers with one sentence: what is in the way, and what would work instead, with the commands
that would in braces (`commands.Keys`). `n` says how often; below zero it goes the other way.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from rnn_engine.errors import AddressError
from rnn_engine.schedule import Phase, Schedule, UpdateStops

PLACES = "3 (time step), #120, 12:backward:3:h, 50%, end, or a number such as h[3][0]"
"""What one may go to."""
Motion = Callable[[Schedule, int, int], int | str]
"""(schedule, step, n) → the step it leads to, or why it leads nowhere."""


def is_place(text: str) -> bool:
    """Whether a text looks like a place that `target` knows, and not like the name of a number."""
    text = text.strip()
    return text.lower() in ("", "end", "home") or text[0] in "#-.:" or text[0].isdecimal()


def target(schedule: Schedule, index: int, text: str) -> int:
    """The step that a place in words means: `3` (time step), `#120`, `12:backward:3:h`, `200:update`, `50%`, `end`.

    Raises `AddressError`.
    """
    text = text.strip()
    total = schedule.total
    if text.lower() in ("end", "home"):
        return total - 1 if text.lower() == "end" else 0
    if match := re.fullmatch(r"#(\d{1,12})", text):
        if int(match[1]) >= total:
            raise AddressError(f"there is no step {text}; expected #0 to #{total - 1}")
        return int(match[1])
    if match := re.fullmatch(r"(\d{1,3}(?:\.\d+)?) *%", text):
        if float(match[1]) > 100:
            raise AddressError(f"{text} is beyond the end; expected 0% to 100%")
        return round(float(match[1]) / 100 * (total - 1))
    if re.fullmatch(r"\d{1,9}", text):
        return _time_step(schedule, index, int(text))
    if ":" in text:
        return schedule.span(text.rstrip(":")).start
    raise AddressError(f"{text!r} is no place; expected {PLACES}")


def step(schedule: Schedule, index: int, n: int) -> int | str:
    """n steps on."""
    to = min(max(index + n, 0), schedule.total - 1)
    if to != index:
        return to
    if schedule.total == 1:
        return "this session has one step only"
    if n > 0:
        return "already at the last step; {step_back} goes back, {home} to the first"
    return "already at the first step; {step} goes on, {end} to the last"


def time(schedule: Schedule, index: int, n: int) -> int | str:
    """The same equation n time steps on, in the direction of the phase; in an update, n parameters on."""
    phase, place, equation = _here(schedule, index)
    if isinstance(phase.stops, UpdateStops):
        return _parameter(schedule, index, n)
    assert isinstance(place, int)
    first, second = phase.find(phase.start + 1, equation), phase.find(phase.start + 2, equation)
    rising = second is None or (first is not None and first < second)
    to = min(max(place + (n if rising else -n), 0), phase.stops.T - 1)
    if to == place:
        return (
            f"no {'further' if n > 0 else 'earlier'} time step in this phase{_other_phases(schedule, index)}"
        )
    found = phase.find(phase.start + to + 1, equation)
    assert found is not None
    return found


def phase(schedule: Schedule, index: int, n: int) -> int | str:
    """The first step of the n-th phase from here; back, first to the beginning of this one."""
    to = index
    for _ in range(abs(n)):
        here = schedule.phase(to)
        following = here.first + len(here.stops) if n > 0 else here.first - 1
        if n < 0 and to > here.first:
            following = here.first
        if not 0 <= following < schedule.total:
            break
        to = schedule.phase(following).first
    if to != index:
        return to
    if schedule.iterations == 1 and len(schedule.phases(1)) == 1:
        return "this session has one phase only; an optimizer or `evaluate` would add some"
    return f"already in the {'last' if n > 0 else 'first'} phase{_other_phases(schedule, index)}"


def iteration(schedule: Schedule, index: int, n: int) -> int | str:
    """The same stop n iterations on; where that one has none, its iteration's first step."""
    here, place, equation = _here(schedule, index)
    number = min(max(here.iteration + n, 1), schedule.iterations)
    if number == here.iteration:
        if schedule.iterations == 1:
            return f"this session has one iteration only{_other_phases(schedule, index)}"
        if n > 0:
            return "already in the last iteration; {iteration_back} goes back"
        return "already in the first iteration; {iteration} goes on"
    for other in schedule.phases(number):
        if other.name == here.name:
            there = place if isinstance(place, str) else place + other.start + 1
            return other.find(there, equation) or other.first
    return schedule.phases(number)[0].first


def mark(marked: Sequence[int], index: int, n: int) -> int | str:
    """The n-th mark from here, of those at these steps."""
    places = sorted(set(marked))
    if not places:
        return "there are no marks; {mark} sets one"
    at = bisect_right(places, index) - 1 + n if n > 0 else bisect_left(places, index) + n
    if 0 <= at < len(places):
        return places[at]
    if n > 0:
        back = "{mark_back} goes back, " if places[0] < index else ""
        return f"no mark further on; {back}{{marks}} lists them all"
    on = "{mark_next} goes on, " if places[-1] > index else ""
    return f"no mark before this; {on}{{marks}} lists them all"


BY_NAME: dict[str, Motion] = {
    "step": step, "time": time, "phase": phase, "iteration": iteration,
    "home": lambda *_: 0, "end": lambda schedule, *_: schedule.total - 1,
}  # fmt: skip
"""Those that need the schedule alone, by their id in the table of commands."""


def _here(schedule: Schedule, index: int) -> tuple[Phase, int | str, str]:
    phase = schedule.phase(index)
    return phase, *phase.stops[index - phase.first]


def _other_phases(schedule: Schedule, index: int) -> str:
    """`; {phase} goes to the next phase, {phase_back} back`: as far as they lead anywhere."""
    here = schedule.phase(index)
    ways = []
    if here.first + len(here.stops) < schedule.total:
        ways.append("{phase} goes to the next phase")
    if here.first > 0:
        ways.append("{phase_back} back" if ways else "{phase_back} goes back")
    return "; " * bool(ways) + ", ".join(ways)


def _parameter(schedule: Schedule, index: int, n: int) -> int | str:
    phase, _, equation = _here(schedule, index)
    same = [i for i in range(len(phase.stops)) if phase.stops[i][1] == equation]
    at = same.index(index - phase.first)
    to = min(max(at + n, 0), len(same) - 1)
    if to == at:
        which = "further" if n > 0 else "earlier"
        return f"no {which} parameter in this phase{_other_phases(schedule, index)}"
    return phase.first + same[to]


def _time_step(schedule: Schedule, index: int, t: int) -> int:
    phase, place, equation = _here(schedule, index)
    if isinstance(place, str):
        phase = schedule.phases(phase.iteration)[0]
        equation = phase.stops[0][1]
    found = phase.find(t, equation)
    if found is None:
        found = _in_another_window(schedule, phase, t, equation)
    if found is None:
        last = phase.start + phase.stops.T  # type: ignore[union-attr]  # a pass over time steps
        raise AddressError(f"there is no time step {t} here; expected {phase.start + 1} to {last}")
    return found


def _in_another_window(schedule: Schedule, phase: Phase, t: int, equation: str) -> int | None:
    """The same stop at a time step of another window of this sequence and epoch; None where there is none."""
    here = phase.iteration
    first = here - (here - 1) % len(schedule.windows)
    for number in range(first, min(first + len(schedule.windows), schedule.iterations + 1)):
        window = schedule.window(number)
        if window.batch == schedule.window(here).batch and window.start < t <= window.stop:
            other = next((p for p in schedule.phases(number) if p.name == phase.name), None)
            return None if other is None else other.find(t, equation)
    return None
