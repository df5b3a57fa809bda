"""The oracle against hand-computed numbers, published conventions and finite differences."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.reference import Case, forward, fused, gradients, needed, parse, reads, stops
from tests.strategies import cases, gap, windows

LESSONS: dict[str, Any] = json.loads(
    Path(__file__).with_name("fixtures").joinpath("worked-examples.json").read_text("utf-8")
)["lessons"]


def lesson(name: str) -> Case:
    """A worked example as a case."""
    source = LESSONS[name]
    words = source.get("vocabulary")
    x, y = (
        [[words.index(v) if words else v] for v in source[key]] if key in source else None
        for key in ("inputs", "targets")
    )
    return Case(
        equations=tuple(source["equations"]),
        parameters=arrays(source["parameters"]),
        T=len(source["inputs"]),
        x=x,
        y=y,
        x_vocabulary=len(words) if words else None,
        y_vocabulary=len(words) if words and y else None,
    )


def arrays(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.array(value, dtype=float) for name, value in numbers.items()}


def same(actual: Any, expected: Any) -> None:
    """Equal but for rounding."""
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


def case(*equations: str, T: int = 1, **parameters: Any) -> Case:
    return Case(equations, arrays(parameters), T)


def series(case: Case, name: str) -> list[Any]:
    """One value over time, of the first sequence."""
    values = forward(case)
    return [None if (v := values[t, 0, name]) is None else v.tolist() for t in range(1, case.T + 1)]


@pytest.mark.parametrize("name", ["hi-there", "hi-there-class-bptt"])
def test_worked_values(name: str) -> None:
    exact, values = LESSONS[name]["exact"], forward(lesson(name))
    for equation, over_time in exact["values"].items():
        for t, value in enumerate(over_time, 1):
            same(values[t, 0, equation], value)
    for equation, value in exact.get("last", {}).items():
        same(values[lesson(name).T, 0, equation], value)


def test_worked_gradients() -> None:
    exact, result = LESSONS["hi-there-class-bptt"]["exact"], gradients(lesson("hi-there-class-bptt"))
    for name, gradient in exact["gradients"].items():
        same(result.parameters[name], gradient)
    for name in "zha":
        for t, gradient in enumerate(exact["backward"][name], 1):
            same(result.values[t, 0, name], gradient)
    same(result.initial[0, "h"], exact["backward"]["to_previous_h"][0])
    assert {name for _, _, name in result.values} == {"a", "h", "z", "loss"}


def test_worked_training_with_windows_of_one_step() -> None:
    source, whole = LESSONS["alternating-bits"], lesson("alternating-bits")
    assert whole.x is not None
    assert whole.y is not None
    parameters = dict(whole.parameters)
    for expected in source["exact"]["epoch_squared_error"][:3]:
        state, total = np.array(0.0), 0.0
        for t in range(1, whole.T + 1):
            window = dataclasses.replace(
                whole,
                parameters=parameters,
                T=1,
                first=t,
                x=whole.x[t - 1 : t],
                y=whole.y[t - 1 : t],
                initial={"h": state},
            )
            values, slopes = forward(window), gradients(window).parameters
            carried, loss = values[t, 0, "h"], values[t, 0, "loss"]
            assert carried is not None
            assert loss is not None
            state, total = carried, total + 2 * float(loss)
            rate = source["training"]["learning_rate"]
            parameters = {name: value - rate * slopes[name] for name, value in parameters.items()}
        assert total == pytest.approx(expected, rel=1e-12)


def test_delays_and_sweeps() -> None:
    fibonacci = Case(("f = f[t-1] + f[t-2]",), {}, 6, initial=arrays({"f": 1}))
    assert series(fibonacci, "f") == [1, 2, 3, 5, 8, 13]
    assert series(Case(("s = t + s[t+1]",), {}, 4), "s") == [10, 9, 7, 4]
    assert series(Case(("s = s[t+2]",), {}, 3, initial=arrays({"s": 5, "s[-1]": 7})), "s") == [7, 5, 7]
    assert series(case("d = n[t+1] - n[t-1]", "n = t", T=3), "d") == [2, 2, -2]
    logistic = Case(("v = r * v[t-1] * (1 - v[t-1])",), arrays({"r": 4}), 2, initial=arrays({"v": 0.25}))
    assert series(logistic, "v") == [0.75, 0.75]


def test_initial_states_per_sequence_and_shared() -> None:
    shared, own = ({"h": np.array(h, dtype=float)} for h in ([1, 2], [[1, 2], [3, 4]]))
    double = Case(("h = 2 * h[t-1]", "loss = sum(h)"), {}, 2, B=2)
    np.testing.assert_array_equal(forward(dataclasses.replace(double, initial=shared))[2, 1, "h"], [4, 8])
    np.testing.assert_array_equal(forward(dataclasses.replace(double, initial=own))[2, 1, "h"], [12, 16])
    np.testing.assert_array_equal(gradients(dataclasses.replace(double, initial=own)).initial[1, "h"], [6, 6])


def test_functions() -> None:
    wide = case(
        "out = concat(relu(v), abs(v), clip(v, -1, 1), v ** 2, -v / 4)",
        "few = concat(v @ v, sum(v), mean(v), max(v), min(v), max(v @ v, 2 - 1))",
        v=[-2, 3],
    )
    assert series(wide, "out") == [[0, 3, 2, 3, -1, 1, 4, 9, 0.5, -0.75]]
    assert series(wide, "few") == [[13, 1, 0.5, 3, -2, 13]]
    even = case("p = softmax(v)", "q = sigmoid(v)", "e = sqrt(exp(log(v + 4)))", v=[0, 0])
    assert series(even, "p") == [[0.5, 0.5]] == series(even, "q")
    same(series(even, "e"), [[2, 2]])


def test_losses() -> None:
    some = case(
        "ce = cross_entropy(p, 1)",
        "bce = binary_cross_entropy(p, v)",
        "se = squared_error(p, v)",
        "half = half_squared_error(p, v)",
        p=[0.75, 0.25],
        v=[1, 0],
    )
    assert series(some, "ce") == pytest.approx([np.log(4)])
    assert series(some, "bce") == pytest.approx([2 * np.log(4 / 3)])
    assert (series(some, "se"), series(some, "half")) == ([0.125], [0.0625])


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("sum(relu(v))", [0, 0, 1]),
        ("sum(abs(v))", [0, 0, 1]),
        ("max(-v)", [-1, 0, 0]),
        ("min(v)", [1, 0, 0]),
        ("sum(max(v, 0))", [1, 1, 1]),
        ("sum(max(0, v))", [0, 0, 1]),
        ("sum(clip(v, 0, 1))", [1, 1, 1]),
        ("sum(clip(v, 0.5, 0.75))", [0, 0, 0]),
    ],
)
def test_gradient_at_kinks(loss: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(gradients(case(f"loss = {loss}", v=[0, 0, 1])).parameters["v"], expected)


def test_shapes_are_strict() -> None:
    for text in ("one + two", "two * M", "M @ two", "M @ 2", "two @ one", "max(one, two)"):
        with pytest.raises(ValueError, match="shapes"):
            forward(case(f"a = {text}", one=[1], two=[1, 2], M=[[1, 2, 3]]))
    with pytest.raises(ValueError, match="real"):
        forward(case("a = log(w)", w=-1))


def test_a_missing_target_has_no_loss_and_sends_nothing() -> None:
    some = Case(("e = w - y", "loss = e ** 2"), arrays({"w": 3}), 2, y=[[None], [1.0]])
    assert series(some, "loss") == [None, 4]
    result = gradients(some)
    assert result.parameters["w"] == 4
    assert [result.values[t, 0, "loss"] for t in (1, 2)] == [0, 1]


@pytest.mark.parametrize(
    ("equations", "expected"),
    [
        (("p = softmax(z)", "loss = cross_entropy(p, 0)"), {"z", "loss"}),
        (("p = softmax(z * 1)", "loss = 2 * cross_entropy(p, 0)"), {"z", "p", "loss"}),
        (("p = softmax(z)", "loss = cross_entropy(p, 0) + p @ p"), {"z", "p", "loss"}),
        (("p = softmax(z)", "other = p @ p", "loss = cross_entropy(p, 0)"), {"z", "loss"}),
        (("p = softmax(z[t-1])", "loss = cross_entropy(p, 0)"), {"z", "loss"}),
        (("p = softmax(v)", "loss = cross_entropy(p, 0)"), {"p", "loss"}),
        (("p = sigmoid(z)", "loss = binary_cross_entropy(p, 0)"), {"z", "loss"}),
    ],
)
def test_stops_of_the_backward_phase(equations: tuple[str, ...], expected: set[str]) -> None:
    assert set(stops(parse(("z = v", *equations)))) == expected


def test_a_fused_softmax_shows_the_gradient_of_its_argument() -> None:
    result = gradients(case("p = softmax(v * 1)", "loss = cross_entropy(p, 0)", v=[0, 0]))
    same(result.values[1, 0, "p"], [-0.5, 0.5])
    plain = gradients(case("p = softmax(v * 1)", "loss = cross_entropy(p, 0) + 0 * sum(p)", v=[0, 0]))
    same(plain.values[1, 0, "p"], [-2, 0])
    same(plain.parameters["v"], result.parameters["v"])


@settings(max_examples=60, deadline=None)
@given(cases(loss=True), st.integers(0, 2**16))
def test_finite_differences(case: Case, seed: int) -> None:
    """Along a random direction through all parameters and initial states at once."""
    assume(gap(case) > 1e-4)
    random, result = np.random.default_rng(seed), gradients(case)
    w, h = (
        {k: random.normal(size=np.shape(v)) for k, v in d.items()} for d in (case.parameters, case.initial)
    )

    def objective(step: float) -> float:
        moved = dataclasses.replace(
            case,
            parameters={k: v + step * w[k] for k, v in case.parameters.items()},
            initial={k: v + step * h[k] for k, v in case.initial.items()},
        )
        weights = np.ones((case.T, case.B)) if case.weights is None else case.weights
        losses = ((t, b, v) for (t, b, name), v in forward(moved).items() if name == "loss" and v is not None)
        return float(sum(weights[t - 1, b] * v for t, b, v in losses))

    expected = sum(float((result.parameters[k] * d).sum()) for k, d in w.items())
    for (b, k), gradient in result.initial.items():
        if k in h:
            expected += float((gradient * (h[k][b] if h[k].ndim == 2 else h[k])).sum())
    assert (objective(1e-6) - objective(-1e-6)) / 2e-6 == pytest.approx(expected, rel=1e-6, abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(cases(loss=True), st.data())
def test_a_value_s_gradient_is_that_of_something_added_to_it(case: Case, data: st.DataObject) -> None:
    parsed = parse(case.equations)
    name = data.draw(st.sampled_from([n for n in needed(parsed) if n not in fused(parsed)]))
    t = data.draw(st.integers(1, case.T))
    added = f" + bump * max(0, 1 - abs(t - {t}))"
    bumped = dataclasses.replace(
        case,
        equations=tuple(text + added if text.startswith(f"{name} =") else text for text in case.equations),
        parameters={**case.parameters, "bump": np.array(0.0)},
    )
    before = gradients(case).values
    expected = sum(float(before[t, b, name].sum()) for b in range(case.B))
    assert gradients(bumped).parameters["bump"] == pytest.approx(expected, rel=1e-12, abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_random_sessions_are_valid(case: Case) -> None:
    parsed = parse(case.equations)
    read = {name for tree in parsed.values() for name, _ in reads(tree)}
    given = set(case.parameters) | {name for name in ("x", "y") if getattr(case, name) is not None}
    assert given <= read <= given | set(parsed) | {"t"}
    assert 1 <= len(parsed) == len(case.equations) <= 6
    assert all(value is None or np.isfinite(value).all() for value in forward(case).values())


@given(st.integers(1, 9).flatmap(lambda T: st.tuples(st.just(T), windows(T))))
def test_windows_make_up_the_whole(drawn: tuple[int, tuple[int, ...]]) -> None:
    T, lengths = drawn
    assert sum(lengths) == T
    assert min(lengths) >= 1
