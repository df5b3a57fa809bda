"""Operations that can run as one: the gates of an LSTM, whatever they are called.

Products of several matrices with one vector are one product with the matrices below each other; what is
then done to each result alike (add, squash) is done to all at once, since they lie side by side. Found by
looking at the operations alone: a text written by hand packs as a bundled one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.equations import Program
from rnn_engine.core.language import Apply, Expr, Read, walk

if TYPE_CHECKING:
    from rnn_engine.core.plan import Node, Stage


@dataclass(frozen=True, eq=False)
class Part:
    """Neighbouring members of another pack, as an operand."""

    pack: Pack
    start: int
    stop: int


Operand = Expr | tuple[str, ...] | Part
"""Of all members alike: one expression that they share, a parameter of each, or the results of another pack."""


@dataclass(frozen=True, eq=False)
class Pack:
    """Operations of one kind whose results lie side by side."""

    nodes: tuple[Node, ...]
    operands: tuple[Operand, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(node.apply.shape[0] for node in self.nodes)

    def place(self, expr: Expr) -> int:
        """Which member an operation is."""
        return next(i for i, node in enumerate(self.nodes) if node.apply is expr)

    @property
    def parameter_rows(self) -> tuple[tuple[str, ...], ...]:
        """The operands that are parameters: those of all members, to lie below each other."""
        return tuple(operand for operand in self.operands if isinstance(operand, tuple))


def find_packs(program: Program, stages: Sequence[Stage]) -> tuple[Pack, ...]:
    """The packs of a program, each behind those whose results it uses."""
    return tuple(_Finder(program, stages).packs)


class _Finder:
    def __init__(self, program: Program, stages: Sequence[Stage]) -> None:
        self.program = program
        self.stage_of = {node: stage for stage in stages for node in stage.nodes}
        self.node_of = {node.apply: node for node in self.stage_of}
        self.parent_of = {
            arg: expr
            for equation in program.equations.values()
            for expr in walk(equation.root)
            if isinstance(expr, Apply)
            for arg in expr.args
        }
        self.placed: set[str] = set()
        self.place: dict[Apply, tuple[Pack, int]] = {}
        self.packs: list[Pack] = []
        products = self._products()
        for group in products:
            self._add(
                Pack(
                    tuple(group), (tuple(_parameter(n.apply.args[0]) for n in group), group[0].apply.args[1])
                )
            )
        for pack in list(self.packs):
            if self.stage_of[pack.nodes[0]].direction:
                self._grow(pack)

    def _products(self) -> list[list[Node]]:
        """Products of matrices with the same vector, all in one loop or all outside of any."""
        groups: dict[tuple[object, ...], list[Node]] = {}
        for node in self.node_of.values():
            match node.apply.args:
                case [Read(kind="parameter"), Read(kind=kind, name=name, offset=offset)] if (
                    node.apply.operation is PRODUCT_OF_MATRIX and not node.root and kind != "parameter"
                ):
                    stage = self.stage_of[node]
                    where = id(stage) if stage.direction else 0
                    groups.setdefault((where, kind, name, offset), []).append(node)
        return [self._by_fate(group) for group in groups.values() if len(group) > 1]

    def _by_fate(self, group: list[Node]) -> list[Node]:
        """Those of which the same is made come next to each other, in whatever order the text has them."""
        in_source_order = sorted(group, key=lambda n: (n.equation.number, n.apply.column))
        fates = [self._fate(node) for node in in_source_order]
        return [
            node
            for _, node in sorted(zip(fates, in_source_order, strict=True), key=lambda f: fates.index(f[0]))
        ]

    def _fate(self, node: Node) -> tuple[str, ...]:
        """What is made of a result within its equation."""
        fate, parent = [], self.parent_of.get(node.apply)
        while parent is not None:
            fate.append(parent.operation.name)
            parent = self.parent_of.get(parent)
        return tuple(fate)

    def _add(self, pack: Pack) -> bool:
        """Take a pack in, unless one of its parameters already lies elsewhere."""
        names = [name for row in pack.parameter_rows for name in row]
        if len(set(names)) < len(names) or self.placed & set(names):
            return False
        self.placed |= set(names)
        self.place |= {node.apply: (pack, i) for i, node in enumerate(pack.nodes)}
        self.packs.append(pack)
        return True

    def _grow(self, pack: Pack) -> None:
        """Pack what is done alike to the results of a pack, as far as it goes."""
        parents = [self.parent_of.get(node.apply) for node in pack.nodes]
        start = 0
        while start < len(parents):
            stop = len(parents)
            while stop - start > 1:  # as many neighbours as go together
                grown = self._together(parents[start:stop], pack)
                if grown is not None and self._add(grown):
                    self._grow(grown)
                    break
                stop -= 1
            start = stop

    def _together(self, parents: Sequence[Apply | None], pack: Pack) -> Pack | None:
        applies = [parent for parent in parents if parent is not None and _alike(parent, parents[0])]
        if len(set(applies)) < len(parents):
            return None
        nodes = tuple(self.node_of[apply] for apply in applies)
        stage = self.stage_of[pack.nodes[0]]
        if any(self.stage_of[node] is not stage or node.apply in self.place for node in nodes):
            return None
        if any(node.root and self._has_other_times(node) for node in nodes):
            return None
        operands = []
        for column in zip(*(apply.args for apply in applies), strict=True):
            operand = self._operand(column)
            if operand is None:
                return None
            operands.append(operand)
        return Pack(nodes, tuple(operands))

    def _operand(self, column: tuple[Expr, ...]) -> Operand | None:
        """The same argument of all members, if it can be one."""
        if all(isinstance(e, Read) and e.kind == "parameter" and len(e.shape) == 1 for e in column):
            return tuple(_parameter(e) for e in column)
        places = [self.place.get(e) for e in column if isinstance(e, Apply)]
        found = [p for p in places if p is not None]
        if len(found) < len(column):
            return None
        pack, start = found[0]
        if any(p is not pack or i != start + k for k, (p, i) in enumerate(found)):
            return None
        return Part(pack, start, start + len(found))

    def _has_other_times(self, node: Node) -> bool:
        """A state's values have a room of their own."""
        return node.equation.name in self.program.states


def _alike(one: Apply, other: Apply | None) -> bool:
    return other is not None and other.operation is one.operation and one.operation.elementwise


def _parameter(expr: Expr) -> str:
    assert isinstance(expr, Read)
    return expr.name
