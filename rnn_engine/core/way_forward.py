"""The way forward, bound: which NumPy calls compute the values of a window, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PICKED_COLUMN
from rnn_engine.core.calls import Row, bind
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Array, Calls
from rnn_engine.core.plan import Node
from rnn_engine.core.workspace import Workspace


def bind_forward(space: Workspace) -> None:
    """Make out the calls of a forward pass."""
    for stage in space.plan.stages:
        rows: list[Row] = []
        later: list[Row] = []
        for unit in stage.units:
            rows += _computed(space, unit)
            for name in (node.equation.name for node in unit if node.root):
                if name in space.overrides:
                    mask, values = space.overrides[name]
                    computed = space.values[space.plan.program.equations[name].root]
                    rows.append(Row(_override, [space.value(name), computed, values, mask]))
                if name in space.beyond:
                    rows.append(Row(_set, [space.value(name), space.beyond[name], space.padding]))
                elif space.form.padded and name in space.plan.program.staying:
                    before = space.slots[name][space.span(name, -1)]
                    kept = Row(_set, [space.value(name), before, space.padding])
                    (rows if stage.direction > 0 else later).append(kept)
        space.forward += bind(rows, stage.direction)
        space.forward += bind(later, +1)


def _computed(space: Workspace, unit: Sequence[Node]) -> Iterator[Row]:
    """The operations of a unit: a pack as one, wherever it can be."""
    pack = space.plan.packs.get(unit[0].apply)
    operands = None if pack is None else space.pack_operands(pack)
    if pack is None or operands is None:
        for node in unit:
            yield _operation(space, node)
    elif space.is_token(unit[0].apply):
        yield Row(PICKED_COLUMN.forward, [space.packed[pack].whole, *operands, space.tokens])
    else:
        yield Row(unit[0].apply.operation.forward, [space.packed[pack].whole, *operands])


def _operation(space: Workspace, node: Node) -> Row:
    apply, out = node.apply, space.values[node.apply]
    operation, fused = apply.operation, space.plan.fused
    if apply in fused:
        assert isinstance(operation, CrossEntropy)
        source, target = fused[apply], apply.args[1]
        logits, room = space.operand(source.args[0]), space.fused_room[source]
        if space.picks_class(apply):
            return Row(operation.fused_class, [out, logits, space.classes, *room])
        return Row(operation.fused, [out, logits, space.operand(target), *room])
    operands = [out, *space.operands(apply)]
    if space.is_token(apply):
        return Row(PICKED_COLUMN.forward, [*operands, space.tokens])
    return Row(operation.forward, [*operands, *space.fused_room.get(apply, ())])


def _override(out: Array, computed: Array, values: Array, where: NDArray[np.bool_]) -> Calls:
    yield np.copyto, out, computed
    yield np.copyto, out, values, "same_kind", where


def _set(out: Array, values: Array, where: NDArray[np.bool_]) -> Calls:
    yield np.copyto, out, values, "same_kind", where
