"""Equation texts of the layers of other libraries: every variant that ONNX and PyTorch know, gate by gate.

A layer of one direction is a few lines; `texts` puts layers, stacked and bidirectional, under each other.
Names end in a suffix where there are several (`h_1b`: layer 1, backward). Parameters of a gate g:

    W_xg [H, n]   W_hg [H, H]   b_xg, b_hg [H], the bias beside each product   p_g [H], from the cell state
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import make_plan
from rnn_engine.core.tape import Signal, Tape
from tests.reference import Floats

GATES = {
    "RNN": {"ONNX": "a", "PyTorch": "a"},
    "LSTM": {"ONNX": "iofg", "PyTorch": "ifgo"},
    "GRU": {"ONNX": "urn", "PyTorch": "run"},
}
"""The gates in the order in which each packs them into one matrix; `u` is what ONNX and PyTorch call z."""
ACTIVATIONS: Mapping[str, tuple[str, ...]] = {
    "RNN": ("tanh",),
    "LSTM": ("sigmoid", "tanh", "tanh"),
    "GRU": ("sigmoid", "tanh"),
}


@dataclass(frozen=True)
class Layer:
    """One direction of one layer."""

    kind: str
    """`RNN`, `LSTM` or `GRU`."""
    activations: tuple[str, ...] = ()
    """Of the gates, of the candidate, of the cell state on its way out; the usual ones where there are none."""
    suffix: str = ""
    source: str = "x"
    """What comes in."""
    reverse: bool = False
    biases: bool = True
    peepholes: bool = False
    clip: float | None = None
    """Limits the argument of every activation but that of the cell state."""
    input_forget: bool = False
    """The forget gate is what the input gate leaves."""
    reset_after: bool = False
    """The reset gate of a GRU acts after the matrix product."""

    def lines(self) -> list[str]:
        name, before = self.name, "t+1" if self.reverse else "t-1"
        gate, candidate, out = [*(self.activations or ACTIVATIONS[self.kind]), "", ""][:3]
        h, h_before = name("h"), f"{name('h')}[{before}]"
        if self.kind == "RNN":
            return [f"{name('a')} = {self.limited(self.both('a', h_before))}", f"{h} = {gate}({name('a')})"]
        if self.kind == "GRU":
            u, r, n = map(name, "urn")
            return [
                *(f"{name(g)} = {gate}({self.limited(self.both(g, h_before))})" for g in "ur"),
                f"{n} = {candidate}({self.limited(self.candidate_of_gru(r, h_before))})",
                f"{h} = (1 - {u}) * {n} + {u} * {h_before}",
            ]
        i, f, g, c, o = map(name, "ifgco")
        c_before = f"{c}[{before}]"
        forget = f"1 - {i}" if self.input_forget else self.gate("f", gate, h_before, c_before)
        return [
            f"{i} = {self.gate('i', gate, h_before, c_before)}",
            f"{f} = {forget}",
            f"{g} = {candidate}({self.limited(self.both('g', h_before))})",
            f"{c} = {f} * {c_before} + {i} * {g}",
            f"{o} = {self.gate('o', gate, h_before, c)}",
            f"{h} = {o} * {out}({c})",
        ]

    @property
    def gates(self) -> str:
        """Those that have weights."""
        every = GATES[self.kind]["ONNX"]
        return every.replace("f", "") if self.input_forget else every

    def name(self, letter: str) -> str:
        return f"{letter}{self.suffix}"

    def gate(self, g: str, activation: str, h: str, c: str) -> str:
        peep = f" + {self.name('p_' + g)} * {c}" if self.peepholes else ""
        return f"{activation}({self.limited(self.both(g, h) + peep)})"

    def both(self, g: str, h: str) -> str:
        """What comes in and what was, each with its weights and bias."""
        return f"{self.half('x', g, self.source)} + {self.half('h', g, h)}"

    def half(self, end: str, g: str, vector: str) -> str:
        bias = f" + {self.name(f'b_{end}{g}')}" if self.biases else ""
        return f"{self.name(f'W_{end}{g}')} @ {vector}{bias}"

    def candidate_of_gru(self, r: str, h: str) -> str:
        x = self.half("x", "n", self.source)
        return (
            f"{x} + {r} * ({self.half('h', 'n', h)})"
            if self.reset_after
            else f"{x} + {self.half('h', 'n', f'({r} * {h})')}"
        )

    def limited(self, argument: str) -> str:
        return argument if self.clip is None else f"clip({argument}, {-self.clip!r}, {self.clip!r})"


def from_onnx(layer: Layer, inputs: Mapping[str, Any], direction: int) -> dict[str, Floats]:
    """The parameters of a layer out of ONNX's packed W, R, B and P (gates of P: i o f)."""
    order = GATES[layer.kind]["ONNX"]
    packed = {"W_x": inputs["W"], "W_h": inputs["R"]}
    parameters = {
        f"{end}{g}": part
        for end, values in packed.items()
        for g, part in zip(order, np.split(np.array(values[direction], dtype=float), len(order)), strict=True)
    }
    if layer.biases:
        parts = np.split(np.array(inputs["B"][direction], dtype=float), 2 * len(order))
        ends = [f"b_{end}{g}" for end in "xh" for g in order]
        parameters |= dict(zip(ends, parts, strict=True))
    if layer.peepholes:
        parts = np.split(np.array(inputs["P"][direction], dtype=float), 3)
        parameters |= dict(zip(("p_i", "p_o", "p_f"), parts, strict=True))
    unused = set(order) - set(layer.gates)
    return {layer.name(key): value for key, value in parameters.items() if key[-1] not in unused}


PACKED = (("W_x", "weight_ih"), ("W_h", "weight_hh"), ("b_x", "bias_ih"), ("b_h", "bias_hh"))
"""Our parameters of a gate and PyTorch's of all."""


def from_torch(layer: Layer, packed: Mapping[str, ArrayLike], ending: str) -> dict[str, Floats]:
    """The same out of PyTorch's `weight_ih_l0`, …; `ending` is what follows the `l` (`0`, `1_reverse`)."""
    order = GATES[layer.kind]["PyTorch"]
    found: dict[str, Floats] = {}
    for ours, theirs in PACKED:
        parts = np.split(np.array(packed[f"{theirs}_l{ending}"], dtype=float), len(order))
        found |= {layer.name(f"{ours}{g}"): part for g, part in zip(order, parts, strict=True)}
    return found


def to_torch(layer: Layer, parameters: Mapping[str, Floats], ending: str) -> dict[str, Floats]:
    """The way back."""
    return {
        f"{theirs}_l{ending}": np.concatenate(
            [parameters[layer.name(f"{ours}{g}")] for g in GATES[layer.kind]["PyTorch"]]
        )
        for ours, theirs in PACKED
    }


def signal(values: ArrayLike) -> Signal:
    """`[T][B][n]` as the engine takes it."""
    array = np.array(values, dtype=float)
    return Signal(array, array.shape[2:])


def run(
    lines: Sequence[str],
    parameters: Mapping[str, Floats],
    x: Signal,
    y: Signal | None = None,
    initial: Mapping[str, ArrayLike] | None = None,
    weight: float = 1.0,
    lengths: Sequence[int] | None = None,
) -> Tape:
    """One window, forward and, where there is a loss, backward; `initial` `[B][n]` per state."""
    T, B = x.values.shape[:2]
    program = compile_equations(
        lines,
        {name: value.shape for name, value in parameters.items()},
        x=x.shape,
        y=None if y is None else y.shape,
    )
    states = {name: np.array(value, dtype=float)[None] for name, value in (initial or {}).items()}
    padding = None if lengths is None else np.arange(T)[:, None] >= np.array(lengths)
    tape = forward(make_plan(program), parameters, x, y, T=T, B=B, initial=states, padding=padding)
    if "loss" in program.equations:
        weights = np.full((T, B), weight)
        if y is not None and y.missing is not None:
            weights[y.missing] = 0.0
        if padding is not None:
            weights[padding] = 0.0
        backward(tape, weights)
    return tape
