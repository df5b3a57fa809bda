"""Which elements a number comes from through an expression, forward and on the way back, as its operations say.

A product with a matrix mixes all elements, a concatenation moves them; nowhere is it taken for granted that element
k comes from element k.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Index, run
from rnn_engine.core.plan import Plan
from rnn_engine.place import Place


def read_by(expr: Expr, index: Index) -> dict[Read, set[Index]]:
    """The elements of what an expression reads that one element of its value is made of."""
    found: dict[Read, set[Index]] = {}
    _follow(expr, {index}, found)
    return found


def _follow(expr: Expr, elements: Iterable[Index], found: dict[Read, set[Index]]) -> None:
    if isinstance(expr, Read):
        found.setdefault(expr, set()).update(elements)
    if not isinstance(expr, Apply):
        return
    used: list[set[Index]] = [set() for _ in expr.args]
    shapes = [arg.shape for arg in expr.args]
    for index in elements:
        for i, at in expr.operation.uses(index, shapes):
            used[i].add(at)
    for arg, of_arg in zip(expr.args, used, strict=True):
        _follow(arg, of_arg, found)


def start_of(plan: Plan, equation: str) -> Apply:
    """The expression of which an equation's stop on the way back shows the gradient: its root, or the logits."""
    root = plan.program.equations[equation].root
    start = root.args[0] if equation in plan.stands_for_argument else root
    assert isinstance(start, Apply)
    return start


def origins(plan: Plan, leaf: Expr, start: Apply, index: Index) -> list[Index]:
    """The elements of the gradient of `start` that the gradient of one element of a leaf is made of."""
    elements = {index}
    for reader, i in _way_up(plan, leaf, start):
        shapes = [arg.shape for arg in reader.args]
        elements = set[Index]().union(*(reader.operation.used_by(i, at, shapes) for at in elements))
    return sorted(elements)


def portions(here: Place, leaf: Expr, start: Apply) -> Array:
    """`[n, m]`: what each of the n elements of the gradient of `start` sends to each of the m of a leaf, in float64.

    The vector-Jacobian products of the way, once for each element with all others 0.
    """
    plan, n = here.tape.plan, start.shape[0] if start.shape else 1
    g: Array = np.diag(np.asarray(here.gradient(start), np.float64))
    together = {source: loss for loss, source in plan.fused.items()}
    for reader, i in reversed(list(_way_up(plan, leaf, start))):
        if reader in plan.fused:
            continue  # its softmax takes both steps
        args, out = [_rows(here, arg, n) for arg in reader.args], _rows(here, reader, n)
        wide = max(out.shape[-1] if reader.operation.elementwise else 1, args[i].shape[-1])
        into = np.empty((n, wide))
        if reader in together:
            loss = together[reader]
            assert isinstance(loss.operation, CrossEntropy)
            run(loss.operation.fused_vjp(into, g, out, _rows(here, loss.args[1], n)))
        else:
            run(reader.operation.prepare(i, into, out, *args))
            run(reader.operation.vjp(i, into, g, out, *args))
        g = into.sum(axis=1, keepdims=True) if wide > args[i].shape[-1] else into
    return g


def _way_up(plan: Plan, leaf: Expr, start: Apply) -> Iterator[tuple[Apply, int]]:
    """The operations from a leaf up to `start`, and as which argument each is reached."""
    while leaf is not start:
        reader = plan.reader[leaf]
        yield reader, next(i for i, arg in enumerate(reader.args) if arg is leaf)
        leaf = reader


def _rows(here: Place, expr: Expr, n: int) -> Array:
    """A value once for each of n rows; a matrix as it is."""
    value = np.asarray(here.value(expr), np.float64)
    return value if value.ndim == 2 else np.tile(np.ravel(value), (n, 1))
