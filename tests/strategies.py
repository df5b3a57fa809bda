"""Hypothesis strategies: random valid sessions of the equation language, windows, walks.

A session is written forwards: an equation reads what is already there at the same t, any equation of its own
group at another t (one direction per group, so that no cycle mixes directions), and earlier groups at any t.
Each term carries a bound on its size, and what is too large is squashed, so that numbers stay where rounding
is harmless. Functions with a kink get an offset that is off the grid of the numbers, and what still comes to
lie on a kink is left out (unless `kinks` is asked for).
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any, TypeVar

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests.reference import Case, Floats, Run, Shape, Value, parse, reads

NAMES = ("a", "c", "g", "h", "k", "s", "u", "v", "z", "state", "gate_1", "h2", "Hidden", "m_t", "_r", "ratio")
MOTIONS = (
    *("step", "time", "phase", "iteration", "sequence", "mark_next", "mark_back", "home", "end"),
    *("step_back", "time_back", "phase_back", "iteration_back", "sequence_back"),
)
SIZE = 4.0
"""No value of an equation before the loss exceeds this."""
GAP = 1e-6
"""How far from a kink is far enough."""

T_ = TypeVar("T_")
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Term:
    """The text of an expression and a bound on the size of its elements."""

    text: str
    bound: float


@dataclass
class Writer:
    """Writes one session. `draw` decides on structure; `random` (one seed) makes the numbers."""

    draw: Draw
    random: np.random.Generator
    x: Shape | None
    parameters: dict[str, Floats] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    """Of all equations before the loss, also of those not yet written."""
    here: list[str] = field(default_factory=list)
    """What may be read at the same t."""
    there: list[tuple[str, int]] = field(default_factory=list)
    """What may be read at another t, with the shift."""

    def pick(self, *options: T_) -> T_:
        result: T_ = self.draw(st.sampled_from(options))
        return result

    def chance(self, n: int) -> bool:
        """True once in n times."""
        return self.pick(*[False] * (n - 1), True)

    def shape(self) -> Shape:
        n = self.pick(2, 0, 3, 1)
        return (n,) if n else ()

    def numbers(self, *shape: int) -> Floats:
        return np.asarray(self.random.integers(-24, 25, shape) / 16)

    def parameter(self, *shape: int) -> str:
        """A new parameter, or one that was there before."""
        same = [name for name, value in self.parameters.items() if value.shape == shape]
        if same and self.chance(5):
            return self.pick(*same)
        name = f"{'wbW'[len(shape)]}_{len(self.parameters)}"
        self.parameters[name] = self.numbers(*shape)
        return name

    def leaf(self, shape: Shape) -> Term:
        """A name, a state, the input, a number, or a new parameter."""
        if self.x and shape and self.chance(4):
            return Term(f"{self.parameter(*shape, *self.x)} @ x", 2.25 * self.x[0])
        options = [Term(name, SIZE) for name in self.here if self.shapes[name] == shape]
        options += [Term(f"{n}[t{k:+d}]", SIZE) for n, k in self.there if self.shapes[n] == shape]
        if self.x == shape:
            options += [Term("x", 1.5)] * 4
        if not shape:
            options += [Term("0.75", 0.75), Term("2", 2), Term("t / 4", 1.25)]
        return self.pick(*options) if options and not self.chance(4) else Term(self.parameter(*shape), 1.5)

    def term(self, shape: Shape, depth: int) -> Term:
        """An expression of this shape."""
        if depth == 0:
            return self.leaf(shape)
        kinds = [
            "sum",
            "product",
            "quotient",
            "negative",
            "power",
            "squash",
            "function",
            "function",
            "select",
        ]
        kind = self.pick(*kinds, *(["matrix"] * 3 + ["softmax", "concat"] if shape else ["reduce"] * 3))
        if kind in ("matrix", "reduce"):
            return self.product(shape, depth)
        if kind == "concat" and shape != (1,):
            first = shape[0] // 2
            parts = [self.term((n,), depth - 1) for n in (first, shape[0] - first)]
            return Term(f"concat({', '.join(p.text for p in parts)})", max(p.bound for p in parts))
        v = self.term(shape, depth - 1)
        if kind == "squash":
            return self.squashed(v)
        forms = {
            "negative": [("-({})", v.bound)],
            "power": [("({}) ** 2", v.bound**2), ("({}) ** 3", v.bound**3)],
            "concat": [("{}", v.bound)],
            "softmax": [("softmax({})" if v.bound < 20 else "softmax(tanh({}))", 1.0)],
            "function": [
                ("relu({} + 0.03)", v.bound + 1),
                ("abs({} + 0.03)", v.bound + 1),
                ("exp(tanh({}))", 3.0),
                ("log(abs({} + 0.03) + 1)", v.bound),
                ("sqrt(abs({} - 0.03) + 1)", v.bound + 1),
                ("clip({}, -0.77, 0.83)", 1.0),
            ],
        }
        if kind in forms:
            form, bound = self.pick(*forms[kind])
            return Term(form.format(v.text), bound)
        w = self.term(() if self.chance(4) else shape, depth - 1)  # a scalar goes with anything
        if kind == "select":
            return Term(f"{self.pick('max', 'min')}({v.text}, {w.text} - 0.03)", max(v.bound, w.bound + 1))
        if kind == "quotient":
            return Term(f"({v.text}) / (abs({w.text} + 0.03) + 1)", v.bound)
        left, right = (v, w) if self.chance(2) else (w, v)
        if kind == "product":
            return Term(f"({left.text}) * ({right.text})", v.bound * w.bound)
        return Term(f"({left.text}) {self.pick('+', '-')} ({right.text})", v.bound + w.bound)

    def product(self, shape: Shape, depth: int) -> Term:
        """A vector by a matrix, perhaps with more added to it; a scalar by reducing a vector."""
        n = self.x[0] if self.x and self.chance(2) else self.pick(2, 3, 1)
        v = self.term((n,), depth - 1)
        if shape:
            text, bound = f"{self.parameter(*shape, n)} @ ({v.text})", 1.5 * n * v.bound
            if self.chance(3):
                return Term(text, bound)
            w = self.leaf(shape)
            return Term(f"{text} + {w.text} + {self.parameter(*shape)}", bound + w.bound + 1.5)
        function = self.pick("sum", "mean", "max", "min", "dot")
        if function == "dot":
            w = self.term((n,), depth - 1)
            return Term(f"({v.text}) @ ({w.text})", n * v.bound * w.bound)
        if function in ("max", "min"):  # not of a vector of equal numbers, such as an initial state
            return Term(f"{function}({v.text} + {self.parameter(n)})", v.bound + 1.5)
        return Term(f"{function}({v.text})", n * v.bound)

    def squashed(self, v: Term) -> Term:
        return Term(f"{self.pick('tanh', 'sigmoid')}({v.text if v.bound < 50 else f'0.01 * ({v.text})'})", 1)

    def bounded(self, shape: Shape, depth: int) -> str:
        """The right-hand side of an equation: no larger than SIZE, and in Python's own spelling."""
        v = self.term(shape, depth)
        return ast.unparse(ast.parse((v if v.bound <= SIZE else self.squashed(v)).text))

    def body(self, names: Sequence[str], lookahead: bool) -> dict[str, str]:
        """The equations before the loss, in groups."""
        self.shapes |= {name: self.shape() for name in names}
        groups: list[list[str]] = [[]]
        for name in names:
            if groups[-1] and self.chance(4):
                groups.append([])
            groups[-1].append(name)
        equations: dict[str, str] = {}
        for group in groups:
            sign = 1 if lookahead and self.chance(3) else -1
            self.there = self.earlier(lookahead) + [(n, sign * k) for n in group for k in (1, 1, 2)]
            for name in group:
                equations[name] = self.bounded(self.shapes[name], self.pick(1, 2, 3))
                self.here.append(name)
        return equations

    def earlier(self, lookahead: bool) -> list[tuple[str, int]]:
        return [(name, k) for name in self.here for k in ((-2, -1, 1, 2) if lookahead else (-2, -1))]

    def head(
        self, names: Sequence[str], body: dict[str, str], lookahead: bool
    ) -> tuple[dict[str, str], str, Shape]:
        """Equations that end in a loss; what it takes as targets ("", "classes", "bits", "values", or "own":
        values of which none may be missing), and their shape."""
        self.there = self.earlier(lookahead)
        p, error = names
        scale = self.pick("", "", "0.5 * ")
        kind = self.pick("classes", "classes", "bits", "values", "own", "")
        shape = (self.pick(3, 2, 4, 1),) if kind == "classes" else self.shape()
        fitting = [name for name in self.here if self.shapes[name] == shape]
        if kind in ("classes", "bits"):
            function, loss = (
                ("softmax", "cross_entropy") if kind == "classes" else ("sigmoid", "binary_cross_entropy")
            )
            ready = [name for name, text in body.items() if isinstance(parse([f"_ = {text}"])["_"], ast.Call)
                     and text.startswith(function)]  # fmt: skip
            if ready and self.chance(2):  # of an equation of the body, which others may read too
                p = self.pick(*ready)
                return {"loss": f"{scale}{loss}({p}, y)"}, kind, self.shapes[p]
            bare = fitting and not self.chance(3)
            squash = f"{function}({self.pick(*fitting) if bare else self.bounded(shape, 2)})"
            if self.chance(4):
                return {"loss": f"{scale}{loss}({squash}, y)"}, kind, shape
            more = (f" + 0.25 * sum({p} * {p})" if shape else f" - {p} / 4") if self.chance(4) else ""
            return {p: squash, "loss": f"{scale}{loss}({p}, y){more}"}, kind, shape
        if not kind:
            return {"loss": self.bounded((), 3)}, kind, ()
        v = self.pick(*fitting or [self.bounded(shape, 1)])
        if kind == "values":
            return {"loss": f"{scale}{self.pick('squared_error', 'half_squared_error')}({v}, y)"}, kind, shape
        square = f"mean({error} ** 2)" if shape else f"{error} ** 2"
        return {error: f"{v} - y", "loss": f"{square} + {self.bounded((), 2)}"}, kind, shape

    def data(self, T: int, B: int, kind: str, shape: Shape) -> list[list[Any]]:
        """`[T][B]` of classes, bits or values on the grid."""
        if kind == "classes":
            return [[int(self.random.integers(shape[0])) for _ in range(B)] for _ in range(T)]
        make = self.numbers if kind != "bits" else lambda *shape: self.random.integers(0, 2, shape)
        return [[make(*shape).tolist() for _ in range(B)] for _ in range(T)]

    def targets(self, T: int, B: int, kind: str, shape: Shape) -> list[list[Any]]:
        """As `data`; now and then some, never all, are missing."""
        targets = self.data(T, B, kind, shape)
        if kind != "own" and self.chance(3):
            places = st.sampled_from(list(product(range(T), range(B))))
            for t, b in self.draw(st.sets(places, max_size=T * B - 1)):
                targets[t][b] = None
        return targets

    def initial(self, case: Case) -> dict[str, Floats]:
        """Initial states: of some that are read as [t-k], of all where a shape depends on it."""
        run = Run(case, 0)
        open_shapes = any(run.shapes[name] != shape for name, shape in self.shapes.items())
        result: dict[str, Floats] = {}
        for name, shape in self.shapes.items():
            delays = [-shift for n, shift in run.shifts if n == name and shift < 0]
            if delays and (open_shapes or self.chance(3)):
                for depth in range(max(delays)):
                    batch = (case.B,) if shape and self.chance(2) else ()
                    result[f"{name}[-{depth}]" if depth else name] = self.numbers(*batch, *shape)
        return result


@st.composite
def cases(
    draw: Draw,
    *,
    loss: bool | None = None,
    lookahead: bool = True,
    kinks: bool = False,
    max_T: int = 5,
    max_B: int = 3,
) -> Case:
    """Random valid sessions: always or never with a loss (None: mostly), with or without reads of h[t+k]."""
    T, B = draw(st.integers(1, max_T)), draw(st.integers(1, max_B))
    n, kind = (
        draw(st.sampled_from((3, 2, 4, 1))),
        draw(st.sampled_from(("tokens", "vectors", "scalars", "none"))),
    )
    x: Shape | None = (n,) if kind in ("tokens", "vectors") else () if kind == "scalars" else None
    writer = Writer(draw, np.random.default_rng(draw(st.integers(0, 2**16))), x)
    names = draw(st.permutations(NAMES))
    with_loss = not writer.chance(8) if loss is None else loss
    equations = writer.body(names[: draw(st.integers(1, 4 if with_loss else 6))], lookahead)
    target, y_shape = "", Shape()
    if with_loss:
        head, target, y_shape = writer.head(names[-2:], equations, lookahead)
        equations |= head
    texts = [f"{name} = {text}" for name, text in equations.items()]
    read = {name for tree in parse(texts).values() for name, _ in reads(tree)}
    if "x" not in read:
        x = None
    case = Case(
        equations=tuple(draw(st.permutations(texts)) if writer.chance(3) else texts),
        parameters={name: value for name, value in writer.parameters.items() if name in read},
        T=T,
        B=B,
        x=None if x is None else writer.data(T, B, "classes" if kind == "tokens" else "values", x),
        y=writer.targets(T, B, target, y_shape) if target else None,
        x_vocabulary=n if x is not None and kind == "tokens" else None,
        y_vocabulary=y_shape[0] if target == "classes" and writer.chance(2) else None,
        weights=writer.random.integers(1, 9, (T, B)) / 4 if writer.chance(2) else None,
    )
    case = dataclasses.replace(case, initial=writer.initial(case))
    shapes = Run(case, 0).shapes
    assume(all(shapes[name] == shape for name, shape in writer.shapes.items()))
    assume(kinks or gap(case) > GAP)
    return case


def gap(case: Case) -> float:
    """How close any value that a kink depends on comes to it (at most 1)."""
    gaps = [1.0]

    class Watched(Run):
        def evaluate(self, t: int, node: ast.expr) -> Value | None:
            match node:
                case ast.Call(ast.Name("relu" | "abs" | "max" | "min" | "clip" as function), parts):
                    first, *others = (np.array(self.evaluate(t, part), dtype=complex).real for part in parts)
                    if function in ("max", "min") and not others:
                        first = np.diff(np.sort(first))
                    distances = [np.abs(first - other) for other in others or [np.zeros(())]]
                    gaps.extend(float(distance.min(initial=1.0)) for distance in distances)
            return super().evaluate(t, node)

    for b in range(case.B):
        run = Watched(case, b)
        for t, name in product(run.times, run.equations):
            run.value(t, name)
    return min(gaps)


@st.composite
def windows(draw: Draw, T: int) -> tuple[int, ...]:
    """Lengths of consecutive windows that make up T time steps."""
    cuts = [t for t in range(1, T) if draw(st.booleans())]
    return tuple(end - start for start, end in pairwise([0, *cuts, T]))


def walks(max_size: int = 20) -> st.SearchStrategy[list[tuple[str, int]]]:
    """Motions of the cursor with their counts."""
    return st.lists(st.tuples(st.sampled_from(MOTIONS), st.integers(1, 5)), max_size=max_size)
