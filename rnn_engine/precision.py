"""The two kinds of numbers that a run can be made of, and how they are written.

A number is written in the shortest decimal that reads back as the same number of its kind: the float32 nearest to
0.1 is `0.1`, and not 0.10000000149011612, which is the same number as a float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_engine.core.equations import Program
from rnn_engine.core.language import Constant, walk
from rnn_engine.core.operation import Array
from rnn_engine.errors import EngineError


def shortest(values: NDArray[Any]) -> Array:
    """float32 numbers as the float64 numbers whose shortest decimals are theirs; float64 numbers as they are."""
    if values.dtype.char != "f":  # quicker than to compare types, and asked for every record of a trace
        return values
    found: Array = values.astype("U32").astype(np.float64)  # NumPy writes a float32 in its shortest decimal
    return found


def shortest_number(value: float, dtype: str) -> float:
    """One number of a run likewise; what is no float32 (a share, a difference of two) stays as it is."""
    if dtype == "float64":
        return value
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    return float(str(narrow)) if float(narrow) == value else value


def rounded(values: NDArray[Any], dtype: str, what: str, *, over_time: bool = False) -> Array:
    """Numbers of a file as numbers of a run; `[T, …]` where they go over time.

    Raises `EngineError` where a finite one is beyond what those can be.
    """
    with np.errstate(over="ignore", under="ignore"):
        found: Array = values.astype(dtype)
    beyond = np.argwhere(np.isinf(found) & np.isfinite(values))
    if len(beyond):
        at = tuple(beyond[0])
        where = f" at t={at[0] + 1}" if over_time else "".join(f"[{k}]" for k in at)
        most = f"{np.finfo(dtype).max:.1e}"
        raise EngineError(f"{what}{where}: {float(values[at])!r} is beyond {dtype}; expected at most {most}")
    return found


def check_constants(program: Program, dtype: str) -> None:
    """Refuse the numbers in a text that are beyond `dtype`. Raises `EngineError`."""
    for equation in program.equations.values():
        for expr in walk(equation.root):
            if isinstance(expr, Constant):
                rounded(np.array(expr.value), dtype, f"equation {equation.number}, column {expr.column}")
