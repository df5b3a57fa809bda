"""The start: a front at once, the session behind it; what is no replay is refused before the terminal is used."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_engine.errors import EngineError
from rnn_tui.app import RnnTuiApp
from rnn_tui.protocols import Opening
from rnn_tui.screens.opening import Front, OpeningScreen
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings
from tests.fake_controller import LESSONS, FakeController
from tests.terminal import Program

RIGHT = "\x1b[C"
LESSON = LESSONS[0]


def no_other(name: str) -> FakeController:
    raise AssertionError(name)


class Slow:
    """An app that opens a lesson, which is ready when the test says so."""

    def __init__(self, *, refused: str = "", summary: str = LESSON.summary) -> None:
        self.ready = threading.Event()
        self._refused = refused
        self.app = RnnTuiApp(
            None, LESSONS, open_session=no_other, terminal=TerminalSettings(),
            opening=Opening(LESSON.title, summary, self._open),
        )  # fmt: skip

    def _open(self) -> FakeController:
        assert self.ready.wait(20)
        if self._refused:
            raise EngineError(self._refused)
        return FakeController(title="opened")


async def test_the_front_is_there_before_the_session_and_keys_are_kept() -> None:
    opening = Slow()
    async with opening.app.run_test(size=(80, 24)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, OpeningScreen)
        front = screen.query_one(Front).text()
        assert LESSON.title in front
        assert "opening …" in front
        await pilot.press("right", "2", "right")
        opening.ready.set()
        while not isinstance(pilot.app.screen, SessionScreen) or not pilot.app.screen.settled:
            await pilot.pause()
        await pilot.pause()
        await pilot.app.screen.driver.settled()
        assert pilot.app.screen.snapshot.timeline.index == 3


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_one_can_leave_while_it_opens(key: str) -> None:
    opening = Slow()
    async with opening.app.run_test() as pilot:
        await pilot.press(key)
        opening.ready.set()
    assert not opening.app.refusal
    assert opening.app.return_code == 0


async def test_a_lesson_that_cannot_be_opened_leaves_with_the_reason() -> None:
    opening = Slow(refused="hello.json: no such thing")
    async with opening.app.run_test() as pilot:
        opening.ready.set()
        while not opening.app.refusal:
            await pilot.pause()
    assert opening.app.refusal == "hello.json: no such thing"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Program]:
    program = Program(["hello"], 100, 32, tmp_path)
    yield program
    program.close()


def test_keys_typed_before_there_is_a_screen_are_kept(terminal: Program) -> None:
    os.write(terminal.fd, (RIGHT * 3).encode())
    terminal.until("step 4/")


def test_a_bad_file_is_refused_before_the_terminal_is_used(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    program = Program(["bad.json"], 100, 32, tmp_path)
    written = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while data := os.read(program.fd, 65536):
            written += data
    program.close()
    assert written.startswith(b"rnn-tui: bad.json")
    assert written.count(b"\n") == 1
    assert b"\x1b" not in written


def file_of(folder: Path, *equations: str) -> None:
    """A session of one weight, which opens where the equations fit it."""
    document = {
        "format": "rnn-tui-replay", "version": [0, 1], "title": "One weight", "equations": equations,
        "notes": "It doubles. Then more.", "data": {"steps": 2}, "parameters": {"w": 2.0},
    }  # fmt: skip
    (folder / "own.json").write_text(json.dumps(document), encoding="utf-8")


def test_a_file_has_its_title_on_the_screen_before_the_session(tmp_path: Path) -> None:
    file_of(tmp_path, "h = w * t")
    program = Program(["own.json"], 100, 32, tmp_path)
    program.until("step 1/")
    program.close()
    front = bytes(program.bytes).partition(b"step 1/")[0]
    assert b"One weight" in front
    assert b"It doubles." in front


def test_what_does_not_fit_together_is_said_on_the_terminal_as_it_was(tmp_path: Path) -> None:
    file_of(tmp_path, "h = w * q")
    program = Program(["own.json"], 100, 32, tmp_path)
    code = program.code()
    program.close()
    assert code == 2
    _, left, said = bytes(program.bytes).rpartition(b"\x1b[?1049l")
    assert left
    assert said.count(b"rnn-tui: own.json") == 1
    assert b"$.equations[0]" in said


async def test_long_notes_of_a_file_cost_the_front_nothing() -> None:
    opening = Slow(summary="no full stop " * 70_000)
    async with opening.app.run_test(size=(80, 24)) as pilot:
        assert "no full stop" in pilot.app.screen.query_one(Front).text()
        opening.ready.set()
