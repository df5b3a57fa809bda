"""Where edits show at a position: masks for the panes' matrices, and a sentence for the step that was changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnn_engine.core.language import Read
from rnn_engine.edits import is_set, sequence_number
from rnn_engine.position import Position
from rnn_engine.spelling import brackets

if TYPE_CHECKING:
    from rnn_engine.snapshot import Bools


def inputs(at: Position, name: str, shape: tuple[int, int], *, token: bool) -> Bools | None:
    """`[T, n]` of x or y (of tokens: `[T, 1]`): what is set by hand."""
    hand = at.session.run.by_hand
    if not hand.data or at.phase.name == "generate":
        return None
    own = sequence_number(at.session.run, at.phase.name, at.phase.iteration, at.sequence)
    mask = np.zeros(shape, np.bool_)
    for which, sequence, t, element in hand.data:
        if which == name and sequence == own and t <= len(mask):
            mask[t - 1, slice(None) if element < 0 or token else element] = True
    return _if_any(mask)


def parameter(at: Position, name: str, shape: tuple[int, ...], *, new: bool) -> Bools | None:
    """The elements of a parameter that are what was set, and not what an update made of it; `new`: updated already."""
    run = at.session.run
    if not run.by_hand.parameters:
        return None
    number = at.phase.iteration + (new or at.at_end)
    mask = np.zeros(run.shapes[name], np.bool_)
    for index in run.by_hand.cells(name, number, stays=run.rule is None or name in run.rule.frozen):
        mask[index] = True
    return _if_any(mask.reshape(shape))


def values(at: Position, name: str, T: int, before: int, n: int) -> Bools | None:
    """`[before + T, n]` of an equation: what is set by hand, in this window and in what it was handed."""
    run = at.session.run
    hand = run.by_hand
    if not (hand.values or hand.initial or hand.parameters):
        return None
    mask = np.zeros((before + T, n), np.bool_)
    start = 0 if at.at_end else at.tape.start
    for t, element in _elements(at, name, at.phase.iteration):
        if start < t <= start + T:
            mask[t - start - 1 + before, element] = True
    for row in range(before):
        t = start - before + 1 + row
        home = at.phase.iteration if at.at_end else run.schedule.home(at.phase.iteration, t)
        if home != at.phase.iteration:
            for earlier, element in _elements(at, name, home):
                mask[row, element] |= earlier == t
            continue
        back = (0 if at.at_end else run.schedule.beginning(at.phase.iteration)) - t
        for element in range(n):
            mask[row, element] = hand.begins_set(name, back, _given_for(at, name), element)
        learned = f"{name}[0]"
        if back == 0 and learned in run.trained:
            found = parameter(at, learned, (1, n), new=False)
            if found is not None:
                mask[row] |= found[0]
    return _if_any(mask)


def sentence(at: Position) -> str:
    """What a person changed at this step, or nothing."""
    if not at.session.edits or at.inner:
        return ""
    if at.phase.name == "update":
        return _of_update(at)
    if at.equation == "sample" and at.phase.name == "generate":
        return ""
    t = at.place + at.phase.start + 1
    here = sorted(e for at_t, e in _elements(at, at.equation, at.phase.iteration) if at_t == t)
    label = f"{at.equation}[{t}]"
    if at.phase.name == "backward":
        cut = (
            [label if not at.program.shapes[at.equation] else _listed(at, label, at.equation, here)]
            if here
            else []
        )
        cut += _cut_on_the_way(at, t)
        return f"No gradient passes {', '.join(cut)}: set by hand." if cut else ""
    said = []
    if here:
        scalar = not at.program.shapes[at.equation]
        said.append(f"{label if scalar else _listed(at, label, at.equation, here)} is set by hand.")
    own = sequence_number(at.session.run, at.phase.name, at.phase.iteration, at.sequence)
    if at.phase.name != "generate":
        read = dict.fromkeys("x" if read.kind == "x" else "y" for read in _data_reads(at))
        said += [f"{name}[{t}] is set by hand." for name in read if is_set(at.session.run, name, own, t)]
    return " ".join(said)


def _data_reads(at: Position) -> Iterator[Read]:
    equation = at.program.equations[at.equation]
    return (read for read in equation.reads if read.kind in ("x", "y", "class"))


def _of_update(at: Position) -> str:
    name, run = str(at.stop[0]), at.session.run
    cells = run.by_hand.parameters.get(at.phase.iteration + 1, {}).get(name, ())
    if not cells or at.equation != "w":
        return ""
    if not run.shapes[name]:
        return f"Then {name} is set by hand."
    elements = (f"{name}{brackets(at.session, name, index)}" for index in sorted(cells))
    return f"Then {', '.join(elements)} is set by hand."


def _cut_on_the_way(at: Position, t: int) -> Iterator[str]:
    """What is set by hand between this stop and the one that it got its gradient from: a softmax without a stop."""
    stops = {name for _, names in at.session.schedule.backward for name in names}
    for sender in at.tape.plan.senders.get(at.equation, ()):
        name, there = sender.equation, t - sender.offset
        here = sorted(e for at_t, e in _elements(at, name, at.phase.iteration) if at_t == there)
        if name not in stops and here:
            yield _listed(at, f"{name}[{there}]", name, here)


def _listed(at: Position, label: str, name: str, elements: list[int]) -> str:
    return ", ".join(f"{label}{brackets(at.session, name, (e,))}" for e in elements)


def _elements(at: Position, name: str, number: int) -> Iterator[tuple[int, int]]:
    """(t, element) of the numbers of an equation that are set in an iteration, of the sequence one looks at."""
    phase = at.phase.name if at.at_end else "forward"
    spots = at.session.run.by_hand.values.get((number, phase), {}).get(name, {})
    return ((t, element) for t, sequence, element in spots if sequence == at.sequence)


def _given_for(at: Position, state: str) -> int:
    """The sequence for which an initial value was given that this one begins with."""
    return at.sequence % len(at.session.run.initial[state][0])


def _if_any(mask: Bools) -> Bools | None:
    return mask if mask.any() else None
