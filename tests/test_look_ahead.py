"""What the last motion shows next is ready before its key comes, and it is what would have been found anyway."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_engine import observe as engine
from rnn_engine.session import Session
from rnn_engine.snapshot import Snapshot
from rnn_tui import controller as module
from rnn_tui.controller import Controller
from rnn_tui.screens.driver import Driver
from tests.build import lesson, same, sessions
from tests.strategies import walks


@given(sessions(max_T=3), walks(), st.data())
def test_who_looks_ahead_sees_the_same(s: Session, walk: list[tuple[str, int]], data: st.DataObject) -> None:
    looks, plain = Controller(s), Controller(s)
    for motion, count in walk:
        assert looks.move(motion, count) == plain.move(motion, count)
        if data.draw(st.booleans()):
            looks.look_ahead()
        assert looks.place == plain.place
        assert same(looks.snapshot, plain.snapshot)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """The places that were observed."""
    seen: list[tuple[int, int, int]] = []

    def observe(session: Session, timeline: Any, *place: int) -> Snapshot:
        seen.append(place)  # type: ignore[arg-type]  # three of them
        return engine.observe(session, timeline, *place)

    monkeypatch.setattr(module, "observe", observe)
    return seen


def test_the_next_step_of_the_same_motion_is_ready(places: list[tuple[int, int, int]]) -> None:
    c = Controller(lesson("hello"))
    for motion, first, second in (("step", 1, 2), ("time", 7, 12), ("time_back", 7, 2), ("step_back", 1, 0)):
        assert c.move(motion) == ""
        _ = c.snapshot
        assert c.index == first
        c.look_ahead()
        places.clear()
        assert c.move(motion) == ""
        _ = c.snapshot
        assert (c.index, places) == (second, []), motion


def test_nothing_is_computed_beyond_the_phase(places: list[tuple[int, int, int]]) -> None:
    c = Controller(lesson("hello"))
    phase = c.schedule.phases(1)[0]
    last = phase.first + len(phase.stops) - 1
    assert c.go_to(f"#{last - 1}") == ""
    c.look_ahead()
    assert (last, 0, 0) in places
    c.move("step")
    places.clear()
    _ = c.snapshot
    c.look_ahead()
    assert places == [], "the way back is computed when it is asked for"


def test_an_edit_or_a_mark_is_seen_at_once() -> None:
    c = Controller(lesson("hello"))
    c.move("step")
    c.look_ahead()
    assert c.edit(("weights", "W_xh", 0, 0), "0.5") == ""
    assert c.snapshot.panes["weights"][0].values[0, 0] == 0.5
    c.move("step")
    assert c.snapshot.panes["weights"][0].values[0, 0] == 0.5
    c.look_ahead()
    c.move("step")
    c.add_mark("here")
    assert c.snapshot.timeline.marks


async def test_the_driver_looks_ahead_in_a_pause_and_not_after_its_end() -> None:
    looked, thread = threading.Event(), []

    def look_ahead() -> None:
        thread.append(threading.current_thread().name)
        looked.set()

    driver = Driver(lambda: None, lambda said: None, look_ahead)
    loop = asyncio.get_running_loop()
    serving = loop.create_task(driver.run())
    assert await driver.submit(lambda: "done") == "done"
    assert not looked.is_set(), "first the screen is painted"
    assert await loop.run_in_executor(None, looked.wait, 30)
    assert thread[0].startswith("controller")
    looked.clear()
    await driver.submit(lambda: "")
    await driver.settled()
    pause = driver._pause
    assert pause is not None
    assert not pause.cancelled()
    driver.submit(lambda: "")
    assert pause.cancelled(), "a request comes first"
    driver.close()
    serving.cancel()
