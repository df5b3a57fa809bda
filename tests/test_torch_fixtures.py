"""The engine against PyTorch in float64; tools/make_torch_fixtures.py made the numbers.

Layers: every h and c, every gradient of them, of every parameter and of the initial states. Optimisers: all losses
and the final weights of 50 iterations. Agreement within 1e-10 relative, number by number.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rnn_engine import texts
from rnn_engine.core.tape import Signal, Tape
from tests.build import iterations, session
from tests.peer_texts import Layer, from_torch, run, signal, to_torch
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
    np.testing.assert_allclose(np.array(ours), np.array(theirs), rtol=RELATIVE, atol=ABSOLUTE, err_msg=what)


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
        below = both(names)
    return found


def both(suffixes: Sequence[str]) -> str:
    """The h of a layer, of both directions where there are two."""
    return f"concat(h{suffixes[0]}, h{suffixes[1]})" if len(suffixes) > 1 else f"h{suffixes[0]}"


def equations(layers: Sequence[Layer], bidirectional: bool) -> list[str]:
    """The layers with the output on the last."""
    top = both([layer.suffix for layer in layers[-2 if bidirectional else -1 :]])
    return [line for layer in layers for line in layer.lines()] + [f"z = W_hy @ {top} + b_y", *HEAD]


def classes(y: ArrayLike) -> Signal:
    """`[T][B]` whole numbers as targets."""
    values = np.array(y)
    return Signal(values[..., None].astype(float), (), values)


def engine(
    case: Mapping[str, Any], T: int, sequences: slice, lengths: list[int] | None = None
) -> tuple[Tape, dict[str, Layer]]:
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
        lengths=lengths,
    )
    return tape, layers


def weight_gradients(tape: Tape, layers: Mapping[str, Layer]) -> dict[str, Floats]:
    """Ours, packed as PyTorch packs them."""
    found = {name: tape.parameter_gradients[name] for name in ("W_hy", "b_y")}
    for ending, layer in layers.items():
        found |= to_torch(layer, tape.parameter_gradients, ending)
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
    found = weight_gradients(tape, layers)
    for name, gradients in case["weight_gradients"].items():
        agree(found[name], gradients, f"∂{name}")


@pytest.mark.parametrize("case", LENGTHS, ids=name_of)
def test_sequences_of_other_lengths_side_by_side(case: Mapping[str, Any]) -> None:
    """Masked in one batch: nothing behind a sequence's end touches a number before it, and the state is kept."""
    lengths = case["lengths"]
    tape, layers = engine(case, len(case["x"]), slice(None), lengths)
    for name, values in case["values"].items():
        for b, T in enumerate(lengths):
            agree(tape.value(name)[:T, b], np.array(values)[:T, b], name)
            if name in tape.plan.program.delays:
                assert (tape.value(name)[T:, b] == tape.value(name)[T - 1, b]).all()
    for name, gradients in case["gradients"].items():
        for b, T in enumerate(lengths):
            agree(tape.gradient(name)[:T, b], np.array(gradients)[:T, b], f"∂{name}")
            if (
                name not in tape.plan.program.leads
            ):  # a reverse sweep starts behind the end, and keeps what it is given
                assert not tape.gradient(name)[T:, b].any()
    for name, gradients in case["initial_gradients"].items():
        agree(tape.initial_gradient(name)[0], gradients, f"∂{name}[0]")
    found = weight_gradients(tape, layers)
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
            agree(tape.gradient(name)[:, 0], np.array(gradients)[:T, b], f"∂{name}")
        for name, gradients in case["initial_gradients"].items():
            agree(tape.initial_gradient(name)[0, 0], np.array(gradients)[b], f"∂{name}[0]")
        for name, gradient in weight_gradients(tape, layers).items():
            totals[name] = totals.get(name, 0.0) + gradient
    for name, gradients in case["weight_gradients"].items():
        agree(totals[name], gradients, f"∂{name}")


CELLS = {
    "rnn": ("RNN", "tanh"),
    "rnn-two-bias": ("RNN", "tanh"),
    "rnn-relu": ("RNN", "relu"),
    "lstm": ("LSTM", ""),
    "gru-reset-after": ("GRU", ""),
}


def renamed(weights: Mapping[str, Any], cell: str) -> dict[str, Floats]:
    """PyTorch's weights by the names in the text of a cell; an RNN's lead to h, and its gate is called a."""
    found = from_torch(Layer(CELLS[cell][0]), weights, "0")
    return {name[:-1] + name[-1].replace("a", "h"): value for name, value in found.items()}


@pytest.mark.parametrize("cell", CELLS)
def test_the_bundled_cells(cell: str) -> None:
    """One bias of theirs stands for the sum of PyTorch's two, and has the gradient of each."""
    lines = [*texts.equations("cells", cell), "z = W_hy @ h + b_y", *HEAD]
    used = set(re.findall(r"[Wb]_\w+", "\n".join(lines)))
    cases = [c for c in LAYERS if (c["kind"], c["activation"], c["layers"]) == (*CELLS[cell], 1)]
    for case in [c for c in cases if not c["bidirectional"]]:
        weights, gradients = (renamed(case[key], cell) for key in ("weights", "weight_gradients"))
        for given, source in ((weights, case["weights"]), (gradients, case["weight_gradients"])):
            given |= {name: np.array(source[name]) for name in ("W_hy", "b_y")}
        for name in used - set(weights):
            weights[name] = weights[f"b_x{name[-1]}"] + weights[f"b_h{name[-1]}"]
            gradients[name] = gradients[f"b_x{name[-1]}"]
        tape = run(
            lines,
            {name: value for name, value in weights.items() if name in used},
            signal(case["x"]),
            classes(case["y"]),
            {name.removesuffix("_1"): value for name, value in case["initial"].items()},
            weight=1.0 / len(case["lengths"]),
        )
        agree(tape.value("h"), case["values"]["h_1"], "h")
        agree(tape.gradient("h"), case["gradients"]["h_1"], "∂h")
        for name in used:
            agree(tape.parameter_gradients[name], gradients[name], f"∂{name}")


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
