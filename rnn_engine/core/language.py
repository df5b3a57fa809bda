"""The language: lines of text → trees. Python's grammar of expressions, read with `ast` and a whitelist.

Nothing is ever evaluated. What a name means is not decided here (`equations.py`).
"""

from __future__ import annotations

import ast
import difflib
import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.errors import EquationError
from rnn_engine.core.operation import Operation, Shape
from rnn_engine.core.operations import ARITHMETIC, FUNCTIONS

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


def walk(expr: Expr) -> Iterator[Expr]:
    """The tree below `expr`, arguments before what uses them, in source order."""
    if isinstance(expr, Apply):
        for arg in expr.args:
            yield from walk(arg)
    yield expr


_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}


class Reader:
    """Reads lines into trees; knows the grammar, no name."""

    def __init__(self, index: str) -> None:
        self.index = index
        self.reserved = {"x", "y", "t"} if index == "t" else {index}

    def read(self, lines: Iterable[str]) -> dict[str, Equation]:
        equations: dict[str, Equation] = {}
        for number, source in enumerate(lines, start=1):
            self.number, self.source, self.text = number, source, source.strip()
            equation = self.equation()
            if equation is None:
                continue
            if equation.name in equations:
                first = equations[equation.name].number
                self.refuse(
                    f"{equation.name!r} is assigned again (first in equation {first}); expected one each"
                )
            equations[equation.name] = equation
        if not equations:
            raise EquationError("there is no equation; expected at least one line `name = expression`")
        return equations

    def refuse(self, what: str, node: ast.expr | ast.stmt | None = None) -> NoReturn:
        raise EquationError(what, self.number, self.column(node) if node is not None else 1)

    def column(self, node: ast.expr | ast.stmt) -> int:
        """Where a node stands in the line as written, in characters from 1; `ast` counts bytes of what it was given."""
        before = self.text.encode()[: node.col_offset].decode()
        return self.source.index(self.text) + len(before) + 1

    def quoted(self, node: ast.expr) -> str:
        """The text of a node. (To unparse a deep one would meet Python's recursion limit.)"""
        found = ast.get_source_segment(self.text, node) or ""
        return found if len(found) <= 60 else f"{found[:59]}…"

    def equation(self) -> Equation | None:
        if len(self.source) > MAX_LINE:
            self.refuse(f"a line of {len(self.source)} characters; expected at most {MAX_LINE}")
        if len(self.text.splitlines()) > 1:
            self.refuse("a line break in an equation; expected one line for each")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of odd code, which is refused here anyway
                body = ast.parse(self.text).body
        except SyntaxError as error:
            column = self.source.index(self.text) + (error.offset or 1)
            raise EquationError(f"{error.msg}; expected `name = expression`", self.number, column) from None
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
        return Equation(name, root, self.number, self.text)

    def expression(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            self.refuse(
                f"operations more than {MAX_DEPTH} deep; expected a part of it in a line of its own", node
            )
        place = (self.number, self.column(node), ast.get_source_segment(self.text, node) or "")
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
            f"{self.quoted(node)!r} is not in the language; expected names, numbers, + - * / ** @, functions",
            node,
        )

    def call(
        self, node: ast.expr, name: str, args: list[ast.expr], depth: int, place: tuple[int, int, str]
    ) -> Expr:
        operation = FUNCTIONS.get(name)
        if operation is None:
            self.refuse(f"unknown function {name!r}{did_you_mean(name, FUNCTIONS)}", node)
        low, high = operation.arity
        if len(args) < low or (high is not None and len(args) > high):
            expected = str(low) if high == low else f"at least {low}"
            self.refuse(f"{name} takes {expected} argument{'s' * (low != 1)}, {len(args)} given", node)
        operands = [self.expression(arg, depth + 1) for arg in args]
        return Apply(*place, operation, operands)

    def number_of(self, node: ast.expr, value: float) -> float:
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
            case ast.BinOp(
                left=ast.Name(id=self.index), op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=k)
            ):
                if type(k) is int and 1 <= k <= MAX_DELAY:
                    return k if isinstance(op, ast.Add) else -k
        self.refuse(
            f"{name}[{self.quoted(where)}]; expected {name}[{self.index}-k] with k from 1 to {MAX_DELAY}",
            where,
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean W_xh?`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
