"""The way back, bound: which NumPy calls compute the gradients of a window, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import ADD
from rnn_engine.core.calls import Call, Row, bind, flat, made_out
from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Calls, Operation
from rnn_engine.core.packing import Pack, Part
from rnn_engine.core.plan import Node, ParameterUse, Sender
from rnn_engine.core.workspace import Block, Workspace, width


@dataclass(frozen=True, eq=False)
class WayBack:
    """The arrays of a backward pass, and the calls that fill them."""

    seeds: Mapping[str, Array]
    """What arrives from outside, by equation `[T, B, n]`."""
    gradients: dict[str, Array] = field(default_factory=dict)
    """Per equation `[T, B, n]`: ∂loss/∂ its value, complete."""
    cotangents: dict[Expr, Array] = field(default_factory=dict)
    """Per operation `[T, B, n]`: what is handed on to its arguments; nothing where its value was set by hand."""
    blocks: dict[Pack, Block] = field(default_factory=dict)
    """Per pack: room for the cotangents of its members, side by side."""
    parts: dict[Read, Array] = field(default_factory=dict)
    """Per read, in the room of the value read: what it sends, at the receiver's time step."""
    rooms: dict[Pack, Array] = field(default_factory=dict)
    """Per pack of products with one vector: the parts of all its members, `[members, before + T + after, B, n]`."""
    sums: dict[tuple[str, Sender], Array] = field(default_factory=dict)
    """Per receiver and sender `[T, B, n]`."""
    calls: list[Call] = field(default_factory=list)
    parameters: dict[str, Array] = field(default_factory=dict)
    """Per parameter: its gradient."""
    parameter_calls: list[Call] = field(default_factory=list)


def bind_backward(space: Workspace, seeds: frozenset[str]) -> WayBack:
    """Make out the calls of a way back from equations at which gradient arrives from outside."""
    binding = _Binding(space, seeds)
    binding.bind_values()
    binding.bind_parameters()
    return binding.back


class _Binding:
    def __init__(self, space: Workspace, seeds: frozenset[str]) -> None:
        self.space, self.plan = space, space.plan
        shapes = self.plan.program.shapes
        size = (space.T, space.B)
        self.back = WayBack({n: np.zeros((*size, width(shapes[n])), space.form.dtype) for n in seeds})
        self.additions = {name: self._sum_up(name) for name in self.plan.senders}

    # ------------------------------------------------------------ what arrives

    def _sum_up(self, name: str) -> list[Row]:
        """The additions that make the gradient of a value out of what its readers send, in their order."""
        space, plan, back = self.space, self.plan, self.back
        root, span = plan.program.equations[name].root, space.span(name)
        rows: list[Row] = []

        def add_up(parts: Sequence[Array], into: Callable[[], Array] | None = None) -> Array:
            total = parts[0]
            for i, part in enumerate(parts[1:], 2):
                added = into() if into is not None and i == len(parts) else np.empty_like(total)
                rows.append(Row(_add, [total, part, added]))
                total = added
            return total

        leaves = [leaf for sender in plan.senders[name] for leaf in sender.leaves]
        packed = plan.packs.get(root) in space.packed
        if packed and len(leaves) == 1 and name not in back.seeds:  # it may arrive where it is needed
            back.parts[leaves[0]] = self._room(root, plan.reader[leaves[0]].operation)
        else:
            self._make_rooms(name, leaves)
        home = partial(self._room, root)
        alone = len(plan.senders[name]) == 1 and name not in back.seeds
        arriving = [back.seeds[name]] if name in back.seeds else []
        for sender in plan.senders[name]:
            sent = [back.parts[leaf] for leaf in sender.leaves]
            total = add_up(sent if packed else [part[span] for part in sent], home if alone else None)
            back.sums[name, sender] = total
            arriving.append(total)
        if root in plan.fused.values():
            return []
        back.gradients[name] = add_up(arriving, home) if arriving else np.zeros_like(space.values[root])
        overridden = name in space.overrides
        back.cotangents[root] = np.empty_like(space.values[root]) if overridden else back.gradients[name]
        return rows

    def _make_rooms(self, name: str, leaves: Sequence[Read]) -> None:
        """Room for what each read sends; those of a pack side by side, in its order."""
        back = self.back
        for leaf in leaves:
            pack = self.plan.packs.get(self.plan.reader[leaf])
            if pack is None or pack.operands[-1] is not pack.nodes[0].apply.args[-1]:
                back.parts[leaf] = self.space.room(name)
            elif pack not in back.rooms:
                room = self.space.room(name)
                back.rooms[pack] = np.zeros((len(pack.nodes), *room.shape), room.dtype)
                reads = [node.apply.args[-1] for node in pack.nodes]
                back.parts.update(
                    {r: a for r, a in zip(reads, back.rooms[pack], strict=True) if isinstance(r, Read)}
                )

    def _room(self, expr: Expr, writer: Operation = ADD) -> Array:
        """Room for a cotangent; that of a pack's member beside those of the others, unless a product writes it."""
        pack = self.plan.packs.get(expr) if isinstance(expr, Apply) and writer.elementwise else None
        if pack not in self.space.packed:
            return self.space.new(expr)
        if pack not in self.back.blocks:
            self.back.blocks[pack] = self.space.new_block(pack)
        return self.back.blocks[pack].parts[pack.place(expr)]

    def _together(self, pack: Pack | None) -> Block | None:
        """The cotangents of a pack as one; None where a member goes its own way."""
        block = None if pack is None else self.back.blocks.get(pack)
        if pack is None or block is None or pack not in self.space.packed:
            return None
        own = zip(pack.nodes, block.parts, strict=True)
        return block if all(self.back.cotangents.get(node.apply) is part for node, part in own) else None

    # ------------------------------------------------------------ what is handed on

    def bind_values(self) -> None:
        """The gradients of all values."""
        plan, back = self.plan, self.back
        for stage in reversed(plan.stages):
            way = -stage.direction
            rows: list[Row] = []
            for unit in reversed(stage.units):
                nodes = [node for node in reversed(unit) if self._is_on_the_way(node)]
                for node in (node for node in nodes if node.root):
                    rows += self._arriving(node)
                pack = plan.packs.get(unit[0].apply)
                block = self._together(pack)
                if pack is None or block is None or self._has_blanks(pack):
                    for node in nodes:
                        rows += self._handed_on(node)
                else:
                    rows += self._handed_on_together(pack, block, way)
            back.calls.extend(bind(rows, way))

    def _is_on_the_way(self, node: Node) -> bool:
        # a fused loss hands its gradient straight to the argument of its softmax
        plan, fused = self.plan, self.plan.fused.values()
        return node.equation.name in plan.objective and node.apply in plan.carries and node.apply not in fused

    def _has_blanks(self, pack: Pack) -> bool:
        return any(self.space.blanks(node.equation.name) for node in pack.nodes)

    def _arriving(self, node: Node) -> list[Row]:
        """How the gradient of an equation's value is added up, and made ready to be handed on."""
        space, back, name = self.space, self.back, node.equation.name
        gradient, rows = back.gradients[name], list(self.additions[name])
        if name in space.overrides:
            rows.append(Row(_cut, [back.cotangents[node.apply], gradient, space.overrides[name][0]]))
        return rows

    def _handed_on(self, node: Node) -> Iterator[Row]:
        """How one operation hands its gradient on to its arguments.

        What needs no gradient (the slope of a tanh) is made out here for the whole window at once.
        """
        space, plan, back = self.space, self.plan, self.back
        apply, operation = node.apply, node.apply.operation
        g = back.cotangents[apply]
        blanks = space.blanks(node.equation.name)
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
                into = back.cotangents[target] = self._room(target, operation)
            if apply in plan.fused:
                assert isinstance(operation, CrossEntropy)
                p, y = space.values[plan.fused[apply]], space.operand(apply.args[1])
                picked = space.picks_class(apply)
                yield Row(operation.fused_class_vjp if picked else operation.fused_vjp, [into, g, p, y])
            else:
                full = np.empty_like(g) if summed else into
                yield self._rule(operation, i, full, g, [space.values[apply], *space.operands(apply)])
                if summed:
                    yield Row(_sum_elements, [full, into])
            for mask in blanks:
                yield Row(_blank, [into, mask])

    def _handed_on_together(self, pack: Pack, block: Block, way: int) -> Iterator[Row]:
        """The same for a pack as one; to something that all members read, each sends by itself."""
        space, back, operation = self.space, self.back, pack.nodes[0].apply.operation
        for i, operand in enumerate(pack.operands):
            if isinstance(operand, Part):
                targets = [node.apply.args[i] for node in pack.nodes]
                if i not in operation.passes:
                    back.cotangents.update({target: self._room(target) for target in targets})
                    into, args = back.blocks[operand.pack].cut(operand), space.pack_operands(pack)
                    assert args is not None
                    yield self._rule(operation, i, into, block.whole, [space.packed[pack].whole, *args])
                    continue
                back.cotangents.update(zip(targets, block.parts, strict=True))
                if len(targets) == len(operand.pack.nodes):
                    back.blocks[operand.pack] = block
            elif isinstance(operand, Read):
                if way and space.B == 1 and len(set(pack.widths)) == 1:
                    yield self._sent_by_each(pack, block, operand)
                else:
                    for node in reversed(pack.nodes):
                        yield from self._handed_on(node)

    def _sent_by_each(self, pack: Pack, block: Block, read: Read) -> Row:
        """What products of several matrices with one vector send to it: each its own part, in one call."""
        space, m = self.space, len(pack.nodes)
        [names] = pack.parameter_rows
        matrices = space.packed_parameters[names].reshape(m, -1, width(read.shape))
        into = self.back.rooms[pack][:, space.span(read.name, read.offset)].swapaxes(0, 1)
        g = block.whole.reshape(space.T, space.B, m, -1).swapaxes(1, 2)
        return Row(partial(_each_by_its_matrix, matrices), [into, g])

    def _rule(self, operation: Operation, i: int, into: Array, g: Array, others: Sequence[Array]) -> Row:
        self.back.calls.extend(bind([Row(partial(operation.prepare, i), [into, *others])], 0))
        return Row(partial(operation.vjp, i), [into, g, *others])

    # ------------------------------------------------------------ parameters

    def bind_parameters(self) -> None:
        """The gradient of each parameter: one product (or sum) over all places for each of its uses.

        Parameters that lie below each other, with a use each, get it as one.
        """
        space, back = self.space, self.back
        for pack in self.plan.distinct_packs:
            block, args = self._together(pack), space.pack_operands(pack)
            if block is None or args is None or self._has_blanks(pack):
                continue
            apply, out = pack.nodes[0].apply, space.packed[pack].whole
            for i, names in enumerate(pack.operands):
                if isinstance(names, tuple) and all(len(self.plan.uses[name]) == 1 for name in names):
                    whole, parts = space.below_each_other(names)
                    back.parameters.update(parts)
                    back.parameter_calls.extend(_added(space, apply, i, whole, block.whole, out, args))
        for name, uses in self.plan.uses.items():
            if name in back.parameters:
                continue
            total = back.parameters[name] = np.zeros_like(space.parameters[name])
            for k, use in enumerate(uses):
                part = np.empty_like(total) if k else total
                back.parameter_calls.extend(parameter_calls(space, back, use, part))
                if k:
                    back.parameter_calls.append((np.add, (total, part, total)))


def parameter_calls(
    space: Workspace, back: WayBack, use: ParameterUse, into: Array, span: slice = slice(None)
) -> list[Call]:
    """The calls that sum up, over a span of places, what one use of a parameter adds to its gradient."""
    apply = use.node.apply
    out, g, args = space.values[apply], back.cotangents[apply], space.operands(apply)
    blanks = space.blanks(use.node.equation.name)
    return _added(space, apply, use.argument, into, g, out, args, blanks, span)


def _added(
    space: Workspace,
    apply: Apply,
    i: int,
    into: Array,
    g: Array,
    out: Array,
    args: Sequence[NDArray[Any]],
    blanks: Sequence[NDArray[np.bool_]] = (),
    span: slice = slice(None),
) -> list[Call]:
    """What an operation adds to the gradient of its argument i, a parameter: summed over a span of places."""

    def cut(a: NDArray[Any]) -> NDArray[Any]:
        return flat(a[span]) if a.ndim == 3 else a

    operation, nothing = apply.operation, np.zeros((), g.dtype)
    out, g, args = cut(out), cut(g), [cut(a) for a in args]
    masks = [(nothing, "same_kind", cut(mask)) for mask in blanks]
    calls: list[Call] = []
    if into.ndim == 2:
        if masks:
            vector, args[1] = args[1], np.empty_like(args[1])
            calls = [(np.copyto, (args[1], vector)), *((np.copyto, (args[1], *mask)) for mask in masks)]
        return [*calls, *made_out(partial(operation.vjp, i), [into, g, out, *args])]
    n = max(out.shape[-1], into.shape[0]) if operation.elementwise else into.shape[0]
    part = g
    if i not in operation.passes or n != g.shape[-1]:
        part = np.empty((g.shape[0], n), g.dtype)
        calls += made_out(partial(operation.prepare, i), [part, out, *args])
        calls += made_out(partial(operation.vjp, i), [part, g, out, *args])
        calls += ((np.copyto, (part, *mask)) for mask in masks)
    if n == into.shape[0]:
        return [*calls, (np.add.reduce, (part, 0, None, into))]
    total = np.empty(n, g.dtype)
    calls.append((np.add.reduce, (part, 0, None, total)))
    return [*calls, (np.add.reduce, (total, 0, None, into, True))]


def _add(a: Array, b: Array, into: Array) -> Calls:
    yield np.add, a, b, into


def _each_by_its_matrix(matrices: Array, into: Array, g: Array) -> Calls:
    yield np.matmul, g, matrices, into


def _cut(on: Array, arrived: Array, mask: NDArray[np.bool_]) -> Calls:
    """What is handed on: nothing through an element that was set by hand."""
    yield np.copyto, on, arrived
    yield np.copyto, on, np.zeros((), on.dtype), "same_kind", mask


def _sum_elements(full: Array, into: Array) -> Calls:
    """An argument that is a scalar gets the sum over the elements of the result."""
    yield np.add.reduce, full, -1, None, into, True


def _blank(into: Array, mask: NDArray[np.bool_]) -> Calls:
    yield np.copyto, into, np.zeros((), into.dtype), "same_kind", mask
