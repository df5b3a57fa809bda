"""Inside an equation: its sub-expressions as steps of their own, each with its value or its gradient.

Forward (and in an update) they come before the equation's own stop, which their values end at. On the
way back they come after it: the gradient of the whole is there first and is handed down.
"""

from __future__ import annotations

from rnn_engine import explain
from rnn_engine.core.equations import Program
from rnn_engine.core.language import Apply, Expr, walk
from rnn_engine.core.operation import Array, Text
from rnn_engine.core.operations import FUNCTIONS
from rnn_engine.place import Place
from rnn_engine.snapshot import Formula
from rnn_engine.style import STYLES, Style, distinct
from rnn_engine.update import Update


def sub_expressions(program: Program, equation: str) -> tuple[Apply, ...]:
    """The operations inside an equation, without the whole, in the order in which they are computed."""
    root = program.equations[equation].root
    return tuple(e for e in walk(root) if isinstance(e, Apply) and e is not root)


def handed_down(place: Place, equation: str) -> tuple[Apply, ...]:
    """The sub-expressions that get a gradient, in the order in which they get it."""
    plan = place.tape.plan
    found = sub_expressions(plan.program, equation)
    # where the equation's stop is that of its argument, the argument is none inside it
    own = plan.program.equations[equation].root.args[0] if equation in plan.stands_for_argument else None
    return tuple(e for e in reversed(found) if e in place.tape.back.cotangents and e is not own)


def value_inside(place: Place, expr: Apply) -> tuple[Formula, tuple[str, ...]]:
    """A sub-expression with numbers put in, and one sentence on it."""
    value = place.value(expr)
    numbers = [explain.with_numbers(place, expr, style).text for style in STYLES]
    return _shown(expr.source, numbers, value, f"{expr.source} comes to")


def gradient_inside(place: Place, equation: str, expr: Apply) -> tuple[Formula, tuple[str, ...]]:
    """The gradient that a sub-expression is handed, and one sentence on it."""
    symbols = explain.inner_rule(place, equation, expr)
    numbers = [explain.inner_rule(place, equation, expr, style) for style in STYLES]
    of = expr.source if expr.operation.name in FUNCTIONS else f"({expr.source})"
    return _shown(
        f"∂{of} = {symbols}", numbers, place.gradient(expr), f"∂{of} is handed down from ∂{equation}:"
    )


def update_inside(update: Update, parameter: str, expr: Apply) -> tuple[Formula, tuple[str, ...]]:
    """A sub-expression of an update equation for one parameter."""
    tape, part = update.tape(parameter)

    def text(arg: Expr, style: Style) -> Text:
        if isinstance(arg, Apply):
            return arg.operation.text([text(a, style) for a in arg.args])
        array = tape.operand(arg)
        flat = array[0, 0] if array.ndim == 3 else array
        flat = flat[part] if arg.shape else flat
        return style.vector(flat, flat.size == 1)

    value = tape.inner_value(expr)[0, 0]
    value = value[part] if expr.shape else value
    numbers = [text(expr, style).text for style in STYLES]
    return _shown(expr.source, numbers, value, f"{expr.source} comes to")


def _shown(symbols: str, numbers: list[str], value: Array, said: str) -> tuple[Formula, tuple[str, ...]]:
    scalar = value.size == 1
    short = STYLES[3].vector(value, scalar).text
    result = STYLES[0].vector(value, scalar).text
    put_in = () if numbers[0] == result else distinct(numbers)  # what is handed on as it is, is said once
    formula = Formula(symbols, put_in, f"= {result}")
    return formula, (f"{said} {short}.", f"= {short}.")
