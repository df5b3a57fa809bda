"""How a pass is bound: what runs as one, whatever the text calls it; what an override leaves alone; shared views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.engine import CELLS, compiled, parameters, tokens
from rnn_engine import texts
from rnn_engine.core.equations import compile_equations
from rnn_engine.core.passes import backward, forward
from rnn_engine.core.plan import Plan, make_plan
from rnn_engine.core.tape import Tape

H, V = 3, 5

BY_HAND = {
    # names of one's own, the gates in another order, the terms too
    "lstm": """
        write = sigmoid(R1 @ s[t-1] + K1 @ x + k1)
        candidate = tanh(R2 @ s[t-1] + K2 @ x + k2)
        keep = sigmoid(R3 @ s[t-1] + K3 @ x + k3)
        cell = keep * cell[t-1] + write * candidate
        show = sigmoid(R4 @ s[t-1] + K4 @ x + k4)
        s = show * tanh(cell)
        """,
    "gru": """
        m = tanh(K1 @ x + k1 + reset * (R1 @ s[t-1] + r1))
        old = sigmoid(K2 @ x + R2 @ s[t-1] + k2)
        s = old * s[t-1] + (1 - old) * m
        reset = sigmoid(K3 @ x + R3 @ s[t-1] + k3)
        """,
}
HEAD = "q = D @ s + d\nchances = softmax(q)\nloss = cross_entropy(chances, y)"


SHAPES = {"K": (H, V), "R": (H, H), "k": (H,), "r": (H,), "D": (V, H), "d": (V,)}
"""By the first letter of a parameter."""
PARAMETERS = {
    "lstm": "K1 K2 K3 K4 R1 R2 R3 R4 k1 k2 k3 k4 D d",
    "gru": "K1 K2 K3 R1 R2 R3 k1 k2 k3 r1 D d",
}


def by_hand(cell: str) -> Plan:
    lines = [line.strip() for line in (BY_HAND[cell] + HEAD).splitlines() if line.strip()]
    shapes = {name: SHAPES[name[0]] for name in PARAMETERS[cell].split()}
    return make_plan(compile_equations(lines, shapes, x=(V,), y=(V,)))


def run(plan: Plan, T: int, B: int = 1, overridden: Sequence[str] = (), seed: int = 0) -> Tape:
    """A window with random weights, and the way back; what is `overridden` is so in places, by the value it has."""
    random = np.random.default_rng(seed)
    weights = {name: random.normal(size=shape) for name, shape in sorted(plan.program.parameters.items())}
    x, y = tokens(V, T, B, 1), tokens(V, T, B, 2)
    tape = forward(plan, weights, x, y, T=T, B=B)
    if overridden:
        values = {name: np.array(tape.value(name)) for name in overridden}
        masks = {name: random.random(value.shape) < 0.5 for name, value in values.items()}
        overrides = {name: (masks[name], np.where(masks[name], values[name], 0.0)) for name in overridden}
        tape = forward(plan, weights, x, y, T=T, B=B, overrides=overrides)
    backward(tape, np.full((T, B), 1.0 / B))
    return tape


def calls(tape: Tape) -> tuple[int, int, int]:
    back = tape.back
    return len(tape.workspace.forward), len(back.calls), len(back.parameter_calls)


@pytest.mark.parametrize("cell", BY_HAND)
def test_a_text_by_hand_runs_in_as_many_calls_as_the_bundled_one(cell: str) -> None:
    """Loop, way back and parameters: what is packed follows from the equations, not from their names or order."""
    for T in (1, 4):
        assert calls(run(by_hand(cell), T)) == calls(run(compiled(cell, H, V), T))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("B", [1, 3])
def test_an_override_by_the_same_value_changes_no_bit(cell: str, B: int) -> None:
    plan = compiled(cell, H, V)
    expected = run(plan, 4, B)
    for name in plan.program.equations:
        if name in ("p", "loss"):  # what stands in for a softmax is no softmax: its loss is another sum
            continue
        found = run(plan, 4, B, [name])
        for other in plan.program.equations:
            assert found.value(other).tobytes() == expected.value(other).tobytes(), (name, other)


@pytest.mark.parametrize("B", [1, 3])
def test_packed_or_not_the_gradients_are_the_same(B: int) -> None:
    """An LSTM beside one whose products are equations, which therefore run each by itself."""
    lines = [*texts.equations("cells", "lstm"), *texts.equations("heads", "tokens")]
    values = parameters("lstm", H, V)
    together = compiled("lstm", H, V)
    alone = [
        "i_h = W_hi @ h[t-1]", "f_h = W_hf @ h[t-1]", "o_h = W_ho @ h[t-1]", "g_h = W_hg @ h[t-1]",
        *(line.replace(f"W_h{gate} @ h[t-1]", f"{gate}_h") for gate, line in zip("ifog", lines[:4], strict=True)),
        *lines[4:],
    ]  # fmt: skip
    apart_plan = make_plan(compile_equations(alone, {n: v.shape for n, v in values.items()}, x=(V,), y=(V,)))
    assert len(apart_plan.distinct_packs) < len(together.distinct_packs)
    one, other = run(together, 4, B), run(apart_plan, 4, B)
    for name in values:
        np.testing.assert_allclose(
            one.parameter_gradients[name], other.parameter_gradients[name], rtol=1e-12, atol=1e-14
        )
    for name in ("i", "f", "o", "g", "c", "h", "z"):
        np.testing.assert_allclose(one.gradient(name), other.gradient(name), rtol=1e-12, atol=1e-14)


def test_numbers_that_several_calls_use_are_one_view() -> None:
    """A long window must not walk through more memory than it has to: h as written and as read at the next t."""
    T = 6
    tape = run(compiled("rnn", H, V), T)
    loop = [args for call, args in tape.workspace.forward if call is np.tanh]
    read = [args for call, args in tape.workspace.forward if call is np.dot][:T]
    assert all(read[t + 1][0] is loop[t][-1] for t in range(T - 1))
