"""Text → checked equations: names, shapes, delays, and errors that point.

    program = compile_equations(["h = tanh(W @ x + U @ h[t-1])"], {"W": (2, 4), "U": (2, 2)}, x=(4,))

The grammar is that of Python's expressions, read with `ast` and a whitelist; nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rnn_engine.core.arithmetic import DOT_PRODUCT, PRODUCT_OF_MATRIX
from rnn_engine.core.errors import EquationError
from rnn_engine.core.graph import strongly_connected
from rnn_engine.core.language import Apply, Equation, Expr, Kind, Read, Reader, did_you_mean, walk
from rnn_engine.core.losses import Loss
from rnn_engine.core.operation import Shape, ShapeMismatch, spell
from rnn_engine.core.operations import ARITHMETIC, FUNCTIONS


@dataclass(frozen=True, eq=False)
class Program:
    """Checked equations and what follows from them, whatever the numbers are."""

    equations: Mapping[str, Equation]
    """In source order."""
    order: tuple[tuple[int, tuple[str, ...]], ...]
    """Sweeps over t in the order they are walked: direction (+1, −1) and the equations of a time step."""
    parameters: Mapping[str, Shape]
    """In order of first appearance."""
    x: Shape | None
    y: Shape | None
    shapes: Mapping[str, Shape]
    """Of every equation."""
    delays: Mapping[str, int]
    """How far back each state is read: its number of initial values."""
    leads: Mapping[str, int]
    """How far ahead a name is read (`h[t+1]`)."""
    reads_target: frozenset[str]
    """The equations that depend on `y`: undefined where a target is missing."""
    classes: int | None
    """Where targets are classes: how many there are."""
    index: str
    uses_x: bool
    uses_y: bool

    @property
    def states(self) -> tuple[str, ...]:
        """What is read from another time step, in source order."""
        return tuple(name for name in self.equations if name in self.delays or name in self.leads)

    @cached_property
    def staying(self) -> frozenset[str]:
        """The states that stay as they are where a sequence is over in its batch: those that are read from later
        time steps alone.

        What is read from earlier ones too has there what it has behind the last time step of a sequence that is
        alone: its initial values, or 0 if those are in front of the first.
        """
        return frozenset(self.delays) - frozenset(self.leads)

    @cached_property
    def output(self) -> str:
        """What the output pane shows: a softmax (one that a loss takes, else the last), else the first argument
        of the loss, else the last equation.
        """
        softmaxes = [name for name, e in self.equations.items() if e.root.operation.name == "softmax"]
        if softmaxes:
            nodes = [
                node for e in self.equations.values() for node in walk(e.root) if isinstance(node, Apply)
            ]
            judged = {
                read.name
                for node in nodes
                if isinstance(node.operation, Loss)
                for read in node.args[:1]
                if isinstance(read, Read)
            }
            return next((name for name in softmaxes if name in judged), softmaxes[-1])
        if "loss" in self.equations:
            for arg in self.equations["loss"].root.args:
                if isinstance(arg, Read) and arg.kind == "equation":
                    return arg.name
        free = [name for name in self.equations if name not in (*self.reads_target, *self.states)]
        return (free or list(self.equations))[-1]


def compile_equations(
    lines: Iterable[str],
    parameters: Mapping[str, Shape],
    *,
    x: Shape | None = None,
    y: Shape | None = None,
    initial: Mapping[str, Shape] | None = None,
    index: str = "t",
) -> Program:
    """Read and check a text of equations.

    `parameters` and `initial` give shapes; `x` and `y` those of the data per time step (None: there
    are none). `index` is the letter that counts: `t`, or `i` in an update. Raises `EquationError`.
    """
    equations = Reader(index).read(lines)
    _Names(equations, parameters, x is not None, y is not None, index).resolve()
    shapes = _infer_shapes(equations, parameters, x, y, initial or {})
    parameters = _in_order_of_appearance(equations, parameters)
    reads = [read for equation in equations.values() for read in equation.reads]
    delays, leads = _reach(reads, -1), _reach(reads, +1)
    for name in initial or {}:
        if name not in delays and name not in leads:
            raise EquationError(f"initial value of {name!r}: no equation reads {name}[{index}-1]")
    return Program(
        equations=equations,
        order=_order(equations, index),
        parameters=parameters,
        x=x,
        y=y,
        shapes=shapes,
        delays=delays,
        leads=leads,
        reads_target=frozenset(_downstream_of_target(equations)),
        classes=next((r.shape[0] for r in reads if r.kind == "class"), None),
        index=index,
        uses_x=any(r.kind == "x" for r in reads),
        uses_y=any(r.kind in ("y", "class") for r in reads),
    )


# ---------------------------------------------------------------- names


class _Names:
    """Gives every name its kind; refuses unknown and unused ones."""

    def __init__(
        self,
        equations: Mapping[str, Equation],
        parameters: Iterable[str],
        has_x: bool,
        has_y: bool,
        index: str,
    ) -> None:
        self.equations, self.parameters = equations, set(parameters)
        self.data: dict[str, tuple[Kind, bool]] = (
            {"x": ("x", has_x), "y": ("y", has_y)} if index == "t" else {}
        )
        self.index = index

    def resolve(self) -> None:
        for name in self.parameters:
            if name in self.equations:
                number = self.equations[name].number
                raise EquationError(
                    f"{name!r} is both a parameter and assigned; expected two names", number, 1
                )
            if name in ("x", "y", self.index) or name in FUNCTIONS:
                raise EquationError(f"a parameter cannot be called {name!r}, this name is reserved")
        reads = [read for equation in self.equations.values() for read in equation.reads]
        for read in reads:
            read.kind = self.kind(read)
        for name in sorted(self.parameters - {read.name for read in reads}):
            raise EquationError(f"parameter {name!r} is used by no equation")
        for equation in self.equations.values():
            _give_logits_a_node(equation)

    def kind(self, read: Read) -> Kind:
        name = read.name
        if name in self.equations:
            return "equation"
        if read.offset and name in self.data:
            hint = f"expected `e = {name}` first, then e[{self.index}{read.offset:+d}]"
            raise EquationError(
                f"{name!r} is data and has no other time step here; {hint}", read.line, read.column
            )
        if read.offset:
            what = "is not assigned by any equation, so it has no other time step"
            raise EquationError(
                f"{name!r} {what}{did_you_mean(name, self.equations)}", read.line, read.column
            )
        if name == self.index:
            return "index"
        if name in self.parameters:
            return "parameter"
        if name in self.data:
            kind, given = self.data[name]
            if given:
                return kind
            raise EquationError(
                f"the text reads {name!r}, but the data have no {'inputs' if name == 'x' else 'targets'}",
                read.line,
                read.column,
            )
        known = [*self.equations, *self.parameters, *self.data]
        raise EquationError(
            f"unknown name {name!r}{did_you_mean(name, known)}; expected an equation, a parameter"
            f"{', x or y' if self.data else ''}",
            read.line,
            read.column,
        )


def _give_logits_a_node(equation: Equation) -> None:
    """`softmax(b)` of a parameter: its argument gets a node, where the gradient of a loss taken with it can arrive."""
    for expr in walk(equation.root):
        if isinstance(expr, Apply) and expr.operation.name in ("softmax", "sigmoid"):
            argument = expr.args[0]
            if not isinstance(argument, Apply) and not (
                isinstance(argument, Read) and argument.kind == "equation"
            ):
                place = (argument.line, argument.column, argument.source)
                expr.args[0] = Apply(*place, ARITHMETIC["identity"], [argument])


def _in_order_of_appearance(
    equations: Mapping[str, Equation], shapes: Mapping[str, Shape]
) -> dict[str, Shape]:
    reads = [read for equation in equations.values() for read in equation.reads]
    return {read.name: shapes[read.name] for read in reads if read.kind == "parameter"}


def _reach(reads: Sequence[Read], sign: int) -> dict[str, int]:
    reach: dict[str, int] = {}
    for read in reads:
        if read.offset * sign > 0:
            reach[read.name] = max(reach.get(read.name, 0), abs(read.offset))
    return reach


# ---------------------------------------------------------------- shapes


def _infer_shapes(
    equations: Mapping[str, Equation],
    parameters: Mapping[str, Shape],
    x: Shape | None,
    y: Shape | None,
    initial: Mapping[str, Shape],
) -> dict[str, Shape]:
    """The shape of every equation; fills in `shape` of every node.

    A state is read before it is written, so shapes are found by going round until nothing changes.
    What is still open then (`v = r * v[t-1] * (1 - v[t-1])`) is a scalar.
    """
    found: dict[str, Shape | None] = {name: initial.get(name) for name in equations}
    data: dict[str, Shape | None] = {"x": x, "y": y}

    def shape_of(expr: Expr, equation: Equation) -> Shape | None:
        match expr:
            case Read(kind="equation"):
                shape = found[expr.name]
            case Read(kind="parameter"):
                shape = parameters[expr.name]
            case Read(kind="x" | "y"):
                shape = data[expr.name]
            case Read(kind="class"):
                shape = expr.shape
            case Apply():
                shape = apply(expr, [shape_of(arg, equation) for arg in expr.args], equation)
            case _:
                shape = ()
        if shape is not None:
            expr.shape = shape
        return shape

    def apply(expr: Apply, shapes: list[Shape | None], equation: Equation) -> Shape | None:
        if expr.operation is PRODUCT_OF_MATRIX and not (
            isinstance(expr.args[0], Read) and expr.args[0].kind == "parameter" and len(shapes[0] or ()) == 2
        ):
            expr.operation = DOT_PRODUCT
        target = expr.args[-1]
        if (
            expr.operation.name == "cross_entropy"
            and shapes[0]
            and isinstance(target, Read)
            and target.kind == "y"
            and shapes[1] == ()
        ):
            target.kind, target.shape = "class", shapes[0]
            shapes[1] = shapes[0]
        try:
            return expr.operation.shape(shapes)
        except ShapeMismatch as error:
            raise EquationError(f"{expr.source}: {error}", expr.line, expr.column) from None

    while True:
        before = dict(found)
        for name, equation in equations.items():
            shape = shape_of(equation.root, equation)
            if found[name] is not None and shape is not None and found[name] != shape:
                where = "its initial value is" if name in initial else "elsewhere it is"
                raise EquationError(
                    f"{name} is {spell(shape)}, {where} {spell(found[name] or ())}; expected equal shapes",
                    equation.number,
                    1,
                )
            found[name] = shape if found[name] is None else found[name]
        if found != before:
            continue
        still_open = [name for name, shape in found.items() if shape is None]
        if not still_open:
            break
        found[still_open[0]] = ()
    if found.get("loss", ()) != ():
        equation = equations["loss"]
        raise EquationError(f"loss is {spell(found['loss'] or ())}; expected a scalar", equation.number, 1)
    return {name: shape if shape is not None else () for name, shape in found.items()}


# ---------------------------------------------------------------- order and dependence


def _dependencies(equation: Equation) -> list[Read]:
    return [read for read in equation.reads if read.kind == "equation"]


def _order(equations: Mapping[str, Equation], index: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The order in which a person walks: sweeps over t, in each the equations of a time step.

    Source order, except that a name needed earlier comes earlier. A text without `[t+k]` is one
    sweep. A sweep that runs from the end must be over before anything at the same t can use it.
    """
    needs = {name: [read.name for read in _dependencies(equation)] for name, equation in equations.items()}
    direction: dict[str, int] = {}
    level: dict[str, int] = {}
    for cycle in strongly_connected(list(equations), needs):
        inner = [r for name in cycle for r in _dependencies(equations[name]) if r.name in cycle]
        signs = {1 if r.offset > 0 else -1 for r in inner if r.offset}
        if len(signs) == 2:
            late = next(r for r in inner if r.offset > 0)
            raise EquationError(
                f"{', '.join(cycle)} need each other at earlier and at later {index}; expected one direction a cycle",
                late.line,
                late.column,
            )
        way = -1 if signs == {1} else 1
        for name in cycle:
            direction[name] = way
        level_here = 0
        for name in cycle:
            for read in _dependencies(equations[name]):
                if read.name in cycle:
                    continue
                later = direction[read.name] != way or read.offset * way > 0
                level_here = max(level_here, level[read.name] + later)
        level.update(dict.fromkeys(cycle, level_here))
    sweeps: dict[tuple[int, int], list[str]] = {}
    for name in _by_need(equations, index):
        sweeps.setdefault((level[name], -direction[name]), []).append(name)
    return tuple((-key[1], tuple(names)) for key, names in sorted(sweeps.items()))


def _by_need(equations: Mapping[str, Equation], index: str) -> list[str]:
    """Source order, each equation behind those whose value of the same time step it reads."""
    done: list[str] = []
    pending: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        pending.append(name)
        for read in _dependencies(equations[name]):
            if read.offset == 0:
                if read.name in pending:
                    circle = " → ".join([*pending[pending.index(read.name) :], read.name])
                    raise EquationError(
                        f"{circle} is a circle within one time step; expected [{index}-1] somewhere",
                        read.line,
                        read.column,
                    )
                visit(read.name)
        pending.pop()
        done.append(name)

    for name in equations:
        visit(name)
    return done


def _downstream_of_target(equations: Mapping[str, Equation]) -> set[str]:
    reading = {n for n, e in equations.items() if any(r.kind in ("y", "class") for r in e.reads)}
    while True:
        more = {n for n, e in equations.items() if any(r.name in reading for r in _dependencies(e))} - reading
        if not more:
            return reading
        reading |= more
