"""What happened at a step, in formulas; all of them from the equations.

A formula on the screen is made by the operation that did the arithmetic, once with names and once
with numbers as its arguments, so the two cannot drift from the code or from each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Constant, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import ATOM, NEGATIVE, PRODUCT, SUM, Array, Shape, Text
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


@dataclass(frozen=True, slots=True)
class Element(Style):
    """Formulas for one element: of every vector that number alone. For what goes element by element."""

    element: int = 0

    def vector(self, values: Array, scalar: bool) -> Text:
        flat = np.ravel(values)
        at = 0 if scalar or flat.size == 1 else self.element
        return Style.vector(self, flat[at : at + 1], True)


STYLES = (Style(6, 8), Style(4, 8), Style(4, 4), Style(4, 2), Style(3, 2), Style(2, 1))
"""From the fullest to the shortest."""


class Shapes:
    """Shapes in the place of names: `[2×4] @ [4]`; a single number is 1."""

    @staticmethod
    def of(shape: Shape) -> Text:
        return Text(f"[{'×'.join(map(str, shape))}]" if shape else "1")


SHAPES = Shapes()
Words = Style | Shapes | None
"""What stands for a value in a formula: its number, its shape, or its name."""


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
    if padded(place):
        return Formula(f"{found.source.split('#')[0].strip()}   (the sequence is over)", (), f"= {result}")
    numbers = [with_numbers(place, found.root, style).text for style in STYLES]
    if set_by_hand(place, equation):
        computed = place.tape.inner_value(found.root)[place.place, place.sequence]
        result = f"{STYLES[0].vector(computed, scalar).text}, set by hand: {result}"
    return Formula(found.source.split("#")[0].strip(), distinct(numbers), f"= {result}")


def backward_shapes(place: Place, equation: str) -> str:
    """The rule of a gradient with shapes put in: what its readers send."""
    plan = place.tape.plan
    if equation in plan.stands_for_argument:
        loss = Sender(plan.stands_for_argument[equation], 0, ())
        return _sent(place, loss, SHAPES, plan.program.equations[equation].root.args[0])
    return " + ".join(_sent(place, sender, SHAPES) for sender in senders(place, equation))


def with_shapes(expr: Expr) -> Text:
    """An expression with shapes put in."""
    if isinstance(expr, Apply):
        return expr.operation.text([with_shapes(arg) for arg in expr.args])
    return Text(expr.source) if isinstance(expr, Constant) else Shapes.of(expr.shape)


def set_by_hand(place: Place, equation: str) -> list[int]:
    """The elements of a value here that are no result of its equation: a person set them."""
    mask = place.tape.set_by_hand(equation)
    return [] if mask is None else [int(k) for k in np.flatnonzero(mask[place.place, place.sequence])]


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


def kept_on(place: Place, equation: str) -> tuple[Place, Array] | None:
    """Where a sequence is over at a state's next stop on the way back: that place, and the gradient handed on as it is.

    None where the sequence goes on, and for what is no state.
    """
    there = place.at(place.place + place.tape.workspace.direction(equation))
    found = place.tape.kept(equation, place.place)
    if found is None or not padded(there):
        return None
    return there, found[place.sequence]


def senders(place: Place, equation: str) -> tuple[Sender, ...]:
    """The readers that send something here: not those beyond the window, or where the sequence is over."""
    tape = place.tape
    return tuple(
        sender
        for sender in tape.plan.senders.get(equation, ())
        if 0 <= place.place - sender.offset < tape.T and not padded(place.at(place.place - sender.offset))
    )


def what_arrived(place: Place, equation: str) -> list[tuple[str, Array]]:
    """What arrived at a value in this sequence, `[n]` each, and from which stop; what a state keeps comes last."""
    tape, t = place.tape, place.tape.start + place.place + 1
    if equation in tape.plan.stands_for_argument:
        loss = tape.plan.stands_for_argument[equation]
        return [(f"{loss}[{t}]", tape.gradient(equation)[place.place, place.sequence])]
    found = [
        (f"{s.equation}[{t - s.offset}]", tape.sent(equation, s)[place.place, place.sequence])
        for s in senders(place, equation)
    ]
    kept = kept_on(place, equation)
    if kept is not None:
        found.append((f"{equation}[{tape.start + kept[0].place + 1}]", kept[1]))
    return found


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
            if expr.shape == (1,) or isinstance(style, Element):
                row = style.element if isinstance(style, Element) and expr.shape != (1,) else 0
                return _spelled_product(place.value(matrix)[row], place.value(vector), style)
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
    if padded(place) and equation not in program.states:
        return Formula(f"∂{equation} = 0: {absence(place)}", (), result)
    if equation in plan.stands_for_argument:
        loss, inner = (
            Sender(plan.stands_for_argument[equation], 0, ()),
            program.equations[equation].root.args[0],
        )
        put_in = [_sent(place, loss, style, inner) for style in STYLES]
        return Formula(f"∂({inner.source}) = {_sent(place, loss, None, inner)}", distinct(put_in), result)
    sending, kept = senders(place, equation), kept_on(place, equation)
    symbols = [_sent(place, s, None) for s in sending]
    if equation == "loss":
        return Formula(f"∂loss = {' + '.join(['weight of this loss', *symbols])}", (), result)
    if kept is not None:
        symbols.append(f"∂{equation}[{plan.program.index}{kept[0].place - place.place:+d}]")
    if not symbols:
        return Formula(f"∂{equation} = 0: nothing after it reaches the loss in this window", (), result)

    stays = [] if kept is None else [kept[1]]
    numbers = [
        " + ".join(
            [*(_sent(place, s, style) for s in sending), *(style.vector(v, scalar).at(SUM) for v in stays)]
        )
        for style in STYLES
    ]
    sums = [summed(place, equation, style) for style in STYLES] if len(symbols) > 1 else []
    return Formula(f"∂{equation} = {' + '.join(symbols)}", distinct(numbers + sums), result)


def summed(place: Place, equation: str, style: Style) -> str:
    """The sum of what arrived, in numbers."""
    arrived = [value for _, value in what_arrived(place, equation)]
    return " + ".join(style.vector(value, value.size == 1).at(SUM) for value in arrived)


def inner_rule(place: Place, equation: str, expr: Expr, style: Style | None = None) -> str:
    """The gradient of a sub-expression, out of that of its equation: in symbols, or with numbers."""
    return _sent(place, Sender(equation, 0, ()), style, expr)


def sent_rule(place: Place, sender: Sender, style: Style | None = None) -> str:
    """What one reader sends to the value it reads, at the receiver's place: in symbols, or with numbers."""
    return _sent(place, sender, style)


def _sent(place: Place, sender: Sender, style: Words, target: Expr | None = None) -> str:
    """What one reader sends to a value, or to the `target`: its rule in symbols, with numbers or with shapes."""
    plan = place.tape.plan
    equation = plan.program.equations[sender.equation]
    # a stop that stands for the argument of its softmax hands that argument's gradient on
    start = equation.root.args[0] if sender.equation in plan.stands_for_argument else equation.root
    there = place.at(place.place - sender.offset)
    steps = -sender.offset
    when = "" if steps == 0 else f"[{plan.program.index}{steps:+d}]"

    def text(expr: Expr) -> Text:
        if isinstance(style, Shapes):
            return with_shapes(expr)
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
        if isinstance(style, Shapes):
            return Shapes.of(expr.shape)
        if expr is not equation.root:
            return text(expr)
        if style is None:
            return Text(sender.equation + when)
        return style.vector(there.value(expr), expr.shape in ((), (1,)))

    def arriving() -> Text:
        if isinstance(style, Shapes):
            return Shapes.of(start.shape)
        if style is None:
            return Text(f"∂{sender.equation if start is equation.root else f'({start.source})'}{when}")
        gradient = place.tape.gradient(sender.equation)[there.place, there.sequence]
        if set_by_hand(there, sender.equation):
            gradient = there.gradient(equation.root)  # what it hands on, not what it got
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
                one = arg.shape == (1,) or isinstance(style, Element)
                if isinstance(style, Style) and expr.operation is PRODUCT_OF_MATRIX and one:
                    at = style.element if isinstance(style, Element) and arg.shape != (1,) else 0
                    column = there.value(expr.args[0])[:, at]
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


def update_formula(
    update: Update, parameter: str, equation: str, styles: Sequence[Style] = STYLES
) -> Formula:
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

    numbers = [text(found.root, style).text for style in styles]
    return Formula(found.source.split("#")[0].strip(), distinct(numbers), result)


# ---------------------------------------------------------------- one element

ONE = 6, 4
"""Decimals, and the most products that are spelled out, in a formula for one element."""
LONGEST = 160
"""Characters of one; the terms say it better than a longer one would."""


def forward_element(place: Place, equation: str, element: int) -> str:
    """An equation with the numbers of one element; empty where it does not go element by element."""
    root = place.tape.plan.program.equations[equation].root
    return _short(with_numbers(place, root, Element(*ONE, element)).text) if _by_element(root) else ""


def backward_element(place: Place, equation: str, element: int) -> str:
    """What every reader sends to one element, with its numbers; empty where that does not go element by element."""
    plan, program = place.tape.plan, place.tape.plan.program
    sending = senders(place, equation)
    for root in (program.equations[sender.equation].root for sender in sending):
        judged = root in plan.fused and isinstance(root.args[0], Read)  # ∂loss * (p - y)
        spread = bool(root.shape) and not program.shapes[equation]  # one number that every element used
        if spread or not (judged or _by_element(root)):
            return ""
    if equation == "loss" or equation in plan.stands_for_argument or kept_on(place, equation):
        return ""
    return _short(" + ".join(_sent(place, sender, Element(*ONE, element)) for sender in sending))


def update_element(update: Update, parameter: str, equation: str, element: int) -> str:
    """An update equation with the numbers of one element; empty where it takes more than that."""
    root = update.tape(parameter)[0].plan.program.equations[equation].root
    if not _by_element(root) or not root.shape:
        return ""
    [numbers] = update_formula(update, parameter, equation, (Element(*ONE, element),)).numbers
    return _short(numbers)


def _short(numbers: str) -> str:
    return numbers if len(numbers) <= LONGEST else ""


def _by_element(expr: Expr) -> bool:
    """Whether every element comes from the same element of its arguments, matrix products apart."""
    if not isinstance(expr, Apply):
        return True
    if expr.operation is PRODUCT_OF_MATRIX:
        return isinstance(expr.args[1], Read)
    whole = any(arg.shape and not expr.shape for arg in expr.args)  # one number of all elements
    return expr.operation.elementwise and not whole and all(map(_by_element, expr.args))


def distinct(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(texts), key=len, reverse=True))
