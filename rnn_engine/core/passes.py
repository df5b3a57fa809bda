"""One window, computed whole: the forward pass into a tape, and the backward pass through it.

A pass is bound before it runs: every operation becomes a call with its views into the tape, and the
pass is a walk down a flat list of calls. The same list is walked whether anybody looks or not, which
is why a number is the same bit for bit however one came to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PICKED_COLUMN, PRODUCT_OF_MATRIX
from rnn_engine.core.language import Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array
from rnn_engine.core.plan import Node, Plan
from rnn_engine.core.tape import Signal, Tape, width

Call = tuple[Callable[..., object], tuple[Any, ...]]


def forward(
    plan: Plan,
    parameters: Mapping[str, Array],
    x: Signal | None,
    y: Signal | None,
    *,
    T: int,
    B: int,
    initial: Mapping[str, Array] | None = None,
    start: int = 0,
) -> Tape:
    """Compute a window of T time steps.

    `parameters` by name, `[]`, `[n]` or `[m, n]`; `x` and `y` of this window; `initial` `[d, B, n]`
    per state, oldest first, zeros where absent. Overflow and the like give inf and nan, never a warning.
    """
    tape = Tape(plan, parameters, x, y, T=T, B=B, start=start)
    for name, values in (initial or {}).items():
        tape.initial(name)[...] = values
    _run(_bind_forward(tape))
    return tape


def backward(tape: Tape, weights: NDArray[np.float64]) -> None:
    """Compute the gradients of Σ weights · loss into the tape; `weights` is `[T, B]`, 0 where a loss is missing."""
    backward_to_values(tape, {"loss": weights[..., None]})
    with np.errstate(all="ignore"):
        for name, uses in tape.plan.uses.items():
            total = np.zeros_like(tape.parameters[name])
            for i, use in enumerate(uses):
                part = tape.parameter_part(use)
                total = part if i == 0 else total + part
            tape.parameter_gradients[name] = total.reshape(tape.plan.program.parameters[name])


def backward_to_values(tape: Tape, seeds: Mapping[str, Array]) -> None:
    """The way back from anywhere, to the values alone: no parameter's gradient.

    `seeds` are gradients `[T, B, n]` that arrive at equations from outside. Where these are others than the
    loss, the plan must be one made toward them.
    """
    _run(_bind_backward(tape, seeds))


def _run(calls: Iterable[Call]) -> None:
    with np.errstate(all="ignore"):
        for call, args in calls:
            call(*args)


def _calls(run: Callable[..., object], operands: Iterable[NDArray[Any]], direction: int) -> list[Call]:
    """One operation of a stage as calls: a single one over all places, or one per t in the loop's order."""
    return [(run, row) for row in zip(*(_views(a, direction) for a in operands), strict=False)]


def _views(array: NDArray[Any], direction: int) -> Iterator[NDArray[Any]]:
    """An operand as a stage uses it: one `[T·B, n]`, or T times `[B, n]`; a parameter as it is, again and again."""
    if array.ndim != 3:
        return repeat(array)
    if direction == 0:
        return iter((array.reshape(-1, array.shape[-1]),))
    return iter(array[::direction])


def _in_turn(columns: Sequence[Sequence[Call]]) -> Iterator[Call]:
    """The calls of a stage: all operations at one t, then all at the next."""
    return (call for row in zip(*columns, strict=True) for call in row)


# ---------------------------------------------------------------- forward


def _bind_forward(tape: Tape) -> list[Call]:
    calls: list[Call] = []
    for stage in tape.plan.stages:
        calls += _in_turn([_forward_calls(tape, node, stage.direction) for node in stage.nodes])
    return calls


def _forward_calls(tape: Tape, node: Node, direction: int) -> list[Call]:
    apply, out = node.apply, tape.values[node.apply]
    if apply in tape.plan.fused:
        assert isinstance(apply.operation, CrossEntropy)
        logits, target = tape.plan.fused[apply].args[0], apply.args[1]
        return _calls(apply.operation.fused, [out, tape.operand(logits), tape.operand(target)], direction)
    operands = tape.operands(apply.args)
    if apply.operation is PRODUCT_OF_MATRIX and _is_tokens(tape, apply.args[1]):
        assert tape.x is not None and tape.x.classes is not None
        return _calls(PICKED_COLUMN.forward, [out, *operands, tape.x.classes[..., None]], direction)
    return _calls(apply.operation.forward, [out, *operands], direction)


def _is_tokens(tape: Tape, expr: Expr) -> bool:
    x = tape.x
    return (
        isinstance(expr, Read)
        and expr.kind == "x"
        and x is not None
        and x.classes is not None
        and x.shape != ()
    )


# ---------------------------------------------------------------- backward


def _bind_backward(tape: Tape, seeds: Mapping[str, Array]) -> list[Call]:
    """The calls of the way back."""
    plan = tape.plan
    for name, senders in plan.senders.items():
        for sender in senders:
            tape.parts.update({leaf: tape.room(name) for leaf in sender.leaves})
    sums = {name: _sum_up(tape, name, seeds.get(name)) for name in plan.senders}
    calls: list[Call] = []
    for stage in reversed(plan.stages):
        back = -stage.direction
        columns: list[list[Call]] = []
        for node in reversed(stage.nodes):
            if node.equation.name not in plan.objective or node.apply not in plan.carries:
                continue
            if node.apply in plan.fused.values():
                continue  # the fused loss hands its gradient straight to the argument
            if node.root:
                columns += [_calls(np.add, addition, back) for addition in sums[node.equation.name]]
            columns += _vjp_calls(tape, node, back)
        calls += _in_turn(columns)
    return calls


def _sum_up(tape: Tape, name: str, seed: Array | None) -> list[tuple[Array, Array, Array]]:
    """The additions (a, b, into) that make the gradient of a value out of what its readers send, in their order."""
    plan, root = tape.plan, tape.plan.program.equations[name].root
    additions: list[tuple[Array, Array, Array]] = []

    def add_up(parts: Sequence[Array]) -> Array:
        total = parts[0]
        for part in parts[1:]:
            into = np.empty_like(total)
            additions.append((total, part, into))
            total = into
        return total

    arriving: list[Array] = [] if seed is None else [np.ascontiguousarray(seed)]
    for sender in plan.senders[name]:
        sent = add_up([tape.parts[leaf][tape.span(name)] for leaf in sender.leaves])
        tape.sums[name, sender] = sent
        arriving.append(sent)
    if root in plan.fused.values():
        return []
    tape.cotangents[root] = add_up(arriving) if arriving else np.zeros_like(tape.values[root])
    return additions


def _vjp_calls(tape: Tape, node: Node, back: int) -> list[list[Call]]:
    """The calls by which one operation hands its gradient on to its arguments."""
    plan, apply, operation = tape.plan, node.apply, node.apply.operation
    g = tape.cotangents[apply]
    # where targets are missing, an equation that reads them sends zeros, whatever it computed there
    gaps = tape.missing if node.equation.name in plan.program.reads_target else None
    columns: list[list[Call]] = []
    for i, target in plan.gradient_targets(node):
        if target not in plan.carries or (isinstance(target, Read) and target.kind == "parameter"):
            continue
        summed = operation.elementwise and width(target.shape) < g.shape[-1]
        if isinstance(target, Read):
            into = tape.parts[target][tape.span(target.name, target.offset)]
        elif i in operation.passes and not summed and gaps is None:
            tape.cotangents[target] = g
            continue
        else:
            into = tape.cotangents[target] = tape.new(target)
        if apply in plan.fused:
            assert isinstance(operation, CrossEntropy)
            p, y = tape.values[plan.fused[apply]], tape.operand(apply.args[1])
            columns.append(_calls(operation.fused_vjp, [into, g, p, y], back))
        else:
            run = _Vjp(operation.vjp, i, summed)
            columns.append(_calls(run, [into, g, tape.values[apply], *tape.operands(apply.args)], back))
        if gaps is not None:
            columns.append(_calls(_blank, [into, gaps[..., None]], back))
    return columns


class _Vjp:
    """One vector-Jacobian product; with `summed`, its elements added up for an argument that is a scalar."""

    __slots__ = ("i", "summed", "vjp")

    def __init__(self, vjp: Callable[..., None], i: int, summed: bool) -> None:
        self.vjp, self.i, self.summed = vjp, i, summed

    def __call__(self, into: Array, g: Array, out: Array, *args: Array) -> None:
        if not self.summed:
            self.vjp(self.i, into, g, out, *args)
            return
        full = np.empty_like(g)
        self.vjp(self.i, full, g, out, *args)
        np.sum(full, axis=-1, keepdims=True, out=into)


def _blank(into: Array, missing: NDArray[np.bool_]) -> None:
    into[missing[:, 0]] = 0.0
