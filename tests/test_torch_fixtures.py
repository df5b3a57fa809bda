"""The engine against PyTorch in float64; tools/make_torch_fixtures.py made the numbers.

Layers: every h and c, every gradient of them, of every parameter and of the initial states. Optimisers: all losses
and the final weights of 50 iterations. Agreement within 1e-10 relative, number by number.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rnn_engine import texts
from rnn_engine.core.tape import Signal, Tape
from tests.build import iterations, session
from tests.peer_texts import Layer, from_torch, run, signal
from tests.reference import Floats

FOLDER = Path(__file__).parent / "fixtures" / "torch"
RELATIVE, ABSOLUTE = 1e-10, 1e-14
"""The absolute part is for sums that cancel to nearly nothing, all of them of numbers near 1."""
HEAD = ("p = softmax(z)", "loss = cross_entropy(p, y)")


def load(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return found


LAYERS, LENGTHS, OPTIMIZERS = load("layers"), load("lengths"), load("optimizers")


def agree(ours: ArrayLike, theirs: ArrayLike, what: str) -> None:
    np.testing.assert_allclose(ours, np.array(theirs), rtol=RELATIVE, atol=ABSOLUTE, err_msg=what)


def stack(case: Mapping[str, Any]) -> dict[str, Layer]:
    """The layers of a case, by what PyTorch's names end in."""
    found, below = {}, "x"
    ways = ("", "b") if case["bidirectional"] else ("",)
    activations = (case["activation"],) if case["kind"] == "RNN" else ()
    for k in range(case["layers"]):
        names = [f"_{k + 1}{way}" for way in ways]
        for way, suffix in zip(ways, names, strict=True):
            ending = f"{k}{'_reverse' if way else ''}"
            found[ending] = Layer(
                case["kind"], activations, suffix, below, reverse=bool(way), reset_after=True
            )
        below = " , ".join(f"h{suffix}" for suffix in names)
        below = f"concat({below})" if len(ways) > 1 else below
    return found


def equations(layers: Sequence[Layer], bidirectional: bool) -> list[str]:
    top = layers[-2:] if bidirectional else layers[-1:]
    hidden = ", ".join(layer.name("h") for layer in top)
    output = f"concat({hidden})" if bidirectional else hidden
    return [line for layer in layers for line in layer.lines()] + [f"z = W_hy @ {output} + b_y", *HEAD]


def classes(y: ArrayLike) -> Signal:
    """`[T][B]` whole numbers as targets."""
    values = np.array(y)
    return Signal(values[..., None].astype(float), (), values)


def engine(case: Mapping[str, Any], T: int, sequences: slice) -> tuple[Tape, dict[str, Layer]]:
    """Some sequences of a case over their first T time steps."""
    layers, B = stack(case), len(case["lengths"])
    parameters = {name: np.array(case["weights"][name]) for name in ("W_hy", "b_y")}
    for ending, layer in layers.items():
        parameters |= from_torch(layer, case["weights"], ending)
    tape = run(
        equations(list(layers.values()), case["bidirectional"]),
        parameters,
        signal(np.array(case["x"])[:T, sequences]),
        classes(np.array(case["y"])[:T, sequences]),
        {name: np.array(value)[sequences] for name, value in case["initial"].items()},
        weight=1.0 / B,
    )
    return tape, layers


def weight_gradients(tape: Tape, layers: Mapping[str, Layer], like: Mapping[str, Any]) -> dict[str, Floats]:
    """Ours, packed as PyTorch packs them."""
    found = dict(tape.parameter_gradients)
    for ending, layer in layers.items():
        places = {f"{w}_l{ending}": np.array(like[f"{w}_l{ending}"]) for w in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        rows = {name: np.arange(value.size, dtype=float).reshape(value.shape) for name, value in places.items()}
        for name, value in rows.items():
            packed = np.empty(value.size)
            for ours, index in from_torch(layer, rows, ending).items():
                kind = {"weight_ih": "W_x", "weight_hh": "W_h", "bias_ih": "b_x", "bias_hh": "b_h"}[name.split("_l")[0]]
                if ours.startswith(kind):
                    packed[index.astype(int)] = tape.parameter_gradients[ours]
            found[name] = packed.reshape(value.shape)
    return found


def name_of(case: Mapping[str, Any]) -> str:
    kind = f"{case['kind']}-{case['activation']}".rstrip("-")
    both = "-bidirectional" if case["bidirectional"] else ""
    return f"{kind}-{case['layers']}{both}-B{len(case['lengths'])}{'-given' if case['given'] else ''}"


@pytest.mark.parametrize("case", LAYERS, ids=name_of)
def test_layers(case: Mapping[str, Any]) -> None:
    tape, layers = engine(case, len(case["x"]), slice(None))
    for name, values in case["values"].items():
        agree(tape.value(name), values, name)
    agree(tape.value("loss").sum() / tape.B, case["loss"], "loss")
    for name, gradients in case["gradients"].items():
        agree(tape.gradient(name), gradients, f"∂{name}")
    for name, gradients in case["initial_gradients"].items():
        agree(tape.initial_gradient(name)[0], gradients, f"∂{name}[0]")
    found = weight_gradients(tape, layers, case["weights"])
    for name, gradients in case["weight_gradients"].items():
        agree(found[name], gradients, f"∂{name}")


@pytest.mark.parametrize("case", LENGTHS, ids=name_of)
def test_sequences_of_other_lengths_each_by_itself(case: Mapping[str, Any]) -> None:
    """PyTorch has them packed in one batch; alone, their gradients add up to the same."""
    totals: dict[str, Floats] = {}
    for b, T in enumerate(case["lengths"]):
        tape, layers = engine(case, T, slice(b, b + 1))
        for name, values in case["values"].items():
            agree(tape.value(name)[:, 0], np.array(values)[:T, b], name)
        for name, gradients in case["gradients"].items():
            ours = tape.gradient(name)[:, 0].copy()
            agree(ours[: T - 1], np.array(gradients)[: T - 1, b], f"∂{name}")
        for name, gradients in case["initial_gradients"].items():
            agree(tape.initial_gradient(name)[0, 0], np.array(gradients)[b], f"∂{name}[0]")
        for name, gradient in weight_gradients(tape, layers, case["weights"]).items():
            totals[name] = totals.get(name, 0.0) + gradient
    for name, gradients in case["weight_gradients"].items():
        agree(totals[name], gradients, f"∂{name}")


CELLS = {"rnn": ("RNN", "tanh"), "rnn-relu": ("RNN", "relu"), "lstm": ("LSTM", ""), "gru-reset-after": ("GRU", "")}


def bundled(cell: str) -> Iterator[dict[str, Any]]:
    """The cases of one layer in one direction: those which a cell's own text can run."""
    for case in LAYERS:
        if (case["kind"], case["activation"], case["layers"]) == (*CELLS[cell], 1) and not case["bidirectional"]:
            yield case


@pytest.mark.parametrize("cell", CELLS)
def test_the_bundled_cells(cell: str) -> None:
    """Their biases stand for the sum of PyTorch's two, where the text has one."""
    lines = [*texts.equations("cells", cell), "z = W_hy @ h + b_y", *HEAD]
    for case in bundled(cell):
        layer = Layer(case["kind"])
        theirs = from_torch(layer, case["weights"], "0")
        grads = from_torch(layer, case["weight_gradients"], "0")
        if case["kind"] == "RNN":  # they lead to h, not to a gate
            theirs, grads = ({n[:-1] + ("h" if n[-1] == "a" else n[-1]): v for n, v in d.items()} for d in (theirs, grads))
        parameters = {name: np.array(case["weights"][name]) for name in ("W_hy", "b_y")}
        expected = {name: np.array(case["weight_gradients"][name]) for name in ("W_hy", "b_y")}
        for name in theirs:
            one = f"b_{name[-1]}"
            if name.startswith("W") or any(name in line for line in lines):
                parameters[name], expected[name] = theirs[name], grads[name]
            elif one not in parameters:
                parameters[one] = theirs[f"b_x{name[-1]}"] + theirs[f"b_h{name[-1]}"]
                expected[one] = grads[name]
        initial = {name.removesuffix("_1"): value for name, value in case["initial"].items()}
        weight = 1.0 / len(case["lengths"])
        tape = run(lines, parameters, signal(case["x"]), classes(case["y"]), initial, weight=weight)
        agree(tape.value("h"), case["values"]["h_1"], "h")
        agree(tape.gradient("h"), case["gradients"]["h_1"], "∂h")
        for name, gradient in expected.items():
            agree(tape.parameter_gradients[name], gradient, f"∂{name}")


@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda c: f"{c['kind']}-{c['optimizer']}-{c['clip']}")
def test_optimizers(case: Mapping[str, Any]) -> None:
    layer = Layer(case["kind"], reset_after=True)
    parameters = {name: np.array(case["weights"][name]) for name in ("W_hy", "b_y")}
    parameters |= from_torch(layer, case["weights"], "0")
    x, y = case["x"], case["y"]
    B, steps = len(x[0]), len(case["losses"])
    training: dict[str, Any] = {
        "optimizer": {"name": case["optimizer"], "learning_rate": case["learning_rate"]},
        "reduction": {"time": "mean", "batch": "mean"},
        "iterations": steps,
    }
    if case["clip"]:
        training["clip"] = {"kind": case["clip"], "limit": case["limit"]}
    sequences = [{"inputs": [row[b] for row in x], "targets": [row[b] for row in y]} for b in range(B)]
    ran = session(
        "\n".join([*layer.lines(), "z = W_hy @ h + b_y", *HEAD]),
        {name: value.tolist() for name, value in parameters.items()},
        data={"sequences": sequences, "batch": B},
        training=training,
    )
    losses, final = [], {}
    for iteration in iterations(ran):
        losses.append(iteration.objective)
        final = dict(iteration.after.parameters)
    agree(losses, case["losses"], "losses")
    expected = {name: np.array(case["final"][name]) for name in ("W_hy", "b_y")}
    for name, weight in (expected | from_torch(layer, case["final"], "0")).items():
        agree(final[name], weight, name)
