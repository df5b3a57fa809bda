"""The run as arithmetic: every index has one address and every address one index."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine.core.steps import Stops, Sweeps
from rnn_engine.errors import AddressError
from rnn_engine.schedule import PHASES, Address, Schedule, UpdateStops, windows_of_epoch
from tests.build import lesson, session
from tests.strategies import Draw

NAMES = ("a", "h", "z", "p", "loss")


@st.composite
def sweeps(draw: Draw) -> Sweeps:
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 5))]
    cut = draw(st.integers(0, len(names)))
    parts = [tuple(names[:cut]), tuple(names[cut:])]
    return tuple((draw(st.sampled_from([1, -1])), part) for part in parts if part)


@st.composite
def schedules(draw: Draw) -> Schedule:
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    windows = windows_of_epoch(lengths, draw(st.sampled_from([None, 1, 2, 3])), True, draw(st.booleans()))
    has_loss = draw(st.booleans())
    update = None
    if has_loss and draw(st.booleans()):
        frozen = frozenset(draw(st.sets(st.sampled_from(["W", "b"]))))
        update = UpdateStops(("W", "b", "s"), frozen, draw(st.sampled_from([("w",), ("g", "v", "w")])))
    ending = st.none() | st.builds(Stops, sweeps(), st.integers(1, 4))
    return Schedule(
        windows=windows,
        iterations=draw(st.integers(1, 7)),
        forward=draw(sweeps()),
        backward=draw(sweeps()) if has_loss else (),
        update=update,
        evaluate=draw(ending),
        generate=draw(ending),
    )


@given(schedules())
def test_index_and_address_are_one_to_one(schedule: Schedule) -> None:
    addresses = [schedule.address(i) for i in range(schedule.total)]
    assert len({str(a) for a in addresses}) == schedule.total
    for i, address in enumerate(addresses):
        assert schedule.index(address) == i
        assert schedule.span(str(address)) == range(i, i + 1)
        phase = schedule.phase(i)
        assert phase.iteration == address.iteration and phase.name == address.phase
        assert phase.find(address.place, address.equation) == i
        assert (address.t is None) == (address.phase == "update")


@given(schedules())
def test_phases_follow_each_other_without_a_gap(schedule: Schedule) -> None:
    """In the order of a run; the last ones belong to the last iteration alone."""
    following = 0
    for iteration in range(1, schedule.iterations + 1):
        phases = schedule.phases(iteration)
        assert [PHASES.index(p.name) for p in phases] == sorted(PHASES.index(p.name) for p in phases)
        for phase in phases:
            assert phase.first == following
            assert iteration == schedule.iterations or phase.name not in ("evaluate", "generate")
            following += len(phase.stops)
        if iteration < schedule.iterations:
            assert schedule.first_after_training(iteration) == following
    assert following == schedule.total


@given(schedules())
def test_partial_addresses_cover_all_that_they_match(schedule: Schedule) -> None:
    addresses = [schedule.address(i) for i in range(schedule.total)]
    for address in addresses:
        parts = str(address).split(":")
        for n in (1, 2, 3):
            partial = ":".join(parts[:n])
            covered = schedule.span(partial)
            matching = [i for i, a in enumerate(addresses) if str(a).split(":")[:n] == parts[:n]]
            assert covered == range(min(matching), max(matching) + 1)
            if n < 3:
                assert len(covered) == len(matching)


@given(schedules())
def test_epochs_and_windows(schedule: Schedule) -> None:
    count = len(schedule.windows)
    for iteration in range(1, schedule.iterations + 1):
        assert schedule.epoch(iteration) == (iteration + count - 1) // count
        assert schedule.window(iteration) == schedule.windows[(iteration - 1) % count]
        assert schedule.ends_epoch(iteration) == (iteration % count == 0)
        forward = schedule.phases(iteration)[0]
        places = {forward.address(i).t for i in range(len(forward.stops))}
        window = schedule.window(iteration)
        assert places == set(range(window.start + 1, window.stop + 1)), "t is the position in the sequence"
    assert schedule.epochs == schedule.epoch(schedule.iterations)


@given(sweeps(), st.integers(1, 6))
def test_stops_and_their_numbers(order: Sweeps, T: int) -> None:
    stops = Stops(order, T)
    found = list(stops)
    assert len(found) == len(stops) == len(set(found))
    for i, (place, name) in enumerate(found):
        assert stops.find(place, name) == i
    assert stops.find(T, found[0][1]) is None
    assert stops.find(-1, found[0][1]) is None
    assert stops.find(0, "nothing") is None
    with pytest.raises(IndexError):
        stops[len(stops)]


SCHEDULE = lesson("hi-there-class-bptt").schedule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no address; expected iteration:phase:t:equation"),
        ("x", "no address"),
        (":", "no address"),
        ("-1:forward", "no address"),
        ("1.5", "no address"),
        ("1:forward:1:h:h", "no address"),
        ("9" * 30, "no address"),
        ("0", "there is no iteration 0; expected 1 to 20"),
        ("21:forward:1:a", "there is no iteration 21; expected 1 to 20"),
        ("1:sideways", "iteration 1 has no phase 'sideways'; expected forward, backward, update"),
        ("1:evaluate", "has no phase 'evaluate'"),
        ("1:forward:0", "there is no time step 0 here; expected 1 to 4"),
        ("1:forward:5:h", "there is no time step 5 here; expected 1 to 4"),
        ("1:forward:h:1", "there is no time step h here"),
        ("1:forward:-1:h", "there is no time step -1 here"),
        ("1:forward:1:q", "the forward phase has no stop 'q'; expected a, h, z, p, loss"),
        ("1:backward:1:p", "the backward phase has no stop 'p'"),
        ("1:update:nope:w", "there is no parameter 'nope'; expected W_xh, W_hh, b_h, W_hy, b_y"),
        ("1:update:W_xh:v", "the update phase has no stop 'v'; expected w"),
    ],
)
def test_addresses_that_do_not_exist(text: str, words: str) -> None:
    """The message says what was expected."""
    with pytest.raises(AddressError, match=re.escape(words)):
        SCHEDULE.span(text)


@pytest.mark.parametrize("index", [-1, SCHEDULE.total])
def test_indices_that_do_not_exist(index: int) -> None:
    with pytest.raises(AddressError, match=f"expected 0 to {SCHEDULE.total - 1}"):
        SCHEDULE.phase(index)


def test_an_address_of_each_phase() -> None:
    schedule = lesson("hello").schedule
    assert str(schedule.address(0)) == "1:forward:1:a"
    assert str(schedule.address(schedule.total - 1)) == "60:generate:4:sample"
    first, last = (schedule.span(f"60:update:b_y:{equation}").start for equation in ("g", "w"))
    assert schedule.span("60:update:b_y") == range(first, last + 1)
    assert schedule.index(Address(1, "update", "W_xh", "g")) == schedule.span("1:update").start


def test_a_very_long_run_is_laid_out_at_once() -> None:
    """Nothing is computed or stored per step."""
    s = session(
        "h = w * h[t-1]\nloss = h",
        {"w": 1.0},
        training={"iterations": 100_000, "optimizer": {"name": "sgd", "learning_rate": 1}},
        data={"steps": 100},
    )
    schedule = s.schedule
    assert schedule.total == 100_000 * (200 + 200 + 1)
    middle = schedule.address(schedule.total // 2)
    assert schedule.index(middle) == schedule.total // 2


def test_a_run_that_stops_in_the_middle_of_an_epoch_is_evaluated() -> None:
    s = session(
        "h = h[t-1] + x", data={"inputs": [1, 2, 3]}, training={"window": 1, "iterations": 5}, evaluate=True
    )
    schedule = s.schedule
    assert schedule.epochs == 2
    assert [str(schedule.address(i)) for i in range(4, 8)] == [
        "5:forward:2:h",
        "5:evaluate:1:h",
        "5:evaluate:2:h",
        "5:evaluate:3:h",
    ]
