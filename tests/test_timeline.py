"""Time travel: whatever way one came, the numbers are the same to the bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_engine.observe import observe
from rnn_engine.session import Session
from rnn_engine.timeline import DEFAULT_BUDGET, Cancelled, Timeline
from rnn_engine.trace import records
from rnn_engine.training import training_steps
from rnn_tui.controller import Controller
from tests.build import lesson, same, session, sessions
from tests.strategies import walks

BUDGETS = (0, 3000, DEFAULT_BUDGET)
BITS = lesson("alternating-bits")


def numbers(timeline: Timeline, number: int) -> dict[str, Any]:
    """All numbers of one iteration, to keep: a tape's arrays are used again when it is gone."""
    it = timeline.iteration(number)
    found: dict[str, Any] = {name: it.tape.value(name).copy() for name in it.run.plan.program.equations}
    if it.run.schedule.backward:
        found |= {f"∂{name}": gradient for name, gradient in it.gradients.items()}
    if it.run.rule is not None:
        found |= {f"new {name}": value for name, value in it.update.parameters.items()}
    return found | {"objective": it.objective}


@pytest.mark.parametrize("budget", BUDGETS)
def test_seeking_gives_what_playing_through_gives(budget: int) -> None:
    """Far forward, far back, to and fro: 7800 iterations that each depend on all before."""
    played = Timeline(BITS.run)
    stations = (1, 40, 39, 1000, 999, 998, 2000, 1500, 3, 1501)
    expected = {n: numbers(played, n) for n in sorted(stations)}
    sought = Timeline(BITS.run, budget)
    for number in stations:
        assert same(numbers(sought, number), expected[number])
    assert list(sought.losses(2000)) == list(played.losses(2000))
    assert sought.sums("error", 1, 39) == played.sums("error", 1, 39)


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_budget_is_kept(budget: int) -> None:
    timeline = Timeline(BITS.run, budget)
    timeline.iteration(1200)
    kept = timeline._keyframes
    assert sum(frame.nbytes for number, frame in kept.items() if number > 1) <= budget
    assert 1 in kept
    assert timeline.distance(1200) == 0
    if budget == DEFAULT_BUDGET:
        assert timeline.distance(700) <= 1
    elif budget:
        assert timeline.distance(1100) < 1100, "some keyframe is nearer than the beginning"


def test_a_keyframe_holds_no_tape() -> None:
    """Or the memory budget would be an illusion."""
    timeline = Timeline(lesson("hello").run)
    timeline.iteration(20)
    for frame in timeline._keyframes.values():
        optimizer = [array for group in frame.optimizer for array in group.values()]
        for array in [*frame.parameters.values(), *frame.carried.values(), *optimizer]:
            base = array
            while isinstance(base.base, np.ndarray):
                base = base.base
            assert base.nbytes <= 8 * sum(a.size for a in frame.parameters.values())


def test_a_journey_can_be_stopped_and_taken_up_again() -> None:
    timeline = Timeline(BITS.run)
    asked = iter([False] * 100 + [True])
    with pytest.raises(Cancelled, match="stopped at iteration 101"):
        timeline.iteration(5000, lambda: next(asked))
    assert timeline.distance(101) <= 1
    assert same(numbers(timeline, 150), numbers(Timeline(BITS.run), 150))


# ---------------------------------------------------------------- every kind of session


@given(sessions(), st.sampled_from([0, 1000, DEFAULT_BUDGET]), st.data())
def test_any_order_of_iterations_gives_the_same_bits(s: Session, budget: int, data: st.DataObject) -> None:
    n = s.schedule.iterations
    played = Timeline(s.run)
    expected = [numbers(played, k) for k in range(1, n + 1)]
    sought = Timeline(s.run, budget)
    for k in data.draw(st.lists(st.integers(1, n), max_size=8)):
        assert same(numbers(sought, k), expected[k - 1])


def seen(s: Session) -> Callable[[int, int], tuple[Any, Any]]:
    """What a fresh start shows at an address: nothing was computed before."""
    trace = list(records(s))
    shown: dict[tuple[int, int], tuple[Any, Any]] = {}

    def at(index: int, sequence: int) -> tuple[Any, Any]:
        if (index, sequence) not in shown:
            shown[index, sequence] = observe(s, Timeline(s.run), index, sequence), trace[index]
        return shown[index, sequence]

    return at


@settings(max_examples=25)
@given(sessions(max_T=3), walks(12))
def test_a_walk_shows_at_every_address_what_a_fresh_start_shows(
    s: Session, walk: list[tuple[str, int]]
) -> None:
    """And so stepping back undoes stepping; nothing on the screen depends on the way."""
    controller = Controller(s)
    controller.timeline = Timeline(s.run, 500)
    fresh = seen(s)
    for motion, count in walk:
        controller.move(motion, count)
        snapshot = controller.snapshot
        expected, record = fresh(controller.index, controller.sequence)
        assert same(snapshot, expected)
        assert snapshot.address == record["address"]
        assert snapshot.timeline.index == record["index"]


@pytest.mark.parametrize("name", ["hi-there-class-bptt", "hello"])
def test_there_and_back_again(name: str) -> None:
    """→ through the first two iterations, ← all the way: the same snapshots in reverse."""
    controller = Controller(lesson(name))
    controller.go_to("1")
    out = [controller.snapshot]
    last = controller.schedule.first_after_training(2)
    while controller.index < last:
        assert controller.move("step") == ""
        out.append(controller.snapshot)
    for expected in reversed(out[:-1]):
        assert controller.move("step_back") == ""
        assert same(controller.snapshot, expected)
    assert controller.index == 0


@pytest.mark.parametrize("name", ["hi-there-class-bptt", "alternating-bits", "hello"])
def test_records_from_the_middle_are_those_of_the_whole(name: str) -> None:
    s = lesson(name)
    stop = s.schedule.first_after_training(min(80, s.schedule.iterations)) - 1
    whole = list(records(s, end=str(s.schedule.address(stop))))
    for at in (1, stop // 3, stop - 1):
        assert list(records(s, str(s.schedule.address(at)), str(s.schedule.address(stop)))) == whole[at:]


# ---------------------------------------------------------------- the generator


@settings(max_examples=25)
@given(sessions(max_T=3), st.integers(0, 60))
def test_training_steps_can_be_left_at_any_step(s: Session, stop: int) -> None:
    """A step that was kept stays what it was, whether the others are ever asked for or not."""
    kept = []
    for step in training_steps(s.run):
        kept.append((step, np.array(step.value)))
        if step.number == stop:
            break
    values: Mapping[str, Any] = {r["address"]: r for r in records(s)}
    for step, value in kept:
        assert same(np.array(step.value), value)
        assert values[str(step.address)]["index"] == step.number
    again = [np.array(step.value) for step in training_steps(s.run)]
    assert len(again) == s.schedule.total
    assert same([value for _, value in kept], again[: len(kept)])


def test_draws_are_steps_of_the_generator_too() -> None:
    s = lesson("hello")
    vocabulary = s.dataset.vocabulary
    assert vocabulary is not None
    drawn = [step.value for step in training_steps(s.run) if step.address.equation == "sample"]
    assert "h" + "".join(vocabulary[int(k.item())] for k in drawn) == "hello"


def test_a_session_with_several_sequences_in_several_batches() -> None:
    """Batches of different size, state carried inside of each."""
    data = {"sequences": [{"inputs": [k, k + 1, k + 2], "targets": [0, 1, 0]} for k in range(3)], "batch": 2}
    s = session(
        "h = tanh(w * h[t-1] + x)\nloss = squared_error(h, y)",
        {"w": 0.5},
        data=data,
        training={"window": 2, "epochs": 3, "optimizer": {"name": "momentum", "learning_rate": 0.1}},
        evaluate=True,
    )
    controller, fresh = Controller(s), seen(s)
    controller.timeline = Timeline(s.run, 0)
    for target in (s.schedule.total - 1, 0, 40, 39, 41, 5, 77, 3):
        controller.go_to(f"#{target}")
        for _ in range(3):
            controller.move("sequence")
            assert same(controller.snapshot, fresh(target, controller.sequence)[0])
