"""Which name belongs in which pane, and whose elements stand for tokens: read off the equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.equations import Program
from rnn_engine.core.language import Apply, Read

Labels = tuple[tuple[str, ...], tuple[str, ...]]
"""Of rows and of columns."""


class Rooms(NamedTuple):
    """What follows from the equations for the panes, whatever the step."""

    hidden: tuple[str, ...]
    """The equations of the hidden pane: states first, then what they are made of."""
    head: tuple[str, ...]
    """Those of the output pane, the output first."""
    parameters: tuple[str, ...]
    """All parameters, those of the gates of a cell side by side."""
    classes: frozenset[str]
    """Whose elements stand for tokens."""
    labels: Mapping[str, Labels]
    """Per parameter; a vector is a column without a name."""


def rooms(
    program: Program,
    shapes: Mapping[str, tuple[int, ...]],
    vocabulary: tuple[str, ...] | None,
    one_hot_x: bool,
) -> Rooms:
    """Find them. `shapes` are those of the parameters; `one_hot_x` says that x is a token."""
    hidden, head = hidden_and_head(program)
    classes = frozenset() if vocabulary is None else frozenset(over_classes(program))
    inputs = vocabulary if one_hot_x else None
    labels: dict[str, Labels] = {}
    for name, shape in shapes.items():
        rows, columns = (tuple(map(str, range(n))) for n in (*shape, 1, 1)[:2])
        if vocabulary is not None and shape[:1] == (len(vocabulary),) and name in classes:
            rows = vocabulary
        labels[name] = rows, _columns(program, name, columns, inputs) if len(shape) == 2 else ("",)
    return Rooms(hidden, head, gates_together(program, shapes), classes, labels)


def _columns(
    program: Program, parameter: str, numbers: tuple[str, ...], tokens: tuple[str, ...] | None
) -> tuple[str, ...]:
    """What a matrix multiplies: tokens for a one-hot input, `h0 h1 …` where names are concatenated, else numbers."""
    parts = concatenated(program, parameter)
    if parts is None:
        is_input = tokens is not None and len(tokens) == len(numbers) and multiplies_x(program, parameter)
        return tokens if is_input and tokens is not None else numbers
    found: list[str] = []
    for part in parts:
        n = part.shape[0] if part.shape else 1
        found += tokens if part.kind == "x" and tokens is not None else [f"{part.name}{k}" for k in range(n)]
    return tuple(found) if len(found) == len(numbers) == len(set(found)) else numbers


def hidden_and_head(program: Program) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which equations the hidden pane shows (states first, then what they are made of), which the output pane."""
    states = list(program.states)
    upstream: set[str] = set()
    todo = list(states)
    while todo:
        for read in program.equations[todo.pop()].reads:
            if read.kind == "equation" and read.name not in upstream:
                upstream.add(read.name)
                todo.append(read.name)
    output = program.output
    inner = [name for name in program.equations if name in upstream and name not in states and name != output]
    hidden = (*states, *inner)
    rest = [name for name in program.equations if name not in hidden and name != output]
    return hidden, (output, *rest)


def gates_together(program: Program, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """The parameters in their order, but those of one kind for the gates of a cell side by side.

    That is, names of one shape that differ in the last letter alone, and that letter is a value which is no state:
    `W_xi W_xf W_xo W_xg`, then `W_hi W_hf …`, then `b_i b_f …`.
    """
    groups: dict[object, list[str]] = {}
    for name, shape in shapes.items():
        gate = name[-1] in program.equations and name[-1] not in program.states
        groups.setdefault((name[:-1], shape) if gate else name, []).append(name)
    return tuple(name for group in groups.values() for name in group)


def over_classes(program: Program) -> set[str]:
    """The names whose elements stand for the classes of the output: reached from it element by element."""
    output = program.output
    found = {output} if program.shapes[output] else set()
    todo: list[object] = [program.equations[output].root] if found else []
    while todo:
        match todo.pop():
            case Apply(operation=operation, args=[Read(name=name), _]) if operation is PRODUCT_OF_MATRIX:
                found.add(name)
            case Apply(operation=operation, args=args) if (
                operation.elementwise or operation.name == "softmax"
            ):
                todo += args
            case Read(kind="parameter", name=name, shape=shape) if shape:
                found.add(name)
            case Read(kind="equation", name=name) if name not in found:
                found.add(name)
                todo.append(program.equations[name].root)
    return found


def concatenated(program: Program, parameter: str) -> list[Read] | None:
    """What a matrix multiplies where that is names in a row, in their order; None where it is anything else.

    Written as `W @ concat(h[t-1], x)`, or with the concatenation as a value of its own: `v = concat(h[t-1], x)`.
    """
    for use in program.equations.values():
        todo: list[object] = [use.root]
        while todo:
            expr = todo.pop()
            if isinstance(expr, Apply):
                match expr.args:
                    case [Read(name=name), Read(kind="equation", name=value)] if name == parameter:
                        return _parts(program.equations[value].root)
                    case [Read(name=name), Apply() as vector] if name == parameter:
                        return _parts(vector)
                todo += expr.args
    return None


def _parts(expr: Apply) -> list[Read] | None:
    reads = [part for part in expr.args if isinstance(part, Read)]
    return reads if expr.operation.name == "concat" and len(reads) == len(expr.args) else None


def multiplies_x(program: Program, parameter: str) -> bool:
    for use in program.equations.values():
        todo: list[object] = [use.root]
        while todo:
            expr = todo.pop()
            if isinstance(expr, Apply):
                match expr.args:
                    case [Read(name=name), Read(kind="x")] if name == parameter:
                        return True
                todo += expr.args
    return False
