"""Bytes of a tape: what the equations say they must be, and what the arrays of a workspace add up to.

`docs/engine.md` has the rule in words; `expected` is the same rule, read off the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.functions import Softmax
from rnn_engine.core.language import Apply, Read
from rnn_engine.core.losses import CrossEntropy, SquaredError
from rnn_engine.core.plan import Node, Plan
from rnn_engine.core.workspace import Workspace, width


def expected(plan: Plan, T: int, B: int, itemsize: int = 8) -> int:
    """Bytes of a window, forward and back: itemsize · (T · B · per step + B · ends + 2 P)."""
    twice = 2 if plan.objective else 1
    return itemsize * (T * B * sum(per_step(plan).values()) + B * ends(plan) + twice * weights(plan))


def weights(plan: Plan) -> int:
    """P: the numbers of all parameters. Each is there as value and, where there is a way back, as gradient."""
    return sum(prod(shape) for shape in plan.program.parameters.values())


def ends(plan: Plan) -> int:
    """Numbers per sequence, once: the time steps outside of the window, of each state and of what is sent to it."""
    program = plan.program
    outside = {name: program.delays.get(name, 0) + program.leads.get(name, 0) for name in program.states}
    rooms = {name: 1 + sum(len(s.leaves) for s in plan.senders.get(name, ())) for name in outside}
    return sum(d * rooms[name] * width(program.shapes[name]) for name, d in outside.items())


def per_step(plan: Plan) -> dict[str, int]:
    """Numbers per time step and sequence, by what they are for."""
    program = plan.program
    every = [node for stage in plan.stages for node in stage.nodes]
    reads = {arg for node in every for arg in node.apply.args if isinstance(arg, Read)}
    data = {read.kind: width(read.shape) for read in reads if read.kind not in ("equation", "parameter")}
    arriving = {name: sum(len(s.leaves) for s in senders) for name, senders in plan.senders.items()}
    back = [n for n in every if n.equation.name in plan.objective and n.apply in plan.carries]
    handed_on, scratch = 0, sum(_room_of_value(node) for node in every)
    for node in back:
        operation = node.apply.operation
        if node.apply in plan.fused.values():
            continue
        for i, target in plan.gradient_targets(node):
            if isinstance(target, Apply) and target in plan.carries:
                narrow = operation.elementwise and width(target.shape) < width(node.apply.shape)
                if narrow or i not in operation.passes:
                    handed_on += width(target.shape) + narrow * width(node.apply.shape)
        if node.apply in plan.fused and type(operation) is CrossEntropy:
            scratch += 3
    for use in (use for uses in plan.uses.values() for use in uses if len(use.read.shape) < 2):
        if use.argument not in use.node.apply.operation.passes:
            scratch += width(use.node.apply.shape)
    return {
        "values": sum(width(node.apply.shape) for node in every),
        "data": sum(data.values()) + 2,  # and the numbers of the tokens
        "sent": sum(count * width(program.shapes[name]) for name, count in arriving.items()),
        "added up": sum(
            max(0, count + (name == "loss") - 1) * width(program.shapes[name])
            for name, count in arriving.items()
        ),
        "handed on": handed_on,
        "room to work": scratch,
    }


def _room_of_value(node: Node) -> int:
    """What some operations need beside their result."""
    operation = node.apply.operation
    if isinstance(operation, SquaredError):
        return max(width(arg.shape) for arg in node.apply.args)
    return 2 if isinstance(operation, Softmax) else 0


def measured(workspace: Workspace) -> int:
    """Bytes of all arrays that a workspace owns, each counted once, those that only its calls hold included."""
    owners = {id(owner): owner for array in _arrays(workspace.__dict__, set()) for owner in [_owner(array)]}
    return sum(owner.nbytes for owner in owners.values())


def _owner(array: NDArray[Any]) -> NDArray[Any]:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _arrays(value: object, seen: set[int]) -> Iterator[NDArray[Any]]:
    if id(value) in seen or isinstance(value, Plan):
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _arrays(inner, seen)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _arrays(inner, seen)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _arrays(getattr(value, field.name), seen)
    else:  # `array.take`: a method holds what it is a method of
        yield from _arrays(getattr(value, "__self__", None), seen)
