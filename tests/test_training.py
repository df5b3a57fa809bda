"""Windows, reductions, clipping, optimisers: each against the oracle or an independent formula."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_engine.core.tape import Tape
from rnn_engine.errors import EngineError
from rnn_engine.reduction import Reduction
from rnn_engine.schedule import windows_of_epoch
from rnn_engine.session import Session
from rnn_engine.trace import records
from rnn_engine.training import Iteration
from tests import reference
from tests.build import iterations, of_case, session
from tests.reference import Case
from tests.strategies import cases

RNN = "h = tanh(w * h[t-1] + u * x)\nloss = half_squared_error(h, y)"
PARAMETERS = {"w": 0.7, "u": -0.4}


def ladder(T: int) -> dict[str, list[float]]:
    return {"inputs": [0.5 + k / 4 for k in range(T)], "targets": [0.25 * k - 0.5 for k in range(T)]}


# ---------------------------------------------------------------- windows


@pytest.mark.parametrize(
    ("lengths", "window", "keep", "carry", "expected"),
    [
        ([5], None, True, True, [(0, 0, 5, True)]),
        ([5], 2, True, True, [(0, 0, 2, True), (0, 2, 4, False), (0, 4, 5, False)]),
        ([5], 2, False, True, [(0, 0, 2, True), (0, 2, 4, False)]),
        ([5], 2, True, False, [(0, 0, 2, True), (0, 2, 4, True), (0, 4, 5, True)]),
        ([2, 3], 2, True, True, [(0, 0, 2, True), (1, 0, 2, True), (1, 2, 3, False)]),
        ([1, 3], 2, False, True, [(1, 0, 2, True)]),
        ([3], 9, True, True, [(0, 0, 3, True)]),
        ([3], 9, False, True, []),
    ],
)
def test_windows(
    lengths: list[int],
    window: int | None,
    keep: bool,
    carry: bool,
    expected: list[tuple[int, int, int, bool]],
) -> None:
    found = windows_of_epoch(lengths, window, keep, carry)
    assert list(found) == expected


@pytest.mark.parametrize("carry", [True, False])
def test_a_state_is_carried_on_or_reset(carry: bool) -> None:
    data = {"sequences": [ladder(5), ladder(3)]}
    training = {"window": 2, "carry": carry, "epochs": 2}
    ran = list(iterations(session(RNN, PARAMETERS, data=data, training=training, initial={"h": 0.3})))
    assert [it.window.start for it in ran] == [0, 2, 4, 0, 2] * 2
    for before, it in zip([None, *ran], ran, strict=False):
        goes_on = carry and it.window.start > 0
        expected = 0.3 if not goes_on or before is None else before.tape.value("h")[-1, 0, 0]
        assert it.tape.initial("h").ravel().tolist() == [expected]
        assert it.tape.start == it.window.start


def test_what_is_read_ahead_starts_from_its_own_end_in_every_window() -> None:
    ran = iterations(
        session(
            "h = tanh(w * h[t+1] + x)",
            {"w": 0.5},
            data={"inputs": [1, 2, 3, 4]},
            initial={"h": 0.7},
            training={"window": 2},
        )
    )
    for it, last in zip(ran, (2, 4), strict=True):
        assert it.tape.value("h")[-1, 0, 0] == np.tanh(0.5 * 0.7 + last)


def window_of_case(it: Iteration, case: Case) -> Case:
    """What the oracle needs of one iteration, its reduction worked out afresh."""
    start, stop = it.window.start, it.window.stop
    reduction = it.run.reduction
    rows = None if case.y is None else case.y[start:stop]
    present = np.array(
        [[True] * case.B if rows is None else [v is not None for v in rows[t]] for t in range(stop - start)]
    )
    weights = np.ones(present.shape)
    if reduction.batch == "mean":
        weights = weights / case.B
    if reduction.time == "mean":
        weights = weights / max(1, sum(1 for row in present if row.any()))
    initial = {}
    for name in it.run.plan.program.states:
        for back, values in enumerate(it.tape.initial(name)[::-1]):
            scalar = it.run.plan.program.shapes[name] == ()
            initial[f"{name}[-{back}]" if back else name] = values[:, 0] if scalar else values
    # the oracle takes a scalar state for all sequences alike, so one with its own is left to the vectors
    initial = {k: v[0] if v.ndim == 1 else v for k, v in initial.items() if v.ndim == 2 or len(set(v)) == 1}
    return dataclasses.replace(
        case,
        parameters=dict(it.before.parameters),
        T=stop - start,
        x=None if case.x is None else case.x[start:stop],
        y=rows,
        initial=initial,
        weights=weights,
        first=start + 1,
    )


@settings(max_examples=25)
@given(st.data())
def test_every_window_has_the_oracles_gradients(data: st.DataObject) -> None:
    case = data.draw(cases(loss=True, lookahead=False, max_T=4, max_B=1))
    training = {
        "window": data.draw(st.integers(1, 3)),
        "carry": data.draw(st.booleans()),
        "reduction": {kind: data.draw(st.sampled_from(["sum", "mean"])) for kind in ("time", "batch")},
        "optimizer": {"name": "sgd", "learning_rate": 0.05},
    }
    try:
        s = of_case(case, training=training)
    except EngineError as error:
        assert "a target is null" in str(error)
        return
    for it in iterations(s):
        expected = reference.gradients(window_of_case(it, case))
        for name, gradient in expected.parameters.items():
            np.testing.assert_allclose(it.gradients[name], gradient, rtol=1e-8, atol=1e-10)


# ---------------------------------------------------------------- reductions


GAPS = [[1.0, 2.0, None, 4.0], [2.0, None, None, 3.0]]
"""Targets of two sequences: at t = 3 there is none at all."""


@pytest.mark.parametrize("time", ["sum", "mean"])
@pytest.mark.parametrize("batch", ["sum", "mean"])
def test_reductions_by_hand(time: str, batch: str) -> None:
    data = {"sequences": [{"inputs": [1, 2, 3, 4], "targets": row} for row in GAPS], "batch": 2}
    reduction = {"time": time, "batch": batch}
    s = session(
        "p = w * x\nloss = squared_error(p, y)", {"w": 2.0}, data=data, training={"reduction": reduction}
    )
    it = s.run.iteration(s.run.first())
    objective = slope = 0.0
    for row in GAPS:
        for x, y in zip((1, 2, 3, 4), row, strict=True):
            if y is not None:
                objective += (2 * x - y) ** 2
                slope += 2 * (2 * x - y) * x
    share = (1 / 2 if batch == "mean" else 1) * (1 / 3 if time == "mean" else 1)
    assert it.objective == pytest.approx(objective * share, rel=1e-14)
    assert it.gradients["w"] == pytest.approx(slope * share, rel=1e-14)
    per_step = objective * (1 / 2 if batch == "mean" else 1)
    assert it.totals["loss"] == pytest.approx({"sum": per_step, "mean": per_step / 3}, rel=1e-14)


def test_a_loss_that_reads_no_target_counts_where_targets_are_missing() -> None:
    s = session(
        "h = w * x\nloss = h ** 2\nerror = squared_error(h, y)",
        {"w": 0.5},
        data={"inputs": [1, 2], "targets": [1, None]},
        training={"report": ["error"]},
    )
    it = s.run.iteration(s.run.first())
    assert it.gradients["w"] == pytest.approx(2 * 0.5 * (1 + 4))
    assert it.totals["loss"]["sum"] == pytest.approx(0.25 * (1 + 4))
    assert it.totals["error"] == {"sum": 0.25, "mean": 0.25}


def test_where_a_target_is_missing_nothing_is_added_whatever_was_computed_there() -> None:
    s = session(
        "h = w * x\nloss = (h - log(y)) * v + M @ log(y * b) @ b",
        {"w": 0.5, "v": 1.0, "M": [[1.0]], "b": [2.0]},
        data={"inputs": [1, 2], "targets": [1, None]},
    )
    it = s.run.iteration(s.run.first())
    assert it.gradients["v"] == 0.5
    assert np.isfinite(it.objective)
    assert all(np.isfinite(g).all() for g in it.gradients.values())


def test_a_window_without_any_target_has_no_loss() -> None:
    data = {"inputs": [1, 2], "targets": [None, 3]}
    training = {"window": 1, "reduction": {"time": "mean"}}
    first, second = iterations(session(RNN, PARAMETERS, data=data, training=training))
    assert first.objective == 0.0 and not any(first.gradients.values())
    assert second.objective > 0.0


def test_weights_of_the_losses() -> None:
    missing = np.array([[False, False], [True, False], [True, True]])
    assert Reduction("mean", "mean").weights(missing, 3, 2).tolist() == [[0.25, 0.25], [0, 0.25], [0, 0]]
    assert Reduction("sum", "sum").weights(None, 3, 2).tolist() == [[1, 1]] * 3


# ---------------------------------------------------------------- batches, epochs, evaluation


def test_sequences_are_grouped_and_epochs_repeat_them() -> None:
    data = {"sequences": [ladder(4), ladder(4), ladder(4)], "batch": 2}
    s = session(
        RNN, PARAMETERS, data=data, training={"epochs": 2, "window": 3}, evaluate=True, initial={"h": 0.2}
    )
    ran = list(iterations(s))
    assert [(it.tape.B, it.tape.T) for it in ran] == [(2, 3), (2, 1), (1, 3), (1, 1)] * 2
    ending = s.run.ending(ran[-1].after)
    assert ending.tape.B == 3
    np.testing.assert_array_equal(ending.tape.value("h")[:, 0], ending.tape.value("h")[:, 2])


def test_evaluation_takes_initial_states_given_per_sequence_for_every_batch() -> None:
    data = {"sequences": [{"inputs": [[k]]} for k in range(4)], "batch": 2}
    s = session("h = h[t-1] + x", data=data, initial={"h": [[10.0], [20.0]]}, evaluate=True)
    ending = [r for r in records(s) if r["phase"] == "evaluate"]
    assert ending[0]["values"] == {"h": [[10], [21], [12], [23]]}


def test_evaluation_of_unequal_sequences_is_that_of_each_alone() -> None:
    """The shorter one ends where it ends: behind its end it counts for nothing."""
    data = [{"sequences": [ladder(T) for T in lengths]} for lengths in ((2, 3), (2,), (3,))]
    both, *alone = [session(RNN, PARAMETERS, data=d, evaluate=True) for d in data]

    def tape(s: Session) -> Tape:
        [*_, last] = iterations(s)
        return s.run.ending(last.after).tape

    shared = tape(both)
    assert (shared.T, shared.B) == (3, 2)
    losses = []
    for b, s in enumerate(alone):
        own = tape(s)
        np.testing.assert_array_equal(shared.value("h")[: own.T, b], own.value("h")[:, 0])
        losses.append(s.run.totals(own)["loss"]["sum"])
    assert both.run.totals(shared)["loss"]["sum"] == pytest.approx(sum(losses) / 2)


def test_a_run_that_blows_up_goes_on_without_a_warning() -> None:
    training = {
        "optimizer": {"name": "sgd", "learning_rate": 1e300},
        "clip": {"kind": "norm", "limit": 1},
        "epochs": 5,
    }
    s = session("h = u * x * x\nloss = h * h", {"u": 1e200}, data=ladder(2), training=training, evaluate=True)
    last = list(records(s))[-1]
    assert last["totals"]["loss"]["sum"] in ("NaN", "Infinity")
