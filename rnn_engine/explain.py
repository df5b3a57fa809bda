"""What happened at a step, in formulas; all of them from the equations.

A formula on the screen is made by the operation that did the arithmetic, once with names and once
with numbers as its arguments, so the two cannot drift from the code or from each other.
"""

from __future__ import annotations

from collections.abc import Callable

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Constant, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import SUM, Text
from rnn_engine.core.plan import ParameterUse, Sender
from rnn_engine.element import Gradient, Spelling, Value
from rnn_engine.place import (
    Place,
    absence,
    padded,
    senders,
    set_by_hand,
    sums_to_one,
    undefined,
    what_arrived,
)
from rnn_engine.snapshot import Formula
from rnn_engine.style import SHAPES, STYLES, Shapes, Style, Words, distinct
from rnn_engine.update import Update

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
        return _sized(expr, expr.operation.text([with_shapes(arg) for arg in expr.args]))
    return _sized(expr, Text(expr.source) if isinstance(expr, Constant) else Shapes.of(expr.shape))


def with_numbers(place: Place, expr: Expr, style: Style) -> Text:
    """An expression with numbers put in.

    A matrix product stands as its result, or as its terms where the result is one number.
    """
    return _sized(expr, _put_in(place, expr, style))


def with_names(expr: Expr, named: Callable[[Read], Text]) -> Text:
    """An expression in symbols, what it reads as it is `named`."""
    if isinstance(expr, Apply):
        return _sized(expr, expr.operation.text([with_names(arg, named) for arg in expr.args]))
    return _sized(expr, named(expr) if isinstance(expr, Read) else Text(expr.source))


def later(index: str, steps: int) -> Callable[[Read], Text]:
    """The names of so many time steps on: `h[t-1]` is `h`, `x` is `x[t+1]`."""
    when = "" if steps == 0 else f"[{index}{steps:+d}]"

    def named(read: Read) -> Text:
        if read.kind == "equation":
            return Text(_shifted(read, steps, index))
        if read.kind == "index":
            return Text(f"{read.name}{steps:+d}", SUM) if steps else Text(read.name)
        return Text(read.name + when if read.kind in ("x", "y", "class") else read.name)

    return named


def _sized(expr: Expr, text: Text) -> Text:
    return text._replace(size=expr.shape[0] if len(expr.shape) == 1 else 0)


def _put_in(place: Place, expr: Expr, style: Style) -> Text:
    match expr:
        case Read(kind="parameter") if len(expr.shape) == 2:
            return Text(expr.name)
        case Apply(operation=operation) if operation is PRODUCT_OF_MATRIX:
            one = expr.shape == (1,)
            return _one_number(Value, place, expr, style) if one else style.vector(place.value(expr), False)
        case Apply(operation=operation, args=args):
            return operation.text([with_numbers(place, arg, style) for arg in args])
    return style.vector(place.value(expr), expr.shape == () or expr.shape == (1,))


def _one_number(operand: type[Value] | type[Gradient], place: Place, expr: Expr, style: Style) -> Text:
    """The rule of what is one number, or the number where the rule has many terms."""
    found = operand(place, expr, Spelling(style, style.elements, False))
    rule = found.rule((0,))
    return rule if "…" not in rule.text else found.number((0,))


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
    sending = senders(place, equation)
    symbols = [_sent(place, s, None) for s in sending]
    if equation == "loss":
        return Formula(f"∂loss = {' + '.join(['weight of this loss', *symbols])}", (), result)
    if not symbols:
        return Formula(f"∂{equation} = 0: nothing after it reaches the loss in this window", (), result)

    numbers = [" + ".join(_sent(place, sender, style) for sender in sending) for style in STYLES]
    sums = [summed(place, equation, style) for style in STYLES] if len(symbols) > 1 else []
    return Formula(f"∂{equation} = {' + '.join(symbols)}", distinct(numbers + sums), result)


def summed(place: Place, equation: str, style: Style) -> str:
    """The sum of what arrived, in numbers."""
    arrived = [value for _, value in what_arrived(place, equation)]
    return " + ".join(style.vector(value, value.size == 1).at(SUM) for value in arrived)


def inner_rule(place: Place, equation: str, expr: Expr, style: Style | None = None) -> str:
    """The gradient of a sub-expression, out of that of its equation: in symbols, or with numbers."""
    return _sent(place, Sender(equation, 0, ()), style, expr)


def added_rule(place: Place, use: ParameterUse) -> str:
    """What a use of a parameter adds to its gradient, at any time step of any sequence: in symbols."""
    apply, index = use.node.apply, place.tape.plan.program.index
    g = _sent_text(place, Sender(use.node.equation.name, 0, ()), None, apply, everywhere=True)
    args = [with_names(arg, later(index, 0)) for arg in apply.args]
    out = Text(use.node.equation.name) if use.node.root else with_names(apply, later(index, 0))
    rule = apply.operation.vjp_text(use.argument, g, out, args).text
    one = (
        apply.operation.elementwise and apply.shape and not use.read.shape
    )  # a scalar that every element used
    return f"sum({rule})" if one else rule


def sent_rule(place: Place, sender: Sender, style: Style | None = None) -> str:
    """What one reader sends to the value it reads, at the receiver's place: in symbols, or with numbers."""
    return _sent(place, sender, style)


def _sent(place: Place, sender: Sender, style: Words, target: Expr | None = None) -> str:
    return _sent_text(place, sender, style, target).text


def _sent_text(
    place: Place, sender: Sender, style: Words, target: Expr | None = None, *, everywhere: bool = False
) -> Text:
    """What one reader sends to a value, or to the `target`: its rule in symbols, with numbers or with shapes.

    A rule `everywhere` is that of all time steps and sequences of the window.
    """
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
        return with_names(expr, later(plan.program.index, steps))

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
            one = sums_to_one(place.tape, expr, None if everywhere else there)
            return visit(source.args[0], expr.operation.fused_text(g, p, text(expr.args[1]), one=one))
        found = []
        for i, arg in enumerate(expr.args):
            if leads_there(arg):
                one = arg.shape == (1,) and expr.operation is PRODUCT_OF_MATRIX
                if isinstance(style, Style) and one:
                    rule = _one_number(Gradient, there, arg, style)
                else:
                    rule = expr.operation.vjp_text(i, g, result(expr), [text(a) for a in expr.args])
                    if expr.operation.elementwise and expr.shape and not arg.shape:
                        rule = Text(f"sum({rule.text})")  # one scalar that every element used
                found += visit(arg, rule)
        return found

    terms = visit(start, arriving())
    return terms[0] if len(terms) == 1 else Text(" + ".join(term.at(SUM + 1) for term in terms), SUM)


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
