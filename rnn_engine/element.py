"""The rule of one element, with its numbers or its names put in: forward, on the way back, and in an update.

The operation that does the arithmetic makes the formula (`Operation.element`, `Operation.vjp_element`). Here
it gets its operands: elements of values and of gradients of the tape, at one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Index, Shape, Text, summed
from rnn_engine.core.plan import ParameterUse
from rnn_engine.core.tape import Tape
from rnn_engine.place import Place, padded, senders, undefined
from rnn_engine.style import Style

LONGEST, LONGEST_NAMED = 240, 160
"""Characters of a formula with numbers and with names; a shorter one says more."""


Names = Callable[[Place, Expr, Index, bool], str]
"""The name of an element of a value, or (True) of its gradient."""


class Spelling(NamedTuple):
    """How much a formula says."""

    style: Style
    most: int
    """Terms of a sum."""
    deep: bool = True
    """Whether sub-expressions are spelled out."""
    brief: bool = False
    """Whether what one of several readers sends stands as one number."""
    folded: bool = False
    """Whether a part that would need an `…` stands as one number."""
    names: Names | None = None
    """What stands for a number; its digits unless told otherwise."""


SPELLINGS = (
    *(Spelling(Style(decimals, 1), 8, folded=True) for decimals in (6, 4)),
    *(Spelling(Style(6, 1), most) for most in (8, 4)),
    *(Spelling(Style(6, 1), most, False) for most in (8, 4)),
    Spelling(Style(4, 1), 4),
    *(Spelling(Style(4, 1), most, False) for most in (4, 2)),
    Spelling(Style(3, 1), 1, False),
    *(Spelling(Style(decimals, 1), most, brief=True) for decimals, most in ((6, 8), (4, 8), (4, 4))),
)
"""Of the first kinds that fit the one that says most is taken."""

Made = Callable[[Spelling], Text]
"""A formula in any spelling."""


def spellings(made: Made | None, names: Names | None = None) -> tuple[str, ...]:
    """A formula in all spellings that are not too long, complete ones before those with an `…`.

    With numbers there is at least one. With names in their place there may be none.
    """
    if made is None:
        return ()
    ways = SPELLINGS if names is None else [Spelling(Style(0, 1), most, names=names) for most in (8, 4, 2, 1)]
    found = sorted({made(way).text for way in ways}, key=lambda text: ("…" in text, -len(text)))
    if names is not None:
        return tuple(text for text in found if len(text) <= LONGEST_NAMED)
    return tuple(text for text in found if len(text) <= LONGEST) or (min(found, key=len),)


# ---------------------------------------------------------------- operands


@dataclass(frozen=True)
class _Operand:
    """An expression at a place, as an operation sees it in a formula."""

    here: Place
    expr: Expr
    way: Spelling

    @property
    def shape(self) -> Shape:
        return self.expr.shape

    @cached_property
    def array(self) -> Array:
        raise NotImplementedError

    def value(self, index: Index) -> float:
        return float(self._at(index))

    def number(self, index: Index) -> Text:
        if self.way.names is not None:
            return Text(self.way.names(self.here, self.expr, index, isinstance(self, Gradient)))
        return self.way.style.vector(self._at(index), True)

    def rule(self, index: Index) -> Text:
        """How an operation made it."""
        raise NotImplementedError

    def part(self, index: Index) -> Text:
        """Its rule as a part of another one."""
        rule = self.rule(index)
        return self.number(index) if self.way.folded and "…" in rule.text else rule

    def _at(self, index: Index) -> Array:
        return np.asarray(self.array[index] if index else np.ravel(self.array)[0])


@dataclass(frozen=True)
class Value(_Operand):
    """Its value."""

    @property
    def picked(self) -> int | None:
        if not isinstance(self.expr, Read):
            return None
        space, at = self.here.tape.workspace, (self.here.place, self.here.sequence, 0)
        if self.expr.kind == "x" and space.form.tokens:
            return int(space.tokens[at])
        return int(space.classes[at]) if self.expr.kind in ("class", "y") and space.form.classes else None

    @cached_property
    def array(self) -> Array:
        return self.here.value(self.expr)

    def spelled(self, index: Index) -> Text:
        return self.part(index) if self.way.deep and isinstance(self.expr, Apply) else self.number(index)

    def rule(self, index: Index) -> Text:
        """How the operation made it."""
        here, expr, way = self.here, self.expr, self.way
        assert isinstance(expr, Apply)
        source = here.tape.plan.fused.get(expr)
        if source is not None:
            loss = expr.operation
            assert isinstance(loss, CrossEntropy)
            return loss.fused_element(
                Value(here, source.args[0], way), Value(here, expr.args[1], way), way.most
            )
        return expr.operation.element(index, [Value(here, arg, way) for arg in expr.args], way.most)


@dataclass(frozen=True)
class Gradient(_Operand):
    """The gradient that it is handed, and hands on."""

    @property
    def picked(self) -> int | None:
        return None

    @cached_property
    def array(self) -> Array:
        expr = self.expr
        if isinstance(expr, Apply):
            return self.here.gradient(expr)
        assert isinstance(expr, Read)
        return self.here.sent(expr)

    def spelled(self, index: Index) -> Text:
        return self.part(index) if self.way.deep and not self._is_first else self.number(index)

    @property
    def _is_first(self) -> bool:
        """Whether it is what a stop shows, and so is no part of a rule but what the rule starts from."""
        plan = self.here.tape.plan
        stops = (plan.program.equations[name].root for name in plan.stands_for_argument)
        return self.expr not in plan.reader or any(self.expr is root.args[0] for root in stops)

    def rule(self, index: Index) -> Text:
        """How the operation that reads it made it."""
        here, expr, way = self.here, self.expr, self.way
        plan = here.tape.plan
        reader = plan.reader[expr]
        loss = next((loss for loss, source in plan.fused.items() if source is reader), None)
        if loss is not None:
            judge, y = loss.operation, Value(here, loss.args[1], way)
            assert isinstance(judge, CrossEntropy)
            g, p = Gradient(here, loss, way), Value(here, reader, way)
            return judge.fused_vjp_element(index, g, p, y, way.most)
        i = next(k for k, arg in enumerate(reader.args) if arg is expr)
        args = [Value(here, arg, way) for arg in reader.args]
        g, out = Gradient(here, reader, way), Value(here, reader, way)
        return reader.operation.vjp_element(i, index, g, out, args, way.most)


# ---------------------------------------------------------------- rules


def value_rule(here: Place, equation: str, index: Index) -> Made:
    """The equation that made an element of a value."""
    root = here.tape.plan.program.equations[equation].root
    return lambda way: Value(here, root, way).rule(index)


def gradient_rule(here: Place, equation: str, index: Index, own: Text | None = None) -> Made | None:
    """What every reader sends to an element, after what is its `own`; None where nothing arrives."""
    terms = list(_arriving(here, equation, index))
    if own is not None:
        terms.insert(0, (np.inf, lambda way: own))
    return _sum(terms)


def initial_rule(tape: Tape, state: str, index: Index) -> Made | None:
    """What the first time steps send to an element of a state's first value, in all sequences."""
    terms = [t for b in range(tape.B) for t in _arriving(Place(tape, -1, b), state, index)]
    return _sum(terms)


def parameter_rule(tape: Tape, index: Index, added: Sequence[tuple[ParameterUse, int, float]]) -> Made | None:
    """The sum of what uses of a parameter add to an element of its gradient: a use, a place of the tape, its value."""
    enough = max(way.most for way in SPELLINGS)
    found: list[tuple[int, float, Made]] = []
    counting = [entry for entry in added if entry[2] != 0.0]
    for use, place, value in sorted(counting, key=lambda entry: -np.nan_to_num(abs(entry[2]), nan=np.inf)):
        if len(found) > enough:  # the rest is an `…` in any spelling
            break
        for there in (Place(tape, place, b) for b in range(tape.B)):
            made = _added(there, use, index)
            if _sends_nothing(there, use.node.equation.name):
                continue
            if tape.B == 1 or made(SPELLINGS[-1]).text != "0":  # of a token's column those that had the token
                found.append((place, abs(value), made))
    found.sort(key=lambda entry: entry[0])
    return _sum([(size, made) for _, size, made in found])


def _added(there: Place, use: ParameterUse, index: Index) -> Made:
    return lambda way: Gradient(there, use.read, way).rule(index)


def _sum(terms: Sequence[tuple[float, Made]]) -> Made | None:
    """The sum of terms, each with its size."""
    if len(terms) < 2:
        return (lambda way: terms[0][1](way._replace(brief=False, folded=False))) if terms else None
    return lambda way: summed([size for size, _ in terms], lambda k: terms[k][1](way), way.most)


def _arriving(here: Place, equation: str, index: Index) -> Iterator[tuple[float, Made]]:
    """What arrives at an element, by the size of each."""
    plan = here.tape.plan

    def sent(there: Place, expr: Expr) -> tuple[float, Made]:
        def made(way: Spelling) -> Text:
            found = Gradient(there, expr, way)
            return found.number(index) if way.brief else found.part(index)

        return abs(Gradient(there, expr, SPELLINGS[0]).value(index)), made

    if equation in plan.stands_for_argument:
        if not _sends_nothing(here, plan.stands_for_argument[equation]):
            yield sent(here, plan.program.equations[equation].root.args[0])
        return
    for sender in senders(here, equation):
        there = here.at(here.place - sender.offset)
        if not _sends_nothing(there, sender.equation):
            yield from (sent(there, leaf) for leaf in sender.leaves)


def _sends_nothing(there: Place, equation: str) -> bool:
    return undefined(there, equation) or padded(there)
