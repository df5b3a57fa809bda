"""A step explained in full: the rule in symbols and in numbers, piece by piece, from the operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from rnn_engine import explain, inside
from rnn_engine.core.language import Apply, Read, walk
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Shape, Text
from rnn_engine.core.plan import Plan
from rnn_engine.core.steps import Step
from rnn_engine.generation import Generated, ranked
from rnn_engine.place import Place, absence, padded, senders, sums_to_one, undefined, what_arrived
from rnn_engine.reduction import Reduction
from rnn_engine.session import Session
from rnn_engine.style import STYLES, Shapes, distinct
from rnn_engine.timeline import Timeline
from rnn_engine.trace import token_name
from rnn_engine.update import Update

FULL, SHORT = STYLES[0], STYLES[1]
CANDIDATES = 8
"""Tokens that might have been drawn: so many are listed."""


class Section(NamedTuple):
    """A heading and what stands under it; names are as the file has them."""

    title: str
    lines: tuple[str, ...]


def derivation(session: Session, timeline: Timeline, index: int, sequence: int = 0) -> tuple[Section, ...]:
    """The explanation of step `index` of the run, for one sequence of the batch (from 0)."""
    phase = session.schedule.phase(index)
    place, equation = phase.stops[index - phase.first]
    if isinstance(place, str):
        return tuple(_update(timeline.iteration(phase.iteration).update, place, equation))
    if phase.name == "generate" and equation == "sample":
        return (_draw(session, timeline.ending().generated, place),)
    if phase.name == "generate":
        tape, place = timeline.ending().generated.tape(place), 0
    elif phase.name == "evaluate":
        tape = timeline.ending().tape
    else:
        iteration = timeline.iteration(phase.iteration)
        tape = iteration.tape
        if phase.name == "backward":
            _ = iteration.gradients
    here = Place(tape, place, min(sequence, tape.B - 1))
    if phase.name != "backward":
        return tuple(_forward(here, equation))
    own = () if equation != "loss" else _weight(here, session.run.reduction)
    return (*_backward(here, equation, own, timeline.iteration(phase.iteration).gradients),)


def shapes(session: Session, timeline: Timeline, index: int, sequence: int = 0) -> str:
    """The rule of step `index` with shapes in the place of names: `[2×4] @ [4] + [2×2] @ [2] + [2]`."""
    phase = session.schedule.phase(index)
    place, equation = phase.stops[index - phase.first]
    if isinstance(place, str):
        return f"what {place} has"
    if phase.name != "backward":
        program = session.program
        return explain.with_shapes(program.equations[equation].root).text
    iteration = timeline.iteration(phase.iteration)
    _ = iteration.gradients
    return explain.backward_shapes(Place(iteration.tape, place, sequence), equation)


def _draw(session: Session, generated: Generated, place: int) -> Section:
    """How the next token was chosen at a time step (from 0)."""
    token, generator, drawn = token_name(session), generated.generator, generated.draws[place]
    if drawn is None:
        return Section("the next token", ("It is the next one of the prompt: nothing is drawn.",))
    output, number = generator.plan.program.output, STYLES[0].number
    p = generated.tape(place).value(output)[0, 0]
    if generator.greedy or np.isnan(p).any():
        return Section(
            "the draw", (f"sample = {generator.how}", f"  = {token(drawn)}   ({number(p[drawn])})")
        )
    order, chances = ranked(p, generator.temperature, generator.top_k)
    u, up_to = generated.chance(place), np.cumsum(chances)
    rank = int(np.flatnonzero(order == drawn)[0])
    rows = [
        f"  {token(int(k))}: {number(chances[i])}   up to {number(up_to[i])}{'   ◀' if i == rank else ''}"
        for i, k in enumerate(order)
        if i < CANDIDATES or i == rank
    ]
    if len(order) > len(rows):
        rows.append(f"  and {len(order) - len(rows)} more")
    heat = generator.temperature
    return Section(
        "the draw",
        (
            f"sample = {generator.how}",
            *((f"  the chances are {output} ** (1 / {heat:g}), made to sum to 1",) if heat != 1.0 else ()),
            "the likeliest first, each with the sum of the chances up to it",
            *rows,
            f"u = {number(u)}, from 0 up to 1 by seed {generator.seed}",
            f"  the first sum beyond u is that of {token(drawn)}",
        ),
    )


# ---------------------------------------------------------------- forward


def _forward(here: Place, equation: str) -> Iterator[Section]:
    found = here.tape.plan.program.equations[equation]
    t = here.tape.start + here.place + 1
    whole = explain.forward_formula(here, equation)
    rule = _rule(whole.symbols, whole.numbers, whole.result)
    yield Section(
        f"{equation} at t={t}", _with_shapes(rule, explain.with_shapes(found.root).text, found.root.shape)
    )
    if found.reads:
        yield Section("what it reads", tuple(dict.fromkeys(_read(here, read, t) for read in found.reads)))
    inner = inside.sub_expressions(here.tape.plan.program, equation)
    if inner and not undefined(here, equation) and not padded(here):
        lines = [line for expr in inner for line in _value(here, expr)]
        yield Section("piece by piece", (*lines, f"{equation} {whole.result}"))


def _read(here: Place, read: Read, t: int) -> str:
    value = here.value(read)
    at = f"[{t + read.offset}]" if read.kind not in ("parameter", "index") else ""
    name = "y" if read.kind == "class" else read.name
    y = here.tape.y
    if name == "y" and y is not None and y.missing is not None and y.missing[here.place, here.sequence]:
        return f"{name}{at}: {absence(here)}"
    if value.ndim == 2:
        return f"{name}: a {value.shape[0]}×{value.shape[1]} matrix"
    return f"{name}{at} = {_numbers(value)}"


def _value(here: Place, expr: Apply) -> list[str]:
    formula, _ = inside.value_inside(here, expr)
    return _rule(formula.symbols, formula.numbers, formula.result)


# ---------------------------------------------------------------- backward


def _backward(
    here: Place, equation: str, own: tuple[str, ...], gradients: Mapping[str, Array]
) -> Iterator[Section]:
    """`own`: what is to be said of the rule besides; `gradients`: of the parameters, when the way back is done."""
    tape, plan = here.tape, here.tape.plan
    t = tape.start + here.place + 1
    whole = explain.backward_formula(here, equation)
    many = len(what_arrived(here, equation)) > 1  # then each follows with its own numbers
    numbers = (explain.summed(here, equation, FULL),) if many else whole.numbers
    rule = _rule(whole.symbols, numbers, whole.result)
    shapes = explain.backward_shapes(here, equation)
    yield Section(f"∂{equation} at t={t}", (*_with_shapes(rule, shapes, plan.program.shapes[equation]), *own))
    if equation not in plan.stands_for_argument:
        yield from _arrived(here, equation, t)
    yield from _together(here, equation)
    adds = Step(tape, "backward", here.place, equation).adds
    if adds:
        lines = [
            line
            for name, part in adds.items()
            for line in _added(here, equation, name, part, gradients[name])
        ]
        note = "all sequences of the batch together" if tape.B > 1 else "this time step alone"
        yield Section(f"what it adds to the parameters ({note})", tuple(lines))
    handed = inside.handed_down(here, equation)
    if handed:
        root = plan.program.equations[equation].source.split("#")[0].strip()
        lines = [root]
        for expr in handed:
            formula, _ = inside.gradient_inside(here, equation, expr)
            lines += _rule(formula.symbols, formula.numbers, formula.result)
        yield Section(f"handed down inside {equation}", tuple(lines))


def _weight(here: Place, reduction: Reduction) -> tuple[str, ...]:
    """Where the weight of a loss comes from."""
    tape = here.tape
    if undefined(here, "loss"):
        return (f"no weight: {absence(here)}",)
    parts = [f"a {reduction.batch} over the batch of {tape.B}"] if tape.B > 1 else []
    parts.append(f"a {reduction.time} over the time steps")
    return (f"the objective is {', '.join(parts)}",)


def _arrived(here: Place, equation: str, t: int) -> Iterator[Section]:
    """Who sent what; the direct part (by this time step's own loss) beside the total."""
    tape, plan = here.tape, here.tape.plan
    lines, direct, others = [], np.zeros(0), np.zeros(0)
    for sender in senders(here, equation):
        sent = tape.sent(equation, sender)[here.place, here.sequence]
        lines.append(f"{sender.equation}[{t - sender.offset}] reads {equation}[{t}] and sends")
        rule = explain.sent_rule(here, sender)
        numbers = distinct([explain.sent_rule(here, sender, style) for style in STYLES])
        lines += [f"  {line}" for line in _rule(rule, numbers, f"= {_numbers(sent)}")]
        if sender.offset:
            others = others + sent if others.size else sent
        else:
            direct = direct + sent if direct.size else sent
    if not lines:
        return
    if direct.size and others.size:
        total = tape.gradient(equation)[here.place, here.sequence]
        lines.append(f"direct, through this time step:      {_numbers(direct)}")
        when = "later" if all(sender.offset <= 0 for sender in plan.senders[equation]) else "other"
        lines.append(f"through {when} time steps:            {_numbers(others)}")
        lines.append(f"total derivative, what is passed on: {_numbers(total)}")
    yield Section("what arrived", tuple(lines))


def _together(here: Place, equation: str) -> Iterator[Section]:
    """Why a loss and its softmax are differentiated together, from the rules of the two."""
    plan = here.tape.plan
    for loss, source in plan.fused.items():
        if equation != _receiver(plan, loss, source):
            continue
        operation = loss.operation
        assert isinstance(operation, CrossEntropy)
        p, z, y = Text("p"), Text("z"), Text("y")
        of_loss = operation.vjp_text(0, Text("∂loss"), Text("loss"), [p, y])
        one = sums_to_one(here.tape, loss, here)
        sums = one and operation.name == "cross_entropy"
        put_in = "put in, and with targets that sum to one:" if sums else "put in:                   "
        together = operation.fused_text(Text("∂loss"), p, y, one=one).text
        of_p = source.operation.vjp_text(0, Text("∂p"), p, [z])
        yield Section(
            f"why {together.partition('(')[2][:-1]}: {operation.name} and {source.operation.name} together",
            (
                f"{operation.name} alone would give     ∂p = {of_loss.text}",
                f"{source.operation.name} would then give    ∂z = {of_p.text}",
                f"{put_in}  ∂z = {together}",
            ),
        )


def _receiver(plan: Plan, loss: Apply, source: Apply) -> str:
    """Whose stop shows what a loss and its softmax send together."""
    argument = source.args[0]
    if isinstance(argument, Read):
        return argument.name
    equations = plan.program.equations.values()
    own = next((e.name for e in equations if e.root is source), None)
    return own or next(e.name for e in equations if loss in walk(e.root))


def _added(here: Place, equation: str, name: str, part: Array, total: Array) -> Iterator[str]:
    for use in here.tape.plan.uses[name]:
        if use.node.equation.name != equation:
            continue
        yield f"∂{name} gets {explain.added_rule(here, use)}"
    yield from _rows(part)
    yield f"  all time steps together make ∂{name}"
    yield from _rows(total)


def _rows(part: Array) -> Iterator[str]:
    if part.ndim == 2:
        rows = [_numbers(row) for row in part[:8]]
        yield f"  = {rows[0]}"
        yield from (f"    {row}" for row in rows[1:])
        if len(part) > 8:
            yield f"    … {len(part) - 8} more rows"
    else:
        yield f"  = {_numbers(part)}"


# ---------------------------------------------------------------- update


def _update(update: Update, parameter: str, equation: str) -> Iterator[Section]:
    whole = explain.update_formula(update, parameter, equation)
    yield Section(f"{equation} for {parameter}", tuple(_rule(whole.symbols, whole.numbers, whole.result)))
    if parameter in update.rule.frozen:
        return
    tape, _ = update.tape(parameter)
    program = tape.plan.program
    constants = {
        read.name: update.rule.constants[read.name]
        for read in program.equations[equation].reads
        if read.name in update.rule.constants
    }
    if constants:
        yield Section(
            "constants", tuple(f"{name} = {SHORT.number(value)}" for name, value in constants.items())
        )
    inner = inside.sub_expressions(program, equation)
    if inner:
        lines: list[str] = []
        for expr in inner:
            formula, _ = inside.update_inside(update, parameter, expr)
            lines += _rule(formula.symbols, formula.numbers, formula.result)
        yield Section("piece by piece", (*lines, f"{equation} {whole.result}"))


# ---------------------------------------------------------------- lines


def _rule(symbols: str, numbers: tuple[str, ...], result: str) -> list[str]:
    """A rule, the fullest numbers put in, and the result; numbers that say no more than the result are left out."""
    lines = [symbols]
    if numbers and f"= {numbers[0]}" != result:
        lines.append(f"  = {numbers[0]}")
    return [*lines, f"  {result}"]


def _with_shapes(rule: list[str], shapes: str, result: Shape) -> tuple[str, ...]:
    """A rule, and where a matrix is among them the shapes below its symbols."""
    symbols, *rest = rule
    told = [f"  shapes: {shapes} = {Shapes.of(result).text}"] if "×" in shapes else []
    return (symbols, *told, *rest)


def _numbers(value: Array) -> str:
    return FULL.vector(value, np.size(value) == 1).text
