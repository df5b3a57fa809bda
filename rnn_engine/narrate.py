"""What happened at a step, in one plain sentence; every number in it is one of the tape's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnn_engine.core.language import Apply, Expr
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import NEGATIVE, Array, Text
from rnn_engine.core.steps import Step
from rnn_engine.place import (
    Place,
    absence,
    padded,
    senders,
    target_class,
    undefined,
    what_arrived,
)
from rnn_engine.style import STYLES
from rnn_engine.update import Update

Token = Callable[[int], str | int]
"""The token of an index."""
Element = Callable[[str, tuple[int, ...]], str]
"""How an element of a name is written: `[0,there]`."""

FUNCTIONS = {
    "sum": "the sum of", "mean": "the mean of", "max": "the largest of", "min": "the smallest of",
    "abs": "the absolute value of", "sqrt": "the square root of", "log": "the logarithm of",
}  # fmt: skip
"""How a value is called after its function, where the function's name alone makes no sentence."""
LONGEST_ARGUMENT = 32
"""Characters of an argument that is named in a sentence."""
MOST_TIED = 3
"""Tokens that are named where none is the likeliest."""


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
        if equation in program.staying:
            return (f"The sequence is over at t={t}: {equation} stays at {stays}.", f"{head} = {stays}.")
        return (
            f"The sequence is over at t={t}: {equation} is {stays}, as behind its end.",
            f"{head} = {stays}.",
        )
    if root.operation.name == "softmax":
        return _distribution(place, equation, value, token, element)
    if isinstance(root.operation, CrossEntropy) or equation == "loss":
        return (f"The {equation} at t={t} is {STYLES[1].number(value[0])}.",)
    before = _previous(place, equation)
    if before is None:
        return _made_of(place, root, head, value)
    short = f"{head} = {STYLES[3].vector(value, value.size == 1).text}."
    ahead = equation not in program.delays  # carried from later time steps to earlier ones
    k = _most_changed(before, value)
    if k is None:
        return (f"{short[:-1]}, as one time step {'later' if ahead else 'before'}.", short)
    since = f" from t={t + 1}" if ahead else ""
    old, new = _told_apart(before[k], value[k])
    what = f"{head}{element(equation, (k,))} changes most{since}"
    if value.size == 1:
        what = f"{head} changes{since}"
    elif _tied(value - before, k):
        what = f"No element changes more{since} than {head}{element(equation, (k,))}"
    return (f"{what}: {old} → {new}.", short)


def _distribution(
    place: Place, equation: str, value: Array, token: Token, element: Element
) -> tuple[str, ...]:
    """What is likeliest in a softmax; of the output, by its token and beside the target."""
    t, number = place.tape.start + place.place + 1, STYLES[1].number
    head = f"{equation}[{t}]"
    if np.isnan(value).any():
        return (f"{head} = {STYLES[3].vector(value, False).text}: none is the largest.",)
    best, tied = int(np.argmax(value)), np.flatnonzero(value == value.max()).tolist()
    if equation != place.tape.plan.program.output:
        if len(tied) > 1:
            return (f"The largest in {head} is {number(value[best])}, {len(tied)} times.",)
        return (f"Largest in {head}: {head}{element(equation, (best,))} with {number(value[best])}.",)
    if len(tied) > MOST_TIED:
        short = f"At t={t}, {len(tied)} are the likeliest, with {number(value[best])} each."
    elif len(tied) > 1:
        short = f"Tied at t={t}: {_listed([str(token(k)) for k in tied])} with {number(value[best])} each."
    else:
        short = f"Most likely at t={t}: {token(best)} with {number(value[best])}."
    target = target_class(place, value.size)
    if target is None:
        return (short,)
    if target not in tied:
        return (f"{short[:-1]}; the target {token(target)} gets {number(value[target])}.", short)
    if len(tied) > 1:
        return (f"{short[:-1]}; the target {token(target)} is among them.", short)
    return (f"{short[:-1]}, and that is the target.", short)


def _made_of(place: Place, root: Apply, head: str, value: Array) -> tuple[str, ...]:
    """A value by the term that matters most in its sum, or in the sum that a function was applied to."""
    short = f"{head} = {STYLES[3].vector(value, value.size == 1).text}."
    function = root.operation.name if len(root.args) == 1 else ""
    summed: Expr = root
    said = "; its"
    of = FUNCTIONS.get(function, f"{function} of")
    if function not in ("", "identity", "neg"):
        summed, said = root.args[0], f": {of} a sum whose"
    terms = _top_terms(place, summed)
    if len(terms) < 2:
        if summed is root:
            return (short,)
        source = root.args[0].source
        shown = STYLES[2].vector(value, value.size == 1).text
        return (
            f"{head} is {of} {source if len(source) <= LONGEST_ARGUMENT else 'its argument'}: {shown}.",
            short,
        )
    nowhere = next((source for source, part in terms if np.isnan(part).any()), None)
    if nowhere is not None:
        return (f"{short[:-1]}; the nan comes in with {nowhere}.", short)
    sizes = [float(np.abs(part).max()) for _, part in terms]
    if sizes.count(max(sizes)) > 1:  # two are alike, or all are 0
        return (short,)
    source, part = terms[sizes.index(max(sizes))]
    share = STYLES[3].vector(part, part.size == 1).text
    is_so = source if source == share else f"{source} = {share}"
    return (
        f"{short[:-1]}{said} largest term is {is_so}.",
        f"{head}{said.replace(';', ':')} largest term is {source}.",
        short,
    )


def _listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _previous(place: Place, equation: str) -> Array | None:
    """The value of a state at the time step that it is carried from; None for what is no state."""
    tape = place.tape
    if equation not in tape.plan.program.states:
        return None
    there = place.place - (1 if equation in tape.plan.program.delays else -1)
    carried = tape.value(equation)[there] if 0 <= there < tape.T else tape.initial(equation)[-1]
    found: Array = carried[place.sequence]
    return found


def _most_changed(before: Array, value: Array) -> int | None:
    """The element that changed most, one that became nan before all others; None where all are what they were."""
    with np.errstate(invalid="ignore", over="ignore"):
        change = np.abs(value - before)
    change[np.isnan(change)] = np.inf
    change[(value == before) | (np.isnan(value) & np.isnan(before))] = 0.0
    k = int(np.argmax(change))
    return k if change[k] else None


def _tied(change: Array, k: int) -> bool:
    """Whether another element changes exactly as much as element k."""
    return bool(np.isfinite(change[k]) and np.count_nonzero(np.abs(change) == abs(change[k])) > 1)


def _told_apart(old: Any, new: Any) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    for style in (STYLES[1], STYLES[0]):
        shown = style.number(old), style.number(new)
        if len({float(text) for text in shown}) == 2:  # 0.5 and 0.5000 look alike
            return shown
    return str(old), str(new)


def _top_terms(place: Place, expr: Expr, sign: int = 1) -> list[tuple[str, Array]]:
    """The summands of an expression, each with its sign: (source, value)."""
    if isinstance(expr, Apply) and expr.operation.name in ("+", "-"):
        left, right = expr.args
        second = sign if expr.operation.name == "+" else -sign
        return [*_top_terms(place, left, sign), *_top_terms(place, right, second)]
    if isinstance(expr, Apply) and expr.operation.name == "neg":
        return _top_terms(place, expr.args[0], -sign)
    if sign > 0:
        return [(expr.source, place.value(expr))]
    return [(Text(expr.source).negated(NEGATIVE), -place.value(expr))]


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
        counts = f"it counts {STYLES[1].number(gradient[0])} in the objective"
        if senders(place, equation):  # something reads the loss, and sends to it as well
            return (f"∂{equation}[{t}] = {result}, in all that it counts for.",)
        if _starts_here(place):
            return (f"The way back starts at the loss of t={t}: {counts}.",)
        return (f"The loss of t={t} joins the way back: {counts}.",)
    short = f"∂{equation}[{t}] = {result}."
    arrived = what_arrived(place, equation)
    if not arrived:
        return (f"∂{equation}[{t}] = 0: nothing after it reaches the loss in this window.", short)
    parts = [f"{STYLES[3].vector(value, scalar).text} from {sender}" for sender, value in arrived]
    if len(arrived) == 1:  # what it sends is what there is
        parts = [f"{'all of it' if np.any(arrived[0][1]) else 'nothing comes'} from {arrived[0][0]}"]
    complete = f"{short[:-1]} is complete: {_listed(parts)}."
    added = "" if padded(place) else _added(place, equation)
    return (
        *([f"{complete} {added}"] if added else []),
        complete,
        f"{short[:-1]}, from {_listed([sender for sender, _ in arrived])}.",
        short,
    )


def _added(place: Place, equation: str) -> str:
    """What a step adds to the gradients of parameters that are one number, over all sequences; of matrices the panes
    mark it, and the names alone would say less than they take."""
    adds = Step(place.tape, "backward", place.place, equation).adds
    parts = {name: part for name, part in adds.items() if part.any()}
    numbers = [
        f"{STYLES[3].vector(p.ravel(), True).text} to ∂{name}" for name, p in parts.items() if p.size == 1
    ]
    matrices = [f"∂{name}" for name, part in parts.items() if part.size > 1]
    if numbers and matrices:
        numbers.append(f"to {_listed(matrices)}")
    who = "It adds" if place.tape.B == 1 else "All sequences add"
    return f"{who} {_listed(numbers)}." if numbers else ""


def _starts_here(place: Place) -> bool:
    """Whether no loss of this sequence comes before this one on the way back through the window."""
    tape = place.tape
    way = next(way for way, names in tape.plan.backward_order if "loss" in names)
    walked = range(place.place) if way > 0 else range(place.place + 1, tape.T)
    return all(undefined(place.at(there), "loss") for there in walked)


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
    most = f"no element more than {parameter}{where}" if _tied(move, k) else f"{parameter}{where} most"
    return (
        f"{parameter} moves; {most}, by {number(move[k])}: {old} → {new}.",
        f"{parameter} moves, at most by {number(move[k])}.",
    )
