"""First values of parameters. A file holds the values, never the seed that they were drawn from.

What is drawn comes from raw bits of PCG64, which NumPy keeps stable between its releases. Shapes: a matrix is
`[m, n]`, m rows out and n columns in; what is no matrix starts at 0.

    normal      W ~ N(0, 0.1²)
    xavier      W ~ U(−r, r), r = √(6 / (m + n)): variance 2 / (m + n)              (Glorot and Bengio, 2010)
    orthogonal  W_hh from W_hhᵀ W_hh = 1, uniformly; all else as xavier            (Saxe and others, 2014)
    identity    W_hh = 1; all else as normal                            (Le, Jaitly and Hinton, 2015, for ReLU)
    zeros       W = 0: all units of a layer stay alike
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.equations import Program
from rnn_engine.core.language import Apply, Expr, Read, walk
from rnn_engine.core.operation import Array, Shape
from rnn_engine.errors import EngineError

SCALE = 0.1
"""Standard deviation of `normal`: tanh starts where it is nearly linear."""
DIGITS = 6
"""Decimals kept of what is drawn, so that a file can be read. An orthogonal matrix keeps all: it would be one
within some 1e-6 only."""


class Bits:
    """Random numbers out of raw PCG64 output; the same for a seed wherever it runs."""

    def __init__(self, seed: int) -> None:
        self._source = np.random.PCG64(seed)

    def uniform(self, shape: Shape) -> Array:
        """Between 0 and 1, neither included: the upper 52 bits, and half a step."""
        raw = np.asarray(self._source.random_raw(int(np.prod(shape, dtype=int))))
        upper = (raw >> 12).astype(np.float64).reshape(shape)
        return (upper + 0.5) * 2.0**-52

    def normal(self, shape: Shape) -> Array:
        """Mean 0, variance 1: one uniform number each, through the inverse of the normal distribution."""
        inverse = NormalDist().inv_cdf
        return np.array([inverse(u) for u in self.uniform(shape).ravel().tolist()]).reshape(shape)


def normal(shape: Shape, bits: Bits) -> Array:
    """N(0, SCALE²)."""
    return (SCALE * bits.normal(shape)).round(DIGITS)


def xavier(shape: Shape, bits: Bits) -> Array:
    """Glorot and Bengio (2010), equation 16: U(−r, r) with r = √(6 / (m + n))."""
    limit = float(np.sqrt(6.0 / sum(shape)))
    return (limit * (2.0 * bits.uniform(shape) - 1.0)).round(DIGITS)


def orthogonal(shape: Shape, bits: Bits) -> Array:
    """Square, Q of the QR decomposition of a normal matrix, each column times the sign of R's diagonal there.

    Without the signs Q would not be uniform over the orthogonal matrices: Mezzadri (2007), section 5.
    """
    q, r = np.linalg.qr(bits.normal(shape))
    signed: Array = q * np.where(np.diagonal(r) < 0.0, -1.0, 1.0)
    return signed


def identity(shape: Shape, bits: Bits) -> Array:
    """Ones on the diagonal: a unit starts with what it had."""
    return np.eye(shape[0], shape[1])


def zeros(shape: Shape, bits: Bits) -> Array:
    """Zeros."""
    return np.zeros(shape)


Rule = Callable[[Shape, Bits], Array]
RULES: Mapping[str, tuple[Rule, Rule]] = {
    "normal": (normal, normal),
    "xavier": (xavier, xavier),
    "orthogonal": (orthogonal, xavier),
    "identity": (identity, normal),
    "zeros": (zeros, zeros),
}
"""Name → for recurrent matrices, for all others."""


def first_values(program: Program, how: str, seed: int = 0) -> dict[str, Array]:
    """A first value for every parameter of a program, by name; what is no matrix is 0.

    `how` is a name of `RULES`. Raises `EngineError` for another one, for a seed below 0, and for `orthogonal`
    and `identity` where no matrix is recurrent.
    """
    if how not in RULES:
        raise EngineError(f"{how!r} is no way to start; expected {', '.join(RULES)}")
    if seed < 0:
        raise EngineError(f"a seed of {seed}; expected 0 or more")
    recurrent = recurrent_columns(program)
    of_recurrent, of_others = RULES[how]
    if not recurrent and how in ("orthogonal", "identity"):
        raise EngineError(
            f"{how} is for a square matrix that leads from a state to itself; there is none here,"
            " expected normal, xavier or zeros"
        )
    bits, found = Bits(seed), {}
    for name, shape in program.parameters.items():
        value = np.zeros(shape)
        if len(shape) == 2 and of_recurrent is of_others:
            value = of_others(shape, bits)
        elif len(shape) == 2:
            own = recurrent.get(name, np.zeros(shape[1], bool))
            if not own.all():
                value[:, ~own] = of_others((shape[0], int(np.count_nonzero(~own))), bits)
            for block in (
                np.split(np.flatnonzero(own), np.count_nonzero(own) // shape[0]) if own.any() else ()
            ):
                value[:, block] = of_recurrent((shape[0], shape[0]), bits)
        found[name] = value
    return found


def recurrent_columns(program: Program) -> dict[str, NDArray[np.bool_]]:
    """By matrix `[m, n]` the columns `[n]` that lead from a state of another time step to as many elements.

    In `W_hh @ h[t-1]` and `W_hn @ (r * h[t-1])` all; in `W @ v` with `v = concat(h[t-1], x)` those of `h[t-1]`.
    Only square blocks of columns count: m states to m elements. Matrices without one are left out.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for equation in program.equations.values():
        for expr in walk(equation.root):
            match expr:
                case Apply(operation=operation, args=[matrix, vector]) if operation is PRODUCT_OF_MATRIX:
                    rows, columns = matrix.shape
                    parts = [
                        np.full(width, recurs and width == rows) for width, recurs in _parts(program, vector)
                    ]
                    own = found.get(matrix.source, np.zeros(columns, bool)) | np.concatenate(parts)
                    if own.any():
                        found[matrix.source] = own
    return found


def _parts(program: Program, vector: Expr) -> Iterator[tuple[int, bool]]:
    """The vectors that one consists of: how long each is, and whether it is made of an earlier or a later state."""
    match vector:
        case Read(kind="equation", offset=0, name=name):
            root = program.equations[name].root
            if root.operation.name == "concat":
                yield from _parts(program, root)
                return
        case Apply(operation=operation, args=args) if operation.name == "concat":
            for arg in args:
                yield from _parts(program, arg)
            return
    width = vector.shape[0] if vector.shape else 1
    yield width, any(isinstance(e, Read) and e.kind == "equation" and e.offset != 0 for e in walk(vector))
