"""Text → checked equations: names, shapes, delays, and errors that point.

    program = compile_equations(["h = tanh(W @ x + U @ h[t-1])"], {"W": (2, 4), "U": (2, 2)}, x=(4,))

The grammar is that of Python's expressions, read with `ast` and a whitelist; nothing is evaluated.
"""

from __future__ import annotations

import ast
import difflib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from rnn_engine.core.errors import EquationError
from rnn_engine.core.graph import strongly_connected
from rnn_engine.core.operations import (
    ARITHMETIC,
    DOT_PRODUCT,
    FUNCTIONS,
    PRODUCT_OF_MATRIX,
    CrossEntropy,
    Operation,
    Shape,
    ShapeMismatch,
    spell,
)

MAX_LINE = 2000
MAX_DEPTH = 60
MAX_DELAY = 64

Kind = Literal["parameter", "equation", "x", "y", "class", "index"]


@dataclass(eq=False)
class Expr:
    """A node of an equation's tree. Compared by identity: equal text at two places is two nodes."""

    line: int
    column: int
    source: str
    shape: Shape = field(default=(), init=False)


@dataclass(eq=False)
class Constant(Expr):
    value: float


@dataclass(eq=False)
class Read(Expr):
    """A name read at this time step (`offset` 0), an earlier (−1, …) or a later one (+1, …).

    Kind `class` is the target of a cross-entropy given as an index: one-hot of p's length.
    """

    name: str
    offset: int
    kind: Kind = "equation"


@dataclass(eq=False)
class Apply(Expr):
    operation: Operation
    args: list[Expr]


@dataclass(frozen=True, eq=False)
class Equation:
    """`name = root`; `number` is the line it stands in, `source` the line as written."""

    name: str
    root: Apply
    number: int
    source: str

    @property
    def reads(self) -> tuple[Read, ...]:
        return tuple(e for e in walk(self.root) if isinstance(e, Read))


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
    objective: frozenset[str]
    """The equations that `loss` depends on, itself included; empty without a `loss`."""
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

    @property
    def output(self) -> str:
        """What the output pane shows: a softmax, else the first argument of the loss, else the last equation."""
        for name, equation in self.equations.items():
            if equation.root.operation.name == "softmax":
                return name
        if "loss" in self.equations:
            for arg in self.equations["loss"].root.args:
                if isinstance(arg, Read) and arg.kind == "equation":
                    return arg.name
        return list(self.equations)[-1]


def walk(expr: Expr) -> Iterator[Expr]:
    """The tree below `expr`, arguments before what uses them, in source order."""
    if isinstance(expr, Apply):
        for arg in expr.args:
            yield from walk(arg)
    yield expr


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
    equations = _Reader(index).read(lines)
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
        objective=frozenset(_upstream(equations, "loss")) if "loss" in equations else frozenset(),
        reads_target=frozenset(_downstream_of_target(equations)),
        classes=next((r.shape[0] for r in reads if r.kind == "class"), None),
        index=index,
        uses_x=any(r.kind == "x" for r in reads),
        uses_y=any(r.kind in ("y", "class") for r in reads),
    )


# ---------------------------------------------------------------- reading

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}


class _Reader:
    """Reads lines into trees; knows the grammar, no name."""

    def __init__(self, index: str) -> None:
        self.index = index
        self.reserved = {"x", "y", "t"} if index == "t" else {index}

    def read(self, lines: Iterable[str]) -> dict[str, Equation]:
        equations: dict[str, Equation] = {}
        for number, source in enumerate(lines, start=1):
            self.number, self.source = number, source
            equation = self.equation()
            if equation is None:
                continue
            if equation.name in equations:
                first = equations[equation.name].number
                self.refuse(f"{equation.name!r} is assigned again (first in equation {first}); expected one each")
            equations[equation.name] = equation
        if not equations:
            raise EquationError("there is no equation; expected at least one line `name = expression`")
        return equations

    def refuse(self, what: str, node: ast.AST | None = None) -> NoReturn:
        raise EquationError(what, self.number, getattr(node, "col_offset", 0) + 1)

    def equation(self) -> Equation | None:
        if len(self.source) > MAX_LINE:
            self.refuse(f"a line of {len(self.source)} characters; expected at most {MAX_LINE}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of odd code, which is refused here anyway
                body = ast.parse(self.source.strip()).body
        except SyntaxError as error:
            raise EquationError(
                f"{error.msg}; expected `name = expression`", self.number, error.offset or 1
            ) from None
        except (ValueError, RecursionError, MemoryError):
            self.refuse("this cannot be read; expected `name = expression`")
        if not body:
            return None
        match body:
            case [ast.Assign(targets=[ast.Name(id=name)], value=value)]:
                pass
            case [ast.Assign(targets=[target])]:
                self.refuse("only a plain name can be assigned, for the current time step", target)
            case _:
                self.refuse("expected one `name = expression`", body[0])
        if name in self.reserved or name in FUNCTIONS:
            kind = {"x": "the inputs", "y": "the targets"}.get(name, "reserved")
            hint = "; call the output p, o or z" if name == "y" else ""
            self.refuse(f"{name!r} cannot be assigned, it is {kind}{hint}", body[0])
        root = self.expression(value, 0)
        if not isinstance(root, Apply):
            root = Apply(self.number, 1, root.source, ARITHMETIC["identity"], [root])
        return Equation(name, root, self.number, self.source.strip())

    def expression(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            self.refuse(f"parentheses more than {MAX_DEPTH} deep", node)
        place = (self.number, node.col_offset + 1, ast.get_source_segment(self.source.strip(), node) or "")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Constant(*place, self.number_of(node, value))
            case ast.Name(id=name):
                return Read(*place, name, 0)
            case ast.Subscript(value=ast.Name(id=name), slice=where):
                return Read(*place, name, self.offset(where, name))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Apply(*place, ARITHMETIC["neg"], [self.expression(operand, depth + 1)])
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                sides = [self.expression(left, depth + 1), self.expression(right, depth + 1)]
                return Apply(*place, PRODUCT_OF_MATRIX, sides)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                sides = [self.expression(left, depth + 1), self.expression(right, depth + 1)]
                return Apply(*place, ARITHMETIC[_BINARY[type(op)]], sides)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(node, name, args, depth, place)
        self.refuse(
            f"{ast.unparse(node)!r:.60} is not in the language; expected names, numbers, + - * / ** @, functions",
            node,
        )

    def call(self, node: ast.expr, name: str, args: list[ast.expr], depth: int, place: tuple[int, int, str]) -> Expr:
        operation = FUNCTIONS.get(name)
        if operation is None:
            self.refuse(f"unknown function {name!r}{did_you_mean(name, FUNCTIONS)}", node)
        low, high = operation.arity
        if len(args) < low or (high is not None and len(args) > high):
            expected = str(low) if high == low else f"at least {low}"
            self.refuse(f"{name} takes {expected} argument{'s' * (low != 1)}, {len(args)} given", node)
        operands = [self.expression(arg, depth + 1) for arg in args]
        return Apply(*place, operation, operands)

    def number_of(self, node: ast.AST, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            self.refuse("a number beyond float64", node)
        return number

    def offset(self, where: ast.expr, name: str) -> int:
        match where:
            case ast.Name(id=self.index):
                return 0
            case ast.BinOp(left=ast.Name(id=self.index), op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=k)):
                if type(k) is int and 1 <= k <= MAX_DELAY:
                    return k if isinstance(op, ast.Add) else -k
        self.refuse(
            f"{name}[{ast.unparse(where)}]; expected {name}[{self.index}-k] with k from 1 to {MAX_DELAY}", where
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean W_xh?`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


# ---------------------------------------------------------------- names


class _Names:
    """Gives every name its kind; refuses unknown and unused ones."""

    def __init__(
        self, equations: Mapping[str, Equation], parameters: Iterable[str], has_x: bool, has_y: bool, index: str
    ) -> None:
        self.equations, self.parameters = equations, set(parameters)
        self.data: dict[str, tuple[Kind, bool]] = {"x": ("x", has_x), "y": ("y", has_y)} if index == "t" else {}
        self.index = index

    def resolve(self) -> None:
        for name in self.parameters:
            if name in self.equations:
                number = self.equations[name].number
                raise EquationError(f"{name!r} is both a parameter and assigned; expected two names", number, 1)
            if name in ("x", "y", self.index) or name in FUNCTIONS:
                raise EquationError(f"a parameter cannot be called {name!r}, this name is reserved")
        reads = [read for equation in self.equations.values() for read in equation.reads]
        for read in reads:
            read.kind = self.kind(read)
        for name in self.parameters - {read.name for read in reads}:
            raise EquationError(f"parameter {name!r} is used by no equation")
        for equation in self.equations.values():
            _give_logits_a_node(equation)

    def kind(self, read: Read) -> Kind:
        name = read.name
        if name in self.equations:
            return "equation"
        if read.offset:
            what = "is not assigned by any equation, so it has no other time step"
            raise EquationError(f"{name!r} {what}{did_you_mean(name, self.equations)}", read.line, read.column)
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
            if not isinstance(argument, Apply) and not (isinstance(argument, Read) and argument.kind == "equation"):
                place = (argument.line, argument.column, argument.source)
                expr.args[0] = Apply(*place, ARITHMETIC["identity"], [argument])


def _in_order_of_appearance(equations: Mapping[str, Equation], shapes: Mapping[str, Shape]) -> dict[str, Shape]:
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
        if isinstance(expr.operation, CrossEntropy) and expr.operation.of == "softmax" and shapes[0]:
            if isinstance(target, Read) and target.kind == "y" and shapes[1] == ():
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


def _upstream(equations: Mapping[str, Equation], name: str) -> set[str]:
    """Everything that `name` depends on, at whatever time step, and itself."""
    found, todo = {name}, [name]
    while todo:
        for read in _dependencies(equations[todo.pop()]):
            if read.name not in found:
                found.add(read.name)
                todo.append(read.name)
    return found


def _downstream_of_target(equations: Mapping[str, Equation]) -> set[str]:
    reading = {n for n, e in equations.items() if any(r.kind in ("y", "class") for r in e.reads)}
    while True:
        more = {n for n, e in equations.items() if any(r.name in reading for r in _dependencies(e))} - reading
        if not more:
            return reading
        reading |= more
