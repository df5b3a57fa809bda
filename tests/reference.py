"""The oracle of the engine: a naive interpreter of the equation language, one sequence, one number at a time.

It shares no line and no method with the engine. A value is asked for by (t, name) and computed when asked;
numbers are Python's complex numbers, vectors are tuples of them. A derivative is a complex step: 1e-30j is
added to the one number in question (an entry of a parameter, of an initial state, of an equation's value at
one t), everything is computed again, and the imaginary part of the objective over 1e-30 is the total
derivative, exact to rounding since no difference is taken.

Where the language leaves a choice: kinks look at the real part; relu'(0) = abs'(0) = 0; of equal arguments of
max or min (or equal elements of the one vector) the first gets the gradient; clip passes it for
lo <= v <= hi and hands it to the limit outside. What leaves the real numbers raises ValueError or
ArithmeticError.
"""

from __future__ import annotations

import ast
import cmath
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]
Value: TypeAlias = "complex | tuple[Value, ...]"
"""A scalar, a vector, or (parameters only) a matrix as a tuple of rows."""
STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Case:
    """The texts and numbers of a session, as far as its passes over one window need them."""

    equations: tuple[str, ...]
    parameters: Mapping[str, Floats]
    T: int
    B: int = 1
    x: Sequence[Sequence[Any]] | None = None
    """`[T][B]` of numbers, vectors `[n]`, or tokens (indices) where there is a vocabulary size."""
    y: Sequence[Sequence[Any]] | None = None
    """As `x`; an entry may be None: no target there."""
    x_vocabulary: int | None = None
    y_vocabulary: int | None = None
    initial: Mapping[str, Floats] = field(default_factory=dict)
    """`"h"` is h[first - 1], `"h[-1]"` one deeper; a number, `[n]` or `[B][n]`. For a name that is read as
    [t+k] alone they are the values just after the last t and one further on."""
    weights: Floats | None = None
    """`[T, B]`, the factor of each loss in the objective; None = ones."""
    first: int = 1
    """The first t; above 1 in a later window."""

    @property
    def steps(self) -> int | None:
        """The replay's `steps`: only where there are no data to count."""
        return self.T if self.x is None and self.y is None else None


@dataclass(frozen=True, eq=False)
class Gradients:
    """Derivatives of the objective: the sum over t and b of weight * loss."""

    parameters: dict[str, Floats]
    values: dict[tuple[int, int, str], Floats]
    """By (t, b, name): exactly the names with a stop in the backward phase, at every t."""
    initial: dict[tuple[int, str], Floats]
    """By (b, key as in `Case.initial`): every state read from outside of the window, zeros or given."""


def forward(case: Case) -> dict[tuple[int, int, str], Floats | None]:
    """Every equation's value by (t, b, name); None where a missing target leaves it undefined."""
    result: dict[tuple[int, int, str], Floats | None] = {}
    for b in range(case.B):
        run = Run(case, b)
        for t in run.times:
            for name in parse(case.equations):
                value = run.value(t, name)
                result[t, b, name] = None if value is None else real(value)
    return result


def gradients(case: Case) -> Gradients:
    """Every derivative, each by a run of its own."""

    def derivative(run: Run, place: Any, shape: Shape | None) -> Floats:
        steps = [run.nudged(place, index).objective().imag / STEP for index in np.ndindex(shape or ())]
        return np.array(steps).reshape(shape or ())

    result = Gradients({name: np.zeros(np.shape(v)) for name, v in case.parameters.items()}, {}, {})
    for b in range(case.B):
        run = Run(case, b)
        for name, total in result.parameters.items():
            total += derivative(run, name, total.shape)
        for t, name in run.outside():
            result.initial[b, run.key(t, name)] = derivative(run, (t, name), run.shapes[name])
        for name, stop in stops(parse(case.equations)).items():
            for t in run.times:
                result.values[t, b, name] = derivative(run, (t, stop), run.shapes[stop])
    return result


def parse(equations: Sequence[str]) -> dict[str, ast.expr]:
    """Name -> expression, in source order."""
    parsed: dict[str, ast.expr] = {}
    for statement in ast.parse("\n".join(equations)).body:
        match statement:
            case ast.Assign([ast.Name(name)], expression) if name not in parsed:
                parsed[name] = expression
            case _:
                raise ValueError(f"no equation, or a second one of this name: {ast.unparse(statement)}")
    return parsed


def reads(node: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, shift) of every read in an expression: `h[t-1]` is ("h", -1)."""
    match node:
        case ast.Subscript(ast.Name(name), ast.BinOp(ast.Name("t"), sign, ast.Constant(int(k)))) if k >= 1:
            yield name, k if isinstance(sign, ast.Add) else -k
        case ast.Name(name) | ast.Subscript(ast.Name(name), ast.Name("t")):
            yield name, 0
        case ast.Call(ast.Name(), arguments):
            for argument in arguments:
                yield from reads(argument)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from reads(child)


def needed(equations: Mapping[str, ast.expr]) -> list[str]:
    """The equations that the loss depends on, itself first."""
    found = [name for name in equations if name == "loss"]
    for name in found:  # grows while it is walked
        found += {n: 0 for n, _ in reads(equations[name]) if n in equations and n not in found}
    return found


def fused(equations: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """name -> z for p = softmax(z) in cross_entropy(p, ..) and q = sigmoid(z) in binary_cross_entropy(q, ..),
    where that is the only read of p or q by anything the loss depends on."""
    partners = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
    trees = [equations[name] for name in needed(equations)]
    uses = [name for tree in trees for name, _ in reads(tree)]
    result: dict[str, ast.expr] = {}
    for node in [node for tree in trees for node in ast.walk(tree)]:
        match node:
            case ast.Call(ast.Name(loss), [ast.Name(name), _]) if loss in partners and uses.count(name) == 1:
                match equations.get(name):
                    case ast.Call(ast.Name(function), [argument]) if function == partners[loss]:
                        result[name] = argument
    return result


def stops(equations: Mapping[str, ast.expr]) -> dict[str, str]:
    """Names with a stop in the backward phase -> the value whose gradient it shows: their own, or (see `Run`)
    that of the argument they are fused with; if that is an equation's name, there is no stop but its own."""
    arguments = fused(equations)
    bare = [
        name
        for name, argument in arguments.items()
        if isinstance(argument, ast.Name | ast.Subscript) and next(reads(argument))[0] in equations
    ]
    return {name: f"{name}'" if name in arguments else name for name in needed(equations) if name not in bare}


class Run:
    """One sequence. At most one number in it is nudged: that at (place, index), where the place is a
    parameter's name or a (t, name)."""

    def __init__(self, case: Case, b: int) -> None:
        self.case, self.b = case, b
        self.nudge_at: tuple[Any, Shape] | None = None
        self.times = range(case.first, case.first + case.T)
        self.equations = parse(case.equations)
        for name, argument in fused(self.equations).items():  # p = softmax(..) -> p' = .., p = softmax(p')
            node = self.equations[name]
            assert isinstance(node, ast.Call)
            self.equations |= {f"{name}'": argument, name: ast.Call(node.func, [ast.Name(f"{name}'")], [])}
        self.parameters = {name: number(v) for name, v in case.parameters.items()}
        self.data = {"x": column(case.x, b, case.x_vocabulary), "y": column(case.y, b, case.y_vocabulary)}
        self.shifts = {read for tree in self.equations.values() for read in reads(tree) if read[1]}
        self.shapes = self.find_shapes()
        self.memo: dict[tuple[int, str], Value | None] = {}

    def nudged(self, place: Any, index: Shape) -> Run:
        """The same sequence, not yet computed, with the step added at this one number."""
        run = copy(self)
        run.nudge_at, run.memo = (place, index), {}
        return run

    def objective(self) -> complex:
        """Sum over t of weight * loss; where the loss is undefined it adds nothing."""
        total = 0j
        for i, t in enumerate(self.times):
            loss = self.value(t, "loss")
            if loss is not None:
                assert isinstance(loss, complex), "the loss is a scalar"
                total += loss * (1.0 if self.case.weights is None else float(self.case.weights[i, self.b]))
        return total

    def value(self, t: int, name: str) -> Value | None:
        """What `name` is at t. An equation is evaluated once."""
        if name == "t":
            return complex(t)
        if name in self.parameters:
            return self.nudge(name, self.parameters[name])
        if name in self.data:
            return self.data[name][t - self.case.first]
        if (t, name) not in self.memo:
            value = self.evaluate(t, self.equations[name]) if t in self.times else self.initial(t, name)
            self.memo[t, name] = None if value is None else self.nudge((t, name), value)
        return self.memo[t, name]

    def evaluate(self, t: int, node: ast.expr) -> Value | None:
        """The value of an expression at t; None if a missing target is anywhere in it."""
        match node:
            case ast.Constant(int(c) | float(c)):
                return complex(c)
            case ast.Name() | ast.Subscript():
                ((name, shift),) = reads(node)
                return self.value(t + shift, name)
            case ast.UnaryOp(ast.USub(), operand):
                function, parts = "-", [operand]
            case ast.BinOp(left, sign, right):
                function, parts = type(sign).__name__, [left, right]
            case ast.Call(ast.Name(function), parts):
                pass
            case _:
                raise ValueError(f"not in the language: {ast.unparse(node)}")
        arguments = [v for part in parts if (v := self.evaluate(t, part)) is not None]
        return call(function, arguments) if len(arguments) == len(parts) else None

    def nudge(self, place: Any, value: Value) -> Value:
        """`value`, with the step added where it is the nudged one."""

        def add(v: Any, index: Shape) -> Any:
            if not index:
                return v + STEP * 1j
            return tuple(add(e, index[1:]) if i == index[0] else e for i, e in enumerate(v))

        return add(value, self.nudge_at[1]) if self.nudge_at and self.nudge_at[0] == place else value

    def key(self, t: int, name: str) -> str:
        """`h`, `h[-1]`, .. of a state outside of the window; a name read both ways has none after it."""
        before = t < self.case.first
        depth = self.case.first - 1 - t if before else t - self.times[-1] - 1
        if not before and any(n == name and shift < 0 for n, shift in self.shifts):
            return ""
        return f"{name}[-{depth}]" if depth else name

    def outside(self) -> list[tuple[int, str]]:
        """Every (t, name) of a state that is read from outside of the window and has a key."""
        places = {(t + shift, name) for name, shift in self.shifts for t in self.times}
        return sorted((t, name) for t, name in places if t not in self.times and self.key(t, name))

    def initial(self, t: int, name: str) -> Value:
        """As given, else zeros."""
        if (key := self.key(t, name)) not in self.case.initial:
            return number(np.zeros(self.shapes[name] or ()))
        given = np.asarray(self.case.initial[key])
        return number(given[self.b] if given.ndim == 2 else given)

    def find_shapes(self) -> dict[str, Shape | None]:
        """Shapes: a state's from `initial`, else from its equation; what is open then is a scalar."""
        fixed: dict[str, Shape | None] = {"t": ()}
        fixed |= {name: np.shape(v) for name, v in self.case.parameters.items()}
        fixed |= {key.partition("[")[0]: np.shape(v)[-1:] for key, v in self.case.initial.items()}
        for name, values in self.data.items():
            fixed[name] = next((np.shape(v) for v in values if v is not None), ())
        shapes = dict.fromkeys(self.equations) | fixed
        for last in (False, True):
            for _ in self.equations:  # each round settles one more, if any can be settled
                shapes |= {name: shape(tree, shapes) for name, tree in self.equations.items()} | fixed
            if not last:
                shapes = {name: () if s is None else s for name, s in shapes.items()}
        return shapes


def shape(node: ast.expr, shapes: Mapping[str, Shape | None]) -> Shape | None:
    """The shape of an expression, None while it is open."""
    match node:
        case ast.Constant():
            return ()
        case ast.Name() | ast.Subscript():
            return shapes[next(reads(node))[0]]
        case ast.BinOp(matrix, ast.MatMult()):
            return (shape(matrix, shapes) or ())[:-1]
        case ast.Call(ast.Name(name), parts):
            found = [shape(part, shapes) for part in parts]
            if name in SCALAR or (name in ("max", "min") and len(parts) == 1):
                return ()
            if name == "concat":
                return None if None in found else (sum(s[0] if s else 1 for s in found if s is not None),)
        case _:
            found = [shape(part, shapes) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    return next((s for s in found if s), None if None in found else ())


def number(array: Any) -> Value:
    """An array or nested lists as a value."""
    return tuple(number(part) for part in array) if np.ndim(array) else complex(array)


def real(value: Value) -> Floats:
    """A value that was not nudged, as an array."""
    array = np.array(value, dtype=complex)
    if array.imag.any():
        raise ValueError("not a real number")
    return array.real


def column(data: Sequence[Sequence[Any]] | None, b: int, vocabulary: int | None) -> list[Value | None]:
    """The data of one sequence, tokens as one-hot vectors."""
    entries = [row[b] for row in data or ()]
    if vocabulary is not None:
        entries = [None if token is None else np.eye(vocabulary)[token] for token in entries]
    return [None if entry is None else number(entry) for entry in entries]


def elements(value: Value) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def call(function: str, arguments: Sequence[Any]) -> Value:
    """One operation, on whole values or element by element: equal lengths, or a scalar with anything."""
    if function in WHOLE:
        return WHOLE[function](*arguments)
    if function in ("max", "min") and len(arguments) == 1:
        return ELEMENTWISE[function](*elements(arguments[0]))
    lengths = {len(v) for v in arguments if isinstance(v, tuple)}
    if not lengths:
        return ELEMENTWISE[function](*arguments)
    if len(lengths) > 1 or any(isinstance(e, tuple) for v in arguments for e in elements(v)):
        raise ValueError(f"{function} of shapes {[np.shape(v) for v in arguments]}")
    rows = [v if isinstance(v, tuple) else (v,) * max(lengths) for v in arguments]
    return tuple(ELEMENTWISE[function](*row) for row in zip(*rows, strict=True))


def sigmoid(v: complex) -> complex:
    return 1 / (1 + cmath.exp(-v)) if v.real >= 0 else cmath.exp(v) / (1 + cmath.exp(v))


def clip(v: complex, low: complex, high: complex) -> complex:
    return low if v.real < low.real else high if v.real > high.real else v


def matmul(a: Any, v: Any) -> Value:
    if np.ndim(a) == 2:
        return tuple(matmul(row, v) for row in a)
    if np.ndim(a) != 1 or np.shape(a) != np.shape(v):
        raise ValueError(f"@ of shapes {np.shape(a)}, {np.shape(v)}")
    return sum((m * e for m, e in zip(a, v, strict=True)), 0j)


def softmax(v: tuple[complex, ...]) -> Value:
    powers = [cmath.exp(e - max(e.real for e in v)) for e in v]
    return tuple(power / sum(powers) for power in powers)


def concat(*parts: Value) -> Value:
    return tuple(e for part in parts for e in elements(part))


def total(v: Value) -> complex:
    return sum(elements(v), 0j)


def cross_entropy(p: tuple[complex, ...], y: Any) -> complex:
    """y is a class counted from 0, or one weight per class (a one-hot token)."""
    if isinstance(y, tuple):
        return -sum((w * cmath.log(e) for w, e in zip(y, p, strict=True)), 0j)
    return -cmath.log(p[int(y.real)])


def pairs(p: Value, y: Value) -> Iterator[tuple[Any, Any]]:
    if np.shape(p) != np.shape(y):
        raise ValueError(f"a loss of shapes {np.shape(p)}, {np.shape(y)}")
    return zip(elements(p), elements(y), strict=True)


def binary_cross_entropy(q: Value, y: Value) -> complex:
    return -sum((w * cmath.log(e) + (1 - w) * cmath.log(1 - e) for e, w in pairs(q, y)), 0j)


def squared_error(p: Value, y: Value) -> complex:
    return sum(((e - w) ** 2 for e, w in pairs(p, y)), 0j)


ELEMENTWISE: dict[str, Callable[..., complex]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "Pow": operator.pow,
    "-": operator.neg,
    "tanh": cmath.tanh,
    "sigmoid": sigmoid,
    "exp": cmath.exp,
    "log": cmath.log,
    "sqrt": cmath.sqrt,
    "relu": lambda v: v if v.real > 0 else 0j,
    "abs": lambda v: v if v.real > 0 else -v if v.real < 0 else 0j,
    "max": lambda *several: max(several, key=lambda v: v.real),
    "min": lambda *several: min(several, key=lambda v: v.real),
    "clip": clip,
}
SCALAR: dict[str, Callable[..., complex]] = {
    "sum": total,
    "mean": lambda v: total(v) / len(elements(v)),
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "squared_error": squared_error,
    "half_squared_error": lambda p, y: squared_error(p, y) / 2,
}
WHOLE: dict[str, Callable[..., Value]] = {"MatMult": matmul, "softmax": softmax, "concat": concat, **SCALAR}
