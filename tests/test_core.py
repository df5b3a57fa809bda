"""The core against the oracle, on random texts of the language."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from rnn_engine.core.passes import forward
from rnn_engine.core.steps import Step, Stops
from tests import reference
from tests.engine import run, signal, states
from tests.reference import Case
from tests.strategies import cases


def close(actual: object, expected: object) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)  # type: ignore[call-overload]  # arrays


@given(cases())
def test_every_value_is_the_oracles(case: Case) -> None:
    tape = run(case)
    expected = reference.forward(case)
    for (t, b, name), value in expected.items():
        undefined = tape.missing is not None and name in tape.plan.program.reads_target
        if value is None:
            assert undefined and tape.missing is not None and tape.missing[t - case.first, b]
        else:
            close(tape.value(name)[t - case.first, b], np.reshape(value, -1))


@given(cases(loss=True))
def test_every_gradient_is_the_oracles(case: Case) -> None:
    tape = run(case)
    expected = reference.gradients(case)
    for name, gradient in expected.parameters.items():
        close(tape.parameter_gradients[name], gradient)
    for (t, b, name), gradient in expected.values.items():
        close(tape.gradient(name)[t - case.first, b], np.reshape(gradient, -1))
    for (b, key), gradient in expected.initial.items():
        name, _, depth = key.partition("[")
        back = -int(depth[:-1]) if depth else 0
        close(tape.initial_gradient(name)[-1 - back, b], np.reshape(gradient, -1))
    stops = {name for _, names in tape.plan.backward_order for name in names}
    assert stops == {name for _, _, name in expected.values}


@given(cases(loss=True))
def test_what_arrives_and_what_is_added_make_up_the_gradients(case: Case) -> None:
    """What a step shows of its origin sums, in the order shown, to the gradient: to the bit for values."""
    tape = run(case)
    totals = {name: np.zeros(shape) for name, shape in tape.plan.program.parameters.items()}
    for place, equation in Stops(tape.plan.backward_order, tape.T):
        step = Step(tape, "backward", place, equation)
        arrived = list(step.arrived.values())
        if arrived and equation != "loss":
            total = arrived[0]
            for part in arrived[1:]:
                total = total + part
            assert np.array_equal(total, step.gradient)
        elif equation != "loss":
            assert not step.gradient.any()
        for name, part in step.adds.items():
            totals[name] += part
    for name, total in totals.items():
        close(total, tape.parameter_gradients[name])


@given(cases(loss=True))
def test_a_second_run_gives_the_same_bits(case: Case) -> None:
    first, second = run(case), run(case)
    for name in first.plan.program.equations:
        assert first.value(name).tobytes() == second.value(name).tobytes()
    for name, gradient in first.parameter_gradients.items():
        assert gradient.tobytes() == second.parameter_gradients[name].tobytes()


@given(cases())
def test_stops_are_all_places_once_and_in_reach_of_what_they_read(case: Case) -> None:
    """Walking in the order of the stops, every equation finds what it reads already walked."""
    plan = run(case).plan
    stops = Stops(plan.program.order, case.T)
    walked: set[tuple[int, str]] = set()
    for i in range(len(stops)):
        place, name = stops[i]
        assert stops.find(place, name) == i
        for read in plan.program.equations[name].reads:
            there = place + read.offset
            if read.kind == "equation" and 0 <= there < case.T:
                assert (there, read.name) in walked
        walked.add((place, name))
    assert len(walked) == len(stops) == case.T * len(plan.program.equations)


@given(cases(lookahead=False, loss=True))
def test_windows_that_carry_the_state_give_the_values_of_one_window(case: Case) -> None:
    tape = run(case)
    plan = tape.plan
    x, y = signal(case.x, case.x_vocabulary), signal(case.y, case.y_vocabulary)
    carried = states(case, plan)
    for t in range(case.T):
        part = forward(
            plan,
            case.parameters,
            None if x is None else x.window(t, t + 1),
            None if y is None else y.window(t, t + 1),
            T=1,
            B=case.B,
            initial=carried,
            start=t,
        )
        carried = {name: part.final(name) for name in plan.program.delays}
        for name in plan.program.equations:
            close(part.value(name)[0], tape.value(name)[t])
