"""How numbers are written in formulas and sentences, and how much of a vector is shown."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy as np

from rnn_engine.core.operation import ATOM, NEGATIVE, Array, Shape, Text

SMALL = 1e-3
"""Below it six decimals are fewer than four digits, too few to compute along with: it is written by a power of ten."""


class Style(NamedTuple):
    """How much of a number and of a vector a formula shows."""

    decimals: int
    elements: int

    def number(self, value: float) -> str:
        """A number of the run. One of NumPy's is compared in its own kind: the float32 0.1 is 0.1."""
        if not isfinite(value):
            return str(float(value))
        size = abs(value)
        if value == int(value) and size < 1e6:
            return str(int(value))
        text = f"{value:.{self.decimals}f}"
        if size < 1e5 and type(value)(text) == value:
            return text.rstrip("0")
        if size >= 1e5 or size < max(SMALL, 0.5 * 10.0**-self.decimals):
            return f"{value:.{max(self.decimals - 2, 1)}e}"
        return text

    def vector(self, values: Array, scalar: bool) -> Text:
        flat = np.ravel(values)
        first = flat[: 1 if scalar else self.elements]
        shown = [self.number(v) for v in (first.tolist() if flat.dtype == np.float64 else first)]
        if scalar:
            return Text(shown[0], NEGATIVE if shown[0].startswith("-") else ATOM)
        return Text(f"[{', '.join(shown)}{', …' if flat.size > self.elements else ''}]")


STYLES = (Style(6, 8), Style(4, 8), Style(4, 4), Style(4, 2), Style(3, 2), Style(2, 1))
"""From the fullest to the shortest."""


class Shapes:
    """Shapes in the place of names: `[2×4] @ [4]`; a single number is 1."""

    @staticmethod
    def of(shape: Shape) -> Text:
        return Text(f"[{'×'.join(map(str, shape))}]" if shape else "1")


SHAPES = Shapes()
Words = Style | Shapes | None
"""What stands for a value in a formula: its number, its shape, or its name."""


def distinct(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(texts), key=len, reverse=True))
