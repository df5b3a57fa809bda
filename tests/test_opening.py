"""The start: a lesson's front at once, the session behind it; a file is checked before the terminal is used."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_engine.errors import EngineError
from rnn_tui.app import RnnTuiApp
from rnn_tui.screens.opening import Front, OpeningScreen
from rnn_tui.screens.session import SessionScreen
from rnn_tui.terminal import TerminalSettings
from tests.fake_controller import LESSONS, FakeController
from tests.terminal import Program

RIGHT = "\x1b[C"
LESSON = LESSONS[0]


class Opening:
    """An app that opens a lesson, which is ready when the test says so."""

    def __init__(self, *, refused: str = "") -> None:
        self.ready = threading.Event()
        self._refused = refused
        self.app = RnnTuiApp(
            None, LESSONS, open_session=self._open, terminal=TerminalSettings(), opening=LESSON
        )

    def _open(self, name: str) -> FakeController:
        assert self.ready.wait(20)
        if self._refused:
            raise EngineError(self._refused)
        return FakeController(title=f"opened {name}")


async def test_the_front_is_there_before_the_session_and_keys_are_kept() -> None:
    opening = Opening()
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
    opening = Opening()
    async with opening.app.run_test() as pilot:
        await pilot.press(key)
        opening.ready.set()
    assert not opening.app.refusal
    assert opening.app.return_code == 0


async def test_a_lesson_that_cannot_be_opened_leaves_with_the_reason() -> None:
    opening = Opening(refused="hello.json: no such thing")
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
