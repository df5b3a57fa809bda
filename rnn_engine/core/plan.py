"""How a program runs: what before the loop over t, what inside it, what after; who sends gradient to whom.

Everything here follows from the equations alone, never from a cell's name, and is worked out once
for a program. The lengths T and B, and all numbers, come later (`passes.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnn_engine.core.equations import Program
from rnn_engine.core.graph import strongly_connected
from rnn_engine.core.language import Apply, Equation, Expr, Read, walk
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.packing import Pack, find_packs


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of one equation; `root` where its value is the equation's."""

    equation: Equation
    apply: Apply
    root: bool


@dataclass(frozen=True, eq=False)
class Stage:
    """Operations that run together: direction 0 = once for all t, ±1 = in a loop over t."""

    direction: int
    units: tuple[tuple[Node, ...], ...]
    """Single operations, and packs of them; within a loop in an order that works at every t."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for unit in self.units for node in unit)


@dataclass(frozen=True, eq=False)
class Sender:
    """An equation that reads a value at `offset` and so sends gradient to it on the way back.

    What its stop at time step t sends arrives at t + offset. One equation that reads a value twice
    at the same offset (two `leaves`) sends one sum.
    """

    equation: str
    offset: int
    leaves: tuple[Read, ...]


@dataclass(frozen=True, eq=False)
class ParameterUse:
    """A place where an equation on the way to the loss uses a parameter."""

    node: Node
    argument: int
    read: Read


@dataclass(frozen=True, eq=False)
class Plan:
    """The program with its stages, its way back and the orders of its stops."""

    program: Program
    objective: frozenset[str]
    """The equations that the way back starts from or leads through; empty where there is no loss."""
    stages: tuple[Stage, ...]
    packs: Mapping[Apply, Pack]
    """The pack of every operation that runs together with others."""
    fused: Mapping[Apply, Apply]
    """A loss and the softmax (or sigmoid) it is taken together with."""
    backward_order: tuple[tuple[int, tuple[str, ...]], ...]
    """The sweeps of the way back: direction over t and the equations of a time step."""
    senders: Mapping[str, tuple[Sender, ...]]
    """Who sends to a value, in the order of the stops."""
    carries: frozenset[Expr]
    """The nodes and reads through which a gradient passes to an equation or a parameter."""
    uses: Mapping[str, tuple[ParameterUse, ...]]
    """Per parameter, in the order of the stops on the way back."""
    stands_for_argument: Mapping[str, str]
    """`p = softmax(W @ h + b)`: its stop shows the gradient of the argument, which this equation sends."""
    reader: Mapping[Expr, Apply]
    """The operation of which an expression is an argument."""
    spare: dict[Hashable, list[Any]] = field(default_factory=dict)
    """Workspaces that no tape uses any more, by their form."""

    @property
    def distinct_packs(self) -> tuple[Pack, ...]:
        return tuple(dict.fromkeys(self.packs.values()))

    def gradient_targets(self, node: Node) -> tuple[tuple[int, Expr], ...]:
        """What a node hands gradient to: (argument, expression), the fused softmax's argument for a fused loss."""
        if node.apply in self.fused:
            return ((0, self.fused[node.apply].args[0]),)
        return tuple(enumerate(node.apply.args))


def make_plan(program: Program, toward: Iterable[str] = ("loss",), overridden: Iterable[str] = ()) -> Plan:
    """Work out a program's plan; the way back is that of `toward`, of the loss unless told otherwise.

    A softmax that is `overridden` is not taken together with its loss: what stands in its place is no softmax.
    """
    objective = upstream(program, [name for name in toward if name in program.equations])
    nodes = [
        Node(equation, expr, expr is equation.root)
        for equation in program.equations.values()
        for expr in walk(equation.root)
        if isinstance(expr, Apply)
    ]
    set_by_hand = {program.equations[name].root for name in overridden}
    fused = {loss: source for loss, source in _fused(program, objective).items() if source not in set_by_hand}
    softmax_of = {e.root: e.name for e in program.equations.values() if e.root in fused.values()}
    skipped = {name for root, name in softmax_of.items() if isinstance(root.args[0], Read)}
    backward_order = tuple(
        (-direction, tuple(n for n in reversed(names) if n in objective and n not in skipped))
        for direction, names in reversed(program.order)
    )
    stages, packs = _stages(program, nodes, fused)
    carries = _carries(program, objective, {source.args[0] for source in fused.values()})
    return Plan(
        program=program,
        objective=objective,
        stages=stages,
        packs=packs,
        fused=fused,
        backward_order=tuple((way, names) for way, names in backward_order if names),
        senders=_senders(program, objective - skipped, fused, backward_order, carries),
        carries=carries,
        uses=_uses(program, nodes, fused, backward_order),
        reader={arg: node.apply for node in nodes for arg in node.apply.args},
        stands_for_argument={
            softmax_of[root]: next(n.equation.name for n in nodes if n.apply is loss)
            for loss, root in fused.items()
            if root in softmax_of and softmax_of[root] not in skipped
        },
    )


def upstream(program: Program, names: Iterable[str]) -> frozenset[str]:
    """Everything that the named equations depend on, at whatever time step, and themselves."""
    found = set(names)
    todo = list(found)
    while todo:
        for read in program.equations[todo.pop()].reads:
            if read.kind == "equation" and read.name not in found:
                found.add(read.name)
                todo.append(read.name)
    return frozenset(found)


def _fused(program: Program, objective: frozenset[str]) -> dict[Apply, Apply]:
    """Losses computed from the logits: cross_entropy of a softmax that nothing else on the way to the loss uses."""
    readers: dict[str, int] = {}
    for name in objective:
        for read in program.equations[name].reads:
            if read.kind == "equation":
                readers[read.name] = readers.get(read.name, 0) + 1
    fused: dict[Apply, Apply] = {}
    for name in objective:
        for expr in walk(program.equations[name].root):
            if not (isinstance(expr, Apply) and isinstance(expr.operation, CrossEntropy)):
                continue
            match expr.args:
                case [Apply() as inner, Read(kind="y" | "class")]:
                    source = inner
                case [Read(kind="equation", offset=0, name=p), Read(kind="y" | "class")] if readers[p] == 1:
                    source = program.equations[p].root
                case _:
                    continue
            if source.operation.name == expr.operation.of:
                fused[expr] = source
    return fused


def _stages(
    program: Program, nodes: list[Node], fused: Mapping[Apply, Apply]
) -> tuple[tuple[Stage, ...], Mapping[Apply, Pack]]:
    """Components of the graph of operations: what depends on itself through t is a loop, the rest runs once."""
    by_expr: dict[Expr, Node] = {node.apply: node for node in nodes}
    roots = {name: by_expr[equation.root] for name, equation in program.equations.items()}

    def needed(node: Node) -> list[tuple[Node, int]]:
        found = []
        # a fused loss reads the logits too, so that it runs behind them
        for arg in [*node.apply.args, *(fused[node.apply].args if node.apply in fused else ())]:
            if isinstance(arg, Apply):
                found.append((by_expr[arg], 0))
            elif isinstance(arg, Read) and arg.kind == "equation":
                found.append((roots[arg.name], arg.offset))
        return found

    edges = {node: needed(node) for node in nodes}
    stages = []
    for members in strongly_connected(nodes, {node: [n for n, _ in edges[node]] for node in nodes}):
        inside = set(members)
        offsets = [offset for node in members for other, offset in edges[node] if other in inside]
        if not offsets:
            stages.append(Stage(0, tuple((node,) for node in members)))
            continue
        at_same_t = {
            n: [other for other, offset in edges[n] if offset == 0 and other in inside] for n in members
        }
        ordered = [node for [node] in strongly_connected(members, at_same_t)]
        stages.append(Stage(1 if min(offsets) < 0 else -1, tuple((node,) for node in ordered)))
    return _packed(program, stages, edges)


def _packed(
    program: Program, stages: Sequence[Stage], edges: Mapping[Node, Sequence[tuple[Node, int]]]
) -> tuple[tuple[Stage, ...], Mapping[Apply, Pack]]:
    """The stages with operations that run as one put together, and the packs of their nodes."""
    packs = {node.apply: pack for pack in find_packs(program, stages) for node in pack.nodes}
    packed: list[Stage] = []
    done: set[Pack] = set()
    for stage in stages:
        units: list[tuple[Node, ...]] = []
        for (node,) in stage.units:
            pack = packs.get(node.apply)
            if pack is None:
                units.append((node,))
            elif pack not in done:
                done.add(pack)
                units.append(pack.nodes)
        if stage.direction:
            unit_of = {node: unit for unit in units for node in unit}
            needs = {
                unit: [
                    unit_of[n] for node in unit for n, offset in edges[node] if offset == 0 and n in unit_of
                ]
                for unit in units
            }
            ordered = strongly_connected(units, needs)
            if any(len(circle) > 1 for circle in ordered):  # together they would need each other
                return tuple(stages), {}
            units = [unit for [unit] in ordered]
        if units:
            packed.append(Stage(stage.direction, tuple(units)))
    return tuple(packed), packs


def _carries(program: Program, objective: frozenset[str], logits: set[Expr]) -> frozenset[Expr]:
    """Expressions with an equation's value or a parameter below them: where gradient has somewhere to go.

    The logits of a fused loss always count: a stop may show their gradient.
    """
    carrying = set(logits)
    for name in objective:
        for expr in walk(program.equations[name].root):
            if (isinstance(expr, Read) and expr.kind in ("equation", "parameter")) or (
                isinstance(expr, Apply)
                and (expr is program.equations[name].root or any(arg in carrying for arg in expr.args))
            ):
                carrying.add(expr)
    return frozenset(carrying)


def _senders(
    program: Program,
    stopping: frozenset[str],
    fused: Mapping[Apply, Apply],
    backward_order: tuple[tuple[int, tuple[str, ...]], ...],
    carries: frozenset[Expr],
) -> dict[str, tuple[Sender, ...]]:
    leaves: dict[str, dict[tuple[str, int], list[Read]]] = {name: {} for name in stopping}
    for name in stopping:
        for read in _sent_by(program.equations[name], fused):
            if read in carries and read.kind == "equation":
                leaves.setdefault(read.name, {}).setdefault((name, read.offset), []).append(read)
    place = {
        name: (sweep, way, i)
        for sweep, (way, names) in enumerate(backward_order)
        for i, name in enumerate(names)
    }

    def stop_order(sender: tuple[str, int]) -> tuple[int, int, int]:
        name, offset = sender
        sweep, way, i = place[name]
        # a reader at offset −1 stands one time step later: on the way back (t falling) its stop comes first
        return sweep, -way * offset, i

    return {
        value: tuple(Sender(*key, tuple(readers[key])) for key in sorted(readers, key=stop_order))
        for value, readers in leaves.items()
    }


def _sent_by(equation: Equation, fused: Mapping[Apply, Apply]) -> list[Read]:
    """The reads to which an equation sends gradient, in source order.

    A fused loss sends to the argument of its softmax instead of to the softmax; where that softmax
    is another equation's, only if the argument is a bare name (otherwise that equation keeps its stop).
    """

    def visit(expr: Expr) -> list[Read]:
        if isinstance(expr, Read):
            return [expr]
        if not isinstance(expr, Apply):
            return []
        if expr in fused:
            source = fused[expr].args[0]
            if isinstance(source, Read) or fused[expr] in expr.args:
                return visit(source)
            return []
        return [read for arg in expr.args for read in visit(arg)]

    return visit(equation.root)


def _uses(
    program: Program,
    nodes: list[Node],
    fused: Mapping[Apply, Apply],
    backward_order: tuple[tuple[int, tuple[str, ...]], ...],
) -> dict[str, tuple[ParameterUse, ...]]:
    stops = [name for _, names in backward_order for name in names]
    bypassed = set(fused.values())
    uses: dict[str, list[ParameterUse]] = {name: [] for name in program.parameters}
    for stop in stops:
        for node in nodes:
            if node.equation.name == stop and node.apply not in bypassed:
                for i, arg in enumerate(node.apply.args):
                    if isinstance(arg, Read) and arg.kind == "parameter":
                        uses[arg.name].append(ParameterUse(node, i, arg))
    return {name: tuple(places) for name, places in uses.items()}
