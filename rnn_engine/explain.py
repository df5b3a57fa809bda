"""What happened at a step, in formulas and in a sentence; all of it from the equations.

A formula on the screen is made by the operation that did the arithmetic, once with names and once
with numbers as its arguments, so the two cannot drift from the code or from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Constant, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import ATOM, NEGATIVE, PRODUCT, SUM, Array, Text
from rnn_engine.core.plan import Sender
from rnn_engine.core.tape import Tape
from rnn_engine.snapshot import Formula
from rnn_engine.update import Update


@dataclass(frozen=True, slots=True)
class Style:
    """How much of a number and of a vector a formula shows."""

    decimals: int
    elements: int

    def number(self, value: float) -> str:
        """A number of the run. One of NumPy's is compared in its own kind: the float32 0.1 is 0.1."""
        if not np.isfinite(value):
            return {"nan": "NaN", "inf": "∞", "-inf": "-∞"}[str(float(value))]
        size = abs(value)
        if value == int(value) and size < 1e6:
            return str(int(value))
        if size >= 1e5 or size < 0.5 * 10.0**-self.decimals:
            return f"{value:.{max(self.decimals - 2, 1)}e}"
        text = f"{value:.{self.decimals}f}"
        return text.rstrip("0") if type(value)(text) == value else text

    def vector(self, values: Array, scalar: bool) -> Text:
        flat = np.ravel(values)
        if scalar:
            number = self.number(flat[0])
            return Text(number, NEGATIVE if number.startswith("-") else ATOM)
        shown = [self.number(v) for v in flat[: self.elements]]
        return Text(f"[{', '.join(shown)}{', …' if flat.size > self.elements else ''}]")


STYLES = (Style(6, 8), Style(4, 8), Style(4, 4), Style(4, 2), Style(3, 2), Style(2, 1))
"""From the fullest to the shortest."""


@dataclass(frozen=True, eq=False)
class Place:
    """One place on a tape: a time step (0 … T−1) of one sequence (0 … B−1)."""

    tape: Tape
    place: int
    sequence: int

    def value(self, expr: Expr) -> Array:
        """`[n]`, or a parameter's array."""
        array = self.tape.operand(expr)
        return array[self.place, self.sequence] if array.ndim == 3 else array

    def gradient(self, expr: Apply) -> Array:
        """`[n]`: ∂loss/∂ a sub-expression."""
        found: Array = self.tape.inner_gradient(expr)[self.place, self.sequence]
        return found

    def at(self, place: int) -> Place:
        return Place(self.tape, place, self.sequence)


# ---------------------------------------------------------------- forward


def forward_formula(place: Place, equation: str) -> Formula:
    """An equation with its numbers at one time step."""
    found = place.tape.plan.program.equations[equation]
    value = place.tape.value(equation)[place.place, place.sequence]
    scalar = value.size == 1
    result = (
        f"undefined: {absence(place)}" if undefined(place, equation) else STYLES[0].vector(value, scalar).text
    )
    numbers = [with_numbers(place, found.root, style).text for style in STYLES]
    return Formula(found.source.split("#")[0].strip(), distinct(numbers), f"= {result}")


def undefined(place: Place, equation: str) -> bool:
    """Whether an equation has no value here, for want of a target or because the sequence is over."""
    gaps = place.tape.undefined(equation)
    return gaps is not None and bool(gaps[place.place, place.sequence])


def padded(place: Place) -> bool:
    """Whether the sequence is over here."""
    padding = place.tape.padding
    return padding is not None and bool(padding[place.place, place.sequence])


def absence(place: Place) -> str:
    """Why there is no value."""
    return "the sequence is over (padded)" if padded(place) else "there is no target"


def target_class(place: Place, classes: int) -> int | None:
    """The class that is the target here, one of so many; None where there is none."""
    y, program = place.tape.y, place.tape.plan.program
    if y is None or y.classes is None or (y.shape or (program.classes,)) != (classes,):
        return None
    if y.missing is not None and y.missing[place.place, place.sequence]:
        return None
    return int(y.classes[place.place, place.sequence])


def with_numbers(place: Place, expr: Expr, style: Style) -> Text:
    """An expression with numbers put in.

    A matrix product stands as its result, or as its terms where the result is one number.
    """
    match expr:
        case Read(kind="parameter") if len(expr.shape) == 2:
            return Text(expr.name)
        case Apply(operation=operation, args=[matrix, vector]) if operation is PRODUCT_OF_MATRIX:
            if expr.shape == (1,):
                return _spelled_product(place.value(matrix)[0], place.value(vector), style)
            return style.vector(place.value(expr), False)
        case Apply(operation=operation, args=args):
            return operation.text([with_numbers(place, arg, style) for arg in args])
    return style.vector(place.value(expr), expr.shape == () or expr.shape == (1,))


def _spelled_product(row: Array, vector: Array, style: Style) -> Text:
    """A row times a vector: the products that are not with zero."""
    used = [k for k in range(len(row)) if vector[k] != 0.0]
    if len(used) > style.elements:
        return style.vector(np.array([row @ vector]), True)
    terms = []
    for k in used:
        left, right = style.vector(row[k], True), style.vector(vector[k], True)
        terms.append(
            left if vector[k] == 1.0 else Text(f"{left.at(PRODUCT)} * {right.at(PRODUCT + 1)}", PRODUCT)
        )
    if len(terms) == 1:
        return terms[0]
    return Text(" + ".join(t.at(SUM + 1) for t in terms) or "0", SUM if terms else ATOM)


# ---------------------------------------------------------------- backward


def backward_formula(place: Place, equation: str) -> Formula:
    """The gradient of a value: what each reader sends, in symbols and in numbers."""
    tape, plan = place.tape, place.tape.plan
    program = plan.program
    gradient = tape.gradient(equation)[place.place, place.sequence]
    scalar = gradient.size == 1
    result = f"= {STYLES[0].vector(gradient, scalar).text}"
    if equation in plan.stands_for_argument:
        loss, inner = (
            Sender(plan.stands_for_argument[equation], 0, ()),
            program.equations[equation].root.args[0],
        )
        put_in = [_sent(place, loss, style, inner) for style in STYLES]
        return Formula(f"∂({inner.source}) = {_sent(place, loss, None, inner)}", distinct(put_in), result)
    senders = [s for s in plan.senders[equation] if 0 <= place.place - s.offset < tape.T]
    symbols = " + ".join(_sent(place, s, None) for s in senders)
    if equation == "loss":
        own = "weight of this loss" + (f" + {symbols}" if symbols else "")
        return Formula(f"∂loss = {own}", (), result)
    if not senders:
        return Formula(f"∂{equation} = 0: nothing after it reaches the loss in this window", (), result)
    numbers = [" + ".join(_sent(place, s, style) for s in senders) for style in STYLES]
    sums = [
        " + ".join(
            style.vector(
                tape.sent(equation, s)[place.place, place.sequence], scalar or gradient.size == 1
            ).at(SUM)
            for s in senders
        )
        for style in STYLES
    ]
    full = numbers + (sums if len(senders) > 1 else [])
    return Formula(f"∂{equation} = {symbols}", distinct(full), result)


def inner_rule(place: Place, equation: str, expr: Expr, style: Style | None = None) -> str:
    """The gradient of a sub-expression, out of that of its equation: in symbols, or with numbers."""
    return _sent(place, Sender(equation, 0, ()), style, expr)


def sent_rule(place: Place, sender: Sender, style: Style | None = None) -> str:
    """What one reader sends to the value it reads, at the receiver's place: in symbols, or with numbers."""
    return _sent(place, sender, style)


def _sent(place: Place, sender: Sender, style: Style | None, target: Expr | None = None) -> str:
    """What one reader sends to a value, or to the `target`: its rule in symbols, or with numbers."""
    plan = place.tape.plan
    equation = plan.program.equations[sender.equation]
    # a stop that stands for the argument of its softmax hands that argument's gradient on
    start = equation.root.args[0] if sender.equation in plan.stands_for_argument else equation.root
    there = place.at(place.place - sender.offset)
    steps = -sender.offset
    when = "" if steps == 0 else f"[{plan.program.index}{steps:+d}]"

    def text(expr: Expr) -> Text:
        if style is not None:
            return with_numbers(there, expr, style)
        if isinstance(expr, Read) and expr.kind == "equation":
            return Text(_shifted(expr, steps, plan.program.index))
        if isinstance(expr, Read) and expr.kind == "index":
            return Text(f"{expr.name}{steps:+d}", SUM) if steps else Text(expr.name)
        if isinstance(expr, Read):
            return Text(expr.name + when if expr.kind in ("x", "y", "class") else expr.name)
        if isinstance(expr, Constant):
            return Text(expr.source)
        assert isinstance(expr, Apply)
        return expr.operation.text([text(arg) for arg in expr.args])

    def result(expr: Apply) -> Text:
        if expr is not equation.root:
            return text(expr)
        if style is None:
            return Text(sender.equation + when)
        return style.vector(there.value(expr), expr.shape in ((), (1,)))

    def arriving() -> Text:
        if style is None:
            return Text(f"∂{sender.equation if start is equation.root else f'({start.source})'}{when}")
        gradient = place.tape.gradient(sender.equation)[there.place, there.sequence]
        return style.vector(gradient, equation.root.shape in ((), (1,)))

    def handed_to(expr: Expr) -> list[Expr]:
        if not isinstance(expr, Apply):
            return []
        return plan.fused[expr].args[:1] if expr in plan.fused else expr.args

    def leads_there(expr: Expr) -> bool:
        return expr is target or expr in sender.leaves or any(leads_there(e) for e in handed_to(expr))

    def visit(expr: Expr, g: Text) -> list[Text]:
        if expr is target or expr in sender.leaves:
            return [g]
        assert isinstance(expr, Apply)
        if expr in plan.fused:
            source = plan.fused[expr]
            p = result(source) if source in expr.args else text(expr.args[0])
            assert isinstance(expr.operation, CrossEntropy)
            return visit(source.args[0], expr.operation.fused_text(g, p, text(expr.args[1])))
        found = []
        for i, arg in enumerate(expr.args):
            if leads_there(arg):
                if style is not None and expr.operation is PRODUCT_OF_MATRIX and arg.shape == (1,):
                    column = there.value(expr.args[0])[:, 0]
                    rule = _spelled_product(column, there.gradient(expr), style)
                else:
                    rule = expr.operation.vjp_text(i, g, result(expr), [text(a) for a in expr.args])
                    if expr.operation.elementwise and expr.shape and not arg.shape:
                        rule = Text(f"sum({rule.text})")  # one scalar that every element used
                found += visit(arg, rule)
        return found

    terms = visit(start, arriving())
    return " + ".join(term.at(SUM + 1 if len(terms) > 1 else SUM) for term in terms)


def _shifted(read: Read, steps: int, index: str) -> str:
    offset = read.offset + steps
    return read.name if offset == 0 else f"{read.name}[{index}{offset:+d}]"


# ---------------------------------------------------------------- update


def update_formula(update: Update, parameter: str, equation: str) -> Formula:
    """An update equation for one parameter, with its numbers."""
    value = update.value(parameter, equation)
    scalar = value.size == 1
    result = f"= {STYLES[0].vector(value, scalar).text}"
    if parameter in update.rule.frozen:
        return Formula(f"w = w[i-1]   ({parameter} is frozen)", (), result)
    tape, part = update.tape(parameter)
    found = tape.plan.program.equations[equation]

    def text(expr: Expr, style: Style) -> Text:
        if isinstance(expr, Apply):
            return expr.operation.text([text(arg, style) for arg in expr.args])
        array = tape.operand(expr)
        flat = array[0, 0] if array.ndim == 3 else array
        if expr.shape:
            flat = flat[part]
        return style.vector(flat, flat.size == 1)

    numbers = [text(found.root, style).text for style in STYLES]
    return Formula(found.source.split("#")[0].strip(), distinct(numbers), result)


# ---------------------------------------------------------------- narration

Token = Callable[[int], str | int]


def narrate_forward(place: Place, equation: str, token: Token) -> tuple[str, ...]:
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
    number = STYLES[1].number
    if root.operation.name == "softmax":
        best = int(np.argmax(value))
        if equation != program.output:
            return (f"Largest in {head}: element {best} with {number(value[best])}.",)
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
    if before is not None:
        with np.errstate(invalid="ignore"):
            k = int(np.argmax(np.abs(value - before)))
        what = f"{head} changes" if value.size == 1 else f"{head}, unit {k} changes most"
        return (
            f"{what}: {number(before[k])} → {number(value[k])}.",
            f"{head} = {STYLES[3].vector(value, value.size == 1).text}.",
        )
    terms = _top_terms(place, root)
    short = f"{head} = {STYLES[3].vector(value, value.size == 1).text}."
    if len(terms) < 2:
        if len(root.args) > 1 or root.operation.name in ("identity", "neg"):
            return (short,)
        shown = STYLES[2].vector(value, value.size == 1).text
        return (f"{head} is {root.operation.name} of its argument: {shown}.", short)
    source, part = max(terms, key=lambda term: float(np.abs(term[1]).max()))
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


def _top_terms(place: Place, expr: Expr) -> list[tuple[str, Array]]:
    """The summands of an expression as written: (source, value)."""
    if isinstance(expr, Apply) and expr.operation.name in ("+", "-"):
        left, right = expr.args
        last = place.value(right)
        return [*_top_terms(place, left), (right.source, last if expr.operation.name == "+" else -last)]
    return [(expr.source, place.value(expr))]


def narrate_backward(place: Place, equation: str, arrived: Mapping[str, Array]) -> tuple[str, ...]:
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
    parts = [
        f"{STYLES[3].vector(v[place.sequence], scalar).text} from {sender}" for sender, v in arrived.items()
    ]
    if not parts:
        return (f"∂{equation}[{t}] = 0: nothing after it reaches the loss in this window.", short)
    return (
        f"{short[:-1]} is complete: {' and '.join(parts)}.",
        f"{short[:-1]}, from {' and '.join(arrived)}.",
        short,
    )


def narrate_update(update: Update, parameter: str, equation: str) -> tuple[str, ...]:
    """One sentence on an update step."""
    if parameter in update.rule.frozen:
        return (f"{parameter} is frozen: it stays as it is.",)
    value = update.value(parameter, equation)
    if equation != "w":
        return (f"{equation} of {parameter} = {STYLES[3].vector(value, value.size == 1).text}.",)
    move = np.ravel(value - update.before[parameter])
    k = int(np.argmax(np.abs(move)))
    number = STYLES[1].number
    old, new = number(np.ravel(update.before[parameter])[k]), number(np.ravel(value)[k])
    if move.size == 1:
        return (f"{parameter} moves by {number(move[k])}: {old} → {new}.",)
    where = ",".join(str(i) for i in np.unravel_index(k, value.shape))
    return (
        f"{parameter} moves; most at [{where}], by {number(move[k])}: {old} → {new}.",
        f"{parameter} moves, most by {number(move[k])}.",
    )


def distinct(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(texts), key=len, reverse=True))
