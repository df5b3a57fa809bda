"""First values: what each rule promises, which matrices are recurrent, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rnn_engine import texts
from rnn_engine.core.equations import Program, compile_equations
from rnn_engine.errors import EngineError
from rnn_engine.initialise import RULES, Bits, first_values, orthogonal, recurrent_columns, xavier
from rnn_tui.headless.new import FIRST, USUAL, equations, shapes

H, N = 40, 30
SIGMAS = 5
"""A statistic may be off by so many of its standard deviations; seeds are fixed, so this never changes."""


def of_cell(cell: str, hidden: int = H, n: int = N) -> Program:
    text = equations(cell, "vectors")
    return compile_equations(text, shapes(text, n, hidden), x=(n,), y=(n,))


def off_by(q: NDArray[np.float64]) -> float:
    """How far a matrix is from orthogonal."""
    return float(np.abs(q.T @ q - np.eye(len(q))).max())


# ---------------------------------------------------------------- which matrices are recurrent

RECURRENT = {
    "rnn": {"W_hh"},
    "rnn-relu": {"W_hh"},
    "rnn-two-bias": {"W_hh"},
    "layer-norm-rnn": {"W_hh"},
    "leaky-integrator": {"W_hh"},
    "linear-state-space": {"W_hh"},
    "two-delays": {"W_hh", "W_hh2"},
    "stacked-rnn": {"W_gg", "W_hh"},
    "output-feedback": set(),
    "lstm": {"W_hi", "W_hf", "W_ho", "W_hg"},
    "lstm-peephole": {"W_hi", "W_hf", "W_ho", "W_hg"},
    "lstm-concat": {"W_hxi", "W_hxf", "W_hxo", "W_hxg"},
    "gru": {"W_hu", "W_hr", "W_hn"},
    "gru-other-update": {"W_hu", "W_hr", "W_hn"},
    "gru-reset-after": {"W_hu", "W_hr", "W_hn"},
    "minimal-gated-unit": {"W_hf", "W_hn"},
}


@pytest.mark.parametrize("cell", texts.names("cells"))
def test_the_recurrent_matrices_of_every_cell(cell: str) -> None:
    found = recurrent_columns(of_cell(cell))
    assert set(found) == RECURRENT[cell]
    for name, own in found.items():
        assert own.tolist() == [True] * H + [False] * (len(own) - H), name
        assert len(own) == (H + N if cell == "lstm-concat" else H)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("h = W @ h[t-1]", [1, 1]),
        ("h = W @ h[t+1]", [1, 1]),
        ("v = concat(x, h[t-1])\nh = W @ v", [0, 0, 0, 1, 1]),
        ("h = W @ concat(h[t-1], x, h[t-2])", [1, 1, 0, 0, 0, 1, 1]),
        ("h = tanh(W @ (0.5 * h[t-1]) + x0)", [1, 1]),
        ("h = W @ x", None),
        ("g = tanh(V @ x)\nh = W @ g", None),
        ("h = W @ v + h[t-1]", None),
    ],
)
def test_recurrent_columns(text: str, columns: list[int] | None) -> None:
    wide = 3 if columns is None and "@ x" in text.splitlines()[-1] else 2 if columns is None else len(columns)
    given = {"W": (2, wide), "V": (2, 3), "v": (2,), "x0": (2,)}
    names = "".join(c if c.isalnum() else " " for c in text).split()
    assigned = [line.split(" = ")[0] for line in text.splitlines()]
    used = {name: shape for name, shape in given.items() if name in names and name not in assigned}
    program = compile_equations(text.splitlines(), used, x=(3,), initial=None)
    found = recurrent_columns(program)
    assert {name: own.astype(int).tolist() for name, own in found.items()} == (
        {} if columns is None else {"W": columns}
    )


def test_a_matrix_that_is_not_square_is_not_recurrent() -> None:
    assert recurrent_columns(of_cell("output-feedback", 4, 3)) == {}


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("how", RULES)
@pytest.mark.parametrize("cell", texts.names("cells"))
def test_shapes_and_vectors(cell: str, how: str) -> None:
    program = of_cell(cell, 4, 3)
    if how in ("orthogonal", "identity") and not RECURRENT[cell]:
        with pytest.raises(EngineError, match="expected normal, xavier or zeros"):
            first_values(program, how)
        return
    found = first_values(program, how)
    assert {name: value.shape for name, value in found.items()} == dict(program.parameters)
    assert not any(value.any() for value in found.values() if value.ndim == 1)
    assert all(value.any() for value in found.values() if value.ndim == 2) == (how != "zeros")


def test_the_usual_ways_fit_every_cell() -> None:
    for cell in texts.names("cells"):
        first_values(of_cell(cell, 3, 2), FIRST.get(cell, USUAL))


def test_normal() -> None:
    found = first_values(of_cell("rnn", 200, 200), "normal")["W_hh"]
    assert abs(found.mean()) < SIGMAS * 0.1 / 200
    assert found.var() == pytest.approx(0.01, rel=SIGMAS * np.sqrt(2) / 200)
    assert np.abs(found).max() > 0.35  # tails, which a uniform one has not
    assert np.array_equal(found, found.round(6))


def test_xavier() -> None:
    for shape in ((200, 200), (100, 300)):
        found = xavier(shape, Bits(0))
        limit = np.sqrt(6 / sum(shape))
        assert np.abs(found).max() <= limit + 1e-6 and np.abs(found).max() > 0.99 * limit
        # the variance of a uniform distribution's square is 4/45 of its limit's fourth power
        deviation = np.sqrt(4 / 45) * limit**2 / np.sqrt(found.size)
        assert abs(found.var() - 2 / sum(shape)) < SIGMAS * deviation
    cell = first_values(of_cell("lstm", 200, 100), "xavier")
    assert cell["W_xi"].var() == pytest.approx(2 / 300, rel=0.05)
    assert not np.array_equal(cell["W_xi"], cell["W_xf"])


@pytest.mark.parametrize("H", [1, 2, 3, 40, 200])
def test_orthogonal(H: int) -> None:
    program = of_cell("gru", H, 3)
    found = first_values(program, "orthogonal")
    for name in recurrent_columns(program):
        assert found[name].shape == (H, H) and off_by(found[name]) < 1e-12
    beside = first_values(of_cell("lstm-concat", H, 3), "orthogonal")["W_hxf"]
    assert off_by(beside[:, :H]) < 1e-12
    assert np.abs(beside[:, H:]).max() <= np.sqrt(6 / (H + 3)) + 1e-6  # x: as Xavier


def test_rounding_would_cost_orthogonality() -> None:
    """Why these, and no others, are kept with all their digits."""
    q = orthogonal((40, 40), Bits(0))
    assert off_by(q) < 1e-14 < 1e-8 < off_by(q.round(6))


def test_orthogonal_matrices_are_uniform() -> None:
    """Without the sign fix the diagonal would be of one sign; with it the mean of every element is 0."""
    bits = Bits(5)
    many = np.stack([orthogonal((3, 3), bits) for _ in range(2000)])
    assert np.abs(many.mean(axis=0)).max() < SIGMAS / np.sqrt(3 * 2000)
    assert np.mean(np.linalg.det(many) > 0) == pytest.approx(0.5, abs=SIGMAS * 0.5 / np.sqrt(2000))


def test_identity() -> None:
    found = first_values(of_cell("rnn-relu"), "identity")
    assert np.array_equal(found["W_hh"], np.eye(H))
    assert found["W_xh"].std() == pytest.approx(0.1, rel=0.1)
    stacked = first_values(of_cell("stacked-rnn"), "identity")
    assert np.array_equal(stacked["W_gg"], np.eye(H)) and not np.array_equal(stacked["W_gh"], np.eye(H))


# ---------------------------------------------------------------- seeds


@pytest.mark.parametrize("how", ["normal", "xavier", "orthogonal", "identity"])
def test_a_seed_says_it_all(how: str) -> None:
    a, b, c = (first_values(of_cell("lstm", 5, 4), how, seed) for seed in (7, 7, 8))
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not np.array_equal(a["W_xi"], c["W_xi"])


def test_numbers_drawn_are_pinned_down() -> None:
    """Raw bits of PCG64, on every build of NumPy."""
    raw = (11749869230777074271, 4976686463289251617)
    assert Bits(0).uniform((2,)).tolist() == [((bits >> 12) + 0.5) / 2**52 for bits in raw]
    assert xavier((1, 2), Bits(0)).tolist() == [[0.387386, -0.651142]]
    assert first_values(of_cell("rnn", 1, 1), "normal")["W_xh"].tolist() == [[0.035035]]


@pytest.mark.parametrize(
    ("how", "seed", "words"),
    [
        ("he", 0, "'he' is no way to start; expected normal, xavier"),
        ("normal", -1, "a seed of -1; expected 0"),
    ],
)
def test_what_is_refused(how: str, seed: int, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        first_values(of_cell("rnn"), how, seed)
