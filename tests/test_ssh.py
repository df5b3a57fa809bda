"""Through a real SSH server and a bad line: what is on the screen is never old, and leaving is at once.

Frames and bytes are counted rather than seconds: how many still come after the last key does not depend on how
busy this machine is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_tui.painting.pace import AHEAD, QUESTION
from tests.line import MISSING, SlowLine, command, server
from tests.terminal import WAIT, Program

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

ASKED = QUESTION.encode()
LEFT = b"\x1b[?1049l"
RIGHT = "\x1b[C"
ROUND_TRIP = 0.2
HELD, REPEAT = 60, 1 / 30
"""Keys, and seconds between them, as of a key that is held down."""
STILL_COMING = 2 * AHEAD + 2
"""Frames after the last key: on the way, begun with keys that were on their way, and the last one."""


class Far(Program):
    """The program on the other side of the line, on a terminal that answers as terminals do."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__([], 120, 40, folder, program=command(port, folder, "hi-there-class-bptt"))
        self.received = b""
        self.screen.write_process_input = lambda data: self.type(data)  # type: ignore[method-assign]

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def feed(self, data: bytes) -> None:
        self.received += data
        super().feed(data)

    def hold(self, key: str) -> None:
        """Press a key as often and as fast as a keyboard repeats it, and look meanwhile."""
        begin = time.monotonic()
        for k in range(HELD):
            self.type(key)
            while (left := begin + (k + 1) * REPEAT - time.monotonic()) > 0:
                self.read(left)
        self.received = b""

    def until_no(self, text: str) -> None:
        """Read until this is on the screen no more."""
        end = time.monotonic() + WAIT
        while any(text in line for line in self.lines):
            assert time.monotonic() < end, "\n".join(self.lines)
            self.read(0.1)

    def until_gone(self) -> None:
        """Read until the program has left."""
        end = time.monotonic() + WAIT
        while LEFT not in self.received:
            assert time.monotonic() < end, "\n".join(self.lines)
            self.read(0.1)


@pytest.fixture(params=[256_000, 32_000], ids=["256 kbit/s", "32 kbit/s"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    with server(tmp_path) as port, SlowLine(port, bits_a_second=request.param, round_trip=ROUND_TRIP) as line:
        program = Far(line.port, tmp_path)
        try:
            program.until("1:forward:1:a")
            yield program
        finally:
            program.close()


def test_held_keys_are_all_done_and_old_frames_never_shown(far: Far) -> None:
    far.hold(RIGHT)
    far.until(f"step {HELD + 1}/")
    assert far.received.count(ASKED) <= STILL_COMING


def test_leaving_is_at_once_whatever_was_asked_before(far: Far) -> None:
    far.hold(RIGHT)
    far.type("q")
    far.until_gone()
    assert far.received.count(ASKED) <= STILL_COMING


def test_playing_stops_at_once(far: Far) -> None:
    far.type("++++ ")
    far.until("playing")
    while far.received.count(ASKED) < 20:
        far.read(0.1)
    far.type("\x03")
    far.received = b""
    far.until_no("playing")
    assert far.received.count(ASKED) <= STILL_COMING
