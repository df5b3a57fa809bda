"""The numbers that other libraries and tutorials publish, against the engine running a text of the same layer.

tests/fixtures/peer-suites.json holds them with their sources. Every layer is compared with what is published, within
the precision in which it is printed, and with a plain NumPy loop in float64.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.peer_texts import Layer, from_onnx, run, signal
from tests.reference import Floats

FIXTURE = Path(__file__).parent / "fixtures" / "peer-suites.json"
CASES: list[dict[str, Any]] = json.loads(FIXTURE.read_text("utf-8"))["layers"]

NOT_COVERED: Mapping[str, str] = {}
"""Case → why the language cannot say it. Numbers that are wrong in their source are listed in the fixture."""


def lengths(case: Mapping[str, Any]) -> list[int]:
    """How many time steps each sequence of the batch has."""
    x = case["inputs"]["X"]
    return list(case["inputs"].get("sequence_lens", [len(x)] * len(x[0])))


SHORTER = tuple(c["id"] for c in CASES if set(lengths(c)) != {len(c["inputs"]["X"])})
"""Cases with sequences shorter than the batch: they run by themselves, and then once more padded in one batch."""


def layers(case: Mapping[str, Any]) -> list[Layer]:
    """The directions of a case."""
    ways = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[case["direction"]]
    each = len(case["activations"]) // len(ways)
    return [
        Layer(
            case["op"],
            activations=tuple(case["activations"][d * each : (d + 1) * each]),
            suffix="_b" if reverse else "",
            reverse=reverse,
            biases="B" in case["inputs"],
            peepholes="P" in case["inputs"],
            clip=case.get("clip"),
            input_forget=case.get("input_forget", False),
            reset_after=case.get("linear_before_reset", False),
        )
        for d, reverse in enumerate(ways)
    ]


def engine(
    case: Mapping[str, Any], x: Floats, sequences: slice, lengths: list[int] | None = None
) -> dict[str, Floats]:
    """Y `[T, D, B, H]`, Y_h and Y_c `[D, B, H]` of some of the sequences, as the engine computes them.

    With `lengths` the shorter ones are padded; what they end with is the state that they keep.
    """
    inputs, parts = case["inputs"], layers(case)
    parameters: dict[str, Floats] = {}
    initial: dict[str, Floats] = {}
    for d, layer in enumerate(parts):
        parameters |= from_onnx(layer, inputs, d)
        for letter in "hc":
            if f"initial_{letter}" in inputs:
                initial[layer.name(letter)] = np.array(inputs[f"initial_{letter}"][d], dtype=float)[sequences]
    lines = [line for layer in parts for line in layer.lines()]
    tape = run(lines, parameters, signal(x), initial=initial, lengths=lengths)
    found = {"Y": np.stack([tape.value(layer.name("h")) for layer in parts], axis=1)}
    for letter in "hc" if case["op"] == "LSTM" else "h":
        last = [tape.value(layer.name(letter))[0 if layer.reverse else -1] for layer in parts]
        found[f"Y_{letter}"] = np.stack(last)
    return found


def loop(case: Mapping[str, Any], x: Floats, b: int) -> dict[str, Floats]:
    """The same for sequence b alone `[T, D, H]`, `[D, H]`: a loop over column vectors, with no text in between."""
    act: dict[str, Callable[[Floats], Floats]] = {
        "tanh": np.tanh,
        "relu": lambda v: np.maximum(v, 0),
        "sigmoid": lambda v: (1 + np.tanh(v / 2)) / 2,
    }
    inputs, found = case["inputs"], {}
    for d, layer in enumerate(layers(case)):
        W, R = np.array(inputs["W"][d]), np.array(inputs["R"][d])
        H = R.shape[1]
        bias = np.array(inputs["B"][d]) if layer.biases else np.zeros(2 * W.shape[0])
        bx, bh = bias.reshape(2, -1, H)
        peep = np.array(inputs["P"][d]).reshape(3, H) if layer.peepholes else np.zeros((3, H))
        W, R = W.reshape(-1, H, W.shape[1]), R.reshape(-1, H, H)
        names = layer.activations
        f, g, k = (act[name] for name in (*names, "tanh", "tanh")[:3])
        limit = np.inf if layer.clip is None else layer.clip

        def cut(v: Floats, limit: float = limit) -> Floats:
            return np.clip(v, -limit, limit)

        h = np.array(inputs["initial_h"][d][b]) if "initial_h" in inputs else np.zeros(H)
        c = np.array(inputs["initial_c"][d][b]) if "initial_c" in inputs else np.zeros(H)
        outputs = np.zeros((len(x), H))
        for t in reversed(range(len(x))) if layer.reverse else range(len(x)):
            if layer.kind == "RNN":
                h = f(cut(W[0] @ x[t] + R[0] @ h + bx[0] + bh[0]))
            elif layer.kind == "LSTM":
                a = [W[j] @ x[t] + R[j] @ h + bx[j] + bh[j] for j in range(4)]
                i = f(cut(a[0] + peep[0] * c))
                keep = 1 - i if layer.input_forget else f(cut(a[2] + peep[2] * c))
                c = keep * c + i * g(cut(a[3]))
                h = f(cut(a[1] + peep[1] * c)) * k(c)
            else:
                z, r = (f(cut(W[j] @ x[t] + R[j] @ h + bx[j] + bh[j])) for j in range(2))
                recurrent = r * (R[2] @ h + bh[2]) if layer.reset_after else R[2] @ (r * h) + bh[2]
                h = (1 - z) * g(cut(W[2] @ x[t] + bx[2] + recurrent)) + z * h
            outputs[t] = h
        found[d] = (outputs, h, c)
    Y, Y_h, Y_c = (np.stack([found[d][j] for d in found], axis=-2) for j in range(3))
    return {"Y": Y, "Y_h": Y_h, "Y_c": Y_c}


def pieces(case: Mapping[str, Any]) -> Iterator[tuple[dict[str, Floats], dict[str, Floats], slice, int]]:
    """What the engine finds and what is published, for sequences of equal length together, else one by one.

    With the sequences and their length; one of no time steps is left out: nothing runs.
    """
    x, lens = np.array(case["inputs"]["X"], dtype=float), lengths(case)
    batches = [slice(b, b + 1) for b in range(len(lens))] if case["id"] in SHORTER else [slice(None)]
    for part in batches:
        T = lens[part][0]
        if T == 0:
            continue
        published = {
            key: np.array(value)[:T, :, part] if key == "Y" else np.array(value)[:, part]
            for key, value in case["outputs"].items()
        }
        yield engine(case, x[:T, part], part), published, part, T


@pytest.mark.parametrize("case", [c for c in CASES if c["id"] not in NOT_COVERED], ids=lambda c: c["id"])
def test_a_published_layer(case: Mapping[str, Any]) -> None:
    differences: dict[str, list[float]] = {key: [0.0] for key in case["outputs"]}
    for found, published, part, T in pieces(case):
        for key, value in published.items():
            assert found[key].shape == value.shape
            difference = float(np.abs(found[key] - value).max())
            assert difference <= case["tolerance"], key
            differences[key].append(difference)
        for b in range(len(lengths(case)))[part]:
            exact = loop(case, np.array(case["inputs"]["X"])[:T, b], b)
            for key, value in found.items():
                in_batch = value[..., b - (part.start or 0), :]
                assert np.abs(in_batch - exact[key]).max() < 1e-12, key
    for key, off_by in case["off_by"].items():
        # what the source's digits leave open is known from elsewhere, so this pins down our value as well
        assert max(differences[key]) == pytest.approx(off_by, abs=1e-9), key


@pytest.mark.parametrize("case", [c for c in CASES if c["id"] in SHORTER], ids=lambda c: c["id"])
def test_a_published_layer_with_lengths_in_one_batch(case: Mapping[str, Any]) -> None:
    """Padded and masked, all sequences at once: what is published, and the sequences by themselves to the last bits."""
    x, lens = np.array(case["inputs"]["X"], dtype=float), lengths(case)
    found = engine(case, x, slice(None), lens)
    for b, T in enumerate(lens):
        alone = loop(case, x[:T, b], b)
        for key, value in case["outputs"].items():
            own, published = found[key][..., b, :], np.array(value)[..., b, :]
            if key == "Y":
                own, published = own[:T], published[:T]
            assert np.abs(own - published).max(initial=0.0) <= case["tolerance"], (key, b)
            assert np.abs(own - alone[key]).max(initial=0.0) < 1e-12, (key, b)


@pytest.mark.parametrize("case", [c for c in CASES if 0 in lengths(c)], ids=lambda c: c["id"])
def test_what_is_published_behind_a_sequence_is_zero(case: Mapping[str, Any]) -> None:
    for b, T in enumerate(lengths(case)):
        assert not np.array(case["outputs"]["Y"])[T:, :, b].any()


def test_every_case_is_there() -> None:
    assert len(CASES) == 119 and len({c["id"] for c in CASES}) == 119
    assert len(SHORTER) == 34
    assert set(NOT_COVERED) <= {c["id"] for c in CASES}
