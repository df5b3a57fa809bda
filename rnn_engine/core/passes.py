"""One window, computed whole: the forward pass into a tape, and the backward pass through it.

A pass is bound before it runs: every operation becomes its NumPy calls with their views into the
workspace, and a pass is a walk down a flat list of calls. The same list is walked whether anybody
looks or not, which is why a number is the same bit for bit however one came to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PICKED_COLUMN, PRODUCT_OF_MATRIX
from rnn_engine.core.language import Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Calls
from rnn_engine.core.plan import Node, Plan, Stage
from rnn_engine.core.tape import Call, Form, Signal, Tape, WayBack, Workspace, flat, parameter_calls, width

Column = list[list[Call]]
"""One operation within a stage: its calls at each time step of a loop, or once."""


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
    padding: NDArray[np.bool_] | None = None,
    overrides: Mapping[str, tuple[NDArray[np.bool_], Array]] | None = None,
    dtype: str = "float64",
) -> Tape:
    """Compute a window of T time steps.

    `parameters` by name, `[]`, `[n]` or `[m, n]`; `x` and `y` of this window; `initial` `[d, B, n]`
    per state, oldest first, zeros where absent. Overflow and the like give inf and nan, never a warning.

    `padding` `[T, B]`: where a sequence is over; its states are kept there, nothing flows back from there.
    `overrides`: by equation, which elements are set by hand and to what, both `[T, B, n]`; all that comes
    after follows, also within the time step, and no gradient passes them. A plan for an overridden softmax
    is one made with `overridden`.
    """
    form = Form(
        T=T,
        B=B,
        tokens=x is not None and x.classes is not None and x.shape != (),
        gaps=y is not None and y.missing is not None and bool(y.missing.any()),
        padded=padding is not None and bool(padding.any()),
        overridden=frozenset(overrides or ()),
        dtype=dtype,
    )
    try:  # another thread may take the last one
        workspace = plan.spare[form].pop()
    except (KeyError, IndexError):
        workspace = Workspace(plan, form)
        _bind_forward(workspace)
    workspace.fill(parameters, x, y, initial or {}, start)
    if padding is not None:
        workspace.padding[..., 0] = padding
    for name, (mask, values) in (overrides or {}).items():
        workspace.overrides[name][0][...] = mask
        workspace.overrides[name][1][...] = values
    _run(workspace.forward)
    return Tape(workspace, x, y, start, padding)


def backward(tape: Tape, weights: NDArray[np.float64]) -> None:
    """Compute the gradients of Σ weights · loss into the tape; `weights` is `[T, B]`, 0 where a loss is missing."""
    backward_to_values(tape, {"loss": weights[..., None]})
    _run(tape.back.parameter_calls)


def backward_to_values(tape: Tape, seeds: Mapping[str, Array]) -> None:
    """The way back from anywhere, to the values alone: no parameter's gradient.

    `seeds` are gradients `[T, B, n]` that arrive at equations from outside. Where these are others than the
    loss, the plan must be one made toward them.
    """
    names, workspace = frozenset(seeds), tape.workspace
    if names not in workspace.ways_back:
        workspace.ways_back[names] = _bind_backward(workspace, names)
    tape.way_back = workspace.ways_back[names]
    for name, seed in seeds.items():
        tape.way_back.seeds[name][...] = seed
    _run(tape.way_back.calls)


def _run(calls: Iterable[Call]) -> None:
    with np.errstate(all="ignore"):
        for call, args in calls:
            call(*args)


def _column(calls: Callable[..., Calls], operands: Iterable[NDArray[Any]], direction: int) -> Column:
    """One operation of a stage: made out once for all places, or for each t in the loop's order."""
    views = [_views(array, direction) for array in operands]
    return [[(call, tuple(args)) for call, *args in calls(*row)] for row in zip(*views, strict=False)]


def _views(array: NDArray[Any], direction: int) -> Iterator[NDArray[Any]]:
    """An operand as a stage uses it: one `[T·B, n]`, or T times `[B, n]`; a parameter as it is, again and again."""
    if array.ndim != 3:
        return repeat(array)
    if direction == 0:
        return iter((flat(array),))
    return iter(array[::direction])


def _in_turn(columns: Sequence[Column]) -> Iterator[Call]:
    """The calls of a stage: all operations at one t, then all at the next."""
    return (call for row in zip(*columns, strict=True) for calls in row for call in calls)


# ---------------------------------------------------------------- forward


def _bind_forward(space: Workspace) -> None:
    for stage in space.plan.stages:
        columns: list[Column] = []
        later: list[Column] = []
        for node, column in _unit_columns(space, stage):
            columns.append(column)
            if node is None:
                continue
            name, out = node.equation.name, space.value(node.equation.name)
            if node.root and name in space.overrides:
                mask, values = space.overrides[name]
                columns.append(
                    _column(_override, [out, space.values[node.apply], values, mask], stage.direction)
                )
            if node.root and space.form.padded and name in space.plan.program.states:
                way = stage.direction or space.direction(name)
                before = space.slots[name][space.span(name, -way)]
                kept = _column(_set, [out, before, space.padding], way)
                (columns if stage.direction else later).append(kept)
        space.forward += _in_turn(columns)
        space.forward += _in_turn(later)


def _unit_columns(space: Workspace, stage: Stage) -> Iterator[tuple[Node | None, Column]]:
    """The operations of a stage, a pack as one; after it its nodes, with nothing left to do."""
    for unit in stage.units:
        pack = space.plan.packs.get(unit[0])
        operands = None if pack is None else space.pack_operands(pack)
        if pack is None or operands is None:
            for node in unit:
                yield node, _forward_column(space, node, stage.direction)
            continue
        operation, whole = pack.nodes[0].apply.operation, space.packed[pack]
        if operation is PRODUCT_OF_MATRIX and _is_token(space, pack.nodes[0]):
            yield None, _column(PICKED_COLUMN.forward, [whole, *operands, space.classes], stage.direction)
        else:
            yield None, _column(operation.forward, [whole, *operands], stage.direction)


def _is_token(space: Workspace, node: Node) -> bool:
    """Whether a product is that of a matrix with a token."""
    match node.apply.args[1]:
        case Read(kind="x"):
            return space.form.tokens
    return False


def _override(out: Array, computed: Array, values: Array, where: NDArray[np.bool_]) -> Calls:
    yield np.copyto, out, computed
    yield np.copyto, out, values, "same_kind", where


def _set(out: Array, values: Array, where: NDArray[np.bool_]) -> Calls:
    yield np.copyto, out, values, "same_kind", where


def _forward_column(space: Workspace, node: Node, direction: int) -> Column:
    apply, out = node.apply, space.values[node.apply]
    if apply in space.plan.fused:
        assert isinstance(apply.operation, CrossEntropy)
        logits, target = space.plan.fused[apply].args[0], apply.args[1]
        return _column(apply.operation.fused, [out, space.operand(logits), space.operand(target)], direction)
    operands = [out, *space.operands(apply.args)]
    if apply.operation is PRODUCT_OF_MATRIX and _is_token(space, node):
        return _column(PICKED_COLUMN.forward, [*operands, space.classes], direction)
    return _column(apply.operation.forward, operands, direction)


# ---------------------------------------------------------------- backward


def _bind_backward(space: Workspace, seeds: frozenset[str]) -> WayBack:
    """The calls of the way back."""
    plan = space.plan
    shapes = plan.program.shapes
    size = (space.T, space.B)
    back = WayBack({name: np.zeros((*size, width(shapes[name])), space.form.dtype) for name in seeds})
    for name, senders in plan.senders.items():
        for sender in senders:
            back.parts.update({leaf: space.room(name) for leaf in sender.leaves})
    sums = {name: _sum_up(space, back, name) for name in plan.senders}
    for stage in reversed(plan.stages):
        way = -stage.direction
        columns: list[Column] = []
        for node in reversed(stage.nodes):
            if node.equation.name not in plan.objective or node.apply not in plan.carries:
                continue
            if node.apply in plan.fused.values():
                continue  # the fused loss hands its gradient straight to the argument
            if node.root:
                arriving = _arriving_columns(space, back, node, sums[node.equation.name], way)
                if way == 0 and node.equation.name in back.kept:
                    back.calls.extend(
                        _in_turn(arriving)
                    )  # a loop of its own: each t hands on to the one before
                else:
                    columns += arriving
            columns += _vjp_columns(space, back, node, way)
        back.calls.extend(_in_turn(columns))
    _bind_parameters(space, back)
    return back


def _arriving_columns(
    space: Workspace, back: WayBack, node: Node, additions: list[tuple[Array, Array, Array]], way: int
) -> list[Column]:
    """By which calls the gradient of an equation's value is added up, and made ready to be handed on."""
    name = node.equation.name
    gradient, on = back.gradients[name], back.cotangents[node.apply]
    carried = space.direction(name)
    if name in back.kept:
        way = way or -carried
    columns = [_column(_add, addition, way) for addition in additions]
    if name in back.kept:
        before = back.kept[name][space.span(name, -carried)]
        columns.append(_column(_keep, [before, gradient, space.padding], way))
    if name in space.overrides:
        mask, _ = space.overrides[name]
        columns.append(_column(_cut, [on, gradient, mask], way))
    return columns


def _keep(before: Array, gradient: Array, padding: NDArray[np.bool_]) -> Calls:
    """A padded time step has the state of the one before: so it hands on the whole gradient."""
    yield np.copyto, before, np.zeros((), before.dtype)
    yield np.copyto, before, gradient, "same_kind", padding


def _add(a: Array, b: Array, into: Array) -> Calls:
    yield np.add, a, b, into


def _sum_up(space: Workspace, back: WayBack, name: str) -> list[tuple[Array, Array, Array]]:
    """The additions (a, b, into) that make the gradient of a value out of what its readers send, in their order."""
    plan, root = space.plan, space.plan.program.equations[name].root
    additions: list[tuple[Array, Array, Array]] = []

    def add_up(parts: Sequence[Array]) -> Array:
        total = parts[0]
        for part in parts[1:]:
            into = np.empty_like(total)
            additions.append((total, part, into))
            total = into
        return total

    arriving = [back.seeds[name]] if name in back.seeds else []
    for sender in plan.senders[name]:
        sent = add_up([back.parts[leaf][space.span(name)] for leaf in sender.leaves])
        back.sums[name, sender] = sent
        arriving.append(sent)
    if space.form.padded and name in plan.program.states:
        back.kept[name] = space.room(name)
        arriving.append(back.kept[name][space.span(name)])
    if root in plan.fused.values():
        return []
    back.gradients[name] = add_up(arriving) if arriving else np.zeros_like(space.values[root])
    overridden = name in space.overrides
    back.cotangents[root] = np.empty_like(space.values[root]) if overridden else back.gradients[name]
    return additions


def _cut(on: Array, arrived: Array, mask: NDArray[np.bool_]) -> Calls:
    """What is handed on: nothing through an element that was set by hand."""
    yield np.copyto, on, arrived
    yield np.copyto, on, np.zeros((), on.dtype), "same_kind", mask


def _vjp_columns(space: Workspace, back: WayBack, node: Node, way: int) -> list[Column]:
    """By which calls one operation hands its gradient on to its arguments.

    What needs no gradient (the slope of a tanh) is made out here for the whole window at once.
    """
    plan, apply, operation = space.plan, node.apply, node.apply.operation
    g = back.cotangents[apply]
    blanks = space.blanks(node.equation.name)
    columns: list[Column] = []
    for i, target in plan.gradient_targets(node):
        if target not in plan.carries or (isinstance(target, Read) and target.kind == "parameter"):
            continue
        summed = operation.elementwise and width(target.shape) < g.shape[-1]
        if isinstance(target, Read):
            into = back.parts[target][space.span(target.name, target.offset)]
        elif i in operation.passes and not summed and not blanks:
            back.cotangents[target] = g
            continue
        else:
            into = back.cotangents[target] = space.new(target)
        if apply in plan.fused:
            assert isinstance(operation, CrossEntropy)
            p, y = space.values[plan.fused[apply]], space.operand(apply.args[1])
            columns.append(_column(operation.fused_vjp, [into, g, p, y], way))
        else:
            full = np.empty_like(g) if summed else into
            others = [space.values[apply], *space.operands(apply.args)]
            for column in _column(_with(operation.prepare, i), [full, *others], 0):
                back.calls.extend(column)
            columns.append(_column(_with(operation.vjp, i), [full, g, *others], way))
            if summed:
                columns.append(_column(_sum_elements, [full, into], way))
        columns += [_column(_blank, [into, mask], way) for mask in blanks]
    return columns


def _with(method: Callable[..., Calls], i: int) -> Callable[..., Calls]:
    return lambda *operands: method(i, *operands)


def _sum_elements(full: Array, into: Array) -> Calls:
    """An argument that is a scalar gets the sum over the elements of the result."""
    yield np.add.reduce, full, -1, None, into, True


def _blank(into: Array, mask: NDArray[np.bool_]) -> Calls:
    yield np.copyto, into, np.zeros((), into.dtype), "same_kind", mask


def _bind_parameters(space: Workspace, back: WayBack) -> None:
    """The gradient of each parameter: one product (or sum) over all places for each of its uses."""
    for name, uses in space.plan.uses.items():
        total = back.parameters[name] = np.zeros_like(space.parameters[name])
        for k, use in enumerate(uses):
            part = np.empty_like(total) if k else total
            back.parameter_calls.extend(parameter_calls(space, back, use, part))
            if k:
                back.parameter_calls.append((np.add, (total, part, total)))
