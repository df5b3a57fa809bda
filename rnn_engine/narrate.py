"""What happened at a step, in one plain sentence; every number in it is one of the tape's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_engine.core.language import Apply, Expr
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array
from rnn_engine.place import Place, absence, kept_on, padded, target_class, undefined, what_arrived
from rnn_engine.style import STYLES
from rnn_engine.update import Update

Token = Callable[[int], str | int]
"""The token of an index."""
Element = Callable[[str, tuple[int, ...]], str]
"""How an element of a name is written: `[0,there]`."""


def forward_step(place: Place, equation: str, token: Token, element: Element) -> tuple[str, ...]:
    """One sentence on a forward step, fullest wording first."""
    tape, program = place.tape, place.tape.plan.program
    t = tape.start + place.place + 1
    value = tape.value(equation)[place.place, place.sequence]
    root = program.equations[equation].root
    if undefined(place, equation):
        return (
            f"At t={t} {absence(place)}, so {equation} is undefined and sends no gradient.",
            f"No value at t={t}.",
        )
    head = f"{equation}[{t}]"
    if padded(place):
        stays = STYLES[3].vector(value, value.size == 1).text
        return (f"The sequence is over at t={t}: {equation} stays at {stays}.", f"{head} = {stays}.")
    number = STYLES[1].number
    if root.operation.name == "softmax":
        if np.isnan(value).any():
            return (f"{head} = {STYLES[3].vector(value, False).text}: none is the largest.",)
        best = int(np.argmax(value))
        if equation != program.output:
            return (f"Largest in {head}: {head}{element(equation, (best,))} with {number(value[best])}.",)
        short = f"Most likely at t={t}: {token(best)} with {number(value[best])}."
        target = target_class(place, value.size)
        if target is None:
            return (short,)
        if target == best:
            return (f"{short[:-1]}, and that is the target.", short)
        return (f"{short[:-1]}; the target {token(target)} gets {number(value[target])}.", short)
    if isinstance(root.operation, CrossEntropy) or equation == "loss":
        return (f"The {equation} at t={t} is {number(value[0])}.",)
    before = _previous(place, equation)
    short = f"{head} = {STYLES[3].vector(value, value.size == 1).text}."
    if before is not None:
        k = _most_changed(before, value)
        if k is None:
            return (f"{short[:-1]}, as one time step before.", short)
        what = f"{head} changes" if value.size == 1 else f"{head}{element(equation, (k,))} changes most"
        old, new = _told_apart(before[k], value[k])
        return (f"{what}: {old} → {new}.", short)
    terms = _top_terms(place, root)
    if len(terms) < 2:
        if len(root.args) > 1 or root.operation.name in ("identity", "neg"):
            return (short,)
        shown = STYLES[2].vector(value, value.size == 1).text
        return (f"{head} is {root.operation.name} of its argument: {shown}.", short)
    nowhere = next((source for source, part in terms if np.isnan(part).any()), None)
    if nowhere is not None:
        return (f"{short[:-1]}; the nan comes in with {nowhere}.", short)
    source, part = max(terms, key=lambda term: float(np.abs(term[1]).max()))
    if not part.any():
        return (short,)
    share = STYLES[3].vector(part, part.size == 1).text
    return (
        f"{short[:-1]}; its largest term is {source} = {share}.",
        f"{head}: its largest term is {source}.",
        short,
    )


def _previous(place: Place, equation: str) -> Array | None:
    """The value of a state one time step earlier; None for what is no state."""
    tape = place.tape
    before = tape.plan.program.delays.get(equation, 0)
    if not before:
        return None
    earlier = tape.value(equation)[place.place - 1] if place.place else tape.initial(equation)[-1]
    found: Array = earlier[place.sequence]
    return found


def _most_changed(before: Array, value: Array) -> int | None:
    """The element that changed most, one that became nan before all others; None where all are what they were."""
    with np.errstate(invalid="ignore", over="ignore"):
        change = np.abs(value - before)
    change[np.isnan(change)] = np.inf
    change[(value == before) | (np.isnan(value) & np.isnan(before))] = 0.0
    k = int(np.argmax(change))
    return k if change[k] else None


def _told_apart(old: Any, new: Any) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    for style in (STYLES[1], STYLES[0]):
        shown = style.number(old), style.number(new)
        if len({float(text) for text in shown}) == 2:  # 0.5 and 0.5000 look alike
            return shown
    return str(old), str(new)


def _top_terms(place: Place, expr: Expr) -> list[tuple[str, Array]]:
    """The summands of an expression as written: (source, value)."""
    if isinstance(expr, Apply) and expr.operation.name in ("+", "-"):
        left, right = expr.args
        last = place.value(right)
        return [*_top_terms(place, left), (right.source, last if expr.operation.name == "+" else -last)]
    return [(expr.source, place.value(expr))]


def backward_step(place: Place, equation: str) -> tuple[str, ...]:
    """One sentence on a backward step: what arrived, and from where."""
    tape = place.tape
    t = tape.start + place.place + 1
    gradient = tape.gradient(equation)[place.place, place.sequence]
    scalar = gradient.size == 1
    result = STYLES[3].vector(gradient, scalar).text
    if undefined(place, equation):
        return (f"At t={t} {absence(place)}: {equation} sends nothing back.",)
    if equation == "loss":
        return (
            f"The way back starts at the loss of t={t}: it counts {STYLES[1].number(gradient[0])} in the objective.",
        )
    short = f"∂{equation}[{t}] = {result}."
    arrived = what_arrived(place, equation)
    if not arrived:
        return (f"∂{equation}[{t}] = 0: nothing after it reaches the loss in this window.", short)
    stays = ", which stays where the sequence is over" if kept_on(place, equation) is not None else ""
    parts = [f"{STYLES[3].vector(value, scalar).text} from {sender}" for sender, value in arrived]
    return (
        f"{short[:-1]} is complete: {' and '.join(parts)}{stays}.",
        f"{short[:-1]}, from {' and '.join(sender for sender, _ in arrived)}.",
        short,
    )


def update_step(update: Update, parameter: str, equation: str, element: Element) -> tuple[str, ...]:
    """One sentence on an update step."""
    if parameter in update.rule.frozen:
        return (f"{parameter} is frozen: it stays as it is.",)
    value = update.value(parameter, equation)
    if equation != "w":
        return (f"{equation} of {parameter} = {STYLES[3].vector(value, value.size == 1).text}.",)
    before, after = np.ravel(update.before[parameter]), np.ravel(value)
    k = _most_changed(before, after)
    if k is None:
        return (f"{parameter} does not move.",)
    number, (old, new) = STYLES[1].number, _told_apart(before[k], after[k])
    with np.errstate(invalid="ignore", over="ignore"):
        move = after - before
    if move.size == 1:
        by = f" by {number(move[k])}" if np.isfinite(move[k]) else ""
        return (f"{parameter} moves{by}: {old} → {new}.",)
    where = element(parameter, tuple(int(i) for i in np.unravel_index(k, value.shape)))
    if not np.isfinite(move[k]):
        return (f"{parameter} moves; {parameter}{where} most: {old} → {new}.",)
    return (
        f"{parameter} moves; {parameter}{where} most, by {number(move[k])}: {old} → {new}.",
        f"{parameter} moves, most by {number(move[k])}.",
    )
