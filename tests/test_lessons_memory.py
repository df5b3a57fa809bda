"""The lessons on memory and on the way back show what they say they show."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_engine.core.passes import forward
from rnn_engine.flow import LEFT, horizon
from rnn_tui import cli
from rnn_tui.lessons import ORDER, find
from tests.build import lesson
from tests.runs import (
    LAST,
    NAMES,
    REMEMBER,
    Floats,
    accuracy,
    at,
    changed,
    flow,
    gradient,
    norm,
    right,
    timeline,
    value,
)


def test_they_come_after_the_first_seven() -> None:
    assert set(ORDER[7:]) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_small(name: str) -> None:
    assert find(name).stat().st_size < 10_000
    assert lesson(name).schedule.total < 100_000


def test_only_the_first_token_tells() -> None:
    """Each filler follows once on each letter, so who forgets the letter is right half of the time."""
    for name in (*REMEMBER, "truncated-bptt"):
        lines = ["".join(map(str, s.inputs or ())) for s in lesson(name).replay.data.sequences or ()]
        assert len(set(lines)) == 8 and len({line[1:] for line in lines}) == 4
        for sequence in lesson(name).replay.data.sequences or ():
            assert sequence.inputs is not None and sequence.targets is not None
            assert list(sequence.targets) == [*[None] * (len(sequence.inputs) - 1), sequence.inputs[0]]


def test_one_task_and_one_way_to_train() -> None:
    first, *others = (lesson(name).replay for name in REMEMBER)
    assert all(other.data == first.data and other.training == first.training for other in others)


def test_who_remembers() -> None:
    assert accuracy(timeline("vanishing")) == 0.5
    assert accuracy(timeline("lstm-remembers")) >= 0.99
    assert accuracy(timeline("gru-remembers")) >= 0.99
    answers = timeline("vanishing").ending().tape.value("p")[-1]
    np.testing.assert_allclose(answers[0::2], answers[1::2], atol=1e-5)  # after A and after B
    losses = [float(timeline(name).ending().totals["loss"]["sum"]) for name in REMEMBER]
    assert losses[0] == pytest.approx(np.log(2), abs=0.01), "a coin's toss"
    assert max(losses[1:]) < 0.03


@pytest.mark.parametrize(
    ("name", "number"), [("vanishing", 1), ("vanishing", 75), ("vanishing", LAST), ("gru-remembers", LAST)]
)
def test_the_horizon_is_that_of_its_definition(name: str, number: int) -> None:
    """‖∂h_T/∂h_k‖₂ by central differences, with nothing but the forward pass."""
    iteration = at(name, number)
    tape, plan = iteration.tape, iteration.run.plan
    assert tape.x is not None and tape.y is not None
    T, B, n = tape.T, tape.B, tape.value("h").shape[-1]

    def end(k: int, h: Floats) -> Floats:
        """h_T of the first sequence, if h at place k were this."""
        x, y = tape.x, tape.y
        assert x is not None and y is not None
        rest = T - 1 - k
        initial = {"h": np.broadcast_to(h, (1, B, n)).copy()}
        later = forward(
            plan, iteration.before.parameters, x.window(k + 1, T), y.window(k + 1, T),
            T=rest, B=B, initial=initial, start=k + 1,
        )  # fmt: skip
        found: Floats = later.value("h")[-1, 0].copy()
        return found

    norms = np.ones(T)
    for k in range(T - 1):
        h, eps = tape.value("h")[k, 0].copy(), 1e-6
        columns = [(end(k, h + eps * e) - end(k, h - eps * e)) / (2 * eps) for e in np.eye(n)]
        norms[k] = np.linalg.norm(np.transpose(columns), 2)
    steps = next((back for back in range(1, T) if norms[-1 - back] < LEFT), None)

    found = horizon(iteration)
    assert found is not None and found.state == "h"
    np.testing.assert_allclose(found.norms, norms, rtol=1e-5, atol=1e-9)
    assert found.steps == steps
    assert (name == "vanishing") == (steps is not None and steps < 20)


def test_vanishing_never_sees_as_far_as_its_task(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, LAST + 1, 10):
        found = horizon(at("vanishing", number))
        assert found is not None and found.steps is not None and found.steps < 19
    assert cli.main(["horizon", "vanishing", "--at-least", "19"]) == 1
    line = capsys.readouterr().out
    assert line.startswith("horizon: 6 steps;")
    assert "up to there the hop t=15 → 14 loses most: × 0.239 (nonlinearity × 0.71, weights × 0.337)" in line
    assert cli.main(["horizon", "gru-remembers", "--at-least", "19"]) == 0


def test_the_lstm_s_gradient_goes_through_c() -> None:
    for sequence in range(0, 8, 2):  # those with A, of which unit 3 keeps the sign
        found = flow("lstm-remembers", LAST, sequence)
        assert found.map[-1, 0] / found.map[-1, -1] > 0.3
        assert found.remainder < 1e-12
        through = found.shares(19)
        assert through["c"][:19].min() > 0.85 and np.median(through["c"][:19]) > 0.95
        np.testing.assert_allclose(through["c"][:19] + through["h"][:19], 1.0)
    along = horizon(at("lstm-remembers", LAST), "c")
    assert along is not None and along.steps is None


def test_the_rnn_s_gradient_dies() -> None:
    for number in (1, 50, 100, LAST):
        found = flow("vanishing", number)
        assert found.map[-1, 0] / found.map[-1, -1] < 1e-5
        worst = found.worst(19)
        assert worst is not None and worst.nonlinearity is not None and worst.weights is not None
        assert worst.factor == pytest.approx(worst.nonlinearity * worst.weights)


def test_clipping_makes_the_difference() -> None:
    clipped, free = timeline("exploding-and-clipping"), changed("exploding-and-clipping", clip=None)
    losses = clipped.losses(40)
    assert losses[0] > 400
    assert losses[-1] < 1e-3
    for number in range(1, 41):
        iteration = clipped.iteration(number)
        assert (norm(iteration) > 1) == (number < 18)
        after = [iteration.update.value(name, "g") for name in ("w_xh", "W_hh", "b_h")]
        assert np.sqrt(sum(np.sum(np.square(g)) for g in after)) == pytest.approx(min(1, norm(iteration)))
    assert set(free.losses(40)[1:]) == {free.losses(2)[1]}, "dead for good"
    assert free.losses(2)[1] > 0.1
    assert free.iteration(2).tape.value("h").max() == 0.0
    assert norm(free.iteration(2)) == 0.0


def test_a_window_of_five_cannot_and_one_of_ten_can() -> None:
    run = timeline("truncated-bptt")
    assert run.run.schedule.iterations == 200
    for number in range(1, 201):
        iteration = run.iteration(number)
        assert not iteration.gradients["W_xh"][:, :2].any(), "the columns of A and B"
        if number % 2:
            assert not any(g.any() for g in iteration.gradients.values())
        elif number < 21:
            assert all(iteration.gradients[name].any() for name in ("W_hh", "W_hy"))
    answers = run.ending().tape.value("p")[-1]
    assert np.array_equal(answers[0::2], answers[1::2]), "to the last bit"
    assert accuracy(run) == 0.5
    full = changed("truncated-bptt", window=10)
    assert full.run.schedule.iterations == 100, "as many epochs"
    assert accuracy(full) == 1.0
    assert np.abs(full.iteration(1).gradients["W_xh"][:, :2]).max() > 0.1
    shares = [right(full.iteration(number)) for number in range(1, 101)]
    assert shares[18] < 1 and set(shares[19:]) == {1.0}


def test_two_units_in_matrices() -> None:
    ours, theirs = lesson("bptt-two-units").run, lesson("hi-there-class-bptt").run
    assert ours.dataset.vocabulary == theirs.dataset.vocabulary
    assert lesson("bptt-two-units").replay.data == lesson("hi-there-class-bptt").replay.data
    W, one = ours.parameters, theirs.parameters
    np.testing.assert_array_equal(W["W_xh"][0], one["W_xh"][0])
    np.testing.assert_array_equal(W["W_hy"][:, 0], one["W_hy"][:, 0])
    assert W["W_hh"][0, 0] == one["W_hh"][0, 0]
    name = "bptt-two-units"
    da, dz, h = (
        np.array([part(t) for t in (1, 2, 3, 4)])
        for part in (
            lambda t: gradient(name, 1, "a", t),
            lambda t: gradient(name, 1, "z", t),
            lambda t: value(name, 1, "h", t)[0],
        )
    )
    later = np.vstack([da[1:], np.zeros(2)])
    np.testing.assert_allclose(da, (dz @ W["W_hy"] + later @ W["W_hh"]) * (1 - h**2), atol=1e-15)
    np.testing.assert_allclose(at(name).gradients["W_hh"], da[1:].T @ h[:-1], atol=1e-15)


def test_the_first_of_four_cells_is_the_worked_example() -> None:
    cells, example = at("same-step-four-cells"), at("hi-there-class-bptt")
    for ours, theirs in (("h1", "h"), ("a1", "a")):
        np.testing.assert_allclose(cells.tape.value(ours), example.tape.value(theirs), atol=1e-15)
        np.testing.assert_allclose(cells.tape.gradient(ours), example.tape.gradient(theirs), atol=1e-15)


def test_what_is_left_of_the_last_loss_in_four_cells() -> None:
    """Of every cell, the parts of a unit that a loss four steps on still reaches: gates keep a hundred times more."""
    found = flow("same-step-four-cells")
    first = {state: abs(float(found.items[state][3, 0, 0])) for state in found.states}
    assert first["h2"] == 0.0
    assert min(first["c"], first["h4"]) > 90 * first["h1"]
